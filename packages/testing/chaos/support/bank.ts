/**
 * A bank: transfers in transactions with a nested one, and what must be true of the money whatever happens.
 */
import { MongoError } from "@mongofx/core"
import { Cause, Data, Effect, Exit, Fiber, Option, Random } from "effect"
import type * as Driver from "mongodb"
import { type Arena, repeatedly } from "./arena.ts"
import { list } from "./problems.ts"

interface Account {
  readonly _id: number
  readonly balance: number
}

interface Transfer {
  readonly id: string
  readonly from: number
  readonly to: number
  readonly amount: number
}

/** An entry has an id of its own, so that a transfer that takes place twice is seen, not refused. */
interface Entry {
  readonly transfer: string
  readonly from: number
  readonly to: number
  readonly amount: number
}

const accounts = 32
const start = 1000

class Insufficient extends Data.TaggedError("Insufficient")<{ readonly balance: number }> {}

/** What the callers know at the end. */
interface Witness {
  readonly outcomes: Map<string, "done" | "not done" | "unknown">
  /** How often `afterCommit` of the outer and of the nested transaction has run. */
  readonly commits: Map<string, number>
  readonly nestedCommits: Map<string, number>
  /** Sums that a reader in one transaction has seen. */
  readonly sums: Array<number>
}

export const newWitness = (): Witness => ({
  outcomes: new Map(),
  commits: new Map(),
  nestedCommits: new Map(),
  sums: []
})

const plusOne = (counts: Map<string, number>, id: string) =>
  Effect.sync(() => void counts.set(id, (counts.get(id) ?? 0) + 1))

export const openBank = ({ db, mongo }: Arena) =>
  Effect.gen(function*() {
    const all = db.collection<Account>("accounts")
    const journal = db.collection<Entry>("journal")
    yield* all.insertMany(Array.from({ length: accounts }, (_, _id) => ({ _id, balance: start })))
    yield* db.createCollection("journal").pipe(
      Effect.catchReason("MongoError", "NamespaceExistsError", () => Effect.void)
    )
    const balanceOf = (_id: number) => Effect.map(all.findOne({ _id }), (account) => Option.getOrThrow(account).balance)
    return { mongo, all, journal, balanceOf }
  })

export type Bank = Effect.Success<ReturnType<typeof openBank>>

/** What a broken bank does in another way. */
export interface Variant {
  readonly balanceOf?: Bank["balanceOf"]
  /** Comes between reading and writing. */
  readonly between?: Effect.Effect<void>
  readonly notify?: (effect: Effect.Effect<void>) => Effect.Effect<void>
  readonly maxDuration?: "200 millis"
}

/** Reads and writes back: without isolation of one transaction from another, money would be lost or created. */
export const transferIn = (bank: Bank, witness: Witness, variant: Variant = {}) => {
  const { all, journal, mongo } = bank
  const balanceOf = variant.balanceOf ?? bank.balanceOf
  const notify = variant.notify ?? ((effect: Effect.Effect<void>) => mongo.afterCommit(effect))
  return ({ amount, from, id, to }: Transfer) =>
    mongo.withTransaction(
      Effect.gen(function*() {
        yield* notify(plusOne(witness.commits, id))
        const [source, target] = [yield* balanceOf(from), yield* balanceOf(to)]
        yield* variant.between ?? Effect.void
        if (source < amount) return yield* new Insufficient({ balance: source })
        yield* all.updateOne({ _id: from }, { $set: { balance: source - amount } })
        // As a function of another module does, which needs a transaction for itself: it joins this one.
        yield* mongo.withTransaction(Effect.gen(function*() {
          yield* mongo.afterCommit(plusOne(witness.nestedCommits, id))
          yield* all.updateOne({ _id: to }, { $set: { balance: target + amount } })
          yield* journal.insertOne({ transfer: id, from, to, amount })
        }))
      }),
      { maxDuration: variant.maxDuration ?? "20 seconds" }
    )
}

/** What the caller of a transfer knows about it. */
const knownOutcome = (exit: Exit.Exit<void, Insufficient | MongoError.MongoError>): "done" | "not done" | "unknown" => {
  if (Exit.isSuccess(exit)) return "done"
  if (Cause.hasDies(exit.cause)) throw Cause.squash(exit.cause)
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (error === undefined) return "unknown"
  if (!MongoError.isMongoError(error)) return "not done"
  return error.reason.labels.includes("UnknownTransactionCommitResult") ? "unknown" : "not done"
}

/** Makes a transfer, and notes what its caller knows about it. It never fails. */
export const attempt = (
  { outcomes }: Witness,
  id: string,
  transfer: Effect.Effect<void, Insufficient | MongoError.MongoError>
): Effect.Effect<void> =>
  transfer.pipe(
    Effect.onExit((exit) => Effect.sync(() => void outcomes.set(id, knownOutcome(exit)))),
    Effect.catch(() => Effect.void)
  )

/** All of the money, in two reads of one transaction, between which others write. */
const watchSum = ({ all, mongo }: Bank, { sums }: Witness) =>
  mongo.withTransaction(
    Effect.gen(function*() {
      const low = yield* all.find({ _id: { $lt: accounts / 2 } })
      const high = yield* all.find({ _id: { $gte: accounts / 2 } })
      return [...low, ...high].reduce((sum, { balance }) => sum + balance, 0)
    }),
    { readConcern: "snapshot", maxDuration: "20 seconds" }
  ).pipe(
    Effect.tap((sum) => Effect.sync(() => void sums.push(sum))),
    Effect.catch(() => Effect.sleep("50 millis"))
  )

const drawn = (id: string) =>
  Effect.gen(function*() {
    const from = yield* Random.nextIntBetween(0, accounts, { halfOpen: true })
    const step = yield* Random.nextIntBetween(1, accounts, { halfOpen: true })
    const amount = yield* Random.nextIntBetween(1, start)
    return { id, from, to: (from + step) % accounts, amount } satisfies Transfer
  })

const confirmedTransfers = ({ outcomes }: Witness): number =>
  [...outcomes.values()].filter((outcome) => outcome === "done").length

/** Transfers by sixteen fibers, of which a quarter is interrupted, while two others watch the sum. */
const bankWork = (arena: Arena) =>
  Effect.gen(function*() {
    const bank = yield* openBank(arena)
    const witness = newWitness()
    const transfer = transferIn(bank, witness)
    const counts = new Map<number, number>()
    yield* repeatedly(18, (fiber) =>
      Effect.gen(function*() {
        if (fiber >= 16) return yield* watchSum(bank, witness)
        const number = counts.get(fiber) ?? 0
        counts.set(fiber, number + 1)
        const id = `${fiber}-${number}`
        const running = yield* Effect.forkChild(attempt(witness, id, transfer(yield* drawn(id))))
        if ((yield* Random.nextIntBetween(0, 4, { halfOpen: true })) === 0) {
          yield* Effect.sleep(yield* Random.nextIntBetween(0, 60))
          yield* Fiber.interrupt(running)
        }
        const exit = yield* Fiber.await(running)
        if (Exit.isFailure(exit) && Cause.hasDies(exit.cause)) return yield* Effect.die(Cause.squash(exit.cause))
      }), { confirmed: () => confirmedTransfers(witness) })
    return witness
  })

const sumOf = (numbers: ReadonlyArray<number>): number => numbers.reduce((sum, number) => sum + number, 0)

/** What is wrong with the money, as the bare driver sees it. */
export const bankProblems = async (
  data: Driver.Db,
  { commits, nestedCommits, outcomes, sums }: Witness
): Promise<ReadonlyArray<string>> => {
  const balances = await data.collection<Account>("accounts").find().sort({ _id: 1 }).toArray()
  const entries = await data.collection<Entry>("journal").find().toArray()
  const total = accounts * start
  const sum = sumOf(balances.map(({ balance }) => balance))
  const times = new Map<string, number>()
  const expected = balances.map(() => start)
  for (const { amount, from, to, transfer } of entries) {
    times.set(transfer, (times.get(transfer) ?? 0) + 1)
    expected[from]! -= amount
    expected[to]! += amount
  }
  const known = [...outcomes.keys()]
  const where = (condition: (id: string) => boolean) => known.filter(condition)
  const done = (id: string) => times.get(id) ?? 0
  const told = (counts: Map<string, number>) => (id: string) => counts.get(id) ?? 0
  return [
    ...(sum === total ? [] : [`the sum of the balances is ${sum}, not ${total}`]),
    ...list("sums that a transaction saw and that are not the total", sums.filter((seen) => seen !== total)),
    ...list("balances below zero", balances.filter(({ balance }) => balance < 0).map(({ balance }) => balance)),
    ...list(
      "accounts whose balance is not what the journal says",
      balances.filter(({ balance }, index) => balance !== expected[index]).map(({ _id }) => _id)
    ),
    ...list("transfers that took place twice", [...times].filter(([, count]) => count > 1).map(([id]) => id)),
    ...list("transfers that nobody asked for", [...times.keys()].filter((id) => !outcomes.has(id))),
    ...list("confirmed transfers that are lost", where((id) => outcomes.get(id) === "done" && done(id) === 0)),
    ...list("failed transfers that took place", where((id) => outcomes.get(id) === "not done" && done(id) > 0)),
    ...[told(commits), told(nestedCommits)].flatMap((told) => [
      ...list("effects after a commit that ran twice", where((id) => told(id) > 1)),
      ...list("effects after a commit that ran without one", where((id) => told(id) > 0 && done(id) === 0)),
      ...list("confirmed transfers without their effect", where((id) => outcomes.get(id) === "done" && told(id) === 0))
    ])
  ]
}

const bankFigures = (witness: Witness): string => {
  const { outcomes, sums } = witness
  const count = (kind: string) => [...outcomes.values()].filter((outcome) => outcome === kind).length
  return `${confirmedTransfers(witness)} transfers confirmed, ${count("not done")} refused, ${
    count("unknown")
  } interrupted or unknown; ${sums.length} sums read`
}

/** What a scenario of the bank does and checks, whatever its faults are. */
export const bankScenario = (arena: Arena) => ({
  work: bankWork(arena),
  problems: (witness: Witness) => Effect.promise(() => bankProblems(arena.data, witness)),
  figures: async (witness: Witness) => bankFigures(witness),
  confirmed: confirmedTransfers,
  result:
    "no money lost or made; each transfer once or not at all, as its caller was told; every reader saw the whole sum"
})
