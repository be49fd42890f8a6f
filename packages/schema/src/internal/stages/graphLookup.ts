/** Follows references from document to document. */
import { dual } from "effect/Function"
import type * as Schema from "effect/Schema"
import type { Constant, Expr, Nullish, Ref } from "../../Expr.ts"
import type { Filter } from "../../Filter.ts"
import type { Documents, Pipeline, Services } from "../../Pipeline.ts"
import type { TypedCollection } from "../../TypedCollection.ts"
import { arrayOf, elementOf, nonNull, number, oneOf } from "../ast/calculus.ts"
import { addField, storedPath } from "../ast/fields.ts"
import { mayBeEqual, storedAs } from "../ast/stored.ts"
import { encodeFilter } from "../encode/filter.ts"
import { operand } from "../expression/operand.ts"
import { checkName } from "../expression/tree.ts"
import type { Decoded, FieldsOf } from "../expression/types.ts"
import { makeResolve } from "../path/resolve.ts"
import type { At } from "../path/types.ts"
import { type AnyPath, checkEqual, type Compared, compared, type Foreign, type Local } from "../pipeline/equality.ts"
import { addStage } from "../pipeline/pipeline.ts"
import type { With } from "../pipeline/types.ts"
import { refuse } from "../refusal.ts"

/** A value that the search can start with: one of the field's type, or an array of them. */
type Start<V> = Constant<V> | ReadonlyArray<Constant<V>> | Nullish

/**
 * The options of `graphLookup`: the collection to search, the fields that lead from one document to the next, and the field for
 * what was found.
 *
 * @see {@link graphLookup} for the stage
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface GraphLookupOptions<
  A,
  S extends Schema.Constraint,
  From extends string,
  To extends string,
  As extends string,
  Depth extends string
> {
  /** The collection to search. It may be the collection of the pipeline. */
  readonly from: TypedCollection<S>
  /** What the first documents have in `connectToField`. */
  readonly startWith: ($: Ref<A>) => Expr<Start<Compared<At<FieldsOf<Documents<S>>, To>>>>
  /** The field of a document that was found, for the next search. */
  readonly connectFromField: From & Foreign<FieldsOf<Documents<S>>, To, FieldsOf<Documents<S>>, From>
  /** The field that is searched. An index on it makes the search fast. */
  readonly connectToField: To & Local<FieldsOf<Documents<S>>, To>
  /** The name of the new field, for an array of what was found. */
  readonly as: As
  /** How many steps the search takes after its first one. Without it, it ends when it finds nothing new. */
  readonly maxDepth?: number
  /** The name of a new field of what was found: the number of steps to it, 0 for what the first search found. */
  readonly depthField?: Depth
  /** Searches only documents that match a filter. */
  readonly restrictSearchWithMatch?: Filter<FieldsOf<Documents<S>>>
}

type Found<S extends Schema.Constraint, Depth extends string> = [Depth] extends [never] ? Decoded<Documents<S>>
  : string extends Depth ? Decoded<Documents<S>>
  : With<Documents<S>, { readonly [Name in Depth]: number }>

/**
 * Follows references from document to document, such as from employees to their managers, and adds all documents that it finds, in any
 * order.
 *
 * **Details**
 *
 * Stored values are compared, as in `lookup`. A document that is found twice is added once.
 *
 * **Gotchas**
 *
 * What it finds for one document must fit into 16 MB, and into 100 MB while it searches.
 *
 * **Example** (Everybody above an employee)
 *
 * ```ts
 * import { Bson, Pipeline, type TypedCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Employee = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String, boss: Schema.NullOr(Bson.ObjectId) })
 *
 * const withChiefs = (employees: TypedCollection.TypedCollection<typeof Employee>) =>
 *   Pipeline.make(Employee).pipe(
 *     Pipeline.graphLookup({
 *       from: employees,
 *       startWith: ($) => $.boss,
 *       connectFromField: "boss",
 *       connectToField: "_id",
 *       as: "chiefs",
 *       depthField: "level"
 *     })
 *   )
 * ```
 *
 * @see {@link lookup} for one step
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const graphLookup: {
  <
    A,
    S extends Schema.Constraint,
    const From extends AnyPath<Documents<S>>,
    const To extends AnyPath<Documents<S>>,
    const As extends string,
    const Depth extends string = never
  >(
    options: GraphLookupOptions<A, S, From, To, As, Depth>
  ): <R>(
    self: Pipeline<A, R>
  ) => Pipeline<With<A, { readonly [Name in As]: ReadonlyArray<Found<S, Depth>> }>, R | Services<S>>
  <
    A,
    R,
    S extends Schema.Constraint,
    const From extends AnyPath<Documents<S>>,
    const To extends AnyPath<Documents<S>>,
    const As extends string,
    const Depth extends string = never
  >(
    self: Pipeline<A, R>,
    options: GraphLookupOptions<A, S, From, To, As, Depth>
  ): Pipeline<With<A, { readonly [Name in As]: ReadonlyArray<Found<S, Depth>> }>, R | Services<S>>
} = dual(2, (self: unknown, options: Options) =>
  addStage(self, "$graphLookup", ({ $, ast }) => {
    const { as, connectFromField, connectToField, depthField, from, maxDepth, restrictSearchWithMatch } = options
    checkName(as, "as")
    if (maxDepth !== undefined && (!Number.isInteger(maxDepth) || maxDepth < 0)) {
      refuse("maxDepth", "is not a natural number")
    }
    const foreign = from.schema.ast
    checkEqual(foreign, connectFromField, foreign, connectToField, from.name)
    const searched = compared(foreign, connectToField)
    const start = operand(options.startWith($))
    const started = nonNull(oneOf([start.slot.ast, elementOf(start.slot.ast)]))
    if (!mayBeEqual(started, searched)) {
      refuse(
        "startWith",
        `is stored as ${storedAs(started)}, and ${connectToField} of ${from.name} as ${storedAs(searched)}: ` +
          "they are never equal"
      )
    }
    if (depthField !== undefined) checkName(depthField, "depthField")
    const found = depthField === undefined ? foreign : addField(foreign, depthField, number)
    const read = makeResolve([foreign], "filter")
    return {
      ast: addField(ast, as, arrayOf(found)),
      write: (writing) => ({
        from: from.name,
        startWith: start.write(writing.at("startWith")),
        connectFromField: storedPath(foreign, connectFromField),
        connectToField: storedPath(foreign, connectToField),
        as: storedPath(ast, as),
        ...(maxDepth === undefined ? {} : { maxDepth }),
        ...(depthField === undefined ? {} : { depthField: storedPath(found, depthField) }),
        ...(restrictSearchWithMatch === undefined ? {} : {
          restrictSearchWithMatch: encodeFilter(
            read,
            restrictSearchWithMatch,
            writing.operands,
            writing.at("restrictSearchWithMatch").path
          )
        })
      })
    }
  }))

interface Options {
  readonly from: TypedCollection<Schema.Constraint>
  readonly startWith: ($: Ref<unknown>) => unknown
  readonly connectFromField: string
  readonly connectToField: string
  readonly as: string
  readonly maxDepth?: number
  readonly depthField?: string
  readonly restrictSearchWithMatch?: unknown
}
