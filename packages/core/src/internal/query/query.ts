/** The queries of core, each made of a reading and settings. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"
import type { MongoError } from "../../MongoError.ts"
import type { AggregateQuery, FindQuery, OpenQuery, Query } from "../../Query.ts"
import type { Operation } from "../call/description.ts"
import { defined } from "../call/options.ts"
import {
  type Aggregatable,
  AggregateReading,
  type Findable,
  FindReading,
  type OpenPlain,
  PlainReading,
  type Target
} from "./cursorReading.ts"
import { bytesOnly, type OpenReading, type Settings } from "./reading.ts"
import { AggregateQueryBase, FindQueryBase, QueryBase } from "./settings.ts"
import { ValuesReading } from "./valuesReading.ts"

/** @internal */
export const TypeId = "~@mongofx/core/Query" as const

class PlainQueryImpl<A> extends QueryBase<A, MongoError, never, Query<A>, OpenReading<A>> implements Query<A> {
  readonly [TypeId] = TypeId

  get open(): Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope> {
    return this.reading.open(this.settings)
  }

  protected override with(settings: Settings): Query<A> {
    return new PlainQueryImpl(this.reading, settings)
  }
}

class AggregateQueryImpl<A> extends AggregateQueryBase<A, MongoError, never, AggregateQuery<A>, OpenReading<A>>
  implements AggregateQuery<A>
{
  readonly [TypeId] = TypeId

  get open(): Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope> {
    return this.reading.open(this.settings)
  }

  protected override with(settings: Settings): AggregateQuery<A> {
    return new AggregateQueryImpl(this.reading, settings)
  }
}

class FindQueryImpl<A> extends FindQueryBase<A, MongoError, never, FindQuery<A>, OpenReading<A>>
  implements FindQuery<A>
{
  readonly [TypeId] = TypeId

  get open(): Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope> {
    return this.reading.open(this.settings)
  }

  protected override with(settings: Settings): FindQuery<A> {
    return new FindQueryImpl(this.reading, settings)
  }

  project<B = Driver.Document>(projection: Driver.Document): FindQuery<B> {
    return this.set({ projection }) as FindQuery<unknown> as FindQuery<B>
  }
  returnKey(returnKey = true): FindQuery<A> {
    return this.set({ returnKey })
  }
  showRecordId(showRecordId = true): FindQuery<A> {
    return this.set({ showRecordId })
  }
}

/**
 * Returns the same query with documents as bytes.
 *
 * @internal
 */
export const rawQuery = (query: Query<unknown>): Query<Uint8Array> =>
  // This module makes all queries of core.
  (query as PlainQueryImpl<unknown>).set(bytesOnly) as Query<never>

/** @internal */
export const makeFind = <A>(
  target: Target<Findable>,
  operation: Operation,
  filter: Driver.Document,
  options: object | undefined
): FindQuery<A> =>
  new FindQueryImpl<A>(new FindReading(target, operation, options, filter), defined(options) as Settings ?? {})

/** @internal */
export const makeAggregate = <A>(
  target: Target<Aggregatable>,
  operation: Operation,
  pipeline: ReadonlyArray<Driver.Document>,
  options: object | undefined
): AggregateQuery<A> =>
  new AggregateQueryImpl<A>(
    new AggregateReading(target, operation, options, pipeline),
    defined(options) as Settings ?? {}
  )

/**
 * Makes a query that gets all its settings at once.
 *
 * @param subject What it asks for; only the keys are printed.
 * @internal
 */
export const makePlain = <A, D>(
  target: Target<D>,
  operation: Operation,
  open: OpenPlain<D>,
  options: object | undefined,
  subject: Readonly<Record<string, unknown>>,
  defaults: Settings = {}
): Query<A> =>
  new PlainQueryImpl<A>(new PlainReading(target, operation, options, open, subject), {
    ...defaults,
    ...defined(options)
  })

/**
 * Makes a query that works without a server.
 *
 * @internal
 */
export const fromIterable = <A>(values: Iterable<A>): FindQuery<A> => new FindQueryImpl(new ValuesReading(values), {})
