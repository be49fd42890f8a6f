/** Adds documents of another collection that belong to a document. */
import { dual } from "effect/Function"
import type * as Schema from "effect/Schema"
import type { Ref } from "../../Expr.ts"
import type { Documents, Pipeline, Services } from "../../Pipeline.ts"
import type { TypedCollection } from "../../TypedCollection.ts"
import { arrayOf } from "../ast/calculus.ts"
import { addField, storedPath } from "../ast/fields.ts"
import { checkName } from "../expression/tree.ts"
import type { Decoded, FieldsOf } from "../expression/types.ts"
import { type AnyPath, checkEqual, type Foreign, type Local } from "../pipeline/equality.ts"
import { addStage, inner, writeStages } from "../pipeline/pipeline.ts"
import type { With } from "../pipeline/types.ts"
import { refuse } from "../refusal.ts"

/**
 * The options of `lookup`: the other collection, the fields that are equal, the field for the documents that were found, and a
 * pipeline on them.
 *
 * @see {@link lookup} for the stage
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface LookupOptions<
  A,
  S extends Schema.Constraint,
  LocalField extends string,
  ForeignField extends string,
  As extends string,
  B,
  R
> {
  /** The other collection. */
  readonly from: TypedCollection<S>
  /** The field of the documents in the pipeline. Without it, the pipeline of the other documents decides which are found. */
  readonly localField?: LocalField & Local<FieldsOf<A>, LocalField>
  /** The field of the other documents that must be equal to it. */
  readonly foreignField?:
    & ForeignField
    & Foreign<FieldsOf<A>, LocalField, FieldsOf<Documents<S>>, ForeignField>
  /** The name of the new field, for an array of what was found. */
  readonly as: As
  /** Goes on with the documents that were found, or finds them: `$` refers to the document in the pipeline. */
  readonly pipeline?: (found: Pipeline<Documents<S>, Services<S>>, $: Ref<A>) => Pipeline<B, R>
}

/**
 * Adds the documents of another collection that have the same value in a field, those that a pipeline finds, or both. They are in
 * an array, which may be empty.
 *
 * **Details**
 *
 * The pipeline sees the document in its second argument. `Pipeline.matchExpr` compares the two.
 *
 * Stored values are compared: two fields whose codecs store them in different ways are refused when the pipeline is built. An
 * array on either side matches by each of its elements.
 *
 * **Gotchas**
 *
 * A local field that is null or missing finds the documents whose foreign field is null or missing.
 *
 * **Example** (The customer of an order)
 *
 * ```ts
 * import { Bson, Pipeline, type TypedCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Customer = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 * const Order = Schema.Struct({ _id: Bson.ObjectId, customer: Bson.ObjectId })
 *
 * const withCustomer = (customers: TypedCollection.TypedCollection<typeof Customer>) =>
 *   Pipeline.make(Order).pipe(
 *     Pipeline.lookup({ from: customers, localField: "customer", foreignField: "_id", as: "buyer" }),
 *     Pipeline.unwind("buyer")
 *   )
 * ```
 *
 * **Example** (The prices that were valid when an order was placed)
 *
 * ```ts
 * import { Bson, Expr, Pipeline, type TypedCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Price = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, from: Bson.Date, price: Schema.Number })
 * const Order = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, placed: Bson.Date })
 *
 * const withPrices = (prices: TypedCollection.TypedCollection<typeof Price>) =>
 *   Pipeline.make(Order).pipe(
 *     Pipeline.lookup({
 *       from: prices,
 *       localField: "sku",
 *       foreignField: "sku",
 *       as: "prices",
 *       pipeline: (prices, order) => prices.pipe(Pipeline.matchExpr(($) => Expr.lte($.from, order.placed)))
 *     })
 *   )
 * ```
 *
 * @see {@link unwind} for one document for each that was found
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const lookup: {
  <
    A,
    S extends Schema.Constraint,
    const L extends AnyPath<A>,
    const F extends string,
    const As extends string,
    B = Documents<S>,
    R2 = never
  >(
    options: LookupOptions<A, S, L, F, As, B, R2>
  ): <R>(
    self: Pipeline<A, R>
  ) => Pipeline<With<A, { readonly [Name in As]: ReadonlyArray<Decoded<B>> }>, R | R2 | Services<S>>
  <
    A,
    R,
    S extends Schema.Constraint,
    const L extends AnyPath<A>,
    const F extends string,
    const As extends string,
    B = Documents<S>,
    R2 = never
  >(
    self: Pipeline<A, R>,
    options: LookupOptions<A, S, L, F, As, B, R2>
  ): Pipeline<With<A, { readonly [Name in As]: ReadonlyArray<Decoded<B>> }>, R | R2 | Services<S>>
} = dual(2, (self: unknown, options: Options) =>
  addStage(self, "$lookup", ({ $, ast, origin }) => {
    const { as, foreignField, from, localField, pipeline } = options
    checkName(as, "as")
    const foreign = from.schema.ast
    const fields = localField !== undefined && foreignField !== undefined
    if (fields) checkEqual(ast, localField, foreign, foreignField, from.name)
    else if (localField !== undefined || foreignField !== undefined) {
      refuse("lookup", "has one of localField and foreignField: it needs both, or none of them and a pipeline")
    } else if (pipeline === undefined) refuse("lookup", "has neither fields nor a pipeline")
    const found = inner("$lookup", foreign, pipeline && ((found) => pipeline(found, $)))
    return {
      ast: addField(ast, as, arrayOf(found.ast)),
      write: (writing) => {
        const { inside, variables } = writing.at("pipeline").insideWith(origin)
        const stages = writeStages(found, writing.operands, inside)
        return {
          from: from.name,
          ...(fields
            ? { localField: storedPath(ast, localField), foreignField: storedPath(foreign, foreignField) }
            : {}),
          as: storedPath(ast, as),
          ...(Object.keys(variables).length === 0 ? {} : { let: variables }),
          ...(fields && stages.length === 0 ? {} : { pipeline: stages })
        }
      }
    }
  }))

interface Options {
  readonly from: TypedCollection<Schema.Constraint>
  readonly localField?: string
  readonly foreignField?: string
  readonly as: string
  readonly pipeline?: (found: never, $: Ref<unknown>) => unknown
}
