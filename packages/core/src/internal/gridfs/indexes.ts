import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import type * as Driver from "mongodb"
import type { MongoCollection } from "../../MongoCollection.ts"
import type { MongoError } from "../../MongoError.ts"
import type { Connection } from "../call/connection.ts"
import { ambientSession } from "../call/operation.ts"
import { provideAmbient } from "../session/transaction.ts"
import type { BucketCollections } from "./model.ts"

const fileKeys = { filename: 1, uploadDate: 1 } as const
const chunkKeys = { files_id: 1, n: 1 } as const

/** How long the server may work on an index that a transaction waits for, in milliseconds: the transaction itself may hold its lock. */
const lockTimeout = 1000

const hasIndex = (indexes: ReadonlyArray<Driver.IndexDescriptionInfo>, keys: Readonly<Record<string, number>>) =>
  indexes.some(({ key }) => {
    const [wanted, actual] = [Object.entries(keys), Object.entries(key)]
    return wanted.length === actual.length &&
      wanted.every(([name, direction], i) => actual[i]?.[0] === name && Number(actual[i]?.[1]) === direction)
  })

/**
 * The indexes of a bucket. Before the first upload they are checked once, and created if they are missing and the bucket is
 * empty, as the GridFS specification says.
 *
 * @internal
 */
export class GridFSIndexes {
  private readonly connection: Connection
  private readonly collections: BucketCollections
  private readonly line = Semaphore.makeUnsafe(1)
  private checked = false

  constructor(connection: Connection, { chunks, files }: BucketCollections) {
    this.connection = connection
    const settings = { readPreference: "primary", readConcern: { level: "local" } } as const
    this.collections = { chunks: chunks.withOptions(settings), files: files.withOptions(settings) }
  }

  /** Called when the collections are gone. */
  forget(): void {
    this.checked = false
  }

  get ensure(): Effect.Effect<void, MongoError> {
    return Effect.withFiber((fiber) => {
      if (this.checked) return Effect.void
      const ambient = ambientSession(this.connection, fiber.context)
      // A transaction can neither list indexes nor create them on an existing collection.
      const check = (options: Driver.CreateIndexesOptions) =>
        provideAmbient(this.connection, undefined, this.check(options))
      if (ambient !== undefined && (ambient.transaction !== undefined || ambient.state.driver.inTransaction())) {
        // This does not wait its turn: whoever has it may be waiting for the end of this transaction.
        return check({ maxTimeMS: lockTimeout })
      }
      return this.line.withPermit(Effect.suspend(() => this.checked ? Effect.void : check({})))
    })
  }

  private check(options: Driver.CreateIndexesOptions): Effect.Effect<void, MongoError> {
    return Effect.gen({ self: this }, function*() {
      const { chunks, files } = this.collections
      if (Option.isNone(yield* files.find().project({ _id: 1 }).first)) {
        yield* make(files, fileKeys, false, options)
        yield* make(chunks, chunkKeys, true, options)
      }
      this.checked = true
    })
  }
}

const make = <A extends Driver.Document>(
  collection: MongoCollection<A>,
  keys: Readonly<Record<string, 1>>,
  unique: boolean,
  options: Driver.CreateIndexesOptions
): Effect.Effect<void, MongoError> =>
  collection.listIndexes().pipe(
    Effect.catchReason("MongoError", "NamespaceNotFoundError", () => Effect.succeed([])),
    Effect.flatMap((indexes) =>
      hasIndex(indexes, keys) ? Effect.void : collection.createIndex({ ...keys }, { unique }, options)
    )
  )
