/**
 * Documents that are larger than a server takes: mongofx refuses them before they are sent, or names the one that the driver found.
 */
import * as Driver from "mongodb"
import { isSerialized } from "../bson/serialized.ts"
import { read, text } from "../errors/thrown.ts"

/**
 * A document of a bulk write that is larger than a server takes.
 *
 * @internal
 */
export class TooLarge extends Error {
  override readonly name = "TooLarge"
  readonly index: number
  constructor(path: string, index: number, size: number, cause?: unknown) {
    super(`${path}[${index}] is too large: ${size} bytes, where a server takes at most ${maxDocumentSize}`, { cause })
    this.index = index
  }
}

/**
 * The size in bytes that a server gives as its `maxBsonObjectSize`.
 *
 * @internal
 */
export const maxDocumentSize = 16_777_216

const sizeOf = (document: object): number =>
  isSerialized(document) ? document.size : Driver.BSON.calculateObjectSize(document, { ignoreUndefined: true })

/**
 * Refuses a document of a bulk write that is too large.
 *
 * @internal
 */
export const checkSize = (path: string, index: number, document: object): void => {
  const size = sizeOf(document)
  if (size > maxDocumentSize) throw new TooLarge(path, index, size)
}

/**
 * Whether an error is the driver's for a document that is too large, thrown before it sends anything.
 *
 * @internal
 */
export const isTooLarge = (cause: unknown): boolean => {
  const name = text(read(cause, "name"))
  const message = text(read(cause, "message")) ?? ""
  if (name === "MongoInvalidArgumentError") {
    return /larger than the maximum size|exceeds the max bson object size/.test(message) ||
      message === "Could not serialize operation to BSON" && isTooLarge(read(cause, "cause"))
  }
  return name === "RangeError" && /\bout of (?:range|bounds)\b|\boutside buffer bounds\b/.test(message)
}

/**
 * Names the document that made a bulk write fail because it is too large. `documentOf` gives what the driver sends of an item.
 *
 * @internal
 */
export const namingTooLarge = <A, Item>(
  call: Promise<A>,
  path: string,
  items: ReadonlyArray<Item>,
  documentOf: (item: Item) => object
): Promise<A> =>
  call.catch((cause: unknown) => {
    if (!isTooLarge(cause)) throw cause
    const sizes = items.map((item) => sizeOf(documentOf(item)))
    const first = sizes.findIndex((size) => size > maxDocumentSize)
    const index = first < 0 ? sizes.indexOf(Math.max(...sizes)) : first
    throw new TooLarge(path, index, sizes[index] ?? 0, cause)
  })
