import { NodeRuntime } from "@effect/platform-node"
import type { MongoError } from "@mongofx/core"
import { FailPoint, MongoServer } from "@mongofx/testing"
import { Console, Effect, Layer, Schedule } from "effect"
import { Live, seed, users } from "./users.ts"

// #region policy
const backoff = Schedule.exponential("50 millis").pipe(Schedule.jittered)

/** For everything: runs again what cannot have been applied. */
const retrySafely = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
  Effect.retry(self, { schedule: backoff, times: 5, while: (error) => error.isRetryable })

/** For what may be applied twice without harm: an upsert, a `$set`, an insert with an `_id` of your own. */
const retryIdempotent = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
  Effect.retry(self, { schedule: backoff, times: 5, while: (error) => error.isTransient })
// #endregion policy

const breaks = (command: string, times: number) =>
  FailPoint.failCommand({ failCommands: [command], mode: { times }, closeConnection: true })

const program = Effect.gen(function*() {
  const collection = yield* users
  yield* seed

  // #region retries
  const read = collection.countDocuments({ name: "Ada" })
  yield* Effect.scoped(Effect.andThen(breaks("aggregate", 4), retrySafely(read)))
  yield* Console.log("a read: done after four broken connections")

  const visit = collection.updateOne({ name: "Ada" }, { $inc: { visits: 1 } })
  const error = yield* Effect.scoped(Effect.andThen(breaks("update", 4), Effect.flip(retrySafely(visit))))
  yield* Console.log(`an $inc: not run again (transient: ${error.isTransient}, retryable: ${error.isRetryable})`)

  const rename = collection.updateOne({ email: "ada@example.com" }, { $set: { name: "Ada L." } })
  yield* Effect.scoped(Effect.andThen(breaks("update", 4), retryIdempotent(rename)))
  yield* Console.log("a $set: done after four broken connections")
  // #endregion retries
})

NodeRuntime.runMain(Effect.provide(program, Layer.merge(Live, MongoServer.layer)))
