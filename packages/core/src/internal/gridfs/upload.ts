import type * as Arr from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Pull from "effect/Pull"
import * as Driver from "mongodb"
import { MongoError } from "../../MongoError.ts"
import { untilCurrent } from "../call/deadline.ts"
import type { Operation } from "../call/description.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { checkDocument, checkValue } from "../input/check.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { finishedSoon, start } from "./background.ts"
import type { GridFSIndexes } from "./indexes.ts"
import { type BucketCollections, equalTo, type StoredChunk, type StoredFile, uploadBytes } from "./model.ts"

/** @internal */
export interface Upload extends BucketCollections {
  readonly indexes: GridFSIndexes
  readonly operation: Operation
  readonly filename: string
  readonly id: StoredFile["_id"] | undefined
  readonly chunkSize: number
  readonly metadata: Driver.Document | undefined
}

/** How often the removal of what an upload left is retried: nobody else will remove it. */
const removalRetries = 3

const check = ({ chunkSize, filename, id, metadata }: Upload): void => {
  if (typeof filename !== "string") throw new InvalidInput("filename", "filename is not a string")
  if (!Number.isSafeInteger(chunkSize) || chunkSize <= 0) {
    throw new InvalidInput("chunkSize", "chunkSize is not a positive integer")
  }
  if (id !== undefined) checkValue(id, "id")
  if (metadata !== undefined) checkDocument(metadata, "metadata")
}

/** The only reason of a bulk write: a batch of chunks is ordered, and ends with the first that fails. */
const unwrapped = (error: MongoError): MongoError => {
  const { reason } = error
  if (reason._tag !== "BulkWriteError") return error
  const only = reason.stoppedBy ?? reason.writeErrors[0]?.reason ?? reason.writeConcernErrors[0]
  return only === undefined ? error : new MongoError({ reason: only })
}

const isDuplicate = (exit: Exit.Exit<unknown, MongoError>): boolean =>
  Option.exists(Exit.findErrorOption(exit), ({ reason }) => reason._tag === "DuplicateKeyError")

/** One run of an upload: it cuts bytes into chunks, sends them in batches, and knows what is on the server. */
class UploadRun {
  private readonly upload: Upload
  private readonly id: StoredFile["_id"]
  private chunk: Uint8Array | undefined
  /** How many bytes of `chunk` are filled. */
  private filled = 0
  private batch: Array<StoredChunk> = []
  private length = 0
  private count = 0
  /** How many chunks are certainly on the server, and the ids of those that may be there. */
  private stored = 0
  private unsettled: ReadonlyArray<Driver.ObjectId> = []
  private sending: Fiber.Fiber<unknown, MongoError> | undefined
  private file: StoredFile | undefined
  private readonly batchLength: number

  constructor(upload: Upload) {
    this.upload = upload
    this.id = upload.id ?? new Driver.ObjectId()
    this.batchLength = Math.max(1, Math.floor(uploadBytes / upload.chunkSize))
  }

  /** Copies bytes from an offset on until a batch is full, and returns the offset after them. */
  private take(bytes: Uint8Array, offset: number): number {
    const { chunkSize } = this.upload
    let at = offset
    while (at < bytes.length && this.batch.length < this.batchLength) {
      this.chunk ??= new Uint8Array(chunkSize)
      const taken = Math.min(chunkSize - this.filled, bytes.length - at)
      this.chunk.set(bytes.subarray(at, at + taken), this.filled)
      this.filled += taken
      at += taken
      if (this.filled === chunkSize) this.endChunk(this.chunk)
    }
    return at
  }

  private endChunk(data: Uint8Array): void {
    this.batch.push({ _id: new Driver.ObjectId(), files_id: this.id, n: this.count++, data })
    this.length += data.length
    this.chunk = undefined
    this.filled = 0
  }

  readonly write = (all: ReadonlyArray<Uint8Array>): Effect.Effect<void, MongoError> =>
    Effect.gen({ self: this }, function*() {
      for (const bytes of all) {
        if (!(bytes instanceof Uint8Array)) {
          return yield* Effect.fail(
            toMongoError(new InvalidInput("stream", "an element is not a Uint8Array"), this.upload.operation)
          )
        }
        for (let at = 0; at < bytes.length;) {
          at = this.take(bytes, at)
          if (this.batch.length === this.batchLength) yield* this.flush
        }
      }
    })

  /** Sends a batch after the one before has arrived, and goes on while it is on its way. */
  private get flush(): Effect.Effect<void, MongoError> {
    return Effect.andThen(
      this.settle,
      Effect.suspend(() => {
        const { batch } = this
        this.batch = []
        this.unsettled = batch.map(({ _id }) => _id)
        return this.send(Effect.mapError(this.upload.chunks.insertMany(batch), unwrapped))
      })
    )
  }

  /** An interruption does not abort what is sent: only with a known outcome can everything be removed. */
  private send(effect: Effect.Effect<unknown, MongoError>): Effect.Effect<void> {
    return Effect.uninterruptible(Effect.map(start(effect), (fiber) => {
      this.sending = fiber
    }))
  }

  private get settle(): Effect.Effect<void, MongoError> {
    return Effect.suspend(() =>
      this.sending === undefined ?
        Effect.void :
        Effect.map(untilCurrent(this.upload.operation, Fiber.join(this.sending)), () => {
          this.stored += this.unsettled.length
          this.unsettled = []
          this.sending = undefined
        })
    )
  }

  readonly finish: Effect.Effect<StoredFile, MongoError> = Effect.gen({ self: this }, function*() {
    if (this.chunk !== undefined) this.endChunk(this.chunk.subarray(0, this.filled))
    if (this.batch.length > 0) yield* this.flush
    yield* this.settle
    const { chunkSize, filename, files, metadata } = this.upload
    const file: StoredFile = {
      _id: this.id,
      length: this.length,
      chunkSize,
      uploadDate: new Date(yield* Clock.currentTimeMillis),
      filename,
      ...(metadata === undefined ? {} : { metadata })
    }
    this.file = file
    // The specification stores a length as int64; the driver would turn a number into an int32 or a double.
    yield* this.send(files.insertOne({ ...file, length: Driver.Long.fromNumber(file.length) as unknown as number }))
    yield* this.settle
    return file
  })

  /** Removes what the upload has left, after nothing of it is on its way any more. */
  get discard(): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (this.sending === undefined && this.stored === 0) return Effect.void
      const { chunks, files } = this.upload
      return finishedSoon(
        Effect.gen({ self: this }, function*() {
          const exit = this.sending === undefined ? Exit.void : yield* Fiber.await(this.sending)
          // The file's id alone is not enough: if the caller gave it, another file may have it.
          if (this.file !== undefined && !isDuplicate(exit)) {
            const { _id, filename, uploadDate } = this.file
            yield* files.deleteOne({ _id: equalTo(_id), filename, uploadDate })
          }
          yield* chunks.deleteMany({
            $or: [
              { files_id: equalTo(this.id), n: { $lt: this.stored } },
              { _id: { $in: [...this.unsettled] } }
            ]
          })
        }).pipe(
          Effect.retry({ times: removalRetries, while: (error) => error.isTransient }),
          Effect.ignore({ log: "Debug" })
        )
      )
    })
  }
}

/**
 * Stores the bytes of a pull as a file. If that fails or is interrupted, nothing is left.
 *
 * @internal
 */
export const upload = (
  upload: Upload,
  upstream: Effect.Effect<Arr.NonEmptyReadonlyArray<Uint8Array>, Cause.Done>
): Effect.Effect<StoredFile, MongoError> =>
  Effect.gen(function*() {
    yield* Effect.try({ try: () => check(upload), catch: (cause) => toMongoError(cause, upload.operation) })
    yield* upload.indexes.ensure
    const run = new UploadRun(upload)
    return yield* upstream.pipe(
      Effect.flatMap(run.write),
      Effect.forever({ disableYield: true }),
      Pull.catchDone(() => run.finish),
      Effect.onError(() => run.discard)
    )
  })
