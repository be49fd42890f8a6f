/**
 * What the driver knows about the servers of a deployment.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import type * as Driver from "mongodb"

/**
 * The servers of a deployment and their roles at one moment. Addresses have the form `host:port`.
 *
 * @see `MongoClient.topology` for the present one, and `MongoClient.topologyChanges` for its changes
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Topology {
  /** What kind of deployment it is: one server, a replica set with or without a primary, a sharded cluster, … */
  readonly type: Driver.TopologyType
  /** The name of the replica set. */
  readonly setName: Option.Option<string>
  /** The only server that takes writes: the primary, a standalone server or a single router; none if there are several routers. */
  readonly address: Option.Option<string>
  /** The primary of the replica set. */
  readonly primary: Option.Option<string>
  /** The secondaries of the replica set. */
  readonly secondaries: ReadonlyArray<string>
  /** The arbiters of the replica set. */
  readonly arbiters: ReadonlyArray<string>
  /** All servers whose role is known. */
  readonly nodes: ReadonlyArray<string>
  /** Whether a server takes writes. */
  readonly isPrimary: boolean
  /** Whether the servers are routers of a sharded cluster. */
  readonly isMongos: boolean
}

/**
 * Reads the driver's description of a deployment.
 *
 * **When to use**
 *
 * Use it on events of the driver that you handle yourself. Otherwise read `topology` of the client.
 *
 * **Example** (Reading an event)
 *
 * ```ts
 * import { Topology } from "@mongofx/core"
 * import type { TopologyDescriptionChangedEvent } from "mongodb"
 *
 * const primaryAfter = (event: TopologyDescriptionChangedEvent) =>
 *   Topology.fromDescription(event.newDescription).primary
 * ```
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const fromDescription = (description: Driver.TopologyDescription): Topology => {
  const of = (...types: ReadonlyArray<Driver.ServerType>): ReadonlyArray<string> =>
    [...description.servers.values()].filter(({ type }) => types.includes(type)).map(({ address }) => address)
  const primary = of("RSPrimary")
  const routers = of("Mongos", "LoadBalancer")
  const writable = [...primary, ...routers, ...of("Standalone")]
  return {
    type: description.type,
    setName: Option.fromNullishOr(description.setName),
    address: writable.length === 1 ? Option.fromNullishOr(writable[0]) : Option.none(),
    primary: Option.fromNullishOr(primary[0]),
    secondaries: of("RSSecondary"),
    arbiters: of("RSArbiter"),
    nodes: [...writable, ...of("RSSecondary", "RSArbiter")],
    isPrimary: writable.length > 0,
    isMongos: routers.length > 0
  }
}
