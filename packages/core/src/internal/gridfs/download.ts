import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Stream from "effect/Stream"
import type { DownloadOptions } from "../../GridFS.ts"
import type { MongoCollection } from "../../MongoCollection.ts"
import type { MongoError } from "../../MongoError.ts"
import type { Operation } from "../call/description.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { downloadBytes, equalTo, fail, type StoredChunk, type StoredFile } from "./model.ts"

type Bytes = Effect.Effect<Arr.NonEmptyReadonlyArray<Uint8Array>, MongoError | Cause.Done>

const isOffset = (value: number): boolean => Number.isSafeInteger(value) && value >= 0

const problemOf = (start: number, end: number, length: number): InvalidInput | undefined => {
  if (!isOffset(start)) return new InvalidInput("start", "start is not a number of bytes")
  if (!isOffset(end)) return new InvalidInput("end", "end is not a number of bytes")
  if (end > length) return new InvalidInput("end", "end is past the end of the file")
  if (start > end) return new InvalidInput("start", "start is greater than end")
  return undefined
}

/**
 * Streams the bytes of a file from `start` up to but not including `end`. It reads only the chunks that hold them, through one
 * cursor, and compares each with the file's document.
 *
 * @internal
 */
export const read = (
  chunks: MongoCollection<StoredChunk>,
  operation: Operation,
  file: StoredFile,
  options: DownloadOptions
): Stream.Stream<Uint8Array, MongoError> => {
  const { chunkSize, length } = file
  const corrupt = (message: string) => fail({ ...operation, collection: chunks.name }, "corrupt", message)
  if (!isOffset(length) || length > 0 && !(isOffset(chunkSize) && chunkSize > 0)) {
    return Stream.fromEffect(corrupt("the length or the chunk size of the file is not valid"))
  }
  const { end = length, start = 0 } = options
  const problem = problemOf(start, end, length)
  if (problem !== undefined) return Stream.fail(toMongoError(problem, operation))
  if (start === end) return Stream.empty

  const first = Math.floor(start / chunkSize)
  /** One past the last chunk to read. `count` is one past the last chunk of the file. */
  const behind = Math.ceil(end / chunkSize)
  const count = Math.ceil(length / chunkSize)

  /** The requested bytes of a chunk, or what is wrong with it. */
  const cut = ({ data, n }: StoredChunk, expected: number): Uint8Array | string => {
    if (n > expected) return `chunk ${expected} is missing`
    if (n !== expected) return `chunk ${n} is there twice`
    if (!(data instanceof Uint8Array)) return `chunk ${n} has no bytes`
    const size = n < count ? Math.min(chunkSize, length - n * chunkSize) : 0
    if (data.length !== size) {
      return size === 0
        ? `chunk ${n} is past the end of the file`
        : `chunk ${n} has ${data.length} bytes instead of ${size}`
    }
    const from = n === first ? start - n * chunkSize : 0
    const to = n === behind - 1 ? end - n * chunkSize : size
    // Not the Buffer itself: its `slice` does not copy.
    return new Uint8Array(data.buffer, data.byteOffset + from, to - from)
  }

  const query = chunks
    .find({
      files_id: equalTo(file._id),
      // A read to the end of the file also reads all chunks after it, since a chunk too many is an error.
      ...(first === 0 && behind === count
        ? {}
        : { n: behind === count ? { $gte: first } : { $gte: first, $lt: behind } })
    })
    .sort({ n: 1 })
    .batchSize(Math.max(1, Math.floor(downloadBytes / chunkSize)))

  return Stream.transformPull(query.stream, (pull) =>
    Effect.sync(() => {
      let expected = first
      const bytes: Bytes = Effect.flatMap(pull, (batch) => {
        const out: Array<Uint8Array> = []
        for (const chunk of batch) {
          const part = cut(chunk, expected)
          if (typeof part === "string") return corrupt(part)
          expected++
          // Some drivers end a file with an empty chunk.
          if (part.length > 0) out.push(part)
        }
        return Arr.isArrayNonEmpty(out) ? Effect.succeed(out) : bytes
      })
      return Pull.catchDone(bytes, (): Bytes =>
        expected < behind ? corrupt(`chunk ${expected} is missing`) : Cause.done())
    }))
}
