/**
 * For packages that build on this one: documents as bytes, the settings of BSON, and failures that look like those of core.
 *
 * Programs need none of it. Its parts have the stability `integration`: they may change in any minor release, together with
 * the packages that use them.
 *
 * @since 0.1.0
 */
import type * as Driver from "mongodb"
import * as failures from "./internal/errors/ownFailure.ts"
import * as bson from "./internal/handle/bsonOptions.ts"
import type { MongoCollection } from "./MongoCollection.ts"
import type { MongoDatabase } from "./MongoDatabase.ts"
import type { MongoError, MongoErrorReason } from "./MongoError.ts"

// ---- failures

/**
 * What `failure` makes a reason of.
 *
 * **Details**
 *
 * `operation` is the name of the operation that fails, `namespace` the collection or the database that it works on. `message`
 * says what is wrong. Besides them there are the fields of the reason: `path` of an `InvalidArgumentError`, `kind` of a
 * `TransactionError`, and so on. `labels` and `cause` may be left out.
 *
 * @see {@link failure}
 *
 * @stability integration
 * @category models
 * @since 0.1.0
 */
export type FailureFields<Fields> =
  & { readonly operation: string; readonly namespace?: string | undefined; readonly message: string }
  & failures.OwnFields<Fields>

/**
 * A `MongoError` of an operation that this package does not have, with the fields that every reason has.
 *
 * **When to use**
 *
 * Use it where your package refuses an argument, or finds that something is wrong. What the driver throws becomes a `MongoError` in
 * the operations of core.
 *
 * **Details**
 *
 * The message of the error starts with the operation and its namespace: `page on app.users: first is not positive`.
 *
 * **Gotchas**
 *
 * Put no values of documents and no credentials into the message or the cause: they are printed.
 *
 * **Example** (Refusing an argument)
 *
 * ```ts
 * import { Integration, type MongoCollection, MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const page = (users: MongoCollection.MongoCollection, first: number) =>
 *   first > 0 ? users.find().limit(first) : Effect.fail(Integration.failure(MongoError.InvalidArgumentError, {
 *     operation: "page",
 *     namespace: users.fullName,
 *     path: "first",
 *     message: "first is not positive"
 *   }))
 * ```
 *
 * @stability integration
 * @category constructors
 * @since 0.1.0
 */
export const failure = <Fields>(
  Reason: new(fields: Fields) => MongoErrorReason,
  fields: FailureFields<Fields>
): MongoError => {
  const { message, namespace, operation, ...own } = fields
  return failures.failureOf(Reason, operation, namespace, message, own)
}

// ---- BSON

/**
 * How BSON is read.
 *
 * @see {@link bsonOptions}
 *
 * @stability integration
 * @category options
 * @since 0.1.0
 */
export interface BsonOptions {
  /** Reads int64 values as `bigint`. */
  readonly useBigInt64: boolean
  /** Reads int64 values as numbers where they fit. */
  readonly promoteLongs: boolean
  /** Reads numbers as JavaScript numbers. */
  readonly promoteValues: boolean
  /** Reads binary values as `Buffer`. */
  readonly promoteBuffers: boolean
  /** Reads regular expressions as `BSONRegExp`. */
  readonly bsonRegExp: boolean
  /** Checks that strings are valid UTF-8. */
  readonly enableUtf8Validation: boolean
  /** The fields that the driver leaves as bytes. */
  readonly fieldsAsRaw: Driver.Document
}

/**
 * How an operation of a collection or a database reads BSON: as its options say, then the collection or the database, then
 * the client, then the driver.
 *
 * **When to use**
 *
 * Use it to read bytes as the driver would read them.
 *
 * **Details**
 *
 * It asks no server and always has an answer, whatever the name and the settings are: an operation refuses bad ones when it runs.
 *
 * **Example** (Whether int64 values are bigints)
 *
 * ```ts
 * import { Integration, type MongoCollection } from "@mongofx/core"
 *
 * const readsBigints = (users: MongoCollection.MongoCollection) => Integration.bsonOptions(users).useBigInt64
 * ```
 *
 * @stability integration
 * @category getters
 * @since 0.1.0
 */
export const bsonOptions: <A extends Driver.Document>(
  source: MongoCollection<A> | MongoDatabase,
  options?: object
) => BsonOptions = bson.bsonOptions
