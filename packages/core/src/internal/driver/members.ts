/**
 * The servers of a client, one by one: commands to just one of them, whatever the driver would select.
 */

import * as Driver from "mongodb"
import { insideClient, type Member, type TopologyInside } from "./unpublished.ts"

/**
 * A view of the client's own that selects servers in its own way. What it sends goes through the same pools. Throws where the client is
 * closed.
 */
const viewOf = (
  driver: Driver.MongoClient,
  select: (topology: TopologyInside, options: object) => Promise<Member>
): Driver.MongoClient => {
  const topology = insideClient(driver).topology
  if (topology === undefined) throw new Driver.MongoClientClosedError()
  const selectServer = (_: unknown, options: object) => select(topology, options)
  return Object.create(driver, {
    topology: { value: Object.create(topology, { selectServer: { value: selectServer } }) }
  })
}

const databaseOf = (driver: Driver.MongoClient, view: Driver.MongoClient, name: string): Driver.Db =>
  Object.create(driver.db(name), { client: { value: view } })

/**
 * A database of the driver's whose commands go to one server, whatever would be selected.
 *
 * @internal
 */
export const databaseOn = (driver: Driver.MongoClient, member: Member, name: string): Driver.Db =>
  databaseOf(driver, viewOf(driver, async () => member), name)

/**
 * Sends a command in a session to one server as soon as that is in reach, for which the driver waits as for any server.
 *
 * @internal
 */
export const commandOn = async (
  driver: Driver.MongoClient,
  member: Member,
  name: string,
  command: Driver.Document,
  session: Driver.ClientSession | undefined
): Promise<Driver.Document> => {
  const isSame = ({ address, type }: Driver.ServerDescription) =>
    address === member.description.address && type !== "Unknown"
  const view = viewOf(
    driver,
    (topology, options) => topology.selectServer((_, servers) => servers.filter(isSame), options)
  )
  return databaseOf(driver, view, name).command(
    command,
    session === undefined ? {} : { session: sessionOf(session, view) }
  )
}

/** A session as one of a view: the driver takes only those of the client that it sends by. */
const sessionOf = (session: Driver.ClientSession, client: Driver.MongoClient): Driver.ClientSession =>
  new Proxy(session, { get: (target, key) => key === "client" ? client : Reflect.get(target, key) })

/**
 * The servers that there are or may be: which one the driver has selected for a command is not known before its reply.
 *
 * @internal
 */
export const membersOf = (driver: Driver.MongoClient): ReadonlyArray<Member> =>
  [...(insideClient(driver).topology?.s?.servers?.values() ?? [])]
    .filter(({ description }) => description.isDataBearing || description.type === "Unknown")

/**
 * Whether commands reach a server now. For one that is out of reach the driver waits, where a command must go to just that one.
 *
 * @internal
 */
export const isReachable = (driver: Driver.MongoClient, member: Member): boolean => {
  const current = insideClient(driver).topology?.s?.servers?.get(member.description.address)
  return current !== undefined && current.description.type !== "Unknown"
}
