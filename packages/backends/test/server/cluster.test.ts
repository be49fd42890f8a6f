/**
 * A cluster of three processes on MongoDB, whose runners are killed and stopped while they work.
 *
 * @since 0.1.0
 */
import { assert, layer } from "@effect/vitest"
import { MongoServer, MongoTest } from "@mongofx/testing"
import { Effect, Fiber, Random } from "effect"
import { seeded, until } from "test-support/utils"
import { type Deposit, slow, type Work } from "../support/cluster.ts"
import { clusterProblems, clusterWork, newTold, openSite, startRunners } from "../support/clusterWork.ts"
import { contested } from "../support/contested.ts"

// The server keeps the transaction of a process that was killed for this time, a minute by default. Until then nobody can do its work.
const Servers = MongoServer.layerReplicaSet({
  members: 1,
  args: ["--setParameter", "transactionLifetimeLimitSeconds=3"]
})

layer(Servers, { excludeTestServices: true, timeout: 60_000 })("three runners", (it) => {
  it.effect(
    "of which some are killed and stopped answer every message once, and end every workflow",
    () =>
      Effect.gen(function*() {
        const site = yield* openSite
        const { killed, runners, stopped, stops } = yield* startRunners(site, 3)
        const told = newTold()
        let goesOn = true
        const work = yield* Effect.forkScoped(clusterWork(site, told, () => goesOn))
        const works = site.data.collection<Work>("work")
        yield* until("they work", async () => (await works.countDocuments({ id: /^[md]/ })) > 20, 60_000)
        yield* Effect.scoped(killed(yield* Random.nextIntBetween(0, 2)))
        // Another one is stopped in the middle of a transaction, for longer than its leases.
        told.deposits.push(slow)
        let attempt: Work | null = null
        const indexOf = () => runners.findIndex(({ child }) => child.pid === attempt?.process)
        yield* until("somebody makes the deposit", async () => {
          attempt = await works.findOne({ id: slow }, { sort: { from: -1 } })
          return indexOf() >= 0
        }, 60_000)
        yield* Effect.scoped(Effect.andThen(stopped(indexOf()), Effect.sleep("7500 millis")))
        goesOn = false
        yield* Fiber.join(work)
        assert.deepStrictEqual(yield* Effect.promise(() => clusterProblems(site, told, stops)), [])
        // What it has done in its transaction is not there. The deposit is of another attempt.
        const made = yield* Effect.promise(() => site.data.collection<Deposit>("deposits").findOne({ id: slow }))
        assert.notStrictEqual(made!.work, (attempt as Work | null)!._id)
      }).pipe(Effect.provide(MongoTest.layer), seeded),
    240_000
  )

  it.effect("would be caught if they took locks that another one has", () =>
    Effect.gen(function*() {
      const site = yield* openSite
      const stolen = yield* contested(site, "steals")
      // One of the three was free.
      assert.deepStrictEqual(stolen, ["shard default:2 had two owners", "shard default:3 had two owners"])
    }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)))

  it.effect("are not if they wait until it is free", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* contested(yield* openSite, "waits"), [])
    }).pipe(Effect.scoped, Effect.provide(MongoTest.layer)))
})
