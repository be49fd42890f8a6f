/**
 * Measures how long a thousand isolated runs of a property take, beside other ways to begin each run with an empty database: see README.md.
 *
 * @since 0.1.0
 */
import type * as Core from "@mongofx/core"
import type * as Testing from "@mongofx/testing"
import { Effect, Exit, Layer, Redacted, Schema, Scope } from "effect"
import * as Driver from "mongodb"
import { MongoMemoryReplSet } from "mongodb-memory-server-core"
import { build, environment, makeTable } from "../../core/benchmark/report.ts"

const runs = 1000

/** How many runs of the slow ways are measured. The table shows what a thousand of them take. */
const fewRuns = Number(process.env["BENCH_FEW_RUNS"] ?? 100)

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 3)
const only = process.argv.slice(2)

const folder = new URL("..", import.meta.url)
build(folder)
const { MongoServer, MongoTest } = await import(new URL("../dist/index.js", import.meta.url).href) as typeof Testing
const { MongoDatabase } = await import("@mongofx/core") as typeof Core

// A server of tests keeps its data in memory if there is enough of it. This benchmark wants it on disk.
if (process.env["BENCH_MEMORY"] !== "1") process.availableMemory = () => 0

interface Account extends Driver.Document {
  readonly _id: number
  readonly email: string
  readonly age: number
}

const names = ["users", "accounts", "orders"]

/** What a data layer has on its collections. */
const makeCollections = async (db: Driver.Db): Promise<void> => {
  await Promise.all(names.map((name) => db.collection(name).createIndexes([{ key: { email: 1 }, unique: true }])))
}

const accountOf = (n: number, age: number): Account => ({ _id: n, email: `${n}@example.com`, age })

/** Three inserts, two finds and an update, with the bare driver. */
const bareProperty = async (db: Driver.Db, age: number): Promise<boolean> => {
  for (const [n, name] of names.entries()) await db.collection<Account>(name).insertOne(accountOf(n, age))
  await db.collection<Account>("users").updateOne({ email: "0@example.com" }, { $inc: { age: 1 } })
  const user = await db.collection<Account>("users").findOne({ _id: 0 })
  const order = await db.collection<Account>("orders").findOne({ email: "2@example.com" })
  return user?.age === age + 1 && order?.age === age
}

/** The same with mongofx. */
const property = ([age]: readonly [number]) =>
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    for (const [n, name] of names.entries()) yield* db.collection<Account>(name).insertOne(accountOf(n, age))
    yield* db.collection<Account>("users").updateOne({ email: "0@example.com" }, { $inc: { age: 1 } })
    const [user] = yield* db.collection<Account>("users").find({ _id: 0 })
    const [order] = yield* db.collection<Account>("orders").find({ email: "2@example.com" })
    return user?.age === age + 1 && order?.age === age
  })

const setup = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  for (const name of names) yield* db.collection(name).createIndex({ email: 1 }, { unique: true })
})

const age = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 }))

interface Side {
  readonly name: string
  readonly runs: number
  readonly run: () => Promise<unknown>
  /** How long a thousand runs may take: seconds. */
  readonly budget?: number
}

const scope = Scope.makeUnsafe()

const propOn = async (lanes: number, budget: number): Promise<Side> => {
  const baseline = await Effect.runPromise(Layer.buildWithScope(MongoTest.baseline(setup, { lanes }), scope))
  return {
    name: `MongoTest.prop, ${lanes} ${lanes === 1 ? "lane" : "lanes"}`,
    runs,
    run: () => Effect.runPromise(Effect.provideContext(MongoTest.prop([age], property, { runs, seed: 1 }), baseline)),
    budget
  }
}

const check = (holds: boolean): void => {
  if (!holds) throw new Error("the property is false")
}

/** A database for each run, on the server that the other sides use. */
const dropping = (name: string, client: Driver.MongoClient, runs: number): Side => ({
  name,
  runs,
  run: async () => {
    for (let i = 0; i < runs; i++) {
      const db = client.db(`bench_${i}`)
      await makeCollections(db)
      check(await bareProperty(db, i))
      await db.dropDatabase()
    }
  }
})

/** The collections stay, and each run ends with a `deleteMany` for each. */
const deleting = async (name: string, client: Driver.MongoClient, runs: number): Promise<Side> => {
  const db = client.db("bench_deleting")
  await makeCollections(db)
  return {
    name,
    runs,
    run: async () => {
      for (let i = 0; i < runs; i++) {
        check(await bareProperty(db, i))
        for (const collection of await db.collections()) await collection.deleteMany({})
      }
    }
  }
}

const server = await Effect.runPromise(Scope.provide(MongoServer.startBinary(), scope))
process.env["MONGODB_URI"] = Redacted.value(server.uri)
const client = await Driver.MongoClient.connect(Redacted.value(server.uri))

const binary = process.env["MONGOD_BINARY"]
if (binary === undefined) throw new Error("MONGOD_BINARY names no mongod")
const memory = await MongoMemoryReplSet.create({
  binary: { systemBinary: binary, checkMD5: false },
  replSet: { count: 1, storageEngine: "wiredTiger" }
})
const memoryClient = await Driver.MongoClient.connect(memory.getUri())

const sides = [
  await propOn(1, 5),
  await propOn(8, 2),
  dropping("this server, a database for each run", client, fewRuns),
  await deleting("this server, deleteMany, no check of anything else", client, runs),
  dropping("memory-server, a database for each run", memoryClient, fewRuns),
  await deleting("memory-server, deleteMany, no check of anything else", memoryClient, fewRuns)
].filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)))

const times = sides.map((): Array<number> => [])
for (const side of sides) await side.run()
for (let round = 0; round < rounds; round++) {
  for (const [i, side] of sides.entries()) {
    const start = performance.now()
    await side.run()
    times[i]!.push((performance.now() - start) / side.runs)
  }
}

const info = await client.db("admin").admin().serverInfo()
console.log(environment(["mongodb", "effect", "mongodb-memory-server-core"], folder, info["version"]))
console.log(`milliseconds of a run are seconds of a thousand; median and range of ${rounds} rounds\n`)
const { row } = makeTable([54, 10, 16, 9], 1)
console.log(row(["1,000 runs of 3 inserts, 2 finds and an update", "s", "range", "budget"]))
for (const [i, { budget, name }] of sides.entries()) {
  const sorted = times[i]!.slice().sort((a, b) => a - b)
  const median = sorted[Math.floor(sorted.length / 2)]!
  const range = `${sorted[0]!.toFixed(2)}-${sorted.at(-1)!.toFixed(2)}`
  const verdict = budget === undefined ? "" : median <= budget ? "  met" : "  MISSED"
  console.log(row([name, median.toFixed(2), range, budget === undefined ? "-" : budget.toFixed(2)]) + verdict)
}

await client.close()
await memoryClient.close()
await memory.stop()
await Effect.runPromise(Scope.close(scope, Exit.void))
