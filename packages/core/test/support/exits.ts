/** A process that uses the server of its first argument, closes its client when it is told to, and should end by itself then. */
import { MongoClient } from "@mongofx/core"
import { Effect, Redacted, Stream } from "effect"

const program = Effect.scoped(Effect.gen(function*() {
  const mongo = yield* MongoClient.make({ url: Redacted.make(process.argv[2]!) })
  const items = mongo.db("exits").collection("items")
  yield* items.insertMany(Array.from({ length: 10 }, () => ({ a: 1 })))
  const open = yield* items.find().batchSize(2).open
  yield* open.next
  const session = yield* mongo.session()
  yield* session.startTransaction()
  yield* session.use(items.insertOne({ a: 1 }))
  yield* Effect.forkScoped(
    Effect.exit(items.find({ $where: "sleep(60000) || true" }) as Effect.Effect<unknown, unknown>)
  )
  yield* Effect.forkScoped(Effect.exit(Stream.runDrain(items.watch())))
  yield* Effect.sleep(200)
  const told = new Promise((resolve) => process.once("message", resolve))
  process.send!("ready")
  yield* Effect.promise(() => told)
  // A request during the outage, which is never answered.
  yield* Effect.forkScoped(Effect.exit(items.insertOne({ a: 1 })))
  yield* Effect.sleep(200)
}))

await Effect.runPromise(program)
process.send!("closed")
process.disconnect()
