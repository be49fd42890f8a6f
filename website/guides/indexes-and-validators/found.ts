import { NodeRuntime } from "@effect/platform-node"
import { MongoDatabase } from "@mongofx/core"
import { MongoAudit, MongoInfer, TypedCollection } from "@mongofx/schema"
import { Console, Effect } from "effect"
import { Devices, Live } from "./devices.ts"

const program = Effect.gen(function*() {
  const devices = yield* Devices
  yield* devices.untyped.insertMany([
    { serial: "AB-0001", site: "roof", volts: 12, seen: new Date(0) },
    { serial: "AB-0002", site: "roof", volts: "12 V", seen: new Date(0) },
    { serial: "ab3", site: "cellar", volts: 5, seen: new Date(0) }
  ])

  // #region audit
  const report = yield* MongoAudit.report(devices)
  yield* Console.log(MongoAudit.format(report))
  // #endregion audit

  // #region infer
  const database = yield* MongoDatabase.MongoDatabase
  const { schema, source } = yield* MongoInfer.schema(database.collection("devices"), { name: "Device" })
  yield* Console.log(source)

  const { invalid } = yield* MongoAudit.report(TypedCollection.make(database, "devices", schema))
  yield* Console.log(`${invalid} documents do not decode by it`)
  // #endregion infer
})

NodeRuntime.runMain(Effect.provide(program, Live))
