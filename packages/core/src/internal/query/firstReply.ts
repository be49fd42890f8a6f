/**
 * Ends a query that is interrupted before its first reply: its cursor cannot be killed, since its id is unknown.
 */
import type * as Driver from "mongodb"
import { endsWithin } from "../call/bounded.ts"
import { killSession, spoil } from "../driver/kill.ts"
import { type Abort, OperationInterrupted } from "../driver/signal.ts"

/** How long the server may take to confirm that a session is killed, before the connection is given up: milliseconds. */
const killTimeout = 250

/** How long the reply to a first command may take after its session was killed, before its connection is given up: milliseconds. */
const replyTimeout = 2000

/**
 * Ends the first command, and waits for its end. The server may read it later than the command that kills its session. So this function
 * waits for the reply, and the caller closes the cursor that it opens. Only if the reply does not come, the connection is given up.
 *
 * @param session - the session that may be killed with the command, if any
 * @internal
 */
export const giveUpFirstReply = async (
  driver: Driver.MongoClient,
  pending: Promise<unknown>,
  abort: Abort | undefined,
  session: Driver.ClientSession | undefined
): Promise<void> => {
  const settled = pending.catch(() => undefined)
  if (abort?.sends === 0) {
    abort.abort(new OperationInterrupted())
  } else if (session !== undefined) {
    const killed = killSession(driver, session)
    // Without an answer to the kill, the pool has no connection for it, or the server is gone.
    const isAnswered = await endsWithin(Promise.race([settled, killed]), killTimeout)
    if (!isAnswered || !(await endsWithin(settled, replyTimeout))) {
      abort?.abort(new OperationInterrupted())
      await settled
      await killSession(driver, session)
    } else if (!(await endsWithin(killed, killTimeout))) {
      spoil(session)
    }
  }
  await settled
}
