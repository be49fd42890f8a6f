/**
 * Topologies from descriptions of the driver. No server is involved; `client.test.ts` has the real ones.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Topology } from "@mongofx/core"
import { Option } from "effect"
import type * as Driver from "mongodb"

/** The parts of the driver's description that are read. */
const description = (
  type: Driver.TopologyType,
  servers: Readonly<Record<string, Driver.ServerType>>,
  setName: string | null = null
) =>
  ({
    type,
    setName,
    servers: new Map(Object.entries(servers).map(([address, type]) => [address, { address, type }]))
  }) as unknown as Driver.TopologyDescription

const of = (...args: Parameters<typeof description>) => Topology.fromDescription(description(...args))

describe("fromDescription", () => {
  it("a replica set with a primary", () => {
    const servers = {
      "a:1": "RSSecondary",
      "b:2": "RSPrimary",
      "c:3": "RSArbiter",
      "d:4": "RSSecondary",
      "e:5": "RSGhost",
      "f:6": "Unknown",
      "g:7": "RSOther",
      "h:8": "PossiblePrimary"
    } as const
    assert.deepStrictEqual(of("ReplicaSetWithPrimary", servers, "rs"), {
      type: "ReplicaSetWithPrimary",
      setName: Option.some("rs"),
      address: Option.some("b:2"),
      primary: Option.some("b:2"),
      secondaries: ["a:1", "d:4"],
      arbiters: ["c:3"],
      nodes: ["b:2", "a:1", "c:3", "d:4"],
      isPrimary: true,
      isMongos: false
    })
  })

  it("a replica set without a primary takes no writes", () => {
    assert.deepStrictEqual(of("ReplicaSetNoPrimary", { "a:1": "RSSecondary", "b:2": "Unknown" }, "rs"), {
      type: "ReplicaSetNoPrimary",
      setName: Option.some("rs"),
      address: Option.none(),
      primary: Option.none(),
      secondaries: ["a:1"],
      arbiters: [],
      nodes: ["a:1"],
      isPrimary: false,
      isMongos: false
    })
  })

  it("one server", () => {
    assert.deepStrictEqual(of("Single", { "a:1": "Standalone" }), {
      type: "Single",
      setName: Option.none(),
      address: Option.some("a:1"),
      primary: Option.none(),
      secondaries: [],
      arbiters: [],
      nodes: ["a:1"],
      isPrimary: true,
      isMongos: false
    })
  })

  it("one member of a replica set, connected to directly", () => {
    const secondary = of("Single", { "a:1": "RSSecondary" }, "rs")
    assert.isFalse(secondary.isPrimary)
    assert.deepStrictEqual(secondary.address, Option.none())
    const primary = of("Single", { "a:1": "RSPrimary" }, "rs")
    assert.isTrue(primary.isPrimary)
    assert.deepStrictEqual(primary.address, Option.some("a:1"))
  })

  it("routers of a sharded cluster: only a single router has a known address", () => {
    const two = of("Sharded", { "a:1": "Mongos", "b:2": "Mongos", "c:3": "Unknown" })
    assert.isTrue(two.isMongos)
    assert.isTrue(two.isPrimary)
    assert.deepStrictEqual(two.address, Option.none())
    assert.deepStrictEqual(two.primary, Option.none())
    assert.deepStrictEqual(two.nodes, ["a:1", "b:2"])
    assert.deepStrictEqual(of("Sharded", { "a:1": "Mongos" }).address, Option.some("a:1"))
  })

  it("a load balancer stands for routers", () => {
    const balanced = of("LoadBalanced", { "a:1": "LoadBalancer" })
    assert.isTrue(balanced.isMongos)
    assert.isTrue(balanced.isPrimary)
    assert.deepStrictEqual(balanced.address, Option.some("a:1"))
  })

  it("an unknown topology", () => {
    assert.deepStrictEqual(of("Unknown", { "a:1": "Unknown" }), {
      type: "Unknown",
      setName: Option.none(),
      address: Option.none(),
      primary: Option.none(),
      secondaries: [],
      arbiters: [],
      nodes: [],
      isPrimary: false,
      isMongos: false
    })
  })
})
