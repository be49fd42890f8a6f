/**
 * The unified test format: its files, and the ways in which a test can end.
 *
 * @since 0.1.0
 */
import * as Driver from "mongodb"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

export type Document = Record<string, unknown>

/** The test is not what the format allows, or asks for something that this runner does not know. */
export class MalformedTest extends Error {
  override readonly name = "MalformedTest"
}

/** An assertion of the test does not hold. */
export class AssertionFailed extends Error {
  override readonly name = "AssertionFailed"
}

/** The public API of mongofx has no way to do what the test asks for. */
export class Undrivable extends Error {
  override readonly name = "Undrivable"
}

/** The test does not fit this server or this runner. */
export class Skipped extends Error {
  override readonly name = "Skipped"
}

/** The newest version of the format whose features are here. */
const supportedMinor = 28

export interface Operation {
  readonly name: string
  readonly object: string
  readonly arguments: Document
  readonly expectError: Document | undefined
  /** Set where the key is there, since null is a value to expect. */
  readonly expectResult: { readonly value: unknown } | undefined
  readonly ignoreResultAndError: boolean
  readonly saveResultAsEntity: string | undefined
}

export interface CollectionData {
  readonly databaseName: string
  readonly collectionName: string
  readonly documents: ReadonlyArray<Document>
  readonly createOptions: Document | undefined
}

export interface Test {
  readonly id: string
  readonly description: string
  readonly skipReason: string | undefined
  readonly runOnRequirements: ReadonlyArray<Document> | undefined
  readonly operations: ReadonlyArray<Document>
  readonly expectEvents: ReadonlyArray<Document>
  readonly expectLogMessages: ReadonlyArray<Document>
  readonly outcome: ReadonlyArray<CollectionData>
}

export interface TestFile {
  /** The path below the folder, without the `tests` of the specifications' repository: `crud/unified/find.json`. */
  readonly path: string
  readonly schemaVersion: string
  readonly runOnRequirements: ReadonlyArray<Document> | undefined
  readonly createEntities: ReadonlyArray<Document>
  readonly initialData: ReadonlyArray<CollectionData>
  readonly tests: ReadonlyArray<Test>
}

export const isDocument = (value: unknown): value is Document => {
  if (typeof value !== "object" || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

export const document = (value: unknown, where: string): Document => {
  if (isDocument(value)) return value
  throw new MalformedTest(`${where} is not a document`)
}

export const array = (value: unknown, where: string): ReadonlyArray<unknown> => {
  if (Array.isArray(value)) return value
  throw new MalformedTest(`${where} is not an array`)
}

export const documents = (value: unknown, where: string): ReadonlyArray<Document> =>
  array(value, where).map((element, index) => document(element, `${where}[${index}]`))

export const string = (value: unknown, where: string): string => {
  if (typeof value === "string") return value
  throw new MalformedTest(`${where} is not a string`)
}

export const integer = (value: unknown, where: string): number => {
  if (Number.isInteger(value)) return value as number
  throw new MalformedTest(`${where} is not an integer`)
}

export const boolean = (value: unknown, where: string): boolean => {
  if (typeof value === "boolean") return value
  throw new MalformedTest(`${where} is not a boolean`)
}

const optional = <A>(value: unknown, read: (value: unknown, where: string) => A, where: string): A | undefined =>
  value === undefined ? undefined : read(value, where)

/** Refuses keys that are not known: a test that is not understood must not pass. */
export const onlyKeys = (value: Document, keys: ReadonlyArray<string>, where: string): void => {
  const unknown = Object.keys(value).find((key) => !keys.includes(key))
  if (unknown !== undefined) throw new MalformedTest(`${where} has the unknown key ${unknown}`)
}

/**
 * Extended JSON as values that the driver writes as the test says: numbers are JavaScript's where that keeps their type.
 */
export const fromExtendedJson = (text: string): unknown =>
  simplified(Driver.BSON.EJSON.parse(text, { relaxed: false }) as unknown)

const simplified = (value: unknown): unknown => {
  if (value instanceof Driver.Int32) return value.value
  if (value instanceof Driver.Double) return Number.isInteger(value.value) ? value : value.value
  if (Array.isArray(value)) return value.map(simplified)
  if (!isDocument(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, simplified(field)]))
}

/** A number for an option, where the test writes it as a long or a double. */
export const asOption = (value: unknown): unknown => {
  if (value instanceof Driver.Double) return value.value
  if (Driver.Long.isLong(value)) return (value as Driver.Long).toNumber()
  return value
}

const operationKeys = [
  "name",
  "object",
  "arguments",
  "expectError",
  "expectResult",
  "ignoreResultAndError",
  "saveResultAsEntity"
]

/** Read when it is its turn: what stands before a malformed operation is run. */
export const operationOf = (value: Document, where: string): Operation => {
  onlyKeys(value, operationKeys, where)
  const operation: Operation = {
    name: string(value["name"], `${where}.name`),
    object: string(value["object"], `${where}.object`),
    arguments: optional(value["arguments"], document, `${where}.arguments`) ?? {},
    expectError: optional(value["expectError"], document, `${where}.expectError`),
    expectResult: "expectResult" in value ? { value: value["expectResult"] } : undefined,
    ignoreResultAndError: optional(value["ignoreResultAndError"], boolean, `${where}.ignoreResultAndError`) ?? false,
    saveResultAsEntity: optional(value["saveResultAsEntity"], string, `${where}.saveResultAsEntity`)
  }
  const expectsResult = operation.expectResult !== undefined || operation.saveResultAsEntity !== undefined
  if (operation.expectError !== undefined && (expectsResult || operation.ignoreResultAndError)) {
    throw new MalformedTest(`${where}: expectError excludes a result`)
  }
  if (operation.ignoreResultAndError && expectsResult) {
    throw new MalformedTest(`${where}: ignoreResultAndError excludes a result`)
  }
  return operation
}

const collectionData = (value: Document, where: string, keys: ReadonlyArray<string>): CollectionData => {
  onlyKeys(value, keys, where)
  return {
    databaseName: string(value["databaseName"], `${where}.databaseName`),
    collectionName: string(value["collectionName"], `${where}.collectionName`),
    documents: documents(value["documents"], `${where}.documents`),
    createOptions: optional(value["createOptions"], document, `${where}.createOptions`)
  }
}

const testKeys = [
  "description",
  "skipReason",
  "runOnRequirements",
  "operations",
  "expectEvents",
  "expectLogMessages",
  "expectTracingMessages",
  "outcome"
]

const testOf = (value: Document, path: string): Test => {
  const description = string(value["description"], "description")
  onlyKeys(value, testKeys, "test")
  return {
    id: `${path} :: ${description}`,
    description,
    skipReason: "expectTracingMessages" in value
      ? "the driver has no OpenTelemetry spans of its own to compare with"
      : optional(value["skipReason"], string, "skipReason"),
    runOnRequirements: optional(value["runOnRequirements"], documents, "runOnRequirements"),
    operations: documents(value["operations"], "operations"),
    expectEvents: optional(value["expectEvents"], documents, "expectEvents") ?? [],
    expectLogMessages: optional(value["expectLogMessages"], documents, "expectLogMessages") ?? [],
    outcome: (optional(value["outcome"], documents, "outcome") ?? []).map((data, index) =>
      collectionData(data, `outcome[${index}]`, ["databaseName", "collectionName", "documents"])
    )
  }
}

const fileKeys = [
  "description",
  "schemaVersion",
  "runOnRequirements",
  "createEntities",
  "initialData",
  "tests",
  "_yamlAnchors"
]

/** A file that is read already. */
export const fileOf = (value: Document, path: string): TestFile => {
  onlyKeys(value, fileKeys, "file")
  return {
    path,
    schemaVersion: string(value["schemaVersion"], "schemaVersion"),
    runOnRequirements: optional(value["runOnRequirements"], documents, "runOnRequirements"),
    createEntities: optional(value["createEntities"], documents, "createEntities") ?? [],
    initialData: (optional(value["initialData"], documents, "initialData") ?? []).map((data, index) =>
      collectionData(data, `initialData[${index}]`, ["databaseName", "collectionName", "documents", "createOptions"])
    ),
    tests: documents(value["tests"], "tests").map((test) => testOf(test, path))
  }
}

export const checkSchemaVersion = (version: string): void => {
  const [major, minor] = version.split(".").map(Number)
  if (major !== 1 || minor === undefined || !(minor <= supportedMinor)) {
    throw new MalformedTest(`schemaVersion ${version} is not supported`)
  }
}

export interface Source {
  readonly path: string
  readonly read: () => TestFile
}

/**
 * The files of a folder that are in the unified format: of one that is laid out as the specifications' repository, or of a copy
 * without its `tests` folders. Files of older formats have no `schemaVersion`; those in `invalid` are for JSON schemas.
 */
export const sources = (folder: string): ReadonlyArray<Source> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".json") && !/(^|[/\\])(invalid|node_modules|\.[^/\\]*)[/\\]/.test(name))
    .sort()
    .flatMap((name) => {
      const text = readFileSync(join(folder, name), "utf8")
      if (!/"schemaVersion"\s*:/.test(text)) return []
      const raw = JSON.parse(text) as Document
      if (typeof raw["schemaVersion"] !== "string" || !Array.isArray(raw["tests"])) return []
      const path = name.replaceAll("\\", "/").replace(/(^|\/)source\//, "$1").replace(/\/tests\//, "/")
      return [{ path, read: () => fileOf(fromExtendedJson(text) as Document, path) }]
    })
