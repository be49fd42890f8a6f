/** Resolvers that find the documents of a typed collection by the values of one field. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { DocumentError } from "../../DocumentError.ts"
import type { BatchOptions, FindByIdOptions, GroupedOptions } from "../../MongoResolver.ts"
import type { Failure, FindQuery } from "../../TypedQuery.ts"
import { checked, encodedNow, type Origin } from "../collection/failures.ts"
import { type Shape, shapeOf } from "../collection/shape.ts"
import { encodeFilter } from "../encode/filter.ts"
import { forEachEager } from "../forEachEager.ts"
import { refuse } from "../refusal.ts"
import { type Chunk, makeBatched, nothingFound, type Slot } from "./batch.ts"
import { keyOf, looseKeyOf } from "./key.ts"
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

/**
 * Encodes a value as the operand of a filter on this path.
 *
 * @internal
 */
export const encoderAt =
  (shape: Shape, origin: Origin, path: string) => (value: unknown): Effect.Effect<unknown, Failure> =>
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

/**
 * The slots that a document was found for, by its stored values. `undefined` if that depends on the collation of the collection, which
 * only the server knows.
 */
const ownersOf = (
  bySimilar: ReadonlyMap<string, Slot>,
  stored: ReadonlyArray<unknown>
): Iterable<Slot> | undefined => {
  const equal = new Set<Slot>()
  const similar = new Set<Slot>()
  for (const value of stored) {
    const slot = bySimilar.get(looseKeyOf(value))
    if (slot !== undefined) (slot.key === keyOf(value) ? equal : similar).add(slot)
  }
  for (const slot of equal) similar.delete(slot)
  if (similar.size === 0) return equal.size === 0 ? undefined : equal
  // If nothing else can be the reason, the collation is.
  return equal.size === 0 && similar.size === 1 ? similar : undefined
}

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

  const encodedOf = (value: unknown): Effect.Effect<ReadonlyArray<unknown>> =>
    Effect.matchCauseEager(encode(value), { onSuccess: (encoded) => [encoded], onFailure: () => [] })

  /** The stored values by which a document is found. One that does not decode has them only if they are its `_id`. */
  const storedOf = (found: Found): Effect.Effect<ReadonlyArray<unknown>> => {
    if (Result.isFailure(found)) {
      const isById = search.path === shape.idName && "id" in found.failure
      return Effect.succeed(isById ? [found.failure.id] : [])
    }
    const values = search.valuesOf(found.success)
    return values.length === 1
      ? encodedOf(values[0])
      : Effect.map(Effect.forEach(values, encodedOf), (encoded) => encoded.flat())
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
      const groups = new Map(chunk.map((slot) => [slot, [] as Array<Found>]))
      const bySimilar = new Map(chunk.map((slot) => [looseKeyOf(slot.encoded), slot]))
      let isUnclear = false
      const put = (found: Found, stored: ReadonlyArray<unknown>): void => {
        const owners = ownersOf(bySimilar, stored)
        if (owners === undefined) isUnclear = true
        else for (const slot of owners) groups.get(slot)!.push(found)
      }
      const putNow = (found: Found): boolean => {
        const stored = storedOf(found)
        if (!Exit.isExit(stored) || Exit.isFailure(stored)) return false
        put(found, stored.value as ReadonlyArray<unknown>)
        return true
      }
      const sorted = forEachEager(
        documents,
        putNow,
        (found) => Effect.map(storedOf(found), (stored) => put(found, stored))
      )
      return Effect.flatMap(sorted, () => {
        if (isUnclear) {
          // Smaller chunks show whose the documents are.
          const middle = Math.ceil(chunk.length / 2)
          return Effect.andThen(run(chunk.slice(0, middle) as never), run(chunk.slice(middle) as never))
        }
        for (const [slot, found] of groups) finish(slot, found)
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
  options: FindByIdOptions<never> | undefined,
  operation: string,
  complete: (origin: Origin) => Search["complete"]
): Resolver => {
  const shape = shapeOf(collection.schema)
  const origin = { operation, collection: collection.fullName }
  if (!shape.hasId) refused(origin, "the schema", "has no _id: add it, so that documents are told apart")
  return search(collection, shape, origin, {
    path: shape.idName,
    filter: options?.filter,
    valuesOf: (document) => [shape.idIn(document).value],
    complete: complete(origin),
    options
  })
}

/** @internal */
export const findById = (collection: AnyCollection, options: FindByIdOptions<never> | undefined): Resolver =>
  byId(collection, options, "findById", (origin) => {
    const missing = nothingFound(`${origin.operation} on ${origin.collection}`)
    return (slot, documents) => slot.complete(documents.length === 0 ? missing : Exit.succeed(documents[0]))
  })

/** @internal */
export const findByIdOption = (collection: AnyCollection, options: FindByIdOptions<never> | undefined): Resolver =>
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
