/**
 * The one error of mongofx, and its reasons.
 *
 * Every operation fails with a `MongoError`, whose `reason` says what went wrong: a duplicate key, a broken connection, a
 * cursor that is gone. Handle a reason with `Effect.catchReason` or `Effect.catchReasons`. Retry if `isRetryable`, and also if
 * `isTransient` when the operation can safely be applied twice.
 *
 * `docs/errors.md` lists the server's codes with the reason that each becomes.
 *
 * Errors, reasons and their causes never contain credentials. Document values from a server's reply (duplicate keys,
 * validation) are in `Redacted` fields only.
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
 * Error reason for a server that cannot be reached, or a connection that broke.
 *
 * **Details**
 *
 * `kind` says what went wrong:
 *
 * - `network`: an open connection broke, was closed, or sent bytes that are not a message of MongoDB
 * - `timeout`: `connectTimeout` or `socketTimeout` ran out
 * - `refused`: nothing listens at the address
 * - `dns`: the host name or its SRV record cannot be resolved
 * - `tls`: the TLS handshake failed (an untrusted or expired certificate, a wrong host name)
 * - `serverSelection`: the driver found no suitable server within `serverSelectionTimeout`, for instance no primary
 * - `poolCleared`: another operation's network error emptied the pool; this operation was not sent
 * - `incompatible`: the server is too old or too new for the driver
 *
 * Transient, except `tls` and `incompatible`, which do not heal by themselves. Retryable if the operation only reads or was never
 * sent.
 *
 * **Gotchas**
 *
 * The driver has already retried a retryable read or write once. The server may have applied a write that was in flight.
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
 * @see {@link NotPrimaryError} for a server that answers, but cannot serve the operation now
 * @see {@link PoolTimeoutError} for an operation that got no connection from the pool in time
 * @see {@link ClientClosedError} for a client that was closed
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
  /** The address of the server, `host:port`, if the driver says it. */
  address: Schema.optional(Schema.String)
}) {
  override get isTransient(): boolean {
    return transientByLabel(this, this.kind !== "tls" && this.kind !== "incompatible")
  }
}

/**
 * Error reason for an operation that waited for a free connection longer than `waitQueueTimeout`. Transient, and retryable unless
 * an earlier attempt was sent.
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
 * @see {@link ConnectionError} for a server that cannot be reached
 * @see {@link OverloadedError} for a server that has too much to do
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
 * Error reason for an operation on a closed client or session. Not transient: neither opens again.
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
 * @see {@link CursorError} for a cursor that was closed
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
 * Error reason for credentials that are refused, missing or unusable, with any mechanism. Not transient.
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
 * @see {@link AuthorizationError} for a user that is known, but lacks a permission
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class AuthenticationError extends Reason<AuthenticationError>()("AuthenticationError", ReasonFields) {}

/**
 * Error reason for a user without the permission that the operation needs (code 13). Not transient.
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
 * @see {@link AuthenticationError} for credentials that are not accepted
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class AuthorizationError extends Reason<AuthorizationError>()("AuthorizationError", ReasonFields) {}

/**
 * Error reason for input that mongofx or the driver refuses before anything is sent. Not transient.
 *
 * **Details**
 *
 * mongofx checks what BSON would lose or change, such as `undefined` in a filter or an invalid date, and gives the `path`. The
 * driver checks most options.
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
 * @see {@link InvalidCommandError} for input that the server refuses
 * @see {@link BsonError} for a value or a document that BSON cannot hold
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
 * Error reason for a command that the server cannot accept as it is. Not transient.
 *
 * **Details**
 *
 * The command is unknown, or has an unknown operator, a malformed expression, projection or stage, a wrong type or an invalid name.
 * Or it updates an immutable field, or needs a feature that this server does not have.
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
 * @see {@link InvalidArgumentError} for input that is refused before it is sent
 * @see {@link ServerError} for codes without a more precise reason
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
 * Error reason for a value that cannot be written as BSON, a reply that cannot be decoded, or a document that is too large.
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
 * @see {@link InvalidArgumentError} for values that mongofx refuses because BSON would lose or change them
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class BsonError extends Reason<BsonError>()("BsonError", {
  ...ReasonFields,
  /** The position of a document that is too large, among the documents or operations of its bulk write. */
  index: Schema.optional(Schema.Number)
}) {}

/**
 * Error reason for a write that would break a unique index (code 11000). Not transient.
 *
 * **Details**
 *
 * `keyValue` holds the values that are already taken. They are document values, so they are redacted: no message, log or
 * JSON shows them. In JSON they become the text `<redacted>`, which decodes to a `Redacted` of an empty document.
 *
 * **Gotchas**
 *
 * Inside a transaction it is too late to handle this error: the server has aborted the transaction. Use an upsert or read first
 * there, or handle the error around `withTransaction`.
 *
 * For bulk writes the driver keeps only the server's text, so index, pattern and values are read from it. The directions
 * of the pattern then come from a default index name, and are 1 for any other name. Values other than
 * strings, numbers, booleans, null, ObjectIds and dates stay in the server's notation. If the text is ambiguous,
 * `keyPattern` and `keyValue` are empty.
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
 * @see {@link BulkWriteError} for the duplicate keys of `insertMany` and `bulkWrite`
 * @see {@link DocumentValidationError} for a document that breaks the rules of its collection
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
 * `details` is the server's `errInfo`, which says which rule failed. It contains document values, so it is redacted, also in
 * JSON.
 *
 * **Gotchas**
 *
 * The driver drops the `errInfo` of a client's bulk write: `details` is then empty.
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
 * @see {@link DuplicateKeyError} for a write that a unique index refuses
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
 * Error reason for a write that met another write to the same document (code 112). Transient, and retryable if it writes to one
 * document.
 *
 * **Gotchas**
 *
 * Inside a transaction, retrying the single operation cannot succeed: the whole transaction has to run again. `withTransaction`
 * does that.
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
 * @see {@link TransactionError} for a transaction that cannot go on
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
 * Error reason for a write that was applied, but not acknowledged as its write concern asks (codes 64, 79, 100, and every
 * `writeConcernError` in a reply). Transient if the server labels it so, and retryable only if the server also says that
 * nothing was written.
 *
 * **Gotchas**
 *
 * The primary has applied the write. It may still be rolled back.
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
 * - `notFound` (code 43): the cursor timed out on the server, or the server restarted
 * - `killed` (237): something killed the cursor, or its scope or an interruption closed it before its end
 * - `planKilled` (175): somebody dropped the collection, or an index that the query uses
 * - `positionLost` (136): the capped collection overwrote the position of the cursor
 * - `exhausted`, `inUse`, `tailable`: the state or the type of the driver's cursor does not allow this use
 *
 * Transient for `notFound`, `planKilled` and `positionLost`: the query can run again from its start.
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
 * @see {@link ChangeStreamError} for change streams, which resume by themselves
 * @see {@link ClientClosedError} for a query whose client or session was closed
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
 * Error reason for an operation that ran out of time: `maxTimeMS` (code 50), a limit of the server (262), or a deadline
 * of the client.
 *
 * **Details**
 *
 * Code 50 is not transient: the same operation with the same limit would probably run out of time again, at the server's cost.
 * Code 262 is transient, as the driver specification says.
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
 * @see {@link ConnectionError} for the timeouts of connections and of server selection
 * @see {@link PoolTimeoutError} for the timeout of waiting for a connection
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
 * if the operation only reads, or the member refused the write before it did anything.
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
 * @see {@link ConnectionError} for a member that does not answer, or a deployment without a primary
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
 * @see {@link NamespaceNotFoundError} for the opposite
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
 * @see {@link NamespaceExistsError} for the opposite
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class NamespaceNotFoundError extends Reason<NamespaceNotFoundError>()("NamespaceNotFoundError", ReasonFields) {}

/**
 * Error reason for an index that is missing, conflicts with another one or cannot be built, and for search indexes on a
 * server that does not support them. Not transient.
 *
 * **Details**
 *
 * `kind` says which:
 *
 * - `"notFound"`: the collection does not have this index (code 27).
 * - `"conflict"`: another index has its name or its keys (codes 68, 85, 86), or documents with equal keys keep it from becoming unique (359).
 * - `"invalid"`: the server cannot build such an index (codes 67, 197).
 * - `"searchUnavailable"`: the server does not support search indexes (code 31082, and the answers of older servers to their
 *   commands). They need MongoDB Atlas, or a server that is connected to a `mongot`.
 * - `"searchFailed"`: the server could not build the search index that `waitUntilQueryable` waits for.
 *
 * **Gotchas**
 *
 * Building a unique index over documents with duplicate keys fails with a `DuplicateKeyError`.
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
 * @see {@link DuplicateKeyError} for documents that break a unique index
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
 * - `aborted`: the server has aborted the transaction or does not know it (251, 225, 244). If the body of a `withTransaction`
 *   handled an error and went on, that error is the `cause`: the server aborted the transaction with it
 * - `committed` (256): the transaction is already committed
 * - `unavailable`: the server cannot give a lock or a snapshot (24, 239, 246)
 * - `notAllowed` (263): the operation cannot be part of a transaction
 * - `misused`: the order is wrong, for instance a second start, or an operation of a fiber that outlives its transaction
 * - `unsupported` (20): the server does not support transactions
 *
 * `label` is `TransientTransactionError` when the whole transaction may run again, which makes the error retryable. It is
 * `UnknownTransactionCommitResult` when nobody knows whether the transaction was committed. That is transient but not retryable:
 * running it again could apply its writes twice.
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
 * @see {@link WriteConflictError} for an operation that met another write
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
 * - `invalidated`: the watched collection or database was dropped or renamed; see `continueAfterInvalidate` of `watch`
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
 * @see {@link CursorError} for the cursors of queries
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
 * Error reason for client-side encryption: a key is missing, a key management service does not answer, an
 * encrypted collection cannot be created, or `mongodb-client-encryption` is not installed.
 *
 * **Details**
 *
 * If a server or a connection is at fault, `code`, `codeName` and `labels` are those of the error beneath it. Transient if
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
  /** The fields of an encrypted collection that could not be created, with the keys that were made before. */
  encryptedFields: Schema.optional(Schema.Unknown)
}) {
  override get isTransient(): boolean {
    return this.transient
  }
}

/**
 * Error reason for a server that sheds load (code 462, label `SystemOverloadedError`). Transient, and retryable after a pause
 * unless an earlier attempt may have been applied.
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
 * @see {@link PoolTimeoutError} for a connection pool of the client that has too much to do
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
 * Error reason for a server's error without a more precise reason: `code` and `codeName` say which. A reply that the driver cannot
 * understand becomes this reason too, without a code.
 *
 * **Details**
 *
 * Transient if the driver specification counts the code as retryable (63, 133, 134, 150, 234, 13388) or a label says so.
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
 * @see {@link InvalidCommandError} for a command that the server cannot accept
 * @see {@link UnknownError} for errors that do not come from the server
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
 * Error reason for an error that does not come from the driver, BSON or the server: usually a function given to `use`, a `toBSON`
 * method or another callback threw it. Not transient.
 *
 * **Details**
 *
 * It is a typed failure rather than a defect, because a library that the callback calls may fail in its own way, as the driver does.
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
 * @see {@link ServerError} for errors of the server without a more precise reason
 *
 * @stability stable
 * @category errors
 * @since 0.1.0
 */
export class UnknownError extends Reason<UnknownError>()("UnknownError", ReasonFields) {}

/**
 * Every reason except `BulkWriteError`: what one operation of a bulk write can fail with.
 *
 * @see {@link MongoErrorReason} for all reasons
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
 * @see {@link MongoErrorReason} for all reasons
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
 * Error reason for a `bulkWrite` of a collection or a client, or an `insertMany`, that was not done completely. Never retryable as a
 * whole: what was done would be done again. Transient if everything that went wrong is transient.
 *
 * **Details**
 *
 * The counts and ids say what was done. `writeErrors` has a reason for each operation that failed, with its position in the
 * given list. `writeConcernErrors` has a reason for each batch that was not acknowledged as asked. `stoppedBy` is the failure, if
 * any, that ended the bulk write early, such as a broken connection. If such a failure comes before anything was done, the bulk
 * write fails with that reason instead.
 *
 * `insertedIds` are the ids of documents that were certainly inserted. The driver's own list also names documents that were
 * never sent. Ids are values of documents: they can be read, but are not enumerable, so that nothing prints them.
 *
 * **Gotchas**
 *
 * The ids and the results of single writes of a client's bulk write are known only with `verboseResults`. After a broken connection,
 * the server may have applied the batch that was on its way, but it is not counted.
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
 * @see {@link WriteErrorReason} for the reasons of its single operations
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
  /** What each update of a client's bulk write with `verboseResults` did, by its index. */
  updateResults: Schema.optional(
    Schema.Record(Schema.String, Schema.Struct({ matchedCount: Schema.Number, modifiedCount: Schema.Number }))
  ),
  /** What each delete of a client's bulk write with `verboseResults` did, by its index. */
  deleteResults: Schema.optional(Schema.Record(Schema.String, Schema.Struct({ deletedCount: Schema.Number }))),
  /** The operations that failed, in the given order. */
  writeErrors: Schema.Array(Schema.Struct({ index: Schema.Number, reason: WriteErrorReason })),
  /** The batches that were not acknowledged as the write concern asks. */
  writeConcernErrors: Schema.Array(WriteConcernError),
  /** The failure that ended the bulk write early. */
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
 * @see {@link WriteErrorReason} for the reasons of single writes
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
 * The error that every operation of mongofx can fail with. Its `reason` says what went wrong.
 *
 * **When to use**
 *
 * Handle one reason with `Effect.catchReason("MongoError", "DuplicateKeyError", ...)`, several with `Effect.catchReasons`, or
 * put the reasons into the error channel with `Effect.unwrapReason("MongoError")`. Retry if `isRetryable`, and also if `isTransient`
 * when the operation can safely be applied twice.
 *
 * **Details**
 *
 * `message` names the operation and its namespace, followed by the message of the server or the driver:
 * `insertOne on app.users: E11000 duplicate key error ...`.
 *
 * `isTransient` means that the failure may pass by itself: the same effect, run a little later, may succeed. The
 * reason and the labels of server and driver decide it (`RetryableWriteError`, `RetryableError`, `TransientTransactionError`, ...).
 *
 * `isRetryable` means that running the effect again also cannot apply it twice: it only reads, it was never sent,
 * or the server says that nothing was done (`nothingDone` of the reason, and the label `NoWritesPerformed`). In doubt it is false.
 *
 * The driver has already retried a retryable read or write once, so wait before the next attempt.
 *
 * **Gotchas**
 *
 * - After a broken connection, the server may have applied a write: the failure is transient but not retryable. Use `isTransient`
 *   to retry what can be applied twice: a replace, a `$set`, an upsert, or an insert with an `_id` of your own (whose second attempt
 *   may fail with a `DuplicateKeyError`).
 * - Inside a transaction, do not retry a single operation: the server has aborted the transaction. `withTransaction` runs the
 *   whole transaction again.
 * - Inside a transaction, do not handle a `MongoError` and go on: `withTransaction` then fails with a `TransactionError` of kind
 *   `aborted`. Handle it around `withTransaction`.
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

  /** Operation, namespace, and the message of the server or the driver. */
  override get message(): string {
    return this.reason.message || this.reason._tag
  }

  /** Whether the failure may pass by itself: the same effect, run a little later, may succeed. */
  get isTransient(): boolean {
    return this.reason.isTransient
  }

  /** Whether the failure may pass, and running the effect again cannot apply it twice. */
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

  /** A plain object for logs and `JSON.stringify`, without stacks, and with the cause as text. */
  override toJSON(): unknown {
    return { _tag: this._tag, message: this.message, reason: this.reason.toJSON() }
  }
}

/**
 * Tells whether a value is a `MongoError`, from any copy of the package.
 *
 * **Example** (Telling a database failure from another one)
 *
 * ```ts
 * import { MongoError } from "@mongofx/core"
 *
 * const describe = (u: unknown) => MongoError.isMongoError(u) ? u.reason._tag : "something else"
 * ```
 *
 * @see {@link isMongoErrorReason} for its reasons
 *
 * @stability stable
 * @category guards
 * @since 0.1.0
 */
export const isMongoError = (u: unknown): u is MongoError => Predicate.hasProperty(u, TypeId)

/**
 * Tells whether a value is a reason of a `MongoError`, from any copy of the package.
 *
 * **Example** (After `Effect.unwrapReason`)
 *
 * ```ts
 * import { MongoError } from "@mongofx/core"
 *
 * const operationOf = (u: unknown) => MongoError.isMongoErrorReason(u) ? u.operation : undefined
 * ```
 *
 * @see {@link isMongoError} for the error itself
 *
 * @stability stable
 * @category guards
 * @since 0.1.0
 */
export const isMongoErrorReason = (u: unknown): u is MongoErrorReason => Predicate.hasProperty(u, ReasonTypeId)
