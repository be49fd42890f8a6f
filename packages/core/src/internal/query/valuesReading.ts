/** Reads given values, without a server. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Driver from "mongodb"
import { InvalidArgumentError, type MongoError } from "../../MongoError.ts"
import type { OpenQuery } from "../../Query.ts"
import type { QueryPlan } from "../../QueryPlan.ts"
import type { Operation } from "../call/description.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { head, OpenReading, type Settings } from "./reading.ts"

const operation: Operation = { name: "fromIterable", command: "fromIterable" }

const serialize = (value: unknown): Effect.Effect<Uint8Array, MongoError> =>
  Effect.try({
    try: () => Driver.BSON.serialize(value as Driver.Document, { ignoreUndefined: true }),
    catch: (cause) => toMongoError(cause, operation)
  })

/** @internal */
export class ValuesReading<A> extends OpenReading<A> {
  protected readonly values: Iterable<A>

  constructor(values: Iterable<A>) {
    super()
    this.values = values
  }

  override printed(): object {
    return { _id: "Query", operation: operation.name }
  }

  protected override get noDocument(): string {
    return `${operation.name} found no document`
  }

  /** Iterates the values anew for every run. Only `limit` and `skip` change the answer. */
  private answer(settings: Settings): Effect.Effect<Array<A>> {
    return Effect.sync(() => {
      const { limit = 0, skip = 0 } = settings as { readonly limit?: number; readonly skip?: number }
      const size = limit === 0 ? Infinity : Math.abs(limit)
      const out: Array<A> = []
      let index = 0
      for (const value of this.values) {
        if (index++ < skip) continue
        if (out.push(value) === size) break
      }
      return out
    })
  }

  override array(settings: Settings): Effect.Effect<Array<A>, MongoError> {
    const answer = this.answer(settings)
    return settings["raw"] === true
      ? Effect.flatMap(answer, (values) => Effect.forEach(values, serialize)) as Effect.Effect<Array<never>, MongoError>
      : answer
  }

  override stream(settings: Settings): Stream.Stream<A, MongoError> {
    const values = Stream.unwrap(Effect.map(this.answer(settings), Stream.fromIterable))
    return settings["raw"] === true
      ? Stream.mapEffect(values, serialize) as Stream.Stream<never, MongoError>
      : values
  }

  override first(settings: Settings): Effect.Effect<Option.Option<A>, MongoError> {
    return head(this.array({ ...settings, limit: 1 }))
  }

  protected override opened(settings: Settings): Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope> {
    return Effect.map(this.array(settings), (values) => {
      let left: ReadonlyArray<A> = values
      const next = Effect.sync(() => {
        const batch = left
        left = []
        return batch
      })
      return { next, stream: Stream.unwrap(Effect.map(next, Stream.fromIterable)) }
    })
  }

  override explain(): Effect.Effect<QueryPlan, MongoError> {
    return Effect.fail(ownFailure(InvalidArgumentError, operation, "a query of given values has no plan to explain"))
  }
}
