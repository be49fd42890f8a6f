import { NodeRuntime } from "@effect/platform-node"
import type { MongoError } from "@mongofx/core"
import { Console, Effect, Option } from "effect"
import { Live, rivers, seed } from "./rivers.ts"

// #region writes
const writes = Effect.gen(function*() {
  const collection = yield* rivers
  const seine = yield* collection.insertOne({ name: "Seine", km: 777, countries: ["FR"] })

  const one = yield* collection.updateOne({ _id: seine.insertedId }, { $set: { km: 775 } })
  yield* Console.log("updateOne:", one.matchedCount, "matched,", one.modifiedCount, "modified")

  const many = yield* collection.updateMany({ countries: "DE" }, { $push: { countries: "EU" } })
  yield* Console.log("updateMany:", many.modifiedCount, "modified")

  const after = yield* collection.findOneAndUpdate(
    { name: "Rhine" },
    { $inc: { km: 3 } },
    { returnDocument: "after" }
  )
  yield* Console.log("findOneAndUpdate:", Option.map(after, ({ km }) => km).pipe(Option.getOrElse(() => 0)))

  const { deletedCount } = yield* collection.deleteMany({ km: { $lt: 500 } })
  yield* Console.log("deleteMany:", deletedCount, "deleted")
})
// #endregion writes

// #region upsert
const upsert = Effect.gen(function*() {
  const collection = yield* rivers
  const ensure = collection.updateOne(
    { name: "Ebro" },
    { $setOnInsert: { km: 930, countries: ["ES"] } },
    { upsert: true }
  )
  // The effect is a description: it can run twice, and the second run changes nothing.
  yield* Console.log("upserted:", (yield* ensure).upsertedCount)
  yield* Console.log("upserted:", (yield* ensure).upsertedCount)
})
// #endregion upsert

// #region bulk
const bulk = Effect.gen(function*() {
  const collection = yield* rivers
  const { deletedCount, insertedCount, modifiedCount } = yield* collection.bulkWrite([
    { insertOne: { document: { name: "Tagus", km: 1007, countries: ["ES", "PT"] } } },
    { updateOne: { filter: { name: "Loire" }, update: { $set: { km: 1012 } } } },
    { deleteOne: { filter: { name: "Elbe" } } }
  ])
  yield* Console.log("bulkWrite:", insertedCount, "inserted,", modifiedCount, "modified,", deletedCount, "deleted")
})
// #endregion bulk

// #region refused
const refused = Effect.gen(function*() {
  const collection = yield* rivers
  const say = <A>(self: Effect.Effect<A, MongoError.MongoError>) =>
    self.pipe(Effect.catchReason("MongoError", "InvalidArgumentError", ({ message }) => Console.log(message)))
  // Input whose type promises more than it holds.
  const input: { readonly name: string } = JSON.parse("{}")
  yield* collection.deleteMany({ name: input.name }).pipe(say)

  const levels = collection.database.collection<{ readonly at: Date; readonly cm: number }>("levels")
  yield* levels.insertOne({ at: new Date("soon"), cm: 310 }).pipe(say)
})
// #endregion refused

const program = Effect.all([seed, writes, upsert, bulk, refused])

NodeRuntime.runMain(Effect.provide(program, Live))
