/** What the writes of a repository send: filters, the operators of updates, and failures where nothing matches. Pure. */
import { MongoError } from "@mongofx/core"
import * as Cause from "effect/Cause"
import type * as Driver from "mongodb"
import * as Filter from "../../Filter.ts"
import { StaleDocument } from "../../Repository.ts"
import type { Origin } from "../collection/failures.ts"
import { refuse } from "../refusal.ts"
import { shownId } from "../shownId.ts"
import type { Settings, Version } from "./settings.ts"

type Fields = Readonly<Record<string, unknown>>

/**
 * A filter of the documents that match and are not deleted.
 *
 * @internal
 */
export const present = ({ softDelete }: Settings, filter: unknown, withDeleted = false): Filter.Filter<never> => {
  if (softDelete === undefined || withDeleted) return filter as Filter.Filter<never>
  const isPresent = Filter.unsafe({ [softDelete.key]: null })
  return (filter === undefined ? isPresent : Filter.and(filter as Filter.Filter<never>, isPresent)) as Filter.Filter<
    never
  >
}

/**
 * A filter of the document with this `_id`, in the expected version if there is one, deleted or not.
 *
 * @internal
 */
export const byId = ({ shape, version }: Settings, id: unknown, expected?: unknown): Filter.Filter<never> => {
  const isMeant = { [shape.idName]: id }
  if (version === undefined || expected === undefined) return Filter.values(isMeant) as Filter.Filter<never>
  if (version.zero === undefined || !isZero(expected)) {
    return Filter.values({ ...isMeant, [version.name]: expected }) as Filter.Filter<never>
  }
  const isExpected = Filter.unsafe({ [version.key]: { $in: [version.zero.stored, null] } })
  return Filter.and(Filter.values(isMeant) as Filter.Filter<never>, isExpected as Filter.Filter<never>)
}

/** @internal */
export const isZero = (version: unknown): boolean => version === 0 || version === 0n

/**
 * A filter of the deleted document with this `_id`.
 *
 * @internal
 */
export const deletedById = (settings: Settings, id: unknown): Filter.Filter<never> =>
  Filter.and(byId(settings, id), Filter.unsafe({ [settings.softDelete!.key]: { $ne: null } })) as Filter.Filter<never>

/**
 * The typed operator that adds 1 to the version.
 *
 * @internal
 */
export const counting = ({ version }: Settings): { readonly $inc?: object } =>
  version === undefined ? {} : { $inc: { [version.name]: version.one } }

/** @internal */
export const without = (fields: Fields, names: ReadonlyArray<string>): Fields =>
  names.length === 0 ? fields : Object.fromEntries(Object.entries(fields).filter(([name]) => !names.includes(name)))

/** @internal */
export const plus = (version: unknown, one: 1 | 1n): unknown =>
  typeof one === "bigint" ? version as bigint + one : version as number + one

/**
 * Refuses a document without its version: any version would do then.
 *
 * @internal
 */
export const checkVersion = (version: Version | undefined, expected: unknown): void => {
  if (version !== undefined && expected === undefined) {
    refuse(`document.${version.name}`, "is missing: a write needs the version that it was made from")
  }
}

/**
 * Refuses the names of fields that would be paths in an update.
 *
 * @internal
 */
export const checkNames = (document: Driver.Document): void => {
  for (const key of Object.keys(document)) {
    if (key.includes(".") || key.startsWith("$")) {
      refuse(`document.${key}`, "is a path to an update: insert the document, or save it")
    }
  }
}

/**
 * The fields of a patch. Refuses what patches cannot set.
 *
 * @internal
 */
export const checkedFields = ({ fields: known, shape, softDelete, version }: Settings, fields: Fields): Fields => {
  for (const name of Object.keys(fields)) {
    if (name === shape.idName) refuse(`fields.${name}`, "cannot change: leave it out")
    if (name === version?.name) refuse(`fields.${name}`, "is the version: pass it as options.expected")
    if (name === softDelete?.name) refuse(`fields.${name}`, "is the time of a deletion: use delete and restore")
    if (known?.has(name) === false) refuse(`fields.${name}`, "is not a field that updates set")
    if (fields[name] === undefined) {
      refuse(`fields.${name}`, "is undefined: leave it out to keep the field, or remove the field by update")
    }
  }
  return fields
}

/** @internal */
export const isDuplicateKey = (error: unknown): boolean =>
  MongoError.isMongoError(error) && error.reason._tag === "DuplicateKeyError"

const nonEmpty = (operators: Readonly<Record<string, Driver.Document>>): Driver.Document =>
  Object.fromEntries(Object.entries(operators).filter(([, fields]) => Object.keys(fields).length > 0))

/**
 * The operators of an update, which needs one: it still finds its document if there is nothing to change.
 *
 * @internal
 */
export const operators = (update: Driver.Document): Driver.Document =>
  Object.keys(update).length === 0 ? { $set: {} } : update

const entriesOf = (document: Driver.Document) => Object.entries(document).filter(([, value]) => value !== undefined)

/**
 * The operators that make a document equal to the encoded argument of an update. Optional fields that it lacks are removed.
 *
 * @internal
 */
export const setting = ({ softDelete, updated, version }: Settings, encoded: Driver.Document): Driver.Document => {
  const others = (key: string) => key !== "_id" && key !== version?.key && key !== softDelete?.key
  const set = entriesOf(encoded).filter(([key]) => others(key))
  const kept = new Set(set.map(([key]) => key))
  const removed = [...updated ?? []].filter((key) => others(key) && !kept.has(key))
  return nonEmpty({
    $set: Object.fromEntries(set),
    $unset: Object.fromEntries(removed.map((key) => [key, true])),
    $inc: version === undefined ? {} : { [version.key]: version.stored }
  })
}

/**
 * The stored filter and the operators of an upsert of an encoded document.
 *
 * @param on - the stored names of the fields that the document is found by
 * @param filled - the stored names of the fields that only the schema has filled in: a document that is there keeps its own
 * @internal
 */
export const upserting = (
  { common, softDelete, updated, version }: Settings,
  document: Driver.Document,
  on: ReadonlyArray<string>,
  filled: ReadonlySet<string>
) => {
  const apart = new Set([...on, version?.key, softDelete?.key])
  const isUpdated = (key: string) => key !== "_id" && updated?.has(key) !== false && !filled.has(key)
  const others = entriesOf(document).filter(([key]) => !apart.has(key))
  const removed = [...common ?? []].filter((key) => isUpdated(key) && !apart.has(key) && document[key] === undefined)
  return {
    filter: {
      ...Object.fromEntries(on.map((key) => [key, { $eq: document[key] }])),
      ...(softDelete === undefined ? {} : { [softDelete.key]: softDelete.isAbsent })
    },
    changes: nonEmpty({
      $set: Object.fromEntries(others.filter(([key]) => isUpdated(key))),
      $unset: Object.fromEntries(removed.map((key) => [key, true])),
      $inc: version === undefined ? {} : { [version.key]: version.stored }
    }),
    onInsert: nonEmpty({ $setOnInsert: Object.fromEntries(others.filter(([key]) => !isUpdated(key))) })
  }
}

/** @internal */
export const noDocument = ({ collection, operation }: Origin, id: unknown): Cause.NoSuchElementError =>
  new Cause.NoSuchElementError(`${operation} on ${collection}: there is no document ${shownId(id)}`)

/** @internal */
export const noDeleted = ({ collection, operation }: Origin, id: unknown): Cause.NoSuchElementError =>
  new Cause.NoSuchElementError(`${operation} on ${collection}: there is no deleted document ${shownId(id)}`)

/** @internal */
export const stale = (origin: Origin, id: unknown, expected: unknown): StaleDocument =>
  new StaleDocument({ ...origin, id, expected })
