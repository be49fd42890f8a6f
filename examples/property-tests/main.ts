/**
 * Property tests of a data layer on a real server. First, laws: the schema's own generators make the documents, and each law is checked for
 * a hundred random lists of them. The last law is false: the check refutes it by the smallest example. Then, a model: random programs of an
 * account service, in which a race hides, show the shortest one that has it.
 */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Bson, TypedCollection, type TypedQuery } from "@mongofx/schema"
import { MongoArbitrary, MongoServer, MongoTest } from "@mongofx/testing"
import { Arbitrary, Console, Effect, Layer, Option, Schema } from "effect"
import { agreesWithModel, mended, racing } from "./accounts.ts"

const Reading = Schema.Struct({
  _id: Bson.ObjectId,
  sensor: Schema.Literals(["roof", "cellar"]),
  at: Bson.Date,
  total: Bson.Int64,
  values: Schema.Array(Schema.Finite)
})

class Readings extends TypedCollection.Service<Readings>()("app/Readings", { name: "readings", schema: Reading }) {}

type Reading = typeof Reading.Type

/** Readings with different `_id`s, which can be stored. */
const readings = MongoArbitrary.documents(Reading, { maxLength: 12 })

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
      )).pipe(Effect.mapError(({ message }) => message)),
  { runs: 100 }
)

/** Checks a law, and fails if the outcome is not the expected one. */
const report = (
  law: string,
  check: Effect.Effect<Arbitrary.CheckResult<unknown, unknown>, never, Readings>,
  isTrue = true
) =>
  Effect.gen(function*() {
    const failure = Arbitrary.formatCheckFailure(yield* check)
    yield* Console.log(failure === undefined ? `✓ ${law}` : `✗ ${law}\n${failure.replaceAll(/^(?=.)/gm, "    ")}`)
    if (isTrue !== (failure === undefined)) return yield* Effect.fail(`unexpected outcome: ${law}`)
  })

const laws = Effect.gen(function*() {
  yield* report("documents are read as they were written", roundTrip)
  yield* report("a query finds the documents that its predicate keeps", queryIsPredicate)
  yield* report("$inc adds one to every total (false: the check must refute it)", incIsPlus, false)
  yield* (yield* Readings).drop()
})

const models = Effect.gen(function*() {
  // About every fifteenth program shows the race, and the first one that does ends the search.
  const race = yield* Effect.flip(agreesWithModel(racing, 500))
  yield* Console.log(
    `✗ accounts agree with their model (false: there is a race)\n${race.message.replaceAll(/^(?=.)/gm, "    ")}`
  )
  yield* agreesWithModel(mended, 100)
  yield* Console.log("✓ accounts with transactions agree with their model, in 100 programs")
}).pipe(Effect.provide(MongoTest.baseline(Effect.void, { lanes: 4 })))

/** A client of the server that `MongoServer` finds: the one in `MONGODB_URI`, or a mongod started for this program. */
const Client = MongoClient.layerFrom(
  Effect.flatMap(MongoServer.MongoServer, ({ uri }) => MongoClient.make({ url: uri, appName: "property-tests" }))
).pipe(Layer.provide(MongoServer.layer))

const Database = MongoDatabase.layer("mongofx_property_tests").pipe(Layer.provide(Client))

NodeRuntime.runMain(Effect.andThen(Effect.provide(laws, Layer.provide(Readings.layer, Database)), models))
