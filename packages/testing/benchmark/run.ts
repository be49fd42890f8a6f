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
import { loadavg } from "node:os"
import { ascending, quantile } from "../../core/benchmark/measure.ts"
import { build, environment, markdown } from "../../core/benchmark/report.ts"

const runs = Number(process.env["BENCH_RUNS"] ?? 1000)

/** How many runs of the slow ways are measured. The table shows what a thousand of them take. */
const fewRuns = Math.ceil(runs / 10)

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
  readonly run: (runs: number) => Promise<unknown>
  /** The server that it uses, as a client sees it. */
  readonly client: Driver.MongoClient
  /** How long a thousand runs may take: seconds. */
  readonly budget?: number
}

const scope = Scope.makeUnsafe()

const baselineOf = (lanes: number) =>
  Effect.runPromise(Layer.buildWithScope(MongoTest.baseline(setup, { lanes }), scope))

const oneLane = await baselineOf(1)
const eightLanes = await baselineOf(8)
const server = await Effect.runPromise(Effect.provideContext(MongoTest.isolated(MongoServer.MongoServer), oneLane))
const client = await Driver.MongoClient.connect(Redacted.value(server.uri))

const propOn = (name: string, baseline: typeof oneLane, budget: number): Side => ({
  name,
  runs,
  client,
  run: (runs) => Effect.runPromise(Effect.provideContext(MongoTest.prop([age], property, { runs, seed: 1 }), baseline)),
  budget
})

const check = (holds: boolean): void => {
  if (!holds) throw new Error("the property is false")
}

/** A database for each run, on the server that the other sides use. */
const dropping = (name: string, client: Driver.MongoClient, runs: number): Side => ({
  name,
  runs,
  client,
  run: async (runs) => {
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
    client,
    run: async (runs) => {
      for (let i = 0; i < runs; i++) {
        check(await bareProperty(db, i))
        for (const collection of await db.collections()) await collection.deleteMany({})
      }
    }
  }
}

const binary = process.env["MONGOD_BINARY"]
if (binary === undefined) throw new Error("MONGOD_BINARY names no mongod")
const memory = await MongoMemoryReplSet.create({
  binary: { systemBinary: binary, checkMD5: false },
  replSet: { count: 1, storageEngine: "wiredTiger" }
})
const memoryClient = await Driver.MongoClient.connect(memory.getUri())

const sides = [
  propOn("MongoTest.prop, 1 lane", oneLane, 5),
  propOn("MongoTest.prop, 8 lanes", eightLanes, 2),
  dropping("this server, a database for each run", client, fewRuns),
  await deleting("this server, deleteMany, no check of anything else", client, runs),
  dropping("memory-server, a database for each run", memoryClient, fewRuns),
  await deleting("memory-server, deleteMany, no check of anything else", memoryClient, fewRuns)
].filter(({ name }) => only.length === 0 || only.some((word) => name.includes(word)))

/** What this process and the server have used of the processors so far: milliseconds. Unlike the time they hardly depend on who else is busy. */
const cpuOf = async (client: Driver.MongoClient): Promise<readonly [number, number]> => {
  const { system, user } = process.cpuUsage()
  const { extra_info: server } = await client.db("admin").command({ serverStatus: 1 })
  return [(user + system) / 1000, (Number(server.user_time_us) + Number(server.system_time_us)) / 1000]
}

interface Measured {
  readonly time: number
  readonly client: number
  readonly server: number
}

const measured = sides.map((): Array<Measured> => [])
for (const { run } of sides) await run(50)
for (let round = 0; round < rounds; round++) {
  for (const [i, { client, run, runs }] of sides.entries()) {
    const before = await cpuOf(client)
    const start = performance.now()
    await run(runs)
    const time = performance.now() - start
    const after = await cpuOf(client)
    measured[i]!.push({
      time: time / runs,
      client: (after[0] - before[0]) / runs,
      server: (after[1] - before[1]) / runs
    })
  }
}

const info = await client.db("admin").admin().serverInfo()
console.log(environment(["mongodb", "effect", "mongodb-memory-server-core"], folder, info["version"]))
console.log(
  `load ${loadavg()[0]!.toFixed(1)}; milliseconds of a run are seconds of a thousand; medians of ${rounds} rounds\n`
)
const median = (numbers: ReadonlyArray<number>): number => quantile(ascending(numbers), 0.5)
const rows = sides.map(({ budget, name }, i) => {
  const times = measured[i]!.map(({ time }) => time)
  const time = median(times)
  return [
    name,
    time.toFixed(2),
    `${Math.min(...times).toFixed(2)} - ${Math.max(...times).toFixed(2)}`,
    median(measured[i]!.map(({ client }) => client)).toFixed(2),
    median(measured[i]!.map(({ server }) => server)).toFixed(2),
    ...budget === undefined ? ["", ""] : [budget.toFixed(2), time <= budget ? "met" : "missed"]
  ]
})
console.log(markdown(["1,000 runs", "seconds", "all", "CPU, client", "CPU, server", "budget", ""], rows))

await client.close()
await memoryClient.close()
await memory.stop()
await Effect.runPromise(Scope.close(scope, Exit.void))
// The server ends with this process.
process.exit(0)
