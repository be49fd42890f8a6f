// An instance of a program that ensures its indexes at its start: `indexProcess.ts DATABASE LEASE`. It connects, says `ready`, and begins when
// it is told to. Then it says what it has done, or that it has lost its lease.
import * as MongoClient from "@mongofx/core/MongoClient"
import * as MongoDatabase from "@mongofx/core/MongoDatabase"
import * as Bson from "@mongofx/schema/Bson"
import * as MongoIndex from "@mongofx/schema/MongoIndex"
import * as TypedCollection from "@mongofx/schema/TypedCollection"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const [database, lease] = process.argv.slice(2) as [string, string]

class Users extends TypedCollection.Service<Users>()("test/Users", {
  name: "users",
  schema: Schema.Struct({ _id: Schema.Int, email: Schema.String, seenAt: Bson.Date }),
  indexes: [{ key: { email: 1 }, unique: true }, { key: { seenAt: 1 }, expireAfterSeconds: 3600 }]
}) {}

const tell = (text: string) => Effect.sync(() => process.stdout.write(`${text}\n`))

const told = Effect.callback<void>((resume) => {
  process.stdin.once("data", () => resume(Effect.void))
  process.stdin.once("end", () => process.exit(1))
})

const program = Effect.gen(function*() {
  const users = yield* Users
  yield* users.findOne({ _id: 0 })
  yield* tell("ready")
  yield* told
  const { done } = yield* MongoIndex.ensure(users, { lease: Number(lease) })
  yield* tell(`done ${done.length}`)
}).pipe(Effect.catchTag("LeaseError", ({ kind }) => tell(`the lease is ${kind}`)))

const Live = Users.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer(database)),
  Layer.provideMerge(MongoClient.layer({ url: Redacted.make(process.env["MONGODB_URI"]!) }))
)

await Effect.runPromise(Effect.provide(program, Live))
process.exit(0)
