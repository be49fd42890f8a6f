/**
 * `withTransaction` on a real server: what joins, what is kept and what is sent. `transactionFaults.test.ts` has the faults.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Mongo, MongoClient, MongoError } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Cause, Data, Deferred, Effect, Exit, Fiber, Option, Scope, Stream, Tracer } from "effect"
import type * as Driver from "mongodb"
import { committed, fixture, type Item } from "../support/items.ts"
import { Recorder } from "../support/recorder.ts"
import { failCommand, type Fixture, nothingLeft, reasonOf, setup, until } from "../support/utils.ts"

const ofTransactions = new Set(["commitTransaction", "abortTransaction"])

/** The commits and aborts that were sent. */
const ends = ({ commands }: Fixture) =>
  commands.map((event) => event.commandName).filter((name) => ofTransactions.has(name))

/** No transaction is open on the server, and no session in the client. */
const closed = (fixture: Fixture) =>
  Effect.gen(function*() {
    yield* nothingLeft(fixture)
    yield* until("no idle session with a transaction", async () => {
      const left = await fixture.admin.db("admin").aggregate([
        { $currentOp: { allUsers: true, idleSessions: true } },
        { $match: { type: "idleSession", appName: fixture.db.name } }
      ]).toArray()
      return left.length === 0
    })
    const { s } = fixture.driver as unknown as { readonly s: { readonly activeSessions: Set<Driver.ClientSession> } }
    assert.deepStrictEqual([...s.activeSessions].filter((session) => session.explicit), [])
  })

class Refused extends Data.TaggedError("Refused")<{ readonly why: string }> {}

describe("withTransaction", () => {
  it.effect("leaves no session if an option is not what its type says", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const exit = yield* Effect.exit(f.mongo.withTransaction(Effect.void, { maxDuration: "soon" as never }))
      assert.isTrue(Exit.hasDies(exit))
      yield* closed(f)
      const refused = yield* Effect.exit(f.mongo.withTransaction(Effect.void, null as never))
      assert.isTrue(Exit.isFailure(refused) && !Exit.hasDies(refused))
    }))

  it.effect("can run twice as one effect, each time with a session and a transaction of its own", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const insert = f.items.insertOne({ _id: 1 })
      const transaction = f.mongo.withTransaction(Effect.andThen(f.items.deleteMany({}), insert))
      yield* transaction
      yield* transaction
      assert.deepStrictEqual(yield* committed(f), [1])
      assert.deepStrictEqual(ends(f), ["commitTransaction", "commitTransaction"])
      yield* closed(f)
    }))

  it.effect("lets a body that aborts itself decide: nothing is committed, and its value counts", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      const value = yield* session.withTransaction(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        yield* session.abortTransaction
        yield* session.use(f.items.insertOne({ _id: 2 }))
        return "aborted"
      }))
      assert.strictEqual(value, "aborted")
      assert.deepStrictEqual(yield* committed(f), [2])
      assert.deepStrictEqual(ends(f), ["abortTransaction"])
    }))

  it.effect("does not commit again after a body that commits itself", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      yield* session.withTransaction(Effect.andThen(f.items.insertOne({ _id: 1 }), session.commitTransaction))
      assert.deepStrictEqual(yield* committed(f), [1])
      assert.deepStrictEqual(ends(f), ["commitTransaction"])
    }))

  it.effect("commits all operations of the body together, and returns its value", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const value = yield* f.mongo.withTransaction(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        yield* f.items.insertMany([{ _id: 2 }, { _id: 3 }])
        assert.deepStrictEqual(yield* committed(f), [])
        // It sees its own writes.
        return (yield* f.items.find()).length
      }))
      assert.strictEqual(value, 3)
      assert.deepStrictEqual(yield* committed(f), [1, 2, 3])
      assert.deepStrictEqual(ends(f), ["commitTransaction"])
      const inside = f.commands.filter((event) => event.command["autocommit"] === false)
      assert.deepStrictEqual(inside.map((event) => event.commandName), [
        "insert",
        "insert",
        "find",
        "commitTransaction"
      ])
      assert.strictEqual(new Set(inside.map((event) => String(event.command["lsid"].id))).size, 1)
      assert.strictEqual(new Set(inside.map((event) => String(event.command["txnNumber"]))).size, 1)
      assert.deepStrictEqual(inside.map((event) => event.command["startTransaction"] === true), [
        true,
        false,
        false,
        false
      ])
      yield* closed(f)
    }))

  it.effect("is a description that can run twice, even concurrently", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* f.items.insertOne({ _id: 1, n: 0 })
      const increment = f.mongo.withTransaction(f.items.updateOne({ _id: 1 }, { $inc: { n: 1 } }))
      yield* increment
      yield* Effect.all([increment, increment, increment], { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* f.items.findOne({ _id: 1 }), Option.some({ _id: 1, n: 4 }))
      yield* closed(f)
    }))

  it.effect("sends nothing when the body does nothing", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      assert.strictEqual(yield* f.mongo.withTransaction(Effect.succeed("quiet")), "quiet")
      assert.deepStrictEqual(ends(f), [])
      yield* closed(f)
    }))

  it.effect("aborts after a typed failure of the body, which stays as it is", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const refused = new Refused({ why: "broke" })
      let runs = 0
      const exit = yield* Effect.exit(f.mongo.withTransaction(
        Effect.gen(function*() {
          runs++
          yield* f.items.insertOne({ _id: 1 })
          return yield* refused
        })
      ))
      assert.deepStrictEqual(exit, Exit.fail(refused))
      assert.strictEqual(runs, 1)
      assert.deepStrictEqual(ends(f), ["abortTransaction"])
      assert.deepStrictEqual(yield* committed(f), [])
      yield* closed(f)
    }))

  it.effect("aborts after a defect, which stays as it is, even beside a transient failure", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const defect = new Error("a bug")
      const exit = yield* Effect.exit(
        f.mongo.withTransaction(Effect.andThen(f.items.insertOne({ _id: 1 }), Effect.die(defect)))
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
      assert.strictEqual(Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined, defect)
      assert.deepStrictEqual(ends(f), ["abortTransaction"])

      const transient = new MongoError.MongoError({
        reason: new MongoError.TransactionError({
          operation: "find",
          message: "again",
          kind: "aborted",
          labels: ["TransientTransactionError"],
          cause: undefined
        })
      })
      let runs = 0
      const both = yield* Effect.exit(f.mongo.withTransaction(Effect.suspend(() => {
        runs++
        return Effect.failCause(Cause.combine(Cause.fail(transient), Cause.die(defect)))
      })))
      assert.strictEqual(runs, 1)
      assert.isTrue(Exit.isFailure(both) && Cause.hasDies(both.cause) && Cause.hasFails(both.cause))
      assert.deepStrictEqual(yield* committed(f), [])
      yield* closed(f)
    }))

  it.effect("aborts after a server's failure that is not transient, and does not run again", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* f.items.insertOne({ _id: 2 })
      let runs = 0
      const reason = yield* reasonOf(f.mongo.withTransaction(Effect.gen(function*() {
        runs++
        yield* f.items.insertOne({ _id: 1 })
        yield* f.items.insertOne({ _id: 2 })
      })))
      assert.strictEqual(reason._tag, "DuplicateKeyError")
      assert.strictEqual(runs, 1)
      assert.deepStrictEqual(yield* committed(f), [2])
      yield* closed(f)
    }))

  it.effect("is joined by every kind of operation: bulk writes, cursors, streams, commands, the driver", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* f.items.insertMany(Array.from({ length: 20 }, (_, i) => ({ _id: 100 + i })))
      const rolledBack = new Refused({ why: "to look at it" })
      const before = f.commands.length
      const seen: Record<string, unknown> = {}
      const exit = yield* Effect.exit(f.mongo.withTransaction(Effect.gen(function*() {
        yield* f.items.bulkWrite([
          { insertOne: { document: { _id: 1 } } },
          { updateOne: { filter: { _id: 1 }, update: { $set: { n: 1 } } } },
          { deleteOne: { filter: { _id: 100 } } }
        ])
        yield* f.items.findOneAndUpdate({ _id: 1 }, { $inc: { n: 1 } })
        yield* f.items.replaceOne({ _id: 101 }, { n: 7 })
        seen.stream = yield* f.items.find().batchSize(5).stream.pipe(Stream.runCount)
        seen.array = (yield* f.items.find().batchSize(6)).length
        // Closed before its end; the transaction goes on.
        seen.taken = (yield* f.items.find().batchSize(2).stream.pipe(Stream.take(3), Stream.runCollect)).length
        seen.aggregate = yield* f.items.aggregate([{ $match: { n: { $gte: 1 } } }, { $sort: { _id: 1 } }])
        seen.count = yield* f.items.countDocuments()
        seen.distinct = yield* f.items.distinct("n")
        seen.command = (yield* f.db.command({ find: "items", filter: { _id: 1 } }))["cursor"].firstBatch
        seen.driver = yield* f.mongo.use((driver, _, session) =>
          driver.db(f.db.name).collection<Item>("items").countDocuments({}, { session: session! })
        )
        return yield* rolledBack
      })))
      assert.deepStrictEqual(exit, Exit.fail(rolledBack))
      assert.deepStrictEqual(seen, {
        stream: 20,
        array: 20,
        taken: 3,
        aggregate: [{ _id: 1, n: 2 }, { _id: 101, n: 7 }],
        count: 20,
        distinct: [2, 7],
        command: [{ _id: 1, n: 2 }],
        driver: 20
      })
      for (const event of f.commands.slice(before)) {
        if (event.commandName === "killCursors") continue
        assert.isFalse(event.command["autocommit"], event.commandName)
      }
      assert.deepStrictEqual(yield* committed(f), Array.from({ length: 20 }, (_, i) => 100 + i))
      yield* closed(f)
    }))

  it.effect("is not joined by another client", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const other = yield* setup()
      const elsewhere = other.mongo.db(f.db.name).collection<Item>("items")
      yield* Effect.exit(f.mongo.withTransaction(
        Effect.andThen(elsewhere.insertOne({ _id: 1 }), Effect.fail("rolled back"))
      ))
      assert.deepStrictEqual(yield* committed(f), [1])
      const { command } = other.commands.find((event) => event.commandName === "insert")!
      assert.isUndefined(command["autocommit"])
    }))
})

describe("concurrent operations", () => {
  it.effect("run one by one", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const running = new Set<number>()
      let most = 0
      f.driver.on("commandStarted", (event) => {
        if (event.databaseName !== f.db.name) return
        running.add(event.requestId)
        most = Math.max(most, running.size)
      })
      const ended = (event: { readonly requestId: number }) => running.delete(event.requestId)
      f.driver.on("commandSucceeded", ended)
      f.driver.on("commandFailed", ended)
      const ids = Array.from({ length: 30 }, (_, _id) => _id)
      const results = yield* f.mongo.withTransaction(
        Effect.all(
          ids.map((_id) =>
            _id % 3 === 0
              ? Effect.andThen(f.items.insertOne({ _id }), f.items.find({ _id }))
              : _id % 3 === 1
              ? Effect.andThen(f.items.insertOne({ _id }), Stream.runCollect(f.items.find({ _id }).stream))
              : Effect.andThen(f.items.bulkWrite([{ insertOne: { document: { _id } } }]), f.items.find({ _id }))
          ),
          { concurrency: "unbounded" }
        )
      )
      assert.deepStrictEqual(results.map((documents) => documents[0]?._id), ids)
      assert.deepStrictEqual(yield* committed(f), ids)
      assert.strictEqual(most, 1)
      yield* closed(f)
    }))

  it.effect("fail with the first failure, which interrupts the others and aborts", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* f.items.insertOne({ _id: 5 })
      const reason = yield* reasonOf(f.mongo.withTransaction(
        Effect.all(
          Array.from({ length: 10 }, (_, _id) => f.items.insertOne({ _id })),
          { concurrency: "unbounded" }
        )
      ))
      assert.strictEqual(reason._tag, "DuplicateKeyError")
      assert.deepStrictEqual(yield* committed(f), [5])
      yield* closed(f)
    }))

  it.effect("of a forked fiber that still run are committed too", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* failCommand(f, { times: 1 }, { failCommands: ["update"], blockConnection: true, blockTimeMS: 200 })
      yield* f.items.insertOne({ _id: 1, n: 0 })
      const forked = yield* f.mongo.withTransaction(Effect.gen(function*() {
        const fiber = yield* Effect.forkDetach(f.items.updateOne({ _id: 1 }, { $inc: { n: 1 } }), {
          startImmediately: true
        })
        yield* until("the update is sent", () => f.sent().includes("update"))
        return fiber
      }))
      yield* Fiber.join(forked)
      assert.deepStrictEqual(yield* f.items.findOne({ _id: 1 }), Option.some({ _id: 1, n: 1 }))
      yield* closed(f)
    }))
})

describe("a forked fiber that outlives its transaction", () => {
  const outliving = (end: "commit" | "abort") =>
    Effect.gen(function*() {
      const f = yield* fixture
      const gate = yield* Deferred.make<void>()
      let after = 0
      const operations: ReadonlyArray<Effect.Effect<unknown, MongoError.MongoError>> = [
        f.items.insertOne({ _id: 2 }),
        f.items.find(),
        f.items.findOne({ _id: 1 }),
        Stream.runDrain(f.items.find().stream),
        f.items.bulkWrite([{ insertOne: { document: { _id: 3 } } }]),
        f.db.command({ ping: 1 }),
        f.mongo.use(async () => 1),
        f.mongo.withTransaction(f.items.insertOne({ _id: 4 })),
        f.mongo.withTransaction(Effect.void)
      ]
      let forked: Fiber.Fiber<ReadonlyArray<MongoError.MongoErrorReason>> | undefined
      yield* Effect.exit(f.mongo.withTransaction(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        forked = yield* Effect.forkDetach(Effect.gen(function*() {
          yield* Deferred.await(gate)
          const reasons = yield* Effect.forEach(operations, reasonOf)
          yield* f.mongo.withoutTransaction(f.items.insertOne({ _id: 9 })).pipe(Effect.orDie)
          yield* f.mongo.withoutTransaction(f.mongo.withTransaction(f.items.insertOne({ _id: 10 }))).pipe(Effect.orDie)
          yield* f.mongo.afterCommit(Effect.sync(() => {
            after++
          }))
          return reasons
        }))
        if (end === "abort") return yield* Effect.fail("no")
      })))
      const before = f.commands.length
      yield* Deferred.succeed(gate, void 0)
      const reasons = yield* Fiber.join(forked!)
      for (const reason of reasons) {
        assert.strictEqual(reason._tag, "TransactionError")
        assert.match(reason.message, /transaction has ended/)
        assert.isFalse(reason.isRetryable)
      }
      assert.strictEqual(reasons.length, operations.length)
      // Only the operation that opted out was sent.
      assert.deepStrictEqual(
        f.commands.slice(before).map((event) => event.commandName),
        ["insert", "insert", "commitTransaction"]
      )
      assert.deepStrictEqual(yield* committed(f), end === "commit" ? [1, 9, 10] : [9, 10])
      assert.strictEqual(after, end === "commit" ? 1 : 0)
      yield* closed(f)
    })

  it.effect("gets a TransactionError from every later operation: committed", () => outliving("commit"))
  it.effect("gets a TransactionError from every later operation: aborted", () => outliving("abort"))

  it.effect("gets it too from a stream that it reads further", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* f.items.insertMany(Array.from({ length: 10 }, (_, _id) => ({ _id })))
      const scope = yield* Scope.make()
      const pull = yield* f.mongo.withTransaction(Effect.gen(function*() {
        const pull = yield* Scope.provide(Stream.toPull(f.items.find().batchSize(2).stream), scope)
        assert.strictEqual((yield* pull).length, 2)
        return pull
      })).pipe(Effect.orDie)
      const exit = yield* Effect.exit(pull)
      const error = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : Option.none()
      assert.isTrue(
        Option.isSome(error) && MongoError.isMongoError(error.value) && error.value.reason._tag === "TransactionError"
      )
      yield* Scope.close(scope, Exit.void)
    }))
})

describe("nested", () => {
  it.effect("joins the outer transaction", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* f.mongo.withTransaction(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        yield* f.mongo.withTransaction(f.items.insertOne({ _id: 2 }))
        assert.deepStrictEqual(ends(f), [])
        assert.deepStrictEqual(yield* committed(f), [])
      }))
      assert.deepStrictEqual(ends(f), ["commitTransaction"])
      assert.deepStrictEqual(yield* committed(f), [1, 2])

      yield* Effect.exit(f.mongo.withTransaction(
        Effect.andThen(f.mongo.withTransaction(f.items.insertOne({ _id: 3 })), Effect.fail("outer"))
      ))
      assert.deepStrictEqual(yield* committed(f), [1, 2])

      // MongoDB has no savepoints: the writes of the inner body stay.
      yield* f.mongo.withTransaction(
        f.mongo.withTransaction(Effect.andThen(f.items.insertOne({ _id: 4 }), Effect.fail("inner"))).pipe(
          Effect.catchIf((error) => error === "inner", () => Effect.void)
        )
      )
      assert.deepStrictEqual(yield* committed(f), [1, 2, 4])
      yield* closed(f)
    }))

  it.effect("fails the inner transaction with onNested", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      let ran = false
      const inner = f.mongo.withTransaction(
        Effect.sync(() => {
          ran = true
        }),
        { onNested: "fail" }
      )
      const reason = yield* f.mongo.withTransaction(
        Effect.tap(reasonOf(inner), () => f.items.insertOne({ _id: 1 }))
      )
      assert.strictEqual(reason._tag, "TransactionError")
      assert.match(reason.message, /nested/)
      assert.isFalse(ran)
      assert.deepStrictEqual(yield* committed(f), [1])
      // Alone it is not nested.
      yield* inner
      assert.isTrue(ran)
      yield* closed(f)
    }))
})

describe("withoutTransaction", () => {
  it.effect("runs operations that do not join and are not undone", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* Effect.exit(f.mongo.withTransaction(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        yield* f.mongo.withoutTransaction(Effect.gen(function*() {
          assert.deepStrictEqual(yield* f.items.find(), [])
          yield* f.items.insertOne({ _id: 2 })
          // It is a separate transaction, with its own end.
          yield* f.mongo.withTransaction(f.items.insertOne({ _id: 3 }), { onNested: "fail" })
        }))
        return yield* Effect.fail("no")
      })))
      assert.deepStrictEqual(yield* committed(f), [2, 3])
      assert.deepStrictEqual(ends(f), ["commitTransaction", "abortTransaction"])
      yield* closed(f)
    }))
})

describe("afterCommit", () => {
  it.effect("runs once, after the outermost commit, in order, outside of the transaction", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const log: Array<unknown> = []
      const note = (what: string) =>
        f.mongo.afterCommit(Effect.gen(function*() {
          log.push(what, yield* committed(f))
          // It does not belong to the transaction or its session.
          yield* f.items.insertOne({ _id: log.length * 10 }).pipe(Effect.orDie)
        }))
      yield* f.mongo.withTransaction(Effect.gen(function*() {
        yield* note("first")
        yield* f.items.insertOne({ _id: 1 })
        yield* f.mongo.withTransaction(note("nested"))
        assert.deepStrictEqual(log, [])
      }))
      assert.deepStrictEqual(log, ["first", [1], "nested", [1, 20]])
      const [commit, ...later] = f.commands.slice(
        f.commands.findIndex((event) => event.commandName === "commitTransaction")
      )
      assert.deepStrictEqual(later.map((event) => event.commandName), ["insert", "insert"])
      for (const event of later) {
        assert.isUndefined(event.command["autocommit"])
        assert.notDeepEqual(event.command["lsid"], commit!.command["lsid"])
      }
      yield* closed(f)
    }))

  it.effect("does not run on abort or interruption", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      let runs = 0
      const register = f.mongo.afterCommit(Effect.sync(() => {
        runs++
      }))
      yield* Effect.exit(f.mongo.withTransaction(Effect.andThen(register, Effect.fail("no"))))
      yield* Effect.exit(f.mongo.withTransaction(Effect.andThen(register, Effect.die("no"))))
      yield* Effect.exit(f.mongo.withTransaction(Effect.andThen(register, Effect.interrupt)))
      assert.strictEqual(runs, 0)
      // Without a transaction there is nothing to wait for.
      yield* register
      assert.strictEqual(runs, 1)
      yield* f.mongo.withTransaction(f.mongo.withoutTransaction(register))
      assert.strictEqual(runs, 2)
    }))

  it.effect("does not undo the commit or stop the others with a defect", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      let ran = false
      yield* f.mongo.withTransaction(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        yield* f.mongo.afterCommit(Effect.die("a bug"))
        yield* f.mongo.afterCommit(Effect.sync(() => {
          ran = true
        }))
      }))
      assert.isTrue(ran)
      assert.deepStrictEqual(yield* committed(f), [1])
    }))
})

describe("options", () => {
  it.effect("include the read concern, write concern and maxCommitTime on the server", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* f.mongo.withTransaction(
        Effect.andThen(f.items.find(), f.items.insertOne({ _id: 1 })),
        {
          readConcern: "snapshot",
          writeConcern: { w: 1, j: true },
          readPreference: "primary",
          maxCommitTime: "5 seconds"
        }
      )
      assert.strictEqual(f.last("find")["readConcern"].level, "snapshot")
      assert.isUndefined(f.last("insert")["readConcern"])
      assert.isUndefined(f.last("insert")["writeConcern"])
      assert.deepInclude(f.last("commitTransaction")["writeConcern"], { w: 1, j: true })
      assert.strictEqual(f.last("commitTransaction")["maxTimeMS"], 5000)
    }))

  it.effect("are those of the client by default", () =>
    Effect.gen(function*() {
      const f = yield* setup({ driverOptions: { monitorCommands: true, readConcern: { level: "majority" } } })
      const items = f.db.collection<Item>("items")
      yield* f.mongo.withTransaction(items.insertOne({ _id: 1 }))
      assert.strictEqual(f.last("insert")["readConcern"].level, "majority")
      assert.isUndefined(f.last("commitTransaction")["maxTimeMS"])
      yield* f.mongo.withTransaction(items.insertOne({ _id: 2 }), { readConcern: "local" })
      assert.strictEqual(f.last("insert")["readConcern"].level, "local")
    }))

  it.effect("with another read preference than primary, or w: 0, are a TransactionError", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const other = yield* reasonOf(f.mongo.withTransaction(f.items.findOne({}), { readPreference: "secondary" }))
      assert.strictEqual(other._tag, "TransactionError")
      assert.match(other.message, /primary/)
      const unacknowledged = yield* reasonOf(
        f.mongo.withTransaction(f.items.insertOne({ _id: 1 }), { writeConcern: { w: 0 } })
      )
      assert.strictEqual(unacknowledged._tag, "TransactionError")
      assert.deepStrictEqual(yield* committed(f), [])
      yield* closed(f)
    }))

  it.effect("keep an operation of the transaction even under the interruption policy detach", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* failCommand(f, { times: 1 }, { failCommands: ["insert"], blockConnection: true, blockTimeMS: 300 })
      const fiber = yield* Effect.forkChild(
        f.mongo.withTransaction(f.items.insertOne({ _id: 1 })).pipe(Mongo.withInterruptionPolicy("detach"))
      )
      yield* until("the insert is sent", () => f.sent().includes("insert"))
      yield* Fiber.interrupt(fiber)
      yield* closed(f)
      assert.deepStrictEqual(yield* committed(f), [])
    }))
})

describe("a standalone server", () => {
  it.effect("is refused with a message that says what the transaction needs", () =>
    Effect.gen(function*() {
      const server = yield* MongoServer.startBinary({ replicaSet: false })
      const mongo = yield* MongoClient.make({ url: server.uri })
      const items = mongo.db("app").collection<Item>("items")
      let runs = 0
      const body = Effect.suspend(() => {
        runs++
        return items.insertOne({ _id: 1 })
      })
      const reason = yield* reasonOf(mongo.withTransaction(body))
      assert.strictEqual(reason._tag, "TransactionError")
      assert.match(reason.message, /transactions need a replica set/)
      assert.strictEqual(runs, 1)
      assert.deepStrictEqual(yield* items.find(), [])
    }), 60_000)
})

describe("the span", () => {
  const parentOf = (span: Tracer.NativeSpan) => Option.getOrUndefined(span.parent)?.spanId

  it.effect("is the parent of the operations, of the abort and of the commit, and has the attempts as events", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* failCommand(f, { times: 1 }, {
        failCommands: ["insert"],
        errorCode: 112,
        errorLabels: ["TransientTransactionError"]
      })
      const recorder = new Recorder()
      yield* f.mongo.withTransaction(
        Effect.andThen(f.items.insertOne({ _id: 1 }), f.mongo.withTransaction(f.items.find()))
      ).pipe(Effect.withSpan("outer"), Effect.provideService(Tracer.Tracer, recorder.tracer))
      const [outer, transaction, ...rest] = recorder.spans
      assert.strictEqual(outer!.name, "outer")
      assert.strictEqual(transaction!.name, "transaction")
      assert.strictEqual(parentOf(transaction!), outer!.spanId)
      assert.strictEqual(transaction!.attributes.get("db.system.name"), "mongodb")
      assert.deepStrictEqual(
        rest.map((span) => span.name),
        ["insert items", "abortTransaction admin", "insert items", "find items", "commitTransaction admin"]
      )
      for (const span of rest) assert.strictEqual(parentOf(span), transaction!.spanId, span.name)
      assert.deepStrictEqual(transaction!.events.map(([name, , attributes]) => [name, attributes]), [
        ["attempt", { attempt: 1 }],
        ["abort", { attempt: 1 }],
        ["attempt", { attempt: 2 }],
        ["commit", { attempt: 2 }]
      ])
      assert.isTrue(transaction!.status._tag === "Ended" && Exit.isSuccess(transaction!.status.exit))
    }))

  it.effect("ends with the failure, and shows that the commit was sent again", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* failCommand(f, { times: 2 }, {
        failCommands: ["commitTransaction"],
        errorCode: 8,
        errorLabels: ["UnknownTransactionCommitResult"]
      })
      const recorder = new Recorder()
      const inTracer = Effect.provideService(Tracer.Tracer, recorder.tracer)
      yield* inTracer(f.mongo.withTransaction(f.items.insertOne({ _id: 1 })))
      const [transaction] = recorder.spans
      assert.deepStrictEqual(transaction!.events.map(([name]) => name), [
        "attempt",
        "commit.retry",
        "commit.retry",
        "commit"
      ])
      recorder.spans.length = 0
      yield* Effect.exit(inTracer(f.mongo.withTransaction(Effect.fail("no"))))
      const { status } = recorder.spans[0]!
      assert.isTrue(status._tag === "Ended" && Exit.isFailure(status.exit))
    }))
})
