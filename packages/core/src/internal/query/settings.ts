/** The settings of queries. Each is a method that returns the query with one more setting. Add a new setting here. */
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Option from "effect/Option"
import type * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type * as Query from "../../Query.ts"
import type { QueryPlan } from "../../QueryPlan.ts"
import { including } from "../call/options.ts"
import type { Reading, Settings } from "./reading.ts"

/** The terms of an index. The interface of each query gives their types. */
type AnyTerms = Record<keyof Query.IndexTerms, unknown>

/**
 * A query: its reading, and the settings to read it with.
 *
 * @internal
 */
export abstract class QueryBase<A, E, R, Self, Read extends Reading<A, E, R> = Reading<A, E, R>>
  extends Effectable.Class<Array<A>, E, R>
  implements Query.Views<A, E, R>
{
  protected readonly reading: Read
  protected readonly settings: Settings

  constructor(reading: Read, settings: Settings) {
    super()
    this.reading = reading
    this.settings = settings
  }

  /** This query with other settings. */
  protected abstract with(settings: Settings): Self

  /** This query with more settings. */
  set(more: Settings): Self {
    return this.with(including(this.settings, more))
  }

  override toJSON(): object {
    return this.reading.printed(this.settings)
  }

  override asEffect(): Effect.Effect<Array<A>, E, R> {
    return this.reading.array(this.settings)
  }

  get stream(): Stream.Stream<A, E, R> {
    return this.reading.stream(this.settings)
  }

  get batches(): Stream.Stream<ReadonlyArray<A>, E, R> {
    return this.reading.batches(this.settings)
  }

  get raw(): Stream.Stream<Uint8Array, E, R> {
    return this.reading.raw(this.settings)
  }

  get first(): Effect.Effect<Option.Option<A>, E, R> {
    return this.reading.first(this.settings)
  }

  get one(): Effect.Effect<A, E | Cause.NoSuchElementError, R> {
    return this.reading.one(this.settings)
  }
}

/**
 * A query with the settings that `find` and `aggregate` share.
 *
 * @internal
 */
export abstract class AggregateQueryBase<A, E, R, Self, Read extends Reading<A, E, R> = Reading<A, E, R>>
  extends QueryBase<A, E, R, Self, Read>
  implements Query.Settings<Self, AnyTerms>, Query.Explainable<E, R>
{
  hint(hint: unknown): Self {
    return this.set({ hint })
  }
  collation(collation: Driver.CollationOptions): Self {
    return this.set({ collation })
  }
  comment(comment: unknown): Self {
    return this.set({ comment })
  }
  batchSize(batchSize: number): Self {
    return this.set({ batchSize })
  }
  maxTimeMS(maxTimeMS: number): Self {
    return this.set({ maxTimeMS })
  }
  allowDiskUse(allowDiskUse = true): Self {
    return this.set({ allowDiskUse })
  }
  readPreference(readPreference: Driver.ReadPreferenceLike): Self {
    return this.set({ readPreference })
  }
  readConcern(readConcern: Driver.ReadConcernLike): Self {
    return this.set({ readConcern })
  }
  explain(verbosity?: Driver.ExplainVerbosityLike): Effect.Effect<QueryPlan, E, R> {
    return this.reading.explain(this.settings, verbosity)
  }
}

/**
 * A query with the settings of `find`.
 *
 * @internal
 */
export abstract class FindQueryBase<A, E, R, Self, Read extends Reading<A, E, R> = Reading<A, E, R>>
  extends AggregateQueryBase<A, E, R, Self, Read>
  implements Query.FindSettings<Self, AnyTerms>
{
  sort(sort: unknown): Self {
    return this.set({ sort })
  }
  limit(limit: number): Self {
    return this.set({ limit })
  }
  skip(skip: number): Self {
    return this.set({ skip })
  }
  min(min: unknown): Self {
    return this.set({ min })
  }
  max(max: unknown): Self {
    return this.set({ max })
  }
  noCursorTimeout(noCursorTimeout = true): Self {
    return this.set({ noCursorTimeout })
  }
  tailable({ awaitData = true, maxAwaitTimeMS }: Query.TailableOptions = {}): Self {
    return this.set({ tailable: true, awaitData, ...(maxAwaitTimeMS === undefined ? {} : { maxAwaitTimeMS }) })
  }
}
