/**
 * Change streams: the changes of a collection, a database or a deployment, as a `Stream` that resumes after failures.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type { MongoError } from "./MongoError.ts"

/**
 * The operation types that this version does not know. At run time they are strings. The type is not a string, so that a
 * comparison with a known type tells the events apart.
 *
 * @see {@link UnknownChangeEvent} for the events that have it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface UnknownOperationType {
  /** Marks the type; no value has it. */
  readonly "~@mongofx/core/ChangeStream/UnknownOperationType": never
}

/**
 * An event of a type that this version does not know, since new servers may have new types.
 *
 * @see {@link ChangeEvent} for all events
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface UnknownChangeEvent {
  /** The resume token. */
  readonly _id: Driver.ResumeToken
  /** What happened. */
  readonly operationType: UnknownOperationType
  /** The other fields of the event. */
  readonly [field: string]: unknown
}

/**
 * An event for the end of a transaction in a sharded cluster, with `showExpandedEvents`.
 *
 * @see {@link WatchOptions} for `showExpandedEvents`
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface EndOfTransactionEvent {
  /** The resume token. */
  readonly _id: Driver.ResumeToken
  /** What happened. */
  readonly operationType: "endOfTransaction"
  /** The cluster time of the event. */
  readonly clusterTime?: Driver.Timestamp | undefined
  /** The session of the transaction. */
  readonly lsid?: Driver.ServerSessionId | undefined
  /** The number of the transaction in its session. */
  readonly txnNumber?: number | undefined
  /** The transaction. */
  readonly operationDescription?: Driver.Document | undefined
}

/**
 * An event of a change stream: one of the driver's events, by `operationType`, or one that this version does not know. `_id` is its
 * resume token.
 *
 * @see {@link RawChangeEvent} for events with documents as bytes
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ChangeEvent<A extends Driver.Document = Driver.Document> =
  | Driver.ChangeStreamDocument<A>
  | EndOfTransactionEvent
  | UnknownChangeEvent

/** The events of a type, with the collection's documents as bytes. */
type WithRawDocuments<Event, Key extends string = "fullDocument" | "fullDocumentBeforeChange"> = Event extends unknown
  ? [Extract<keyof Event, Key>] extends [never] ? Event
  : { [K in keyof Event]: K extends Key ? Uint8Array | (undefined extends Event[K] ? null : never) : Event[K] }
  : never

/**
 * An event of a change stream with `rawDocuments`: a `ChangeEvent` whose `fullDocument` and `fullDocumentBeforeChange` are BSON bytes.
 *
 * @see {@link ChangeEvent} for events with decoded documents
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type RawChangeEvent<A extends Driver.Document = Driver.Document> = WithRawDocuments<ChangeEvent<A>>

/**
 * Options of `watch`.
 *
 * @see {@link RawWatchOptions} for events with documents as bytes
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface WatchOptions {
  /**
   * Whether an update event has the whole document: as it is when the server reads the event (`updateLookup`), or as it was after the
   * update (`whenAvailable`, `required`), which needs post-images.
   */
  readonly fullDocument?: "default" | "updateLookup" | "whenAvailable" | "required" | undefined
  /** Whether an event has the document from before the change, which needs pre-images. */
  readonly fullDocumentBeforeChange?: "off" | "whenAvailable" | "required" | undefined
  /** Starts after the event with this token. */
  readonly resumeAfter?: Driver.ResumeToken | undefined
  /** Starts after the event with this token, which may be an invalidate. */
  readonly startAfter?: Driver.ResumeToken | undefined
  /** Starts with the events of this time. */
  readonly startAtOperationTime?: Driver.Timestamp | undefined
  /** Also gives events for created indexes, modified collections, sharding and the like. */
  readonly showExpandedEvents?: boolean | undefined
  /** The largest number of events in a batch. */
  readonly batchSize?: number | undefined
  /** How long the server waits for an event before it answers with an empty batch: one second by default. */
  readonly maxAwaitTime?: Duration.Input | undefined
  /** The collation of the pipeline. */
  readonly collation?: Driver.CollationOptions | undefined
  /** A comment in the server's log and profiler. */
  readonly comment?: unknown
  /** The members to read from. */
  readonly readPreference?: Driver.ReadPreferenceLike | undefined
  /** How durable the changes must be: a change stream allows only `majority`. */
  readonly readConcern?: Driver.ReadConcernLike | undefined
  /** Reads int64 values as `bigint`. */
  readonly useBigInt64?: boolean | undefined
  /** Reads int64 values as numbers if they fit. */
  readonly promoteLongs?: boolean | undefined
  /** Reads numbers as JavaScript numbers. */
  readonly promoteValues?: boolean | undefined
  /** Reads binary values as `Buffer`. */
  readonly promoteBuffers?: boolean | undefined
  /** Reads regular expressions as `BSONRegExp`. */
  readonly bsonRegExp?: boolean | undefined
  /** Checks that strings are valid UTF-8. */
  readonly enableUtf8Validation?: boolean | undefined
  /**
   * Lets the server split events of more than 16 MB; mongofx puts them together again. Without it such an event ends the stream with
   * an error of the server. Needs MongoDB 6.0.9 or later.
   */
  readonly splitLargeEvents?: boolean | undefined
  /** How long a failed stream tries to resume, counted from the first of the failures in a row: 2 minutes by default. */
  readonly resumeTimeout?: Duration.Input | undefined
  /** Goes on after an `invalidate` (a drop or a rename) instead of ending there. */
  readonly continueAfterInvalidate?: boolean | undefined
}

/**
 * Options of `watch` for events with documents as bytes.
 *
 * **When to use**
 *
 * Use it to pass documents on as they are, or to decode them yourself.
 *
 * **Details**
 *
 * `fullDocument` and `fullDocumentBeforeChange` are the BSON of the documents, each a separate copy. mongofx does not look into them:
 * an invalid UTF-8 string in them is not a failure. If the server sends `null`, the field is `null`. All other fields are read
 * as usual.
 *
 * **Example** (Copying a collection as it changes)
 *
 * ```ts
 * import type { MongoCollection } from "@mongofx/core"
 * import { Effect, Stream } from "effect"
 *
 * const copy = (users: MongoCollection.MongoCollection, write: (document: Uint8Array) => Effect.Effect<void>) =>
 *   users.watch([{ $match: { operationType: "insert" } }], { rawDocuments: true }).pipe(
 *     Stream.runForEach((event) => event.operationType === "insert" ? write(event.fullDocument) : Effect.void)
 *   )
 * ```
 *
 * @see {@link WatchOptions} for events with decoded documents
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface RawWatchOptions extends WatchOptions {
  /** Leaves `fullDocument` and `fullDocumentBeforeChange` as bytes. */
  readonly rawDocuments: true
}

/**
 * A batch of events: one answer of the server.
 *
 * @see {@link OpenChangeStream} for taking batches one by one
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ChangeBatch<A extends Driver.Document = Driver.Document, Event = ChangeEvent<A>> {
  /** The events, in order. */
  readonly events: ReadonlyArray<Event>
  /** For each event, the token to resume after it. */
  readonly tokens: ReadonlyArray<Driver.ResumeToken>
  /** The token to resume after all of them, if the server has given one. */
  readonly resumeToken: Option.Option<Driver.ResumeToken>
}

/**
 * A change stream that is open on the server.
 *
 * @see {@link ChangeStream} for a change stream that opens with each run
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface OpenChangeStream<A extends Driver.Document = Driver.Document, Event = ChangeEvent<A>> {
  /** The events since it was opened. Each run of the stream takes whole batches, which other runs do not see. */
  readonly stream: Stream.Stream<Event, MongoError>
  /** The next answer of the server. It has no events if nothing happened for `maxAwaitTime`. An interruption loses no events. */
  readonly next: Effect.Effect<ChangeBatch<A, Event>, MongoError>
  /**
   * The token to resume after everything that was taken so far. It also moves on while nothing happens: every empty answer of the
   * server says how far it has looked (`postBatchResumeToken`).
   */
  readonly resumeToken: Effect.Effect<Option.Option<Driver.ResumeToken>>
}

/**
 * The changes of a collection, a database or a deployment. Every run of the stream opens its own change stream, and closes it on the
 * server when the run ends, fails or is interrupted.
 *
 * **Details**
 *
 * After a failure that the driver specification calls resumable, a run resumes where it was, with a growing pause between the
 * attempts and for `resumeTimeout` at most. Events are neither lost nor repeated. It fails with a `MongoError`:
 *
 * - a `ChangeStreamError` of kind `historyLost` when the server no longer has the next events, `invalidated` after the event
 *   `invalidate`, `invalidResumeToken` or `fatal`
 * - the failure of opening it, or of the last attempt to resume it
 *
 * **Gotchas**
 *
 * A change stream needs a replica set or a sharded cluster. It never joins a transaction or the session of `withSession`.
 *
 * **Example** (Knowing that it is open before writing)
 *
 * ```ts
 * import type { MongoCollection } from "@mongofx/core"
 * import { Effect, Stream } from "effect"
 *
 * const program = (users: MongoCollection.MongoCollection) =>
 *   Effect.scoped(Effect.gen(function*() {
 *     const changes = yield* users.watch().open
 *     yield* users.insertOne({ name: "Ada" })
 *     return yield* Stream.runHead(changes.stream)
 *   }))
 * ```
 *
 * @see `ChangeStreamConsumer.consume` for events that must survive the end of the process
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ChangeStream<A extends Driver.Document = Driver.Document, Event = ChangeEvent<A>>
  extends Stream.Stream<Event, MongoError>
{
  /** Opens the change stream on the server as long as the scope lives. It has every change from then on. */
  readonly open: Effect.Effect<OpenChangeStream<A, Event>, MongoError, Scope.Scope>
  /**
   * One of several parts, counted from 0: the events whose document belongs to it, by the hash of its `_id`. The server chooses them, before the
   * pipeline. An event without a document, such as a drop, is in every part. A part of a part is a part of the whole. Fails with an
   * `InvalidArgumentError` when it is opened if there is no such part; there are 1024 at most.
   */
  readonly part: (index: number, of: number) => ChangeStream<A, Event>
  /**
   * A token after which every part can begin: the server refuses to begin a part after an event of another part. It stands for the time of the
   * given token, so that the events of that time come again. Fails with a `ChangeStreamError` if the server no longer has them, and with an
   * `InvalidArgumentError` or a `ChangeStreamError` if the tokens are not those of MongoDB.
   */
  readonly tokenForParts: (token: Driver.ResumeToken) => Effect.Effect<Driver.ResumeToken, MongoError>
}

/**
 * The operation `watch` of a collection, a database or a client.
 *
 * @see {@link ChangeStream} for its result
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Watch<A extends Driver.Document = Driver.Document> {
  // The signatures without type parameters come first: otherwise the context of a call, as in `consume`, would infer them.
  (pipeline: ReadonlyArray<Driver.Document> | undefined, options: RawWatchOptions): ChangeStream<A, RawChangeEvent<A>>
  (pipeline?: ReadonlyArray<Driver.Document>, options?: WatchOptions): ChangeStream<A>
  <B extends Driver.Document = A>(
    pipeline: ReadonlyArray<Driver.Document> | undefined,
    options: RawWatchOptions
  ): ChangeStream<B, RawChangeEvent<B>>
  <B extends Driver.Document = A>(
    pipeline?: ReadonlyArray<Driver.Document>,
    options?: WatchOptions
  ): ChangeStream<B>
}
