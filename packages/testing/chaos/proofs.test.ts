/**
 * Each check of the scenarios can fail: a variant that does one thing wrong is caught, and the right one in the same place is not.
 *
 * @since 0.1.0
 */
import { assert, layer } from "@effect/vitest"
import { MongoClient } from "@mongofx/core"
import { FailPoint, MongoServer, Nemesis } from "@mongofx/testing"
import { Deferred, Effect, Exit, Fiber, Redacted, Scope } from "effect"
import { caught, within } from "./support/arena.ts"
import { attempt, bankProblems, newWitness, openBank, transferIn, type Variant } from "./support/bank.ts"
import { insertNumber, insertProblems, newLog, numbersIn } from "./support/inserts.ts"

const Servers = MongoServer.layerReplicaSet({ members: 3, proxied: true, durable: true })

/** The server does the write, and answers that not enough members have confirmed it in time. */
const late = { code: 64, codeName: "WriteConcernTimeout", errmsg: "late", errInfo: { wtimeout: true } }

layer(Servers, { excludeTestServices: true, timeout: 120_000 })("broken variants", (it) => {
  /** Two transfers from one account: the second one reads before the first one commits, and writes afterwards. */
  const overlapping = (
    arena: Parameters<typeof openBank>[0],
    variant: (bank: Effect.Success<ReturnType<typeof openBank>>) => Variant
  ) =>
    Effect.gen(function*() {
      const bank = yield* openBank(arena)
      const witness = newWitness()
      const hasRead = yield* Deferred.make<void>()
      const isDone = yield* Deferred.make<void>()
      const between = Effect.andThen(Deferred.succeed(hasRead, undefined), Deferred.await(isDone))
      const second = transferIn(bank, witness, { ...variant(bank), between })
      const fiber = yield* Effect.forkChild(attempt(witness, "b", second({ id: "b", from: 0, to: 1, amount: 20 })))
      yield* Deferred.await(hasRead)
      const first = transferIn(bank, witness)
      yield* attempt(witness, "a", first({ id: "a", from: 0, to: 2, amount: 10 }))
      yield* Deferred.succeed(isDone, undefined)
      yield* Fiber.join(fiber)
      return yield* Effect.promise(() => bankProblems(arena.data, witness))
    })

  it.effect("a bank that reads outside of its transaction", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const problems = yield* overlapping(arena, ({ balanceOf, mongo }) => ({
          balanceOf: (id) => mongo.withoutTransaction(balanceOf(id))
        }))
        caught(context, problems, /^the sum of the balances is \d+, not \d+/)
      })))

  it.effect("the bank that is right holds there", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        assert.deepStrictEqual(yield* overlapping(arena, () => ({})), [])
      })))

  it.effect("a bank that makes a transfer again when its commit has no answer", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const bank = yield* openBank(arena)
        const witness = newWitness()
        const transfer = transferIn(bank, witness, { maxDuration: "200 millis" })({
          id: "a",
          from: 0,
          to: 1,
          amount: 10
        })
        yield* Effect.scoped(Effect.gen(function*() {
          yield* FailPoint.failCommand({ failCommands: ["commitTransaction"], writeConcernError: late })
          yield* attempt(witness, "a", Effect.retry(transfer, { times: 1 }))
        }))
        caught(
          context,
          yield* Effect.promise(() => bankProblems(arena.data, witness)),
          /^transfers that took place twice/
        )
      })))

  it.effect("a bank that tells of a transfer before its commit", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const bank = yield* openBank(arena)
        const witness = newWitness()
        const transfer = transferIn(bank, witness, { notify: (effect) => effect })
        yield* attempt(witness, "a", transfer({ id: "a", from: 0, to: 1, amount: 1_000_000 }))
        const problems = yield* Effect.promise(() => bankProblems(arena.data, witness))
        caught(context, problems, /^effects after a commit that ran without one/)
      })))

  it.effect("inserts that are retried without the same _id", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const log = newLog()
        const insert = numbersIn(arena).insertOne({ n: 1 })
        yield* Effect.scoped(Effect.gen(function*() {
          yield* FailPoint.failCommand({ failCommands: ["insert"], mode: { times: 1 }, writeConcernError: late })
          yield* insertNumber(log, 1, Effect.retry(insert, { times: 3 }))
        }))
        assert.deepStrictEqual([...log.confirmed], [1])
        caught(context, yield* Effect.promise(() => insertProblems(arena.data, log)), /^numbers that are there twice/)
      })))

  it.effect("inserts that one member alone confirms", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const log = newLog()
        const cut = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Scope.close(scope, exit))
        const { members: [old] } = yield* Scope.provide(Nemesis.isolate("primary", { clients: "reach" }), cut)
        const direct = yield* MongoClient.make({ url: Redacted.make(`mongodb://${old!.host}/?directConnection=true`) })
        const numbers = direct.db(arena.db.name).collection<{ readonly n: number }>("numbers")
        yield* insertNumber(log, 1, numbers.insertOne({ n: 1 }, { writeConcern: { w: 1 } }))
        yield* insertNumber(log, 2, numbers.insertOne({ n: 2 }, { writeConcern: { w: "majority", wtimeoutMS: 300 } }))
        assert.deepStrictEqual([...log.confirmed], [1])
        yield* MongoServer.members.pipe(
          Effect.map((members) => members.some(({ host, role }) => role === "primary" && host !== old!.host)),
          Effect.repeat({ until: (isElected) => isElected })
        )
        yield* Scope.close(cut, Exit.void)
        yield* MongoServer.ready
        const problems = yield* Effect.promise(() => insertProblems(arena.data, log))
        // The second number was lost as well, but nobody was told that it is there.
        caught(context, problems, /^confirmed numbers that are lost: 1, such as 1/)
      })))
})
