/**
 * Tools for packages that build on this one: documents as bytes, BSON settings, and failures that look like those of core.
 *
 * Programs do not need it. Its parts have the stability `integration`: they may change in any minor release, together with
 * the packages that use them.
 *
 * @since 0.1.0
 */
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import * as bsonWrite from "./internal/bson/write.ts"
import { connectionOf } from "./internal/call/connection.ts"
import * as deadlines from "./internal/call/deadline.ts"
import { ambientSession } from "./internal/call/operation.ts"
import { including } from "./internal/call/options.ts"
import * as failures from "./internal/errors/ownFailure.ts"
import * as redact from "./internal/errors/redact.ts"
import * as bson from "./internal/handle/bsonOptions.ts"
import { makeDatabase } from "./internal/handle/database.ts"
import * as records from "./internal/handle/records.ts"
import { topologyChangesOf } from "./internal/handle/topologyChanges.ts"
import { checkDocument } from "./internal/input/check.ts"
import type { LeaseError } from "./internal/lease/leaseError.ts"
import * as lease from "./internal/lease/leases.ts"
import * as holder from "./internal/lease/withLease.ts"
import * as queries from "./internal/query/query.ts"
import { bytesOnly } from "./internal/query/reading.ts"
import * as sharing from "./internal/session/sharing.ts"
import { afterCommit as registerAfterCommit, provideAmbient, transactionOf } from "./internal/session/transaction.ts"
import { withTransactionOf } from "./internal/session/withTransaction.ts"
import type { MongoCollection } from "./MongoCollection.ts"
import type { MongoDatabase } from "./MongoDatabase.ts"
import type { MongoError, MongoErrorReason } from "./MongoError.ts"
import type { WithTransaction } from "./MongoSession.ts"
import type { AggregateQuery, FindQuery, Query } from "./Query.ts"
import type { Topology } from "./Topology.ts"

// ---- failures

/**
 * The fields from which `failure` makes a reason.
 *
 * **Details**
 *
 * `operation` is the name of the operation that fails, `namespace` the collection or the database that it works on. `message`
 * says what is wrong. The other fields are those of the reason: `path` of an `InvalidArgumentError`, `kind` of a
 * `TransactionError`, and so on. `labels` and `cause` are optional.
 *
 * @see {@link failure} for the function that takes them
 *
 * @stability integration
 * @category models
 * @since 0.1.0
 */
export type FailureFields<Fields> =
  & { readonly operation: string; readonly namespace?: string | undefined; readonly message: string }
  & failures.OwnFields<Fields>

/**
 * Makes a `MongoError` for an operation of your package, with the fields of every reason.
 *
 * **When to use**
 *
 * Use it when your package refuses an argument, or finds that something is wrong. The operations of core turn the driver's errors
 * into a `MongoError` themselves.
 *
 * **Details**
 *
 * The message of the error starts with the operation and its namespace: `page on app.users: first is not positive`.
 *
 * **Gotchas**
 *
 * Keep values of documents and credentials out of the message and the cause: both are printed.
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

/**
 * Removes the credentials of URLs and their secret options from a text, and the secrets that it is given.
 *
 * **When to use**
 *
 * Use it for a text that is not of core, such as the message of a user's own error, before it is printed. Errors of core have no credentials.
 *
 * **Example** (A message that quotes a URL)
 *
 * ```ts
 * import { Integration } from "@mongofx/core"
 *
 * console.log(Integration.redactCredentials("no answer from mongodb://ada:lovelace@db.example/app"))
 * // no answer from mongodb://<redacted>@db.example/app
 * ```
 *
 * @see {@link failure} for failures whose messages are printed
 *
 * @stability integration
 * @category converting
 * @since 0.1.0
 */
export const redactCredentials: (text: string, secrets?: ReadonlyArray<string>) => string = redact.redactCredentials

// ---- BSON

/**
 * How BSON is read.
 *
 * @see {@link bsonOptions} for the function that returns it
 *
 * @stability integration
 * @category options
 * @since 0.1.0
 */
export interface BsonOptions {
  /** Reads int64 values as `bigint`. */
  readonly useBigInt64: boolean
  /** Reads int64 values as numbers if they fit. */
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
 * Returns how an operation of a collection or a database reads BSON. Its options decide first, then the collection or the database, then
 * the client, then the driver.
 *
 * **When to use**
 *
 * Use it to read bytes as the driver would read them.
 *
 * **Details**
 *
 * It works without a server, and for any name and settings: an operation refuses bad ones when it runs.
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

// ---- documents as bytes

/**
 * Returns the same query with documents as BSON bytes.
 *
 * **When to use**
 *
 * Use it to decode documents yourself: as an array, a stream, batches, the first one, or batch by batch from an open cursor.
 *
 * **Details**
 *
 * It keeps the settings of the query, and you can add more. Its failures, spans and metrics are those of the query, and `explain`
 * returns a document. `bsonOptions` says how the driver would read the bytes.
 *
 * **Gotchas**
 *
 * The bytes are views into the server's reply: a view keeps its whole batch in memory, so copy what you keep.
 *
 * **Example** (Decoding batches)
 *
 * ```ts
 * import { Integration, type Query } from "@mongofx/core"
 * import { Stream } from "effect"
 * import { BSON } from "mongodb"
 *
 * const decoded = (query: Query.FindQuery<unknown>) =>
 *   Integration.rawQuery(query).batches.pipe(
 *     Stream.map((batch) => batch.map((bytes) => BSON.deserialize(bytes)))
 *   )
 * ```
 *
 * @see {@link rawReads} for operations that return one document
 *
 * @stability integration
 * @category converting
 * @since 0.1.0
 */
export const rawQuery: {
  <A>(query: FindQuery<A>): FindQuery<Uint8Array>
  <A>(query: AggregateQuery<A>): AggregateQuery<Uint8Array>
  <A>(query: Query<A>): Query<Uint8Array>
} = queries.rawQuery as (query: Query<unknown>) => never

/**
 * The operations of a collection that return one document, with the document as BSON bytes.
 *
 * @see {@link rawReads} for the function that returns them
 *
 * @stability integration
 * @category models
 * @since 0.1.0
 */
export type RawReads<A extends Driver.Document> = {
  readonly [Name in "findOne" | "findOneAndDelete" | "findOneAndReplace" | "findOneAndUpdate"]: (
    ...args: Parameters<MongoCollection<A>[Name]>
  ) => Effect.Effect<Option.Option<Uint8Array>, MongoError>
}

/**
 * Returns the operations of a collection that return one document, with the document as BSON bytes.
 *
 * **When to use**
 *
 * Use it to decode the document yourself.
 *
 * **Details**
 *
 * The arguments, the failures, the spans and the metrics are those of the collection's operation of the same name.
 *
 * **Example** (The size of a document)
 *
 * ```ts
 * import { Integration, type MongoCollection } from "@mongofx/core"
 * import { Effect, Option } from "effect"
 * import type { Document } from "mongodb"
 *
 * const sizeOf = (users: MongoCollection.MongoCollection<Document>, name: string) =>
 *   Effect.map(
 *     Integration.rawReads(users).findOne({ name }),
 *     Option.map((bytes) => bytes.byteLength)
 *   )
 * ```
 *
 * @see {@link rawQuery} for `find` and `aggregate`
 *
 * @stability integration
 * @category converting
 * @since 0.1.0
 */
export const rawReads = <A extends Driver.Document>(collection: MongoCollection<A>): RawReads<A> => {
  const one = collection as unknown as RawReads<A>
  return {
    findOne: (filter, options) => one.findOne(filter, inBytes(options)),
    findOneAndDelete: (filter, options) => one.findOneAndDelete(filter, inBytes(options)),
    findOneAndReplace: (filter, replacement, options) => one.findOneAndReplace(filter, replacement, inBytes(options)),
    findOneAndUpdate: (filter, update, options) => one.findOneAndUpdate(filter, update, inBytes(options))
  }
}

const inBytes = <Options extends object>(options: Options | undefined) =>
  options === undefined ? bytesOnly as Options & typeof bytesOnly : including(options, bytesOnly)

/**
 * A document that is already BSON, instead of a document to insert or a replacement.
 *
 * **When to use**
 *
 * Use it in `insertMany` and `bulkWrite` of a collection, if your own code writes BSON faster than the driver does.
 *
 * **Details**
 *
 * The bytes are sent as they are if `sendsBytes` says so. Otherwise the document is decoded from them, and sent as if it had
 * been given. The second argument is the `_id` in the bytes: results and errors name it. A document to insert must
 * have one; for a replacement without it, pass `undefined`. The document may be a part of the bytes: two positions say where it begins and
 * ends. Documents that follow each other in the same bytes are sent as one piece, which is less work.
 *
 * **Gotchas**
 *
 * mongofx does not check the bytes: they must be one document as the driver would write it, without anything that core would refuse.
 * They must not change until the operation has ended, even when it is interrupted.
 *
 * **Example** (Inserting bytes)
 *
 * ```ts
 * import { Integration, type MongoCollection } from "@mongofx/core"
 * import { BSON, type Document, ObjectId } from "mongodb"
 *
 * const insert = (users: MongoCollection.MongoCollection<Document>, name: string) => {
 *   const _id = new ObjectId()
 *   return users.insertMany([new Integration.SerializedDocument(BSON.serialize({ _id, name }), _id)])
 * }
 * ```
 *
 * @see {@link sendsBytes} for when it saves work
 * @see {@link WriteBuffer} for writing many documents
 * @see {@link rawQuery} for reading documents as bytes
 *
 * @stability integration
 * @category constructors
 * @since 0.1.0
 */
export { SerializedDocument } from "./internal/bson/serialized.ts"

/**
 * Writes a value as a whole document, from the position `p` of the buffer `b` on, and returns the position after it. A symbol means that
 * the value is none that it writes.
 *
 * **Details**
 *
 * `dv` is a view of the same bytes. Up to `cap` it may write without asking; see `bsonWriting`.
 *
 * @see {@link WriteBuffer} for what calls it
 *
 * @stability integration
 * @category models
 * @since 0.1.0
 */
export type BsonWrite = bsonWrite.Write

/**
 * The functions of which a `BsonWrite` is made: each writes a value as the driver would.
 *
 * **Details**
 *
 * A function gets the buffer `b`, a view `dv` of the same bytes, the end `cap` of what may be written without asking, and a position `p`, and
 * returns the position after what it has written. A few bytes behind `cap` are free for a value of a fixed size. For a value that core would
 * refuse, and for rare types, a function throws: the document then goes another way. Where there is no room, a function throws too, and
 * `WriteBuffer` tries again with more of it.
 *
 * **Example** (A document with a name)
 *
 * ```ts
 * import { Integration } from "@mongofx/core"
 *
 * const { close, writeKey, writeText } = Integration.bsonWriting
 *
 * const writeNamed: Integration.BsonWrite = (name, from, b, dv, cap) => {
 *   const at = from + 4
 *   const p = writeKey(b, cap, at, "name")
 *   b[at] = 2
 *   return close(b, dv, from, writeText(b, dv, cap, p, String(name)))
 * }
 * ```
 *
 * @see {@link WriteBuffer} for the buffer
 *
 * @stability integration
 * @category combinators
 * @since 0.1.0
 */
export const bsonWriting: typeof bsonWrite.writing = bsonWrite.writing

/**
 * The documents of one bulk write as bytes, one after the other.
 *
 * **When to use**
 *
 * Use it to write many documents of which a bulk write sends the bytes.
 *
 * **Details**
 *
 * `write` returns a `SerializedDocument`, or `undefined` for a document that has to go another way, as an object. Its third argument is the
 * stored `_id`, its fourth whether the `_id` is added as the first field. After `release` other documents are written over these.
 *
 * **Gotchas**
 *
 * Call `release` only after the operation has succeeded. After a failure or an interruption the driver may still send the bytes.
 *
 * Make the buffer and write the documents where the effect runs, as in the example. An effect may run again, in another attempt of its
 * transaction for instance: with a buffer from outside it would send what others have written over its documents.
 *
 * **Example** (Inserting what a function writes)
 *
 * ```ts
 * import { Integration, type MongoCollection } from "@mongofx/core"
 * import { Effect } from "effect"
 * import { type Document, ObjectId } from "mongodb"
 *
 * const insert = (users: MongoCollection.MongoCollection<Document>, names: ReadonlyArray<string>, write: Integration.BsonWrite) =>
 *   Effect.suspend(() => {
 *     const buffer = new Integration.WriteBuffer()
 *     const documents = names.map((name) => {
 *       const _id = new ObjectId()
 *       return buffer.write(write, name, _id, true) ?? { _id, name }
 *     })
 *     return Effect.tap(users.insertMany(documents), () => Effect.sync(() => buffer.release()))
 *   })
 * ```
 *
 * @see {@link bsonWriting} for the functions that write values
 * @see {@link sendsBytes} for when it saves work
 *
 * @stability integration
 * @category constructors
 * @since 0.1.0
 */
export { WriteBuffer } from "./internal/bson/writeBuffer.ts"

/**
 * Whether a document can be stored as it is: it has no value that BSON would lose or change, and that mongofx refuses.
 *
 * **When to use**
 *
 * Use it to choose among documents before an insert, as generators do. Inserts check their documents themselves.
 *
 * **Example** (Text that UTF-8 cannot hold)
 *
 * ```ts
 * import { Integration } from "@mongofx/core"
 *
 * Integration.isStorable({ name: "Ada" }) // true
 * Integration.isStorable({ name: "\uD800" }) // false
 * ```
 *
 * @stability integration
 * @category guards
 * @since 0.1.0
 */
export const isStorable = (document: Driver.Document): boolean => {
  try {
    checkDocument(document)
    return true
  } catch {
    return false
  }
}

/**
 * Whether bulk writes of a collection send the bytes of a `SerializedDocument` as they are.
 *
 * **When to use**
 *
 * Use it before you write bytes: if it is false, documents as objects are less work.
 *
 * **Details**
 *
 * It is false if somebody needs the documents themselves: with automatic encryption, with `monitorCommands` and `commandSpans`,
 * if the driver logs commands, and with options that change how documents are written. It works without a server, for any collection.
 *
 * **Example** (Writing bytes only if they are sent)
 *
 * ```ts
 * import { Integration, type MongoCollection } from "@mongofx/core"
 * import { BSON, type Document, ObjectId } from "mongodb"
 *
 * const insert = (users: MongoCollection.MongoCollection<Document>, name: string) => {
 *   const document = { _id: new ObjectId(), name }
 *   return Integration.sendsBytes(users)
 *     ? users.insertMany([new Integration.SerializedDocument(BSON.serialize(document), document._id)])
 *     : users.insertMany([document])
 * }
 * ```
 *
 * @see {@link SerializedDocument} for a document as bytes
 *
 * @stability integration
 * @category getters
 * @since 0.1.0
 */
export const sendsBytes: <A extends Driver.Document>(collection: MongoCollection<A>, options?: object) => boolean =
  bson.sendsBytes

// ---- queries

/**
 * The settings of a query, by their names in the driver's options.
 *
 * @see {@link Reading} for what reads a query with its settings
 *
 * @stability integration
 * @category models
 * @since 0.1.0
 */
export type { Settings } from "./internal/query/reading.ts"

export {
  /**
   * A query with the settings that `find` and `aggregate` share. Each of its methods returns the query with one more setting.
   *
   * **When to use**
   *
   * Extend it for your own kind of query. Implement `with`, which returns your query with other settings, and add your own members.
   *
   * **Example** (A query of your own)
   *
   * ```ts
   * import { Integration } from "@mongofx/core"
   *
   * class Report<A, E, R> extends Integration.AggregateQueryBase<A, E, R, Report<A, E, R>> {
   *   protected override with(settings: Integration.Settings) {
   *     return new Report(this.reading, settings)
   *   }
   * }
   * ```
   *
   * @see {@link FindQueryBase} for a query with the settings of `find`
   *
   * @stability integration
   * @category constructors
   * @since 0.1.0
   */
  AggregateQueryBase,
  /**
   * A query with the settings of `find`. Each of its methods returns the query with one more setting.
   *
   * **When to use**
   *
   * Extend it for your own kind of query. Implement `with`, which returns your query with other settings, and add your own members.
   *
   * **Example** (A query of your own)
   *
   * ```ts
   * import { Integration } from "@mongofx/core"
   *
   * class Search<A, E, R> extends Integration.FindQueryBase<A, E, R, Search<A, E, R>> {
   *   protected override with(settings: Integration.Settings) {
   *     return new Search(this.reading, settings)
   *   }
   * }
   * ```
   *
   * @see {@link AggregateQueryBase} for a query with fewer settings
   *
   * @stability integration
   * @category constructors
   * @since 0.1.0
   */
  FindQueryBase
} from "./internal/query/settings.ts"

/**
 * Reads a query, given its settings. The views of a query are those of its reading.
 *
 * **When to use**
 *
 * Extend it if your query reads in a different way from the queries of core. Implement the array, the stream and the bytes. The other
 * views build on these; override one if you know a shorter way.
 *
 * **Example** (Counting what a query reads)
 *
 * ```ts
 * import { Integration } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const count = <A, E, R>(reading: Integration.Reading<A, E, R>, settings: Integration.Settings) =>
 *   Effect.map(reading.array(settings), (documents) => documents.length)
 * ```
 *
 * @see {@link ValuesReading} for a reading without a server
 *
 * @stability integration
 * @category constructors
 * @since 0.1.0
 */
export { Reading } from "./internal/query/reading.ts"

/**
 * Reads given values, without a server.
 *
 * **Example** (Values that are read)
 *
 * ```ts
 * import { Integration } from "@mongofx/core"
 *
 * const reading = new Integration.ValuesReading([{ name: "Ada" }, { name: "Grace" }])
 * const second = reading.array({ skip: 1 })
 * ```
 *
 * @see {@link Reading} for readings of your own
 *
 * @stability integration
 * @category constructors
 * @since 0.1.0
 */
export { ValuesReading } from "./internal/query/valuesReading.ts"

// ---- sessions and transactions

/**
 * The session that an operation would join now.
 *
 * @see {@link ambient} for the function that returns it
 *
 * @stability integration
 * @category models
 * @since 0.1.0
 */
export interface Ambient {
  /** The same object for all operations that share a session and a transaction; `undefined` outside of both. */
  readonly key: object | undefined
  /** Whether the operation would join a transaction. */
  readonly inTransaction: boolean
}

/**
 * Returns what an operation of a collection or a database would join now: the session and the transaction of its client.
 *
 * **When to use**
 *
 * Use it to keep work of different transactions apart, or to know that a failure has spoilt a transaction, so that a second try cannot help.
 *
 * **Example** (A second try where it can help)
 *
 * ```ts
 * import { Integration, type MongoCollection, type MongoError } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const twice = <A>(users: MongoCollection.MongoCollection, effect: Effect.Effect<A, MongoError.MongoError>) =>
 *   Effect.flatMap(
 *     Integration.ambient(users),
 *     ({ inTransaction }) => inTransaction ? effect : Effect.retry(effect, { times: 1 })
 *   )
 * ```
 *
 * @see {@link withTransaction} for a transaction of your own
 *
 * @stability integration
 * @category getters
 * @since 0.1.0
 */
export const ambient = <A extends Driver.Document>(
  source: MongoCollection<A> | MongoDatabase
): Effect.Effect<Ambient> =>
  Effect.withFiber((fiber) => {
    const session = ambientSession(connectionOf(source), fiber.context)
    return Effect.succeed({ key: session, inTransaction: transactionOf(session) !== undefined })
  })

/**
 * Returns a key for a context. If the keys of two contexts are equal, an operation in one of them may do the work of both.
 *
 * **When to use**
 *
 * Use it where one command answers the requests of several fibers, as the key of `RequestResolver.makeGrouped`.
 *
 * **Details**
 *
 * `Equal.equals` compares the keys. They are equal if the operations of both contexts join the same session and the same transaction of
 * each client, and have the same deadline and the same interruption policy. Otherwise a read could see what only another transaction
 * has written, and the deadline of one fiber could fail another one.
 *
 * **Example** (Batches that stay in their transaction)
 *
 * ```ts
 * import { Integration } from "@mongofx/core"
 * import { type Effect, type Request, RequestResolver } from "effect"
 *
 * const batched = <A extends Request.Any>(
 *   run: (entries: readonly [Request.Entry<A>, ...Array<Request.Entry<A>>]) => Effect.Effect<void, Request.Error<A>>
 * ) => RequestResolver.makeGrouped<A, unknown>({ key: (entry) => Integration.batchKey(entry.context), resolver: run })
 * ```
 *
 * @see {@link ambient} for the session of one client
 *
 * @stability integration
 * @category getters
 * @since 0.1.0
 */
export const batchKey: (context: Context.Context<never>) => unknown = sharing.batchKey

/**
 * Returns the `withTransaction` of the client that a collection or a database belongs to.
 *
 * **When to use**
 *
 * Use it when your package gets a collection, and has to write several documents or none.
 *
 * **Example** (Two writes or none)
 *
 * ```ts
 * import { Integration, type MongoCollection } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const both = (users: MongoCollection.MongoCollection) =>
 *   Integration.withTransaction(users)(
 *     Effect.andThen(users.insertOne({ name: "Ada" }), users.insertOne({ name: "Grace" }))
 *   )
 * ```
 *
 * @see `MongoClient.withTransaction` for what it does
 *
 * @stability integration
 * @category combinators
 * @since 0.1.0
 */
export const withTransaction = <A extends Driver.Document>(
  source: MongoCollection<A> | MongoDatabase
): WithTransaction => withTransactionOf(connectionOf(source), identity)

/**
 * Returns the `withoutTransaction` of the client that a collection or a database belongs to.
 *
 * **When to use**
 *
 * Use it for what your package keeps for itself, such as a counter or a lease: it must not disappear when the transaction around it aborts, and
 * must not conflict with it.
 *
 * **Example** (A counter that counts what is undone, too)
 *
 * ```ts
 * import { Integration, type MongoCollection } from "@mongofx/core"
 *
 * const count = (calls: MongoCollection.MongoCollection<{ readonly _id: string; readonly n: number }>, name: string) =>
 *   Integration.withoutTransaction(calls)(calls.updateOne({ _id: name }, { $inc: { n: 1 } }, { upsert: true }))
 * ```
 *
 * @see {@link withTransaction} for a transaction
 * @see `MongoClient.withoutTransaction` for what it does
 *
 * @stability integration
 * @category combinators
 * @since 0.1.0
 */
export const withoutTransaction = <A extends Driver.Document>(
  source: MongoCollection<A> | MongoDatabase
): <B, E, R>(self: Effect.Effect<B, E, R>) => Effect.Effect<B, E, R> => {
  const connection = connectionOf(source)
  return (self) => provideAmbient(connection, undefined, self)
}

/**
 * Runs an effect without the deadline around it.
 *
 * **When to use**
 *
 * Use it for what begins in an effect with a deadline and goes on after it, such as a query that runs again and again. A deadline within the effect stays.
 *
 * **Example** (Counting on after the deadline)
 *
 * ```ts
 * import { Integration, type MongoCollection } from "@mongofx/core"
 * import { Effect, Schedule } from "effect"
 *
 * const counting = (users: MongoCollection.MongoCollection) =>
 *   Effect.forkScoped(
 *     Integration.withoutDeadline(Effect.repeat(users.countDocuments(), Schedule.spaced("1 minute")))
 *   )
 * ```
 *
 * @see {@link withoutTransaction} to leave the transaction, too
 * @see `Mongo.withDeadline` for deadlines
 *
 * @stability integration
 * @category combinators
 * @since 0.1.0
 */
export const withoutDeadline: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R> =
  deadlines.withoutDeadline

/**
 * Returns the `afterCommit` of the client that a collection or a database belongs to.
 *
 * **When to use**
 *
 * Use it when your package tells others what has changed: after the commit of the transaction around it, and never if that aborts.
 *
 * **Example** (Counting orders that stay)
 *
 * ```ts
 * import { Integration, type MongoCollection } from "@mongofx/core"
 * import { Effect, Metric } from "effect"
 *
 * const placed = Metric.counter("orders_placed")
 *
 * const place = (orders: MongoCollection.MongoCollection<{ readonly _id: string }>, id: string) =>
 *   Effect.tap(orders.insertOne({ _id: id }), Integration.afterCommit(orders)(Metric.update(placed, 1)))
 * ```
 *
 * @see {@link withTransaction} for a transaction
 * @see `MongoClient.afterCommit` for what it does
 *
 * @stability integration
 * @category combinators
 * @since 0.1.0
 */
export const afterCommit = <A extends Driver.Document>(
  source: MongoCollection<A> | MongoDatabase
): <R>(self: Effect.Effect<void, never, R>) => Effect.Effect<void, never, R> => {
  const connection = connectionOf(source)
  return (self) => registerAfterCommit(connection, self)
}

/**
 * Returns the `topologyChanges` of the client that a collection or a database belongs to.
 *
 * **When to use**
 *
 * Use it when your package gets a collection, and has to know that another member has become the primary.
 *
 * **Example** (Who is the primary)
 *
 * ```ts
 * import { Integration, type MongoCollection } from "@mongofx/core"
 * import { Stream } from "effect"
 *
 * const primaries = (users: MongoCollection.MongoCollection) =>
 *   Integration.topologyChanges(users).pipe(Stream.map(({ primary }) => primary), Stream.changes)
 * ```
 *
 * @see {@link database} for what servers say about themselves
 * @see `MongoClient.topologyChanges` for what it gives
 *
 * @stability integration
 * @category getters
 * @since 0.1.0
 */
export const topologyChanges = <A extends Driver.Document>(
  source: MongoCollection<A> | MongoDatabase
): Stream.Stream<Topology> => topologyChangesOf(connectionOf(source).driver).stream

/**
 * A collection of a database for the records of a package, such as leases, jobs or limits.
 *
 * **When to use**
 *
 * Use it for what your package keeps for itself. What it has written is not forgotten when another member becomes the primary, and it reads what it wrote,
 * whatever the settings of the client are.
 *
 * **Details**
 *
 * Read concern and write concern are `majority`, and reads come from the primary. Values are read as JavaScript's numbers, strings and dates, and bytes as `Binary`,
 * whatever the BSON settings of the client are.
 *
 * **Example** (Jobs)
 *
 * ```ts
 * import { Integration, type MongoDatabase } from "@mongofx/core"
 *
 * const jobsIn = (database: MongoDatabase.MongoDatabase) =>
 *   Integration.recordsIn<{ readonly _id: string; readonly state: "new" | "done" }>(database, "jobs")
 * ```
 *
 * @see {@link withoutTransaction} for writes that belong to no transaction
 *
 * @stability integration
 * @category constructors
 * @since 0.1.0
 */
export const recordsIn: <A extends Driver.Document>(database: MongoDatabase, name: string) => MongoCollection<A> =
  records.recordsIn

/**
 * Another database of the client that a collection or a database belongs to.
 *
 * **When to use**
 *
 * Use it when your package gets a collection, and has to ask `admin` about the server.
 *
 * **Example** (What the server does for a collection)
 *
 * ```ts
 * import { Integration, type MongoCollection } from "@mongofx/core"
 *
 * const operations = (users: MongoCollection.MongoCollection) =>
 *   Integration.database(users, "admin").aggregate([{ $currentOp: {} }, { $match: { ns: users.fullName } }])
 * ```
 *
 * @see {@link withTransaction} for the transactions of the same client
 *
 * @stability integration
 * @category getters
 * @since 0.1.0
 */
export const database = <A extends Driver.Document>(
  source: MongoCollection<A> | MongoDatabase,
  name: string
): MongoDatabase => makeDatabase(connectionOf(source), name, {})

// ---- leases

/**
 * A lease that somebody holds, until it runs out or is released.
 *
 * @see {@link Leases} for taking and renewing it
 *
 * @stability integration
 * @category models
 * @since 0.1.0
 */
export interface Lease {
  /** The name of the lease. */
  readonly name: string
  /** The number of this turn: higher than the numbers of all earlier ones. */
  readonly fence: number
}

/**
 * Named leases, each with one holder at a time.
 *
 * **Details**
 *
 * Whoever takes a lease gets a number with it, its fence, which only grows. A process that was stopped or cut off does not know that its
 * lease has run out. So write the fence with the data that the lease protects, and write only if the stored fence is not higher:
 * then a late write changes nothing.
 *
 * **Gotchas**
 *
 * In a transaction these operations join it: the lease is taken when the transaction commits. `MongoClient.withoutTransaction`
 * keeps them out of it.
 *
 * @see {@link leases} for the function that makes them
 * @see `ResumeTokenStore.ResumeTokenStore` for the leases of consumers of change streams
 *
 * @stability integration
 * @category models
 * @since 0.1.0
 */
export interface Leases {
  /**
   * Takes a lease that is free, has run out, or already belongs to this owner; none if another owner has it. The owner is a name
   * for one instance. With it, an instance gets back a lease if the reply was lost. If it is interrupted or fails, the owner has no
   * lease afterwards, if the server answers within two seconds; in a transaction the end of the transaction decides. Fails with an
   * `InvalidArgumentError` if the duration is infinite or shorter than a millisecond.
   */
  readonly acquire: (
    name: string,
    owner: string,
    duration: Duration.Input
  ) => Effect.Effect<Option.Option<Lease>, MongoError>
  /**
   * Makes a lease last this long from now on. False if it was released or somebody else has taken it. Fails as `acquire` does.
   */
  readonly renew: (lease: Lease, duration: Duration.Input) => Effect.Effect<boolean, MongoError>
  /** Releases a lease. Does nothing if somebody else has taken it. */
  readonly release: (lease: Lease) => Effect.Effect<void, MongoError>
  /** Who has a lease now; none if it is free or has run out. */
  readonly holder: (name: string) => Effect.Effect<Option.Option<LeaseHolder>, MongoError>
}

/**
 * Who has a lease.
 *
 * @see {@link Leases} for the operation that asks for it
 *
 * @stability integration
 * @category models
 * @since 0.1.0
 */
export interface LeaseHolder {
  /** The name of the instance. `withLease` makes it of the machine, the number of the process, and a random part. */
  readonly owner: string
  /** When the lease runs out, counted from now, unless it is renewed. */
  readonly expiresIn: Duration.Duration
}

/**
 * Makes leases in a collection of a database, `mongofx_leases` by default. The server's clock measures them.
 *
 * **When to use**
 *
 * Use it if only one of several instances may do something: a migration, a queue, the work of a leader. Consumers of change streams have
 * their own leases in their `ResumeTokenStore`.
 *
 * **Example** (Doing something in one instance only)
 *
 * ```ts
 * import { Integration, type MongoDatabase } from "@mongofx/core"
 * import { Effect, Option } from "effect"
 *
 * const once = <A, E, R>(db: MongoDatabase.MongoDatabase, owner: string, effect: Effect.Effect<A, E, R>) => {
 *   const leases = Integration.leases(db)
 *   return Effect.acquireUseRelease(
 *     leases.acquire("nightly-report", owner, "5 minutes"),
 *     (lease) => Option.isSome(lease) ? Effect.asSome(effect) : Effect.succeedNone,
 *     (lease) => Option.isSome(lease) ? leases.release(lease.value) : Effect.void
 *   )
 * }
 * ```
 *
 * @see {@link withLease} for work that waits for its turn and keeps its lease
 * @see {@link Leases} for how a fence protects what is written
 *
 * @stability integration
 * @category constructors
 * @since 0.1.0
 */
export const leases: (
  database: MongoDatabase,
  options?: { readonly collection?: string | undefined }
) => Leases = lease.leases

/**
 * What `withLease` takes besides the work.
 *
 * @see {@link withLease} for the function
 *
 * @stability integration
 * @category options
 * @since 0.1.0
 */
export interface LeaseOptions<out B = never, out E = never, out R = never> {
  /** The name of the lease: whoever uses the same name in the same collection takes turns. */
  readonly name: string
  /** How long the lease of a process that was killed still lasts, 30 seconds by default. A living process renews it three times in that time. */
  readonly duration?: Duration.Input | undefined
  /** How long to wait for another holder, 10 minutes by default. */
  readonly wait?: Duration.Input | undefined
  /** The collection of the leases, `mongofx_leases` by default. */
  readonly collection?: string | undefined
  /**
   * Runs whenever another owner has the lease. A value ends the waiting, and is the result: the other owner has done what there was to
   * do.
   */
  readonly unless?: Effect.Effect<Option.Option<B>, E, R> | undefined
}

/**
 * A lease while its work runs.
 *
 * @see {@link withLease} for the function that gives it to the work
 *
 * @stability integration
 * @category models
 * @since 0.1.0
 */
export interface HeldLease extends Lease {
  /** The name of this holder: the machine, the number of the process, and a random part. */
  readonly owner: string
  /**
   * Asks the server whether the lease is still held, and renews it. Run it before a step that two processes must not do at the same time. It
   * never joins a transaction. Fails with a `LeaseError` if the lease was lost.
   */
  readonly confirm: Effect.Effect<void, LeaseError | MongoError>
}

export {
  /**
   * A lease that could not be taken in time, or that was lost.
   *
   * **Example** (Going on without the lease)
   *
   * ```ts
   * import { Integration, type MongoDatabase } from "@mongofx/core"
   * import { Effect } from "effect"
   *
   * const tidy = (db: MongoDatabase.MongoDatabase, work: Effect.Effect<void>) =>
   *   Integration.withLease(db, { name: "tidy", wait: 0 }, () => work).pipe(
   *     Effect.catchTag("LeaseError", (error) => Effect.logInfo(error.message))
   *   )
   * ```
   *
   * @see {@link withLease} for what fails with it
   *
   * @stability integration
   * @category errors
   * @since 0.1.0
   */
  LeaseError
} from "./internal/lease/leaseError.ts"

/**
 * Runs work that one process at a time may do: waits for the lease of a name, keeps it while the work runs, and gives it back.
 *
 * **When to use**
 *
 * Use it for what several instances would do at their start: to build indexes, to migrate. Look first whether there is something to do, take
 * the lease, and look again: another instance may have done it.
 *
 * **Details**
 *
 * The lease is renewed three times in its duration, also while the work holds up a transaction. When it is lost, the work is interrupted, and
 * the effect fails with a `LeaseError` of kind `lost`. Who cannot take it within `wait` fails with kind `held`; the error names the
 * holder. A holder that was killed keeps others waiting until its lease has run out, and no longer. When the work ends in any way, or the
 * waiting is interrupted or fails, the lease is free within two seconds, if the server answers.
 *
 * `Mongo.CurrentServerClock` measures all waiting, and deadlines around the effect apply to the work alone. In a transaction it fails
 * with a `TransactionError`: the lease would be free before the transaction commits.
 *
 * **Gotchas**
 *
 * A process that was stopped, or that computes for longer than its lease without a pause, notices late that it has lost the lease. `confirm`
 * tells it. What must not be written late compares `fence`, as `Leases` says.
 *
 * **Example** (Once, by whoever comes first)
 *
 * ```ts
 * import { Integration, type MongoDatabase } from "@mongofx/core"
 * import { Effect, Option } from "effect"
 *
 * const once = <E>(db: MongoDatabase.MongoDatabase, isDone: Effect.Effect<boolean, E>, work: Effect.Effect<void, E>) => {
 *   const done = Effect.map(isDone, (isDone) => isDone ? Option.some(undefined) : Option.none())
 *   const lookAgain = Effect.flatMap(done, Option.match({ onSome: () => Effect.void, onNone: () => work }))
 *   const take = Integration.withLease(db, { name: "once", unless: done }, () => lookAgain)
 *   return Effect.flatMap(done, Option.match({ onSome: () => Effect.void, onNone: () => take }))
 * }
 * ```
 *
 * @see {@link leases} for leases without waiting
 *
 * @stability integration
 * @category combinators
 * @since 0.1.0
 */
export const withLease: <A, E, R, B = never, E2 = never, R2 = never>(
  database: MongoDatabase,
  options: LeaseOptions<B, E2, R2>,
  use: (lease: HeldLease) => Effect.Effect<A, E, R>
) => Effect.Effect<A | B, E | E2 | LeaseError | MongoError, R | R2> = holder.withLease
