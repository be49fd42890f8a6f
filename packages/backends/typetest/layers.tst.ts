import {
  MongoCircuitBreaker,
  MongoKeyValueStore,
  MongoLease,
  MongoMessageStorage,
  MongoPersistedQueue,
  MongoPersistence,
  MongoRateLimiter,
  MongoReactivity,
  MongoRunnerStorage,
  MongoSingleRunner
} from "@mongofx/backends"
import type { MongoDatabase, MongoError } from "@mongofx/core"
import { type Config, Effect, Layer, type Option, type Stream } from "effect"
import { Chat } from "effect/ai"
import {
  ClusterWorkflowEngine,
  type MessageStorage,
  type Runners,
  type RunnerStorage,
  type Sharding,
  type ShardingConfig
} from "effect/cluster"
import {
  type CircuitBreaker,
  type KeyValueStore,
  type PersistedQueue,
  Persistence,
  type RateLimiter
} from "effect/persistence"
import { Reactivity } from "effect/reactivity"
import type { WorkflowEngine } from "effect/workflow"
import { describe, expect, it } from "tstyche"

type Needs<A> = Layer.Layer<A, never, MongoDatabase.MongoDatabase>

describe("layers", () => {
  it("are the services of Effect, need a database, and fail with nothing", () => {
    expect(MongoPersistence.layer).type.toBe<Needs<Persistence.Persistence>>()
    expect(MongoPersistence.layerBacking).type.toBe<Needs<Persistence.BackingPersistence>>()
    expect(MongoPersistedQueue.layer).type.toBe<Needs<PersistedQueue.PersistedQueueFactory>>()
    expect(MongoPersistedQueue.layerStore).type.toBe<Needs<PersistedQueue.PersistedQueueStore>>()
    expect(MongoRateLimiter.layer).type.toBe<Needs<RateLimiter.RateLimiter>>()
    expect(MongoRateLimiter.layerStore).type.toBe<Needs<RateLimiter.RateLimiterStore>>()
    expect(MongoCircuitBreaker.layerStore).type.toBe<Needs<CircuitBreaker.CircuitBreakerStore>>()
    expect(MongoKeyValueStore.layer).type.toBe<Needs<KeyValueStore.KeyValueStore>>()
    expect(MongoLease.layer).type.toBe<Needs<MongoLease.MongoLease>>()
    expect(MongoMessageStorage.layer).type.toBe<Needs<MessageStorage.MessageStorage>>()
    expect(MongoMessageStorage.layerWake).type.toBe<
      Layer.Layer<never, never, MongoDatabase.MongoDatabase | Sharding.Sharding>
    >()
    expect(MongoRunnerStorage.layer).type.toBe<
      Layer.Layer<RunnerStorage.RunnerStorage, never, MongoDatabase.MongoDatabase | ShardingConfig.ShardingConfig>
    >()
    expect(MongoSingleRunner.layer()).type.toBe<
      Layer.Layer<
        Sharding.Sharding | Runners.Runners | MessageStorage.MessageStorage,
        Config.ConfigError,
        MongoDatabase.MongoDatabase
      >
    >()
    // It is all that workflows need.
    expect(Layer.provide(ClusterWorkflowEngine.layer, MongoSingleRunner.layer())).type.toBe<
      Layer.Layer<WorkflowEngine.WorkflowEngine, Config.ConfigError, MongoDatabase.MongoDatabase>
    >()
    expect(Layer.provide(Chat.layerPersisted({ storeId: "chats" }), MongoPersistence.layerBacking)).type.toBe<
      Needs<Chat.Persistence>
    >()
    // The store is not the service that is built on it.
    expect(Effect.provide(Persistence.Persistence, MongoPersistence.layerBacking)).type.not.toBeAssignableTo<
      Effect.Effect<unknown, never, MongoDatabase.MongoDatabase>
    >()
  })

  it("take their own settings, and no others", () => {
    expect(MongoPersistence.layerWith).type.toBeCallableWith({ collectionName: "cache", deadline: "1 second" })
    expect(MongoPersistence.layerWith).type.not.toBeCallableWith({ clock: "program" })
    expect(MongoRateLimiter.layerStoreWith).type.toBeCallableWith({ clock: "program" })
    expect(MongoRateLimiter.layerStoreWith).type.not.toBeCallableWith({ clock: "test" })
    expect(MongoCircuitBreaker.layerStoreWith).type.toBeCallableWith({ probeLease: "1 second", idleTimeToLive: 5 })
    expect(MongoPersistedQueue.layerWith).type.toBeCallableWith({ lockExpiration: "10 seconds", pollInterval: 100 })
    expect(MongoKeyValueStore.layerWith).type.not.toBeCallableWith({ prefix: "a" })
    expect(MongoLease.layerWith).type.not.toBeCallableWith({ duration: "1 second" })
    expect(MongoMessageStorage.layerWith).type.toBeCallableWith({ prefix: "billing", deadline: "1 second" })
    expect(MongoMessageStorage.layerWith).type.not.toBeCallableWith({ collectionName: "billing" })
    expect(MongoMessageStorage.layerWakeWith).type.not.toBeCallableWith({ deadline: "1 second" })
    expect(MongoRunnerStorage.layerWith).type.not.toBeCallableWith({ deadline: "1 second" })
    expect(MongoSingleRunner.layer).type.toBeCallableWith({
      runnerStorage: "memory",
      shardingConfig: { shardsPerGroup: 10 }
    })
    expect(MongoSingleRunner.layer).type.not.toBeCallableWith({ runnerStorage: "sql" })
  })
})

describe("MongoReactivity", () => {
  it("is Effect's Reactivity, and says that a change stream may not open", () => {
    expect(MongoReactivity.layer({ collections: ["users"] })).type.toBe<
      Layer.Layer<Reactivity.Reactivity, MongoError.MongoError, MongoDatabase.MongoDatabase>
    >()
    expect(MongoReactivity.layer).type.not.toBeCallableWith()
    expect(MongoReactivity.layer).type.not.toBeCallableWith({ collections: "users" })
  })

  it("has keys for queries of Effect, and text for the keys of invalidations", () => {
    const keys = MongoReactivity.documents("users", [1, "ada", {}])
    expect(Reactivity.stream(Effect.succeed(1), keys)).type.toBe<Stream.Stream<number, never, Reactivity.Reactivity>>()
    expect(Reactivity.invalidate({ users: [MongoReactivity.id(1)] })).type.toBe<
      Effect.Effect<void, never, Reactivity.Reactivity>
    >()
    expect(MongoReactivity.documents).type.not.toBeCallableWith("users", "ada")
  })
})

describe("MongoLease", () => {
  const leases = null! as MongoLease.MongoLease
  const work = null! as (lease: MongoLease.Held) => Effect.Effect<number, "no", "service">

  it("gives the result, the failures and the needs of the work", () => {
    expect(leases.withLease({ name: "a", wait: 0 }, work)).type.toBe<
      Effect.Effect<number, "no" | MongoLease.LeaseError | MongoError.MongoError, "service">
    >()
    expect(leases.tryWithLease({ name: "a" }, work)).type.toBe<
      Effect.Effect<Option.Option<number>, "no" | MongoLease.LeaseError | MongoError.MongoError, "service">
    >()
    // A leader waits until it leads again.
    expect(leases.lead({ name: "a" }, work)).type.toBe<
      Effect.Effect<number, "no" | MongoError.MongoError, "service">
    >()
  })

  it("needs a name, and waits only where it says so", () => {
    expect(leases.withLease).type.not.toBeCallableWith({}, work)
    expect(leases.tryWithLease).type.not.toBeCallableWith({ name: "a", wait: "1 second" }, work)
    expect(leases.lead).type.not.toBeCallableWith({ name: "a", wait: "1 second" }, work)
  })
})
