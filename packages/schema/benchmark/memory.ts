/**
 * Compares what reads and writes allocate and keep with the bare driver and mongoose: see README.md. Each side runs in a program of its own.
 *
 * @since 0.1.0
 */
import { MongoServer } from "@mongofx/testing"
import { Effect, Redacted, Schema, Stream } from "effect"
import * as Driver from "mongodb"
import * as Mongoose from "mongoose"
import { randomUUID } from "node:crypto"
import { PerformanceObserver } from "node:perf_hooks"
import { answer, inChild, taskOfChild } from "../../core/benchmark/child.ts"
import { build, environment, markdown, useCompiled } from "../../core/benchmark/report.ts"

/** As many documents are read and written to count their bytes: so few that V8 collects no garbage in between. */
const counted = 2000
const insertSize = 1000
const kept = 100_000
const streamed = Number(process.env["BENCH_DOCUMENTS"] ?? 1_000_000)

const shapes = ["300 bytes", "1.6 kB"] as const
type ShapeName = typeof shapes[number]

// Words after the command choose the tables whose names contain them.
const only = process.argv.slice(2)

const isChosen = (name: string): boolean => only.length === 0 || only.some((word) => name.includes(word))

const readers = [
  "bare driver, toArray",
  "bare driver, for await",
  "mongofx, array, unchecked",
  "mongofx, stream, unchecked",
  "mongofx, array, decoded",
  "mongofx, stream, decoded",
  "mongofx, stream, decoded to class instances",
  "mongoose, lean",
  "mongoose, hydrated"
] as const

const writers = [
  "bare driver, insertMany",
  "mongofx, insertMany, unchecked",
  "mongofx, insertMany, encoded",
  "mongoose, insertMany"
] as const

const keepers = [
  "bare driver, toArray",
  "mongofx, array, unchecked",
  "mongofx, array, decoded",
  "mongofx, array, decoded to class instances",
  "mongoose, lean",
  "mongoose, hydrated"
] as const

const streams = ["bare driver, for await", "mongofx, stream, unchecked", "mongofx, stream, decoded"] as const

interface Place {
  readonly uri: string
  readonly database: string
}

type Task =
  & Place
  & (
    | { readonly kind: "read"; readonly side: typeof readers[number]; readonly shape: ShapeName }
    | { readonly kind: "write"; readonly side: typeof writers[number]; readonly shape: ShapeName }
    | { readonly kind: "keep"; readonly side: typeof keepers[number]; readonly shape: ShapeName }
    | { readonly kind: "stream"; readonly side: typeof streams[number] }
  )

// ---- the program of one side

/** Memory that is in use, inside of V8's heap and outside of it. */
const used = (): number => {
  const { external, heapUsed } = process.memoryUsage()
  return heapUsed + external
}

const collect = (globalThis as { readonly gc?: () => void }).gc ?? (() => {
  throw new Error("start with --expose-gc")
})

let collections = 0

const wait = () => new Promise((resolve) => setTimeout(resolve, 20))

/** Memory that is in use after all garbage is gone. V8 frees buffers some time after their collection. */
const alive = async (): Promise<number> => {
  let last = Infinity
  for (;;) {
    await wait()
    collect()
    await wait()
    const now = used()
    if (Math.abs(now - last) < 20_000) return now
    last = now
  }
}

/** The bytes that work allocates, without a collection in between. */
const allocated = async (work: () => Promise<unknown>): Promise<number> => {
  const before = await alive()
  collections = 0
  await work()
  const bytes = used() - before
  await wait()
  if (collections > 0) throw new Error("V8 has collected garbage: count fewer documents")
  return bytes
}

interface Tiny {
  readonly _id: number
  readonly name: string
}

const runTask = async (task: Task): Promise<ReadonlyArray<number>> => {
  useCompiled()
  const { MongoClient } = await import("@mongofx/core")
  const { TypedCollection } = await import("@mongofx/schema")
  const { makeLarge, makeSmall, Large, LargeClass, mongooseLarge, mongooseSmall, Small, SmallClass } = await import(
    "./documents.ts"
  )
  new PerformanceObserver((list) => {
    collections += list.getEntries().length
  }).observe({ entryTypes: ["gc"] })
  const driver = await Driver.MongoClient.connect(task.uri)
  const program = Effect.gen(function*() {
    const mongo = yield* MongoClient.make({ url: Redacted.make(task.uri) })
    const db = mongo.db(task.database)
    const bareDb = driver.db(task.database)
    const run = Effect.runPromise
    if (task.kind === "stream") {
      const bare = bareDb.collection<Tiny>("tiny")
      const typed = TypedCollection.make(db, "tiny", Schema.Struct({ _id: Schema.Int, name: Schema.String }))
      let count = 0
      let peak = 0
      let most = 0
      const start = yield* Effect.promise(alive)
      const visit = (document: Tiny): void => {
        if (document._id < 0) throw new Error("no document")
        count++
        if (count % 1000 === 0) peak = Math.max(peak, used() - start)
        if (count % (streamed / 10) === 0) {
          collect()
          most = Math.max(most, used() - start)
        }
      }
      const stream = (query: { readonly stream: Stream.Stream<Tiny, unknown> }) =>
        run(Stream.runForEachArray(query.stream, (chunk) => Effect.sync(() => chunk.forEach(visit))))
      const sides: Readonly<Record<typeof streams[number], () => Promise<unknown>>> = {
        "bare driver, for await": async () => {
          for await (const document of bare.find()) visit(document)
        },
        "mongofx, stream, unchecked": () => stream(db.collection<Tiny>("tiny").find()),
        "mongofx, stream, decoded": () => stream(typed.find())
      }
      yield* Effect.promise(sides[task.side])
      if (count !== streamed) throw new Error(`${count} documents`)
      return [peak, most, process.resourceUsage().maxRSS * 1024]
    }

    type Item = typeof Small.Type
    const isSmall = task.shape === "300 bytes"
    const schema = (isSmall ? Small : Large) as unknown as Schema.Codec<Item, Driver.Document>
    const Class = (isSmall ? SmallClass : LargeClass) as unknown as Schema.Codec<Item, Driver.Document>
    const make = (isSmall ? makeSmall : makeLarge) as unknown as (id: number) => Item
    const connection = yield* Effect.acquireRelease(
      Effect.promise(() =>
        Mongoose.createConnection(task.uri, { dbName: task.database, autoIndex: false }).asPromise()
      ),
      (connection) => Effect.promise(() => connection.close())
    )
    const name = task.kind === "write" ? `written ${task.shape}` : task.shape
    const bare = bareDb.collection<Item>(name)
    const items = db.collection<Item>(name)
    const typed = TypedCollection.make(db, name, schema)
    const instances = TypedCollection.make(db, name, Class)
    const Model = connection.model(name, isSmall ? mongooseSmall : mongooseLarge, name)

    if (task.kind === "write") {
      const batch = () => Array.from({ length: insertSize }, (_, i) => make(i))
      const sides: Readonly<Record<typeof writers[number], (batch: Array<Item>) => Promise<unknown>>> = {
        "bare driver, insertMany": (batch) => bare.insertMany(batch),
        "mongofx, insertMany, unchecked": (batch) => run(items.insertMany(batch)),
        "mongofx, insertMany, encoded": (batch) => run(typed.insertMany(batch as never)),
        "mongoose, insertMany": (batch) => Model.insertMany(batch)
      }
      const side = sides[task.side]
      yield* Effect.promise(async () => {
        for (let i = 0; i < 10; i++) await side(batch())
      })
      const batches = Array.from({ length: 3 }, batch)
      const bytes = yield* Effect.promise(() =>
        allocated(async () => {
          for (const batch of batches) await side(batch)
        })
      )
      return [bytes / (batches.length * insertSize)]
    }

    const limit = task.kind === "read" ? counted : kept
    const check = (documents: ReadonlyArray<unknown>): ReadonlyArray<unknown> => {
      if (documents.length !== limit) throw new Error(`${documents.length} documents`)
      return documents
    }
    let seen = 0
    const see = (document: { readonly createdAt: Date }): void => {
      if (document.createdAt.getTime() > 0) seen++
    }
    const array = async (query: Effect.Effect<ReadonlyArray<unknown>, unknown>) => check(await run(query))
    const stream = async (query: { readonly stream: Stream.Stream<Item, unknown> }) => {
      await run(Stream.runForEachArray(query.stream, (chunk) => Effect.sync(() => chunk.forEach(see))))
      return []
    }
    const sides: Readonly<
      Record<typeof readers[number] | typeof keepers[number], () => Promise<ReadonlyArray<unknown>>>
    > = {
      "bare driver, toArray": async () => check(await bare.find().limit(limit).toArray()),
      "bare driver, for await": async () => {
        for await (const document of bare.find().limit(limit)) see(document)
        return []
      },
      "mongofx, array, unchecked": () => array(items.find().limit(limit)),
      "mongofx, stream, unchecked": () => stream(items.find().limit(limit)),
      "mongofx, array, decoded": () => array(typed.find().limit(limit)),
      "mongofx, stream, decoded": () => stream(typed.find().limit(limit)),
      "mongofx, array, decoded to class instances": () => array(instances.find().limit(limit)),
      "mongofx, stream, decoded to class instances": () => stream(instances.find().limit(limit)),
      "mongoose, lean": async () => check(await Model.find().limit(limit).lean()),
      "mongoose, hydrated": async () => check(await Model.find().limit(limit))
    }
    const side = sides[task.side]
    if (task.kind === "read") {
      for (let i = 0; i < 5; i++) yield* Effect.promise(side)
      const bytes = yield* Effect.promise(() => allocated(side))
      if (/stream|for await/.test(task.side) && seen !== 6 * limit) throw new Error(`${seen} documents`)
      return [bytes / limit]
    }
    return yield* Effect.promise(async () => {
      // Once before, for what stays the same however many documents there are.
      const warmUp = async () => void await side()
      await warmUp()
      const before = await alive()
      const documents = await side()
      const bytes = await alive() - before
      return [bytes / documents.length]
    })
  })
  try {
    return await Effect.runPromise(Effect.scoped(program))
  } finally {
    await driver.close()
  }
}

// ---- the program that starts them

// No side collects garbage while its bytes are counted.
const roomy = ["--min-semi-space-size=1024", "--max-semi-space-size=1024"]

const side = async (task: Task): Promise<ReadonlyArray<number>> => {
  const result = await inChild(
    import.meta.url,
    task,
    task.kind === "read" || task.kind === "write" ? roomy : ["--max-old-space-size=4096"]
  ) as ReadonlyArray<number>
  console.error(task.kind, "shape" in task ? task.shape : "", task.side, ...result.map(Math.round))
  return result
}

const withBase = (rows: ReadonlyArray<readonly [side: string, bytes: ReadonlyArray<number>]>) => {
  const base = rows[0]![1]
  return rows.map(([side, bytes]) => [
    side,
    ...bytes.flatMap((n, i) => [Math.round(n).toLocaleString("en"), (n / base[i]!).toFixed(2)])
  ])
}

const program = Effect.gen(function*() {
  const folder = new URL("..", import.meta.url)
  build(folder)
  const { makeLarge, makeSmall } = yield* Effect.promise(() => import("./documents.ts"))
  const server = yield* MongoServer.MongoServer
  const place: Place = {
    uri: Redacted.value(server.uri),
    database: `mongofx_memory_${randomUUID().slice(0, 8)}`
  }
  const driver = yield* Effect.acquireRelease(
    Effect.promise(() => Driver.MongoClient.connect(place.uri)),
    (driver) => Effect.promise(() => driver.db(place.database).dropDatabase().finally(() => driver.close()))
  )
  const db = driver.db(place.database)
  const { version } = yield* Effect.promise(() => db.admin().serverInfo())
  console.log(environment(["mongodb", "effect", "mongoose"], folder, version))
  for (const [name, make] of [["300 bytes", makeSmall], ["1.6 kB", makeLarge]] as const) {
    for (let i = 0; i < kept; i += 10_000) {
      const batch = Array.from({ length: 10_000 }, (_, j) => make(i + j))
      yield* Effect.promise(() => db.collection<Driver.Document>(name).insertMany(batch))
    }
  }
  yield* Effect.promise(() =>
    db.aggregate([
      { $documents: [{ id: { $range: [0, streamed] } }] },
      { $unwind: "$id" },
      { $project: { _id: "$id", name: { $concat: ["User number ", { $toString: "$id" }] } } },
      { $out: "tiny" }
    ]).toArray()
  )

  const perShape = async <S extends string>(
    title: string,
    sides: ReadonlyArray<S>,
    measure: (name: S, shape: ShapeName) => Promise<ReadonlyArray<number>>
  ): Promise<void> => {
    if (!isChosen(title)) return
    const rows: Array<readonly [side: string, bytes: ReadonlyArray<number>]> = []
    for (const name of sides) {
      const bytes: Array<number> = []
      for (const shape of shapes) bytes.push(...await measure(name, shape))
      rows.push([name, bytes])
    }
    const titles = [title, ...shapes.flatMap((shape) => [shape, "of the driver"])]
    console.log(`\n${markdown(titles, withBase(rows))}`)
  }
  const streaming = async (title: string): Promise<void> => {
    if (!isChosen(title)) return
    const rows: Array<ReadonlyArray<string>> = []
    for (const name of streams) {
      const bytes = await side({ ...place, kind: "stream", side: name })
      rows.push([name, ...bytes.map((bytes) => (bytes / 1e6).toFixed(1))])
    }
    console.log(`\n${markdown([title, "peak, with garbage", "alive at most", "process"], rows)}`)
  }
  yield* Effect.promise(async () => {
    await perShape(
      "bytes allocated for a document that is read",
      readers,
      (name, shape) => side({ ...place, kind: "read", side: name, shape })
    )
    await perShape(
      "bytes allocated for a document that is written",
      writers,
      (name, shape) => side({ ...place, kind: "write", side: name, shape })
    )
    await perShape(
      `bytes that each of ${kept.toLocaleString("en")} documents keeps`,
      keepers,
      (name, shape) => side({ ...place, kind: "keep", side: name, shape })
    )
    await streaming(`a stream of ${streamed.toLocaleString("en")} small documents, in MB`)
  })
})

const task = taskOfChild() as Task | undefined
if (task === undefined) await Effect.runPromise(Effect.provide(Effect.scoped(program), MongoServer.layer))
else answer(await runTask(task))
