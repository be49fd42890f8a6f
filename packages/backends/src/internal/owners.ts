/**
 * The names by which storages of this process hold locks on shards. The storage of messages asks for them: it reads only what a runner of this process may
 * deliver, and does not know that runner.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { ObjectId } from "mongodb"

const owners = new Map<string, Set<string>>()

/**
 * Makes a name that no other storage of any process has, for as long as the scope lives.
 *
 * @internal
 */
export const newOwner = (locks: string): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const owner = new ObjectId().toHexString()
      owners.set(locks, (owners.get(locks) ?? new Set()).add(owner))
      return owner
    }),
    (owner) =>
      Effect.sync(() => {
        const left = owners.get(locks)!
        left.delete(owner)
        if (left.size === 0) owners.delete(locks)
      })
  )

/**
 * The names of this process for the locks of a collection. It has none if its locks are in memory.
 *
 * @internal
 */
export const ownersOf = (locks: string): ReadonlyArray<string> => [...owners.get(locks) ?? []]
