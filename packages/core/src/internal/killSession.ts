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
  // It may still be on its way, and must not hit the next who gets the session from the driver's pool.
  const onFailure = () => spoil(session)
  await Promise.all(databasesOnAll(client, "admin").map((admin) => admin.command(command).catch(onFailure)))
}

/**
 * Kills a session in which a connection broke: the server may have a cursor whose reply got lost, also where the driver has sent the
 * command once more and that came through. To be called before the session ends. Never rejects.
 *
 * @internal
 */
export const killIfBroken = async (client: Driver.MongoClient, session: Driver.ClientSession): Promise<void> => {
  if (serverSessionOf(session)?.isDirty === true) await killSession(client, session)
}
