/**
 * The backends on a server that is not a member of a replica set: without transactions and change streams.
 *
 * @since 0.1.0
 */
import { assert, it } from "@effect/vitest"
import {
  MongoCircuitBreaker,
  MongoKeyValueStore,
  MongoLease,
  MongoPersistedQueue,
  MongoPersistence,
  MongoRateLimiter
} from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { Duration, Effect, Fiber, Layer, Schema } from "effect"
import { CircuitBreaker, KeyValueStore, PersistedQueue, Persistence, RateLimiter } from "effect/persistence"

const Backends = Layer.mergeAll(
  MongoPersistence.layerBacking,
  MongoPersistedQueue.layerWith({ pollInterval: "50 millis" }),
  MongoRateLimiter.layer,
  MongoCircuitBreaker.layerStore,
  MongoKeyValueStore.layer,
  MongoLease.layer
)

it.live("every backend works on a server without a replica set", () =>
  Effect.gen(function*() {
    const { uri } = yield* MongoServer.startBinary({ replicaSet: false })
    yield* Effect.gen(function*() {
      const entries = yield* (yield* Persistence.BackingPersistence).make("store")
      yield* entries.setMany([["a", { n: 1 }, Duration.hours(1)]])
      assert.deepStrictEqual(yield* entries.get("a"), { n: 1 })

      const limiter = yield* RateLimiter.RateLimiter
      assert.strictEqual((yield* limiter.consume({ key: "a", limit: 2, window: "1 hour" })).remaining, 1)

      const breaker = yield* CircuitBreaker.make({
        tripPolicy: CircuitBreaker.consecutive(1),
        openDuration: "1 hour"
      })
      yield* Effect.flip(breaker.execute(Effect.fail("no"), { key: "a" }))
      assert.strictEqual((yield* breaker.state("a"))._tag, "Open")

      const keys = yield* KeyValueStore.KeyValueStore
      yield* keys.set("a", "1")
      assert.strictEqual(yield* keys.modify("a", (text) => `${text}2`), "12")

      const leases = yield* MongoLease.MongoLease
      assert.strictEqual(yield* leases.withLease({ name: "a" }, ({ fence }) => Effect.succeed(fence)), 1)

      const queue = yield* PersistedQueue.make({ name: "a", schema: Schema.Int })
      const taker = yield* Effect.forkScoped(queue.take(Effect.succeed))
      yield* Effect.sleep("200 millis")
      yield* queue.offer(7)
      assert.strictEqual(yield* Fiber.join(taker), 7)
    }).pipe(Effect.provide(Backends.pipe(
      Layer.provide(MongoDatabase.layer("backends")),
      Layer.provide(MongoClient.layer({ url: uri }))
    )))
  }), 60_000)
