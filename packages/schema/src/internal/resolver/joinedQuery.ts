/** A query whose documents come with those that they refer to. */
import type { Query } from "@mongofx/core"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import { flatten } from "../query/parts.ts"
import { type AnyRefs, join } from "./refs.ts"

type AnyQuery = Query.Views<unknown, unknown, unknown>

/** @internal */
export class JoinedQuery extends Effectable.Class<Array<unknown>, unknown, unknown> implements AnyQuery {
  private readonly query: AnyQuery
  private readonly refs: AnyRefs

  constructor(query: AnyQuery, refs: AnyRefs) {
    super()
    this.query = query
    this.refs = refs
  }

  override toJSON(): object {
    return { _id: "JoinedQuery", query: (this.query as unknown as Inspectable.Inspectable).toJSON() }
  }

  private join(documents: ReadonlyArray<unknown>): Effect.Effect<Array<unknown>, unknown, unknown> {
    return join("withRefs", documents, this.refs)
  }

  override asEffect(): Effect.Effect<Array<unknown>, unknown, unknown> {
    return Effect.flatMap(this.query, (documents) => this.join(documents))
  }

  get batches(): Stream.Stream<ReadonlyArray<unknown>, unknown, unknown> {
    return Stream.mapEffect(this.query.batches, (documents) => this.join(documents))
  }

  get stream(): Stream.Stream<unknown, unknown, unknown> {
    return flatten(this.batches)
  }

  /** The bytes are those of the documents, without what they refer to. */
  get raw(): Stream.Stream<Uint8Array, unknown, unknown> {
    return this.query.raw
  }

  get first(): Effect.Effect<Option.Option<unknown>, unknown, unknown> {
    return Effect.flatMap(
      this.query.first,
      (document) => Option.isNone(document) ? Effect.succeedNone : Effect.map(this.join([document.value]), Arr.head)
    )
  }

  get one(): Effect.Effect<unknown, unknown, unknown> {
    return Effect.flatMap(this.query.one, (document) => Effect.map(this.join([document]), ([joined]) => joined))
  }
}
