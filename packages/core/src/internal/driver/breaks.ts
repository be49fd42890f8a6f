/**
 * How often connections of a client have broken: what was open meanwhile may have left something on the server.
 */

import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"

/**
 * The error of a socket as it comes out of the driver where a connection breaks as the driver writes to it. The driver takes that for no
 * error of the network: it clears no pool and sends nothing again.
 *
 * @internal
 */
export const isSocketError = (error: unknown): boolean =>
  error instanceof Error && "syscall" in error && (error.syscall === "write" || error.syscall === "read")

/**
 * How often connections of a client have broken. The driver clears a pool then, and sends reads again; or a socket's own error comes out of
 * it (`isSocketError`), which whoever reads counts.
 *
 * @internal
 */
export interface Breaks {
  count: number
  /** How many connections were closed by an error, whatever the driver makes of it, or by an interruption. */
  closed: number
}

/** @internal */
export const countBreaks = (client: Driver.MongoClient): Effect.Effect<Breaks, never, Scope.Scope> =>
  Effect.suspend(() => {
    const breaks: Breaks = { count: 0, closed: 0 }
    const onCleared = () => {
      breaks.count++
    }
    const onClosed = ({ reason }: Driver.ConnectionClosedEvent) => {
      if (reason === "error") breaks.closed++
    }
    return Effect.acquireRelease(
      Effect.sync(() => {
        client.on("connectionPoolCleared", onCleared).on("connectionClosed", onClosed)
        return breaks
      }),
      () => Effect.sync(() => client.off("connectionPoolCleared", onCleared).off("connectionClosed", onClosed))
    )
  })
