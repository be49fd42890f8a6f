/**
 * Settings that travel with the fiber and hold for every MongoDB operation inside an effect.
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
 * What happens to an operation on its way to the server when its fiber is interrupted.
 *
 * **Details**
 *
 * - `"abort"`: the operation leaves the queue, or its connection is closed while it is on the wire. The fiber goes on at
 *   once. A read ends on the server; a write that had been sent may or may not be applied.
 * - `"await"`: the fiber waits until the operation has ended, so that its outcome is certain.
 * - `"detach"`: the fiber goes on at once and the operation is finished in the background; its result is dropped. In a
 *   session or a transaction it is as `"abort"`, since the next operation there waits for the one before.
 *
 * The commit of a transaction has rules of its own, whatever the policy: see `withTransaction`. Queries and streams do not use the
 * policy: they only read, and interruption always closes their cursor.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type InterruptionPolicy = "abort" | "await" | "detach"

/**
 * The interruption policy of the current fiber. It is `"abort"` unless something else is provided.
 *
 * **When to use**
 *
 * Use it with `Layer.succeed` to set the policy of a whole program; inside a program, `withInterruptionPolicy` is shorter.
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
 * @stability unstable
 * @category references
 * @since 0.1.0
 */
export const CurrentInterruptionPolicy: Context.Reference<InterruptionPolicy> = Context.Reference<InterruptionPolicy>(
  "@mongofx/core/Mongo/CurrentInterruptionPolicy",
  { defaultValue: () => "abort" }
)

/**
 * Runs an effect in which interrupted operations are treated after the given policy.
 *
 * **When to use**
 *
 * Use `"await"` around a write whose outcome must be known even when the program is told to stop, and `"detach"` around a
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
 * The clock by which servers are waited for: backoffs, resumptions, leases, deadlines and bounds. It is the clock of the machine
 * unless something else is provided, also where a test provides a `TestClock`.
 *
 * **When to use**
 *
 * Use it in a test of the waiting itself, to let an hour pass in a moment. What stamps data uses Effect's `Clock`.
 *
 * **Gotchas**
 *
 * Finalizers have bounds of their own in the time of the machine, whatever clock is provided here.
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
 * @see {@link withDeadline} bounds operations by this clock
 *
 * @stability unstable
 * @category references
 * @since 0.1.0
 */
export const CurrentServerClock: Context.Reference<Clock.Clock> = serverTime.CurrentServerClock

/**
 * Runs an effect whose MongoDB operations have to end within the given time, all of them together.
 *
 * **When to use**
 *
 * Use it around the work for one request: each operation gets what those before it have left.
 *
 * **Details**
 *
 * What is left when an operation begins is sent as its `maxTimeMS`, so that the server gives up too, unless the operation has
 * a shorter one of its own. When the time is over, an operation that is under way is aborted as on interruption, and one that
 * has not begun is not sent: both fail with a `MaxTimeExpiredError`, which is not retryable. The same holds for each batch of
 * a query's stream. Of several deadlines the earliest holds. Time is that of `CurrentServerClock`: it passes under `TestClock` too.
 *
 * The effect itself goes on: only operations fail. `Effect.timeout` ends an effect whatever it is doing.
 *
 * **Gotchas**
 *
 * A write that was aborted may or may not have been applied. Under the interruption policy `"await"` an operation is not
 * aborted, and only the server's limit holds; under `"detach"` the fiber goes on at the deadline, and the server's limit holds
 * for what is finished in the background.
 *
 * Not bounded are the commit and the abort of a transaction (`maxCommitTime` is the limit of a commit) and change streams,
 * which have no end. No limit is sent with a tailable cursor and what `use` does; those are aborted only.
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
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const withDeadline: {
  (duration: Duration.Input): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, duration: Duration.Input): Effect.Effect<A, E, R>
} = Function.dual(2, provideDeadline)
