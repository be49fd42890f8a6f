import { NodeRuntime } from "@effect/platform-node"
import { type ChangeStream, MongoClient } from "@mongofx/core"
import { Config, Console, Effect, Stream } from "effect"

interface Order {
  readonly _id: string
  readonly status: "placed" | "paid"
}

// #region describe
/** One line about an event. */
const describe = (event: ChangeStream.ChangeEvent<Order>): string => {
  switch (event.operationType) {
    case "insert":
      return `${event.documentKey._id} was placed`
    case "update":
      return `${event.documentKey._id}: ${event.fullDocumentBeforeChange?.status} became ${event.fullDocument?.status}`
    case "delete":
      return `${event.documentKey._id} was deleted when it was ${event.fullDocumentBeforeChange?.status}`
    default:
      return "something else"
  }
}
// #endregion describe

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = mongo.db("shop")

  // #region images
  yield* db.createCollection("orders", { changeStreamPreAndPostImages: { enabled: true } })
  const orders = db.collection<Order>("orders")
  const changes = orders.watch([{ $match: { operationType: { $in: ["insert", "update", "delete"] } } }], {
    fullDocument: "required",
    fullDocumentBeforeChange: "required"
  })
  // #endregion images

  // #region open
  const open = yield* changes.open
  yield* orders.insertOne({ _id: "o1", status: "placed" })
  yield* orders.updateOne({ _id: "o1" }, { $set: { status: "paid" } })
  yield* orders.deleteOne({ _id: "o1" })
  yield* open.stream.pipe(Stream.take(3), Stream.runForEach((event) => Console.log(describe(event))))
  // #endregion open

  // #region resume
  const [first] = yield* Effect.gen(function*() {
    const open = yield* orders.watch().open
    yield* orders.insertMany([{ _id: "o2", status: "placed" }, { _id: "o3", status: "placed" }])
    return yield* open.stream.pipe(Stream.take(1), Stream.runCollect)
  }).pipe(Effect.scoped)

  const later = orders.watch([], { resumeAfter: first?._id })
  yield* later.pipe(Stream.take(1), Stream.runForEach((event) => Console.log(`after the token: ${describe(event)}`)))
  // #endregion resume
}).pipe(Effect.scoped)

const Mongo = MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") })

NodeRuntime.runMain(Effect.provide(program, Mongo))
