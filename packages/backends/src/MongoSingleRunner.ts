/**
 * A cluster of one process on MongoDB, for durable entities and workflows.
 *
 * @since 0.1.0
 */
import type { MongoDatabase } from "@mongofx/core"
import type * as MessageStorage from "effect/cluster/MessageStorage"
import * as RunnerHealth from "effect/cluster/RunnerHealth"
import * as Runners from "effect/cluster/Runners"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as Sharding from "effect/cluster/Sharding"
import * as ShardingConfig from "effect/cluster/ShardingConfig"
import type * as Config from "effect/Config"
import * as Layer from "effect/Layer"
import * as MongoMessageStorage from "./MongoMessageStorage.ts"
import * as MongoRunnerStorage from "./MongoRunnerStorage.ts"

/**
 * Settings of the layer.
 *
 * @see {@link layer} for the layer that takes them
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** Settings of the cluster. They count before those of the environment. */
  readonly shardingConfig?: Partial<ShardingConfig.ShardingConfig["Service"]> | undefined
  /** Where the locks on shards are: `mongo` by default. With `memory` nothing keeps a second process from working on the same messages. */
  readonly runnerStorage?: "memory" | "mongo" | undefined
  /** How the names of the collections begin, `cluster` by default. */
  readonly prefix?: string | undefined
}

/**
 * Provides a cluster of one process, whose messages and locks are in MongoDB.
 *
 * **When to use**
 *
 * Use it for entities and workflows that outlive the process, as long as one process is enough. `MongoMessageStorage` and `MongoRunnerStorage` are for several.
 *
 * **Details**
 *
 * It provides `Sharding`, `Runners` and `MessageStorage`, as `SingleRunner.layer` of Effect does, and wakes `Sharding` by a change stream: delayed messages and timers of workflows come in time. The
 * `ShardingConfig` is read from the environment.
 *
 * A second process waits until the first one has ended, and then takes its shards over.
 *
 * **Gotchas**
 *
 * After a process was killed the next one waits until its locks are over, for `shardLockExpiration`, 35 seconds by default. Shorten that, or take `runnerStorage: "memory"` if there
 * is never a second process.
 *
 * **Example** (A workflow that goes on after a restart)
 *
 * ```ts
 * import { MongoSingleRunner } from "@mongofx/backends"
 * import { MongoClient, MongoDatabase } from "@mongofx/core"
 * import { Config, Effect, Layer, Schema } from "effect"
 * import { ClusterWorkflowEngine } from "effect/cluster"
 * import { Activity, DurableClock, Workflow } from "effect/workflow"
 *
 * const Order = Workflow.make("Order", {
 *   payload: { id: Schema.String },
 *   idempotencyKey: ({ id }) => id,
 *   success: Schema.String
 * })
 *
 * const OrderLive = Order.toLayer(Effect.fn(function*({ id }) {
 *   yield* Activity.make({ name: "charge", execute: Effect.logInfo(`charges ${id}`) })
 *   yield* DurableClock.sleep({ name: "a day", duration: "1 day" })
 *   return yield* Activity.make({ name: "ship", success: Schema.String, execute: Effect.succeed(`shipped ${id}`) })
 * }))
 *
 * const Live = OrderLive.pipe(
 *   Layer.provideMerge(ClusterWorkflowEngine.layer),
 *   Layer.provideMerge(MongoSingleRunner.layer()),
 *   Layer.provide(MongoDatabase.layer("app")),
 *   Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
 * )
 * ```
 *
 * @see {@link MongoMessageStorage.layer} for what is stored of messages
 * @see {@link MongoRunnerStorage.layer} for locks
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<
  Sharding.Sharding | Runners.Runners | MessageStorage.MessageStorage,
  Config.ConfigError,
  MongoDatabase.MongoDatabase
> =>
  MongoMessageStorage.layerWakeWith(options).pipe(
    Layer.provideMerge(Sharding.layer),
    Layer.provideMerge(Runners.layerNoop),
    Layer.provideMerge(MongoMessageStorage.layerWith({ prefix: options.prefix })),
    Layer.provide([
      options.runnerStorage === "memory" ? RunnerStorage.layerMemory : MongoRunnerStorage.layerWith(options),
      RunnerHealth.layerNoop
    ]),
    Layer.provide(ShardingConfig.layerFromEnv(options.shardingConfig))
  )
