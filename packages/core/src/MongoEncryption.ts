/**
 * Client-side encryption: values that the server stores and compares, but cannot read.
 *
 * It needs the package `mongodb-client-encryption`, which it loads at its first use.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Redacted from "effect/Redacted"
import type * as Driver from "mongodb"
import * as internal from "./internal/encryption/encryption.ts"
import { MongoClient } from "./MongoClient.ts"
import type { Filter, MongoCollection } from "./MongoCollection.ts"
import type { MongoDatabase } from "./MongoDatabase.ts"
import type { MongoError } from "./MongoError.ts"
import type { OptionsOf } from "./OperationOptions.ts"
import type { Query } from "./Query.ts"

/**
 * The type of `TypeId`.
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export type TypeId = "~@mongofx/core/MongoEncryption"

/**
 * Marks a value as a client for encryption.
 *
 * **Example** (Reading the mark)
 *
 * ```ts
 * import { MongoEncryption } from "@mongofx/core"
 *
 * console.log(MongoEncryption.TypeId)
 * ```
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: TypeId = internal.TypeId

type SecretKey = "key" | "secretAccessKey" | "sessionToken" | "clientSecret" | "privateKey" | "accessToken"

type Sealed<Provider> = Provider extends unknown ? {
    readonly [Key in keyof Provider]: Key extends SecretKey
      ? Redacted.Redacted<NonNullable<Provider[Key]>> | Extract<Provider[Key], undefined>
      : Provider[Key]
  }
  : never

/**
 * The key management services that hold master keys, by name: `local`, `aws`, `azure`, `gcp`, `kmip`, or one of these with a
 * name of its own, as in `aws:second`.
 *
 * **Details**
 *
 * The fields are the driver's; secrets are `Redacted`. The key of `local` has 96 bytes. An empty provider takes
 * its credentials from the environment, as in the driver.
 *
 * **Example** (A local master key)
 *
 * ```ts
 * import type { MongoEncryption } from "@mongofx/core"
 * import { Redacted } from "effect"
 *
 * const providers: MongoEncryption.KmsProviders = {
 *   local: { key: Redacted.make(new Uint8Array(96)) }
 * }
 * ```
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export type KmsProviders = {
  readonly [Name in keyof Driver.KMSProviders]: Sealed<NonNullable<Driver.KMSProviders[Name]>> | undefined
}

/**
 * Where the keys are: the collection of the data keys, and the services that hold the master keys, which encrypt the data keys.
 *
 * @see {@link KmsProviders} for the services that hold master keys
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface KmsOptions {
  /** The collection of the data keys, such as `encryption.__keyVault`. */
  readonly keyVault: string
  /** The client that reads and writes the data keys; by default the client that encrypts. */
  readonly keyVaultClient?: MongoClient | undefined
  /** The services that hold the master keys. */
  readonly kmsProviders: KmsProviders
  /** How long a data key is kept in memory; one minute by default. */
  readonly keyExpiration?: Duration.Input | undefined
  /** Callbacks that supply credentials for providers without their own. */
  readonly credentialProviders?: Driver.CredentialProviders | undefined
  /** TLS settings of the connections to the services, by provider. */
  readonly tlsOptions?: Driver.CSFLEKMSTlsOptions | undefined
  /** A SOCKS5 proxy to the services. */
  readonly proxyOptions?: Driver.ProxyOptions | undefined
  /** Opens the connections to the services. */
  readonly kmsConnectCallback?: Driver.KMSConnectCallback | undefined
}

/**
 * Options of `make`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface MongoEncryptionOptions extends KmsOptions {}

type MasterKey = Driver.ClientEncryptionRewrapManyDataKeyProviderOptions["masterKey"]

/**
 * Options of `createDataKey`.
 *
 * @see {@link RewrapOptions} for a new master key of existing data keys
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DataKeyOptions {
  /** The key of the service that encrypts the data key; `local` has only one. */
  readonly masterKey?: MasterKey | undefined
  /** Names for finding the key. They must be unique. */
  readonly keyAltNames?: ReadonlyArray<string> | undefined
  /** 96 bytes for the key itself, instead of random ones. */
  readonly keyMaterial?: Redacted.Redacted<Uint8Array> | undefined
}

/**
 * Options of `rewrapManyDataKey`: the master key that replaces the present one.
 *
 * @see {@link DataKeyOptions} for a new data key
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface RewrapOptions {
  /** The service that holds the new master key. */
  readonly provider: keyof KmsProviders
  /** The new master key among the keys of the service. */
  readonly masterKey?: MasterKey | undefined
}

/**
 * How a value is encrypted, and with which data key: `keyId` or `keyAltName`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface EncryptOptions {
  /**
   * The algorithm: `AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic` for values that queries compare for equality, `…-Random` for others;
   * `Indexed`, `Unindexed`, `Range` and `String` for the fields of an encrypted collection.
   */
  readonly algorithm: Exclude<Driver.ClientEncryptionEncryptOptions["algorithm"], "TextPreview">
  /** The `_id` of the data key. */
  readonly keyId?: Driver.Binary | undefined
  /** A name of the data key. */
  readonly keyAltName?: string | undefined
  /** With `Indexed` and `Range`: the number of ways to encrypt the same value. */
  readonly contentionFactor?: bigint | number | undefined
  /** The kind of query that the encrypted value is for, if it is for a query. */
  readonly queryType?:
    | Exclude<
      Driver.ClientEncryptionEncryptOptions["queryType"],
      undefined | "prefixPreview" | "suffixPreview" | "substringPreview"
    >
    | undefined
  /** With `Range`: the options of the field's index. */
  readonly rangeOptions?: Driver.RangeOptions | undefined
  /** With `String`: the options of the field's index. */
  readonly stringOptions?: Driver.StringQueryOptions | undefined
}

/**
 * Options of `createEncryptedCollection`: those of `createCollection`, the encrypted fields, and the master key of the data keys
 * for them.
 *
 * @see {@link EncryptedCollection} for the result
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface CreateEncryptedCollectionOptions extends OptionsOf<Driver.CreateCollectionOptions, "encryptedFields"> {
  /** The service that holds the master key. */
  readonly provider: keyof KmsProviders
  /** The master key among the keys of the service. */
  readonly masterKey?: MasterKey | undefined
  /** The encrypted fields, in the form of the Queryable Encryption manual. For a `keyId` of null a data key is created. */
  readonly encryptedFields: Driver.Document
}

/**
 * The result of `createEncryptedCollection`.
 *
 * @see {@link CreateEncryptedCollectionOptions} for the options
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface EncryptedCollection<A extends Driver.Document = Driver.Document> {
  /** The new collection. */
  readonly collection: MongoCollection<A>
  /** The encrypted fields, with the `keyId`s of the new data keys: pass them to `encryptedFieldsMap`. */
  readonly encryptedFields: Driver.Document
}

/**
 * Explicit encryption: encrypts and decrypts values, and manages the data keys.
 *
 * **Details**
 *
 * Values are encrypted with data keys. These are documents of the key vault, encrypted with a master key that a key management
 * service holds. Whoever has the master key can read everything that was encrypted with its data keys.
 *
 * Operations fail with an `EncryptionError`, or like any operation if the key vault is at fault. The operations of
 * the driver (`createDataKey`, `encrypt`, `encryptExpression`, `decrypt`, `rewrapManyDataKey`, `createEncryptedCollection`)
 * take no session and cannot be aborted. They stay outside of the session and the transaction of their context. When their
 * fiber is interrupted, it goes on at once, and they are finished in the background. The other operations are operations on the key
 * vault.
 *
 * **Gotchas**
 *
 * Alternative names are unique only with a unique index on `keyAltNames` of the key vault, over the documents that have the
 * field. `createDataKey` then fails with a `DuplicateKeyError` for a name that is taken.
 *
 * **Example** (Encrypting a field)
 *
 * ```ts
 * import { MongoClient, MongoEncryption } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const register = (name: string, ssn: string) =>
 *   Effect.gen(function*() {
 *     const mongo = yield* MongoClient.MongoClient
 *     const encryption = yield* MongoEncryption.MongoEncryption
 *     const sealed = yield* encryption.encrypt(ssn, {
 *       algorithm: "AEAD_AES_256_CBC_HMAC_SHA_512-Deterministic",
 *       keyAltName: "people"
 *     })
 *     return yield* mongo.db("app").collection("people").insertOne({ name, ssn: sealed })
 *   })
 * ```
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export interface MongoEncryption {
  readonly [TypeId]: TypeId
  /** The version of the encryption library. */
  readonly libmongocryptVersion: string
  /** Creates a data key, stores it in the key vault, encrypted with a master key of the provider, and returns its `_id`. */
  readonly createDataKey: (
    provider: keyof KmsProviders,
    options?: DataKeyOptions
  ) => Effect.Effect<Driver.UUID, MongoError>
  /** Encrypts a value. */
  readonly encrypt: (value: unknown, options: EncryptOptions) => Effect.Effect<Driver.Binary, MongoError>
  /** Encrypts the operands of a filter or an aggregation expression for a query on a `Range` field. */
  readonly encryptExpression: (
    expression: Driver.Document,
    options: EncryptOptions
  ) => Effect.Effect<Driver.Document, MongoError>
  /** Decrypts a value. The type `A` is your claim: it is not checked. */
  readonly decrypt: <A = unknown>(value: Driver.Binary) => Effect.Effect<A, MongoError>
  /**
   * Encrypts the data keys that match anew, with the present master key or with another one, and returns what was written; none
   * if no key matches. Values that were encrypted with these data keys stay readable.
   */
  readonly rewrapManyDataKey: (
    filter: Filter<Driver.DataKey>,
    options?: RewrapOptions
  ) => Effect.Effect<Option.Option<Driver.BulkWriteResult>, MongoError>
  /** The data key with the `_id`, or none. */
  readonly getKey: (id: Driver.Binary) => Effect.Effect<Option.Option<Driver.DataKey>, MongoError>
  /** The data key with the name, or none. */
  readonly getKeyByAltName: (name: string) => Effect.Effect<Option.Option<Driver.DataKey>, MongoError>
  /** A query of all data keys. */
  readonly getKeys: () => Query<Driver.DataKey>
  /** Deletes a data key. Values that were encrypted with it are lost. */
  readonly deleteKey: (id: Driver.Binary) => Effect.Effect<Driver.DeleteResult, MongoError>
  /** Gives a data key one more name. Returns the key as it was, or none if it does not exist. */
  readonly addKeyAltName: (
    id: Driver.Binary,
    name: string
  ) => Effect.Effect<Option.Option<Driver.DataKey>, MongoError>
  /** Removes a name from a data key. Returns the key as it was, or none if it does not exist. */
  readonly removeKeyAltName: (
    id: Driver.Binary,
    name: string
  ) => Effect.Effect<Option.Option<Driver.DataKey>, MongoError>
  /**
   * Creates a collection for Queryable Encryption, after a data key for each encrypted field whose `keyId` is null. If it
   * fails, the `EncryptionError` has the `encryptedFields` with the keys that were created.
   */
  readonly createEncryptedCollection: <A extends Driver.Document = Driver.Document>(
    database: MongoDatabase,
    name: string,
    options: CreateEncryptedCollectionOptions
  ) => Effect.Effect<EncryptedCollection<A>, MongoError>
}

/**
 * The encryption client as a service.
 *
 * **Example** (Decrypting)
 *
 * ```ts
 * import { MongoEncryption } from "@mongofx/core"
 * import type * as Driver from "mongodb"
 *
 * const reveal = (sealed: Driver.Binary) =>
 *   MongoEncryption.MongoEncryption.use((encryption) => encryption.decrypt<string>(sealed))
 * ```
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export const MongoEncryption: Context.Service<MongoEncryption, MongoEncryption> = Context.Service<MongoEncryption>(
  "@mongofx/core/MongoEncryption"
)

/**
 * Makes a client for explicit encryption, without sending anything.
 *
 * **Details**
 *
 * Fails with an `EncryptionError` if `mongodb-client-encryption` is not installed or refuses the options, and with an
 * `InvalidArgumentError` if the key vault is not a namespace. No error shows keys or credentials.
 *
 * **Example** (Keys of this process)
 *
 * ```ts
 * import { MongoEncryption } from "@mongofx/core"
 * import { Effect, type Redacted } from "effect"
 *
 * const newKey = (key: Redacted.Redacted<Uint8Array>) =>
 *   Effect.gen(function*() {
 *     const encryption = yield* MongoEncryption.make({
 *       keyVault: "encryption.__keyVault",
 *       kmsProviders: { local: { key } }
 *     })
 *     return yield* encryption.createDataKey("local", { keyAltNames: ["people"] })
 *   })
 * ```
 *
 * @see {@link layer} for the client as a service
 * @see `MongoClientConfig.AutoEncryptionOptions` for automatic encryption
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: MongoEncryptionOptions): Effect.Effect<MongoEncryption, MongoError, MongoClient> =>
  MongoClient.use((mongo) => internal.makeEncryption(mongo, options))

/**
 * Supplies a client for explicit encryption. Fails as `make` does.
 *
 * **Example** (A master key from the environment)
 *
 * ```ts
 * import { MongoEncryption } from "@mongofx/core"
 * import { Config, Effect, Layer } from "effect"
 *
 * const Live = Layer.unwrap(Effect.gen(function*() {
 *   // 96 bytes as base64
 *   const key = yield* Config.Redacted("MASTER_KEY")
 *   return MongoEncryption.layer({ keyVault: "encryption.__keyVault", kmsProviders: { local: { key } } })
 * }))
 * ```
 *
 * @see {@link make} for the client as a value
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: MongoEncryptionOptions): Layer.Layer<MongoEncryption, MongoError, MongoClient> =>
  Layer.effect(MongoEncryption, make(options))

/**
 * Whether a value is a client for encryption.
 *
 * **Example** (Telling it from other values)
 *
 * ```ts
 * import { MongoEncryption } from "@mongofx/core"
 *
 * console.log(MongoEncryption.isMongoEncryption({})) // false
 * ```
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isMongoEncryption = (u: unknown): u is MongoEncryption => Predicate.hasProperty(u, TypeId)
