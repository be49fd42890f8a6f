import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Effect, Schedule } from "effect"
import * as Driver from "mongodb"

// #region service
interface Order {
  readonly _id: string
  readonly request: string
  readonly count: number
}

interface Stock {
  readonly _id: string
  readonly left: number
}

/**
 * Takes something from the stock and writes an order, both or neither. It runs again while the servers are in trouble, which is safe: the order's
 * `_id` is the request's, so that a second order of one request is refused as a duplicate.
 */
export const place = (request: string, count: number, newId: () => string = () => request) =>
  Effect.gen(function*() {
    const mongo = yield* MongoClient.MongoClient
    const db = yield* MongoDatabase.MongoDatabase
    yield* mongo.withTransaction(
      Effect.gen(function*() {
        yield* db.collection<Order>("orders").insertOne({ _id: newId(), request, count })
        yield* db.collection<Stock>("stock").updateOne({ _id: "tea" }, { $inc: { left: -count } })
      }),
      { maxDuration: "1 second" }
    )
  }).pipe(
    Effect.retry({ while: (error) => error.isTransient, times: 3, schedule: Schedule.spaced("200 millis") }),
    Effect.catchReason("MongoError", "DuplicateKeyError", () => Effect.void)
  )
// #endregion service

/** Makes the id within what is retried: each try is another order. */
export const placeCarelessly = (request: string, count: number) =>
  place(request, count, () => new Driver.ObjectId().toHexString())

export type Place = typeof place | typeof placeCarelessly

const start = 1_000_000

export const prepare = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  yield* db.createCollection("orders")
  yield* db.collection<Stock>("stock").insertOne({ _id: "tea", left: start }, { writeConcern: { w: "majority" } })
})

// #region customers
/** What the customers were told. */
export interface Told {
  readonly asked: Set<string>
  readonly confirmed: Set<string>
}

/** Four customers place one order after the other. It never fails: what a customer was told is the result. */
export const customers = (place: Place, milliseconds: number) =>
  Effect.gen(function*() {
    const told: Told = { asked: new Set(), confirmed: new Set() }
    const end = performance.now() + milliseconds
    const order = (customer: number, number: number) => {
      const request = `${customer}-${number}`
      told.asked.add(request)
      return place(request, 1 + number % 3).pipe(
        Effect.andThen(Effect.sync(() => told.confirmed.add(request))),
        Effect.ignore
      )
    }
    const customer = Effect.fnUntraced(function*(customer: number) {
      for (let number = 0; performance.now() < end; number++) yield* order(customer, number)
    })
    yield* Effect.forEach([0, 1, 2, 3], customer, { concurrency: "unbounded", discard: true })
    return told
  })
// #endregion customers

// #region check
/** What is wrong, as the bare driver sees it. The database must not help: nothing in it says that a request has one order. */
export const problems = async (uri: string, database: string, told: Told): Promise<ReadonlyArray<string>> => {
  await using client = await Driver.MongoClient.connect(uri, { readConcernLevel: "majority" })
  const db = client.db(database)
  const orders = await db.collection<Order>("orders").find().toArray()
  const tea = await db.collection<Stock>("stock").findOne({ _id: "tea" })
  const sold = orders.reduce((sum, { count }) => sum + count, 0)
  const found = new Set(orders.map(({ request }) => request))
  return [
    ...([...told.confirmed].some((request) => !found.has(request)) ? ["confirmed orders are lost"] : []),
    ...(orders.length > found.size ? ["a request has several orders"] : []),
    ...([...found].some((request) => !told.asked.has(request)) ? ["there is an order that nobody asked for"] : []),
    ...(tea?.left === start - sold ? [] : ["the stock does not fit the orders"])
  ]
}
// #endregion check
