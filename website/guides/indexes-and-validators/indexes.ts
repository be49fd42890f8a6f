import { NodeRuntime } from "@effect/platform-node"
import { MongoIndex } from "@mongofx/schema"
import { Console, Effect } from "effect"
import { Devices, Live } from "./devices.ts"

const program = Effect.gen(function*() {
  const devices = yield* Devices

  // #region past
  // The database has a past: two devices with one serial number, and an index that nobody declares.
  yield* devices.untyped.insertMany([{ serial: "AB-0001", site: "roof" }, { serial: "AB-0001", site: "attic" }])
  yield* devices.untyped.createIndex({ volts: 1 })
  // #endregion past

  // #region plan
  yield* Console.log(MongoIndex.format(yield* MongoIndex.plan(devices)))
  // #endregion plan

  // #region duplicates
  yield* MongoIndex.ensure(devices).pipe(
    Effect.catchTag(
      "DuplicateKeys",
      (error) => Effect.forEach(error.indexes, ({ index, keys }) => Console.log(index.name, keys))
    )
  )
  // #endregion duplicates

  // #region ensure
  yield* devices.untyped.updateOne({ site: "attic" }, { $set: { retired: new Date("2026-01-01") } })
  const { done, left } = yield* MongoIndex.ensure(devices)
  yield* Console.log(`${done.length} done, left: ${left.map(MongoIndex.formatStep).join(", ")}`)

  const again = yield* MongoIndex.ensure(devices, { allowDrop: true })
  yield* Console.log(`${again.done.length} done`)
  yield* Console.log(MongoIndex.format(yield* MongoIndex.plan(devices)))
  // #endregion ensure
})

NodeRuntime.runMain(Effect.provide(program, Live))
