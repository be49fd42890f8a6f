/**
 * Effect's `RateLimiter` on MongoDB: one limit for all processes, each call one atomic update.
 *
 * @since 0.1.0
 */
import { MongoDatabase, type MongoError } from "@mongofx/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as RateLimiter from "effect/persistence/RateLimiter"
import type { Document } from "mongodb"
import { adaptiveConsume, adaptiveFeedback, fixedWindow, tokenBucket } from "./internal/rateLimits.ts"
import { expiring, makeStore, nowBy, upserting } from "./internal/store.ts"

/**
 * Settings of the layers.
 *
 * @see {@link layerStoreWith} for a layer that takes them
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The collection of the limits, `effect_rate_limiter` by default. */
  readonly collectionName?: string | undefined
  /** How long an operation may take, 10 seconds by default. A shorter deadline around it counts. */
  readonly deadline?: Duration.Input | undefined
  /** The clock that measures windows: the one of the server, which all processes share, by default; or Effect's `Clock`, which a test can move. */
  readonly clock?: "server" | "program" | undefined
}

interface Limit {
  readonly _id: string
  readonly answer: ReadonlyArray<unknown>
  readonly expiresAt?: number
}

const failing = Effect.mapError((cause: MongoError.MongoError) =>
  new RateLimiter.RateLimiterError({
    reason: new RateLimiter.RateLimitStoreError({ message: cause.message, cause })
  })
)

const makeStoreWith = Effect.fnUntraced(function*(options: Options) {
  const store = makeStore<Limit>(yield* MongoDatabase.MongoDatabase, "effect_rate_limiter", options)
  yield* expiring(store)
  const { collection, run } = store
  const now = nowBy(options.clock)

  /** Updates a limit in one step, and gives its answer. */
  const update = <Answer>(_id: string, pipeline: (now: number | Document) => Array<Document>) =>
    Effect.flatMap(
      now,
      (now) =>
        run(upserting(collection.findOneAndUpdate({ _id }, pipeline(now), { upsert: true, returnDocument: "after" })))
    ).pipe(
      // An upsert that gives the document after it always has one.
      Effect.map((limit) => Option.getOrThrow(limit).answer as Answer),
      failing
    )

  return RateLimiter.RateLimiterStore.of({
    fixedWindow: ({ key, limit, refillRate, tokens }) =>
      update<readonly [count: number, ttl: number]>(
        `fixed:${key}`,
        (now) => fixedWindow(now, tokens, Duration.toMillis(refillRate), limit)
      ),
    tokenBucket: ({ allowOverflow, key, limit, refillRate, tokens }) =>
      update<readonly [remaining: number, elapsedMillis: number]>(
        `bucket:${key}`,
        (now) => tokenBucket(now, tokens, Duration.toMillis(refillRate), limit, allowOverflow)
      ),
    adaptiveConsume: ({ fallbackWindow, key, tokens }) =>
      Effect.flatMap(now, (now) =>
        // Keys that nobody has refused have no document.
        run(collection.findOneAndUpdate(
          { _id: `adaptive:${key}`, $expr: { $gt: ["$expiresAt", now] } },
          adaptiveConsume(now, tokens, Duration.toMillis(fallbackWindow)),
          { returnDocument: "after" }
        ))).pipe(
          Effect.map(Option.match({
            onNone: (): RateLimiter.AdaptiveConsumeResult => ({ delay: Duration.zero, epoch: 0, phase: "inactive" }),
            onSome: ({ answer }) => {
              const [delay, epoch, phase] = answer as readonly [number, number, RateLimiter.AdaptivePhase]
              return { delay: Duration.millis(delay), epoch, phase }
            }
          })),
          failing
        ),
    adaptiveFeedback: ({ epoch, key, retryAfter, status, tokens }) =>
      status !== 429 || retryAfter === undefined ?
        Effect.void :
        Effect.flatMap(now, (now) =>
          run(upserting(collection.updateOne(
            { _id: `adaptive:${key}` },
            adaptiveFeedback(now, epoch, tokens, Duration.toMillis(retryAfter)),
            { upsert: epoch === 0 }
          )))).pipe(Effect.asVoid, failing)
  })
})

/**
 * Keeps the limits of `RateLimiter` in a collection, with settings.
 *
 * **Example** (By the clock of a test)
 *
 * ```ts
 * import { MongoRateLimiter } from "@mongofx/backends"
 * import { Layer } from "effect"
 * import { RateLimiter } from "effect/persistence"
 *
 * const Limits = Layer.provide(RateLimiter.layer, MongoRateLimiter.layerStoreWith({ clock: "program" }))
 * ```
 *
 * @see {@link layerStore} for the same without settings, and for what is stored
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerStoreWith = (
  options: Options
): Layer.Layer<RateLimiter.RateLimiterStore, never, MongoDatabase.MongoDatabase> =>
  Layer.effect(RateLimiter.RateLimiterStore, makeStoreWith(options))

/**
 * Keeps the limits of `RateLimiter` in the collection `effect_rate_limiter`.
 *
 * **When to use**
 *
 * Use it to build a `RateLimiter` of your own, or for the adaptive limits of Effect's HTTP client. Otherwise `layer` has both.
 *
 * **Details**
 *
 * A limit is a document, and each call is one update by a pipeline: the server decides at once who gets through, and no call waits for another
 * process. The server's clock measures the windows, so clocks of processes need not agree. The layer makes an index by which the server deletes limits that
 * are full again. Fixed windows, buckets and adaptive limits with the same key are apart.
 *
 * Operations run outside of a transaction around them: an attempt counts, even if the transaction aborts. They are confirmed by a majority of
 * the members, so that no limit is forgotten when the primary changes. They fail with a `RateLimiterError` whose reason is a `RateLimitStoreError` with the
 * `MongoError` as its `cause`. If the index cannot be made, the layer dies.
 *
 * **Gotchas**
 *
 * All calls for one key write one document, one after the other: 500 in a second were measured on two busy cores. For much more than that, give each
 * process a share of the limit, and a store in memory.
 *
 * **Example** (Fifty requests per minute and key)
 *
 * ```ts
 * import { MongoRateLimiter } from "@mongofx/backends"
 * import { MongoClient, MongoDatabase } from "@mongofx/core"
 * import { Config, Effect, Layer } from "effect"
 * import { RateLimiter } from "effect/persistence"
 *
 * const Limits = RateLimiter.layer.pipe(
 *   Layer.provide(MongoRateLimiter.layerStore),
 *   Layer.provide(MongoDatabase.layer("app")),
 *   Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const limiter = yield* RateLimiter.RateLimiter
 *   return yield* limiter.consume({ key: "ada", limit: 50, window: "1 minute" })
 * }).pipe(Effect.provide(Limits))
 * ```
 *
 * @see {@link layer} for `RateLimiter` itself
 * @see {@link layerStoreWith} for settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerStore: Layer.Layer<RateLimiter.RateLimiterStore, never, MongoDatabase.MongoDatabase> = layerStoreWith(
  {}
)

/**
 * Provides `RateLimiter` with its limits in a collection, with settings.
 *
 * **Example** (A collection of its own)
 *
 * ```ts
 * import { MongoRateLimiter } from "@mongofx/backends"
 *
 * const Limits = MongoRateLimiter.layerWith({ collectionName: "limits", deadline: "1 second" })
 * ```
 *
 * @see {@link layer} for the same without settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (
  options: Options
): Layer.Layer<RateLimiter.RateLimiter, never, MongoDatabase.MongoDatabase> =>
  Layer.provide(RateLimiter.layer, layerStoreWith(options))

/**
 * Provides `RateLimiter` with its limits in the collection `effect_rate_limiter`.
 *
 * **When to use**
 *
 * Use it when several processes share a limit: requests of a user, calls of somebody else's API.
 *
 * **Details**
 *
 * As `layerStore`, whose documentation says what is stored and what fails.
 *
 * **Example** (Requests that wait for their turn)
 *
 * ```ts
 * import { MongoRateLimiter } from "@mongofx/backends"
 * import { Effect } from "effect"
 * import { RateLimiter } from "effect/persistence"
 *
 * const program = Effect.gen(function*() {
 *   const withLimit = yield* RateLimiter.makeWithRateLimiter
 *   return yield* Effect.succeed("sent").pipe(
 *     withLimit({ key: "mail", limit: 10, window: "1 second", algorithm: "token-bucket", onExceeded: "delay" })
 *   )
 * }).pipe(Effect.provide(MongoRateLimiter.layer))
 * ```
 *
 * @see {@link layerStore} for the store alone
 * @see {@link layerWith} for settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<RateLimiter.RateLimiter, never, MongoDatabase.MongoDatabase> = layerWith({})
