/**
 * Fails if one of the guarded ratios has grown: see README.md.
 *
 * @since 0.1.0
 */
import type * as Mongofx from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Effect, Redacted, Stream } from "effect"
import * as Driver from "mongodb"
import { randomUUID } from "node:crypto"
import { compare, quantile, type Side } from "../../core/benchmark/measure.ts"
import { build, environment, makeTable } from "../../core/benchmark/report.ts"
import { type Figure, figures, limitOf } from "./figures.ts"

type Name = keyof typeof figures

const rounds = Number(process.env["BENCH_ROUNDS"] ?? 16)
const only = process.argv.slice(2)

const warmUps = 2
const readSize = 10_000
const insertSize = 1000
const pointOperations = 60
const transactions = 20
const fileSize = 32 * 1024 * 1024

const folder = new URL("..", import.meta.url)
build(folder)
const { GridFS, MongoClient } = await import("@mongofx/core")
const { TypedCollection } = await import("@mongofx/schema")

const { makeSmall, Small, SmallClass } = await import("./documents.ts")

/** So that every side looks at each document, and none can leave it out. */
let seen = 0

const look = (documents: ReadonlyArray<{ readonly createdAt: Date }>): void => {
  for (const document of documents) seen += document.createdAt.getTime() > 0 ? 1 : 0
}

/** The bare driver's side, and the sides of mongofx by the names of their figures. */
interface Group {
  readonly bare: () => Promise<unknown>
  readonly guarded: ReadonlyArray<readonly [name: Name, run: () => Promise<unknown>]>
}

const times = (count: number, f: (index: number) => Promise<unknown>) => async () => {
  for (let i = 0; i < count; i++) await f(i)
}

const sequence = <E>(count: number, f: (index: number) => Effect.Effect<unknown, E>) => () =>
  Effect.runPromise(Effect.gen(function*() {
    for (let i = 0; i < count; i++) yield* f(i)
  }))

const makeGroups = (mongo: Mongofx.MongoClient.MongoClient, driver: Driver.MongoClient, name: string) => {
  const bareDb = driver.db(name)
  const db = mongo.db(name)
  type Item = typeof Small.Type
  const bare = bareDb.collection<Item>("read")
  const items = db.collection<Item>("read")
  const typed = TypedCollection.make(db, "read", Small)
  const instances = TypedCollection.make(db, "read", SmallClass)
  const bareWritten = bareDb.collection<Driver.Document>("written")
  const written = db.collection("written")
  const typedWritten = TypedCollection.make(db, "written", Small)
  const bareFiles = new Driver.GridFSBucket(bareDb)
  const files = GridFS.bucket(db)

  const ids = Array.from({ length: pointOperations }, () => new Driver.ObjectId())
  const fileId = new Driver.ObjectId()
  const make = (id: number) => makeSmall(id) as Item
  const makeBatch = () => Array.from({ length: insertSize }, (_, i) => make(i))
  const update = { $set: { active: true } } as const

  const prepare = async (): Promise<void> => {
    await bare.insertMany(
      Array.from({ length: readSize }, (_, i) => ({ ...make(i), _id: ids[i] ?? new Driver.ObjectId() }))
    )
    const upload = bareFiles.openUploadStreamWithId(fileId, "file")
    await new Promise((resolve, reject) =>
      upload.on("error", reject).end(Buffer.alloc(fileSize, 1), () => resolve(undefined))
    )
  }

  const groups: ReadonlyArray<Group> = [
    {
      bare: async () => look(await bare.find().toArray()),
      guarded: [
        ["find to array", async () => look(await Effect.runPromise(items.find()))],
        ["array, decoded", async () => look(await Effect.runPromise(typed.find()))],
        [
          "stream, decoded",
          () =>
            Effect.runPromise(Stream.runForEachArray(typed.find().stream, (chunk) => Effect.sync(() => look(chunk))))
        ],
        [
          "stream, decoded to class instances",
          () =>
            Effect.runPromise(
              Stream.runForEachArray(instances.find().stream, (chunk) => Effect.sync(() => look(chunk)))
            )
        ]
      ]
    },
    {
      bare: async () => {
        for await (const item of bare.find()) look([item])
      },
      guarded: [[
        "stream",
        () => Effect.runPromise(Stream.runForEachArray(items.find().stream, (chunk) => Effect.sync(() => look(chunk))))
      ]]
    },
    {
      bare: times(2, () => bareWritten.insertMany(makeBatch())),
      guarded: [
        ["insertMany", sequence(2, () => written.insertMany(makeBatch()))],
        ["insertMany, encoded", sequence(2, () => typedWritten.insertMany(makeBatch()))]
      ]
    },
    {
      bare: times(pointOperations, (i) => bare.findOne({ _id: ids[i]! })),
      guarded: [
        ["findOne", sequence(pointOperations, (i) => items.findOne({ _id: ids[i]! }))],
        ["findOne, decoded", sequence(pointOperations, (i) => typed.findOne({ _id: ids[i]! }))]
      ]
    },
    {
      bare: times(pointOperations, (i) => bareWritten.insertOne(make(i))),
      guarded: [
        ["insertOne", sequence(pointOperations, (i) => written.insertOne(make(i)))],
        ["insertOne, encoded", sequence(pointOperations, (i) => typedWritten.insertOne(make(i)))]
      ]
    },
    {
      bare: times(pointOperations, (i) => bare.updateOne({ _id: ids[i]! }, update)),
      guarded: [
        ["updateOne", sequence(pointOperations, (i) => items.updateOne({ _id: ids[i]! }, update))],
        ["updateOne, encoded", sequence(pointOperations, (i) => typed.updateOne({ _id: ids[i]! }, update))]
      ]
    },
    {
      bare: times(transactions, (i) =>
        driver.withSession((session) =>
          session.withTransaction(async () => {
            await bare.updateOne({ _id: ids[i]! }, update, { session })
            await bare.updateOne({ _id: ids[i + 1]! }, update, { session })
          })
        )),
      guarded: [
        [
          "transaction of two updates",
          sequence(transactions, (i) =>
            mongo.withTransaction(Effect.andThen(
              items.updateOne({ _id: ids[i]! }, update),
              items.updateOne({ _id: ids[i + 1]! }, update)
            )))
        ],
        [
          "transaction of two updates, encoded",
          sequence(transactions, (i) =>
            mongo.withTransaction(Effect.andThen(
              typed.updateOne({ _id: ids[i]! }, update),
              typed.updateOne({ _id: ids[i + 1]! }, update)
            )))
        ]
      ]
    },
    {
      bare: async () => {
        for await (const chunk of bareFiles.openDownloadStream(fileId)) seen += (chunk as Uint8Array).length
      },
      guarded: [[
        "GridFS download",
        () =>
          Effect.runPromise(Stream.runForEach(files.download(fileId), (chunk) =>
            Effect.sync(() => {
              seen += chunk.length
            })))
      ]]
    }
  ]
  return { prepare, groups }
}

const table = makeTable([38, 8, 15, 15, 8, 8, 8, 8], 3)

/** Measures a group. A ratio that is too high is measured once more, with more rounds: the machine may have been busy. */
const measure = async ({ bare, guarded }: Group): Promise<ReadonlyArray<Name>> => {
  const measured = async (guarded: Group["guarded"], rounds: number) => {
    const sides: ReadonlyArray<Side> = [{ name: "bare", run: bare }, ...guarded.map(([name, run]) => ({ name, run }))]
    const results = await compare(sides, rounds, warmUps)
    return guarded.filter(([name], i) => {
      const { cpu, ratios } = results[i + 1]!
      const { budget, today = budget }: Figure = figures[name]
      const limit = limitOf(figures[name])
      const cells = [(cpu / 1000).toFixed(0), budget.toFixed(2), today.toFixed(2)]
      console.log(table.result(name, ratios, cells, limit))
      return quantile(ratios, 0.5) > limit
    })
  }
  const high = await measured(guarded, rounds)
  if (high.length === 0) return []
  console.log("once more:")
  return (await measured(high, 3 * rounds)).map(([name]) => name)
}

const program = Effect.gen(function*() {
  const server = yield* MongoServer.MongoServer
  const uri = Redacted.value(server.uri)
  const name = `mongofx_guard_${randomUUID().slice(0, 8)}`
  // The server answers before a write is on its disk, whose speed does not matter here.
  const writeConcern = { w: 1 } as const
  const driver = yield* Effect.acquireRelease(
    Effect.promise(() => Driver.MongoClient.connect(uri, { writeConcern })),
    (driver) => Effect.promise(() => driver.db(name).dropDatabase().finally(() => driver.close()))
  )
  const mongo = yield* MongoClient.make({ url: Redacted.make(uri), writeConcern })
  const { version } = yield* mongo.serverInfo
  console.log(environment(["mongodb", "effect"], folder, version))
  console.log(`${rounds} rounds; ratio: CPU of mongofx / CPU of the bare driver, medians; CPU in milliseconds\n`)
  console.log(table.row(["work", "ratio", "middle half", "all", "CPU", "budget", "today", "limit"]))
  const { groups, prepare } = makeGroups(mongo, driver, name)
  yield* Effect.promise(prepare)
  const failed: Array<Name> = []
  for (const group of groups) {
    if (only.length > 0 && !group.guarded.some(([name]) => only.some((word) => name.includes(word)))) continue
    failed.push(...(yield* Effect.promise(() => measure(group))))
  }
  return failed
})

const failed = await Effect.runPromise(Effect.provide(Effect.scoped(program), MongoServer.layer))
if (seen === 0 && only.length === 0) throw new Error("no document was looked at")
if (failed.length > 0) {
  console.log(`\nmore than a quarter above their figures (packages/schema/benchmark/figures.ts): ${failed.join("; ")}`)
  process.exitCode = 1
}
