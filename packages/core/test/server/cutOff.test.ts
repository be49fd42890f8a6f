/**
 * Work of every kind is cut off at a random moment: it is interrupted, its client is closed, or all connections break. It never
 * looks finished when it is not, nothing becomes a defect, and nothing is left on the server.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import {
  ChangeStreamConsumer,
  GridFS,
  MongoClient,
  MongoDatabase,
  MongoError,
  type MongoSession,
  ResumeTokenStore
} from "@mongofx/core"
import { Arbitrary, Cause, Deferred, Effect, Exit, Fiber, Option, Redacted, Schema, Scope, Stream } from "effect"
import * as Driver from "mongodb"
import { randomUUID } from "node:crypto"
import { until, uri } from "../support/utils.ts"
import { breakableWay } from "../support/wire.ts"

interface Item {
  readonly _id: number
  readonly n: number
}

const itemCount = 600
const batchSize = 40
const ids = Array.from({ length: itemCount }, (_, _id) => _id)
const fileBytes = 300_000
const chunkSize = 10_000

interface World {
  readonly mongo: MongoClient.MongoClient
  readonly name: string
  /** An outside client, whose connections are never cut. */
  readonly admin: Driver.Db
}

interface Kind {
  /** Succeeds only when all of it was done. */
  readonly work: (world: World) => Effect.Effect<unknown, unknown>
  /** Throws if a success was not complete. */
  readonly verify?: (world: World, value: unknown) => Promise<void>
}

const bytes = Uint8Array.from({ length: fileBytes }, (_, i) => i % 251)

const sorted = (documents: Iterable<unknown>) =>
  [...documents as Iterable<Item>].map(({ _id }) => _id).sort((a, b) => a - b)

const allItems = async (_: World, documents: unknown) => assert.deepStrictEqual(sorted(documents as Array<Item>), ids)

const items = ({ mongo, name }: World) => mongo.db(name).collection<Item>("items")
const target = ({ mongo, name }: World) => mongo.db(name).collection<Item>("target")

const newItems = Array.from({ length: itemCount }, (_, _id): Item => ({ _id, n: 1 }))

const targetHolds = (expected: number) => async ({ admin }: World) =>
  assert.strictEqual(await admin.collection("target").countDocuments(), expected)

/** So slow that the moment often falls between two batches. */
const slowly = <A, E, R>(stream: Stream.Stream<A, E, R>) =>
  Stream.runCollect(Stream.tap(Stream.chunks(stream), () => Effect.sleep(2)).pipe(Stream.flattenArray))

const pulled = (open: { readonly next: Effect.Effect<ReadonlyArray<Item>, MongoError.MongoError> }) =>
  Effect.gen(function*() {
    const all: Array<Item> = []
    for (;;) {
      const batch = yield* open.next
      if (batch.length === 0) return all
      all.push(...batch)
      yield* Effect.sleep(1)
    }
  })

const moved = (world: World) =>
  world.mongo.withTransaction(Effect.gen(function*() {
    yield* target(world).insertOne({ _id: 1, n: 1 })
    yield* items(world).updateMany({}, { $inc: { n: 1 } })
    yield* items(world).find({ n: 2 }).batchSize(batchSize)
    yield* target(world).insertOne({ _id: 2, n: 1 })
  }))

const query = (world: World) => items(world).find().batchSize(batchSize)

const kinds: Record<string, Kind> = {
  "find, as an array": { work: (world) => query(world), verify: allItems },
  "find, as a stream": { work: (world) => slowly(query(world).stream), verify: allItems },
  "find, as batches": {
    work: (world) => Effect.map(Stream.runCollect(query(world).batches), (batches) => batches.flat()),
    verify: allItems
  },
  "find, as bytes": {
    work: (world) => Effect.map(slowly(query(world).raw), (all) => all.map((bytes) => Driver.BSON.deserialize(bytes))),
    verify: allItems
  },
  "find, pulled": { work: (world) => Effect.scoped(Effect.flatMap(query(world).open, pulled)), verify: allItems },
  "aggregate": {
    work: (world) => slowly(items(world).aggregate<Item>([{ $match: {} }]).batchSize(batchSize).stream),
    verify: allItems
  },
  "find in a session": {
    work: (world) => world.mongo.withSession()(slowly(query(world).stream)),
    verify: allItems
  },
  "find in a transaction": {
    work: (world) => world.mongo.withTransaction(slowly(query(world).stream)),
    verify: allItems
  },
  "insertOne": { work: (world) => target(world).insertOne({ _id: 1, n: 1 }), verify: targetHolds(1) },
  "insertMany": { work: (world) => target(world).insertMany(newItems), verify: targetHolds(itemCount) },
  "bulkWrite": {
    work: (world) => target(world).bulkWrite(newItems.map((document) => ({ insertOne: { document } }))),
    verify: targetHolds(itemCount)
  },
  "client bulkWrite": {
    work: (world) =>
      world.mongo.bulkWrite(
        newItems.map((document) => ({ name: "insertOne" as const, namespace: `${world.name}.target`, document }))
      ),
    verify: targetHolds(itemCount)
  },
  "updateMany": {
    work: (world) => items(world).updateMany({}, { $set: { n: 2 } }),
    verify: async ({ admin }) => assert.strictEqual(await admin.collection("items").countDocuments({ n: 2 }), itemCount)
  },
  "a transaction": {
    work: moved,
    verify: async (world) => {
      await targetHolds(2)(world)
      assert.strictEqual(await world.admin.collection("items").countDocuments({ n: 2 }), itemCount)
    }
  },
  "a transaction of an explicit session": {
    work: (world) =>
      Effect.scoped(
        Effect.flatMap(world.mongo.session(), (session: MongoSession.MongoSession) =>
          Effect.gen(function*() {
            yield* session.startTransaction()
            yield* session.use(target(world).insertMany(newItems))
            yield* session.commitTransaction
          }))
      ),
    verify: targetHolds(itemCount)
  },
  "an upload": {
    work: ({ mongo, name }) => {
      const bucket = GridFS.bucket(mongo.db(name), { chunkSize })
      return bucket.upload("new", Stream.fromIterable([bytes.subarray(0, 100_000), bytes.subarray(100_000)]))
    },
    verify: async ({ admin }) => {
      const file = await admin.collection("fs.files").findOne({ filename: "new" })
      assert.strictEqual(file?.["length"], fileBytes)
      assert.strictEqual(
        await admin.collection("fs.chunks").countDocuments({ files_id: file?._id }),
        fileBytes / chunkSize
      )
    }
  },
  "a download": {
    work: ({ mongo, name }) => slowly(GridFS.bucket(mongo.db(name)).downloadByName("old")),
    verify: async (_, chunks) =>
      assert.isTrue(Buffer.from(bytes).equals(Buffer.concat([...chunks as Iterable<Uint8Array>])))
  },
  "a change stream": {
    work: (world) =>
      Effect.scoped(Effect.gen(function*() {
        const changes = yield* target(world).watch().open
        yield* Effect.promise(() => world.admin.collection<Item>("target").insertMany(newItems.slice(0, 50)))
        return yield* Stream.runCollect(Stream.take(changes.stream, 50))
      })),
    verify: async (_, events) =>
      assert.deepStrictEqual(
        [...events as Iterable<{ readonly documentKey: Item }>].map(({ documentKey }) => documentKey._id),
        ids.slice(0, 50)
      )
  },
  "a durable consumer": {
    work: (world) =>
      Effect.scoped(Effect.gen(function*() {
        const handled = new Array<number>()
        const all = yield* Deferred.make<void>()
        const consumer = yield* ChangeStreamConsumer.make({
          name: "test",
          watch: (position) => target(world).watch([{ $match: { operationType: "insert" } }], position),
          handler: (event) => {
            if (event.operationType === "insert") handled.push(event.documentKey._id)
            return new Set(handled).size === 50 ? Deferred.succeed(all, undefined) : Effect.void
          },
          checkpoint: { events: 7 }
        })
        yield* Effect.promise(() => world.admin.collection<Item>("target").insertMany(newItems.slice(0, 50)))
        yield* Effect.raceFirst(consumer.join, Deferred.await(all))
        return handled
      })).pipe(
        Effect.provide(ResumeTokenStore.layerMongo()),
        Effect.provideService(MongoDatabase.MongoDatabase, world.mongo.db(world.name))
      ),
    // In order from the beginning; after a failure, again from an earlier event on.
    verify: async (_, handled) => {
      const order = handled as ReadonlyArray<number>
      assert.deepStrictEqual(order.filter((id, index) => order.indexOf(id) === index), ids.slice(0, 50))
    }
  }
}

const idle = (name: string, admin: Driver.MongoClient) =>
  admin.db("admin").aggregate([
    { $currentOp: { allUsers: true, idleCursors: true, idleSessions: true } },
    {
      $match: {
        $or: [
          { type: { $in: ["op", "idleCursor"] }, ns: { $regex: `^${name}[.]` } },
          { "command.$db": name },
          { type: "idleSession", appName: name }
        ]
      }
    }
  ]).toArray()

type Fault = "interrupt" | "close" | "break"

/** Runs a kind of work, cuts it off after some milliseconds, and checks the outcome. Returns whether it succeeded, and in how many milliseconds. */
const cutOff = (kind: Kind, fault: Fault | "nothing", after: number) =>
  Effect.gen(function*() {
    const name = `mongofx_${randomUUID().slice(0, 13)}`
    const outside = yield* Effect.acquireRelease(
      Effect.promise(() => Driver.MongoClient.connect(uri)),
      (client) => Effect.promise(() => client.db(name).dropDatabase().finally(() => client.close()))
    )
    const admin = outside.db(name)
    yield* Effect.promise(async () => {
      await admin.createCollection("target")
      await admin.collection<Item>("items").insertMany(ids.map((_id) => ({ _id, n: 1 })))
      const upload = new Driver.GridFSBucket(admin, { chunkSizeBytes: chunkSize }).openUploadStream("old")
      await new Promise((resolve, reject) => upload.on("finish", resolve).on("error", reject).end(Buffer.from(bytes)))
    })
    const way = yield* breakableWay(uri)
    const scope = yield* Scope.make()
    yield* Effect.addFinalizer((exit) => Scope.close(scope, exit))
    const mongo = yield* Scope.provide(
      MongoClient.make({ url: Redacted.make(`mongodb://127.0.0.1:${way.port}/?directConnection=true`), appName: name }),
      scope
    )
    const world: World = { mongo, name, admin }
    const started = performance.now()
    const fiber = yield* Effect.forkChild(kind.work(world), { startImmediately: true })
    if (fault !== "nothing") {
      yield* Effect.sleep(after)
      if (fault === "interrupt") yield* Fiber.interrupt(fiber)
      if (fault === "close") yield* Scope.close(scope, Exit.void)
      if (fault === "break") way.breakAll()
    }
    const exit = yield* Fiber.await(fiber)
    const elapsed = performance.now() - started
    if (Exit.isSuccess(exit)) yield* Effect.promise(() => kind.verify?.(world, exit.value) ?? Promise.resolve())
    else {
      assert.isFalse(Cause.hasDies(exit.cause), Cause.pretty(exit.cause))
      const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
      if (error !== undefined) assert.isTrue(MongoError.isMongoError(error), String(error))
    }
    let left: ReadonlyArray<Driver.Document> = []
    yield* until(
      () => `nothing left on the server, but there is ${JSON.stringify(left)}`,
      async () => {
        left = await idle(name, outside)
        return left.length === 0
      },
      15_000
    )
    return { succeeded: Exit.isSuccess(exit), elapsed }
  }).pipe(Effect.scoped)

const faults = Schema.Literals(["interrupt", "close", "break"])
/** A share of the time that the work takes when it is left alone. */
const moment = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 110 }))

describe.each(Object.keys(kinds))("%s", (name) => {
  const kind = kinds[name]!
  let whole = 0

  it.live("ends well when it is left alone", () =>
    Effect.gen(function*() {
      const { elapsed, succeeded } = yield* cutOff(kind, "nothing", 0)
      assert.isTrue(succeeded)
      whole = elapsed
    }))

  it.live.prop(
    "succeeds only when it is complete, and leaves nothing, whenever it is cut off",
    [Arbitrary.schema(faults), Arbitrary.schema(moment)],
    ([fault, percent]) => Effect.asVoid(cutOff(kind, fault, whole * percent / 100)),
    { arbitrary: { runs: 12, maxShrinks: 0 }, timeout: 120_000 }
  )
})
