/**
 * The `MessageStorage` of Effect Cluster on MongoDB: messages to entities and their replies, for entities, workflows, timers and delayed messages.
 *
 * @since 0.1.0
 */
import { MongoDatabase } from "@mongofx/core"
import * as MessageStorage from "effect/cluster/MessageStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as Snowflake from "effect/cluster/Snowflake"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { makeMailbox } from "./internal/mailbox.ts"
import { waking } from "./internal/wake.ts"

/**
 * Settings of the layers.
 *
 * @see {@link layerWith} for the layer that takes them
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** How the names of the collections begin, `cluster` by default: `cluster_messages` and `cluster_replies`. */
  readonly prefix?: string | undefined
  /** How long an operation may take, 10 seconds by default. A shorter deadline around it counts. */
  readonly deadline?: Duration.Input | undefined
}

/**
 * Keeps the messages of a cluster and their replies in collections, with settings.
 *
 * **Example** (Two clusters in a database)
 *
 * ```ts
 * import { MongoMessageStorage } from "@mongofx/backends"
 *
 * const Messages = MongoMessageStorage.layerWith({ prefix: "billing" })
 * ```
 *
 * @see {@link layer} for the same without settings, and for what is stored
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (
  options: Options
): Layer.Layer<MessageStorage.MessageStorage, never, MongoDatabase.MongoDatabase> =>
  Layer.effect(
    MessageStorage.MessageStorage,
    Effect.gen(function*() {
      const database = yield* MongoDatabase.MongoDatabase
      return yield* MessageStorage.makeEncoded(yield* makeMailbox(database, options.prefix, options))
    })
  ).pipe(Layer.provide(Snowflake.layerGenerator))

/**
 * Keeps the messages of a cluster and their replies in the collections `cluster_messages` and `cluster_replies`.
 *
 * **When to use**
 *
 * Use it with `MongoRunnerStorage` for a cluster of several processes, and provide `layerWake` beside it. `MongoSingleRunner` has all that one process needs.
 *
 * **Details**
 *
 * The order of messages is the order in which the server has got them, whichever process sent them. A request is delivered until it has an exit, and it has one exit: another one, and a
 * chunk after it, are refused. A request with a primary key that is there already is not stored again, and its sender gets the replies of the first one. Keys may have any length.
 *
 * What is sent in a transaction is delivered when that commits. For an entity with `ClusterSchema.WithTransaction` the transaction is one of the
 * client: what the handler writes on this client, and its reply, are committed together or not at all. The handler runs once in a
 * transaction: when that fails, the entity's policy for defects decides whether the request is delivered again. Reads of the mailbox leave transactions.
 *
 * Operations have a deadline and make no spans. They fail with a `PersistenceError` whose `cause` is the `MongoError`. If the indexes cannot be made, the layer dies.
 *
 * **Gotchas**
 *
 * It needs a replica set or a sharded cluster, since replies are written in transactions.
 *
 * In a transaction, send with `discard: true`: a reply would come only after the commit.
 *
 * Processed messages stay, so that their primary keys are known. `MessageStorage.clearAddress` removes those of an entity.
 *
 * A process that is killed in the middle of a transaction leaves it open on the server for `transactionLifetimeLimitSeconds`, a minute by default. Until then the next
 * owner of the shard cannot answer what that one was at: the handler fails with a conflict, and runs again. Set this parameter of the server lower if that is too long.
 *
 * **Example** (What a runner of a cluster needs)
 *
 * ```ts
 * import { MongoMessageStorage, MongoRunnerStorage } from "@mongofx/backends"
 * import { Layer } from "effect"
 * import { HttpRunner } from "effect/cluster"
 *
 * const Cluster = MongoMessageStorage.layerWake.pipe(
 *   Layer.provideMerge(HttpRunner.layerHttp),
 *   Layer.provideMerge(Layer.mergeAll(MongoMessageStorage.layer, MongoRunnerStorage.layer))
 * )
 * ```
 *
 * @see {@link layerWake} for delivery at once
 * @see {@link layerWith} for settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MessageStorage.MessageStorage, never, MongoDatabase.MongoDatabase> = layerWith({})

/**
 * Wakes `Sharding` when a message has come, with settings.
 *
 * **Example** (Of a cluster with a prefix)
 *
 * ```ts
 * import { MongoMessageStorage } from "@mongofx/backends"
 *
 * const Wake = MongoMessageStorage.layerWakeWith({ prefix: "billing" })
 * ```
 *
 * @see {@link layerWake} for the same without settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerWakeWith = (
  options: Pick<Options, "prefix">
): Layer.Layer<never, never, MongoDatabase.MongoDatabase | Sharding.Sharding> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const database = yield* MongoDatabase.MongoDatabase
    yield* Effect.forkScoped(waking(database, options.prefix, yield* Sharding.Sharding))
  }))

/**
 * Wakes `Sharding` when a message has come, or when the time of a delayed one has.
 *
 * **When to use**
 *
 * Use it in every process that runs entities on `MongoMessageStorage.layer`. `MongoSingleRunner` has it.
 *
 * **Details**
 *
 * A change stream hears of messages for the shards of this process, and a timer waits for the next delayed message. Without it, and while the change stream is
 * interrupted, runners look for messages every `entityMessagePollInterval`, 10 seconds by default.
 *
 * **Example** (With a runner)
 *
 * ```ts
 * import { MongoMessageStorage } from "@mongofx/backends"
 * import { Layer } from "effect"
 * import { SocketRunner } from "effect/cluster"
 *
 * const Runner = Layer.provideMerge(MongoMessageStorage.layerWake, SocketRunner.layer)
 * ```
 *
 * @see {@link layer} for the storage
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerWake: Layer.Layer<never, never, MongoDatabase.MongoDatabase | Sharding.Sharding> = layerWakeWith({})
