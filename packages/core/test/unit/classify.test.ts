import { assert, describe, it } from "@effect/vitest"
import { MongoError } from "@mongofx/core"
import type { Operation } from "@mongofx/core/internal/call/description"
import { classify } from "@mongofx/core/internal/errors/classify"
import type { ClassifyContext } from "@mongofx/core/internal/errors/fields"
import { ownFailure } from "@mongofx/core/internal/errors/ownFailure"
import { toMongoError } from "@mongofx/core/internal/errors/toMongoError"
import { InvalidInput } from "@mongofx/core/internal/input/invalidInput"
import { Cause, Redacted, Schema } from "effect"
import * as Driver from "mongodb"
import { inspect } from "node:util"

const context = { operation: "insertOne", namespace: "app.users" }

type Expected = { readonly tag: MongoError.MongoErrorReason["_tag"]; readonly transient: boolean } & {
  readonly [field: string]: unknown
}

const check = (cause: unknown, { transient, tag, ...fields }: Expected, operation = "insertOne") => {
  const reason = classify(cause, { ...context, operation })
  assert.strictEqual(reason._tag, tag)
  assert.strictEqual(reason.isTransient, transient)
  assert.strictEqual(reason.operation, operation)
  assert.strictEqual(reason.namespace, "app.users")
  for (const [field, value] of Object.entries(fields)) {
    assert.deepStrictEqual((reason as unknown as Record<string, unknown>)[field], value, field)
  }
  return reason
}

const reply = (fields: object) => new Driver.MongoServerError({ ok: 0, ...fields } as Driver.ErrorDescription)

/** The name of a class that the driver does not export. */
const named = (name: string, message: string, fields: object = {}) =>
  Object.defineProperty(Object.assign(new Error(message), fields), "name", { value: name })

const topology = (fields: object = {}) =>
  ({ type: "Unknown", servers: new Map(), ...fields }) as unknown as Driver.TopologyDescription

const connection = (kind: string, transient = true, fields: object = {}): Expected => ({
  tag: "ConnectionError",
  kind,
  transient,
  ...fields
})
const final = (tag: Expected["tag"], fields: object = {}): Expected => ({ tag, transient: false, ...fields })

const failure = (fields: object) => Object.assign(new Error("failure"), fields)

const classes: ReadonlyArray<readonly [cause: Error, expected: Expected]> = [
  [new Driver.MongoError("new"), final("UnknownError")],
  [new Driver.MongoServerError({ message: "new" }), final("ServerError", { code: undefined })],
  [
    new Driver.MongoWriteConcernError({
      ok: 1,
      writeConcernError: { code: 64, codeName: "WriteConcernTimeout", errmsg: "waiting timed out" }
    } as never),
    final("WriteConcernError", {
      code: 64,
      codeName: "WriteConcernTimeout",
      message: "insertOne on app.users: waiting timed out"
    })
  ],
  [
    new Driver.MongoBulkWriteError({ message: "new", code: 11000 }, {} as Driver.BulkWriteResult),
    final("BulkWriteError")
  ],
  [new Driver.MongoClientBulkWriteError({ message: "new" }), final("BulkWriteError")],
  [new Driver.MongoNetworkError("gone"), connection("network")],
  [new Driver.MongoNetworkTimeoutError("late"), connection("timeout")],
  [named("MongoPoolClearedError", "cleared", { address: "a:1" }), connection("poolCleared", true, { address: "a:1" })],
  [
    named("PoolClearedOnNetworkError", "a:1 was cleared because another operation failed with: \"undefined\"", {
      address: "a:1"
    }),
    connection("poolCleared", true, { address: "a:1", message: "insertOne on app.users: a:1 was cleared" })
  ],
  [new Driver.MongoSystemError("none", topology()), connection("serverSelection")],
  [new Driver.MongoServerSelectionError("none", topology()), connection("serverSelection")],
  [new Driver.MongoDriverError("new"), final("ServerError")],
  [new Driver.MongoAPIError("no"), final("InvalidArgumentError")],
  [new Driver.MongoInvalidArgumentError("no"), final("InvalidArgumentError", { path: undefined })],
  [new Driver.MongoCompatibilityError("not supported"), final("InvalidArgumentError")],
  [new Driver.MongoMissingCredentialsError("no"), final("AuthenticationError")],
  [
    new Driver.MongoMissingDependencyError("no", { dependencyName: "snappy", cause: new Error("no") }),
    final("InvalidArgumentError")
  ],
  [new Driver.MongoExpiredSessionError(), final("ClientClosedError", { kind: "session" })],
  [new Driver.MongoTransactionError("no"), final("TransactionError", { kind: "misused", label: undefined })],
  [new Driver.MongoTailableCursorError(), final("CursorError", { kind: "tailable" })],
  [new Driver.MongoCursorInUseError(), final("CursorError", { kind: "inUse" })],
  [new Driver.MongoCursorExhaustedError(), final("CursorError", { kind: "exhausted" })],
  [new Driver.MongoNotConnectedError("no"), final("ClientClosedError", { kind: "client" })],
  [new Driver.MongoServerClosedError(), final("ClientClosedError", { kind: "client" })],
  [new Driver.MongoTopologyClosedError(), final("ClientClosedError", { kind: "client" })],
  [new Driver.MongoClientClosedError(), final("ClientClosedError", { kind: "client" })],
  [new Driver.MongoBatchReExecutionError(), final("InvalidArgumentError")],
  [new Driver.MongoRuntimeError("new"), final("ServerError")],
  [new Driver.MongoUnexpectedServerResponseError("strange"), final("ServerError")],
  [new Driver.MongoDecompressionError("broken"), connection("network")],
  [new Driver.MongoChangeStreamError("no _id"), final("ChangeStreamError", { kind: "fatal" })],
  [new Driver.MongoGridFSStreamError("no"), final("GridFSError", { kind: "aborted" })],
  [new Driver.MongoGridFSChunkError("no"), final("GridFSError", { kind: "corrupt" })],
  [new Driver.MongoStalePrimaryError("stale"), { tag: "NotPrimaryError", transient: true }],
  [new Driver.MongoClientBulkWriteCursorError("no"), final("ServerError")],
  [new Driver.MongoClientBulkWriteExecutionError("no"), final("InvalidArgumentError")],
  [new Driver.MongoKerberosError("no"), final("AuthenticationError")],
  [new Driver.MongoAWSError("no"), final("AuthenticationError")],
  [new Driver.MongoOIDCError("no"), final("AuthenticationError")],
  [new Driver.MongoAzureError("no"), final("AuthenticationError")],
  [new Driver.MongoGCPError("no"), final("AuthenticationError")],
  [new Driver.MongoParseError("no"), final("InvalidArgumentError")],
  [named("MongoParseError", "Invalid scheme"), final("InvalidArgumentError")],
  [new Driver.MongoOperationTimeoutError("late"), final("MaxTimeExpiredError")],
  [
    named("MongoWaitQueueTimeoutError", "late", { address: "a:1" }),
    { tag: "PoolTimeoutError", transient: true, address: "a:1" }
  ],
  [named("MongoPoolClosedError", "closed", { address: "a:1" }), final("ClientClosedError", { kind: "client" })],
  [new Driver.MongoCryptError("no"), final("EncryptionError")],
  [new Driver.MongoCryptInvalidArgumentError("no"), final("EncryptionError")],
  [
    new Driver.MongoCryptCreateDataKeyError({} as never, { cause: new Driver.MongoNetworkError("gone") } as never),
    { tag: "EncryptionError", transient: true }
  ],
  [
    new Driver.MongoCryptCreateEncryptedCollectionError(
      {} as never,
      { cause: reply({ code: 48, codeName: "NamespaceExists" }) } as never
    ),
    final("EncryptionError", { code: 48, codeName: "NamespaceExists" })
  ],
  [new Driver.MongoCryptAzureKMSRequestError("no"), final("EncryptionError")],
  [new Driver.MongoCryptKMSRequestNetworkTimeoutError("late"), { tag: "EncryptionError", transient: true }],
  [new Driver.BSON.BSONError("no"), final("BsonError")],
  [new Driver.BSON.BSONVersionError(), final("BsonError")],
  [new Driver.BSON.BSONOffsetError("no", 3), final("BsonError")],
  [new Driver.BSON.BSONRuntimeError("no"), final("BsonError")],
  [new TypeError("Cannot add property _id"), final("UnknownError")],
  // The driver looks for a label on the error that broke the connection.
  [new TypeError("error.hasErrorLabel is not a function"), connection("network")],
  [failure({ name: "RangeError", code: "ERR_OUT_OF_RANGE" }), final("UnknownError")],
  [new RangeError("out of range"), final("BsonError")],
  [failure({ code: "ENOTFOUND", syscall: "querySrv", hostname: "nowhere" }), connection("dns")],
  [new Error("what a signal was aborted with"), final("UnknownError")]
]

describe("classes of errors", () => {
  it.each(classes.map(([cause, expected]) => [cause.name, expected.tag, cause, expected] as const))(
    "%s is a %s",
    (_name, _tag, cause, expected) => {
      check(cause, expected)
    }
  )

  it("that the driver and bson export are all in the table", () => {
    const all: ReadonlyArray<unknown> = [...Object.values(Driver), ...Object.values(Driver.BSON)]
    const exported = all.filter((value) => typeof value === "function")
      .filter((value) => value.prototype instanceof Error)
    const tested = new Set<unknown>(classes.map(([cause]) => cause.constructor))
    assert.isAbove(exported.length, 40)
    assert.deepStrictEqual(exported.filter((value) => !tested.has(value)).map((value) => value.name), [])
  })

  it.each<readonly [string, unknown, Expected] | readonly [string, unknown, Expected, string]>([
    [
      "a later driver's class",
      new (class extends Driver.MongoNetworkError {
        override get name() {
          return "MongoNewNetworkError"
        }
      })("new"),
      connection("network")
    ],
    [
      "a closed change stream, as a MongoAPIError",
      new Driver.MongoAPIError("ChangeStream is closed"),
      final("ChangeStreamError", { kind: "closed" })
    ],
    [
      "a closed change stream, as a MongoRuntimeError",
      new Driver.MongoRuntimeError("ChangeStream is closed"),
      final("ChangeStreamError", { kind: "closed" })
    ],
    [
      "an aborted GridFS stream",
      new Driver.MongoAPIError("Stream has been aborted"),
      final("GridFSError", { kind: "aborted" })
    ],
    [
      "a GridFS file that is missing, on download",
      Object.assign(new Driver.MongoRuntimeError("FileNotFound: file x was not found"), { code: "ENOENT" }),
      final("GridFSError", { kind: "fileNotFound", code: undefined })
    ],
    [
      "a GridFS file that is missing, on rename",
      new Driver.MongoRuntimeError("File with id 5 not found"),
      final("GridFSError", { kind: "fileNotFound" })
    ],
    [
      "options of a collection that is missing",
      new Driver.MongoAPIError("collection app.users not found"),
      final("NamespaceNotFoundError")
    ],
    [
      "a server too old",
      new Driver.MongoCompatibilityError(
        "Server at a:1 reports maximum wire version 6, but this driver requires at least 9"
      ),
      connection("incompatible", false)
    ],
    [
      "no server, for that reason",
      new Driver.MongoServerSelectionError(
        "too old",
        topology({ error: new Driver.MongoCompatibilityError("too old") })
      ),
      connection("incompatible", false)
    ],
    [
      "no server, as all refuse",
      new Driver.MongoServerSelectionError("connect ECONNREFUSED 127.0.0.1:1", topology()),
      connection("refused")
    ],
    [
      "no server, as one's login failed",
      new Driver.MongoServerSelectionError(
        "none",
        topology({ servers: new Map([["a:1", { error: reply({ code: 18 }) }]]) })
      ),
      final("AuthenticationError", { code: 18 })
    ],
    [
      "no server, as one's name is unknown",
      new Driver.MongoServerSelectionError(
        "none",
        topology({
          servers: new Map([["a:1", {
            error: new Driver.MongoNetworkError("x", { cause: failure({ code: "ENOTFOUND" }) })
          }]])
        })
      ),
      connection("dns")
    ],
    [
      "a refused connection",
      new Driver.MongoNetworkError("connect", { cause: failure({ code: "ECONNREFUSED" }) }),
      connection("refused")
    ],
    [
      "an untrusted certificate",
      new Driver.MongoNetworkError("self-signed", { cause: failure({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }) }),
      connection("tls", false)
    ],
    [
      "a reset connection",
      new Driver.MongoNetworkError("read", { cause: failure({ code: "ECONNRESET" }) }),
      connection("network")
    ],
    [
      "a bad file of certificates",
      failure({ code: "ENOENT", syscall: "open", path: "/x" }),
      final("InvalidArgumentError"),
      "connect"
    ],
    ["a bad option", new TypeError("no"), final("InvalidArgumentError"), "connect"],
    [
      "a search index on an older server",
      reply({ code: 59, errmsg: "no such command: 'createSearchIndexes'" }),
      final("IndexError", { kind: "searchUnavailable" }),
      "createSearchIndexes"
    ],
    [
      "search indexes of an older server",
      reply({ code: 6047401, errmsg: "$listSearchIndexes stage is only allowed on MongoDB Atlas" }),
      final("IndexError", { kind: "searchUnavailable" }),
      "listSearchIndexes"
    ],
    [
      "a mongocryptd that does not run",
      new Driver.MongoRuntimeError(
        "Unable to connect to `mongocryptd`, please make sure it is running or in your PATH for auto-spawn"
      ),
      final("EncryptionError")
    ],
    [
      "a missing package for encryption",
      new Driver.MongoMissingDependencyError("not found", {
        dependencyName: "mongodb-client-encryption",
        cause: failure({})
      }),
      final("EncryptionError", { message: "insertOne on app.users: not found" })
    ],
    [
      "a package for encryption without its native part",
      new Driver.MongoMissingDependencyError("not found", {
        dependencyName: "mongodb-client-encryption",
        cause: new Error("Cannot find module '../build/Debug/mongocrypt.node'")
      }),
      final("EncryptionError", {
        message:
          "insertOne on app.users: not found (the package is installed, but its native part is not: allow its install script to run)"
      })
    ],
    ["an unknown command", reply({ code: 59, errmsg: "no such command" }), final("InvalidCommandError"), "command"],
    ["an error of a callback's own", new TypeError("no"), final("UnknownError"), "use"],
    [
      "an error of a callback's own whose number is a code of the server",
      new DOMException("no", "AbortError"),
      final("UnknownError", { code: undefined, codeName: undefined }),
      "use"
    ],
    [
      "an input that mongofx refuses",
      new InvalidInput("filter.a", "filter.a is undefined"),
      final("InvalidArgumentError", { path: "filter.a" })
    ],
    ["a thrown text", "no", final("UnknownError", { cause: "no", message: "insertOne on app.users: no" })],
    ["a thrown null", null, final("UnknownError", { cause: null })],
    ["a thrown undefined", undefined, final("UnknownError")],
    ["a thrown symbol", Symbol("no"), final("UnknownError", { message: "insertOne on app.users: Symbol(no)" })],
    ["a thrown object", { any: "thing" }, final("UnknownError")]
  ])("%s", (...[_, cause, expected, operation]) => {
    check(cause, expected, operation)
  })

  it("a MongoError and a reason stay what they are", () => {
    const reason = classify(reply({ code: 50 }), context)
    assert.strictEqual(classify(reason, { operation: "other" }), reason)
    assert.strictEqual(classify(new MongoError.MongoError({ reason }), { operation: "other" }), reason)
  })

  it("a missing namespace does not appear in the message", () => {
    const reason = classify(new Error("no"), { operation: "ping" })
    assert.strictEqual(reason.message, "ping: no")
    assert.isUndefined(reason.namespace)
  })
})

const codes: ReadonlyArray<readonly [code: number, codeName: string, expected: Expected]> = [
  [11000, "DuplicateKey", final("DuplicateKeyError")],
  [11001, "DuplicateKey of old servers", final("DuplicateKeyError")],
  [121, "DocumentValidationFailure", final("DocumentValidationError")],
  [112, "WriteConflict", { tag: "WriteConflictError", transient: true }],
  [50, "MaxTimeMSExpired", final("MaxTimeExpiredError")],
  [262, "ExceededTimeLimit", { tag: "MaxTimeExpiredError", transient: true }],
  [43, "CursorNotFound", { tag: "CursorError", kind: "notFound", transient: true }],
  [237, "CursorKilled", final("CursorError", { kind: "killed" })],
  [136, "CappedPositionLost", { tag: "CursorError", kind: "positionLost", transient: true }],
  [175, "QueryPlanKilled", { tag: "CursorError", kind: "planKilled", transient: true }],
  [13, "Unauthorized", final("AuthorizationError")],
  [18, "AuthenticationFailed", final("AuthenticationError")],
  [391, "ReauthenticationRequired", final("AuthenticationError")],
  [26, "NamespaceNotFound", final("NamespaceNotFoundError")],
  [48, "NamespaceExists", final("NamespaceExistsError")],
  [73, "InvalidNamespace", final("InvalidCommandError")],
  [27, "IndexNotFound", final("IndexError", { kind: "notFound" })],
  [68, "IndexAlreadyExists", final("IndexError", { kind: "conflict" })],
  [85, "IndexOptionsConflict", final("IndexError", { kind: "conflict" })],
  [86, "IndexKeySpecsConflict", final("IndexError", { kind: "conflict" })],
  [67, "CannotCreateIndex", final("IndexError", { kind: "invalid" })],
  [197, "InvalidIndexSpecificationOption", final("IndexError", { kind: "invalid" })],
  [31082, "SearchNotEnabled", final("IndexError", { kind: "searchUnavailable" })],
  [251, "NoSuchTransaction", final("TransactionError", { kind: "aborted" })],
  [225, "TransactionTooOld", final("TransactionError", { kind: "aborted" })],
  [244, "TransactionAborted", final("TransactionError", { kind: "aborted" })],
  [256, "TransactionCommitted", final("TransactionError", { kind: "committed" })],
  [263, "OperationNotSupportedInTransaction", final("TransactionError", { kind: "notAllowed" })],
  [24, "LockTimeout", { tag: "TransactionError", kind: "unavailable", transient: true }],
  [246, "SnapshotUnavailable", { tag: "TransactionError", kind: "unavailable", transient: true }],
  [239, "SnapshotTooOld", { tag: "TransactionError", kind: "unavailable", transient: true }],
  [286, "ChangeStreamHistoryLost", final("ChangeStreamError", { kind: "historyLost" })],
  [280, "ChangeStreamFatalError", final("ChangeStreamError", { kind: "fatal" })],
  [260, "InvalidResumeToken", final("ChangeStreamError", { kind: "invalidResumeToken" })],
  [222, "CloseChangeStream", final("ChangeStreamError", { kind: "closed" })],
  [11601, "Interrupted", final("ServerError")],
  [11600, "InterruptedAtShutdown", { tag: "NotPrimaryError", transient: true }],
  [11602, "InterruptedDueToReplStateChange", { tag: "NotPrimaryError", transient: true }],
  [189, "PrimarySteppedDown", { tag: "NotPrimaryError", transient: true }],
  [10107, "NotWritablePrimary", { tag: "NotPrimaryError", transient: true }],
  [13435, "NotPrimaryNoSecondaryOk", { tag: "NotPrimaryError", transient: true }],
  [13436, "NotPrimaryOrSecondary", { tag: "NotPrimaryError", transient: true }],
  [91, "ShutdownInProgress", { tag: "NotPrimaryError", transient: true }],
  [6, "HostUnreachable", connection("network")],
  [7, "HostNotFound", connection("network")],
  [89, "NetworkTimeout", connection("timeout")],
  [9001, "SocketException", connection("network")],
  [64, "WriteConcernTimeout", final("WriteConcernError")],
  [79, "UnknownReplWriteConcern", final("WriteConcernError")],
  [100, "UnsatisfiableWriteConcern", final("WriteConcernError")],
  [20, "IllegalOperation", final("InvalidCommandError")],
  [59, "CommandNotFound", final("InvalidCommandError")],
  [2, "BadValue", final("InvalidCommandError")],
  [9, "FailedToParse", final("InvalidCommandError")],
  [66, "ImmutableField", final("InvalidCommandError")],
  [118, "NamespaceNotSharded", final("InvalidCommandError")],
  [40, "ConflictingUpdateOperators", final("InvalidCommandError")],
  [133, "FailedToSatisfyReadPreference", { tag: "ServerError", transient: true }],
  [134, "ReadConcernMajorityNotAvailableYet", { tag: "ServerError", transient: true }],
  [462, "IngressRequestRateLimitExceeded", { tag: "OverloadedError", transient: true }],
  // Not in the driver's list, but answers of a real server.
  [10334, "BSONObjectTooLarge", final("BsonError")],
  [8375908, "BSONObjectTooLarge of an update", final("BsonError")],
  [999999, "a code of a later server", final("ServerError")]
]

describe("codes of the server", () => {
  it.each(codes)("%i %s", (code, codeName, expected) => {
    const labels = ["NoWritesPerformed", "NonResumableChangeStreamError"]
    const reason = check(
      reply({ code, codeName, errmsg: "the server's words", errorLabels: labels }),
      { ...expected, code, codeName, labels, message: "insertOne on app.users: the server's words" }
    )
    assert.instanceOf(reason.cause, Driver.MongoServerError)
  })

  it.each(codes)("%i %s, when values are not promoted", (code, codeName, expected) => {
    check(reply({ code: new Driver.Int32(code), codeName, errmsg: "no" }), { ...expected, code, codeName })
  })

  it.each(codes)("%i %s, inside a bulk write", (code, _, expected) => {
    const cause = bulk({ writeErrors: [writeError(0, { code, errmsg: "no" })] })
    const reason = bulkReason(cause)
    const [error] = reason.writeErrors
    assert.strictEqual(error?.reason._tag, expected.tag)
    assert.strictEqual(error?.reason.code, code)
    assert.strictEqual(error?.reason.isTransient, expected.transient)
  })

  it.each([
    "RetryableWriteError",
    "TransientTransactionError",
    "RetryableError",
    "PoolRequestedRetry",
    "ResumableChangeStreamError"
  ])("the label %s makes an error transient", (label) => {
    check(reply({ code: 999, errorLabels: [label] }), { tag: "ServerError", transient: true, labels: [label] })
  })

  it("an error with the label UnknownTransactionCommitResult is never retryable", () => {
    const labels = ["NoWritesPerformed", "TransientTransactionError", "UnknownTransactionCommitResult"]
    const cause = reply({ code: 10107, errorLabels: labels })
    check(cause, { tag: "NotPrimaryError", transient: true, labels, isRetryable: false })
    assert.isFalse(classify(cause, { ...context, reads: true, sends: 0 }).isRetryable)
  })

  describe("isRetryable: whether nothing was done", () => {
    const network = new Driver.MongoNetworkError("gone")
    const notPrimary = reply({ code: 10107, codeName: "NotWritablePrimary" })
    const single = { ...context, isSingle: true }
    const cases: ReadonlyArray<readonly [what: string, cause: unknown, context: ClassifyContext, expected: boolean]> = [
      ["a read", network, { ...context, operation: "find", reads: true }, true],
      ["a read that was sent twice", notPrimary, { ...context, operation: "find", reads: true, sends: 2 }, true],
      ["a read that fails for good", reply({ code: 2 }), { ...context, operation: "find", reads: true }, false],
      ["what was never sent", network, { ...single, sends: 0 }, true],
      ["what was never sent and fails for good", reply({ code: 2 }), { ...single, sends: 0 }, false],
      ["a write of which nobody knows whether it was sent", network, single, false],
      ["a write that was sent", network, { ...single, sends: 1 }, false],
      ["a write that was refused at once", notPrimary, { ...single, sends: 1 }, true],
      ["a write whose second attempt was refused", notPrimary, { ...single, sends: 2 }, false],
      ["a write whose third attempt was refused", notPrimary, { ...single, sends: 3 }, false],
      ["a write that was refused, who knows how often", notPrimary, single, false],
      ["a write to many that was refused", notPrimary, { ...context, operation: "updateMany", sends: 1 }, false],
      ["a write that a step down interrupted", reply({ code: 11602 }), { ...single, sends: 1 }, false],
      ["a write conflict", reply({ code: 112 }), { ...single, sends: 1 }, true],
      ["an overloaded server", reply({ code: 462 }), { ...single, sends: 1 }, true],
      [
        "a server that says so",
        reply({ code: 11602, errorLabels: ["NoWritesPerformed"] }),
        { ...context, operation: "updateMany", sends: 2 },
        true
      ],
      [
        "an operation of an aborted transaction",
        reply({ code: 112, errorLabels: ["TransientTransactionError"] }),
        { ...context, operation: "updateMany", sends: 2 },
        true
      ],
      ["a queue that was too long", named("MongoWaitQueueTimeoutError", "late"), { ...single, sends: 0 }, true],
      ["a queue that was too long for the second attempt", named("MongoWaitQueueTimeoutError", "late"), {
        ...single,
        sends: 1
      }, false]
    ]

    it.each(cases)("%s", (_, cause, context, expected) => {
      assert.strictEqual(classify(cause, context).isRetryable, expected)
    })
  })

  it("the label SystemOverloadedError wins over the code", () => {
    check(reply({ code: 91, errorLabels: ["SystemOverloadedError", "RetryableError"] }), {
      tag: "OverloadedError",
      transient: true,
      code: 91
    })
  })

  it.each(["TransientTransactionError", "UnknownTransactionCommitResult"])(
    "a transaction error has the label %s",
    (label) => {
      check(reply({ code: 251, errorLabels: ["other", label] }), {
        tag: "TransactionError",
        transient: true,
        isRetryable: label === "TransientTransactionError",
        label
      })
    }
  )

  it("a failed login keeps its label", () => {
    const cause = reply({ code: 18, codeName: "AuthenticationFailed" })
    cause.addErrorLabel("HandshakeError")
    check(cause, final("AuthenticationError", { labels: ["HandshakeError"] }), "connect")
  })

  it("a certificate of an unknown user", () => {
    // The answer of mongod 8.2 to MONGODB-X509, directly and beneath a failed selection.
    const cause = reply({
      code: 11,
      codeName: "UserNotFound",
      errmsg: "Could not find user \"CN=ada\" for db \"$external\""
    })
    check(cause, final("ServerError", { code: 11 }), "updateUser")
    cause.addErrorLabel("HandshakeError")
    check(cause, final("AuthenticationError", { code: 11 }), "connect")
    const servers = new Map([["a:1", { error: cause }]])
    check(
      new Driver.MongoServerSelectionError("no", topology({ servers })),
      final("AuthenticationError", { code: 11 }),
      "connect"
    )
  })

  it("a TLS key that cannot be read, at any depth of the causes", () => {
    const beneath = failure({ code: "ERR_OSSL_BAD_DECRYPT" })
    const servers = new Map([["a:1", { error: new Driver.MongoNetworkError("no", { cause: beneath }) }]])
    check(new Driver.MongoServerSelectionError("no", topology({ servers })), final("InvalidArgumentError"), "connect")
    // That one is about the server's certificate.
    const handshake = new Map([["a:1", { error: failure({ code: "ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE" }) }]])
    check(
      new Driver.MongoServerSelectionError("no", topology({ servers: handshake })),
      connection("tls", false),
      "connect"
    )
  })

  it("a failed login at Atlas", () => {
    check(
      reply({ code: 8000, codeName: "AtlasError", errmsg: "bad auth : authentication failed" }),
      final("AuthenticationError")
    )
    check(reply({ code: 8000, codeName: "AtlasError", errmsg: "not allowed" }), final("ServerError"))
  })

  it("a transaction on a standalone server says what it needs", () => {
    const errmsg = "Transaction numbers are only allowed on a replica set member or mongos"
    const reason = check(reply({ code: 20, errmsg }), final("TransactionError", { kind: "unsupported", code: 20 }))
    assert.include(reason.message, "transactions need a replica set")
  })

  it("a document too large", () => {
    check(
      reply({ code: 2, errmsg: "object to insert too large. size in bytes: 16777257, max size: 16777216" }),
      final("BsonError")
    )
  })

  it("a duplicate key has index, pattern and values", () => {
    const message = "E11000 duplicate key error collection: app.users index: a_-1_b_1 dup key: { a: \"Ada\", b: 1 }"
    const reason = check(
      reply({ code: 11000, errmsg: message, keyPattern: { a: -1, b: "text" }, keyValue: { a: "Ada", b: 2 } }),
      final("DuplicateKeyError", { index: "a_-1_b_1", keyPattern: { a: -1, b: "text" } })
    )
    assert.strictEqual(reason._tag, "DuplicateKeyError")
    if (reason._tag === "DuplicateKeyError") assert.deepStrictEqual(Redacted.value(reason.keyValue), { a: "Ada", b: 2 })
  })

  it("a duplicate key has its pattern when values are not promoted", () => {
    check(
      reply({ code: 11000, keyPattern: { a: new Driver.Int32(-1), b: new Driver.Double(1) } }),
      final("DuplicateKeyError", { keyPattern: { a: -1, b: 1 } })
    )
  })

  it("a failed validation has its details", () => {
    const reason = check(reply({ code: 121, errInfo: { details: { a: "Ada" } } }), final("DocumentValidationError"))
    if (reason._tag === "DocumentValidationError") {
      assert.deepStrictEqual(Redacted.value(reason.details), { details: { a: "Ada" } })
    }
  })

  it("a write concern error with its code in the result", () => {
    check(
      new Driver.MongoWriteConcernError({ ok: 1, writeConcernError: { code: 91, errmsg: "no" } } as never),
      final("WriteConcernError", { code: 91 })
    )
  })
})

interface BulkParts {
  readonly insertedCount?: number
  readonly insertedIds?: Array<{ readonly index: number; readonly _id: unknown }>
  readonly upserted?: Array<{ readonly index: number; readonly _id: unknown }>
  readonly writeErrors?: Array<unknown>
  readonly writeConcernErrors?: Array<unknown>
  readonly counts?: object
  readonly error?: unknown
}

/** A bulk write error as the driver makes it. */
const bulk = (parts: BulkParts): Driver.MongoBulkWriteError => {
  const {
    counts,
    error,
    insertedCount = 0,
    insertedIds = [],
    upserted = [],
    writeConcernErrors = [],
    writeErrors = []
  } = parts
  const byIndex = (ids: BulkParts["insertedIds"]) =>
    Object.fromEntries((ids ?? []).map(({ _id, index }) => [index, _id]))
  const result = {
    insertedCount,
    matchedCount: 0,
    modifiedCount: 0,
    deletedCount: 0,
    upsertedCount: upserted.length,
    ...counts,
    insertedIds: byIndex(insertedIds),
    upsertedIds: byIndex(upserted)
  }
  Object.defineProperty(result, "result", { value: { insertedIds, upserted, writeErrors, writeConcernErrors } })
  return new Driver.MongoBulkWriteError(
    (error ?? { message: "write operation failed", code: 11000, writeErrors }) as Error,
    result as unknown as Driver.BulkWriteResult
  )
}

const writeError = (index: number, fields: object) => {
  const err = { index, op: { _id: index, secret: "hunter2" }, ...fields } as Record<string, unknown>
  return { err, index, code: err["code"], errmsg: err["errmsg"], errInfo: err["errInfo"] }
}

const bulkReason = (cause: unknown) => {
  const reason = classify(cause, { operation: "bulkWrite", namespace: "app.users" })
  if (reason._tag !== "BulkWriteError") throw new Error(`a ${reason._tag}`)
  return reason
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => ({ index, _id: `id ${index}` }))

describe("bulk writes", () => {
  it("have counts, ids and a reason for each write error", () => {
    const reason = bulkReason(bulk({
      insertedCount: 1,
      insertedIds: [{ index: 0, _id: "a" }, { index: 4, _id: "b" }],
      upserted: [{ index: 3, _id: "c" }],
      counts: { matchedCount: 5, modifiedCount: 6, deletedCount: 7 },
      writeErrors: [
        writeError(4, {
          code: 11000,
          errmsg: "E11000 duplicate key error collection: app.users index: name_-1 dup key: { name: \"hunter2\" }"
        }),
        writeError(5, { code: 121, errmsg: "Document failed validation", errInfo: { secret: "hunter2" } })
      ]
    }))
    const { deletedCount, insertedCount, insertedIds, matchedCount, modifiedCount, upsertedCount, upsertedIds } = reason
    assert.deepStrictEqual(
      { deletedCount, insertedCount, insertedIds, matchedCount, modifiedCount, upsertedCount, upsertedIds },
      {
        insertedCount: 1,
        matchedCount: 5,
        modifiedCount: 6,
        deletedCount: 7,
        upsertedCount: 1,
        insertedIds: { 0: "a" },
        upsertedIds: { 3: "c" }
      }
    )
    assert.isUndefined(reason.stoppedBy)
    assert.isFalse(reason.isTransient)
    assert.strictEqual(reason.code, 11000)
    assert.deepStrictEqual(reason.writeConcernErrors, [])
    const [duplicate, invalid] = reason.writeErrors
    assert.deepStrictEqual(reason.writeErrors.map(({ index }) => index), [4, 5])
    assert.strictEqual(duplicate?.reason._tag, "DuplicateKeyError")
    if (duplicate?.reason._tag === "DuplicateKeyError") {
      assert.strictEqual(duplicate.reason.index, "name_-1")
      assert.deepStrictEqual(duplicate.reason.keyPattern, { name: -1 })
      assert.deepStrictEqual(Redacted.value(duplicate.reason.keyValue), { name: "hunter2" })
      assert.strictEqual(duplicate.reason.operation, "bulkWrite")
      assert.strictEqual(duplicate.reason.namespace, "app.users")
    }
    assert.strictEqual(invalid?.reason._tag, "DocumentValidationError")
    if (invalid?.reason._tag === "DocumentValidationError") {
      assert.deepStrictEqual(Redacted.value(invalid.reason.details), { secret: "hunter2" })
    }
    for (const text of printed(new MongoError.MongoError({ reason }))) assert.notInclude(text, "hunter2")
  })

  it("list only ids of documents that were inserted", () => {
    const ordered = bulk({ insertedCount: 2, insertedIds: ids(5), writeErrors: [writeError(2, { code: 11000 })] })
    assert.deepStrictEqual(bulkReason(ordered).insertedIds, { 0: "id 0", 1: "id 1" })
    const unordered = bulk({ insertedCount: 4, insertedIds: ids(5), writeErrors: [writeError(2, { code: 11000 })] })
    assert.deepStrictEqual(bulkReason(unordered).insertedIds, { 0: "id 0", 1: "id 1", 3: "id 3", 4: "id 4" })
    const stopped = bulk({ insertedCount: 1, insertedIds: ids(5), error: new Driver.MongoNetworkError("gone") })
    assert.deepStrictEqual(bulkReason(stopped).insertedIds, { 0: "id 0" })
  })

  it("that end with a network error have its reason", () => {
    const reason = bulkReason(bulk({
      insertedCount: 1,
      insertedIds: ids(2),
      error: new Driver.MongoNetworkTimeoutError("late")
    }))
    assert.strictEqual(reason.stoppedBy?._tag, "ConnectionError")
    assert.isFalse(reason.isRetryable)
    assert.isTrue(reason.isTransient)
    assert.isTrue(reason.stoppedBy?.isTransient)
  })

  it("that end with a command error keep its labels", () => {
    const error = reply({ code: 112, codeName: "WriteConflict", errorLabels: ["TransientTransactionError"] })
    const reason = bulkReason(bulk({ insertedCount: 1, insertedIds: ids(2), error }))
    assert.strictEqual(reason.stoppedBy?._tag, "WriteConflictError")
    assert.deepStrictEqual(reason.labels, ["TransientTransactionError"])
    assert.strictEqual(reason.code, 112)
  })

  it.each<readonly [string, unknown, Expected]>([
    ["a network error", new Driver.MongoNetworkError("gone"), connection("network")],
    ["a server error", reply({ code: 13, codeName: "Unauthorized" }), final("AuthorizationError", { code: 13 })],
    ["a BSON error", new Driver.BSON.BSONError("no"), final("BsonError")],
    ["the reason of an abort", new Error("aborted"), final("UnknownError")]
  ])("that did nothing before %s fail with that", (_, error, expected) => {
    check(bulk({ error, insertedIds: ids(3) }), expected)
  })

  it("have their write concern errors", () => {
    const reason = bulkReason(bulk({
      insertedCount: 2,
      insertedIds: ids(2),
      writeConcernErrors: [{ code: 64, errmsg: "waiting timed out" }, { code: 100, errmsg: "not enough members" }],
      error: { message: "waiting timed out", code: 64 }
    }))
    assert.deepStrictEqual(reason.writeConcernErrors.map(({ _tag, code, message }) => [_tag, code, message]), [
      ["WriteConcernError", 64, "bulkWrite on app.users: waiting timed out"],
      ["WriteConcernError", 100, "bulkWrite on app.users: not enough members"]
    ])
    assert.deepStrictEqual(reason.insertedIds, { 0: "id 0", 1: "id 1" })
    assert.isUndefined(reason.stoppedBy)
  })
})

describe("bulk writes of the client", () => {
  const clientBulk = (fields: object, errors: ReadonlyArray<readonly [number, object]> = []) =>
    Object.assign(new Driver.MongoClientBulkWriteError({ message: "Mongo client bulk write encountered errors" }), {
      writeErrors: new Map(errors),
      ...fields
    })

  it("have counts, ids, write errors and write concern errors", () => {
    const reason = bulkReason(clientBulk(
      {
        writeConcernErrors: [{ code: 64, message: "waiting timed out" }],
        partialResult: {
          insertedCount: 1,
          matchedCount: 2,
          modifiedCount: 3,
          deletedCount: 4,
          upsertedCount: 5,
          insertResults: new Map([[0, { insertedId: "a" }]]),
          updateResults: new Map([[1, { matchedCount: 1, upsertedId: "b" }], [2, { matchedCount: 1 }]])
        }
      },
      [[3, {
        code: 11000,
        message: "E11000 duplicate key error collection: app.users index: a_1 dup key: { a: \"hunter2\" }"
      }]]
    ))
    const { deletedCount, insertedCount, insertedIds, matchedCount, modifiedCount, upsertedCount, upsertedIds } = reason
    assert.deepStrictEqual(
      { deletedCount, insertedCount, insertedIds, matchedCount, modifiedCount, upsertedCount, upsertedIds },
      {
        insertedCount: 1,
        matchedCount: 2,
        modifiedCount: 3,
        deletedCount: 4,
        upsertedCount: 5,
        insertedIds: { 0: "a" },
        upsertedIds: { 1: "b" }
      }
    )
    assert.deepStrictEqual(reason.writeErrors.map(({ index, reason }) => [index, reason._tag]), [[
      3,
      "DuplicateKeyError"
    ]])
    assert.deepStrictEqual(reason.writeConcernErrors.map(({ code }) => code), [64])
    for (const text of printed(new MongoError.MongoError({ reason }))) assert.notInclude(text, "hunter2")
  })

  it("that end with an error have its reason", () => {
    const partialResult = { insertedCount: 1, insertResults: new Map(), updateResults: new Map() }
    const reason = bulkReason(clientBulk({ partialResult, cause: reply({ code: 11600 }) }))
    assert.strictEqual(reason.stoppedBy?._tag, "NotPrimaryError")
    assert.strictEqual(reason.insertedCount, 1)
  })

  it("that end with an error before they did anything fail with that error", () => {
    check(clientBulk({ cause: new Driver.MongoNetworkError("gone") }), connection("network"))
  })
})

/** Everything that an error may be printed as. */
const printed = (error: MongoError.MongoError): ReadonlyArray<string> => [
  inspect(error, { depth: 20, showHidden: true }),
  JSON.stringify(error),
  JSON.stringify(Schema.encodeSync(Schema.toCodecJson(MongoError.MongoError))(error)),
  Cause.pretty(Cause.fail(error)),
  String(error),
  error.stack ?? ""
]

describe("nothing leaks", () => {
  const url = "mongodb://ada:hunter2@localhost"
  const duplicate = "E11000 duplicate key error collection: app.users index: a_1 dup key: { a: \"hunter2\" }"

  it.each<readonly [string, unknown]>([
    ["a URI of the driver's parser", new Driver.MongoParseError(`cannot parse ${url}`)],
    ["a URI of the other parser", named("MongoParseError", `Invalid connection string "${url}"`)],
    ["a URI in a cause", new Driver.MongoNetworkError("no", { cause: new Error(url) })],
    ["a URI that is thrown", url],
    ["a secret without a URI", new Driver.MongoAPIError("swordfish is no password")],
    [
      "the topology of a selection error",
      new Driver.MongoServerSelectionError("no", topology({ password: "hunter2" }))
    ],
    ["a duplicate key", reply({ code: 11000, errmsg: duplicate, keyValue: { a: "hunter2" }, keyPattern: { a: 1 } })],
    ["a failed validation", reply({ code: 121, errmsg: "failed", errInfo: { a: "hunter2" } })],
    [
      "a write concern error",
      new Driver.MongoWriteConcernError(
        { ok: 1, value: "hunter2", writeConcernError: { code: 64, errmsg: "no", errInfo: { a: "hunter2" } } } as never
      )
    ],
    [
      "a reply in the cause of an encryption error",
      new Driver.MongoCryptError("no", { cause: reply({ a: "hunter2" }) })
    ],
    ["a message with a document", reply({ code: 28, errmsg: "Cannot create field 'b' in element {a: \"hunter2\"}" })],
    ["a bulk write", bulk({ insertedCount: 1, writeErrors: [writeError(1, { code: 11000, errmsg: duplicate })] })],
    [
      "a bulk write of the client",
      Object.assign(new Driver.MongoClientBulkWriteError({ message: "no" }), {
        writeErrors: new Map([[0, { code: 11000, message: duplicate }]])
      })
    ]
  ])("%s", (_, cause) => {
    const reason = classify(cause, { ...context, secrets: ["swordfish"] })
    for (const text of printed(new MongoError.MongoError({ reason }))) {
      assert.notInclude(text, "hunter2")
      assert.notInclude(text, "swordfish")
      assert.include(text, "insertOne on app.users")
    }
    const beneath = inspect(reason.cause, { depth: 20, showHidden: true })
    assert.notInclude(beneath, "hunter2")
    assert.notInclude(beneath, "swordfish")
  })
})

describe("whatever is thrown", () => {
  const throwing = (target: object) =>
    new Proxy(target, {
      get: () => {
        throw new Error("no")
      },
      has: () => {
        throw new Error("no")
      },
      getPrototypeOf: () => {
        throw new Error("no")
      },
      ownKeys: () => {
        throw new Error("no")
      }
    })
  const circular: Record<string, unknown> = { name: "MongoServerError", code: 11000 }
  circular["keyPattern"] = { a: circular }
  circular["cause"] = circular

  const total = (cause: unknown) => {
    const reason = classify(cause, context)
    assert.isTrue(MongoError.isMongoErrorReason(reason))
    assert.isBoolean(reason.isTransient)
    assert.include(reason.message, "insertOne")
    const error = new MongoError.MongoError({ reason })
    for (const text of printed(error)) assert.isString(text)
  }

  it.each<readonly [string, unknown]>([
    ["a proxy", throwing({})],
    ["a proxy of an error", throwing(new Error("no"))],
    ["a proxy of a function", throwing(() => undefined)],
    [
      "a revoked proxy",
      (() => {
        const { proxy, revoke } = Proxy.revocable({}, {})
        revoke()
        return proxy
      })()
    ],
    ["an object without a prototype", Object.create(null)],
    ["a server error without a prototype", Object.assign(Object.create(null) as object, { name: "MongoServerError" })],
    ["an object that goes round", circular],
    ["an error with a hostile cause", new Error("no", { cause: throwing({}) })],
    ["a bulk write error of proxies", { name: "MongoBulkWriteError", result: throwing({}), writeErrors: throwing([]) }],
    ["a server error of proxies", { name: "MongoServerError", code: throwing({}), errorLabels: throwing([]) }],
    ["a function", () => undefined],
    ["a bigint", 2n ** 70n],
    ["NaN", NaN],
    ["an empty text", ""],
    ["an invalid date", new Date(NaN)]
  ])("is classified and printed: %s", (_, cause) => total(cause))

  it("is classified, even an object that cannot become text", () => {
    // Effect's own Cause.pretty fails on it.
    const reason = classify({ toString: () => Symbol("no") }, context)
    assert.strictEqual(reason.message, "insertOne on app.users: something that cannot be described")
  })

  const names = [...new Set(classes.map(([cause]) => cause.name)), "toString", "__proto__", ""]
  const someCodes = [...codes.map(([code]) => code), undefined, "ENOENT", -1, 1.5]

  it.prop(
    "is classified and printed",
    { u: Schema.Unknown },
    ({ u }) => total(u)
  )

  it.prop(
    "is classified and printed, with the name of a driver's error and anything inside",
    {
      name: Schema.Literals(names),
      code: Schema.Literals(someCodes.map((_, index) => index)),
      isError: Schema.Boolean,
      message: Schema.Union([Schema.String, Schema.Unknown]),
      fields: Schema.Record(
        Schema.Literals(["cause", "keyPattern", "keyValue", "errInfo", "address", "reason", "codeName", "errorLabels"]),
        Schema.Unknown
      ),
      more: Schema.Record(
        Schema.Literals(["result", "writeErrors", "writeConcernErrors", "partialResult", "errorResponse"]),
        Schema.Unknown
      )
    },
    ({ code, fields, isError, message, more, name }) => {
      const target = isError ? new Error(String(typeof message === "string" ? message : "")) : {}
      for (const [key, value] of Object.entries({ name, message, code: someCodes[code], ...fields, ...more })) {
        Object.defineProperty(target, key, { value, enumerable: true })
      }
      total(target)
    }
  )
})

describe("making an error never throws", () => {
  const hostile: ReadonlyArray<unknown> = [
    undefined,
    null,
    0,
    NaN,
    2n ** 70n,
    Symbol("no"),
    "",
    [],
    {},
    Object.create(null),
    () => undefined,
    new Date(NaN),
    new Proxy({}, {
      get: () => {
        throw new Error("no")
      }
    }),
    Redacted.make("hunter2"),
    new Driver.MongoClient("mongodb://ada:hunter2@localhost").db("a")
  ]
  const causes: ReadonlyArray<unknown> = [
    new Driver.MongoNetworkError("gone"),
    new Driver.MongoBulkWriteError({ message: "no", code: 1 }, {} as Driver.BulkWriteResult),
    reply({ code: 11000 }),
    new InvalidInput("a", "a is wrong"),
    ...hostile
  ]

  it("with any name of the operation", () => {
    for (const cause of causes) {
      for (const name of hostile) {
        for (const key of ["name", "command", "database", "collection", "batchSize"]) {
          const operation = {
            name: "find",
            command: "find",
            database: "app",
            collection: "users",
            [key]: name
          } as Operation
          const error = toMongoError(cause, operation)
          assert.isTrue(MongoError.isMongoError(error))
          assert.isString(error.message)
          assert.isBoolean(error.isRetryable)
          assert.notInclude(error.message, "hunter2")
          assert.isObject(error.toJSON())
          // Failures that mongofx finds itself have their own name.
          const own = ownFailure(MongoError.UnknownError, { ...operation, name: "find" }, "no")
          assert.notInclude(own.message, "hunter2")
        }
      }
    }
  })

  it("with any fields of the thrown value", () => {
    const keys = [
      "name",
      "message",
      "code",
      "codeName",
      "errorLabels",
      "errorResponse",
      "cause",
      "keyPattern",
      "keyValue",
      "errInfo",
      "address",
      "reason",
      "result",
      "writeErrors",
      "writeConcernErrors",
      "partialResult",
      "originalError",
      "encryptedFields",
      "stack",
      "_tag",
      "labels",
      "operation",
      MongoError.TypeId,
      MongoError.ReasonTypeId
    ]
    const names = [...new Set(classes.map(([cause]) => cause.name))]
    for (const [i, name] of names.entries()) {
      for (const key of keys) {
        // A third of the values with each name: all of them with each kind of error.
        for (const [j, value] of hostile.entries()) {
          if ((i + j) % 3 > 0) continue
          const base = (i + j) % 2 > 0 ? new Error("no") : { message: "no" }
          for (const [field, is] of [["name", name], ["code", 11000], [key, value]] as const) {
            Object.defineProperty(base, field, { value: is, configurable: true, enumerable: true })
          }
          const error = toMongoError(base, { name: "insertOne", command: "insert" })
          assert.isTrue(MongoError.isMongoErrorReason(error.reason), `${name} ${String(key)}`)
          assert.isBoolean(error.isTransient)
          assert.isString(error.message)
        }
      }
    }
  })

  it("an error of another copy of the package becomes one of this copy", async () => {
    const path = "../../src/MongoError.ts?copy"
    const copy = await import(path) as typeof MongoError
    assert.notStrictEqual(copy.MongoError, MongoError.MongoError)
    const reason = new copy.ConnectionError({
      operation: "find",
      namespace: "app.users",
      kind: "dns",
      address: "a:1",
      nothingDone: true,
      labels: ["RetryableWriteError"],
      cause: new Error("beneath"),
      message: "find on app.users: no"
    })
    for (const cause of [reason, new copy.MongoError({ reason })]) {
      const error = toMongoError(cause, { name: "use", command: "use" })
      assert.instanceOf(error.reason, MongoError.ConnectionError)
      assert.deepStrictEqual(error.reason.toJSON(), reason.toJSON())
      assert.isTrue(error.isRetryable)
    }
    const bulk = toMongoError(
      new copy.BulkWriteError({
        operation: "bulkWrite",
        insertedCount: 1,
        matchedCount: 0,
        modifiedCount: 0,
        deletedCount: 0,
        upsertedCount: 0,
        insertedIds: { 0: "a" },
        upsertedIds: {},
        writeErrors: [],
        writeConcernErrors: [],
        cause: undefined,
        message: "bulkWrite: no"
      }),
      { name: "use", command: "use" }
    ).reason
    assert.instanceOf(bulk, MongoError.BulkWriteError)
    assert.deepStrictEqual((bulk as MongoError.BulkWriteError).insertedIds, { 0: "a" })
  })
})

describe("a TypeError", () => {
  const thrown = (f: () => unknown): unknown => {
    try {
      f()
    } catch (cause) {
      return cause
    }
    return undefined
  }

  it("of BSON is a BsonError", () => {
    const broken = [
      Object.assign(new Driver.Decimal128("1"), { bytes: undefined }),
      Object.assign(new Driver.Binary(new Uint8Array(1)), { buffer: undefined })
    ]
    for (const value of broken) {
      const cause = thrown(() => Driver.BSON.serialize({ value }))
      assert.instanceOf(cause, TypeError)
      check(cause, final("BsonError"))
    }
  })

  it("of other code is not", () => {
    const missing = undefined as unknown as { readonly a: string }
    check(thrown(() => missing.a), final("UnknownError"))
    // The driver's error for a mistake of its own.
    const cursor = new Driver.MongoClient("mongodb://localhost").db("a").collection("b").find()
    check(thrown(() => cursor.sort(missing as never, missing as never).project(null as never)), final("UnknownError"))
    const throwing = { toBSON: () => missing.a }
    check(thrown(() => Driver.BSON.serialize({ throwing })), final("UnknownError"))
    check(new TypeError("no stack", {}), final("UnknownError"))
  })
})
