import { assert, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Bson } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Arbitrary, BigDecimal, Effect, Schema, SchemaAST } from "effect"
import * as Driver from "mongodb"

const values = {
  bigDecimal: Bson.BigDecimal,
  binary: Bson.Binary,
  bitVector: Bson.BitVector,
  bsonRegExp: Bson.BSONRegExp,
  bytes: Bson.Bytes,
  code: Bson.Code,
  date: Bson.Date,
  dbRef: Bson.DBRef,
  decimal128: Bson.Decimal128,
  double: Bson.Double,
  float32Vector: Bson.Float32Vector,
  int32: Bson.Int32,
  int64: Bson.Int64,
  int8Vector: Bson.Int8Vector,
  long: Bson.Long,
  maxKey: Bson.MaxKey,
  minKey: Bson.MinKey,
  objectId: Bson.ObjectId,
  timestamp: Bson.Timestamp,
  uuid: Bson.UUID,
  vector: Bson.Vector
}

const Everything = Schema.Struct({
  values: Schema.Struct(values),
  list: Schema.Array(Schema.Struct({ id: Bson.ObjectId, views: Bson.Int64 })),
  missing: Schema.optionalKey(Bson.Date),
  nothing: Schema.NullOr(Bson.Date),
  // Text that is not Unicode is refused before it is sent.
  text: Schema.String.check(Schema.isPattern(/^\P{Surrogate}*$/u)),
  yes: Schema.Boolean
})

const id = new Driver.ObjectId("507f1f77bcf86cd799439011")

const byHand: typeof Everything.Type = {
  values: {
    bigDecimal: BigDecimal.make(350n, 2),
    binary: new Driver.Binary(Uint8Array.of(1, 2), 128),
    bitVector: Int8Array.of(1, 0, 1),
    bsonRegExp: new Driver.BSONRegExp("^a/(?<b>c)", "ix"),
    bytes: Uint8Array.of(1, 2),
    code: new Driver.Code("function () { return x }", { x: 1 }),
    date: new Date(-1),
    dbRef: new Driver.DBRef("users", id, "app"),
    decimal128: Driver.Decimal128.fromString("3.50"),
    double: 21,
    float32Vector: Float32Array.of(0.25, -0.5),
    int32: 21,
    int64: 21n,
    int8Vector: Int8Array.of(127, -128),
    long: Driver.Long.MAX_VALUE,
    maxKey: new Driver.MaxKey(),
    minKey: new Driver.MinKey(),
    objectId: id,
    timestamp: new Driver.Timestamp({ t: 1_700_000_000, i: 2 }),
    uuid: new Driver.UUID("c8edabc3-f738-4ca3-b68d-ab92a91478a3"),
    vector: Driver.Binary.fromInt8Array(Int8Array.of(1))
  },
  list: [{ id, views: 2n ** 63n - 1n }],
  nothing: null,
  text: "é\u{1F600}",
  yes: true
}

it.live("a document of every type comes back from a server, and is stored as the annotated type", () =>
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    const collection = db.collection<{ _id: number; document: typeof Everything.Encoded }>("everything")
    const stored = (document: Driver.Document) => Buffer.from(Driver.BSON.serialize(document)).toString("hex")

    const generated = yield* Arbitrary.sampleEffect(Arbitrary.schema(Everything), { count: 20 })
    const encoded = [byHand, ...generated].map((document) => Schema.encodeSync(Everything)(document))
    // Below the top, where the server would replace an empty timestamp.
    yield* collection.insertMany(encoded.map((document, _id) => ({ _id, document })))

    for (const options of [{}, { promoteValues: false }, { promoteLongs: false }, { useBigInt64: true }]) {
      const found = yield* collection.find({}, { bsonRegExp: true, ...options }).sort({ _id: 1 })
      const decoded = yield* Schema.decodeUnknownEffect(Schema.Array(Everything))(found.map(({ document }) => document))
      assert.deepStrictEqual(
        decoded.map((document) => stored(Schema.encodeSync(Everything)(document))),
        encoded.map(stored)
      )
    }

    for (const [key, { ast }] of Object.entries(values)) {
      const $type = SchemaAST.resolve(SchemaAST.toEncoded(ast))?.["bsonType"]
      const count = yield* collection.countDocuments({ [`document.values.${key}`]: { $type } })
      assert.strictEqual(count, encoded.length, key)
    }
  }).pipe(Effect.provide(MongoTest.layer)))
