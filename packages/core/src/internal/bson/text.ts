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

/**
 * The `n` bytes at `s` as text if they are ASCII, and at most 16. It is built from its bytes, one by one and without an array: a call of the
 * runtime costs more.
 *
 * @internal
 */
export const shortText = (b: Bytes, s: number, n: number): string | undefined => {
  switch (n) {
    case 0:
      return ""
    case 1: {
      const c0 = b[s]!
      return c0 < 128 ? String.fromCharCode(c0) : undefined
    }
    case 2: {
      const c0 = b[s]!, c1 = b[s + 1]!
      return (c0 | c1) < 128 ? String.fromCharCode(c0, c1) : undefined
    }
    case 3: {
      const c0 = b[s]!, c1 = b[s + 1]!, c2 = b[s + 2]!
      return (c0 | c1 | c2) < 128 ? String.fromCharCode(c0, c1, c2) : undefined
    }
    case 4: {
      const c0 = b[s]!, c1 = b[s + 1]!, c2 = b[s + 2]!, c3 = b[s + 3]!
      return (c0 | c1 | c2 | c3) < 128 ? String.fromCharCode(c0, c1, c2, c3) : undefined
    }
    case 5: {
      const c0 = b[s]!, c1 = b[s + 1]!, c2 = b[s + 2]!, c3 = b[s + 3]!, c4 = b[s + 4]!
      return (c0 | c1 | c2 | c3 | c4) < 128 ? String.fromCharCode(c0, c1, c2, c3, c4) : undefined
    }
    case 6: {
      const c0 = b[s]!, c1 = b[s + 1]!, c2 = b[s + 2]!, c3 = b[s + 3]!, c4 = b[s + 4]!, c5 = b[s + 5]!
      return (c0 | c1 | c2 | c3 | c4 | c5) < 128 ? String.fromCharCode(c0, c1, c2, c3, c4, c5) : undefined
    }
    case 7: {
      const c0 = b[s]!, c1 = b[s + 1]!, c2 = b[s + 2]!, c3 = b[s + 3]!, c4 = b[s + 4]!, c5 = b[s + 5]!, c6 = b[s + 6]!
      return (c0 | c1 | c2 | c3 | c4 | c5 | c6) < 128 ? String.fromCharCode(c0, c1, c2, c3, c4, c5, c6) : undefined
    }
    case 8: {
      const c0 = b[s]!,
        c1 = b[s + 1]!,
        c2 = b[s + 2]!,
        c3 = b[s + 3]!,
        c4 = b[s + 4]!,
        c5 = b[s + 5]!,
        c6 = b[s + 6]!,
        c7 = b[s + 7]!
      return (c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7) < 128
        ? String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7)
        : undefined
    }
    case 9: {
      const c0 = b[s]!,
        c1 = b[s + 1]!,
        c2 = b[s + 2]!,
        c3 = b[s + 3]!,
        c4 = b[s + 4]!,
        c5 = b[s + 5]!,
        c6 = b[s + 6]!,
        c7 = b[s + 7]!,
        c8 = b[s + 8]!
      return (c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8) < 128
        ? String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7, c8)
        : undefined
    }
    case 10: {
      const c0 = b[s]!,
        c1 = b[s + 1]!,
        c2 = b[s + 2]!,
        c3 = b[s + 3]!,
        c4 = b[s + 4]!,
        c5 = b[s + 5]!,
        c6 = b[s + 6]!,
        c7 = b[s + 7]!,
        c8 = b[s + 8]!,
        c9 = b[s + 9]!
      return (c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9) < 128
        ? String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9)
        : undefined
    }
    case 11: {
      const c0 = b[s]!,
        c1 = b[s + 1]!,
        c2 = b[s + 2]!,
        c3 = b[s + 3]!,
        c4 = b[s + 4]!,
        c5 = b[s + 5]!,
        c6 = b[s + 6]!,
        c7 = b[s + 7]!,
        c8 = b[s + 8]!,
        c9 = b[s + 9]!,
        c10 = b[s + 10]!
      return (c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10) < 128
        ? String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10)
        : undefined
    }
    case 12: {
      const c0 = b[s]!,
        c1 = b[s + 1]!,
        c2 = b[s + 2]!,
        c3 = b[s + 3]!,
        c4 = b[s + 4]!,
        c5 = b[s + 5]!,
        c6 = b[s + 6]!,
        c7 = b[s + 7]!,
        c8 = b[s + 8]!,
        c9 = b[s + 9]!,
        c10 = b[s + 10]!,
        c11 = b[s + 11]!
      return (c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11) < 128
        ? String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11)
        : undefined
    }
    case 13: {
      const c0 = b[s]!,
        c1 = b[s + 1]!,
        c2 = b[s + 2]!,
        c3 = b[s + 3]!,
        c4 = b[s + 4]!,
        c5 = b[s + 5]!,
        c6 = b[s + 6]!,
        c7 = b[s + 7]!,
        c8 = b[s + 8]!,
        c9 = b[s + 9]!,
        c10 = b[s + 10]!,
        c11 = b[s + 11]!,
        c12 = b[s + 12]!
      return (c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11 | c12) < 128
        ? String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12)
        : undefined
    }
    case 14: {
      const c0 = b[s]!,
        c1 = b[s + 1]!,
        c2 = b[s + 2]!,
        c3 = b[s + 3]!,
        c4 = b[s + 4]!,
        c5 = b[s + 5]!,
        c6 = b[s + 6]!,
        c7 = b[s + 7]!,
        c8 = b[s + 8]!,
        c9 = b[s + 9]!,
        c10 = b[s + 10]!,
        c11 = b[s + 11]!,
        c12 = b[s + 12]!,
        c13 = b[s + 13]!
      return (c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11 | c12 | c13) < 128
        ? String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13)
        : undefined
    }
    case 15: {
      const c0 = b[s]!,
        c1 = b[s + 1]!,
        c2 = b[s + 2]!,
        c3 = b[s + 3]!,
        c4 = b[s + 4]!,
        c5 = b[s + 5]!,
        c6 = b[s + 6]!,
        c7 = b[s + 7]!,
        c8 = b[s + 8]!,
        c9 = b[s + 9]!,
        c10 = b[s + 10]!,
        c11 = b[s + 11]!,
        c12 = b[s + 12]!,
        c13 = b[s + 13]!,
        c14 = b[s + 14]!
      return (c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11 | c12 | c13 | c14) < 128
        ? String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14)
        : undefined
    }
    case 16: {
      const c0 = b[s]!,
        c1 = b[s + 1]!,
        c2 = b[s + 2]!,
        c3 = b[s + 3]!,
        c4 = b[s + 4]!,
        c5 = b[s + 5]!,
        c6 = b[s + 6]!,
        c7 = b[s + 7]!,
        c8 = b[s + 8]!,
        c9 = b[s + 9]!,
        c10 = b[s + 10]!,
        c11 = b[s + 11]!,
        c12 = b[s + 12]!,
        c13 = b[s + 13]!,
        c14 = b[s + 14]!,
        c15 = b[s + 15]!
      return (c0 | c1 | c2 | c3 | c4 | c5 | c6 | c7 | c8 | c9 | c10 | c11 | c12 | c13 | c14 | c15) < 128
        ? String.fromCharCode(c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c13, c14, c15)
        : undefined
    }
    default:
      return undefined
  }
}
