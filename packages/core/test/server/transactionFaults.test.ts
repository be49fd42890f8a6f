/**
 * `withTransaction` when the server, the network or the caller's own fiber fails, in every phase.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Mongo, type MongoError } from "@mongofx/core"
import { type Clock, Data, Deferred, Duration, Effect, Exit, Latch, Option, Random } from "effect"
import type * as Driver from "mongodb"
import { committed, fixture, type Item } from "../support/items.ts"
import {
  failCommand,
  type Fixture,
  interrupt,
  leftOnServer,
  nothingLeft,
  reasonOf,
  timed,
  until,
  waitingByTestClock
} from "../support/utils.ts"

type Filled = Effect.Success<typeof fixture>

/** The names of what was sent in a transaction, its end included. */
const inside = ({ commands }: Fixture) =>
  commands.filter((event) => event.command["autocommit"] === false).map((event) => event.commandName)

const idleTransactions = ({ admin, db }: Fixture): Promise<Array<Driver.Document>> =>
  admin.db("admin").aggregate([
    { $currentOp: { allUsers: true, idleSessions: true } },
    { $match: { type: "idleSession", appName: db.name } }
  ]).toArray()

/** No operation, cursor or transaction is open on the server, and no session in the client. */
const closed = (fixture: Fixture) =>
  Effect.gen(function*() {
    yield* nothingLeft(fixture)
    yield* until("no idle transaction", async () => (await idleTransactions(fixture)).length === 0)
    const { s } = fixture.driver as unknown as { readonly s: { readonly activeSessions: Set<Driver.ClientSession> } }
    // The client ends a session just after the server has ended its transaction.
    yield* until("no session in the client", () => ![...s.activeSessions].some((session) => session.explicit))
  })

/** A transaction that counts its runs, and what it registers for after the commit. */
const counted = (f: Filled, body: Effect.Effect<unknown, MongoError.MongoError> = f.items.insertOne({ _id: 1 })) => {
  const counts = { runs: 0, after: 0 }
  const transaction = Effect.gen(function*() {
    counts.runs++
    const run = counts.runs
    yield* f.mongo.afterCommit(Effect.sync(() => {
      counts.after++
    }))
    yield* body
    return run
  })
  return { counts, transaction }
}

const transient = { errorCode: 112, errorLabels: ["TransientTransactionError"] }
const unknown = { errorCode: 8, errorLabels: ["UnknownTransactionCommitResult"] }

describe("a transient error", () => {
  for (
    const [name, data] of Object.entries({
      "a write conflict": transient,
      "a transaction the server has lost": { errorCode: 251, errorLabels: ["TransientTransactionError"] },
      "a broken connection": { closeConnection: true }
    })
  ) {
    it.effect(`in the body runs it again, with its effects once: ${name}`, () =>
      Effect.gen(function*() {
        const f = yield* fixture
        const { counts, transaction } = counted(
          f,
          Effect.andThen(f.items.insertOne({ _id: 1 }), f.items.updateOne({ _id: 1 }, { $inc: { n: 1 } }))
        )
        yield* failCommand(f, { times: 2 }, { failCommands: ["update"], ...data })
        assert.strictEqual(yield* f.mongo.withTransaction(transaction), 3)
        assert.deepStrictEqual(counts, { runs: 3, after: 1 })
        assert.deepStrictEqual(yield* f.items.find(), [{ _id: 1, n: 1 }])
        yield* closed(f)
      }))
  }

  it.effect("in the first operation runs the body again: a broken connection", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      yield* failCommand(f, { times: 1 }, { failCommands: ["insert"], closeConnection: true })
      yield* f.mongo.withTransaction(transaction)
      assert.deepStrictEqual(counts, { runs: 2, after: 1 })
      assert.deepStrictEqual(yield* committed(f), [1])
      yield* closed(f)
    }))

  it.effect("makes every attempt a separate transaction", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* failCommand(f, { times: 2 }, { failCommands: ["insert"], ...transient })
      yield* f.mongo.withTransaction(f.items.insertOne({ _id: 1 }))
      assert.deepStrictEqual(inside(f), [
        "insert",
        "abortTransaction",
        "insert",
        "abortTransaction",
        "insert",
        "commitTransaction"
      ])
      const inserts = f.commands.filter((event) => event.commandName === "insert")
      assert.strictEqual(new Set(inserts.map((event) => String(event.command["txnNumber"]))).size, 3)
      assert.strictEqual(new Set(inserts.map((event) => String(event.command["lsid"].id))).size, 1)
    }))

  it.effect("of two connections at once runs both bodies again: the driver labels only the first", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const all = [1, 2, 3, 4, 5].map((_id) => counted(f, f.items.insertOne({ _id })))
      yield* failCommand(f, { times: 5 }, {
        failCommands: ["insert"],
        closeConnection: true,
        blockConnection: true,
        blockTimeMS: 50
      })
      yield* Effect.all(all.map(({ transaction }) => f.mongo.withTransaction(transaction)), {
        concurrency: "unbounded"
      })
      // Each of the five failures is one more run. A pool that is cleared may fail others before they have begun.
      assert.isAtLeast(all.reduce((sum, { counts }) => sum + counts.runs, 0), 10)
      for (const { counts } of all) assert.strictEqual(counts.after, 1)
      assert.deepStrictEqual(yield* committed(f), [1, 2, 3, 4, 5])
      yield* closed(f)
    }))

  it.effect("of two connections at once commits both again", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      // No insert may meet a pool that a commit has cleared.
      const inserted = yield* Latch.make()
      let waiting = 5
      const all = [1, 2, 3, 4, 5].map((_id) =>
        counted(
          f,
          Effect.andThen(
            f.items.insertOne({ _id }),
            Effect.suspend(() => --waiting === 0 ? inserted.open : inserted.await)
          )
        )
      )
      yield* failCommand(f, { times: 5 }, {
        failCommands: ["commitTransaction"],
        closeConnection: true,
        blockConnection: true,
        blockTimeMS: 50
      })
      yield* Effect.all(all.map(({ transaction }) => f.mongo.withTransaction(transaction)), {
        concurrency: "unbounded"
      })
      for (const { counts } of all) assert.deepStrictEqual(counts, { runs: 1, after: 1 })
      assert.deepStrictEqual(yield* committed(f), [1, 2, 3, 4, 5])
      yield* closed(f)
    }))

  it.effect("as the cause of the body's own error runs it again too", () =>
    Effect.gen(function*() {
      class Wrapped extends Data.TaggedError("Wrapped")<{ readonly cause: unknown }> {}
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      yield* failCommand(f, { times: 1 }, { failCommands: ["insert"], ...transient })
      yield* f.mongo.withTransaction(
        transaction.pipe(Effect.mapError((cause) => new Wrapped({ cause: new Error("mine", { cause }) })))
      )
      assert.deepStrictEqual(counts, { runs: 2, after: 1 })
    }))

  it.effect("in one of several fibers runs the whole body again", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(
        f,
        Effect.all(Array.from({ length: 8 }, (_, _id) => f.items.insertOne({ _id })), { concurrency: "unbounded" })
      )
      yield* failCommand(f, { times: 1 }, { failCommands: ["insert"], ...transient })
      yield* f.mongo.withTransaction(transaction)
      assert.deepStrictEqual(counts, { runs: 2, after: 1 })
      assert.deepStrictEqual(yield* committed(f), [0, 1, 2, 3, 4, 5, 6, 7])
      yield* closed(f)
    }))

  it.effect("in a nested transaction runs the outer body again", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const inner = counted(f, f.items.updateOne({ _id: 1 }, { $inc: { n: 1 } }))
      const outer = counted(
        f,
        Effect.andThen(f.items.insertOne({ _id: 1 }), f.mongo.withTransaction(inner.transaction))
      )
      yield* failCommand(f, { times: 2 }, { failCommands: ["update"], ...transient })
      yield* f.mongo.withTransaction(outer.transaction)
      assert.deepStrictEqual([outer.counts, inner.counts], [{ runs: 3, after: 1 }, { runs: 3, after: 1 }])
      assert.deepStrictEqual(yield* f.items.find(), [{ _id: 1, n: 1 }])
      yield* closed(f)
    }))

  it.effect("of the commit runs the body again", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      yield* failCommand(f, { times: 1 }, {
        failCommands: ["commitTransaction"],
        errorCode: 251,
        errorLabels: ["TransientTransactionError"]
      })
      yield* f.mongo.withTransaction(transaction)
      assert.deepStrictEqual(counts, { runs: 2, after: 1 })
      assert.deepStrictEqual(yield* committed(f), [1])
      yield* closed(f)
    }))

  it.effect("of the commit without a label is the failure", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      yield* failCommand(f, { times: 1 }, { failCommands: ["commitTransaction"], errorCode: 256, errorLabels: [] })
      const reason = yield* reasonOf(f.mongo.withTransaction(transaction))
      assert.strictEqual(reason.code, 256)
      assert.deepStrictEqual(counts, { runs: 1, after: 0 })
      yield* closed(f)
    }))
})

describe("an unknown result of the commit", () => {
  it.effect("commits again without the body: the server does not know", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      yield* failCommand(f, { times: 3 }, { failCommands: ["commitTransaction"], ...unknown })
      assert.strictEqual(yield* f.mongo.withTransaction(transaction, { writeConcern: { w: 1 } }), 1)
      assert.deepStrictEqual(counts, { runs: 1, after: 1 })
      assert.deepStrictEqual(yield* committed(f), [1])
      const commits = f.commands.filter((event) => event.commandName === "commitTransaction")
      assert.deepStrictEqual(commits.map((event) => event.command["writeConcern"].w), [1, ...Array(3).fill("majority")])
      assert.strictEqual(new Set(commits.map((event) => String(event.command["txnNumber"]))).size, 1)
      yield* closed(f)
    }))

  it.effect("commits again: the connection breaks, more often than the driver tries itself", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      yield* failCommand(f, { times: 5 }, { failCommands: ["commitTransaction"], closeConnection: true })
      yield* f.mongo.withTransaction(transaction)
      assert.deepStrictEqual(counts, { runs: 1, after: 1 })
      assert.deepStrictEqual(yield* committed(f), [1])
      yield* closed(f)
    }))

  it.effect("commits again: the write concern was not satisfied in time, but the commit took place", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      yield* failCommand(f, { times: 2 }, {
        failCommands: ["commitTransaction"],
        writeConcernError: { code: 64, codeName: "WriteConcernTimeout", errmsg: "late", errInfo: { wtimeout: true } }
      })
      yield* f.mongo.withTransaction(transaction)
      assert.deepStrictEqual(counts, { runs: 1, after: 1 })
      assert.deepStrictEqual(yield* committed(f), [1])
      assert.strictEqual(inside(f).filter((name) => name === "commitTransaction").length, 3)
    }))

  for (
    const [name, data] of Object.entries({
      "as an error": { errorCode: 50 },
      "as a write concern error": { writeConcernError: { code: 50, codeName: "MaxTimeMSExpired", errmsg: "late" } }
    })
  ) {
    it.effect(`is not retried after maxCommitTime has run out: ${name}`, () =>
      Effect.gen(function*() {
        const f = yield* fixture
        const { counts, transaction } = counted(f)
        yield* failCommand(f, "alwaysOn", { failCommands: ["commitTransaction"], ...data })
        const reason = yield* reasonOf(f.mongo.withTransaction(transaction, { maxCommitTime: "1 second" }))
        assert.strictEqual(reason.code, 50)
        assert.include(reason.labels, "UnknownTransactionCommitResult")
        assert.isFalse(reason.isRetryable)
        assert.deepStrictEqual(counts, { runs: 1, after: 0 })
        assert.strictEqual(inside(f).filter((name) => name === "commitTransaction").length, 1)
        // The first has not committed, and must not keep its locks. The second has committed, so nothing has to be ended.
        yield* closed(f)
        const isCommitted = !("errorCode" in data)
        assert.strictEqual(inside(f).includes("abortTransaction"), !isCommitted)
        assert.deepStrictEqual(yield* f.items.find(), isCommitted ? [{ _id: 1 }] : [])
      }))
  }

  for (const code of [79, 100]) {
    it.effect(`does not exist if the write concern cannot be met, and nothing is ended: ${code}`, () =>
      Effect.gen(function*() {
        const f = yield* fixture
        const { counts, transaction } = counted(f)
        yield* failCommand(f, "alwaysOn", {
          failCommands: ["commitTransaction"],
          writeConcernError: { code, errmsg: "no" }
        })
        const reason = yield* reasonOf(f.mongo.withTransaction(transaction))
        assert.strictEqual(reason._tag, "WriteConcernError")
        assert.strictEqual(reason.code, code)
        assert.deepStrictEqual(counts, { runs: 1, after: 0 })
        assert.deepStrictEqual(inside(f), ["insert", "commitTransaction"])
        yield* closed(f)
      }))
  }

  it.effect("of a commit that has failed for good is ended with its session, or by its next transaction", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { transaction } = counted(f)
      const failing = (_id: number) =>
        Effect.scoped(Effect.gen(function*() {
          const session = yield* f.mongo.session()
          const name = { failCommands: ["commitTransaction"], errorCode: 50 }
          yield* Effect.scoped(
            Effect.andThen(failCommand(f, "alwaysOn", name), reasonOf(session.withTransaction(transaction)))
          )
          assert.notInclude(inside(f), "abortTransaction")
          assert.strictEqual((yield* Effect.promise(() => idleTransactions(f))).length, 1)
          if (_id > 0) yield* session.withTransaction(f.items.insertOne({ _id }))
          return session
        }))
      yield* failing(2)
      assert.notInclude(inside(f), "abortTransaction")
      yield* closed(f)
      yield* failing(0)
      assert.include(inside(f), "abortTransaction")
      yield* closed(f)
      assert.deepStrictEqual(yield* committed(f), [2])
    }))

  it.effect("does not exist for a write concern that no server satisfies", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      const reason = yield* reasonOf(f.mongo.withTransaction(transaction, { writeConcern: { w: 40 } }))
      assert.strictEqual(reason._tag, "WriteConcernError")
      assert.strictEqual(counts.runs, 1)
    }))
})

describe("an abort that the server does not hear", () => {
  it.effect("does not change the body's failure", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* failCommand(f, { times: 1 }, { failCommands: ["abortTransaction"], closeConnection: true })
      const exit = yield* Effect.exit(
        f.mongo.withTransaction(Effect.andThen(f.items.insertOne({ _id: 1 }), Effect.fail("mine")))
      )
      assert.deepStrictEqual(exit, Exit.fail("mine"))
      assert.deepStrictEqual(yield* committed(f), [])
      yield* closed(f)
    }))

  it.effect("is awaited for a limited time", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* failCommand(f, { times: 1 }, {
        failCommands: ["abortTransaction"],
        blockConnection: true,
        blockTimeMS: 8000
      })
      const [exit, elapsed] = yield* timed(Effect.exit(
        f.mongo.withTransaction(Effect.andThen(f.items.insertOne({ _id: 1 }), Effect.fail("mine")))
      ))
      assert.deepStrictEqual(exit, Exit.fail("mine"))
      assert.isAbove(elapsed, 1500)
      assert.isBelow(elapsed, 6000)
    }))
})

describe("a write conflict", () => {
  it.effect("between two fibers: one of them runs again, and both end", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* f.items.insertOne({ _id: 1, n: 0 })
      const bothHaveRead = yield* Deferred.make<void>()
      let reads = 0
      const increment = () => {
        let first = true
        const body = Effect.gen(function*() {
          const { n } = Option.getOrThrow(yield* f.items.findOne({ _id: 1 })) as Required<Item>
          if (first) {
            first = false
            if (++reads === 2) yield* Deferred.succeed(bothHaveRead, void 0)
            yield* Deferred.await(bothHaveRead)
          }
          // Each writes back what it has read: without a conflict, one of the two writes would be lost.
          yield* f.items.updateOne({ _id: 1 }, { $set: { n: n + 1 } })
        })
        return counted(f, body)
      }
      const [one, two] = [increment(), increment()]
      yield* Effect.all(
        [f.mongo.withTransaction(one.transaction), f.mongo.withTransaction(two.transaction)],
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(yield* f.items.findOne({ _id: 1 }), Option.some({ _id: 1, n: 2 }))
      assert.strictEqual(Math.min(one.counts.runs, two.counts.runs), 1)
      assert.isAtLeast(Math.max(one.counts.runs, two.counts.runs), 2)
      assert.deepStrictEqual([one.counts.after, two.counts.after], [1, 1])
      yield* closed(f)
    }))
})

describe("interruption", () => {
  /** Interrupts a transaction while a command waits on the server. */
  const whileBlocked = (command: string, blockTimeMS: number, prelude: boolean) =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(
        f,
        prelude
          ? Effect.andThen(f.items.insertOne({ _id: 1 }), f.items.updateOne({ _id: 1 }, { $set: { n: 1 } }))
          : f.items.insertOne({ _id: 1 })
      )
      yield* failCommand(f, { times: 1 }, { failCommands: [command], blockConnection: true, blockTimeMS })
      const fiber = yield* Effect.forkChild(f.mongo.withTransaction(transaction))
      yield* until(`${command} is sent`, () => f.commands.some((event) => event.commandName === command))
      const elapsed = yield* interrupt(fiber)
      assert.isTrue(Exit.hasInterrupts(fiber.pollUnsafe()!))
      return { f, counts, elapsed }
    })

  it.effect("of the body aborts at once", () =>
    Effect.gen(function*() {
      const { counts, elapsed, f } = yield* whileBlocked("update", 1500, true)
      assert.isBelow(elapsed, 1000)
      assert.include(inside(f), "abortTransaction")
      assert.deepStrictEqual(counts, { runs: 1, after: 0 })
      yield* closed(f)
      assert.deepStrictEqual(yield* committed(f), [])
    }))

  it.live("of the first operation, which the server begins after the abort, leaves no transaction", () =>
    Effect.gen(function*() {
      const { elapsed, f } = yield* whileBlocked("insert", 500, false)
      assert.isBelow(elapsed, 1000)
      // Longer than the server delays it.
      yield* Effect.sleep(900)
      assert.deepStrictEqual(yield* Effect.promise(() => idleTransactions(f)), [])
      assert.deepStrictEqual(yield* committed(f), [])
      yield* closed(f)
    }))

  it.live("by a timeout inside the body leaves no transaction either", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* failCommand(f, { times: 1 }, { failCommands: ["insert"], blockConnection: true, blockTimeMS: 500 })
      const exit = yield* Effect.exit(f.mongo.withTransaction(
        f.items.insertOne({ _id: 1 }).pipe(
          Effect.timeoutOrElse({ duration: "50 millis", orElse: () => Effect.fail("late") })
        )
      ))
      assert.deepStrictEqual(exit, Exit.fail("late"))
      yield* Effect.sleep(900)
      assert.deepStrictEqual(yield* Effect.promise(() => idleTransactions(f)), [])
      yield* closed(f)
    }))

  it.effect("between operations aborts the transaction", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const waiting = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(f.mongo.withTransaction(Effect.gen(function*() {
        yield* f.items.insertOne({ _id: 1 })
        yield* Deferred.succeed(waiting, void 0)
        yield* Effect.never
      })))
      yield* Deferred.await(waiting)
      assert.isBelow(yield* interrupt(fiber), 500)
      assert.deepStrictEqual(inside(f), ["insert", "abortTransaction"])
      assert.deepStrictEqual(yield* committed(f), [])
      yield* closed(f)
    }))

  it.effect("of the commit waits for its outcome, and runs afterCommit", () =>
    Effect.gen(function*() {
      const { counts, elapsed, f } = yield* whileBlocked("commitTransaction", 700, false)
      assert.isAbove(elapsed, 400)
      assert.isBelow(elapsed, 2000)
      assert.deepStrictEqual(yield* committed(f), [1])
      assert.deepStrictEqual(counts, { runs: 1, after: 1 })
      assert.notInclude(inside(f), "abortTransaction")
      yield* closed(f)
    }))

  it.effect(
    "of the commit ends in time: it goes on in the background, and runs afterCommit",
    () =>
      Effect.gen(function*() {
        const { counts, elapsed, f } = yield* whileBlocked("commitTransaction", 11_000, false)
        assert.isAbove(elapsed, 4500)
        assert.isBelow(elapsed, 9500)
        assert.strictEqual(counts.after, 0)
        yield* until("the commit has told it", () => counts.after === 1, 20_000)
        assert.deepStrictEqual(yield* committed(f), [1])
        assert.notInclude(inside(f), "abortTransaction")
        yield* closed(f)
      }),
    40_000
  )

  it.effect("of a commit whose reply gets lost commits again until the outcome is known", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      // More often than the driver itself tries.
      yield* failCommand(f, { times: 5 }, {
        failCommands: ["commitTransaction"],
        closeConnection: true,
        blockConnection: true,
        blockTimeMS: 100
      })
      const fiber = yield* Effect.forkChild(f.mongo.withTransaction(transaction))
      yield* until("the commit is sent", () => inside(f).includes("commitTransaction"))
      yield* interrupt(fiber)
      yield* until("the commit has told it", () => counts.after === 1, 20_000)
      assert.deepStrictEqual(yield* committed(f), [1])
      assert.strictEqual(new Set(f.commands.map((event) => String(event.command["txnNumber"]))).size, 2)
      assert.isAtLeast(inside(f).filter((name) => name === "commitTransaction").length, 6)
      yield* closed(f)
    }), 30_000)

  it.effect("of a commit that failed in the end runs nothing after it, and leaves nothing open", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      yield* failCommand(f, "alwaysOn", {
        failCommands: ["commitTransaction"],
        errorCode: 50,
        blockConnection: true,
        blockTimeMS: 300
      })
      const fiber = yield* Effect.forkChild(f.mongo.withTransaction(transaction))
      yield* until("the commit is sent", () => inside(f).includes("commitTransaction"))
      yield* interrupt(fiber)
      assert.deepStrictEqual(counts, { runs: 1, after: 0 })
      yield* closed(f)
      assert.deepStrictEqual(yield* committed(f), [])
    }))

  it.effect("of a commit that fails when nobody waits for it any more leaves nothing open", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      // Longer than the wait for an interrupted commit.
      yield* failCommand(f, { times: 1 }, {
        failCommands: ["commitTransaction"],
        errorCode: 50,
        blockConnection: true,
        blockTimeMS: 7000
      })
      const fiber = yield* Effect.forkChild(f.mongo.withTransaction(transaction))
      yield* until("the commit is sent", () => inside(f).includes("commitTransaction"))
      assert.isBelow(yield* interrupt(fiber), 6500)
      yield* until("the commit has failed", async () => (await Effect.runPromise(leftOnServer(f))).length === 0)
      yield* closed(f)
      assert.deepStrictEqual(counts, { runs: 1, after: 0 })
      assert.deepStrictEqual(yield* committed(f), [])
    }))

  it.effect("between two attempts ends at once, with nothing open meanwhile", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      yield* failCommand(f, "alwaysOn", { failCommands: ["insert"], ...transient })
      // The clock stands still, and with it the pause after the first attempt.
      const fiber = yield* Effect.forkChild(waitingByTestClock(f.mongo.withTransaction(transaction)))
      yield* until("the first attempt is aborted", () => inside(f).includes("abortTransaction"))
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 100)))
      assert.deepStrictEqual(inside(f), ["insert", "abortTransaction"])
      assert.deepStrictEqual(yield* Effect.promise(() => idleTransactions(f)), [])
      assert.isBelow(yield* interrupt(fiber), 500)
      assert.deepStrictEqual(counts, { runs: 1, after: 0 })
      yield* closed(f)
    }))

  it.effect("of an uninterruptible caller does not reach the transaction", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      yield* failCommand(f, { times: 1 }, { failCommands: ["insert"], blockConnection: true, blockTimeMS: 200 })
      const fiber = yield* Effect.forkChild(
        Effect.uninterruptible(f.mongo.withTransaction(f.items.insertOne({ _id: 1 })))
      )
      yield* until("the insert is sent", () => f.sent().includes("insert"))
      yield* interrupt(fiber)
      assert.deepStrictEqual(yield* committed(f), [1])
      yield* closed(f)
    }))
})

describe("the deadline", () => {
  /** A server clock on which a pause takes no time, and the largest pauses that the backoff allows. */
  const jumping = () => {
    const pauses: Array<number> = []
    const millis = () => pauses.reduce((sum, pause) => sum + pause, 0)
    const nanos = () => BigInt(Math.round(millis() * 1e6))
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: millis,
      currentTimeMillis: Effect.sync(millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) => Effect.sync(() => void pauses.push(Duration.toMillis(duration)))
    }
    const random = { nextDoubleUnsafe: () => 1, nextIntUnsafe: () => 0 }
    const run = <A, E, R>(self: Effect.Effect<A, E, R>) =>
      self.pipe(
        Effect.provideService(Mongo.CurrentServerClock, clock),
        Effect.provideService(Random.Random, random)
      )
    return { millis, pauses, run }
  }

  it.effect(
    "is two minutes after the start by default, and the last failure stays as it is",
    () =>
      Effect.gen(function*() {
        const f = yield* fixture
        const { millis, pauses, run } = jumping()
        const { counts, transaction } = counted(f)
        yield* failCommand(f, "alwaysOn", { failCommands: ["insert"], ...transient })
        const reason = yield* reasonOf(run(f.mongo.withTransaction(transaction)))
        assert.strictEqual(reason._tag, "WriteConflictError")
        assert.include(reason.labels, "TransientTransactionError")
        assert.strictEqual(counts.after, 0)
        assert.strictEqual(counts.runs, pauses.length + 1)
        assert.deepStrictEqual(pauses.slice(0, 3), [7.5, 11.25, 16.875])
        assert.isTrue(pauses.slice(11).every((pause) => pause === 500))
        // Another pause would have gone past it.
        assert.isAtMost(millis(), 120_000)
        assert.isAbove(millis() + 500, 120_000)
        yield* closed(f)
      }),
    60_000
  )

  it.effect("is maxDuration after the start for the body, and no pause goes past it", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      yield* failCommand(f, "alwaysOn", { failCommands: ["insert"], ...transient })
      for (const [maxDuration, expected] of [[7, []], [20, [7.5, 11.25]], [3000, undefined]] as const) {
        const { millis, pauses, run } = jumping()
        counts.runs = 0
        const reason = yield* reasonOf(run(f.mongo.withTransaction(transaction, { maxDuration })))
        assert.strictEqual(reason._tag, "WriteConflictError")
        assert.strictEqual(counts.runs, pauses.length + 1)
        assert.isAtMost(millis(), maxDuration)
        if (expected !== undefined) assert.deepStrictEqual(pauses, [...expected])
      }
    }))

  it.effect("is maxDuration after the start for the commit", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      yield* failCommand(f, "alwaysOn", {
        failCommands: ["commitTransaction"],
        ...unknown,
        blockConnection: true,
        blockTimeMS: 50
      })
      const [reason, elapsed] = yield* timed(
        reasonOf(f.mongo.withTransaction(transaction, { maxDuration: "1 second" }))
      )
      assert.include(reason.labels, "UnknownTransactionCommitResult")
      assert.isAbove(elapsed, 900)
      assert.isBelow(elapsed, 5000)
      assert.deepStrictEqual(counts, { runs: 1, after: 0 })
      assert.isAtLeast(inside(f).filter((name) => name === "commitTransaction").length, 3)
      // Nobody commits it any more, so it must not keep its locks.
      yield* closed(f)
      assert.deepStrictEqual(yield* committed(f), [])
    }))

  it.effect("of zero allows one attempt", () =>
    Effect.gen(function*() {
      const f = yield* fixture
      const { counts, transaction } = counted(f)
      yield* failCommand(f, { times: 1 }, { failCommands: ["insert"], ...transient })
      assert.strictEqual(
        (yield* reasonOf(f.mongo.withTransaction(transaction, { maxDuration: 0 })))._tag,
        "WriteConflictError"
      )
      assert.strictEqual(counts.runs, 1)
      yield* f.mongo.withTransaction(transaction, { maxDuration: 0 })
      assert.deepStrictEqual(yield* committed(f), [1])
    }))
})
