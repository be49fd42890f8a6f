/**
 * The settings of a connection, for `MongoClient.layer`, `MongoClient.layerConfig` and `MongoClient.make`.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as LogLevel from "effect/LogLevel"
import type * as Redacted from "effect/Redacted"
import type * as Driver from "mongodb"
import type { KmsOptions } from "./MongoEncryption.ts"

/**
 * Options that apply to every client, even to one that the driver made.
 *
 * @see {@link MongoClientConfig} for all options of a client that mongofx makes
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ClientOptions {
  /**
   * Makes a span for every attempt on the wire, inside the span of its operation, from the driver's command events. With
   * `queryText` the span has the command with `?` in place of every value. It costs decoding every reply a second time.
   */
  readonly commandSpans?: boolean | { readonly queryText: boolean } | undefined
}

/**
 * The part of the driver that writes an entry of its log.
 *
 * @see {@link LoggingOptions} for the levels of the components
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type LogComponent = "command" | "topology" | "serverSelection" | "connection" | "client"

/**
 * Which entries of the driver's log go to Effect's loggers.
 *
 * **Details**
 *
 * An entry is a log message with the driver's fields as annotations: `mongodb.component`, `mongodb.commandName`,
 * `mongodb.durationMS` and so on. It goes to the loggers of the effect that made the client. Credentials never appear;
 * commands and replies appear only with `documents`.
 *
 * **Gotchas**
 *
 * Nearly all entries of the driver have the level `Debug`, which Effect's loggers do not get by default:
 * `References.MinimumLogLevel` decides. `command` costs time for every command.
 *
 * **Example** (Watching connections and servers)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { Layer, Redacted, References } from "effect"
 *
 * const Live = MongoClient.layer({
 *   url: Redacted.make("mongodb://localhost:27017"),
 *   logging: { components: { connection: "Debug", topology: "Debug" } }
 * }).pipe(Layer.provide(Layer.succeed(References.MinimumLogLevel, "Debug")))
 * ```
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface LoggingOptions {
  /** The lowest level to log, for components without their own level; `Info` by default. */
  readonly level?: LogLevel.LogLevel | undefined
  /** The levels of single components. */
  readonly components?: { readonly [Component in LogComponent]?: LogLevel.LogLevel | undefined } | undefined
  /**
   * Keeps the commands and replies, with all their values, as Extended JSON of up to 1000 characters, or `maxLength` (0 means
   * unlimited). Without it they are left out.
   */
  readonly documents?: boolean | { readonly maxLength: number } | undefined
}

/**
 * Automatic encryption: the client encrypts fields before it sends them, and decrypts them when it reads them.
 *
 * **Details**
 *
 * It needs the package `mongodb-client-encryption`. To encrypt, it also needs MongoDB's `crypt_shared` library or a running
 * `mongocryptd`. Decryption alone (`bypassAutoEncryption`), and explicit encryption for encrypted collections
 * (`bypassQueryAnalysis`), need neither.
 *
 * @see `MongoEncryption` for explicit encryption
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface AutoEncryptionOptions extends KmsOptions {
  /** JSON schemas that say which fields are encrypted, by namespace. */
  readonly schemaMap?: Driver.Document | undefined
  /** The encrypted fields of collections for Queryable Encryption, by namespace. */
  readonly encryptedFieldsMap?: Driver.Document | undefined
  /** Only decrypts. */
  readonly bypassAutoEncryption?: boolean | undefined
  /** Does not look for values to encrypt, because the program encrypts them itself. */
  readonly bypassQueryAnalysis?: boolean | undefined
  /** Where to find `mongocryptd` or the `crypt_shared` library. */
  readonly extraOptions?: Driver.AutoEncryptionExtraOptions | undefined
}

/**
 * How to connect. Only `url` is required; for other options the connection string or the driver's default decides.
 *
 * **Details**
 *
 * The names are the driver's. Times are `Duration`s, without the `MS` of the driver's names. Secrets are `Redacted`.
 *
 * @see {@link ClientOptions} for the options of a client that the driver made
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface MongoClientConfig extends ClientOptions {
  /** The connection string: `mongodb://…` or `mongodb+srv://…`. */
  readonly url: Redacted.Redacted
  /** The name by which the server logs this client. */
  readonly appName?: string | undefined

  /** The user, if the connection string does not name one. */
  readonly username?: string | undefined
  /** The password of the user. */
  readonly password?: Redacted.Redacted | undefined
  /** The database that knows the user: `admin` by default, or the one in the connection string. */
  readonly authSource?: string | undefined
  /** The mechanism of authentication; by default the driver agrees on one with the server. */
  readonly authMechanism?: Driver.AuthMechanism | undefined

  /** The largest number of connections to one server; 100 by default. */
  readonly maxPoolSize?: number | undefined
  /** The number of connections to each server that stay open even when idle; 0 by default. */
  readonly minPoolSize?: number | undefined
  /** How many connections to one server may be opened at the same time; 2 by default. */
  readonly maxConnecting?: number | undefined
  /** How long a connection may be idle before it is closed; unlimited by default. */
  readonly maxIdleTime?: Duration.Input | undefined
  /** How long an operation waits for a free connection before it fails with a `PoolTimeoutError`; unlimited by default. */
  readonly waitQueueTimeout?: Duration.Input | undefined
  /** How long opening a connection may take; 30 seconds by default. */
  readonly connectTimeout?: Duration.Input | undefined
  /** How long a connection may be silent during an operation; unlimited by default. */
  readonly socketTimeout?: Duration.Input | undefined
  /** How long an operation looks for a suitable server; 30 seconds by default. */
  readonly serverSelectionTimeout?: Duration.Input | undefined
  /** How often the driver asks each server for its state; every 10 seconds by default. */
  readonly heartbeatFrequency?: Duration.Input | undefined
  /** How much slower than the nearest server another one may be and still serve reads; 15 milliseconds by default. */
  readonly localThreshold?: Duration.Input | undefined

  /** The name of the replica set. With it, the driver finds all members from any one of them. */
  readonly replicaSet?: string | undefined
  /** Connects only to the named server, whatever its role. */
  readonly directConnection?: boolean | undefined
  /** Tells the driver that it talks to a load balancer, in front of routers. */
  readonly loadBalanced?: boolean | undefined
  /** How many hosts of an SRV record to use; all (0) by default. */
  readonly srvMaxHosts?: number | undefined
  /** The service name of the SRV record; `mongodb` by default. */
  readonly srvServiceName?: string | undefined
  /** The suffix that every host of the SRV record must have, if it is not the record's own domain. */
  readonly srvAllowedHostsSuffix?: string | undefined

  /** The members to read from; the primary by default. */
  readonly readPreference?: Driver.ReadPreferenceMode | Driver.ReadPreference | undefined
  /** How durable the data must be that is read; the server's default if left out. */
  readonly readConcern?: Driver.ReadConcernLike | undefined
  /** The members that must confirm a write; the server's default, the majority, if left out. */
  readonly writeConcern?: Driver.WriteConcernSettings | undefined
  /** Whether the driver retries a failed read once; true by default. */
  readonly retryReads?: boolean | undefined
  /** Whether the driver retries a failed write once; true by default. */
  readonly retryWrites?: boolean | undefined
  /** The version of the Stable API that the server follows. */
  readonly serverApi?: Driver.ServerApi | Driver.ServerApiVersion | undefined

  /** The ways to compress messages, in order of preference. `snappy` and `zstd` need their packages. */
  readonly compressors?: ReadonlyArray<"none" | "snappy" | "zlib" | "zstd"> | undefined
  /** How much `zlib` compresses: 0 not at all, 9 the most. */
  readonly zlibCompressionLevel?: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | undefined

  /** Connects over TLS; true by default with `mongodb+srv://`. */
  readonly tls?: boolean | undefined
  /** Path of a PEM file with the trusted authorities. */
  readonly tlsCAFile?: string | undefined
  /** Path of a PEM file with revoked certificates. */
  readonly tlsCRLFile?: string | undefined
  /** Path of a PEM file with the client's certificate and key. */
  readonly tlsCertificateKeyFile?: string | undefined
  /** The password of `tlsCertificateKeyFile`. */
  readonly tlsCertificateKeyFilePassword?: Redacted.Redacted | undefined
  /** Accepts any certificate of the server. For tests only. */
  readonly tlsAllowInvalidCertificates?: boolean | undefined
  /** Accepts a certificate for another host. For tests only. */
  readonly tlsAllowInvalidHostnames?: boolean | undefined

  /** The host of a SOCKS5 proxy. Needs the package `socks`. */
  readonly proxyHost?: string | undefined
  /** The port of the proxy; 1080 by default. */
  readonly proxyPort?: number | undefined
  /** The user at the proxy. */
  readonly proxyUsername?: string | undefined
  /** The password at the proxy. */
  readonly proxyPassword?: Redacted.Redacted | undefined

  /** Reads int64 values as `bigint`. */
  readonly useBigInt64?: boolean | undefined
  /** Reads int64 values as numbers if they fit; true by default. */
  readonly promoteLongs?: boolean | undefined
  /** Reads numbers as JavaScript numbers instead of `Int32`, `Double` and `Long`; true by default. */
  readonly promoteValues?: boolean | undefined
  /** Reads binary values as `Buffer` instead of `Binary`. */
  readonly promoteBuffers?: boolean | undefined
  /** Reads regular expressions as `BSONRegExp` instead of `RegExp`. */
  readonly bsonRegExp?: boolean | undefined
  /** Checks that strings are valid UTF-8; true by default. */
  readonly enableUtf8Validation?: boolean | undefined

  /** Encrypts and decrypts fields automatically. */
  readonly autoEncryption?: AutoEncryptionOptions | undefined

  /** Sends the driver's log to Effect's loggers. */
  readonly logging?: LoggingOptions | undefined

  /** Options of the driver that are not listed here. The options above win. */
  readonly driverOptions?: Omit<Driver.MongoClientOptions, "timeoutMS" | "ignoreUndefined" | "raw"> | undefined
}
