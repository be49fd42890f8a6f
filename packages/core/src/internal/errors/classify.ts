import * as Redacted from "effect/Redacted"
import * as Reasons from "../../MongoError.ts"
import { numberOf } from "../handle/reply.ts"
import { isTooLarge, maxDocumentSize, TooLarge } from "../input/documentSize.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { isMarked, reasonOf, ServerCode } from "./codes.ts"
import { parseDuplicateKey } from "./duplicateKey.ts"
import { isReply, redactCause, redactCredentials, redactValues } from "./redact.ts"
import { codeOf, describe, read, text } from "./thrown.ts"

/** @internal */
export interface ClassifyContext {
  readonly operation: string
  readonly namespace?: string | undefined
  /** Whether the operation changes nothing. */
  readonly reads?: boolean | undefined
  /** Whether the operation is one write to one document, or a command that is done as a whole or not at all. */
  readonly isSingle?: boolean | undefined
  /** How many commands were handed to a connection; `undefined` where nobody counts. */
  readonly sends?: number | undefined
  /** Texts that must appear nowhere, besides the credentials of URIs. */
  readonly secrets?: ReadonlyArray<string> | undefined
}

/**
 * How every message begins: the operation, and what it works on.
 *
 * @internal
 */
export const subjectOf = ({ namespace, operation }: ClassifyContext): string =>
  namespace === undefined ? operation : `${operation} on ${namespace}`

interface Fields {
  readonly operation: string
  readonly nothingDone: true | undefined
  readonly namespace: string | undefined
  readonly code: number | undefined
  readonly codeName: string | undefined
  readonly labels: ReadonlyArray<string>
  readonly response: Redacted.Redacted<Readonly<Record<string, unknown>>> | undefined
  readonly cause: unknown
  readonly message: string
}

const labelsOf = (cause: unknown): ReadonlyArray<string> => {
  const labels = read(cause, "errorLabels")
  return Array.isArray(labels) ? labels.filter((label) => typeof label === "string") : []
}

/** The reply that the driver keeps with its error: of a bulk write it may be an error of its own. */
const responseOf = (cause: unknown): Fields["response"] => {
  const response = read(cause, "errorResponse")
  const reply = response instanceof Error ? read(response, "errorResponse") : response
  return typeof reply === "object" && reply !== null && read(reply, "ok") !== undefined
    ? Redacted.make(reply as Readonly<Record<string, unknown>>, { label: "response" })
    : undefined
}

/**
 * Whether nothing was changed for certain. What a server answers counts only for the only attempt: of one before it nobody knows what
 * became of it. (The label `NoWritesPerformed` is good for all of them, since the driver keeps the first error otherwise.)
 */
const isNothingDone = (code: number | undefined, { isSingle, reads, sends }: ClassifyContext): true | undefined =>
  reads === true || sends === 0 || isSingle === true && sends === 1 && isMarked(code, "refused")
    ? true
    : undefined

const fieldsOf = (cause: unknown, context: ClassifyContext): Fields => {
  const name = text(read(cause, "name")) ?? ""
  const own = describe(cause)
  const code = codeOf(cause)
  const shown = redactCredentials(isReply(name) || !(cause instanceof Error) ? redactValues(own) : own, context.secrets)
  return {
    operation: context.operation,
    namespace: context.namespace,
    nothingDone: isNothingDone(code, context),
    code,
    codeName: text(read(cause, "codeName")),
    labels: labelsOf(cause),
    response: responseOf(cause),
    cause: redactCause(cause, context.secrets),
    message: `${subjectOf(context)}: ${shown}`
  }
}

const asDocument = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined

const transactionLabels = ["UnknownTransactionCommitResult", "TransientTransactionError"] as const

const transactionError = (fields: Fields, kind: Reasons.TransactionError["kind"]) =>
  new Reasons.TransactionError({
    ...fields,
    kind,
    label: transactionLabels.find((label) => fields.labels.includes(label))
  })

const dnsCodes = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_NODATA",
  "EAI_NONAME",
  "ENODATA",
  "ESERVFAIL",
  "EBADNAME",
  "ETIMEOUT",
  "EREFUSED"
])

const brokenCodes = new Set(["ECONNRESET", "EPIPE", "EHOSTUNREACH", "ENETUNREACH", "ECONNABORTED", "EADDRNOTAVAIL"])

const isTls = (code: string, message: string): boolean =>
  /^ERR_(SSL|TLS)_|^CERT_|^EPROTO$|CERT|UNABLE_TO_VERIFY/.test(code) ||
  /\b(?:SSL|TLS) (?:routines|handshake|connection)|wrong version number|\bcertificate\b|before secure TLS connection/i
    .test(message)

/** What broke, after Node's code and message of an error or of one of its causes. */
const socketKind = (cause: unknown): "refused" | "dns" | "tls" | "timeout" | "network" | undefined => {
  for (
    let error = cause, depth = 0;
    error !== undefined && error !== null && depth < 8;
    error = read(error, "cause"), depth++
  ) {
    const code = text(read(error, "code")) ?? ""
    const message = text(read(error, "message")) ?? ""
    if (dnsCodes.has(code) || /\bgetaddrinfo\b|\bquery(?:Srv|Txt) /.test(message)) return "dns"
    if (code === "ECONNREFUSED" || /\bECONNREFUSED\b/.test(message)) return "refused"
    if (isTls(code, message)) return "tls"
    if (code === "ETIMEDOUT" || read(error, "name") === "MongoNetworkTimeoutError") return "timeout"
    if (brokenCodes.has(code)) return "network"
  }
  return undefined
}

/** What OpenSSL says of certificates and keys that it cannot read, before there is a connection. */
const isKeyMaterial = (cause: unknown): boolean => {
  for (let error = cause, depth = 0; error !== undefined && error !== null && depth < 8; depth++) {
    if (/^ERR_OSSL_(?!SSL_)/.test(text(read(error, "code")) ?? "")) return true
    error = read(error, "cause")
  }
  return false
}

/** The errors that the members of a topology have reported. */
const memberErrors = (description: unknown): ReadonlyArray<unknown> => {
  const servers = read(description, "servers")
  return servers instanceof Map
    ? [...servers.values()].map((server) => read(server, "error")).filter((error) =>
      error !== undefined && error !== null
    )
    : []
}

/** What is known of the members of a topology: `a:27017 is RSSecondary; b:27017 is Unknown: connection refused`. */
const statesOf = (description: unknown): string => {
  const servers = read(description, "servers")
  if (!(servers instanceof Map)) return ""
  return [...servers].map(([address, server]) => {
    const error = read(server, "error")
    const state = `${String(address)} is ${text(read(server, "type")) ?? "Unknown"}`
    return error === undefined || error === null ? state : `${state}: ${describe(error)}`
  }).join("; ")
}

const selectionError: Rule = (cause, fields, { secrets }) => {
  const errors = [read(cause, "cause"), ...memberErrors(read(cause, "reason"))]
  if (errors.some(isKeyMaterial)) {
    const message = `${
      subjectOf(fields)
    }: the TLS certificate or its key cannot be read, or the password of the key is wrong: ${
      errors.map(describe).join("; ")
    }`
    return invalidArgument({ ...fields, message: redactCredentials(message, secrets) })
  }
  const code = errors.map(codeOf).find((code) => isMarked(code, "login"))
  if (code !== undefined) return new Reasons.AuthenticationError({ ...fields, code })
  const isIncompatible = errors.some((error) => read(error, "name") === "MongoCompatibilityError")
  const kind = isIncompatible ?
    "incompatible" :
    errors.map(socketKind).find((kind) => kind !== undefined && kind !== "network") ??
      socketKind(new Error(describe(cause)))
  const states = statesOf(read(cause, "reason"))
  const message = states === "" || !/timed out/.test(fields.message) ?
    fields.message :
    redactCredentials(`${fields.message} (${states})`, secrets)
  return new Reasons.ConnectionError({ ...fields, message, kind: kind ?? "serverSelection" })
}

const cursorError = (fields: Fields, kind: Reasons.CursorError["kind"]) => new Reasons.CursorError({ ...fields, kind })

const addressOf = (cause: unknown): string | undefined => text(read(cause, "address"))

/** The reasons that have no fields of their own. */
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

/** What an older server answers them is not a wrong command: it has no search indexes. */
const searchIndexOperations: ReadonlySet<string> = new Set([
  "createSearchIndex",
  "createSearchIndexes",
  "updateSearchIndex",
  "dropSearchIndex",
  "listSearchIndexes"
])

/** What a standalone server says of a transaction. */
const noTransactions = /transaction numbers are only allowed/i

/** A reply of the server, or what the driver has kept of one: its code decides. */
const classifyReply = (cause: unknown, fields: Fields): Reasons.WriteErrorReason => {
  const { code } = fields
  if (fields.labels.includes("SystemOverloadedError")) return new Reasons.OverloadedError(fields)
  // Elsewhere it is about a user that is to be changed.
  if (isMarked(code, "login") && fields.labels.includes("HandshakeError")) {
    return new Reasons.AuthenticationError(fields)
  }
  // Atlas answers a failed login with a code of its own.
  if (code === ServerCode.AtlasError.code && /\bauth/i.test(fields.message)) {
    return new Reasons.AuthenticationError(fields)
  }
  if (noTransactions.test(fields.message)) {
    return transactionError({
      ...fields,
      code: ServerCode.IllegalOperation.code,
      message:
        `${fields.message} (transactions need a replica set or a sharded cluster, which this server is no part of)`
    }, "unsupported")
  }
  if (code === ServerCode.BadValue.code && describe(cause).startsWith("object to insert too large")) {
    return new Reasons.BsonError(fields)
  }
  if (isMarked(code, "noSearch") && searchIndexOperations.has(fields.operation)) {
    return new Reasons.IndexError({ ...fields, kind: "searchUnavailable" })
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

/** The directions of an index, which are `Int32` or `Double` objects where values are not promoted. */
const keyPatternOf = (pattern: Readonly<Record<string, unknown>>): Readonly<Record<string, number | string>> =>
  Object.fromEntries(
    Object.entries(pattern).map(([field, direction]) => [
      field,
      typeof direction === "string" ? direction : Number(read(direction, "value") ?? direction)
    ])
  )

const invalidArgument = (fields: Fields, path?: string) => new Reasons.InvalidArgumentError({ ...fields, path })

type Rule = (cause: unknown, fields: Fields, context: ClassifyContext) => Reasons.WriteErrorReason

/** The driver quotes the failure of another operation, also where there was none. */
const poolCleared: Rule = (cause, fields) =>
  new Reasons.ConnectionError({
    ...fields,
    message: fields.message.replace(/ because another operation failed with: "undefined"$/, ""),
    kind: "poolCleared",
    address: addressOf(cause)
  })

const clientClosed: Rule = (_, fields) => new Reasons.ClientClosedError({ ...fields, kind: "client" })
const authentication: Rule = (_, fields) => new Reasons.AuthenticationError(fields)
const refusedArgument: Rule = (_, fields) => invalidArgument(fields)
const gridFS = (kind: Reasons.GridFSError["kind"]): Rule => (_, fields) => new Reasons.GridFSError({ ...fields, kind })
const bson: Rule = (_, fields) => new Reasons.BsonError(fields)
const invalidDriverArgument: Rule = (cause, fields, context) => {
  // The driver wraps what it cannot serialize for a client's bulk write.
  const nested = describe(cause).startsWith("Could not serialize ") ? read(cause, "cause") : undefined
  if (nested !== undefined) return new Reasons.BsonError(fieldsOf(nested, context))
  return isTooLarge(cause) ? new Reasons.BsonError(fields) : invalidArgument(fields)
}
const strangeReply: Rule = (_, fields) => new Reasons.ServerError(fields)

const changeStreamClosed = /ChangeStream is closed/i

const apiError: Rule = (_, fields) => {
  if (changeStreamClosed.test(fields.message)) return new Reasons.ChangeStreamError({ ...fields, kind: "closed" })
  if (/Stream has been aborted/i.test(fields.message)) return new Reasons.GridFSError({ ...fields, kind: "aborted" })
  if (/\bcollection .* not found/i.test(fields.message)) return new Reasons.NamespaceNotFoundError(fields)
  return invalidArgument(fields)
}

const runtimeError: Rule = (cause, fields) => {
  if (read(cause, "code") === "ENOENT" || /FileNotFound|\bFile (?:with id .* )?not found/.test(fields.message)) {
    return gridFS("fileNotFound")(cause, fields, fields)
  }
  if (changeStreamClosed.test(fields.message)) return new Reasons.ChangeStreamError({ ...fields, kind: "closed" })
  if (/\bmongocryptd\b/.test(fields.message)) return new Reasons.EncryptionError({ ...fields, transient: false })
  // The host of a connection string, which the driver parses late.
  if (/Unable to parse .* with URL/.test(fields.message)) return invalidArgument(fields)
  return new Reasons.ServerError(fields)
}

const network: Rule = (cause, fields) =>
  new Reasons.ConnectionError({ ...fields, kind: socketKind(cause) ?? "network", address: addressOf(cause) })

const encryption: Rule = (cause, fields, context) => {
  const nested = read(cause, "cause")
  const beneath = nested === undefined || nested === null ? undefined : classifySingle(nested, context)
  const isKmsTimeout = read(cause, "name") === "MongoCryptKMSRequestNetworkTimeoutError"
  return new Reasons.EncryptionError({
    ...fields,
    code: fields.code ?? beneath?.code,
    codeName: fields.codeName ?? beneath?.codeName,
    labels: fields.labels.length > 0 ? fields.labels : beneath?.labels ?? [],
    transient: isKmsTimeout || beneath !== undefined && beneath.isTransient,
    encryptedFields: asDocument(read(cause, "encryptedFields"))
  })
}

/** The packages that the driver loads when they are needed. */
const missingDependency: Rule = (cause, fields) => {
  if (read(cause, "dependencyName") !== "mongodb-client-encryption") return invalidArgument(fields)
  const isNativePart = /mongocrypt\.node/.test(describe(read(cause, "cause")))
  return new Reasons.EncryptionError({
    ...fields,
    message: isNativePart
      ? `${fields.message} (it is installed, but its native part is not: let its install script run)`
      : fields.message,
    transient: false
  })
}

/** A driver's error by its name: two copies of the driver in one process have different classes of the same names. */
const byName: Readonly<Record<string, Rule>> = {
  MongoServerError: (cause, fields, context) => {
    // The driver takes every code 20 of a write for a server without retryable writes, and puts the server's own words below.
    const original = read(cause, "originalError")
    return original instanceof Error ? classifySingle(original, context) : classifyReply(cause, fields)
  },
  MongoWriteConcernError: (cause, fields) => {
    const error = read(read(cause, "result"), "writeConcernError")
    return new Reasons.WriteConcernError({
      ...fields,
      // The write has been applied, whatever the code of its acknowledgement would mean elsewhere.
      nothingDone: undefined,
      code: codeOf(error) ?? fields.code,
      codeName: text(read(error, "codeName")) ?? fields.codeName
    })
  },
  MongoNetworkError: network,
  MongoNetworkTimeoutError: (cause, fields) =>
    new Reasons.ConnectionError({ ...fields, kind: "timeout", address: addressOf(cause) }),
  MongoPoolClearedError: poolCleared,
  PoolClearedOnNetworkError: poolCleared,
  MongoServerSelectionError: selectionError,
  MongoSystemError: selectionError,
  MongoWaitQueueTimeoutError: (cause, fields) => new Reasons.PoolTimeoutError({ ...fields, address: addressOf(cause) }),
  MongoPoolClosedError: clientClosed,
  MongoClientClosedError: clientClosed,
  MongoNotConnectedError: clientClosed,
  MongoTopologyClosedError: clientClosed,
  MongoServerClosedError: clientClosed,
  MongoExpiredSessionError: (_, fields) => new Reasons.ClientClosedError({ ...fields, kind: "session" }),
  MongoOperationTimeoutError: (_, fields) => new Reasons.MaxTimeExpiredError(fields),
  MongoMissingCredentialsError: authentication,
  MongoAWSError: authentication,
  MongoOIDCError: authentication,
  MongoAzureError: authentication,
  MongoGCPError: authentication,
  MongoKerberosError: authentication,
  MongoParseError: (cause, fields) =>
    describe(cause).startsWith("Message size cannot be negative")
      ? new Reasons.ConnectionError({ ...fields, kind: "network" })
      : invalidArgument(fields),
  MongoInvalidArgumentError: invalidDriverArgument,
  MongoMissingDependencyError: missingDependency,
  MongoBatchReExecutionError: refusedArgument,
  MongoClientBulkWriteExecutionError: refusedArgument,
  MongoCompatibilityError: (_, fields) =>
    /wire version/.test(fields.message)
      ? new Reasons.ConnectionError({ ...fields, kind: "incompatible" })
      : invalidArgument(fields),
  MongoTransactionError: (_, fields) => transactionError(fields, "misused"),
  MongoTailableCursorError: (_, fields) => cursorError(fields, "tailable"),
  MongoCursorInUseError: (_, fields) => cursorError(fields, "inUse"),
  MongoCursorExhaustedError: (_, fields) => cursorError(fields, "exhausted"),
  MongoAPIError: apiError,
  MongoRuntimeError: runtimeError,
  MongoDriverError: runtimeError,
  MongoStalePrimaryError: (_, fields) => new Reasons.NotPrimaryError(fields),
  MongoUnexpectedServerResponseError: strangeReply,
  MongoClientBulkWriteCursorError: strangeReply,
  MongoDecompressionError: (_, fields) => new Reasons.ConnectionError({ ...fields, kind: "network" }),
  MongoChangeStreamError: (_, fields) => new Reasons.ChangeStreamError({ ...fields, kind: "fatal" }),
  MongoGridFSStreamError: gridFS("aborted"),
  MongoGridFSChunkError: gridFS("corrupt"),
  BSONError: bson,
  BSONVersionError: bson,
  BSONOffsetError: bson,
  BSONRuntimeError: bson
}

/** What is left of a driver's error by the classes above it, for names that a later driver may bring. */
const byAncestor = (cause: object): Rule | undefined => {
  for (
    let prototype = Object.getPrototypeOf(cause) as object | null;
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype) as object | null
  ) {
    const name = text(read(read(prototype, "constructor"), "name"))
    if (name !== undefined && Object.hasOwn(byName, name)) return byName[name]
  }
  return undefined
}

const isFileError = (cause: unknown): boolean =>
  text(read(cause, "syscall")) === "open" && text(read(cause, "path")) !== undefined

/** What the driver stumbles over where it looks for a label on the error of a socket, which has none. That error is lost. */
const lookedForLabel = /hasErrorLabel is not a function/

/** The first frame of a stack that is no part of Node. */
const firstFrame = /^\s+at (?!.*\(?(?:node:|<anonymous>)).*$/m

/**
 * A TypeError is BSON's where it was thrown there: values of a class of BSON's that are none. The others are mistakes of the driver, or of
 * a callback.
 */
const isThrownByBson = (cause: TypeError): boolean =>
  /[\\/]bson[\\/](?:lib|src)[\\/]/.test(firstFrame.exec(text(read(cause, "stack")) ?? "")?.[0] ?? "")

/** Errors that come from neither the driver nor the server. */
const classifyForeign: Rule = (cause, fields, context) => {
  const code = text(read(cause, "code")) ?? ""
  if (context.operation === "connect" || context.operation === "MongoEncryption.make") {
    if (isFileError(cause) || cause instanceof TypeError || cause instanceof RangeError || cause instanceof URIError) {
      return invalidArgument(fields)
    }
  }
  const kind = cause instanceof Error ? socketKind(cause) : undefined
  if (kind !== undefined && (code !== "" || read(cause, "cause") !== undefined)) {
    return new Reasons.ConnectionError({ ...fields, kind, address: addressOf(cause) })
  }
  if (cause instanceof TypeError && lookedForLabel.test(fields.message)) {
    return new Reasons.ConnectionError({
      ...fields,
      kind: "network",
      message: `${subjectOf(context)}: the connection broke before the command was written`
    })
  }
  if (context.operation === "use") return new Reasons.UnknownError(fields)
  if (isTooLarge(cause)) {
    return new Reasons.BsonError({
      ...fields,
      message: `${subjectOf(context)}: what is to be sent is too large: a server takes ${maxDocumentSize} bytes`
    })
  }
  // A regular expression of the server's that JavaScript does not understand is a SyntaxError.
  const isValueError = cause instanceof RangeError || cause instanceof SyntaxError ||
    cause instanceof TypeError && isThrownByBson(cause)
  return isValueError ? new Reasons.BsonError(fields) : new Reasons.UnknownError(fields)
}

const classifySingle = (cause: unknown, context: ClassifyContext): Reasons.WriteErrorReason => {
  const fields = fieldsOf(cause, context)
  if (cause instanceof InvalidInput) return invalidArgument(fields, cause.path)
  if (cause instanceof TooLarge) return new Reasons.BsonError({ ...fields, index: cause.index })
  if (typeof cause !== "object" || cause === null) return new Reasons.UnknownError(fields)
  const name = text(read(cause, "name")) ?? ""
  const rule = Object.hasOwn(byName, name)
    ? byName[name]
    : name.startsWith("MongoCrypt")
    ? encryption
    : byAncestor(cause)
  return (rule ?? classifyForeign)(cause, fields, context)
}

const arrayOf = (value: unknown): ReadonlyArray<unknown> =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]

/** A write error or write concern error inside a bulk write's result, as the reply it was. */
const classifyPart = (part: unknown, context: ClassifyContext): Reasons.WriteErrorReason => {
  const reply = {
    name: "MongoServerError",
    message: read(part, "errmsg") ?? read(part, "message"),
    code: read(part, "code"),
    codeName: read(part, "codeName"),
    errInfo: read(part, "errInfo"),
    keyPattern: read(read(part, "err"), "keyPattern"),
    keyValue: read(read(part, "err"), "keyValue")
  }
  const fields = { ...fieldsOf(reply, context), cause: undefined }
  return classifyReply(reply, fields)
}

const writeConcernPart = (part: unknown, context: ClassifyContext): Reasons.WriteConcernError => {
  const fields = fieldsOf({ message: read(part, "errmsg") ?? read(part, "message") ?? "write concern error" }, context)
  return new Reasons.WriteConcernError({
    ...fields,
    code: codeOf(part),
    codeName: text(read(part, "codeName")),
    cause: undefined
  })
}

/**
 * The ids of what was inserted for certain. The driver names documents too that were never sent, and mixes up positions
 * where other operations than inserts are in the list.
 */
const insertedIdsOf = (
  result: unknown,
  insertedCount: number,
  failed: ReadonlyArray<{ readonly index: number }>
): Record<number, unknown> => {
  const all = read(read(result, "result"), "insertedIds")
  const entries: ReadonlyArray<readonly [number, unknown]> = Array.isArray(all)
    ? all.map((entry) => [numberOf(read(entry, "index")), read(entry, "_id")] as const)
    : Object.entries(asDocument(read(result, "insertedIds")) ?? {}).map(([index, id]) => [Number(index), id] as const)
  const indexes = new Set(failed.map(({ index }) => index))
  return Object.fromEntries(
    entries.filter(([index]) => !indexes.has(index)).sort(([a], [b]) => a - b).slice(0, insertedCount)
  )
}

/** What has ended a bulk write: an error, or a reply, whose fields the driver has spread over its own error. */
const stopOf = (cause: unknown, context: ClassifyContext): Reasons.WriteErrorReason | undefined => {
  const original = read(cause, "errorResponse")
  if (original instanceof Error) return classifySingle(original, context)
  return read(original, "ok") === undefined ? undefined : classifyReply(cause, fieldsOf(cause, context))
}

/** How much a bulk write has done, after the driver's result. */
const countsOf = (result: unknown) => ({
  insertedCount: numberOf(read(result, "insertedCount")),
  matchedCount: numberOf(read(result, "matchedCount")),
  modifiedCount: numberOf(read(result, "modifiedCount")),
  deletedCount: numberOf(read(result, "deletedCount")),
  upsertedCount: numberOf(read(result, "upsertedCount"))
})

/** Whether a bulk write was ended before it had done anything, or had anything to say of it. */
const isUntouched = (
  counts: ReturnType<typeof countsOf>,
  ...errors: ReadonlyArray<ReadonlyArray<unknown>>
): boolean => Object.values(counts).every((count) => count === 0) && errors.every((list) => list.length === 0)

const classifyBulk = (cause: unknown, context: ClassifyContext): Reasons.MongoErrorReason => {
  const result = read(cause, "result")
  const raw = read(result, "result")
  const writeErrors = arrayOf(read(raw, "writeErrors") ?? read(cause, "writeErrors")).map((error) => ({
    index: numberOf(read(error, "index")),
    reason: classifyPart(error, context)
  }))
  const concern = arrayOf(read(raw, "writeConcernErrors") ?? read(cause, "err"))
    .map((error) => writeConcernPart(error, context))
  const stoppedBy = stopOf(cause, context)
  const counts = countsOf(result)
  if (stoppedBy !== undefined && isUntouched(counts, writeErrors, concern)) return stoppedBy
  return new Reasons.BulkWriteError({
    ...fieldsOf(cause, context),
    ...counts,
    insertedIds: insertedIdsOf(result, counts.insertedCount, writeErrors),
    upsertedIds: asDocument(read(result, "upsertedIds")) ?? {},
    writeErrors,
    writeConcernErrors: concern,
    stoppedBy
  })
}

const idsOf = (results: unknown, key: string): Record<number, unknown> =>
  results instanceof Map
    ? Object.fromEntries(
      [...results].map(([index, result]) => [index as number, read(result, key)] as const).filter(([, id]) =>
        id !== undefined
      )
    )
    : {}

/** Counts of single writes by their index, where the server was asked for them. */
const countsBy = <Key extends string>(
  results: unknown,
  ...keys: ReadonlyArray<Key>
): Record<string, Record<Key, number>> | undefined =>
  results instanceof Map
    ? Object.fromEntries(
      [...results].map(([index, result]) => [
        String(index),
        Object.fromEntries(keys.map((key) => [key, numberOf(read(result, key))])) as Record<Key, number>
      ])
    )
    : undefined

const classifyClientBulk = (cause: unknown, context: ClassifyContext): Reasons.MongoErrorReason => {
  const partial = read(cause, "partialResult")
  const errors = read(cause, "writeErrors")
  const writeErrors = errors instanceof Map
    ? [...errors].map(([index, error]) => ({ index: numberOf(index), reason: classifyPart(error, context) }))
    : []
  const concern = arrayOf(read(cause, "writeConcernErrors")).map((error) => writeConcernPart(error, context))
  const original = read(cause, "cause")
  const stoppedBy = original instanceof Error ? classifySingle(original, context) : undefined
  const counts = countsOf(partial)
  if (stoppedBy !== undefined && isUntouched(counts, writeErrors, concern)) return stoppedBy
  const fields = fieldsOf(cause, context)
  return new Reasons.BulkWriteError({
    ...fields,
    // The driver's own error says only that there is another one.
    code: fields.code ?? stoppedBy?.code,
    codeName: fields.codeName ?? stoppedBy?.codeName,
    labels: fields.labels.length > 0 ? fields.labels : stoppedBy?.labels ?? [],
    ...counts,
    insertedIds: idsOf(read(partial, "insertResults"), "insertedId"),
    upsertedIds: idsOf(read(partial, "updateResults"), "upsertedId"),
    updateResults: countsBy(read(partial, "updateResults"), "matchedCount", "modifiedCount"),
    deleteResults: countsBy(read(partial, "deleteResults"), "deletedCount"),
    writeErrors,
    writeConcernErrors: concern,
    stoppedBy
  })
}

/** A reason of another copy of the package is made one of this, whose schemas take no other. */
const ownReason = (reason: Reasons.MongoErrorReason): Reasons.MongoErrorReason => {
  const Class = Reasons.MongoErrorReason.members.find((member) =>
    member.fields._tag.schema.literal === reason._tag
  ) as unknown as new(fields: object) => Reasons.MongoErrorReason
  if (reason instanceof Class) return reason
  // Not all of them are enumerable.
  const fields = Object.keys((Class as unknown as typeof Reasons.BulkWriteError).fields) as ReadonlyArray<
    keyof typeof reason
  >
  return new Class(Object.fromEntries(fields.map((field) => [field, reason[field]])))
}

/**
 * The reason of whatever the driver, BSON or a callback has thrown: pure, and total over `unknown`.
 *
 * @internal
 */
export const classify = (cause: unknown, context: ClassifyContext): Reasons.MongoErrorReason => {
  try {
    if (Reasons.isMongoError(cause)) return ownReason(cause.reason)
    if (Reasons.isMongoErrorReason(cause)) return ownReason(cause)
    const name = read(cause, "name")
    if (name === "MongoBulkWriteError") return classifyBulk(cause, context)
    if (name === "MongoClientBulkWriteError") return classifyClientBulk(cause, context)
    return classifySingle(cause, context)
  } catch {
    // A thrown value that is hostile enough to break the above says nothing that could be read.
    return new Reasons.UnknownError({
      operation: text(context.operation) ?? "unknown",
      namespace: text(context.namespace),
      message: `${text(context.operation) ?? "unknown"}: something was thrown that cannot be described`,
      cause: undefined
    })
  }
}
