/**
 * The operations of the format on clients, databases, collections, buckets, sessions and cursors, as calls of the public API.
 *
 * An operation reads all its arguments before it runs, so that malformed arguments never reach the server.
 *
 * @since 0.1.0
 */
import type { MongoCollection, MongoDatabase, MongoError, Query } from "@mongofx/core"
import { Effect, Exit, Option, Scope } from "effect"
import type * as Driver from "mongodb"
import { Args } from "./args.ts"
import * as drive from "./drive.ts"
import {
  type BucketEntity,
  type ClientEntity,
  concernsOf,
  type CursorEntity,
  type Entities,
  type Entity,
  lsidOf,
  type SessionEntity,
  transactionOptions
} from "./entities.ts"
import {
  array,
  AssertionFailed,
  type Document,
  document,
  documents,
  integer,
  isDocument,
  MalformedTest,
  onlyKeys,
  type Operation,
  string,
  Undrivable
} from "./format.ts"

export type Run = Effect.Effect<unknown, MongoError.MongoError>

/** What operations need from their test. */
export interface OperationContext {
  readonly entities: Entities
  /** Runs operations inside the callback of `withTransaction`: the first that fails fails the callback. */
  readonly runCallback: (operations: ReadonlyArray<unknown>) => Effect.Effect<void, MongoError.MongoError>
}

type Handler<A> = (target: A, args: Args, context: OperationContext) => Run

const filterOf = (args: Args): Document => document(args.required("filter"), "filter")

const pipelineOf = (args: Args): ReadonlyArray<Document> => documents(args.required("pipeline"), "pipeline")

/** An update is a document or a pipeline. */
const updateOf = (value: unknown): never =>
  (Array.isArray(value) ? documents(value, "update") : document(value, "update")) as never

/** Options in the public types. Only the names of the format's options are checked here; whoever takes the values checks those. */
const given = (args: Args, ...keys: ReadonlyArray<string>): never => {
  if (args.get("rawData") !== undefined) throw new Undrivable("rawData is in none of the driver's public types")
  return { ...args.options("comment", ...keys), ...concernsOf(args) } as never
}

const returnDocument = (args: Args): Document => {
  const value = args.get("returnDocument")
  if (value === undefined) return {}
  if (value === "Before" || value === "After") return { returnDocument: value.toLowerCase() }
  throw new MalformedTest(`returnDocument is ${String(value)}`)
}

const orNull = <A>(effect: Effect.Effect<Option.Option<A>, MongoError.MongoError>): Run =>
  Effect.map(effect, Option.getOrNull)

/** If nothing was upserted, the driver says null, and the format says nothing. */
const updateResult = (effect: Effect.Effect<Driver.UpdateResult, MongoError.MongoError>): Run =>
  Effect.map(effect, ({ matchedCount, modifiedCount, upsertedCount, upsertedId }) => ({
    matchedCount,
    modifiedCount,
    upsertedCount,
    ...upsertedId === null || upsertedId === undefined ? {} : { upsertedId }
  }))

export const bulkResult = (result: Driver.BulkWriteResult): Document => ({
  insertedCount: result.insertedCount,
  matchedCount: result.matchedCount,
  modifiedCount: result.modifiedCount,
  deletedCount: result.deletedCount,
  upsertedCount: result.upsertedCount,
  insertedIds: result.insertedIds,
  upsertedIds: result.upsertedIds
})

const modelKeys: Readonly<Record<string, ReadonlyArray<string>>> = {
  insertOne: ["document"],
  updateOne: ["filter", "update", "arrayFilters", "collation", "hint", "upsert", "sort"],
  updateMany: ["filter", "update", "arrayFilters", "collation", "hint", "upsert"],
  replaceOne: ["filter", "replacement", "collation", "hint", "upsert", "sort"],
  deleteOne: ["filter", "collation", "hint"],
  deleteMany: ["filter", "collation", "hint"]
}

/** The one kind of a write model, and its fields. */
const modelOf = (model: Document, where: string, more: ReadonlyArray<string>): readonly [string, Document] => {
  const [kind, ...others] = Object.keys(model)
  const keys = kind === undefined ? undefined : modelKeys[kind]
  if (kind === undefined || keys === undefined || others.length > 0) {
    throw new MalformedTest(`${where} is not a write model`)
  }
  const fields = document(model[kind], `${where}.${kind}`)
  onlyKeys(fields, [...keys, ...more], `${where}.${kind}`)
  return [kind, fields]
}

const findOptions = [
  "allowDiskUse",
  "allowPartialResults",
  "batchSize",
  "collation",
  "hint",
  "let",
  "limit",
  "max",
  "maxTimeMS",
  "min",
  "noCursorTimeout",
  "oplogReplay",
  "projection",
  "returnKey",
  "showRecordId",
  "skip",
  "sort"
]

interface Cursor {
  readonly query: Query.Query<unknown>
  readonly waits: boolean
}

const cursorType = (args: Args): { readonly tailable: boolean; readonly awaitData: boolean } => {
  const type = args.get("cursorType")
  switch (type) {
    case undefined:
    case "nonTailable":
      return { tailable: false, awaitData: false }
    case "tailable":
      return { tailable: true, awaitData: false }
    case "tailableAwait":
      return { tailable: true, awaitData: true }
    default:
      throw new MalformedTest(`cursorType is ${String(type)}`)
  }
}

const noTimeoutMode = (args: Args): void => {
  if (args.get("timeoutMode") !== undefined) {
    throw new Undrivable("timeoutMode belongs to timeoutMS, which is not offered")
  }
}

const findCursor = (collection: MongoCollection.MongoCollection, args: Args): Cursor => {
  noTimeoutMode(args)
  const { awaitData, tailable } = cursorType(args)
  const maxAwaitTimeMS = args.get("maxAwaitTimeMS")
  const query = collection.find(filterOf(args), given(args, ...findOptions))
  if (!tailable) return { query, waits: false }
  return {
    query: query.tailable({
      awaitData,
      ...maxAwaitTimeMS === undefined ? {} : { maxAwaitTimeMS: integer(maxAwaitTimeMS, "maxAwaitTimeMS") }
    }),
    waits: true
  }
}

const commandCursor = (database: MongoDatabase.MongoDatabase, args: Args): Cursor => {
  noTimeoutMode(args)
  const command = commandOf(args)
  const { awaitData, tailable } = cursorType(args)
  const options = given(args, "batchSize", "maxTimeMS")
  return {
    query: database.runCursorCommand(command, tailable ? { ...options as object, tailable, awaitData } : options),
    waits: tailable
  }
}

/** The first key of the command must be its name, in whatever order the test has its keys. */
const commandOf = (args: Args): Document => {
  const command = document(args.required("command"), "command")
  const name = args.get("commandName")
  if (name === undefined) return command
  const { [string(name, "commandName")]: value, ...others } = command
  if (value === undefined) throw new MalformedTest(`the command has no ${String(name)}`)
  return { [name as string]: value, ...others }
}

const changeStreamOptions = [
  "fullDocument",
  "fullDocumentBeforeChange",
  "resumeAfter",
  "startAfter",
  "startAtOperationTime",
  "showExpandedEvents",
  "batchSize",
  "collation"
]

interface Watchable {
  readonly watch: MongoDatabase.MongoDatabase["watch"]
}

const openChangeStream: Handler<Watchable> = (target, args, { entities }) => {
  const maxAwaitTime = args.get("maxAwaitTimeMS")
  noTimeoutMode(args)
  const changes = target.watch(documents(args.get("pipeline") ?? [], "pipeline"), {
    ...given(args, ...changeStreamOptions) as object,
    ...maxAwaitTime === undefined ? {} : { maxAwaitTime: integer(maxAwaitTime, "maxAwaitTimeMS") }
  })
  return Effect.gen(function*() {
    const scope = yield* entities.child()
    const open = yield* Scope.provide(changes.open, scope)
    return {
      kind: "cursor",
      next: Effect.map(open.next, ({ events }) => events),
      waits: true,
      buffer: [],
      scope
    } satisfies CursorEntity
  })
}

const openCursor = ({ query, waits }: Cursor, { entities }: OperationContext): Run =>
  Effect.gen(function*() {
    const scope = yield* entities.child()
    const open = yield* Scope.provide(query.open, scope)
    return { kind: "cursor", next: open.next, waits, buffer: [], scope } satisfies CursorEntity
  })

const aggregateOptions = [
  "allowDiskUse",
  "batchSize",
  "bypassDocumentValidation",
  "collation",
  "hint",
  "let",
  "maxTimeMS",
  "maxAwaitTimeMS"
]

const names = (
  effect: Effect.Effect<ReadonlyArray<{ readonly name?: string | undefined }>, MongoError.MongoError>
): Run => Effect.map(effect, (all) => all.map(({ name }) => name))

const collectionOperations: Record<string, Handler<MongoCollection.MongoCollection>> = {
  aggregate: (collection, args) => {
    noTimeoutMode(args)
    return collection.aggregate(pipelineOf(args), given(args, ...aggregateOptions))
  },
  bulkWrite: (collection, args) => {
    const models = documents(args.required("requests"), "requests").map((request, index) => {
      const [kind, fields] = modelOf(request, `requests[${index}]`, [])
      return { [kind]: fields }
    })
    const options = given(args, "ordered", "bypassDocumentValidation", "let", "maxTimeMS")
    return Effect.map(collection.bulkWrite(models as never, options), bulkResult)
  },
  count: () => {
    throw new Undrivable("count is deprecated in the driver and left out")
  },
  countDocuments: (collection, args) =>
    collection.countDocuments(filterOf(args), given(args, "collation", "hint", "limit", "maxTimeMS", "skip")),
  createChangeStream: (collection, args, context) => openChangeStream(collection, args, context),
  createFindCursor: (collection, args, context) => openCursor(findCursor(collection, args), context),
  createIndex: (collection, args) => {
    const keys = document(args.required("keys"), "keys")
    const options = given(args, "maxTimeMS", "commitQuorum")
    return collection.createIndex(keys as never, args.rest() as never, options)
  },
  createSearchIndex: (collection, args) =>
    Effect.map(
      drive.createSearchIndexes(collection, [searchIndexOf(args.required("model"))]),
      (names) => (names as ReadonlyArray<unknown>)[0]
    ),
  createSearchIndexes: (collection, args) =>
    drive.createSearchIndexes(collection, array(args.required("models"), "models").map(searchIndexOf)),
  deleteMany: (collection, args) =>
    Effect.map(collection.deleteMany(filterOf(args), given(args, ...deleteOptions)), deleteResult),
  deleteOne: (collection, args) =>
    Effect.map(collection.deleteOne(filterOf(args), given(args, ...deleteOptions)), deleteResult),
  distinct: (collection, args) =>
    collection.distinct(
      string(args.required("fieldName"), "fieldName"),
      filterOf(args),
      given(args, "collation", "hint", "maxTimeMS")
    ),
  drop: (collection, args) => collection.drop(given(args)),
  dropIndex: (collection, args) =>
    collection.dropIndex(string(args.required("name"), "name"), given(args, "maxTimeMS")),
  dropIndexes: (collection, args) => collection.dropIndexes(given(args, "maxTimeMS")),
  dropSearchIndex: (collection, args) => drive.dropSearchIndex(collection, string(args.required("name"), "name")),
  estimatedDocumentCount: (collection, args) => collection.estimatedDocumentCount(given(args, "maxTimeMS")),
  find: (collection, args) => findCursor(collection, args).query,
  findOne: (collection, args) => orNull(collection.findOne(filterOf(args), given(args, ...findOptions))),
  findOneAndDelete: (collection, args) =>
    orNull(collection.findOneAndDelete(filterOf(args), given(args, ...modifyOptions))),
  findOneAndReplace: (collection, args) =>
    orNull(
      collection.findOneAndReplace(
        filterOf(args),
        document(args.required("replacement"), "replacement"),
        { ...given(args, ...modifyOptions) as object, ...returnDocument(args) }
      )
    ),
  findOneAndUpdate: (collection, args) =>
    orNull(
      collection.findOneAndUpdate(
        filterOf(args),
        updateOf(args.required("update")),
        { ...given(args, "arrayFilters", ...modifyOptions) as object, ...returnDocument(args) }
      )
    ),
  insertMany: (collection, args) =>
    Effect.map(
      collection.insertMany(
        documents(args.required("documents"), "documents"),
        given(args, "ordered", "bypassDocumentValidation", "maxTimeMS")
      ),
      ({ insertedCount, insertedIds }) => ({ insertedCount, insertedIds })
    ),
  insertOne: (collection, args) =>
    Effect.map(
      collection.insertOne(
        document(args.required("document"), "document"),
        given(args, "bypassDocumentValidation", "maxTimeMS")
      ),
      ({ insertedId }) => ({ insertedId })
    ),
  listIndexes: (collection, args) => {
    noTimeoutMode(args)
    return collection.listIndexes(given(args, "batchSize", "maxTimeMS"))
  },
  listIndexNames: (collection, args) => {
    noTimeoutMode(args)
    return names(collection.listIndexes(given(args, "batchSize", "maxTimeMS")))
  },
  listSearchIndexes: (collection, args) => {
    const name = args.get("name")
    const options = document(args.get("aggregationOptions") ?? {}, "aggregationOptions")
    onlyKeys(options, aggregateOptions, "aggregationOptions")
    return drive.listSearchIndexes(collection, name === undefined ? undefined : string(name, "name"), options)
  },
  mapReduce: () => {
    throw new Undrivable("the driver has no mapReduce any more")
  },
  rename: (collection, args) => {
    const to = string(args.required("to"), "to")
    return Effect.asVoid(collection.rename(to, given(args, "dropTarget")))
  },
  replaceOne: (collection, args) =>
    updateResult(
      collection.replaceOne(
        filterOf(args),
        document(args.required("replacement"), "replacement"),
        given(args, "sort", ...updateOptions)
      )
    ),
  updateMany: (collection, args) =>
    updateResult(
      collection.updateMany(filterOf(args), updateOf(args.required("update")), given(args, ...updateOptions))
    ),
  updateOne: (collection, args) =>
    updateResult(
      collection.updateOne(filterOf(args), updateOf(args.required("update")), given(args, "sort", ...updateOptions))
    ),
  updateSearchIndex: (collection, args) =>
    drive.updateSearchIndex(
      collection,
      string(args.required("name"), "name"),
      document(args.required("definition"), "definition")
    )
}

const deleteOptions = ["collation", "hint", "let", "maxTimeMS"]
const updateOptions = ["arrayFilters", "bypassDocumentValidation", "collation", "hint", "let", "maxTimeMS", "upsert"]
const modifyOptions = [
  "bypassDocumentValidation",
  "collation",
  "hint",
  "let",
  "maxTimeMS",
  "projection",
  "sort",
  "upsert"
]

const deleteResult = ({ deletedCount }: Driver.DeleteResult) => ({ deletedCount })

const searchIndexOf = (value: unknown): drive.SearchIndexModel => {
  const model = document(value, "model")
  onlyKeys(model, ["name", "type", "definition"], "model")
  return { ...model, definition: document(model["definition"], "definition") } as drive.SearchIndexModel
}

const databaseOperations: Record<string, Handler<MongoDatabase.MongoDatabase>> = {
  aggregate: (database, args) => {
    noTimeoutMode(args)
    return database.aggregate(pipelineOf(args), given(args, ...aggregateOptions))
  },
  createChangeStream: (database, args, context) => openChangeStream(database, args, context),
  createCollection: (database, args) => {
    const name = string(args.required("collection"), "collection")
    return database.createCollection(name, { ...concernsOf(args), ...args.rest() } as never)
  },
  createCommandCursor: (database, args, context) => openCursor(commandCursor(database, args), context),
  dropCollection: (database, args) =>
    database.dropCollection(string(args.required("collection"), "collection"), given(args)),
  listCollectionNames: (database, args) => {
    const filter = document(args.get("filter") ?? {}, "filter")
    const options = given(args, "batchSize", "maxTimeMS", "authorizedCollections")
    return Object.keys(options).length === 0
      ? database.listCollectionNames(filter)
      : names(database.listCollections(filter, { ...options as object, nameOnly: true }))
  },
  listCollectionObjects: (database, args) =>
    Effect.map(
      database.listCollections(document(args.get("filter") ?? {}, "filter"), given(args, "batchSize", "maxTimeMS")),
      (all) => all.map(({ name }) => database.collection(name).fullName)
    ),
  listCollections: (database, args) => {
    noTimeoutMode(args)
    return database.listCollections(
      document(args.get("filter") ?? {}, "filter"),
      given(args, "batchSize", "maxTimeMS", "nameOnly", "authorizedCollections")
    )
  },
  modifyCollection: (database, args) => {
    const name = string(args.required("collection"), "collection")
    return database.command({ collMod: name, ...args.rest() })
  },
  runCommand: (database, args) => database.command(commandOf(args), given(args)),
  runCursorCommand: (database, args) => commandCursor(database, args).query
}

const clientOperations: Record<string, Handler<ClientEntity>> = {
  appendMetadata: ({ mongo }, args) => {
    const info = document(args.required("driverInfoOptions"), "driverInfoOptions")
    onlyKeys(info, ["name", "version", "platform"], "driverInfoOptions")
    return drive.appendMetadata(mongo, info)
  },
  clientBulkWrite: ({ mongo }, args) => {
    const models = documents(args.required("models"), "models").map((model, index) => {
      const [kind, fields] = modelOf(model, `models[${index}]`, ["namespace"])
      string(fields["namespace"], `models[${index}].namespace`)
      return { [kind]: fields }
    })
    const options = given(args, "ordered", "bypassDocumentValidation", "let", "verboseResults")
    return drive.clientBulkWrite(mongo, models, options)
  },
  close: (client) => Scope.close(client.scope, Exit.void),
  createChangeStream: ({ mongo }, args, context) => openChangeStream(mongo, args, context),
  dropDatabase: ({ mongo }, args) => mongo.dropDatabase(string(args.required("database"), "database")),
  listDatabaseNames: ({ mongo }, args) => {
    const options = given(args, "filter", "authorizedDatabases", "maxTimeMS")
    return Object.keys(options).length === 0
      ? mongo.listDatabaseNames()
      : names(mongo.listDatabases({ ...options as object, nameOnly: true }))
  },
  listDatabaseObjects: ({ mongo }) =>
    Effect.map(mongo.listDatabaseNames(), (all) => all.map((name) => mongo.db(name).name)),
  listDatabases: ({ mongo }, args) =>
    mongo.listDatabases(given(args, "filter", "authorizedDatabases", "maxTimeMS", "nameOnly"))
}

const sessionOperations: Record<string, Handler<SessionEntity>> = {
  abortTransaction: ({ session }) => session.abortTransaction,
  commitTransaction: ({ session }) => session.commitTransaction,
  endSession: (entity) =>
    Effect.suspend(() => {
      entity.lsid ??= lsidOf(entity)
      return Scope.close(entity.scope, Exit.void)
    }),
  getSnapshotTime: () => {
    throw new Undrivable("the driver does not show the time of a snapshot session")
  },
  startTransaction: ({ session }, args) => session.startTransaction(transactionOptions(args)),
  withTransaction: ({ session }, args, { runCallback }) => {
    const callback = array(args.required("callback"), "callback")
    return session.withTransaction(runCallback(callback), transactionOptions(args))
  }
}

const bytesOf = (value: unknown): Uint8Array => {
  const source = document(value, "source")
  const hex = source["$$hexBytes"]
  onlyKeys(source, ["$$hexBytes"], "source")
  if (typeof hex !== "string" || !/^([0-9a-f]{2})*$/i.test(hex)) throw new MalformedTest("source has no $$hexBytes")
  return Buffer.from(hex, "hex")
}

const uploadOptions = (args: Args): Document => {
  const options = args.options("chunkSizeBytes", "metadata")
  if (args.get("contentType") !== undefined) throw new Undrivable("the driver has no contentType of a file any more")
  if (args.get("disableMD5") !== undefined) throw new Undrivable("the driver makes no MD5 any more")
  return options
}

const bucketOperations: Record<string, Handler<BucketEntity>> = {
  delete: ({ bucket }, args) => bucket.delete(args.required("id")),
  deleteByName: ({ bucket }, args) => bucket.deleteByName(string(args.required("filename"), "filename")),
  download: ({ bucket }, args) => bucket.download(args.required("id")),
  downloadByName: ({ bucket }, args) => {
    const revision = args.get("revision")
    return bucket.downloadByName(
      string(args.required("filename"), "filename"),
      revision === undefined ? undefined : integer(revision, "revision")
    )
  },
  drop: ({ bucket }) => bucket.drop(),
  find: ({ bucket }, args) =>
    bucket.find(filterOf(args), args.options("allowDiskUse", "batchSize", "limit", "maxTimeMS", "skip", "sort")),
  rename: ({ bucket }, args) => bucket.rename(args.required("id"), string(args.required("newFilename"), "newFilename")),
  renameByName: ({ bucket }, args) =>
    bucket.renameByName(
      string(args.required("filename"), "filename"),
      string(args.required("newFilename"), "newFilename")
    ),
  upload: ({ bucket }, args) =>
    bucket.upload(
      string(args.required("filename"), "filename"),
      bytesOf(args.required("source")),
      uploadOptions(args)
    ),
  uploadWithId: ({ bucket }, args) =>
    bucket.uploadWithId(
      args.required("id"),
      string(args.required("filename"), "filename"),
      bytesOf(args.required("source")),
      uploadOptions(args)
    )
}

/** The next document, if one has arrived; `attempts` says how often the server may be asked for more. */
const take = (cursor: CursorEntity, attempts: number): Run =>
  Effect.suspend((): Run => {
    if (cursor.buffer.length > 0) return Effect.succeed(cursor.buffer.shift())
    if (attempts === 0) return Effect.undefined
    return Effect.flatMap(cursor.next, (batch) => {
      cursor.buffer.push(...batch)
      if (batch.length === 0 && !cursor.waits) {
        return attempts === 1 ? Effect.undefined : Effect.die(new AssertionFailed("the cursor has no more documents"))
      }
      return take(cursor, attempts - 1)
    })
  })

const cursorOperations: Record<string, Handler<CursorEntity>> = {
  close: (cursor) => Scope.close(cursor.scope, Exit.void),
  iterateOnce: (cursor) => take(cursor, 1),
  iterateUntilDocumentOrError: (cursor) => take(cursor, Infinity)
}

const targetOf = (entity: Entity): readonly [target: unknown, operations: Record<string, Handler<never>>] => {
  switch (entity.kind) {
    case "collection":
      return [entity.collection, collectionOperations]
    case "database":
      return [entity.database, databaseOperations]
    case "client":
      return [entity, clientOperations]
    case "session":
      return [entity, sessionOperations]
    case "bucket":
      return [entity, bucketOperations]
    case "cursor":
      return [entity, cursorOperations]
    default:
      throw new MalformedTest(`nothing can be done with an entity of the kind ${entity.kind}`)
  }
}

/** The operations whose results are documents each of which may have more keys than are expected. */
const iterables = new Set([
  "aggregate",
  "find",
  "listCollections",
  "listDatabases",
  "listIndexes",
  "listSearchIndexes",
  "runCursorCommand"
])

export const isIterable = (operation: Operation): boolean => iterables.has(operation.name)

/** An operation on an entity as an effect of its result. Throws if it is malformed or not supported. */
export const prepare = (operation: Operation, context: OperationContext): Run => {
  const [target, operations] = targetOf(context.entities.get(operation.object))
  const handler = Object.hasOwn(operations, operation.name) ? operations[operation.name] : undefined
  if (handler === undefined) throw new MalformedTest(`${operation.object} has no operation ${operation.name}`)
  const args = new Args(operation.arguments, operation.name)
  const sessionName = args.get("session")
  const timeout = operations === (sessionOperations as unknown) && /^(start|with)/.test(operation.name)
    ? undefined
    : args.get("timeoutMS")
  const effect = (handler as Handler<unknown>)(target, args, context)
  args.done()
  // 0 means without a timeout, as every operation is by default.
  const timed = timeout === undefined || timeout === 0
    ? effect
    : context.entities.api.withTimeout(integer(timeout, "timeoutMS"), effect)
  if (sessionName === undefined) return timed
  return context.entities.of("session", sessionName, "session").session.use(timed)
}

/** What a saved result becomes: collections and cursors can be used further, other results are for comparisons. */
export const saved = (operation: Operation, result: unknown, entities: Entities): Entity => {
  if (isDocument(result) && result["kind"] === "cursor" && "next" in result) return result as unknown as CursorEntity
  if (entities.api.isCollection(result)) {
    const { client } = entities.of("database", operation.object)
    return { kind: "collection", collection: result, client }
  }
  return { kind: "value", value: result }
}
