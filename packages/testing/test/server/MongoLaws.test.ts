import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Bson, MongoModel, TypedCollection } from "@mongofx/schema"
import { MongoLaws, MongoTest } from "@mongofx/testing"
import { Effect, Layer, Schema, SchemaGetter } from "effect"
import { Model } from "effect/schema"
import { seeded } from "test-support/utils"

const Address = Schema.Struct({ city: Schema.String, zip: Schema.NumberFromString.check(Schema.isInt()) })

class Order extends Schema.Class<Order>("test/Order")({
  _id: Bson.ObjectId,
  customer: Schema.NullOr(Schema.String),
  total: Bson.Int64,
  weight: Schema.Number,
  open: Schema.Boolean,
  at: Bson.Date,
  paid: Schema.DateTimeUtcFromDate,
  price: Bson.BigDecimal,
  note: Schema.OptionFromOptionalKey(Schema.String),
  coupon: Schema.OptionFromNullOr(Schema.Literals(["ten", "twenty"])),
  address: Schema.optionalKey(Address),
  pattern: Bson.BSONRegExp,
  tags: Schema.Array(Schema.String),
  items: Schema.Array(Schema.Struct({ sku: Schema.String, count: Schema.Int, sizes: Schema.Array(Schema.Int) })),
  extra: Schema.Record(Schema.String, Schema.Int)
}) {}

class Person extends Model.Class<Person>("test/Person")({
  _id: MongoModel.ObjectIdGenerated,
  name: Schema.String,
  createdAt: Model.DateTimeInsertFromDate
}) {}

class Orders extends TypedCollection.Service<Orders>()("test/Orders", {
  name: "orders",
  schema: Order,
  bsonRegExp: true
}) {}
class People extends TypedCollection.Service<People>()("test/People", { name: "people", schema: Person }) {}

const layer = Layer.mergeAll(Orders.layer, People.layer).pipe(Layer.provideMerge(MongoTest.layer))

/** Text whose transformation is wrong in one way. */
const transformed = (
  parts: { readonly decode?: (text: string) => string; readonly encode?: (text: string) => string }
) =>
  Schema.String.pipe(Schema.decodeTo(Schema.String, {
    decode: SchemaGetter.transform(parts.decode ?? ((text) => text)),
    encode: SchemaGetter.transform(parts.encode ?? ((text) => text))
  }))

const Lossy = transformed({ encode: (text) => text.trim() })

const collectionOf = <S extends Schema.Constraint>(schema: S, name = "law") =>
  Effect.map(MongoDatabase.MongoDatabase, (db) => TypedCollection.make(db, name, schema))

/** The parts of a collection that laws use. */
const pick = <S extends Schema.Constraint>(collection: MongoLaws.Collection<S>): MongoLaws.Collection<S> => ({
  name: collection.name,
  schema: collection.schema,
  untyped: collection.untyped,
  find: (filter) => collection.find(filter),
  insertMany: (documents) => collection.insertMany(documents)
})

describe("MongoLaws", () => {
  it.live(
    "hold for a collection with transformations, options, arrays and embedded documents",
    () =>
      seeded(Effect.gen(function*() {
        yield* MongoLaws.codec(Order)
        yield* MongoLaws.roundTrip(Orders, { runs: 30 })
        const orders = yield* Orders
        const filters = { all: 0, telling: 0 }
        const counting = {
          ...pick(orders),
          find: (filter?: object) =>
            Effect.tap(orders.find(filter as {}), (found) =>
              Effect.map(orders.untyped.countDocuments(), (count) => {
                if (filter === undefined) return
                filters.all++
                if (found.length > 0 && found.length < count) filters.telling++
              }))
        }
        yield* MongoLaws.filterIsPredicate(counting, { runs: 60, minLength: 2, maxLength: 4 })
        // Filters that find nothing, or everything, would prove little.
        assert.isAbove(filters.telling, filters.all / 5, JSON.stringify(filters))
        yield* MongoLaws.encodedIsAccepted(Orders, { runs: 30 })
        assert.strictEqual(yield* (yield* Orders).countDocuments(), 0)
      })).pipe(Effect.provide(layer)),
    120_000
  )

  it.live("take a key without a value for no key, as BSON does", () =>
    seeded(Effect.gen(function*() {
      const Size = Schema.Struct({ width: Schema.optional(Schema.Int), height: Schema.optionalKey(Schema.Int) })
      class Item extends Schema.Class<Item>("test/Item")({
        _id: Bson.ObjectId,
        name: Schema.optional(Schema.String),
        size: Schema.optional(Size),
        sizes: Schema.Array(Size)
      }) {}
      const renamed = Schema.Struct(Item.fields).pipe(Schema.encodeKeys({ name: "n" }))
      yield* MongoLaws.roundTrip(yield* collectionOf(Item), { runs: 60 })
      yield* MongoLaws.roundTrip(yield* collectionOf(renamed), { runs: 60 })
      yield* MongoLaws.codec(Item)
      // What has no value is not shown as null.
      const lossy = { ...pick(yield* collectionOf(renamed)), find: () => Effect.succeed([]) }
      const error = yield* Effect.flip(MongoLaws.roundTrip(lossy))
      assert.notInclude(error.message.slice(error.message.indexOf("Documents,")), "null")
    })).pipe(Effect.provide(layer)), 60_000)

  it.live("hold for a model, whose fields for inserts they leave alone", () =>
    seeded(Effect.gen(function*() {
      yield* MongoLaws.roundTrip(People, { runs: 30 })
      yield* MongoLaws.filterIsPredicate(People, { runs: 30 })
    })).pipe(Effect.provide(layer)), 60_000)

  it.live("refute a codec that loses something, by the smallest value", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(MongoLaws.codec(Lossy))
      assert.strictEqual(error._tag, "LawError")
      assert.match(
        error.message,
        /^codec: '.{1,3}' becomes '.{0,2}'\nDocuments, as Extended JSON:\n {2}{"value":".{0,2}"}\n/
      )
      assert.match(error.message, /Replay: \[/)
      const unreadable = transformed({ encode: (text) => `${text}!` }).check(Schema.isMaxLength(3))
      const Reads = Schema.Struct({ a: unreadable })
      assert.match((yield* Effect.flip(MongoLaws.codec(Reads))).message, /becomes/)
    }))

  it.live("refute the round trip through a collection with such a codec", () =>
    Effect.gen(function*() {
      const broken = yield* collectionOf(Schema.Struct({ _id: Schema.Int, name: Lossy }))
      const error = yield* Effect.flip(MongoLaws.roundTrip(broken))
      assert.match(
        error.message,
        /^roundTrip of law: { _id: -?\d+, name: '.{1,3}' } was stored, and read are only \[ { _id: -?\d+, name: '.{0,2}' } \]\n/
      )
      // A collection that does not write everything.
      const whole = yield* collectionOf(Schema.Struct({ _id: Schema.Int }))
      const forgets = {
        ...pick(whole),
        insertMany: (documents: ReadonlyArray<never>) => whole.insertMany(documents.slice(0, 1))
      }
      assert.match(
        (yield* Effect.flip(MongoLaws.roundTrip(forgets))).message,
        /was stored, and read are only \[ { _id: -?\d+ } \]/
      )
    }).pipe(Effect.provide(layer)))

  it.live(
    "refute queries of a collection whose server compares in another way, or that change a filter",
    () =>
      Effect.gen(function*() {
        const db = yield* MongoDatabase.MongoDatabase
        const Text = Schema.Struct({ _id: Schema.Int, name: Schema.String })
        // The first run that refutes the law is the last one. Few runs may find none.
        const many = { runs: 2000 }
        yield* db.createCollection("collated", { collation: { locale: "en", strength: 1 } })
        const error = yield* Effect.flip(MongoLaws.filterIsPredicate(yield* collectionOf(Text, "collated"), many))
        assert.match(
          error.message,
          /^filterIsPredicate of collated: find\(.*\) (finds|does not find) {.*}, and the predicate says the opposite\n/
        )
        const honest = yield* collectionOf(Text)
        yield* MongoLaws.filterIsPredicate(honest)
        const careless = {
          ...pick(honest),
          // It forgets that a filter can have two fields.
          find: (filter?: object) => honest.find(Object.fromEntries(Object.entries(filter ?? {}).slice(0, 1)) as {})
        }
        assert.include((yield* Effect.flip(MongoLaws.filterIsPredicate(careless, many))).message, "says the opposite")
      }).pipe(Effect.provide(layer)),
    60_000
  )

  it.live("refute a schema that makes documents which the validator refuses", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      yield* db.createCollection("law", {
        validator: { $jsonSchema: { properties: { age: { bsonType: "int", minimum: 0 } } } }
      })
      const Young = (minimum: number) =>
        Schema.Struct({ _id: Schema.Int, age: Schema.Int.check(Schema.isBetween({ minimum, maximum: 150 })) })
      yield* MongoLaws.encodedIsAccepted(yield* collectionOf(Young(0)))
      const error = yield* Effect.flip(MongoLaws.encodedIsAccepted(yield* collectionOf(Young(-1))))
      assert.match(error.message, /^encodedIsAccepted of law: insertOne on .*: Document failed validation\n/)
      assert.include(error.message, `  {"_id":0,"age":-1}`)
      assert.strictEqual(error.message.split("Document failed validation").length, 2)
    }).pipe(Effect.provide(layer)))
})

describe("matches", () => {
  it("goes through arrays with an index and without, and refuses operators that it does not know", () => {
    const document = { items: [{ price: 1 }, { price: 5 }], tags: ["a", "b"] }
    assert.isTrue(MongoLaws.matches(document, { "items.price": 5, tags: "b" }))
    assert.isTrue(MongoLaws.matches(document, { "items.1.price": { $gt: 4 } }))
    assert.isFalse(MongoLaws.matches(document, { "items.0.price": { $gt: 4 } }))
    assert.isFalse(MongoLaws.matches(document, { items: { $elemMatch: { price: { $gt: 1, $lt: 5 } } } }))
    assert.isTrue(MongoLaws.matches(document, { "items.price": { $gt: 1, $lt: 5 } }))
    assert.throws(() => MongoLaws.matches(document, { tags: { $near: 1 } }), /does not know \$near: use/)
  })
})
