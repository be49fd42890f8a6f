import { NodeRuntime } from "@effect/platform-node"
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { Config, Console, Effect, Exit, Layer, Option, Queue, Scope } from "effect"

interface Message {
  readonly _id: string
}

const program = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const outbox = db.collection<Message>("outbox")
  const handled = yield* Queue.unbounded<string>()

  // #region instances
  /** An instance, as each process of a deployment starts one. */
  const instance = (process: string) =>
    ChangeStreamConsumer.make({
      name: "mail",
      watch: (position) =>
        outbox.watch([{ $match: { operationType: "insert" } }], { ...position, maxAwaitTime: "100 millis" }),
      handler: (event) =>
        event.operationType === "insert"
          ? Queue.offer(handled, `${process} handles ${event.documentKey._id}`)
          : Effect.void,
      lease: { duration: "2 seconds" }
    })

  const blue = yield* Scope.make()
  yield* Scope.provide(instance("blue"), blue)
  const green = yield* instance("green")

  yield* outbox.insertOne({ _id: "m1" })
  yield* Console.log(yield* Queue.take(handled))

  // Blue saves how far it has come, and gives its lease back: green need not wait for the lease to run out.
  yield* Scope.close(blue, Exit.void)
  yield* outbox.insertOne({ _id: "m2" })
  yield* Console.log(yield* Queue.take(handled))
  // #endregion instances

  const store = yield* ResumeTokenStore.ResumeTokenStore
  yield* Console.log(`${green.name} has a position: ${Option.isSome(yield* store.load("mail"))}`)
}).pipe(Effect.scoped)

const Database = MongoDatabase.layer("shop").pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Layer.provideMerge(ResumeTokenStore.layerMongo(), Database)))
