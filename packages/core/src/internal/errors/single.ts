/**
 * The reason of one failure: the driver's errors by their names, and errors from neither the driver nor the server.
 */
import * as Reasons from "../../MongoError.ts"
import { isTooLarge, maxDocumentSize, TooLarge } from "../input/documentSize.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { addressOf, network, poolCleared, selectionError, socketKind } from "./connection.ts"
import { type ClassifyContext, codeNameOf, type Fields, fieldsOf, type Rule, subjectOf } from "./fields.ts"
import { classifyReply, cursorError, transactionError } from "./reply.ts"
import { asDocument, codeOf, describe, read, text } from "./thrown.ts"

const invalidArgument = (fields: Fields, path?: string) => new Reasons.InvalidArgumentError({ ...fields, path })

const clientClosed: Rule = (_, fields) => new Reasons.ClientClosedError({ ...fields, kind: "client" })

const authentication: Rule = (_, fields) => new Reasons.AuthenticationError(fields)

const refusedArgument: Rule = (_, fields) => invalidArgument(fields)

const gridFS = (kind: Reasons.GridFSError["kind"]): Rule => (_, fields) => new Reasons.GridFSError({ ...fields, kind })

const bson: Rule = (_, fields) => new Reasons.BsonError(fields)

const invalidDriverArgument: Rule = (cause, fields, context) => {
  // In a client's bulk write, the driver wraps the error of a value that it cannot serialize.
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
  // The driver parses the host of a connection string late.
  if (/Unable to parse .* with URL/.test(fields.message)) return invalidArgument(fields)
  return new Reasons.ServerError(fields)
}

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

/** A missing package that the driver loads only when it needs it. */
const missingDependency: Rule = (cause, fields) => {
  if (read(cause, "dependencyName") !== "mongodb-client-encryption") return invalidArgument(fields)
  const isNativePart = /mongocrypt\.node/.test(describe(read(cause, "cause")))
  return new Reasons.EncryptionError({
    ...fields,
    message: isNativePart
      ? `${fields.message} (the package is installed, but its native part is not: allow its install script to run)`
      : fields.message,
    transient: false
  })
}

/** A driver's error by its name: two copies of the driver in one process have different classes of the same names. */
const byName: Readonly<Record<string, Rule>> = {
  MongoServerError: (cause, fields, context) => {
    // The driver reads every code 20 of a write as a server without retryable writes, and keeps the server's own words beneath.
    const original = read(cause, "originalError")
    return original instanceof Error ? classifySingle(original, context) : classifyReply(cause, fields)
  },
  MongoWriteConcernError: (cause, fields) => {
    const error = read(read(cause, "result"), "writeConcernError")
    return new Reasons.WriteConcernError({
      ...fields,
      // The server applied the write, whatever the code of its acknowledgement means elsewhere.
      nothingDone: undefined,
      code: codeOf(error) ?? fields.code,
      codeName: codeNameOf(error) ?? fields.codeName
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

/** Finds the rule of a driver's error by its superclasses, for names that a later driver may bring. */
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

/** The driver looks for a label on a socket's error, which has no labels, and fails with this message. The socket's error is lost. */
const lookedForLabel = /hasErrorLabel is not a function/

/** The first frame of a stack that is not Node's own. */
const firstFrame = /^\s+at (?!.*\(?(?:node:|<anonymous>)).*$/m

/**
 * Whether BSON threw a TypeError: for a value that only claims to be of a BSON class. Other TypeErrors are mistakes of the driver or of a
 * callback.
 */
const isThrownByBson = (cause: TypeError): boolean =>
  /[\\/]bson[\\/](?:lib|src)[\\/]/.test(firstFrame.exec(text(read(cause, "stack")) ?? "")?.[0] ?? "")

/** Classifies errors from neither the driver nor the server. A code of theirs, such as that of an aborted `fetch`, is not the server's. */
const classifyForeign: Rule = (cause, all, context) => {
  const fields: Fields = { ...all, code: undefined, codeName: undefined }
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
      message: `${
        subjectOf(context)
      }: the command is too large to send: a server takes at most ${maxDocumentSize} bytes`
    })
  }
  // A regular expression from the server that JavaScript cannot read is a SyntaxError.
  const isValueError = cause instanceof RangeError || cause instanceof SyntaxError ||
    cause instanceof TypeError && isThrownByBson(cause)
  return isValueError ? new Reasons.BsonError(fields) : new Reasons.UnknownError(fields)
}

/** @internal */
export const classifySingle = (cause: unknown, context: ClassifyContext): Reasons.WriteErrorReason => {
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
