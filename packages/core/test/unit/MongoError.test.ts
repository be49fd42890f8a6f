import { assert, describe, it } from "@effect/vitest"
import { MongoError } from "@mongofx/core"
import { Cause, Effect, Exit, Redacted, Schema } from "effect"
import * as Driver from "mongodb"
import { inspect } from "node:util"

const base = {
  operation: "insertOne",
  namespace: "app.users",
  code: 999,
  codeName: "Nine",
  labels: ["NoWritesPerformed", "other"],
  cause: new Driver.MongoNetworkError("the driver's words"),
  message: "insertOne on app.users: the server's words"
} as const

const labelled = (...labels: ReadonlyArray<string>) => ({ ...base, labels })

const connectionKinds = [
  "network",
  "timeout",
  "refused",
  "dns",
  "serverSelection",
  "poolCleared",
  "tls",
  "incompatible"
] as const

const duplicate = new MongoError.DuplicateKeyError({
  ...base,
  code: 11000,
  index: "name_1",
  keyPattern: { name: 1, place: "2dsphere" },
  keyValue: Redacted.make({ name: "hunter2" }, { label: "keyValue" })
})

const concern = new MongoError.WriteConcernError({ ...base, code: 64 })

const bulkWrite = new MongoError.BulkWriteError({
  ...base,
  insertedCount: 1,
  matchedCount: 2,
  modifiedCount: 3,
  deletedCount: 4,
  upsertedCount: 5,
  insertedIds: { 0: new Driver.ObjectId("665f1f77bcf86cd799439011") },
  upsertedIds: { 1: "b", 2: 7n },
  writeErrors: [{ index: 3, reason: duplicate }],
  writeConcernErrors: [concern],
  stoppedBy: new MongoError.ConnectionError({ ...base, kind: "network" })
})

/** One of each reason, or of each of its kinds, and whether it is transient. */
const reasons: ReadonlyArray<readonly [reason: MongoError.MongoErrorReason, isTransient: boolean]> = [
  ...connectionKinds.map((kind) =>
    [
      new MongoError.ConnectionError({ ...base, kind, address: "localhost:27017" }),
      kind !== "tls" && kind !== "incompatible"
    ] as const
  ),
  [new MongoError.PoolTimeoutError({ ...base, address: "localhost:27017" }), true],
  [new MongoError.ClientClosedError({ ...base, kind: "client" }), false],
  [new MongoError.ClientClosedError({ ...base, kind: "session" }), false],
  [new MongoError.AuthenticationError(base), false],
  [new MongoError.AuthorizationError(base), false],
  [new MongoError.InvalidArgumentError({ ...base, path: "filter.a" }), false],
  [new MongoError.InvalidCommandError(base), false],
  [new MongoError.BsonError(base), false],
  [duplicate, false],
  [new MongoError.DocumentValidationError({ ...base, details: Redacted.make({ a: "hunter2" }) }), false],
  [new MongoError.WriteConflictError(base), true],
  [concern, false],
  [new MongoError.WriteConcernError(labelled("RetryableWriteError")), true],
  [new MongoError.CursorError({ ...base, kind: "notFound" }), true],
  [new MongoError.CursorError({ ...base, kind: "planKilled" }), true],
  [new MongoError.CursorError({ ...base, kind: "positionLost" }), true],
  [new MongoError.CursorError({ ...base, kind: "killed" }), false],
  [new MongoError.CursorError({ ...base, kind: "exhausted" }), false],
  [new MongoError.CursorError({ ...base, kind: "inUse" }), false],
  [new MongoError.CursorError({ ...base, kind: "tailable" }), false],
  [new MongoError.MaxTimeExpiredError({ ...base, code: 50 }), false],
  [new MongoError.MaxTimeExpiredError({ ...base, code: 262 }), true],
  [new MongoError.NotPrimaryError(base), true],
  [new MongoError.NotPrimaryError(labelled("RetryableWriteError", "UnknownTransactionCommitResult")), true],
  [new MongoError.NamespaceExistsError(base), false],
  [new MongoError.NamespaceNotFoundError(base), false],
  [new MongoError.IndexError({ ...base, kind: "notFound" }), false],
  [new MongoError.TransactionError({ ...base, kind: "misused" }), false],
  [new MongoError.TransactionError({ ...base, kind: "unavailable", code: 24 }), true],
  [
    new MongoError.TransactionError({
      ...labelled("TransientTransactionError"),
      kind: "aborted",
      label: "TransientTransactionError"
    }),
    true
  ],
  [
    new MongoError.TransactionError({
      ...labelled("UnknownTransactionCommitResult"),
      kind: "aborted",
      label: "UnknownTransactionCommitResult"
    }),
    true
  ],
  [new MongoError.ChangeStreamError({ ...base, kind: "historyLost" }), false],
  [new MongoError.ChangeStreamError({ ...labelled("ResumableChangeStreamError"), kind: "closed" }), true],
  [new MongoError.GridFSError({ ...base, kind: "corrupt" }), false],
  [new MongoError.EncryptionError({ ...base, transient: false }), false],
  [new MongoError.EncryptionError({ ...base, transient: true }), true],
  [new MongoError.OverloadedError(base), true],
  [new MongoError.ServerError(base), false],
  [new MongoError.ServerError({ ...base, code: 63 }), true],
  [new MongoError.ServerError({ ...base, labels: [], code: 63, nothingDone: true }), true],
  [new MongoError.ServerError(labelled("RetryableWriteError")), true],
  [new MongoError.UnknownError(base), false],
  [bulkWrite, false],
  [
    new MongoError.BulkWriteError({
      ...bulkWrite,
      ...base,
      insertedIds: {},
      upsertedIds: {},
      writeErrors: [],
      writeConcernErrors: []
    }),
    true
  ]
]

/** The transient reasons. The table gives them a label that says that nothing was done, and none that leaves it open. */
const isRetryable = (reason: MongoError.MongoErrorReason): boolean =>
  reason.isTransient && reason._tag !== "BulkWriteError" &&
  (reason.nothingDone === true || reason.labels.includes("NoWritesPerformed") ||
    reason.labels.includes("TransientTransactionError")) &&
  !reason.labels.includes("UnknownTransactionCommitResult")

const cases = reasons.map(([reason, isTransient]) => {
  const { code, kind } = reason as { readonly code?: number; readonly kind?: string }
  return [`${reason._tag} ${kind ?? code ?? ""} ${reason.labels.join(" ")}`, reason, isTransient] as const
})

describe("MongoError", () => {
  it("every reason is in the table", () => {
    const tags = new Set(reasons.map(([reason]) => reason._tag))
    const all = MongoError.MongoErrorReason.members.map((member) => member.fields._tag.schema.literal)
    assert.strictEqual(all.length, 26)
    assert.deepStrictEqual(all.filter((tag) => !tags.has(tag)), [])
  })

  it.each(cases)("%s", (_, reason, isTransient) => {
    const error = new MongoError.MongoError({ reason })
    assert.strictEqual(error.isTransient, isTransient)
    assert.strictEqual(reason.isTransient, isTransient)
    assert.strictEqual(error.isRetryable, isRetryable(reason))
    assert.strictEqual(reason.isRetryable, isRetryable(reason))
    assert.strictEqual(error.message, base.message)
    assert.strictEqual(error.labels, reason.labels)
    assert.strictEqual(error.cause, reason)
    assert.strictEqual(error._tag, "MongoError")
    assert.instanceOf(error, Error)
    assert.isTrue(MongoError.isMongoError(error))
    assert.isFalse(MongoError.isMongoErrorReason(error))
    assert.isTrue(MongoError.isMongoErrorReason(reason))
    assert.isFalse(MongoError.isMongoError(reason))
  })

  it.each(cases)("%s encodes to JSON and decodes back", (_, reason, isTransient) => {
    const codec = Schema.toCodecJson(MongoError.MongoError)
    const json = JSON.stringify(Schema.encodeSync(codec)(new MongoError.MongoError({ reason })))
    assert.notInclude(json, "hunter2")
    const decoded = Schema.decodeUnknownSync(codec)(JSON.parse(json))
    assert.isTrue(MongoError.isMongoError(decoded))
    assert.strictEqual(decoded.isTransient, isTransient)
    assert.strictEqual(decoded.isRetryable, isRetryable(reason))
    assert.strictEqual(decoded.reason.nothingDone, reason.nothingDone)
    assert.strictEqual(decoded.message, base.message)
    const plain = (reason: MongoError.MongoErrorReason) => {
      const { cause: _, ...fields } = reason.toJSON() as Record<string, unknown>
      return JSON.parse(
        JSON.stringify(fields).replace(/<redacted:\w+>/g, "<redacted>").replace(/,"cause":\{.*?\}/g, "")
      ) as unknown
    }
    assert.deepStrictEqual(plain(decoded.reason), plain(reason))
    assert.include(String(decoded.reason.cause), "the driver's words")
  })

  it("a transient reason is not retryable if nothing says that nothing was done", () => {
    const fields = { ...base, labels: ["RetryableWriteError"], kind: "network" } as const
    const unknown = new MongoError.ConnectionError(fields)
    assert.isTrue(unknown.isTransient)
    assert.isFalse(unknown.isRetryable)
    assert.isTrue(new MongoError.ConnectionError({ ...fields, nothingDone: true }).isRetryable)
    assert.isFalse(
      new MongoError.ConnectionError({ ...fields, kind: "tls", labels: [], nothingDone: true }).isRetryable
    )
  })

  it("a bulk write error keeps ids and write errors in JSON", () => {
    const codec = Schema.toCodecJson(MongoError.MongoError)
    const json = Schema.encodeSync(codec)(new MongoError.MongoError({ reason: bulkWrite }))
    const { reason } = Schema.decodeUnknownSync(codec)(JSON.parse(JSON.stringify(json)))
    if (reason._tag !== "BulkWriteError") throw new Error(reason._tag)
    assert.deepStrictEqual(reason.insertedIds, bulkWrite.insertedIds)
    assert.deepStrictEqual(reason.upsertedIds, { 1: "b", 2: Driver.Long.fromNumber(7) })
    const [error] = reason.writeErrors
    assert.strictEqual(error?.index, 3)
    assert.instanceOf(error?.reason, MongoError.DuplicateKeyError)
    assert.strictEqual(reason.writeConcernErrors[0]?.code, 64)
    assert.strictEqual(reason.stoppedBy?._tag, "ConnectionError")
  })

  it("toJSON has the fields of the reason and the cause as text, without values", () => {
    const json = JSON.parse(JSON.stringify(new MongoError.MongoError({ reason: duplicate }))) as unknown
    assert.deepStrictEqual(json, {
      _tag: "MongoError",
      message: base.message,
      reason: {
        _tag: "DuplicateKeyError",
        operation: "insertOne",
        namespace: "app.users",
        code: 11000,
        codeName: "Nine",
        labels: ["NoWritesPerformed", "other"],
        cause: { name: "MongoNetworkError", message: "the driver's words" },
        message: base.message,
        index: "name_1",
        keyPattern: { name: 1, place: "2dsphere" },
        keyValue: "<redacted:keyValue>"
      }
    })
  })

  it("toJSON of a bulk write error says which documents have ids, without the ids", () => {
    const { reason } = JSON.parse(JSON.stringify(new MongoError.MongoError({ reason: bulkWrite }))) as {
      readonly reason: Record<string, unknown>
    }
    assert.deepStrictEqual(reason["insertedIds"], { 0: "<redacted>" })
    assert.deepStrictEqual(reason["upsertedIds"], { 1: "<redacted>", 2: "<redacted>" })
    const [error] = reason["writeErrors"] as ReadonlyArray<
      { readonly index: number; readonly reason: Record<string, unknown> }
    >
    assert.strictEqual(error?.index, 3)
    assert.strictEqual(error?.reason["_tag"], "DuplicateKeyError")
    assert.strictEqual(error?.reason["message"], base.message)
  })

  it("keeps values of documents hidden", () => {
    const error = new MongoError.MongoError({ reason: bulkWrite })
    assert.deepStrictEqual(Redacted.value(duplicate.keyValue), { name: "hunter2" })
    for (
      const text of [inspect(error, { depth: 20, showHidden: true }), Cause.pretty(Cause.fail(error)), String(error)]
    ) {
      assert.include(text, base.message)
      assert.notInclude(text, "hunter2")
      assert.notInclude(text, "665f1f77bcf86cd799439011")
    }
  })

  it.each(cases)("%s shows only its fields, not the members of its class", (_, reason) => {
    const { fields } = reason.constructor as unknown as { readonly fields: object }
    assert.deepStrictEqual(Object.keys(reason).filter((key) => key !== "name" && !(key in fields)), [])
  })

  it("a bulk write error does not enumerate its ids", () => {
    const keys = Object.keys(bulkWrite)
    assert.include(keys, "insertedCount")
    assert.notInclude(keys, "insertedIds")
    assert.notInclude(keys, "upsertedIds")
    assert.property(bulkWrite.insertedIds, "0")
  })

  it("has the name of a reason without a message", () => {
    const reason = new MongoError.OverloadedError({ ...base, message: "" })
    assert.strictEqual(new MongoError.MongoError({ reason }).message, "OverloadedError")
  })

  it("hasLabel", () => {
    const error = new MongoError.MongoError({ reason: new MongoError.ServerError(labelled("a", "b")) })
    assert.isTrue(error.hasLabel("a"))
    assert.isTrue(error.hasLabel("b"))
    assert.isFalse(error.hasLabel("c"))
  })

  it("labels are empty by default", () => {
    const reason = new MongoError.ServerError({ operation: "ping", message: "no", cause: undefined })
    assert.deepStrictEqual(reason.labels, [])
  })

  it.each([undefined, null, 1, "MongoError", {}, new Error("no"), new Driver.MongoError("no"), { _tag: "MongoError" }])(
    "isMongoError(%s) is false",
    (u) => {
      assert.isFalse(MongoError.isMongoError(u))
      assert.isFalse(MongoError.isMongoErrorReason(u))
    }
  )
})

describe("handling a reason", () => {
  const failing = (reason: MongoError.MongoErrorReason): Effect.Effect<string, MongoError.MongoError> =>
    Effect.fail(new MongoError.MongoError({ reason }))
  const caught = (effect: Effect.Effect<string, MongoError.MongoError>) =>
    effect.pipe(
      Effect.catchReason("MongoError", "DuplicateKeyError", (reason) => Effect.succeed(`taken: ${reason.index}`))
    )

  it.effect("catchReason catches only the given reason", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* caught(failing(duplicate)), "taken: name_1")
      const exit = yield* Effect.exit(caught(failing(concern)))
      assert.isTrue(Exit.isFailure(exit))
      const error = yield* Effect.flip(caught(failing(concern)))
      assert.strictEqual(error.reason, concern)
    }))

  it.effect("catchReasons catches several reasons", () =>
    Effect.gen(function*() {
      const handled = (reason: MongoError.MongoErrorReason) =>
        failing(reason).pipe(Effect.catchReasons("MongoError", {
          DuplicateKeyError: (reason) => Effect.succeed(reason.index),
          WriteConcernError: (reason) => Effect.succeed(reason.code)
        }))
      assert.strictEqual(yield* handled(duplicate), "name_1")
      assert.strictEqual(yield* handled(concern), 64)
    }))

  it.effect("unwrapReason turns the reasons into errors", () =>
    Effect.gen(function*() {
      const tag = yield* failing(duplicate).pipe(
        Effect.unwrapReason("MongoError"),
        Effect.catchTag("DuplicateKeyError", (reason) => Effect.succeed(reason._tag))
      )
      assert.strictEqual(tag, "DuplicateKeyError")
    }))
})
