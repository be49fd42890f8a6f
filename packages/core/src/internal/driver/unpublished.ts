/**
 * What mongofx uses of the driver and the driver does not publish, as types. Only modules of this folder look at them. The test
 * `driverContract.test.ts` compares each with the installed driver, and `docs/decisions.md` says what it is for.
 */

import type * as Driver from "mongodb"

/** @internal */
export interface ClientInside {
  /** Missing until the client connects. */
  readonly topology?: TopologyInside | undefined
}

interface TopologyInside {
  readonly description: Driver.TopologyDescription
}

/** @internal */
export const insideClient = (client: Driver.MongoClient): ClientInside => client as unknown as ClientInside
