/** The queries of core, made of a reading and settings. */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"
import type { MongoError } from "../../MongoError.ts"
import type { AggregateQuery, FindQuery, OpenQuery, Query } from "../../Query.ts"
import { defined } from "../call/options.ts"
import { checkGiven } from "../input/check.ts"
import { AggregateReading, FindReading, type Open, type Origin, PlainReading } from "./cursorReading.ts"
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
 * The same query, whose documents are their bytes.
 *
 * @internal
 */
export const rawQuery = (query: Query<unknown>): Query<Uint8Array> =>
  // This module makes all queries of core.
  (query as PlainQueryImpl<unknown>).set(bytesOnly) as Query<never>

/** What can be no options fails the query when it runs, and not when it is made. */
const opening = <Args extends ReadonlyArray<unknown>>(options: unknown, open: Open<Args>): Open<Args> => (...args) => {
  checkGiven(options)
  return open(...args)
}

/** @internal */
export const makeFind = <A>(
  origin: Origin,
  find: Open<[filter: Driver.Document]>,
  filter: Driver.Document,
  options: object | undefined
): FindQuery<A> =>
  new FindQueryImpl<A>(new FindReading(origin, opening(options, find), filter), defined(options) as Settings ?? {})

/** @internal */
export const makeAggregate = <A>(
  origin: Origin,
  aggregate: Open<[pipeline: Array<Driver.Document>]>,
  pipeline: ReadonlyArray<Driver.Document>,
  options: object | undefined
): AggregateQuery<A> =>
  new AggregateQueryImpl<A>(
    new AggregateReading(origin, opening(options, aggregate), pipeline),
    defined(options) as Settings ?? {}
  )

/**
 * A query whose settings are all given when it is made.
 *
 * @param subject What it asks for, to be printed by its keys.
 * @internal
 */
export const makePlain = <A>(
  origin: Origin,
  open: Open<[]>,
  options: object | undefined,
  subject: Readonly<Record<string, unknown>>,
  defaults: Settings = {}
): Query<A> =>
  new PlainQueryImpl<A>(new PlainReading(origin, opening(options, open), subject), {
    ...defaults,
    ...defined(options)
  })

/**
 * A query that asks no server.
 *
 * @internal
 */
export const fromIterable = <A>(values: Iterable<A>): FindQuery<A> => new FindQueryImpl(new ValuesReading(values), {})
