import { NodeRuntime } from "@effect/platform-node"
import { MongoPersistedQueue } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, Effect, Layer, Schema } from "effect"
import { PersistedQueue } from "effect/persistence"

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = yield* MongoDatabase.MongoDatabase
  const orders = db.collection<{ readonly _id: string }>("orders")

  // #region queue
  const mails = yield* PersistedQueue.make({
    name: "mails",
    schema: Schema.Struct({ order: Schema.String }),
    maxAttempts: 5
  })

  const place = (order: string) =>
    mongo.withTransaction(Effect.andThen(
      orders.insertOne({ _id: order }),
      mails.offer({ order }, { id: order })
    ))
  // #endregion queue

  yield* place("o1")
  yield* Effect.ignore(mongo.withTransaction(Effect.andThen(place("o2"), Effect.fail("sold out"))))
  yield* mails.offer({ order: "o1" }, { id: "o1" })
  yield* mails.offer({ order: "o3" }, { id: "o3", delay: "300 millis" })

  // #region worker
  const worker = mails.take(({ order }, { attempts }) =>
    attempts === 1 && order === "o1"
      ? Effect.fail(`no mail server for ${order}`)
      : Console.log(`attempt ${attempts}: mail for ${order}`)
  ).pipe(Effect.catch((error) => Console.log(String(error))))

  // A service runs `Effect.forever(worker)`, several of them if it likes.
  yield* Effect.repeat(worker, { times: 2 })
  // #endregion worker

  yield* Console.log(`orders: ${yield* orders.countDocuments()}`)

  yield* place("o4")
  // #region once
  // The note that the work writes, and the end of its element, are one transaction.
  const notes = db.collection<{ readonly _id: string }>("notes")
  yield* mongo.withTransaction(mails.take(({ order }) => notes.insertOne({ _id: order })))
  // #endregion once
  yield* Console.log(`notes: ${yield* notes.countDocuments()}`)
})

// #region layer
const Queues = Layer.mergeAll(
  PersistedQueue.layer,
  PersistedQueue.layerCleanup({ timeToLive: "7 days" })
).pipe(Layer.provide(MongoPersistedQueue.layerStore))
// #endregion layer

const Live = Queues.pipe(
  Layer.provideMerge(MongoDatabase.layer("shop")),
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
