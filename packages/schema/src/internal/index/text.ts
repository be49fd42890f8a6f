/** Plans and failures as text. */
import * as Driver from "mongodb"
import type { Duplicates, Index, Plan, Step } from "../../MongoIndex.ts"
import { shownId } from "../shownId.ts"
import { counted } from "../words.ts"

const shown = (value: unknown): string => Driver.BSON.EJSON.stringify(value, { relaxed: true })

/** Options that are flags: the name says it all. */
const flags: ReadonlySet<string> = new Set(["hidden", "sparse", "unique"])

const names: Readonly<Record<string, string>> = { partialFilterExpression: "partial" }

/** Options that change nothing, or that the server has filled in. */
const left: ReadonlySet<string> = new Set(["background", "ns", "v", "version"])

const optionsOf = (options: Index["options"]): string =>
  Object.entries(options).flatMap(([option, value]) => {
    if (left.has(option) || value === undefined || value === false) return []
    if (flags.has(option)) return [option]
    return [`${names[option] ?? option}: ${shown(value)}`]
  }).join(", ")

const indexText = ({ key, name, options }: Index): string => {
  const fields = key.map(([field, kind]) => `${field}: ${kind}`).join(", ")
  const others = optionsOf(options)
  return `${name} on ${fields}${others === "" ? "" : ` (${others})`}`
}

/** @internal */
export const formatStep = (step: Step): string => {
  switch (step.kind) {
    case "equal":
      return `${indexText(step.index)}${step.building ? ", which the server is building" : ""}`
    case "create":
      return indexText(step.index)
    case "collMod":
      return `${step.index.name}: ${
        Object.entries(step.changes).map(([name, value]) => `${name}: ${value}`).join(", ")
      }`
    case "replace": {
      const how = step.dropsFirst
        ? `drops ${step.replaced.name} first, needs allowDrop`
        : `drops ${step.replaced.name} when it is ready`
      return `${indexText(step.index)}, differs in ${step.differs.join(", ")}: ${how}`
    }
    case "rename":
      return `${indexText(step.index)}: drops ${step.replaced.name} first, needs allowDrop`
    case "extra":
      return `${indexText(step.index)}, not declared: stays, unless allowDrop`
  }
}

const width = Math.max(
  ...(["equal", "create", "collMod", "replace", "rename", "extra"] as const).map((kind) => kind.length)
)

/** @internal */
export const format = ({ collection, steps }: Plan): string =>
  [
    collection,
    ...(steps.length === 0 ? ["  no indexes are declared, and there are none"] : []),
    ...steps.map((step) => `  ${step.kind.padEnd(width)}  ${formatStep(step)}`)
  ].join("\n")

/** The server alone knows the keys of some indexes. */
const indexKeysText = ({ index, keys }: Duplicates): string =>
  `${index.name} cannot be unique${keys.length === 0 ? "" : ` for ${keys.map(keyText).join("; ")}`}`

const keyText = ({ count, ids }: Duplicates["keys"][number]): string =>
  `${counted(count)} documents, among them ${ids.map(shownId).join(" and ")}`

/** @internal */
export const duplicates = (collection: string, indexes: ReadonlyArray<Duplicates>): string =>
  `ensure on ${collection}: documents have the same key, so that nothing was built: ` +
  indexes.map(indexKeysText).join("; ") +
  ". Change or delete them, and run it again"
