/** Client-side encryption: keys, explicit encryption, and encrypted collections. */
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Driver from "mongodb"
import type { MongoClient } from "../../MongoClient.ts"
import type { MongoCollection } from "../../MongoCollection.ts"
import type { MongoDatabase } from "../../MongoDatabase.ts"
import type {
  CreateEncryptedCollectionOptions,
  DataKeyOptions,
  EncryptedCollection,
  EncryptOptions,
  KmsProviders,
  MongoEncryption,
  MongoEncryptionOptions,
  RewrapOptions
} from "../../MongoEncryption.ts"
import type { MongoError } from "../../MongoError.ts"
import type { OptionsOf } from "../../OperationOptions.ts"
import type { Query } from "../../Query.ts"
import { type Connection, connectionOf } from "../call/connection.ts"
import type { Operation } from "../call/description.ts"
import { runOutside } from "../call/operation.ts"
import { defined } from "../call/options.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { checkFilter, checkGiven, checkName, checkValue } from "../input/check.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { kmsSecrets, toKmsOptions } from "./kms.ts"

/** @internal */
export const TypeId = "~@mongofx/core/MongoEncryption" as const

const splitNamespace = (namespace: string): readonly [database: string, collection: string] => {
  const dot = namespace.indexOf(".")
  if (dot <= 0 || dot === namespace.length - 1) {
    throw new InvalidInput("keyVault", `keyVault is not of the form "database.collection"`)
  }
  return [namespace.slice(0, dot), namespace.slice(dot + 1)]
}

class MongoEncryptionImpl extends Inspectable.Class implements MongoEncryption {
  readonly [TypeId] = TypeId
  readonly libmongocryptVersion: string
  private readonly connection: Connection
  private readonly driver: Driver.ClientEncryption
  private readonly keys: MongoCollection<Driver.DataKey>

  constructor(connection: Connection, driver: Driver.ClientEncryption, keys: MongoCollection<Driver.DataKey>) {
    super()
    this.connection = connection
    this.driver = driver
    this.keys = keys
    this.libmongocryptVersion = Driver.ClientEncryption.libmongocryptVersion
  }

  /** The driver's client must not be printed: it has the master keys. */
  toJSON(): unknown {
    return { _id: "MongoEncryption", keyVault: this.keys.fullName }
  }

  /** The driver's calls take no session and no signal. */
  private run<A>(name: string, command: string, call: () => Promise<A>): Effect.Effect<A, MongoError> {
    const operation: Operation = {
      name,
      command,
      database: this.keys.database.name,
      collection: this.keys.name
    }
    return runOutside(this.connection, operation, call)
  }

  createDataKey(provider: keyof KmsProviders, options: DataKeyOptions = {}): Effect.Effect<Driver.UUID, MongoError> {
    return this.run("createDataKey", "insert", () => {
      checkGiven(options)
      const { keyAltNames, keyMaterial, masterKey } = options
      return this.driver.createDataKey(
        provider,
        defined({
          masterKey,
          keyAltNames: keyAltNames === undefined ? undefined : [...keyAltNames],
          keyMaterial: keyMaterial === undefined ? undefined : new Driver.Binary(Redacted.value(keyMaterial))
        }) as Driver.ClientEncryptionCreateDataKeyProviderOptions
      )
    })
  }

  encrypt(value: unknown, options: EncryptOptions): Effect.Effect<Driver.Binary, MongoError> {
    return this.run("encrypt", "find", () => {
      checkGiven(options)
      checkValue(value, "value")
      return this.driver.encrypt(value, toEncryptOptions(options))
    })
  }

  encryptExpression(expression: Driver.Document, options: EncryptOptions): Effect.Effect<Driver.Document, MongoError> {
    return this.run("encryptExpression", "find", () => {
      checkGiven(options)
      checkFilter(expression, "expression")
      return this.driver.encryptExpression(expression, toEncryptOptions(options))
    })
  }

  decrypt<A = unknown>(value: Driver.Binary): Effect.Effect<A, MongoError> {
    return this.run("decrypt", "find", () => this.driver.decrypt<A>(value))
  }

  rewrapManyDataKey(
    filter: Driver.Filter<Driver.DataKey>,
    options?: RewrapOptions
  ): Effect.Effect<Option.Option<Driver.BulkWriteResult>, MongoError> {
    return Effect.map(
      this.run("rewrapManyDataKey", "update", () => {
        checkGiven(options)
        checkFilter(filter)
        return this.driver.rewrapManyDataKey(
          filter,
          options === undefined
            ? undefined
            : defined(options) as Driver.ClientEncryptionRewrapManyDataKeyProviderOptions
        )
      }),
      ({ bulkWriteResult }) => Option.fromUndefinedOr(bulkWriteResult)
    )
  }

  getKey(id: Driver.Binary): Effect.Effect<Option.Option<Driver.DataKey>, MongoError> {
    return this.keys.findOne({ _id: id as Driver.UUID })
  }

  getKeyByAltName(name: string): Effect.Effect<Option.Option<Driver.DataKey>, MongoError> {
    return this.keys.findOne({ keyAltNames: name })
  }

  getKeys(): Query<Driver.DataKey> {
    return this.keys.find()
  }

  deleteKey(id: Driver.Binary): Effect.Effect<Driver.DeleteResult, MongoError> {
    return this.keys.deleteOne({ _id: id as Driver.UUID })
  }

  addKeyAltName(id: Driver.Binary, name: string): Effect.Effect<Option.Option<Driver.DataKey>, MongoError> {
    return this.keys.findOneAndUpdate({ _id: id as Driver.UUID }, { $addToSet: { keyAltNames: name } })
  }

  removeKeyAltName(id: Driver.Binary, name: string): Effect.Effect<Option.Option<Driver.DataKey>, MongoError> {
    // A key without names must lack the field: several empty arrays would break the unique index.
    return this.keys.findOneAndUpdate({ _id: id as Driver.UUID }, [{
      $set: {
        keyAltNames: {
          $cond: [
            { $eq: ["$keyAltNames", [name]] },
            "$$REMOVE",
            { $filter: { input: "$keyAltNames", cond: { $ne: ["$$this", name] } } }
          ]
        }
      }
    }])
  }

  createEncryptedCollection<A extends Driver.Document = Driver.Document>(
    database: MongoDatabase,
    name: string,
    options: CreateEncryptedCollectionOptions
  ): Effect.Effect<EncryptedCollection<A>, MongoError> {
    const connection = connectionOf(database)
    return Effect.map(
      runOutside(
        connection,
        { name: "createEncryptedCollection", command: "create", database: database.name, collection: name },
        () => {
          checkGiven(options)
          const { masterKey, provider, ...createCollectionOptions } = options
          checkName(database.name, "database")
          checkName(name, "collection")
          checkValue(createCollectionOptions.encryptedFields, "encryptedFields")
          return this.driver.createEncryptedCollection(connection.driver.db(database.name), name, {
            provider,
            createCollectionOptions: defined(createCollectionOptions) as Driver.CreateCollectionOptions & {
              encryptedFields: Driver.Document
            },
            // The driver's type leaves out KMIP.
            ...(masterKey === undefined ? {} : { masterKey: masterKey as Driver.AWSEncryptionKeyOptions })
          })
        }
      ),
      ({ encryptedFields }) => ({ collection: database.collection<A>(name), encryptedFields })
    )
  }
}

const toEncryptOptions = (options: EncryptOptions): Driver.ClientEncryptionEncryptOptions =>
  defined(options) as Driver.ClientEncryptionEncryptOptions

const makeOperation: Operation = { name: "MongoEncryption.make", command: "find" }

/** @internal */
export const makeEncryption = (
  mongo: MongoClient,
  options: MongoEncryptionOptions
): Effect.Effect<MongoEncryption, MongoError> =>
  Effect.try({
    try: () => {
      const connection = connectionOf(mongo)
      const [database, collection] = splitNamespace(options.keyVault)
      const keys = (options.keyVaultClient ?? mongo).db(database).collection<Driver.DataKey>(collection, {
        readConcern: { level: "majority" },
        writeConcern: { w: "majority" }
      } as OptionsOf<Driver.CollectionOptions>)
      const driver = new Driver.ClientEncryption(
        connection.driver,
        toKmsOptions(options) as Driver.ClientEncryptionOptions
      )
      return new MongoEncryptionImpl(connection, driver, keys)
    },
    catch: (cause) => toMongoError(cause, makeOperation, kmsSecrets(options.kmsProviders))
  })
