/**
 * What a run of a query does next: the states of its cursor, and the decisions between two commands. This code neither waits nor sends.
 */

/**
 * The state of a run's cursor.
 *
 * - `Idle`: nothing was sent.
 * - `Opening`: the first command is on its way. The cursor cannot be killed, since its id is unknown.
 * - `Open`: the first reply has come.
 * - `Ended`: the server has reported the end, and everything was read. Only the server ends a query.
 * - `Closing`: it is being ended here and on the server, with the session if that is the run's own.
 * - `Closed`: nothing of it is left, or nothing more can be done.
 *
 * A failure is separate from the state: every further read fails with the first failure.
 *
 * @internal
 */
export type State = "Idle" | "Opening" | "Open" | "Ended" | "Closing" | "Closed"

type Event = "open" | "reply" | "end" | "reopen" | "close" | "closed"

const transitions: Readonly<Record<State, { readonly [Name in Event]?: State }>> = {
  Idle: { open: "Opening", close: "Closing" },
  Opening: { reply: "Open", close: "Closing" },
  Open: { end: "Ended", close: "Closing" },
  Ended: { reopen: "Idle", close: "Closing" },
  Closing: { closed: "Closed" },
  Closed: {}
}

/**
 * The state after an event. A late event changes nothing, for instance a reply to a cursor that is being closed.
 *
 * @internal
 */
export const after = (state: State, event: Event): State => transitions[state][event] ?? state

/**
 * What a read does. `isAtEnd` means that the server has no more documents, and all that it sent were read.
 *
 * @internal
 */
export const beforeRead = (state: State, hasFailed: boolean, isAtEnd: boolean): "fail" | "end" | "refuse" | "read" => {
  if (hasFailed) return "fail"
  if (isAtEnd) return "end"
  return state === "Closing" || state === "Closed" ? "refuse" : "read"
}

/**
 * What a reply means. Only a client that closes closes a cursor before its end.
 *
 * @internal
 */
export const afterRead = (
  count: number,
  isAtEnd: boolean,
  isClosed: boolean
): "documents" | "end" | "wait" | "cutOff" => {
  if (count > 0) return "documents"
  if (isAtEnd) return "end"
  return isClosed ? "cutOff" : "wait"
}

/**
 * What a stream does after an empty batch. On an empty collection the server returns a cursor that has already ended: a tailable one is
 * opened again until the collection has a document.
 *
 * @internal
 */
export const afterEmpty = (
  tailable: { readonly awaitData: boolean } | undefined,
  isAtEnd: boolean,
  hasDelivered: boolean
): "done" | "reopen" | "pause" | "read" => {
  if (tailable === undefined || isAtEnd && hasDelivered) return "done"
  if (isAtEnd) return "reopen"
  return tailable.awaitData ? "read" : "pause"
}

/**
 * The session of a cursor: the run's own, or one of the user, in a transaction or not.
 *
 * @internal
 */
export type Session = "own" | "transaction" | "session"

/**
 * Whether a cursor whose server is gone stays there while its failure is reported. A session of the user must be idle before its next
 * operation; a transaction ends anyway.
 *
 * @internal
 */
export const staysOnServer = (session: Session, isStranded: boolean): boolean => isStranded && session !== "session"

/**
 * Whether the session may be killed with what a run has left in it. Killing a session of the user would end other operations. That is fine
 * only if they are lost anyway: an interrupted operation has spoilt its transaction, and a closed client all sessions.
 *
 * @internal
 */
export const mayKill = (session: Session, isClientClosed: boolean): boolean => session !== "session" || isClientClosed

/**
 * Whether the session may have something left that closing the cursor does not reach. In the run's own session, the driver may have sent
 * the first command twice, or its reply got lost. When a client closes, the abort of a transaction overtakes the command that closes the
 * cursor, so that the server refuses that command.
 *
 * @internal
 */
export const isSpoilt = (session: Session, hasBroken: boolean, isClientClosed: boolean, hasFailed: boolean): boolean =>
  session === "own" ? hasBroken : isClientClosed && hasFailed
