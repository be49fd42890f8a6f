import { assert, layer } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { FailPoint, MongoServer, MongoTest, Nemesis } from "@mongofx/testing"
import { Config, Effect, Option, Redacted, Schedule } from "effect"
import { customers, type Place, place, placeCarelessly, prepare, problems, type Told } from "./orders.ts"

// #region servers
const Servers = MongoServer.layerReplicaSet({ members: 3, proxied: true })

/** A database of its own for each test, and a client that notices soon when a member says nothing. */
const Test = MongoTest.layerWith({
  heartbeatFrequency: "1 second",
  connectTimeout: "2 seconds",
  serverSelectionTimeout: "15 seconds"
})

const problemsOf = (told: Told) =>
  Effect.gen(function*() {
    const server = yield* MongoServer.MongoServer
    const db = yield* MongoDatabase.MongoDatabase
    return yield* Effect.promise(() => problems(Redacted.value(server.uri), db.name, told))
  })
// #endregion servers

layer(Servers, { excludeTestServices: true, timeout: "2 minutes" })("orders", (it) => {
  // #region fault
  it.effect("are placed while the primary is gone", () =>
    Effect.gen(function*() {
      yield* prepare
      const fault = yield* Nemesis.kill("primary")
      yield* place("1", 2)
      const members = yield* MongoServer.members
      assert.isTrue(members.some(({ host, role }) => role === "primary" && host !== fault.members[0]?.host))
    }).pipe(Effect.scoped, Effect.provide(Test)), 60_000)
  // #endregion fault

  // #region random
  it.effect("keep their promises under faults", () =>
    Effect.gen(function*() {
      yield* prepare
      // CHAOS_SEED repeats the choices of a run that failed, and CHAOS_SECONDS makes a long run.
      const seed = Option.getOrUndefined(yield* Config.option(Config.String("CHAOS_SEED")))
      const seconds = yield* Config.withDefault(Config.Number("CHAOS_SECONDS"), 4)
      const nemesis = yield* Nemesis.random(Schedule.spaced("300 millis"), Nemesis.faults, {
        lasts: ["300 millis", "1500 millis"],
        seed
      })
      const told = yield* customers(place, seconds * 1000)
      yield* nemesis.stop
      yield* MongoServer.ready
      assert.deepStrictEqual(yield* problemsOf(told), [])
      assert.isAtLeast(told.confirmed.size, 5)
      yield* MongoTest.nothingLeft
    }).pipe(Effect.scoped, Effect.provide(Test)), 120_000)
  // #endregion random

  // #region proof
  /** The commit is done, but a majority is late with its answer, until the customer's patience is over. */
  const late = FailPoint.failCommand({
    failCommands: ["commitTransaction"],
    writeConcernError: { code: 64, codeName: "WriteConcernTimeout", errmsg: "late", errInfo: { wtimeout: true } }
  })

  const underLateCommits = (place: Place) =>
    Effect.gen(function*() {
      yield* prepare
      const told = yield* Effect.scoped(Effect.andThen(late, customers(place, 100)))
      return yield* problemsOf(told)
    }).pipe(Effect.provide(Test))

  it.effect("that are placed again with another _id are noticed", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* underLateCommits(placeCarelessly), ["a request has several orders"])
    }), 60_000)

  it.effect("that are placed again with the same _id are not", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* underLateCommits(place), [])
    }), 60_000)
  // #endregion proof
})
