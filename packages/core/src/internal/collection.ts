import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import type * as Driver from "mongodb"
import type { ChangeStream, WatchOptions } from "../ChangeStream.ts"
import type * as Mongo from "../Mongo.ts"
import type { CollectionOptions, MongoCollection } from "../MongoCollection.ts"
import type { MongoDatabase } from "../MongoDatabase.ts"
import type { MongoError } from "../MongoError.ts"
import type { AggregateQuery, FindQuery, Query } from "../Query.ts"
import { makeChangeStream } from "./changeStream.ts"
import { InvalidInput } from "./classify.ts"
import type { Connection } from "./connection.ts"
import { checkDocument, checkFilter, checkOptions, checkReplacement, checkUpdate, checkValue } from "./inputSafety.ts"
import type { Operation } from "./naming.ts"
import { type CallOptions, run } from "./operation.ts"
import { defined } from "./options.ts"
import { makeAggregate, makeFind, makePlain } from "./query.ts"

/** @internal */
export const TypeId = "~@mongofx/core/MongoCollection" as const

type OptionsOf<Options, Left extends string = never> = Mongo.OptionsOf<Options, Left>

/** The driver assigns a missing `_id`, or null, on the object it is given: it gets a copy, the caller's stays as it was. */
const unshared = <A extends object>(document: A): A => {
  if ("_id" in document && document._id !== undefined && document._id !== null) return document
  const plain = "toBSON" in document && typeof document.toBSON === "function" ? document.toBSON() as A : document
  return { ...plain }
}

const prepareModel = (model: Driver.AnyBulkWriteOperation, path: string): Driver.AnyBulkWriteOperation => {
  if ("insertOne" in model) {
    // The driver takes the document itself in the place of its model, too.
    const document = model.insertOne.document ?? model.insertOne
    checkDocument(document, `${path}.insertOne.document`)
    return { insertOne: { document: unshared(document) } }
  }
  for (const [name, fields] of Object.entries(model)) {
    checkFilter(fields.filter, `${path}.${name}.filter`)
    if ("update" in fields) checkUpdate(fields.update, `${path}.${name}.update`)
    if ("replacement" in fields) checkReplacement(fields.replacement, `${path}.${name}.replacement`)
    checkOptions(fields, `${path}.${name}`)
  }
  return model
}

/** The number of documents in a batch; bad input is a failure when the effect runs, and nothing is thrown before. */
const lengthOf = (batch: ReadonlyArray<unknown>): number | undefined => Array.isArray(batch) ? batch.length : undefined

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
    // The driver would take the database of the connection string.
    if (this.database.name === "") throw new InvalidInput("name", "the name of the database is empty")
    return this.handle = this.connection.driver
      .db(this.database.name)
      .collection<A>(this.name, { ...defined(this.settings) as Driver.CollectionOptions, ignoreUndefined: true })
  }

  get bsonOptions(): Driver.BSONSerializeOptions {
    return this.driver.bsonOptions
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
      return call(this.driver, { ...defined(options), ...callOptions })
    })
  }

  withOptions(options: CollectionOptions): MongoCollection<A> {
    return new MongoCollectionImpl(this.connection, this.database, this.name, { ...this.settings, ...options })
  }

  insertOne(document: Driver.OptionalUnlessRequiredId<A>, options?: OptionsOf<Driver.InsertOneOptions>) {
    return this.run(this.operation("insertOne", "insert"), options, (driver, options) => {
      checkDocument(document, "document")
      return driver.insertOne(unshared(document), options)
    })
  }

  insertMany(
    documents: ReadonlyArray<Driver.OptionalUnlessRequiredId<A>>,
    options?: OptionsOf<Driver.BulkWriteOptions>
  ) {
    return this.run(this.operation("insertMany", "insert", lengthOf(documents)), options, (driver, options) => {
      const copies = documents.map((document, index) => {
        checkDocument(document, "documents", index)
        return unshared(document)
      })
      return driver.insertMany(copies, options)
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
        return driver.findOne(filter, options)
      }),
      Option.fromNullOr
    )
  }

  findOneAndDelete(
    filter: Driver.Filter<A>,
    options?: OptionsOf<Driver.FindOneAndDeleteOptions, "includeResultMetadata">
  ) {
    return Effect.map(
      this.run(this.operation("findOneAndDelete", "findAndModify"), options, (driver, options) => {
        checkFilter(filter)
        return driver.findOneAndDelete(filter, options)
      }),
      Option.fromNullOr
    )
  }

  findOneAndReplace(
    filter: Driver.Filter<A>,
    replacement: Driver.WithoutId<A>,
    options?: OptionsOf<Driver.FindOneAndReplaceOptions, "includeResultMetadata">
  ) {
    return Effect.map(
      this.run(this.operation("findOneAndReplace", "findAndModify"), options, (driver, options) => {
        checkFilter(filter)
        checkReplacement(replacement, "replacement")
        return driver.findOneAndReplace(filter, replacement, options)
      }),
      Option.fromNullOr
    )
  }

  findOneAndUpdate(
    filter: Driver.Filter<A>,
    update: Driver.UpdateFilter<A> | ReadonlyArray<Driver.Document>,
    options?: OptionsOf<Driver.FindOneAndUpdateOptions, "includeResultMetadata">
  ) {
    return Effect.map(
      this.run(this.operation("findOneAndUpdate", "findAndModify"), options, (driver, options) => {
        checkFilter(filter)
        checkUpdate(update)
        return driver.findOneAndUpdate(filter, update as Driver.UpdateFilter<A>, options)
      }),
      Option.fromNullOr
    )
  }

  updateOne(
    filter: Driver.Filter<A>,
    update: Driver.UpdateFilter<A> | ReadonlyArray<Driver.Document>,
    options?: OptionsOf<Driver.UpdateOptions & { sort?: Driver.Sort }>
  ) {
    return this.run(this.operation("updateOne", "update"), options, (driver, options) => {
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
    return this.run(this.operation("updateMany", "update"), options, (driver, options) => {
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
    return this.run(this.operation("replaceOne", "update"), options, (driver, options) => {
      checkFilter(filter)
      checkReplacement(replacement, "replacement")
      return driver.replaceOne(filter, replacement, options)
    })
  }

  deleteOne(filter: Driver.Filter<A>, options?: OptionsOf<Driver.DeleteOptions, "ordered">) {
    return this.run(this.operation("deleteOne", "delete"), options, (driver, options) => {
      checkFilter(filter)
      return driver.deleteOne(filter, options)
    })
  }

  deleteMany(filter: Driver.Filter<A>, options?: OptionsOf<Driver.DeleteOptions, "ordered">) {
    return this.run(this.operation("deleteMany", "delete"), options, (driver, options) => {
      checkFilter(filter)
      return driver.deleteMany(filter, options)
    })
  }

  bulkWrite(
    operations: ReadonlyArray<Driver.AnyBulkWriteOperation<A>>,
    options?: OptionsOf<Driver.BulkWriteOptions>
  ) {
    return this.run(this.operation("bulkWrite", "bulkWrite", operations.length), options, (driver, options) => {
      const models = operations.map((model, index) =>
        prepareModel(model as Driver.AnyBulkWriteOperation, `operations[${index}]`)
      )
      return driver.bulkWrite(models as Array<Driver.AnyBulkWriteOperation<A>>, options)
    })
  }

  countDocuments(filter: Driver.Filter<A> = {}, options?: OptionsOf<Driver.CountDocumentsOptions>) {
    return this.run(this.operation("countDocuments", "aggregate"), options, (driver, options) => {
      checkFilter(filter)
      return driver.countDocuments(filter, options)
    })
  }

  estimatedDocumentCount(options?: OptionsOf<Driver.EstimatedDocumentCountOptions>) {
    return this.run(
      this.operation("estimatedDocumentCount", "count"),
      options,
      (driver, options) => driver.estimatedDocumentCount(options)
    )
  }

  distinct<Key extends keyof Driver.WithId<A>>(
    key: Key | string,
    filter: Driver.Filter<A> = {},
    options?: OptionsOf<Driver.DistinctOptions>
  ): Effect.Effect<Array<Driver.Flatten<Driver.WithId<A>[Key]>>, MongoError> {
    return this.run(this.operation("distinct", "distinct"), options, (driver, options) => {
      checkFilter(filter)
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
    options: WatchOptions = {}
  ): ChangeStream<B> {
    return makeChangeStream<B>(
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

  createIndex(
    keys: Driver.IndexSpecification,
    indexOptions?: OptionsOf<Driver.IndexOptions>,
    options?: OptionsOf<Driver.CreateIndexOptions>
  ) {
    return this.run(this.operation("createIndex", "createIndexes"), options, (driver, options) => {
      checkValue(keys, "keys")
      checkValue(indexOptions ?? {}, "indexOptions")
      return driver.createIndex(keys, defined(indexOptions) as Driver.IndexOptions | undefined, options)
    })
  }

  createIndexes(
    indexes: ReadonlyArray<Driver.IndexDescription>,
    options?: OptionsOf<Driver.CreateIndexOptions>
  ) {
    return this.run(this.operation("createIndexes", "createIndexes", lengthOf(indexes)), options, (driver, options) => {
      checkValue(indexes, "indexes")
      return driver.createIndexes([...indexes], options)
    })
  }

  dropIndex(name: string, options?: OptionsOf<Driver.DropIndexesOptions>) {
    return Effect.asVoid(
      this.run(
        this.operation("dropIndex", "dropIndexes"),
        options,
        (driver, options) => driver.dropIndex(name, options)
      )
    )
  }

  dropIndexes(options?: OptionsOf<Driver.DropIndexesOptions>) {
    return this.run(
      this.operation("dropIndexes", "dropIndexes"),
      options,
      (driver, options) => driver.dropIndexes(options)
    )
  }

  listIndexes(options?: OptionsOf<Driver.ListIndexesOptions>): Query<Driver.IndexDescriptionInfo> {
    return makePlain(
      { connection: this.connection, operation: this.operation("listIndexes", "listIndexes") },
      (options) => this.driver.listIndexes(options),
      options
    )
  }

  indexExists(names: string | ReadonlyArray<string>, options?: OptionsOf<Driver.ListIndexesOptions>) {
    return this.run(
      this.operation("indexExists", "listIndexes"),
      options,
      (driver, options) => driver.indexExists(typeof names === "string" ? names : [...names], options)
    )
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
        (driver, options) => driver.rename(newName, options)
      ),
      (): MongoCollection<A> => new MongoCollectionImpl(this.connection, this.database, newName, this.settings)
    )
  }

  drop(options?: OptionsOf<Driver.DropCollectionOptions>) {
    return this.run(this.operation("drop", "drop"), options, (driver, options) => driver.drop(options))
  }
}

/** @internal */
export const makeCollection = <A extends Driver.Document>(
  connection: Connection,
  database: MongoDatabase,
  name: string,
  settings: CollectionOptions
): MongoCollection<A> => new MongoCollectionImpl<A>(connection, database, name, settings)
