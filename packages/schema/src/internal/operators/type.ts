/** Types: what a value is stored as, and conversions. */
import type * as BigDecimal from "effect/BigDecimal"
import type * as DateTime from "effect/DateTime"
import { dual } from "effect/Function"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type * as Driver from "mongodb"
import * as Bson from "../../Bson.ts"
import type { Expr, NullIf, Nullish, Numeric } from "../../Expr.ts"
import { boolean, eitherOf, isNullable, nothing as none, number, present, text } from "../ast/calculus.ts"
import { numericTypes, storedTypes } from "../ast/stored.ts"
import { ExprImpl } from "../expression/expr.ts"
import type { Kind } from "../expression/operand.ts"
import { operand, operandOf } from "../expression/operand.ts"
import * as operator from "../expression/operator.ts"
import { refuse } from "../refusal.ts"
import type { Instant } from "./date.ts"

const bsonTypes = [
  "missing",
  "null",
  "double",
  "string",
  "object",
  "array",
  "binData",
  "objectId",
  "bool",
  "date",
  "regex",
  "javascript",
  "int",
  "timestamp",
  "long",
  "decimal",
  "minKey",
  "maxKey",
  "undefined",
  "dbPointer",
  "symbol",
  "javascriptWithScope"
] as const

/**
 * The names of the types of BSON. What is missing has a name too.
 *
 * @see {@link type} for what gives it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type BsonType = typeof bsonTypes[number]

/**
 * The name of the type that a value is stored as.
 *
 * **Example** (The types of values)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Row = Schema.Struct({ _id: Bson.ObjectId, value: Schema.Unknown })
 *
 * const values = Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: Expr.type($.value) })))
 * ```
 *
 * @see {@link isNumber} for numbers of all types
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const type: (self: Expr<unknown>) => Expr<BsonType> = operator.unary(
  "$type",
  "any",
  operator.always(Schema.Literals(bsonTypes).ast)
)

/**
 * Whether a value is stored as a number: an int, a long, a double or a decimal.
 *
 * **Example** (Whether it is a number)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Row = Schema.Struct({ _id: Bson.ObjectId, value: Schema.Unknown })
 *
 * const values = Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: Expr.isNumber($.value) })))
 * ```
 *
 * @see {@link type} for the type
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const isNumber: (self: Expr<unknown>) => Expr<boolean> = operator.unary(
  "$isNumber",
  "any",
  operator.always(boolean)
)

const numbers = [...numericTypes]

/** What the server converts to each type, and the schema of what it gives. */
const targets = {
  bool: { from: undefined, ast: boolean },
  int: { from: [...numbers, "string", "bool", "binData"], ast: number },
  long: { from: [...numbers, "string", "bool", "date", "binData"], ast: Bson.Int64.ast },
  double: { from: [...numbers, "string", "bool", "date", "binData"], ast: number },
  decimal: { from: [...numbers, "string", "bool", "date"], ast: Bson.Decimal128.ast },
  date: {
    from: ["number", "double", "long", "decimal", "string", "date", "objectId", "timestamp"],
    ast: Bson.Date.ast
  },
  objectId: { from: ["string", "objectId"], ast: Bson.ObjectId.ast },
  string: { from: [...numbers, "string", "bool", "date", "objectId", "binData"], ast: text },
  binData: { from: ["number", "int", "long", "double", "string", "binData"], ast: Bson.Binary.ast }
} satisfies Record<string, { readonly from: ReadonlyArray<string> | undefined; readonly ast: SchemaAST.AST }>

type Target = keyof typeof targets

/** What the server converts to a type. */
const kindFor = (to: Target, without?: string): Kind | undefined => {
  const { from } = targets[to]
  return from === undefined
    ? undefined
    : { name: `what the server converts to ${to}`, types: new Set(from.filter((type) => type !== without)) }
}

const conversion = <F extends (...args: never) => unknown>(name: string, to: Target): F =>
  operator.unary(name, kindFor(to, "binData") ?? "any", operator.nullable(targets[to].ast))

/** What the server converts to a number. */
type ToNumber = Numeric | string | boolean | Nullish

/**
 * A boolean of any value: zero is false, every other value is true, also empty text. It is null if the value is null or missing.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Row = Schema.Struct({ _id: Bson.ObjectId, value: Schema.Number })
 *
 * const values = Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: Expr.toBool($.value) })))
 * ```
 *
 * @see {@link convert} for a value where the conversion fails
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toBool: <A>(self: Expr<A>) => Expr<boolean | NullIf<A>> = conversion("$toBool", "bool")

/**
 * An int of a number, a text or a boolean. Digits after the point are cut off. It is null if the value is null or missing. The server fails for other text, and where an int has no room for the number.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Row = Schema.Struct({ _id: Bson.ObjectId, value: Schema.String })
 *
 * const values = Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: Expr.toInt($.value) })))
 * ```
 *
 * @see {@link convert} for a value where the conversion fails
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toInt: <A extends ToNumber>(self: Expr<A>) => Expr<number | NullIf<A>> = conversion("$toInt", "int")

/**
 * A long of a number, a text, a boolean or a date, of which it is the milliseconds since 1970. Digits after the point are cut off. It is null if the value is null or missing. The server fails for other text, and where a long has no room for the number.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Row = Schema.Struct({ _id: Bson.ObjectId, value: Schema.Number })
 *
 * const values = Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: Expr.toLong($.value) })))
 * ```
 *
 * @see {@link convert} for a value where the conversion fails
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toLong: <A extends ToNumber | Instant>(self: Expr<A>) => Expr<bigint | NullIf<A>> = conversion(
  "$toLong",
  "long"
)

/**
 * A double of a number, a text, a boolean or a date, of which it is the milliseconds since 1970. It is null if the value is null or missing. The server fails for other text.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Row = Schema.Struct({ _id: Bson.ObjectId, value: Bson.Int64 })
 *
 * const values = Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: Expr.toDouble($.value) })))
 * ```
 *
 * @see {@link convert} for a value where the conversion fails
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toDouble: <A extends ToNumber | Instant>(self: Expr<A>) => Expr<number | NullIf<A>> = conversion(
  "$toDouble",
  "double"
)

/**
 * A decimal of a number, a text, a boolean or a date, of which it is the milliseconds since 1970. It is null if the value is null or missing. The server fails for other text.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Row = Schema.Struct({ _id: Bson.ObjectId, value: Schema.String })
 *
 * const values = Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: Expr.toDecimal($.value) })))
 * ```
 *
 * @see {@link toBigDecimal} for fields whose schema is `Bson.BigDecimal`
 * @see {@link convert} for a value where the conversion fails
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toDecimal: <A extends ToNumber | Instant>(self: Expr<A>) => Expr<Driver.Decimal128 | NullIf<A>> =
  conversion("$toDecimal", "decimal")

/**
 * A `BigDecimal` of a number, a text or a boolean, stored as a decimal. It is null if the value is null or missing. The server fails for other text.
 *
 * **When to use**
 *
 * Use it to reckon a number with amounts of money: the operands of arithmetic are numbers of one kind.
 *
 * **Gotchas**
 *
 * A double that is infinite or not a number has no `BigDecimal`: the document fails to decode.
 *
 * **Example** (The value of a line)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Line = Schema.Struct({ _id: Bson.ObjectId, price: Bson.BigDecimal, count: Schema.Int })
 *
 * const values = Pipeline.make(Line).pipe(
 *   Pipeline.select(($) => ({ value: Expr.multiply($.price, Expr.toBigDecimal($.count)) }))
 * )
 * ```
 *
 * @see {@link toDecimal} for the driver's decimal
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toBigDecimal: <A extends ToNumber>(self: Expr<A>) => Expr<BigDecimal.BigDecimal | NullIf<A>> = operator
  .unary("$toDecimal", kindFor("decimal", "date")!, operator.nullable(Bson.BigDecimal.ast))

/**
 * A date of a number of milliseconds since 1970, of a text after ISO 8601, or of the time in an ObjectId or a timestamp. It is null if the value is null or missing. The server fails for other text.
 *
 * **Gotchas**
 *
 * The server fails for numbers that are stored as an int, as the driver stores a small `Schema.Number`: convert with
 * `Expr.toLong` before.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Row = Schema.Struct({ _id: Bson.ObjectId, value: Bson.ObjectId })
 *
 * const values = Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: Expr.toDate($.value) })))
 * ```
 *
 * @see {@link convert} for a value where the conversion fails
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toDate: <A extends Numeric | string | Instant | Nullish>(self: Expr<A>) => Expr<Date | NullIf<A>> =
  conversion("$toDate", "date")

/**
 * An ObjectId of a text of 24 hexadecimal digits. It is null if the value is null or missing. The server fails for other text.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Row = Schema.Struct({ _id: Bson.ObjectId, value: Schema.String })
 *
 * const values = Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: Expr.toObjectId($.value) })))
 * ```
 *
 * @see {@link convert} for a value where the conversion fails
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toObjectId: <A extends string | Driver.ObjectId | Nullish>(
  self: Expr<A>
) => Expr<Driver.ObjectId | NullIf<A>> = conversion("$toObjectId", "objectId")

const toString_: <A extends ToNumber | Date | DateTime.Utc | Driver.ObjectId>(
  self: Expr<A>
) => Expr<string | NullIf<A>> = conversion("$toString", "string")

export {
  /**
   * The text of a number, a boolean, a date after ISO 8601 or an ObjectId. It is null if the value is null or missing.
   *
   * **Example** (Of a field)
   *
   * ```ts
   * import { Bson, Expr, Pipeline } from "@mongofx/schema"
   * import { Schema } from "effect"
   *
   * const Row = Schema.Struct({ _id: Bson.ObjectId, value: Schema.Number })
   *
   * const values = Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: Expr.toString($.value) })))
   * ```
   *
   * @see {@link convert} for a value where the conversion fails
   * @stability unstable
   * @category combinators
   * @since 0.1.0
   */
  toString_ as toString
}

/**
 * A UUID of a text such as `d7f3065d-a6b1-4f04-bd7f-3c2fa8c0118e`. It is null if the value is null or missing. The server fails for other text.
 *
 * **Example** (Of a field)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Row = Schema.Struct({ _id: Bson.ObjectId, value: Schema.String })
 *
 * const values = Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: Expr.toUUID($.value) })))
 * ```
 *
 * @see {@link convert} for a value where the conversion fails
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const toUUID: <A extends string | Driver.UUID | Nullish>(self: Expr<A>) => Expr<Driver.UUID | NullIf<A>> =
  operator.unary("$toUUID", kindFor("objectId")!, operator.nullable(Bson.UUID.ast))

/**
 * The decoded types of what `convert` gives, by the name of the type.
 *
 * @see {@link convert} for what gives them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Conversions {
  /** A boolean. */
  readonly bool: boolean
  /** An int. */
  readonly int: number
  /** A long. */
  readonly long: bigint
  /** A double. */
  readonly double: number
  /** A decimal. */
  readonly decimal: Driver.Decimal128
  /** A date. */
  readonly date: Date
  /** An ObjectId. */
  readonly objectId: Driver.ObjectId
  /** Text. */
  readonly string: string
  /** Binary data of subtype 0. */
  readonly binData: Driver.Binary
}

/**
 * How a value is converted.
 *
 * @see {@link convert} for what takes it
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ConvertOptions {
  /** The type to convert to. */
  readonly to: keyof Conversions
  /** What it gives where the conversion fails. The server fails if left out. */
  readonly onError?: Expr<unknown> | undefined
  /** What it gives where the value is null or missing. Null if left out. */
  readonly onNull?: Expr<unknown> | undefined
  /** How text stands for binary data. Text and binary data need it. */
  readonly format?: "base64" | "base64url" | "utf8" | "hex" | "uuid" | undefined
  /** The order of the bytes of a number in binary data. `little` if left out. */
  readonly byteOrder?: "little" | "big" | undefined
}

/** What an option gives, or `Without` if it is left out. */
type Given<O, Name extends string, Without> = O extends { readonly [K in Name]: Expr<infer A> } ? A : Without

type Converted<A, O extends ConvertOptions> =
  | Conversions[O["to"]]
  | Given<O, "onError", never>
  | ([NullIf<A>] extends [never] ? never : Given<O, "onNull", null>)

/**
 * A value as another type.
 *
 * **Details**
 *
 * What the server never converts to the type is refused when the pipeline is built, unless `onError` has a value for it.
 *
 * **Example** (A number of a text, or 0)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Row = Schema.Struct({ _id: Bson.ObjectId, value: Schema.String })
 *
 * const values = Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: Expr.convert($.value, { to: "int", onError: Expr.literal(0) }) })))
 * ```
 *
 * @see {@link toInt} for a conversion that fails where it cannot be done
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const convert: {
  <const O extends ConvertOptions>(options: O): <A>(self: Expr<A>) => Expr<Converted<A, O>>
  <A, const O extends ConvertOptions>(self: Expr<A>, options: O): Expr<Converted<A, O>>
} = dual(2, (self: unknown, options: ConvertOptions): ExprImpl => {
  const { byteOrder, format, onError, onNull, to } = options
  if (!Object.hasOwn(targets, to)) refuse("$convert.to", `is not a type: use ${Object.keys(targets).join(", ")}`)
  const kind = kindFor(to)
  const input = onError === undefined && kind !== undefined ? operandOf(kind, self, "$convert") : operand(self)
  const stored = storedTypes(input.slot.ast)
  const isText = to === "string" && stored.has("binData") || to === "binData" && stored.has("string")
  if (isText && format === undefined && onError === undefined) {
    refuse("$convert.format", "is needed between text and binary data: use base64, base64url, utf8, hex or uuid")
  }
  const other = (term: Expr<unknown> | undefined) => term === undefined ? [] : [operand(term)]
  const [failed] = other(onError)
  const [nothing] = other(onNull)
  const parts = [present(targets[to].ast), ...(failed === undefined ? [] : [failed.slot])]
  if (isNullable(input.slot)) parts.push(nothing === undefined ? present(none) : nothing.slot)
  return new ExprImpl(
    eitherOf(parts, "$convert"),
    (writing) => ({
      $convert: {
        input: input.write(writing),
        to,
        ...(format === undefined ? {} : { format }),
        ...(byteOrder === undefined ? {} : { byteOrder }),
        ...(failed === undefined ? {} : { onError: failed.write(writing) }),
        ...(nothing === undefined ? {} : { onNull: nothing.write(writing) })
      }
    })
  )
})
