/** Text. */
import type { Expr, NullIf, Nullish, Term } from "../../Expr.ts"
import { text } from "../ast/calculus.ts"
import { aText } from "../expression/kinds.ts"
import * as operator from "../expression/operator.ts"

/**
 * Texts one after the other. It is null if one of them is null or missing.
 *
 * **Example** (A full name)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, first: Schema.String, last: Schema.String })
 *
 * const names = Pipeline.make(User).pipe(Pipeline.select(($) => ({ name: Expr.concat($.first, " ", $.last) })))
 * ```
 *
 * @see {@link toUpper} for capital letters
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const concat: {
  <B extends string | Nullish>(
    that: Term<B>
  ): <A extends string | Nullish>(self: Expr<A>) => Expr<string | NullIf<A> | NullIf<B>>
  <A extends string | Nullish = string>(
    self: Term<A>,
    that: Term<A>,
    ...more: ReadonlyArray<Term<A>>
  ): Expr<string | NullIf<A>>
} = operator.variadic("$concat", aText, operator.nullable(text))

/**
 * The text in capital letters. It is empty if the text is null or missing.
 *
 * **Example** (A code)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Country = Schema.Struct({ _id: Bson.ObjectId, code: Schema.String })
 *
 * const codes = Pipeline.make(Country).pipe(Pipeline.select(($) => ({ code: Expr.toUpper($.code) })))
 * ```
 *
 * @see {@link concat} for several texts
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toUpper: (self: Term<string | Nullish>) => Expr<string> = operator.unary(
  "$toUpper",
  aText,
  operator.always(text)
)

/**
 * The text with another text in the place of each one that is found. It is null if one of them is null or missing.
 *
 * **Example** (Spaces in the place of dashes)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Page = Schema.Struct({ _id: Bson.ObjectId, slug: Schema.String })
 *
 * const titles = Pipeline.make(Page).pipe(
 *   Pipeline.select(($) => ({ title: Expr.replaceAll($.slug, { find: "-", replacement: " " }) }))
 * )
 * ```
 *
 * @see {@link concat} for several texts
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const replaceAll: {
  <B extends string | Nullish = string>(
    options: { readonly find: Term<B>; readonly replacement: Term<B> }
  ): <A extends string | Nullish>(self: Expr<A>) => Expr<string | NullIf<A> | NullIf<B>>
  <A extends string | Nullish, B extends string | Nullish = string>(
    self: Expr<A>,
    options: { readonly find: Term<B>; readonly replacement: Term<B> }
  ): Expr<string | NullIf<A> | NullIf<B>>
} = operator.named("$replaceAll", { input: aText, find: aText, replacement: aText }, operator.nullable(text))
