/** How queries and pipelines print: the names of fields, stages and settings, without the values of documents. */
import { format } from "effect/Formatter"
import * as Inspectable from "effect/Inspectable"

const redacted = "<redacted>"

/** Settings whose string is a name. */
const named: ReadonlySet<string> = new Set(["hint", "readConcern", "readPreference"])

/** @internal */
export const outlineOf = (settings: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined).map(([key, value]) => {
      if (key === "comment") return [key, redacted]
      if (typeof value === "number" || typeof value === "boolean") return [key, value]
      if (typeof value === "string") return [key, named.has(key) ? value : redacted]
      return [key, keysOf(value)]
    })
  )

/** @internal */
export const keysOf = (value: unknown): ReadonlyArray<string> =>
  value instanceof Map
    ? [...value.keys()].map(String)
    : typeof value === "object" && value !== null
    ? Object.keys(value)
    : []

/**
 * The names of a pipeline's stages.
 *
 * @internal
 */
export const stagesOf = (pipeline: unknown): ReadonlyArray<string> =>
  Array.isArray(pipeline) ? pipeline.flatMap(keysOf) : []

/**
 * Makes a value print as its outline.
 *
 * @internal
 */
export const printedAs = <A extends object>(value: A, outline: object): A & Inspectable.Inspectable =>
  Object.assign(value, {
    toJSON: () => outline,
    toString: () => format(outline, { ignoreToString: true, space: 2 }),
    [Inspectable.NodeInspectSymbol]: () => outline
  })
