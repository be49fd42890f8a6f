/** The normal form of an index: what was declared and what the server lists look the same in it. */
import type * as Driver from "mongodb"
import type { Index } from "../../MongoIndex.ts"
import { fieldsText, filterText, valueText, wildcardText } from "./canonical.ts"

/**
 * An index with its parts in one form each.
 *
 * @internal
 */
export interface Normal {
  readonly index: Index
  /** Whether its name was declared, or follows from its keys. */
  readonly isNamed: boolean
  /** What makes it another index to the server: it can stand beside one that differs here. */
  readonly identity: Readonly<Record<string, string>>
  /** What it cannot have beside an index of the same identity, or change later. */
  readonly fixed: Readonly<Record<string, string>>
  readonly unique: boolean
  readonly hidden: boolean
  readonly prepareUnique: boolean
  readonly expireAfterSeconds: number | undefined
  readonly isText: boolean
  /** The fields, with a direction or a kind each. Those of a text index are `_fts` and `_ftsx`. */
  readonly key: ReadonlyArray<readonly [field: string, kind: string | number]>
}

/** The defaults of a collation. Of all locales, only Canadian French compares accents from the back by default. */
const collationText = (collation: object): string => {
  const { version: _, ...given } = collation as { readonly locale?: unknown; readonly version?: unknown }
  return fieldsText({
    caseLevel: false,
    caseFirst: "off",
    strength: 3,
    numericOrdering: false,
    alternate: "non-ignorable",
    maxVariable: "punct",
    normalization: false,
    backwards: given.locale === "fr_CA",
    ...given
  })
}

/** The text of a collation, empty for the simple one. An index without one has that of its collection. */
const effectiveCollation = (own: unknown, ofCollection: object | undefined): string => {
  const collation = own ?? ofCollection
  if (typeof collation !== "object" || collation === null) return ""
  return (collation as { readonly locale?: unknown }).locale === "simple" ? "" : collationText(collation)
}

/** Whether a kind is a direction, and which: only the sign of a number counts. */
const kindOf = (kind: unknown): string | number => typeof kind === "string" ? kind : Number(kind) < 0 ? -1 : 1

/** The keys of an index in their order. */
const keysOf = (
  key: Driver.IndexDescription["key"]
): ReadonlyArray<readonly [field: string, kind: string | number]> =>
  [...(key instanceof Map ? key : Object.entries(key))].map(([field, kind]) => [field, kindOf(kind)])

/** The keys as the server lists them: all fields of text are one. */
const listedKeys = (key: Normal["key"]): Normal["key"] => {
  const first = key.findIndex(([, kind]) => kind === "text")
  if (first === -1 || key.some(([field]) => field === "_fts")) return key
  return [
    ...key.slice(0, first),
    ["_fts", "text"],
    ["_ftsx", 1],
    ...key.slice(first).filter(([, kind]) => kind !== "text")
  ]
}

const weightsOf = (key: Normal["key"], weights: unknown): string => {
  const named = key.filter(([field, kind]) => kind === "text" && field !== "_fts").map(([field]) => [field, 1])
  return fieldsText({ ...Object.fromEntries(named), ...(weights as object | undefined) })
}

/** Options that say nothing about what an index is, or that are compared by themselves. */
const elsewhere: ReadonlySet<string> = new Set([
  "background",
  "collation",
  "dropDups",
  "expireAfterSeconds",
  "hidden",
  "key",
  "name",
  "ns",
  "partialFilterExpression",
  "prepareUnique",
  "sparse",
  "unique",
  "v",
  "version",
  "weights",
  "wildcardProjection"
])

/** Options that the server fills in. */
const defaults: Readonly<Record<string, unknown>> = {
  default_language: "english",
  language_override: "language",
  bits: 26,
  min: -180,
  max: 180
}

const names: Readonly<Record<string, string>> = {
  defaultLanguage: "default_language",
  languageOverride: "language_override"
}

const isEmpty = (name: string, value: unknown): boolean =>
  value === undefined ||
  name === "storageEngine" && (valueText(value) === "[]" || valueText(value) === "[[\"wiredTiger\",[]]]")

const fixedOf = (key: Normal["key"], options: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> => {
  const fixed: Record<string, string> = {}
  for (const [given, value] of Object.entries(options)) {
    const name = names[given] ?? given
    if (elsewhere.has(name) || isEmpty(name, value)) continue
    const text = valueText(value)
    if (!Object.hasOwn(defaults, name) || text !== valueText(defaults[name])) fixed[name] = text
  }
  return key.some(([, kind]) => kind === "text") ? { ...fixed, weights: weightsOf(key, options["weights"]) } : fixed
}

/** The name that the driver gives an index. */
const nameOf = (key: Normal["key"]): string => key.flat().join("_")

const secondsOf = (seconds: unknown): number | undefined =>
  seconds === undefined || seconds === null ? undefined : Math.trunc(Number(seconds))

/**
 * The normal form of an index, declared or listed.
 *
 * @param ofCollection - the collation of the collection. An index that is listed without one has the simple collation
 * @internal
 */
export const normalOf = (
  { key: given, name, ...options }: Driver.IndexDescription | Driver.IndexDescriptionInfo,
  ofCollection?: object
): Normal => {
  const written = keysOf(given as Driver.IndexDescription["key"])
  const key = listedKeys(written)
  const all: Readonly<Record<string, unknown>> = options
  const unique = all["unique"] === true
  return {
    index: { name: name ?? nameOf(written), key: written, options: all },
    isNamed: name !== undefined,
    identity: {
      key: JSON.stringify(key),
      collation: effectiveCollation(all["collation"], ofCollection),
      partialFilterExpression: filterText(all["partialFilterExpression"]),
      unique: String(unique),
      sparse: String(all["sparse"] === true),
      wildcardProjection: wildcardText(all["wildcardProjection"])
    },
    fixed: fixedOf(written, all),
    unique,
    hidden: all["hidden"] === true,
    prepareUnique: all["prepareUnique"] === true,
    expireAfterSeconds: secondsOf(all["expireAfterSeconds"]),
    isText: key.some(([field]) => field === "_fts"),
    key
  }
}

/**
 * The parts of two records that differ.
 *
 * @internal
 */
export const differing = (
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>
): ReadonlyArray<string> =>
  [...new Set([...Object.keys(one), ...Object.keys(other)])].filter((name) => one[name] !== other[name])

/** Options of a listed index that count although they were not declared. Others are filled in by the server. */
const counting: ReadonlySet<string> = new Set([...Object.keys(defaults), "storageEngine", "weights"])

/**
 * The options of a declared index that the server cannot change, and that differ from those of a listed one.
 *
 * @internal
 */
export const fixedDifferences = (declared: Normal, listed: Normal): ReadonlyArray<string> =>
  differing(declared.fixed, listed.fixed).filter((name) => counting.has(name) || Object.hasOwn(declared.fixed, name))
