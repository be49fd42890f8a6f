// Many tellers move money between a few accounts at the same time. Each transfer is a transaction: it happens as a whole or
// not at all, even while others work on the same accounts, and the sum of all money stays the same.
import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Console, Data, Effect, Layer, Random, Ref } from "effect"

interface Account {
  readonly _id: string
  readonly balance: number
}

interface Receipt {
  readonly from: string
  readonly to: string
  readonly amount: number
}

class InsufficientFunds
  extends Data.TaggedError("InsufficientFunds")<{ readonly account: string; readonly missing: number }>
{}

const owners = ["Ada", "Grace", "Barbara", "Edsger", "Donald"]
const opening = 100
const tellers = 8
const transfersOfEach = 25

const transfer = (from: string, to: string, amount: number, attempts: Ref.Ref<number>) =>
  Effect.gen(function*() {
    const mongo = yield* MongoClient.MongoClient
    const db = yield* MongoDatabase.MongoDatabase
    const accounts = db.collection<Account>("accounts")
    const receipts = db.collection<Receipt>("receipts")

    yield* mongo.withTransaction(Effect.gen(function*() {
      yield* Ref.update(attempts, (n) => n + 1)
      const payer = yield* accounts.find({ _id: from }).one
      // A typed failure rolls the transaction back, and reaches the caller unchanged.
      if (payer.balance < amount) {
        return yield* new InsufficientFunds({ account: from, missing: amount - payer.balance })
      }
      yield* accounts.updateOne({ _id: from }, { $inc: { balance: -amount } })
      yield* accounts.updateOne({ _id: to }, { $inc: { balance: amount } })
      yield* receipts.insertOne({ from, to, amount })
    }))
  })

const teller = (attempts: Ref.Ref<number>, refused: Ref.Ref<number>) =>
  Effect.gen(function*() {
    const [from, to] = (yield* Random.shuffle(owners)) as [string, string, ...Array<string>]
    const amount = yield* Random.nextIntBetween(1, 80)
    yield* transfer(from, to, amount, attempts).pipe(
      Effect.catchTag("InsufficientFunds", () => Ref.update(refused, (n) => n + 1))
    )
  }).pipe(Effect.repeat({ times: transfersOfEach - 1 }))

const sum = (accounts: ReadonlyArray<Account>) => accounts.reduce((total, { balance }) => total + balance, 0)

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = yield* MongoDatabase.MongoDatabase
  const accounts = db.collection<Account>("accounts")
  yield* accounts.drop()
  yield* db.collection("receipts").drop()
  yield* accounts.insertMany(owners.map((_id) => ({ _id, balance: opening })))

  const attempts = yield* Ref.make(0)
  const refused = yield* Ref.make(0)

  // An auditor reads all accounts in a snapshot, again and again, while money moves.
  const audits = yield* Ref.make(0)
  const audit = accounts.find().pipe(
    mongo.withSession({ snapshot: true }),
    Effect.flatMap((all) =>
      sum(all) === opening * owners.length
        ? Ref.update(audits, (n) => n + 1)
        : Effect.die(`the auditor counts ${sum(all)} in all accounts, not ${opening * owners.length}`)
    )
  )
  yield* Effect.raceFirst(
    Effect.all(Array.from({ length: tellers }, () => teller(attempts, refused)), { concurrency: "unbounded" }),
    Effect.forever(Effect.andThen(audit, Effect.sleep("10 millis")))
  )

  const after = yield* accounts.find().sort({ _id: 1 })
  const done = yield* db.collection("receipts").countDocuments()
  const ran = yield* Ref.get(attempts)
  const refusals = yield* Ref.get(refused)
  yield* Console.log(
    `\n${tellers} tellers at once made ${done} transfers; ${refusals} more were refused for lack of funds.`
  )
  yield* Console.log(`${ran - done - refusals} times two of them met on one account, and one began again.\n`)
  for (const { _id, balance } of after) yield* Console.log(`  ${_id.padEnd(8)} ${String(balance).padStart(4)}`)
  yield* Console.log(`  ${"".padEnd(13, "-")}\n  ${"sum".padEnd(8)} ${String(sum(after)).padStart(4)}`)
  yield* Console.log(
    `\nMeanwhile the auditor counted ${yield* Ref.get(audits)} times, and always found the same sum.`
  )
})

/** A client of the server that `MongoServer` finds: the one in `MONGODB_URI`, or a mongod started for this program. */
const Client = MongoClient.layerFrom(
  Effect.flatMap(MongoServer.MongoServer, (server) => MongoClient.make({ url: server.uri, appName: "bank-transfer" }))
).pipe(Layer.provide(MongoServer.layer))

const Live = MongoDatabase.layer("mongofx_bank_transfer").pipe(Layer.provideMerge(Client))

NodeRuntime.runMain(Effect.provide(program, Live))
