/**
 * The runners of a cluster and their locks on MongoDB: registration beside the memory storage, and locks that have one owner.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoRunnerStorage } from "@mongofx/backends"
import { MongoDatabase, type MongoError } from "@mongofx/core"
import { Context, type Duration, Effect, Fiber, Layer, Random, Tracer } from "effect"
import { ClusterError, Runner, RunnerAddress, RunnerStorage, ShardId, ShardingConfig } from "effect/cluster"
import { failCommand, type Fixture, nothingLeft, seeded, setup, timed, until } from "test-support/utils"
import { oneOf } from "../support/backends.ts"

type Storage = RunnerStorage.RunnerStorage["Service"]

/** A storage, which stands for a process. */
const storageOf = (
  { db }: Fixture,
  options: MongoRunnerStorage.Options & { readonly expiration?: Duration.Input; readonly refresh?: Duration.Input } = {}
) =>
  Effect.map(
    Layer.build(
      MongoRunnerStorage.layerWith(options).pipe(
        Layer.provide(Layer.succeed(MongoDatabase.MongoDatabase, db)),
        Layer.provide(ShardingConfig.layer({
          ...(options.expiration === undefined ? {} : { shardLockExpiration: options.expiration }),
          ...(options.refresh === undefined ? {} : { shardLockRefreshInterval: options.refresh })
        }))
      )
    ),
    Context.get(RunnerStorage.RunnerStorage)
  )

const memoryStorage = Effect.map(Layer.build(RunnerStorage.layerMemory), Context.get(RunnerStorage.RunnerStorage))

const addressOf = (n: number) => RunnerAddress.make("host", n)
const runnerOf = (n: number, weight = 1) => new Runner.Runner({ address: addressOf(n), groups: ["default"], weight })
const shardsOf = (...ids: ReadonlyArray<number>) => ids.map((id) => ShardId.make("default", id))
const idsOf = (shards: ReadonlyArray<ShardId.ShardId>) => shards.map(({ id }) => id)

const locksOf = ({ db }: Fixture) =>
  db.collection<
    { readonly _id: string; readonly owner: string | null; readonly fence: number; readonly expiresAt: Date }
  >(
    "cluster_locks"
  )

/** Makes the locks of a process as old as if it had not renewed them. */
const lapse = (fixture: Fixture, filter: object = {}) =>
  locksOf(fixture).updateMany(filter, { $set: { expiresAt: new Date(1) } })

describe("runners", () => {
  it.live("are those of the memory storage, after random operations", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const [mongo, memory] = [yield* storageOf(fixture), yield* memoryStorage]
      const listed = (storage: Storage) =>
        Effect.map(storage.getRunners, (all) => all.map(([runner, healthy]) => `${runner} ${healthy}`).sort())
      const machines = new Map<number, number>()
      for (let i = 0; i < 120; i++) {
        const n = yield* Random.nextIntBetween(1, 6)
        const operation = yield* oneOf(["register", "register", "unregister", "health"])
        if (operation === "register") {
          const runner = runnerOf(n, yield* oneOf([1, 2]))
          const healthy = yield* oneOf([true, false])
          yield* memory.register(runner, healthy)
          const machine: number = yield* mongo.register(runner, healthy)
          // The number stays while the runner is registered, and is of no other one.
          if (machines.has(n)) assert.strictEqual(machine, machines.get(n))
          else assert.notInclude([...machines.values()], machine)
          machines.set(n, machine)
        } else if (operation === "unregister") {
          machines.delete(n)
          yield* memory.unregister(addressOf(n))
          yield* mongo.unregister(addressOf(n))
        } else {
          const healthy = yield* oneOf([true, false])
          yield* memory.setRunnerHealth(addressOf(n), healthy)
          yield* mongo.setRunnerHealth(addressOf(n), healthy)
        }
        assert.deepStrictEqual(yield* listed(mongo), yield* listed(memory), `${i}: ${operation}`)
      }
    }).pipe(seeded))

  it.live("get different numbers when they register at the same time", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const storages = [yield* storageOf(fixture), yield* storageOf(fixture)]
      const numbers = yield* Effect.all(
        Array.from({ length: 20 }, (_, i) => storages[i % 2]!.register(runnerOf(1 + i % 10), true)),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(new Set(numbers).size, 10)
      for (let i = 0; i < 10; i++) assert.strictEqual(numbers[i], numbers[i + 10])
    }))

  it.live("are not listed when they were not seen for the time of a lease", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const [a, b] = [yield* storageOf(fixture), yield* storageOf(fixture)]
      yield* a.register(runnerOf(1), true)
      yield* b.register(runnerOf(2), true)
      const age = fixture.db.collection("cluster_runners").updateMany({}, [
        { $set: { seenAt: { $subtract: ["$$NOW", 35_001] } } }
      ])
      yield* age
      assert.lengthOf(yield* a.getRunners, 0)
      // Also a runner without shards shows that it is alive.
      yield* a.refresh(addressOf(1), [])
      assert.deepStrictEqual((yield* b.getRunners).map(([runner]) => runner.address.port), [1])
      yield* a.unregister(addressOf(9))
      assert.strictEqual(yield* fixture.db.collection("cluster_runners").countDocuments(), 1)
    }))
})

describe("locks", () => {
  it.live("have one owner: random operations of three processes, beside a model", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      // Two of them have the same address.
      const processes = yield* Effect.forEach([1, 1, 2], (n) =>
        Effect.map(storageOf(fixture), (storage) => ({ storage, address: addressOf(n) })))
      const owners = new Map<number, number>()
      const all = [1, 2, 3, 4, 5, 6, 7, 8]
      const count = new Map<string, number>()
      for (let i = 0; i < 250; i++) {
        const p = yield* Random.nextIntBetween(0, 2)
        const { address, storage } = processes[p]!
        const ids = yield* Effect.filter(all, () =>
          oneOf([true, false]))
        const mine = () => ids.filter((id) => owners.get(id) === p)
        const operation = yield* oneOf(["acquire", "acquire", "refresh", "release", "releaseAll", "lapse"])
        count.set(operation, (count.get(operation) ?? 0) + 1)
        if (operation === "acquire") {
          for (const id of ids) if (!owners.has(id)) owners.set(id, p)
          assert.deepStrictEqual(idsOf(yield* storage.acquire(address, shardsOf(...ids))), mine(), `${i}: acquire`)
        } else if (operation === "refresh") {
          assert.deepStrictEqual(idsOf(yield* storage.refresh(address, shardsOf(...ids))), mine(), `${i}: refresh`)
        } else if (operation === "release") {
          for (const id of mine()) owners.delete(id)
          yield* Effect.forEach(shardsOf(...ids), (id) => storage.release(address, id))
        } else if (operation === "releaseAll" && (yield* oneOf([true, false]))) {
          for (const id of all) if (owners.get(id) === p) owners.delete(id)
          yield* storage.releaseAll(address)
        } else if (operation === "lapse") {
          for (const id of ids) owners.delete(id)
          yield* lapse(fixture, { _id: { $in: ids.map((id) => `default:${id}`) } })
        }
      }
      assert.isAbove(Math.min(...count.values()), 5)
    }).pipe(seeded), 60_000)

  it.live("that many ask for at once have one owner each", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const storages = yield* Effect.forEach([1, 2, 3, 4], () => storageOf(fixture))
      const all = shardsOf(...Array.from({ length: 300 }, (_, i) => i + 1))
      for (let round = 0; round < 3; round++) {
        const got = yield* Effect.all(storages.map((storage, i) => storage.acquire(addressOf(i), all)), {
          concurrency: "unbounded"
        })
        assert.deepStrictEqual(got.flatMap(idsOf).sort((a, b) => a - b), idsOf(all))
        // Each owner has another number, greater than those before.
        assert.strictEqual(yield* locksOf(fixture).countDocuments({ fence: round + 1 }), 300)
        yield* round === 0 ? lapse(fixture) : Effect.forEach(storages, (storage, i) => storage.releaseAll(addressOf(i)))
      }
    }))

  it.live("that ran out are not renewed, and are kept from those that had them before", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const [stopped, next] = [yield* storageOf(fixture), yield* storageOf(fixture)]
      const shards = shardsOf(1, 2)
      yield* stopped.acquire(addressOf(1), shards)
      yield* lapse(fixture)
      // Nobody else has had them, but somebody could have.
      assert.deepStrictEqual(yield* stopped.refresh(addressOf(1), shards), [])
      assert.deepStrictEqual(idsOf(yield* next.acquire(addressOf(2), shardsOf(1))), [1])
      assert.deepStrictEqual(idsOf(yield* stopped.acquire(addressOf(1), shards)), [2])
      // Nor does it give back what is another one's.
      yield* stopped.release(addressOf(1), shards[0]!)
      yield* stopped.releaseAll(addressOf(1))
      assert.deepStrictEqual(idsOf(yield* next.refresh(addressOf(2), shards)), [1])
      // The next process at an address waits, too, until the lease is over.
      const restarted = yield* storageOf(fixture)
      assert.deepStrictEqual(yield* restarted.acquire(addressOf(2), shardsOf(1)), [])
    }))

  it.live("are given back at the end by a process that was interrupted while it asked for them", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const storage = yield* storageOf(fixture)
      const shards = shardsOf(1, 2)
      yield* storage.acquire(addressOf(1), shards)
      yield* storage.releaseAll(addressOf(1))
      yield* failCommand(fixture, { times: 1 }, {
        failCommands: ["update"],
        blockConnection: true,
        blockTimeMS: 1000
      })
      fixture.clear()
      const fiber = yield* Effect.forkScoped(storage.acquire(addressOf(1), shards))
      yield* until("it has asked", () => fixture.sent().includes("update"))
      yield* Fiber.interrupt(fiber)
      yield* storage.releaseAll(addressOf(1))
      yield* nothingLeft(fixture)
      assert.deepStrictEqual((yield* locksOf(fixture).find()).map(({ owner }) => owner), [null, null])
    }))

  it.live(
    "last for the time of a lease by the server's clock, and longer if they are renewed",
    () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const options = { expiration: "3 seconds", refresh: "1 second" } as const
        const [a, b] = [yield* storageOf(fixture, options), yield* storageOf(fixture, options)]
        yield* a.acquire(addressOf(1), shardsOf(1, 2))
        const [, elapsed] = yield* timed(until("the lock that is not renewed is free", () =>
          Effect.runPromise(Effect.gen(function*() {
            // One is renewed, and never lost.
            assert.deepStrictEqual(idsOf(yield* a.refresh(addressOf(1), shardsOf(1))), [1])
            const got = idsOf(yield* b.acquire(addressOf(2), shardsOf(1, 2)))
            assert.notInclude(got, 1)
            return got.length === 1
          })), 20_000))
        assert.isAbove(elapsed, 2500)
      }),
    40_000
  )
})

describe("operations", () => {
  it.live("leave the transaction around them, fail in time, and make no spans", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const storage = yield* storageOf(fixture, { prefix: "other", expiration: "900 millis", refresh: "10 seconds" })
      const spans: Array<string> = []
      yield* Effect.ignore(fixture.mongo.withTransaction(Effect.gen(function*() {
        yield* fixture.db.collection("some").insertOne({})
        yield* storage.register(runnerOf(1), true)
        yield* storage.acquire(addressOf(1), shardsOf(1)).pipe(Effect.withTracer(Tracer.make({
          span: (options) => {
            spans.push(options.name)
            return new Tracer.NativeSpan(options)
          }
        })))
        return yield* Effect.fail("undo")
      })))
      assert.deepStrictEqual(spans, [])
      assert.strictEqual(yield* fixture.db.collection("other_runners").countDocuments(), 1)
      assert.strictEqual(yield* fixture.db.collection("other_locks").countDocuments(), 1)
      assert.strictEqual(yield* fixture.db.collection("some").countDocuments(), 0)

      for (
        const [command, operation] of [
          ["update", storage.acquire(addressOf(1), shardsOf(1, 2))],
          ["update", storage.refresh(addressOf(1), shardsOf(1))],
          ["find", storage.getRunners],
          ["findAndModify", storage.register(runnerOf(2), true)]
        ] as ReadonlyArray<[string, Effect.Effect<unknown, ClusterError.PersistenceError>]>
      ) {
        yield* Effect.scoped(Effect.gen(function*() {
          yield* failCommand(fixture, "alwaysOn", { failCommands: [command], blockConnection: true, blockTimeMS: 1500 })
          const [error, elapsed] = yield* timed(Effect.flip(operation))
          assert.instanceOf(error, ClusterError.PersistenceError)
          assert.include(
            ["DeadlineExceededError", "MaxTimeExpiredError"],
            (error.cause as MongoError.MongoError).reason._tag,
            command
          )
          assert.isBelow(elapsed, 1400)
        }))
      }
    }), 60_000)
})
