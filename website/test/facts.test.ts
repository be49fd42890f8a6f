// What the pages say about other packages.
import { assert, describe, it } from "@effect/vitest"
import { MongoServer } from "@mongofx/testing"
import { Effect, Redacted } from "effect"
import * as Driver from "mongodb"
import mongoose from "mongoose"
import * as effect3 from "../effect-3/facts.ts"

const onServer = (title: string, test: (url: string) => Promise<void>) =>
  it.live(
    title,
    () =>
      Effect.flatMap(MongoServer.MongoServer, ({ uri }) => Effect.promise(() => test(Redacted.value(uri)))).pipe(
        Effect.provide(MongoServer.layer)
      )
  )

describe("the driver", () => {
  onServer("an iteration ends quietly when its client is closed in the middle", async (url) => {
    await using client = await Driver.MongoClient.connect(url)
    const items = client.db("facts").collection("items")
    await items.deleteMany({})
    await items.insertMany(Array.from({ length: 100 }, (_, i) => ({ i })))
    let seen = 0
    for await (const _ of items.find().batchSize(10)) {
      if (++seen === 5) await client.close()
    }
    assert.isBelow(seen, 100)
  })

  onServer("an undefined in a filter means null, or with ignoreUndefined everything", async (url) => {
    await using client = await Driver.MongoClient.connect(url)
    const items = client.db("facts").collection<{ readonly i?: number }>("items")
    await items.deleteMany({})
    await items.insertMany([{ i: 1 }, {}])
    const filter = { i: undefined } as object
    assert.strictEqual(await items.countDocuments(filter), 1)
    assert.strictEqual(await items.countDocuments(filter, { ignoreUndefined: true }), 2)
  })
})

describe("mongoose", () => {
  onServer("documents that do not fit the schema are read all the same", async (url) => {
    const connection = await mongoose.createConnection(url, { dbName: "facts" }).asPromise()
    try {
      const Item = connection.model("Item", new mongoose.Schema({ n: { type: Number, required: true } }))
      await Item.deleteMany({})
      await Item.collection.insertMany([{ n: "twelve" }, {}])
      assert.lengthOf(await Item.find(), 2)
    } finally {
      await connection.close()
    }
  })

  onServer("a field that the schema lacks is sent in a filter", async (url) => {
    const connection = await mongoose.createConnection(url, { dbName: "facts" }).asPromise()
    try {
      const Item = connection.model("Item", new mongoose.Schema({ n: Number }))
      await Item.deleteMany({})
      await Item.collection.insertOne({ n: 1, other: 2 })
      assert.lengthOf(await Item.find({ other: 3 } as object), 0)
    } finally {
      await connection.close()
    }
  })
})

describe("effect-mongodb", () => {
  onServer("cursors are used once and changed in place, and streams have a chunk for each document", async (url) => {
    assert.deepStrictEqual(await effect3.find(url), {
      runs: [3, 0],
      limited: 1,
      chunks: [1, 1, 1],
      born: "string",
      misspelt: 0
    })
  })
})
