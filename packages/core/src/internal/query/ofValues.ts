/** Queries that ask no server: their answer is known. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Driver from "mongodb"
import { InvalidArgumentError, MongoError } from "../../MongoError.ts"
import type { FindQuery, OpenQuery } from "../../Query.ts"
import type { Operation } from "../call/description.ts"
import { classify } from "../errors/classify.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { printedAs } from "./printedAs.ts"
import { TypeId } from "./query.ts"

const operation: Operation = { name: "fromIterable", command: "find" }

const serialize = (value: unknown): Effect.Effect<Uint8Array, MongoError> =>
  Effect.try({
    try: () => Driver.BSON.serialize(value as Driver.Document, { ignoreUndefined: true }),
    catch: (cause) => new MongoError({ reason: classify(cause, { operation: operation.name }) })
  })

class ValuesQueryImpl<A> extends Effectable.Class<Array<A>, MongoError> implements FindQuery<A> {
  readonly [TypeId] = TypeId
  private readonly values: Iterable<A>
  private readonly from: number
  private readonly size: number

  constructor(values: Iterable<A>, from: number, size: number) {
    super()
    this.values = values
    this.from = from
    this.size = size
  }

  override toJSON(): unknown {
    return { _id: "Query", operation: operation.name }
  }

  /** Anew for every run. */
  private get answer(): Effect.Effect<Array<A>> {
    return Effect.sync(() => {
      const out: Array<A> = []
      if (this.size === 0) return out
      let index = 0
      for (const value of this.values) {
        if (index++ < this.from) continue
        if (out.push(value) === this.size) break
      }
      return out
    })
  }

  override asEffect(): Effect.Effect<Array<A>, MongoError> {
    return this.answer
  }

  get stream(): Stream.Stream<A, MongoError> {
    return Stream.unwrap(Effect.map(this.answer, Stream.fromIterable))
  }

  get batches(): Stream.Stream<ReadonlyArray<A>, MongoError> {
    return Stream.chunks(this.stream)
  }

  get raw(): Stream.Stream<Uint8Array, MongoError> {
    return Stream.mapEffect(this.stream, serialize)
  }

  get first(): Effect.Effect<Option.Option<A>, MongoError> {
    return Effect.map(this.answer, (values) => Option.fromIterable(values))
  }

  get one(): Effect.Effect<A, MongoError | Cause.NoSuchElementError> {
    return Effect.flatMap(this.answer, (values) =>
      values.length === 0
        ? Effect.fail(new Cause.NoSuchElementError(`${operation.name} found no document`))
        : Effect.succeed(values[0]!))
  }

  get open(): Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope> {
    return Effect.map(this.answer, (values) => {
      let left: ReadonlyArray<A> = values
      const next = Effect.sync(() => {
        const batch = left
        left = []
        return batch
      })
      return printedAs(
        { next, stream: Stream.unwrap(Effect.map(next, Stream.fromIterable)) },
        { _id: "OpenQuery", operation: operation.name }
      )
    })
  }

  limit(limit: number): FindQuery<A> {
    return new ValuesQueryImpl(this.values, this.from, limit === 0 ? Infinity : Math.abs(limit))
  }
  skip(skip: number): FindQuery<A> {
    return new ValuesQueryImpl(this.values, skip, this.size)
  }
  project<B = Driver.Document>(): FindQuery<B> {
    return this as unknown as FindQuery<B>
  }
  explain(): Effect.Effect<Driver.Document, MongoError> {
    return Effect.fail(ownFailure(InvalidArgumentError, operation, "a query of values has no plan"))
  }

  // The values are the answer to whatever else is asked.
  private readonly same = (): FindQuery<A> => this
  readonly sort = this.same
  readonly hint = this.same
  readonly min = this.same
  readonly max = this.same
  readonly collation = this.same
  readonly comment = this.same
  readonly batchSize = this.same
  readonly maxTimeMS = this.same
  readonly allowDiskUse = this.same
  readonly returnKey = this.same
  readonly showRecordId = this.same
  readonly noCursorTimeout = this.same
  readonly tailable = this.same
  readonly readPreference = this.same
  readonly readConcern = this.same
}

/** @internal */
export const fromIterable = <A>(values: Iterable<A>): FindQuery<A> => new ValuesQueryImpl(values, 0, Infinity)
