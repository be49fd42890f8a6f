/**
 * How the cost of mongofx grows with the work, beside the bare driver: see README.md.
 *
 * @since 0.1.0
 */
import type * as Codec from "@mongofx/schema/internal/compiler/codec"
import { MongoServer } from "@mongofx/testing"
import { Effect, Redacted, Schema, Stream } from "effect"
import * as Driver from "mongodb"
import { execFile } from "node:child_process"
import { randomUUID } from "node:crypto"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { ascending, cpu, quantile } from "../../core/benchmark/measure.ts"
import { build, environment, markdown } from "../../core/benchmark/report.ts"

const most = Number(process.env["BENCH_DOCUMENTS"] ?? 1_000_000)
const only = process.argv.slice(2)

const powers = (from: number, to: number): ReadonlyArray<number> => from > to ? [] : [from, ...powers(from * 10, to)]

const folder = new URL("..", import.meta.url)
build(folder)
const { Integration, MongoClient } = await import("@mongofx/core")
const { TypedCollection } = await import("@mongofx/schema")
const internal = (path: string) => import(new URL(`../dist/internal/compiler/${path}.js`, import.meta.url).href)
const { makeCodec } = await internal("codec") as typeof Codec
const { Small } = await import("./documents.ts")

interface Cost {
  /** Microseconds for one of what is counted. */
  readonly cpu: number
  readonly wall: number
}

/** The cost of work that does `count` of something: the median of some runs. */
const costOf = async (count: number, runs: number, work: () => unknown): Promise<Cost> => {
  const costs: Array<Cost> = []
  for (let i = 0; i < runs; i++) {
    const [from, start] = [cpu(), performance.now()]
    await work()
    costs.push({ cpu: (cpu() - from) / count, wall: (performance.now() - start) * 1000 / count })
  }
  const median = (numbers: ReadonlyArray<number>) => quantile(ascending(numbers), 0.5)
  return { cpu: median(costs.map(({ cpu }) => cpu)), wall: median(costs.map(({ wall }) => wall)) }
}

type Row = readonly [count: number, mongofx: Cost, bare: Cost]

const bar = (share: number): string => "█".repeat(Math.max(1, Math.round(share * 20)))

const print = (title: string, unit: string, rows: ReadonlyArray<Row>): void => {
  const highest = Math.max(...rows.flatMap(([, mongofx, bare]) => [mongofx.cpu, bare.cpu]))
  const digits = highest < 10 ? 3 : 1
  console.log(`\n${
    markdown(
      [title, `CPU, ${unit}`, "wall", "driver, CPU", "wall", "ratio of CPU", "CPU", "driver"],
      rows.map(([count, mongofx, bare]) => [
        count.toLocaleString("en"),
        ...[mongofx.cpu, mongofx.wall, bare.cpu, bare.wall].map((n) => n.toFixed(digits)),
        (mongofx.cpu / bare.cpu).toFixed(2),
        bar(mongofx.cpu / highest),
        bar(bare.cpu / highest)
      ])
    )
  }`)
}

/** Measures both sides, warm. */
const measured = async (
  count: number,
  runs: number,
  mongofx: () => unknown,
  bare: () => unknown
): Promise<readonly [Cost, Cost]> => {
  await mongofx()
  await bare()
  return [await costOf(count, runs, mongofx), await costOf(count, runs, bare)]
}

const repeat = <E>(times: number, effect: Effect.Effect<unknown, E>) => () =>
  Effect.runPromise(Effect.gen(function*() {
    for (let i = 0; i < times; i++) yield* effect
  }))

const repeatBare = (times: number, f: () => Promise<unknown>) => async () => {
  for (let i = 0; i < times; i++) await f()
}

// ---- fields

/** Fields of five types in turns. */
const fieldsOf = (count: number) => {
  const kinds = [
    [Schema.String, (i: number) => `text number ${i}`],
    [Schema.Int, (i: number) => i],
    [Schema.Finite, (i: number) => i + 0.5],
    [Schema.Boolean, (i: number) => i % 3 === 0],
    [Schema.Date, (i: number) => new Date(1_700_000_000_000 + i)]
  ] as const
  const all = Array.from({ length: count }, (_, i) => {
    const [schema, make] = kinds[i % kinds.length]!
    return [`field${i}`, schema, make(i)] as const
  })
  return {
    schema: Schema.Struct(Object.fromEntries(all.map(([name, schema]) => [name, schema]))),
    document: Object.fromEntries(all.map(([name, , value]) => [name, value])) as Driver.Document
  }
}

const fieldCurves = async (): Promise<void> => {
  const decoding: Array<Row> = []
  const encoding: Array<Row> = []
  for (const count of [10, 30, 100, 300, 1000]) {
    const { document, schema } = fieldsOf(count)
    const codec = makeCodec(schema.ast)
    const bytes = Driver.BSON.serialize(document)
    const times = Math.floor(100_000 / count)
    const batch = Array.from({ length: times }, () => bytes)
    const decode = codec.bytes({})!
    const decodeAll = () => {
      const out: Array<unknown> = []
      if (decode.decodeMany(batch, 0, out) !== times) throw new Error("not decoded by compiled code")
    }
    const encodeAll = () => {
      for (let i = 0; i < times; i++) {
        const buffer = new Integration.WriteBuffer()
        if (codec.writeNow(buffer, document, undefined, false) === undefined) {
          throw new Error("not written by compiled code")
        }
        buffer.release()
      }
    }
    const bare = (f: () => unknown) => () => {
      for (let i = 0; i < times; i++) f()
    }
    const total = times * count
    decoding.push([
      count,
      ...await measured(total, 7, decodeAll, bare(() => Driver.BSON.deserialize(bytes)))
    ])
    encoding.push([
      count,
      ...await measured(total, 7, encodeAll, bare(() => Driver.BSON.serialize(document)))
    ])
  }
  print("fields of a document, decoded from bytes", "µs per field", decoding)
  print("fields of a document, encoded to bytes", "µs per field", encoding)
}

// ---- start-up

const startUpProgram = `
const [what, uri, database] = process.argv.slice(2)
const start = performance.now()
const at = () => ({ cpu: process.cpuUsage(), wall: performance.now() })
const times = []
let from = at()
const note = () => {
  const now = at()
  times.push([(now.cpu.user + now.cpu.system - from.cpu.user - from.cpu.system) / 1000, now.wall - from.wall])
  from = at()
}
if (what === "driver") {
  const { MongoClient } = await import("mongodb")
  note()
  const client = await MongoClient.connect(uri)
  await client.db("admin").command({ ping: 1 })
  note()
  const query = () => client.db(database).collection("first").find().toArray()
  await query()
  note()
  await query()
  note()
  await client.close()
} else {
  const { Integration, MongoClient } = await import("@mongofx/core")
  const schema = what === "schema" ? await import("@mongofx/schema") : undefined
  note()
  const { Effect, Redacted, Schema } = await import("effect")
  from = at()
  await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const mongo = yield* MongoClient.make({ url: Redacted.make(uri) })
    yield* mongo.ping
    note()
    const db = mongo.db(database)
    const items = schema === undefined ? db.collection("first") : schema.TypedCollection.make(db, "first", Schema.Struct({
      _id: schema.Bson.ObjectId, owner: schema.Bson.ObjectId, name: Schema.String, email: Schema.String, age: Schema.Int,
      score: Schema.Finite, active: Schema.Boolean, createdAt: Schema.Date,
      address: Schema.Struct({ street: Schema.String, city: Schema.String, zip: Schema.String }),
      tags: Schema.Array(Schema.String)
    }))
    yield* items.find()
    note()
    yield* items.find()
    note()
  })))
}
console.log(JSON.stringify(times))
`

const run = promisify(execFile)

/** Copies the compiled packages to where a program finds them as if they were installed, and runs it there. */
const startUp = async (uri: string, database: string): Promise<void> => {
  const place = mkdtempSync(join(fileURLToPath(folder), "node_modules/.mongofx-start-"))
  try {
    for (const name of ["core", "schema"]) {
      const from = new URL(`../../${name}/`, import.meta.url)
      const to = join(place, "node_modules/@mongofx", name)
      mkdirSync(to, { recursive: true })
      cpSync(new URL("dist", from), join(to, "dist"), { recursive: true })
      const { publishConfig, ...manifest } = JSON.parse(readFileSync(new URL("package.json", from), "utf8"))
      writeFileSync(join(to, "package.json"), JSON.stringify({ ...manifest, exports: publishConfig.exports }))
    }
    const program = join(place, "start.mjs")
    writeFileSync(program, startUpProgram)
    const sides = ["driver", "core", "schema"] as const
    const results = sides.map((): Array<ReadonlyArray<readonly [number, number]>> => [])
    for (let i = 0; i < 8; i++) {
      for (const [k, side] of sides.entries()) {
        // This process must go on meanwhile: it reads the log of the server, which stops when nobody does.
        const { stdout } = await run(process.execPath, [program, side, uri, database])
        // The first round fills the caches of the system.
        if (i > 0) results[k]!.push(JSON.parse(stdout) as ReadonlyArray<readonly [number, number]>)
      }
    }
    const median = (side: number, step: number, which: 0 | 1) =>
      quantile(ascending(results[side]!.map((times) => times[step]![which])), 0.5).toFixed(1)
    const steps = ["import", "first connection and ping", "first query", "second query"]
    console.log(`\n${
      markdown(
        ["start-up, ms", ...sides.flatMap((side) => [`${side}, CPU`, "wall"])],
        steps.map((step, i) => [step, ...sides.flatMap((_, k) => [median(k, i, 0), median(k, i, 1)])])
      )
    }`)
  } finally {
    rmSync(place, { recursive: true })
  }
}

// ---- documents and fibers

const program = Effect.gen(function*() {
  const { uri } = yield* MongoServer.MongoServer
  const url = Redacted.value(uri)
  const database = `mongofx_curves_${randomUUID().slice(0, 8)}`
  const driver = yield* Effect.acquireRelease(
    Effect.promise(() => Driver.MongoClient.connect(url)),
    (driver) => Effect.promise(() => driver.db(database).dropDatabase().finally(() => driver.close()))
  )
  const mongo = yield* MongoClient.make({ url: uri })
  const bareDb = driver.db(database)
  const db = mongo.db(database)
  const { version } = yield* mongo.serverInfo
  console.log(environment(["mongodb", "effect"], folder, version))
  const chosen = (name: string, curve: () => Promise<void>) =>
    only.length > 0 && !only.some((word) => name.includes(word)) ? Effect.void : Effect.promise(curve)

  yield* chosen("documents", async () => {
    // The server makes the documents: about 300 bytes each.
    await bareDb.aggregate([
      { $documents: [{ id: { $range: [0, most] } }] },
      { $unwind: "$id" },
      {
        $project: {
          _id: { $toObjectId: { $concat: ["00000000000000000", { $toString: { $add: ["$id", 1_000_000] } }] } },
          owner: { $literal: new Driver.ObjectId() },
          name: { $concat: ["User number ", { $toString: "$id" }] },
          email: { $concat: ["user", { $toString: "$id" }, "@mail.example.com"] },
          age: { $mod: ["$id", 60] },
          score: { $add: ["$id", 0.25] },
          active: { $literal: true },
          createdAt: { $toDate: { $add: [1_700_000_000_000, { $toLong: "$id" }] } },
          address: {
            street: { $concat: [{ $toString: "$id" }, " Long Street"] },
            city: { $literal: "Springfield" },
            zip: { $literal: "12345" }
          },
          tags: { $literal: ["alpha", "beta", "gamma", "delta"] }
        }
      },
      { $out: "items" }
    ]).toArray()
    const bare = bareDb.collection("items")
    const typed = TypedCollection.make(db, "items", Small)
    const rows: Array<Row> = []
    for (const count of powers(1, most)) {
      const times = Math.max(1, Math.min(500, 20_000 / count))
      let seen = 0
      const mongofx = repeat(
        times,
        Stream.runForEachArray(typed.find().limit(count).stream, (chunk) =>
          Effect.sync(() => {
            seen += chunk.length
          }))
      )
      const driver = repeatBare(times, async () => {
        for await (const _ of bare.find().limit(count)) seen++
      })
      const runs = count >= 1_000_000 ? 1 : 5
      rows.push([count, ...await measured(times * count, runs, mongofx, driver)])
      if (seen !== (runs + 1) * 2 * times * count) throw new Error(`${seen} documents`)
    }
    print("documents of a stream, decoded", "µs per document", rows)

    const writing: Array<Row> = []
    const makeAll = (count: number) =>
      Array.from({ length: count }, (_, i) => ({
        owner: new Driver.ObjectId(),
        name: `User number ${i}`,
        email: `user${i}@mail.example.com`,
        age: i % 60,
        score: i + 0.25,
        active: true,
        createdAt: new Date(1_700_000_000_000 + i),
        address: { street: `${i} Long Street`, city: "Springfield", zip: "12345" },
        tags: ["alpha", "beta", "gamma", "delta"],
        _id: new Driver.ObjectId()
      }))
    const written = TypedCollection.make(db, "written", Small)
    const bareWritten = bareDb.collection("written")
    for (const count of powers(1, Math.min(most, 100_000))) {
      const times = Math.max(1, Math.min(300, 5000 / count))
      const runs = count >= 100_000 ? 2 : 5
      writing.push([
        count,
        ...await measured(
          times * count,
          runs,
          repeat(times, Effect.suspend(() => written.insertMany(makeAll(count) as never))),
          repeatBare(times, () => bareWritten.insertMany(makeAll(count)))
        )
      ])
      await bareWritten.deleteMany({})
    }
    print("documents of an insertMany, encoded", "µs per document", writing)
  })

  yield* chosen("fields", fieldCurves)

  yield* chosen("fibers", async () => {
    const bare = bareDb.collection<{ readonly _id: number }>("one")
    await bare.insertMany(Array.from({ length: 100 }, (_, _id) => ({ _id })))
    const items = db.collection<{ readonly _id: number }>("one")
    const operations = 10_000
    const rows: Array<Row> = []
    for (const fibers of powers(1, operations)) {
      const each = operations / fibers
      rows.push([
        fibers,
        ...await measured(
          operations,
          3,
          () =>
            Effect.runPromise(Effect.forEach(
              Array.from({ length: fibers }),
              (_, fiber) =>
                Effect.gen(function*() {
                  for (let i = 0; i < each; i++) yield* items.findOne({ _id: (fiber + i) % 100 })
                }),
              { concurrency: "unbounded", discard: true }
            )),
          () =>
            Promise.all(Array.from({ length: fibers }, async (_, fiber) => {
              for (let i = 0; i < each; i++) await bare.findOne({ _id: (fiber + i) % 100 })
            }))
        )
      ])
    }
    print("fibers that run findOne", "µs per operation", rows)
  })

  yield* chosen("start-up", async () => {
    await bareDb.collection("first").insertMany(
      Array.from({ length: 100 }, (_, i) => ({
        owner: new Driver.ObjectId(),
        name: `User number ${i}`,
        email: `user${i}@mail.example.com`,
        age: i,
        score: i + 0.25,
        active: true,
        createdAt: new Date(),
        address: { street: "Long Street", city: "Springfield", zip: "12345" },
        tags: ["alpha"]
      }))
    )
    await startUp(url, database)
  })
})

await Effect.runPromise(Effect.provide(Effect.scoped(program), MongoServer.layer))
