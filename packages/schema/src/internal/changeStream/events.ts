/** Decodes the documents in the change events of a collection. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as SchemaIssue from "effect/SchemaIssue"
import type * as Driver from "mongodb"
import { type Decoder, decoderOf, type DocumentCodec } from "../compiler/codec.ts"
import { forEachEager } from "../forEachEager.ts"
import { isPlainObject } from "../plainObject.ts"

type Decoded = ReturnType<Decoder<unknown>["decode"]>

/** Adds the name of a field to the path of a failure. */
const under = (name: string, self: Decoded): Decoded =>
  Effect.mapError(self, (error) => new SchemaIssue.Pointer([name], error))

/**
 * Makes the decoder of the events of a collection from the codecs of its documents and their `_id`, and the decoder of bytes.
 *
 * @internal
 */
export const eventDecoder = (
  codec: DocumentCodec<unknown>,
  id: DocumentCodec<unknown>,
  bytes: Decoder<unknown> | undefined
): Decoder<unknown> => {
  const decodeDocument = (document: unknown): Decoded => {
    // A pipeline may have replaced the document by another value.
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
