/** Text: its length and its patterns. */
import type * as SchemaAST from "effect/SchemaAST"
import { space, written } from "./characters.ts"
import { described, known, patternOf } from "./checks.ts"
import { toServer } from "./pattern.ts"
import { allOf, type JsonSchema } from "./said.ts"

type Lose = (what: string, why: string) => void

/** A check of Effect that a function decides. The server has no such function. */
const custom = "a filter is a function, which the server cannot run"

const units = "the server counts characters, and a string of JavaScript counts the halves of those beyond U+FFFF"

const blank = written(space)

/** What `trim` would leave as it is. */
const trimmed = [`^(?!${blank})`, `(?<!${blank})\\z`]

/** The lengths that a check asks for, in UTF-16 code units or in characters. */
const lengthOf = (
  name: string,
  payload: Readonly<Record<string, unknown>>
): { readonly min?: number; readonly max?: number; readonly inUnits: boolean } | undefined => {
  const at = (key: string) => payload[key] as number
  switch (name) {
    case "isMinLength":
      return { min: at("minLength"), inUnits: true }
    case "isMaxLength":
      return { max: at("maxLength"), inUnits: true }
    case "isBetweenLength":
      return { min: at("minimum"), max: at("maximum"), inUnits: true }
    case "isMinCodePoints":
      return { min: at("minCodePoints"), inUnits: false }
    case "isMaxCodePoints":
      return { max: at("maxCodePoints"), inUnits: false }
    case "isBetweenCodePoints":
      return { min: at("minimum"), max: at("maximum"), inUnits: false }
    default:
      return undefined
  }
}

/**
 * The texts that pass the checks.
 *
 * @internal
 */
export const text = (filters: ReadonlyArray<SchemaAST.Filter<unknown>>, lose: Lose): JsonSchema => {
  let min = 0
  let max = Infinity
  const plain: Array<string> = []
  const limited: Array<{ readonly pattern: string; readonly limit: number; readonly what: string }> = []
  for (const filter of filters) {
    const what = described(filter)
    const check = known(filter)
    const length = check && lengthOf(check.name, check.payload)
    if (length !== undefined) {
      // A character is one or two code units.
      const least = length.min ?? 0
      min = Math.max(min, length.inUnits ? Math.ceil(least / 2) : least)
      max = Math.min(max, length.max ?? Infinity)
      if (length.inUnits && (least > 1 || length.max !== undefined && length.max > 0)) lose(what, units)
      continue
    }
    if (check?.name === "isTrimmed") {
      plain.push(...trimmed)
      continue
    }
    const regExp = check && patternOf(check)
    if (regExp === undefined) {
      lose(what, custom)
      continue
    }
    const pattern = toServer(regExp.source, regExp.flags)
    if ("why" in pattern) {
      lose(what, pattern.why)
      continue
    }
    if (pattern.relaxed !== undefined) lose(what, pattern.relaxed)
    if (pattern.limit === undefined) plain.push(pattern.pattern)
    else limited.push({ pattern: pattern.pattern, limit: pattern.limit, what })
  }
  return allOf([
    { bsonType: "string", ...(min > 0 ? { minLength: min } : {}), ...(max < Infinity ? { maxLength: max } : {}) },
    ...plain.map((pattern) => ({ pattern })),
    ...limited.map(({ limit, pattern, what }) => {
      if (max < limit) return { pattern }
      lose(what, `the server gives up such a pattern on long text, so text of ${limit} characters and more passes`)
      return { anyOf: [{ pattern }, { minLength: limit }] }
    })
  ])
}
