import { assert, describe, it } from "@effect/vitest"
import { ServerCode } from "@mongofx/core/internal/errors/codes"
import { Effect } from "effect"
import * as Driver from "mongodb"
import { failCommand, setup } from "../support/utils.ts"

/** Codes that a fail point cannot answer with: they need more than a code, or end the connection. */
const unanswerable: ReadonlySet<string> = new Set([
  "CannotConvertIndexToUnique",
  "DocumentValidationFailure",
  "DuplicateKey",
  "FeatureNotSupported",
  "ReauthenticationRequired",
  "StaleConfig"
])

/** Other names of a code on some servers: they mark codes that they no longer or do not yet use, and lack newer names. */
const namesOf = (name: string, code: number): ReadonlyArray<string> => [
  name,
  `OBSOLETE_${name}`,
  `NOT_YET_AVAILABLE_${name}`,
  `Location${code}`,
  ...name === "WriteConcernTimeout" ? ["WriteConcernFailed"] : []
]

describe("the names of codes", () => {
  it.live("are those of the server", () =>
    Effect.gen(function*() {
      // Some codes make the driver check the server anew.
      const fixture = yield* setup({
        driverOptions: { serverMonitoringMode: "poll", minHeartbeatFrequencyMS: 10 }
      })
      const { admin, db, driver } = fixture
      // This test keeps the fail point until its end, and sets it anew for each code.
      const data = { failCommands: ["ping"], appName: db.name }
      yield* failCommand(fixture, { times: 1 }, { ...data, failCommands: [] })
      yield* Effect.promise(async () => {
        for (const [name, { code }] of Object.entries(ServerCode)) {
          if (unanswerable.has(name)) continue
          const failPoint = {
            configureFailPoint: "failCommand",
            mode: { times: 1 },
            data: { ...data, errorCode: code }
          }
          await admin.db("admin").command(failPoint)
          const error: unknown = await driver.db(db.name).command({ ping: 1 }).catch((error: unknown) => error)
          assert.instanceOf(error, Driver.MongoServerError, name)
          assert.strictEqual(error.code, code)
          assert.include(namesOf(name, code), error.codeName)
        }
      })
    }), 60_000)
})
