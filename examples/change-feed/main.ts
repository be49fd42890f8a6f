// An outbox: one transaction writes an order and the message about it, and a durable consumer adds the messages up in another
// collection. The consumer is stopped twice on the way, and no message is lost or counted twice.
import { NodeRuntime } from "@effect/platform-node"
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Console, Effect, Exit, Layer, Scope } from "effect"
import { ObjectId } from "mongodb"

interface Order {
  readonly _id: ObjectId
  readonly customer: string
  readonly total: number
}

interface Message {
  readonly order: ObjectId
  readonly customer: string
  readonly total: number
}

interface Statement {
  readonly _id: string
  readonly orders: number
  readonly spent: number
}

const customers = ["Ada", "Grace", "Barbara"]
const orderCount = 300

const placeOrder = (customer: string, total: number) =>
  Effect.gen(function*() {
    const mongo = yield* MongoClient.MongoClient
    const db = yield* MongoDatabase.MongoDatabase
    const order = new ObjectId()
    yield* mongo.withTransaction(Effect.gen(function*() {
      yield* db.collection<Order>("orders").insertOne({ _id: order, customer, total })
      yield* db.collection<Message>("outbox").insertOne({ order, customer, total })
    }))
  })

const consumer = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = yield* MongoDatabase.MongoDatabase
  const statements = db.collection<Statement>("statements")
  return yield* ChangeStreamConsumer.make({
    name: "statements",
    watch: (position) =>
      db.collection<Message>("outbox").watch([{ $match: { operationType: "insert" } }], {
        maxAwaitTime: "200 millis",
        ...position
      }),
    lease: { duration: "2 seconds" },
    handler: (event, checkpoint) =>
      event.operationType !== "insert"
        ? Effect.void
        // One transaction has the statement and the checkpoint, so the event counts exactly once.
        : mongo.withTransaction(Effect.gen(function*() {
          const { customer, total } = event.fullDocument
          yield* statements.updateOne({ _id: customer }, { $inc: { orders: 1, spent: total } }, { upsert: true })
          yield* checkpoint
        }))
  })
})

const program = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  yield* db.dropDatabase()
  for (const name of ["orders", "outbox", "statements", "mongofx_resume_tokens"]) yield* db.createCollection(name)

  // The consumer is ready when `make` returns: from then on it misses no message.
  let running = yield* Scope.make()
  yield* Scope.provide(consumer, running)

  for (let i = 0; i < orderCount; i++) {
    yield* placeOrder(customers[i % customers.length]!, 1 + (i % 7))
    if (i === 100 || i === 200) {
      yield* Console.log(`After order ${i + 1}: stopping the consumer and starting another one.`)
      yield* Scope.close(running, Exit.void)
      running = yield* Scope.make()
      yield* Scope.provide(consumer, running)
    }
  }

  const statements = db.collection<Statement>("statements")
  const counted = Effect.map(statements.find(), (all) => all.reduce((sum, { orders }) => sum + orders, 0))
  yield* Effect.repeat(Effect.delay(counted, "50 millis"), { until: (count) => count >= orderCount })
  yield* Scope.close(running, Exit.void)

  yield* Console.log("\ncustomer  orders  spent   counted by the consumer, compared with the orders")
  const truth = db.collection<Order>("orders").aggregate<Statement>([
    { $group: { _id: "$customer", orders: { $sum: 1 }, spent: { $sum: "$total" } } },
    { $sort: { _id: 1 } }
  ])
  for (const expected of yield* truth) {
    const { orders, spent } = yield* statements.find({ _id: expected._id }).one
    const verdict = orders === expected.orders && spent === expected.spent ? "the same" : "NOT THE SAME"
    yield* Console.log(
      `${expected._id.padEnd(8)}  ${String(orders).padStart(6)}  ${String(spent).padStart(5)}   ${verdict}`
    )
  }
})

/** A client of the server that `MongoServer` finds: the one in `MONGODB_URI`, or a mongod started for this program. */
const Client = MongoClient.layerFrom(
  Effect.flatMap(MongoServer.MongoServer, (server) => MongoClient.make({ url: server.uri, appName: "change-feed" }))
).pipe(Layer.provide(MongoServer.layer))

const Live = ResumeTokenStore.layerMongo().pipe(
  Layer.provideMerge(MongoDatabase.layer("mongofx_change_feed")),
  Layer.provideMerge(Client)
)

NodeRuntime.runMain(Effect.provide(program, Live))
