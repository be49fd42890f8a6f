/**
 * Checks the write models of bulk writes, and copies those that the driver would change.
 */
import type * as Driver from "mongodb"
import { isSerialized } from "../bson/serialized.ts"
import type { WriteBuffer } from "../bson/writeBuffer.ts"
import { checkDocument, checkFilter, checkOptions, checkReplacement, checkUpdate } from "./check.ts"
import { hintOf } from "./hint.ts"
import { InvalidInput } from "./invalidInput.ts"
import { copyOf, type IdFactory } from "./ownId.ts"
import { writtenInsert } from "./written.ts"

/** The names of all writes. */
const writes: ReadonlySet<string> = new Set([
  "insertOne",
  "updateOne",
  "updateMany",
  "replaceOne",
  "deleteOne",
  "deleteMany"
])

const checkModel = (model: unknown, path: string): void => {
  if (typeof model !== "object" || model === null || Array.isArray(model)) {
    throw new InvalidInput(path, `${path} is not a write model`)
  }
}

/** Checks the fields of any write except an insert. A replacement may be bytes; to make it bytes here would cost more than it saves. */
const prepareFields = <A extends Driver.Document>(name: string, fields: A, path: string): A => {
  checkFilter(fields["filter"], `${path}.filter`)
  if (name.startsWith("update")) checkUpdate(fields["update"], `${path}.update`)
  if (name === "replaceOne" && !isSerialized(fields["replacement"])) {
    checkReplacement(fields["replacement"], `${path}.replacement`)
  }
  checkOptions(fields, path)
  return fields["hint"] === undefined ? fields : { ...fields, hint: hintOf(fields["hint"]) }
}

/** What the driver sends of a write that is not an insert. */
const sentFields = ({ filter, replacement, update }: Driver.Document): object => ({
  filter,
  update: update ?? replacement
})

/**
 * The name and the fields of a collection's model. Its only key is the name. Of several keys the driver would take one and drop the
 * others.
 */
const writeOf = (model: object, path: string): readonly [name: string, fields: Driver.Document] => {
  const entries = Object.entries(model).filter(([, fields]) => fields !== undefined)
  const [name, fields] = entries[0] ?? []
  if (name === undefined) throw new InvalidInput(path, `${path} has no operation`)
  if (entries.length > 1) {
    const names = entries.map(([name]) => name).join(" and ")
    throw new InvalidInput(path, `${path} has several operations, ${names}: give each its own model`)
  }
  if (!writes.has(name)) {
    throw new InvalidInput(`${path}.${name}`, `${path}.${name} is not a write: use one of ${[...writes].join(", ")}`)
  }
  if (typeof fields !== "object" || fields === null) {
    throw new InvalidInput(`${path}.${name}`, `${path}.${name} has no fields`)
  }
  return [name, fields]
}

/**
 * Prepares a model for the bulk write of a collection. A document to insert becomes bytes if there is a buffer.
 *
 * @internal
 */
export const prepareModel = (
  model: object,
  path: string,
  makeId: IdFactory,
  buffer: WriteBuffer | undefined
): Driver.AnyBulkWriteOperation => {
  checkModel(model, path)
  const [name, fields] = writeOf(model, path)
  if (name !== "insertOne") {
    return { [name]: prepareFields(name, fields, `${path}.${name}`) } as unknown as Driver.AnyBulkWriteOperation
  }
  // The driver also takes the document itself in place of its model.
  const document = writtenInsert(
    fields["document"] ?? fields,
    makeId,
    buffer,
    (document) => checkDocument(document, `${path}.insertOne.document`)
  )
  return { insertOne: { document } }
}

/**
 * What the driver sends of a collection's model.
 *
 * @internal
 */
export const sentOfModel = (model: Driver.AnyBulkWriteOperation): object =>
  "insertOne" in model ? model.insertOne.document : sentFields(Object.values(model as Driver.Document)[0])

/**
 * Prepares a model for the bulk write of a client.
 *
 * @internal
 */
export const prepareClientModel = (model: Driver.ClientBulkWriteModel, path: string): Driver.ClientBulkWriteModel => {
  checkModel(model, path)
  if (typeof model.namespace !== "string" || !/^[^.]+\../s.test(model.namespace)) {
    throw new InvalidInput(`${path}.namespace`, `${path}.namespace is not of the form "database.collection"`)
  }
  if (!writes.has(model.name)) throw new InvalidInput(`${path}.name`, `${path}.name is not the name of a write`)
  if (model.name !== "insertOne") return prepareFields(model.name, model, path)
  checkOptions(model, path)
  checkDocument(model.document, `${path}.document`)
  return { ...model, document: copyOf(model.document) }
}

/**
 * What the driver sends of a client's model.
 *
 * @internal
 */
export const sentOfClientModel = (model: Driver.ClientBulkWriteModel): object =>
  model.name === "insertOne" ? model.document : sentFields(model)
