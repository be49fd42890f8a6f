import { NodeRuntime } from "@effect/platform-node"
import { MongoValidator } from "@mongofx/schema"
import { Console, Effect } from "effect"
import { Devices, Live } from "./devices.ts"

const program = Effect.gen(function*() {
  const devices = yield* Devices
  const device = { serial: "AB-0001", site: "roof", volts: 12, seen: new Date("2026-01-01") }
  const { insertedId } = yield* devices.insertOne(device)
  yield* devices.untyped.insertOne({ ...device, site: "attic", serial: "?" })

  // #region plan
  const plan = yield* MongoValidator.plan(Devices)
  yield* Console.log(MongoValidator.format(plan))
  // #endregion plan

  // #region apply
  yield* MongoValidator.apply(Devices).pipe(
    Effect.catchTag("ValidatorError", (error) => Console.log(error.message))
  )
  yield* devices.deleteOne({ site: "attic" })
  yield* MongoValidator.apply(Devices)
  yield* Console.log(MongoValidator.format(yield* MongoValidator.plan(Devices)))
  // #endregion apply

  // #region refused
  // Another program, or a person at a shell: the server refuses what the schema would.
  yield* devices.untyped.insertOne({ ...device, volts: 500 }).pipe(
    Effect.catchReason("MongoError", "DocumentValidationError", (reason) => Console.log(reason.message))
  )
  yield* devices.updateById(insertedId, { $inc: { volts: 40 } }).pipe(
    Effect.catchReason("MongoError", "DocumentValidationError", (reason) => Console.log(reason.message))
  )
  // #endregion refused
})

NodeRuntime.runMain(Effect.provide(program, Live))
