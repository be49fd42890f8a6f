/**
 * Explicit sessions with all their members, and the ambient session of `withSession`, on a real server.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoDatabase, type MongoError, MongoSession } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { Effect, Exit, Option, Scope, Stream } from "effect"
import * as Driver from "mongodb"
import { inspect } from "node:util"
import { committed, fixture, type Item } from "../support/items.ts"
import { failCommand, interrupt, reasonOf, setup, until } from "../support/utils.ts"

const lsidOf = (event: Driver.CommandStartedEvent) => String(event.command["lsid"]?.id)

const get = <A>(effect: Effect.Effect<Option.Option<A>>): Effect.Effect<A> => Effect.map(effect, Option.getOrThrow)

describe("an explicit session", () => {
  it.effect("knows its client, its options and its id, which its operations carry", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const options = { causalConsistency: false }
      const session = yield* f.mongo.session(options)
      assert.strictEqual(session.client, f.mongo)
      assert.deepStrictEqual(session.options, options)
      assert.deepStrictEqual((yield* f.mongo.session()).options, {})
      assert.isTrue(MongoSession.isMongoSession(session))
      assert.isFalse(MongoSession.isMongoSession({}))
      yield* session.use(f.items.insertOne({ _id: 1 }))
      const id = yield* get(session.id)
      assert.isTrue(id.id instanceof Driver.Binary)
      assert.strictEqual(String(f.last("insert")["lsid"].id), String(id.id))
      // Outside of `use` no operation joins.
      yield* f.items.insertOne({ _id: 2 })
      assert.notStrictEqual(String(f.last("insert")["lsid"].id), String(id.id))
    }))

  it.effect("does not print its client", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      assert.strictEqual(JSON.stringify(session), JSON.stringify({ _id: "MongoSession" }))
      assert.notInclude(inspect(session, { depth: 12 }), "hosts")
      assert.notInclude(String(session), "hosts")
    }))

  it.effect("commits and aborts step by step", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      assert.isFalse(yield* session.inTransaction)
      yield* session.startTransaction()
      assert.isTrue(yield* session.inTransaction)
      yield* session.use(f.items.insertOne({ _id: 1 }))
      assert.deepStrictEqual(yield* committed(f), [])
      assert.deepStrictEqual(yield* session.use(f.items.find()), [{ _id: 1 }])
      yield* session.commitTransaction
      assert.isFalse(yield* session.inTransaction)
      assert.deepStrictEqual(yield* committed(f), [1])

      yield* session.startTransaction()
      yield* session.use(f.items.insertOne({ _id: 2 }))
      yield* session.abortTransaction
      assert.isFalse(yield* session.inTransaction)
      assert.deepStrictEqual(yield* committed(f), [1])
      // The session goes on.
      yield* session.use(f.items.insertOne({ _id: 3 }))
      assert.isUndefined(f.last("insert")["autocommit"])
      assert.deepStrictEqual(yield* committed(f), [1, 3])
    }))

  it.effect("waits for the outcome of an interrupted commit, and runs afterCommit once", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      let after = 0
      yield* session.startTransaction()
      yield* session.use(f.mongo.afterCommit(Effect.sync(() => void after++)))
      yield* session.use(f.items.insertOne({ _id: 1 }))
      yield* failCommand(f, { times: 1 }, {
        failCommands: ["commitTransaction"],
        blockConnection: true,
        blockTimeMS: 500
      })
      const fiber = yield* Effect.forkChild(session.commitTransaction)
      yield* until("the commit is sent", () => f.commands.some((event) => event.commandName === "commitTransaction"))
      yield* interrupt(fiber)
      assert.deepStrictEqual(yield* committed(f), [1])
      assert.strictEqual(after, 1)
      // The session goes on, and may commit again.
      yield* session.commitTransaction
      assert.strictEqual(after, 1)
      yield* session.withTransaction(f.items.insertOne({ _id: 2 }))
      assert.deepStrictEqual(yield* committed(f), [1, 2])
    }))

  it.effect(
    "goes on in a fresh session with the same times after an interrupted, unanswered abort",
    () =>
      Effect.gen(function*() {
        const f = yield* fixture
        const session = yield* f.mongo.session()
        yield* session.startTransaction()
        yield* session.use(f.items.insertOne({ _id: 1 }))
        const [id, time] = [yield* get(session.id), yield* get(session.operationTime)]
        yield* failCommand(f, { times: 1 }, {
          failCommands: ["abortTransaction"],
          blockConnection: true,
          blockTimeMS: 4000
        })
        const fiber = yield* Effect.forkChild(session.abortTransaction)
        yield* until("the abort is sent", () => f.commands.some((event) => event.commandName === "abortTransaction"))
        assert.isBelow(yield* interrupt(fiber), 3500)
        assert.notDeepEqual(yield* get(session.id), id)
        assert.deepStrictEqual(yield* get(session.operationTime), time)
        assert.isFalse(yield* session.inTransaction)
        yield* session.withTransaction(f.items.insertOne({ _id: 2 }))
        assert.deepStrictEqual(yield* committed(f), [2])
        yield* until("the old session has ended", async () => {
          const { s } = f.driver as unknown as { readonly s: { readonly activeSessions: Set<unknown> } }
          return s.activeSessions.size === 1
        })
      }),
    30_000
  )

  it.effect("takes the options of a transaction, or its own defaults", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session({
        defaultTransactionOptions: { readConcern: "local", writeConcern: { w: 1 }, maxCommitTime: "3 seconds" }
      })
      const run = (options?: MongoSession.TransactionOptions) =>
        Effect.gen(function*() {
          yield* session.startTransaction(options)
          yield* session.use(Effect.andThen(f.items.find(), f.items.insertOne({ _id: f.commands.length })))
          yield* session.commitTransaction
          return {
            level: f.last("find")["readConcern"].level,
            w: f.last("commitTransaction")["writeConcern"]?.w,
            maxTimeMS: f.last("commitTransaction")["maxTimeMS"]
          }
        })
      assert.deepStrictEqual(yield* run(), { level: "local", w: 1, maxTimeMS: 3000 })
      assert.deepStrictEqual(
        yield* run({ readConcern: "snapshot", writeConcern: { w: "majority" }, maxCommitTime: 1500 }),
        { level: "snapshot", w: "majority", maxTimeMS: 1500 }
      )
      yield* session.withTransaction(Effect.andThen(f.items.find(), f.items.insertOne({ _id: -1 })))
      assert.strictEqual(f.last("find")["readConcern"].level, "local")
      assert.strictEqual(f.last("commitTransaction")["maxTimeMS"], 3000)
    }))

  it.effect("fails with a TransactionError for calls in the wrong order", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      const tagOf = (effect: Effect.Effect<unknown, MongoError.MongoError>) =>
        Effect.map(reasonOf(effect), (reason) => `${reason._tag}: ${reason.operation}`)
      assert.strictEqual(yield* tagOf(session.commitTransaction), "TransactionError: commitTransaction")
      assert.strictEqual(yield* tagOf(session.abortTransaction), "TransactionError: abortTransaction")
      yield* session.startTransaction()
      assert.strictEqual(yield* tagOf(session.startTransaction()), "TransactionError: startTransaction")
      yield* session.use(f.items.insertOne({ _id: 1 }))
      yield* session.abortTransaction
      assert.strictEqual(yield* tagOf(session.abortTransaction), "TransactionError: abortTransaction")
      assert.strictEqual(yield* tagOf(session.commitTransaction), "TransactionError: commitTransaction")
      yield* session.startTransaction()
      yield* session.use(f.items.insertOne({ _id: 2 }))
      yield* session.commitTransaction
      assert.strictEqual(yield* tagOf(session.abortTransaction), "TransactionError: abortTransaction")
      assert.strictEqual(
        yield* tagOf(session.startTransaction({ writeConcern: { w: 0 } })),
        "TransactionError: startTransaction"
      )
      assert.deepStrictEqual(yield* committed(f), [2])
    }))

  it.effect("runs afterCommit once, after a successful commit", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      let runs = 0
      const register = session.use(f.mongo.afterCommit(Effect.sync(() => {
        runs++
      })))
      yield* session.startTransaction()
      yield* register
      yield* session.use(f.items.insertOne({ _id: 1 }))
      yield* session.abortTransaction
      assert.strictEqual(runs, 0)

      yield* session.startTransaction()
      yield* register
      yield* session.use(f.items.insertOne({ _id: 2 }))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* failCommand(f, { times: 1 }, {
          failCommands: ["commitTransaction"],
          errorCode: 8,
          errorLabels: ["UnknownTransactionCommitResult"]
        })
        const reason = yield* reasonOf(session.commitTransaction)
        assert.include(reason.labels, "UnknownTransactionCommitResult")
      }))
      assert.strictEqual(runs, 0)
      // Refused, and without consequence for the commit.
      yield* reasonOf(session.abortTransaction)
      yield* session.commitTransaction
      assert.strictEqual(runs, 1)
      yield* session.commitTransaction
      assert.strictEqual(runs, 1)
      assert.deepStrictEqual(yield* committed(f), [2])
    }))

  it.effect("runs withTransaction like the client, and joins an open transaction", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      yield* failCommand(f, { times: 1 }, {
        failCommands: ["insert"],
        errorCode: 112,
        errorLabels: ["TransientTransactionError"]
      })
      let runs = 0
      const value = yield* session.withTransaction(Effect.suspend(() => {
        runs++
        return Effect.as(f.items.insertOne({ _id: 1 }), "done")
      }))
      assert.strictEqual(value, "done")
      assert.strictEqual(runs, 2)
      const id = String((yield* get(session.id)).id)
      assert.strictEqual(String(f.last("commitTransaction")["lsid"].id), id)
      assert.isFalse(yield* session.hasEnded)

      yield* session.startTransaction()
      yield* session.withTransaction(f.items.insertOne({ _id: 2 }))
      yield* session.use(f.mongo.withTransaction(f.items.insertOne({ _id: 3 })))
      assert.deepStrictEqual(yield* committed(f), [1])
      const nested = yield* reasonOf(session.withTransaction(Effect.void, { onNested: "fail" }))
      assert.strictEqual(nested._tag, "TransactionError")
      yield* session.commitTransaction
      assert.deepStrictEqual(yield* committed(f), [1, 2, 3])
    }))

  it.effect("runs concurrent operations one by one, and the commit after them", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      yield* session.startTransaction()
      const ids = Array.from({ length: 10 }, (_, _id) => _id)
      yield* session.use(Effect.forEach(ids, (_id) => f.items.insertOne({ _id }), { concurrency: "unbounded" }))
      yield* session.commitTransaction
      assert.deepStrictEqual(yield* committed(f), ids)
    }))

  it.effect("ends with its scope, and aborts an open transaction", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const scope = yield* Scope.make()
      const session = yield* Scope.provide(f.mongo.session(), scope)
      yield* session.startTransaction()
      yield* session.use(f.items.insertOne({ _id: 1 }))
      const id = yield* session.id
      assert.isFalse(yield* session.hasEnded)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(yield* session.hasEnded)
      assert.isFalse(yield* session.inTransaction)
      assert.strictEqual(f.commands.at(-1)!.commandName, "abortTransaction")
      assert.deepStrictEqual(yield* committed(f), [])
      assert.deepStrictEqual(yield* session.id, id)
      // Twice is not an error.
      yield* Scope.close(scope, Exit.void)
    }))

  it.effect("makes everything fail with a ClientClosedError after its end, and sends nothing", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* Effect.scoped(Effect.tap(f.mongo.session(), (session) => session.use(f.items.find())))
      const before = f.commands.length
      const late: Record<string, Effect.Effect<unknown, MongoError.MongoError>> = {
        insertOne: session.use(f.items.insertOne({ _id: 1 })),
        find: session.use(f.items.find()),
        stream: session.use(Stream.runDrain(f.items.find().stream)),
        bulkWrite: session.use(f.items.bulkWrite([{ insertOne: { document: { _id: 1 } } }])),
        ping: session.use(f.mongo.ping),
        startTransaction: session.startTransaction(),
        withTransaction: session.withTransaction(Effect.void)
      }
      for (const [name, effect] of Object.entries(late)) {
        const reason = yield* reasonOf(effect)
        assert.strictEqual(reason._tag, "ClientClosedError", name)
        assert.strictEqual(reason._tag === "ClientClosedError" ? reason.kind : "", "session", name)
        assert.isFalse(reason.isRetryable, name)
      }
      assert.strictEqual(f.commands.length, before)
    }))

  it.effect("takes the times of another session", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const [one, two] = [yield* f.mongo.session(), yield* f.mongo.session()]
      assert.deepStrictEqual(yield* two.operationTime, Option.none())
      yield* one.use(f.items.insertOne({ _id: 1 }))
      const operationTime = yield* get(one.operationTime)
      const clusterTime = yield* get(one.clusterTime)
      assert.isTrue(operationTime instanceof Driver.Timestamp)
      assert.isFalse(clusterTime.clusterTime.lessThan(operationTime))
      yield* two.advanceClusterTime(clusterTime)
      yield* two.advanceOperationTime(operationTime)
      assert.deepStrictEqual(yield* two.operationTime, Option.some(operationTime))
      assert.isFalse((yield* get(two.clusterTime)).clusterTime.lessThan(clusterTime.clusterTime))
      yield* two.use(f.items.find())
      assert.deepStrictEqual(f.last("find")["readConcern"].afterClusterTime, operationTime)
      // Never back.
      yield* two.advanceOperationTime(new Driver.Timestamp({ t: 1, i: 1 }))
      assert.isFalse((yield* get(two.operationTime)).lessThan(operationTime))
      const reason = yield* reasonOf(two.advanceClusterTime({} as Driver.ClusterTime))
      assert.strictEqual(reason._tag, "InvalidArgumentError")
      assert.strictEqual(reason.operation, "advanceClusterTime")
    }))
})

describe("withSession", () => {
  it.effect("fails inside a transaction, and works outside of it", () =>
    Effect.gen(function*() {
      const { mongo } = yield* setup()
      const reason = yield* reasonOf(mongo.withTransaction(mongo.withSession()(Effect.void)))
      assert.strictEqual(reason._tag, "TransactionError")
      assert.include(reason.message, "withoutTransaction")
      yield* mongo.withTransaction(mongo.withoutTransaction(mongo.withSession()(mongo.ping)))
    }))

  it.effect("is one session for all operations inside, and each sees the earlier ones", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const before = f.commands.length
      yield* f.mongo.withSession()(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        yield* f.items.find()
        yield* f.items.aggregate([{ $match: {} }])
        yield* Stream.runDrain(f.items.find().stream)
        yield* f.items.updateOne({ _id: 1 }, { $set: { n: 1 } })
        yield* f.items.countDocuments()
      }))
      const inside = f.commands.slice(before)
      assert.strictEqual(new Set(inside.map(lsidOf)).size, 1)
      const [first, ...rest] = inside
      assert.isUndefined(first!.command["readConcern"]?.afterClusterTime)
      assert.strictEqual(rest.length, 5)
      for (const { command, commandName } of rest) {
        assert.isTrue(command["readConcern"]?.afterClusterTime instanceof Driver.Timestamp, commandName)
      }
      // Afterwards no session is left.
      yield* f.items.find()
      assert.isUndefined(f.last("find")["readConcern"])
    }))

  it.effect("sends no time without causal consistency", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const before = f.commands.length
      yield* f.mongo.withSession({ causalConsistency: false })(
        Effect.andThen(f.items.insertOne({ _id: 1 }), f.items.find())
      )
      const inside = f.commands.slice(before)
      assert.strictEqual(new Set(inside.map(lsidOf)).size, 1)
      assert.isUndefined(f.last("find")["readConcern"])
    }))

  it.effect("shows one moment to all reads with a snapshot", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* f.items.insertOne({ _id: 1 })
      const seen = yield* f.mongo.withSession({ snapshot: true })(Effect.gen(function*() {
        const first = yield* f.items.find()
        yield* f.mongo.withoutTransaction(f.items.insertOne({ _id: 2 }))
        return [
          first,
          yield* f.items.find(),
          yield* f.items.aggregate([{ $match: {} }]),
          yield* Stream.runCollect(f.items.find().stream),
          yield* f.items.distinct("_id")
        ]
      }))
      assert.deepStrictEqual(seen, [[{ _id: 1 }], [{ _id: 1 }], [{ _id: 1 }], [{ _id: 1 }], [1]])
      assert.strictEqual(f.last("find")["readConcern"].level, "snapshot")
      assert.isTrue(f.last("find")["readConcern"].atClusterTime instanceof Driver.Timestamp)
      assert.strictEqual((yield* f.items.find()).length, 2)
    }))

  it.effect("refuses writes, transactions and causal consistency with a snapshot", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const snapshot = f.mongo.withSession({ snapshot: true })
      const write = yield* reasonOf(snapshot(f.items.insertOne({ _id: 1 })))
      assert.include(["InvalidArgumentError", "InvalidCommandError", "ServerError"], write._tag)
      let ran = false
      const transaction = yield* reasonOf(snapshot(f.mongo.withTransaction(Effect.sync(() => {
        ran = true
      }))))
      assert.strictEqual(transaction._tag, "InvalidArgumentError")
      assert.isFalse(ran)
      const both = yield* reasonOf(f.mongo.withSession({ snapshot: true, causalConsistency: true })(Effect.void))
      assert.strictEqual(both._tag, "InvalidArgumentError")
      assert.strictEqual(both.operation, "startSession")
      assert.deepStrictEqual(yield* committed(f), [])
    }))

  it.effect("lets a transaction inside use the session, and see the earlier operations", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const before = f.commands.length
      yield* f.mongo.withSession()(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        yield* f.mongo.withTransaction(f.items.insertOne({ _id: 2 }))
        yield* f.items.find()
        yield* Effect.exit(f.mongo.withTransaction(Effect.andThen(f.items.insertOne({ _id: 3 }), Effect.fail("no"))))
        yield* f.items.find()
      }))
      const inside = f.commands.slice(before)
      assert.strictEqual(new Set(inside.map(lsidOf)).size, 1)
      assert.isTrue(inside[1]!.command["startTransaction"])
      assert.isTrue(inside[1]!.command["readConcern"].afterClusterTime instanceof Driver.Timestamp)
      assert.isUndefined(f.last("find")["autocommit"])
      assert.deepStrictEqual(yield* committed(f), [1, 2])
    }))

  it.effect("keeps failures and defects, and is left by withoutTransaction", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      assert.deepStrictEqual(yield* Effect.exit(f.mongo.withSession()(Effect.fail("mine"))), Exit.fail("mine"))
      assert.deepStrictEqual(yield* Effect.exit(f.mongo.withSession()(Effect.die("bug"))), Exit.die("bug"))
      const before = f.commands.length
      yield* f.mongo.withSession()(
        Effect.andThen(f.items.find(), f.mongo.withoutTransaction(f.items.insertOne({ _id: 1 })))
      )
      assert.strictEqual(new Set(f.commands.slice(before).map(lsidOf)).size, 2)
    }))

  it.effect("gives a typed error to a fiber that outlives it", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const late = yield* f.mongo.withSession()(Effect.map(Effect.context<never>(), (context) =>
        Effect.provideContext(f.items.find().pipe(Effect.asVoid), context)))
      const reason = yield* reasonOf(late)
      assert.strictEqual(reason._tag, "ClientClosedError")
    }))
})

describe("leaves nothing behind:", () => {
  const used = Effect.gen(function*() {
    const mongo = yield* MongoClient.MongoClient
    const items = (yield* MongoDatabase.MongoDatabase).collection<Item>("items")
    yield* items.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }])
    return { mongo, items }
  })

  it.effect("sessions and snapshots", () =>
    Effect.gen(function*() {
      const { items, mongo } = yield* used
      yield* mongo.withSession({ snapshot: true })(items.find())
      yield* mongo.withSession()(items.find().batchSize(1).stream.pipe(Stream.take(2), Stream.runDrain))
      yield* Effect.exit(mongo.withSession()(Effect.andThen(items.find(), Effect.interrupt)))
      yield* Effect.scoped(Effect.gen(function*() {
        const session = yield* mongo.session()
        yield* session.startTransaction()
        yield* session.use(items.insertOne({ _id: 4 }))
      }))
    }).pipe(MongoTest.noLeaks))

  it.live("transactions, however they end", () =>
    Effect.gen(function*() {
      const { items, mongo } = yield* used
      const some = items.find().batchSize(1).stream.pipe(Stream.take(2), Stream.runDrain)
      const body = Effect.andThen(items.insertOne({ _id: 4 }), some)
      yield* Effect.exit(mongo.withTransaction(Effect.andThen(body, Effect.fail("no"))))
      yield* Effect.exit(mongo.withTransaction(Effect.andThen(body, Effect.die("no"))))
      yield* Effect.exit(mongo.withTransaction(Effect.andThen(body, Effect.interrupt)))
      yield* Effect.timeoutOption(mongo.withTransaction(Effect.andThen(body, Effect.never)), "50 millis")
      yield* mongo.withTransaction(body)
    }).pipe(MongoTest.noLeaks))

  // The driver sends killCursors with the read concern of the snapshot, which the server refuses.
  it.effect("a stream of a snapshot that is not read to its end", () =>
    Effect.gen(function*() {
      const { items, mongo } = yield* used
      yield* mongo.withSession({ snapshot: true })(
        items.find().batchSize(1).stream.pipe(Stream.take(2), Stream.runDrain)
      )
    }).pipe(MongoTest.noLeaks))

  // The driver sends no killCursors in an ended session.
  it.effect("a stream that is closed after its transaction", () =>
    Effect.gen(function*() {
      const { items, mongo } = yield* used
      const scope = yield* Scope.make()
      yield* mongo.withTransaction(
        Effect.gen(function*() {
          yield* yield* Scope.provide(Stream.toPull(items.find().batchSize(1).stream), scope)
        }).pipe(Effect.orDie)
      )
      yield* Scope.close(scope, Exit.void)
    }).pipe(MongoTest.noLeaks))
})
