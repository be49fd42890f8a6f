/** Typed queries that ask no server: their answer is known. */
import { Integration, MongoError, Query as Core } from "@mongofx/core"
import type * as Cause from "effect/Cause"
import type * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Iterable from "effect/Iterable"
import type * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type { DecodePolicy, Failure, ValuesQuery } from "../../TypedQuery.ts"

const noBytes = Integration.failure(MongoError.InvalidArgumentError, {
  operation: "fromIterable",
  message: "a query of decoded values has no bytes"
})

/** What was built on the query. */
type Build = <A>(query: Core.FindQuery<A>) => Core.FindQuery<A>

class ValuesQueryImpl<A> extends Effectable.Class<Array<A>, Failure> {
  private readonly values: globalThis.Iterable<A>
  private readonly build: Build

  constructor(values: globalThis.Iterable<A>, build: Build) {
    super()
    this.values = values
    this.build = build
  }

  private get core(): Core.FindQuery<A> {
    return this.build(Core.fromIterable(this.values))
  }

  override toJSON(): unknown {
    return { _id: "Query", operation: "fromIterable" }
  }

  override asEffect(): Effect.Effect<Array<A>, Failure> {
    return this.core
  }

  get stream(): Stream.Stream<A, Failure> {
    return this.core.stream
  }

  get batches(): Stream.Stream<ReadonlyArray<A>, Failure> {
    return this.core.batches
  }

  get raw(): Stream.Stream<Uint8Array, Failure> {
    return Stream.fail(noBytes)
  }

  get first(): Effect.Effect<Option.Option<A>, Failure> {
    return this.core.first
  }

  get one(): Effect.Effect<A, Failure | Cause.NoSuchElementError> {
    return this.core.one
  }

  limit(limit: number) {
    return new ValuesQueryImpl(this.values, (query) => this.build(query).limit(limit))
  }
  skip(skip: number) {
    return new ValuesQueryImpl(this.values, (query) => this.build(query).skip(skip))
  }
  explain(): Effect.Effect<Driver.Document, Failure> {
    return this.core.explain()
  }

  /** All values fit: none is an error. */
  onInvalid(policy: DecodePolicy) {
    return policy === "collect" ? new ValuesQueryImpl(Iterable.map(this.values, Result.succeed), this.build) : this
  }

  // The values are the answer to whatever else is asked.
  private readonly same = () => this
  readonly sort = this.same
  readonly project = this.same
  readonly hint = this.same
  readonly min = this.same
  readonly max = this.same
  readonly collation = this.same
  readonly comment = this.same
  readonly batchSize = this.same
  readonly maxTimeMS = this.same
  readonly allowDiskUse = this.same
  readonly noCursorTimeout = this.same
  readonly tailable = this.same
  readonly readPreference = this.same
  readonly readConcern = this.same
}

/** @internal */
export const fromIterable = <A>(values: globalThis.Iterable<A>): ValuesQuery<A> =>
  new ValuesQueryImpl(values, (query) => query) as unknown as ValuesQuery<A>
