/**
 * Ten thousand isolated runs, and what they leave: in this process, on the server, and in the databases of the baseline. See README.md.
 *
 * @since 0.1.0
 */
import { MongoDatabase } from "@mongofx/core"
import { MongoServer, MongoTest } from "@mongofx/testing"
import { Effect, Fiber, Random, Redacted, Schema } from "effect"
import * as Driver from "mongodb"
import assert from "node:assert"
import { onEveryDatabase } from "../test/support/everyDatabase.ts"
import { mess, setup } from "../test/support/mess.ts"
import { snapshotOf } from "../test/support/snapshot.ts"

interface Item extends Driver.Document {
  readonly _id: number
}

const [kind = "property", count = "10000"] = process.argv.slice(2)
const runs = Number(count)
const steps = 10
const seed = process.env["TEST_SEED"] ?? String(Date.now())

const collectGarbage = (globalThis as { readonly gc?: () => void }).gc

const pause = (milliseconds: number) =>
  Effect.promise(() => new Promise((resolve) => setTimeout(resolve, milliseconds)))

const megabytes = (bytes: number): string => (bytes / 1024 ** 2).toFixed(0)

const columns = ["runs", "heap MB", "process MB", "server MB", "cursors", "sessions", "connections", "files", "s"]

const print = (cells: ReadonlyArray<string>): void => console.log(cells.map((cell) => cell.padStart(12)).join(""))

const figures = async (driver: Driver.MongoClient, done: number, start: number): Promise<void> => {
  collectGarbage?.()
  collectGarbage?.()
  const { heapUsed, rss } = process.memoryUsage()
  const status = await driver.db("admin").command({ serverStatus: 1 })
  print([
    String(done),
    megabytes(heapUsed),
    megabytes(rss),
    String(status["mem"].resident),
    String(status["metrics"].cursor.open.total),
    String(status["logicalSessionRecordCache"].activeSessionsCount),
    String(status["connections"].current),
    String(status["wiredTiger"]["data-handle"]["connection data handles currently active"]),
    ((performance.now() - start) / 1000).toFixed(0)
  ])
}

const properties = (driver: Driver.MongoClient, start: number) =>
  Effect.gen(function*() {
    for (let step = 1; step <= steps; step++) {
      yield* MongoTest.prop([Schema.Int], ([age]) =>
        Effect.gen(function*() {
          const db = yield* MongoDatabase.MongoDatabase
          yield* db.collection<Item>("users").insertOne({ _id: 5, name: "Eve", age: Math.abs(age) })
          yield* db.collection<Item>("log").insertOne({ _id: 5 })
          yield* db.collection<Item>("words").insertOne({ _id: 5, text: "some words" })
          yield* db.collection<Item>("users").updateOne({ name: "Ada" }, { $inc: { age: 1 } })
          const ada = yield* db.collection("users").find({ name: "Ada" })
          const all = yield* db.collection("users").find({})
          return ada[0]?.["age"] === 3 && all.length === 3
        }), { runs: runs / steps })
      yield* Effect.promise(() => figures(driver, step * runs / steps, start))
    }
  })

const messes = (driver: Driver.MongoClient, start: number) =>
  Effect.gen(function*() {
    const snapshot = Effect.flatMap(
      MongoDatabase.MongoDatabase,
      ({ name }) => Effect.promise(() => snapshotOf(driver.db(name)))
    )
    const first = yield* MongoTest.isolated(snapshot)
    let interrupted = 0
    const ends: Record<string, number> = {}
    for (let i = 1; i <= runs; i++) {
      const fiber = yield* Effect.forkChild(MongoTest.isolated(mess), { startImmediately: true })
      if ((yield* Random.nextIntBetween(0, 3)) === 0) {
        interrupted++
        yield* pause(yield* Random.nextIntBetween(0, 30))
        yield* Fiber.interrupt(fiber)
      }
      const exit = yield* Fiber.await(fiber)
      ends[exit._tag] = (ends[exit._tag] ?? 0) + 1
      assert.deepStrictEqual(yield* onEveryDatabase(snapshot), [first, first], `run ${i} of seed ${seed}`)
      if (i % (runs / steps) === 0) yield* Effect.promise(() => figures(driver, i, start))
    }
    console.log(
      `each of ${runs} resets compared equal; ${interrupted} runs were interrupted; ends: ${JSON.stringify(ends)}`
    )
  })

const program = Effect.gen(function*() {
  const { uri } = yield* MongoTest.isolated(MongoServer.MongoServer)
  const driver = yield* Effect.acquireRelease(
    Effect.promise(() => Driver.MongoClient.connect(Redacted.value(uri))),
    (driver) => Effect.promise(() => driver.close())
  )
  console.log(`${kind}, seed ${seed}`)
  print(columns)
  const start = performance.now()
  yield* Effect.promise(() => figures(driver, 0, start))
  yield* kind === "mess" ? messes(driver, start) : properties(driver, start)
})

await program.pipe(
  Effect.scoped,
  Effect.provide(MongoTest.baseline(setup)),
  Random.withSeed(seed),
  Effect.runPromise
)
// The shared server ends with this process.
process.exit(0)
