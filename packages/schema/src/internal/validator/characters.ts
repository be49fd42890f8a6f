/** Sets of characters: as regular expressions of JavaScript name them, and as those of the server write them. */

/** The first and the last code point of each part, in order and apart. */
export type CharacterSet = ReadonlyArray<readonly [first: number, last: number]>

const last = 0x10ffff

const surrogates: CharacterSet = [[0xd800, 0xdfff]]

/** @internal */
export const everything: CharacterSet = [[0, last]]

/** @internal */
export const union = (...sets: ReadonlyArray<CharacterSet>): CharacterSet => {
  const out: Array<[number, number]> = []
  for (const [from, to] of sets.flat().sort((a, b) => a[0] - b[0])) {
    const before = out.at(-1)
    if (before !== undefined && from <= before[1] + 1) before[1] = Math.max(before[1], to)
    else out.push([from, to])
  }
  return out
}

/** @internal */
export const complement = (set: CharacterSet): CharacterSet => {
  const out: Array<[number, number]> = []
  let next = 0
  for (const [from, to] of set) {
    if (from > next) out.push([next, from - 1])
    next = to + 1
  }
  return next <= last ? [...out, [next, last]] : out
}

const has = (set: CharacterSet, point: number): boolean => set.some(([from, to]) => from <= point && point <= to)

/** @internal */
export const digits: CharacterSet = [[0x30, 0x39]]

/** @internal */
export const word: CharacterSet = union(digits, [[0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]])

const lineEnds: CharacterSet = [[0xa, 0xa], [0xd, 0xd], [0x2028, 0x2029]]

/** @internal */
export const notLineEnd: CharacterSet = complement(lineEnds)

/** White space of JavaScript, which `trim` takes away too. */
export const space: CharacterSet = union(lineEnds, [
  [0x9, 0x9],
  [0xb, 0xc],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff]
])

/**
 * What a set of UTF-16 code units means for whole characters. It is `wide` if it holds each half of a character, and not if it holds none.
 * `undefined` if it holds some halves only, which no set of characters can say.
 *
 * @internal
 */
export const ofCodeUnits = (set: CharacterSet): { readonly wide: boolean; readonly set: CharacterSet } | undefined => {
  const units = set.flatMap(([from, to]): CharacterSet => from > 0xffff ? [] : [[from, Math.min(to, 0xffff)]])
  const [[low, high]] = surrogates as readonly [readonly [number, number]]
  const holds = units.filter(([from, to]) => from <= high && to >= low)
  if (holds.length === 0) return { wide: false, set: units }
  const all = holds.some(([from, to]) => from <= low && to >= high)
  return all ? { wide: true, set: union(units, [[0x10000, last]]) } : undefined
}

const isCased = (point: number): boolean => {
  const text = String.fromCodePoint(point)
  return text.toUpperCase() !== text || text.toLowerCase() !== text
}

/** Beyond ASCII a set may have so many characters before it is not looked at one by one. */
const looksAt = 2000

/**
 * The set with the other case of its letters, `undefined` if it has letters beyond ASCII: there the two sides fold in their own ways.
 *
 * @internal
 */
export const anyCase = (set: CharacterSet, unicode: boolean): CharacterSet | undefined => {
  const others: Array<[number, number]> = []
  for (const [from, to] of set) {
    if (to >= 0x80) {
      const start = Math.max(from, 0x80)
      if (to - start > looksAt) return undefined
      for (let point = start; point <= to; point++) if (isCased(point)) return undefined
    }
    for (let point = from; point <= Math.min(to, 0x7f); point++) {
      if (!/[a-z]/i.test(String.fromCharCode(point))) continue
      others.push([point ^ 0x20, point ^ 0x20])
      // With the flag u the Kelvin sign is a K, and the long s an S.
      const letter = String.fromCharCode(point | 0x20)
      if (unicode && letter === "k") others.push([0x212a, 0x212a])
      if (unicode && letter === "s") others.push([0x17f, 0x17f])
    }
  }
  return union(set, others)
}

const shown = (point: number): string => {
  const text = String.fromCodePoint(point)
  if (/[A-Za-z0-9_ @%&=~,;:<>"'`!#/]/.test(text)) return text
  if (point > 0x20 && point < 0x7f) return `\\${text}`
  if (point === 0xa) return "\\n"
  if (point === 0xd) return "\\r"
  if (point === 0x9) return "\\t"
  return point > 0xa0 && /[\p{L}\p{N}]/u.test(text) ? text : `\\x{${point.toString(16)}}`
}

const parts = (set: CharacterSet): string =>
  set.map(([from, to]) => {
    if (from === to) return shown(from)
    return to === from + 1 ? `${shown(from)}${shown(to)}` : `${shown(from)}-${shown(to)}`
  }).join("")

/**
 * The set in the server's syntax. `more` are classes that are in it, too.
 *
 * @internal
 */
export const written = (set: CharacterSet, more = ""): string => {
  const all = union(set, surrogates)
  const others = complement(all)
  if (more === "" && others.length === 0) return "[\\s\\S]"
  if (more === "" && has(all, last)) return `[^${parts(others)}]`
  const own = set.filter(([from, to]) => !(from >= 0xd800 && to <= 0xdfff))
  if (own.length === 0 && more === "") return "(?!)"
  const [first] = own
  if (own.length === 1 && more === "" && first![0] === first![1]) return shown(first![0])
  return `[${parts(own)}${more}]`
}
