// server: none
import { NodeRuntime } from "@effect/platform-node"
import { MongoDatabase } from "@mongofx/core"
import { FailPoint, MongoServer, MongoTest, Nemesis } from "@mongofx/testing"
import { Console, Effect, Layer, Redacted, Schedule } from "effect"
import { customers, placeCarelessly, prepare, problems } from "./orders.ts"

const Live = Layer.provideMerge(MongoTest.layer, MongoServer.layerReplicaSet({ members: 3 }))

// #region failing
const kinds = {
  // A fault of your own: every effect that heals with its scope can be one.
  lateCommit: FailPoint.failCommand({
    failCommands: ["commitTransaction"],
    writeConcernError: { code: 64, codeName: "WriteConcernTimeout", errmsg: "late", errInfo: { wtimeout: true } }
  })
}

const test = Effect.gen(function*() {
  const server = yield* MongoServer.MongoServer
  const db = yield* MongoDatabase.MongoDatabase
  yield* prepare
  const nemesis = yield* Nemesis.random(Schedule.duration("300 millis"), kinds, {
    lasts: ["2 seconds", "3 seconds"],
    seed: "1"
  })
  const told = yield* customers(placeCarelessly, 4000)
  yield* nemesis.stop
  const found = yield* Effect.promise(() => problems(Redacted.value(server.uri), db.name, told))
  if (found.length > 0) return yield* Effect.fail(found.join("\n"))
}).pipe(Effect.scoped)
// #endregion failing

NodeRuntime.runMain(test.pipe(Effect.catch(Console.error), Effect.provide(Live)))
