/**
 * Random programs of transfers between accounts, by concurrent fibers, under faults and interruptions: no money is lost or
 * created, every transfer takes place once or not at all, and every reader of one moment sees all of the money.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoError } from "@mongofx/core"
import { Arbitrary, Cause, Data, Effect, Exit, Fiber, Option, Schema } from "effect"
import type * as Driver from "mongodb"
import { failCommand, type Fixture, nothingLeft, setup, until } from "../support/utils.ts"

interface Account {
  readonly _id: number
  readonly balance: number
}

interface Transfer {
  readonly from: number
  readonly to: number
  readonly amount: number
}

interface Entry extends Transfer {
  readonly _id: string
}

const accounts = [0, 1, 2, 3]
const start = 100
const total = accounts.length * start

class Insufficient extends Data.TaggedError("Insufficient")<{ readonly balance: number }> {}

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Program = Schema.Struct({
  fibers: Schema.Array(Schema.Struct({
    transfers: Schema.Array(Schema.Struct({ from: between(0, 3), to: between(0, 3), amount: between(1, 80) })).check(
      Schema.isMinLength(1),
      Schema.isMaxLength(5)
    ),
    /** Milliseconds; above 150 the fiber is left alone. */
    interruptAfter: between(0, 300),
    /** Whether the two accounts are written by two fibers at once. */
    parallel: Schema.Boolean
  })).check(Schema.isMinLength(2), Schema.isMaxLength(5)),
  faults: Schema.Array(Schema.Struct({ kind: between(0, 5), times: between(1, 3) })).check(
    Schema.isMinLength(1),
    Schema.isMaxLength(5)
  )
})

const faults: ReadonlyArray<Driver.Document> = [
  { failCommands: ["update", "insert"], errorCode: 112, errorLabels: ["TransientTransactionError"] },
  { failCommands: ["update", "insert"], closeConnection: true },
  { failCommands: ["find"], closeConnection: true },
  { failCommands: ["commitTransaction"], errorCode: 8, errorLabels: ["UnknownTransactionCommitResult"] },
  // Not the abort: if it gets lost twice, the server keeps the transaction for its minute.
  { failCommands: ["commitTransaction"], closeConnection: true },
  {
    failCommands: ["commitTransaction"],
    writeConcernError: { code: 64, codeName: "WriteConcernTimeout", errmsg: "late", errInfo: { wtimeout: true } }
  }
]

const bank = Effect.gen(function*() {
  const fixture = yield* setup()
  const collection = fixture.db.collection<Account>("accounts")
  const journal = fixture.db.collection<Entry>("journal")
  yield* collection.insertMany(accounts.map((_id) => ({ _id, balance: start })))
  yield* fixture.db.createCollection("journal")
  const balanceOf = (_id: number) =>
    Effect.map(collection.findOne({ _id }), (account) => Option.getOrThrow(account).balance)

  /** Reads and writes back: without isolation of one transaction from another, money would be lost or created. */
  const transfer = (id: string, { amount, from, to }: Transfer, parallel: boolean, onCommit: () => void) =>
    fixture.mongo.withTransaction(
      Effect.gen(function*() {
        yield* fixture.mongo.afterCommit(Effect.sync(onCommit))
        const [source, target] = [yield* balanceOf(from), yield* balanceOf(to)]
        if (source < amount) return yield* new Insufficient({ balance: source })
        if (from !== to) {
          yield* Effect.all([
            collection.updateOne({ _id: from }, { $set: { balance: source - amount } }),
            collection.updateOne({ _id: to }, { $set: { balance: target + amount } })
          ], { concurrency: parallel ? "unbounded" : 1 })
        }
        yield* journal.insertOne({ _id: id, from, to, amount })
      }),
      { maxDuration: "20 seconds" }
    )

  /** In two reads, between which others write. */
  const sum = Effect.gen(function*() {
    const low = yield* collection.find({ _id: { $lt: 2 } })
    const high = yield* collection.find({ _id: { $gte: 2 } })
    return [...low, ...high].reduce((sum, { balance }) => sum + balance, 0)
  })
  const sums = {
    // The driver retries a read once, and the faults may strike twice.
    "a snapshot session": fixture.mongo.withSession({ snapshot: true })(sum).pipe(
      Effect.retry({ times: 20, while: (error) => error.isTransient })
    ),
    "a transaction": fixture.mongo.withTransaction(sum, { readConcern: "snapshot" })
  }
  return { ...fixture, collection, journal, transfer, sums }
})

const closed = (fixture: Fixture) =>
  Effect.gen(function*() {
    yield* nothingLeft(fixture)
    yield* until("no idle transaction", async () =>
      (await fixture.admin.db("admin").aggregate([
        { $currentOp: { allUsers: true, idleSessions: true } },
        { $match: { type: "idleSession", appName: fixture.db.name } }
      ]).toArray()).length === 0)
    const { s } = fixture.driver as unknown as { readonly s: { readonly activeSessions: Set<Driver.ClientSession> } }
    assert.deepStrictEqual([...s.activeSessions].filter((session) => session.explicit), [])
  })

/** What the caller of a transfer knows about it. */
const knownOutcome = (exit: Exit.Exit<void, Insufficient | MongoError.MongoError>): "done" | "not done" | "unknown" => {
  if (Exit.isSuccess(exit)) return "done"
  if (Cause.hasDies(exit.cause)) throw Cause.squash(exit.cause)
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (error === undefined) return "unknown"
  if (!MongoError.isMongoError(error)) return "not done"
  return error.reason.labels.includes("UnknownTransactionCommitResult") ? "unknown" : "not done"
}

const runProgram = (program: typeof Program.Type) =>
  Effect.gen(function*() {
    const b = yield* bank
    const outcomes = new Map<string, ReturnType<typeof knownOutcome>>()
    const commits = new Map<string, number>()
    const writers = { active: true }

    const writing = program.fibers.map(({ interruptAfter, parallel, transfers }, fiberIndex) =>
      Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(
          Effect.forEach(transfers, (transfer, index) => {
            const id = `${fiberIndex}-${index}`
            const onCommit = () => commits.set(id, (commits.get(id) ?? 0) + 1)
            return b.transfer(id, transfer, parallel, onCommit).pipe(
              Effect.onExit((exit) => Effect.sync(() => outcomes.set(id, knownOutcome(exit)))),
              Effect.catch(() => Effect.void)
            )
          }, { discard: true })
        )
        if (interruptAfter > 150) return yield* Fiber.join(fiber)
        yield* Effect.sleep(interruptAfter)
        yield* Fiber.interrupt(fiber)
      })
    )
    const misfortune = Effect.forEach(program.faults, ({ kind, times }) =>
      Effect.scoped(Effect.andThen(failCommand(b, { times }, faults[kind]!), Effect.sleep(20))), { discard: true })
    const readers = Object.entries(b.sums).map(([where, sum]) =>
      Effect.gen(function*() {
        let reads = 0
        do {
          assert.strictEqual(yield* sum, total, `in ${where}`)
          reads++
          yield* Effect.sleep(1)
        } while (writers.active)
        return reads
      })
    )
    const reading = yield* Effect.forkChild(Effect.all(readers, { concurrency: "unbounded" }))
    yield* Effect.all([misfortune, ...writing], { concurrency: "unbounded", discard: true })
    writers.active = false
    const reads = yield* Fiber.join(reading)
    for (const count of reads) {
      assert.isAbove(count, 0)
    }

    const entries = yield* b.journal.find()
    const written = new Set(entries.map(({ _id }) =>
      _id
    ))
    for (const [id, outcome] of outcomes) {
      if (outcome !== "unknown") assert.strictEqual(written.has(id), outcome === "done", `transfer ${id}: ${outcome}`)
      const callbacks = commits.get(id) ?? 0
      if (outcome === "done") assert.strictEqual(callbacks, 1, `afterCommit of ${id}`)
      // An interrupted commit that succeeded in time has reported it.
      else assert.isAtMost(callbacks, written.has(id) ? 1 : 0, `afterCommit of ${id}`)
    }
    // Each transfer of the journal took place once, and no other.
    const expected = accounts.map((account) =>
      entries.reduce((balance, { amount, from, to }) =>
        balance + (to === account ? amount : 0) - (from === account ? amount : 0), start)
    )
    const balances = (yield* b.collection.find().sort({ _id: 1 })).map(({ balance }) =>
      balance
    )
    assert.deepStrictEqual(balances, expected)
    assert.strictEqual(balances.reduce((a, b) => a + b), total)
    yield* closed(b)
    return { done: written.size, unknown: [...outcomes.values()].filter((outcome) => outcome === "unknown").length }
  }).pipe(Effect.scoped)

describe("transfers", () => {
  it.live.prop(
    "keep the sum under faults and interruptions, for every reader",
    [Arbitrary.schema(Program)],
    ([program]) => Effect.asVoid(runProgram(program)),
    { arbitrary: { runs: 12 }, timeout: 120_000 }
  )

  it.live("take place under every fault", () =>
    Effect.gen(function*() {
      const transfers = [{ from: 0, to: 1, amount: 7 }, { from: 1, to: 0, amount: 3 }, { from: 2, to: 3, amount: 5 }]
      const { done } = yield* runProgram({
        fibers: [0, 1, 2].map((i) => ({ transfers, interruptAfter: 300, parallel: i > 0 })),
        faults: faults.map((_, kind) => ({ kind, times: 2 }))
      })
      assert.strictEqual(done, 9)
    }), 60_000)
})
