/**
 * The members of a deployment that somebody else has started, as it names them.
 */
import * as Driver from "mongodb"
import { type Role, roleOf } from "./roles.ts"
import { uriOfMember } from "./uri.ts"

/**
 * A member by its address.
 *
 * @internal
 */
export interface Place {
  readonly host: string
  readonly part: "replicaSet" | "shard" | "config" | "mongos" | "standalone"
  readonly replicaSet: string | undefined
}

const listOf = (hosts: unknown): ReadonlyArray<string> => Array.isArray(hosts) ? hosts.map(String) : []

const namedPlaces = (client: Driver.MongoClient, part: "mongos" | "standalone"): ReadonlyArray<Place> =>
  client.options.hosts.map((host) => ({ host: String(host), part, replicaSet: undefined }))

const placesOfSet = (address: string, part: "shard" | "config"): ReadonlyArray<Place> => {
  const [replicaSet, hosts = ""] = address.split("/")
  return hosts.split(",").map((host) => ({ host, part, replicaSet }))
}

const shardedPlaces = async (
  client: Driver.MongoClient,
  options: Driver.Abortable
): Promise<ReadonlyArray<Place>> => {
  const admin = client.db("admin")
  // A router that has just started knows the config servers alone, and asks them for the shards.
  const [{ map }, { shards }] = await Promise.all([
    admin.command({ getShardMap: 1 }, options) as Promise<{ readonly map: Readonly<Record<string, string>> }>,
    admin.command({ listShards: 1 }, options) as Promise<{ readonly shards: ReadonlyArray<{ readonly host: string }> }>
  ])
  return [
    ...placesOfSet(map["config"] ?? "", "config"),
    ...shards.flatMap(({ host }) => placesOfSet(host, "shard")),
    // The cluster knows its routers by the names of their machines, which need not lead here.
    ...namedPlaces(client, "mongos")
  ]
}

/**
 * The members that the servers of an address know. Those that are hidden are not among them.
 *
 * @internal
 */
export const placesOf = async (
  client: Driver.MongoClient,
  options: Driver.Abortable = {}
): Promise<ReadonlyArray<Place>> => {
  // Any member knows the others, also while there is no primary.
  const hello = await client.db("admin").command({ hello: 1 }, { ...options, readPreference: "nearest" })
  if (hello["msg"] === "isdbgrid") return shardedPlaces(client, options)
  const replicaSet = hello["setName"] as string | undefined
  if (replicaSet === undefined) return namedPlaces(client, "standalone")
  return [...listOf(hello["hosts"]), ...listOf(hello["passives"]), ...listOf(hello["arbiters"])]
    .map((host) => ({ host, part: "replicaSet", replicaSet }))
}

/**
 * What a member says of itself.
 *
 * @internal
 */
export interface Answer {
  readonly role: Role
  /** The number of its process, on its machine. */
  readonly pid: number | undefined
}

/** @internal */
export const askPlace = async (uri: string, { host }: Place): Promise<Answer> => {
  const client = new Driver.MongoClient(uriOfMember(uri, host))
  try {
    const admin = client.db("admin")
    const role = roleOf(await admin.command({ hello: 1 }))
    // Not everybody may ask for the status.
    const status = await admin.command({ serverStatus: 1, metrics: 0, wiredTiger: 0, repl: 0, locks: 0 })
      .catch((): Driver.Document => ({}))
    return { role, pid: status["pid"] === undefined ? undefined : Number(status["pid"]) }
  } catch {
    return { role: "down", pid: undefined }
  } finally {
    await client.close().catch(() => undefined)
  }
}
