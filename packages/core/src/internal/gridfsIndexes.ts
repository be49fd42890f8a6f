import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import type * as Driver from "mongodb"
import type { MongoCollection } from "../MongoCollection.ts"
import type { MongoError } from "../MongoError.ts"
import type { Connection } from "./connection.ts"
import type { BucketCollections } from "./gridfsModel.ts"
import { ambientSession } from "./operation.ts"
import { provideAmbient } from "./transaction.ts"

const fileKeys = { filename: 1, uploadDate: 1 } as const
const chunkKeys = { files_id: 1, n: 1 } as const

/** How long the server may work on an index where a transaction waits for it, which may itself hold the lock it needs: milliseconds. */
const lockTimeout = 1000

/** The read concern of a transaction, as far as it matters: with another than `local` it can make no index. */
type Transaction = "local" | "other"

/** The driver does not publish the options of a running transaction. A test watches over it. */
const readsLocal = (session: object): boolean => {
  const { transaction } = session as { transaction?: { options?: { readConcern?: { level?: string } } } }
  const level = transaction?.options?.readConcern?.level
  return level === undefined || level === "local"
}

const hasIndex = (indexes: ReadonlyArray<Driver.IndexDescriptionInfo>, keys: Readonly<Record<string, number>>) =>
  indexes.some(({ key }) => {
    const [wanted, actual] = [Object.entries(keys), Object.entries(key)]
    return wanted.length === actual.length &&
      wanted.every(([name, direction], i) => actual[i]?.[0] === name && Number(actual[i]?.[1]) === direction)
  })

/**
 * The indexes of a bucket: looked for before the first upload, once, and made where they are missing and the bucket is
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

  /** The collections are gone. */
  forget(): void {
    this.checked = false
  }

  get ensure(): Effect.Effect<void, MongoError> {
    return Effect.withFiber((fiber) => {
      if (this.checked) return Effect.void
      const ambient = ambientSession(this.connection, fiber.context)
      if (ambient !== undefined && (ambient.transaction !== undefined || ambient.state.driver.inTransaction())) {
        // Not in line: who is there may be waiting for the end of this transaction.
        return this.check(readsLocal(ambient.state.driver) ? "local" : "other")
      }
      return this.line.withPermit(Effect.suspend(() => this.checked ? Effect.void : this.check(undefined)))
    })
  }

  private check(transaction: Transaction | undefined): Effect.Effect<void, MongoError> {
    return Effect.gen({ self: this }, function*() {
      const { chunks, files } = this.collections
      if (Option.isNone(yield* this.outside(files.find().project({ _id: 1 }).first))) {
        const certain = yield* this.make(files, fileKeys, false, transaction)
        if (!(yield* this.make(chunks, chunkKeys, true, transaction)) || !certain) return
      }
      this.checked = true
    })
  }

  /** A transaction can neither list indexes nor make them on a collection that is there. */
  private outside<A>(effect: Effect.Effect<A, MongoError>): Effect.Effect<A, MongoError> {
    return provideAmbient(this.connection, undefined, effect)
  }

  /** Makes an index where it is missing. False where that depends on the outcome of a transaction. */
  private make<A extends Driver.Document>(
    collection: MongoCollection<A>,
    keys: Readonly<Record<string, number>>,
    unique: boolean,
    transaction: Transaction | undefined
  ): Effect.Effect<boolean, MongoError> {
    const indexes = Effect.map(this.outside(collection.listIndexes()), Option.some).pipe(
      Effect.catchReason("MongoError", "NamespaceNotFoundError", () => Effect.succeedNone)
    )
    const create = (options: { readonly maxTimeMS?: number }) => collection.createIndex(keys, { unique }, options)
    return Effect.flatMap(indexes, (indexes) => {
      if (Option.isSome(indexes) && hasIndex(indexes.value, keys)) return Effect.succeed(true)
      if (transaction === undefined) return Effect.as(this.outside(create({})), true)
      // A transaction that has looked for a file holds a lock on the collection, even on one that is not there: only the
      // transaction itself can make that one.
      return Option.isNone(indexes) && transaction === "local"
        ? Effect.as(create({}), false)
        : Effect.as(this.outside(create({ maxTimeMS: lockTimeout })), true)
    })
  }
}
