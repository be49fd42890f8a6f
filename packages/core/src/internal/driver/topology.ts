/**
 * What the driver knows of its servers now. It publishes that only with the event of a change, and a client that was connected before
 * has none to come.
 */

import type * as Driver from "mongodb"
import { insideClient } from "./unpublished.ts"

const unknownTopology = { type: "Unknown", servers: new Map() } as unknown as Driver.TopologyDescription

/** @internal */
export const currentDescription = (driver: Driver.MongoClient): Driver.TopologyDescription =>
  insideClient(driver).topology?.description ?? unknownTopology

/**
 * Whether a client has begun to connect. One that has not makes no bulk.
 *
 * @internal
 */
export const hasTopology = (driver: Driver.MongoClient): boolean => insideClient(driver).topology != null
