/** Random filters, made of the values of documents: they are true of some documents and false of others. */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import { isObject } from "./matches.ts"

/**
 * Numbers that decide. After the last one all are 0, and 0 is the simplest choice: a filter of fewer or smaller numbers is simpler.
 *
 * @internal
 */
export class Choices {
  private readonly numbers: ReadonlyArray<number>
  private at = 0

  constructor(numbers: ReadonlyArray<number>) {
    this.numbers = numbers
  }

  /** A number below a bound. */
  below(bound: number): number {
    return (this.numbers[this.at++] ?? 0) % bound
  }

  pick<A>(list: ReadonlyArray<A>): A {
    return list[this.below(list.length)]!
  }

  many<A>(minimum: number, maximum: number, make: () => A): ReadonlyArray<A> {
    return Array.from({ length: minimum + this.below(maximum - minimum + 1) }, make)
  }
}

/** A decoded value and its stored form. */
interface Pair {
  readonly decoded: unknown
  readonly stored: unknown
}

/** Whether the stored form of a value has its order. */
const isOrdered = ({ decoded, stored }: Pair): boolean => {
  const type = typeof decoded
  if (type === "string" || type === "boolean") return decoded === stored
  if (type === "number") return decoded === stored || Number.isNaN(decoded) && Number.isNaN(stored)
  if (type === "bigint") return bsonType(stored) === "Long" || typeof stored === "bigint"
  if (decoded instanceof Date || DateTime.isDateTime(decoded)) return stored instanceof Date
  return bsonType(decoded) === "ObjectId" && bsonType(stored) === "ObjectId"
}

const bsonType = (u: unknown): unknown => (u as { readonly _bsontype?: unknown } | null)?._bsontype

/** A name that a path can have. */
const name = /^(?!__proto__$)[A-Za-z_]\w*$/

const namesOf = ({ decoded, stored }: Pair): ReadonlyArray<string> =>
  isObject(decoded) && isObject(stored)
    ? Object.keys(decoded).filter((key) => name.test(key) && Object.hasOwn(stored, key))
    : []

const below = ({ decoded, stored }: Pair, key: string | number): Pair => ({
  decoded: (decoded as Record<string | number, unknown>)[key],
  stored: (stored as Record<string | number, unknown>)[key]
})

/** The elements of an array that is stored as an array. */
const elementsOf = ({ decoded, stored }: Pair): ReadonlyArray<Pair> =>
  Array.isArray(decoded) && Array.isArray(stored) && decoded.length === stored.length
    ? decoded.map((_, index) => below({ decoded, stored }, index))
    : []

/** A path into a document, to a value that is there. */
const place = (choices: Choices, pair: Pair, depth: number): readonly [path: ReadonlyArray<string>, end: Pair] => {
  const end = [[], pair] as const
  if (depth === 0) return end
  const names = namesOf(pair)
  if (names.length > 0) {
    if (depth < maxDepth && choices.below(2) === 0) return end
    const key = choices.pick(names)
    const [path, at] = place(choices, below(pair, key), depth - 1)
    return [[key, ...path], at]
  }
  const elements = elementsOf(pair)
  if (elements.length === 0 || choices.below(2) === 0) return end
  const index = choices.below(elements.length)
  const [path, at] = place(choices, elements[index]!, depth - 1)
  // Without an index a path leads into all elements that are documents.
  return namesOf(elements[index]!).length > 0 && path.length > 0 && choices.below(2) === 0
    ? [path, at]
    : [[String(index), ...path], at]
}

const maxDepth = 4

/** What a path finds in a document, the first of several. */
const find = (pair: Pair, path: ReadonlyArray<string>): Pair | undefined => {
  const [key, ...rest] = path
  if (key === undefined) return pair
  const elements = elementsOf(pair)
  if (elements.length > 0) {
    if (/^\d+$/.test(key)) return elements[Number(key)] && find(elements[Number(key)]!, rest)
    for (const element of elements) {
      const found = find(element, path)
      if (found !== undefined) return found
    }
    return undefined
  }
  return namesOf(pair).includes(key) ? find(below(pair, key), rest) : undefined
}

/** A regular expression as an operand is a pattern, not a value. */
const isPattern = ({ decoded }: Pair): boolean => decoded instanceof RegExp || bsonType(decoded) === "BSONRegExp"

/** A condition on a value, with values of its kind as operands. */
const condition = (choices: Choices, values: ReadonlyArray<Pair>, operators = false): unknown => {
  if (values.length === 0 || values.some(isPattern) || values.flatMap(elementsOf).some(isPattern)) {
    return { $exists: choices.below(2) === 0 }
  }
  const operand = () => choices.pick(values).decoded
  const elements = values.flatMap(elementsOf)
  const element = () => choices.pick(elements).decoded
  // What is absent, and an optional value that is not there, may have the same stored form.
  const isOptional = values.some(({ decoded }) => Option.isOption(decoded))
  const isList = values.some(({ decoded }) => Array.isArray(decoded))
  const isFlat = values.every(({ decoded }) => !isObject(decoded) && !Array.isArray(decoded))
  const order = () => ({ [choices.pick(["$gte", "$lt", "$gt", "$lte"])]: operand() })
  const ordered = values.every(isOrdered) && new Set(values.map(({ decoded }) => typeof decoded)).size === 1
  const letters = values.flatMap(({ decoded, stored }) =>
    typeof decoded === "string" && decoded === stored ? decoded.match(/[A-Za-z0-9]/g) ?? [] : []
  )
  const conditions: ReadonlyArray<() => unknown> = [
    ...operators ? [] : [operand],
    () => ({ $eq: operand() }),
    () => ({ $ne: operand() }),
    () => ({ $in: choices.many(0, 3, operand) }),
    () => ({ $nin: choices.many(0, 3, operand) }),
    ...isOptional ? [] : [() => ({ $exists: choices.below(2) === 0 })],
    ...isFlat ? [() => ({ $not: { $eq: operand() } })] : [],
    ...ordered ? [order, order, () => ({ $not: order() }), () => ({ ...order(), ...order() })] : [],
    ...letters.length > 0 && ordered
      ? [() => ({ $regex: choices.pick(["^", ""]) + choices.pick(letters) })]
      : [],
    ...isList ? [() => ({ $size: choices.below(3) })] : [],
    ...elements.length > 0
      ? [
        ...operators ? [] : [element],
        () => ({ $all: choices.many(0, 2, element) }),
        () => ({ $in: [element(), operand()] }),
        () => ({ $elemMatch: within(choices, elements) })
      ]
      : []
  ]
  return choices.pick(conditions)()
}

/** A condition on elements of an array. */
const within = (choices: Choices, elements: ReadonlyArray<Pair>): unknown => {
  const documents = elements.filter((element) => namesOf(element).length > 0)
  if (documents.length === 0) return condition(choices, elements.filter((one) => !Array.isArray(one.decoded)), true)
  return fields(choices, documents)
}

const fields = (choices: Choices, given: ReadonlyArray<Pair>): Readonly<Record<string, unknown>> => {
  const documents = given.filter((document) => namesOf(document).length > 0)
  return documents.length === 0 ? {} : Object.fromEntries(choices.many(1, 2, () => {
    const [path] = place(choices, choices.pick(documents), maxDepth)
    const values = documents.flatMap((document) => find(document, path) ?? [])
    return [path.join("."), condition(choices, values)] as const
  }))
}

/**
 * A filter of documents.
 *
 * @internal
 */
export const randomFilter = (
  choices: Choices,
  documents: ReadonlyArray<Pair>,
  depth: number
): Readonly<Record<string, unknown>> => {
  if (depth === 0) return fields(choices, documents)
  const several = () => choices.many(1, 3, () => randomFilter(choices, documents, depth - 1))
  switch (choices.below(6)) {
    case 3:
      return { $and: several() }
    case 4:
      return { $or: several() }
    case 5:
      return { ...fields(choices, documents), $nor: several() }
    default:
      return fields(choices, documents)
  }
}
