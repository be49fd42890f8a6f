/**
 * The deployment that tests run on, and each of its servers, as clients of the runner see them.
 *
 * @since 0.1.0
 */
import { MongoServer } from "@mongofx/testing"
import { Effect, Redacted, type Scope } from "effect"
import * as Driver from "mongodb"
import type { Document } from "./format.ts"

/** One server, and a client of it alone. */
export interface Server {
  readonly host: string
  readonly part: MongoServer.Member["part"]
  readonly client: Driver.MongoClient
}

interface Description {
  readonly version: string
  readonly topology: "single" | "replicaset" | "sharded" | "sharded-replicaset" | "load-balanced"
  readonly auth: boolean
  readonly parameters: Document
}

export interface Environment extends Description {
  /** For the clients of tests: a replica set as a whole, or the first router of a sharded cluster. */
  readonly uri: string
  /** For the clients that a test wants to have several routers: all of them. */
  readonly uriOfAll: string
  readonly admin: Driver.MongoClient
  /** All but the config servers and the arbiters. */
  readonly servers: ReadonlyArray<Server>
}

const runnerName = "mongofx-spec-runner"

/** A server that a busy machine keeps from answering must not end the run: a monitor that gives up ends the runner's own commands. */
const patience = 120_000

/** The connection string with another address. */
const withHost = (uri: string, host: string): string => uri.replace(/^(mongodb:\/\/(?:[^@/]*@)?)[^/?]*/, `$1${host}`)

/** The connection string of one server alone. */
const directUri = (uri: string, host: string): string => {
  const [address, query = ""] = withHost(uri, host).split("?")
  const kept = [...new URLSearchParams(query)].filter(([key]) => !/^(replicaSet|directConnection)$/i.test(key))
  return `${address}?${new URLSearchParams([...kept, ["directConnection", "true"]]).toString()}`
}

const describe = async (admin: Driver.MongoClient): Promise<Description> => {
  const database = admin.db("admin")
  const hello = await database.command({ hello: 1 })
  const { version } = await database.command({ buildInfo: 1 })
  const parameters = await database.command({ getParameter: "*" }).catch(() => ({}))
  const topology = hello["msg"] === "isdbgrid" ? "sharded" : hello["setName"] !== undefined ? "replicaset" : "single"
  return {
    version: String(version),
    topology: admin.options.loadBalanced ? "load-balanced" : topology,
    auth: admin.options.credentials !== undefined,
    parameters
  }
}

/** Sees a deployment until the scope ends. */
export const connect = (
  server: MongoServer.MongoServer
): Effect.Effect<Environment, MongoServer.MongoServerError, Scope.Scope> =>
  Effect.gen(function*() {
    const client = (uri: string) =>
      Effect.acquireRelease(
        Effect.sync(() => new Driver.MongoClient(uri, { appName: runnerName, connectTimeoutMS: patience })),
        (client) => Effect.promise(() => client.close())
      )
    const uriOfAll = Redacted.value(server.uri)
    const members = yield* Effect.provideService(MongoServer.members, MongoServer.MongoServer, server)
    const servers = yield* Effect.forEach(
      members.filter(({ part, role }) => part !== "config" && role !== "arbiter"),
      ({ host, part }) => Effect.map(client(directUri(uriOfAll, host)), (client): Server => ({ host, part, client }))
    )
    const router = servers.find(isRouter)
    const uri = router === undefined ? uriOfAll : withHost(uriOfAll, router.host)
    const admin = yield* client(uri)
    return { uri, uriOfAll, admin, servers, ...yield* Effect.promise(() => describe(admin)) }
  })

export const isRouter = ({ part }: Server): boolean => part === "mongos"

/** The servers that clients talk to: the routers of a sharded cluster, otherwise all. */
export const entriesOf = (servers: ReadonlyArray<Server>): ReadonlyArray<Server> =>
  servers.some(isRouter) ? servers.filter(isRouter) : servers

/** Transactions that a test has left must not block the next one. */
export const killAllSessions = ({ servers }: Environment): Promise<unknown> =>
  Promise.all(
    entriesOf(servers).map(({ client }) =>
      client.db("admin").command({ killAllSessions: [] }).catch((cause: Driver.MongoServerError) => {
        // Interrupted: the command may end its own session.
        if (cause.code !== 11601 && cause.code !== 13) throw cause
      })
    )
  )

/** What an ended test has left on the servers. */
export interface Left {
  readonly cursors: number
  /** Open on purpose if a fail point of the test keeps the abort from the server. */
  readonly transactions: number
}

/** Waits until a count is 0, for at most a second: some commands that end something get no answer. */
const settled = async <A>(look: () => Promise<A>, isEmpty: (found: A) => boolean): Promise<A> => {
  const end = performance.now() + 1000
  for (;;) {
    const found = await look()
    if (isEmpty(found) || performance.now() > end) return found
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const operations = ({ client, part }: Server, of: Document, filter: Document): Promise<Array<Document>> =>
  client.db("admin").aggregate([
    // A router would tell what the shards do, which are asked themselves.
    { $currentOp: { allUsers: true, ...of, ...part === "mongos" ? { localOps: true } : {} } },
    { $match: filter }
  ]).toArray()

/** Cursors on the oplog and on the configuration are the servers' own. */
const openCursors = (server: Server): Promise<Array<Document>> =>
  operations(server, { idleCursors: true }, { cursor: { $exists: true }, ns: { $not: /^(local|config)\./ } })

/** A router still tells of transactions that have ended; the shards know which ones are open. */
const openTransactions = async (server: Server): Promise<number> => {
  if (isRouter(server)) return 0
  const { transactions } = await server.client.db("admin").command({ serverStatus: 1 })
  return Number(transactions?.currentOpen ?? 0)
}

/** Without the sessions, since a router still tells of transactions that have ended, and names their connections. */
const openConnections = (server: Server): Promise<Array<Document>> =>
  operations(server, { idleConnections: true, idleSessions: false }, {
    "clientMetadata.driver.name": /nodejs/,
    "clientMetadata.application.name": { $ne: runnerName }
  })

const sum = (numbers: ReadonlyArray<number>): number => numbers.reduce((total, each) => total + each, 0)

export const leftOf = ({ servers }: Environment): Promise<Left> =>
  settled(async () => {
    const [cursors, transactions] = await Promise.all([
      Promise.all(servers.map(openCursors)),
      Promise.all(servers.map(openTransactions))
    ])
    return { cursors: cursors.flat().length, transactions: sum(transactions) }
  }, ({ cursors }) => cursors === 0)

/**
 * How many connections the servers have of clients other than the runner's. Routers keep their own ones to the shards, which look like those of
 * their clients.
 */
export const connectionsLeft = ({ servers }: Environment): Promise<number> =>
  settled(
    async () => (await Promise.all(entriesOf(servers).map(openConnections))).flat().length,
    (count) => count === 0
  )
