import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import { Config, Layer, Schema } from "effect"

// #region schema
export class Message extends Schema.Opaque<Message>()(
  Schema.Struct({ _id: Schema.Int, room: Schema.String, sent: Bson.Date, text: Schema.String })
) {}

export class Messages extends TypedCollection.Service<Messages>()("chat/Messages", {
  name: "messages",
  schema: Message,
  indexes: [{ key: { room: 1, sent: -1, _id: -1 } }]
}) {}
// #endregion schema

export const message = (_id: number, minute: number): typeof Message.Type => ({
  _id,
  room: "tea",
  sent: new Date(Date.UTC(2026, 0, 1, 12, minute)),
  text: `message ${_id}`
})

export const Live = Messages.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer("chat")),
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
