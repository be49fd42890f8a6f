/**
 * A transaction succeeds only when the server has confirmed its commit: tests with closed clients and sessions, errors that a body
 * handled, and reset connections.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoClient, MongoError } from "@mongofx/core"
import { CommandLog, type FailPoint } from "@mongofx/testing"
import { Cause, Data, Deferred, Effect, Exit, Fiber, Option, Random, Redacted, Scope, Stream } from "effect"
import * as Net from "node:net"
import { committed, fixture, type Item } from "../support/items.ts"
import { failCommand, type Fixture, nothingLeft, reasonOf, seeded, until, uri } from "../support/utils.ts"

/** The commits and aborts that were sent. */
const ends = ({ commands }: Pick<Fixture, "commands">) =>
  commands.map((event) => event.commandName).filter((name) => /^(commit|abort)Transaction$/.test(name))

const transient = { errorCode: 112, errorLabels: ["TransientTransactionError"] }

describe("a client that closes", () => {
  /** A separate client, which closes when the test says so. */
  const closing = Effect.gen(function*() {
    const f = yield* fixture
    const scope = yield* Scope.make()
    const mongo = yield* Scope.provide(
      MongoClient.make({
        url: Redacted.make(uri),
        appName: f.db.name,
        driverOptions: { monitorCommands: true }
      }),
      scope
    )
    const items = mongo.db(f.db.name).collection<Item>("items")
    return { f, mongo, items, close: Scope.close(scope, Exit.void) }
  })

  it.effect("while the body runs makes the transaction fail, whatever the body returns", () =>
    Effect.gen(function*() {
      const { close, f, items, mongo } = yield* closing
      const closed = yield* Deferred.make<void>()
      const inserted = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(reasonOf(mongo.withTransaction(Effect.gen(function*() {
        yield* items.insertOne({ _id: 1 })
        yield* Deferred.succeed(inserted, void 0)
        yield* Deferred.await(closed)
        return "committed"
      }))))
      yield* Deferred.await(inserted)
      yield* close
      yield* Deferred.succeed(closed, void 0)
      const reason = yield* Fiber.join(fiber)
      assert.strictEqual(reason._tag, "ClientClosedError")
      assert.strictEqual(reason._tag === "ClientClosedError" ? reason.kind : "", "client")
      assert.deepStrictEqual(yield* committed(f), [])
    }))

  it.effect("before an idle body has ended makes it fail too, and runs no afterCommit", () =>
    Effect.gen(function*() {
      const { close, mongo } = yield* closing
      let after = 0
      const reason = yield* reasonOf(mongo.withTransaction(Effect.gen(function*() {
        yield* mongo.afterCommit(Effect.sync(() => void after++))
        yield* close
      })))
      assert.strictEqual(reason._tag, "ClientClosedError")
      assert.strictEqual(after, 0)
    }))

  it.effect("while the commit runs leaves its outcome unknown, and says so", () =>
    Effect.gen(function*() {
      const { close, f, items, mongo } = yield* closing
      yield* failCommand(f, { times: 1 }, {
        failCommands: ["commitTransaction"],
        blockConnection: true,
        blockTimeMS: 4000
      })
      const driver = yield* mongo.use(async (driver) => driver)
      let sent = false
      driver.on("commandStarted", (event) => sent ||= event.commandName === "commitTransaction")
      const fiber = yield* Effect.forkChild(reasonOf(mongo.withTransaction(items.insertOne({ _id: 1 }))))
      yield* until("the commit is sent", () => sent)
      yield* close
      const reason = yield* Fiber.join(fiber)
      assert.include(reason.labels, "UnknownTransactionCommitResult")
      assert.isFalse(reason.isRetryable)
    }))

  it.effect("while its first operation runs leaves no transaction, even if the server begins it later", () =>
    Effect.gen(function*() {
      const { close, f, items, mongo } = yield* closing
      // Longer than a client that closes waits for it.
      yield* failCommand(f, { times: 1 }, { failCommands: ["insert"], blockConnection: true, blockTimeMS: 1500 })
      const driver = yield* mongo.use(async (driver) => driver)
      let sent = false
      driver.on("commandStarted", (event) => sent ||= event.commandName === "insert")
      const fiber = yield* Effect.forkChild(reasonOf(mongo.withTransaction(items.insertOne({ _id: 1 }))))
      yield* until("the insert is sent", () => sent)
      yield* close
      assert.strictEqual((yield* Fiber.join(fiber))._tag, "ClientClosedError")
      yield* nothingLeft(f)
      const open = yield* Effect.promise(() =>
        f.admin.db("admin").aggregate([
          { $currentOp: { allUsers: true, idleSessions: true } },
          { $match: { type: "idleSession", appName: f.db.name } }
        ]).toArray()
      )
      assert.deepStrictEqual(open, [])
      assert.deepStrictEqual(yield* committed(f), [])
    }))
})

describe("a session whose scope ends", () => {
  it.effect("while the body runs makes the transaction fail", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const scope = yield* Scope.make()
      const session = yield* Scope.provide(f.mongo.session(), scope)
      const reason = yield* reasonOf(session.withTransaction(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        yield* Scope.close(scope, Exit.void)
        return "committed"
      })))
      assert.strictEqual(reason._tag, "ClientClosedError")
      assert.strictEqual(reason._tag === "ClientClosedError" ? reason.kind : "", "session")
      assert.deepStrictEqual(yield* committed(f), [])
      assert.deepStrictEqual(ends(f), ["abortTransaction"])
    }))
})

describe("a body that ends its transaction by itself", () => {
  it.effect("goes on in the session, outside of the transaction", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      for (const [n, end] of [[1, session.commitTransaction], [2, session.abortTransaction]] as const) {
        let after = 0
        yield* session.withTransaction(Effect.gen(function*() {
          yield* f.items.insertOne({ _id: n * 10 })
          yield* end
          yield* f.items.insertOne({ _id: n * 10 + 1 })
          assert.strictEqual((yield* f.items.find({ _id: n * 10 + 1 })).length, 1)
          assert.strictEqual(yield* Stream.runCount(f.items.find({ _id: n * 10 + 1 }).stream), 1)
          // No transaction has to be awaited.
          yield* f.mongo.afterCommit(Effect.sync(() => void after++))
          assert.strictEqual(after, 1)
          // Another one, in the same session.
          yield* f.mongo.withTransaction(f.items.insertOne({ _id: n * 10 + 2 }), { onNested: "fail" })
        }))
      }
      assert.deepStrictEqual(yield* committed(f), [10, 11, 12, 21, 22])
      const alone = f.commands.filter(({ command }) => command["documents"]?.[0]._id % 10 === 1)
      assert.strictEqual(alone.length, 2)
      const id = yield* session.id
      for (const { command } of alone) {
        assert.isUndefined(command["autocommit"])
        assert.deepStrictEqual(
          id._tag === "Some" ? command["lsid"] : undefined,
          id._tag === "Some" ? id.value : undefined
        )
      }
      assert.deepStrictEqual(ends(f), [
        "commitTransaction",
        "commitTransaction",
        "abortTransaction",
        "commitTransaction"
      ])
    }))

  it.effect("treats a fiber that outlives it like any other transaction", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      const gate = yield* Deferred.make<void>()
      const forked = yield* session.withTransaction(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        yield* session.commitTransaction
        return yield* Effect.forkDetach(Effect.andThen(Deferred.await(gate), reasonOf(f.items.insertOne({ _id: 2 }))))
      }))
      yield* Deferred.succeed(gate, void 0)
      assert.strictEqual((yield* Fiber.join(forked))._tag, "TransactionError")
      assert.deepStrictEqual(yield* committed(f), [1])
    }))

  it.effect("and begins another one gets that committed", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      let after = 0
      yield* session.withTransaction(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        yield* session.abortTransaction
        yield* session.startTransaction()
        yield* session.use(f.mongo.afterCommit(Effect.sync(() => void after++)))
        yield* f.items.insertOne({ _id: 2 })
      }))
      assert.deepStrictEqual(yield* committed(f), [2])
      assert.strictEqual(after, 1)
      assert.deepStrictEqual(ends(f), ["abortTransaction", "commitTransaction"])
    }))

  it.effect("and handles a failed commit is committed again: nothing else is success", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const session = yield* f.mongo.session()
      const commits = (mode: FailPoint.Mode, data: object) =>
        failCommand(f, mode, { failCommands: ["commitTransaction"], ...data })
      const body = (_id: number) => Effect.andThen(f.items.insertOne({ _id }), Effect.ignore(session.commitTransaction))
      // The driver sends it twice.
      yield* Effect.scoped(Effect.andThen(
        commits({ times: 2 }, { closeConnection: true }),
        session.withTransaction(body(1))
      ))
      assert.deepStrictEqual(yield* committed(f), [1])
      yield* commits("alwaysOn", { errorCode: 256, errorLabels: [] })
      assert.strictEqual((yield* reasonOf(session.withTransaction(body(2)))).code, 256)
    }))

  it.effect("through the driver's own session gets one more commit", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* f.mongo.withTransaction(Effect.andThen(
        f.items.insertOne({ _id: 1 }),
        f.mongo.use(async (_, __, session) => session!.commitTransaction())
      ))
      assert.deepStrictEqual(yield* committed(f), [1])
      const aborted = yield* reasonOf(f.mongo.withTransaction(Effect.andThen(
        f.items.insertOne({ _id: 2 }),
        f.mongo.use(async (_, __, session) => session!.abortTransaction())
      )))
      assert.strictEqual(aborted._tag, "TransactionError")
      assert.deepStrictEqual(yield* committed(f), [1])
    }))
})

describe("a body that handles an error and goes on", () => {
  const counted = <A, E, R>(body: Effect.Effect<A, E, R>) => {
    const counts = { runs: 0 }
    return { counts, body: Effect.suspend(() => (counts.runs++, body)) }
  }

  const isAborted = (reason: MongoError.MongoErrorReason) => {
    assert.strictEqual(reason._tag, "TransactionError")
    assert.strictEqual(reason._tag === "TransactionError" ? reason.kind : "", "aborted")
    assert.isFalse(reason.isRetryable)
    assert.isTrue(MongoError.isMongoError(reason.cause))
    return (reason.cause as MongoError.MongoError).reason
  }

  const handled = Effect.gen(function*() {
    const f = yield* fixture
    yield* f.items.insertOne({ _id: 1 })
    return { f, duplicate: Effect.ignore(f.items.insertOne({ _id: 1 })) }
  })

  it.effect("fails at once, with that error as the cause, and has run once", () =>
    Effect.gen(function*() {
      const { duplicate, f } = yield* handled
      let after = 0
      const { body, counts } = counted(Effect.gen(function*() {
        yield* f.mongo.afterCommit(Effect.sync(() => void after++))
        yield* f.items.insertOne({ _id: 2 })
        yield* duplicate
        return "went on"
      }))
      const first = isAborted(yield* reasonOf(f.mongo.withTransaction(body)))
      assert.strictEqual(first._tag, "DuplicateKeyError")
      assert.strictEqual(first.operation, "insertOne")
      assert.strictEqual(counts.runs, 1)
      assert.strictEqual(after, 0)
      assert.deepStrictEqual(yield* committed(f), [1])
      yield* nothingLeft(f)
    }))

  it.effect("with another operation, which fails or is handled too, fails with the same error", () =>
    Effect.gen(function*() {
      const { duplicate, f } = yield* handled
      for (const next of [f.items.insertOne({ _id: 3 }), Effect.ignore(f.items.find())]) {
        const { body, counts } = counted(Effect.andThen(duplicate, next))
        assert.strictEqual(isAborted(yield* reasonOf(f.mongo.withTransaction(body)))._tag, "DuplicateKeyError")
        assert.strictEqual(counts.runs, 1)
      }
      assert.deepStrictEqual(yield* committed(f), [1])
    }))

  it.effect("and fails with its own error keeps that error, and has run once", () =>
    Effect.gen(function*() {
      class Mine extends Data.TaggedError("Mine")<{ readonly cause: unknown }> {}
      const { duplicate, f } = yield* handled
      const { body, counts } = counted(
        Effect.andThen(duplicate, Effect.mapError(f.items.find(), (cause) => new Mine({ cause })))
      )
      const exit = yield* Effect.exit(f.mongo.withTransaction(body))
      assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof Mine)
      assert.strictEqual(counts.runs, 1)
    }))

  it.effect("of a forked fiber, a nested transaction or a stream gets the same failure", () =>
    Effect.gen(function*() {
      const { duplicate, f } = yield* handled
      const bad = Effect.ignore(Stream.runDrain(f.items.find({ n: { $nonsense: 1 } } as never).stream))
      for (
        const error of [
          Effect.flatMap(Effect.forkChild(duplicate), Fiber.await),
          f.mongo.withTransaction(duplicate),
          bad,
          Effect.ignore(f.items.bulkWrite([{ insertOne: { document: { _id: 1 } } }])),
          Effect.ignore(f.mongo.use((driver, _, session) =>
            driver.db(f.db.name).collection<Item>("items").insertOne({ _id: 1 }, { session: session! })
          ))
        ]
      ) {
        const { body, counts } = counted(Effect.andThen(f.items.insertOne({ _id: 2 }), error))
        isAborted(yield* reasonOf(f.mongo.withTransaction(body)))
        assert.strictEqual(counts.runs, 1)
      }
      assert.deepStrictEqual(yield* committed(f), [1])
    }))

  it.effect("runs again if the error was transient", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      for (const data of [transient, { closeConnection: true }]) {
        const { body, counts } = counted(
          Effect.andThen(
            f.items.insertOne({ _id: 1 }),
            Effect.ignore(f.items.updateOne({ _id: 1 }, { $inc: { n: 1 } }))
          )
        )
        yield* Effect.scoped(Effect.gen(function*() {
          yield* failCommand(f, { times: 2 }, { failCommands: ["update"], ...data })
          yield* f.mongo.withTransaction(body)
        }))
        assert.strictEqual(counts.runs, 3)
        assert.deepStrictEqual(yield* f.items.find(), [{ _id: 1, n: 1 }])
        yield* f.items.deleteMany({})
      }
      yield* failCommand(f, "alwaysOn", { failCommands: ["insert"], closeConnection: true })
      const { body, counts } = counted(Effect.ignore(f.items.insertOne({ _id: 1 })))
      const reason = yield* reasonOf(f.mongo.withTransaction(body, { maxDuration: 0 }))
      assert.strictEqual(reason._tag, "TransactionError")
      assert.include(reason.labels, "TransientTransactionError")
      assert.strictEqual(counts.runs, 1)
    }))

  it.effect("commits if the server has aborted nothing", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { body, counts } = counted(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        assert.strictEqual((yield* reasonOf(f.db.command({ nonsense: 1 })))._tag, "InvalidCommandError")
        assert.strictEqual((yield* reasonOf(f.db.listCollections()))._tag, "TransactionError")
        assert.strictEqual((yield* reasonOf(f.items.find({ _id: undefined as never })))._tag, "InvalidArgumentError")
      }))
      yield* f.mongo.withTransaction(body)
      assert.strictEqual(counts.runs, 1)
      assert.deepStrictEqual(yield* committed(f), [1])
    }))

  it.live("counts an operation that is interrupted while it runs as an error", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const slow = f.items.find({ $where: "sleep(2000) || true" } as never)
      const { body, counts } = counted(
        Effect.andThen(f.items.insertOne({ _id: 1 }), Effect.timeoutOption(slow, "100 millis"))
      )
      const first = isAborted(yield* reasonOf(f.mongo.withTransaction(body)))
      assert.match(first.message, /find on .*items: it was interrupted/)
      assert.strictEqual(counts.runs, 1)
      assert.deepStrictEqual(yield* committed(f), [])
    }))
})

describe("a connection that is reset", () => {
  /** A client behind a way that resets all its connections on request, before the client can notice. */
  const resettable = Effect.gen(function*() {
    const sockets = new Set<Net.Socket>()
    const { hostname, port } = new URL(uri.replace(/^mongodb:/, "http:"))
    const server = yield* Effect.acquireRelease(
      Effect.promise<Net.Server>(() =>
        new Promise((resolve) => {
          const server = Net.createServer((socket) => {
            const target = Net.connect(Number(port), hostname)
            for (const [one, other] of [[socket, target], [target, socket]] as const) {
              one.on("error", () => {}).on("close", () => other.destroy()).pipe(other)
            }
            sockets.add(socket)
          })
          server.listen(0, "127.0.0.1", () => resolve(server))
        })
      ),
      (server) => Effect.sync(() => server.close())
    )
    const f = yield* fixture
    const address = server.address() as Net.AddressInfo
    const mongo = yield* MongoClient.make({
      driverOptions: { monitorCommands: true, directConnection: true },
      url: Redacted.make(`mongodb://127.0.0.1:${address.port}/`)
    })
    const { events } = yield* Effect.provideService(CommandLog.make, MongoClient.MongoClient, mongo)
    const through = { mongo, commands: events }
    const reset = Effect.sync(() => {
      for (const socket of sockets) socket.resetAndDestroy()
      sockets.clear()
    })
    return { f, through, items: through.mongo.db(f.db.name).collection<Item>("items"), reset }
  })

  it.effect("just before the commit is written commits again", () =>
    Effect.gen(function*() {
      const { f, items, reset, through } = yield* resettable
      let runs = 0
      let after = 0
      yield* through.mongo.withTransaction(Effect.gen(function*() {
        runs++
        yield* through.mongo.afterCommit(Effect.sync(() => void after++))
        yield* items.insertOne({ _id: 1 })
        yield* reset
      }))
      assert.deepStrictEqual([runs, after], [1, 1])
      assert.deepStrictEqual(yield* committed(f), [1])
      assert.isAtLeast(ends(through).length, 2)
    }))

  it.effect("just before an operation is written runs the body again", () =>
    Effect.gen(function*() {
      const { f, items, reset, through } = yield* resettable
      let runs = 0
      yield* through.mongo.withTransaction(Effect.gen(function*() {
        runs++
        yield* items.insertOne({ _id: 1 })
        if (runs === 1) yield* reset
        yield* items.updateOne({ _id: 1 }, { $inc: { n: 1 } })
      }))
      assert.strictEqual(runs, 2)
      assert.deepStrictEqual(yield* f.items.find(), [{ _id: 1, n: 1 }])
    }))
})

describe("rerun: false", () => {
  it.effect("runs the body once, and fails with what would have made it run again", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      let runs = 0
      const body = Effect.suspend(() => {
        runs++
        return f.items.insertOne({ _id: runs })
      })
      yield* failCommand(f, { times: 1 }, { failCommands: ["insert"], ...transient })
      const reason = yield* reasonOf(f.mongo.withTransaction(body, { rerun: false }))
      assert.strictEqual(reason._tag, "WriteConflictError")
      assert.strictEqual(runs, 1)
      assert.deepStrictEqual(ends(f), ["abortTransaction"])
      assert.deepStrictEqual(yield* committed(f), [])
    }))

  it.effect("runs the body once after a transient commit too, and repeats a commit with an unknown outcome", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      let runs = 0
      const body = Effect.suspend(() => {
        runs++
        return f.items.insertOne({ _id: runs })
      })
      const code = (errorCode: number, label: string, times: number) =>
        failCommand(f, { times }, { failCommands: ["commitTransaction"], errorCode, errorLabels: [label] })
      yield* Effect.scoped(Effect.andThen(
        code(251, "TransientTransactionError", 1),
        Effect.tap(
          reasonOf(f.mongo.withTransaction(body, { rerun: false })),
          (reason) => Effect.sync(() => assert.strictEqual(reason.code, 251))
        )
      ))
      assert.strictEqual(runs, 1)
      yield* code(8, "UnknownTransactionCommitResult", 3)
      yield* f.mongo.withTransaction(body, { rerun: false })
      assert.strictEqual(runs, 2)
      assert.deepStrictEqual(yield* committed(f), [2])
    }))
})

it.effect("withTransaction takes its effect in a pipe, with options and without", () =>
  Effect.gen(function*() {
    const f = yield* fixture
    const session = yield* f.mongo.session()
    yield* f.items.insertOne({ _id: 1 }).pipe(f.mongo.withTransaction)
    yield* f.items.insertOne({ _id: 2 }).pipe(f.mongo.withTransaction())
    yield* f.items.insertOne({ _id: 3 }).pipe(f.mongo.withTransaction({ writeConcern: { w: 1, j: true } }))
    assert.deepInclude(f.last("commitTransaction")["writeConcern"], { w: 1, j: true })
    yield* f.items.insertOne({ _id: 4 }).pipe(session.withTransaction({ maxCommitTime: "5 seconds" }))
    assert.strictEqual(f.last("commitTransaction")["maxTimeMS"], 5000)
    // A query is an effect, and not its options.
    const found: ReadonlyArray<Item> = yield* f.mongo.withTransaction(f.items.find().sort({ _id: 1 }))
    assert.deepStrictEqual(found.map(({ _id }) => _id), [1, 2, 3, 4])
    assert.strictEqual(ends(f).length, 5)
  }))

it.effect(
  "ten concurrent transactions on one document all commit while the test clock stands still",
  () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* f.items.insertOne({ _id: 1, n: 0 })
      const increment = f.mongo.withTransaction(Effect.gen(function*() {
        const { n } = yield* f.items.find({ _id: 1 }).one
        yield* f.items.updateOne({ _id: 1 }, { $set: { n: n! + 1 } })
      }))
      yield* Effect.all(Array.from({ length: 10 }, () => increment), { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* f.items.find(), [{ _id: 1, n: 10 }])
    }),
  30_000
)

it.effect("a client that closes at a random moment leaves only complete successes", () =>
  Effect.gen(function*() {
    const f = yield* fixture
    const seen = { success: 0, failure: 0 }
    const runs = 40
    for (let run = 1; run <= runs; run++) {
      const scope = yield* Scope.make()
      const mongo = yield* Scope.provide(MongoClient.make({ url: Redacted.make(uri) }), scope)
      const items = mongo.db(f.db.name).collection<Item>("items")
      let after = 0
      const fiber = yield* Effect.forkChild(mongo.withTransaction(Effect.gen(function*() {
        yield* mongo.afterCommit(Effect.sync(() => void after++))
        yield* items.insertOne({ _id: run * 10 })
        yield* Effect.promise(() => new Promise(setImmediate))
        yield* items.insertOne({ _id: run * 10 + 1 })
      })))
      const milliseconds = (yield* Random.next) * 15
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, milliseconds)))
      yield* Scope.close(scope, Exit.void)
      const exit = yield* Fiber.await(fiber)
      const stored = (yield* committed(f)).filter((_id) => _id >= run * 10).length
      const error = Exit.isFailure(exit) ? Cause.findErrorOption(exit.cause) : Option.none()
      if (Exit.isSuccess(exit)) {
        seen.success++
        assert.deepStrictEqual([stored, after], [2, 1])
      } else if (Option.isSome(error) && MongoError.isMongoError(error.value)) {
        seen.failure++
        assert.strictEqual(after, 0)
        const isUnknown = error.value.hasLabel("UnknownTransactionCommitResult")
        assert.include(isUnknown ? [0, 2] : [0], stored, `run ${run}: ${error.value.message}`)
      } else assert.fail(`run ${run}: ${Cause.pretty((exit as Exit.Failure<void, unknown>).cause)}`)
    }
    assert.strictEqual(seen.success + seen.failure, runs)
    yield* nothingLeft(f)
  }).pipe(seeded), 60_000)
