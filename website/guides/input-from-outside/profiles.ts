import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoModel, TypedCollection } from "@mongofx/schema"
import { Config, Layer, Schema } from "effect"
import { Model } from "effect/schema"

// #region model
export class Profile extends Model.Class<Profile>("Profile")({
  _id: MongoModel.ObjectIdGenerated,
  email: Schema.String.check(Schema.isPattern(/^\S+@\S+$/)),
  name: Schema.NonEmptyString,
  age: Schema.OptionFromOptionalKey(Schema.Int),
  interests: Schema.Array(Schema.String),
  role: Model.GeneratedByApp(Schema.Literals(["reader", "admin"])),
  passwordHash: Model.Sensitive(Schema.String)
}) {}

export class Profiles extends TypedCollection.Service<Profiles>()("club/Profiles", {
  name: "profiles",
  schema: Profile
}) {}
// #endregion model

export const Live = Profiles.layer.pipe(
  Layer.provide(MongoDatabase.layer("club")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
