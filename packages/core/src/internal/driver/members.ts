/**
 * The single servers of a client: sends commands to one of them, whichever the driver would select.
 */

import * as Driver from "mongodb"
import { insideClient, type Member, type TopologyInside } from "./unpublished.ts"

/**
 * Makes a view of the client that selects servers in its own way. It sends through the same pools. Throws if the client is closed.
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
 * Makes a database of the driver whose commands go to one server, whichever the driver would select.
 *
 * @internal
 */
export const databaseOn = (driver: Driver.MongoClient, member: Member, name: string): Driver.Db =>
  databaseOf(driver, viewOf(driver, async () => member), name)

/**
 * Sends a command in a session to one server as soon as it is in reach. The driver waits for it as for any server.
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

/** Makes a session look like one of a view: the driver takes only sessions of the client that sends. */
const sessionOf = (session: Driver.ClientSession, client: Driver.MongoClient): Driver.ClientSession =>
  new Proxy(session, { get: (target, key) => key === "client" ? client : Reflect.get(target, key) })

/**
 * All servers that exist or may exist: only the reply to a command tells which one the driver has selected.
 *
 * @internal
 */
export const membersOf = (driver: Driver.MongoClient): ReadonlyArray<Member> =>
  [...(insideClient(driver).topology?.s?.servers?.values() ?? [])]
    .filter(({ description }) => description.isDataBearing || description.type === "Unknown")

/**
 * Whether commands reach a server now. If a command must go to a server that is out of reach, the driver waits for that server.
 *
 * @internal
 */
export const isReachable = (driver: Driver.MongoClient, member: Member): boolean => {
  const current = insideClient(driver).topology?.s?.servers?.get(member.description.address)
  return current !== undefined && current.description.type !== "Unknown"
}
