/**
 * Turns at something that a server has only once, such as a fail point: first come, first served, among all processes that use the server.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"

/** How often the next in line checks whether it has the turn: milliseconds. The others check less often, by their place in the line. */
const lookInterval = 10

/** How often those who wait check whether those before them still live: milliseconds. */
const lifeInterval = 500

/** How many checks in a row must miss a client before it counts as dead, since a live client may be reconnecting. */
const looksUntilDead = 4

/** The clients that wait for a name, in order. The first one has the turn. */
interface Line {
  readonly _id: string
  readonly tickets: ReadonlyArray<string>
}

/** Which of the clients are connected. A server drops the connections of a process that ends, however it ends. */
const living = (client: Driver.MongoClient, appNames: ReadonlyArray<string>): Promise<ReadonlyArray<string>> =>
  client.db("admin").aggregate([
    { $currentOp: { allUsers: true, idleConnections: true, localOps: true } },
    { $match: { appName: { $in: appNames } } },
    { $group: { _id: "$appName" } }
  ]).toArray().then(
    (found) => found.map(({ _id }) => _id as string),
    // A client without the right to look must not push anybody out.
    () => appNames
  )

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

const waitInLine = async (
  client: Driver.MongoClient,
  lines: Driver.Collection<Line>,
  name: string,
  ticket: string,
  signal: AbortSignal
): Promise<void> => {
  let lookedAt = performance.now()
  let missing = new Map<string, number>()
  while (!signal.aborted) {
    const { tickets } = await lines.findOne({ _id: name }) ?? { tickets: [] as ReadonlyArray<string> }
    const place = tickets.indexOf(ticket)
    if (place === 0) return
    if (place === -1) {
      throw new Error(`the line for the fail point ${name} was removed from mongofx_testing.lines: ask again`)
    }
    if (performance.now() - lookedAt > lifeInterval) {
      const before = tickets.slice(0, place)
      const alive = await living(client, before)
      missing = new Map(
        before.filter((other) => !alive.includes(other)).map((other) => [other, (missing.get(other) ?? 0) + 1])
      )
      const dead = before.filter((other) => missing.get(other) === looksUntilDead)
      if (dead.length > 0) await lines.updateOne({ _id: name }, { $pull: { tickets: { $in: dead } } })
      lookedAt = performance.now()
    }
    await sleep(lookInterval * place)
  }
}

/**
 * Waits for a turn that only one client has at a time. All processes that use the server take turns in the order in which they ask.
 * The client's `appName` is its ticket, and no other client may have it. Waits in real time, even under TestClock.
 *
 * @internal
 */
export const acquireTurn = (
  client: Driver.MongoClient,
  name: string,
  ticket: string
): Effect.Effect<void, unknown, Scope.Scope> => {
  const lines = client.db("mongofx_testing").collection<Line>("lines")
  const attempt = <A>(promise: (signal: AbortSignal) => Promise<A>) =>
    Effect.tryPromise({ try: promise, catch: (cause) => cause })
  return Effect.andThen(
    Effect.acquireRelease(
      attempt(() => lines.updateOne({ _id: name }, { $push: { tickets: ticket } }, { upsert: true })),
      () => Effect.ignore(attempt(() => lines.updateOne({ _id: name }, { $pull: { tickets: ticket } })))
    ),
    attempt((signal) => waitInLine(client, lines, name, ticket, signal))
  )
}
