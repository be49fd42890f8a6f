/** Leaves out parts of documents. */
import { dual } from "effect/Function"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type { Expr, Ref } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { arrayOf, keyOf, oneOf, present, type Slot, slotOf } from "../ast/calculus.ts"
import { withProperties } from "../ast/fields.ts"
import { storedTypes } from "../ast/stored.ts"
import { implOf, isExpr, make } from "../expression/expr.ts"
import type { FieldsOf } from "../expression/types.ts"
import { elementsOf, expand } from "../path/nodes.ts"
import type { Leaf } from "../path/types.ts"
import { addStage } from "../pipeline/pipeline.ts"
import type { Simplify } from "../pipeline/types.ts"
import { refuse } from "../refusal.ts"

/**
 * What `redact` does with an object.
 *
 * @see {@link redact} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Verdict<Name extends "keep" | "prune" | "descend"> {
  /** Its name. */
  readonly "~verdict": Name
}

const verdict = <Name extends "keep" | "prune" | "descend">(name: Name): Expr<Verdict<Name>> =>
  make(present(Schema.Literal(`$$${name.toUpperCase()}`).ast), () => `$$${name.toUpperCase()}`)

/**
 * Keeps an object with all that is in it.
 *
 * **Example** (Whole documents)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Note = Schema.Struct({ _id: Bson.ObjectId, secret: Schema.Boolean })
 *
 * const open = Pipeline.make(Note).pipe(Pipeline.redact(($) => Expr.cond($.secret, Pipeline.prune, Pipeline.keep)))
 * ```
 *
 * @see {@link redact} for the stage
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const keep: Expr<Verdict<"keep">> = verdict("keep")

/**
 * Leaves out an object with all that is in it.
 *
 * **Example** (Leaving out secrets)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Note = Schema.Struct({ _id: Bson.ObjectId, secret: Schema.Boolean })
 *
 * const open = Pipeline.make(Note).pipe(Pipeline.redact(($) => Expr.cond($.secret, Pipeline.prune, Pipeline.descend)))
 * ```
 *
 * @see {@link redact} for the stage
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const prune: Expr<Verdict<"prune">> = verdict("prune")

/**
 * Keeps the fields of an object, and asks again for each object in it.
 *
 * **Example** (Secrets at any depth)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Note = Schema.Struct({ _id: Bson.ObjectId, secret: Schema.Boolean })
 *
 * const open = Pipeline.make(Note).pipe(Pipeline.redact(($) => Expr.cond($.secret, Pipeline.prune, Pipeline.descend)))
 * ```
 *
 * @see {@link redact} for the stage
 * @stability unstable
 * @category constants
 * @since 0.1.0
 */
export const descend: Expr<Verdict<"descend">> = verdict("descend")

const verdicts = new Set([keep, prune, descend].map((expr) => implOf(expr).slot.ast))
const descends = implOf(descend).slot.ast

type AnyVerdict = Verdict<"keep"> | Verdict<"prune"> | Verdict<"descend">

/** Only who goes on into objects and leaves some out changes documents. */
type Redacted<A, V> = Verdict<"descend"> extends V ? Verdict<"prune"> extends V ? Parts<A> : A : A

type Parts<A> = A extends Leaf ? A
  : A extends ReadonlyArray<infer E> ? ReadonlyArray<Parts<E>>
  : PartsOf<FieldsOf<A>>

type IsObject<V> = V extends Leaf | ReadonlyArray<unknown> ? never : V

type PartsOf<A> = Simplify<
  & {
    readonly [K in keyof A as A[K] extends Function ? never : [IsObject<A[K]>] extends [never] ? K : never]: Parts<A[K]>
  }
  & {
    readonly [K in keyof A as A[K] extends Function ? never : [IsObject<A[K]>] extends [never] ? never : K]?: Parts<
      Exclude<A[K], undefined>
    >
  }
>

/**
 * Keeps a document, leaves it out, or asks again for each object in it: `Pipeline.keep`, `Pipeline.prune`, `Pipeline.descend`.
 *
 * **Details**
 *
 * When it goes on into objects, and may leave some out, all fields with objects become optional.
 *
 * **Gotchas**
 *
 * Inside of an object, `$` stands for this object: a field of it may be missing there.
 *
 * **Example** (Parts that everybody may see)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Part = Schema.Struct({ secret: Schema.optionalKey(Schema.Boolean), text: Schema.String })
 * const Report = Schema.Struct({ _id: Bson.ObjectId, secret: Schema.optionalKey(Schema.Boolean), parts: Schema.Array(Part) })
 *
 * const open = Pipeline.make(Report).pipe(
 *   Pipeline.redact(($) => Expr.cond($.secret, Pipeline.prune, Pipeline.descend))
 * )
 * ```
 *
 * @see {@link match} for whole documents
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const redact: {
  <A, V extends AnyVerdict>(
    f: ($: Ref<A>) => Expr<V>
  ): <R>(self: Pipeline<A, R>) => Pipeline<Redacted<A, V>, R>
  <A, R, V extends AnyVerdict>(self: Pipeline<A, R>, f: ($: Ref<A>) => Expr<V>): Pipeline<Redacted<A, V>, R>
} = dual(2, (self: unknown, f: ($: Ref<unknown>) => unknown) =>
  addStage<never>(self, "$redact", ({ $, ast }) => {
    const expr = f($)
    const given = isExpr(expr) ? expand(implOf(expr).slot.ast) : []
    const asts = given.map((node) => node._tag === "Leaf" ? node.ast : undefined)
    if (asts.length === 0 || asts.some((ast) => ast === undefined || !verdicts.has(ast))) {
      refuse("redact", "is not one of Pipeline.keep, Pipeline.prune and Pipeline.descend")
    }
    const changes = asts.includes(descends) && asts.includes(implOf(prune).slot.ast)
    return {
      ast: changes ? redactedAst(ast, "redact", new Map()) : ast,
      write: (writing) => implOf(expr as Expr<unknown>).write(writing)
    }
  }))

/** Recursive schemas come back to schemas that are being changed. */
type Known = Map<SchemaAST.AST, SchemaAST.AST>

const redactedAst = (ast: SchemaAST.AST, at: string, known: Known): SchemaAST.AST =>
  oneOf(
    expand(ast).map((node) => {
      if (node._tag === "Leaf") {
        // BSON values such as ObjectId are stored as themselves.
        if (storedTypes(node.ast).has("object") && node.ast.encoding !== undefined) {
          refuse(at, "is an object behind a codec, and could lose fields that the codec needs")
        }
        return node.ast
      }
      const self = node._tag === "Array" ? node.arrays : node.objects
      const before = known.get(self)
      if (before !== undefined) return before
      known.set(self, new SchemaAST.Suspend(() => known.get(self)!))
      const after = node._tag === "Array"
        ? arrayOf(oneOf(elementsOf(node.arrays).map((element) => redactedAst(element, `${at}[]`, known))))
        : withProperties(
          node,
          node.objects.propertySignatures.map(({ name, type }) =>
            new SchemaAST.PropertySignature(name, keyOf(redactedSlot(slotOf(type), `${at}.${String(name)}`, known)))
          ),
          node.objects.indexSignatures.map(({ parameter, type }) =>
            new SchemaAST.IndexSignature(parameter, redactedAst(type, `${at}.*`, known))
          )
        )
      known.set(self, after)
      return after
    })
  )

const redactedSlot = (slot: Slot, at: string, known: Known): Slot => {
  const ast = redactedAst(slot.ast, at, known)
  const nodes = expand(slot.ast)
  if (nodes.every(({ _tag }) => _tag === "Leaf")) return slot
  if (slot.withDefault !== undefined) refuse(at, "has a default, which could take the place of what is left out")
  return { ast, optional: slot.optional || nodes.some(({ _tag }) => _tag === "Object") }
}
