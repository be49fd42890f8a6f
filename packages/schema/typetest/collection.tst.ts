/**
 * Uses of a typed collection that must compile, and uses that must not.
 *
 * @since 0.1.0
 */
import type { MongoDatabase } from "@mongofx/core"
import {
  Bson,
  type DocumentError,
  Filter,
  MongoModel,
  type Path,
  type Projection,
  type TypedChangeStream,
  TypedCollection,
  type TypedQuery,
  Update
} from "@mongofx/schema"
import { Context, type DateTime, Duration, Effect, type Layer, Option, type Result, Schema, SchemaGetter } from "effect"
import { Model } from "effect/schema"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

class Address extends Schema.Class<Address>("Address")({
  city: Schema.String,
  geo: Schema.Struct({ lat: Schema.Number, lon: Schema.Number })
}) {
  get label(): string {
    return this.city
  }
  hello(): string {
    return this.city
  }
}

const Circle = Schema.Struct({ kind: Schema.Literal("circle"), radius: Schema.Number })
const Square = Schema.Struct({ kind: Schema.Literal("square"), side: Schema.Number })

interface Category {
  readonly name: string
  readonly children: ReadonlyArray<Category>
}

const Category = Schema.Struct({
  name: Schema.String,
  children: Schema.Array(Schema.suspend((): Schema.Codec<Category> => Category))
})

class User extends Model.Class<User>("User")({
  _id: MongoModel.ObjectIdGenerated,
  name: Schema.String,
  email: Schema.String.pipe(Schema.brand("Email")),
  age: Schema.Int,
  born: Bson.Date,
  joined: Schema.DateTimeUtcFromDate,
  views: Bson.Int64,
  status: Schema.Literals(["on", "off"]),
  tags: Schema.Array(Schema.String),
  address: Schema.optionalKey(Address),
  nick: Schema.NullOr(Schema.String),
  items: Schema.Array(Schema.Struct({ sku: Schema.String, count: Schema.Int, sizes: Schema.Array(Schema.Number) })),
  scores: Schema.Record(Schema.String, Schema.Number),
  homes: Schema.Record(Schema.String, Schema.Struct({ city: Schema.String, rooms: Schema.Number })),
  shape: Schema.Union([Circle, Square]),
  category: Category,
  secret: Schema.optionalKey(Schema.Redacted(Schema.String)),
  createdAt: Model.DateTimeInsertFromDate
}) {}

declare const db: MongoDatabase.MongoDatabase
declare const id: Driver.ObjectId
declare const utc: DateTime.Utc
declare const address: Address
const users = TypedCollection.make(db, "users", User)

describe("the ten mistakes", () => {
  it("are refused", () => {
    // 1. a misspelt field in a filter
    expect(users.find).type.not.toBeCallableWith({ nmae: "Ada" })
    // 2. a misspelt field in an update
    expect(users.updateOne).type.not.toBeCallableWith({ name: "Ada" }, { $set: { nmae: "Ada" } })
    // 3. a misspelt field in a sort order
    expect(users.find().sort).type.not.toBeCallableWith({ nmae: 1 })
    // 4. a misspelt field in an index
    expect(users.createIndex).type.not.toBeCallableWith({ nmae: 1 })
    // 5. a wrong type under a dotted path
    expect(users.find).type.not.toBeCallableWith({ "address.city": 3 })
    // 6. an unknown operator
    expect(users.updateOne).type.not.toBeCallableWith({ name: "Ada" }, { $sett: { name: "Ada" } })
    // 7. a wrong type inside of $and
    expect(users.find).type.not.toBeCallableWith({ $and: [{ age: "x" }] })
    // 8. an unknown stage
    expect(users.aggregate).type.not.toBeCallableWith(Schema.Unknown, [{ $mtach: { name: "Ada" } }])
    // 9. a projection that has nothing to do with the collection
    expect(users.find().project).type.not.toBeCallableWith({ total: 1 })
    expect(users.find().project).type.not.toBeCallableWith(Schema.Struct({ total: Schema.Number }))
    expect(users.findOne).type.not.toBeCallableWith({}, { projection: { total: 1 } })
    expect(users.findOneAndDelete).type.not.toBeCallableWith({}, { projection: { total: 1 } })
    // 10. the stored form of a value, or that of another codec, in place of the decoded one
    expect(users.find).type.not.toBeCallableWith({ born: "2026-01-01" })
    expect(users.find).type.not.toBeCallableWith({ joined: new Date() })
  })
})

describe("forty correct forms", () => {
  it("of filters", () => {
    expect(users.find).type.toBeCallableWith()
    expect(users.find).type.toBeCallableWith({})
    expect(users.find).type.toBeCallableWith({ name: "Ada" })
    expect(users.find).type.toBeCallableWith({ _id: id, age: 36 })
    expect(users.find).type.toBeCallableWith({ age: { $gte: 18, $lt: 65 } })
    expect(users.find).type.toBeCallableWith({ born: { $lt: new Date() }, joined: { $gt: utc } })
    expect(users.find).type.toBeCallableWith({ views: { $in: [1n, 2n] } })
    expect(users.find).type.toBeCallableWith({ status: { $in: ["on"] }, nick: null })
    expect(users.find).type.toBeCallableWith({ name: /^A/, nick: { $regex: "a", $options: "i" } })
    expect(users.find).type.toBeCallableWith({ tags: "admin" })
    expect(users.find).type.toBeCallableWith({ tags: ["admin", "author"] })
    expect(users.find).type.toBeCallableWith({ tags: { $all: ["admin"], $size: 2 }, "tags.0": "admin" })
    expect(users.find).type.toBeCallableWith({ tags: { $elemMatch: { $gt: "a", $lt: "b" } } })
    expect(users.find).type.toBeCallableWith({ "address.city": "London", "address.geo.lat": { $gt: 0 } })
    expect(users.find).type.toBeCallableWith({ address: { $exists: false } })
    expect(users.find).type.toBeCallableWith({ address })
    expect(users.find).type.toBeCallableWith({ "items.sku": "a", "items.0.count": { $mod: [2, 0] } })
    expect(users.find).type.toBeCallableWith({ items: { $elemMatch: { sku: "a", count: { $gt: 1 }, sizes: 3 } } })
    expect(users.find).type.toBeCallableWith({ "scores.math": { $gte: 1 }, "homes.main.city": "Paris" })
    expect(users.find).type.toBeCallableWith({ "shape.kind": "circle", "shape.radius": 1 })
    expect(users.find).type.toBeCallableWith({ shape: { kind: "square", side: 1 } })
    expect(users.find).type.toBeCallableWith({ "category.children.children.children.name": "x" })
    expect(users.find).type.toBeCallableWith({ $or: [{ name: "Ada" }, { $and: [{ age: 1 }, { $nor: [{ age: 2 }] }] }] })
    expect(users.find).type.toBeCallableWith({ age: { $not: { $gt: 3 } }, $comment: "why", $text: { $search: "x" } })
    expect(users.find).type.toBeCallableWith(Filter.unsafe({ $where: "true" }))
    expect(users.deleteMany).type.toBeCallableWith(Filter.values({ name: {} as unknown }))
    expect(users.find).type.toBeCallableWith({
      $and: [Filter.unsafe({ $expr: {} })],
      "address.geo": Filter.unsafe({ $near: {} })
    })
  })

  it("of updates", () => {
    const filter: Filter.Filter<User> = { name: "Ada" }
    expect(users.updateOne).type.toBeCallableWith(filter, { $set: { name: "Ada", "address.city": "Paris" } })
    expect(users.updateOne).type.toBeCallableWith(filter, { $set: { born: new Date(), joined: utc, nick: null } })
    expect(users.updateOne).type.toBeCallableWith(filter, { $unset: { address: true, "scores.x": "" } })
    expect(users.updateOne).type.toBeCallableWith(filter, { $inc: { age: 1, views: 1n, "items.$.count": 1 } })
    expect(users.updateOne).type.toBeCallableWith(filter, {
      $push: { tags: "x", "items.0.sizes": { $each: [1], $slice: 3 } }
    })
    expect(users.updateOne).type.toBeCallableWith(filter, { $addToSet: { tags: { $each: ["x"] } }, $pop: { items: 1 } })
    expect(users.updateOne).type.toBeCallableWith(filter, { $pull: { tags: { $in: ["x"] }, items: { sku: "a" } } })
    expect(users.updateOne).type.toBeCallableWith(filter, {
      $set: { "items.$[].count": 1, "items.$[i].sizes.$[s]": 2 }
    }, {
      arrayFilters: [{ "i.sku": "a" }, { s: { $gt: 1 } }]
    })
    expect(users.updateOne).type.toBeCallableWith(filter, [{ $set: { name: "Ada" } }, { $unset: ["address"] }])
    expect(users.updateOne).type.toBeCallableWith(filter, [{ $set: { age: Update.unsafe({ $add: ["$age", 1] }) } }])
    expect(users.updateOne).type.toBeCallableWith(filter, Update.unsafe({ $rename: { a: "b" } }), { upsert: true })
  })

  it("of everything else", () => {
    expect(users.find().sort).type.toBeCallableWith({ age: -1, "address.city": "asc", _id: 1 })
    expect(users.createIndex).type.toBeCallableWith({ name: "text", "items.sku": 1, "$**": 1 }, {
      partialFilterExpression: { age: { $gt: 1 } }
    })
    expect(users.find().project).type.toBeCallableWith({ name: 1, "address.geo.lat": true, _id: 0 })
    expect(users.find().project).type.toBeCallableWith({ items: { $elemMatch: { sku: "a" } }, tags: { $slice: 3 } })
    expect(users.distinct).type.toBeCallableWith("items.sizes", { name: "Ada" })
    expect(users.aggregate).type.toBeCallableWith(Schema.Unknown, [{ $match: {} }, Filter.unsafe({ $new: 1 })])
    expect(users.findOneAndUpdate).type.toBeCallableWith({ name: "Ada" }, { $set: { age: 1 } }, {
      sort: { age: 1 },
      returnDocument: "after",
      projection: { age: 1 }
    })
    expect(users.dropIndex).type.toBeCallableWith("age_1")
    expect(users.dropIndex).type.toBeCallableWith({ age: 1, "items.sku": 1 })
  })
})

describe("options", () => {
  it("are refused if they are never sent", () => {
    expect(users.insertMany).type.toBeCallableWith([], { ordered: false, comment: "why" })
    expect(users.insertMany).type.not.toBeCallableWith([], { let: { a: 1 } })
    expect(users.bulkWrite).type.toBeCallableWith([], { ordered: false, let: { a: 1 } })
    expect(users.bulkWrite).type.not.toBeCallableWith([], { collation: { locale: "en" } })
    expect(users.deleteMany).type.not.toBeCallableWith({}, { readConcern: "local" })
  })
})

describe("filters", () => {
  it("refuse unknown paths", () => {
    expect(users.find).type.not.toBeCallableWith({ "address.cty": "x" })
    expect(users.find).type.not.toBeCallableWith({ "address.hello": "x" })
    expect(users.find).type.not.toBeCallableWith({ "items.first.sku": "a" })
    expect(users.find).type.not.toBeCallableWith({ "born.getTime": 1 })
    expect(users.find).type.not.toBeCallableWith({ "name.length": 1 })
    expect(users.find).type.not.toBeCallableWith({ "secret.x": 1 })
    expect(users.find).type.not.toBeCallableWith({ "shape.width": 1 })
    expect(users.find).type.not.toBeCallableWith({ "items.$.sku": "a" })
  })

  it("refuse operands of other types", () => {
    expect(users.find).type.not.toBeCallableWith({ age: { $gte: "18" } })
    expect(users.find).type.not.toBeCallableWith({ age: { $in: ["18"] } })
    expect(users.find).type.not.toBeCallableWith({ email: "x" })
    expect(users.find).type.not.toBeCallableWith({ views: 1 })
    expect(users.find).type.not.toBeCallableWith({ status: "broken" })
    expect(users.find).type.not.toBeCallableWith({ name: null })
    expect(users.find).type.not.toBeCallableWith({ name: undefined })
    expect(users.find).type.not.toBeCallableWith({ name: { $eq: undefined } })
    expect(users.find).type.not.toBeCallableWith({ _id: "507f1f77bcf86cd799439011" })
    expect(users.find).type.not.toBeCallableWith({ tags: 1 })
    expect(users.find).type.not.toBeCallableWith({ tags: { $all: [1] } })
    expect(users.find).type.not.toBeCallableWith({ "scores.x": "a" })
    expect(users.find).type.not.toBeCallableWith({ "homes.x.rooms": "a" })
    expect(users.find).type.not.toBeCallableWith({ shape: { kind: "circle", side: 1 } })
    expect(users.find).type.not.toBeCallableWith({ items: { $elemMatch: { sku: 1 } } })
    expect(users.find).type.not.toBeCallableWith("Ada")
  })

  it("refuse unknown operators", () => {
    expect(users.find).type.not.toBeCallableWith({ age: { $gtt: 1 } })
    expect(users.find).type.not.toBeCallableWith({ age: { $regex: "x" } })
    expect(users.find).type.not.toBeCallableWith({ name: { $size: 1 } })
    expect(users.find).type.not.toBeCallableWith({ name: { $elemMatch: {} } })
    expect(users.find).type.not.toBeCallableWith({ name: { $mod: [1, 0] } })
    expect(users.find).type.not.toBeCallableWith({ $where: "true" })
    expect(users.find).type.not.toBeCallableWith({ $expr: {} })
    expect(users.find).type.not.toBeCallableWith({ items: { $elemMatch: { skuu: "x" } } })
    expect(users.find).type.not.toBeCallableWith({ $or: [{ $where: "true" }] })
    expect(users.find).type.not.toBeCallableWith({ $or: { name: "x" } })
  })

  it("refuse values of Effect", () => {
    expect(users.deleteMany).type.not.toBeCallableWith(Option.none())
    expect(users.deleteMany).type.not.toBeCallableWith(Option.some({ name: "Ada" }))
    expect(users.deleteMany).type.not.toBeCallableWith(Duration.seconds(1))
    expect(users.deleteMany).type.not.toBeCallableWith(new Map([["name", "Ada"]]))
    expect(users.deleteMany).type.not.toBeCallableWith(Effect.succeed({ name: "Ada" }))
  })

  it("are required where they choose the documents to change", () => {
    expect(users.deleteOne).type.not.toBeCallableWith()
    expect(users.deleteMany).type.not.toBeCallableWith()
    expect(users.updateMany).type.not.toBeCallableWith()
    expect(users.findOneAndDelete).type.not.toBeCallableWith()
  })

  it("are checked by every operation", () => {
    expect(users.findOne).type.not.toBeCallableWith({ nmae: "x" })
    expect(users.countDocuments).type.not.toBeCallableWith({ nmae: "x" })
    expect(users.deleteOne).type.not.toBeCallableWith({ nmae: "x" })
    expect(users.deleteMany).type.not.toBeCallableWith({ nmae: "x" })
    expect(users.findOneAndDelete).type.not.toBeCallableWith({ nmae: "x" })
    expect(users.distinct).type.not.toBeCallableWith("name", { nmae: "x" })
    expect(users.bulkWrite).type.not.toBeCallableWith([{ deleteOne: { filter: { nmae: "x" } } }])
  })
})

describe("updates", () => {
  const refused = Update.make<User>()

  it("are typed by path and operator", () => {
    expect(refused).type.not.toBeCallableWith({ $set: { name: 1 } })
    expect(refused).type.not.toBeCallableWith({ $set: { name: undefined } })
    expect(refused).type.not.toBeCallableWith({ $set: { "items.sku": "a" } })
    expect(refused).type.not.toBeCallableWith({ $set: { "items.$[i].sku": 1 } })
    expect(refused).type.not.toBeCallableWith({ $set: { "items.$[i].sizes.$[s]": "x" } })
    expect(refused).type.not.toBeCallableWith({ $unset: { name: true } })
    expect(refused).type.not.toBeCallableWith({ $inc: { name: 1 } })
    expect(refused).type.not.toBeCallableWith({ $inc: { views: 1 } })
    expect(refused).type.not.toBeCallableWith({ $push: { name: "x" } })
    expect(refused).type.not.toBeCallableWith({ $push: { tags: 1 } })
    expect(refused).type.not.toBeCallableWith({ $push: { tags: { $each: [1] } } })
    expect(refused).type.not.toBeCallableWith({ $addToSet: { tags: { $each: ["x"], $slice: 1 } } })
    expect(refused).type.not.toBeCallableWith({ $pull: { items: { skuu: "x" } } })
    expect(refused).type.not.toBeCallableWith({ $pop: { tags: 2 } })
    expect(refused).type.not.toBeCallableWith({ $rename: { name: "x" } })
    expect(refused).type.not.toBeCallableWith({ name: "Ada" })
    expect(refused).type.not.toBeCallableWith([{ $set: { nmae: "Ada" } }])
    expect(refused).type.not.toBeCallableWith([{ $out: "x" }])
    expect(refused).type.not.toBeCallableWith([{ $unset: "name" }])
  })
})

describe("inserts", () => {
  it("take the variant insert, and may leave out fields with a default", () => {
    expect(users.insertOne).type.not.toBeCallableWith({ name: "Ada" })
    expect<TypedCollection.Insert<typeof User>["_id"]>().type.toBe<Driver.ObjectId | undefined>()
    const Plain = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
    expect<{ readonly name: string }>().type.toBeAssignableTo<TypedCollection.Insert<typeof Plain>>()
    const Keyed = Schema.Struct({ _id: Schema.String, name: Schema.String })
    expect<{ readonly name: string }>().type.not.toBeAssignableTo<TypedCollection.Insert<typeof Keyed>>()
    const keyed = TypedCollection.make(db, "keyed", Keyed)
    expect(keyed.insertOne({ _id: "a", name: "b" })).type.toBe<
      Effect.Effect<TypedCollection.InsertOneResult<typeof Keyed.Type>, TypedQuery.Failure>
    >()
    expect<TypedCollection.InsertOneResult<typeof Keyed.Type>["insertedId"]>().type.toBe<string>()
    expect(keyed.replaceOne).type.toBeCallableWith({ _id: "a" }, { name: "c" })
    expect(keyed.replaceOne).type.not.toBeCallableWith({ _id: "a" }, { nmae: "c" })
  })
})

describe("results", () => {
  type Of<Q> = Q extends Effect.Effect<ReadonlyArray<infer A>, any, any> ? A : never

  it("are decoded", () => {
    expect<Of<ReturnType<typeof users.find>>>().type.toBe<User>()
    expect<TypedQuery.Failure["isRetryable" | "isTransient"]>().type.toBe<boolean>()
    expect(users.findOne({ name: "Ada" })).type.toBe<Effect.Effect<Option.Option<User>, TypedQuery.Failure>>()
    const collected = users.find().onInvalid("collect")
    expect<Of<typeof collected>>().type.toBe<Result.Result<User, DocumentError.DocumentError>>()
    expect(users.find().onInvalid("skip")).type.toBe<TypedQuery.FindQuery<User>>()
  })

  it("follow the projection", () => {
    type P<Q> = Projection.Projected<User, Q>
    expect<P<{ readonly name: 1 }>>().type.toBe<{ readonly name: string; readonly _id: Driver.ObjectId }>()
    expect<P<{ readonly name: true; readonly _id: 0 }>>().type.toBe<{ readonly name: string }>()
    expect<P<{ readonly address: 1; readonly _id: 0 }>>().type.toBe<{ readonly address?: Address }>()
    expect<P<{ readonly "address.city": 1; readonly _id: 0 }>>().type.toBe<
      { readonly address?: { readonly city: string } }
    >()
    expect<P<{ readonly "items.sku": 1; readonly _id: 0 }>>().type.toBe<
      { readonly items: ReadonlyArray<{ readonly sku: string }> }
    >()
    expect<P<{ readonly _id: 1 }>>().type.toBe<{ readonly _id: Driver.ObjectId }>()
    type Excluded = P<{ readonly items: 0; readonly "address.geo": 0; readonly _id: 0 }>
    expect<Excluded["name"]>().type.toBe<string>()
    expect<Exclude<keyof User, keyof Excluded>>().type.toBe<"_id" | "items">()
    expect<keyof NonNullable<Excluded["address"]>>().type.toBe<"city" | "label">()
    interface Loose {
      readonly home: { readonly city: string } | null
      readonly work?: { readonly city: string }
      readonly either: { readonly city: string } | string
      readonly past: ReadonlyArray<{ readonly city: string } | null>
      readonly n: number
    }
    // A field behind a value that may be another type than an object may be absent.
    expect<Projection.Projected<Loose, { readonly "home.city": 1 }>>().type.toBe<
      { readonly home?: { readonly city: string } }
    >()
    expect<Projection.Projected<Loose, { readonly "work.city": 1 }>>().type.toBe<
      { readonly work?: { readonly city: string } }
    >()
    expect<Projection.Projected<Loose, { readonly "either.city": 1 }>>().type.toBe<
      { readonly either?: { readonly city: string } }
    >()
    expect<Projection.Projected<Loose, { readonly "past.city": 1 }>>().type.toBe<
      { readonly past: ReadonlyArray<{ readonly city: string }> }
    >()
    expect<Projection.Projected<Loose, { readonly "home.city": 0 }>["home"]>().type.toBe<{} | null>()
    expect<Projection.Projected<Loose, { readonly n: 1; readonly score: { readonly $meta: "textScore" } }>>().type.toBe<
      { readonly n: number; readonly score: number }
    >()
    // A record may lack the key. The name of a field may consist of digits.
    interface Named {
      readonly years: Record<string, number>
      readonly digits: { readonly 7: string; readonly "8": string; readonly n: number }
    }
    expect<Projection.Projected<Named, { readonly "years.2024": 1 }>>().type.toBe<
      { readonly years: { readonly 2024?: number } }
    >()
    expect<Projection.Projected<Named, { readonly "digits.7": 1; readonly "digits.8": 1 }>>().type.toBe<
      { readonly digits: { readonly 7: string; readonly "8": string } }
    >()
    expect<Projection.Projected<Named, { readonly "digits.7": 0; readonly years: 0 }>>().type.toBe<
      { readonly digits: { readonly "8": string; readonly n: number } }
    >()
    // If only the query knows the projection, any field may be missing.
    interface Plain {
      readonly n: number
      readonly home: { readonly city: string } | null
      readonly past: ReadonlyArray<{ readonly city: string }>
    }
    interface Partly {
      readonly n?: number
      readonly home?: { readonly city?: string } | null
      readonly past?: ReadonlyArray<{ readonly city?: string }>
    }
    expect<Projection.Projected<Plain, { readonly n: 0 | 1 }>>().type.toBe<Partly>()
    expect<Projection.Projected<Plain, { readonly n: 1; readonly home: boolean }>>().type.toBe<Partly>()
    expect<Projection.Projected<Plain, { readonly n: 1; readonly home?: 1 }>>().type.toBe<Partly>()
    expect<Projection.Projected<Plain, Record<string, 1>>>().type.toBe<Partly>()
    expect<Projection.Projected<Plain, Projection.Projection<Plain>>>().type.toBe<Partly>()
    const projected = users.find().project({ age: 1, _id: 0 })
    expect<Of<typeof projected>>().type.toBe<{ readonly age: number }>()
    expect(users.findOne({}, { projection: { age: 1, _id: 0 } })).type.toBe<
      Effect.Effect<Option.Option<{ readonly age: number }>, TypedQuery.Failure>
    >()
  })

  it("of distinct follow the path", () => {
    expect<Of<ReturnType<typeof users.distinct<"tags">>>>().type.toBe<string>()
    expect<Of<ReturnType<typeof users.distinct<"items.sizes">>>>().type.toBe<number>()
    expect<Of<ReturnType<typeof users.distinct<"items.0.sku">>>>().type.toBe<string>()
    expect<Of<ReturnType<typeof users.distinct<"scores.math">>>>().type.toBe<number>()
    expect<Of<ReturnType<typeof users.distinct<"nick">>>>().type.toBe<string | null>()
    expect(users.distinct).type.not.toBeCallableWith("nmae")
  })

  it("of change streams are decoded", () => {
    type Event = TypedChangeStream.ChangeEvent<User>
    expect<Extract<Event, { readonly operationType: "insert" }>["fullDocument"]>().type.toBe<User>()
  })
})

describe("services", () => {
  class Salt extends Context.Service<Salt, { readonly salt: string }>()("Salt") {}
  class Pepper extends Context.Service<Pepper, { readonly pepper: string }>()("Pepper") {}
  const Salted = Schema.String.pipe(Schema.decodeTo(Schema.String, {
    decode: SchemaGetter.transformEffect((text: string) => Salt.useSync(() => text)),
    encode: SchemaGetter.transformEffect((text: string) => Pepper.useSync(() => text))
  }))
  const notes = TypedCollection.make(db, "notes", Schema.Struct({ text: Salted }))

  it("of codecs are required by operations that decode or encode", () => {
    expect(notes.deleteOne({})).type.toBe<Effect.Effect<Driver.DeleteResult, TypedQuery.Failure, Pepper>>()
    expect(notes.countDocuments()).type.toBe<Effect.Effect<number, TypedQuery.Failure, Pepper>>()
    expect(notes.findOne({})).type.toBe<
      Effect.Effect<Option.Option<{ readonly text: string }>, TypedQuery.Failure, Salt | Pepper>
    >()
    expect(notes.drop()).type.toBeAssignableTo<Effect.Effect<boolean, TypedQuery.Failure>>()
    expect(notes.estimatedDocumentCount()).type.toBeAssignableTo<Effect.Effect<number, TypedQuery.Failure>>()
  })

  class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}

  it("of collections have a layer", () => {
    expect(Users.layer).type.toBe<Layer.Layer<Users, never, MongoDatabase.MongoDatabase>>()
    expect(Users.useSync((users) => users)).type.toBe<
      Effect.Effect<TypedCollection.TypedCollection<typeof User>, never, Users>
    >()
  })
})

describe("paths", () => {
  it("lead to values", () => {
    expect<Path.ValueAt<User, "address.geo.lat">>().type.toBe<number>()
    expect<Path.ValueAt<User, "items.3.sku">>().type.toBe<string>()
    expect<Path.ValueAt<User, "shape.kind">>().type.toBe<"circle" | "square">()
    expect<Path.ValueAt<User, "_id">>().type.toBe<Driver.ObjectId>()
    expect<Path.ValueAt<{ readonly a: number }, "_id">>().type.toBe<Driver.ObjectId>()
  })
})
