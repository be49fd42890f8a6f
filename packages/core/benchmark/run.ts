/**
 * Compares mongofx with the bare driver, in client CPU: see README.md.
 *
 * @since 0.1.0
 */
import type * as Mongofx from "@mongofx/core"
import type * as Signal from "@mongofx/core/internal/driver/signal"
import { MongoServer } from "@mongofx/testing"
import { Effect, Redacted, Stream } from "effect"
import * as Driver from "mongodb"
import { randomUUID } from "node:crypto"
import { compare, type Result } from "./measure.ts"
import { build, environment, markdown, resultCells, resultTitles } from "./report.ts"

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 9)
const only = process.argv.slice(2)

const warmUps = 3
const pointOperations = 5000
const findSize = 20_000
const streamSize = 100_000
const insertSize = 1000
const transactions = 1000
const downloads = 4
const downloadSize = 32 * 1024 * 1024

const folder = new URL("..", import.meta.url)
build(folder)
const { GridFS, MongoClient } = await import(new URL("../dist/index.js", import.meta.url).href) as typeof Mongofx
const { makeAbort } = await import(new URL("../dist/internal/driver/signal.js", import.meta.url).href) as typeof Signal

interface Item extends Driver.Document {
  readonly _id: number
  readonly name: string
  readonly email: string
  readonly age: number
  readonly score: number
  readonly active: boolean
  readonly created: Date
  readonly tags: ReadonlyArray<string>
  readonly address: { readonly street: string; readonly city: string; readonly zip: string }
}

/** A document of about 300 bytes of BSON, without `_id`. */
const makeFields = (id: number): Omit<Item, "_id"> => ({
  name: `User number ${id}`,
  email: `user${id}@example.com`,
  age: 18 + id % 60,
  score: id * 1.5,
  active: id % 2 === 0,
  created: new Date(1_700_000_000_000 + id * 1000),
  tags: ["alpha", "beta", "gamma"],
  address: { street: `${id} Long Street`, city: "Springfield", zip: "12345" }
})

const makeItem = (id: number): Item => ({ ...makeFields(id), _id: id }) as Item

interface Task {
  readonly name: string
  /** How often one measurement does the work. */
  readonly count: number
  readonly mongofx: (count: number) => Promise<unknown>
  readonly bare: (count: number) => Promise<unknown>
  /** The highest ratio that meets the budget; `undefined` for a comparison without a budget. */
  readonly budget?: number
}

const sidesOf = ({ bare, count, mongofx }: Task) => [
  { name: "bare", run: () => bare(count) },
  { name: "mongofx", run: () => mongofx(count) }
]

/** Runs an effect `count` times, one after the other, in one fiber. */
const sequence = <A, E>(count: number, operation: (index: number) => Effect.Effect<A, E>): Promise<void> =>
  Effect.runPromise(Effect.gen(function*() {
    for (let i = 0; i < count; i++) yield* operation(i)
  }))

/** The least that an effect of a driver's operation needs: it can be interrupted, and has the attributes of a span. */
const least = <A>(
  command: string,
  collection: string,
  call: (options: { readonly signal: AbortSignal }) => Promise<A>
): Effect.Effect<A, unknown> =>
  Effect.suspend(() => {
    const attributes = {
      "db.system.name": "mongodb",
      "db.operation.name": command,
      "db.namespace": "bench",
      "db.collection.name": collection
    }
    return Effect.callback<A, unknown>((resume) => {
      const abort = makeAbort()
      call({ signal: abort.signal }).then(
        (value) => resume(Effect.succeed(value)),
        (cause: unknown) => resume(Effect.fail({ cause, attributes }))
      )
      return Effect.sync(() => abort.abort(new Error("interrupted")))
    })
  })

/** Every side reads each document into it, so that no side can skip one. */
let seen = 0

const look = (item: Item): void => {
  seen += item.age
}

const makeTasks = (
  mongo: Mongofx.MongoClient.MongoClient,
  driver: Driver.MongoClient,
  database: string
): ReadonlyArray<Task> => {
  const items = mongo.db(database).collection<Item>("items")
  const bareItems = driver.db(database).collection<Item>("items")
  const written = mongo.db(database).collection("written")
  const bareWritten = driver.db(database).collection("written")
  const admin = driver.db("admin")
  // The driver adds an `_id` to the documents it is given, so both sides make new ones for each call.
  const makeBatch = () => Array.from({ length: insertSize }, (_, i) => makeFields(i))

  const bucket = GridFS.bucket(mongo.db(database))
  const bareBucket = new Driver.GridFSBucket(driver.db(database))

  const stream = async (): Promise<void> => {
    for await (const item of bareItems.find()) look(item)
  }
  const updates = [1, -1].map((score, i) => ({ _id: i, change: { $inc: { score } } }))
  const bareTransactions = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      await driver.withSession((session) =>
        session.withTransaction(async () => {
          for (const { _id, change } of updates) await bareItems.updateOne({ _id }, change, { session })
        })
      )
    }
  }
  const bareFindOne = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await bareItems.findOne({ _id: i })
  }
  const bareUpdateOne = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) await bareItems.updateOne({ _id: i }, { $inc: { score: 1 } })
  }
  const streamOfBatches = (count: number) =>
    sequence(count, () =>
      Stream.runForEachArray(items.find().stream, (chunk) =>
        Effect.sync(() => {
          for (const item of chunk) look(item)
        })))

  return [
    {
      name: "ping",
      count: pointOperations,
      budget: 1.08,
      mongofx: (count) => sequence(count, () => mongo.ping),
      bare: async (count) => {
        for (let i = 0; i < count; i++) await admin.command({ ping: 1 })
      }
    },
    {
      name: "findOne by _id",
      count: pointOperations,
      budget: 1.08,
      mongofx: (count) => sequence(count, (i) => items.findOne({ _id: i })),
      bare: bareFindOne
    },
    {
      name: "findOne by _id, an effect and no more",
      count: pointOperations,
      mongofx: (count) =>
        sequence(count, (i) => least("find", "items", (options) => bareItems.findOne({ _id: i }, options))),
      bare: bareFindOne
    },
    {
      name: "insertOne",
      count: pointOperations,
      budget: 1.08,
      mongofx: (count) => sequence(count, (i) => written.insertOne(makeFields(i))),
      bare: async (count) => {
        for (let i = 0; i < count; i++) await bareWritten.insertOne(makeFields(i))
      }
    },
    {
      name: "updateOne",
      count: pointOperations,
      budget: 1.08,
      mongofx: (count) => sequence(count, (i) => items.updateOne({ _id: i }, { $inc: { score: 1 } })),
      bare: bareUpdateOne
    },
    {
      name: "updateOne, an effect and no more",
      count: pointOperations,
      // The driver's types have no signal for it.
      mongofx: (count) =>
        sequence(
          count,
          (i) =>
            least("update", "items", (options: object) =>
              bareItems.updateOne({ _id: i }, { $inc: { score: 1 } }, options))
        ),
      bare: bareUpdateOne
    },
    {
      name: "transaction of two updates",
      count: transactions,
      budget: 1.15,
      mongofx: (count) =>
        sequence(count, () =>
          mongo.withTransaction(
            Effect.forEach(updates, ({ _id, change }) => items.updateOne({ _id }, change), { discard: true })
          )),
      bare: bareTransactions
    },
    {
      name: "GridFS download of 32 MB",
      count: downloads,
      budget: 1,
      mongofx: (count) =>
        sequence(count, () =>
          Stream.runForEachArray(bucket.downloadByName("file"), (chunks) =>
            Effect.sync(() => {
              for (const chunk of chunks) seen += chunk.length
            }))),
      bare: async (count) => {
        for (let i = 0; i < count; i++) {
          for await (const chunk of bareBucket.openDownloadStreamByName("file")) seen += chunk.length
        }
      }
    },
    {
      name: "find 20,000 to array",
      count: 1,
      budget: 0.6,
      mongofx: (count) => sequence(count, () => items.find().limit(findSize)),
      bare: async (count) => {
        for (let i = 0; i < count; i++) await bareItems.find().limit(findSize).toArray()
      }
    },
    {
      name: "stream 100,000",
      count: 1,
      budget: 0.6,
      mongofx: streamOfBatches,
      bare: async (count) => {
        for (let i = 0; i < count; i++) await stream()
      }
    },
    {
      name: "stream 100,000, an effect per document",
      count: 1,
      mongofx: (count) =>
        sequence(count, () => Stream.runForEach(items.find().stream, (item) => Effect.sync(() => look(item)))),
      bare: async (count) => {
        for (let i = 0; i < count; i++) await stream()
      }
    },
    {
      name: "stream 100,000 / readBufferedDocuments",
      count: 1,
      mongofx: streamOfBatches,
      bare: async (count) => {
        for (let i = 0; i < count; i++) {
          const cursor = bareItems.find()
          while (await cursor.hasNext()) for (const item of cursor.readBufferedDocuments()) look(item)
        }
      }
    },
    {
      name: "insertMany 1,000",
      count: 20,
      budget: 0.8,
      mongofx: (count) => sequence(count, () => written.insertMany(makeBatch())),
      bare: async (count) => {
        for (let i = 0; i < count; i++) await bareWritten.insertMany(makeBatch())
      }
    }
  ]
}

const cellsOf = (task: Task, [bare, mongofx]: readonly [Result, Result]): ReadonlyArray<string> => {
  const perCall = ({ cpu }: Result) => (cpu / task.count).toFixed(0)
  return resultCells(task.name, mongofx.ratios, [perCall(mongofx), perCall(bare)], task.budget, 3)
}

const program = Effect.gen(function*() {
  const { uri } = yield* MongoServer.MongoServer
  const database = `mongofx_bench_${randomUUID().slice(0, 8)}`
  const driver = yield* Effect.acquireRelease(
    Effect.promise(() => Driver.MongoClient.connect(Redacted.value(uri))),
    (driver) => Effect.promise(() => driver.db(database).dropDatabase().finally(() => driver.close()))
  )
  const mongo = yield* MongoClient.make({ url: uri })
  const { version: server } = yield* mongo.serverInfo
  console.log(environment(["mongodb", "effect"], folder, server))
  const items = driver.db(database).collection<Item>("items")
  for (let i = 0; i < streamSize; i += 10_000) {
    yield* Effect.promise(() => items.insertMany(Array.from({ length: 10_000 }, (_, j) => makeItem(i + j))))
  }
  yield* GridFS.bucket(mongo.db(database)).upload("file", Stream.make(new Uint8Array(downloadSize).fill(7)))
  console.log(`${rounds} rounds; ratio: CPU of mongofx / CPU of the bare driver; CPU in microseconds\n`)
  const rows: Array<ReadonlyArray<string>> = []
  for (const task of makeTasks(mongo, driver, database)) {
    if (only.length > 0 && !only.some((word) => task.name.includes(word))) continue
    const [bare, mongofx] = yield* Effect.promise(() => compare(sidesOf(task), rounds, warmUps))
    rows.push(cellsOf(task, [bare!, mongofx!]))
    console.error(rows.at(-1)!.join("  "))
  }
  console.log(markdown(resultTitles("task", ["mongofx", "bare"]), rows))
})

await Effect.runPromise(Effect.provide(Effect.scoped(program), MongoServer.layer))
if (seen === 0 && only.length === 0) throw new Error("no side has read a document: the benchmark measured nothing")
