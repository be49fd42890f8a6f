/**
 * Property tests of a data layer on a real server: the schema's own generators make the documents, and each law is
 * checked for a hundred random ones. The last law is false: the check refutes it by the smallest example.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Bson, TypedCollection, type TypedQuery } from "@mongofx/schema"
import { MongoServer } from "@mongofx/testing"
import { Arbitrary, Console, Effect, Layer, Option, Schema } from "effect"

const Reading = Schema.Struct({
  _id: Bson.ObjectId,
  sensor: Schema.Literals(["roof", "cellar"]),
  at: Bson.Date,
  total: Bson.Int64,
  values: Schema.Array(Schema.Finite)
})

class Readings extends TypedCollection.Service<Readings>()("app/Readings", { name: "readings", schema: Reading }) {}

type Reading = typeof Reading.Type

/** Readings with different `_id`s: the generator may make one twice. */
const readings = Arbitrary.array(Arbitrary.schema(Reading), { maxLength: 12 }).pipe(
  Arbitrary.map((list) => [...new Map(list.map((reading) => [reading._id.toHexString(), reading])).values()])
)

const equal = Schema.toEquivalence(Schema.Array(Reading))

const byId = (list: ReadonlyArray<Reading>) =>
  [...list].sort((a, b) => a._id.toHexString() < b._id.toHexString() ? -1 : 1)

/** Empties the collection, inserts the documents, and asks a question. */
const withReadings = <A>(
  documents: ReadonlyArray<Reading>,
  ask: (readings: TypedCollection.TypedCollection<typeof Reading>) => Effect.Effect<A, TypedQuery.Failure>
) =>
  Effect.gen(function*() {
    const collection = yield* Readings
    yield* collection.deleteMany({})
    if (documents.length > 0) yield* collection.insertMany(documents)
    return yield* ask(collection)
  })

/** A document is read as it was written, to the last bit. */
const roundTrip = Arbitrary.checkEffect(
  readings,
  (documents) =>
    withReadings(
      documents,
      (readings) => Effect.map(readings.find().sort({ _id: 1 }), (found) => equal(found, byId(documents)))
    ),
  { runs: 100 }
)

/** A query finds the documents that a plain predicate over the decoded documents keeps. */
const queryIsPredicate = Arbitrary.checkEffect(
  Arbitrary.all([
    readings,
    Arbitrary.schema(Schema.Struct({ at: Bson.Date, total: Bson.Int64, value: Schema.Finite }))
  ]),
  ([documents, { at, total, value }]) =>
    withReadings(documents, (readings) =>
      Effect.map(
        readings.find({ $or: [{ at: { $lte: at }, total: { $gt: total } }, { values: { $gte: value } }] }).sort({
          _id: 1
        }),
        (found) =>
          equal(
            found,
            byId(documents.filter((reading) =>
              reading.at <= at && reading.total > total || reading.values.some((one) => one >= value)
            ))
          )
      )),
  { runs: 100 }
)

/** False: `$inc` of a 64-bit integer fails at its bound. */
const incIsPlus = Arbitrary.checkEffect(
  Arbitrary.schema(Reading),
  (reading) =>
    withReadings([reading], (readings) =>
      Effect.map(
        readings.findOneAndUpdate({ _id: reading._id }, { $inc: { total: 1n } }, { returnDocument: "after" }),
        (after) => Option.getOrThrow(after).total === reading.total + 1n
      )),
  { runs: 100 }
)

const report = (law: string, check: Effect.Effect<Arbitrary.CheckResult<unknown, unknown>, never, Readings>) =>
  Effect.flatMap(check, (result) => {
    const failure = Arbitrary.formatCheckFailure(result)
    return Console.log(failure === undefined ? `✓ ${law}` : `✗ ${law}\n${failure.replaceAll(/^/gm, "    ")}`)
  })

const program = Effect.gen(function*() {
  yield* report("documents are read as they were written", roundTrip)
  yield* report("a query finds the documents that its predicate keeps", queryIsPredicate)
  yield* report("$inc adds one to every total (false: the check must refute it)", incIsPlus)
  yield* (yield* Readings).drop()
})

/** A client of the server that `MongoServer` finds: the one in `MONGODB_URI`, or a mongod started for this program. */
const Client = MongoClient.layerFrom(
  Effect.flatMap(MongoServer.MongoServer, ({ uri }) => MongoClient.make({ url: uri, appName: "property-tests" }))
).pipe(Layer.provide(MongoServer.layer))

const Database = MongoDatabase.layer("mongofx_property_tests").pipe(Layer.provide(Client))

NodeRuntime.runMain(Effect.provide(program, Layer.provide(Readings.layer, Database)))
