/**
 * The one error of mongofx, and its reasons.
 *
 * Every operation fails with a `MongoError`, whose `reason` says what went wrong: a duplicate key, a broken connection, a
 * cursor that is gone. Handle a reason with `Effect.catchReason` or `Effect.catchReasons`, retry with `isRetryable`, and with
 * `isTransient` what can be applied twice.
 *
 * `docs/errors.md` lists the server's codes with the reason that each becomes.
 *
 * Errors, reasons and their causes contain no credentials. Where a server's reply has document values (duplicate keys,
 * validation), they are in `Redacted` fields only.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import { isMarked } from "./internal/errors/codes.ts"
import {
  IdsByIndex,
  KeyPattern,
  Reason,
  ReasonFields,
  ReasonTypeId as reasonTypeId,
  RedactedDocument,
  transientByLabel
} from "./internal/errors/reason.ts"

/**
 * Type of the brand of a `MongoError`.
 *
 * @stability stable
 * @category type IDs
 * @since 0.1.0
 */
export type TypeId = "~@mongofx/core/MongoError"

/**
 * Brand of a `MongoError`.
 *
 * **Example** (Finding the brand)
 *
 * ```ts
 * import { MongoError } from "@mongofx/core"
 *
 * const isBranded = (u: object) => MongoError.TypeId in u
 * ```
 *
 * @stability stable
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: TypeId = "~@mongofx/core/MongoError"

/**
 * Type of the brand of the reasons of a `MongoError`.
 *
 * @stability stable
 * @category type IDs
 * @since 0.1.0
 */
export type ReasonTypeId = "~@mongofx/core/MongoError/Reason"

/**
 * Brand of the reasons of a `MongoError`.
 *
 * **Example** (Finding the brand)
 *
 * ```ts
 * import { MongoError } from "@mongofx/core"
 *
 * const isBranded = (u: object) => MongoError.ReasonTypeId in u
 * ```
 *
 * @stability stable
 * @category type IDs
 * @since 0.1.0
 */
export const ReasonTypeId: ReasonTypeId = reasonTypeId

/**
 * Error reason for a server that could not be reached, or a connection that broke.
 *
 * **Details**
 *
 * `kind` says what went wrong:
 *
 * - `network`: an open connection broke, was closed or answered nonsense below the command level
 * - `timeout`: `connectTimeout` or `socketTimeout` ran out
 * - `refused`: nothing listens at the address
 * - `dns`: the host name or its SRV record could not be resolved
 * - `tls`: the TLS handshake failed (an untrusted or expired certificate, a wrong host name)
 * - `serverSelection`: no suitable server within `serverSelectionTimeout`, for instance no primary
 * - `poolCleared`: another operation's network error emptied the pool; this operation was not sent
 * - `incompatible`: the server is too old or too new for the driver
 *
 * Transient, save `tls` and `incompatible`, which do not heal by themselves. Retryable where the operation reads, or was never
 * sent.
 *
 * **Gotchas**
 *
 * The driver has already retried a retryable read or write once. A write that was in flight may have been applied.
 *
 * **Example** (Waiting for a server to come back)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect, Schedule } from "effect"
 *
 * const untilReachable = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.retry({
 *     schedule: Schedule.spaced("1 second"),
 *     times: 30,
 *     while: (error) => error.reason._tag === "ConnectionError" && error.isRetryable
 *   }))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class ConnectionError extends Reason<ConnectionError>()("ConnectionError", {
  ...ReasonFields,
  /** What went wrong. */
  kind: Schema.Literals([
    "network",
    "timeout",
    "refused",
    "dns",
    "tls",
    "serverSelection",
    "poolCleared",
    "incompatible"
  ]),
  /** The address of the server, `host:port`, where the driver says it. */
  address: Schema.optional(Schema.String)
}) {
  override get isTransient(): boolean {
    return transientByLabel(this, this.kind !== "tls" && this.kind !== "incompatible")
  }
}

/**
 * Error reason for an operation that waited for a free connection longer than `waitQueueTimeout`. Transient, and retryable unless
 * an attempt before it was sent.
 *
 * **Example** (Shedding load)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const orBusy = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "PoolTimeoutError", () => Effect.succeed("busy" as const)))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class PoolTimeoutError extends Reason<PoolTimeoutError>()("PoolTimeoutError", {
  ...ReasonFields,
  /** The address of the server whose pool was exhausted. */
  address: Schema.optional(Schema.String)
}) {
  override get isTransient(): boolean {
    return true
  }
}

/**
 * Error reason for an operation on something that is no longer open. Not transient: it does not open again.
 *
 * **Details**
 *
 * `kind` is `client` when the client was closed or never connected, and `session` when the session has ended.
 *
 * **Example** (Ending quietly at shutdown)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const quietly = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "ClientClosedError", () => Effect.void))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class ClientClosedError extends Reason<ClientClosedError>()("ClientClosedError", {
  ...ReasonFields,
  /** What is closed. */
  kind: Schema.Literals(["client", "session"])
}) {}

/**
 * Error reason for refused, missing or unusable credentials, whatever the mechanism. Not transient.
 *
 * **Example** (Saying what to check)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const explained = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "AuthenticationError", (reason) => Effect.die(`Check the credentials. ${reason.message}`)))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class AuthenticationError extends Reason<AuthenticationError>()("AuthenticationError", ReasonFields) {}

/**
 * Error reason for a user that may not do what was asked (code 13). Not transient.
 *
 * **Example** (Falling back when a command is not allowed)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const ifAllowed = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "AuthorizationError", () => Effect.void))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class AuthorizationError extends Reason<AuthorizationError>()("AuthorizationError", ReasonFields) {}

/**
 * Error reason for input that was refused before anything was sent: by mongofx or by the driver. Not transient.
 *
 * **Details**
 *
 * Options, connection strings and names are checked by the driver; `undefined` in a filter, invalid dates and the like by
 * mongofx, which also gives the `path`.
 *
 * **Example** (Reading the path)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const pathOf = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "InvalidArgumentError", (reason) => Effect.succeed(reason.path)))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class InvalidArgumentError extends Reason<InvalidArgumentError>()("InvalidArgumentError", {
  ...ReasonFields,
  /** Where the value is, for instance `filter.address.city`. */
  path: Schema.optional(Schema.String)
}) {}

/**
 * Error reason for a command that the server refuses as it stands: an unknown command or operator, an expression, projection
 * or stage that is not well-formed, a wrong type, an update of an immutable field, an invalid name, a feature that this server does not have. Not transient.
 *
 * **Example** (Telling an old server from a real failure)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const ifSupported = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "InvalidCommandError", () => Effect.void))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class InvalidCommandError extends Reason<InvalidCommandError>()("InvalidCommandError", ReasonFields) {
  override get isTransient(): boolean {
    return transientByLabel(this, false)
  }
}

/**
 * Error reason for a value that cannot be written as BSON, a reply that cannot be read, or a document that is too large.
 * Not transient.
 *
 * **Example** (Skipping what is too large)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const skipTooLarge = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "BsonError", () => Effect.void))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class BsonError extends Reason<BsonError>()("BsonError", {
  ...ReasonFields,
  /** The position of the document in the list that was given, where it is one of a bulk write that is too large. */
  index: Schema.optional(Schema.Number)
}) {}

/**
 * Error reason for a write that would break a unique index (code 11000). Not transient.
 *
 * **Details**
 *
 * `keyValue` holds the values that are already taken. They are document values, so they are redacted: they show in no
 * message, log or JSON. In JSON they become the text `<redacted>`, which decodes to a `Redacted` of an empty document.
 *
 * **Gotchas**
 *
 * In a transaction it comes too late to be handled: the server has aborted the transaction with it. Make an upsert or read first
 * there, or handle it around `withTransaction`.
 *
 * For bulk writes the driver gives only the server's text, so index, pattern and values are read from it. The directions
 * of the pattern then come from the index name where it is the default one, and are 1 otherwise. Values other than
 * strings, numbers, booleans, null, ObjectIds and dates stay in the server's notation. Where the text cannot be read
 * without doubt, `keyPattern` and `keyValue` are empty.
 *
 * **Example** (Telling which field is taken)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const takenFields = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "DuplicateKeyError", (reason) =>
 *     Effect.succeed(Object.keys(reason.keyPattern))))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class DuplicateKeyError extends Reason<DuplicateKeyError>()("DuplicateKeyError", {
  ...ReasonFields,
  /** The name of the index, for instance `email_1`. */
  index: Schema.optional(Schema.String),
  /** The key pattern of the index, in the order of its fields. */
  keyPattern: KeyPattern,
  /** The values that are already taken, by field. */
  keyValue: RedactedDocument
}) {}

/**
 * Error reason for a document that the collection's validator refuses (code 121). Not transient.
 *
 * **Details**
 *
 * `details` is the server's `errInfo`, which says which rule failed. It contains document values, so it is redacted, in
 * JSON too.
 *
 * **Gotchas**
 *
 * The driver drops `errInfo` of a client bulk write; `details` is then empty.
 *
 * **Example** (Looking at the rule that failed)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect, Redacted } from "effect"
 *
 * const explained = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "DocumentValidationError", (reason) =>
 *     Effect.succeed(Redacted.value(reason.details))))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class DocumentValidationError extends Reason<DocumentValidationError>()("DocumentValidationError", {
  ...ReasonFields,
  /** The server's `errInfo`. */
  details: RedactedDocument
}) {}

/**
 * Error reason for a write that met another one on the same document (code 112). Transient, and retryable where it is a write to one
 * document.
 *
 * **Gotchas**
 *
 * Inside a transaction the whole transaction has to run again, which `withTransaction` does; to retry the single
 * operation there leads nowhere.
 *
 * **Example** (Retrying a conflict)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const retryConflicts = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.retry({ times: 3, while: (error) => error.reason._tag === "WriteConflictError" }))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class WriteConflictError extends Reason<WriteConflictError>()("WriteConflictError", ReasonFields) {
  override get isTransient(): boolean {
    return transientByLabel(this, true)
  }
}

/**
 * Error reason for a write that was applied but not acknowledged as the write concern asks (codes 64, 79, 100, and every
 * `writeConcernError` in a reply). Transient where the server labels it so, and retryable only where the server also says that
 * nothing was written.
 *
 * **Gotchas**
 *
 * The write has happened on the primary, and may still be rolled back.
 *
 * **Example** (Accepting a slow majority)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const acceptSlowMajority = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "WriteConcernError", () => Effect.void))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class WriteConcernError extends Reason<WriteConcernError>()("WriteConcernError", ReasonFields) {
  override get isTransient(): boolean {
    return transientByLabel(this, false)
  }
}

/**
 * Error reason for a cursor that cannot go on.
 *
 * **Details**
 *
 * `kind` says why:
 *
 * - `notFound` (code 43): it timed out on the server or the server restarted
 * - `killed` (237): something killed it, or it was closed before its end, with its scope or by an interruption
 * - `planKilled` (175): an index or the collection was dropped under it
 * - `positionLost` (136): the capped collection overwrote its position
 * - `exhausted`, `inUse`, `tailable`: the driver's cursor was used in a way that its state or type does not allow
 *
 * Transient for `notFound`, `planKilled` and `positionLost`: the query can be run again, from its start.
 *
 * **Example** (Running a query again)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const again = <A, R>(query: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   query.pipe(Effect.retry({ times: 1, while: (error) => error.reason._tag === "CursorError" && error.isRetryable }))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class CursorError extends Reason<CursorError>()("CursorError", {
  ...ReasonFields,
  /** Why the cursor cannot go on. */
  kind: Schema.Literals(["notFound", "killed", "planKilled", "positionLost", "exhausted", "inUse", "tailable"])
}) {
  override get isTransient(): boolean {
    return transientByLabel(
      this,
      this.kind === "notFound" || this.kind === "planKilled" || this.kind === "positionLost"
    )
  }
}

/**
 * Error reason for an operation that ran out of its time: `maxTimeMS` (code 50), a limit of the server (262), or a time-out
 * of the client.
 *
 * **Details**
 *
 * Code 50 is not transient: the same operation under the same limit is likely to run out again, at the server's cost.
 * Code 262 is, as the driver specification has it.
 *
 * **Example** (A cheaper answer when time runs out)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const orNothing = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "MaxTimeExpiredError", () => Effect.succeed([])))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class MaxTimeExpiredError extends Reason<MaxTimeExpiredError>()("MaxTimeExpiredError", ReasonFields) {
  override get isTransient(): boolean {
    return transientByLabel(this, isMarked(this.code, "transient"))
  }
}

/**
 * Error reason for a member that cannot serve the operation in its present state: it is not the primary, steps down, recovers
 * or shuts down (codes 91, 189, 10058, 10107, 11600, 11602, 13435, 13436). Transient: the driver finds the new primary. Retryable
 * where the operation reads, or the member refused the write before it did anything.
 *
 * **Example** (Riding out an election)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect, Schedule } from "effect"
 *
 * const rideOut = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.retry({
 *     schedule: Schedule.exponential("200 millis"),
 *     times: 6,
 *     while: (error) => error.reason._tag === "NotPrimaryError" && error.isRetryable
 *   }))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class NotPrimaryError extends Reason<NotPrimaryError>()("NotPrimaryError", ReasonFields) {
  override get isTransient(): boolean {
    return transientByLabel(this, true)
  }
}

/**
 * Error reason for a collection or view that already exists (code 48). Not transient.
 *
 * **Example** (Creating what may exist)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const ifMissing = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "NamespaceExistsError", () => Effect.void))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class NamespaceExistsError extends Reason<NamespaceExistsError>()("NamespaceExistsError", ReasonFields) {}

/**
 * Error reason for a database, collection or view that does not exist (code 26). Not transient.
 *
 * **Example** (Dropping what may be gone)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const ifThere = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "NamespaceNotFoundError", () => Effect.void))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class NamespaceNotFoundError extends Reason<NamespaceNotFoundError>()("NamespaceNotFoundError", ReasonFields) {}

/**
 * Error reason for an index that is missing, conflicts with another one or cannot be built, and for search indexes where the
 * server has none. Not transient.
 *
 * **Details**
 *
 * `kind` says which:
 *
 * - `"notFound"`: there is no index of the name (code 27).
 * - `"conflict"`: another index has its name or its keys (codes 68, 85, 86).
 * - `"invalid"`: there cannot be such an index (codes 67, 197).
 * - `"searchUnavailable"`: the server has no search indexes (code 31082, and what older servers say of their commands): they
 *   need MongoDB Atlas, or a server that is connected to a `mongot`.
 * - `"searchFailed"`: a search index that is waited for could not be built.
 *
 * **Gotchas**
 *
 * A unique index over documents that are not unique fails with `DuplicateKeyError`.
 *
 * **Example** (Dropping an index that may be gone)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const ifThere = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "IndexError", () => Effect.void))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class IndexError extends Reason<IndexError>()("IndexError", {
  ...ReasonFields,
  /** What is wrong with the index. */
  kind: Schema.Literals(["notFound", "conflict", "invalid", "searchUnavailable", "searchFailed"])
}) {
  override get isTransient(): boolean {
    return transientByLabel(this, false)
  }
}

/**
 * Error reason for a transaction that cannot go on.
 *
 * **Details**
 *
 * `kind` says why:
 *
 * - `aborted`: the server has aborted the transaction or does not know it (251, 225, 244). Where the body of a `withTransaction` has
 *   handled an error and gone on, that error is the `cause`: the server has aborted the transaction with it
 * - `committed` (256): it has been committed already
 * - `unavailable`: a lock or a snapshot is not to be had (24, 239, 246)
 * - `notAllowed` (263): the operation cannot be part of a transaction
 * - `misused`: the order is wrong, as for a second start, or for an operation of a fiber that outlives its transaction
 * - `unsupported` (20): the server has no transactions
 *
 * `label` is `TransientTransactionError` when the whole transaction may run again, which makes it retryable, and
 * `UnknownTransactionCommitResult` when nobody knows whether it was committed. That is transient and not retryable: run again, its
 * writes could be applied twice.
 *
 * **Example** (Telling an unknown outcome)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const outcome = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "TransactionError", (reason) =>
 *     Effect.succeed(reason.label === "UnknownTransactionCommitResult" ? "unknown" as const : "aborted" as const)))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class TransactionError extends Reason<TransactionError>()("TransactionError", {
  ...ReasonFields,
  /** Why it cannot go on. */
  kind: Schema.Literals(["aborted", "committed", "unavailable", "notAllowed", "misused", "unsupported"]),
  /** What the server or driver says about running it again. */
  label: Schema.optional(Schema.Literals(["TransientTransactionError", "UnknownTransactionCommitResult"]))
}) {
  override get isTransient(): boolean {
    return transientByLabel(this, isMarked(this.code, "transient"))
  }
}

/**
 * Error reason for a change stream that cannot go on.
 *
 * **Details**
 *
 * - `historyLost` (code 286): the oplog no longer reaches back to the resume token
 * - `invalidResumeToken` (260): the resume token does not belong to this stream
 * - `invalidated`: what was watched has been dropped or renamed; see `continueAfterInvalidate` of `watch`
 * - `leaseLost`: another instance of a consumer has taken over; see `ChangeStreamConsumer.consume`
 * - `fatal` (280): the server cannot go on, or an event has no resume token
 * - `closed` (222): the stream was closed
 *
 * Not transient, unless the server labels it `ResumableChangeStreamError`.
 *
 * **Example** (Starting over when the history is lost)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Stream } from "effect"
 *
 * const orFromNow = <A, R>(
 *   resumed: Stream.Stream<A, MongoError.MongoError, R>,
 *   fromNow: Stream.Stream<A, MongoError.MongoError, R>
 * ) =>
 *   resumed.pipe(
 *     Stream.catchIf(
 *       (error) => error.reason._tag === "ChangeStreamError" && error.reason.kind === "historyLost",
 *       () => fromNow
 *     )
 *   )
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class ChangeStreamError extends Reason<ChangeStreamError>()("ChangeStreamError", {
  ...ReasonFields,
  /** Why it cannot go on. */
  kind: Schema.Literals(["historyLost", "invalidResumeToken", "invalidated", "leaseLost", "fatal", "closed"])
}) {
  override get isTransient(): boolean {
    return transientByLabel(this, false)
  }
}

/**
 * Error reason for a GridFS file that is missing (`fileNotFound`), whose chunks do not fit together (`corrupt`), or whose
 * upload or download was aborted (`aborted`). Not transient.
 *
 * **Example** (A file that may be missing)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const orUndefined = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "GridFSError", (reason) =>
 *     reason.kind === "fileNotFound" ? Effect.undefined : Effect.die(reason)))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class GridFSError extends Reason<GridFSError>()("GridFSError", {
  ...ReasonFields,
  /** What is wrong with the file. */
  kind: Schema.Literals(["fileNotFound", "corrupt", "aborted"])
}) {}

/**
 * Error reason for client-side encryption: a key that cannot be found, a key management service that does not answer, an
 * encrypted collection that cannot be created, a missing `mongodb-client-encryption`.
 *
 * **Details**
 *
 * `code`, `codeName` and `labels` are those of the error beneath it, where a server or a connection is at fault. Transient when
 * that error is, and when a request to a key management service timed out.
 *
 * **Example** (Reporting a key failure)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const explained = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "EncryptionError", (reason) => Effect.die(`Check the key vault. ${reason.message}`)))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class EncryptionError extends Reason<EncryptionError>()("EncryptionError", {
  ...ReasonFields,
  /** Whether the failure beneath it may pass by itself. */
  transient: Schema.Boolean,
  /** Where an encrypted collection could not be made: its fields, with the keys that were made before. */
  encryptedFields: Schema.optional(Schema.Unknown)
}) {
  override get isTransient(): boolean {
    return this.transient
  }
}

/**
 * Error reason for a server that sheds load (code 462, label `SystemOverloadedError`). Transient, and retryable after a pause
 * unless an attempt before it may have been applied.
 *
 * **Gotchas**
 *
 * The driver has already retried with a backoff. Retry slowly and with jitter, or drop the work.
 *
 * **Example** (Backing off)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect, Schedule } from "effect"
 *
 * const backOff = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.retry({
 *     schedule: Schedule.exponential("1 second").pipe(Schedule.jittered),
 *     times: 4,
 *     while: (error) => error.reason._tag === "OverloadedError" && error.isRetryable
 *   }))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class OverloadedError extends Reason<OverloadedError>()("OverloadedError", ReasonFields) {
  override get isTransient(): boolean {
    return transientByLabel(this, true)
  }
}

/**
 * Error reason for a reply of the server that has no reason of its own: see `code` and `codeName`. A reply that the driver cannot make
 * sense of lands here too, without a code.
 *
 * **Details**
 *
 * Transient where the driver specification counts the code as retryable (63, 133, 134, 150, 234, 13388) or a label says so.
 *
 * **Example** (Handling one code)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const interruptedByAdmin = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "ServerError", (reason) =>
 *     reason.code === 11601 ? Effect.succeed("interrupted") : Effect.die(reason)))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class ServerError extends Reason<ServerError>()("ServerError", ReasonFields) {
  override get isTransient(): boolean {
    return transientByLabel(this, isMarked(this.code, "transient"))
  }
}

/**
 * Error reason for what is neither the driver's, BSON's nor the server's: usually whatever was thrown by the function given to
 * `use`, by a `toBSON` method, or by another callback. Not transient.
 *
 * **Details**
 *
 * It is a typed failure and no defect, because a library that the callback calls may fail in its own way, as the driver does.
 * `cause` is what was thrown.
 *
 * **Example** (Getting at what was thrown)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const thrown = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   self.pipe(Effect.catchReason("MongoError", "UnknownError", (reason) => Effect.succeed(reason.cause)))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class UnknownError extends Reason<UnknownError>()("UnknownError", ReasonFields) {}

/**
 * Every reason that is not a `BulkWriteError`: what one operation of a bulk write can fail with.
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export type WriteErrorReason = typeof WriteErrorReason.Type

/**
 * Schema of the reasons that one operation of a bulk write can fail with.
 *
 * **Example** (A queue of what failed)
 *
 * ```ts
 * import { MongoError } from "@mongofx/core"
 * import { Schema } from "effect"
 *
 * const Failed = Schema.Struct({ line: Schema.Number, reason: MongoError.WriteErrorReason })
 * ```
 *
 * @stability stable
 * @category schemas
 * @since 0.1.0
 */
export const WriteErrorReason = Schema.Union([
  ConnectionError,
  PoolTimeoutError,
  ClientClosedError,
  AuthenticationError,
  AuthorizationError,
  InvalidArgumentError,
  InvalidCommandError,
  BsonError,
  DuplicateKeyError,
  DocumentValidationError,
  WriteConflictError,
  WriteConcernError,
  CursorError,
  MaxTimeExpiredError,
  NotPrimaryError,
  NamespaceExistsError,
  NamespaceNotFoundError,
  IndexError,
  TransactionError,
  ChangeStreamError,
  GridFSError,
  EncryptionError,
  OverloadedError,
  ServerError,
  UnknownError
])

/**
 * Error reason for a bulk write that was not done completely: `bulkWrite`, `insertMany` or the client's `bulkWrite`. Never retryable as a
 * whole: what was done would be done again. Transient where everything that went wrong in it is.
 *
 * **Details**
 *
 * The counts and ids tell what was done. `writeErrors` has a reason for each operation that failed, with its position in the
 * list that was given; `writeConcernErrors` one for each batch that was not acknowledged as asked; `stoppedBy` the failure, if
 * any, that ended the bulk write before its end, such as a broken connection. A bulk write that such a failure ended before
 * anything was done fails with that reason itself.
 *
 * `insertedIds` are the ids of documents that were inserted for certain. The driver's own list also names documents that were
 * never sent. Ids are values of documents: they can be read, but are not enumerable, so that nothing prints them.
 *
 * **Gotchas**
 *
 * The ids and the results of single writes of a client bulk write are known only with `verboseResults`. After a broken connection the batch that was on
 * its way may have been applied without being counted.
 *
 * **Example** (Inserting what is new)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const ignoreDuplicates = <A, R>(insertMany: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   insertMany.pipe(Effect.catchReason("MongoError", "BulkWriteError", (reason) =>
 *     reason.stoppedBy === undefined && reason.writeErrors.every((e) => e.reason._tag === "DuplicateKeyError")
 *       ? Effect.succeed(reason.insertedCount)
 *       : Effect.die(reason)))
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class BulkWriteError extends Reason<BulkWriteError>()("BulkWriteError", {
  ...ReasonFields,
  /** Number of documents inserted. */
  insertedCount: Schema.Number,
  /** Number of documents matched by updates. */
  matchedCount: Schema.Number,
  /** Number of documents changed by updates. */
  modifiedCount: Schema.Number,
  /** Number of documents deleted. */
  deletedCount: Schema.Number,
  /** Number of documents upserted. */
  upsertedCount: Schema.Number,
  /** The `_id`s of the documents that were inserted, by the index of their operation. */
  insertedIds: IdsByIndex,
  /** The `_id`s of the documents that were upserted, by the index of their operation. */
  upsertedIds: IdsByIndex,
  /** What each update of a client's bulk write with `verboseResults` has done, by its index. */
  updateResults: Schema.optional(
    Schema.Record(Schema.String, Schema.Struct({ matchedCount: Schema.Number, modifiedCount: Schema.Number }))
  ),
  /** What each delete of a client's bulk write with `verboseResults` has done, by its index. */
  deleteResults: Schema.optional(Schema.Record(Schema.String, Schema.Struct({ deletedCount: Schema.Number }))),
  /** The operations that failed, in the order in which they were given. */
  writeErrors: Schema.Array(Schema.Struct({ index: Schema.Number, reason: WriteErrorReason })),
  /** The batches that were not acknowledged as the write concern asks. */
  writeConcernErrors: Schema.Array(WriteConcernError),
  /** The failure that ended the bulk write before its end. */
  stoppedBy: Schema.optional(WriteErrorReason)
}, ["insertedIds", "upsertedIds"]) {
  override get isTransient(): boolean {
    const problems = [
      ...this.writeErrors.map(({ reason }) => reason),
      ...this.writeConcernErrors,
      ...(this.stoppedBy === undefined ? [] : [this.stoppedBy])
    ]
    return problems.length > 0 && problems.every((reason) => reason.isTransient)
  }

  override get isRetryable(): boolean {
    return false
  }
}

/**
 * Everything that can be the `reason` of a `MongoError`.
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export type MongoErrorReason = WriteErrorReason | BulkWriteError

/**
 * Schema of the reasons of a `MongoError`.
 *
 * **Example** (A reason as JSON text)
 *
 * ```ts
 * import { MongoError } from "@mongofx/core"
 * import { Schema } from "effect"
 *
 * const encode = Schema.encodeEffect(Schema.fromJsonString(Schema.toCodecJson(MongoError.MongoErrorReason)))
 * ```
 *
 * @stability stable
 * @category schemas
 * @since 0.1.0
 */
export const MongoErrorReason = Schema.Union([...WriteErrorReason.members, BulkWriteError])

/**
 * The error that every operation of mongofx can fail with. What went wrong is its `reason`.
 *
 * **When to use**
 *
 * Handle one reason with `Effect.catchReason("MongoError", "DuplicateKeyError", ...)`, several with `Effect.catchReasons`, or
 * put the reasons into the error channel with `Effect.unwrapReason("MongoError")`. Retry with `isRetryable`, and with `isTransient`
 * what can be applied twice.
 *
 * **Details**
 *
 * `message` names the operation and its namespace, then has the server's or the driver's own message:
 * `insertOne on app.users: E11000 duplicate key error ...`.
 *
 * `isTransient` means that the failure may pass by itself: the same effect, run again a little later, may succeed. It is decided by
 * the reason, and by the labels of server and driver (`RetryableWriteError`, `RetryableError`, `TransientTransactionError`, ...).
 *
 * `isRetryable` means that it also cannot be applied twice when it is run again: it only reads, it was refused before it was sent,
 * or the server says that nothing was done (`nothingDone` of the reason, and the label `NoWritesPerformed`). In doubt it is false.
 *
 * The driver has already retried a retryable read or write once, so wait before the next attempt.
 *
 * **Gotchas**
 *
 * - After a broken connection a write may have been applied: it is transient and not retryable. Retry by `isTransient` what can be
 *   applied twice: a replace, a `$set`, an upsert, an insert with an `_id` of your own (whose second attempt may fail with a
 *   `DuplicateKeyError`).
 * - Inside a transaction, do not retry a single operation: the server has aborted the transaction. `withTransaction` runs the
 *   whole of it again.
 *
 * - Nor handle one there and go on: `withTransaction` then fails with a `TransactionError` of the kind `aborted`. Handle it outside.
 *
 * **Example** (Handling one reason, retrying the others)
 *
 * ```ts
 * import { type MongoError } from "@mongofx/core"
 * import { Effect, Schedule } from "effect"
 *
 * const register = <A, R>(insert: Effect.Effect<A, MongoError.MongoError, R>) =>
 *   insert.pipe(
 *     Effect.retry({
 *       schedule: Schedule.exponential("100 millis").pipe(Schedule.jittered),
 *       times: 3,
 *       while: (error) => error.isRetryable
 *     }),
 *     Effect.catchReason("MongoError", "DuplicateKeyError", () => Effect.succeed("already registered" as const))
 *   )
 * ```
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class MongoError extends Schema.TaggedError<MongoError>("@mongofx/core/MongoError")("MongoError", {
  /** What went wrong. */
  reason: MongoErrorReason
}) {
  /** Marks a `MongoError`. */
  readonly [TypeId] = TypeId

  /** The reason, where JavaScript tools look for it. */
  override readonly cause = this.reason

  /** Operation, namespace and the server's or driver's own message. */
  override get message(): string {
    return this.reason.message || this.reason._tag
  }

  /** Whether the failure may pass by itself: run again a little later, the same effect may succeed. */
  get isTransient(): boolean {
    return this.reason.isTransient
  }

  /** Whether it may pass by itself, and running the effect again cannot apply it twice. */
  get isRetryable(): boolean {
    return this.reason.isRetryable
  }

  /** The error labels of the server and the driver. */
  get labels(): ReadonlyArray<string> {
    return this.reason.labels
  }

  /** Whether the error has the label, for instance `TransientTransactionError`. */
  hasLabel(label: string): boolean {
    return this.reason.labels.includes(label)
  }

  /** A plain object for logs and `JSON.stringify`, without stacks and with the cause as text. */
  override toJSON(): unknown {
    return { _tag: this._tag, message: this.message, reason: this.reason.toJSON() }
  }
}

/**
 * Tells whether a value is a `MongoError`, from whichever copy of the package.
 *
 * **Example** (Telling a database failure from another one)
 *
 * ```ts
 * import { MongoError } from "@mongofx/core"
 *
 * const describe = (u: unknown) => MongoError.isMongoError(u) ? u.reason._tag : "something else"
 * ```
 *
 * @stability stable
 * @category guards
 * @since 0.1.0
 */
export const isMongoError = (u: unknown): u is MongoError => Predicate.hasProperty(u, TypeId)

/**
 * Tells whether a value is a reason of a `MongoError`, from whichever copy of the package.
 *
 * **Example** (After `Effect.unwrapReason`)
 *
 * ```ts
 * import { MongoError } from "@mongofx/core"
 *
 * const operationOf = (u: unknown) => MongoError.isMongoErrorReason(u) ? u.operation : undefined
 * ```
 *
 * @stability stable
 * @category guards
 * @since 0.1.0
 */
export const isMongoErrorReason = (u: unknown): u is MongoErrorReason => Predicate.hasProperty(u, ReasonTypeId)
