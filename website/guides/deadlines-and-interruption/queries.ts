import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Console, Effect, Schedule, Stream } from "effect"
import { Live, meters, seed } from "./meters.ts"

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const collection = yield* meters
  yield* seed

  // #region cursors
  const open = mongo.db("admin").aggregate([
    { $currentOp: { idleCursors: true } },
    { $match: { type: "idleCursor", "cursor.originatingCommand.comment": "the stream" } }
  ])
  const stream = collection.find().comment("the stream").batchSize(10).stream

  yield* stream.pipe(
    Stream.take(15),
    Stream.tap(({ _id }) =>
      _id === 14
        ? Effect.flatMap(open, (cursors) => Console.log("open cursors in the middle:", cursors.length))
        : Effect.void
    ),
    Stream.runDrain
  )
  yield* Console.log("open cursors after take(15):", (yield* open).length)
  // #endregion cursors

  // #region running
  const running = mongo.db("admin").aggregate([
    { $currentOp: {} },
    { $match: { "command.comment": "the long one" } }
  ])
  // On its own it would take ten seconds.
  const long = collection.find({ $where: "sleep(100) || true" }).comment("the long one")
  const found = yield* long.pipe(Effect.timeoutOption("500 millis"))
  yield* Console.log("the long query gave", found._tag)
  const left = yield* running.pipe(
    Effect.repeat({ schedule: Schedule.spaced("100 millis"), times: 20, until: (found) => found.length === 0 })
  )
  yield* Console.log("still running on the server:", left.length)
  // #endregion running
})

NodeRuntime.runMain(Effect.provide(program, Live))
