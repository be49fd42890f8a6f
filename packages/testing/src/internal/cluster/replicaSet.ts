/**
 * Starts the members of a replica set, and waits until each has its place in it.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Links } from "../network/links.ts"
import { proxy } from "../network/proxy.ts"
import { sleep } from "../server/ask.ts"
import { type CannotStart, launch, type Launched, untilDone } from "../server/launch.ts"
import { mongodRecipe } from "../server/mongod.ts"
import type { Node, Part } from "./cluster.ts"
import { isSettled, roleOf } from "./roles.ts"
import { configOf, type Shape, sizeOf } from "./shape.ts"

/** How often to look how far the members are: milliseconds. */
const lookInterval = 20

/** The least that a member works well with: many of them are on one machine. An argument of `mongod` cannot say less than 256 MB. */
const cacheSize = "64MB"

/**
 * Settings of all servers of a cluster.
 *
 * @internal
 */
export interface ClusterOptions {
  readonly binary: string
  readonly args: ReadonlyArray<string>
  readonly durable: boolean
  readonly startTimeout: Duration.Input | undefined
  /** Milliseconds. */
  readonly electionTimeout: number
  /** The links between the servers, if they are to be connected by proxies. */
  readonly links: Links | undefined
}

/**
 * The address of a server for all others: its own, or that of a proxy before it.
 *
 * @internal
 */
export const hostOf = (
  server: Launched,
  links: Links | undefined
): Effect.Effect<string, CannotStart, Scope.Scope> =>
  Effect.map(
    links === undefined ? Effect.succeed(server.port) : proxy(server.port, links, (cause): CannotStart => ({
      message: "no port of 127.0.0.1 is free for a proxy",
      log: [],
      cause
    })),
    (port) => `127.0.0.1:${port}`
  )

/** Arguments that make a `mongod` a part of a cluster. */
const partArgs: Readonly<Record<Exclude<Part, "mongos">, ReadonlyArray<string>>> = {
  replicaSet: [],
  shard: ["--shardsvr"],
  config: ["--configsvr"]
}

/** An argument that says how large the cache is stays as it is. */
const cacheOf = (args: ReadonlyArray<string>): string | undefined =>
  args.some((arg) => arg.startsWith("--wiredTigerCacheSize")) ? undefined : cacheSize

/**
 * Starts a replica set. Its first member is the primary at the beginning.
 *
 * @internal
 */
export const startSet = (
  name: string,
  part: Exclude<Part, "mongos">,
  shape: Shape,
  options: ClusterOptions
): Effect.Effect<ReadonlyArray<Node>, CannotStart, Scope.Scope> =>
  Effect.gen(function*() {
    const set = { args: ["--replSet", name, ...partArgs[part]], cacheSize: cacheOf(options.args) }
    const servers = yield* Effect.all(
      Array.from({ length: sizeOf(shape) }, () => launch(mongodRecipe(options.binary, options, set))),
      { concurrency: "unbounded" }
    )
    const nodes = yield* Effect.forEach(servers, (server) =>
      Effect.map(hostOf(server, options.links), (host): Node => ({ part, replicaSet: name, host, server })))
    const config = configOf(
      name,
      shape,
      nodes.map(({ host }) =>
        host
      ),
      options,
      part === "config"
    )
    yield* Effect.forEach(nodes, ({ server }, index) =>
      untilDone(server, "join the replica set", async (admin, signal) => {
        if (index === 0 && (await admin.command({ hello: 1 }))["setName"] === undefined) {
          await admin.command({ replSetInitiate: config })
        }
        while (!signal.aborted && !isSettled(roleOf(await admin.command({ hello: 1 })))) {
          await sleep(lookInterval)
        }
      }), { concurrency: "unbounded", discard: true })
    yield* untilDone(servers[0]!, "become primary", async (admin, signal) => {
      while (!signal.aborted && roleOf(await admin.command({ hello: 1 })) !== "primary") {
        // The members would wait for the time of an election first.
        await admin.command({ replSetStepUp: 1 }).catch(() =>
          undefined
        )
        await sleep(lookInterval)
      }
    })
    return nodes
  })
