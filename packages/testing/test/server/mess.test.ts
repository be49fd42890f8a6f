import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { MongoServer, MongoTest } from "@mongofx/testing"
import { Effect, Fiber, Random, Redacted } from "effect"
import * as Driver from "mongodb"
import { seeded, until } from "test-support/utils"
import { onEveryDatabase } from "../support/everyDatabase.ts"
import { collections, mess, setup } from "../support/mess.ts"
import { snapshotOf } from "../support/snapshot.ts"

/** How many random runs; `MESS_RUNS` sets another number. */
const runs = Number(process.env["MESS_RUNS"] ?? 150)

/** Real time, under `TestClock` too. */
const pause = (milliseconds: number) =>
  Effect.promise(() => new Promise((resolve) => setTimeout(resolve, milliseconds)))

describe("isolated runs", () => {
  it.effect("begin with the baseline, whatever random runs before them have done", () =>
    Effect.gen(function*() {
      const { uri } = yield* MongoTest.isolated(MongoServer.MongoServer)
      const driver = yield* Effect.acquireRelease(
        Effect.promise(() => Driver.MongoClient.connect(Redacted.value(uri))),
        (driver) => Effect.promise(() => driver.close())
      )
      const snapshot = Effect.flatMap(
        MongoDatabase.MongoDatabase,
        ({ name }) => Effect.promise(() => snapshotOf(driver.db(name)))
      )
      const first = yield* MongoTest.isolated(snapshot)
      assert.deepStrictEqual(first.map(([name]) => name), collections)
      const names = new Set<string>()
      let changed = 0
      for (let i = 0; i < runs; i++) {
        const fiber = yield* Effect.forkChild(MongoTest.isolated(mess), { startImmediately: true })
        // Some are interrupted in the middle.
        if ((yield* Random.nextIntBetween(0, 3)) === 0) {
          yield* pause(yield* Random.nextIntBetween(0, 30))
          yield* Fiber.interrupt(fiber)
        }
        yield* Fiber.await(fiber)
        yield* onEveryDatabase(Effect.gen(function*() {
          names.add((yield* MongoDatabase.MongoDatabase).name)
          assert.deepStrictEqual(yield* snapshot, first, `run ${i}`)
          // The next reset must bring this back, too.
          yield* Effect.ignore((yield* MongoDatabase.MongoDatabase).collection("users").deleteMany({}))
          changed++
        }))
      }
      assert.strictEqual(changed, 2 * runs)
      assert.isAbove(names.size, 1)
      // Databases that runs have spoiled are gone, with the cursors on them. The last run's are ended by the next reset.
      yield* onEveryDatabase(Effect.void)
      // Only the first database has no number behind its name, and it may be one of those that are gone.
      const prefix = [...names][0]!.replace(/_\d+$/, "")
      const cursors = yield* Effect.promise(() =>
        driver.db("admin").aggregate([
          { $currentOp: { allUsers: true, idleCursors: true } },
          { $match: { type: "idleCursor", ns: { $regex: `^${prefix}` } } }
        ]).toArray()
      )
      assert.deepStrictEqual(cursors, [])
      let left: ReadonlyArray<string> = []
      // One more than there are lanes.
      yield* until(() => `two databases left, but there are ${left.join(", ")}`, async () => {
        const { databases } = await driver.db("admin").admin().listDatabases({
          nameOnly: true,
          filter: { name: { $regex: `^${prefix}` } }
        })
        left = databases.map(({ name }) => name)
        return left.length === 2
      }, 60_000)
    }).pipe(seeded, Effect.provide(MongoTest.baseline(setup))), 240_000)
})
