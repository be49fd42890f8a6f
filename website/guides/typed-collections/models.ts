import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Bson, MongoModel, TypedCollection } from "@mongofx/schema"
import { Config, Console, Effect, Layer, Schema } from "effect"
import { Model } from "effect/schema"

// #region model
const MemberId = Bson.ObjectId.pipe(Schema.brand("MemberId"))

class Member extends Model.Class<Member>("Member")({
  _id: MongoModel.generatedId(MemberId),
  name: Schema.String,
  role: Schema.Literals(["reader", "librarian"]).pipe(Schema.withConstructorDefault(Effect.succeed("reader"))),
  ...MongoModel.Timestamps
}) {
  get initial(): string {
    return this.name.slice(0, 1)
  }
}

class Members extends TypedCollection.Service<Members>()("library/Members", { name: "members", schema: Member }) {}
// #endregion model

const program = Effect.gen(function*() {
  // #region use
  const members = yield* Members
  const { insertedId } = yield* members.insertOne({ name: "Ada" })
  yield* members.updateById(insertedId, { $set: { role: "librarian" } })
  const ada = yield* members.find({ _id: insertedId }).one
  yield* Console.log(ada)
  yield* Console.log(`${ada.initial}. is a Member: ${ada instanceof Member}`)
  // #endregion use
})

const Live = Members.layer.pipe(
  Layer.provide(MongoDatabase.layer("library")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
