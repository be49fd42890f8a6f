/**
 * Databases. base.ts has what they share with collections.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import type * as Driver from "mongodb"
import type { CollectionOptions, MongoCollection } from "../../MongoCollection.ts"
import type {
  CommandCursorOptions,
  DatabaseOptions,
  MongoDatabase,
  ProfilingLevel,
  ProfilingOptions
} from "../../MongoDatabase.ts"
import type { MongoError } from "../../MongoError.ts"
import type { OptionsOf } from "../../OperationOptions.ts"
import type { Query } from "../../Query.ts"
import type { CallOptions } from "../call/call.ts"
import type { Connection } from "../call/connection.ts"
import type { Operation } from "../call/description.ts"
import { defined, including, limitCommand } from "../call/options.ts"
import { checkCommand, checkFilter, checkGiven, checkName, checkOptions, checkPipeline } from "../input/check.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { checkSent } from "../input/unsentOptions.ts"
import { makePlain } from "../query/query.ts"
import { NamespaceHandle } from "./base.ts"
import { makeCollection } from "./collection.ts"
import { dropCollection, renameCollection, writeCommand } from "./ownCommands.ts"

/** @internal */
export const TypeId = "~@mongofx/core/MongoDatabase" as const

/** The name of a command: the first key of its document. */
const commandName = (command: Driver.Document): string => Object.keys(command ?? {})[0] ?? "command"

/** By their numbers on the server. */
const profilingLevels: ReadonlyArray<ProfilingLevel> = ["off", "slow_only", "all"]

/** The settings of a collection among other options. `satisfies` reports those that a new driver adds. */
const settings = Object.keys(
  {
    bsonRegExp: true,
    checkKeys: true,
    enableUtf8Validation: true,
    promoteBuffers: true,
    promoteLongs: true,
    promoteValues: true,
    readConcern: true,
    readPreference: true,
    useBigInt64: true,
    writeConcern: true
  } satisfies Record<keyof CollectionOptions, true>
) as Array<keyof CollectionOptions>

const settingsOf = (options: CollectionOptions | undefined): CollectionOptions =>
  Object.fromEntries(
    settings.flatMap((key) => options?.[key] === undefined ? [] : [[key, options[key]]])
  )

class MongoDatabaseImpl extends NamespaceHandle<Driver.Db> implements MongoDatabase {
  readonly [TypeId] = TypeId
  readonly name: string
  private readonly settings: DatabaseOptions
  private handle: Driver.Db | undefined

  constructor(connection: Connection, name: string, settings: DatabaseOptions) {
    super(connection)
    this.name = name
    this.settings = settings
  }

  toJSON(): unknown {
    return { _id: "MongoDatabase", name: this.name }
  }

  /** Made at the first use: the driver throws for bad names. That becomes the operation's failure. */
  get driver(): Driver.Db {
    // For an empty name the driver would take the database of the connection string.
    checkName(this.name, "database")
    return this.handle ??= this.connection.driver
      .db(this.name, { ...defined(this.settings) as Driver.DbOptions, ignoreUndefined: true })
  }

  protected operation(name: string, command: string, collection?: string): Operation {
    return { name, command, database: this.name, collection }
  }

  withOptions(options: DatabaseOptions): MongoDatabase {
    return new MongoDatabaseImpl(this.connection, this.name, { ...this.settings, ...options })
  }

  collection<A extends Driver.Document = Driver.Document>(
    name: string,
    options?: CollectionOptions
  ): MongoCollection<A> {
    return makeCollection<A>(this.connection, this, name, { ...this.settings, ...options })
  }

  createCollection<A extends Driver.Document = Driver.Document>(
    name: string,
    options?: OptionsOf<Driver.CreateCollectionOptions>
  ): Effect.Effect<MongoCollection<A>, MongoError> {
    // The driver would send a signal to the server as an option of the collection.
    const operation: Operation = { ...this.operation("createCollection", "create", name), abortable: false }
    return Effect.map(
      this.run(operation, options, (driver, callOptions) => {
        checkName(name, "collection")
        if (options?.pipeline !== undefined) checkPipeline(options.pipeline)
        if (options?.validator !== undefined) checkFilter(options.validator, "validator")
        return driver.createCollection(name, callOptions)
      }),
      () => this.collection<A>(name, settingsOf(options))
    )
  }

  dropCollection(name: string, options?: OptionsOf<Driver.DropCollectionOptions>) {
    return this.run(
      this.operation("dropCollection", "drop", name),
      options,
      (driver, options) => {
        checkName(name, "collection")
        return dropCollection(driver, name, options, driver.writeConcern)
      }
    )
  }

  renameCollection<A extends Driver.Document = Driver.Document>(
    name: string,
    newName: string,
    options?: OptionsOf<Driver.RenameOptions, "new_collection">
  ): Effect.Effect<MongoCollection<A>, MongoError> {
    return Effect.map(
      this.run(
        this.operation("renameCollection", "renameCollection", name),
        options,
        (driver, options) => {
          checkName(name, "collection")
          checkName(newName, "collection", "newName")
          const from = { namespace: `${this.name}.${name}`, writeConcern: driver.writeConcern }
          return renameCollection(this.connection.driver, from, newName, options)
        }
      ),
      () => this.collection<A>(newName)
    )
  }

  listCollections(
    filter: Driver.Document = {},
    options?: OptionsOf<Driver.ListCollectionsOptions>
  ): Query<Driver.CollectionInfo> {
    return makePlain(
      this,
      this.operation("listCollections", "listCollections"),
      (driver, options) => {
        checkFilter(filter)
        return driver.listCollections(filter, options)
      },
      options,
      { filter }
    )
  }

  listCollectionNames(
    filter?: Driver.Document,
    options?: OptionsOf<Driver.ListCollectionsOptions, "nameOnly">
  ): Effect.Effect<Array<string>, MongoError> {
    return Effect.map(
      this.listCollections(filter, including(options, { nameOnly: true })),
      (collections) => collections.map((collection) => collection.name)
    )
  }

  command<A extends Driver.Document = Driver.Document>(
    command: Driver.Document,
    options?: OptionsOf<Driver.RunCommandOptions>
  ): Effect.Effect<A, MongoError> {
    return this.run(
      this.operation("command", commandName(command)),
      options,
      (driver, options) => {
        checkCommand(command)
        return driver.command(...limitCommand(command, options)) as Promise<A>
      }
    )
  }

  runCursorCommand<A extends Driver.Document = Driver.Document>(
    command: Driver.Document,
    options: CommandCursorOptions = {}
  ): Query<A> {
    const { batchSize, comment, maxTimeMS, ...settings } = defined(options) ?? {}
    return makePlain(
      this,
      { ...this.operation("runCursorCommand", commandName(command)), abortable: false },
      (driver, callOptions) => {
        checkGiven(options)
        checkCommand(command)
        const cursor = driver.runCursorCommand(...limitCommand(command, callOptions))
        if (batchSize !== undefined) cursor.setBatchSize(batchSize)
        if (maxTimeMS !== undefined) cursor.setMaxTimeMS(maxTimeMS)
        if (comment !== undefined) cursor.setComment(comment)
        return cursor
      },
      settings,
      { command }
    )
  }

  stats(options?: OptionsOf<Driver.DbStatsOptions>) {
    return this.run(this.operation("stats", "dbStats"), options, (driver, options) => {
      const { comment, maxTimeMS, readPreference = driver.readPreference, scale, ...others } = options as
        & CallOptions
        & Driver.DbStatsOptions
      const command = { dbStats: 1, ...defined({ scale, comment, maxTimeMS }) }
      return driver.command(command, { ...driver.bsonOptions, ...defined({ readPreference }), ...others })
    })
  }

  get profilingLevel(): Effect.Effect<ProfilingLevel, MongoError> {
    return Effect.map(
      this.run(
        this.operation("profilingLevel", "profile"),
        undefined,
        (driver, options) => driver.command(...limitCommand({ profile: -1 }, options))
      ),
      (reply) => profilingLevels[Number(reply["was"])]!
    )
  }

  setProfilingLevel(level: ProfilingLevel, options: ProfilingOptions = {}): Effect.Effect<void, MongoError> {
    return Effect.asVoid(
      this.run(this.operation("setProfilingLevel", "profile"), undefined, (driver, callOptions) => {
        const profile = profilingLevels.indexOf(level)
        if (profile < 0) throw new InvalidInput("level", `level is not one of ${profilingLevels.join(", ")}`)
        checkOptions(options)
        const { filter, sampleRate, slow } = options
        return driver.command(...limitCommand(
          {
            profile,
            ...defined({
              slowms: slow === undefined ? undefined : Math.round(Duration.toMillis(slow)),
              sampleRate,
              filter
            })
          },
          callOptions
        ))
      })
    )
  }

  removeUser(name: string, options?: OptionsOf<Driver.RemoveUserOptions>) {
    return Effect.asVoid(
      this.run(
        this.operation("removeUser", "dropUser"),
        options,
        (driver, options) => driver.command(...writeCommand({ dropUser: name }, options, driver.writeConcern))
      )
    )
  }

  validateCollection(name: string, options?: OptionsOf<Driver.ValidateCollectionOptions>) {
    // The driver's own method returns its reply undecoded, and throws the findings away if the collection is not valid.
    return this.run(this.operation("validateCollection", "validate", name), undefined, (driver, callOptions) => {
      checkName(name, "collection")
      if (options !== undefined) {
        checkOptions(options)
        checkSent("validateCollection", options)
      }
      const { readPreference, ...fields } = options ?? {}
      return driver.command(...limitCommand(
        { validate: name, ...defined(fields) },
        readPreference === undefined ? callOptions : { ...callOptions, readPreference }
      ))
    })
  }

  dropDatabase(options?: OptionsOf<Driver.DropDatabaseOptions>) {
    return Effect.asVoid(
      this.run(
        this.operation("dropDatabase", "dropDatabase"),
        options,
        (driver, options) => driver.command(...writeCommand({ dropDatabase: 1 }, options, driver.writeConcern))
      )
    )
  }
}

/** @internal */
export const isDatabase = (u: unknown): u is MongoDatabase => Predicate.hasProperty(u, TypeId)

/** @internal */
export const makeDatabase = (connection: Connection, name: string, settings: DatabaseOptions): MongoDatabase =>
  new MongoDatabaseImpl(connection, name, settings)
