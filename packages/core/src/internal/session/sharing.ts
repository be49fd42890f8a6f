/** Which operations may share a command: those of the same sessions, transactions, deadline and interruption policy. */
import * as Context from "effect/Context"
import * as Equal from "effect/Equal"
import { CurrentInterruptionPolicy } from "../../Mongo.ts"
import type { Connection } from "../call/connection.ts"
import { CurrentDeadline } from "../call/deadline.ts"
import type { AmbientSession } from "./state.ts"

/** The sessions that the operations of a context join, by the keys of their clients. */
const CurrentSessions: Context.Reference<ReadonlyMap<string, AmbientSession>> = Context.Reference<
  ReadonlyMap<string, AmbientSession>
>("@mongofx/core/CurrentSessions", { defaultValue: () => new Map() })

/**
 * A context whose operations of this client join a session, or none.
 *
 * @internal
 */
export const withAmbient = <R>(
  { sessionKey }: Connection,
  ambient: AmbientSession | undefined,
  context: Context.Context<R>
): Context.Context<R> => {
  const sessions = new Map(Context.get(context, CurrentSessions))
  if (ambient === undefined) sessions.delete(sessionKey.key)
  else sessions.set(sessionKey.key, ambient)
  return Context.add(Context.add(context, sessionKey, ambient), CurrentSessions, sessions) as Context.Context<R>
}

/** @internal */
export const batchKey = (context: Context.Context<never>): unknown => {
  const sessions = Context.get(context, CurrentSessions)
  const deadline = Context.get(context, CurrentDeadline)
  const policy = Context.get(context, CurrentInterruptionPolicy)
  if (sessions.size === 0 && deadline === undefined) return policy
  const parts: Array<unknown> = [policy]
  for (const { state, transaction } of sessions.values()) {
    // A session of the caller's can begin and end transactions while it stays the same.
    parts.push(Equal.byReferenceUnsafe(transaction ?? state.transaction ?? state))
  }
  if (deadline !== undefined) parts.push(Equal.byReferenceUnsafe(deadline))
  return parts
}
