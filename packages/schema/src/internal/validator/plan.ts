/** Plans: what a collection has, what it will have, and how that is said. Pure decisions. */
import * as Driver from "mongodb"
import type { Plan, State } from "../../MongoValidator.ts"
import { isPlainObject } from "../plainObject.ts"

// ---- when two validators are the same

/** Lists whose order means nothing. */
const unordered: ReadonlySet<string> = new Set([
  "$and",
  "$nor",
  "$or",
  "allOf",
  "anyOf",
  "bsonType",
  "enum",
  "oneOf",
  "required",
  "type"
])

/** A number as text: the server gives numbers back in other types than it was given. */
const numberText = (value: unknown): string | undefined => {
  if (typeof value === "number" || typeof value === "bigint") return String(value)
  if (!(value instanceof Object) || !("_bsontype" in value)) return undefined
  const { _bsontype: type } = value
  if (type === "Int32" || type === "Double") return String(Number(value))
  return type === "Long" ? String(value) : undefined
}

/**
 * A text that two validators share if they mean the same to the server: the order of keys and of sets does not count, and neither do the
 * types of numbers.
 */
const canonical = (value: unknown, key = ""): string => {
  const number = numberText(value)
  if (number !== undefined) return number
  if (Array.isArray(value)) {
    const items = value.map((item) => canonical(item))
    return `[${(unordered.has(key) ? items.sort() : items).join()}]`
  }
  if (isPlainObject(value)) {
    const keys = Object.keys(value).sort()
    return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key], key)}`).join()}}`
  }
  return Driver.BSON.EJSON.stringify(value, { relaxed: false })
}

const isEmptyValidator = (validator: unknown): boolean =>
  validator === undefined || validator === null || isPlainObject(validator) && Object.keys(validator).length === 0

/** The validation of a collection as `listCollections` describes it. It leaves out what was never set. */
const stateOf = (options: Driver.Document): State => ({
  validator: isEmptyValidator(options["validator"]) ? undefined : options["validator"],
  level: options["validationLevel"] ?? "strict",
  action: options["validationAction"] ?? "error"
})

const isSame = (a: State, b: State): boolean =>
  a.level === b.level && a.action === b.action && canonical(a.validator ?? {}) === canonical(b.validator ?? {})

/** What `listCollections` says of a collection. */
export interface Found {
  readonly type?: string | undefined
  readonly options?: Driver.Document | undefined
}

/**
 * The plan of a collection, without the number of documents that would fail.
 *
 * @internal
 */
export const planOf = (
  collection: string,
  found: Found | undefined,
  after: State,
  lost: Plan["lost"]
): Plan => {
  const base = { collection, after, lost, failing: undefined, why: undefined }
  if (found === undefined) return { ...base, kind: "create", before: undefined, failing: 0 }
  const before = stateOf(found.options ?? {})
  if (found.type !== undefined && found.type !== "collection") {
    const what = found.type === "timeseries" ? "a time series collection" : `a ${found.type}`
    return { ...base, kind: "impossible", before, why: `it is ${what}, which the server does not let have a validator` }
  }
  return { ...base, kind: isSame(before, after) ? "equal" : "collMod", before }
}

/**
 * Whether writes fail because of documents that are there already.
 *
 * @internal
 */
export const isEnforced = ({ action, level }: State): boolean => level === "strict" && action !== "warn"

// ---- text

const shown = (value: unknown): string => Driver.BSON.EJSON.stringify(value, { relaxed: true })

/** The parts of a validator by name: its fields, the other keywords, and what stands beside `$jsonSchema`. */
const partsOf = (validator: Driver.Document | undefined): ReadonlyMap<string, string> => {
  const { $jsonSchema, $nor, ...others } = validator ?? {}
  const { properties, required, ...keywords } = ($jsonSchema ?? {}) as Driver.Document
  const entries = (prefix: string, document: Driver.Document | undefined) =>
    Object.entries(document ?? {}).map(([name, value]) => [`${prefix}${name}`, shown(value)] as const)
  const list = (prefix: string, all: unknown) =>
    (Array.isArray(all) ? all : []).map((each) =>
      [`${prefix} ${typeof each === "string" ? each : shown(each)}`, ""] as const
    )
  return new Map([
    ...entries("", keywords),
    ...entries("field ", properties),
    ...list("required", required),
    ...list("not", $nor),
    ...entries("", others)
  ])
}

const differences = (
  before: Driver.Document | undefined,
  after: Driver.Document | undefined
): ReadonlyArray<string> => {
  const [old, now] = [partsOf(before), partsOf(after)]
  const line = (sign: string, name: string, text: string) => `  ${sign} ${name}${text === "" ? "" : `: ${text}`}`
  return [
    ...[...now].filter(([name, text]) => old.get(name) !== text).map(([name, text]) =>
      line(old.has(name) ? "~" : "+", name, text)
    ),
    ...[...old].filter(([name]) => !now.has(name)).map(([name, text]) => line("-", name, text))
  ]
}

const documents = (count: number): string => count === 1 ? "1 document" : `${count} documents`

const heads: Readonly<Record<Plan["kind"], string>> = {
  create: "creates the collection with its validator",
  collMod: "changes the validator",
  equal: "has its validator",
  impossible: "cannot have a validator"
}

const setting = (name: string, before: string | undefined, after: string): ReadonlyArray<string> =>
  before === undefined || before === after ? [] : [`  ~ ${name}: ${before} -> ${after}`]

/** @internal */
export const format = (plan: Plan): string => {
  const { after, before, collection, failing, kind, lost, why } = plan
  const lines = [`${collection}: ${heads[kind]}${why === undefined ? "" : `: ${why}`}`]
  if (kind === "create" || kind === "collMod") {
    lines.push(...setting("level", before?.level, after.level), ...setting("action", before?.action, after.action))
    if (before === undefined) lines.push(`  + level: ${after.level}`, `  + action: ${after.action}`)
    lines.push(...differences(before?.validator, after.validator))
    if (failing === undefined) lines.push("  the documents that would fail were not counted")
    else if (failing > 0) lines.push(`  ! ${documents(failing)} would fail now`)
  }
  if (kind !== "impossible" && lost.length > 0) {
    lines.push("  not checked:")
    for (const { path, what, why } of lost) lines.push(`    ${path === "" ? "the document" : path}: ${what} (${why})`)
  }
  return lines.join("\n")
}
