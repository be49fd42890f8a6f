/**
 * The servers of a replica set or a sharded cluster that this process has started.
 */
import * as Effect from "effect/Effect"
import type { Document } from "mongodb"
import type { Member, Processes } from "../../MongoServer.ts"
import type { Links } from "../network/links.ts"
import { sleep, withAdmin } from "../server/ask.ts"
import type { Launched } from "../server/launch.ts"
import { isSettled, type Role, roleOf } from "./roles.ts"

/** How often to look how far the members are: milliseconds. */
const lookInterval = 25

/** Long enough to copy the data of the others. */
const settleTimeout = "60 seconds"

/** @internal */
export type Part = "replicaSet" | "shard" | "config" | "mongos"

/**
 * One server of a cluster.
 *
 * @internal
 */
export interface Node {
  readonly part: Part
  readonly replicaSet: string | undefined
  /** Its address for clients and the other servers. */
  readonly host: string
  readonly server: Launched
}

/** @internal */
export interface Cluster {
  readonly nodes: ReadonlyArray<Node>
  /** The links between them, if there are proxies that disturb them. */
  readonly links: Links | undefined
}

/** @internal */
export const clusterOf = (processes: Processes): Cluster => processes["~@mongofx/testing/Processes"]

const hello = (node: Node): Promise<Document> => withAdmin(node.server.port, (admin) => admin.command({ hello: 1 }))

/** What a server says of itself. */
const roleOfNode = async (node: Node): Promise<Role> => {
  const { isFrozen, pid } = node.server.process
  return pid === undefined || isFrozen ? "down" : hello(node).then(roleOf, () => "down")
}

/**
 * The members in the order of the nodes, as they are at this moment.
 *
 * @internal
 */
export const membersOf = ({ nodes }: Cluster): Effect.Effect<ReadonlyArray<Member>> =>
  Effect.promise(() =>
    Promise.all(nodes.map(async (node) => ({
      host: node.host,
      role: await roleOfNode(node),
      part: node.part,
      replicaSet: node.replicaSet,
      pid: node.server.process.pid
    })))
  )

/**
 * The servers of each replica set, and the routers.
 *
 * @internal
 */
export const setsOf = (nodes: ReadonlyArray<Node>): ReadonlyArray<ReadonlyArray<Node>> =>
  [...new Set(nodes.map(({ replicaSet }) => replicaSet))].map((name) =>
    nodes.filter(({ replicaSet }) => replicaSet === name)
  )

const isWhole = async (nodes: ReadonlyArray<Node>): Promise<boolean> => {
  const roles = new Map(await Promise.all(nodes.map(async (node) => [node, await roleOfNode(node)] as const)))
  return setsOf(nodes).every((set) => {
    const own = set.map((node) => roles.get(node)!)
    const primaries = own.filter((role) => role === "primary").length
    return own.every(isSettled) && primaries === (set[0]!.replicaSet === undefined ? 0 : 1)
  })
}

/**
 * Waits until all servers have found their place and each set has its primary.
 *
 * @internal
 */
export const untilWhole = (nodes: ReadonlyArray<Node>): Effect.Effect<void> =>
  Effect.promise(async (signal) => {
    while (!signal.aborted && !await isWhole(nodes)) await sleep(lookInterval)
  })

/**
 * Waits until a server has found its place, unless it is closed for good.
 *
 * @internal
 */
export const untilSettled = (node: Node): Effect.Effect<void, { readonly message: string }> =>
  Effect.promise(async (signal) => {
    const { process } = node.server
    while (!signal.aborted && !process.isClosed && !isSettled(await roleOfNode(node))) await sleep(lookInterval)
  }).pipe(
    Effect.timeoutOrElse({
      duration: settleTimeout,
      orElse: () => Effect.fail({ message: `${node.host} has not found its place in ${settleTimeout}` })
    })
  )
