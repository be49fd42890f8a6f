import { NodeRuntime } from "@effect/platform-node"
import { Mongo } from "@mongofx/core"
import { CommandLog } from "@mongofx/testing"
import { Console, Effect } from "effect"
import { Live, meters, seed } from "./meters.ts"

const program = Effect.gen(function*() {
  const collection = yield* meters
  yield* seed

  // #region request
  const request = Effect.gen(function*() {
    const high = yield* collection.countDocuments({ kwh: { $gt: 100 } })
    yield* Effect.sleep("100 millis")
    const first = yield* collection.find().sort({ _id: 1 }).limit(3)
    return { high, first: first.length }
  })
  const log = yield* CommandLog.make
  yield* Console.log(yield* request.pipe(Mongo.withDeadline("5 seconds")))
  // #endregion request

  // #region sent
  const limits = log.events.map(({ command }) => Number(command["maxTimeMS"]))
  const falling = limits.every((limit, i) => limit <= (limits[i - 1] ?? 5000))
  yield* Console.log(`${limits.length} commands, each with what is left: ${falling}`)
  // #endregion sent

  // #region late
  // Every document takes the server 50 ms: five seconds in all.
  const scan = collection.find({ $where: "sleep(50) || true" })
  const late = Effect.gen(function*() {
    yield* scan.pipe(
      Effect.catchReason("MongoError", "MaxTimeExpiredError", () => Console.log("the scan ran out of time"))
    )
    yield* collection.countDocuments()
  })
  yield* late.pipe(
    Mongo.withDeadline("500 millis"),
    Effect.catchReason("MongoError", "MaxTimeExpiredError", ({ message }) => Console.log(message))
  )
  // #endregion late
})

NodeRuntime.runMain(program.pipe(Effect.scoped, Effect.provide(Live)))
