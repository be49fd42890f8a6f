/**
 * What the shard key of a collection asks of its writes: a write to one document says on which shard it is, an inserted document has the key. Pure,
 * save for `keeping`.
 */
import type { MongoSharding } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as SchemaAST from "effect/SchemaAST"
import { plainObject } from "../encode/arguments.ts"
import { makeResolve } from "../path/resolve.ts"
import { isPlainObject } from "../plainObject.ts"
import { Refusal, refuse } from "../refusal.ts"
import { encodedNow, type Origin, type Run } from "./failures.ts"
import type { Shape } from "./shape.ts"
import { equalities } from "./upsert.ts"

interface Field {
  /** The path in decoded documents, as the options of the collection name it. */
  readonly name: string
  /** The path in stored documents. */
  readonly key: string
}

/** Whether the value at a path of an object is there. Nobody knows for other values on the way. */
const has = (value: unknown, path: string): boolean => {
  let at = value
  for (const segment of path.split(".")) {
    if (!isPlainObject(at) || !Object.hasOwn(at, segment)) return false
    at = at[segment]
  }
  return at !== undefined
}

const isInside = (path: string, other: string): boolean => path === other || path.startsWith(`${other}.`)

/** Whether a filter says which value a field has: by its path, or by an object around it. */
const isEqual = (equal: ReturnType<typeof equalities>, key: string): boolean =>
  equal.some(([path, value]) => path === key || isInside(key, path) && has(value, key.slice(path.length + 1)))

/** The paths that operators or stages of an update name. Stages that make a new document name none. */
const namedBy = (update: unknown): ReadonlyArray<string> =>
  (Array.isArray(update) ? update : [update]).flatMap((operators) =>
    !isPlainObject(operators) ? [] : Object.values(operators).flatMap((fields) =>
      typeof fields === "string"
        ? [fields]
        : Array.isArray(fields)
        ? fields.filter((field) => typeof field === "string")
        : isPlainObject(fields)
        ? Object.keys(fields)
        : []
    )
  )

/** Where the arguments of a write stand: at the top, or in an operation of a bulk write. */
interface Places {
  readonly filter: string
  readonly update: string
  readonly upsert: string
}

/** @internal */
export const places = (at = ""): Places => ({
  filter: `${at}filter`,
  update: `${at}update`,
  upsert: `${at === "" ? "options." : at}upsert`
})

/** @internal */
export class ShardKeyRules {
  /** The key under its stored names. */
  readonly declared: MongoSharding.ShardKey
  /** Whether an inserted document may lack a field of the key as far as the schema knows, so that each is looked at. */
  readonly mayBeMissing: boolean
  private readonly fields: ReadonlyArray<Field>
  private readonly byId: boolean

  constructor(declared: MongoSharding.ShardKey, fields: ReadonlyArray<Field>, byId: boolean, mayBeMissing: boolean) {
    this.declared = declared
    this.fields = fields
    this.byId = byId
    this.mayBeMissing = mayBeMissing
  }

  private lacking(filter: unknown): ReadonlyArray<string> {
    const equal = equalities(filter)
    return this.fields.filter(({ key }) => !isEqual(equal, key)).map(({ name }) => name)
  }

  /** Refuses a write to one document whose filter does not say on which shard it is. */
  one(filter: unknown, upsert: unknown, at: Places): void {
    const lacking = this.lacking(filter)
    if (lacking.length === 0) return
    if (upsert === true) this.refuseUpsert(lacking, at)
    const named = isEqual(equalities(filter), "_id")
    if (named && this.byId) return
    refuse(
      at.filter,
      `has no equality on ${lacking.join(", ")} of the shard key, so that all shards would be asked: add it${
        named ? ", or make the collection with broadcast: \"byId\"" : ", or use the operation on many documents"
      }`
    )
  }

  /** Refuses an update of many documents that the server would refuse. */
  many(filter: unknown, update: unknown, upsert: unknown, at: Places): void {
    const changed = this.fields.find(({ key }) =>
      namedBy(update).some((path) => isInside(path, key) || isInside(key, path))
    )
    if (changed !== undefined) {
      refuse(at.update, `changes ${changed.name} of the shard key in many documents: change one document at a time`)
    }
    const lacking = upsert === true ? this.lacking(filter) : []
    if (lacking.length > 0) this.refuseUpsert(lacking, at)
  }

  /** Refuses an update by the name of its operation. */
  update(
    name: "updateOne" | "updateMany",
    { filter, update, upsert }: { readonly filter?: unknown; readonly update?: unknown; readonly upsert?: unknown },
    at: Places
  ): void {
    if (name === "updateOne") this.one(filter, upsert, at)
    else this.many(filter, update, upsert, at)
  }

  private refuseUpsert(lacking: ReadonlyArray<string>, at: Places): never {
    return refuse(
      at.upsert,
      `needs the whole shard key, which says where a new document goes: add an equality on ${
        lacking.join(", ")
      } to the filter`
    )
  }

  /** Refuses a document without the key: the server would take null for it. */
  document(document: unknown, path: string): void {
    if (!this.mayBeMissing) return
    const missing = this.fields.find(({ key }) => key !== "_id" && !has(document, key))
    if (missing !== undefined) refuse(`${path}.${missing.name}`, "is missing: it is a field of the shard key")
  }

  documents(documents: ReadonlyArray<unknown>): void {
    if (this.mayBeMissing) documents.forEach((document, index) => this.document(document, `documents[${index}]`))
  }

  /** Refuses an operation of a bulk write. */
  models(models: ReadonlyArray<object>): void {
    models.forEach((model, index) => {
      for (const [name, fields] of Object.entries(model)) {
        const path = `operations[${index}].${name}.`
        switch (name) {
          case "insertOne":
            this.document(fields.document, `${path}document`)
            break
          case "updateOne":
          case "updateMany":
            this.update(name, fields, places(path))
            break
          case "replaceOne":
            this.one(fields.filter, fields.upsert, places(path))
            this.document(fields.replacement, `${path}replacement`)
            break
          case "deleteOne":
            this.one(fields.filter, false, places(path))
        }
      }
    })
  }
}

const mayBeMissing = (shape: Shape, insert: SchemaAST.AST, key: string): boolean => {
  const segments = key.split(".")
  return [shape.ast, insert].some((ast) => {
    const stored = SchemaAST.toEncoded(ast)
    if (SchemaAST.isUnion(stored)) return true
    const resolve = makeResolve([stored], "filter")
    try {
      return segments.some((_, i) => resolve(segments.slice(0, i + 1).join("."), "shardKey").optional)
    } catch (error) {
      // A variant of a model without the field.
      if (error instanceof Refusal) return true
      throw error
    }
  })
}

/**
 * Reads the options `shardKey` and `broadcast` of a collection. Refuses what cannot be a shard key.
 *
 * @internal
 */
export const shardKeyRules = (
  shape: Shape,
  insert: SchemaAST.AST,
  given: unknown,
  broadcast: unknown
): ShardKeyRules | undefined => {
  if (broadcast !== undefined && broadcast !== "byId" && broadcast !== "never") {
    return refuse("options.broadcast", "is not \"never\" or \"byId\"")
  }
  if (given === undefined) {
    return broadcast === undefined ? undefined : refuse("options.broadcast", "has no meaning without a shardKey")
  }
  const kinds = Object.entries(plainObject(given, "options.shardKey"))
  if (kinds.length === 0) return refuse("options.shardKey", "has no fields")
  const declared: Record<string, 1 | "hashed"> = {}
  const fields = kinds.map(([name, kind]): Field => {
    const at = `options.shardKey.${name}`
    if (kind !== 1 && kind !== "hashed") return refuse(at, "is not 1 or \"hashed\"")
    const { indexed, key } = shape.read(name, at)
    if (indexed) return refuse(at, "is an element of an array, which cannot be in a shard key")
    declared[key] = kind
    return { name, key }
  })
  return new ShardKeyRules(
    declared,
    fields,
    broadcast === "byId",
    fields.some(({ key }) => key !== "_id" && mayBeMissing(shape, insert, key))
  )
}

/**
 * Runs an operation if it keeps the rules of the collection's shard key, if it has one.
 *
 * @internal
 */
export const keeping = <A>(
  rules: ShardKeyRules | undefined,
  origin: Origin,
  check: (rules: ShardKeyRules) => void,
  run: () => Run<A>
): Run<A> => rules === undefined ? run() : Effect.flatMapEager(encodedNow<void, never>(origin, () => check(rules)), run)
