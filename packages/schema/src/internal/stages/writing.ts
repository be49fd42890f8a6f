/** Writes what a pipeline gives into a collection. */
import { dual } from "effect/Function"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type { Ref } from "../../Expr.ts"
import type { Documents, Pipeline, Services } from "../../Pipeline.ts"
import type { TypedCollection } from "../../TypedCollection.ts"
import { present } from "../ast/calculus.ts"
import { storedPath } from "../ast/fields.ts"
import { unreadable } from "../ast/fits.ts"
import { storedTypes } from "../ast/stored.ts"
import { variable } from "../expression/reference.ts"
import type { FieldName, FieldsOf } from "../expression/types.ts"
import { idsOf } from "../path/nodes.ts"
import { makeResolve } from "../path/resolve.ts"
import { checkUpdate } from "../pipeline/order.ts"
import { addStage, inner, isPipeline, writeStages } from "../pipeline/pipeline.ts"
import { refuse } from "../refusal.ts"

type Collection = TypedCollection<Schema.Constraint>

const never = Schema.Never.ast

const target = ({ untyped }: Collection): { readonly db: string; readonly coll: string } => {
  const at = untyped.fullName.indexOf(".")
  return { db: untyped.fullName.slice(0, at), coll: untyped.name }
}

/** Where no document is inserted or replaced, the ones of the pipeline may lack fields. */
const checkFits = (ast: SchemaAST.AST, collection: Collection, isPart: boolean, what: string): void => {
  // The server gives a document without an `_id` an ObjectId.
  const makesId = idsOf(collection.schema.ast).every(({ ast }) => storedTypes(ast).has("objectId"))
  const wrong = unreadable(ast, collection.schema.ast, isPart ? "any" : makesId ? "_id" : "none")
  if (wrong === undefined) return
  refuse(wrong.path === "" ? what : wrong.path, `${wrong.what}: ${what} must give documents of ${collection.name}`)
}

/**
 * The documents that a pipeline may write into a collection. The server makes an `_id` where there is none.
 *
 * @see {@link out} for the stage
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Writable<S extends Schema.Constraint> = FieldsOf<Documents<S>> extends infer T
  ? T extends { readonly _id: infer Id } ? { [K in keyof T as Exclude<K, "_id">]: T[K] } & { readonly _id?: Id } : T
  : never

/**
 * Writes the documents into a collection, in the place of all that it had. It is the last stage: the pipeline gives no documents.
 *
 * **Details**
 *
 * The documents must be stored as the schema of the collection says. Where they are not, the stage is refused when it is added: a field
 * that is missing or has no place in the collection, another codec. Checks of the schema are not seen. The old documents stay until all new ones are there. Indexes stay.
 *
 * **Gotchas**
 *
 * A field that `select` makes is stored by its own name. Where the schema of the collection renames keys, write the last change of the
 * documents by hand: `Pipeline.stage(schema, { $replaceWith: … })`.
 *
 * **Example** (Sales of each product, in a collection of their own)
 *
 * ```ts
 * import { Acc, Bson, Pipeline, type TypedCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number })
 * const Total = Schema.Struct({ _id: Schema.String, revenue: Schema.Number })
 *
 * const totals = (totals: TypedCollection.TypedCollection<typeof Total>) =>
 *   Pipeline.make(Sale).pipe(
 *     Pipeline.group(($) => $.sku, ($) => ({ revenue: Acc.sum($.price) })),
 *     Pipeline.out(totals)
 *   )
 * ```
 *
 * @see {@link merge} for keeping what is there
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const out: {
  // The compiler's message is about the last one.
  <A extends Writable<S>, R, S extends Schema.Constraint>(
    self: Pipeline<A, R>,
    collection: TypedCollection<S>
  ): Pipeline<never, R>
  <S extends Schema.Constraint>(
    collection: TypedCollection<S>
  ): <A extends Writable<S>, R>(self: Pipeline<A, R>) => Pipeline<never, R>
} = dual(2, (self: unknown, collection: Collection) =>
  addStage<never>(self, "$out", ({ ast }) => {
    checkFits(ast, collection, false, "out")
    return { ast: never, write: () => target(collection) }
  }))

/**
 * The options of `merge`: which documents are the same, and what becomes of those that are there and of those that are not.
 *
 * @see {@link merge} for the stage
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface MergeOptions<A, S extends Schema.Constraint, B, R> {
  /** The fields whose values make two documents the same: `_id` without it. They need a unique index. */
  readonly on?: OnField<S> | ReadonlyArray<OnField<S>>
  /**
   * What becomes of a document that is there: its fields are merged with the new ones, without the option. A function changes it by
   * a pipeline of `set`, `unset`, `project`, `select` and `replaceRoot`; `$new` is the new one.
   */
  readonly whenMatched?:
    | "merge"
    | "replace"
    | "keepExisting"
    | "fail"
    | ((existing: Pipeline<Documents<S>, Services<S>>, $new: Ref<A>) => Pipeline<B, R>)
  /** What becomes of a document that is not there: it is inserted, without the option. */
  readonly whenNotMatched?: "insert" | "discard" | "fail"
}

type OnField<S extends Schema.Constraint> = FieldName<FieldsOf<Documents<S>>> | "_id"

/**
 * Writes the documents into a collection, and keeps what is there. It is the last stage: the pipeline gives no documents.
 *
 * **Details**
 *
 * The documents must be stored as the schema of the collection says. Where none is inserted or replaced, they may lack fields. What
 * does not fit is refused when the stage is added.
 *
 * **Example** (Adding to the totals of each product)
 *
 * ```ts
 * import { Acc, Bson, Expr, Pipeline, type TypedCollection } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, price: Schema.Number })
 * const Total = Schema.Struct({ _id: Schema.String, revenue: Schema.Number })
 *
 * const add = (totals: TypedCollection.TypedCollection<typeof Total>) =>
 *   Pipeline.make(Sale).pipe(
 *     Pipeline.group(($) => $.sku, ($) => ({ revenue: Acc.sum($.price) })),
 *     Pipeline.merge(totals, {
 *       whenMatched: (total, $new) =>
 *         total.pipe(Pipeline.set(($) => ({ revenue: Expr.add($.revenue, $new.revenue) })))
 *     })
 *   )
 * ```
 *
 * @see {@link out} for a collection that is made anew
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const merge: {
  // The compiler's message is about the last one.
  <A extends Partial<Writable<S>>, R, S extends Schema.Constraint, B = never, R2 = never>(
    self: Pipeline<A, R>,
    collection: TypedCollection<S>,
    options?: MergeOptions<A, S, B, R2>
  ): Pipeline<never, R | R2>
  <A extends Partial<Writable<S>>, S extends Schema.Constraint, B = never, R2 = never>(
    collection: TypedCollection<S>,
    options?: MergeOptions<A, S, B, R2>
  ): <R>(self: Pipeline<A, R>) => Pipeline<never, R | R2>
} = dual(
  (args) => isPipeline(args[0]),
  (self: unknown, collection: Collection, options: Options = {}) =>
    addStage<never>(self, "$merge", ({ ast }) => {
      const { on, whenMatched = "merge", whenNotMatched = "insert" } = options
      checkFits(ast, collection, whenMatched !== "replace" && whenNotMatched !== "insert", "merge")
      const documents = collection.schema.ast
      const fields = on === undefined ? undefined : ([] as ReadonlyArray<string>).concat(on).map((field) => {
        if (field !== "_id") makeResolve([documents], "filter")(field, "on")
        return storedPath(documents, field)
      })
      const change = typeof whenMatched === "function" ? changing(ast, collection, whenMatched) : undefined
      return {
        ast: never,
        write: (writing) => ({
          into: target(collection),
          ...(fields === undefined ? {} : { on: fields }),
          whenMatched: change === undefined
            ? whenMatched
            : writeStages(
              change.pipeline,
              writing.operands,
              writing.at("whenMatched").bind(change.origin, "$$new")
            ),
          whenNotMatched
        })
      }
    })
)

interface Options {
  readonly on?: string | ReadonlyArray<string>
  readonly whenMatched?: string | Change
  readonly whenNotMatched?: string
}

type Change = (existing: never, $new: Ref<unknown>) => unknown

const changing = (ast: SchemaAST.AST, collection: Collection, change: Change) => {
  const [origin, $new] = variable<unknown>(present(ast), "new")
  const pipeline = inner("$merge", collection.schema.ast, (existing) => change(existing, $new))
  checkUpdate("whenMatched", pipeline.names)
  checkFits(pipeline.ast, collection, false, "whenMatched")
  return { origin, pipeline }
}
