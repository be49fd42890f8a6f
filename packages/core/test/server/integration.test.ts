/**
 * What packages that build on core get from it.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration, Mongo, MongoError, Query } from "@mongofx/core"
import { type Context, Effect, Equal, Fiber, Option, Stream } from "effect"
import * as Driver from "mongodb"
import { reasonOf, setup, until } from "../support/utils.ts"

describe("bsonOptions", () => {
  const settings: ReadonlyArray<Driver.BSONSerializeOptions> = [
    {},
    { useBigInt64: true },
    { promoteLongs: false },
    { promoteValues: false, bsonRegExp: true },
    { promoteBuffers: true, enableUtf8Validation: false },
    { promoteValues: true, promoteLongs: true, bsonRegExp: false, enableUtf8Validation: true }
  ]

  it.live("are those of the driver, for a client, a database, a collection and an operation", () =>
    Effect.gen(function*() {
      for (const ofClient of [...settings, { fieldsAsRaw: { data: true } }]) {
        const { db, driver } = yield* setup({ driverOptions: ofClient })
        for (const ofDatabase of settings) {
          for (const ofCollection of settings) {
            const handle = db.withOptions(ofDatabase).collection("items", ofCollection)
            const all = { ...ofDatabase, ...ofCollection }
            const { ignoreUndefined: _, raw: __, serializeFunctions: ___, ...expected } =
              driver.db(db.name).collection("items", all).bsonOptions
            assert.deepStrictEqual<unknown>(Integration.bsonOptions(handle), expected)
            assert.deepStrictEqual<unknown>(Integration.bsonOptions(db.withOptions(all)), expected)
            const other = db.collection("items", all)
            for (const ofCall of settings) {
              const called = { ...all, ...ofCall }
              const collection = driver.db(db.name).collection("items", called)
              const { promoteLongs, promoteValues, useBigInt64 } = collection.bsonOptions
              const options = Integration.bsonOptions(other, { sort: { a: 1 }, ...ofCall })
              assert.strictEqual(options.promoteLongs, promoteLongs)
              assert.strictEqual(options.promoteValues, promoteValues)
              assert.strictEqual(options.useBigInt64, useBigInt64)
              assert.strictEqual(options.bsonRegExp, collection.bsonOptions.bsonRegExp)
            }
          }
        }
      }
    }))

  it.live("exist for any names, settings and options", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const usual = Integration.bsonOptions(db)
      for (const name of ["", "a\0b", "$", undefined, 1, null]) {
        assert.deepStrictEqual(Integration.bsonOptions(db.collection(name as string)), usual)
        assert.deepStrictEqual(Integration.bsonOptions(mongo.db(name as string)), usual)
      }
      const broken = {
        readPreference: "nowhere",
        readConcern: 7,
        promoteLongs: undefined,
        promoteValues: null
      } as object
      assert.deepStrictEqual(Integration.bsonOptions(db.collection("items", broken)), usual)
      for (const options of [undefined, null, 1, "text", [], broken]) {
        assert.deepStrictEqual(Integration.bsonOptions(db, options as object), usual)
      }
      // A stand-in for a collection in a test.
      assert.deepStrictEqual(Integration.bsonOptions({ name: "items" } as never), usual)
    }))

  it.live("are true or false, even if another value was given", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const odd = { promoteLongs: 0, useBigInt64: 1n, bsonRegExp: "yes", enableUtf8Validation: 0 } as object
      assert.deepStrictEqual(Integration.bsonOptions(db, odd), {
        ...Integration.bsonOptions(db),
        promoteLongs: false,
        useBigInt64: true,
        bsonRegExp: true
      })
    }))
})

describe("failure", () => {
  it("has the fields of every reason, and its own fields", () => {
    const error = Integration.failure(MongoError.InvalidArgumentError, {
      operation: "page",
      namespace: "app.users",
      message: "first is not positive",
      path: "first"
    })
    assert.isTrue(MongoError.isMongoError(error))
    assert.instanceOf(error.reason, MongoError.InvalidArgumentError)
    assert.strictEqual(error.message, "page on app.users: first is not positive")
    assert.strictEqual(error.reason.operation, "page")
    assert.strictEqual(error.reason.namespace, "app.users")
    assert.deepStrictEqual(error.reason.labels, [])
    assert.strictEqual((error.reason as MongoError.InvalidArgumentError).path, "first")
    assert.isUndefined(error.reason.cause)
    assert.isFalse(error.isTransient)
  })

  it("keeps the given labels, code and cause", () => {
    const cause = new Error("why")
    const error = Integration.failure(MongoError.TransactionError, {
      operation: "enqueue",
      message: "the transaction was aborted",
      kind: "aborted",
      labels: ["TransientTransactionError"],
      code: 251,
      cause
    })
    assert.strictEqual(error.message, "enqueue: the transaction was aborted")
    assert.isUndefined(error.reason.namespace)
    assert.isTrue(error.hasLabel("TransientTransactionError"))
    assert.isTrue(error.isTransient)
    assert.strictEqual(error.reason.code, 251)
    assert.strictEqual(error.reason.cause, cause)
  })
})

describe("rawQuery", () => {
  const documents = Array.from({ length: 5 }, (_, _id) => ({ _id, long: Driver.Long.fromNumber(_id), text: `~${_id}` }))
  const bytesOf = (...ids: ReadonlyArray<number>) =>
    ids.map((_id) => Buffer.from(Driver.BSON.serialize(documents[_id]!)).toString("hex"))
  const hex = (bytes: ReadonlyArray<Uint8Array>) => bytes.map((bytes) => Buffer.from(bytes).toString("hex"))
  const fixture = Effect.gen(function*() {
    const { db, last } = yield* setup()
    const items = db.collection<{ readonly _id: number }>("items")
    yield* items.insertMany(documents)
    return { db, last, items }
  })

  it.live("is every view of a query in bytes, with its settings", () =>
    Effect.gen(function*() {
      const { db, items } = yield* fixture
      const queries: ReadonlyArray<Query.Query<Uint8Array>> = [
        Integration.rawQuery(items.find({ _id: { $gt: 0 } }, { batchSize: 2 }).sort({ _id: -1 }).limit(3)),
        Integration.rawQuery(items.find({ _id: { $gt: 0 } })).batchSize(2).sort({ _id: -1 }).limit(3),
        Integration.rawQuery(items.aggregate([{ $sort: { _id: -1 } }, { $limit: 3 }])).batchSize(2),
        Integration.rawQuery(db.runCursorCommand({ find: "items", sort: { _id: -1 }, limit: 3, batchSize: 2 }))
      ]
      for (const query of queries) {
        assert.isTrue(Query.isQuery(query))
        assert.deepStrictEqual(hex(yield* query), bytesOf(4, 3, 2))
        assert.deepStrictEqual(hex(yield* Stream.runCollect(query.stream)), bytesOf(4, 3, 2))
        assert.deepStrictEqual(hex(yield* Stream.runCollect(query.raw)), bytesOf(4, 3, 2))
        const batches = yield* Stream.runCollect(query.batches)
        assert.deepStrictEqual(batches.map(hex), [bytesOf(4, 3), bytesOf(2)])
        assert.deepStrictEqual(hex(Option.toArray(yield* query.first)), bytesOf(4))
        assert.deepStrictEqual(hex([yield* query.one]), bytesOf(4))
        const opened = yield* query.open
        assert.deepStrictEqual(hex(yield* opened.next), bytesOf(4, 3))
        assert.deepStrictEqual(hex(yield* Stream.runCollect(opened.stream)), bytesOf(2))
      }
    }))

  it.live("asks for only one document for first", () =>
    Effect.gen(function*() {
      const { items, last } = yield* fixture
      yield* Integration.rawQuery(items.find()).first
      assert.strictEqual(last("find")["limit"], 1)
      yield* Integration.rawQuery(items.aggregate([])).first
      assert.deepStrictEqual(last("aggregate")["pipeline"], [{ $limit: 1 }])
    }))

  it.live("leaves the query as it was, and explains in documents", () =>
    Effect.gen(function*() {
      const { items } = yield* fixture
      const query = items.find({ _id: 2 })
      const raw = Integration.rawQuery(query)
      const { raw: plan } = yield* raw.explain()
      assert.isObject(plan["queryPlanner"])
      assert.isNotTrue(plan["queryPlanner"] instanceof Uint8Array)
      assert.isObject(
        (yield* Integration.rawQuery(items.aggregate([{ $match: { _id: 2 } }])).explain()).raw["queryPlanner"]
      )
      assert.deepStrictEqual<unknown>(yield* query, [{ _id: 2, long: 2, text: "~2" }])
    }))

  it.live("waits for documents of a capped collection", () =>
    Effect.gen(function*() {
      const { db } = yield* fixture
      const capped = yield* db.createCollection("capped", { capped: true, size: 4096 })
      yield* capped.insertMany(documents.slice(0, 2) as never)
      const raw = Integration.rawQuery(capped.find().tailable({ awaitData: false }))
      assert.deepStrictEqual(hex(yield* Stream.runCollect(Stream.take(raw.stream, 2))), bytesOf(0, 1))
      assert.deepStrictEqual(hex(Option.toArray(yield* raw.first)), bytesOf(0))
    }))

  it.live("fails as the query does", () =>
    Effect.gen(function*() {
      const { items } = yield* fixture
      const refused = yield* reasonOf(Integration.rawQuery(items.find({ a: undefined } as never)))
      assert.strictEqual(refused._tag, "InvalidArgumentError")
      const server = yield* reasonOf(Integration.rawQuery(items.aggregate([{ $nothing: 1 }])).first)
      assert.strictEqual(server._tag, "InvalidCommandError")
      assert.strictEqual(server.operation, "aggregate")
      assert.strictEqual(server.code, 40324)
    }))

  it.effect("gives the bytes of given values", () =>
    Effect.gen(function*() {
      const raw = Integration.rawQuery(Query.fromIterable(documents)).skip(1).limit(2)
      assert.deepStrictEqual(hex(yield* raw), bytesOf(1, 2))
      assert.deepStrictEqual(hex(yield* Stream.runCollect(raw.stream)), bytesOf(1, 2))
      assert.deepStrictEqual((yield* Stream.runCollect(raw.batches)).flatMap(hex), bytesOf(1, 2))
      assert.deepStrictEqual(hex(Option.toArray(yield* raw.first)), bytesOf(1))
      assert.deepStrictEqual(hex(yield* (yield* raw.open).next), bytesOf(1, 2))
      const broken = Integration.rawQuery(Query.fromIterable<unknown>([documents[0], 1]))
      assert.strictEqual((yield* reasonOf(broken))._tag, "BsonError")
      assert.strictEqual((yield* reasonOf(Stream.runDrain(broken.stream)))._tag, "BsonError")
      assert.deepStrictEqual(hex(Option.toArray(yield* broken.first)), bytesOf(0))
    }))
})

describe("rawReads", () => {
  it.live("are the operations of the collection, with the document in bytes", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* setup()
      const items = db.collection<{ readonly _id: number; readonly n: number }>("items")
      yield* items.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }, { _id: 3, n: 3 }])
      const reads = Integration.rawReads(items)
      const read = Effect.map(Option.map((bytes: Uint8Array) => {
        assert.instanceOf(bytes, Uint8Array)
        return Driver.BSON.deserialize(bytes)
      }))
      const after = { returnDocument: "after" } as const
      assert.deepStrictEqual<unknown>(yield* read(reads.findOne({ _id: 1 })), Option.some({ _id: 1, n: 1 }))
      assert.deepStrictEqual<unknown>(
        yield* read(reads.findOne({}, { sort: { _id: -1 }, projection: { n: 1, _id: 0 } })),
        Option.some({ n: 3 })
      )
      assert.isTrue(Option.isSome(yield* reads.findOne()))
      assert.deepStrictEqual<unknown>(
        yield* read(reads.findOneAndUpdate({ _id: 1 }, { $set: { n: 10 } }, after)),
        Option.some({ _id: 1, n: 10 })
      )
      assert.deepStrictEqual<unknown>(
        yield* read(reads.findOneAndReplace({ _id: 2 }, { n: 20 }, after)),
        Option.some({ _id: 2, n: 20 })
      )
      assert.deepStrictEqual<unknown>(yield* read(reads.findOneAndDelete({ _id: 3 })), Option.some({ _id: 3, n: 3 }))
      assert.isTrue(Option.isNone(yield* reads.findOne({ _id: 3 })))
      assert.isTrue(Option.isNone(yield* reads.findOneAndDelete({ _id: 3 })))
      assert.deepStrictEqual(sent().slice(1, 7), [
        "find",
        "find",
        "find",
        "findAndModify",
        "findAndModify",
        "findAndModify"
      ])
    }))

  it.live("fail as the operations do", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const items = db.collection<{ readonly _id: number; readonly n: number }>("items")
      yield* items.createIndex({ n: 1 }, { unique: true })
      yield* items.insertMany([{ _id: 1, n: 1 }, { _id: 2, n: 2 }])
      const reads = Integration.rawReads(items)
      const duplicate = yield* reasonOf(reads.findOneAndUpdate({ _id: 1 }, { $set: { n: 2 } }))
      assert(duplicate._tag === "DuplicateKeyError")
      assert.deepStrictEqual(duplicate.keyPattern, { n: 1 })
      assert.strictEqual(duplicate.operation, "findOneAndUpdate")
      for (
        const operation of [
          reads.findOne({ n: undefined } as never),
          // Values that are not options, from untyped code.
          reads.findOne({}, null as never),
          reads.findOneAndDelete({}, "no" as never),
          reads.findOneAndUpdate({}, { n: 1 } as never),
          reads.findOneAndReplace({}, { $set: { n: 1 } } as never)
        ]
      ) assert.strictEqual((yield* reasonOf(operation))._tag, "InvalidArgumentError")
    }))
})

describe("leases", () => {
  const fixture = Effect.map(setup(), ({ db }) => ({ db, leases: Integration.leases(db) }))
  const taken = (lease: Effect.Effect<Option.Option<Integration.Lease>, MongoError.MongoError>) =>
    Effect.map(lease, Option.getOrThrow)

  it.live("have one holder per name, whose fence only grows", () =>
    Effect.gen(function*() {
      const { db, leases } = yield* fixture
      const mine = yield* taken(leases.acquire("a", "me", "1 minute"))
      assert.deepStrictEqual(mine, { name: "a", fence: 1 })
      assert.isTrue(Option.isNone(yield* leases.acquire("a", "you", "1 minute")))
      assert.deepStrictEqual(yield* taken(leases.acquire("b", "you", "1 minute")), { name: "b", fence: 1 })
      // The holder gets it again if the reply was lost.
      const again = yield* taken(leases.acquire("a", "me", "1 minute"))
      assert.isAbove(again.fence, mine.fence)
      assert.isFalse(yield* leases.renew(mine, "1 minute"))
      assert.isTrue(yield* leases.renew(again, "1 minute"))
      yield* leases.release(mine)
      assert.isTrue(Option.isNone(yield* leases.acquire("a", "you", "1 minute")))
      yield* leases.release(again)
      assert.isFalse(yield* leases.renew(again, "1 minute"))
      const yours = yield* taken(leases.acquire("a", "you", "1 minute"))
      assert.isAbove(yours.fence, again.fence)
      assert.deepStrictEqual((yield* db.listCollectionNames()).sort(), ["mongofx_leases"])
      const own = Integration.leases(db, { collection: "own" })
      assert.deepStrictEqual(yield* taken(own.acquire("a", "me", "1 minute")), { name: "a", fence: 1 })
    }))

  it.live("are taken by one of several concurrent calls", () =>
    Effect.gen(function*() {
      const { leases } = yield* fixture
      const asked = yield* Effect.forEach(
        Array.from({ length: 20 }, (_, i) => `owner ${i}`),
        (owner) => leases.acquire("a", owner, "1 minute"),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(asked.filter(Option.isSome).length, 1)
    }))

  it.live("run out by the server's clock, and last longer when they are renewed", () =>
    Effect.gen(function*() {
      const { db, leases } = yield* fixture
      const mine = yield* taken(leases.acquire("a", "me", "1 millis"))
      yield* until("the lease has run out", () =>
        Effect.runPromise(Effect.map(leases.acquire("a", "you", "1 millis"), Option.isSome)))
      assert.isFalse(yield* leases.renew(mine, "1 minute"))
      const yours = yield* taken(leases.acquire("a", "you", "1 millis"))
      assert.isTrue(yield* leases.renew(yours, "1 minute"))
      assert.isTrue(Option.isNone(yield* leases.acquire("a", "me", "1 minute")))
      const stored = yield* db.collection<{ _id: string; expiresAt: Date }>("mongofx_leases").find().one
      assert.closeTo(stored.expiresAt.getTime(), Date.now() + 60_000, 20_000)
    }))

  it.live("refuse durations that are too short or infinite", () =>
    Effect.gen(function*() {
      const { leases } = yield* fixture
      const mine = yield* taken(leases.acquire("a", "me", "1 minute"))
      for (
        const duration of [0, -1, Number.NaN, Infinity, "1 micros", "often"] as ReadonlyArray<unknown> as ReadonlyArray<
          never
        >
      ) {
        for (const operation of [leases.acquire("b", "me", duration), leases.renew(mine, duration)]) {
          const reason = yield* reasonOf(Effect.asVoid(operation as Effect.Effect<unknown, MongoError.MongoError>))
          assert(reason._tag === "InvalidArgumentError")
          assert.strictEqual(reason.path, "duration")
        }
      }
    }))

  it.live("have numbers as fences, whatever the client's settings for numbers are", () =>
    Effect.gen(function*() {
      for (const driverOptions of [{ promoteValues: false }, { useBigInt64: true }, { promoteLongs: false }]) {
        const { db } = yield* setup({ driverOptions })
        const leases = Integration.leases(db)
        assert.deepStrictEqual(yield* taken(leases.acquire("a", "$me", "1 minute")), { name: "a", fence: 1 })
        assert.isTrue(Option.isNone(yield* leases.acquire("a", "you", "1 minute")))
      }
    }))
})

describe("sessions and transactions", () => {
  it.live("are those of the client of a collection or a database", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const other = (yield* setup()).db
      const items = db.collection("items")
      yield* items.insertOne({ name: "outside" })
      assert.deepStrictEqual(yield* Integration.ambient(items), { key: undefined, inTransaction: false })
      const keys = yield* Effect.all([
        Integration.withTransaction(items)(
          Effect.gen(function*() {
            const ambient = yield* Integration.ambient(items)
            assert.isTrue(ambient.inTransaction)
            assert.deepStrictEqual(yield* Integration.ambient(other), { key: undefined, inTransaction: false })
            // A fiber and a nested transaction join it.
            const [inner] = yield* Effect.all([Integration.withTransaction(db)(Integration.ambient(db))], {
              concurrency: 2
            })
            assert.strictEqual(inner.key, ambient.key)
            return ambient.key
          })
        ),
        mongo.withTransaction(Effect.map(Integration.ambient(items), ({ key }) => key))
      ])
      assert.notStrictEqual(keys[0], keys[1])
      const session = yield* mongo.withSession()(Integration.ambient(items))
      assert.isFalse(session.inTransaction)
      assert.isDefined(session.key)
      const failed = Integration.withTransaction(items)(
        Effect.andThen(items.insertOne({ name: "undone" }), Effect.fail("no" as const))
      )
      assert.strictEqual(yield* Effect.flip(failed), "no")
      assert.deepStrictEqual((yield* items.find()).map(({ name }) => name as unknown), ["outside"])
    }))

  it.live("afterCommit and topologyChanges are those of the client", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const other = (yield* setup()).db
      const told: Array<string> = []
      const tell = (what: string) => Effect.sync(() => void told.push(what))
      yield* mongo.withTransaction(Effect.gen(function*() {
        yield* db.collection("items").insertOne({})
        yield* Integration.afterCommit(db)(tell("after the commit"))
        yield* Integration.afterCommit(other)(tell("at once"))
        yield* tell("body")
      }))
      const undone = Effect.andThen(Integration.afterCommit(db.collection("items"))(tell("undone")), Effect.fail("no"))
      yield* Effect.flip(mongo.withTransaction(undone))
      assert.deepStrictEqual(told, ["at once", "body", "after the commit"])
      const [topology] = yield* Stream.runCollect(Stream.take(Integration.topologyChanges(db), 1))
      assert.deepStrictEqual(topology, yield* mongo.topology)
    }))

  it.live("all who follow the topology share one listener at the driver, which warns after ten", () =>
    Effect.gen(function*() {
      const { db, driver, mongo } = yield* setup()
      const listeners = () =>
        driver.listenerCount("topologyDescriptionChanged") + driver.listenerCount("topologyClosed")
      const before = listeners()
      let seen = 0
      const follow = (changes: typeof mongo.topologyChanges) =>
        Effect.forkChild(Stream.runForEach(changes, () => Effect.sync(() => seen++)), { startImmediately: true })
      const sources = [mongo.topologyChanges, ...[db, db.collection("items"), db].map(Integration.topologyChanges)]
      const fibers = yield* Effect.forEach(sources, follow)
      yield* until("all see the present", () => seen >= sources.length)
      assert.strictEqual(listeners(), before + 2)
      yield* Fiber.interruptAll(fibers)
      assert.strictEqual(listeners(), before)
    }))

  it.live("withoutTransaction leaves those of one client, and keeps the deadline", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const other = yield* setup()
      const items = db.collection("items")
      const outside = Integration.withoutTransaction(items)
      const failed = mongo.withTransaction(other.mongo.withTransaction(Effect.gen(function*() {
        yield* outside(items.insertOne({ name: "kept" }))
        assert.deepStrictEqual(yield* outside(Integration.ambient(db)), { key: undefined, inTransaction: false })
        assert.isTrue((yield* outside(Integration.ambient(other.db))).inTransaction)
        return yield* Effect.fail("no" as const)
      })))
      assert.strictEqual(yield* Effect.flip(failed), "no")
      assert.deepStrictEqual((yield* items.find()).map(({ name }) => name as unknown), ["kept"])
      const late = Effect.andThen(Effect.sleep(5), outside(items.find().limit(1)))
      assert.strictEqual((yield* reasonOf(Mongo.withDeadline(Effect.asVoid(late), 1)))._tag, "MaxTimeExpiredError")
    }))
})

describe("batchKey", () => {
  const keyNow = Effect.contextWith((context: Context.Context<never>) =>
    Effect.sync(() => Integration.batchKey(context))
  )

  it.live("is equal for operations that may do each other's work, and for no others", () =>
    Effect.gen(function*() {
      const { mongo } = yield* setup()
      const other = (yield* setup()).mongo
      const two = (where: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | MongoError.MongoError, R>) =>
        Effect.map(where(Effect.all([keyNow, keyNow], { concurrency: 2 })), ([first, second]) => {
          assert.isTrue(Equal.equals(first, second))
          return first
        })
      const session = yield* mongo.session()
      const inSession = (self: Effect.Effect<unknown>) => session.use(self)
      yield* session.startTransaction()
      const started = yield* inSession(keyNow)
      yield* session.abortTransaction
      const keys: ReadonlyArray<unknown> = [
        yield* keyNow,
        yield* two(mongo.withTransaction),
        yield* two(mongo.withTransaction),
        yield* two(other.withTransaction),
        yield* two((self) => mongo.withTransaction(other.withTransaction(self))),
        yield* two(mongo.withSession()),
        started,
        yield* inSession(keyNow),
        yield* two(Mongo.withDeadline("1 minute")),
        yield* two(Mongo.withDeadline("1 minute")),
        yield* two(Mongo.withInterruptionPolicy("await"))
      ]
      for (const [i, a] of keys.entries()) {
        for (const b of keys.slice(i + 1)) assert.isFalse(Equal.equals(a, b))
      }
      assert.isTrue(Equal.equals(yield* inSession(keyNow), yield* inSession(keyNow)))
      assert.isTrue(Equal.equals(yield* mongo.withTransaction(mongo.withoutTransaction(keyNow)), yield* keyNow))
      const nested = yield* mongo.withTransaction(
        Effect.all([keyNow, mongo.withTransaction(keyNow), other.withoutTransaction(keyNow)])
      )
      assert.isTrue(nested.every((key) => Equal.equals(key, nested[0])))
      const afterCommit: Array<unknown> = []
      yield* mongo.withTransaction(
        mongo.afterCommit(Effect.map(keyNow, (key) => void afterCommit.push(key)))
      )
      assert.isTrue(Equal.equals(afterCommit[0], yield* keyNow))
    }))
})
