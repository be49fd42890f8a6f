/**
 * What the driver knows of its servers now, and how what it holds of them is given up.
 */

import type * as Driver from "mongodb"
import { insideClient } from "./unpublished.ts"

const unknownTopology = { type: "Unknown", servers: new Map() } as unknown as Driver.TopologyDescription

/**
 * The driver publishes its description only with the event of a change, and a client that was connected before has none to come.
 *
 * @internal
 */
export const currentDescription = (driver: Driver.MongoClient): Driver.TopologyDescription =>
  insideClient(driver).topology?.description ?? unknownTopology

/**
 * Whether a client has begun to connect. One that has not makes no bulk.
 *
 * @internal
 */
export const hasTopology = (driver: Driver.MongoClient): boolean => insideClient(driver).topology != null

/**
 * Ends what keeps a client alive that is not closed in time: it waits for servers that do not answer, and keeps the process waiting with
 * it.
 *
 * @internal
 */
export const giveUp = (driver: Driver.MongoClient): void => {
  const topology = insideClient(driver).topology
  topology?.closeCheckedOutConnections()
  topology?.close()
}
