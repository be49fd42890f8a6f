/**
 * Tasks at the same time: those of one key go one after the other, in order.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Driver from "mongodb"

/** How many events may have begun for each one that is handled at a time: while one takes long, so many others go on. */
const roomForEach = 16

/**
 * The document of an event, as a text. None if the event has no document, or an `_id` that BSON does not know. Numbers that MongoDB
 * holds for equal have one text.
 *
 * @internal
 */
export const documentOf = (event: unknown): string | undefined => {
  if (Result.isResult(event)) return Result.isSuccess(event) ? documentOf(event.success) : undefined
  const { documentKey } = event as { readonly documentKey?: Driver.Document | null }
  if (documentKey === undefined || documentKey === null || !("_id" in documentKey)) return undefined
  const id: unknown = documentKey["_id"]
  if (typeof id === "string") return `string ${id}`
  if (
    typeof id === "number" || typeof id === "bigint" || id instanceof Driver.Long || id instanceof Driver.Int32 ||
    id instanceof Driver.Double || id instanceof Driver.Decimal128
  ) {
    // Several large numbers may share a text. They then wait for each other without need.
    return `number ${Number(id)}`
  }
  try {
    return Buffer.from(Driver.BSON.serialize({ id })).toString("latin1")
  } catch {
    return undefined
  }
}

/**
 * Runs tasks at the same time, at most `concurrency`, as long as the scope lives. A task succeeds with the number of tasks that have come
 * to their end by it, in the order of their beginnings: so a task that takes long stops the others after a while.
 *
 * @internal
 */
export const makeLanes = <E, R>(concurrency: number): Effect.Effect<
  {
    /** Runs a task after the earlier ones of its key. A task without a key waits for all, and all wait for it. */
    readonly submit: (key: string | undefined, task: Effect.Effect<number, E, R>) => Effect.Effect<void, E, R>
    /** Waits until no task is left. */
    readonly settled: Effect.Effect<void>
    /** Fails with the first failure of a task. */
    readonly failure: Effect.Effect<never, E>
  },
  never,
  Scope.Scope
> =>
  Effect.gen(function*() {
    const scope = yield* Effect.scope
    const failure = yield* Deferred.make<never, E>()
    const size = concurrency * roomForEach
    const room = Semaphore.makeUnsafe(size)
    const slots = Semaphore.makeUnsafe(concurrency)
    const waiting = new Map<string, Array<Effect.Effect<number, E, R>>>()

    const serve = (key: string, tasks: Array<Effect.Effect<number, E, R>>): Effect.Effect<void, never, R> =>
      Effect.suspend(() => {
        const task = tasks.shift()
        if (task === undefined) {
          waiting.delete(key)
          return Effect.void
        }
        return Effect.matchCauseEffect(slots.withPermit(task), {
          onFailure: (cause) => Effect.asVoid(Deferred.failCause(failure, cause)),
          onSuccess: (ended) => Effect.andThen(room.release(ended), serve(key, tasks))
        })
      })

    return {
      submit: (key, task) => {
        if (key === undefined) {
          return Effect.andThen(Effect.andThen(room.take(size), task), Effect.asVoid(room.release(size)))
        }
        return Effect.flatMap(room.take(1), () => {
          const tasks = waiting.get(key)
          if (tasks !== undefined) {
            tasks.push(task)
            return Effect.void
          }
          const first = [task]
          waiting.set(key, first)
          return Effect.asVoid(Effect.forkIn(serve(key, first), scope))
        })
      },
      settled: Effect.andThen(room.take(size), Effect.asVoid(room.release(size))),
      failure: Deferred.await(failure)
    }
  })
