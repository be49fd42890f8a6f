/**
 * Asks one server, whatever it says about the other members of its set.
 */
import * as Driver from "mongodb"
import { connect } from "node:net"

/** How often to look whether the server is there: milliseconds. */
export const lookInterval = 5

/** How long a server may take until it answers: milliseconds. */
const patience = 1000

/** @internal */
export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/**
 * Waits until something listens at the port. The driver would look only every half second.
 *
 * @internal
 */
export const listening = async (port: number, signal: AbortSignal): Promise<void> => {
  const answers = () =>
    new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy()
        resolve(true)
      })
      socket.on("error", () => resolve(false))
    })
  while (!signal.aborted && !await answers()) await sleep(lookInterval)
}

/**
 * Uses a client that gives up soon.
 *
 * @internal
 */
export const withClient = <A>(uri: string, use: (client: Driver.MongoClient) => Promise<A>): Promise<A> => {
  const client = new Driver.MongoClient(uri, { serverSelectionTimeoutMS: patience, connectTimeoutMS: patience })
  return use(client).finally(() => client.close())
}

/**
 * Uses a client of the server at a port of this machine.
 *
 * @internal
 */
export const withAdmin = <A>(port: number, use: (admin: Driver.Admin) => Promise<A>): Promise<A> =>
  withClient(`mongodb://127.0.0.1:${port}/?directConnection=true`, (client) => use(client.db("admin").admin()))
