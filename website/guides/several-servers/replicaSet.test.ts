import { assert, layer } from "@effect/vitest"
import { MongoClient, MongoDatabase, type MongoError } from "@mongofx/core"
import { MongoServer, MongoTest, Nemesis } from "@mongofx/testing"
import { Effect, Schedule } from "effect"

interface Order {
  readonly _id: string
  readonly total: number
}

const orders = Effect.map(MongoDatabase.MongoDatabase, (db) => db.collection<Order>("orders"))

// #region retry
/** The driver sends a write twice at most. Until it knows that a primary is gone, connections to it are refused, and that is over soon. */
const persistently = <A, R>(write: Effect.Effect<A, MongoError.MongoError, R>) =>
  Effect.retry(write, {
    while: ({ isRetryable }) => isRetryable,
    schedule: Schedule.spaced("200 millis"),
    times: 50
  })
// #endregion retry

// #region servers
const Servers = MongoServer.layerReplicaSet({ members: 3, electionTimeout: "4 seconds" })

layer(Servers, { excludeTestServices: true, timeout: "2 minutes" })("orders", (it) => {
  it.effect("are there while the primary is gone", () =>
    Effect.gen(function*() {
      const collection = yield* orders
      yield* collection.insertOne({ _id: "before", total: 1 }, { writeConcern: { w: "majority" } })
      const { members } = yield* Nemesis.kill("primary")
      yield* persistently(collection.insertOne({ _id: "meanwhile", total: 2 }, { writeConcern: { w: "majority" } }))
      assert.strictEqual(yield* collection.countDocuments(), 2)
      const primary = (yield* MongoServer.members).find(({ role }) => role === "primary")
      assert.notStrictEqual(primary?.host, members[0]?.host)
    }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)), 120_000)
  // #endregion servers

  // #region stepDown
  it.effect("are kept by a transaction that meets an election", () =>
    Effect.gen(function*() {
      const mongo = yield* MongoClient.MongoClient
      const collection = yield* orders
      yield* collection.insertOne({ _id: "first", total: 0 })
      let runs = 0
      yield* mongo.withTransaction(Effect.gen(function*() {
        runs++
        yield* collection.updateOne({ _id: "first" }, { $inc: { total: 1 } })
        if (runs === 1) yield* Effect.scoped(Nemesis.stepDown())
        yield* collection.insertOne({ _id: "second", total: 1 })
      }))
      // The new primary does not know the transaction, so the body has run again, from its beginning.
      assert.isAbove(runs, 1)
      assert.deepStrictEqual((yield* collection.find().sort({ _id: 1 })).map(({ total }) => total), [1, 1])
    }).pipe(Effect.provide(MongoTest.layer)), 120_000)
  // #endregion stepDown

  // #region secondaries
  it.effect("are read from a secondary by who has written them", () =>
    Effect.gen(function*() {
      const mongo = yield* MongoClient.MongoClient
      const collection = yield* orders
      const onSecondary = collection.withOptions({ readPreference: "secondary" })
      yield* MongoServer.ready
      const seen = yield* Effect.gen(function*() {
        yield* collection.insertOne({ _id: "mine", total: 1 }, { writeConcern: { w: 1 } })
        return yield* onSecondary.countDocuments()
      }).pipe(mongo.withSession({ causalConsistency: true }))
      assert.strictEqual(seen, 1)
    }).pipe(Effect.provide(MongoTest.layer)), 120_000)
  // #endregion secondaries

  // #region majority
  it.effect("are not confirmed without a majority", () =>
    Effect.gen(function*() {
      const collection = yield* orders
      yield* MongoServer.ready
      yield* Effect.scoped(Effect.gen(function*() {
        const [one, other] = (yield* MongoServer.members).filter(({ role }) => role === "secondary")
        yield* Nemesis.pause(one)
        yield* Nemesis.pause(other)
        const error = yield* Effect.flip(
          collection.insertOne({ _id: "alone", total: 1 }, { writeConcern: { w: "majority", wtimeoutMS: 500 } })
        )
        assert.strictEqual(error.reason._tag, "WriteConcernError")
        // Only the primary has it, and it may lose it in an election.
        const confirmed = collection.withOptions({ readConcern: "majority" })
        assert.strictEqual(yield* confirmed.countDocuments(), 0)
      }))
    }).pipe(Effect.provide(MongoTest.layer)), 120_000)
  // #endregion majority

  // #region leaks
  it.effect("leave nothing open on any member", () =>
    Effect.gen(function*() {
      const collection = (yield* orders).withOptions({ readPreference: "secondary" })
      yield* collection.find().batchSize(1).first
    }).pipe(MongoTest.noLeaks), 120_000)
  // #endregion leaks
})
