/**
 * `Reactivity` that waits for commits, and hears what other processes write.
 */
import { Integration, type MongoDatabase, type MongoError } from "@mongofx/core"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import { Reactivity } from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { allKeys, type Change, changesOf, keysOfChanges } from "./reactivityKeys.ts"
import { serverSleep } from "./store.ts"

/** How long to wait until another change stream is opened. */
const pause = Duration.seconds(1)

/**
 * Makes a `Reactivity` whose invalidations wait for the commit of the transaction around them.
 *
 * @internal
 */
export const waitingForCommits = (local: Reactivity, database: MongoDatabase.MongoDatabase): Reactivity => {
  const afterCommit = Integration.afterCommit(database)
  const withoutTransaction = Integration.withoutTransaction(database)
  // A query lives longer than the transaction and the deadline in which it begins.
  const apart = <A, E, R>(effect: Effect.Effect<A, E, R>) => Integration.withoutDeadline(withoutTransaction(effect))
  const invalidate: Reactivity["invalidate"] = (keys) =>
    Effect.flatMap(Integration.ambient(database), ({ inTransaction }) =>
      inTransaction
        ? afterCommit(Effect.sync(() => local.invalidateUnsafe(keys)))
        : local.invalidate(keys))
  return Reactivity.of({
    ...local,
    invalidate,
    mutation: (keys, effect) => Effect.tap(effect, invalidate(keys)),
    query: (keys, effect) => local.query(keys, apart(effect)),
    stream: (keys, effect) => local.stream(keys, apart(effect))
  })
}

/**
 * Invalidates what is written to some collections, by whichever process, as long as the scope lives. Returns when every write from then on is heard.
 *
 * @internal
 */
export const hearing = (
  local: Reactivity,
  database: MongoDatabase.MongoDatabase,
  collections: ReadonlyArray<string>
): Effect.Effect<void, MongoError.MongoError, Scope.Scope> =>
  Effect.gen(function*() {
    const names = new Set(collections)
    const changes = database.watch<Change>(changesOf(collections))
    const opened = yield* Deferred.make<void, MongoError.MongoError>()
    // A handler that throws must not end this, or keep the queries of other collections waiting.
    const invalidate = (keys: Record<string, ReadonlyArray<string>>) =>
      Effect.forEach(
        Object.entries(keys),
        ([collection, ids]) =>
          Effect.ignoreCause(Effect.sync(() => local.invalidateUnsafe({ [collection]: ids })), { log: "Error" }),
        { discard: true }
      )
    const everything = invalidate(allKeys(collections))

    const listening = Effect.scoped(Effect.gen(function*() {
      const { next } = yield* changes.open
      // What has happened since the last one was open.
      if (!(yield* Deferred.succeed(opened, undefined))) yield* everything
      while (true) {
        const { events } = yield* next
        if (events.length > 0) yield* invalidate(keysOfChanges(events as ReadonlyArray<Change>, names))
      }
    }))
    const again = (error: MongoError.MongoError) =>
      Effect.andThen(
        Effect.logWarning("The change stream of MongoReactivity has ended, and another one is opened", error),
        serverSleep(pause)
      )
    const fiber = yield* listening.pipe(
      Effect.catch((error) =>
        // The first one fails the layer. A client that is closed opens no other one.
        Effect.flatMap(
          Deferred.fail(opened, error),
          (isFirst) => isFirst || error.reason._tag === "ClientClosedError" ? Effect.never : again(error)
        )
      ),
      Effect.forever,
      Effect.withTracerEnabled(false),
      Effect.forkScoped
    )
    // A defect ends the layer, too.
    yield* Effect.raceFirst(Deferred.await(opened), Fiber.join(fiber))

    // A query may have read what the next primary does not know, and no event says that it is undone.
    let last: string | undefined
    let wasLost = false
    const electing = Stream.runForEach(Integration.topologyChanges(database), ({ isPrimary, primary }) => {
      const writer = isPrimary ? Option.getOrElse(primary, () => "routers") : undefined
      const isAnother = writer !== undefined && last !== undefined && (wasLost || writer !== last)
      wasLost = writer === undefined
      last = writer ?? last
      return isAnother ? everything : Effect.void
    })
    yield* Effect.forkScoped(electing, { startImmediately: true })
  })
