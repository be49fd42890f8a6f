import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { ConfigProvider, Effect, Layer, Redacted, type Scope } from "effect"
import * as Driver from "mongodb"
import { readFileSync } from "node:fs"
import { afterEach, beforeEach, vi } from "vitest"
import * as driver from "../coming-from/node-driver/here.ts"
import * as driverThere from "../coming-from/node-driver/there.ts"
import { pages, written } from "../scripts/tables.ts"

type Groups = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** The services that the rows of mongofx may use. */
type Services = MongoClient.MongoClient | MongoDatabase.MongoDatabase | Scope.Scope

const id = new Driver.ObjectId()

/** The documents, the index and the file that the rows find. */
const prepare = async (client: Driver.MongoClient) => {
  const db = client.db("app")
  await db.dropDatabase()
  await db.collection("people").insertMany([
    { _id: id, name: "Ada", age: 36, tags: ["author"], city: "London" },
    { name: "Bob", age: 12, tags: [] }
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
      await client.db("app").collection("people").insertOne({ name: "Joan", age: 30, tags: [] })
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
  if (Effect.isEffect(row)) return row as Effect.Effect<unknown, unknown, Services>
  if (Layer.isLayer(row)) return Layer.build(row as Layer.Layer<unknown, unknown, Services>)
  return Effect.succeed(row)
}

const runs = (
  name: string,
  here: Effect.Effect<Groups, unknown, Services>,
  there: ((client: Driver.MongoClient, url: string, id: Driver.ObjectId) => Groups) | undefined
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
          assert.isAtLeast(count, 30)
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
          await (group === "Change streams" ? withChanges(client, done) : done())
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
        each(client, there(client, url, id), async (row) => (row as () => unknown)()))
    }
  })

runs("coming from the Node driver", driver.rows(id), driverThere.rows)

describe("the pages about coming from somewhere", () => {
  for (const page of pages) {
    it(`${page}.md shows the rows of its files: run website/scripts/tables.ts if it does not`, () => {
      const text = readFileSync(new URL(`../coming-from/${page}.md`, import.meta.url), "utf8")
      assert.strictEqual(text, written(page))
    })
  }
})
