/** Resolvers that insert and delete the documents of a typed collection: one command for each batch. */
import { Integration, MongoError } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Driver from "mongodb"
import type { BatchOptions } from "../../MongoResolver.ts"
import { insertion } from "../collection/insert.ts"
import { shapeOf } from "../collection/shape.ts"
import { decodeOne, readBack } from "../query/decodeBatch.ts"
import { operationsOf } from "../repository/operations.ts"
import { type Chunk, makeBatched, type Slot } from "./batch.ts"
import { encoderAt } from "./documents.ts"
import type { Resolver } from "./request.ts"
import type { AnyCollection } from "./source.ts"

/** What an insert of several documents has done of each. */
type Outcome = Exit.Exit<void, MongoError.MongoError>

/** A duplicate key of one document concerns no other, unless it has spoilt a transaction. */
const outcomes = (
  error: MongoError.MongoError,
  size: number,
  inTransaction: boolean
): ReadonlyArray<Outcome> => {
  const { reason } = error
  const isClear = reason._tag === "BulkWriteError" && reason.stoppedBy === undefined &&
    reason.writeConcernErrors.length === 0 && !inTransaction
  const failed = Exit.fail(error)
  if (!isClear) return Array.from({ length: size }, () => failed)
  const errors = new Map(reason.writeErrors.map(({ index, reason }) => [index, reason]))
  return Array.from({ length: size }, (_, i) => {
    const own = errors.get(i)
    return own === undefined ? Exit.void : Exit.fail(new MongoError.MongoError({ reason: own }))
  })
}

/**
 * Inserts documents. `complete` answers a request whose document is inserted.
 *
 * @internal
 */
const inserting = (
  collection: AnyCollection,
  options: BatchOptions | undefined,
  complete: (slot: Slot, document: Driver.Document) => Effect.Effect<void, never, unknown>
): Resolver => {
  const shape = shapeOf(collection.schema)
  const { shardKeyRules } = operationsOf(collection)
  const origin = { operation: "insertMany", collection: collection.fullName }

  const insert = (documents: ReadonlyArray<Driver.Document>): Effect.Effect<ReadonlyArray<Outcome>> =>
    Effect.flatMap(
      Integration.ambient(collection.untyped),
      ({ inTransaction }) =>
        Effect.match(collection.untyped.insertMany(documents, { ordered: false }), {
          onSuccess: () => documents.map(() => Exit.void),
          onFailure: (error) => outcomes(error, documents.length, inTransaction)
        })
    )

  return makeBatched({
    encode: (value) =>
      Effect.map(insertion(shape, origin, value, "document", shardKeyRules), ({ document }) => document),
    equality: "none",
    options,
    run: (chunk: Chunk) => {
      const documents = chunk.map(({ encoded }) => encoded as Driver.Document)
      return Effect.flatMap(insert(documents), (outcomes) =>
        Effect.forEach(chunk, (slot, i) => {
          const outcome = outcomes[i]!
          return Exit.isSuccess(outcome)
            ? complete(slot, documents[i]!)
            : Effect.sync(() => slot.complete(outcome))
        }, { discard: true }))
    }
  })
}

/** @internal */
export const insertVoid = (collection: AnyCollection, options: BatchOptions | undefined): Resolver =>
  inserting(collection, options, (slot) => Effect.sync(() => slot.complete(Exit.void)))

/** @internal */
export const insert = (collection: AnyCollection, options: BatchOptions | undefined): Resolver => {
  const { codec } = shapeOf(collection.schema)
  const origin = { operation: "insertMany", collection: collection.fullName }
  return inserting(collection, options, (slot, document) => {
    const read = readBack(origin, codec, collection.untyped, document) ?? decodeOne(origin, codec, document)
    return Effect.map(Effect.exit(read), (exit) => slot.complete(exit))
  })
}

/** @internal */
export const remove = (collection: AnyCollection, options: BatchOptions | undefined): Resolver => {
  const shape = shapeOf(collection.schema)
  const origin = { operation: "deleteMany", collection: collection.fullName }
  return makeBatched({
    encode: encoderAt(shape, origin, shape.idName),
    equality: "exact",
    options,
    run: (chunk) =>
      Effect.map(
        collection.deleteMany({ [shape.idName]: { $in: chunk.map(({ payload }) => payload) } } as never),
        () => {
          for (const slot of chunk) slot.complete(Exit.void)
        }
      )
  })
}
