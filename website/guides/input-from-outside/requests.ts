import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Schema } from "effect"
import type { ObjectId } from "mongodb"
import { Live, Profile, Profiles } from "./profiles.ts"

// #region create
const Create = Schema.fromJsonString(Profile.jsonCreate)

const register = Effect.fn("register")(function*(body: string) {
  const profile = yield* Schema.decodeUnknownEffect(Create)(body)
  const profiles = yield* Profiles
  const { insertedId } = yield* profiles.insertOne({ ...profile, role: "reader", passwordHash: "…" })
  return yield* profiles.find({ _id: insertedId }).one
})
// #endregion create

// #region patch
const Patch = Schema.fromJsonString(Schema.Struct({
  name: Schema.optionalKey(Schema.NonEmptyString),
  age: Schema.optionalKey(Schema.OptionFromNullOr(Schema.Int)),
  interests: Schema.optionalKey(Schema.Array(Schema.String))
}))

const change = Effect.fn("change")(function*(id: ObjectId, body: string) {
  const patch = yield* Schema.decodeUnknownEffect(Patch)(body)
  const profiles = yield* Profiles
  yield* profiles.updateById(id, { $set: patch })
  return yield* profiles.untyped.find({ _id: id }).project({ _id: 0, name: 1, age: 1, interests: 1 }).one
})
// #endregion patch

// #region program
const program = Effect.gen(function*() {
  const ada = yield* register(`{
    "email": "ada@example.com", "name": "Ada", "age": 36, "interests": ["engines"], "role": "admin"
  }`)
  yield* Console.log(`${ada.name} is a ${ada.role}`)

  yield* register(`{ "email": { "$gt": "" }, "name": "Eve", "interests": [] }`).pipe(
    Effect.catchTag("SchemaError", (error) => Console.log(error.message))
  )

  yield* Console.log(yield* change(ada._id, `{ "interests": ["engines", "poetry"] }`))
  yield* Console.log(yield* change(ada._id, `{ "age": null, "role": "admin" }`))

  const json = yield* Schema.encodeEffect(Profile.json)(ada)
  yield* Console.log(Object.keys(json).join(", "))
})
// #endregion program

NodeRuntime.runMain(Effect.provide(program, Live))
