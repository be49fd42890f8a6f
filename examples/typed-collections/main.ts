/**
 * Orders of a shop as a typed collection: filters and updates that the compiler checks and the schema encodes, input that
 * smuggles in operators, a projection with its own type, and documents that do not fit the schema.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Console, DateTime, Effect, Layer, Option, Result } from "effect"
import type { ObjectId } from "mongodb"
import { Orders } from "./model.ts"

const money = (cents: bigint): string => `${cents / 100n}.${String(cents % 100n).padStart(2, "0")} €`

const heading = (text: string) => Console.log(`\n${text}`)

const place = Effect.gen(function*() {
  const orders = yield* Orders
  yield* heading("Insert: the model makes _id and dates, and encodes each field")
  const { insertedId } = yield* orders.insertOne({
    customer: "Ada",
    status: "open",
    lines: [{ sku: "tea", count: 2, price: 350n }, { sku: "pot", count: 1, price: 4200n }],
    address: { city: "London", zip: "W1" },
    notes: { gift: "with a ribbon" }
  })
  yield* orders.insertMany([
    {
      customer: "Grace",
      status: "paid",
      lines: [{ sku: "tea", count: 1, price: 350n }],
      address: { city: "New York", zip: "10001" },
      notes: {}
    }
  ])
  const stored = yield* orders.untyped.find({ _id: insertedId }).project({ "lines.price": 1, placedAt: 1, _id: 0 }).one
  yield* Console.log("  stored:", stored)
  const order = Option.getOrThrow(yield* orders.findOne({ _id: insertedId }))
  yield* Console.log(`  read:   an Order of ${order.customer} over ${money(order.total)}`)
  return insertedId
})

const query = Effect.gen(function*() {
  const orders = yield* Orders
  yield* heading("Filters: dotted paths, operands of the decoded type")
  const hourAgo = DateTime.subtract(yield* DateTime.now, { hours: 1 })
  const found = yield* orders
    .find({
      placedAt: { $gt: hourAgo },
      "address.city": { $in: ["London", "Paris"] },
      lines: { $elemMatch: { price: { $gte: 1000n }, shipped: { $exists: false } } }
    })
    .sort({ placedAt: -1 })
    .project({ customer: 1, "lines.sku": 1, _id: 0 })
  for (const { customer, lines } of found) {
    yield* Console.log(`  ${customer} waits for ${lines.map(({ sku }) => sku).join(" and ")}`)
  }
  yield* Console.log(`  all goods: ${(yield* orders.distinct("lines.sku")).join(", ")}`)

  // None of these compile:
  // orders.find({ custmer: "Ada" })
  // orders.find({ "address.city": 5 })
  // orders.find({ status: "lost" })
  // orders.find({ placedAt: { $gt: "2026-01-01" } })
  // orders.updateOne({}, { $inc: { customer: 1 } })
})

const ship = Effect.fnUntraced(function*(_id: ObjectId) {
  const orders = yield* Orders
  yield* heading("Updates: an array filter picks the lines, and the result is decoded")
  const after = yield* orders.findOneAndUpdate(
    { _id },
    { $set: { status: "shipped", "lines.$[line].shipped": yield* DateTime.now }, $inc: { "lines.$[line].count": 1 } },
    { arrayFilters: [{ "line.price": { $lt: 1000n } }], returnDocument: "after" }
  )
  for (const { count, shipped, sku } of Option.getOrThrow(after).lines) {
    yield* Console.log(`  ${count} × ${sku}: ${shipped === undefined ? "not shipped" : "shipped"}`)
  }
})

const attack = Effect.gen(function*() {
  const orders = yield* Orders
  yield* heading("Input from outside: refused before anything is sent")
  // A JSON body may hold this, whatever its type says.
  const body = JSON.parse(`{ "customer": { "$gt": "" }, "key": "$where" }`)
  yield* orders.countDocuments({ customer: { $eq: body.customer } }).pipe(
    Effect.catchTag("DocumentError", (error) => Console.log(`  ${error.message}`))
  )
  yield* orders.countDocuments({ [body.key]: "sleep(1000)" }).pipe(
    Effect.catchReason("MongoError", "InvalidArgumentError", (reason) => Console.log(`  ${reason.message}`))
  )
  yield* orders.updateMany({}, { $set: { customer: body.customer } }).pipe(
    Effect.catchTag("DocumentError", (error) => Console.log(`  ${error.message}`))
  )
})

const spoil = Effect.gen(function*() {
  const orders = yield* Orders
  yield* heading("Documents that do not fit: collected, while the others are read")
  yield* orders.untyped.insertOne({ customer: "Alan", status: "lost" })
  for (const result of yield* orders.find().sort({ customer: 1 }).onInvalid("collect")) {
    yield* Console.log(
      Result.match(result, {
        onSuccess: ({ customer, total }) => `  ${customer}: ${money(total)}`,
        onFailure: ({ id, path }) => `  ${String(id)} does not fit at ${path}`
      })
    )
  }
})

const program = Effect.gen(function*() {
  const orders = yield* Orders
  yield* orders.drop()
  const id = yield* place
  yield* query
  yield* ship(id)
  yield* attack
  yield* spoil
  yield* orders.drop()
})

/** A client of the server that `MongoServer` finds: the one in `MONGODB_URI`, or a mongod started for this program. */
const Client = MongoClient.layerFrom(
  Effect.flatMap(MongoServer.MongoServer, ({ uri }) => MongoClient.make({ url: uri, appName: "typed-collections" }))
).pipe(Layer.provide(MongoServer.layer))

const Database = MongoDatabase.layer("mongofx_typed_collections").pipe(Layer.provide(Client))

NodeRuntime.runMain(Effect.provide(program, Layer.provide(Orders.layer, Database)))
