/**
 * Members of the driver that this package uses and the driver does not publish. The test `driverContract.test.ts` of core compares them
 * with the installed driver, and `docs/decisions.md` says what they are for.
 */

import type * as Driver from "mongodb"

/** @internal */
export interface ClientInside {
  readonly s?: { readonly activeSessions?: ReadonlySet<Driver.ClientSession> }
}

/**
 * The sessions that a client has not ended, with those of its open cursors. The driver keeps them without publishing them.
 *
 * @internal
 */
export const activeSessions = (driver: Driver.MongoClient): ReadonlyArray<Driver.ClientSession> => {
  const { s } = driver as unknown as ClientInside
  return [...s?.activeSessions ?? []]
}

/**
 * The sessions that the user of a client has not ended, as text.
 *
 * @internal
 */
export const openSessions = (driver: Driver.MongoClient): ReadonlyArray<string> =>
  activeSessions(driver)
    .filter((session) => session.explicit)
    .map((session) => `a session that was not ended${session.inTransaction() ? ", with an open transaction" : ""}`)
