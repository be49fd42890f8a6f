import { NodeRuntime } from "@effect/platform-node"
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { Cause, Config, Console, Data, Effect, Layer, Queue, Schedule } from "effect"

interface Message {
  readonly _id: string
  readonly to: string
}

class Refused extends Data.TaggedError("Refused")<{ readonly message: string }> {}

const program = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const outbox = db.collection<Message>("outbox")
  const dead = db.collection<{ readonly _id: string; readonly reason: string }>("dead_letters")
  const done = yield* Queue.unbounded<string>()

  const send = Effect.fnUntraced(function*({ _id, to }: Message) {
    if (!to.includes("@")) return yield* new Refused({ message: `${to} is not an address` })
    yield* Queue.offer(done, `sent ${_id}`)
  })

  // #region poison
  yield* ChangeStreamConsumer.make({
    name: "mail",
    watch: (position) =>
      outbox.watch([{ $match: { operationType: "insert" } }], { ...position, maxAwaitTime: "100 millis" }),
    handler: (event) => event.operationType === "insert" ? send(event.fullDocument) : Effect.void,
    onPoison: {
      retry: Schedule.exponential("10 millis").pipe(Schedule.upTo({ times: 3 })),
      deadLetter: Effect.fnUntraced(function*(event, cause) {
        if (event.operationType !== "insert") return
        const { _id } = event.fullDocument
        // A dead letter too may be written twice: a key of its own makes that harmless.
        yield* dead.replaceOne({ _id }, { reason: Cause.pretty(cause).split("\n")[0]! }, { upsert: true })
        yield* Queue.offer(done, `gave up ${_id}`)
      })
    }
  })
  // #endregion poison

  yield* outbox.insertMany([
    { _id: "m1", to: "ada@example.com" },
    { _id: "m2", to: "nobody" },
    { _id: "m3", to: "grace@example.com" }
  ])
  for (let i = 0; i < 3; i++) yield* Console.log(yield* Queue.take(done))
  yield* Console.log(yield* dead.find())
}).pipe(Effect.scoped)

const Database = MongoDatabase.layer("shop").pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Layer.provideMerge(ResumeTokenStore.layerMongo(), Database)))
