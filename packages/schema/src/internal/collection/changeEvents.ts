/** Decoding what change events have of the documents of a collection. */
import type { ChangeStream as Core, MongoError } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as SchemaIssue from "effect/SchemaIssue"
import type * as Driver from "mongodb"
import type { DecodePolicy, Failure } from "../../TypedQuery.ts"
import { type Decoder, decoderOf, type DocumentCodec } from "../compiler/codec.ts"
import { isPlainObject } from "../plainObject.ts"
import { decodeBatch } from "../query/decodeBatch.ts"
import { forEachEager } from "./eager.ts"
import type { Origin } from "./failures.ts"

type Decoded = ReturnType<Decoder<unknown>["decode"]>

/** A failure inside of a field. */
const under = (name: string, self: Decoded): Decoded =>
  Effect.mapError(self, (error) => new SchemaIssue.Pointer([name], error))

/**
 * A decoder of the events of a collection, given the codecs of its documents and of their `_id`, and the decoder of documents
 * that are bytes.
 *
 * @internal
 */
export const eventDecoder = (
  codec: DocumentCodec<unknown>,
  id: DocumentCodec<unknown>,
  bytes: Decoder<unknown> | undefined
): Decoder<unknown> => {
  const decodeDocument = (document: unknown): Decoded => {
    // A pipeline may have put something else into the place of a document.
    if (bytes === undefined || !(document instanceof Uint8Array)) return codec.decode(document)
    const values: Array<unknown> = []
    return bytes.decodeMany([document], 0, values) === 1 ? Effect.succeed(values[0]) : bytes.decode(document)
  }
  const decode = (event: Driver.Document): Decoded => {
    const parts: Array<readonly [name: string, part: Decoded]> = []
    for (const name of ["fullDocument", "fullDocumentBeforeChange"]) {
      const document: unknown = event[name]
      if (document !== undefined && document !== null) parts.push([name, decodeDocument(document)])
    }
    const key: unknown = event["documentKey"]
    if (isPlainObject(key) && key["_id"] !== undefined) {
      const { _id, ...others } = key
      parts.push(["documentKey", Effect.mapEager(id.decode(_id), (id) => ({ _id: id, ...others }))])
    }
    const decoded: Array<readonly [name: string, value: unknown]> = []
    const all = forEachEager(
      parts,
      ([name, part]) => {
        if (!Exit.isExit(part) || Exit.isFailure(part)) return false
        decoded.push([name, part.value])
        return true
      },
      ([name, part]) => Effect.map(under(name, part), (value) => decoded.push([name, value]))
    )
    return Effect.mapEager(all, () => ({ ...event, ...Object.fromEntries(decoded) }))
  }
  return decoderOf(
    (event) => decode(event as Driver.Document),
    (event) => (event as Driver.Document)["documentKey"]?._id
  )
}

type Batch = Core.ChangeBatch<Driver.Document, unknown>

/**
 * The answers of a change stream, decoded. Where an event does not decode, those before it are given first, and the next time its
 * failure: whoever consumes durably must not lose, or see again and again, what comes before it.
 *
 * @internal
 */
export const decodedNext = (
  origin: Origin,
  decoder: Decoder<unknown>,
  policy: DecodePolicy,
  next: Effect.Effect<Batch, MongoError.MongoError>
): Effect.Effect<Batch, Failure> => {
  let failure: Failure | undefined
  const decode = (events: ReadonlyArray<unknown>) => decodeBatch<unknown, never>(origin, decoder, policy, events)
  const oneByOne = (batch: Batch): Effect.Effect<Batch, Failure> =>
    Effect.gen(function*() {
      const events: Array<unknown> = []
      for (const [i, event] of batch.events.entries()) {
        const decoded = yield* Effect.result(decode([event]))
        if (Result.isSuccess(decoded)) {
          events.push(...decoded.success)
          continue
        }
        failure = decoded.failure
        if (i === 0) return yield* Effect.fail(failure)
        return { events, tokens: tokensOf(events, batch), resumeToken: Option.some(batch.tokens[i - 1]) }
      }
      return { ...batch, events, tokens: tokensOf(events, batch) }
    })
  const tokensOf = (events: ReadonlyArray<unknown>, { tokens }: Batch): Batch["tokens"] =>
    // Collected, they are as many as before; left out, they have their tokens with them.
    policy === "skip" ? events.map((event) => (event as Driver.Document)["_id"]) : tokens.slice(0, events.length)
  return Effect.suspend(() =>
    failure !== undefined ?
      Effect.fail(failure) :
      Effect.flatMap(next, (batch) =>
        Effect.matchEffect(decode(batch.events), {
          onSuccess: (events) => Effect.succeed({ ...batch, events, tokens: tokensOf(events, batch) }),
          onFailure: () => oneByOne(batch)
        }))
  )
}
