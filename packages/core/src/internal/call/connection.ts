import type * as Context from "effect/Context"
import type * as Driver from "mongodb"
import type { Breaks } from "../driver/breaks.ts"
import type { ImplicitSessions } from "../driver/implicitSessions.ts"
import type { AmbientSession } from "../session/state.ts"
import type { Dependents } from "./dependents.ts"

/** @internal */
export interface SessionKey {
  readonly _: unique symbol
}

/**
 * What every operation needs to know about its client.
 *
 * @internal
 */
export interface Connection {
  readonly driver: Driver.MongoClient
  /** One key per client, so that two clients never see each other's session. It is looked up, but never required. */
  readonly sessionKey: Context.Key<SessionKey, AmbientSession | undefined>
  /** Attributes of every span: the server's address, if it is known. */
  readonly attributes: Record<string, unknown>
  readonly commandSpans: boolean
  readonly dependents: Dependents
  /** How often connections broke. What was open meanwhile may have left something on the server, whose reply got lost. */
  readonly breaks: Breaks
  readonly implicitSessions: ImplicitSessions
}

/**
 * The connection of a client or a database of mongofx.
 *
 * @internal
 */
export const connectionOf = (value: object): Connection => (value as { readonly connection: Connection }).connection
