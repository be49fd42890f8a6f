/** Text in the bytes of documents, as the deserializer of bson reads it. */
import { isUtf8 } from "node:buffer"
import { giveUp } from "./giveUp.ts"

/**
 * Node's buffers with the methods that `toString` and `write` call; they are not in its types.
 *
 * @internal
 */
export type Bytes = Buffer & {
  readonly utf8Slice: (start: number, end: number) => string
  readonly utf8Write: (text: string, start: number) => number
}

/**
 * The text of `b` from `start` to `end`, which must be UTF-8.
 *
 * @internal
 */
export const longText = (b: Bytes, start: number, end: number): string => {
  const text = b.utf8Slice(start, end)
  // This character replaces bytes that are not UTF-8. It may also be in the text itself.
  return text.includes("\uFFFD") && !isUtf8(b.subarray(start, end)) ? giveUp() : text
}

/**
 * The name of a field. bson accepts names that are not UTF-8.
 *
 * @internal
 */
export const nameAt = (b: Bytes, start: number, end: number): string =>
  shortText(b, start, end - start) ?? b.utf8Slice(start, end)

const { fromCharCode } = String

/**
 * The `n` bytes at `s` as text if they are ASCII, and at most 16. It is built of all its bytes at once: a text that grows, and a call of the
 * runtime, cost two to three times as much.
 *
 * @internal
 */
export const shortText = (b: Bytes, s: number, n: number): string | undefined => {
  if (n > 16) return undefined
  let bits = 0
  for (let i = s; i < s + n; i++) bits |= b[i]!
  if (bits > 127) return undefined
  // dprint-ignore
  switch (n) {
    case 0: return ""
    case 1: return fromCharCode(b[s]!)
    case 2: return fromCharCode(b[s]!, b[s + 1]!)
    case 3: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!)
    case 4: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!)
    case 5: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!)
    case 6: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!)
    case 7: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!)
    case 8: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!)
    case 9: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!)
    case 10: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!)
    case 11: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!, b[s + 10]!)
    case 12: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!, b[s + 10]!, b[s + 11]!)
    case 13: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!, b[s + 10]!, b[s + 11]!, b[s + 12]!)
    case 14: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!, b[s + 10]!, b[s + 11]!, b[s + 12]!, b[s + 13]!)
    case 15: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!, b[s + 10]!, b[s + 11]!, b[s + 12]!, b[s + 13]!, b[s + 14]!)
    case 16: return fromCharCode(b[s]!, b[s + 1]!, b[s + 2]!, b[s + 3]!, b[s + 4]!, b[s + 5]!, b[s + 6]!, b[s + 7]!, b[s + 8]!, b[s + 9]!, b[s + 10]!, b[s + 11]!, b[s + 12]!, b[s + 13]!, b[s + 14]!, b[s + 15]!)
    default: return undefined
  }
}
