/** Arrays. */
import { dual } from "effect/Function"
import type {
  Constant,
  ElementOf,
  Elements,
  Expr,
  MissingAsNull,
  NullIf,
  Nullish,
  Ref,
  Term,
  Tree,
  TypeOf
} from "../../Expr.ts"
import {
  arrayOf,
  boolean,
  eitherOf,
  elementOf,
  fieldsIn,
  missingAsNull,
  nonNull,
  number,
  oneOf,
  orNull,
  present,
  recordOf,
  struct,
  text
} from "../ast/calculus.ts"
import { ExprImpl } from "../expression/expr.ts"
import { aBoolean, anArray, anObject, aNumber } from "../expression/kinds.ts"
import { operand, operandOf } from "../expression/operand.ts"
import * as operator from "../expression/operator.ts"
import { variable } from "../expression/reference.ts"
import { slotOfTree, writeTree } from "../expression/tree.ts"

/** An element, which the array may lack. */
const anElement: operator.Rule = ([array]) => ({ ast: orNull(elementOf(array!.ast), [array!]).ast, optional: true })

/** Some elements of an array. */
interface SomeElements {
  (options: { readonly n: Term<number> }): <A extends ReadonlyArray<unknown>>(
    self: Expr<A>
  ) => Expr<ReadonlyArray<ElementOf<A>>>
  <A extends ReadonlyArray<unknown>>(
    self: Expr<A>,
    options: { readonly n: Term<number> }
  ): Expr<ReadonlyArray<ElementOf<A>>>
}

const atEnd = (name: string): SomeElements =>
  operator.named(name, { input: anArray, n: aNumber }, (slots) => present(arrayOf(elementOf(slots[0]!.ast))))

/** Some elements of an array that are not null. */
interface SomeValues {
  (options: { readonly n: Term<number> }): <A extends ReadonlyArray<unknown>>(
    self: Expr<A>
  ) => Expr<ReadonlyArray<NonNullable<ElementOf<A>>>>
  <A extends ReadonlyArray<unknown>>(
    self: Expr<A>,
    options: { readonly n: Term<number> }
  ): Expr<ReadonlyArray<NonNullable<ElementOf<A>>>>
}

const extreme = (name: string): SomeValues =>
  operator.named(name, { input: anArray, n: aNumber }, (slots) => present(arrayOf(nonNull(elementOf(slots[0]!.ast)))))

/**
 * The number of elements of an array. The server fails where there is no array: replace one that may be missing with
 * `Expr.ifNull`.
 *
 * **Example** (How many lines)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.String) })
 *
 * const sizes = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ lines: Expr.size($.lines) })))
 * ```
 *
 * @see {@link filter} for some of the elements
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const size: (self: Expr<ReadonlyArray<unknown>>) => Expr<number> = operator.unary(
  "$size",
  anArray,
  operator.always(number)
)

/**
 * Computes a value for each element of an array. It is null if the array is null or missing. Where a value is missing, the
 * array has null.
 *
 * **Example** (The value of each line)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Line = Schema.Struct({ price: Schema.Number, quantity: Schema.Int })
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Line) })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ values: Expr.map($.lines, (line) => Expr.multiply(line.price, line.quantity)) }))
 * )
 * ```
 *
 * @see {@link filter} for some of the elements
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const map: {
  <A extends Elements, const B extends Tree>(
    f: (element: Ref<ElementOf<A>>) => B
  ): (self: Expr<A>) => Expr<ReadonlyArray<MissingAsNull<TypeOf<B>>> | NullIf<A>>
  <A extends Elements, const B extends Tree>(
    self: Expr<A>,
    f: (element: Ref<ElementOf<A>>) => B
  ): Expr<ReadonlyArray<MissingAsNull<TypeOf<B>>> | NullIf<A>>
} = dual(2, (self: unknown, f: (element: Ref<unknown>) => Tree) => {
  const array = operandOf(anArray, self, "$map")
  const [origin, element] = variable<unknown>(present(elementOf(array.slot.ast)), "element")
  const inner = f(element)
  return new ExprImpl(
    orNull(arrayOf(missingAsNull(slotOfTree(inner, "element"))), [array.slot]),
    (writing) => {
      const [as, inside] = writing.variable(origin)
      return { $map: { input: array.write(writing), as, in: writeTree(inner, inside) } }
    }
  )
})

/**
 * The elements of an array for which a condition holds. It is null if the array is null or missing.
 *
 * **Example** (The expensive lines)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.Struct({ price: Schema.Number })) })
 *
 * const expensive = Pipeline.make(Order).pipe(
 *   Pipeline.set(($) => ({ lines: Expr.filter($.lines, (line) => Expr.gt(line.price, 100)) }))
 * )
 * ```
 *
 * @see {@link map} for a value of each element
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const filter: {
  <A extends Elements>(
    condition: (element: Ref<ElementOf<A>>) => Expr<boolean | Nullish>
  ): (self: Expr<A>) => Expr<ReadonlyArray<ElementOf<A>> | NullIf<A>>
  <A extends Elements>(
    self: Expr<A>,
    condition: (element: Ref<ElementOf<A>>) => Expr<boolean | Nullish>
  ): Expr<ReadonlyArray<ElementOf<A>> | NullIf<A>>
} = dual(2, (self: unknown, condition: (element: Ref<unknown>) => unknown) => {
  const array = operandOf(anArray, self, "$filter")
  const [origin, element] = variable<unknown>(present(elementOf(array.slot.ast)), "element")
  const test = operandOf(aBoolean, condition(element), "$filter")
  return new ExprImpl(orNull(arrayOf(elementOf(array.slot.ast)), [array.slot]), (writing) => {
    const [as, cond] = writing.variable(origin)
    return { $filter: { input: array.write(writing), as, cond: test.write(cond) } }
  })
})

/**
 * The element at a position of an array: from the end for a negative one. It is missing if the array has no such element, and null
 * if the array is null or missing.
 *
 * **Example** (The last line)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.String) })
 *
 * const last = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ last: Expr.arrayElemAt($.lines, -1) })))
 * ```
 *
 * @see {@link size} for the number of elements
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const arrayElemAt: {
  (position: Term<number>): <A extends Elements>(self: Expr<A>) => Expr<ElementOf<A> | NullIf<A> | undefined>
  <A extends Elements>(self: Expr<A>, position: Term<number>): Expr<ElementOf<A> | NullIf<A> | undefined>
} = operator.positional("$arrayElemAt", [anArray, aNumber], anElement)

/**
 * The elements of arrays one after the other. It is null if one of them is null or missing.
 *
 * **Example** (All lines)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.String), extra: Schema.Array(Schema.String) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.concatArrays($.lines, $.extra) })))
 * ```
 *
 * @see {@link setUnion} for each element once
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const concatArrays: {
  <B extends Elements>(
    that: Expr<B>
  ): <A extends Elements>(self: Expr<A>) => Expr<ReadonlyArray<ElementOf<A> | ElementOf<B>> | NullIf<A> | NullIf<B>>
  <A extends Elements, B extends Elements>(
    self: Expr<A>,
    that: Expr<B>,
    ...more: ReadonlyArray<Expr<B>>
  ): Expr<ReadonlyArray<ElementOf<A> | ElementOf<B>> | NullIf<A> | NullIf<B>>
} = operator.variadic("$concatArrays", anArray, operator.allElements)

/**
 * The first element of an array. It is missing if the array is empty, and null if the array is null or missing.
 *
 * **Example** (A line)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.String) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.first($.lines) })))
 * ```
 *
 * @see {@link last} for the last one
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const first: <A extends Elements>(self: Expr<A>) => Expr<ElementOf<A> | NullIf<A> | undefined> = operator.unary(
  "$first",
  anArray,
  anElement
)

/**
 * The last element of an array. It is missing if the array is empty, and null if the array is null or missing.
 *
 * **Example** (A line)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.String) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.last($.lines) })))
 * ```
 *
 * @see {@link first} for the first one
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const last: <A extends Elements>(self: Expr<A>) => Expr<ElementOf<A> | NullIf<A> | undefined> = operator.unary(
  "$last",
  anArray,
  anElement
)

/**
 * The first elements of an array. The server fails where there is no array, or where `n` is not a whole number above 0.
 *
 * **Example** (Two of them)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.firstN($.numbers, { n: 2 }) })))
 * ```
 *
 * @see {@link lastN} for the last ones
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const firstN: SomeElements = atEnd("$firstN")

/**
 * The last elements of an array. The server fails where there is no array, or where `n` is not a whole number above 0.
 *
 * **Example** (Two of them)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.lastN($.numbers, { n: 2 }) })))
 * ```
 *
 * @see {@link firstN} for the first ones
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const lastN: SomeElements = atEnd("$lastN")

/**
 * The greatest elements of an array, the greatest one first. Null is left out. The server fails where there is no array, or
 * where `n` is not a whole number above 0.
 *
 * **Example** (Two of them)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.maxN($.numbers, { n: 2 }) })))
 * ```
 *
 * @see {@link minN} for the least ones
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const maxN: SomeValues = extreme("$maxN")

/**
 * The least elements of an array, the least one first. Null is left out. The server fails where there is no array, or where `n`
 * is not a whole number above 0.
 *
 * **Example** (Two of them)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.minN($.numbers, { n: 2 }) })))
 * ```
 *
 * @see {@link maxN} for the greatest ones
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const minN: SomeValues = extreme("$minN")

/**
 * The position of a value in an array, from 0. It is -1 if the array does not have it, and null if the array is null or
 * missing. A value that is not an expression is encoded by the codec of the elements.
 *
 * **Details**
 *
 * `start` and `end` are positions between which it looks.
 *
 * **Example** (Where a line is)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.String) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.indexOfArray($.lines, "gift") })))
 * ```
 *
 * @see {@link in} for whether it is there
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const indexOfArray = <A extends Elements>(
  self: Expr<A>,
  value: Expr<ElementOf<A>> | NoInfer<Constant<ElementOf<A>>>,
  start?: Term<number>,
  end?: Term<number>
): Expr<number | NullIf<A>> => {
  const array = operandOf(anArray, self, "$indexOfArray")
  const range = [start, end].filter((place) => place !== undefined)
  const operands = [
    array,
    operand(value, elementOf(array.slot.ast)),
    ...range.map((place) => operandOf(aNumber, place, "$indexOfArray"))
  ]
  return operator.listed("$indexOfArray", operands, ([slot]) => orNull(number, [slot!])) as never
}

/**
 * Whether a value is an array.
 *
 * **Example** (Whether there are lines)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Unknown })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.isArray($.lines) })))
 * ```
 *
 * @see {@link size} for the number of elements
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const isArray: (self: Expr<unknown>) => Expr<boolean> = operator.unary(
  "$isArray",
  "any",
  operator.always(boolean)
)

/**
 * Whole numbers from one to another one, without the last. The step may be negative, and is 1 if left out.
 *
 * **Example** (The position of each line)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.String) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.range(0, Expr.size($.lines)) })))
 * ```
 *
 * @see {@link map} for a value for each
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const range = (start: Term<number>, end: Term<number>, step?: Term<number>): Expr<ReadonlyArray<number>> => {
  const numbers = [start, end, step].filter((term) => term !== undefined)
  const operands = numbers.map((term) => operandOf(aNumber, term, "$range"))
  return operator.listed("$range", operands, operator.always(arrayOf(number))) as never
}

/**
 * The type of what begins a reduction: that of an expression, or of constants of its kind.
 *
 * @see {@link reduce} for where it begins
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Initial<B> = B extends Expr<infer C> ? C : Constant<B>

/**
 * One value of all elements of an array: a function joins what there is so far with each element. It is null if the array is
 * null or missing.
 *
 * **Example** (The longest line)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, numbers: Schema.Array(Schema.Number) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.reduce($.numbers, 0, (sum, number) => Expr.add(sum, number)) })))
 * ```
 *
 * @see {@link map} for a value for each element
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const reduce: {
  <A extends Elements, B extends Expr<unknown> | string | number | bigint | boolean | Date>(
    initial: B,
    f: (result: Ref<Initial<B>>, element: Ref<ElementOf<A>>) => Expr<Initial<B>>
  ): (self: Expr<A>) => Expr<Initial<B> | NullIf<A>>
  <A extends Elements, B extends Expr<unknown> | string | number | bigint | boolean | Date>(
    self: Expr<A>,
    initial: B,
    f: (result: Ref<Initial<B>>, element: Ref<ElementOf<A>>) => Expr<Initial<B>>
  ): Expr<Initial<B> | NullIf<A>>
} = dual(3, (self: unknown, initial: unknown, f: (result: Ref<unknown>, element: Ref<unknown>) => Expr<unknown>) => {
  const array = operandOf(anArray, self, "$reduce")
  const begin = operand(initial)
  const [resultOrigin, result] = variable<unknown>(begin.slot, "result")
  const [elementOrigin, element] = variable<unknown>(present(elementOf(array.slot.ast)), "element")
  const body = operand(f(result, element))
  const { ast, optional } = eitherOf([begin.slot, body.slot], "$reduce")
  return new ExprImpl({ ...orNull(ast, [array.slot]), optional }, (writing) => {
    // $reduce has names of its own for both, which another one inside would hide.
    const [resultName, inner] = writing.variable(resultOrigin)
    const [elementName, innermost] = inner.variable(elementOrigin)
    return {
      $reduce: {
        input: array.write(writing),
        initialValue: begin.write(writing),
        in: { $let: { vars: { [resultName]: "$$value", [elementName]: "$$this" }, in: body.write(innermost) } }
      }
    }
  })
})

/**
 * The elements of an array in the reverse order. It is null if the array is null or missing.
 *
 * **Example** (The last line first)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.String) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.reverseArray($.lines) })))
 * ```
 *
 * @see {@link sortArray} for another order
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const reverseArray: <A extends Elements>(
  self: Expr<A>
) => Expr<ReadonlyArray<ElementOf<A>> | NullIf<A>> = operator.unary("$reverseArray", anArray, operator.sameElements)

/**
 * A part of an array: the first `n` elements, the last ones for a negative `n`, or `n` from a position. It is null if the array
 * is null or missing.
 *
 * **Example** (Three lines)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, lines: Schema.Array(Schema.String) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.slice($.lines, 3) })))
 * ```
 *
 * @see {@link arrayElemAt} for a single element
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const slice: {
  (n: number): <A extends Elements>(self: Expr<A>) => Expr<ReadonlyArray<ElementOf<A>> | NullIf<A>>
  (position: number, n: number): <A extends Elements>(self: Expr<A>) => Expr<ReadonlyArray<ElementOf<A>> | NullIf<A>>
  <A extends Elements>(self: Expr<A>, n: Term<number>): Expr<ReadonlyArray<ElementOf<A>> | NullIf<A>>
  <A extends Elements>(
    self: Expr<A>,
    position: Term<number>,
    n: Term<number>
  ): Expr<ReadonlyArray<ElementOf<A>> | NullIf<A>>
} = operator.trailing("$slice", [anArray, aNumber, aNumber], operator.sameElements)

/**
 * Pairs of the names and values of an object, in an array. It is null if the object is null or missing. The names are those in
 * the database.
 *
 * **Example** (The scores as an array)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, scores: Schema.Record(Schema.String, Schema.Number) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.objectToArray($.scores) })))
 * ```
 *
 * @see {@link arrayToObject} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const objectToArray: <A extends object | Nullish>(
  self: Expr<A>
) => Expr<ReadonlyArray<{ readonly k: string; readonly v: ValueIn<NonNullable<A>> }> | NullIf<A>> = operator.unary(
  "$objectToArray",
  anObject,
  (slots) => orNull(arrayOf(struct({ k: text, v: oneOf(fieldsIn(slots[0]!.ast)) })), slots)
)

type ValueIn<A> = Exclude<A[keyof A], undefined>

/**
 * An object of pairs of names and values. It is null if the array is null or missing.
 *
 * **Example** (An object of pairs)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, pairs: Schema.Array(Schema.Struct({ k: Schema.String, v: Schema.Number })) })
 *
 * const values = Pipeline.make(Order).pipe(Pipeline.select(($) => ({ value: Expr.arrayToObject($.pairs) })))
 * ```
 *
 * @see {@link objectToArray} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const arrayToObject: <A extends ReadonlyArray<{ readonly k: string; readonly v: unknown }> | Nullish>(
  self: Expr<A>
) => Expr<{ readonly [name: string]: ElementOf<A>["v"] } | NullIf<A>> = operator.unary(
  "$arrayToObject",
  anArray,
  (slots) => orNull(recordOf(oneOf(fieldsIn(elementOf(slots[0]!.ast), "v"))), slots)
)
