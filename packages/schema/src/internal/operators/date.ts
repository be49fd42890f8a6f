/** Dates. */
import type * as DateTime from "effect/DateTime"
import type * as Driver from "mongodb"
import * as Bson from "../../Bson.ts"
import type { Expr, NullIf, Nullish, Term } from "../../Expr.ts"
import { number, orNull, struct, text } from "../ast/calculus.ts"
import { dateAst } from "../ast/dates.ts"
import { aDate, aNumber, aText, aTimestamp } from "../expression/kinds.ts"
import * as operator from "../expression/operator.ts"

/**
 * What the server takes as a date: a date, or the time in an ObjectId or a timestamp.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Instant = Date | DateTime.Utc | Driver.ObjectId | Driver.Timestamp

/**
 * The type of a date that is computed from another one: dates that are decoded to a `DateTime` stay that.
 *
 * @see {@link Instant} for what it is computed from
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type DateOf<A> = A extends DateTime.Utc ? DateTime.Utc : A extends Instant ? Date : never

/**
 * The units of times.
 *
 * @see {@link dateAdd} for where they are used
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Unit = "year" | "quarter" | "month" | "week" | "day" | "hour" | "minute" | "second" | "millisecond"

/**
 * A day that weeks begin with.
 *
 * @see {@link dateTrunc} for where it is used
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Weekday = "monday" | "tuesday" | "wednesday" | "thursday" | "friday" | "saturday" | "sunday"

/**
 * The time zone in which an operator looks at a date.
 *
 * @see {@link hour} for an operator that takes it
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface TimezoneOptions {
  /** The time zone: an Olson name such as `Europe/Berlin`, or an offset such as `+02:00`. UTC if left out. */
  readonly timezone?: Term<string> | undefined
}

/** What an operator gives where its operand is null or missing. */
type OnNull<A, B> = [NullIf<A>] extends [never] ? never
  : B extends Expr<infer C> ? C
  : B extends string ? string
  : B extends Date ? Date
  // Not `B`: the compiler would infer it from where the result is used.
  : null

/** A date of the codec of the first operand. */
const sameDate: operator.Rule = (slots) => orNull(dateAst(slots[0]!.ast), slots)

/** A part of a date as a number. */
interface Part {
  (options: TimezoneOptions): <A extends Instant | Nullish>(self: Expr<A>) => Expr<number | NullIf<A>>
  <A extends Instant | Nullish>(self: Expr<A>, options?: TimezoneOptions): Expr<number | NullIf<A>>
}

const part = (name: string): Part => operator.named(name, { date: aDate, timezone: aText }, operator.nullable(number))

/**
 * The year of a date. It is null if the date is null or missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.year($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link month} for the month
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const year: Part = part("$year")

/**
 * The month of a date, from 1 to 12. It is null if the date is null or missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.month($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link year} for the year
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const month: Part = part("$month")

/**
 * The week of a date in its year, from 0 to 53. Weeks begin on Sundays, and the days before the first Sunday are in week 0. It
 * is null if the date is null or missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.week($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link isoWeek} for weeks after ISO 8601
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const week: Part = part("$week")

/**
 * The day of a date in its month, from 1 to 31. It is null if the date is null or missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.dayOfMonth($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link dayOfYear} for the day in the year
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const dayOfMonth: Part = part("$dayOfMonth")

/**
 * The day of a date in its week, from 1 for Sunday to 7 for Saturday. It is null if the date is null or missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.dayOfWeek($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link isoDayOfWeek} for weeks that begin on Mondays
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const dayOfWeek: Part = part("$dayOfWeek")

/**
 * The day of a date in its year, from 1 to 366. It is null if the date is null or missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.dayOfYear($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link dayOfMonth} for the day in the month
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const dayOfYear: Part = part("$dayOfYear")

/**
 * The hour of a date, from 0 to 23. It is null if the date is null or missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.hour($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link minute} for the minute
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const hour: Part = part("$hour")

/**
 * The minute of a date, from 0 to 59. It is null if the date is null or missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.minute($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link hour} for the hour
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const minute: Part = part("$minute")

/**
 * The second of a date, from 0 to 60: leap seconds are 60. It is null if the date is null or missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.second($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link millisecond} for the millisecond
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const second: Part = part("$second")

/**
 * The millisecond of a date, from 0 to 999. It is null if the date is null or missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.millisecond($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link second} for the second
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const millisecond: Part = part("$millisecond")

/**
 * The week of a date after ISO 8601, from 1 to 53. The first week is the one with the first Thursday of the year. It is null if
 * the date is null or missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.isoWeek($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link isoWeekYear} for the year of that week
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const isoWeek: Part = part("$isoWeek")

/**
 * The year of the week of a date after ISO 8601. It begins with the Monday of week 1. It is null if the date is null or
 * missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.isoWeekYear($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link isoWeek} for the week
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const isoWeekYear: Part = part("$isoWeekYear")

/**
 * The day of a date in its week after ISO 8601, from 1 for Monday to 7 for Sunday. It is null if the date is null or missing.
 *
 * **Example** (Of orders in Berlin)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const values = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ value: Expr.isoDayOfWeek($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link dayOfWeek} for weeks that begin on Sundays
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const isoDayOfWeek: Part = part("$isoDayOfWeek")

/**
 * How far a date is moved.
 *
 * @see {@link dateAdd} for what takes it
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DateMoveOptions extends TimezoneOptions {
  /** The unit of the amount. */
  readonly unit: Unit | Expr<string>
  /** How many units: a whole number. */
  readonly amount: Term<number | bigint>
}

/**
 * The date after an amount of time. It is null if the date is null or missing.
 *
 * **Details**
 *
 * A day that a month lacks becomes its last day. With a time zone, the time of day stays the same when clocks change.
 *
 * **Example** (Two weeks)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Invoice = Schema.Struct({ _id: Bson.ObjectId, sent: Bson.Date })
 *
 * const dates = Pipeline.make(Invoice).pipe(
 *   Pipeline.select(($) => ({ due: Expr.dateAdd($.sent, { unit: "week", amount: 2 }) }))
 * )
 * ```
 *
 * @see {@link dateSubtract} for the other direction
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const dateAdd: {
  (options: DateMoveOptions): <A extends Instant | Nullish>(self: Expr<A>) => Expr<DateOf<A> | NullIf<A>>
  <A extends Instant | Nullish>(self: Expr<A>, options: DateMoveOptions): Expr<DateOf<A> | NullIf<A>>
} = operator.named("$dateAdd", { startDate: aDate, unit: aText, amount: aNumber, timezone: aText }, sameDate)

/**
 * The date before an amount of time. It is null if the date is null or missing.
 *
 * **Details**
 *
 * A day that a month lacks becomes its last day. With a time zone, the time of day stays the same when clocks change.
 *
 * **Example** (Two weeks)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Invoice = Schema.Struct({ _id: Bson.ObjectId, sent: Bson.Date })
 *
 * const dates = Pipeline.make(Invoice).pipe(
 *   Pipeline.select(($) => ({ reminder: Expr.dateSubtract($.sent, { unit: "week", amount: 2 }) }))
 * )
 * ```
 *
 * @see {@link dateAdd} for the other direction
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const dateSubtract: {
  (options: DateMoveOptions): <A extends Instant | Nullish>(self: Expr<A>) => Expr<DateOf<A> | NullIf<A>>
  <A extends Instant | Nullish>(self: Expr<A>, options: DateMoveOptions): Expr<DateOf<A> | NullIf<A>>
} = operator.named("$dateSubtract", { startDate: aDate, unit: aText, amount: aNumber, timezone: aText }, sameDate)

/**
 * What is counted from one date to another one.
 *
 * @see {@link dateDiff} for what takes it
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DateDiffOptions<B = Date> extends TimezoneOptions {
  /** The later date. */
  readonly endDate: Expr<B> | Date
  /** The unit to count in. */
  readonly unit: Unit | Expr<string>
  /** The day that weeks begin with, for the unit `week`. Sunday if left out. */
  readonly startOfWeek?: Weekday | Expr<string> | undefined
}

/**
 * How many times a unit begins between two dates: negative if the second one is earlier. It is null if one of the dates is null
 * or missing.
 *
 * **Gotchas**
 *
 * One minute from before to after midnight is one day.
 *
 * **Example** (Days on the way)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Parcel = Schema.Struct({ _id: Bson.ObjectId, sent: Bson.Date, received: Schema.NullOr(Bson.Date) })
 *
 * const days = Pipeline.make(Parcel).pipe(
 *   Pipeline.select(($) => ({ days: Expr.dateDiff($.sent, { endDate: $.received, unit: "day" }) }))
 * )
 * ```
 *
 * @see {@link dateSubtract} for a date before another one
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const dateDiff: {
  <B extends Instant | Nullish = Date>(
    options: DateDiffOptions<B>
  ): <A extends Instant | Nullish>(self: Expr<A>) => Expr<number | NullIf<A> | NullIf<B>>
  <A extends Instant | Nullish, B extends Instant | Nullish = Date>(
    self: Expr<A>,
    options: DateDiffOptions<B>
  ): Expr<number | NullIf<A> | NullIf<B>>
} = operator.named(
  "$dateDiff",
  { startDate: aDate, endDate: aDate, unit: aText, timezone: aText, startOfWeek: aText },
  operator.nullable(number)
)

/**
 * What a date is cut off to.
 *
 * @see {@link dateTrunc} for what takes it
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DateTruncOptions extends TimezoneOptions {
  /** The unit. */
  readonly unit: Unit | Expr<string>
  /** How many units make a period. 1 if left out. */
  readonly binSize?: Term<number> | undefined
  /** The day that weeks begin with, for the unit `week`. Sunday if left out. */
  readonly startOfWeek?: Weekday | Expr<string> | undefined
}

/**
 * The beginning of the period that a date is in. It is null if the date is null or missing.
 *
 * **Example** (Sales of each quarter of an hour)
 *
 * ```ts
 * import { Acc, Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Sale = Schema.Struct({ _id: Bson.ObjectId, at: Bson.Date, price: Schema.Number })
 *
 * const sales = Pipeline.make(Sale).pipe(
 *   Pipeline.group(
 *     ($) => Expr.dateTrunc($.at, { unit: "minute", binSize: 15 }),
 *     ($) => ({ revenue: Acc.sum($.price) })
 *   )
 * )
 * ```
 *
 * @see {@link dateToString} for a period as text
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const dateTrunc: {
  (options: DateTruncOptions): <A extends Instant | Nullish>(self: Expr<A>) => Expr<DateOf<A> | NullIf<A>>
  <A extends Instant | Nullish>(self: Expr<A>, options: DateTruncOptions): Expr<DateOf<A> | NullIf<A>>
} = operator.named(
  "$dateTrunc",
  { date: aDate, unit: aText, binSize: aNumber, timezone: aText, startOfWeek: aText },
  sameDate
)

/**
 * How a date is written.
 *
 * @see {@link dateToString} for what takes it
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DateToStringOptions<B extends Expr<unknown> | string | null = null> extends TimezoneOptions {
  /** The format, such as `%Y-%m-%d`. `%Y-%m-%dT%H:%M:%S.%LZ` if left out. */
  readonly format?: Term<string> | undefined
  /** What it gives where there is no date. Null if left out. */
  readonly onNull?: B | undefined
}

/**
 * A date as text. It is null if the date is null or missing. `onNull` is another value for that.
 *
 * **Example** (The day as text)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const days = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ day: Expr.dateToString($.placed, { format: "%Y-%m-%d" }) }))
 * )
 * ```
 *
 * @see {@link dateFromString} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const dateToString: {
  <const B extends Expr<unknown> | string | null = null>(
    options: DateToStringOptions<B>
  ): <A extends Instant | Nullish>(self: Expr<A>) => Expr<string | OnNull<A, B>>
  <A extends Instant | Nullish, const B extends Expr<unknown> | string | null = null>(
    self: Expr<A>,
    options?: DateToStringOptions<B>
  ): Expr<string | OnNull<A, B>>
} = operator.named(
  "$dateToString",
  { date: aDate, format: aText, timezone: aText, onNull: "any" },
  operator.nullable(text)
)

/**
 * How text is read as a date.
 *
 * @see {@link dateFromString} for what takes it
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DateFromStringOptions<B extends Expr<unknown> | Date | null = null> extends TimezoneOptions {
  /** The format, such as `%d.%m.%Y`. ISO 8601 if left out. */
  readonly format?: Term<string> | undefined
  /** What it gives where there is no text. Null if left out. */
  readonly onNull?: B | undefined
}

/**
 * Text as a date. It is null if the text is null or missing; `onNull` is another value for that. The server fails for text of
 * another form: `Expr.convert` has a value for it.
 *
 * **Example** (The day of a text)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Entry = Schema.Struct({ _id: Bson.ObjectId, day: Schema.String })
 *
 * const days = Pipeline.make(Entry).pipe(
 *   Pipeline.select(($) => ({ day: Expr.dateFromString($.day, { format: "%d.%m.%Y" }) }))
 * )
 * ```
 *
 * @see {@link dateToString} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const dateFromString: {
  <const B extends Expr<unknown> | Date | null = null>(
    options: DateFromStringOptions<B>
  ): <A extends string | Nullish>(self: Expr<A>) => Expr<Date | OnNull<A, B>>
  <A extends string | Nullish, const B extends Expr<unknown> | Date | null = null>(
    self: Expr<A>,
    options?: DateFromStringOptions<B>
  ): Expr<Date | OnNull<A, B>>
} = operator.named(
  "$dateFromString",
  { dateString: aText, format: aText, timezone: aText, onNull: "any" },
  operator.nullable(Bson.Date.ast)
)

/**
 * The parts of a date. With `iso8601` they are those of its week.
 *
 * @see {@link dateToParts} for what gives them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface DateParts {
  /** The year. */
  readonly year: number
  /** The month, from 1 to 12. */
  readonly month: number
  /** The day of the month, from 1 to 31. */
  readonly day: number
  /** The hour, from 0 to 23. */
  readonly hour: number
  /** The minute, from 0 to 59. */
  readonly minute: number
  /** The second, from 0 to 60. */
  readonly second: number
  /** The millisecond, from 0 to 999. */
  readonly millisecond: number
}

const clock = ["hour", "minute", "second", "millisecond"]
const partsOf = (names: ReadonlyArray<string>) =>
  struct(Object.fromEntries([...names, ...clock].map((name) => [name, number])))

/**
 * The parts of a date as an object. It is null if the date is null or missing.
 *
 * **Example** (The parts of a date)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Order = Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date })
 *
 * const parts = Pipeline.make(Order).pipe(
 *   Pipeline.select(($) => ({ parts: Expr.dateToParts($.placed, { timezone: "Europe/Berlin" }) }))
 * )
 * ```
 *
 * @see {@link dateFromParts} for the inverse
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const dateToParts: {
  (options: TimezoneOptions): <A extends Instant | Nullish>(self: Expr<A>) => Expr<DateParts | NullIf<A>>
  <A extends Instant | Nullish>(self: Expr<A>, options?: TimezoneOptions): Expr<DateParts | NullIf<A>>
} = operator.named(
  "$dateToParts",
  { date: aDate, timezone: aText },
  operator.nullable(partsOf(["year", "month", "day"]))
)

/**
 * The parts to make a date of. A part outside of its range moves the others: month 13 is January of the next year.
 *
 * @see {@link dateFromParts} for what takes them
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DateFromParts<A> extends TimezoneOptions {
  /** The year, from 1 to 9999. */
  readonly year: Term<A>
  /** The month. 1 if left out. */
  readonly month?: Term<A> | undefined
  /** The day of the month. 1 if left out. */
  readonly day?: Term<A> | undefined
  /** The hour. 0 if left out. */
  readonly hour?: Term<A> | undefined
  /** The minute. 0 if left out. */
  readonly minute?: Term<A> | undefined
  /** The second. 0 if left out. */
  readonly second?: Term<A> | undefined
  /** The millisecond. 0 if left out. */
  readonly millisecond?: Term<A> | undefined
}

/**
 * The date of its parts. It is null if one of them is null or missing.
 *
 * **Example** (A day of three fields)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Birthday = Schema.Struct({ _id: Bson.ObjectId, year: Schema.Int, month: Schema.Int, day: Schema.Int })
 *
 * const days = Pipeline.make(Birthday).pipe(
 *   Pipeline.select(($) => ({ day: Expr.dateFromParts({ year: $.year, month: $.month, day: $.day }) }))
 * )
 * ```
 *
 * @see {@link dateToParts} for the inverse
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const dateFromParts: <A extends number | Nullish = number>(
  parts: DateFromParts<A>
) => Expr<Date | NullIf<A>> = operator.record(
  "$dateFromParts",
  { ...Object.fromEntries(["year", "month", "day", ...clock].map((name) => [name, aNumber])), timezone: aText },
  operator.nullable(Bson.Date.ast)
)

/**
 * The seconds of a timestamp since 1970. It is null if the timestamp is null or missing.
 *
 * **Example** (Of an operation)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Entry = Schema.Struct({ _id: Bson.ObjectId, at: Bson.Timestamp })
 *
 * const values = Pipeline.make(Entry).pipe(Pipeline.select(($) => ({ value: Expr.tsSecond($.at) })))
 * ```
 *
 * @see {@link tsIncrement} for its other half
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const tsSecond: <A extends Driver.Timestamp | Nullish>(self: Expr<A>) => Expr<number | NullIf<A>> = operator
  .unary(
    "$tsSecond",
    aTimestamp,
    operator.nullable(number)
  )

/**
 * The number of a timestamp among those of one second. It is null if the timestamp is null or missing.
 *
 * **Example** (Of an operation)
 *
 * ```ts
 * import { Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Entry = Schema.Struct({ _id: Bson.ObjectId, at: Bson.Timestamp })
 *
 * const values = Pipeline.make(Entry).pipe(Pipeline.select(($) => ({ value: Expr.tsIncrement($.at) })))
 * ```
 *
 * @see {@link tsSecond} for its other half
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const tsIncrement: <A extends Driver.Timestamp | Nullish>(self: Expr<A>) => Expr<number | NullIf<A>> = operator
  .unary(
    "$tsIncrement",
    aTimestamp,
    operator.nullable(number)
  )
