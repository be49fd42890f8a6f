/** Numbers: which of those of BSON a codec reads, and their bounds. */
import * as Driver from "mongodb"
import { anyOf, type Clause, type JsonSchema, type Said, said } from "./said.ts"

/** A number that BSON keeps in the width that is given: a decimal, or a number of JavaScript. */
export type Bound = number | bigint | Driver.Decimal128

/** @internal */
export interface Limit<A> {
  readonly value: A
  readonly exclusive: boolean
}

/** @internal */
export interface Range<A> {
  readonly min?: Limit<A> | undefined
  readonly max?: Limit<A> | undefined
}

const tighter = <A>(
  a: Limit<A> | undefined,
  b: Limit<A> | undefined,
  isTighter: (a: A, b: A) => boolean
): Limit<A> | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  if (isTighter(a.value, b.value)) return a
  return isTighter(b.value, a.value) || b.exclusive ? b : a
}

/**
 * The values that both ranges have.
 *
 * @internal
 */
export const within = <A>(a: Range<A>, b: Range<A>, less: (a: A, b: A) => boolean): Range<A> => ({
  min: tighter(a.min, b.min, (x, y) => less(y, x)),
  max: tighter(a.max, b.max, less)
})

const inclusive = <A>(min: A, max: A): Range<A> => ({
  min: { value: min, exclusive: false },
  max: { value: max, exclusive: false }
})

const stored = (value: Bound): unknown => {
  if (typeof value !== "bigint") return value
  if (value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  return value >= -(2n ** 63n) && value < 2n ** 63n ? Driver.Long.fromBigInt(value) : Number(value)
}

/** @internal */
export const boundsOf = ({ max, min }: Range<Bound>): JsonSchema => ({
  ...(min === undefined ? {} : { minimum: stored(min.value), ...(min.exclusive ? { exclusiveMinimum: true } : {}) }),
  ...(max === undefined ? {} : { maximum: stored(max.value), ...(max.exclusive ? { exclusiveMaximum: true } : {}) })
})

/**
 * How numbers are read: as a number of JavaScript, by one of the schemas of `Bson`, where `long` is an int64, or as the driver's own bigint.
 *
 * @internal
 */
export type Reading = "number" | "int" | "long" | "double" | "bigint"

/** @internal */
export interface Facts {
  readonly range: Range<number | bigint>
  readonly integer: boolean
  /** Whether the checks refuse NaN, as bounds below do. */
  readonly refusesNaN: boolean
}

/** @internal */
export const less = (a: number | bigint, b: number | bigint): boolean => a < b

/** The driver delivers an int64 in this range as a number. */
const promoted = inclusive<number | bigint>(-(2 ** 53), 2 ** 53)

const int32 = inclusive<number | bigint>(-(2 ** 31), 2 ** 31 - 1)

const isWithin = ({ max, min }: Range<number | bigint>, outer: Range<number | bigint>): boolean =>
  min !== undefined && max !== undefined && min.value >= outer.min!.value && max.value <= outer.max!.value

/** A double that is not an integer. `multipleOf` looks at 15 digits only. */
const fraction = { $type: "double", $not: { $bitsAllClear: 0 } }

const wholeNumbers = (path: string): Clause => ({
  about: "number",
  tests: [["", fraction]],
  lost: {
    path,
    what: "integers only",
    why: "multipleOf looks at 15 digits, so that it takes a number that is almost an integer"
  }
})

/**
 * The numbers that are read in this way and that pass the checks. `promotes` says whether the driver delivers an int64 as a number.
 *
 * @internal
 */
export const numbers = (
  reading: Reading,
  { integer, range, refusesNaN }: Facts,
  path: string,
  promotes: boolean
): Said => {
  const whole = integer || reading === "int" || reading === "long"
  const common = whole ? { multipleOf: 1 } : {}
  const of = (types: ReadonlyArray<string>, range: Range<number | bigint>, only: JsonSchema = common): JsonSchema => ({
    bsonType: types.length === 1 ? types[0] : types,
    ...only,
    ...boundsOf(range)
  })
  const schemaOf = (): JsonSchema => {
    const inPromoted = within(range, promoted, less)
    switch (reading) {
      case "int":
        return of(["int", "long", "double"], within(range, int32, less))
      case "bigint":
        return of(["long"], range, {})
      case "double":
        return of(["int", "long", "double"], range)
      case "long":
        return isWithin(range, promoted)
          ? of(["int", "long", "double"], range)
          : anyOf([of(["int", "long"], range, {}), of(["double"], inPromoted)])
      case "number":
        if (!promotes) return of(["int", "double"], range)
        return isWithin(range, promoted)
          ? of(["int", "long", "double"], range)
          : anyOf([of(["int", "double"], range), of(["long"], inPromoted, {})])
    }
  }
  // To the server NaN is beyond every bound. To JavaScript it is below each.
  const takesNaN = !whole && reading !== "bigint" && !refusesNaN && range.max !== undefined && range.min === undefined
  const schema = schemaOf()
  return said(
    takesNaN ? anyOf([schema, { bsonType: "double", enum: [NaN] }]) : schema,
    whole ? [wholeNumbers(path)] : []
  )
}
