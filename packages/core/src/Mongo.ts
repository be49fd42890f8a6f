/**
 * Settings that travel with the fiber and apply to every MongoDB operation inside an effect.
 *
 * @since 0.1.0
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Function from "effect/Function"
import { provideDeadline } from "./internal/call/deadline.ts"
import * as serverTime from "./internal/call/serverTime.ts"

/**
 * What happens to a running operation when its fiber is interrupted.
 *
 * **Details**
 *
 * - `"abort"`: an operation in the queue is removed, and the connection of an operation on the wire is closed. The fiber goes on at
 *   once. A read ends on the server; a write that was sent may or may not be applied.
 * - `"await"`: the fiber waits until the operation has ended, so that its outcome is certain.
 * - `"detach"`: the fiber goes on at once, and the operation is finished in the background; its result is dropped. In a
 *   session or a transaction this is the same as `"abort"`, since the next operation there waits for the one before it.
 *
 * The commit of a transaction has its own rules, whatever the policy: see `withTransaction`. Queries and streams do not use the
 * policy: they only read, and interruption always closes their cursor.
 *
 * @see {@link withInterruptionPolicy} for the policy of one effect
 * @see {@link CurrentInterruptionPolicy} for the policy of a whole program
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type InterruptionPolicy = "abort" | "await" | "detach"

/**
 * The interruption policy of the current fiber. The default is `"abort"`.
 *
 * **When to use**
 *
 * Use it with `Layer.succeed` to set the policy of a whole program. For a part of a program, use `withInterruptionPolicy`.
 *
 * **Example** (Setting the policy of a program)
 *
 * ```ts
 * import { Mongo } from "@mongofx/core"
 * import { Layer } from "effect"
 *
 * const AwaitWrites = Layer.succeed(Mongo.CurrentInterruptionPolicy, "await")
 * ```
 *
 * @see {@link withInterruptionPolicy} for the policy of one effect
 *
 * @stability unstable
 * @category references
 * @since 0.1.0
 */
export const CurrentInterruptionPolicy: Context.Reference<InterruptionPolicy> = Context.Reference<InterruptionPolicy>(
  "@mongofx/core/Mongo/CurrentInterruptionPolicy",
  { defaultValue: () => "abort" }
)

/**
 * Runs an effect whose operations follow the given interruption policy.
 *
 * **When to use**
 *
 * Use `"await"` around a write whose outcome must be known even when the program is told to stop. Use `"detach"` around a
 * write that nobody needs to wait for.
 *
 * **Example** (Not leaving a write in doubt)
 *
 * ```ts
 * import { Mongo, MongoClient } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const record = Effect.gen(function*() {
 *   const mongo = yield* MongoClient.MongoClient
 *   yield* mongo.db("shop").collection("payments").insertOne({ amount: 12 })
 * }).pipe(Mongo.withInterruptionPolicy("await"))
 * ```
 *
 * @see {@link CurrentInterruptionPolicy} for the policy of a whole program
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const withInterruptionPolicy: {
  (policy: InterruptionPolicy): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, policy: InterruptionPolicy): Effect.Effect<A, E, R>
} = Function.dual(
  2,
  <A, E, R>(self: Effect.Effect<A, E, R>, policy: InterruptionPolicy): Effect.Effect<A, E, R> =>
    Effect.provideService(self, CurrentInterruptionPolicy, policy)
)

/**
 * The clock for waiting for servers: backoffs, resumptions, leases, deadlines and limits. The default is the clock of the machine,
 * even if a test provides a `TestClock`.
 *
 * **When to use**
 *
 * Use it in a test of the waiting itself, to let an hour pass in a moment. Timestamps in data use Effect's `Clock`.
 *
 * **Gotchas**
 *
 * Finalizers have their own limits in the time of the machine, whatever clock is provided here.
 *
 * **Example** (Waiting by the clock of the test)
 *
 * ```ts
 * import { Mongo } from "@mongofx/core"
 * import { Clock, Effect } from "effect"
 *
 * const onTestClock = <A, E, R>(self: Effect.Effect<A, E, R>) =>
 *   Effect.flatMap(Clock.Clock, (clock) => Effect.provideService(self, Mongo.CurrentServerClock, clock))
 * ```
 *
 * @see {@link withDeadline} for a time limit by this clock
 *
 * @stability unstable
 * @category references
 * @since 0.1.0
 */
export const CurrentServerClock: Context.Reference<Clock.Clock> = serverTime.CurrentServerClock

/**
 * Runs an effect whose MongoDB operations must all end within the given time.
 *
 * **When to use**
 *
 * Use it around the work for one request: each operation gets the time that the earlier ones have left.
 *
 * **Details**
 *
 * Each operation sends the remaining time as its `maxTimeMS`, unless it has a shorter one, so that the server gives up too.
 * When the time is over, a running operation is aborted as on interruption, and one that has not begun is not sent. Both fail
 * with a `MaxTimeExpiredError`, which is not retryable. The same applies to each batch of a query's stream. Of several deadlines
 * the earliest one counts. Time is measured by `CurrentServerClock`, so it also passes under a `TestClock`.
 *
 * The effect itself goes on: only operations fail. `Effect.timeout` ends an effect whatever it is doing.
 *
 * **Gotchas**
 *
 * A write that was aborted may or may not have been applied. With the interruption policy `"await"`, an operation is not
 * aborted, and only the server's limit applies. With `"detach"`, the fiber goes on at the deadline, and the server's limit applies
 * to what is finished in the background.
 *
 * The deadline does not limit the commit and the abort of a transaction (`maxCommitTime` limits a commit), or change streams,
 * which have no end. Tailable cursors and `use` send no limit to the server; they are only aborted.
 *
 * **Example** (Two operations that share two seconds)
 *
 * ```ts
 * import { Mongo, MongoClient } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const report = Effect.gen(function*() {
 *   const mongo = yield* MongoClient.MongoClient
 *   const orders = mongo.db("shop").collection("orders")
 *   const open = yield* orders.countDocuments({ state: "open" })
 *   const latest = yield* orders.find().sort({ at: -1 }).limit(10)
 *   return { open, latest }
 * }).pipe(Mongo.withDeadline("2 seconds"))
 * ```
 *
 * @see {@link withInterruptionPolicy} for what happens to operations that the deadline aborts
 * @see {@link CurrentServerClock} for the clock that measures the time
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const withDeadline: {
  (duration: Duration.Input): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, duration: Duration.Input): Effect.Effect<A, E, R>
} = Function.dual(2, provideDeadline)
