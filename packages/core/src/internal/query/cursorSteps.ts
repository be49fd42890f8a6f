/**
 * What a run of a query does next: the states of its cursor, and the decisions between two commands. Nothing here waits or sends.
 */

/**
 * Where the cursor of a run stands.
 *
 * - `Idle`: nothing was sent.
 * - `Opening`: its first command is on its way, and there is no id to kill it by.
 * - `Open`: its first reply has come.
 * - `Stranded`: its server is gone. The driver was kept from killing it there.
 * - `Ended`: the server has said that there is no more, and all was read. Only the server ends a query.
 * - `Closing`: it is ended here and on the server, and so is the session if it is the run's own.
 * - `Closed`: nothing of it is left, or nothing can be done about it.
 *
 * A failure is no state of the cursor: the first one stays what every further read fails with.
 *
 * @internal
 */
export type State = "Idle" | "Opening" | "Open" | "Stranded" | "Ended" | "Closing" | "Closed"

type Event = "open" | "reply" | "strand" | "end" | "reopen" | "close" | "closed"

const transitions: Readonly<Record<State, { readonly [Name in Event]?: State }>> = {
  Idle: { open: "Opening", close: "Closing" },
  Opening: { reply: "Open", close: "Closing" },
  Open: { strand: "Stranded", end: "Ended", close: "Closing" },
  Stranded: { close: "Closing" },
  Ended: { reopen: "Idle", close: "Closing" },
  Closing: { closed: "Closed" },
  Closed: {}
}

/**
 * The state after an event. What comes too late changes nothing: a reply to a cursor that is being closed, for instance.
 *
 * @internal
 */
export const after = (state: State, event: Event): State => transitions[state][event] ?? state

/**
 * What a read does. `isAtEnd` says that the server has nothing more to give, and all that it gave has been read.
 *
 * @internal
 */
export const beforeRead = (state: State, hasFailed: boolean, isAtEnd: boolean): "fail" | "end" | "refuse" | "read" => {
  if (hasFailed) return "fail"
  if (isAtEnd) return "end"
  return state === "Closing" || state === "Closed" ? "refuse" : "read"
}

/**
 * What a reply means. Nobody but a client that is closed closes a cursor before its end.
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
 * What a stream does after an empty batch. The server gives no living cursor on a collection without documents: a tailable one is opened
 * again until there is one.
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
 * In what a cursor was opened: a session of its run's own, or one of the user's, in a transaction or not.
 *
 * @internal
 */
export type Session = "own" | "transaction" | "session"

/**
 * Whether a cursor whose server is gone is left there while its failure is told. A session of the user's must be quiet before the next
 * operation; a transaction is ended anyway.
 *
 * @internal
 */
export const staysOnServer = (session: Session, isStranded: boolean): boolean => isStranded && session !== "session"

/**
 * Whether the session may be killed with what a run has left in it. Killing one of the user's would end other operations, save where they
 * are lost anyway: an interrupted operation has spoilt its transaction, and a closed client all sessions.
 *
 * @internal
 */
export const mayKill = (session: Session, isClientClosed: boolean): boolean => session !== "session" || isClientClosed

/**
 * Whether something may be left in the session that closing the cursor does not reach. In one of its own the driver has sent the first
 * command once more, or the reply got lost. Where a client closes, the abort of a transaction overtakes the command that closes the
 * cursor, and has the server refuse it.
 *
 * @internal
 */
export const isSpoilt = (session: Session, hasBroken: boolean, isClientClosed: boolean, hasFailed: boolean): boolean =>
  session === "own" ? hasBroken : isClientClosed && hasFailed
