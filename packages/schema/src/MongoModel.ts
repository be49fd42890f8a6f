/**
 * Models for MongoDB: fields for `Model` of `effect/schema`, and repositories for the collections of models.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Model from "effect/schema/Model"
import type * as VariantSchema from "effect/schema/VariantSchema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaParser from "effect/SchemaParser"
import * as Driver from "mongodb"
import * as Bson from "./Bson.ts"
import * as internal from "./internal/repository/repository.ts"
import type { Made, Options } from "./Repository.ts"
import type { TypedCollection } from "./TypedCollection.ts"

// ---- identifiers

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
 * @see {@link generatedId} for an `_id` with a brand
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

/**
 * The schema of an ObjectId, with a brand or without one.
 *
 * @see {@link generatedId} for one of the fields that are made of it
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type IdSchema = Schema.Top & Schema.WithoutConstructorDefault & {
  readonly Type: Driver.ObjectId
  readonly Encoded: Driver.ObjectId
}

/**
 * The schema of an id in JSON: 24 hex digits for an ObjectId, the schema itself for other ids.
 *
 * @see {@link ref} for a field that has it
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Json<Id extends Schema.Top> = Id["Encoded"] extends Driver.ObjectId
  ? Schema.decodeTo<Id, Bson.ObjectIdFromHex>
  : Id

/**
 * The type of the fields that `generatedId` makes.
 *
 * @see {@link generatedId} for how to make one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface GeneratedId<Id extends IdSchema> extends
  VariantSchema.Field<{
    readonly select: Id
    readonly insert: Schema.withConstructorDefault<Id>
    readonly update: Id
    readonly json: Json<Id>
    readonly jsonUpdate: Json<Id>
  }>
{}

/** Ids in JSON. Only ObjectIds need another form there. */
const jsonOf = <Id extends Schema.Top>(id: Id): Json<Id> =>
  (isObjectId(SchemaAST.toEncoded(id.ast))
    ? Bson.ObjectIdFromHex.pipe(Schema.decodeTo(id as unknown as Bson.ObjectId))
    : id) as Json<Id>

const isObjectId = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Union"
    ? ast.types.length > 0 && ast.types.every(isObjectId)
    : ast._tag === "Declaration" && SchemaParser.is(Schema.make<Schema.Codec<unknown>>(ast))(new Driver.ObjectId())

/**
 * An `_id` that every insert makes anew, of a schema with a brand, so that the ids of two collections are two types. Its JSON is
 * 24 hex digits.
 *
 * **Example** (A branded id)
 *
 * ```ts
 * import { Bson, MongoModel } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { Model } from "effect/schema"
 *
 * const UserId = Bson.ObjectId.pipe(Schema.brand("UserId"))
 *
 * class User extends Model.Class<User>("User")({
 *   _id: MongoModel.generatedId(UserId),
 *   name: Schema.String
 * }) {}
 * ```
 *
 * @see {@link ObjectIdGenerated} for an `_id` without a brand
 * @see {@link ref} for the fields that hold such an id
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const generatedId = <Id extends IdSchema>(id: Id): GeneratedId<Id> => {
  const json = jsonOf(id)
  return Model.Field({
    select: id,
    insert: id.pipe(Schema.withConstructorDefault(Effect.sync(() => new Driver.ObjectId()))),
    update: id,
    json,
    jsonUpdate: json
  }) as unknown as GeneratedId<Id>
}

/**
 * The type of the field `ObjectId`, and of the fields that `ref` makes: `Id` is the schema of the id.
 *
 * @see {@link ref} for how to make one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Ref<Id extends Schema.Top> extends
  VariantSchema.Field<{
    readonly select: Id
    readonly insert: Id
    readonly update: Id
    readonly json: Json<Id>
    readonly jsonCreate: Json<Id>
    readonly jsonUpdate: Json<Id>
  }>
{}

const referring = <Id extends Schema.Top>(id: Id): Ref<Id> => {
  const json = jsonOf(id)
  return Model.Field({
    select: id,
    insert: id,
    update: id,
    json,
    jsonCreate: json,
    jsonUpdate: json
  }) as unknown as Ref<Id>
}

/**
 * An ObjectId. Its JSON is 24 hex digits.
 *
 * **Example** (An id that the caller gives)
 *
 * ```ts
 * import { MongoModel } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { Model } from "effect/schema"
 *
 * class Visit extends Model.Class<Visit>("Visit")({
 *   _id: MongoModel.ObjectIdGenerated,
 *   page: MongoModel.ObjectId,
 *   referrer: Model.FieldOption(MongoModel.ObjectId),
 *   count: Schema.Int
 * }) {}
 * ```
 *
 * @see {@link ref} for the id of a document of a collection
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const ObjectId: Ref<Bson.ObjectId> = referring(Bson.ObjectId)

/**
 * What a reference may lead to: a collection, its service, a model, or the schema of an id.
 *
 * @see {@link ref} for the function that takes it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Target = Schema.Top | WithId | { readonly schema: WithId }

interface WithId {
  readonly fields: { readonly _id: Schema.Top }
}

/**
 * The schema of the ids that lead to a target.
 *
 * @see {@link ref} for the field that it makes
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type IdOf<T> = T extends
  { readonly schema: { readonly fields: { readonly _id: infer Id extends Schema.Top } } } ? Id
  : T extends { readonly fields: { readonly _id: infer Id extends Schema.Top } } ? Id
  : T extends Schema.Top ? T
  : never

const idOf = (target: Target): Schema.Top => {
  if ("schema" in target && hasId(target.schema)) return target.schema.fields._id
  return hasId(target) ? target.fields._id : target as Schema.Top
}

/** Schemas with a brand have a `schema` too, which lacks their checks. */
const hasId = (target: object): target is WithId => Object.hasOwn((target as Partial<WithId>).fields ?? {}, "_id")

/**
 * A reference: the `_id` of a document of a collection, with its brand. The JSON of an ObjectId is 24 hex digits.
 *
 * **When to use**
 *
 * Give it the service of the collection, its model, or the schema of the id. The last one is for documents that refer to each
 * other or to documents of their own collection.
 *
 * **Details**
 *
 * It checks the type of the id, not that there is such a document.
 *
 * **Example** (Posts with authors)
 *
 * ```ts
 * import { Bson, MongoModel, TypedCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { Model } from "effect/schema"
 *
 * const UserId = Bson.ObjectId.pipe(Schema.brand("UserId"))
 *
 * class User extends Model.Class<User>("User")({
 *   _id: MongoModel.generatedId(UserId),
 *   name: Schema.String
 * }) {}
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * class Post extends Model.Class<Post>("Post")({
 *   _id: MongoModel.ObjectIdGenerated,
 *   author: MongoModel.ref(Users),
 *   reviewer: Model.FieldOption(MongoModel.ref(UserId)),
 *   text: Schema.String
 * }) {}
 * ```
 *
 * @see {@link generatedId} for the `_id` that it refers to
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const ref = <T extends Target>(target: T): Ref<IdOf<T>> => referring(idOf(target) as IdOf<T>)

// ---- embedded documents

/**
 * A model whose documents are embedded in others.
 *
 * @see {@link arrayOf} for the field that holds them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Embedded =
  & Schema.Top
  & {
    readonly [V in Exclude<Variant, "select">]: Schema.Top
  }

type Variant = "select" | "insert" | "update" | "json" | "jsonCreate" | "jsonUpdate"

/**
 * The type of the fields that `arrayOf` makes.
 *
 * @see {@link arrayOf} for how to make one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ArrayOf<M extends Embedded> extends
  VariantSchema.Field<{
    readonly select: Schema.$Array<M>
    readonly insert: Schema.$Array<M["insert"]>
    readonly update: Schema.$Array<M["update"]>
    readonly json: Schema.$Array<M["json"]>
    readonly jsonCreate: Schema.$Array<M["jsonCreate"]>
    readonly jsonUpdate: Schema.$Array<M["jsonUpdate"]>
  }>
{}

/**
 * An array of embedded documents that have a model: each variant of the field has that variant of the model, so that ids and money inside are
 * plain JSON where the document is JSON.
 *
 * **When to use**
 *
 * Use it for arrays. A model that stands for a field itself, `address: Address`, has its variants without it.
 *
 * **Example** (The lines of an order)
 *
 * ```ts
 * import { Bson, MongoModel } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { Model } from "effect/schema"
 *
 * const ProductId = Bson.ObjectId.pipe(Schema.brand("ProductId"))
 *
 * class Line extends Model.Class<Line>("Line")({
 *   product: MongoModel.ref(ProductId),
 *   count: Schema.Int,
 *   price: MongoModel.Money
 * }) {}
 *
 * class Order extends Model.Class<Order>("Order")({
 *   _id: MongoModel.ObjectIdGenerated,
 *   lines: MongoModel.arrayOf(Line)
 * }) {}
 * ```
 *
 * @see {@link ref} for references in them
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const arrayOf = <M extends Embedded>(model: M): ArrayOf<M> =>
  Model.Field({
    select: Schema.Array(model),
    insert: Schema.Array(model.insert),
    update: Schema.Array(model.update),
    json: Schema.Array(model.json),
    jsonCreate: Schema.Array(model.jsonCreate),
    jsonUpdate: Schema.Array(model.jsonUpdate)
  }) as unknown as ArrayOf<M>

// ---- what repositories keep current

/**
 * The type of the field `Version`.
 *
 * @see {@link Version} for the field
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Version extends
  VariantSchema.Field<{
    readonly select: Schema.Int
    readonly insert: Schema.withConstructorDefault<Schema.Int>
    readonly update: Schema.Int
    readonly json: Schema.Int
    readonly jsonUpdate: Schema.Int
  }>
{}

/**
 * The version of a document: 1 in a new one, and 1 more after each write of its repository. An update needs the version that it
 * was made from, also in JSON.
 *
 * **Example** (An account that nobody overwrites)
 *
 * ```ts
 * import { MongoModel } from "@mongofx/schema"
 * import { Model } from "effect/schema"
 *
 * class Account extends Model.Class<Account>("Account")({
 *   _id: MongoModel.ObjectIdGenerated,
 *   balance: MongoModel.Money,
 *   version: MongoModel.Version
 * }) {}
 * ```
 *
 * @see {@link makeRepository} for the option that names the field
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Version: Version = Model.Field({
  select: Schema.Int,
  insert: Schema.Int.pipe(Schema.withConstructorDefault(Effect.succeed(1))),
  update: Schema.Int,
  json: Schema.Int,
  jsonUpdate: Schema.Int
})

/**
 * The type of the field `DeletedAt`.
 *
 * @see {@link DeletedAt} for the field
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface DeletedAt extends
  VariantSchema.Field<{
    readonly select: Schema.withDecodingDefaultKey<Schema.NullOr<Schema.DateTimeUtcFromDate>>
    readonly insert: Schema.withConstructorDefault<Schema.NullOr<Schema.DateTimeUtcFromDate>>
    readonly json: Schema.NullOr<Schema.DateTimeUtcFromString>
  }>
{}

/**
 * The time at which a document was deleted softly, or null. Only `delete` and `restore` of a repository change it. It may be
 * missing from documents that are older than the field.
 *
 * **Example** (Names of users that are free again after a deletion)
 *
 * ```ts
 * import { MongoModel, TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 * import { Model } from "effect/schema"
 *
 * class User extends Model.Class<User>("User")({
 *   _id: MongoModel.ObjectIdGenerated,
 *   name: Schema.String,
 *   deletedAt: MongoModel.DeletedAt
 * }) {}
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * const setUp = Effect.gen(function*() {
 *   const users = yield* Users
 *   yield* users.createIndex({ name: 1 }, { unique: true, partialFilterExpression: { deletedAt: null } })
 * })
 * ```
 *
 * @see {@link makeRepository} for the option that names the field
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const DeletedAt: DeletedAt = Model.Field({
  select: Schema.NullOr(Schema.DateTimeUtcFromDate).pipe(Schema.withDecodingDefaultKey(Effect.succeed(null))),
  insert: Schema.NullOr(Schema.DateTimeUtcFromDate).pipe(Schema.withConstructorDefault(Effect.succeed(null))),
  json: Schema.NullOr(Schema.DateTimeUtcFromString)
})

/**
 * Two fields for the times at which a document was inserted and last updated. Spread them into a model.
 *
 * **Example** (A model with timestamps)
 *
 * ```ts
 * import { MongoModel } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { Model } from "effect/schema"
 *
 * class Note extends Model.Class<Note>("Note")({
 *   _id: MongoModel.ObjectIdGenerated,
 *   text: Schema.String,
 *   ...MongoModel.Timestamps
 * }) {}
 * ```
 *
 * @see {@link DeletedAt} for the time of a soft deletion
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Timestamps: {
  readonly createdAt: Model.DateTimeInsertFromDate
  readonly updatedAt: Model.DateTimeUpdateFromDate
} = { createdAt: Model.DateTimeInsertFromDate, updatedAt: Model.DateTimeUpdateFromDate }

/**
 * The type of the field `Money`.
 *
 * @see {@link Money} for the field
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Money extends
  VariantSchema.Field<{
    readonly select: Bson.BigDecimal
    readonly insert: Bson.BigDecimal
    readonly update: Bson.BigDecimal
    readonly json: Schema.BigDecimalFromString
    readonly jsonCreate: Schema.BigDecimalFromString
    readonly jsonUpdate: Schema.BigDecimalFromString
  }>
{}

/**
 * An amount of money: a `BigDecimal`, a Decimal128 in the database, and text in JSON. The text has no zeros at its end: 12.50 is
 * "12.5" there.
 *
 * **Example** (A price)
 *
 * ```ts
 * import { MongoModel } from "@mongofx/schema"
 * import { Schema } from "effect"
 * import { Model } from "effect/schema"
 *
 * class Product extends Model.Class<Product>("Product")({
 *   _id: MongoModel.ObjectIdGenerated,
 *   name: Schema.String,
 *   price: MongoModel.Money
 * }) {}
 * ```
 *
 * @see {@link Bson.BigDecimal} for the schema of what is stored
 * @stability unstable
 * @category schemas
 * @since 0.1.0
 */
export const Money: Money = Model.Field({
  select: Bson.BigDecimal,
  insert: Bson.BigDecimal,
  update: Bson.BigDecimal,
  json: Schema.BigDecimalFromString,
  jsonCreate: Schema.BigDecimalFromString,
  jsonUpdate: Schema.BigDecimalFromString
})

// ---- repositories

/**
 * Makes the repository of a typed collection: the operations that a program needs for its documents.
 *
 * **When to use**
 *
 * Use it for the documents that a program creates, reads, changes and deletes one by one. `collection` has filters, pipelines and
 * bulk writes.
 *
 * **Details**
 *
 * With the option `version`, no update is lost: `update` fails with a `StaleDocument` if somebody else was faster. With
 * `softDelete`, deleted documents stay, and reads leave them out. Lifecycle functions such as `afterInsert` run in the same
 * transaction as the write.
 *
 * **Gotchas**
 *
 * It throws a `MongoError` (`InvalidArgumentError`) if an option names a field that cannot hold a version or the time of a
 * deletion.
 *
 * **Example** (A repository as a service)
 *
 * ```ts
 * import { MongoModel, TypedCollection } from "@mongofx/schema"
 * import { Context, Effect, Layer, Schema } from "effect"
 * import { Model } from "effect/schema"
 *
 * class User extends Model.Class<User>("User")({
 *   _id: MongoModel.ObjectIdGenerated,
 *   email: Schema.String,
 *   version: MongoModel.Version,
 *   deletedAt: MongoModel.DeletedAt,
 *   ...MongoModel.Timestamps
 * }) {}
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * const makeUsers = Effect.map(Users, (users) =>
 *   MongoModel.makeRepository(users, {
 *     version: "version",
 *     softDelete: "deletedAt",
 *     beforeInsert: ({ email }) => Effect.succeed({ email: email.toLowerCase() })
 *   }))
 *
 * class UserRepository extends Context.Service<UserRepository, Effect.Success<typeof makeUsers>>()("app/UserRepository") {
 *   static readonly layer = Layer.effect(this, makeUsers)
 * }
 *
 * const program = Effect.gen(function*() {
 *   const users = yield* UserRepository
 *   const ada = yield* users.insert({ email: "Ada@Example.com" })
 *   const changed = yield* users.update({ ...ada, email: "countess@example.com" })
 *   yield* users.delete(changed._id)
 *   return yield* users.restore(changed._id)
 * })
 * ```
 *
 * @see {@link Repository.Repository} for its operations
 * @see {@link Repository.Options} for the options
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const makeRepository = <S extends Schema.Constraint, const O extends object = {}>(
  collection: TypedCollection<S>,
  options?: O & Options<S> & NoOthers<O>
): Made<S, O> => internal.makeRepository(collection as never, (options ?? {}) as never) as unknown as Made<S, O>

/** Refuses options that do not exist: the type of an argument that is inferred may have any. */
type NoOthers<O> = { readonly [K in Exclude<keyof O, keyof Options<Schema.Constraint>>]: never }
