/**
 * Compiled codecs on documents that have been on a server.
 *
 * @since 0.1.0
 */
import { assert, it } from "@effect/vitest"
import { MongoClient } from "@mongofx/core"
import { Bson } from "@mongofx/schema"
import { compile } from "@mongofx/schema/internal/compiledCodec"
import { Arbitrary, Effect, Redacted, Schema, Stream } from "effect"
import { randomUUID } from "node:crypto"

const uri = process.env["MONGODB_URI"] ?? "mongodb://127.0.0.1:27900/?replicaSet=rs"

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

it.live("what compiled codecs write and read is what the interpreter writes and reads", () =>
  Effect.gen(function*() {
    const mongo = yield* MongoClient.make({ url: Redacted.make(uri) })
    const db = yield* Effect.acquireRelease(
      Effect.sync(() => mongo.db(`mongofx_codec_${randomUUID().slice(0, 13)}`)),
      (db) => Effect.orDie(db.dropDatabase())
    )
    const collection = db.collection<typeof Everything.Encoded>("everything")
    const codec = compile(Everything, { bson: { bsonRegExp: true } })
    const generated = yield* Arbitrary.sampleEffect(Arbitrary.schema(Everything), { count: 60 })
    const documents = Array.from({ length: 1300 }, (_, _id) => ({ ...generated[_id % generated.length]!, _id }))
    const encoded = yield* codec.encodeBatch(documents)
    assert.deepStrictEqual(encoded, yield* Schema.encodeEffect(Schema.Array(Everything))(documents))
    yield* collection.insertMany(encoded)

    const query = collection.find({}, { bsonRegExp: true }).sort({ _id: 1 }).batchSize(700)
    const expected = yield* Schema.decodeUnknownEffect(Schema.Array(Everything))(yield* query)
    const found = yield* Stream.runCollect(codec.decodeStream(query.raw))
    assert.deepStrictEqual([...found], expected)
    const raw = yield* Stream.runCollect(query.raw)
    const out: Array<typeof Everything.Type> = []
    assert.strictEqual(codec.decodeMany([...raw], 0, out), documents.length)
    assert.deepStrictEqual(out, expected)
  }))
