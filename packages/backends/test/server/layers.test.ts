/**
 * What all layers have in common: the names of their collections, and what happens if their indexes cannot be made.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import {
  MongoCircuitBreaker,
  MongoMessageStorage,
  MongoPersistedQueue,
  MongoPersistence,
  MongoRateLimiter,
  MongoSingleRunner
} from "@mongofx/backends"
import { MongoDatabase, MongoError } from "@mongofx/core"
import { Cause, Effect, Exit, Layer, Schema } from "effect"
import { ClusterSchema, Entity } from "effect/cluster"
import { Rpc } from "effect/rpc"
import type { IndexSpecification } from "mongodb"
import { failCommand, type Fixture, setup } from "test-support/utils"

type NeedsDatabase = Layer.Layer<never, unknown, MongoDatabase.MongoDatabase>

const building = ({ db }: Fixture, layer: NeedsDatabase) =>
  Effect.asVoid(Layer.build(Layer.provide(layer, Layer.succeed(MongoDatabase.MongoDatabase, db))))

/** The names of the collections that some layers make. */
const collectionsOf = (layer: NeedsDatabase) =>
  Effect.gen(function*() {
    const fixture = yield* setup()
    yield* building(fixture, layer)
    return (yield* fixture.db.listCollectionNames()).sort()
  })

describe("the collections", () => {
  it.live("have names of their own", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* collectionsOf(Layer.mergeAll(
          MongoCircuitBreaker.layerStore,
          MongoPersistedQueue.layer,
          MongoPersistence.layer,
          MongoRateLimiter.layer,
          MongoMessageStorage.layer
        )),
        [
          "cluster_messages",
          "cluster_replies",
          "effect_circuit_breaker",
          "effect_persistence",
          "effect_queue",
          "effect_rate_limiter"
        ]
      )
    }))

  it.live("have the names that settings give them", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(
        yield* collectionsOf(Layer.mergeAll(
          MongoCircuitBreaker.layerStoreWith({ collectionName: "circuits" }),
          MongoPersistedQueue.layerWith({ collectionName: "jobs" }),
          MongoPersistence.layerWith({ collectionName: "cache" }),
          MongoRateLimiter.layerWith({ collectionName: "limits" }),
          MongoMessageStorage.layerWith({ prefix: "billing" })
        )),
        ["billing_messages", "billing_replies", "cache", "circuits", "jobs", "limits"]
      )
    }))
})

const broken: ReadonlyArray<
  readonly [name: string, collection: string, key: IndexSpecification, layer: NeedsDatabase]
> = [
  ["MongoCircuitBreaker", "effect_circuit_breaker", { expireAt: 1 }, MongoCircuitBreaker.layerStore],
  ["MongoPersistedQueue", "effect_queue", { queue: 1, id: 1 }, MongoPersistedQueue.layerStore],
  ["MongoPersistence", "effect_persistence", { expireAt: 1 }, MongoPersistence.layerBacking],
  ["MongoRateLimiter", "effect_rate_limiter", { expireAt: 1 }, MongoRateLimiter.layerStore],
  ["MongoMessageStorage", "cluster_messages", { messageId: 1 }, MongoMessageStorage.layer]
]

describe("a layer", () => {
  for (const [name, collection, key, layer] of broken) {
    it.live(`of ${name} dies if its index cannot be made`, () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        // The same keys with other options.
        yield* fixture.db.collection(collection).createIndex(key, { sparse: true })
        const exit = yield* Effect.exit(building(fixture, layer))
        assert(Exit.isFailure(exit))
        assert.isFalse(Cause.hasFails(exit.cause))
        const defect = Cause.squash(exit.cause)
        assert(MongoError.isMongoError(defect))
        assert.match(defect.message, new RegExp(`^createIndex(es)? on ${fixture.db.name}.${collection}: `))
      }))

    it.effect(`of ${name} makes its index again when the primary has changed meanwhile`, () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        // NotWritablePrimary
        yield* failCommand(fixture, { times: 2 }, { failCommands: ["createIndexes"], errorCode: 10107 })
        yield* Effect.scoped(building(fixture, layer))
        const indexes = yield* fixture.db.collection(collection).listIndexes()
        assert.isTrue(indexes.some(({ key: found }) => Object.keys(key).every((field) => field in found)))
      }))
  }
})

const Echo = Entity.make("Echo", [Rpc.make("say", { success: Schema.String })])
  .annotateRpcs(ClusterSchema.Persisted, true)

describe("MongoSingleRunner", () => {
  const shardingConfig = { shardsPerGroup: 4 }

  /** The collections of a cluster that has answered. */
  const collections = (fixture: Fixture, options: MongoSingleRunner.Options) =>
    Effect.gen(function*() {
      const answer = Effect.gen(function*() {
        assert.strictEqual(yield* (yield* Echo.client)("a").say(), "hello")
      })
      const Live = Layer.effectDiscard(answer).pipe(
        Layer.provide(Echo.toLayer({ say: () => Effect.succeed("hello") })),
        Layer.provide(MongoSingleRunner.layer({ shardingConfig, ...options }))
      )
      yield* Effect.scoped(building(fixture, Live))
      return (yield* fixture.db.listCollectionNames()).sort()
    })

  it.live("keeps messages and locks below its prefix", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* collections(yield* setup(), { prefix: "billing" }), [
        "billing_counters",
        "billing_locks",
        "billing_messages",
        "billing_replies",
        "billing_runners"
      ])
    }))

  it.live("with locks in memory looks for no other process", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const expiresAt = new Date(Date.now() + 3_600_000)
      yield* fixture.db.collection<{ _id: string; owner: string; address: string; expiresAt: Date }>("cluster_locks")
        .insertMany([1, 2, 3, 4].map((shard) => ({
          _id: `default:${shard}`,
          owner: "another",
          address: "elsewhere:1",
          expiresAt
        })))
      assert.deepStrictEqual(yield* collections(fixture, { runnerStorage: "memory" }), [
        "cluster_locks",
        "cluster_messages",
        "cluster_replies"
      ])
    }))
})
