import { NodeRuntime } from "@effect/platform-node"
import { MongoReactivity } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, Effect, Layer, Option, Queue, Stream } from "effect"
import { Reactivity } from "effect/reactivity"

interface Order {
  readonly _id: string
  readonly state: "open" | "sent"
}

const ordersOf = Effect.map(MongoDatabase.MongoDatabase, (database) => database.collection<Order>("orders"))

// #region query
const openOrders = Stream.unwrap(
  Effect.map(ordersOf, (orders) => Reactivity.stream(orders.countDocuments({ state: "open" }), ["orders"]))
)
// #endregion query

// #region document
const stateOf = (_id: string) =>
  Stream.unwrap(
    Effect.map(ordersOf, (orders) =>
      Reactivity.stream(orders.findOne({ _id }), MongoReactivity.documents("orders", [_id])))
  ).pipe(
    Stream.map(Option.match({
      onNone: () =>
        "not there",
      onSome: ({ state }) => state
    }))
  )
// #endregion document

// #region layer
const Instance = MongoReactivity.layer({ collections: ["orders"] }).pipe(
  Layer.provideMerge(MongoDatabase.layer("shop")),
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
// #endregion layer

const program = Effect.gen(function*() {
  const numbers = yield* Queue.unbounded<number>()
  const states = yield* Queue.unbounded<string>()
  // #region follow
  const instanceTwo = Effect.all([
    Stream.runForEach(Stream.changes(openOrders), (n) => Queue.offer(numbers, n)),
    Stream.runForEach(stateOf("o1"), (state) => Queue.offer(states, state))
  ], { concurrency: 2 })
  yield* instanceTwo.pipe(Effect.provide(Instance, { local: true }), Effect.forkScoped)
  const first = yield* Queue.take(states)
  const show = Effect.flatMap(Queue.take(numbers), (n) => Console.log(`instance two: ${n} open`))
  yield* show

  const instanceOne = yield* ordersOf
  yield* instanceOne.insertOne({ _id: "o1", state: "open" })
  yield* show
  const mongo = yield* MongoClient.MongoClient
  yield* mongo.withTransaction(Effect.andThen(
    instanceOne.insertOne({ _id: "o2", state: "open" }),
    instanceOne.insertOne({ _id: "o3", state: "open" })
  ))
  yield* show
  yield* instanceOne.updateOne({ _id: "o1" }, { $set: { state: "sent" } })
  yield* show
  // #endregion follow
  const others = yield* Effect.all([Queue.take(states), Queue.take(states)])
  yield* Console.log(`the runs for o1: ${[first, ...others].join(", ")}`)
}).pipe(Effect.scoped)

NodeRuntime.runMain(Effect.provide(program, Instance))
