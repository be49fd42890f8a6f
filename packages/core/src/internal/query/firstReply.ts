/**
 * The end of a query that is interrupted before its first reply, so that there is no id to kill its cursor by.
 */
import type * as Driver from "mongodb"
import { endsWithin } from "../call/bounded.ts"
import { killSession, spoil } from "../driver/kill.ts"
import { type Abort, OperationInterrupted } from "../driver/signal.ts"

/** How long the server may take to answer that a session is killed, before a connection is given up for it: milliseconds. */
const killTimeout = 250

/** How long the reply to a first command may take after its session has been killed, before its connection is given up: milliseconds. */
const replyTimeout = 2000

/**
 * Ends what has been begun, and waits for it. The server may read the command later than the one that kills its session. So the reply is
 * waited for, and closing the cursor that it opens is left to the caller. Only where it does not come is the connection given up.
 *
 * @param session - the session that may be killed with it, if there is one
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
    // No answer to the kill: the pool has no connection for it, or the server is gone.
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
