/** Text: its length and its patterns. */
import type * as SchemaAST from "effect/SchemaAST"
import { space, written } from "./characters.ts"
import { described, known, patternOf, sizesOf } from "./checks.ts"
import { custom, type Lose } from "./leaves.ts"
import { toServer } from "./pattern.ts"
import { allOf, type JsonSchema } from "./said.ts"

const units = "the server counts characters, and a string of JavaScript counts the halves of those beyond U+FFFF"

const blank = written(space)

/** What `trim` would leave as it is. */
const trimmed = [`^(?!${blank})`, `(?<!${blank})\\z`]

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
    const inCharacters = check && sizesOf(check, "CodePoints")
    if (inCharacters !== undefined) {
      min = Math.max(min, inCharacters.min)
      max = Math.min(max, inCharacters.max)
      continue
    }
    const inUnits = check && sizesOf(check, "Length")
    if (inUnits !== undefined) {
      // A character is one or two code units.
      min = Math.max(min, Math.ceil(inUnits.min / 2))
      max = Math.min(max, inUnits.max)
      if (inUnits.min > 1 || inUnits.max > 0 && inUnits.max < Infinity) lose(what, units)
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
