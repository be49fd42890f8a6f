/**
 * What every reason of a `MongoError` has: fields, and members derived from them.
 */
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as SchemaTransformation from "effect/SchemaTransformation"
import * as Driver from "mongodb"

/** @internal */
export const ReasonTypeId = "~@mongofx/core/MongoError/Reason"

/**
 * A document whose values are never shown.
 *
 * @internal
 */
export const RedactedDocument = Schema.declare<Redacted.Redacted<Readonly<Record<string, unknown>>>>(
  (u): u is Redacted.Redacted<Readonly<Record<string, unknown>>> => Redacted.isRedacted(u),
  {
    identifier: "RedactedDocument",
    expected: "a Redacted document",
    // The values must not leave the process in an encoded error, and every error must encode.
    toCodecJson: () =>
      Schema.link<Redacted.Redacted<Readonly<Record<string, unknown>>>>()(
        Schema.Literal("<redacted>"),
        SchemaTransformation.transform({
          decode: () => Redacted.make({}),
          encode: () => "<redacted>" as const
        })
      )
  }
)

/**
 * The fields of every reason.
 *
 * @internal
 */
export const ReasonFields = {
  /** The operation that failed, for instance `insertOne`. */
  operation: Schema.String,
  /** The namespace it worked on: `database.collection` or `database`. */
  namespace: Schema.optional(Schema.String),
  /** The server's error code. */
  code: Schema.optional(Schema.Number),
  /** The server's name of the code. Where the server sends none, as for single writes, it comes from the table of `docs/errors.md`. */
  codeName: Schema.optional(Schema.String),
  /** The error labels of the server and the driver, such as `TransientTransactionError`. */
  labels: Schema.Array(Schema.String).pipe(Schema.withConstructorDefault(Effect.succeed([]))),
  /** The server's reply, if a reply says what went wrong. It may have document values. */
  response: Schema.optional(RedactedDocument),
  /** True if certainly nothing was changed: the operation only reads, was not sent, or the server says so. */
  nothingDone: Schema.optional(Schema.Boolean),
  /** What was thrown; if it contained credentials or document values, a copy without them. */
  cause: Schema.Defect(),
  /** Operation, namespace and the server's or driver's own message. */
  message: Schema.String
}

/**
 * The keys of an index, with their directions.
 *
 * @internal
 */
export const KeyPattern = Schema.Record(Schema.String, Schema.Union([Schema.Number, Schema.String]))

/**
 * The ids of documents, by the index of their operation.
 *
 * @internal
 */
export const IdsByIndex = Schema.declare<Readonly<Record<number, unknown>>>(
  (u): u is Readonly<Record<number, unknown>> => Predicate.isObject(u),
  {
    identifier: "IdsByIndex",
    expected: "ids by index",
    toCodecJson: () =>
      Schema.link<Readonly<Record<number, unknown>>>()(
        Schema.Record(Schema.String, Schema.Json),
        SchemaTransformation.transform({
          decode: (json) =>
            Driver.BSON.EJSON.deserialize(json, { relaxed: false }) as Readonly<Record<number, unknown>>,
          encode: (ids) => Driver.BSON.EJSON.serialize(ids, { relaxed: false }) as Record<string, Schema.Json>
        })
      )
  }
)

const transientLabels: ReadonlySet<string> = new Set([
  "TransientTransactionError",
  "UnknownTransactionCommitResult",
  "RetryableWriteError",
  "RetryableError",
  "PoolRequestedRetry",
  "ResumableChangeStreamError"
])

/**
 * Whether a reason is transient by itself, or by one of its labels.
 *
 * @internal
 */
export const transientByLabel = (reason: { readonly labels: ReadonlyArray<string> }, byItself: boolean): boolean =>
  byItself || reason.labels.some((label) => transientLabels.has(label))

/** Whether a reason is transient, and running the effect again cannot apply it twice. */
const isRepeatable = (reason: ReasonMembers): boolean => {
  // A transaction with an unknown outcome must not run again blindly, whatever else is known of the failure.
  if (!reason.isTransient || reason.labels.includes("UnknownTransactionCommitResult")) return false
  return reason.nothingDone === true || reason.labels.includes("NoWritesPerformed") ||
    reason.labels.includes("TransientTransactionError")
}

const causeToJson = (cause: unknown): unknown => {
  try {
    if (cause instanceof Error) return { name: cause.name, message: cause.message }
    return typeof cause === "object" && cause !== null || typeof cause === "function"
      ? Object.prototype.toString.call(cause)
      : String(cause)
  } catch {
    // A proxy may throw on every access.
    return "something that cannot be described"
  }
}

const withoutValues = (values: object): Record<string, string> =>
  Object.fromEntries(Object.keys(values).map((key) => [key, "<redacted>"]))

const reasonToJson = (reason: ReasonMembers, hidden: ReadonlyArray<string>): unknown => {
  const out: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(reason)) if (key !== "name" && value !== undefined) out[key] = value
  for (const key of hidden) out[key] = withoutValues((reason as unknown as Record<string, object>)[key]!)
  // Neither is enumerable in an Error.
  out["message"] = reason.message
  if (reason.cause !== undefined) out["cause"] = causeToJson(reason.cause)
  return out
}

/**
 * What every reason has: fields, and members derived from them.
 *
 * @internal
 */
export interface ReasonMembers extends Schema.Struct.Type<typeof ReasonFields> {
  /** Marks a reason of a `MongoError`. */
  readonly [ReasonTypeId]: typeof ReasonTypeId
  /** Whether the failure may pass by itself; see `MongoError.isTransient`. */
  readonly isTransient: boolean
  /** Whether the failure may pass, and the effect can run again without being applied twice; see `MongoError.isRetryable`. */
  readonly isRetryable: boolean
  /** A plain object for logs and `JSON.stringify`: without stack and without values of ids, with the cause as text. */
  toJSON(): unknown
}

/** The members are on the prototype, so that a printed reason shows only its fields. */
const membersOf = (hidden: ReadonlyArray<string>): PropertyDescriptorMap & ThisType<ReasonMembers> => ({
  [ReasonTypeId]: { value: ReasonTypeId },
  isTransient: { get: () => false, configurable: true },
  isRetryable: {
    get() {
      return isRepeatable(this)
    },
    configurable: true
  },
  toJSON: {
    value() {
      return reasonToJson(this, hidden)
    },
    writable: true,
    configurable: true
  }
})

type AnyClass = new(...args: ReadonlyArray<any>) => object

/**
 * Keeps fields out of what Node prints for an uncaught error: Node calls neither `toJSON` nor its own inspection method, but leaves out
 * fields that are not enumerable.
 */
const hiding = (Base: AnyClass, hidden: ReadonlyArray<string>): AnyClass =>
  class extends Base {
    constructor(...args: ReadonlyArray<any>) {
      super(...args)
      for (const key of hidden) Object.defineProperty(this, key, { enumerable: false })
    }
  }

/**
 * Makes the base class of a reason. A reason is not transient, unless its class says otherwise. It is retryable if it is transient and
 * nothing was done.
 *
 * @param hidden - fields that hold values of documents: they can be read, but nothing prints them.
 * @internal
 */
export const Reason = <Self>() =>
<Tag extends string, const Fields extends Schema.Struct.Fields>(
  tag: Tag,
  fields: Fields,
  hidden: ReadonlyArray<keyof Fields & string> = []
): Schema.Class<Self, Schema.TaggedStruct<Tag, Fields>, Cause.YieldableError & ReasonMembers> => {
  const Base = Schema.TaggedError<ReasonMembers>(`@mongofx/core/MongoError/${tag}`)(tag, fields)
  Object.defineProperties(Base.prototype, membersOf(hidden))
  return (hidden.length === 0 ? Base : hiding(Base as unknown as AnyClass, hidden)) as never
}
