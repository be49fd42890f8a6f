import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import { Config, Layer, Schema } from "effect"

// #region schema
export class Device extends Schema.Opaque<Device>()(
  Schema.Struct({
    _id: Bson.ObjectId,
    serial: Schema.String.check(Schema.isPattern(/^[A-Z]{2}-\d{4}$/)),
    site: Schema.String,
    volts: Bson.Double.check(Schema.isBetween({ minimum: 0, maximum: 48 })),
    seen: Bson.Date,
    retired: Schema.optionalKey(Bson.Date)
  })
) {}

export class Devices extends TypedCollection.Service<Devices>()("plant/Devices", {
  name: "devices",
  schema: Device,
  indexes: [
    { key: { serial: 1 }, unique: true, partialFilterExpression: { retired: null } },
    { key: { site: 1, seen: -1 } }
  ]
}) {}
// #endregion schema

export const Live = Devices.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer("plant")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
