/**
 * The reason of a server's reply: its code decides.
 */
import * as Redacted from "effect/Redacted"
import * as Reasons from "../../MongoError.ts"
import { isMarked, reasonOf, ServerCode } from "./codes.ts"
import { parseDuplicateKey } from "./duplicateKey.ts"
import type { Fields } from "./fields.ts"
import { asDocument, describe, read } from "./thrown.ts"

const transactionLabels = ["UnknownTransactionCommitResult", "TransientTransactionError"] as const

/** @internal */
export const transactionError = (fields: Fields, kind: Reasons.TransactionError["kind"]) =>
  new Reasons.TransactionError({
    ...fields,
    kind,
    label: transactionLabels.find((label) => fields.labels.includes(label))
  })

/** @internal */
export const cursorError = (fields: Fields, kind: Reasons.CursorError["kind"]) =>
  new Reasons.CursorError({ ...fields, kind })

/** The reasons that add no fields. */
const plainReasons = {
  AuthenticationError: Reasons.AuthenticationError,
  AuthorizationError: Reasons.AuthorizationError,
  BsonError: Reasons.BsonError,
  InvalidCommandError: Reasons.InvalidCommandError,
  MaxTimeExpiredError: Reasons.MaxTimeExpiredError,
  NamespaceExistsError: Reasons.NamespaceExistsError,
  NamespaceNotFoundError: Reasons.NamespaceNotFoundError,
  NotPrimaryError: Reasons.NotPrimaryError,
  OverloadedError: Reasons.OverloadedError,
  ServerError: Reasons.ServerError,
  WriteConcernError: Reasons.WriteConcernError,
  WriteConflictError: Reasons.WriteConflictError
}

/** Operations that an older server without search indexes refuses as unknown commands. */
const searchIndexOperations: ReadonlySet<string> = new Set([
  "createSearchIndex",
  "createSearchIndexes",
  "updateSearchIndex",
  "dropSearchIndex",
  "listSearchIndexes"
])

/** Operations that only routers know. */
const routerOperations: ReadonlySet<string> = new Set([
  "shardCollection",
  "refineCollectionShardKey",
  "reshardCollection",
  "abortReshardCollection",
  "listShards",
  "distribution",
  "addShardToZone",
  "removeShardFromZone",
  "updateZoneKeyRange"
])

/** What the server says between two keys, which are cut out of its messages together with it. */
const betweenKeys: ReadonlyArray<readonly [words: RegExp, hint: string]> = [
  [/ does not extend the current shard key /, "the new key must begin with the fields of the current one"],
  [/ is not a prefix of the shard key /, "min and max must have the first fields of the shard key, in its order"],
  [/ should be less than max: /, "min must be less than max"],
  [/ is overlapping with existing: /, "the range overlaps an existing one: remove that one first, with zone: null"]
]

/** What a standalone server answers to a transaction. */
const noTransactions = /transaction numbers are only allowed/i

/** The directions of an index, which are `Int32` or `Double` objects when values are not promoted. */
const keyPatternOf = (pattern: Readonly<Record<string, unknown>>): Readonly<Record<string, number | string>> =>
  Object.fromEntries(
    Object.entries(pattern).map(([field, direction]) => [
      field,
      typeof direction === "string" ? direction : Number(read(direction, "value") ?? direction)
    ])
  )

/**
 * Classifies a reply of the server, or what the driver has kept of one, by its code.
 *
 * @internal
 */
export const classifyReply = (cause: unknown, fields: Fields): Reasons.WriteErrorReason => {
  const { code } = fields
  if (fields.labels.includes("SystemOverloadedError")) return new Reasons.OverloadedError(fields)
  // Outside of a login, the code is about a user that a command wants to change.
  if (isMarked(code, "login") && fields.labels.includes("HandshakeError")) {
    return new Reasons.AuthenticationError(fields)
  }
  // Atlas answers a failed login with its own code.
  if (code === ServerCode.AtlasError.code && /\bauth/i.test(fields.message)) {
    return new Reasons.AuthenticationError(fields)
  }
  if (noTransactions.test(fields.message)) {
    return transactionError({
      ...fields,
      code: ServerCode.IllegalOperation.code,
      message:
        `${fields.message} (transactions need a replica set or a sharded cluster; this server is a standalone one)`
    }, "unsupported")
  }
  if (code === ServerCode.BadValue.code && describe(cause).startsWith("object to insert too large")) {
    return new Reasons.BsonError(fields)
  }
  if (isMarked(code, "noSearch") && searchIndexOperations.has(fields.operation)) {
    return new Reasons.IndexError({ ...fields, kind: "searchUnavailable" })
  }
  if (isMarked(code, "noRouter") && routerOperations.has(fields.operation)) {
    return new Reasons.InvalidCommandError({
      ...fields,
      message: `${fields.message} (sharding needs a sharded cluster; this server is not a router: connect to a mongos)`
    })
  }
  const hint = routerOperations.has(fields.operation)
    ? betweenKeys.find(([words]) => words.test(describe(cause)))?.[1]
    : undefined
  if (hint !== undefined) {
    return new Reasons.InvalidCommandError({ ...fields, message: `${fields.message} (${hint})` })
  }
  const reason = reasonOf(code)
  switch (reason.tag) {
    case "DuplicateKeyError": {
      const parsed = parseDuplicateKey(describe(cause))
      const keyPattern = asDocument(read(cause, "keyPattern"))
      return new Reasons.DuplicateKeyError({
        ...fields,
        index: parsed.index,
        keyPattern: keyPattern === undefined ? parsed.keyPattern : keyPatternOf(keyPattern),
        keyValue: Redacted.make(asDocument(read(cause, "keyValue")) ?? parsed.keyValue, { label: "keyValue" })
      })
    }
    case "DocumentValidationError":
      return new Reasons.DocumentValidationError({
        ...fields,
        details: Redacted.make(asDocument(read(cause, "errInfo")) ?? {}, { label: "details" })
      })
    case "CursorError":
      return cursorError(fields, reason.kind)
    case "IndexError":
      return new Reasons.IndexError({ ...fields, kind: reason.kind })
    case "ChangeStreamError":
      return new Reasons.ChangeStreamError({ ...fields, kind: reason.kind })
    case "ConnectionError":
      return new Reasons.ConnectionError({ ...fields, kind: reason.kind })
    case "TransactionError":
      return transactionError(fields, reason.kind)
    default:
      return new plainReasons[reason.tag](fields)
  }
}
