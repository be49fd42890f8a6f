// @barrel: Auto-generated exports. Do not edit manually.

/**
 * The store of Effect's `CircuitBreaker` on MongoDB: one circuit for all processes.
 *
 * @since 0.1.0
 */
export * as MongoCircuitBreaker from "./MongoCircuitBreaker.ts"

/**
 * Effect's `KeyValueStore` on MongoDB: text and bytes by key, with a `modify` that loses no update.
 *
 * @since 0.1.0
 */
export * as MongoKeyValueStore from "./MongoKeyValueStore.ts"

/**
 * Leases: work that one process does at a time, and a leader among several.
 *
 * @since 0.1.0
 */
export * as MongoLease from "./MongoLease.ts"

/**
 * The `MessageStorage` of Effect Cluster on MongoDB: messages to entities and their replies, for entities, workflows, timers and delayed messages.
 *
 * @since 0.1.0
 */
export * as MongoMessageStorage from "./MongoMessageStorage.ts"

/**
 * Effect's `PersistedQueue` on MongoDB: work that is done at least once, by any of several processes, with retries, delays and dead letters.
 *
 * @since 0.1.0
 */
export * as MongoPersistedQueue from "./MongoPersistedQueue.ts"

/**
 * Effect's `Persistence` on MongoDB: results that outlive the process, for `PersistedCache`, persisted `RequestResolver`s and the chats of
 * `effect/ai`.
 *
 * @since 0.1.0
 */
export * as MongoPersistence from "./MongoPersistence.ts"

/**
 * Effect's `RateLimiter` on MongoDB: one limit for all processes, each call one atomic update.
 *
 * @since 0.1.0
 */
export * as MongoRateLimiter from "./MongoRateLimiter.ts"

/**
 * Effect's `Reactivity` on MongoDB: queries that run again when a transaction has committed, and when other processes write.
 *
 * @since 0.1.0
 */
export * as MongoReactivity from "./MongoReactivity.ts"

/**
 * The `RunnerStorage` of Effect Cluster on MongoDB: which runners there are, and which of them has which shard.
 *
 * @since 0.1.0
 */
export * as MongoRunnerStorage from "./MongoRunnerStorage.ts"

/**
 * A cluster of one process on MongoDB, for durable entities and workflows.
 *
 * @since 0.1.0
 */
export * as MongoSingleRunner from "./MongoSingleRunner.ts"
