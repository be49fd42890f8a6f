/**
 * Expressions of aggregation: what the server computes from the fields of a document. An expression knows the schema of what
 * it gives.
 *
 * @since 0.1.0
 */
import type * as BigDecimal from "effect/BigDecimal"
import type { Pipeable } from "effect/Pipeable"
import type * as Driver from "mongodb"
import { isExpr as isExpr_, type TypeId } from "./internal/expression/expr.ts"
import type { InArrays, RefFields } from "./internal/expression/types.ts"

/**
 * An expression: the server computes a value of the decoded type `A` from it. `undefined` in `A` means that the value may be
 * missing.
 *
 * **Details**
 *
 * References such as `$.items.sku` and the functions of this module make expressions. A constant is a literal to the server,
 * whatever it looks like: text that starts with `$` is text. Where an operator takes two operands, a constant is encoded by
 * the codec of the other one.
 *
 * @see {@link Ref} for references to fields
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Expr<out A> extends Pipeable {
  readonly [TypeId]: {
    readonly _A: () => A
  }
}

/**
 * A reference to a field, with the fields below it as properties. Below an array, a field is the array of what its elements have
 * there.
 *
 * **Details**
 *
 * As the server does, a path skips elements that lack the field, and arrays that are elements of an array. A name that is not a
 * field of the schema is refused when the pipeline is built, such as a getter of a class.
 *
 * @see {@link Expr} for other expressions
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Ref<A, Arrays extends ReadonlyArray<unknown> = []> = Expr<InArrays<A, Arrays>> & RefFields<A, Arrays>

/**
 * An expression, or an object of expressions that the server builds.
 *
 * @see {@link TypeOf} for the type of what it gives
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Tree = Expr<unknown> | { readonly [name: string]: Tree }

/**
 * The decoded type of what an expression or an object of expressions gives.
 *
 * @see {@link Shape} for objects
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type TypeOf<T> = T extends Expr<infer A> ? A : T extends object ? Shape<T> : never

type Simplify<T> = { [K in keyof T]: T[K] } & {}

type Required<K, A> = [A] extends [undefined] ? never : undefined extends A ? never : K
type Optional<K, A> = [A] extends [undefined] ? never : undefined extends A ? K : never

/**
 * The decoded type of an object of expressions. What may be missing is an optional field.
 *
 * @see {@link TypeOf} for single expressions
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Shape<F> = Simplify<
  & { readonly [K in keyof F as Required<K, TypeOf<F[K]>>]: TypeOf<F[K]> }
  & { readonly [K in keyof F as Optional<K, TypeOf<F[K]>>]?: Exclude<TypeOf<F[K]>, undefined> }
>

/**
 * What stands for no value.
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Nullish = null | undefined

/**
 * The decoded types of numbers.
 *
 * @see {@link Arithmetic} for what the server makes of them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Numeric = number | bigint | Driver.Long | Driver.Decimal128 | BigDecimal.BigDecimal

/**
 * `null` if a value of the type may be null or missing, and otherwise `never`.
 *
 * @see {@link Nullish} for these types
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type NullIf<A> = unknown extends A ? null : [Extract<A, Nullish>] extends [never] ? never : null

/**
 * The type without `undefined`: null stands for what is missing.
 *
 * @see {@link NullIf} for null alone
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type MissingAsNull<A> = Exclude<A, undefined> | (undefined extends A ? null : never)

/**
 * The type of a constant that stands for a value of the type: any text for one of several texts, for example.
 *
 * @see {@link Term} for an operand
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Constant<A> = A extends number ? number
  : A extends string ? string
  : A extends bigint ? bigint
  : A extends boolean ? boolean
  : Exclude<A, Nullish>

/**
 * An operand: an expression or a constant.
 *
 * @see {@link Constant} for the constants
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Term<A> = Expr<A> | Constant<A>

/**
 * What arithmetic gives: a number of the same kind, or null where an operand is null or missing.
 *
 * @see {@link Numeric} for the kinds of numbers
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Arithmetic<A> = NumberOf<A> | NullIf<A>

type NumberOf<A> = A extends number ? number
  : A extends bigint ? bigint
  : A extends Driver.Long ? Driver.Long
  : A extends Driver.Decimal128 ? Driver.Decimal128
  : A extends BigDecimal.BigDecimal ? BigDecimal.BigDecimal
  : never

/**
 * What a division and an average give: decimals of decimals, doubles of all other numbers, or null where an operand is null or
 * missing.
 *
 * @see {@link Arithmetic} for other arithmetic
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Fraction<A> = FractionOf<A> | NullIf<A>

type FractionOf<A> = A extends Driver.Decimal128 ? Driver.Decimal128
  : A extends BigDecimal.BigDecimal ? BigDecimal.BigDecimal
  : A extends Numeric ? number
  : never

/**
 * The type of the elements of an array that may be null or missing.
 *
 * @see {@link Elements} for the bound of such arrays
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type ElementOf<A> = A extends ReadonlyArray<infer E> ? E : never

/**
 * An array that may be null or missing.
 *
 * @see {@link ElementOf} for its elements
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Elements = ReadonlyArray<unknown> | Nullish

/**
 * Whether a value is an expression.
 *
 * **Example** (Telling it from a constant)
 *
 * ```ts
 * import { Expr } from "@mongofx/schema"
 *
 * console.log(Expr.isExpr(1)) // false
 * console.log(Expr.isExpr(Expr.literal(1))) // true
 * ```
 *
 * @see {@link Expr} for what it tests
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isExpr = (u: unknown): u is Expr<unknown> => isExpr_(u)

export * from "./internal/operators/arithmetic.ts"
export * from "./internal/operators/array.ts"
export * from "./internal/operators/bits.ts"
export * from "./internal/operators/boolean.ts"
export * from "./internal/operators/comparison.ts"
export * from "./internal/operators/conditional.ts"
export * from "./internal/operators/date.ts"
export * from "./internal/operators/literal.ts"
export * from "./internal/operators/meta.ts"
export * from "./internal/operators/miscellaneous.ts"
export * from "./internal/operators/object.ts"
export * from "./internal/operators/set.ts"
export * from "./internal/operators/size.ts"
export * from "./internal/operators/sortArray.ts"
export * from "./internal/operators/statistics.ts"
export * from "./internal/operators/string.ts"
export * from "./internal/operators/trigonometry.ts"
export * from "./internal/operators/tuple.ts"
export * from "./internal/operators/type.ts"
export * from "./internal/operators/variable.ts"
export * from "./internal/operators/vector.ts"
