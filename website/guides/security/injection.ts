import { NodeRuntime } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { Config, Console, Effect, Schema } from "effect"

interface User {
  readonly _id: string
  readonly token: string
}

// #region input
/** What a client sends: JSON that should be a text, and is an operator. */
const body: unknown = JSON.parse(`{ "token": { "$ne": null } }`)
// #endregion input

const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const users = mongo.db("site").collection<User>("users")
  yield* users.insertMany([{ _id: "ada", token: "t1" }, { _id: "grace", token: "t2" }])

  // #region unchecked
  // The cast says that it is a text, and nobody checks it: the filter matches everybody.
  const { token } = body as { readonly token: string }
  yield* Console.log(`unchecked: ${yield* users.countDocuments({ token })} users`)
  // #endregion unchecked

  // #region eq
  // With $eq an object is a value, and nobody has it.
  yield* Console.log(`with $eq: ${yield* users.countDocuments({ token: { $eq: token } })} users`)
  // #endregion eq

  // #region schema
  // A schema at the door refuses it, and says why.
  const Login = Schema.Struct({ token: Schema.String })
  const refused = yield* Effect.flip(Schema.decodeUnknownEffect(Login)(body))
  yield* Console.log(`with a schema: ${refused.message.split("\n").join(" ")}`)
  // #endregion schema

  // #region undefined
  // A field that the client has left out does not become "everybody" either.
  const missing = yield* Effect.flip(users.deleteMany({ token: (body as Partial<User>)._id! }))
  yield* Console.log(missing.message)
  // #endregion undefined
})

const Mongo = MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") })

NodeRuntime.runMain(Effect.provide(program, Mongo))
