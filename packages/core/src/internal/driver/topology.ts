/**
 * What the driver knows about its servers now, and how to make it give them up.
 */

import type * as Driver from "mongodb"
import { insideClient } from "./unpublished.ts"

const unknownTopology = { type: "Unknown", servers: new Map() } as unknown as Driver.TopologyDescription

/**
 * The driver's present description of its servers. It publishes one only with the event of a change, and a client that is already
 * connected may never see another change.
 *
 * @internal
 */
export const currentDescription = (driver: Driver.MongoClient): Driver.TopologyDescription =>
  insideClient(driver).topology?.description ?? unknownTopology

/**
 * Whether a client has begun to connect. Before that, the driver cannot make a bulk write.
 *
 * @internal
 */
export const hasTopology = (driver: Driver.MongoClient): boolean => insideClient(driver).topology != null

/**
 * Ends what keeps a client alive that does not close in time: it waits for servers that do not answer, and keeps the process alive.
 *
 * @internal
 */
export const giveUp = (driver: Driver.MongoClient): void => {
  const topology = insideClient(driver).topology
  topology?.closeCheckedOutConnections()
  topology?.close()
}
