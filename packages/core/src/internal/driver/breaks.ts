/**
 * Counts how often connections of a client broke: what was open meanwhile may have left something on the server.
 */

import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"

/**
 * Whether an error is a socket's own, as the driver throws it if a connection breaks while it writes. The driver does not treat it as a
 * network error: it clears no pool and sends nothing again.
 *
 * @internal
 */
export const isSocketError = (error: unknown): boolean =>
  error instanceof Error && "syscall" in error && (error.syscall === "write" || error.syscall === "read")

/**
 * How often connections of a client broke. The driver then either clears a pool and sends reads again, or throws a socket's own error
 * (`isSocketError`), which the reader counts.
 *
 * @internal
 */
export interface Breaks {
  count: number
  /** How many connections an error or an interruption closed, whatever the driver makes of it. */
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
