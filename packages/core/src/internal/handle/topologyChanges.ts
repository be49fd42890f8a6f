/**
 * The topology of a client, and its changes.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import * as Topology from "../../Topology.ts"
import { currentDescription } from "../driver/topology.ts"

/** How many topologies a slow reader may lag behind before it loses the oldest. */
const bufferSize = 16

type Follower = Queue.Queue<Topology.Topology, Cause.Done>

const ofClients = new WeakMap<Driver.MongoClient, TopologyChanges>()

/**
 * The topology of a client of the driver, the same object for all who ask.
 *
 * @internal
 */
export const topologyChangesOf = (driver: Driver.MongoClient): TopologyChanges => {
  const known = ofClients.get(driver)
  if (known !== undefined) return known
  const changes = new TopologyChanges(driver)
  ofClients.set(driver, changes)
  return changes
}

/**
 * The followers of a client's topology. They share one listener at the driver: more than ten would cause a warning.
 *
 * @internal
 */
class TopologyChanges {
  private readonly driver: Driver.MongoClient
  private readonly followers = new Set<Follower>()

  constructor(driver: Driver.MongoClient) {
    this.driver = driver
  }

  get current(): Topology.Topology {
    return Topology.fromDescription(currentDescription(this.driver))
  }

  /** The present topology and each later one, until the client closes. */
  get stream(): Stream.Stream<Topology.Topology> {
    return Stream.callback<Topology.Topology>(
      (follower) =>
        Effect.acquireRelease(
          Effect.sync(() => this.add(follower)),
          () => Effect.sync(() => this.delete(follower))
        ),
      { bufferSize, strategy: "sliding" }
    )
  }

  private readonly onChange = ({ newDescription }: Driver.TopologyDescriptionChangedEvent): void => {
    const topology = Topology.fromDescription(newDescription)
    for (const follower of this.followers) Queue.offerUnsafe(follower, topology)
  }

  /** A closed topology reports no more changes. */
  private readonly onClose = (): void => {
    for (const follower of this.followers) Queue.endUnsafe(follower)
  }

  private add(follower: Follower): void {
    if (this.followers.size === 0) {
      this.driver.on("topologyDescriptionChanged", this.onChange).on("topologyClosed", this.onClose)
    }
    this.followers.add(follower)
    Queue.offerUnsafe(follower, this.current)
  }

  private delete(follower: Follower): void {
    this.followers.delete(follower)
    if (this.followers.size > 0) return
    this.driver.off("topologyDescriptionChanged", this.onChange).off("topologyClosed", this.onClose)
  }
}
