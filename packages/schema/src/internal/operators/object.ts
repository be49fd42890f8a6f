/** Objects. */
import { dual } from "effect/Function"
import type { Expr, NullIf, Nullish, Shape, Tree } from "../../Expr.ts"
import { fieldsIn, hidesAbsence, nonNull, oneOf, orNull, present, type Slot, struct as tree } from "../ast/calculus.ts"
import { changeOwnField, mergeObjects as merge, storedName } from "../ast/fields.ts"
import { ExprImpl, isExpr, make } from "../expression/expr.ts"
import { anObject, aText } from "../expression/kinds.ts"
import { operandOf } from "../expression/operand.ts"
import * as operator from "../expression/operator.ts"
import { ownField } from "../expression/reference.ts"
import { slotOfTree, writeTree } from "../expression/tree.ts"
import type { FieldName, FieldsOf } from "../expression/types.ts"
import type { Leaf } from "../path/types.ts"
import type { Others } from "../pipeline/types.ts"

/**
 * An object of expressions as one value. `Pipeline.set` puts it in the place of what was there.
 *
 * **Example** (An address of two fields)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, street: Schema.String, city: Schema.String })
 *
 * const users = Pipeline.make(User).pipe(
 *   Pipeline.set(($) => ({ address: Expr.struct({ street: $.street, city: $.city }) })),
 *   Pipeline.unset("street", "city")
 * )
 * ```
 *
 * @see {@link mergeObjects} for the fields of several objects
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const struct = <const F extends { readonly [name: string]: Tree }>(fields: F): Expr<Shape<F>> =>
  // $set would merge a plain object into the one that is there.
  make(slotOfTree(fields, "struct"), (writing) => ({ $mergeObjects: [writeTree(fields, writing)] }))

type Simplify<T> = { [K in keyof T]: T[K] } & {}

type OptionalKey<T> = keyof { [K in keyof T as undefined extends T[K] ? K : never]: never }

/** The fields of both objects, where those of the second win. Names that are not known may be in both. */
type Merge<A, B> = string extends keyof A | keyof B ? { readonly [name: string]: A[keyof A] | B[keyof B] }
  : Simplify<
    & Others<A, keyof B>
    & Pick<B, Exclude<keyof B, OptionalKey<B>>>
    & {
      readonly [K in Exclude<OptionalKey<B> & keyof A, OptionalKey<A>>]: A[K] | Exclude<B[K], undefined>
    }
    & {
      readonly [K in Exclude<OptionalKey<B>, keyof A> | (OptionalKey<B> & OptionalKey<A>)]?:
        | Exclude<B[K], undefined>
        | (K extends keyof A ? Exclude<A[K], undefined> : never)
    }
  >

/** What is null or missing adds nothing. */
type Given<A> = [Extract<A, Nullish>] extends [never] ? FieldsOf<A> : Partial<FieldsOf<NonNullable<A>>>

/**
 * The type of two objects as one.
 *
 * @see {@link mergeObjects} for what gives it
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Merged<A, B> = Given<A> extends infer First
  ? Given<B> extends infer Second
    ? First extends unknown ? Second extends unknown ? Merge<First, Second> : never : never
  : never
  : never

type Objects = readonly [Expr<object | Nullish>, Expr<object | Nullish>, ...ReadonlyArray<Expr<object | Nullish>>]

/** The type of several objects as one. */
type MergedAll<L, Before = {}> = L extends readonly [Expr<infer A>, ...infer Rest] ? MergedAll<Rest, Merged<Before, A>>
  : Before

/**
 * The fields of several objects as one. Those of a later object win. An object that is null or missing adds nothing.
 *
 * **Details**
 *
 * What is left of a class is a plain object.
 *
 * **Example** (Settings over their defaults)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Settings = Schema.Struct({ color: Schema.optionalKey(Schema.String), size: Schema.optionalKey(Schema.Int) })
 * const User = Schema.Struct({ _id: Bson.ObjectId, settings: Settings })
 *
 * const settings = Pipeline.make(User).pipe(
 *   Pipeline.replaceRoot(($) =>
 *     Expr.mergeObjects(Expr.struct({ color: Expr.literal("blue"), size: Expr.literal(1) }), $.settings)
 *   )
 * )
 * ```
 *
 * @see {@link setField} for one field
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const mergeObjects: {
  <B extends object | Nullish>(that: Expr<B>): <A extends object | Nullish>(self: Expr<A>) => Expr<Merged<A, B>>
  <const L extends Objects>(...objects: L): Expr<MergedAll<L>>
} = operator.variadic(
  "$mergeObjects",
  anObject,
  (objects, at) => objects.reduce((before, each) => present(merge(before, each, at)), present(tree({})))
)

/** What a field of an object holds. What is not an object has no fields. */
type FieldIn<A, K> = A extends null ? null
  : A extends Leaf | ReadonlyArray<unknown> ? undefined
  : FieldOf<FieldsOf<A>, K>

type FieldOf<A, K> = K extends keyof A ? string extends keyof A ? A[K] | undefined : A[K] : undefined

/** What any of the fields holds. */
type AnyField<A> = A extends null ? null : A extends Leaf | ReadonlyArray<unknown> ? undefined : ValueOf<FieldsOf<A>>

type ValueOf<A> = A[keyof A] | undefined

/**
 * A field of an object by its name, whatever the name looks like: also one with dots or with `$` at its start. It is null if the
 * object is null, and missing if the object is missing or lacks the field.
 *
 * **Details**
 *
 * A name that is an expression is the one in the database, and gives what any of the fields may hold.
 *
 * **Example** (The price in the currency of the order)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Prices = Schema.Record(Schema.String, Schema.Number)
 * const Order = Schema.Struct({ _id: Bson.ObjectId, currency: Schema.String, prices: Prices })
 *
 * const prices = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ price: Expr.getField($.prices, $.currency) }))
 * )
 * ```
 *
 * @see {@link setField} for setting a field
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const getField: {
  <const K extends string>(
    field: K
  ): <A extends { readonly [P in K]?: unknown } | Nullish>(self: Expr<A>) => Expr<FieldIn<A, K>>
  (field: Expr<string>): <A extends object | Nullish>(self: Expr<A>) => Expr<AnyField<A>>
  <A extends object | Nullish, const K extends FieldName<A>>(self: Expr<A>, field: K): Expr<FieldIn<A, K>>
  <A extends object | Nullish>(self: Expr<A>, field: Expr<string>): Expr<AnyField<A>>
} = dual(2, (self: unknown, field: unknown) => {
  const object = operandOf(anObject, self, "$getField")
  const inside = nonNull(object.slot.ast)
  const name = isExpr(field) ? operandOf(aText, field, "$getField.field") : undefined
  const found = name === undefined
    ? ownField(inside, String(field), `$getField.${String(field)}`)
    : { ast: oneOf(fieldsIn(inside)), optional: true, stored: undefined }
  const { stored, ...inner } = found
  const slot: Slot = inside === object.slot.ast
    ? { ...inner, optional: object.slot.optional || inner.optional, belowDefault: hidesAbsence(object.slot) }
    : { ...orNull(inner.ast, [object.slot, inner]), optional: object.slot.optional || inner.optional }
  return new ExprImpl(slot, (writing) => ({
    $getField: {
      field: name === undefined ? { $literal: stored } : name.write(writing),
      input: object.write(writing)
    }
  }))
})

/** An object with another field. */
type WithField<A, K extends string, V extends Tree> = A extends unknown
  ? Simplify<Others<FieldsOf<A>, K> & Shape<{ readonly [P in K]: V }>>
  : never

/** An object without a field. */
type WithoutField<A, K extends string> = A extends unknown ? Simplify<Others<FieldsOf<A>, K>> : never

/**
 * The object with another value of a field, whatever the name looks like: also one with dots or with `$` at its start. It is null
 * if the object is null or missing.
 *
 * **Details**
 *
 * What may be missing makes the field optional. What is left of a class is a plain object.
 *
 * **Example** (A name with a dot)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Site = Schema.Struct({ _id: Bson.ObjectId, hits: Schema.Int })
 *
 * const sites = Pipeline.make(Site).pipe(
 *   Pipeline.replaceRoot(($) => Expr.setField($, "example.com", $.hits))
 * )
 * ```
 *
 * @see {@link unsetField} for taking a field away
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const setField: {
  <const K extends string, const V extends Tree>(
    field: K,
    value: V
  ): <A extends object | Nullish>(self: Expr<A>) => Expr<WithField<NonNullable<A>, K, V> | NullIf<A>>
  <A extends object | Nullish, const K extends string, const V extends Tree>(
    self: Expr<A>,
    field: K,
    value: V
  ): Expr<WithField<NonNullable<A>, K, V> | NullIf<A>>
} = dual(3, (self: unknown, field: string, value: Tree) => {
  const at = `$setField.${field}`
  const object = operandOf(anObject, self, "$setField")
  const slot = slotOfTree(value, at)
  const inside = nonNull(object.slot.ast)
  const stored = storedName(inside, field)
  const ast = changeOwnField(inside, field, at, { change: () => slot, creates: false, entersArrays: false })
  return new ExprImpl(orNull(ast, [object.slot]), (writing) => ({
    $setField: { field: { $literal: stored }, input: object.write(writing), value: writeTree(value, writing) }
  }))
})

/**
 * The object without a field, whatever its name looks like: also one with dots or with `$` at its start. It is null if the object
 * is null or missing.
 *
 * **Example** (Without a field inside of an object)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Address = Schema.Struct({ city: Schema.String, street: Schema.String })
 * const User = Schema.Struct({ _id: Bson.ObjectId, address: Address })
 *
 * const users = Pipeline.make(User).pipe(
 *   Pipeline.select(($) => ({ address: Expr.unsetField($.address, "street") }))
 * )
 * ```
 *
 * @see {@link setField} for setting a field
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const unsetField: {
  <const K extends string>(
    field: K
  ): <A extends { readonly [P in K]?: unknown } | Nullish>(
    self: Expr<A>
  ) => Expr<WithoutField<NonNullable<A>, K> | NullIf<A>>
  <A extends object | Nullish, const K extends FieldName<A>>(
    self: Expr<A>,
    field: K
  ): Expr<WithoutField<NonNullable<A>, K> | NullIf<A>>
} = dual(2, (self: unknown, field: string) => {
  const object = operandOf(anObject, self, "$unsetField")
  const inside = nonNull(object.slot.ast)
  const { stored } = ownField(inside, field, `$unsetField.${field}`)
  const ast = changeOwnField(inside, field, "$unsetField", {
    change: () => undefined,
    creates: false,
    entersArrays: false
  })
  return new ExprImpl(
    orNull(ast, [object.slot]),
    (writing) => ({ $unsetField: { field: { $literal: stored }, input: object.write(writing) } })
  )
})
