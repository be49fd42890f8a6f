/**
 * What a test has left: on the server, as another client sees it, and in the driver.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Driver from "mongodb"
import type { MongoServer } from "../MongoServer.ts"

/** How long an interrupted operation may take to end on the server: milliseconds. */
const grace = 2000

const pollInterval = 25

/** How long a client stays that no test uses: milliseconds. The next test needs it at once, and connecting is half of what an empty test costs. */
const keptFor = 500

interface Kept {
  readonly client: Driver.MongoClient
  users: number
  end: NodeJS.Timeout | undefined
}

/** By the address of the server. */
const kept = new Map<string, Kept>()

const take = (uri: string): Kept => {
  let found = kept.get(uri)
  if (found === undefined) {
    found = {
      client: new Driver.MongoClient(uri, { appName: "mongofx-test", minPoolSize: 0 }),
      users: 0,
      end: undefined
    }
    kept.set(uri, found)
  }
  clearTimeout(found.end)
  found.users++
  return found
}

const giveBack = (uri: string, one: Kept): void => {
  if (--one.users > 0) return
  one.end = setTimeout(() => {
    kept.delete(uri)
    void one.client.close().catch(() => undefined)
  }, keptFor)
}

/**
 * A client that sees the server from outside of the tests, which share it.
 *
 * @internal
 */
export const lookAtServer = (server: MongoServer): Effect.Effect<Driver.MongoClient, never, Scope.Scope> => {
  const uri = Redacted.value(server.uri)
  return Effect.map(
    Effect.acquireRelease(Effect.sync(() => take(uri)), (one) => Effect.sync(() => giveBack(uri, one))),
    ({ client }) => client
  )
}

const currentOperations = (admin: Driver.MongoClient, name: string): Promise<Array<Driver.Document>> =>
  admin.db("admin").aggregate([
    { $currentOp: { allUsers: true, idleConnections: true, idleCursors: true, idleSessions: true } },
    { $match: { $or: [{ appName: name }, { ns: { $regex: `^${name}[.]` } }, { "command.$db": name }] } }
  ]).toArray()

const isHandshake = (operation: Driver.Document): boolean => {
  const command = operation["command"] as Driver.Document | undefined
  return command !== undefined && ("hello" in command || "isMaster" in command || "ismaster" in command)
}

const describe = (operation: Driver.Document): string => {
  const { ns, type } = operation as { readonly type: string; readonly ns?: string }
  const command = Object.keys((operation["command"] as Driver.Document | undefined) ?? {})[0]
  const about = ns === undefined || ns === "" ? "" : ` on ${ns}`
  if (type === "idleCursor") return `an open cursor${about}`
  if (type === "idleSession") return `an idle session with a transaction${about}`
  return operation["active"] === true ? `a running ${command ?? "operation"}${about}` : `an open connection`
}

const relevant = (kind: "inUse" | "connections") => (operation: Driver.Document): boolean => {
  if (kind === "connections") return operation["type"] === "op" && operation["connectionId"] !== undefined
  return operation["type"] !== "op" || operation["active"] === true && !isHandshake(operation)
}

/**
 * What a client has left after a little time to clean up: resources in use while it is open, or its connections after it has closed.
 *
 * @internal
 */
export const leftOnServer = (
  admin: Driver.MongoClient,
  name: string,
  kind: "inUse" | "connections",
  inClient: () => ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(async () => {
    const deadline = performance.now() + grace
    for (;;) {
      const operations = (await currentOperations(admin, name)).filter(relevant(kind))
      const left = [...inClient(), ...operations.map(describe)]
      if (left.length === 0 || performance.now() > deadline) return left
      await new Promise((resolve) => setTimeout(resolve, pollInterval))
    }
  })
