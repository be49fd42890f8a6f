/**
 * Starts a sharded cluster: the config servers and the shards at the same time, then the routers, which get to know the shards.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { pidFile } from "../server/dataFolder.ts"
import { type CannotStart, launch, type Launched, type Recipe, untilDone } from "../server/launch.ts"
import { commonArgs } from "../server/mongod.ts"
import type { Node } from "./cluster.ts"
import { type ClusterOptions, hostOf, startSet } from "./replicaSet.ts"
import type { Shape } from "./shape.ts"

/** @internal */
export interface ShardedOptions extends ClusterOptions {
  readonly mongos: string
  readonly mongosArgs: ReadonlyArray<string>
  readonly shards: number
  readonly members: number
  readonly configServers: number
  readonly routers: number
}

const addressOf = (set: ReadonlyArray<Node>): string => `${set[0]!.replicaSet}/${set.map(({ host }) => host).join(",")}`

const mongosRecipe = (config: ReadonlyArray<Node>, options: ShardedOptions): Recipe => ({
  binary: options.mongos,
  durable: false,
  startTimeout: options.startTimeout,
  args: (port, { dir }) => [
    "--configdb",
    addressOf(config),
    ...commonArgs(port, options.mongosArgs).common,
    "--pidfilepath",
    pidFile(dir),
    ...options.mongosArgs
  ],
  isOurs: (parsed, dir) => parsed["processManagement"]?.pidFilePath === pidFile(dir),
  prepare: () => Promise.resolve()
})

const addShards = (router: Launched, shards: ReadonlyArray<ReadonlyArray<Node>>): Effect.Effect<void, CannotStart> =>
  Effect.asVoid(untilDone(router, "take the shards", async (admin) => {
    for (const shard of shards) await admin.command({ addShard: addressOf(shard), name: shard[0]!.replicaSet })
  }))

const plain = (members: number): Shape => ({ members, arbiters: 0, delayed: [], tags: [] })

/**
 * Starts a sharded cluster.
 *
 * @internal
 */
export const startSharded = (
  options: ShardedOptions
): Effect.Effect<ReadonlyArray<Node>, CannotStart, Scope.Scope> =>
  Effect.gen(function*() {
    const [config, ...shards] = yield* Effect.all([
      startSet("config", "config", plain(options.configServers), options),
      ...Array.from(
        { length: options.shards },
        (_, index) => startSet(`shard${index}`, "shard", plain(options.members), options)
      )
    ], { concurrency: "unbounded" })
    const routers = yield* Effect.all(
      Array.from({ length: options.routers }, () => launch(mongosRecipe(config!, options))),
      { concurrency: "unbounded" }
    )
    yield* addShards(routers[0]!, shards)
    const entries = yield* Effect.forEach(routers, (server) =>
      Effect.map(
        hostOf(server, options.links),
        (host): Node => ({ part: "mongos", replicaSet: undefined, host, server })
      ))
    return [...config!, ...shards.flat(), ...entries]
  })
