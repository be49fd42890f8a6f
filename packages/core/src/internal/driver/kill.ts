/**
 * Ends sessions and cursors on their servers, and goes on until a server has answered.
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

/** How long a server is asked that is not to be had: real milliseconds. */
const patience = 2000
const retryPause = 50

/**
 * No server has answered: a connection was a broken one, or others were, and then the driver refuses to send anything until it has seen the
 * server again. It stumbles with a `TypeError` over a connection that breaks before the command is written. A closed client answers
 * no more. By the name, since another copy of the driver has other classes.
 */
const isUnreachable = (error: unknown): boolean =>
  error instanceof Error && error.name !== "MongoServerError" && !error.name.includes("Closed")

/** Sends what ends something on a server until that answers, or for a while. Returns whether it was done. Never rejects. */
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
 * Kills a session, with its operations and cursors, on all servers, since it is not known which one works for it, and for a while on
 * those that are not to be had: a reply may have got lost there. Never rejects.
 *
 * @internal
 */
export const killSession = async (client: Driver.MongoClient, session: Driver.ClientSession): Promise<void> => {
  const command = { killSessions: [session.id] }
  const kill = async (member: Member) => {
    const admin = databaseOn(client, member, "admin")
    // It may still be on its way, and must not hit the next who gets the session from the driver's pool.
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

/** Whether a cursor can be killed in a session: the server refuses the read concern of a snapshot, and to begin a transaction so. */
const canKillIn = (session: Driver.ClientSession): boolean =>
  !session.hasEnded && !session.snapshotEnabled && insideSession(session).transaction?.isStarting !== true

/**
 * Kills a cursor on its server, in the session that it belongs to where that is possible. The driver does not say when its own attempt
 * fails, and a connection that breaks as it writes clears no pool: here the command is sent again, until the server has answered.
 * Behind a load balancer a broken connection takes the cursor with it. Never rejects.
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
