import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Driver from "mongodb"
import type { ChangeStream } from "../../ChangeStream.ts"
import type * as Mongo from "../../Mongo.ts"
import type {
  CollectionOptions,
  MongoCollection,
  SearchIndex,
  SearchIndexDescription,
  WaitUntilQueryableOptions
} from "../../MongoCollection.ts"
import type { MongoDatabase } from "../../MongoDatabase.ts"
import { IndexError, type MongoError } from "../../MongoError.ts"
import type { AggregateQuery, FindQuery, Query } from "../../Query.ts"
import type { Connection } from "../call/connection.ts"
import type { Operation } from "../call/description.ts"
import { type CallOptions, checking, run } from "../call/operation.ts"
import { defined, durationOf, hintOf, joined, lengthOf, limitCommand } from "../call/options.ts"
import { serverSleep } from "../call/serverTime.ts"
import { type AnyWatchOptions, makeChangeStream } from "../changeStream/run.ts"
import { hasTopology } from "../driver/topology.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import {
  checkDocument,
  checkFilter,
  checkGiven,
  checkName,
  checkOptions,
  checkOrdered,
  checkReplacement,
  checkUpdate,
  checkValue
} from "../input/check.ts"
import { namingTooLarge } from "../input/documentSize.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { checkSent } from "../input/unsentOptions.ts"
import { readFields } from "../query/cursorRun.ts"
import { makeAggregate, makeFind, makePlain } from "../query/query.ts"
import {
  dropCollection,
  indexDocument,
  indexKeys,
  renameCollection,
  unlessAbsent,
  writeCommand
} from "./ownCommands.ts"
import { countable, counted, numberOf, plainNumbers } from "./reply.ts"

/** @internal */
export const TypeId = "~@mongofx/core/MongoCollection" as const

type OptionsOf<Options, Left extends string = never> = Mongo.OptionsOf<Options, Left>

/** The driver's type has no names of indexes there. */
type Hinted<Options> = OptionsOf<Options, "hint" | "includeResultMetadata"> & {
  readonly hint?: Driver.Hint | undefined
}

type IdFactory = (() => unknown) | undefined

/**
 * The driver assigns a missing `_id`, or null, on the object it is given: it gets a copy, the caller's stays as it was. The copy
 * has its `_id` from the start, and in the first place: to add one later costs four times as much as the copy.
 */
const withOwnId = <A extends object>(document: A, makeId: IdFactory): A => {
  if ("_id" in document && document._id !== undefined && document._id !== null) return document
  const plain = "toBSON" in document && typeof document.toBSON === "function" ? document.toBSON() as A : document
  if (makeId === undefined) return { ...plain }
  return "_id" in plain ? { ...plain, _id: plain._id ?? makeId() } : { _id: makeId(), ...plain }
}

/** It is of no use for one document: with 0 the server would end the cursor with an empty first batch. */
const withoutBatchSize = <A extends object>(options: A): A =>
  "batchSize" in options ? { ...options, batchSize: undefined } : options

/** The names of the writes that `bulkWrite` takes. */
const writes: ReadonlySet<string> = new Set([
  "insertOne",
  "updateOne",
  "updateMany",
  "replaceOne",
  "deleteOne",
  "deleteMany"
])

/** With `raw: true` the driver leaves what the server says of an error as bytes, too. */
const readingErrors = <A>(options: object, promise: Promise<A>): Promise<A> =>
  (options as { readonly raw?: unknown }).raw !== true ? promise : promise.catch((error: unknown) => {
    readFields(error)
    throw error
  })

/** A model of a write is named by its only key: the driver takes one of several, and drops the others. */
const writeOf = (model: unknown, path: string): readonly [name: string, fields: Driver.Document] => {
  if (typeof model !== "object" || model === null || Array.isArray(model)) {
    throw new InvalidInput(path, `${path} is no model of a write`)
  }
  const entries = Object.entries(model).filter(([, fields]) => fields !== undefined)
  const [name, fields] = entries[0] ?? []
  if (name === undefined) throw new InvalidInput(path, `${path} has no operation`)
  if (entries.length > 1) {
    const names = entries.map(([name]) => name).join(" and ")
    throw new InvalidInput(path, `${path} has several operations, ${names}: each is a model of its own`)
  }
  if (!writes.has(name)) {
    throw new InvalidInput(`${path}.${name}`, `${path}.${name} is no write: take one of ${[...writes].join(", ")}`)
  }
  if (typeof fields !== "object" || fields === null) {
    throw new InvalidInput(`${path}.${name}`, `${path}.${name} has no fields`)
  }
  return [name, fields]
}

const prepareModel = (model: unknown, path: string, makeId: IdFactory): Driver.AnyBulkWriteOperation => {
  const [name, fields] = writeOf(model, path)
  if (name === "insertOne") {
    // The driver takes the document itself in the place of its model, too.
    const document = fields["document"] ?? fields
    checkDocument(document, `${path}.insertOne.document`)
    return { insertOne: { document: withOwnId(document, makeId) } }
  }
  checkFilter(fields["filter"], `${path}.${name}.filter`)
  if (name.startsWith("update")) checkUpdate(fields["update"], `${path}.${name}.update`)
  if (name === "replaceOne") checkReplacement(fields["replacement"], `${path}.${name}.replacement`)
  checkOptions(fields, `${path}.${name}`)
  const hinted = fields["hint"] === undefined ? fields : { ...fields, hint: hintOf(fields["hint"]) }
  return { [name]: hinted } as unknown as Driver.AnyBulkWriteOperation
}

/** What a bulk write has done that had nothing to do. The driver refuses it. */
const nothingWritten = (): Driver.BulkWriteResult => {
  const raw = {
    ok: 1,
    writeErrors: [],
    writeConcernErrors: [],
    insertedIds: [],
    nInserted: 0,
    nUpserted: 0,
    nMatched: 0,
    nModified: 0,
    nRemoved: 0,
    upserted: []
  }
  const members: { readonly [Key in keyof Driver.BulkWriteResult]: Driver.BulkWriteResult[Key] } = {
    insertedCount: 0,
    matchedCount: 0,
    modifiedCount: 0,
    deletedCount: 0,
    upsertedCount: 0,
    upsertedIds: {},
    insertedIds: {},
    ok: 1,
    getUpsertedIdAt: () => undefined,
    getRawResponse: () => raw,
    hasWriteErrors: () => false,
    getWriteErrorCount: () => 0,
    getWriteErrorAt: () => undefined,
    getWriteErrors: () => [],
    getWriteConcernError: () => undefined,
    toString: () => "BulkWriteResult(0 writes)",
    isOk: () => true
  }
  // The class has a private member, so that nothing else has its type.
  return members as Driver.BulkWriteResult
}

/** What the driver sends of a model. */
const sentOf = (model: Driver.AnyBulkWriteOperation): object => {
  if ("insertOne" in model) return model.insertOne.document
  const { filter, replacement, update } = Object.values(model as Driver.Document)[0] as Driver.Document
  return { filter, update: update ?? replacement }
}

const prepareSearchIndex = (description: SearchIndexDescription, path: string): SearchIndexDescription => {
  const given = typeof description === "object" && description !== null ? defined(description)! : description
  checkFilter(given, path)
  checkFilter(given.definition, `${path}.definition`)
  return given
}

/** An index that is not named would be another one. */
const checkIndexName = (name: string): string => {
  if (typeof name !== "string") throw new InvalidInput("name", "name is not a string")
  return name
}

/** The driver's number for batches of updates and replacements. */
const updateBatch: Driver.BatchType = 2

/**
 * The index of a write among all, after the one that the driver has computed for its upsert: the place of the first write of the
 * batch, and the place in the batch. Batches of updates follow each other, so it can be of one only.
 */
const upsertIndex = (computed: number, updates: ReadonlyArray<Driver.Batch>): number => {
  let batch: Driver.Batch | undefined
  for (const update of updates) if (update.originalZeroIndex <= computed) batch = update
  return batch?.originalIndexes[computed - batch.originalZeroIndex] ?? computed
}

/** Puts the indexes of upserts right, in the driver's own result. */
const placeUpserts = (result: Driver.BulkWriteResult, updates: ReadonlyArray<Driver.Batch>): void => {
  const ids: Record<number, unknown> = {}
  for (const upsert of result.getRawResponse()["upserted"] as Array<{ index: number; readonly _id: unknown }>) {
    upsert.index = upsertIndex(upsert.index, updates)
    ids[upsert.index] = upsert._id
  }
  ;(result as { upsertedIds: Record<number, unknown> }).upsertedIds = ids
}

class MongoCollectionImpl<A extends Driver.Document> extends Inspectable.Class implements MongoCollection<A> {
  readonly [TypeId] = TypeId
  readonly database: MongoDatabase
  readonly name: string
  private readonly connection: Connection
  private readonly settings: CollectionOptions
  private handle: Driver.Collection<A> | undefined

  constructor(connection: Connection, database: MongoDatabase, name: string, settings: CollectionOptions) {
    super()
    this.connection = connection
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

  /** Made at the first use: the driver refuses bad names by throwing, which is then the operation's failure. */
  private get driver(): Driver.Collection<A> {
    if (this.handle !== undefined) return this.handle
    // The driver would take the database of the connection string, and a whole database in the place of a collection.
    checkName(this.database.name, "database")
    checkName(this.name, "collection")
    return this.handle = this.connection.driver
      .db(this.database.name)
      .collection<A>(this.name, { ...defined(this.settings) as Driver.CollectionOptions, ignoreUndefined: true })
  }

  private operation(name: string, command: string, batchSize?: number): Operation {
    return { name, command, database: this.database.name, collection: this.name, batchSize }
  }

  private run<B>(
    operation: Operation,
    options: object | undefined,
    call: (driver: Driver.Collection<A>, options: CallOptions) => Promise<B>
  ): Effect.Effect<B, MongoError> {
    return run(this.connection, operation, (callOptions) => {
      if (options === undefined) return call(this.driver, callOptions)
      checkOptions(options)
      checkSent(operation.name, options)
      return call(this.driver, joined(options, callOptions))
    })
  }

  /** As `run`, for a write that the server counts. */
  private runCounted<B extends object>(
    operation: Operation,
    options: object | undefined,
    call: (driver: Driver.Collection<A>, options: CallOptions) => Promise<B>
  ): Effect.Effect<B, MongoError> {
    return this.run(operation, options, (driver, options) => call(driver, options).then(counted))
  }

  withOptions(options: CollectionOptions): MongoCollection<A> {
    return new MongoCollectionImpl(this.connection, this.database, this.name, { ...this.settings, ...options })
  }

  /** What makes the `_id`s, after the client's settings; none where the server shall make them. */
  private idFactory(options: object): IdFactory {
    const { forceServerObjectId, pkFactory } = this.connection.driver.options as Driver.DbOptions
    const isServers = "forceServerObjectId" in options ? options.forceServerObjectId : forceServerObjectId
    if (isServers === true) return undefined
    return pkFactory === undefined ? () => new Driver.ObjectId() : () => pkFactory.createPk()
  }

  insertOne(document: Driver.OptionalUnlessRequiredId<A>, options?: OptionsOf<Driver.InsertOneOptions>) {
    return this.run(this.operation("insertOne", "insert"), options, (driver, options) => {
      checkDocument(document, "document")
      return driver.insertOne(withOwnId(document, this.idFactory(options)), options)
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
      const makeId = this.idFactory(options)
      const copies = documents.map((document, index) => {
        checkDocument(document, "documents", index)
        return withOwnId(document, makeId)
      })
      const call = driver.insertMany(copies, { ...options, ...countable(driver.bsonOptions, options) })
      return namingTooLarge(call, "documents", copies, (copy) => copy)
    })
  }

  find(filter: Driver.Filter<A> = {}, options?: OptionsOf<Driver.FindOptions>): FindQuery<Driver.WithId<A>> {
    return makeFind(
      { connection: this.connection, operation: this.operation("find", "find") },
      (filter, options) => this.driver.find(filter as Driver.Filter<A>, options),
      filter,
      options
    )
  }

  findOne(filter: Driver.Filter<A> = {}, options?: OptionsOf<Driver.FindOneOptions>) {
    return Effect.map(
      this.run(this.operation("findOne", "find"), options, (driver, options) => {
        checkFilter(filter)
        return driver.findOne(filter, withoutBatchSize(options))
      }),
      Option.fromNullOr
    )
  }

  findOneAndDelete(
    filter: Driver.Filter<A>,
    options?: Hinted<Driver.FindOneAndDeleteOptions>
  ) {
    return Effect.map(
      this.run(this.operation("findOneAndDelete", "findAndModify"), options, (driver, options) => {
        checkFilter(filter)
        return readingErrors(options, driver.findOneAndDelete(filter, options as Driver.FindOneAndDeleteOptions))
      }),
      Option.fromNullOr
    )
  }

  findOneAndReplace(
    filter: Driver.Filter<A>,
    replacement: Driver.WithoutId<A>,
    options?: Hinted<Driver.FindOneAndReplaceOptions>
  ) {
    return Effect.map(
      this.run(this.operation("findOneAndReplace", "findAndModify"), options, (driver, options) => {
        checkFilter(filter)
        checkReplacement(replacement, "replacement")
        return readingErrors(
          options,
          driver.findOneAndReplace(filter, replacement, options as Driver.FindOneAndReplaceOptions)
        )
      }),
      Option.fromNullOr
    )
  }

  findOneAndUpdate(
    filter: Driver.Filter<A>,
    update: Driver.UpdateFilter<A> | ReadonlyArray<Driver.Document>,
    options?: Hinted<Driver.FindOneAndUpdateOptions>
  ) {
    return Effect.map(
      this.run(this.operation("findOneAndUpdate", "findAndModify"), options, (driver, options) => {
        checkFilter(filter)
        checkUpdate(update)
        return readingErrors(
          options,
          driver.findOneAndUpdate(filter, update as Driver.UpdateFilter<A>, options as Driver.FindOneAndUpdateOptions)
        )
      }),
      Option.fromNullOr
    )
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
      const makeId = this.idFactory(options)
      const models = operations.map((model, index) => prepareModel(model, `operations[${index}]`, makeId))
      const callOptions: Driver.BulkWriteOptions = { ...options, ...countable(driver.bsonOptions, options) }
      const call = callOptions.ordered === false
        ? this.writeUnordered(driver, models, callOptions)
        : driver.bulkWrite(models as Array<Driver.AnyBulkWriteOperation<A>>, callOptions)
      return namingTooLarge(call, "operations", models, sentOf)
    })
  }

  /**
   * An unordered bulk write, as the driver does it. The driver sorts the writes into batches by their kinds, and counts upserts
   * from the first write of their batch on: here their indexes are put right, in the result and in that of the error.
   */
  private async writeUnordered(
    driver: Driver.Collection<A>,
    models: ReadonlyArray<Driver.AnyBulkWriteOperation>,
    options: Driver.BulkWriteOptions
  ): Promise<Driver.BulkWriteResult> {
    // A client of the user's own may not be connected yet, and then makes no bulk.
    if (!hasTopology(this.connection.driver)) {
      await this.connection.driver.db("admin").command({ ping: 1 })
    }
    const bulk = driver.initializeUnorderedBulkOp(options)
    for (const model of models) bulk.raw(model)
    const updates = bulk.batches.filter((batch) => batch.batchType === updateBatch)
    try {
      const result = await bulk.execute(options)
      placeUpserts(result, updates)
      return result
    } catch (error) {
      const result: unknown = (error as { readonly result?: unknown } | undefined)?.result
      if (typeof result === "object" && result !== null && "upsertedIds" in result) {
        placeUpserts(result as Driver.BulkWriteResult, updates)
      }
      throw error
    }
  }

  countDocuments(filter: Driver.Filter<A> = {}, options?: OptionsOf<Driver.CountDocumentsOptions>) {
    return this.run(this.operation("countDocuments", "aggregate"), options, (driver, options) => {
      checkFilter(filter)
      return driver.countDocuments(filter, options).then(numberOf)
    })
  }

  estimatedDocumentCount(options?: OptionsOf<Driver.EstimatedDocumentCountOptions>) {
    return this.run(
      this.operation("estimatedDocumentCount", "count"),
      options,
      (driver, options) => driver.estimatedDocumentCount(options).then(numberOf)
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

  aggregate<B extends Driver.Document = Driver.Document>(
    pipeline: ReadonlyArray<Driver.Document> = [],
    options?: OptionsOf<Driver.AggregateOptions, "out" | "cursor">
  ): AggregateQuery<B> {
    return makeAggregate(
      { connection: this.connection, operation: this.operation("aggregate", "aggregate") },
      (pipeline, options) => this.driver.aggregate(pipeline, options),
      pipeline,
      options
    )
  }

  watch<B extends Driver.Document = A>(
    pipeline: ReadonlyArray<Driver.Document> = [],
    options: AnyWatchOptions = {}
  ): ChangeStream<B, never> {
    return makeChangeStream(
      {
        connection: this.connection,
        operation: this.operation("watch", "aggregate"),
        cluster: false,
        aggregate: (pipeline, options) => this.driver.aggregate(pipeline, options)
      },
      pipeline,
      options
    )
  }

  /** A write command of our own, with the options that the driver's method for it would drop. */
  private sendWrite(driver: Driver.Collection<A>, command: Driver.Document, options: CallOptions) {
    return this.connection.driver.db(driver.dbName).command(...writeCommand(command, options, driver.writeConcern))
  }

  private sendIndexes(
    driver: Driver.Collection<A>,
    indexes: ReadonlyArray<{ readonly name: string }>,
    options: CallOptions & Pick<Driver.CreateIndexOptions, "commitQuorum">
  ): Promise<Array<string>> {
    const { commitQuorum, ...others } = options
    const command = { createIndexes: this.name, indexes, ...defined({ commitQuorum }) }
    return this.sendWrite(driver, command, others).then(() => indexes.map(({ name }) => name))
  }

  createIndex(
    keys: Driver.IndexSpecification,
    indexOptions?: OptionsOf<Driver.IndexOptions>,
    options?: OptionsOf<Driver.CreateIndexOptions>
  ) {
    return this.run(this.operation("createIndex", "createIndexes"), options, (driver, options) => {
      checkOrdered(keys, "keys")
      checkGiven(indexOptions, "indexOptions")
      checkValue(indexOptions ?? {}, "indexOptions")
      const index = indexDocument(keys, indexOptions, "keys")
      return this.sendIndexes(driver, [index], options).then(() => index.name)
    })
  }

  createIndexes(
    indexes: ReadonlyArray<Driver.IndexDescription>,
    options?: OptionsOf<Driver.CreateIndexOptions>
  ) {
    return this.run(this.operation("createIndexes", "createIndexes", lengthOf(indexes)), options, (driver, options) => {
      if (!Array.isArray(indexes)) throw new InvalidInput("indexes", "indexes is not an array")
      checkOrdered(indexes, "indexes")
      const documents = (indexes as ReadonlyArray<Driver.IndexDescription>).map((index, place) =>
        indexDocument(index?.key, index, `indexes[${place}].key`)
      )
      return this.sendIndexes(driver, documents, options)
    })
  }

  dropIndex(index: string | Driver.IndexSpecification, options?: OptionsOf<Driver.DropIndexesOptions>) {
    return Effect.asVoid(
      this.run(this.operation("dropIndex", "dropIndexes"), options, (driver, options) => {
        checkOrdered(index, "index")
        const which = typeof index === "string" ? index : indexKeys(index, "index")
        return this.sendWrite(driver, { dropIndexes: this.name, index: which }, options)
      })
    )
  }

  dropIndexes(options?: OptionsOf<Driver.DropIndexesOptions>) {
    return this.run(
      this.operation("dropIndexes", "dropIndexes"),
      options,
      (driver, options) => unlessAbsent(this.sendWrite(driver, { dropIndexes: this.name, index: "*" }, options))
    )
  }

  listIndexes(options?: OptionsOf<Driver.ListIndexesOptions>): Query<Driver.IndexDescriptionInfo> {
    return makePlain(
      { connection: this.connection, operation: this.operation("listIndexes", "listIndexes") },
      (options) => {
        checkOptions(options)
        checkSent("listIndexes", options)
        return this.driver.listIndexes(options)
      },
      options,
      {},
      plainNumbers
    )
  }

  indexExists(names: string | ReadonlyArray<string>, options?: OptionsOf<Driver.ListIndexesOptions>) {
    return this.run(
      this.operation("indexExists", "listIndexes"),
      options,
      (driver, options) => driver.indexExists(typeof names === "string" ? names : [...names], options)
    )
  }

  /**
   * A search index command, as the driver sends it, but in the session, with the time limit and with the signal that the
   * driver's methods do not take.
   */
  private searchCommand(
    operation: Operation,
    fields: () => Driver.Document
  ): Effect.Effect<Driver.Document, MongoError> {
    return this.run(operation, undefined, (driver, options) => {
      const command = { [operation.command]: this.name, ...fields() }
      return this.connection.driver.db(driver.dbName).command(...limitCommand(command, options))
    })
  }

  private createSearch(operation: Operation, indexes: () => ReadonlyArray<SearchIndexDescription>) {
    return Effect.map(
      this.searchCommand(operation, () => ({ indexes: indexes() })),
      (reply) => (reply["indexesCreated"] as Array<{ name: string }>).map((index) => index.name)
    )
  }

  createSearchIndex(description: SearchIndexDescription) {
    return Effect.map(
      this.createSearch(
        this.operation("createSearchIndex", "createSearchIndexes"),
        () => [prepareSearchIndex(description, "description")]
      ),
      (names) => names[0]!
    )
  }

  createSearchIndexes(descriptions: ReadonlyArray<SearchIndexDescription>) {
    return this.createSearch(
      this.operation("createSearchIndexes", "createSearchIndexes", lengthOf(descriptions)),
      () => {
        if (!Array.isArray(descriptions)) throw new InvalidInput("descriptions", "descriptions is not an array")
        return descriptions.map((description, index) => prepareSearchIndex(description, `descriptions[${index}]`))
      }
    )
  }

  updateSearchIndex(name: string, definition: Driver.Document) {
    return Effect.asVoid(this.searchCommand(this.operation("updateSearchIndex", "updateSearchIndex"), () => {
      checkFilter(definition, "definition")
      return { name: checkIndexName(name), definition }
    }))
  }

  dropSearchIndex(name: string) {
    return Effect.catchReason(
      Effect.asVoid(
        this.searchCommand(this.operation("dropSearchIndex", "dropSearchIndex"), () => ({ name: checkIndexName(name) }))
      ),
      "MongoError",
      "NamespaceNotFoundError",
      () => Effect.void
    )
  }

  listSearchIndexes(name?: string, options?: OptionsOf<Driver.ListSearchIndexesOptions, "out" | "cursor">) {
    return makePlain<SearchIndex>(
      { connection: this.connection, operation: this.operation("listSearchIndexes", "aggregate") },
      (options) =>
        name === undefined ? this.driver.listSearchIndexes(options) : this.driver.listSearchIndexes(name, options),
      options,
      {},
      plainNumbers
    )
  }

  waitUntilQueryable(
    names: string | ReadonlyArray<string>,
    options: WaitUntilQueryableOptions = {}
  ): Effect.Effect<void, MongoError> {
    const awaited = typeof names === "string" ? [names] : names
    const operation = this.operation("waitUntilQueryable", "aggregate")
    const fail = (kind: IndexError["kind"], message: string) => ownFailure(IndexError, operation, message, { kind })
    const check = Effect.flatMap(this.listSearchIndexes(), (indexes): Effect.Effect<boolean, MongoError> => {
      let ready = true
      for (const name of awaited) {
        const index = indexes.find((index) => index.name === name)
        if (index === undefined) return Effect.fail(fail("notFound", `there is no search index "${name}"`))
        if (index.queryable) continue
        if (index.status === "FAILED") {
          return Effect.fail(fail("searchFailed", `the search index "${name}" could not be built`))
        }
        ready = false
      }
      return Effect.succeed(ready)
    })
    const interval = checking(operation, () => {
      checkGiven(options)
      return durationOf(options.interval ?? "1 second", "options.interval")
    })
    return Effect.flatMap(interval, (interval) => {
      const loop: Effect.Effect<void, MongoError> = Effect.flatMap(
        check,
        (ready) => ready ? Effect.void : Effect.andThen(serverSleep(interval), loop)
      )
      return loop
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
        dropCollection(this.connection.driver.db(driver.dbName), this.name, options, driver.writeConcern)
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
