import type * as Driver from "mongodb"

/** What the driver's client has but does not publish: its servers. Tests watch over it. */
interface Internals {
  readonly topology?: {
    readonly s?: { readonly servers?: ReadonlyMap<string, Member> | undefined } | undefined
    readonly closeCheckedOutConnections: () => void
    readonly close: () => void
  } | undefined
}

/**
 * A server as the driver keeps it.
 *
 * @internal
 */
export interface Member {
  readonly description: Driver.ServerDescription
  /** Has the driver look at it now, and not at the next heartbeat. */
  readonly requestCheck: () => void
}

const topologyOf = (driver: Driver.MongoClient) => (driver as unknown as Internals).topology

/**
 * A database of the driver's whose commands go to one server, whatever would be selected. It is a view of the client's own: what it
 * sends goes through the same pools.
 *
 * @internal
 */
export const databaseOn = (driver: Driver.MongoClient, member: Member, name: string): Driver.Db => {
  const topology = Object.create(topologyOf(driver) as object, { selectServer: { value: async () => member } })
  const client = Object.create(driver, { topology: { value: topology } })
  return Object.create(driver.db(name), { client: { value: client } })
}

/**
 * The servers that there are or may be: which one the driver has selected for a command is not known before its reply.
 *
 * @internal
 */
export const membersOf = (driver: Driver.MongoClient): ReadonlyArray<Member> =>
  [...(topologyOf(driver)?.s?.servers?.values() ?? [])]
    .filter(({ description }) => description.isDataBearing || description.type === "Unknown")

/**
 * Whether commands reach a server now. For one that is out of reach the driver waits, where a command must go to just that one.
 *
 * @internal
 */
export const isReachable = (driver: Driver.MongoClient, member: Member): boolean => {
  const current = topologyOf(driver)?.s?.servers?.get(member.description.address)
  return current !== undefined && current.description.type !== "Unknown"
}

/**
 * Ends what keeps a client alive that is not closed in time: it waits for servers that do not answer, and keeps the process waiting with
 * it.
 *
 * @internal
 */
export const giveUp = (driver: Driver.MongoClient): void => {
  const topology = topologyOf(driver)
  topology?.closeCheckedOutConnections()
  topology?.close()
}
