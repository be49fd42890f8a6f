/**
 * What a test has left: on all members of the server, as other clients see them, and in the driver.
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as Driver from "mongodb"
import type { MongoServer } from "../MongoServer.ts"
import { type Place, placesOf } from "./cluster/discover.ts"
import { uriOfMember } from "./cluster/uri.ts"

/** How long an interrupted operation may take to end on the server: milliseconds. */
const grace = 2000

const pollInterval = 25

/** How long one of several members may take to answer: milliseconds. A fault of the test may have struck it, also on a connection that is open. */
const longestAnswer = 2000

const limit = (): Driver.Abortable => ({ signal: AbortSignal.timeout(longestAnswer) })

/** How long the server may take to drop the database of a test: milliseconds. It waits for most of its members, for ten minutes if need be. */
const longestDrop = 10_000

/** How long a client stays that no test uses: milliseconds. The next test needs it at once, and connecting is half of what an empty test costs. */
const keptFor = 500

/** A member and a client of it alone. */
interface Eye {
  readonly place: Place | undefined
  readonly client: Driver.MongoClient
}

interface Kept {
  readonly look: Look
  users: number
  end: NodeJS.Timeout | undefined
}

/** By the address of the server. */
const kept = new Map<string, Kept>()

const options: Driver.MongoClientOptions = {
  appName: "mongofx-test",
  minPoolSize: 0,
  // By default a client does not even connect while there is no primary.
  readPreference: "primaryPreferred"
}

/**
 * Sees a server from outside of the tests, which share it.
 *
 * @internal
 */
export class Look {
  /** A client of the server as a whole. */
  readonly client: Driver.MongoClient
  private readonly uri: string
  /** Sees one member, any that the driver chooses. */
  readonly whole: Eye
  private readonly eyes: Array<Eye> = []

  constructor(uri: string) {
    this.uri = uri
    this.client = new Driver.MongoClient(uri, options)
    this.whole = { place: undefined, client: this.client }
  }

  /** All members that may have something of a test. One with no others needs no client of its own. */
  async members(): Promise<ReadonlyArray<Eye>> {
    if (this.client.options.directConnection) return [this.whole]
    for (const place of await this.places()) {
      if (this.eyes.some((eye) => eye.place?.host === place.host)) continue
      this.eyes.push({ place, client: new Driver.MongoClient(uriOfMember(this.uri, place.host), options) })
    }
    return this.eyes.length === 0 ? [this.whole] : this.eyes
  }

  /** One that stands alone has none. Those that are known stay the same while the server does not name them. */
  private async places(): Promise<ReadonlyArray<Place>> {
    const isKnown = this.eyes.length > 0
    const places = await placesOf(this.client, isKnown ? limit() : {}).catch(
      (error) => {
        if (isKnown) return []
        throw error
      }
    )
    return places.length < 2 ? [] : places
  }

  /** Drops the database of a test. A server that refuses is gone or has none; one that takes too long may keep it, and this says so. */
  async drop(name: string): Promise<void> {
    const signal = AbortSignal.timeout(longestDrop + longestAnswer)
    try {
      await this.client.db(name).command({ dropDatabase: 1, maxTimeMS: longestDrop }, { signal })
    } catch (error) {
      if (!signal.aborted && (error as Driver.MongoServerError).codeName !== "MaxTimeMSExpired") return
      process.stderr.write(
        `The database ${name} of a test was not dropped within ${longestDrop / 1000} seconds, and may stay: ` +
          "the primary or most of the members did not answer. End the faults of a test before its client closes.\n"
      )
    }
  }

  async close(): Promise<void> {
    await Promise.all(
      [this.client, ...this.eyes.map(({ client }) => client)].map((client) => client.close().catch(() => undefined))
    )
  }
}

const take = (uri: string): Kept => {
  let found = kept.get(uri)
  if (found === undefined) {
    found = {
      look: new Look(uri),
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
    void one.look.close()
  }, keptFor)
}

/**
 * Sees the server from outside of the tests, which share the clients for that.
 *
 * @internal
 */
export const lookAtServer = (server: MongoServer): Effect.Effect<Look, never, Scope.Scope> => {
  const uri = Redacted.value(server.uri)
  return Effect.map(
    Effect.acquireRelease(Effect.sync(() => take(uri)), (one) => Effect.sync(() => giveBack(uri, one))),
    ({ look }) => look
  )
}

const currentOperations = ({ client, place }: Eye, name: string): Promise<Array<Driver.Document>> =>
  client.db("admin").aggregate([
    {
      $currentOp: {
        allUsers: true,
        idleConnections: true,
        idleCursors: true,
        idleSessions: true,
        // A router would tell what the shards do, which are asked themselves.
        ...(place?.part === "mongos" ? { localOps: true } : {})
      }
    },
    { $match: { $or: [{ appName: name }, { ns: { $regex: `^${name}[.]` } }, { "command.$db": name }] } }
  ], place === undefined ? {} : limit() as object).toArray()

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

/** What is left of one kind. Clients connect to the routers of a sharded cluster, and those keep their own connections to the shards. */
type Kind = "inUse" | "connections"

const relevant = (kind: Kind, place: Place | undefined) => (operation: Driver.Document): boolean => {
  if (kind === "connections") {
    return operation["type"] === "op" && operation["connectionId"] !== undefined &&
      place?.part !== "shard" && place?.part !== "config"
  }
  // A router still tells of transactions that have ended. The shards know which ones are open.
  if (operation["type"] === "idleSession") return place?.part !== "mongos"
  return operation["type"] !== "op" || operation["active"] === true && !isHandshake(operation)
}

const leftOn = async (eye: Eye, name: string, kind: Kind): Promise<ReadonlyArray<string>> => {
  const where = eye.place === undefined ? "" : ` (${eye.place.host})`
  const operations = await currentOperations(eye, name)
  return operations.filter(relevant(kind, eye.place)).map((operation) => `${describe(operation)}${where}`)
}

/** A member that does not answer is down, an arbiter, or has users of its own. */
const leftOnMembers = async (look: Look, name: string, kind: Kind): Promise<ReadonlyArray<string>> => {
  const eyes = await look.members()
  if (eyes[0] === look.whole) return leftOn(look.whole, name, kind)
  const answers = await Promise.allSettled(eyes.map((eye) => leftOn(eye, name, kind)))
  const seen = answers.flatMap((answer) => answer.status === "fulfilled" ? [answer.value] : [])
  return seen.length === 0 ? leftOn(look.whole, name, kind) : seen.flat()
}

/**
 * What a client has left after a little time to clean up: resources in use while it is open, or its connections after it has closed.
 *
 * @internal
 */
export const leftOnServer = (
  look: Look,
  name: string,
  kind: Kind,
  inClient: () => ReadonlyArray<string>
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.promise(async () => {
    const deadline = performance.now() + grace
    for (;;) {
      const left = [...inClient(), ...await leftOnMembers(look, name, kind)]
      if (left.length === 0 || performance.now() > deadline) return left
      await new Promise((resolve) => setTimeout(resolve, pollInterval))
    }
  })
