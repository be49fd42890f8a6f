/**
 * Declared indexes: plans, and what carries them out.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Bson, MongoIndex, TypedCollection } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Schema, SchemaGetter } from "effect"
import * as Driver from "mongodb"

const Doc = Schema.Struct({
  _id: Bson.ObjectId,
  a: Schema.Int,
  b: Schema.optionalKey(Schema.Int),
  text: Schema.String,
  note: Schema.optionalKey(Schema.String),
  at: Schema.Date,
  place: Schema.optionalKey(Schema.Unknown),
  deletedAt: Schema.optionalKey(Schema.Date),
  removedAt: Schema.OptionFromOptionalNullOr(Schema.Date),
  nested: Schema.optionalKey(Schema.Struct({ x: Schema.Int, y: Schema.Int }))
})
type Indexes = ReadonlyArray<TypedCollection.Index<typeof Doc.Type>>

/** A collection that exists with these options and indexes, and declares others. */
const collectionOf = (
  declared: Indexes,
  existing: ReadonlyArray<Driver.Document> = [],
  options: Driver.Document = {}
) =>
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    yield* db.createCollection("docs", options)
    for (const { key, name, ...others } of existing) {
      const given = name ?? Object.entries(key as object).flat().join("_")
      yield* db.command({ createIndexes: "docs", indexes: [{ key, name: given, ...others }] })
    }
    return TypedCollection.make(db, "docs", Doc, { indexes: declared })
  })

const withIndexes = (collection: TypedCollection.TypedCollection<typeof Doc>, indexes: Indexes) =>
  TypedCollection.make(collection.untyped.database, collection.name, Doc, { indexes })

const kinds = (plan: MongoIndex.Plan) => plan.steps.map(({ kind }) => kind).join()

const kindsOf = (collection: TypedCollection.TypedCollection<typeof Doc>) =>
  Effect.map(MongoIndex.plan(collection), kinds)

interface Case {
  readonly what: string
  readonly options?: Driver.Document
  readonly declared: Indexes
  /** Another declaration that is not the same, and the kind of the step that it needs. */
  readonly other: Indexes
  readonly kind: MongoIndex.Step["kind"]
}

const de = { locale: "de", strength: 2 } as const

const cases: ReadonlyArray<Case> = [
  { what: "plain", declared: [{ key: { a: 1, b: -1 } }], other: [{ key: { a: 1, b: 1 } }], kind: "create" },
  { what: "unique", declared: [{ key: { a: 1 }, unique: true }], other: [{ key: { a: 1 } }], kind: "replace" },
  {
    what: "unique: false",
    declared: [{ key: { a: 1 }, unique: false, hidden: false }],
    other: [{ key: { a: 1 }, hidden: true }],
    kind: "collMod"
  },
  {
    what: "sparse",
    declared: [{ key: { a: 1 }, sparse: true }],
    other: [{ key: { a: 1 }, sparse: false }],
    kind: "replace"
  },
  {
    what: "sparse: false",
    declared: [{ key: { a: 1 }, sparse: false, background: true }],
    other: [{ key: { a: 1 }, sparse: true }],
    kind: "replace"
  },
  { what: "hidden", declared: [{ key: { a: 1 }, hidden: true }], other: [{ key: { a: 1 } }], kind: "collMod" },
  {
    what: "TTL with a fraction",
    declared: [{ key: { at: 1 }, expireAfterSeconds: 60.5 }],
    other: [{ key: { at: 1 }, expireAfterSeconds: 61 }],
    kind: "collMod"
  },
  {
    what: "TTL of zero",
    declared: [{ key: { at: 1 }, expireAfterSeconds: 0 }],
    other: [{ key: { at: 1 } }],
    kind: "replace"
  },
  {
    what: "named",
    declared: [{ key: { a: 1 }, name: "mine" }],
    other: [{ key: { a: 1 }, name: "yours" }],
    kind: "rename"
  },
  { what: "hashed", declared: [{ key: { a: "hashed" } }], other: [{ key: { a: 1 } }], kind: "create" },
  { what: "hashed _id", declared: [{ key: { _id: "hashed" } }], other: [{ key: { a: "hashed" } }], kind: "create" },
  { what: "_id", declared: [{ key: { _id: 1 } }], other: [{ key: { a: 1 } }], kind: "create" },
  {
    what: "text",
    declared: [{ key: { text: "text" } }],
    other: [{ key: { text: "text" }, weights: { text: 2 } }],
    kind: "replace"
  },
  {
    what: "text of several fields between others",
    declared: [{ key: { a: 1, text: "text", note: "text", b: -1 }, weights: { note: 5 }, default_language: "german" }],
    other: [{ key: { a: 1, text: "text", note: "text", b: 1 }, weights: { note: 5 }, default_language: "german" }],
    kind: "replace"
  },
  {
    what: "text of all fields",
    declared: [{ key: { "$**": "text" }, default_language: "none", language_override: "idioma" }],
    other: [{ key: { "$**": "text" } }],
    kind: "replace"
  },
  {
    what: "2dsphere",
    declared: [{ key: { place: "2dsphere", a: 1 } }],
    other: [{ key: { place: "2dsphere" } }],
    kind: "create"
  },
  {
    what: "2dsphere of a version",
    declared: [{ key: { place: "2dsphere" }, "2dsphereIndexVersion": 2 }],
    other: [{ key: { place: "2dsphere" }, "2dsphereIndexVersion": 3 }],
    kind: "replace"
  },
  { what: "2d", declared: [{ key: { place: "2d" } }], other: [{ key: { place: "2d" }, bits: 20 }], kind: "replace" },
  {
    what: "2d with bounds",
    declared: [{ key: { place: "2d" }, min: -10, max: 10.5, bits: 26 }],
    other: [{ key: { place: "2d" }, min: -10, max: 11 }],
    kind: "replace"
  },
  {
    what: "wildcard",
    declared: [{ key: { "$**": 1 } }],
    other: [{ key: { "nested.$**": 1 } }],
    kind: "create"
  },
  {
    what: "wildcard with a projection",
    declared: [{ key: { "$**": 1 }, wildcardProjection: { nested: { x: true }, a: 1, _id: 0 } }],
    other: [{ key: { "$**": 1 }, wildcardProjection: { nested: { y: true }, a: 1, _id: 0 } }],
    kind: "replace"
  },
  {
    what: "collation",
    declared: [{ key: { text: 1 }, collation: de }],
    other: [{ key: { text: 1 }, collation: { locale: "de" } }],
    kind: "replace"
  },
  {
    what: "collation of a locale with another default",
    declared: [{ key: { text: 1 }, collation: { locale: "fr_CA" } }],
    other: [{ key: { text: 1 }, collation: { locale: "fr_CA", backwards: false } }],
    kind: "replace"
  },
  {
    what: "simple collation",
    declared: [{ key: { text: 1 }, collation: { locale: "simple" } }],
    other: [{ key: { text: 1 }, collation: de }],
    kind: "replace"
  },
  {
    what: "simple collation in a collection with one",
    options: { collation: de },
    declared: [{ key: { text: 1 }, collation: { locale: "simple" } }],
    other: [{ key: { text: 1 } }],
    kind: "replace"
  },
  {
    what: "inherited collation",
    options: { collation: de },
    declared: [{ key: { text: 1 } }],
    other: [{ key: { text: 1 }, collation: { locale: "de" } }],
    kind: "replace"
  },
  {
    what: "partial",
    declared: [{
      key: { a: 1 },
      partialFilterExpression: { b: { $gt: 1, $lte: 5 }, text: "x", at: { $gte: new Date(5) } }
    }],
    other: [{
      key: { a: 1 },
      partialFilterExpression: { b: { $gt: 1, $lte: 6 }, text: "x", at: { $gte: new Date(5) } }
    }],
    kind: "replace"
  },
  {
    what: "partial on null",
    declared: [{ key: { a: 1 }, unique: true, partialFilterExpression: { deletedAt: null } }],
    other: [{ key: { a: 1 }, unique: true, partialFilterExpression: { removedAt: null } }],
    kind: "replace"
  },
  {
    what: "partial on existence and type",
    declared: [{ key: { a: 1 }, partialFilterExpression: { b: { $exists: true }, note: { $type: "string" } } }],
    other: [{ key: { a: 1 }, partialFilterExpression: { b: { $exists: true }, note: { $type: "int" } } }],
    kind: "replace"
  },
  {
    what: "partial on everything",
    declared: [{ key: { a: 1 }, partialFilterExpression: {} }],
    other: [{ key: { a: 1 }, partialFilterExpression: { b: 1 } }],
    kind: "replace"
  },
  {
    what: "storage",
    declared: [{ key: { a: 1 }, storageEngine: { wiredTiger: { configString: "prefix_compression=false" } } }],
    other: [{ key: { a: 1 } }],
    kind: "replace"
  },
  {
    what: "time series",
    options: { timeseries: { timeField: "at", metaField: "nested" } },
    declared: [{ key: { "nested.x": 1, at: -1 } }],
    other: [{ key: { "nested.x": 1, at: 1 } }],
    kind: "create"
  },
  {
    what: "the index of a time series itself",
    options: { timeseries: { timeField: "at", metaField: "nested" } },
    declared: [{ key: { nested: 1, at: 1 } }],
    other: [{ key: { nested: 1 } }],
    kind: "create"
  },
  {
    what: "clustered",
    options: { clusteredIndex: { key: { _id: 1 }, unique: true, name: "clustered" } },
    declared: [{ key: { _id: 1 } }, { key: { a: 1 } }],
    other: [{ key: { b: 1 } }],
    kind: "create"
  },
  {
    what: "several of one key",
    declared: [{ key: { a: 1 } }, { key: { a: 1 }, unique: true, name: "u" }, {
      key: { a: 1 },
      sparse: true,
      name: "s"
    }],
    other: [{ key: { a: 1 }, unique: true, sparse: true, name: "u" }],
    kind: "replace"
  }
]

describe("a plan after ensure", () => {
  it.live.each(cases)("is empty: $what", ({ declared, kind, options, other }) =>
    Effect.gen(function*() {
      const docs = yield* collectionOf(declared, [], options)
      yield* MongoIndex.ensure(docs)
      const after = yield* MongoIndex.plan(docs)
      assert.deepStrictEqual(after.steps.map(({ kind }) => kind), declared.map(() => "equal"), MongoIndex.format(after))
      assert.deepStrictEqual(MongoIndex.pending(after, { allowDrop: true }), [])
      assert.deepStrictEqual(yield* MongoIndex.drift(docs), [])
      const changed = withIndexes(docs, other)
      const next = yield* MongoIndex.plan(changed)
      assert.strictEqual(next.steps[0]!.kind, kind, MongoIndex.format(next))
      // And from there to another declaration, all the way.
      const { left } = yield* MongoIndex.ensure(changed, { allowDrop: true })
      assert.deepStrictEqual(left, [])
      const last = yield* MongoIndex.plan(changed)
      assert.deepStrictEqual(last.steps.map(({ kind }) => kind), other.map(() => "equal"), MongoIndex.format(last))
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live.each<readonly [what: string, existing: Driver.Document, declared: Indexes[number]]>([
    ["another ascending number", { key: { a: 7, b: Driver.Long.fromNumber(-3) } }, { key: { a: 1, b: -1 } }],
    ["the order of a partial filter", {
      key: { a: 1 },
      partialFilterExpression: { $and: [{ b: 1 }, { a: { $eq: Driver.Long.fromNumber(1) } }] }
    }, { key: { a: 1 }, partialFilterExpression: { a: 1, b: 1 } }],
    ["alternatives of one field", { key: { a: 1 }, partialFilterExpression: { $or: [{ a: 2 }, { a: 1 }] } }, {
      key: { a: 1 },
      partialFilterExpression: { a: { $in: [1, 2] } }
    }],
    ["alternatives in another order", {
      key: { a: 1 },
      partialFilterExpression: { $or: [{ a: { $gt: 2 } }, { b: 2, a: 1 }] }
    }, { key: { a: 1 }, partialFilterExpression: { $or: [{ a: 1, b: 2 }, { a: { $gt: 2 } }] } }],
    ["types by numbers", { key: { a: 1 }, partialFilterExpression: { a: { $type: [16] } } }, {
      key: { a: 1 },
      partialFilterExpression: { a: { $type: "int" } }
    }],
    ["background and version 1", { key: { a: 1 }, background: true, v: 1 }, { key: { a: 1 } }],
    ["another name", { key: { a: 1 }, name: "by hand" }, { key: { a: 1 } }]
  ])("is empty over what somebody has made by hand: %s", ([, existing, declared]) =>
    Effect.gen(function*() {
      const docs = yield* collectionOf([declared], [existing])
      assert.strictEqual(yield* kindsOf(docs), "equal")
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("the declaration", () => {
  const Order = Schema.Struct({
    _id: Schema.Int,
    placedAt: Schema.Date,
    note: Schema.optionalKey(Schema.String),
    buyer: Schema.Struct({ name: Schema.String, city: Schema.String }).pipe(Schema.encodeKeys({ name: "n" }))
  }).pipe(Schema.encodeKeys({ placedAt: "at", note: "remark", buyer: "by" }))

  const declaredBy = (indexes: ReadonlyArray<TypedCollection.Index<typeof Order.Type>>) =>
    MongoDatabase.MongoDatabase.use((db) => TypedCollection.make(db, "orders", Order, { indexes }).declaredIndexes)

  it.live("gives all fields their stored names", () =>
    Effect.gen(function*() {
      const declared = yield* declaredBy([
        { key: { note: "text", "buyer.name": "text" }, weights: { note: 2, "buyer.name": 3 } },
        { key: { "$**": 1 }, wildcardProjection: { placedAt: 1, buyer: { name: 1 } } },
        {
          key: { "buyer.$**": 1 },
          partialFilterExpression: { note: null, $or: [{ placedAt: { $gt: new Date(0) } }, { note: null }] }
        }
      ])
      assert.deepStrictEqual(declared, [
        { weights: { remark: 2, "by.n": 3 }, key: { remark: "text", "by.n": "text" } },
        { wildcardProjection: { at: 1, "by.n": 1 }, key: { "$**": 1 } },
        {
          partialFilterExpression: { remark: null, $or: [{ at: { $gt: new Date(0) } }, { remark: null }] },
          key: { "by.$**": 1 }
        }
      ])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("waits for values whose encoding takes an effect", () =>
    Effect.gen(function*() {
      const Late = Schema.String.pipe(Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.passthrough(),
        encode: SchemaGetter.transformEffect((text: string) => Effect.as(Effect.yieldNow, text.toUpperCase()))
      }))
      const Task = Schema.Struct({ _id: Schema.Int, state: Late, doneAt: Schema.optionalKey(Schema.Date) })
      const db = yield* MongoDatabase.MongoDatabase
      const declared = yield* TypedCollection.make(db, "tasks", Task, {
        indexes: [{
          key: { state: 1 },
          partialFilterExpression: {
            state: "open",
            doneAt: null,
            $or: [{ state: { $in: ["late"] } }, { doneAt: null }]
          }
        }]
      }).declaredIndexes
      assert.deepStrictEqual(declared, [{
        key: { state: 1 },
        partialFilterExpression: { state: "OPEN", doneAt: null, $or: [{ state: { $in: ["LATE"] } }, { doneAt: null }] }
      }])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("refuses fields that the schema does not know", () =>
    Effect.gen(function*() {
      const messageOf = (index: object) =>
        Effect.map(Effect.flip(declaredBy([index as never])), ({ message }) => message)
      assert.include(
        yield* messageOf({ key: { note: "text" }, weights: { remark: 2 } }),
        "indexes[0].weights.remark is not a path of the schema"
      )
      assert.include(yield* messageOf({ key: { at: 1 } }), "indexes[0].key.at is not a path of the schema")
      assert.include(
        yield* messageOf({ key: { note: 1 }, partialFilterExpression: { placedAt: null } }),
        "indexes[0].partialFilterExpression.placedAt"
      )
    }).pipe(Effect.provide(MongoTest.layer)))
})
