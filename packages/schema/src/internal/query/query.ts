/** Makes the queries of typed collections from a reading and settings. */
import { Integration, type MongoCollection, type MongoDatabase } from "@mongofx/core"
import type * as Result from "effect/Result"
import type { DocumentError } from "../../DocumentError.ts"
import type {
  AggregateQuery,
  DecodePolicy,
  Failure,
  FindQuery,
  PageableQuery,
  TypedQuery,
  ValuesQuery
} from "../../TypedQuery.ts"
import type { Origin } from "../collection/failures.ts"
import type { Shape } from "../collection/shape.ts"
import { AggregateReading, type Aggregation, FindReading, type TypedReading } from "./decodedReading.ts"
import { ValuesReading } from "./valuesReading.ts"

/** @internal */
export const PageableTypeId = "~@mongofx/schema/Pageable" as const

/** What a query of `find` is made of. */
interface Parts {
  readonly reading: TypedReading<unknown, unknown>
  readonly settings: Integration.Settings
}

class FindQueryImpl<A, B, R> extends Integration.FindQueryBase<B, Failure, R, FindQuery<A, B, R>, TypedReading<B, R>>
  implements FindQuery<A, B, R>
{
  get [PageableTypeId](): typeof PageableTypeId {
    return PageableTypeId
  }

  /** The reading and the settings of a query of `find`. */
  static parts(query: unknown): Parts | undefined {
    return query instanceof FindQueryImpl ? { reading: query.reading, settings: query.settings } : undefined
  }

  protected override with(settings: Integration.Settings): FindQuery<A, B, R> {
    return new FindQueryImpl<A, B, R>(this.reading, settings)
  }

  project<C>(projection: unknown): FindQuery<A, C, R> {
    return this.set({ projection }) as FindQuery<A, unknown, R> as FindQuery<A, C, R>
  }

  onInvalid(policy: "fail" | "skip"): FindQuery<A, B, R>
  onInvalid(policy: "collect"): PageableQuery<Result.Result<B, DocumentError>, R>
  onInvalid(policy: DecodePolicy): PageableQuery<unknown, R> {
    return new FindQueryImpl<A, unknown, R>(this.reading.onInvalid(policy), this.settings)
  }
}

class AggregateQueryImpl<A, R>
  extends Integration.AggregateQueryBase<A, Failure, R, AggregateQuery<A, R>, TypedReading<A, R>>
  implements AggregateQuery<A, R>
{
  protected override with(settings: Integration.Settings): AggregateQuery<A, R> {
    return new AggregateQueryImpl<A, R>(this.reading, settings)
  }

  onInvalid(policy: "fail" | "skip"): AggregateQuery<A, R>
  onInvalid(policy: "collect"): TypedQuery<Result.Result<A, DocumentError>, R>
  onInvalid(policy: DecodePolicy): TypedQuery<unknown, R> {
    return new AggregateQueryImpl<unknown, R>(this.reading.onInvalid(policy), this.settings)
  }
}

/**
 * What a query is made of, if `find` or `fromIterable` made it.
 *
 * @internal
 */
export const partsOf = FindQueryImpl.parts

/** @internal */
export const makeFind = <A, B, R>(
  collection: MongoCollection.MongoCollection,
  origin: Origin,
  shape: Shape,
  filter: unknown,
  options: Integration.Settings
): FindQuery<A, B, R> => new FindQueryImpl<A, B, R>(new FindReading(collection, origin, "fail", shape, filter), options)

/** @internal */
export const makeAggregate = <A, R>(
  source: MongoCollection.MongoCollection | MongoDatabase.MongoDatabase,
  origin: Origin,
  aggregation: Aggregation,
  options: Integration.Settings = {}
): AggregateQuery<A, R> =>
  new AggregateQueryImpl<A, R>(new AggregateReading(source, origin, "fail", aggregation), options)

/**
 * A query of known values, without a server.
 *
 * @internal
 */
export const fromIterable = <A>(values: Iterable<A>): ValuesQuery<A> =>
  new FindQueryImpl<A, A, never>(new ValuesReading(values), {}) as unknown as ValuesQuery<A>
