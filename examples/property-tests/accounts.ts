/**
 * A small account service, in two versions: one reads a balance and then writes the new one, the other does both in a transaction. Only a
 * program that does two things at the same time can tell them apart.
 */
import { MongoClient, MongoDatabase, type MongoError } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { Context, Data, Effect, Exit, Layer, Option, Schema } from "effect"

export class AccountExists extends Data.TaggedError("AccountExists")<{ readonly id: string }> {}

export class NoSuchAccount extends Data.TaggedError("NoSuchAccount")<{ readonly id: string }> {}

export class Overdrawn extends Data.TaggedError("Overdrawn")<{ readonly id: string }> {}

interface Account {
  readonly _id: string
  readonly balance: number
}

export class Accounts extends Context.Service<Accounts, {
  readonly open: (id: string) => Effect.Effect<void, AccountExists | MongoError.MongoError>
  /** Adds an amount, which may be negative, and returns the new balance. */
  readonly change: (
    id: string,
    amount: number
  ) => Effect.Effect<number, NoSuchAccount | Overdrawn | MongoError.MongoError>
  readonly all: Effect.Effect<ReadonlyArray<Account>, MongoError.MongoError>
}>()("examples/Accounts") {}

const collection = Effect.map(MongoDatabase.MongoDatabase, (db) => db.collection<Account>("accounts"))

/** The fault: between the read and the write of one fiber, another one may read the same balance. */
export const racing = Layer.effect(
  Accounts,
  Effect.map(collection, (accounts) =>
    Accounts.of({
      open: (id) =>
        accounts.insertOne({ _id: id, balance: 0 }).pipe(
          Effect.asVoid,
          Effect.catchReason("MongoError", "DuplicateKeyError", () => Effect.fail(new AccountExists({ id })))
        ),
      change: Effect.fnUntraced(function*(id, amount) {
        const account = Option.getOrUndefined(yield* accounts.findOne({ _id: id }))
        if (account === undefined) return yield* new NoSuchAccount({ id })
        const balance = account.balance + amount
        if (balance < 0) return yield* new Overdrawn({ id })
        yield* accounts.updateOne({ _id: id }, { $set: { balance } })
        return balance
      }),
      all: accounts.find().sort({ _id: 1 })
    }))
)

/** The same with the read and the write in one transaction: it runs again if another one has written meanwhile. */
export const mended = Layer.effect(
  Accounts,
  Effect.gen(function*() {
    const mongo = yield* MongoClient.MongoClient
    const accounts = yield* Accounts
    return Accounts.of({
      ...accounts,
      change: (id, amount) => mongo.withTransaction(accounts.change(id, amount))
    })
  })
).pipe(Layer.provide(racing))

// ---- the model

type Balances = Readonly<Record<string, number>>

const none: Balances = {}

/** Few ids, so that commands meet on the same account. */
const Id = Schema.Literals(["ada", "grace"])

const open = MongoTest.command({
  arguments: Id,
  run: (id) => Accounts.use((accounts) => accounts.open(id)),
  next: (balances: Balances, id) =>
    id in balances
      ? { model: balances, result: Exit.fail(new AccountExists({ id })) }
      : { model: { ...balances, [id]: 0 }, result: Exit.void }
})

const Change = Schema.Struct({ id: Id, amount: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })) })

const after = (balances: Balances, id: string, amount: number) => {
  const balance = balances[id]
  if (balance === undefined) return { model: balances, result: Exit.fail(new NoSuchAccount({ id })) }
  if (balance + amount < 0) return { model: balances, result: Exit.fail(new Overdrawn({ id })) }
  return { model: { ...balances, [id]: balance + amount }, result: Exit.succeed(balance + amount) }
}

const deposit = MongoTest.command({
  arguments: Change,
  run: ({ amount, id }) => Accounts.use((accounts) => accounts.change(id, amount)),
  next: (balances: Balances, { amount, id }) => after(balances, id, amount)
})

const withdraw = MongoTest.command({
  arguments: Change,
  run: ({ amount, id }) => Accounts.use((accounts) => accounts.change(id, -amount)),
  next: (balances: Balances, { amount, id }) => after(balances, id, -amount)
})

/** What every program ends with: reads what it has left. */
const all = MongoTest.command({
  run: () => Accounts.use((accounts) => accounts.all),
  next: (balances: Balances) => ({
    model: balances,
    result: Exit.succeed(Object.keys(balances).sort().map((_id) => ({ _id, balance: balances[_id]! })))
  })
})

/** Compares a version of the service with the model, by random programs. */
export const agreesWithModel = <E, R>(accounts: Layer.Layer<Accounts, E, R>, runs: number) =>
  MongoTest.commands({ model: none, commands: { open, deposit, withdraw }, last: all, layer: accounts, runs })
