/** How a query is read. Every view of a query comes from its reading: from a cursor, a decoder or given values. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type { MongoError } from "../../MongoError.ts"
import type { OpenQuery } from "../../Query.ts"
import type { QueryPlan } from "../../QueryPlan.ts"
import { printedAs } from "./outline.ts"

/**
 * The settings of a query, by their names in the driver's options.
 *
 * @internal
 */
export type Settings = Readonly<Record<string, unknown>>

/**
 * The setting that makes a cursor deliver documents as bytes, each a `Uint8Array`.
 *
 * @internal
 */
export const bytesOnly: Settings = { raw: true }

/** @internal */
export abstract class Reading<A, E = MongoError, R = never> {
  /** What the query prints. */
  abstract printed(settings: Settings): object
  /** The message of `one` when the query finds nothing. */
  protected abstract readonly noDocument: string

  abstract array(settings: Settings): Effect.Effect<Array<A>, E, R>
  abstract stream(settings: Settings): Stream.Stream<A, E, R>
  abstract raw(settings: Settings): Stream.Stream<Uint8Array, E, R>
  abstract explain(
    settings: Settings,
    verbosity: Driver.ExplainVerbosityLike | undefined
  ): Effect.Effect<QueryPlan, E, R>

  batches(settings: Settings): Stream.Stream<ReadonlyArray<A>, E, R> {
    return Stream.chunks(this.stream(settings))
  }

  first(settings: Settings): Effect.Effect<Option.Option<A>, E, R> {
    return Stream.runHead(this.stream(settings))
  }

  one(settings: Settings): Effect.Effect<A, E | Cause.NoSuchElementError, R> {
    return Effect.flatMap(
      this.first(settings),
      Option.match({
        onNone: () => Effect.fail(new Cause.NoSuchElementError(this.noDocument)),
        onSome: (document) => Effect.succeed(document)
      })
    )
  }
}

/**
 * A reading whose settings can make it deliver bytes, and that can be opened to take one batch after the other.
 *
 * @internal
 */
export abstract class OpenReading<A> extends Reading<A> {
  override raw(settings: Settings): Stream.Stream<Uint8Array, MongoError> {
    return this.stream({ ...settings, ...bytesOnly }) as Stream.Stream<never, MongoError>
  }

  protected abstract opened(settings: Settings): Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope>

  open(settings: Settings): Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope> {
    return Effect.map(
      this.opened(settings),
      (opened) => printedAs(opened, { ...this.printed(settings), _id: "OpenQuery" })
    )
  }
}

/**
 * Takes the first document of an array.
 *
 * @internal
 */
export const head = <A, E, R>(documents: Effect.Effect<Array<A>, E, R>): Effect.Effect<Option.Option<A>, E, R> =>
  Effect.map(documents, (documents) => documents.length === 0 ? Option.none() : Option.some(documents[0]!))
