/**
 * Regular expressions of JavaScript as regular expressions of the server, which is PCRE2. What has no equal there is refused in words: a
 * pattern of the server must take every text that JavaScript takes.
 */
import * as Characters from "./characters.ts"

/** @internal */
export interface Pattern {
  readonly pattern: string
  /** From this number of characters on the server may give up, which refuses the text: measured with MongoDB 8.2. */
  readonly limit: number | undefined
  /** What the pattern takes although JavaScript does not, if there is anything. */
  readonly relaxed: string | undefined
}

interface Quantifier {
  readonly min: number
  readonly max: number
  readonly lazy: boolean
}

type Term =
  | { readonly _tag: "Set"; readonly text: string; readonly wide: boolean }
  | { readonly _tag: "Group"; readonly alternatives: ReadonlyArray<Sequence> }
  | { readonly _tag: "Look"; readonly negative: boolean; readonly alternatives: ReadonlyArray<Sequence> }
  | { readonly _tag: "Edge"; readonly text: "^" | "\\z" | "\\b" | "\\B" }

type Item = { readonly term: Term; readonly quantifier: Quantifier }

type Sequence = ReadonlyArray<Item>

class Refused {
  readonly why: string
  constructor(why: string) {
    this.why = why
  }
}

const refuse = (why: string): never => {
  throw new Refused(why)
}

const once: Quantifier = { min: 1, max: 1, lazy: false }

const escapes: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13 }

const classes: Readonly<Record<string, Characters.CharacterSet>> = {
  d: Characters.digits,
  w: Characters.word,
  s: Characters.space
}

/** Categories that JavaScript and PCRE2 name alike. */
const category = /^p\{(?:gc=|General_Category=)?([LMNPSZ][a-z]?)\}/u

const codeUnits =
  "the pattern counts UTF-16 code units, which the server does not have: with the flag u it counts characters on both sides"

class Parser {
  private at = 0
  relaxed: string | undefined
  private readonly source: string
  private readonly unicode: boolean
  private readonly anyCase: boolean
  private readonly dotAll: boolean
  private readonly multiline: boolean
  private inNegative = false

  constructor(source: string, flags: string) {
    this.source = source
    this.unicode = flags.includes("u")
    this.anyCase = flags.includes("i")
    this.dotAll = flags.includes("s")
    this.multiline = flags.includes("m")
  }

  parse(): ReadonlyArray<Sequence> {
    const all = this.alternatives()
    return this.at === this.source.length ? all : refuse("the pattern has a parenthesis without its other half")
  }

  private get rest(): string {
    return this.source.slice(this.at)
  }

  private take(text: string): boolean {
    if (!this.source.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  private match(pattern: RegExp): RegExpExecArray | null {
    const found = pattern.exec(this.rest)
    if (found !== null) this.at += found[0].length
    return found
  }

  /** The next character, or code unit. */
  private next(): number {
    const point = this.unicode ? this.source.codePointAt(this.at)! : this.source.charCodeAt(this.at)
    this.at += point > 0xffff ? 2 : 1
    return point
  }

  private alternatives(): ReadonlyArray<Sequence> {
    const all: Array<Sequence> = []
    do {
      const items: Array<Item> = []
      while (this.at < this.source.length && this.source[this.at] !== "|" && this.source[this.at] !== ")") {
        const term = this.term()
        items.push({ term, quantifier: this.quantifier(term) })
      }
      all.push(items)
    } while (this.take("|"))
    return all
  }

  private quantifier(term: Term): Quantifier {
    const found = this.match(/^(?:([*+?])|\{([0-9]+)(?:(,)([0-9]*))?\})(\??)/)
    if (found === null) return once
    if (term._tag === "Edge" || term._tag === "Look") refuse("a place in the text has a quantifier")
    const [, sign, from, comma, to, lazy] = found
    const min = sign === undefined ? Number(from) : sign === "+" ? 1 : 0
    const max = sign === "?" ? 1 : sign !== undefined || comma !== undefined && to === ""
      ? Infinity
      : comma === undefined
      ? min
      : Number(to)
    if (min > 65535 || max !== Infinity && max > 65535) {
      refuse("a quantifier is greater than the server's bound of 65535")
    }
    return { min, max, lazy: lazy === "?" }
  }

  private term(): Term {
    if (this.take("^")) return this.edge("^")
    if (this.take("$")) return this.edge("\\z")
    if (this.take("\\b")) return this.wordEdge("\\b")
    if (this.take("\\B")) return this.wordEdge("\\B")
    if (this.take("(")) return this.group()
    if (this.take(".")) return this.set(this.dotAll ? Characters.everything : Characters.notLineEnd)
    if (this.take("[")) return this.bracket()
    if (this.source[this.at] !== "\\") return this.set(this.cased([this.range(this.next())]))
    this.at++
    const category = this.category(false)
    if (category !== undefined) return { _tag: "Set", text: Characters.written([], category), wide: false }
    const escaped = this.escape(false)
    return this.set(typeof escaped === "number" ? this.cased([this.range(escaped)]) : escaped)
  }

  private range(point: number): readonly [number, number] {
    return [point, point]
  }

  private edge(text: "^" | "\\z"): Term {
    return this.multiline
      ? refuse("the flag m lets ^ and $ match at the ends of lines, which are others to the server")
      : { _tag: "Edge", text }
  }

  private wordEdge(text: "\\b" | "\\B"): Term {
    return this.unicode && this.anyCase
      ? refuse("with the flags i and u the edges of words are others to the server")
      : { _tag: "Edge", text }
  }

  private group(): Term {
    if (this.match(/^\?<[=!]/) !== null) {
      return refuse("the pattern looks behind, which the server does within bounds only")
    }
    const look = this.match(/^\?([=!])/)
    if (look === null && this.match(/^\?:|^\?<[^>]*>/) === null && this.rest.startsWith("?")) {
      return refuse("the pattern has a kind of group that the server may not have")
    }
    const before = this.inNegative
    this.inNegative ||= look?.[1] === "!"
    const alternatives = this.alternatives()
    this.inNegative = before
    if (!this.take(")")) refuse("the pattern has a parenthesis without its other half")
    return look === null ? { _tag: "Group", alternatives } : { _tag: "Look", negative: look[1] === "!", alternatives }
  }

  private cased(set: Characters.CharacterSet): Characters.CharacterSet {
    if (!this.anyCase) return set
    return Characters.anyCase(set, this.unicode) ??
      refuse("the flag i is about letters beyond ASCII, whose cases the server may pair in another way")
  }

  private set(set: Characters.CharacterSet, more = ""): Term {
    if (this.unicode) return { _tag: "Set", text: Characters.written(set, more), wide: false }
    const whole = Characters.ofCodeUnits(set)
    return whole === undefined
      ? refuse(codeUnits)
      : { _tag: "Set", text: Characters.written(whole.set), wide: whole.wide }
  }

  /** A class of Unicode, with what the server does not know yet. */
  private category(negated: boolean): string | undefined {
    if (!this.unicode) return undefined
    if (this.rest.startsWith("P{")) {
      return refuse("the pattern excludes a class of Unicode, and the server may have another version of it")
    }
    if (!this.rest.startsWith("p{")) return undefined
    const found = this.match(category)
    if (found === null) return refuse("the pattern has a class of Unicode that the server may name otherwise")
    if (negated || this.inNegative || this.anyCase) {
      return refuse("the pattern excludes a class of Unicode, and the server may have another version of it")
    }
    this.relaxed = "characters that the server's version of Unicode does not know count as members of a class"
    return `\\p{${found[1]!}}\\p{Cn}`
  }

  /** What follows a backslash: a character or a class. */
  private escape(inClass: boolean): number | Characters.CharacterSet {
    const found = this.match(/^[dDwWsS]/)
    if (found !== null) {
      const name = found[0]
      const set = classes[name.toLowerCase()]!
      const complement = name < "a"
      if (name.toLowerCase() !== "w" || !this.anyCase || !this.unicode) {
        return complement
          ? Characters.complement(set)
          : set
      }
      return complement
        ? refuse("with the flags i and u the class \\W is another one to the server")
        : Characters.union(set, [[0x17f, 0x17f], [0x212a, 0x212a]])
    }
    if (inClass && this.take("b")) return 8
    const hex = this.match(/^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/)
    if (hex !== null) return this.paired(Number.parseInt((hex[1] ?? hex[2])!, 16))
    if (this.unicode) {
      const point = this.match(/^u\{([0-9a-fA-F]+)\}/)
      if (point !== null) return Number.parseInt(point[1]!, 16)
    }
    if (this.match(/^0(?![0-9])/) !== null) return 0
    if (/^(?:[0-9]|k|c)/.test(this.rest)) {
      return refuse("the pattern has a back reference, an octal number or a control letter")
    }
    const letter = this.match(/^[tnvfr]/)
    return letter === null ? this.next() : escapes[letter[0]]!
  }

  /** With the flag u two escapes make one character. */
  private paired(unit: number): number {
    if (!this.unicode || unit < 0xd800 || unit > 0xdbff) return unit
    const low = this.match(/^\\u([dD][c-fC-F][0-9a-fA-F]{2})/)
    return low === null ? unit : (unit - 0xd800) * 0x400 + Number.parseInt(low[1]!, 16) - 0xdc00 + 0x10000
  }

  private bracket(): Term {
    const negated = this.take("^")
    let set: Characters.CharacterSet = []
    let more = ""
    while (!this.take("]")) {
      if (this.at >= this.source.length) refuse("the pattern has a bracket without its other half")
      const first = this.member(negated)
      if (typeof first === "string") {
        more += first
        continue
      }
      if (typeof first !== "number") {
        set = Characters.union(set, first)
        continue
      }
      if (this.source[this.at] === "-" && this.source[this.at + 1] !== "]") {
        this.at++
        const to = this.member(negated)
        set = typeof to === "number"
          ? Characters.union(set, this.cased([[first, to]]))
          : Characters.union(set, this.cased([this.range(first), this.range(0x2d)]), typeof to === "string" ? [] : to)
        if (typeof to === "string") more += to
        continue
      }
      set = Characters.union(set, this.cased([this.range(first)]))
    }
    return this.set(negated ? Characters.complement(set) : set, more)
  }

  private member(negated: boolean): number | Characters.CharacterSet | string {
    if (!this.take("\\")) return this.next()
    return this.category(negated) ?? this.escape(true)
  }
}

// ---- halves of characters

const isHard = (item: Item | undefined, atEdge: boolean): boolean => {
  if (item === undefined) return atEdge
  const { quantifier, term } = item
  return term._tag === "Set" ? !term.wide && quantifier.min > 0 : term._tag === "Edge" && term.text !== "\\B"
}

const some = (all: ReadonlyArray<Sequence>, f: (item: Item) => boolean): boolean =>
  all.some((items) => items.some((item) => f(item) || "alternatives" in item.term && some(item.term.alternatives, f)))

/**
 * Without the flag u a set like `[^@]` also takes half of a character. That makes no difference to `[^@]*`, and none to `[^@]+` between
 * characters that are not halves.
 */
const checkHalves = (all: ReadonlyArray<Sequence>, left: boolean, right: boolean): void => {
  for (const items of all) {
    for (const [i, { quantifier: { max, min }, term }] of items.entries()) {
      const hardBefore = isHard(items[i - 1], left)
      const hardAfter = isHard(items[i + 1], right)
      if (term._tag === "Group") {
        checkHalves(term.alternatives, max === 1 && hardBefore, max === 1 && hardAfter)
      } else if (term._tag === "Look") {
        const leads = left && items.slice(0, i).every(({ term }) => term._tag === "Look" || term._tag === "Edge")
        if (!leads) refuse(codeUnits)
        checkHalves(term.alternatives, false, false)
      } else if (term._tag === "Edge") {
        if (term.text === "\\B") refuse(codeUnits)
      } else if (term.wide && !(max === Infinity && (min === 0 || min === 1 && hardBefore && hardAfter))) {
        refuse(codeUnits)
      }
    }
  }
}

// ---- what the server gives up

const many = 50

const isMany = ({ max }: Quantifier): boolean => max > many

/** How many parts the server makes of a pattern: it repeats groups. */
const sizeOf = (all: ReadonlyArray<Sequence>): number =>
  all.flat().reduce((sum, { quantifier, term }) => {
    if (!("alternatives" in term)) return sum + 1
    const times = quantifier.max === Infinity ? quantifier.min + 1 : quantifier.max
    return sum + sizeOf(term.alternatives) * Math.max(times, 1)
  }, 0)

const repeats = ({ quantifier, term }: Item): boolean =>
  term._tag === "Group" && (isMany(quantifier) || quantifier.max > 1 && some(term.alternatives, hasMany))

const hasMany = ({ quantifier, term }: Item): boolean => term._tag === "Set" && isMany(quantifier)

/** By the number of parts that may be repeated without a bound. */
const limits: ReadonlyArray<number | undefined> = [undefined, 20_000, 256, 256, 64, 32]

const limitOf = (all: ReadonlyArray<Sequence>): number | undefined => {
  if (sizeOf(all) > 5000) refuse("the pattern is too large for the server")
  const inside = (item: Item): boolean =>
    repeats(item) && "alternatives" in item.term &&
    some(item.term.alternatives, ({ term }) => term._tag === "Look")
  if (some(all, inside)) refuse("the pattern looks ahead in a repeated group, where the server gives up early")
  if (some(all, repeats)) return 128
  let loose = 0
  some(all, (item) => {
    if (hasMany(item)) loose++
    return false
  })
  if (loose >= limits.length) refuse("the pattern has so many repetitions that the server gives up early")
  const [items = []] = all
  const [first] = items
  const plain = all.length === 1 && first?.term._tag === "Edge" && first.term.text === "^" &&
    items.every(({ quantifier, term }) => !("alternatives" in term) && !quantifier.lazy)
  return loose === 1 && plain ? undefined : limits[loose]
}

// ---- writing

const writtenQuantifier = ({ lazy, max, min }: Quantifier): string => {
  if (min === 1 && max === 1) return ""
  const sign = max === Infinity
    ? min === 0 ? "*" : min === 1 ? "+" : `{${min},}`
    : min === 0 && max === 1
    ? "?"
    : min === max
    ? `{${min}}`
    : `{${min},${max}}`
  return lazy ? `${sign}?` : sign
}

const write = (all: ReadonlyArray<Sequence>): string =>
  all.map((items) =>
    items.map(({ quantifier, term }) => {
      const text = "text" in term
        ? term.text
        : `(${term._tag === "Group" ? "?:" : term.negative ? "?!" : "?="}${write(term.alternatives)})`
      return `${text}${writtenQuantifier(quantifier)}`
    }).join("")
  ).join("|")

/**
 * The pattern of the server that takes what a regular expression takes, or why there is none.
 *
 * @internal
 */
export const toServer = (source: string, flags: string): Pattern | { readonly why: string } => {
  try {
    if (flags.includes("v")) refuse("the server does not have the sets of the flag v")
    const parser = new Parser(source, flags)
    const parsed = parser.parse()
    const all: ReadonlyArray<Sequence> = flags.includes("y")
      ? [[{ term: { _tag: "Edge", text: "^" }, quantifier: once }, {
        term: { _tag: "Group", alternatives: parsed },
        quantifier: once
      }]]
      : parsed
    const isWide = ({ term }: Item) => term._tag === "Set" && term.wide
    if (some(all, isWide)) checkHalves(all, true, true)
    return { pattern: write(all), limit: limitOf(all), relaxed: parser.relaxed }
  } catch (error) {
    if (error instanceof Refused) return { why: error.why }
    throw error
  }
}
