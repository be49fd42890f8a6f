/**
 * Reads the index and the values of a duplicate key from the server's text.
 */
import * as Driver from "mongodb"

/**
 * What the text of an E11000 error says.
 *
 * @internal
 */
export interface DuplicateKey {
  readonly index: string | undefined
  readonly keyPattern: Readonly<Record<string, number | string>>
  readonly keyValue: Readonly<Record<string, unknown>>
}

/** The end of a value that starts at `from`: the index after its last character, or -1 if brackets or quotes do not close. */
const endOfValue = (text: string, from: number): number => {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const char = text[at]!
    if (char === "\"" || char === "'") {
      // The server escapes nothing.
      at = text.indexOf(char, at + 1)
      if (at < 0) return -1
    } else if (char === "{" || char === "[" || char === "(") {
      depth++
    } else if (char === "}" || char === "]" || char === ")") {
      if (depth === 0) return at
      depth--
    } else if (char === "," && depth === 0) {
      return at
    }
  }
  return -1
}

const valueOf = (text: string): unknown => {
  if (text === "null") return null
  if (text === "true") return true
  if (text === "false") return false
  if (/^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) {
    const number = Number(text)
    return Number.isInteger(number) && !Number.isSafeInteger(number) ? text : number
  }
  if (text.startsWith("\"")) return text.slice(1, -1)
  const objectId = /^ObjectId\('([0-9a-f]{24})'\)$/.exec(text)
  if (objectId !== null) return new Driver.ObjectId(objectId[1]!)
  const date = /^new Date\((-?\d+)\)$/.exec(text)
  return date === null ? text : new Date(Number(date[1]))
}

/** The fields of `{ a: 1, b.c: "x" }`, or `undefined` if any of them is in doubt. */
const fieldsOf = (text: string): ReadonlyArray<readonly [string, unknown]> | undefined => {
  if (!text.startsWith("{ ") || !text.endsWith(" }")) return undefined
  const fields: Array<readonly [string, unknown]> = []
  let at = 2
  for (;;) {
    const colon = text.indexOf(": ", at)
    if (colon < 0) return undefined
    const end = endOfValue(text, colon + 2)
    if (end < 0) return undefined
    fields.push([text.slice(at, colon), valueOf(text.slice(colon + 2, end).trim())])
    if (text[end] === "}") return end === text.length - 1 ? fields : undefined
    at = end + 2
  }
}

/** The directions in a default index name, such as `a_1_b.c_-1` with the fields `a` and `b.c`. */
const directionsOf = (index: string, fields: ReadonlyArray<string>): ReadonlyArray<number | string> | undefined => {
  const directions: Array<number | string> = []
  let rest = index
  for (const field of fields) {
    if (!rest.startsWith(`${field}_`)) return undefined
    const match = /^(-?1|[0-9a-z]+)(?:_|$)/.exec(rest = rest.slice(field.length + 1))
    if (match === null) return undefined
    directions.push(match[1] === "1" || match[1] === "-1" ? Number(match[1]) : match[1]!)
    rest = rest.slice(match[0].length)
  }
  return rest === "" ? directions : undefined
}

/**
 * Reads the server's text of an E11000 error: the driver keeps nothing else of it in bulk writes.
 *
 * @internal
 */
export const parseDuplicateKey = (message: string): DuplicateKey => {
  const match = /\bindex: (.+?)(?: collation: .*?)? dup key: (.*)$/s.exec(message)
  const index = match?.[1] ?? /\bindex: (\S+)/.exec(message)?.[1]
  const fields = match === null ? undefined : fieldsOf(match[2]!)
  if (fields === undefined) return { index, keyPattern: {}, keyValue: {} }
  const names = fields.map(([name]) => name)
  const directions = index === undefined ? undefined : directionsOf(index, names)
  return {
    index,
    keyPattern: Object.fromEntries(names.map((name, i) => [name, directions?.[i] ?? 1])),
    keyValue: Object.fromEntries(fields)
  }
}
