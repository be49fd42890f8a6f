/**
 * Change streams: what happens to a collection, a database or a deployment, as a `Stream` that goes on after failures.
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
 * The operation types that this version does not know. They are strings when the program runs; the type is no string, so that a
 * comparison with a known one tells the events apart.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface UnknownOperationType {
  /** Marks the type: no value has it. */
  readonly "~@mongofx/core/ChangeStream/UnknownOperationType": never
}

/**
 * An event of a type that this version does not know: servers learn new ones.
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
  /** Whatever else the server says. */
  readonly [field: string]: unknown
}

/**
 * Where a sharded cluster has finished a transaction; with `showExpandedEvents`.
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
  /** When it happened, in the time of the cluster. */
  readonly clusterTime?: Driver.Timestamp | undefined
  /** The session of the transaction. */
  readonly lsid?: Driver.ServerSessionId | undefined
  /** The number of the transaction in its session. */
  readonly txnNumber?: number | undefined
  /** The transaction. */
  readonly operationDescription?: Driver.Document | undefined
}

/**
 * What a change stream tells of: one of the driver's events, by `operationType`, or one that is not known yet. `_id` is its resume
 * token.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ChangeEvent<A extends Driver.Document = Driver.Document> =
  | Driver.ChangeStreamDocument<A>
  | EndOfTransactionEvent
  | UnknownChangeEvent

/** The events of a type with the documents of the collection as bytes. */
type WithRawDocuments<Event, Key extends string = "fullDocument" | "fullDocumentBeforeChange"> = Event extends unknown
  ? [Extract<keyof Event, Key>] extends [never] ? Event
  : { [K in keyof Event]: K extends Key ? Uint8Array | (undefined extends Event[K] ? null : never) : Event[K] }
  : never

/**
 * What a change stream tells of with `rawDocuments`: a `ChangeEvent` whose `fullDocument` and `fullDocumentBeforeChange` are BSON.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type RawChangeEvent<A extends Driver.Document = Driver.Document> = WithRawDocuments<ChangeEvent<A>>

/**
 * Options of `watch`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface WatchOptions {
  /** Whether an update event has the whole document: as it is when the event is read (`updateLookup`), or as it was after the update, which needs post-images. */
  readonly fullDocument?: "default" | "updateLookup" | "whenAvailable" | "required" | undefined
  /** Whether an event has the document as it was before, which needs pre-images. */
  readonly fullDocumentBeforeChange?: "off" | "whenAvailable" | "required" | undefined
  /** Starts behind the event with this token. */
  readonly resumeAfter?: Driver.ResumeToken | undefined
  /** Starts behind the event with this token, which may be an invalidate. */
  readonly startAfter?: Driver.ResumeToken | undefined
  /** Starts with what happened at this time. */
  readonly startAtOperationTime?: Driver.Timestamp | undefined
  /** Tells of created indexes, modified collections, sharding and the like too. */
  readonly showExpandedEvents?: boolean | undefined
  /** The most events of a batch. */
  readonly batchSize?: number | undefined
  /** How long the server waits for an event before it answers with an empty batch: one second by default. */
  readonly maxAwaitTime?: Duration.Input | undefined
  /** The collation of the pipeline. */
  readonly collation?: Driver.CollationOptions | undefined
  /** A comment in the server's log and profiler. */
  readonly comment?: unknown
  /** Which members are read from. */
  readonly readPreference?: Driver.ReadPreferenceLike | undefined
  /** How far what is read must be confirmed: a change stream allows `majority` only. */
  readonly readConcern?: Driver.ReadConcernLike | undefined
  /** Reads int64 values as `bigint`. */
  readonly useBigInt64?: boolean | undefined
  /** Reads int64 values as numbers where they fit. */
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
   * Lets the server split events of more than 16 MB; they arrive whole here. Without it such an event ends the stream with a
   * server's error. Needs MongoDB 6.0.9 or later.
   */
  readonly splitLargeEvents?: boolean | undefined
  /** For how long a stream that has failed is tried to be resumed, counted from the first of the failures in a row: 2 minutes by default. */
  readonly resumeTimeout?: Duration.Input | undefined
  /** Goes on past an `invalidate` (after a drop or rename) and does not end there. */
  readonly continueAfterInvalidate?: boolean | undefined
}

/**
 * Options of `watch` for events with the bytes of the documents.
 *
 * **When to use**
 *
 * Use where documents are handed on as they are, or where a decoder of your own reads them.
 *
 * **Details**
 *
 * `fullDocument` and `fullDocumentBeforeChange` are the BSON of the documents, each a copy of its own. Nothing in them is looked at:
 * a string in them that is no valid UTF-8 is no failure. Where the server says `null`, so does the event; all other fields are read
 * as without the option.
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
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface RawWatchOptions extends WatchOptions {
  /** Leaves `fullDocument` and `fullDocumentBeforeChange` as bytes. */
  readonly rawDocuments: true
}

/**
 * One answer of the server.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ChangeBatch<A extends Driver.Document = Driver.Document, Event = ChangeEvent<A>> {
  /** The events, in their order. */
  readonly events: ReadonlyArray<Event>
  /** For each of the events the token to resume with behind it. */
  readonly tokens: ReadonlyArray<Driver.ResumeToken>
  /** The token to resume with after all of them, if the server has said one. */
  readonly resumeToken: Option.Option<Driver.ResumeToken>
}

/**
 * A change stream that is open on the server.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface OpenChangeStream<A extends Driver.Document = Driver.Document, Event = ChangeEvent<A>> {
  /** The events since it was opened. It is one stream, and takes whole batches: what one run of it has taken, another does not see. */
  readonly stream: Stream.Stream<Event, MongoError>
  /** The next answer of the server, which has no events where nothing has happened for `maxAwaitTime`. Interrupted, it loses nothing. */
  readonly next: Effect.Effect<ChangeBatch<A, Event>, MongoError>
  /**
   * The token to resume with after everything that has been taken so far. It moves on while nothing happens, since the server says
   * with every empty answer up to where it has looked (`postBatchResumeToken`).
   */
  readonly resumeToken: Effect.Effect<Option.Option<Driver.ResumeToken>>
}

/**
 * The changes of a collection, a database or a deployment. Every run of the stream is a change stream of its own, which is closed on the
 * server when the run ends, fails or is interrupted.
 *
 * **Details**
 *
 * A run that fails in a way that the driver specification calls resumable goes on where it was, with a growing pause between the
 * tries and for `resumeTimeout` at most; events are neither lost nor repeated. It fails with a `MongoError`:
 *
 * - `ChangeStreamError` with kind `historyLost` when the server no longer has what comes next, `invalidated` after the event
 *   `invalidate`, `invalidResumeToken` and `fatal`
 * - what opening it, or the last try to resume it, failed with
 *
 * **Gotchas**
 *
 * A change stream needs a replica set. It never takes part in a transaction, nor in the session of `withSession`.
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
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ChangeStream<A extends Driver.Document = Driver.Document, Event = ChangeEvent<A>>
  extends Stream.Stream<Event, MongoError>
{
  /** Opens the change stream on the server, for as long as the scope lives: what is written from then on is in it. */
  readonly open: Effect.Effect<OpenChangeStream<A, Event>, MongoError, Scope.Scope>
}

/**
 * The operation `watch` of a collection, a database or a client.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Watch<A extends Driver.Document = Driver.Document> {
  // Without type parameters first: where a call stands, as in `consume`, would else decide them.
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
