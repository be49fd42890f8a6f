/**
 * The models of writes that bulk writes take: checked, and copied where the driver would change them.
 */
import type * as Driver from "mongodb"
import { checkDocument, checkFilter, checkOptions, checkReplacement, checkUpdate } from "./check.ts"
import { hintOf } from "./hint.ts"
import { InvalidInput } from "./invalidInput.ts"
import { copyOf, type IdFactory, withOwnId } from "./ownId.ts"

/** The names of the writes that there are. */
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
    throw new InvalidInput(path, `${path} is no model of a write`)
  }
}

/** The fields of any write but an insert. */
const prepareFields = <A extends Driver.Document>(name: string, fields: A, path: string): A => {
  checkFilter(fields["filter"], `${path}.filter`)
  if (name.startsWith("update")) checkUpdate(fields["update"], `${path}.update`)
  if (name === "replaceOne") checkReplacement(fields["replacement"], `${path}.replacement`)
  checkOptions(fields, path)
  return fields["hint"] === undefined ? fields : { ...fields, hint: hintOf(fields["hint"]) }
}

/** What the driver sends of a write that is no insert. */
const sentFields = ({ filter, replacement, update }: Driver.Document): object => ({
  filter,
  update: update ?? replacement
})

/** The name and the fields of a model of a collection, which is named by its only key: the driver takes one of several, and drops the others. */
const writeOf = (model: object, path: string): readonly [name: string, fields: Driver.Document] => {
  const entries = Object.entries(model).filter(([, fields]) => fields !== undefined)
  const [name, fields] = entries[0] ?? []
  if (name === undefined) throw new InvalidInput(path, `${path} has no operation`)
  if (entries.length > 1) {
    const names = entries.map(([name]) => name).join(" and ")
    throw new InvalidInput(path, `${path} has several operations, ${names}: each is a model of its own`)
  }
  if (!writes.has(name)) {
    throw new InvalidInput(`${path}.${name}`, `${path}.${name} is no write: take one of ${[...writes].join(", ")}`)
  }
  if (typeof fields !== "object" || fields === null) {
    throw new InvalidInput(`${path}.${name}`, `${path}.${name} has no fields`)
  }
  return [name, fields]
}

/**
 * A model for the bulk write of a collection.
 *
 * @internal
 */
export const prepareModel = (model: object, path: string, makeId: IdFactory): Driver.AnyBulkWriteOperation => {
  checkModel(model, path)
  const [name, fields] = writeOf(model, path)
  if (name !== "insertOne") {
    return { [name]: prepareFields(name, fields, `${path}.${name}`) } as unknown as Driver.AnyBulkWriteOperation
  }
  // The driver takes the document itself in the place of its model, too.
  const document = fields["document"] ?? fields
  checkDocument(document, `${path}.insertOne.document`)
  return { insertOne: { document: withOwnId(document, makeId) } }
}

/**
 * What the driver sends of a model of a collection.
 *
 * @internal
 */
export const sentOfModel = (model: Driver.AnyBulkWriteOperation): object =>
  "insertOne" in model ? model.insertOne.document : sentFields(Object.values(model as Driver.Document)[0])

/**
 * A model for the bulk write of a client.
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
 * What the driver sends of a model of a client.
 *
 * @internal
 */
export const sentOfClientModel = (model: Driver.ClientBulkWriteModel): object =>
  model.name === "insertOne" ? model.document : sentFields(model)
