/**
 * Change streams of typed collections: the `ChangeStream` of `@mongofx/core` with decoded documents.
 *
 * @since 0.1.0
 */
import type { ChangeStream as Core, MongoError } from "@mongofx/core"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type { DocumentError } from "./DocumentError.ts"
import type { Failure, OnInvalid } from "./TypedQuery.ts"

/**
 * An event of a change stream. `fullDocument`, `fullDocumentBeforeChange` and the `_id` in `documentKey` are decoded.
 * `updateDescription` has the stored names and values that the server sends.
 *
 * @see {@link DecodedChangeStream} for the stream of these events
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ChangeEvent<A> = Core.ChangeEvent<A extends Driver.Document ? A : never>

/**
 * The changes of a collection, decoded. `ChangeStream` of `@mongofx/core` says how the stream resumes after failures.
 *
 * @see {@link OpenChangeStream} for the events with their resume tokens
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface TypedChangeStream<Event, R = never> extends Stream.Stream<Event, Failure, R> {
  /** Opens the change stream on the server for as long as the scope lives. It has all changes from then on. */
  readonly open: Effect.Effect<OpenChangeStream<Event, R>, MongoError.MongoError, Scope.Scope>
  /** One of several parts, counted from 0, as `part` of `ChangeStream` in `@mongofx/core`. */
  readonly part: (index: number, of: number) => TypedChangeStream<Event, R>
  /** A token after which every part can begin, as `tokenForParts` of `ChangeStream` in `@mongofx/core`. */
  readonly tokenForParts: (token: Driver.ResumeToken) => Effect.Effect<Driver.ResumeToken, MongoError.MongoError>
}

/**
 * A change stream that is open on the server.
 *
 * @see {@link TypedChangeStream} for a stream that opens and closes itself
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface OpenChangeStream<Event, R = never> {
  /** The events since the change stream was opened. */
  readonly stream: Stream.Stream<Event, Failure, R>
  /**
   * The next batch of the server. It is empty if nothing has happened for `maxAwaitTime`. When an event does not decode, the
   * events before it come as one batch, and the next call fails.
   */
  readonly next: Effect.Effect<Core.ChangeBatch<Driver.Document, Event>, Failure, R>
  /** The resume token after all events that have been taken so far. */
  readonly resumeToken: Effect.Effect<Option.Option<Driver.ResumeToken>>
}

/**
 * A change stream that lets you choose what happens to events that do not decode.
 *
 * @see {@link TypedChangeStream} for a stream whose treatment was chosen
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface DecodedChangeStream<A, R = never> extends TypedChangeStream<ChangeEvent<A>, R> {
  /** Chooses what happens to an event whose document does not decode. */
  readonly onInvalid: OnInvalid<
    TypedChangeStream<ChangeEvent<A>, R>,
    TypedChangeStream<ChangeEvent<A>, R>,
    TypedChangeStream<Result.Result<ChangeEvent<A>, DocumentError>, R>
  >
}
