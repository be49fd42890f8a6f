/**
 * Ends sessions, transactions and cursors on their servers, and tries again until a server has answered.
 */

import type * as Driver from "mongodb"
import { commandOn, databaseOn, membersOf } from "./members.ts"
import { insideSession, type Member } from "./unpublished.ts"

/**
 * Keeps a session from going back to the driver's pool.
 *
 * @internal
 */
export const spoil = (session: Driver.ClientSession): void => {
  const { serverSession } = insideSession(session)
  if (serverSession != null) serverSession.isDirty = true
}

const leftRunning = new WeakSet<Driver.ClientSession>()

/**
 * Remembers that an operation of a session was interrupted which a server may still run. A read that waits until a secondary has caught up does
 * not end when its connection does.
 *
 * @internal
 */
export const leaveRunning = (session: Driver.ClientSession): void => void leftRunning.add(session)

/**
 * Whether an operation of a session was left running.
 *
 * @internal
 */
export const mayStillRun = (session: Driver.ClientSession): boolean => leftRunning.has(session)

/** How long to try a server that is out of reach, in real milliseconds. */
const patience = 2000
const retryPause = 50

/**
 * Whether no server has answered. A connection was broken, or others were: then the driver sends nothing until it has seen the
 * server again. It throws a `TypeError` if a connection breaks before the command is written. A closed client never answers.
 * This looks at names, since another copy of the driver has other classes.
 */
const isUnreachable = (error: unknown): boolean =>
  error instanceof Error && error.name !== "MongoServerError" && !error.name.includes("Closed")

/** Sends a command that ends something until the server answers, or for a while. Returns whether it was done. Never rejects. */
const insist = async (member: Member, send: () => Promise<unknown>): Promise<boolean> => {
  const deadline = performance.now() + patience
  for (;;) {
    try {
      await send()
      return true
    } catch (error) {
      if (!isUnreachable(error) || performance.now() >= deadline) return false
      member.requestCheck()
      await new Promise((resolve) => setTimeout(resolve, retryPause))
    }
  }
}

/**
 * Kills a session with its operations and cursors on all servers, since the one that works for it is unknown. It tries servers that are
 * out of reach for a while, since a reply may have got lost there. Never rejects.
 *
 * @internal
 */
export const killSession = async (client: Driver.MongoClient, session: Driver.ClientSession): Promise<void> => {
  const command = { killSessions: [session.id] }
  const kill = async (member: Member) => {
    const admin = databaseOn(client, member, "admin")
    // The command may still be on its way, and must not hit the next user of the session from the driver's pool.
    if (!(await insist(member, () => admin.command(command)))) spoil(session)
  }
  await Promise.all(membersOf(client).map(kill))
}

/**
 * Aborts the last transaction of a session, on whichever server it is: again, until that server has answered. Never rejects.
 *
 * @internal
 */
export const abortOnServers = async (client: Driver.MongoClient, session: Driver.ClientSession): Promise<void> => {
  const abort = (member: Member) => commandOn(client, member, "admin", { abortTransaction: 1 }, session)
  await Promise.all(membersOf(client).map((member) => insist(member, () => abort(member))))
}

/** Whether a cursor can be killed in a session: the server refuses `killCursors` in a snapshot, and as the start of a transaction. */
const canKillIn = (session: Driver.ClientSession): boolean =>
  !session.hasEnded && !session.snapshotEnabled && insideSession(session).transaction?.isStarting !== true

/**
 * Kills a cursor on its server, if possible in its own session. The driver does not report when its own attempt
 * fails, and a connection that breaks while it writes clears no pool. So this sends the command again until the server has answered.
 * Behind a load balancer, a broken connection takes the cursor with it. Never rejects.
 *
 * @internal
 */
export const killCursor = async (
  client: Driver.MongoClient,
  member: Member,
  session: Driver.ClientSession,
  namespace: Driver.MongoDBNamespace,
  id: Driver.Long
): Promise<void> => {
  const command = { killCursors: namespace.collection, cursors: [id] }
  const send = () => commandOn(client, member, namespace.db, command, canKillIn(session) ? session : undefined)
  if (member.description.type === "LoadBalancer") await send().catch(() => undefined)
  else await insist(member, send)
}
