/** What comes after a place in an order, as conditions that the server answers from an index. */
import type * as Driver from "mongodb"
import type { Field, Order } from "./order.ts"

type Condition = Readonly<Record<string, Driver.Document>>

/** The values beyond one of a field, in the order of the field. Comparisons of the server leave out null, missing and NaN. */
const beyond = (
  { bracket, direction, key, missable, nan, nullable }: Field,
  value: unknown
): ReadonlyArray<Condition> => {
  // A double or a decimal: to the server both are one value.
  const isNaN = bracket === "number" && String(value) === "NaN"
  if (direction === 1) {
    return [{ [key]: value === null ? { $ne: null } : isNaN ? { $gte: -Infinity } : { $gt: value } }]
  }
  if (value === null) return []
  const nulls = nullable || missable ? [{ [key]: { $eq: null } }] : []
  if (isNaN) return nulls
  return [{ [key]: { $lt: value } }, ...(nan ? [{ [key]: { $eq: NaN } }] : []), ...nulls]
}

/** The condition of the place itself, in these fields. */
const equalTo = (order: Order, values: ReadonlyArray<unknown>): Condition =>
  Object.fromEntries(order.map(({ key }, i) => [key, { $eq: values[i] }]))

/**
 * The conditions of what comes after a place. They exclude each other, and the documents of each come before those of the
 * next: the longer the part that is equal, the nearer.
 */
const after = (order: Order, values: ReadonlyArray<unknown>): ReadonlyArray<Condition> => {
  const groups = order.map((field, i) =>
    beyond(field, values[i]).map((condition) => ({ ...equalTo(order.slice(0, i), values), ...condition }))
  )
  return groups.reverse().flat()
}

/** What decides the order before the last field does. */
const leading = (order: Order): Order => order.slice(0, -1)

/**
 * Whether one query may ask for all conditions at once. The server merges them by documents in which missing sorts below null,
 * although both are equal in every other sort: the order is wrong where both occur in a field that is not the last.
 */
const mergesInOrder = (order: Order): boolean =>
  leading(order).every(({ missable, nullable }) => !(missable && nullable))

const logical = new Set(["$and", "$or", "$nor"])

/** Whether a filter has one of these operators. It does not look into `$elemMatch` and the like. */
const has = (filter: Driver.Document, operators: ReadonlyArray<string>): boolean =>
  Object.entries(filter).some(([key, value]) =>
    operators.includes(key) ||
    (logical.has(key)
      ? Array.isArray(value) && value.some((filter) => has(filter as Driver.Document, operators))
      : typeof value === "object" && value !== null && operators.some((name) => name in value))
  )

/** A filter whose alternatives the server tests on each document, and never reads one by one to merge them. */
const withoutOr = (filter: Driver.Document): Driver.Document => {
  // The server merges nothing where it searches for text, and takes no search inside of $nor.
  if (has(filter, ["$text"])) return filter
  const { $and: all, $or: some, ...fields } = filter
  const parts: ReadonlyArray<unknown> = Array.isArray(all) ? all : []
  const inside = parts.map((part) => withoutOr(part as Driver.Document))
  if (Array.isArray(some)) inside.push({ $nor: [{ $nor: some }] })
  return inside.length === 0 ? fields : { ...fields, $and: inside }
}

/**
 * A filter whose documents the server sorts rightly. It also merges the alternatives of a filter: some by documents, and others by
 * keys of an index, in which missing is null. So the order is wrong where a field is missing, even if it is never null.
 *
 * @internal
 */
export const sortable = (filter: Driver.Document, order: Order): Driver.Document =>
  leading(order).some(({ missable }) => missable) ? withoutOr(filter) : filter

/** The server has no order of an index for several conditions beside `$in`, and takes the others once. */
const solitary = ["$in", "$text", "$near", "$nearSphere"]

const and = (filter: Driver.Document, condition: Driver.Document): Driver.Document =>
  Object.keys(filter).length === 0 ? condition : { $and: [filter, condition] }

/**
 * The filters of what comes after a place, in their order: one for all of it where that is safe and fast, and otherwise one for
 * each condition.
 *
 * @internal
 */
export const filtersAfter = (
  filter: Driver.Document,
  order: Order,
  values: ReadonlyArray<unknown>
): ReadonlyArray<Driver.Document> => {
  const filters = after(order, values).map((condition) => and(filter, condition))
  // The filter stands in each condition, not beside them: the server then finds an index for each, and merges what these give. Beside
  // them it looks at few combinations of indexes, and where there are several it may read everything before the place.
  return filters.length > 1 && mergesInOrder(order) && !has(filter, solitary) ? [{ $or: filters }] : filters
}

/**
 * The filter of everything after a place, in any order, and with `inclusive` of the place too.
 *
 * @internal
 */
export const anyAfter = (
  filter: Driver.Document,
  order: Order,
  values: ReadonlyArray<unknown>,
  inclusive: boolean
): Driver.Document => and(filter, { $or: [...after(order, values), ...(inclusive ? [equalTo(order, values)] : [])] })
