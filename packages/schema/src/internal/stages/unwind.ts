/** Makes a document of each element of an array. */
import { dual } from "effect/Function"
import type { Nullish } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { mayBeNull, nonNull, nullOr, number, oneOf, present, required, type Slot } from "../ast/calculus.ts"
import { addField, changeField, storedPath } from "../ast/fields.ts"
import { checkName } from "../expression/tree.ts"
import type { FieldName, FieldsOf } from "../expression/types.ts"
import { elementsOf, expand } from "../path/nodes.ts"
import { makeResolve } from "../path/resolve.ts"
import type { At, Leaf, NoSuchPath } from "../path/types.ts"
import { addStage, isPipeline } from "../pipeline/pipeline.ts"
import type { Others, Simplify } from "../pipeline/types.ts"
import { refuse } from "../refusal.ts"

/**
 * The options of `unwind`.
 *
 * @see {@link unwind} for the stage
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface UnwindOptions {
  /** Whether a document stays whose array is empty, null or missing. */
  readonly preserveNullAndEmptyArrays?: boolean
  /** The name of a new field for the position in the array. */
  readonly includeArrayIndex?: string
}

/**
 * The compiler's message for a field that `unwind` cannot take, because it is never an array.
 *
 * @see {@link unwind} for the stage
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface UnwindNeedsArray<Path> {
  /** The path of the field. */
  readonly "~is not an array": Path
}

/** The path, or the message why it leads to no array. */
type ArrayPath<A, P extends string> = P extends unknown ? [At<A, P>] extends [never] ? NoSuchPath<P>
  : [Extract<At<A, P>, ReadonlyArray<unknown>>] extends [never] ? UnwindNeedsArray<P>
  : P
  : P

type Element<V> = V extends ReadonlyArray<infer E> ? E : V extends Nullish ? never : V

/** Without the option the documents that have no element are gone, so everything on the way is there. */
type UnwoundAt<A, P extends string, Gone = never> = P extends `${infer Head}.${infer Rest}`
  ? Others<A, Head | Gone> & { readonly [K in Head]: Simplify<UnwoundAt<Present<A[K & keyof A]>, Rest>> }
  : Others<A, P | Gone> & { readonly [K in P]: Element<A[K & keyof A]> }

type Present<V> = FieldsOf<Exclude<V, Leaf>>

type KeptAt<A, P extends string, Gone = never> = P extends `${infer Head}.${infer Rest}` ? {
    [K in keyof A as A[K] extends Function ? never : Exclude<K, Gone>]: K extends Head ? KeptBelow<A[K], Rest> : A[K]
  }
  : Others<A, P | Gone> & { readonly [K in P]?: Element<A[K & keyof A]> | Extract<A[K & keyof A], null> }

type KeptBelow<A, P extends string> = A extends Leaf ? A : Simplify<KeptAt<FieldsOf<A>, P>>

type IndexName<O> = O extends { readonly includeArrayIndex: infer Name extends string } ? Name : never

/** Of a value that is not an array the position is null. */
type Position<A, P extends string> = [Exclude<At<A, P>, ReadonlyArray<unknown> | Nullish>] extends [never] ? number
  : number | null

type Unwound<A, P extends string, O> = A extends unknown ? Simplify<
    O extends { readonly preserveNullAndEmptyArrays: true }
      ? KeptAt<A, P, IndexName<O>> & { readonly [Name in IndexName<O>]: number | null }
      : UnwoundAt<A, P, IndexName<O>> & { readonly [Name in IndexName<O>]: Position<A, P> }
  >
  : never

/**
 * Makes a document of each element of an array: the element takes the place of the array. A value that is not an array counts
 * as an array of itself.
 *
 * **Details**
 *
 * A document whose array is empty, null or missing leaves the pipeline, unless `preserveNullAndEmptyArrays` keeps it. Then an
 * empty array leaves no field, and null stays.
 *
 * **Example** (The lines of all orders)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Line = Schema.Struct({ sku: Schema.String, price: Schema.Number })
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Line) })
 *
 * const lines = Pipeline.make(Order).pipe(Pipeline.unwind("lines", { includeArrayIndex: "position" }))
 * ```
 *
 * @see {@link group} for the way back
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const unwind: {
  // The compiler's message is about the last one.
  <A, R, const P extends FieldName<FieldsOf<A>> | `${string}.${string}`, const O extends UnwindOptions = {}>(
    self: Pipeline<A, R>,
    path: ArrayPath<FieldsOf<A>, P>,
    options?: O
  ): Pipeline<Unwound<FieldsOf<A>, P, O>, R>
  <A, const P extends FieldName<FieldsOf<A>> | `${string}.${string}`, const O extends UnwindOptions = {}>(
    path: ArrayPath<FieldsOf<A>, P>,
    options?: O
  ): <R>(self: Pipeline<A, R>) => Pipeline<Unwound<FieldsOf<A>, P, O>, R>
} = dual(
  ([self]) => isPipeline(self),
  (self: unknown, path: string, options: UnwindOptions = {}) =>
    addStage<never>(self, "$unwind", ({ ast }) => {
      const { alternatives } = makeResolve([ast], "filter")(path, path)
      const nodes = alternatives.flatMap(expand)
      const arrays = nodes.flatMap((node) => node._tag === "Array" ? elementsOf(node.arrays).map(required) : [])
      if (arrays.length === 0) refuse(path, "is not an array")
      const keeps = options.preserveNullAndEmptyArrays === true
      const others = nodes.flatMap((node) =>
        node._tag === "Array" ? [] : node._tag === "Object" ? [node.objects] : [nonNull(node.ast)]
      ).filter(({ _tag }) => _tag !== "Null" && _tag !== "Undefined")
      const element = oneOf([...arrays, ...others])
      const change = (field: Slot | undefined): Slot =>
        keeps
          ? { ast: field !== undefined && mayBeNull(field.ast) ? nullOr(element) : element, optional: true }
          : present(element)
      const after = changeField(ast, path, path, { change, creates: false, entersArrays: false, drops: !keeps })
      const index = options.includeArrayIndex
      if (index !== undefined) checkName(index, "includeArrayIndex")
      const position = keeps || others.length > 0 ? nullOr(number) : number
      return {
        ast: index === undefined ? after : addField(after, index, position),
        write: () => ({
          path: `$${storedPath(ast, path)}`,
          ...(keeps ? { preserveNullAndEmptyArrays: true } : {}),
          ...(index === undefined ? {} : { includeArrayIndex: storedPath(after, index) })
        })
      }
    })
)
