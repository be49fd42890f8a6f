/** Resolvers that find the documents of a typed collection by the values of one field. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { DocumentError } from "../../DocumentError.ts"
import type { BatchOptions, GroupedOptions } from "../../MongoResolver.ts"
import type { Failure, FindQuery } from "../../TypedQuery.ts"
import { checked, encodedNow, type Origin } from "../collection/failures.ts"
import { type Shape, shapeOf } from "../collection/shape.ts"
import { encodeFilter } from "../encode/filter.ts"
import { forEachEager } from "../forEachEager.ts"
import { refuse } from "../refusal.ts"
import { type Chunk, makeBatched, nothingFound, type Slot } from "./batch.ts"
import { looseKeyOf } from "./key.ts"
import type { Resolver } from "./request.ts"
import type { AnyCollection } from "./source.ts"

/** The values at a path of a decoded document: several if it goes through an array. An absent value is null. */
const valuesAt = (value: unknown, path: ReadonlyArray<string>): ReadonlyArray<unknown> => {
  const [name, ...rest] = path
  if (Array.isArray(value)) {
    // A path goes through an array, and not through an array in an array.
    const elements = value.flatMap((element) =>
      Array.isArray(element) ? name === undefined ? [element] : [] : valuesAt(element, path)
    )
    return name !== undefined && /^\d+$/.test(name) ? [...elements, ...valuesAt(value[Number(name)], rest)] : elements
  }
  if (name === undefined) return [value ?? null]
  if (typeof value !== "object" || value === null) return [null]
  return valuesAt((value as Record<string, unknown>)[name], rest)
}

/** Encodes a value as the operand of a filter on this path. */
const encoderAt = (shape: Shape, origin: Origin, path: string) => (value: unknown): Effect.Effect<unknown, Failure> =>
  Effect.mapEager(
    encodedNow<Record<string, { readonly $in: ReadonlyArray<unknown> }>, never>(
      origin,
      (operands) => encodeFilter(shape.read, { [path]: { $in: [value] } }, operands, "request")
    ),
    (filter) => Object.values(filter)[0]!.$in[0]
  )

/** What a resolver looks for. */
interface Search {
  readonly path: string
  readonly filter?: unknown
  readonly sort?: unknown
  /** The decoded values by which a document is found. */
  readonly valuesOf: (document: unknown) => ReadonlyArray<unknown>
  readonly complete: (slot: Slot, documents: ReadonlyArray<unknown>) => void
  readonly options: BatchOptions | undefined
}

type Found = Result.Result<unknown, DocumentError>

/** More than any batch has: the server cuts its answers at 16 MB. */
const wholeBatch = 2 ** 31 - 1

const search = (collection: AnyCollection, shape: Shape, origin: Origin, search: Search): Resolver => {
  const encode = encoderAt(shape, origin, search.path)

  const queryOf = (chunk: Chunk) => {
    const among = { [search.path]: { $in: chunk.map(({ payload }) => payload) } }
    const filter = search.filter === undefined ? among : { $and: [among, search.filter] }
    const query = collection.find(filter as never) as FindQuery<unknown>
    const sorted = search.sort === undefined ? query : query.sort(search.sort as never)
    // All documents in the answer to the first command.
    return sorted.batchSize(wholeBatch).onInvalid("collect")
  }

  const keysOfValue = (value: unknown): Effect.Effect<ReadonlyArray<string>> =>
    Effect.matchCauseEager(encode(value), {
      onSuccess: (encoded) => [looseKeyOf(encoded)],
      onFailure: () => []
    })

  /** The keys of a document, or of one that does not decode if its `_id` is what is looked for. */
  const keysOf = (found: Found): Effect.Effect<ReadonlyArray<string>> => {
    if (Result.isFailure(found)) {
      const isById = search.path === shape.idName && "id" in found.failure
      return Effect.succeed(isById ? [looseKeyOf(found.failure.id)] : [])
    }
    const values = search.valuesOf(found.success)
    return values.length === 1
      ? keysOfValue(values[0])
      : Effect.map(Effect.forEach(values, keysOfValue), (keys) => keys.flat())
  }

  const finish = (slot: Slot, found: ReadonlyArray<Found>): void => {
    const failed = found.find(Result.isFailure)
    if (failed !== undefined) slot.complete(Exit.fail(failed.failure))
    else search.complete(slot, found.map((document) => (document as Result.Success<unknown, never>).success))
  }

  const run = (chunk: Chunk): Effect.Effect<void, Failure> =>
    Effect.flatMap(queryOf(chunk), (documents) => {
      // What the server finds for one request belongs to it.
      if (chunk.length === 1) return Effect.sync(() => finish(chunk[0], documents))
      const groups = new Map(chunk.map((slot) => [looseKeyOf(slot.encoded), [] as Array<Found>]))
      let isUnclear = false
      const put = (found: Found, keys: ReadonlyArray<string>): void => {
        const own = new Set(keys.filter((key) => groups.has(key)))
        if (own.size === 0) isUnclear = true
        for (const key of own) groups.get(key)!.push(found)
      }
      const putNow = (found: Found): boolean => {
        const keys = keysOf(found)
        if (!Exit.isExit(keys) || Exit.isFailure(keys)) return false
        put(found, keys.value as ReadonlyArray<string>)
        return true
      }
      const sorted = forEachEager(documents, putNow, (found) => Effect.map(keysOf(found), (keys) => put(found, keys)))
      return Effect.flatMap(sorted, () => {
        // The server finds values equal that differ here, by a collation. Smaller chunks show which.
        if (isUnclear) {
          const middle = Math.ceil(chunk.length / 2)
          return Effect.andThen(run(chunk.slice(0, middle) as never), run(chunk.slice(middle) as never))
        }
        for (const slot of chunk) finish(slot, groups.get(looseKeyOf(slot.encoded))!)
        return Effect.void
      })
    })

  return makeBatched({ encode, equality: "loose", run, options: search.options })
}

const refused = (origin: Origin, option: string, what: string): void =>
  checked(origin, () => {
    refuse(option, what)
  })

const byId = (
  collection: AnyCollection,
  options: BatchOptions | undefined,
  operation: string,
  complete: (origin: Origin) => Search["complete"]
): Resolver => {
  const shape = shapeOf(collection.schema)
  const origin = { operation, collection: collection.fullName }
  if (!shape.hasId) refused(origin, "the schema", "has no _id: add it, so that documents are told apart")
  return search(collection, shape, origin, {
    path: shape.idName,
    valuesOf: (document) => [shape.idIn(document).value],
    complete: complete(origin),
    options
  })
}

/** @internal */
export const findById = (collection: AnyCollection, options: BatchOptions | undefined): Resolver =>
  byId(collection, options, "findById", (origin) => {
    const missing = nothingFound(`${origin.operation} on ${origin.collection}`)
    return (slot, documents) => slot.complete(documents.length === 0 ? missing : Exit.succeed(documents[0]))
  })

/** @internal */
export const findByIdOption = (collection: AnyCollection, options: BatchOptions | undefined): Resolver =>
  byId(
    collection,
    options,
    "findByIdOption",
    () => (slot, documents) =>
      slot.complete(Exit.succeed(documents.length === 0 ? Option.none() : Option.some(documents[0])))
  )

/** @internal */
export const grouped = (
  collection: AnyCollection,
  path: string,
  options: GroupedOptions<unknown> | undefined
): Resolver => {
  const shape = shapeOf(collection.schema)
  const origin = { operation: "grouped", collection: collection.fullName }
  checked(origin, () => void shape.read(path, "path"))
  const segments = path.split(".")
  return search(collection, shape, origin, {
    path,
    filter: options?.filter,
    sort: options?.sort,
    valuesOf: (document) => valuesAt(document, segments),
    complete: (slot, documents) => slot.complete(Exit.succeed(documents)),
    options
  })
}
