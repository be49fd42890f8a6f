import { NodeRuntime } from "@effect/platform-node"
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { Config, Console, Effect, Exit, Layer, Queue, Scope } from "effect"

// #region model
interface Order {
  readonly _id: string
  readonly customer: string
}

interface Message {
  readonly _id: string
  readonly to: string
  readonly text: string
}

const collections = Effect.map(MongoDatabase.MongoDatabase, (db) => ({
  orders: db.collection<Order>("orders"),
  outbox: db.collection<Message>("outbox")
}))
// #endregion model

// #region place
/** The order and the message about it are written, or neither. */
const place = Effect.fn("place")(function*(order: Order) {
  const mongo = yield* MongoClient.MongoClient
  const { orders, outbox } = yield* collections
  yield* Effect.gen(function*() {
    yield* orders.insertOne(order)
    yield* outbox.insertOne({ _id: order._id, to: order.customer, text: `Your order ${order._id} is confirmed` })
  }).pipe(mongo.withTransaction())
})
// #endregion place

// #region deliver
/** Sends each message at least once. The id of the message lets the receiver tell a repetition. */
const deliver = (send: (message: Message) => Effect.Effect<void>) =>
  Effect.gen(function*() {
    const { outbox } = yield* collections
    return yield* ChangeStreamConsumer.make({
      name: "mail",
      watch: (position) =>
        outbox.watch([{ $match: { operationType: "insert" } }], { ...position, maxAwaitTime: "100 millis" }),
      // Messages that were written before the first start.
      onFirstStart: Effect.flatMap(outbox.find(), (messages) => Effect.forEach(messages, send, { discard: true })),
      handler: (event) => event.operationType === "insert" ? send(event.fullDocument) : Effect.void
    })
  })
// #endregion deliver

const program = Effect.gen(function*() {
  const sent = yield* Queue.unbounded<Message>()
  const send = (message: Message) => Effect.asVoid(Queue.offer(sent, message))
  const show = Effect.flatMap(Queue.take(sent), ({ text, to }) => Console.log(`${to}: ${text}`))

  // #region run
  yield* place({ _id: "o1", customer: "Ada" })

  yield* Console.log("a consumer starts")
  const scope = yield* Scope.make()
  yield* Scope.provide(deliver(send), scope)
  yield* show
  yield* place({ _id: "o2", customer: "Grace" })
  yield* show

  yield* Console.log("it stops, and an order comes meanwhile")
  yield* Scope.close(scope, Exit.void)
  yield* place({ _id: "o3", customer: "Barbara" })

  yield* Console.log("another one starts")
  yield* deliver(send)
  yield* show
  // #endregion run

  const failed = yield* Effect.exit(place({ _id: "o3", customer: "Eve" }))
  const { outbox } = yield* collections
  yield* Console.log(
    `an order that fails leaves no message: ${failed._tag}, ${yield* outbox.countDocuments()} messages`
  )
}).pipe(Effect.scoped)

// #region layers
const Database = MongoDatabase.layer("shop").pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

/** The consumer's position and its lease are in the collection `mongofx_resume_tokens`. */
const Live = Layer.provideMerge(ResumeTokenStore.layerMongo(), Database)
// #endregion layers

NodeRuntime.runMain(Effect.provide(program, Live))
