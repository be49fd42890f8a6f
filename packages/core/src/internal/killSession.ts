import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"
import { databasesOnAll } from "./members.ts"

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

/**
 * Kills a session, with its operations and cursors, on all servers, since it is not known which one works for it. Never rejects.
 *
 * @internal
 */
export const killSession = async (client: Driver.MongoClient, session: Driver.ClientSession): Promise<void> => {
  const command = { killSessions: [session.id] }
  const kill = async (admin: Driver.Db) => {
    try {
      // Once more where the connection that it was to go by is a broken one: the driver repeats no such command.
      await admin.command(command).catch(() => admin.command(command))
    } catch {
      // It may still be on its way, and must not hit the next who gets the session from the driver's pool.
      spoil(session)
    }
  }
  await Promise.all(databasesOnAll(client, "admin").map(kill))
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
