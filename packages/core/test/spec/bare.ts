/**
 * The bare driver in the shape of mongofx, so that the same runner can tell what it does with the same tests.
 *
 * Only the shape is ours: each method is the driver's, with its results and its errors.
 *
 * @since 0.1.0
 */
import type { MongoClient, MongoCollection, MongoDatabase, MongoError, MongoSession } from "@mongofx/core"
import { Context, Effect, Option, type Scope } from "effect"
import * as Driver from "mongodb"
import { type Api, clientBulkResult, type SpecBucket } from "./drive.ts"
import type { Failure } from "./errors.ts"
import { AssertionFailed, type Document, isDocument, Undrivable } from "./format.ts"
import { bulkResult } from "./operations.ts"

type Run = Effect.Effect<unknown, MongoError.MongoError>

interface Ambient {
  readonly session?: Driver.ClientSession
  readonly timeoutMS?: number
}

/** The session that the operations of an effect join, as they do in mongofx by themselves. */
const Ambient: Context.Reference<Ambient> = Context.Reference("mongofx/spec/Ambient", { defaultValue: () => ({}) })

const within = (more: Ambient) => (effect: Run): Run =>
  Effect.flatMap(Ambient, (ambient) => Effect.provideService(effect, Ambient, { ...ambient, ...more }))

/** It fails with the driver's own error, which only `failureOf` reads. Its type is that of the shape. */
const attempt = <A>(run: (ambient: Ambient) => A | PromiseLike<A>): Effect.Effect<A, MongoError.MongoError> =>
  Effect.flatMap(
    Ambient,
    (ambient) => Effect.tryPromise({ try: async () => run(ambient), catch: (cause) => cause as MongoError.MongoError })
  )

/** The position of the options among the arguments. */
const optionsAt: Readonly<Record<string, number>> = {
  aggregate: 1,
  bulkWrite: 1,
  command: 1,
  count: 1,
  countDocuments: 1,
  createCollection: 1,
  deleteMany: 1,
  deleteOne: 1,
  distinct: 2,
  drop: 0,
  dropCollection: 1,
  dropDatabase: 0,
  dropIndex: 1,
  dropIndexes: 0,
  estimatedDocumentCount: 0,
  find: 1,
  findOne: 1,
  findOneAndDelete: 1,
  findOneAndReplace: 2,
  findOneAndUpdate: 2,
  insertMany: 1,
  insertOne: 1,
  listCollections: 1,
  listIndexes: 0,
  rename: 1,
  replaceOne: 2,
  runCursorCommand: 1,
  updateMany: 2,
  updateOne: 2
}

type Method = (...args: ReadonlyArray<unknown>) => unknown

const call = (target: object, name: string, args: ReadonlyArray<unknown>, ambient: Ambient): unknown => {
  const at = optionsAt[name]!
  const before = Array.from({ length: at }, (_, index) => args[index])
  return (Reflect.get(target, name) as Method).call(target, ...before, { ...args[at] as Document, ...ambient })
}

/** The driver opens cursors and change streams at the first request for a document; the tests open them at once. */
const opened = async (cursor: Driver.AbstractCursor): Promise<void> => {
  const { cursorInit } = cursor as unknown as { readonly cursorInit: () => Promise<void> }
  if (cursor.id === undefined || cursor.id === null) await cursorInit.call(cursor)
}

interface Pulled {
  readonly tryNext: () => Promise<unknown>
  readonly close: () => Promise<unknown>
}

const open = <A extends Pulled>(
  make: Effect.Effect<A, MongoError.MongoError>,
  cursorOf: (made: A) => Driver.AbstractCursor
) =>
  Effect.map(
    Effect.tap(
      Effect.acquireRelease(make, (made) => Effect.promise(() => made.close().catch(() => undefined))),
      (made) => attempt(() => opened(cursorOf(made)))
    ),
    (made) => ({
      next: attempt(async () => {
        const next = await made.tryNext()
        return next === null ? [] : [next]
      })
    })
  )

/** A cursor as a query: an effect of all its documents, which can also be opened. */
const query = (make: (ambient: Ambient, more: Document) => Driver.AbstractCursor, more: Document = {}): object => {
  const all = attempt((ambient) => make(ambient, more).toArray())
  return Object.assign(all, {
    open: open(attempt((ambient) => make(ambient, more)), (cursor) => cursor),
    tailable: (options: Document) => query(make, { tailable: true, ...options })
  })
}

const cursors = new Set(["find", "aggregate", "listIndexes", "listCollections", "runCursorCommand"])
const options = new Set(["findOne", "findOneAndDelete", "findOneAndReplace", "findOneAndUpdate"])

interface Watchable {
  readonly watch: (pipeline: Array<Document>, options: Document) => Driver.ChangeStream
}

const watch = (target: Watchable) => (pipeline: ReadonlyArray<Document>, { maxAwaitTime, ...given }: Document) => ({
  open: Effect.map(
    open(
      attempt((ambient) =>
        target.watch([...pipeline], {
          ...given,
          ...ambient,
          ...maxAwaitTime === undefined ? {} : { maxAwaitTimeMS: maxAwaitTime }
        })
      ),
      (stream) => (stream as unknown as { readonly cursor: Driver.AbstractCursor }).cursor
    ),
    ({ next }) => ({ next: Effect.map(next, (events) => ({ events })) })
  )
})

/** The methods of a collection or a database by their names, each as an effect. Methods with other names in the driver are given. */
const methods = (target: Driver.Collection | Driver.Db, more: Document): unknown =>
  new Proxy(more, {
    get: (_, key) => {
      if (typeof key !== "string" || key in more) return Reflect.get(more, key) as unknown
      if (!(key in optionsAt)) return Reflect.get(target, key) as unknown
      return (...args: ReadonlyArray<unknown>) => {
        if (cursors.has(key)) {
          return query((ambient, more) => {
            const all = [...args]
            all[optionsAt[key]!] = { ...args[optionsAt[key]!] as Document, ...more }
            return call(target, key, all, ambient) as Driver.AbstractCursor
          })
        }
        const run = attempt((ambient) => call(target, key, args, ambient))
        return options.has(key) ? Effect.map(run, Option.fromNullishOr) : run
      }
    }
  })

const made = new WeakSet<object>()

/** Whether a value is a collection that an operation has made. */
const isCollection = (value: unknown): value is MongoCollection.MongoCollection =>
  typeof value === "object" && value !== null && made.has(value)

const collectionOf = (driver: Driver.Collection): MongoCollection.MongoCollection => {
  const api = methods(driver, {
    fullName: driver.namespace,
    watch: watch(driver as unknown as Watchable),
    createIndex: (keys: Document, index: Document, settings: Document) =>
      attempt((ambient) => driver.createIndex(keys as never, { ...index, ...settings, ...ambient })),
    createSearchIndexes: (models: ReadonlyArray<Driver.SearchIndexDescription>) =>
      attempt(() => driver.createSearchIndexes([...models])),
    updateSearchIndex: (name: string, definition: Document) =>
      attempt(() => driver.updateSearchIndex(name, definition)),
    dropSearchIndex: (name: string) => attempt(() => driver.dropSearchIndex(name)),
    listSearchIndexes: (name: string | undefined, options: Document) =>
      query(() => name === undefined ? driver.listSearchIndexes(options) : driver.listSearchIndexes(name, options))
  }) as MongoCollection.MongoCollection
  made.add(api)
  return api
}

const databases = new WeakMap<object, Driver.Db>()

const databaseOf = (driver: Driver.Db): MongoDatabase.MongoDatabase => {
  const api = methods(driver, {
    name: driver.databaseName,
    collection: (name: string, options?: Driver.CollectionOptions) => collectionOf(driver.collection(name, options)),
    createCollection: (name: string, options: Document) =>
      Effect.map(attempt((ambient) => driver.createCollection(name, { ...options, ...ambient })), collectionOf),
    listCollectionNames: (filter: Document) =>
      attempt(async (ambient) =>
        (await driver.listCollections(filter, { nameOnly: true, ...ambient }).toArray()).map(({ name }) => name)
      ),
    watch: watch(driver as unknown as Watchable)
  }) as MongoDatabase.MongoDatabase
  databases.set(api, driver)
  return api
}

/** Runs a callback as the driver wants it; what the runner finds wrong in it does not make the transaction fail. */
const callback = (body: Run, ambient: Ambient) => async (): Promise<unknown> =>
  Effect.runPromise(Effect.provideService(body, Ambient, ambient))

const orDie = (effect: Run): Run =>
  Effect.catch(
    effect,
    (cause) => (cause as unknown) instanceof AssertionFailed ? Effect.die(cause) : Effect.fail(cause)
  )

const sessionOf = (
  client: Driver.MongoClient,
  settings: MongoSession.SessionOptions
): Effect.Effect<MongoSession.MongoSession, MongoError.MongoError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      attempt(() =>
        client.startSession({
          ...settings.causalConsistency === undefined ? {} : { causalConsistency: settings.causalConsistency },
          ...settings.snapshot === undefined ? {} : { snapshot: settings.snapshot },
          ...settings.defaultTransactionOptions === undefined
            ? {}
            : { defaultTransactionOptions: transactionOptions(settings.defaultTransactionOptions) }
        })
      ),
      (session) => Effect.promise(() => session.endSession().catch(() => undefined))
    ),
    (session) => ({
      id: Effect.sync(() => Option.fromNullishOr(session.id)),
      use: within({ session }),
      abortTransaction: attempt(({ timeoutMS }) =>
        session.abortTransaction(timeoutMS === undefined ? {} : { timeoutMS })
      ),
      commitTransaction: attempt(({ timeoutMS }) =>
        session.commitTransaction(timeoutMS === undefined ? {} : { timeoutMS })
      ),
      startTransaction: (options: MongoSession.TransactionOptions) =>
        attempt(() => session.startTransaction(transactionOptions(options))),
      withTransaction: (body: Run, options: MongoSession.TransactionOptions) =>
        orDie(attempt((ambient) => session.withTransaction(callback(body, ambient), transactionOptions(options))))
    } as unknown as MongoSession.MongoSession)
  )

const transactionOptions = (
  { maxCommitTime, ...options }: MongoSession.TransactionOptions
): Driver.TransactionOptions =>
  Object.fromEntries(
    Object.entries({ ...options, maxCommitTimeMS: maxCommitTime }).filter(([, value]) => value !== undefined)
  )

const fromClient = (driver: Driver.MongoClient): MongoClient.MongoClient =>
  ({
    db: (name: string, options?: Driver.DbOptions) => databaseOf(driver.db(name, options)),
    use: (run: (driver: Driver.MongoClient, signal: undefined, session: unknown) => Promise<unknown>) =>
      attempt(({ session }) => run(driver, undefined, session)),
    session: (settings: MongoSession.SessionOptions) => sessionOf(driver, settings),
    appendMetadata: (info: Driver.DriverInfo) => attempt(() => driver.appendMetadata(info)),
    bulkWrite: (models: ReadonlyArray<Driver.AnyClientBulkWriteModel<Driver.Document>>, options: Document) =>
      attempt((ambient) => driver.bulkWrite([...models], { ...options, ...ambient })),
    dropDatabase: (name: string) => attempt((ambient) => driver.db(name).dropDatabase({ ...ambient })),
    listDatabases: (options: Document) =>
      attempt(async (ambient) =>
        (await driver.db("admin").admin().listDatabases({ ...options, ...ambient })).databases
      ),
    listDatabaseNames: () =>
      attempt(async (ambient) =>
        (await driver.db("admin").admin().listDatabases({ nameOnly: true, ...ambient })).databases.map(({ name }) =>
          name
        )
      ),
    watch: watch(driver as unknown as Watchable)
  }) as unknown as MongoClient.MongoClient

const ended = (stream: NodeJS.WritableStream, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    stream.once("error", reject).once("finish", () => resolve())
    stream.end(Buffer.from(bytes))
  })

const read = async (stream: NodeJS.ReadableStream): Promise<Buffer> => {
  const chunks: Array<Uint8Array> = []
  for await (const chunk of stream) chunks.push(chunk as unknown as Uint8Array)
  return Buffer.concat(chunks)
}

const makeBucket = (database: MongoDatabase.MongoDatabase, settings: Document): SpecBucket => {
  const bucket = new Driver.GridFSBucket(databases.get(database)!, settings)
  const uploaded = (stream: Driver.GridFSBucketWriteStream, bytes: Uint8Array) =>
    attempt(async () => {
      await ended(stream, bytes)
      return stream.id
    })
  const id = (value: unknown) => value as Driver.ObjectId
  const missing = (name: string): never => {
    throw new Undrivable(`the bucket of the driver has no ${name}`)
  }
  return {
    upload: (filename, bytes, options) => uploaded(bucket.openUploadStream(filename, options), bytes),
    uploadWithId: (fileId, filename, bytes, options) =>
      uploaded(bucket.openUploadStreamWithId(id(fileId), filename, options), bytes),
    download: (fileId) =>
      attempt(({ timeoutMS }) => read(bucket.openDownloadStream(id(fileId), { timeoutMS } as never))),
    downloadByName: (filename, revision) =>
      attempt(() => read(bucket.openDownloadStreamByName(filename, revision === undefined ? {} : { revision }))),
    delete: (fileId) =>
      attempt(({ timeoutMS }) => bucket.delete(id(fileId), timeoutMS === undefined ? {} : { timeoutMS })),
    deleteByName: () => missing("deleteByName"),
    rename: (fileId, filename) => attempt(() => bucket.rename(id(fileId), filename)),
    renameByName: () => missing("renameByName"),
    drop: () => attempt(() => bucket.drop()),
    find: (filter, options) => attempt((ambient) => bucket.find(filter, { ...options, ...ambient }).toArray())
  }
}

const plainParts = (errors: Iterable<readonly [number, unknown]>) =>
  Array.from(errors, ([index, error]) => {
    const { code, codeName, errmsg, message } = error as Document
    return { index, part: { code, codeName, message: message ?? errmsg } }
  })

const partialResultOf = (error: unknown): Document | undefined => {
  if (error instanceof Driver.MongoBulkWriteError) return bulkResult(error.result)
  if (!(error instanceof Driver.MongoClientBulkWriteError) || error.partialResult === undefined) return undefined
  return clientBulkResult(error.partialResult)
}

/** Reads the driver's own error. */
const failureOf = (error: unknown): Failure => {
  const cause = error instanceof Driver.MongoClientBulkWriteError && error.cause instanceof Error ? error.cause : error
  const all = [error, cause].filter((each): each is Error => each instanceof Error)
  const { code, codeName, errorResponse, result } = cause as Document
  const parts = error instanceof Driver.MongoClientBulkWriteError
    ? plainParts(error.writeErrors)
    : error instanceof Driver.MongoBulkWriteError
    ? plainParts([error.writeErrors].flat().map((each) => [each.index, each] as const))
    : []
  const response = errorResponse ?? result
  return {
    shown: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    isClientError: !(cause instanceof Driver.MongoServerError),
    isTimeoutError: cause instanceof Driver.MongoOperationTimeoutError,
    messages: all.map(({ message }) => message),
    code,
    codeName,
    labels: all.flatMap((each) => each instanceof Driver.MongoError ? each.errorLabels : []),
    response: isDocument(response) ? response : undefined,
    writeErrors: parts,
    writeConcernErrors: error instanceof Driver.MongoClientBulkWriteError
      ? error.writeConcernErrors.map(({ code, codeName, errmsg, message }) => ({
        code,
        codeName,
        message: message ?? errmsg
      }))
      : [],
    partialResult: partialResultOf(error)
  }
}

export const bare: Api = {
  fromClient: (driver) => Effect.succeed(fromClient(driver)),
  makeBucket,
  isCollection,
  withTimeout: (timeoutMS, effect) => within({ timeoutMS })(effect),
  failureOf
}
