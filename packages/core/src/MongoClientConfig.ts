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
 * Options that hold however the driver's client is made.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ClientOptions {
  /**
   * Makes a span for every attempt on the wire, inside the span of its operation, through the driver's command events. With
   * `queryText` the span has the command with `?` in the place of every value. It costs the decoding of every reply once
   * more.
   */
  readonly commandSpans?: boolean | { readonly queryText: boolean } | undefined
}

/**
 * Which part of the driver an entry of its log comes from.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type LogComponent = "command" | "topology" | "serverSelection" | "connection" | "client"

/**
 * What of the driver's log goes to Effect's loggers.
 *
 * **Details**
 *
 * An entry is a log message with the driver's fields as annotations, `mongodb.component`, `mongodb.commandName`,
 * `mongodb.durationMS` and so on, and goes to the loggers of the effect that has made the client. Credentials never appear;
 * commands and replies appear only with `documents`.
 *
 * **Gotchas**
 *
 * Nearly all that the driver says is of level `Debug`, which Effect's loggers do not get by default:
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
  /** The level from which entries are logged, of the components that have none of their own; `Info` by default. */
  readonly level?: LogLevel.LogLevel | undefined
  /** Levels of single components. */
  readonly components?: { readonly [Component in LogComponent]?: LogLevel.LogLevel | undefined } | undefined
  /**
   * Keeps the commands and replies, with all values in them, as Extended JSON of up to 1000 characters, or `maxLength` (0 is no
   * bound). Without it they are left out.
   */
  readonly documents?: boolean | { readonly maxLength: number } | undefined
}

/**
 * Automatic encryption: fields are encrypted before they are sent, and decrypted when they are read.
 *
 * **Details**
 *
 * It needs the package `mongodb-client-encryption`, and to encrypt either MongoDB's `crypt_shared` library or a running
 * `mongocryptd`. Decryption alone (`bypassAutoEncryption`), and explicit encryption for encrypted collections
 * (`bypassQueryAnalysis`), need neither. See `MongoEncryption`.
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
  /** Does not look for values to encrypt: they are encrypted already. */
  readonly bypassQueryAnalysis?: boolean | undefined
  /** Where `mongocryptd` or the `crypt_shared` library are. */
  readonly extraOptions?: Driver.AutoEncryptionExtraOptions | undefined
}

/**
 * How to connect. Only `url` is needed; what is left out is the driver's default or stands in the connection string.
 *
 * **Details**
 *
 * Names are the driver's; times are `Duration`s and lose the `MS` of their names, secrets are `Redacted`.
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

  /** The user, where the connection string names none. */
  readonly username?: string | undefined
  /** The password of the user. */
  readonly password?: Redacted.Redacted | undefined
  /** The database that knows the user: `admin` by default, or the one in the connection string. */
  readonly authSource?: string | undefined
  /** How the user proves who it is; agreed with the server by default. */
  readonly authMechanism?: Driver.AuthMechanism | undefined

  /** The most connections to one server; 100 by default. */
  readonly maxPoolSize?: number | undefined
  /** Connections to each server that are kept open without need; 0 by default. */
  readonly minPoolSize?: number | undefined
  /** Connections that are being made to one server at the same time; 2 by default. */
  readonly maxConnecting?: number | undefined
  /** How long a connection may be idle before it is closed; no bound by default. */
  readonly maxIdleTime?: Duration.Input | undefined
  /** How long an operation waits for a free connection before it fails with a `PoolTimeoutError`; no bound by default. */
  readonly waitQueueTimeout?: Duration.Input | undefined
  /** How long making a connection may take; 30 seconds by default. */
  readonly connectTimeout?: Duration.Input | undefined
  /** How long a connection may be silent during an operation; no bound by default. */
  readonly socketTimeout?: Duration.Input | undefined
  /** How long an operation looks for a suitable server; 30 seconds by default. */
  readonly serverSelectionTimeout?: Duration.Input | undefined
  /** How often each server is asked for its state; every 10 seconds by default. */
  readonly heartbeatFrequency?: Duration.Input | undefined
  /** How much slower than the nearest a server may be to be chosen for a read; 15 milliseconds by default. */
  readonly localThreshold?: Duration.Input | undefined

  /** The name of the replica set. Where it is given, all its members are found from any one of them. */
  readonly replicaSet?: string | undefined
  /** Talks to the one named server only, whatever its role. */
  readonly directConnection?: boolean | undefined
  /** Tells the driver that it talks to a load balancer, in front of routers. */
  readonly loadBalanced?: boolean | undefined
  /** How many of the hosts of an SRV record are used; all (0) by default. */
  readonly srvMaxHosts?: number | undefined
  /** The service name of the SRV record; `mongodb` by default. */
  readonly srvServiceName?: string | undefined
  /** The end that every host of the SRV record must have, where it is not the record's own domain. */
  readonly srvAllowedHostsSuffix?: string | undefined

  /** Which members are read from; the primary by default. */
  readonly readPreference?: Driver.ReadPreferenceMode | Driver.ReadPreference | undefined
  /** How far what is read must be confirmed; the server's default where it is left out. */
  readonly readConcern?: Driver.ReadConcernLike | undefined
  /** Which members must confirm a write; the server's default, the majority, where it is left out. */
  readonly writeConcern?: Driver.WriteConcernSettings | undefined
  /** Whether the driver sends a failed read once more; true by default. */
  readonly retryReads?: boolean | undefined
  /** Whether the driver sends a failed write once more; true by default. */
  readonly retryWrites?: boolean | undefined
  /** The version of the stable API that the server holds to. */
  readonly serverApi?: Driver.ServerApi | Driver.ServerApiVersion | undefined

  /** How messages are compressed, in the order of preference. `snappy` and `zstd` need their packages. */
  readonly compressors?: ReadonlyArray<"none" | "snappy" | "zlib" | "zstd"> | undefined
  /** 0 is no compression, 9 the most. */
  readonly zlibCompressionLevel?: 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | undefined

  /** Connects over TLS; true by default with `mongodb+srv://`. */
  readonly tls?: boolean | undefined
  /** Path of a PEM file with the authorities that are trusted. */
  readonly tlsCAFile?: string | undefined
  /** Path of a PEM file with revoked certificates. */
  readonly tlsCRLFile?: string | undefined
  /** Path of a PEM file with the client's certificate and key. */
  readonly tlsCertificateKeyFile?: string | undefined
  /** The password of `tlsCertificateKeyFile`. */
  readonly tlsCertificateKeyFilePassword?: Redacted.Redacted | undefined
  /** Takes any certificate of the server. For tests only. */
  readonly tlsAllowInvalidCertificates?: boolean | undefined
  /** Takes a certificate for another host. For tests only. */
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
  /** Reads int64 values as numbers where they fit, as they do by default. */
  readonly promoteLongs?: boolean | undefined
  /** Reads numbers as JavaScript numbers and not as `Int32`, `Double` and `Long`, as by default. */
  readonly promoteValues?: boolean | undefined
  /** Reads binary values as `Buffer` and not as `Binary`. */
  readonly promoteBuffers?: boolean | undefined
  /** Reads regular expressions as `BSONRegExp` and not as `RegExp`. */
  readonly bsonRegExp?: boolean | undefined
  /** Checks that strings are valid UTF-8, as by default. */
  readonly enableUtf8Validation?: boolean | undefined

  /** Encrypts and decrypts fields by themselves. */
  readonly autoEncryption?: AutoEncryptionOptions | undefined

  /** Sends the driver's log to Effect's loggers. */
  readonly logging?: LoggingOptions | undefined

  /** Options of the driver that have no name of their own here. Those above win. */
  readonly driverOptions?: Omit<Driver.MongoClientOptions, "timeoutMS" | "ignoreUndefined" | "raw"> | undefined
}
