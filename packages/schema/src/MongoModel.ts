/**
 * Fields of MongoDB for models of Effect: `Model` of `effect/schema`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Model from "effect/schema/Model"
import type * as VariantSchema from "effect/schema/VariantSchema"
import * as Driver from "mongodb"
import * as Bson from "./Bson.ts"

/**
 * The type of the field `ObjectIdGenerated`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ObjectIdGenerated extends
  VariantSchema.Field<{
    readonly select: Bson.ObjectId
    readonly insert: Schema.withConstructorDefault<Bson.ObjectId>
    readonly update: Bson.ObjectId
    readonly json: Bson.ObjectIdFromHex
    readonly jsonUpdate: Bson.ObjectIdFromHex
  }>
{}

/**
 * An `_id` that every insert makes anew. Its JSON is 24 hex digits.
 *
 * **Example** (A model)
 *
 * ```ts
 * import { Bson, MongoModel } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { Model } from "effect/schema"
 *
 * class User extends Model.Class<User>("User")({
 *   _id: MongoModel.ObjectIdGenerated,
 *   name: Schema.String,
 *   born: Bson.Date,
 *   createdAt: Model.DateTimeInsertFromDate
 * }) {}
 * ```
 *
 * @see {@link Bson.ObjectId} for an `_id` that your code makes
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const ObjectIdGenerated: ObjectIdGenerated = Model.Field({
  select: Bson.ObjectId,
  insert: Bson.ObjectId.pipe(Schema.withConstructorDefault(Effect.sync(() => new Driver.ObjectId()))),
  update: Bson.ObjectId,
  json: Bson.ObjectIdFromHex,
  jsonUpdate: Bson.ObjectIdFromHex
})
