/**
 * What a client has under way: whether it is over when a run is over.
 */
import type * as Driver from "mongodb"
import { activeSessions } from "../openSessions.ts"

/** How long operations that a run has left under way may take to end: milliseconds. */
const grace = 250

/**
 * Listens to the connections of a client from its beginning.
 *
 * @internal
 */
export class Activity {
  private readonly driver: Driver.MongoClient
  private busy = 0
  private lost = false
  private waiting: (() => void) | undefined

  constructor(driver: Driver.MongoClient) {
    this.driver = driver
    const over = () => {
      this.busy--
      if (this.busy === 0) this.waiting?.()
    }
    driver.on("connectionCheckOutStarted", () => {
      this.busy++
    })
    driver.on("connectionCheckOutFailed", over)
    driver.on("connectionCheckedIn", over)
    driver.on("connectionClosed", ({ reason }) => {
      if (reason !== "idle") this.lost = true
    })
  }

  /**
   * Whether all that the client has asked for is answered. It is not when a connection was lost or given up, as by an interruption: the
   * server may still be at it. Operations without an answer so far get a moment.
   */
  async isOver(): Promise<boolean> {
    // Between two operations of a chain of promises nothing seems to be under way.
    await new Promise<void>((resolve) => setImmediate(resolve))
    if (this.busy > 0 && !this.lost) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, grace)
        this.waiting = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.waiting = undefined
    }
    return this.busy === 0 && !this.lost
  }

  /** Ends sessions that are still open, with their cursors, or only those with a transaction: in the client and on the server. */
  async endSessions(outside: Driver.MongoClient, which: "all" | "inTransaction"): Promise<void> {
    const sessions = activeSessions(this.driver).filter((session) =>
      !session.hasEnded && (which === "all" || session.inTransaction())
    )
    if (sessions.length === 0) return
    // A cursor that has not begun has no session on the server yet.
    const ids = sessions.flatMap(({ id }) => id === undefined ? [] : [id])
    if (ids.length > 0) await outside.db("admin").command({ killSessions: ids })
    await Promise.all(sessions.map((session) => session.endSession().catch(() => undefined)))
  }
}
