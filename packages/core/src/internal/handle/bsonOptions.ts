/**
 * How a collection or a database reads and writes BSON. This does not ask the driver, which throws for bad names and settings.
 */
import type * as Driver from "mongodb"
import type { Connection } from "../call/connection.ts"
import { mayTakeBytes } from "../driver/bulk.ts"

type Settings = Driver.BSONSerializeOptions

/** Members of our collections and databases. Another implementation may lack them. */
interface Handle {
  readonly connection?: Connection | undefined
  readonly settings?: Settings | undefined
}

/** The driver's own defaults. */
const defaults = {
  useBigInt64: false,
  promoteLongs: true,
  promoteValues: true,
  promoteBuffers: false,
  bsonRegExp: false
} as const

const none: Settings = {}

/** bson looks a name up in `fieldsAsRaw` as in any object: an array named "constructor" or "__proto__" would be left raw. */
const withoutInherited = (fieldsAsRaw: Driver.Document): Driver.Document =>
  Object.assign(Object.create(null) as Driver.Document, fieldsAsRaw)

const noFields = withoutInherited({})

const fieldsOf = (fieldsAsRaw: Driver.Document = noFields): Driver.Document => {
  for (const name in fieldsAsRaw) if (Object.hasOwn(fieldsAsRaw, name)) return withoutInherited(fieldsAsRaw)
  return noFields
}

/** @internal */
export const bsonOptions = (handle: object, options?: object) => {
  const { connection, settings } = handle as Handle
  const ofCall: Settings = options ?? none
  const ofHandle = settings ?? none
  const ofClient = connection?.driver.bsonOptions ?? none
  // The driver uses the values as conditions, so any truthy value counts as true.
  const is = (name: keyof typeof defaults): boolean =>
    Boolean(ofCall[name] ?? ofHandle[name] ?? ofClient[name] ?? defaults[name])
  return {
    useBigInt64: is("useBigInt64"),
    promoteLongs: is("promoteLongs"),
    promoteValues: is("promoteValues"),
    promoteBuffers: is("promoteBuffers"),
    bsonRegExp: is("bsonRegExp"),
    // Only `false` switches it off.
    enableUtf8Validation:
      (ofCall.enableUtf8Validation ?? ofHandle.enableUtf8Validation ?? ofClient.enableUtf8Validation) !== false,
    fieldsAsRaw: fieldsOf(ofCall.fieldsAsRaw ?? ofHandle.fieldsAsRaw ?? ofClient.fieldsAsRaw)
  }
}

/**
 * Whether bulk writes of a collection send documents that are already BSON as they are.
 *
 * @internal
 */
export const sendsBytes = (handle: object, options?: object): boolean => {
  const { connection, settings } = handle as Handle
  const ofCall: Settings & { readonly checkKeys?: unknown } = options ?? none
  // A collection always leaves out undefined properties.
  return connection !== undefined && (ofCall.ignoreUndefined ?? true) === true && Boolean(ofCall.checkKeys) === false &&
    !(ofCall.serializeFunctions ?? settings?.serializeFunctions ?? connection.driver.bsonOptions.serializeFunctions) &&
    mayTakeBytes(connection.driver)
}
