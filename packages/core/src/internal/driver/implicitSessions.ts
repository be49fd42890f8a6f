/**
 * Sees the sessions that the driver makes for single operations. The server may go on with a write that was interrupted, and the next command in the
 * same session waits for it there. The driver puts the session back into its pool nevertheless. A session that the driver makes later in a call, such as for
 * the second command of a client's bulk write, is not seen.
 */

import type * as Driver from "mongodb"
import { insideClient } from "./unpublished.ts"

/** @internal */
export interface ImplicitSessions {
  /** The one that was made last. The driver makes it while it is called. */
  last: Driver.ClientSession | undefined
}

const seen = new WeakMap<Driver.MongoClient, ImplicitSessions>()

/**
 * A client of the caller's may be watched already.
 *
 * @internal
 */
export const watchImplicitSessions = (client: Driver.MongoClient): ImplicitSessions => {
  const known = seen.get(client)
  if (known !== undefined) return known
  const sessions: ImplicitSessions = { last: undefined }
  const inside = insideClient(client)
  const start = inside.startSession.bind(client)
  inside.startSession = (options) => {
    const session = start(options)
    if (options?.explicit === false) sessions.last = session
    return session
  }
  seen.set(client, sessions)
  return sessions
}
