/**
 * Compares compiled codecs with the bare driver and with the peers, in client CPU: see README.md.
 *
 * @since 0.1.0
 */
import type * as Mongofx from "@mongofx/core"
import type * as MongofxSchema from "@mongofx/schema"
import { MongoServer } from "@mongofx/testing"
import { Effect, Option, Redacted, Schema, Stream } from "effect"
import * as Driver from "mongodb"
import Mongoose from "mongoose"
import { randomUUID } from "node:crypto"
import PaprDefault from "papr"
import type { z } from "zod"
import { compare, type Result, type Side } from "../../core/benchmark/measure.ts"
import { build, environment, markdown, resultCells, resultTitles } from "../../core/benchmark/report.ts"
import { figures } from "./figures.ts"

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 7)
const only = process.argv.slice(2)

const warmUps = 2
const streamSize = Number(process.env["BENCH_DOCUMENTS"] ?? 100_000)
const insertSize = 1000
const inserts = 20
const events = 5000
const lookups = 1000
const fibers = 64

const folder = new URL("..", import.meta.url)
build(folder)
const { MongoClient } = await import(new URL("../../core/dist/index.js", import.meta.url).href) as typeof Mongofx
const { Expr, MongoResolver, Pipeline, TypedCollection } = await import(
  new URL("../dist/index.js", import.meta.url).href
) as typeof MongofxSchema
const Documents = await import("./documents.ts")

/** Makes every side look at each document, so that no side can skip one. */
let seen = 0

interface Looked {
  readonly createdAt: Date
}

const look = (documents: ReadonlyArray<Looked>): void => {
  for (const document of documents) seen += document.createdAt.getTime() > 0 ? 1 : 0
}

interface Shape<A extends Looked> {
  readonly name: string
  readonly make: (id: number) => Driver.Document
  readonly schema: Schema.Codec<A, Driver.Document>
  readonly class: Schema.Codec<A, Driver.Document>
  readonly zod: z.ZodType<Looked>
  readonly mongoose: Mongoose.Schema
  readonly papr: Parameters<PaprDefault["model"]>[1]
}

const shapes: ReadonlyArray<Shape<Looked>> = [
  {
    name: "300 bytes",
    make: Documents.makeSmall,
    schema: Documents.Small as never,
    class: Documents.SmallClass as never,
    zod: Documents.zodSmall,
    mongoose: Documents.mongooseSmall,
    papr: Documents.paprSmall as never
  },
  {
    name: "1.6 kB",
    make: Documents.makeLarge,
    schema: Documents.Large as never,
    class: Documents.LargeClass as never,
    zod: Documents.zodLarge,
    mongoose: Documents.mongooseLarge,
    papr: Documents.paprLarge as never
  }
]

interface Connections {
  readonly mongo: Mongofx.MongoClient.MongoClient
  readonly driver: Driver.MongoClient
  readonly mongoose: Mongoose.Connection
  readonly papr: PaprDefault
  readonly database: string
}

/** The collection of the same documents, with their fields in the reverse of the schema's order. */
const reversed = (name: string): string => `${name}, reversed`

const reverse = (document: Driver.Document): Driver.Document => Object.fromEntries(Object.entries(document).reverse())

const readSides = ({ database, driver, mongo, mongoose, papr }: Connections, shape: Shape<Looked>) => {
  const name = shape.name
  const bare = driver.db(database).collection<Looked>(name)
  const items = mongo.db(database).collection<Looked>(name)
  const typed = (schema: Schema.Codec<Looked, Driver.Document>, from = name) =>
    TypedCollection.make(mongo.db(database), from, schema)
  const stream = (schema: Schema.Codec<Looked, Driver.Document>, from = name) => () =>
    Effect.runPromise(
      Stream.runForEachArray(typed(schema, from).find().stream, (chunk) => Effect.sync(() => look(chunk)))
    )
  const interpret = Schema.decodeUnknownEffect(Schema.Array(shape.schema))
  const Model = mongoose.model(name, shape.mongoose, name)
  const paprModel = papr.model(name, shape.papr)
  const sides: ReadonlyArray<Side> = [
    { name: "bare driver, toArray, unchecked", run: async () => look(await bare.find().toArray()) },
    { name: "mongofx, stream, decoded", budget: figures["stream, decoded"].budget, run: stream(shape.schema) },
    { name: "mongofx, stream, decoded to class instances", run: stream(shape.class) },
    { name: "mongofx, array, decoded", run: async () => look(await Effect.runPromise(typed(shape.schema).find())) },
    {
      name: "mongofx, array, decoded to class instances",
      run: async () => look(await Effect.runPromise(typed(shape.class).find()))
    },
    {
      name: "mongofx, stream, decoded, fields reversed",
      run: stream(shape.schema, reversed(name))
    },
    { name: "mongofx, array, unchecked", run: async () => look(await Effect.runPromise(items.find())) },
    {
      name: "bare driver, batch by batch, unchecked",
      run: async () => {
        const cursor = bare.find()
        while (await cursor.hasNext()) look(cursor.readBufferedDocuments())
      }
    },
    {
      name: "mongofx, interpreted Schema",
      run: () =>
        Effect.runPromise(
          Stream.runForEachArray(items.find().stream, (chunk) => Effect.map(interpret(chunk), look))
        )
    },
    {
      name: "bare driver, toArray, zod by hand",
      run: async () => look((await bare.find().toArray()).map((document) => shape.zod.parse(document)))
    },
    { name: "mongoose, lean, unchecked", run: async () => look(await Model.find().lean<Array<Looked>>()) },
    {
      name: "mongoose, hydrated",
      run: async () => look((await Model.find()) as unknown as Array<Looked>)
    },
    {
      name: "papr, unchecked",
      run: async () => look((await paprModel.find({})) as unknown as Array<Looked>)
    }
  ]
  return sides
}

/** Reads whole documents with a field that the server computes. The stages of all sides are the same. */
const pipelineSides = ({ database, driver, mongo }: Connections, shape: Shape<Looked>) => {
  const stages = [{ $match: {} }, { $set: { year: { $year: { date: "$createdAt" } } } }]
  const bare = driver.db(database).collection<Looked>(shape.name)
  const items = mongo.db(database).collection<Looked>(shape.name)
  const typed = TypedCollection.make(mongo.db(database), shape.name, shape.schema)
  const pipeline = (documents: MongofxSchema.Pipeline.Pipeline<Looked>) =>
    documents.pipe(Pipeline.match({}), Pipeline.set(($) => ({ year: Expr.year($.createdAt) })))
  const sides: ReadonlyArray<Side> = [
    {
      name: "bare driver, aggregate, toArray, unchecked",
      run: async () => look(await bare.aggregate<Looked>(stages).toArray())
    },
    {
      name: "mongofx, pipeline, array, decoded",
      run: async () => look(await Effect.runPromise(typed.aggregate(pipeline)))
    },
    {
      name: "mongofx, pipeline, stream, decoded",
      run: () =>
        Effect.runPromise(
          Stream.runForEachArray(typed.aggregate(pipeline).stream, (chunk) => Effect.sync(() => look(chunk)))
        )
    },
    {
      name: "mongofx, stages, array, unchecked",
      run: async () => look(await Effect.runPromise(items.aggregate<Looked>(stages)))
    }
  ]
  return sides
}

/** Looks up single documents, as many fibers do at the same time. */
const lookupSides = (
  { database, driver, mongo }: Connections,
  shape: Shape<Looked>,
  ids: ReadonlyArray<Driver.ObjectId>
) => {
  const bare = driver.db(database).collection<Looked & { readonly _id: Driver.ObjectId }>(shape.name)
  const typed = TypedCollection.make(mongo.db(database), shape.name, shape.schema)
  const find = MongoResolver.request(MongoResolver.findById(typed))
  const concurrently = <A, E>(f: (id: Driver.ObjectId) => Effect.Effect<A, E>) =>
    Effect.runPromise(Effect.forEach(ids, f, { concurrency: fibers }))
  const sides: ReadonlyArray<Side> = [
    {
      name: "bare driver, findOne, unchecked",
      run: async () => {
        let next = 0
        const work = async () => {
          while (next < ids.length) look([(await bare.findOne({ _id: ids[next++]! }))!])
        }
        await Promise.all(Array.from({ length: fibers }, work))
      }
    },
    {
      name: "mongofx, findById through a resolver, decoded",
      budget: figures["findById through a resolver"].budget,
      run: async () => look(await concurrently(find))
    },
    {
      name: "mongofx, findById, decoded",
      run: async () => look((await concurrently((id) => typed.findById(id))).map((found) => Option.getOrThrow(found)))
    }
  ]
  return sides
}

const writeSides = ({ database, driver, mongo, mongoose, papr }: Connections, shape: Shape<Looked>) => {
  const name = `written ${shape.name}`
  const bare = driver.db(database).collection(name)
  const items = mongo.db(database).collection(name)
  const typed = TypedCollection.make(mongo.db(database), name, shape.schema)
  const instances = TypedCollection.make(mongo.db(database), name, shape.class)
  const Instance = shape.class as unknown as new(fields: Driver.Document) => Looked
  const interpret = Schema.encodeUnknownEffect(Schema.Array(shape.schema))
  const Model = mongoose.model(name, shape.mongoose, name)
  const paprModel = papr.model(name, shape.papr)
  // Each run makes new documents. All sides pay for that.
  const makeBatch = () => Array.from({ length: insertSize }, (_, i) => shape.make(i)) as Array<Looked & Driver.Document>
  const times = async (f: () => Promise<unknown>) => {
    for (let i = 0; i < inserts; i++) await f()
  }
  const repeat = <E>(f: () => Effect.Effect<unknown, E>) =>
    Effect.runPromise(Effect.gen(function*() {
      for (let i = 0; i < inserts; i++) yield* f()
    }))
  const sides: ReadonlyArray<Side> = [
    { name: "bare driver, insertMany, unchecked", run: () => times(() => bare.insertMany(makeBatch())) },
    {
      name: "mongofx, encoded",
      budget: figures["insertMany, encoded"].budget,
      run: () => repeat(() => typed.insertMany(makeBatch() as never))
    },
    {
      name: "mongofx, class instances, encoded",
      run: () => repeat(() => instances.insertMany(makeBatch().map((document) => new Instance(document)) as never))
    },
    { name: "mongofx, unchecked", run: () => repeat(() => items.insertMany(makeBatch())) },
    {
      name: "mongofx, interpreted Schema",
      run: () =>
        repeat(() =>
          Effect.flatMap(interpret(makeBatch()), (documents) => items.insertMany(documents as Array<Driver.Document>))
        )
    },
    {
      name: "zod by hand, insertMany",
      run: () =>
        times(() => bare.insertMany(makeBatch().map((document) => shape.zod.parse(document) as Driver.Document)))
    },
    { name: "mongoose, insertMany", run: () => times(() => Model.insertMany(makeBatch())) },
    { name: "papr, insertMany, unchecked", run: () => times(() => paprModel.insertMany(makeBatch() as never)) }
  ]
  return sides
}

/** Reads the events of the documents that were inserted after a position. */
const watchSides = (
  { database, driver, mongo }: Connections,
  shape: Shape<Looked>,
  resumeAfter: Driver.ResumeToken
): ReadonlyArray<Side> => {
  const bare = driver.db(database).collection<Looked>(watched)
  const items = mongo.db(database).collection<Looked>(watched)
  const typed = TypedCollection.make(mongo.db(database), watched, shape.schema)
  const lookAt = (events: ReadonlyArray<{ readonly fullDocument?: unknown }>) =>
    look(events.map(({ fullDocument }) => fullDocument as Looked))
  const run = <Event extends object, E>(stream: Stream.Stream<Event, E>) =>
    Effect.runPromise(
      Stream.runForEachArray(Stream.take(stream, events), (chunk) => Effect.sync(() => lookAt(chunk)))
    )
  return [
    {
      name: "bare driver, change stream, unchecked",
      run: async () => {
        const stream = bare.watch([], { resumeAfter })
        for (let i = 0; i < events; i++) lookAt([(await stream.next()) as Driver.ChangeStreamInsertDocument<Looked>])
        await stream.close()
      }
    },
    { name: "mongofx, watch, decoded", budget: 0.8, run: () => run(typed.watch([], { resumeAfter })) },
    { name: "mongofx, watch, unchecked", run: () => run(items.watch([], { resumeAfter })) }
  ]
}

/** The collection whose changes are watched. */
const watched = "watched"

/** Inserts documents, and gives the position before them. */
const insertWatched = async (driver: Driver.Db, make: (id: number) => Driver.Document): Promise<Driver.ResumeToken> => {
  await driver.dropCollection(watched)
  const items = await driver.createCollection(watched)
  const stream = items.watch()
  await stream.tryNext()
  const position = stream.resumeToken
  await stream.close()
  await items.insertMany(Array.from({ length: events }, (_, i) => make(i)))
  return position
}

const cellsOf = ({ cpu, ratios, side }: Result): ReadonlyArray<string> =>
  resultCells(side.name, ratios, [(cpu / 1000).toFixed(0)], side.budget, 2)

const program = Effect.gen(function*() {
  const server = yield* MongoServer.MongoServer
  const uri = Redacted.value(server.uri)
  const database = `mongofx_bench_${randomUUID().slice(0, 8)}`
  const driver = yield* Effect.acquireRelease(
    Effect.promise(() => Driver.MongoClient.connect(uri)),
    (driver) => Effect.promise(() => driver.db(database).dropDatabase().finally(() => driver.close()))
  )
  const mongoose = yield* Effect.acquireRelease(
    Effect.promise(() => Mongoose.createConnection(uri, { dbName: database, autoIndex: false }).asPromise()),
    (connection) => Effect.promise(() => connection.close())
  )
  const papr = new PaprDefault()
  papr.initialize(driver.db(database))
  const mongo = yield* MongoClient.make({ url: Redacted.make(uri) })
  const connections: Connections = { mongo, driver, mongoose, papr, database }
  const { version: serverVersion } = yield* mongo.serverInfo
  console.log(environment(["mongodb", "effect", "mongoose", "papr", "zod"], folder, serverVersion))
  console.log(`${rounds} rounds; ratio: CPU of the side / CPU of the first side, medians; CPU in milliseconds`)
  const report = (title: string, sides: ReadonlyArray<Side>) =>
    Effect.promise(async () => {
      if (only.length > 0 && !only.some((word) => title.includes(word))) return
      const rows = (await compare(sides, rounds, warmUps)).map(cellsOf)
      console.log(`\n${markdown(resultTitles(title, ["CPU"]), rows)}`)
    })
  for (const shape of shapes) {
    const items = driver.db(database).collection(shape.name)
    const others = driver.db(database).collection(reversed(shape.name))
    for (let i = 0; i < streamSize; i += 10_000) {
      const batch = Array.from({ length: 10_000 }, (_, j) => shape.make(i + j))
      yield* Effect.promise(() => items.insertMany(batch))
      yield* Effect.promise(() => others.insertMany(batch.map(reverse)))
    }
    yield* report(`read ${streamSize} x ${shape.name}`, readSides(connections, shape))
    yield* report(`pipeline over ${streamSize} x ${shape.name}`, pipelineSides(connections, shape))
    const ids = yield* Effect.promise(() => items.find({}, { projection: { _id: 1 } }).limit(lookups).toArray())
    const title = `${lookups} lookups of ${fibers} fibers x ${shape.name}`
    yield* report(title, lookupSides(connections, shape, ids.map(({ _id }) => _id)))
    yield* Effect.promise(() => Promise.all([items.drop(), others.drop()]))
  }
  for (const shape of shapes) {
    const position = yield* Effect.promise(() => insertWatched(driver.db(database), shape.make))
    yield* report(`watch ${events} x ${shape.name}`, watchSides(connections, shape, position))
  }
  for (const shape of shapes) {
    yield* report(`insertMany ${inserts} x ${insertSize} x ${shape.name}`, writeSides(connections, shape))
    yield* Effect.promise(() => driver.db(database).collection(`written ${shape.name}`).drop())
  }
})

await Effect.runPromise(Effect.provide(Effect.scoped(program), MongoServer.layer))
if (seen === 0 && only.length === 0) throw new Error("no document was looked at")
