// Orders are reserved, charged, packed and shipped by a worker that is killed in the middle. The next worker goes on where it was: no charge takes place
// twice, and an order that cannot be shipped is undone, also what the killed worker did of it.
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { MongoClient } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Config, ConfigProvider, Console, Effect, Layer, Redacted, Result } from "effect"
import assert from "node:assert/strict"
import { Accounts, Collections, type Order, Orders, Payments, Stock } from "./models.ts"
import { Database, Fulfilment, Starting } from "./order.ts"
import { draw, isLast, legend } from "./timeline.ts"
import { watchWorkers } from "./watching.ts"

const tea = { _id: "tea for Ada", customer: "Ada", product: "tea", price: 12, country: "Norway" }
const pot = { _id: "pot for Bob", customer: "Bob", product: "pot", price: 45, country: "Portugal" }
const cup = { _id: "cup for Cleo", customer: "Cleo", product: "cup", price: 8, country: "Atlantis" }

const orders = [tea, pot, cup]

const names = orders.map(({ _id }) => _id)

const opening = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  yield* mongo.db("mongofx_workflow").dropDatabase()
  yield* (yield* Stock).insertMany(orders.map(({ product }) => ({ _id: product, left: 5, reserved: [] })))
  yield* (yield* Accounts).insertMany(orders.map(({ customer }) => ({ _id: customer, balance: 100 })))
})

/** The order and the message that starts its workflow are written together, or not at all. */
const place = Effect.fnUntraced(function*(order: typeof Order.Type) {
  const mongo = yield* MongoClient.MongoClient
  const placed = yield* Orders
  yield* mongo.withTransaction(Effect.andThen(
    placed.insertOne({ ...order, state: "placed" }),
    Fulfilment.execute(order, { discard: true })
  ))
})

const work = Effect.gen(function*() {
  const uri = yield* Config.String("MONGODB_URI")
  const watching = yield* watchWorkers(names)
  const { start, tell, until } = watching

  const first = yield* start(uri)
  // Nobody has to work yet: the orders wait for the worker.
  yield* Effect.forEach([tea, pot], place)
  yield* tell("", `${tea._id} and ${pot._id} are placed`)
  yield* until((steps) => steps.filter(({ step }) => step === "charge").length === 2)
  // Two of them wait now. The third one is charged, but its bank is slow to answer: so the worker dies before it has noted that this step is done.
  yield* place(cup)
  yield* tell("", `${cup._id} is placed`)
  yield* until((steps) => steps.some(({ order, step }) => order === cup._id && step === "charge"))
  yield* first.kill

  yield* start(uri)
  yield* until((steps) => names.every((name) => steps.some(({ order, step }) => order === name && isLast(step))))
  // The same order has the same execution: this only waits for its result.
  const results = yield* Effect.forEach(orders, (order) => Effect.result(Fulfilment.execute(order)))
  return { watching, results, end: watching.now() }
})

const program = Effect.gen(function*() {
  yield* opening
  const { end, results, watching } = yield* Effect.scoped(work).pipe(Effect.timeout("2 minutes"))
  const { steps, workers } = watching.recording()
  yield* Console.log(`\n${draw({ orders: names, workers, steps }, end, watching.screen.width).join("\n")}\n`)
  yield* Console.log(`${legend.join("\n")}\n`)

  const states = new Map((yield* (yield* Orders).find()).map(({ _id, state }) => [_id, state]))
  const payments = yield* (yield* Payments).find()
  for (const [i, { _id, price }] of orders.entries()) {
    const charges = steps.filter(({ isNew, order, step }) => isNew && order === _id && step === "charge")
    const paid = payments.filter(({ order }) => order === _id)
    assert.deepEqual(paid.map(({ amount }) => amount), [price])
    const money = `charged ${charges.length === 1 ? "once" : `${charges.length} times`}`
    const end = Result.isFailure(results[i]!) ? ` and ${paid[0]!.state}: ${results[i].failure.reason}` : ""
    yield* Console.log(`  ${_id.padEnd(12)}  ${states.get(_id)?.padEnd(9)}  ${money}${end}`)
  }

  const [first, second] = workers.map(({ pid }) => pid)
  const did = (name: string) =>
    steps.filter(({ order }) => order === name).map(({ isNew, process, step }) =>
      `${process === first ? 1 : process === second ? 2 : "?"} ${step}${isNew ? "" : " again"}`
    )
  assert.deepEqual(did(tea._id), ["1 reserve", "1 charge", "2 ship"])
  assert.deepEqual(did(pot._id), ["1 reserve", "1 charge", "2 ship"])
  assert.deepEqual(did(cup._id), ["1 reserve", "1 charge", "2 charge again", "2 refuse", "2 refund", "2 give back"])
  assert.deepEqual(names.map((name) => states.get(name)), ["shipped", "shipped", "cancelled"])
  const accounts = yield* (yield* Accounts).find().sort({ _id: 1 })
  assert.deepEqual(accounts.map(({ _id, balance }) => `${_id} ${balance}`), ["Ada 88", "Bob 55", "Cleo 100"])
  const stock = yield* (yield* Stock).find().sort({ _id: 1 })
  assert.deepEqual(stock.map(({ _id, left }) => `${_id} ${left}`), ["cup 5", "pot 4", "tea 4"])
  assert(stock.every(({ reserved }) => reserved.length === 0))
  yield* Console.log(
    "\nA worker was killed in the middle of 3 orders, and the next one went on: 2 are shipped, 1 is undone, and no charge took place twice."
  )
})

/** What the workers are started with, too. */
const Settings = Layer.effect(
  ConfigProvider.ConfigProvider,
  Effect.map(MongoServer.MongoServer, ({ uri }) => {
    const url = new URL(Redacted.value(uri))
    url.pathname = "/mongofx_workflow"
    return ConfigProvider.fromEnv({ env: { MONGODB_URI: url.href } })
  })
)

program.pipe(
  Effect.provide(
    Layer.mergeAll(Starting, Collections).pipe(
      Layer.provideMerge(Database),
      Layer.provideMerge(Settings),
      Layer.provide(MongoServer.layer)
    )
  ),
  NodeRuntime.runMain
)
