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
import { ascending, cpu, quantile } from "../../core/benchmark/measure.ts"
import { build, environment } from "../../core/benchmark/report.ts"
import { type Figure, figures, limitOf } from "./figures.ts"
import { medianInterval, type Rounds, verdictOf } from "./verdict.ts"

type Name = keyof typeof figures

const rounds: Rounds = { least: 9, most: Number(process.env["BENCH_ROUNDS"] ?? 40) }
/** A ratio that is too high is measured once more: the machine may have been busy. */
const secondLook: Rounds = { least: rounds.most, most: 3 * rounds.most }
const only = process.argv.slice(2)

// The work of one slice. Slices are short, so that what else the machine does meets all sides alike.
const readSize = 6000
const insertSize = 1000
const pointOperations = 40
const fibers = 64
const lookups = 4 * fibers
const transactions = 15
const fileSize = 32 * 1024 * 1024

const folder = new URL("..", import.meta.url)
build(folder)
const { GridFS, MongoClient } = await import("@mongofx/core")
const { MongoResolver, TypedCollection } = await import("@mongofx/schema")

const { makeSmall, Small, SmallClass } = await import("./documents.ts")

/** So that every side looks at each document, and none can leave it out. */
let seen = 0

const see = (documents: ReadonlyArray<{ readonly createdAt: Date }>): void => {
  for (const document of documents) seen += document.createdAt.getTime() > 0 ? 1 : 0
}

/** The bare driver's side, and the sides of mongofx by the names of their figures. */
interface Group {
  /** How many slices of each side are not counted: V8 compiles in the meantime. */
  readonly warmUps: number
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
  const byId = MongoResolver.findById(typed)
  const bareWritten = bareDb.collection<Driver.Document>("written")
  const written = db.collection("written")
  const typedWritten = TypedCollection.make(db, "written", Small)
  const bareFiles = new Driver.GridFSBucket(bareDb)
  const files = GridFS.bucket(db)

  const ids = Array.from({ length: lookups }, () => new Driver.ObjectId())
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
      warmUps: 4,
      bare: async () => see(await bare.find().toArray()),
      guarded: [
        ["find to array", async () => see(await Effect.runPromise(items.find()))],
        ["array, decoded", async () => see(await Effect.runPromise(typed.find()))],
        [
          "stream, decoded",
          () => Effect.runPromise(Stream.runForEachArray(typed.find().stream, (chunk) => Effect.sync(() => see(chunk))))
        ],
        [
          "stream, decoded to class instances",
          () =>
            Effect.runPromise(
              Stream.runForEachArray(instances.find().stream, (chunk) => Effect.sync(() => see(chunk)))
            )
        ]
      ]
    },
    {
      warmUps: 4,
      bare: async () => {
        for await (const item of bare.find()) see([item])
      },
      guarded: [[
        "stream",
        () => Effect.runPromise(Stream.runForEachArray(items.find().stream, (chunk) => Effect.sync(() => see(chunk))))
      ]]
    },
    {
      warmUps: 20,
      bare: () => bareWritten.insertMany(makeBatch()),
      guarded: [
        ["insertMany", sequence(1, () => written.insertMany(makeBatch()))],
        ["insertMany, encoded", sequence(1, () => typedWritten.insertMany(makeBatch()))]
      ]
    },
    {
      warmUps: 25,
      bare: times(pointOperations, (i) => bare.findOne({ _id: ids[i]! })),
      guarded: [
        ["findOne", sequence(pointOperations, (i) => items.findOne({ _id: ids[i]! }))],
        ["findOne, decoded", sequence(pointOperations, (i) => typed.findOne({ _id: ids[i]! }))]
      ]
    },
    {
      warmUps: 10,
      bare: async () => {
        let next = 0
        const work = async () => {
          while (next < lookups) see([(await bare.findOne({ _id: ids[next++]! }))!])
        }
        await Promise.all(Array.from({ length: fibers }, work))
      },
      guarded: [[
        "findById through a resolver",
        async () =>
          see(
            await Effect.runPromise(
              Effect.forEach(ids, (id) => MongoResolver.request(id, byId), { concurrency: fibers })
            )
          )
      ]]
    },
    {
      warmUps: 25,
      bare: times(pointOperations, (i) => bareWritten.insertOne(make(i))),
      guarded: [
        ["insertOne", sequence(pointOperations, (i) => written.insertOne(make(i)))],
        ["insertOne, encoded", sequence(pointOperations, (i) => typedWritten.insertOne(make(i)))]
      ]
    },
    {
      warmUps: 25,
      bare: times(pointOperations, (i) => bare.updateOne({ _id: ids[i]! }, update)),
      guarded: [
        ["updateOne", sequence(pointOperations, (i) => items.updateOne({ _id: ids[i]! }, update))],
        ["updateOne, encoded", sequence(pointOperations, (i) => typed.updateOne({ _id: ids[i]! }, update))]
      ]
    },
    {
      warmUps: 20,
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
      warmUps: 3,
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

const widths = [38, 8, 15, 8, 8, 8, 8, 8]

const row = (cells: ReadonlyArray<string>): string =>
  cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join("")

/** The CPU of one slice, with the garbage that is collected meanwhile: who makes more of it pays more often. */
const slice = async (run: () => Promise<unknown>): Promise<number> => {
  const before = cpu()
  await run()
  return cpu() - before
}

/** Measures figures of a group in turns with the bare driver, each until it is decided, and returns those above their limits. */
const look = async ({ bare, warmUps }: Group, guarded: Group["guarded"], rounds: Rounds): Promise<Group["guarded"]> => {
  for (let i = 0; i < warmUps; i++) for (const run of [bare, ...guarded.map(([, run]) => run)]) await run()
  const above: Array<Group["guarded"][number]> = []
  let open = guarded.map(([name, run]) => ({
    name,
    run,
    ratios: [] as ReadonlyArray<number>,
    times: [] as Array<number>
  }))
  while (open.length > 0) {
    const runs = [bare, ...open.map(({ run }) => run)]
    const sums = runs.map(() => 0)
    const forth = runs.map((_, i) => i)
    for (const i of [...forth, ...forth.slice().reverse()]) sums[i]! += await slice(runs[i]!)
    open = open.filter((side, i) => {
      side.ratios = ascending([...side.ratios, sums[i + 1]! / sums[0]!])
      side.times.push(sums[i + 1]! / 2)
      const limit = limitOf(figures[side.name])
      const verdict = verdictOf(side.ratios, limit, rounds)
      if (verdict === "undecided") return true
      print(side, limit)
      if (verdict === "above") above.push([side.name, side.run])
      return false
    })
  }
  return above
}

const print = (
  { name, ratios, times }: {
    readonly name: Name
    readonly ratios: ReadonlyArray<number>
    readonly times: ReadonlyArray<number>
  },
  limit: number
): void => {
  const { budget, today }: Figure = figures[name]
  const median = quantile(ratios, 0.5)
  const [low, high] = medianInterval(ratios)
  console.log(
    row([
      name,
      median.toFixed(3),
      `${low.toFixed(3)}-${high.toFixed(3)}`,
      String(ratios.length),
      (quantile(ascending(times), 0.5) / 1000).toFixed(1),
      budget.toFixed(2),
      today === undefined ? "-" : today.toFixed(2),
      limit.toFixed(2)
    ]) + (median <= limit ? "" : "  TOO HIGH")
  )
}

const measure = async (group: Group): Promise<ReadonlyArray<Name>> => {
  const high = await look(group, group.guarded, rounds)
  if (high.length === 0) return []
  console.log("once more:")
  return (await look(group, high, secondLook)).map(([name]) => name)
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
  console.log(
    "ratio: CPU of mongofx / CPU of the bare driver, the median of the rounds; CPU of a slice in milliseconds\n"
  )
  console.log(row(["work", "ratio", "interval", "rounds", "CPU", "budget", "today", "limit"]))
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
