import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { ConfigProvider, Context, Effect, Layer, Redacted, type Scope } from "effect"
import * as Driver from "mongodb"
import mongoose from "mongoose"
import { readFileSync } from "node:fs"
import { afterEach, beforeEach, vi } from "vitest"
import * as backends from "../coming-from/backends/here.ts"
import * as effectMongodb from "../coming-from/effect-mongodb/here.ts"
import * as mongooseHere from "../coming-from/mongoose/here.ts"
import * as mongooseThere from "../coming-from/mongoose/there.ts"
import * as motor from "../coming-from/motor/here.ts"
import * as driver from "../coming-from/node-driver/here.ts"
import * as driverThere from "../coming-from/node-driver/there.ts"
import * as effect3 from "../effect-3/there.ts"
import { pages, written } from "../scripts/tables.ts"

type Groups = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** The services that the rows of mongofx may use. */
type Services = MongoClient.MongoClient | MongoDatabase.MongoDatabase | Scope.Scope

const id = new Driver.ObjectId()
const companyId = new Driver.ObjectId()

const now = new Date()

/** What the models of all pages want to find in a person. */
const kept = { tags: [], company: companyId, version: 1, createdAt: now, updatedAt: now }

/** The documents, the index and the file that the rows find. */
const prepare = async (client: Driver.MongoClient) => {
  const db = client.db("app")
  await db.dropDatabase()
  await db.collection("companies").insertOne({ _id: companyId, name: "Engines" })
  await db.collection("people").insertMany([
    { ...kept, _id: id, name: "Ada", age: 36, tags: ["author"], city: "London" },
    { ...kept, name: "Bob", age: 12 }
  ])
  await db.collection("people").createIndex({ name: 1 })
  const file = new Driver.GridFSBucket(db).openUploadStream("notes.txt")
  await new Promise((resolve, reject) => file.on("finish", resolve).on("error", reject).end("notes"))
}

/** Inserts documents until the task is over, so that a change stream sees something. */
const withChanges = async <A>(client: Driver.MongoClient, task: () => Promise<A>): Promise<A> => {
  const over = new AbortController()
  const changes = (async () => {
    while (!over.signal.aborted) {
      await client.db("app").collection("people").insertOne({ ...kept, name: "Joan", age: 30 })
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  try {
    return await task()
  } finally {
    over.abort()
    await changes
  }
}

/** Runs a row: an effect, a layer, or a value that needs no running. */
const run = (row: unknown): Effect.Effect<unknown, unknown, Services> => {
  if (Context.isKey(row)) return Effect.succeed(row)
  if (Effect.isEffect(row)) return row as Effect.Effect<unknown, unknown, Services>
  if (Layer.isLayer(row)) return Layer.build(row as Layer.Layer<unknown, unknown, Services>)
  return Effect.succeed(row)
}

const runs = (
  name: string,
  here: Effect.Effect<Groups, unknown, Services>,
  there?: <A>(client: Driver.MongoClient, url: string, task: (rows: Groups) => Promise<A>) => Promise<A>,
  runThere: (row: () => unknown) => Promise<unknown> = async (row) => row(),
  rowsAtLeast = 30
) =>
  describe(name, () => {
    // The rows print what they find.
    beforeEach(() => {
      vi.spyOn(console, "log").mockReturnValue()
      vi.spyOn(process.stdout, "write").mockReturnValue(true)
    })
    afterEach(() => vi.restoreAllMocks())

    const test = (title: string, rows: (client: Driver.MongoClient, url: string) => Promise<number>) =>
      it.live(title, () =>
        Effect.gen(function*() {
          const url = Redacted.value((yield* MongoServer.MongoServer).uri)
          const count = yield* Effect.promise(async () => {
            await using client = await Driver.MongoClient.connect(url)
            return await rows(client, url)
          })
          assert.isAtLeast(count, rowsAtLeast)
        }).pipe(Effect.provide(MongoServer.layer)), 120_000)

    const each = async (
      client: Driver.MongoClient,
      groups: Groups,
      task: (row: unknown) => Promise<unknown>
    ): Promise<number> => {
      let count = 0
      for (const [group, rows] of Object.entries(groups)) {
        for (const [name, row] of Object.entries(rows)) {
          await prepare(client)
          const done = () => task(row).catch((error: unknown) => assert.fail(`${group}, ${name}: ${String(error)}`))
          await (/change/i.test(`${group} ${name}`) ? withChanges(client, done) : done())
          count++
        }
      }
      return count
    }

    test("each row of mongofx succeeds", (client, url) => {
      const Live = MongoDatabase.layer("app").pipe(
        Layer.provideMerge(MongoClient.layer({ url: Redacted.make(url) })),
        Layer.provideMerge(ConfigProvider.layer(ConfigProvider.fromUnknown({ MONGODB_URI: url })))
      )
      return Effect.runPromise(
        Effect.gen(function*() {
          const services = yield* Effect.context<Services>()
          const groups = yield* here
          return yield* Effect.promise(() =>
            each(client, groups, (row) => Effect.runPromise(Effect.provide(Effect.scoped(run(row)), services)))
          )
        }).pipe(Effect.scoped, Effect.provide(Live)) as Effect.Effect<number>
      )
    })

    if (there !== undefined) {
      test("each row of the other side succeeds", (client, url) =>
        there(client, url, (rows) => each(client, rows, (row) => runThere(row as () => unknown))))
    }
  })

runs("coming from the Node driver", driver.rows(id), (client, url, task) => task(driverThere.rows(client, url, id)))

runs("coming from mongoose", mongooseHere.rows(id, companyId), async (_, url, task) => {
  await mongoose.connect(url, { dbName: "app", autoCreate: false, autoIndex: false })
  const ids = [new mongoose.Types.ObjectId(id.id), new mongoose.Types.ObjectId(companyId.id)] as const
  return task(mongooseThere.rows(url, ...ids)).finally(() => mongoose.disconnect())
})

runs(
  "coming from effect-mongodb",
  effectMongodb.rows(id),
  (_, url, task) => effect3.withRows(url, id.toHexString(), task),
  effect3.run
)

runs("coming from Motor", motor.rows(id))

runs("coming from Effect's SQL or Redis layers", Effect.succeed(backends.rows), undefined, undefined, 10)

describe("the pages about coming from somewhere", () => {
  for (const page of pages) {
    it(`${page}.md shows the rows of its files: run website/scripts/tables.ts if it does not`, () => {
      const text = readFileSync(new URL(`../coming-from/${page}.md`, import.meta.url), "utf8")
      assert.strictEqual(text, written(page))
    })
  }
})
