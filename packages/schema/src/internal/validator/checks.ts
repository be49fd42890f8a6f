/** The checks of a schema, one by one, and what they are about. */
import * as BigDecimal from "effect/BigDecimal"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type { Range } from "./numbers.ts"

type Filter = SchemaAST.Filter<unknown>

/** @internal */
export const filtersOf = (checks: SchemaAST.Checks | undefined): ReadonlyArray<Filter> =>
  (checks ?? []).flatMap((check) => check._tag === "Filter" ? [check] : filtersOf(check.checks))

/** The name of a check of Effect, without its prefix, and its settings. */
export interface Known {
  readonly name: string
  readonly payload: Readonly<Record<string, unknown>>
}

const prefix = "effect/schema/"

/** @internal */
export const known = (filter: Filter): Known | undefined => {
  const found = filter.annotations?.["representation"] as
    | { readonly id: string; readonly payload?: Known["payload"] | null }
    | undefined
  return found?.id.startsWith(prefix) === true
    ? { name: found.id.slice(prefix.length), payload: found.payload ?? {} }
    : undefined
}

/**
 * What a check expects, for people.
 *
 * @internal
 */
export const described = (filter: Filter): string => {
  const { annotations } = filter
  const text = annotations?.expected ?? annotations?.title ?? annotations?.description ?? annotations?.identifier
  return typeof text === "string" ? text : "a filter"
}

/**
 * The range of a check with bounds whose name is `isGreaterThan` and so on with this ending.
 *
 * @internal
 */
export const rangeOf = <A>(
  { name, payload }: Known,
  ending: string,
  read: (value: unknown) => A
): Range<A> | undefined => {
  const limit = (key: string, exclusive: boolean) => ({ value: read(payload[key]), exclusive })
  switch (name) {
    case `isGreaterThan${ending}`:
      return { min: limit("exclusiveMinimum", true) }
    case `isGreaterThanOrEqualTo${ending}`:
      return { min: limit("minimum", false) }
    case `isLessThan${ending}`:
      return { max: limit("exclusiveMaximum", true) }
    case `isLessThanOrEqualTo${ending}`:
      return { max: limit("maximum", false) }
    case `isBetween${ending}`:
      return {
        min: limit("minimum", payload["exclusiveMinimum"] === true),
        max: limit("maximum", payload["exclusiveMaximum"] === true)
      }
    default:
      return undefined
  }
}

/**
 * The sizes that a check takes whose name is `isMin`, `isMax` or `isBetween` with this ending.
 *
 * @internal
 */
export const sizesOf = (
  { name, payload }: Known,
  ending: "CodePoints" | "Length" | "Properties"
): { readonly min: number; readonly max: number } | undefined => {
  const at = (key: string) => payload[key] as number
  switch (name) {
    case `isMin${ending}`:
      return { min: at(`min${ending}`), max: Infinity }
    case `isMax${ending}`:
      return { min: 0, max: at(`max${ending}`) }
    case `isBetween${ending}`:
      return { min: at("minimum"), max: at("maximum") }
    default:
      return undefined
  }
}

/**
 * The range of a check that compares decimals. Effect names those in its hint for generators only. A hint may say less than its check, so
 * the check is asked at the bounds and beside them.
 *
 * @internal
 */
export const decimalRangeOf = (filter: Filter): Range<BigDecimal.BigDecimal> | undefined => {
  const hint = filter.annotations?.["arbitraryConstraint"] as Readonly<Record<string, unknown>> | undefined
  if (hint?.["order"] !== BigDecimal.Order || known(filter) !== undefined) return undefined
  const { exclusiveMaximum, exclusiveMinimum, maximum, minimum } = hint
  if (minimum === undefined && maximum === undefined) return undefined
  if (
    minimum !== undefined && !BigDecimal.isBigDecimal(minimum) ||
    maximum !== undefined && !BigDecimal.isBigDecimal(maximum)
  ) {
    return undefined
  }
  const takes = (value: BigDecimal.BigDecimal) => filter.run(value, Schema.BigDecimal.ast, {}) === undefined
  const range = {
    min: minimum === undefined ? undefined : { value: minimum, exclusive: exclusiveMinimum === true },
    max: maximum === undefined ? undefined : { value: maximum, exclusive: exclusiveMaximum === true }
  }
  const far = BigDecimal.make(1n, -6100)
  const near = BigDecimal.make(1n, 60)
  const probes = [far, BigDecimal.negate(far)]
  for (const value of [minimum, maximum]) {
    if (BigDecimal.isBigDecimal(value)) {
      probes.push(value, BigDecimal.sum(value, near), BigDecimal.subtract(value, near))
    }
  }
  return probes.every((value) => takes(value) === contains(range, value)) ? range : undefined
}

const contains = ({ max, min }: Range<BigDecimal.BigDecimal>, value: BigDecimal.BigDecimal): boolean => {
  const above = min === undefined ? 1 : BigDecimal.Order(value, min.value)
  const below = max === undefined ? 1 : BigDecimal.Order(max.value, value)
  return (min?.exclusive === true ? above > 0 : above >= 0) && (max?.exclusive === true ? below > 0 : below >= 0)
}

/** The checks of Effect that are patterns under a name of their own. */
const named: Readonly<Record<string, Filter>> = {
  isAscii: Schema.isAscii(),
  isGUID: Schema.isGUID(),
  isStringBigInt: Schema.isStringBigInt(),
  isStringFinite: Schema.isStringFinite(),
  isULID: Schema.isULID()
} as never

/** Base64 in groups of four. `isBase64Url` takes an end without `=`. */
const bases: Readonly<Record<string, string>> = {
  isBase64: "^(?:[0-9a-zA-Z+/]{4})*(?:[0-9a-zA-Z+/]{2}==|[0-9a-zA-Z+/]{3}=)?$",
  isBase64Url: "^(?:[0-9a-zA-Z_-]{4})*(?:[0-9a-zA-Z_-]{2}(?:==)?|[0-9a-zA-Z_-]{3}=?)?$"
}

const escaped = (text: unknown): string => String(text).replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")

/** Text with half of a character begins what the server cannot name. */
const hasHalf = (text: unknown): boolean => /\p{Cs}/u.test(String(text))

/**
 * The regular expression that a check of text asks for.
 *
 * @internal
 */
export const patternOf = (
  { name, payload }: Known
): { readonly source: string; readonly flags: string } | undefined => {
  const ofFilter = (filter: Filter | undefined) =>
    (filter?.annotations?.["arbitraryConstraint"] as
      | { readonly patterns?: ReadonlyArray<{ readonly source: string; readonly flags: string }> }
      | undefined)?.patterns?.[0]
  const unicode = (source: string) => hasHalf(source) ? undefined : { source, flags: "u" }
  switch (name) {
    case "isPattern":
      return payload as { readonly source: string; readonly flags: string }
    case "isUUID":
      return ofFilter(Schema.isUUID((payload["version"] ?? undefined) as undefined) as never)
    case "isStartingWith":
      return unicode(`^${escaped(payload["startsWith"])}`)
    case "isEndingWith":
      return unicode(`${escaped(payload["endsWith"])}$`)
    case "isIncluding":
      return unicode(escaped(payload["includes"]))
    case "isBase64":
    case "isBase64Url":
      return { source: bases[name]!, flags: "" }
    default:
      return Object.hasOwn(named, name) ? ofFilter(named[name]) : undefined
  }
}
