/**
 * Inference from a server: what is stored decodes by the schema that it suggests.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Bson, MongoAudit, MongoInfer, TypedCollection } from "@mongofx/schema"
import { CommandLog, FailPoint, MongoTest } from "@mongofx/testing"
import { Effect, Option, Random as EffectRandom, Schema, Stream } from "effect"
import * as Driver from "mongodb"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { interrupt, seeded, until } from "../../../core/test/support/utils.ts"
import { Random } from "../support/compiledSchemas.ts"
import { compile } from "../support/compiler.ts"
import { collection as randomCollection } from "../support/storedDocuments.ts"

const withLog = MongoTest.layerWith({ driverOptions: { monitorCommands: true } })

describe("the schema of a collection", () => {
  it.live("decodes all of its documents", () =>
    seeded(Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const random = new Random(yield* EffectRandom.nextInt)
      for (let i = 0; i < 15; i++) {
        const stored = db.collection(`c${i}`)
        const documents = randomCollection(random).map((bytes, _id): Driver.Document => ({
          ...Driver.BSON.deserialize(bytes, { promoteValues: false, promoteLongs: false, bsonRegExp: true }),
          _id
        }))
        yield* stored.insertMany(documents)
        const inferred = yield* MongoInfer.schema(stored)
        assert.strictEqual(inferred.documents, documents.length)
        // What the server stores is what was given.
        assert.deepStrictEqual(inferred.notes, MongoInfer.infer(MongoInfer.summarize(documents)).notes)
        const report = yield* MongoAudit.report(TypedCollection.make(db, stored.name, inferred.schema))
        assert.deepInclude(report, { documents: documents.length, invalid: 0, problems: [] })
      }
    })).pipe(Effect.provide(MongoTest.layer)))

  it.live("compiles for 3,201 movies, and decodes them", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const examples = fileURLToPath(new URL("../../../../examples", import.meta.url))
      const file = join(examples, "node_modules/vega-datasets/data/movies.json")
      const movies = JSON.parse(readFileSync(file, "utf8")) as ReadonlyArray<Driver.Document>
      const stored = db.collection("movies")
      yield* stored.insertMany(movies)
      const { documents, notes, schema, source } = yield* MongoInfer.schema(stored, { name: "Movie" })
      assert.strictEqual(documents, movies.length)
      assert.include(source, `// Inferred from 3,201 documents of ${stored.fullName}.\nexport class Movie `)
      assert.include(source, "\n    _id: Bson.ObjectId,\n")
      assert.include(source, `\n    "IMDB Votes": Schema.NullOr(Bson.Int32)\n`)
      assert.include(
        source,
        `"MPAA Rating": Schema.NullOr(Schema.Literals(["G", "NC-17", "Not Rated", "Open", "PG", "PG-13", "R"]))`
      )
      // Nine titles are numbers, such as that of "12".
      const titles = notes.find(({ message }) => message === "string 3,191, int 9")
      const numeric = Option.getOrThrow(yield* stored.findOne({ _id: titles?.id as Driver.ObjectId }))
      assert.isNumber(numeric["Title"])
      const use = `import { TypedCollection } from "@mongofx/schema"
import type { MongoDatabase } from "@mongofx/core"
declare const db: MongoDatabase.MongoDatabase
const movies = TypedCollection.make(db, "movies", Movie)
export const found = movies.find({ "MPAA Rating": "PG-13" }).sort({ "IMDB Votes": -1 })
// @ts-expect-error
export const wrong = movies.find({ "MPAA Rating": "PG-14" })
`
      assert.deepStrictEqual(compile(source + use).errors, [])
      const report = yield* MongoAudit.report(TypedCollection.make(db, "movies", schema))
      assert.deepInclude(report, { documents: movies.length, invalid: 0 })
    }).pipe(Effect.provide(MongoTest.layer)), 120_000)

  it.live("can be made of a sample, of what a filter finds, and of a typed collection", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const users = TypedCollection.make(
        db,
        "users",
        Schema.Struct({ _id: Bson.Int32, age: Schema.optionalKey(Bson.Int32) })
      )
      yield* users.insertMany(Array.from({ length: 300 }, (_, _id) => _id < 100 ? { _id, age: 1 } : { _id }))
      const sampled = yield* MongoInfer.schema(users, { sample: 50 })
      assert.deepInclude(sampled, { documents: 50, name: "Users" })
      assert.include(sampled.source, `// Inferred from 50 documents of a sample of ${users.fullName}.`)
      const young = yield* MongoInfer.schema(users.untyped, { filter: { age: { $exists: true } } })
      assert.strictEqual(young.documents, 100)
      assert.include(young.source, "    age: Bson.Int32\n")
      assert.include((yield* MongoInfer.schema(users)).source, "    age: Schema.optionalKey(Bson.Int32)\n")
      const failure = yield* Effect.flip(MongoInfer.schema(users, { sample: 0.5 }))
      assert.strictEqual(failure.reason._tag, "InvalidArgumentError")
      assert.strictEqual(failure.message, `infer on ${users.fullName}: options.sample is not a positive integer`)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("keeps the ids of documents that it names, and nothing else of them", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const stored = db.collection<{ readonly _id: Driver.UUID; readonly text: string; readonly rare?: boolean }>(
        "stored"
      )
      const ids = Array.from({ length: 50 }, () => new Driver.UUID())
      yield* stored.insertMany(
        ids.map((_id, i) => ({ _id, text: "x".repeat(20_000), ...(i === 30 ? { rare: true } : {}) }))
      )
      const { notes } = yield* MongoInfer.schema(stored)
      assert.deepStrictEqual(notes.map(({ id, path }) => [path, id]), [["rare", ids[30]]])
      assert.strictEqual((notes[0]!.id as Driver.UUID).buffer.buffer.byteLength, 16)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("reads patterns that JavaScript refuses, for a collection that keeps them", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const rules = db.collection("rules", { bsonRegExp: true })
      yield* rules.insertOne({ pattern: new Driver.BSONRegExp("(?<", "x") })
      const { schema, source } = yield* MongoInfer.schema(db.collection("rules"))
      assert.include(source, "    pattern: Bson.BSONRegExp\n")
      const audit = (options: object) => MongoAudit.report(TypedCollection.make(db, "rules", schema, options))
      assert.strictEqual((yield* audit({ bsonRegExp: true })).invalid, 0)
      assert.strictEqual((yield* audit({})).invalid, 1)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("decodes arrays whose names every object has, in every form of values", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const stored = db.collection("odd")
      const parts = [{ text: "a" }]
      yield* stored.insertOne({ _id: 1, constructor: parts, toString: parts, ["__proto__"]: parts } as never)
      const { schema } = yield* MongoInfer.schema(stored)
      for (const options of [{}, { useBigInt64: true }, { enableUtf8Validation: false }]) {
        const odd = TypedCollection.make(db, "odd", schema, options)
        assert.deepInclude(yield* MongoAudit.report(odd), { documents: 1, invalid: 0 })
        const [read] = yield* odd.find()
        assert.deepStrictEqual(Object.entries(read as object).slice(1).map(([, value]) => value), [parts, parts, parts])
      }
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("comes with the progress of reading", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const numbers = db.collection("numbers")
      yield* numbers.insertMany(Array.from({ length: 1000 }, () => ({ n: 1 })))
      const events = yield* Stream.runCollect(MongoInfer.run(numbers))
      assert.deepStrictEqual(events.slice(0, -1), [
        { _tag: "Progress", documents: 101, total: 1000 },
        { _tag: "Progress", documents: 1000, total: 1000 }
      ])
      const last = events.at(-1)
      assert.strictEqual(last?._tag === "Summarized" && last.summary.documents, 1000)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("sees the writes of the transaction that reads it", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const mongo = yield* MongoClient.MongoClient
      yield* db.createCollection("numbers")
      const numbers = db.collection("numbers")
      const inferred = yield* mongo.withTransaction(
        Effect.andThen(numbers.insertOne({ n: 1 }), MongoInfer.schema(numbers))
      )
      assert.strictEqual(inferred.documents, 1)
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("ends when it is interrupted, and leaves nothing on the server", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const numbers = db.collection("numbers")
      yield* numbers.insertMany(Array.from({ length: 1000 }, () => ({ n: 1 })))
      yield* FailPoint.failCommand({ failCommands: ["getMore"], blockTime: "2 seconds", mode: { times: 1 } })
      const log = yield* CommandLog.make
      const fiber = yield* Effect.forkChild(MongoInfer.schema(numbers))
      yield* until("a getMore", () => log.names().includes("getMore"))
      assert.isBelow(yield* interrupt(fiber), 1500)
      yield* MongoTest.nothingLeft
    }).pipe(Effect.scoped, Effect.provide(withLog)))
})
