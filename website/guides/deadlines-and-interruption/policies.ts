import { NodeRuntime } from "@effect/platform-node"
import { Mongo } from "@mongofx/core"
import { Console, Duration, Effect, Schedule } from "effect"
import { Live, meters, seed, slow } from "./meters.ts"

const program = Effect.gen(function*() {
  const collection = yield* meters
  yield* seed

  // #region policies
  const measure = (policy: Mongo.InterruptionPolicy, _id: number) =>
    Effect.gen(function*() {
      yield* slow("update", "3 seconds")
      const write = collection.updateOne({ _id }, { $inc: { kwh: 1 } })
      const [took] = yield* write.pipe(
        Mongo.withInterruptionPolicy(policy),
        Effect.timeoutOption("200 millis"),
        Effect.timed
      )
      return Duration.toSeconds(took) < 2.5 ? "at once" : "after the write"
    }).pipe(Effect.scoped)

  yield* Console.log("abort:  the fiber goes on", yield* measure("abort", 1))
  yield* Console.log("await:  the fiber goes on", yield* measure("await", 2))
  yield* Console.log("detach: the fiber goes on", yield* measure("detach", 3))
  const done = yield* collection.find({ _id: { $in: [2, 3] }, kwh: 1 }).sort({ _id: 1 }).pipe(
    Effect.repeat({ schedule: Schedule.spaced("100 millis"), until: (found) => found.length === 2 })
  )
  yield* Console.log("certainly applied: meters", done.map(({ _id }) => _id).join(" and "))
  // #endregion policies
})

NodeRuntime.runMain(Effect.provide(program, Live))
