/**
 * Collections. base.ts has what they share with databases; indexes.ts and searchIndexes.ts have their indexes.
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Driver from "mongodb"
import type { CollectionOptions, MongoCollection } from "../../MongoCollection.ts"
import type { MongoDatabase } from "../../MongoDatabase.ts"
import type { MongoError } from "../../MongoError.ts"
import type { OptionsOf } from "../../OperationOptions.ts"
import type { FindQuery } from "../../Query.ts"
import { WriteBuffer } from "../bson/writeBuffer.ts"
import type { CallOptions } from "../call/call.ts"
import type { Connection } from "../call/connection.ts"
import type { Operation } from "../call/description.ts"
import { defined, lengthOf } from "../call/options.ts"
import { plainDatabase } from "../driver/plainDatabase.ts"
import { countable, counted, numberOf } from "../driver/replyNumbers.ts"
import { readFields } from "../errors/readFields.ts"
import { prepareModel, sentOfModel } from "../input/bulkModels.ts"
import { checkDocument, checkFilter, checkName, checkReplacement, checkUpdate, checkValue } from "../input/check.ts"
import { namingTooLarge } from "../input/documentSize.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { idFactory, withOwnId } from "../input/ownId.ts"
import { writtenInsert } from "../input/written.ts"
import { makeFind } from "../query/query.ts"
import { sendsBytes } from "./bsonOptions.ts"
import { bulkWrite, insertMany, nothingWritten } from "./bulkWrite.ts"
import { dropCollection, renameCollection } from "./ownCommands.ts"
import { CollectionSearchIndexes } from "./searchIndexes.ts"

/** @internal */
export const TypeId = "~@mongofx/core/MongoCollection" as const

/** The driver's type of these hints leaves out the names of indexes. */
type Hinted<Options> = OptionsOf<Options, "hint" | "includeResultMetadata"> & {
  readonly hint?: Driver.Hint | undefined
}

/** Drops a batch size, which is useless for one document: with 0 the server would end the cursor with an empty first batch. */
const withoutBatchSize = <A extends object>(options: A): A =>
  "batchSize" in options ? { ...options, batchSize: undefined } : options

/** Releases the bytes of a bulk write that has succeeded. After a failure or an interruption the driver may still send them. */
const releasing = <A>(buffer: WriteBuffer | undefined, call: Promise<A>): Promise<A> =>
  buffer === undefined ? call : call.then((result) => {
    buffer.release()
    return result
  })

/** With `raw: true` the driver also leaves the documents of a server's error as bytes. */
const readingErrors = <A>(options: object, promise: Promise<A>): Promise<A> =>
  (options as { readonly raw?: unknown }).raw !== true ? promise : promise.catch((error: unknown) => {
    readFields(error)
    throw error
  })

class MongoCollectionImpl<A extends Driver.Document> extends CollectionSearchIndexes<A> implements MongoCollection<A> {
  readonly [TypeId] = TypeId
  readonly database: MongoDatabase
  readonly name: string
  private readonly settings: CollectionOptions
  private handle: Driver.Collection<A> | undefined

  constructor(connection: Connection, database: MongoDatabase, name: string, settings: CollectionOptions) {
    super(connection)
    this.database = database
    this.name = name
    this.settings = settings
  }

  get fullName(): string {
    return `${this.database.name}.${this.name}`
  }

  toJSON(): unknown {
    return { _id: "MongoCollection", name: this.fullName }
  }

  /** Made at the first use: the driver throws for bad names. That becomes the operation's failure. */
  get driver(): Driver.Collection<A> {
    if (this.handle !== undefined) return this.handle
    // For an empty name the driver would take the database of the connection string, or a whole database instead of a collection.
    checkName(this.database.name, "database")
    checkName(this.name, "collection")
    return this.handle = plainDatabase(this.connection.driver, this.database.name)
      .collection<A>(this.name, { ...defined(this.settings) as Driver.CollectionOptions, ignoreUndefined: true })
  }

  protected operation(name: string, command: string, batchSize?: number): Operation {
    return { name, command, database: this.database.name, collection: this.name, batchSize }
  }

  /** Like `run`, for a write whose result has counts. */
  private runCounted<B extends object>(
    operation: Operation,
    options: object | undefined,
    call: (driver: Driver.Collection<A>, options: CallOptions) => Promise<B>
  ): Effect.Effect<B, MongoError> {
    return this.run(operation, options, call, counted)
  }

  withOptions(options: CollectionOptions): MongoCollection<A> {
    return new MongoCollectionImpl(this.connection, this.database, this.name, { ...this.settings, ...options })
  }

  /** What a bulk write writes its documents in, if it sends bytes. */
  private buffer(options: CallOptions): WriteBuffer | undefined {
    return sendsBytes(this, options) ? new WriteBuffer() : undefined
  }

  insertOne(document: Driver.OptionalUnlessRequiredId<A>, options?: OptionsOf<Driver.InsertOneOptions>) {
    return this.run(this.operation("insertOne", "insert"), options, (driver, options) => {
      checkDocument(document, "document")
      return driver.insertOne(withOwnId(document, idFactory(this.connection.driver, options)), options)
    })
  }

  insertMany(
    documents: ReadonlyArray<Driver.OptionalUnlessRequiredId<A>>,
    options?: OptionsOf<Driver.BulkWriteOptions>
  ) {
    return this.run(this.operation("insertMany", "insert", lengthOf(documents)), options, (driver, options) => {
      if (!Array.isArray(documents)) throw new InvalidInput("documents", "documents is not an array")
      if (documents.length === 0) {
        return Promise.resolve<Driver.InsertManyResult<A>>({ acknowledged: true, insertedCount: 0, insertedIds: {} })
      }
      const makeId = idFactory(this.connection.driver, options)
      const buffer = this.buffer(options)
      const written = documents.map((document, index) =>
        writtenInsert(document, makeId, buffer, (document) => checkDocument(document, "documents", index))
      )
      const all = { ...options, ...countable(driver.bsonOptions, options) }
      const call = insertMany(this.connection.driver, driver as unknown as Driver.Collection, written, all)
      return releasing(buffer, namingTooLarge(call, "documents", written, (document) => document)) as Promise<
        Driver.InsertManyResult<A>
      >
    })
  }

  find(filter: Driver.Filter<A> = {}, options?: OptionsOf<Driver.FindOptions>): FindQuery<Driver.WithId<A>> {
    return makeFind(this, this.operation("find", "find"), filter, options)
  }

  findOne(filter: Driver.Filter<A> = {}, options?: OptionsOf<Driver.FindOneOptions>) {
    return this.run(this.operation("findOne", "find"), options, (driver, options) => {
      checkFilter(filter)
      return driver.findOne(filter, withoutBatchSize(options))
    }, Option.fromNullOr)
  }

  findOneAndDelete(
    filter: Driver.Filter<A>,
    options?: Hinted<Driver.FindOneAndDeleteOptions>
  ) {
    return this.run(this.operation("findOneAndDelete", "findAndModify"), options, (driver, options) => {
      checkFilter(filter)
      return readingErrors(options, driver.findOneAndDelete(filter, options as Driver.FindOneAndDeleteOptions))
    }, Option.fromNullOr)
  }

  findOneAndReplace(
    filter: Driver.Filter<A>,
    replacement: Driver.WithoutId<A>,
    options?: Hinted<Driver.FindOneAndReplaceOptions>
  ) {
    return this.run(this.operation("findOneAndReplace", "findAndModify"), options, (driver, options) => {
      checkFilter(filter)
      checkReplacement(replacement, "replacement")
      return readingErrors(
        options,
        driver.findOneAndReplace(filter, replacement, options as Driver.FindOneAndReplaceOptions)
      )
    }, Option.fromNullOr)
  }

  findOneAndUpdate(
    filter: Driver.Filter<A>,
    update: Driver.UpdateFilter<A> | ReadonlyArray<Driver.Document>,
    options?: Hinted<Driver.FindOneAndUpdateOptions>
  ) {
    return this.run(this.operation("findOneAndUpdate", "findAndModify"), options, (driver, options) => {
      checkFilter(filter)
      checkUpdate(update)
      return readingErrors(
        options,
        driver.findOneAndUpdate(filter, update as Driver.UpdateFilter<A>, options as Driver.FindOneAndUpdateOptions)
      )
    }, Option.fromNullOr)
  }

  updateOne(
    filter: Driver.Filter<A>,
    update: Driver.UpdateFilter<A> | ReadonlyArray<Driver.Document>,
    options?: OptionsOf<Driver.UpdateOptions & { sort?: Driver.Sort }>
  ) {
    return this.runCounted(this.operation("updateOne", "update"), options, (driver, options) => {
      checkFilter(filter)
      checkUpdate(update)
      return driver.updateOne(filter, update as Driver.UpdateFilter<A>, options)
    })
  }

  updateMany(
    filter: Driver.Filter<A>,
    update: Driver.UpdateFilter<A> | ReadonlyArray<Driver.Document>,
    options?: OptionsOf<Driver.UpdateOptions>
  ) {
    return this.runCounted(this.operation("updateMany", "update"), options, (driver, options) => {
      checkFilter(filter)
      checkUpdate(update)
      return driver.updateMany(filter, update as Driver.UpdateFilter<A>, options)
    })
  }

  replaceOne(
    filter: Driver.Filter<A>,
    replacement: Driver.WithoutId<A>,
    options?: OptionsOf<Driver.ReplaceOptions & { sort?: Driver.Sort }>
  ) {
    return this.runCounted(this.operation("replaceOne", "update"), options, (driver, options) => {
      checkFilter(filter)
      checkReplacement(replacement, "replacement")
      return driver.replaceOne(filter, replacement, options)
    })
  }

  deleteOne(filter: Driver.Filter<A>, options?: OptionsOf<Driver.DeleteOptions, "ordered">) {
    return this.runCounted(this.operation("deleteOne", "delete"), options, (driver, options) => {
      checkFilter(filter)
      return driver.deleteOne(filter, options)
    })
  }

  deleteMany(filter: Driver.Filter<A>, options?: OptionsOf<Driver.DeleteOptions, "ordered">) {
    return this.runCounted(this.operation("deleteMany", "delete"), options, (driver, options) => {
      checkFilter(filter)
      return driver.deleteMany(filter, options)
    })
  }

  bulkWrite(
    operations: ReadonlyArray<Driver.AnyBulkWriteOperation<A>>,
    options?: OptionsOf<Driver.BulkWriteOptions>
  ) {
    return this.run(this.operation("bulkWrite", "bulkWrite", lengthOf(operations)), options, (driver, options) => {
      if (!Array.isArray(operations)) throw new InvalidInput("operations", "operations is not an array")
      if (operations.length === 0) return Promise.resolve(nothingWritten())
      const makeId = idFactory(this.connection.driver, options)
      const buffer = this.buffer(options)
      const models = operations.map((model, index) => prepareModel(model, `operations[${index}]`, makeId, buffer))
      const all = { ...options, ...countable(driver.bsonOptions, options) }
      const call = bulkWrite(this.connection.driver, driver as unknown as Driver.Collection, models, all)
      return releasing(buffer, namingTooLarge(call, "operations", models, sentOfModel))
    })
  }

  countDocuments(filter: Driver.Filter<A> = {}, options?: OptionsOf<Driver.CountDocumentsOptions>) {
    return this.run(this.operation("countDocuments", "aggregate"), options, (driver, options) => {
      checkFilter(filter)
      return driver.countDocuments(filter, options)
    }, numberOf)
  }

  estimatedDocumentCount(options?: OptionsOf<Driver.EstimatedDocumentCountOptions>) {
    return this.run(
      this.operation("estimatedDocumentCount", "count"),
      options,
      (driver, options) => driver.estimatedDocumentCount(options),
      numberOf
    )
  }

  distinct<Key extends keyof Driver.WithId<A>>(
    key: Key | string,
    filter: Driver.Filter<A> = {},
    options?: OptionsOf<Driver.DistinctOptions>
  ): Effect.Effect<Array<Driver.Flatten<Driver.WithId<A>[Key]>>, MongoError> {
    return this.run(this.operation("distinct", "distinct"), options, (driver, options) => {
      checkFilter(filter)
      checkValue(key, "key")
      return driver.distinct(key as Key, filter, options)
    })
  }

  options(options?: OptionsOf<Driver.OperationOptions>) {
    return this.run(
      this.operation("options", "listCollections"),
      options,
      (driver, options) => driver.options(options)
    )
  }

  isCapped(options?: OptionsOf<Driver.OperationOptions>) {
    return this.run(
      this.operation("isCapped", "listCollections"),
      options,
      (driver, options) => driver.isCapped(options)
    )
  }

  rename(newName: string, options?: OptionsOf<Driver.RenameOptions, "new_collection">) {
    return Effect.map(
      this.run(
        this.operation("rename", "renameCollection"),
        options,
        (driver, options) => {
          checkName(newName, "collection", "newName")
          return renameCollection(this.connection.driver, driver, newName, options)
        }
      ),
      (): MongoCollection<A> => new MongoCollectionImpl(this.connection, this.database, newName, this.settings)
    )
  }

  drop(options?: OptionsOf<Driver.DropCollectionOptions>) {
    return this.run(
      this.operation("drop", "drop"),
      options,
      (driver, options) =>
        dropCollection(plainDatabase(this.connection.driver, driver.dbName), this.name, options, driver.writeConcern)
    )
  }
}

/** @internal */
export const makeCollection = <A extends Driver.Document>(
  connection: Connection,
  database: MongoDatabase,
  name: string,
  settings: CollectionOptions
): MongoCollection<A> => new MongoCollectionImpl<A>(connection, database, name, settings)
