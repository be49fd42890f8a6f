/**
 * Tests compiled codecs on documents from a server.
 *
 * @since 0.1.0
 */
import { assert, it } from "@effect/vitest"
import { Integration, MongoDatabase } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import { codecOf } from "@mongofx/schema/internal/compiler/codec"
import { MongoTest } from "@mongofx/testing"
import { Arbitrary, Effect, Schema, Stream } from "effect"

const Everything = Schema.Struct({
  _id: Schema.Int,
  values: Schema.Struct({
    binary: Bson.Binary,
    bytes: Bson.Bytes,
    code: Bson.Code,
    date: Bson.Date,
    decimal128: Bson.Decimal128,
    double: Bson.Double,
    float32Vector: Bson.Float32Vector,
    int32: Bson.Int32,
    int64: Bson.Int64,
    long: Bson.Long,
    maxKey: Bson.MaxKey,
    minKey: Bson.MinKey,
    objectId: Bson.ObjectId,
    regExp: Bson.BSONRegExp,
    timestamp: Bson.Timestamp,
    uuid: Bson.UUID
  }),
  list: Schema.Array(Schema.Struct({ id: Bson.ObjectId, views: Bson.Int64 })),
  text: Schema.String,
  maybe: Schema.optionalKey(Schema.NullOr(Schema.Date))
})

it.live("compiled codecs write and read the same documents as the interpreter", () =>
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    const collection = TypedCollection.make(db, "everything", Everything, { bsonRegExp: true })
    const generated = yield* Arbitrary.sampleEffect(Arbitrary.schema(Everything), { count: 60 })
    const documents = Array.from({ length: 1300 }, (_, _id) => {
      const document = generated[_id % generated.length]!
      // The driver refuses lone surrogates, so they are replaced here.
      return { ...document, _id, text: Buffer.from(document.text).toString() }
    })
    const codec = codecOf(Everything.ast)
    assert.isDefined(codec.bytes(Integration.bsonOptions(collection.untyped)))
    const encoded = yield* Schema.encodeEffect(Schema.Array(Everything))(documents)
    assert.deepStrictEqual(documents.map((document) => codec.encodeNow(document)), encoded as never)
    yield* collection.insertMany(documents)
    const query = collection.find().sort({ _id: 1 }).batchSize(700)
    const stored = yield* collection.untyped.find({}, { sort: { _id: 1 } })
    const expected = yield* Schema.decodeUnknownEffect(Schema.Array(Everything))(stored)
    assert.deepStrictEqual(yield* query, expected as never)
    assert.deepStrictEqual(yield* Stream.runCollect(query.stream), expected as never)
  }).pipe(Effect.provide(MongoTest.layer)))

it.live("a stream decodes batches in parts that are cheap to collect", () =>
  Effect.gen(function*() {
    const db = yield* MongoDatabase.MongoDatabase
    const numbers = TypedCollection.make(db, "numbers", Schema.Struct({ _id: Schema.Int }))
    yield* numbers.insertMany(Array.from({ length: 1300 }, (_, _id) => ({ _id })))
    const chunks = yield* Stream.runCollect(Stream.chunks(numbers.find().sort({ _id: 1 }).batchSize(700).stream))
    assert.deepStrictEqual(chunks.map((chunk) => chunk.length), [512, 188, 512, 88])
    assert.deepStrictEqual(chunks.flat().map(({ _id }) => _id), Array.from({ length: 1300 }, (_, _id) => _id))
  }).pipe(Effect.provide(MongoTest.layer)))
