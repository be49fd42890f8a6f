/** Decodes the documents of a batch. */
import { Integration, type MongoCollection, type MongoDatabase } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as Driver from "mongodb"
import type { DocumentError } from "../../DocumentError.ts"
import type { DecodePolicy, Failure } from "../../TypedQuery.ts"
import { decodeError, type Origin } from "../collection/failures.ts"
import type { Decoder, DocumentCodec } from "../compiler/codec.ts"

/**
 * The decoder of bytes for a collection or a database, with the options of one of its queries.
 *
 * @internal
 */
export const bytesOf = (
  codec: DocumentCodec<unknown>,
  source: MongoCollection.MongoCollection | MongoDatabase.MongoDatabase,
  options: object | undefined
): Decoder<unknown> | undefined => codec.bytes(Integration.bsonOptions(source, options))

/**
 * Logs what is left out.
 *
 * @internal
 */
export const skipped = (errors: ReadonlyArray<DocumentError>): Effect.Effect<void> =>
  Effect.forEach(errors, (error) => Effect.logDebug(`A document is left out: ${error.message}`), { discard: true })

/**
 * Decodes a batch. A document that decodes at once needs no effect.
 *
 * @internal
 */
export const decodeBatch = <A, R>(
  origin: Origin,
  decoder: Decoder<unknown>,
  policy: DecodePolicy,
  documents: ReadonlyArray<unknown>,
  path = ""
): Effect.Effect<Array<A>, Failure, R> => {
  const out: Array<unknown> = []
  const left: Array<DocumentError> = []
  const many = (from: number): number => {
    if (policy !== "collect") return decoder.decodeMany(documents, from, out)
    const values: Array<unknown> = []
    const end = decoder.decodeMany(documents, from, values)
    for (const value of values) out.push(Result.succeed(value))
    return end
  }
  const from = (start: number): Effect.Effect<Array<A>, Failure, R> => {
    const position = many(start)
    if (position === documents.length) {
      const result = Effect.succeed(out as Array<A>)
      return left.length === 0 ? result : Effect.andThen(skipped(left), result)
    }
    const document = documents[position]
    return Effect.flatMap(
      Effect.result(
        decoder.decode(document) as Effect.Effect<unknown, SchemaIssue.Issue, R>
      ),
      (result) => {
        if (Result.isSuccess(result)) out.push(policy === "collect" ? result : result.success)
        else {
          const error = decodeError(origin, decoder.idOf(document), result.failure, path)
          if (policy === "fail") return Effect.fail(error)
          if (policy === "skip") left.push(error)
          else out.push(Result.fail(error))
        }
        return from(position + 1)
      }
    )
  }
  return from(0)
}

/**
 * Decodes one document, which has to fit.
 *
 * @internal
 */
export const decodeOne = <A, R>(
  origin: Origin,
  decoder: Decoder<unknown>,
  document: unknown
): Effect.Effect<A, Failure, R> => {
  const documents = [document]
  const values: Array<unknown> = []
  return decoder.decodeMany(documents, 0, values) === 1
    ? Effect.succeed(values[0] as A)
    : Effect.map(decodeBatch<A, R>(origin, decoder, "fail", documents), ([value]) => value!)
}

/** The bytes of a document; `undefined` if BSON cannot store it. */
const serialized = (document: Driver.Document): Uint8Array | undefined => {
  try {
    return Driver.BSON.serialize(document, { ignoreUndefined: true })
  } catch {
    return undefined
  }
}

/**
 * What a read of an encoded document gives: the driver delivers some values in another form than it takes them. `undefined` if BSON cannot
 * store the document.
 *
 * @internal
 */
export const readBack = (
  origin: Origin,
  codec: DocumentCodec<unknown>,
  collection: MongoCollection.MongoCollection,
  document: Driver.Document
): Effect.Effect<unknown, Failure> | undefined => {
  const bytes = bytesOf(codec, collection, undefined)
  const stored = bytes === undefined ? document : serialized(document)
  return stored === undefined ? undefined : decodeOne<unknown, never>(origin, bytes ?? codec, stored)
}
