/**
 * Ends what keeps a database from changing: open transactions of whoever, and operations on it.
 */
import * as Driver from "mongodb"

interface Lock {
  readonly resourceId: string
  readonly granted: ReadonlyArray<{ readonly debugInfo?: string }>
}

const hex = (id: Driver.Binary): string =>
  id.toString("hex").replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5")

/**
 * Ends the transactions that hold locks of a database, and the operations on it.
 *
 * @internal
 */
export const endBlockers = async (client: Driver.MongoClient, database: string): Promise<void> => {
  const admin = client.db("admin")
  const [operations, locks] = await Promise.all([
    admin.aggregate([
      { $currentOp: { allUsers: true, idleSessions: true } },
      { $match: { $or: [{ type: "idleSession" }, { "command.$db": database, active: true }] } }
    ], { promoteValues: true }).toArray(),
    // Its reply is for people; without it only operations are ended.
    admin.command({ lockInfo: 1 }).then((reply) => reply["lockInfo"] as ReadonlyArray<Lock>, () => [])
  ])
  const holders = locks
    .filter(({ resourceId }) => resourceId.includes(`, ${database}}`) || resourceId.includes(`, ${database}.`))
    .flatMap(({ granted }) => granted.map(({ debugInfo }) => debugInfo ?? ""))
  const sessions = operations.filter(({ lsid, type }) =>
    type === "idleSession" && lsid?.id instanceof Driver.Binary && holders.some((text) => text.includes(hex(lsid.id)))
  ).map(({ lsid }) => ({ lsid }))
  if (sessions.length > 0) await admin.command({ killAllSessionsByPattern: sessions })
  for (const { opid, type } of operations) {
    if (type === "op") await admin.command({ killOp: 1, op: opid }).catch(() => undefined)
  }
}

/**
 * Ends the cursors that are open on a database.
 *
 * @internal
 */
export const endCursors = async (client: Driver.MongoClient, database: string): Promise<void> => {
  const admin = client.db("admin")
  const cursors = await admin.aggregate<{ readonly lsid?: Driver.Document }>([
    { $currentOp: { allUsers: true, idleCursors: true } },
    { $match: { type: "idleCursor", ns: { $regex: `^${database}[.]` } } },
    { $project: { lsid: 1 } }
  ]).toArray()
  const sessions = cursors.flatMap(({ lsid }) => lsid === undefined ? [] : [{ lsid }])
  if (sessions.length > 0) await admin.command({ killAllSessionsByPattern: sessions })
}

/** How often the server is asked: milliseconds. */
const pause = 5

/**
 * Waits until the server has ended the connections of a closed client, and with them its last command. Gives up after a time in
 * milliseconds, and if the user may not ask.
 *
 * @internal
 */
export const connectionsEnded = async (client: Driver.MongoClient, appName: string, maxTime: number): Promise<void> => {
  const open = () =>
    client.db("admin").aggregate([
      { $currentOp: { allUsers: true, idleConnections: true } },
      { $match: { appName } },
      { $limit: 1 }
    ]).hasNext()
  const deadline = performance.now() + maxTime
  while (performance.now() < deadline && await open().catch(() => false)) {
    await new Promise((resolve) => setTimeout(resolve, pause))
  }
}
