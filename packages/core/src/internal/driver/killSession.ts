import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"
import { databaseOn, type Member, membersOf } from "./members.ts"

/** What the driver's sessions have but do not publish. A dirty one does not go back to the driver's pool. Tests watch over it. */
const serverSessionOf = (session: Driver.ClientSession) =>
  (session as { readonly serverSession?: { isDirty: boolean } | null }).serverSession ?? undefined

/**
 * Keeps a session from going back to the driver's pool.
 *
 * @internal
 */
export const spoil = (session: Driver.ClientSession): void => {
  const serverSession = serverSessionOf(session)
  if (serverSession !== undefined) serverSession.isDirty = true
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

/**
 * Kills a session, with its operations and cursors, on all servers, since it is not known which one works for it, and for a while on
 * those that are not to be had: a reply may have got lost there. Never rejects.
 *
 * @internal
 */
export const killSession = async (client: Driver.MongoClient, session: Driver.ClientSession): Promise<void> => {
  const command = { killSessions: [session.id] }
  const deadline = performance.now() + patience
  const kill = async (member: Member) => {
    const admin = databaseOn(client, member, "admin")
    for (;;) {
      try {
        return await admin.command(command)
      } catch (error) {
        if (isUnreachable(error) && performance.now() < deadline) {
          member.requestCheck()
          await new Promise((resolve) => setTimeout(resolve, retryPause))
          continue
        }
        // It may still be on its way, and must not hit the next who gets the session from the driver's pool.
        return spoil(session)
      }
    }
  }
  await Promise.all(membersOf(client).map(kill))
}

/**
 * How often connections of a client have broken. The driver clears a pool then, and sends reads again.
 *
 * @internal
 */
export interface Breaks {
  count: number
}

/** @internal */
export const countBreaks = (client: Driver.MongoClient): Effect.Effect<Breaks, never, Scope.Scope> =>
  Effect.suspend(() => {
    const breaks: Breaks = { count: 0 }
    const onCleared = () => {
      breaks.count++
    }
    return Effect.acquireRelease(
      Effect.sync(() => {
        client.on("connectionPoolCleared", onCleared)
        return breaks
      }),
      () => Effect.sync(() => client.off("connectionPoolCleared", onCleared))
    )
  })
