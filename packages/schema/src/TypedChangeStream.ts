/**
 * Change streams of typed collections: what `@mongofx/core` has as `ChangeStream`, with documents that are decoded.
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
 * An event of a change stream. `fullDocument`, `fullDocumentBeforeChange` and the `_id` in `documentKey` are decoded;
 * `updateDescription` is as the server says it.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type ChangeEvent<A> = Core.ChangeEvent<A extends Driver.Document ? A : never>

/**
 * The changes of a collection, decoded. See `ChangeStream` of `@mongofx/core` for how it goes on after failures.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface TypedChangeStream<Event, R = never> extends Stream.Stream<Event, Failure, R> {
  /** Opens the change stream on the server, for as long as the scope lives: what is written from then on is in it. */
  readonly open: Effect.Effect<OpenChangeStream<Event, R>, MongoError.MongoError, Scope.Scope>
}

/**
 * A change stream that is open on the server.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface OpenChangeStream<Event, R = never> {
  /** The events since it was opened. */
  readonly stream: Stream.Stream<Event, Failure, R>
  /**
   * The next answer of the server, which has no events where nothing has happened for `maxAwaitTime`. Where an event does not decode,
   * those before it are an answer of their own, and the next one is its failure.
   */
  readonly next: Effect.Effect<Core.ChangeBatch<Driver.Document, Event>, Failure, R>
  /** The token to resume with after everything that has been taken so far. */
  readonly resumeToken: Effect.Effect<Option.Option<Driver.ResumeToken>>
}

/**
 * A change stream whose treatment of events that do not decode can be chosen.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface DecodedChangeStream<A, R = never> extends TypedChangeStream<ChangeEvent<A>, R> {
  /** What is done with an event whose document does not decode. */
  readonly onInvalid: OnInvalid<
    TypedChangeStream<ChangeEvent<A>, R>,
    TypedChangeStream<ChangeEvent<A>, R>,
    TypedChangeStream<Result.Result<ChangeEvent<A>, DocumentError>, R>
  >
}
