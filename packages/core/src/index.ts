// @barrel: Auto-generated exports. Do not edit manually.

/**
 * Change streams: the changes of a collection, a database or a deployment, as a `Stream` that resumes after failures.
 *
 * @since 0.1.0
 */
export * as ChangeStream from "./ChangeStream.ts"

/**
 * Durable consumers of change streams: every event is handled, even if processes die, by one instance at a time or by several that share the
 * documents.
 *
 * @since 0.1.0
 */
export * as ChangeStreamConsumer from "./ChangeStreamConsumer.ts"

/**
 * Files of any size in MongoDB, as the GridFS specification defines them: uploaded from a `Stream` or through a `Sink`, downloaded as a
 * `Stream`, whole or in part.
 *
 * A bucket is two collections: `fs.files` has a document for each file, `fs.chunks` its bytes in pieces of 255 KiB. The GridFS of
 * every other driver can read what is stored here, and the other way round.
 *
 * @since 0.1.0
 */
export * as GridFS from "./GridFS.ts"

/**
 * Tools for packages that build on this one: documents as bytes, BSON settings, and failures that look like those of core.
 *
 * Programs do not need it. Its parts have the stability `integration`: they may change in any minor release, together with
 * the packages that use them.
 *
 * @since 0.1.0
 */
export * as Integration from "./Integration.ts"

/**
 * Settings that travel with the fiber and apply to every MongoDB operation inside an effect.
 *
 * @since 0.1.0
 */
export * as Mongo from "./Mongo.ts"

/**
 * The connection to a MongoDB deployment, as a service.
 *
 * @since 0.1.0
 */
export * as MongoClient from "./MongoClient.ts"

/**
 * The settings of a connection, for `MongoClient.layer`, `MongoClient.layerConfig` and `MongoClient.make`.
 *
 * @since 0.1.0
 */
export * as MongoClientConfig from "./MongoClientConfig.ts"

/**
 * Operations on the documents of one collection.
 *
 * @since 0.1.0
 */
export * as MongoCollection from "./MongoCollection.ts"

/**
 * A database: a cheap value that makes collections and runs commands, and a service for programs that use one database.
 *
 * @since 0.1.0
 */
export * as MongoDatabase from "./MongoDatabase.ts"

/**
 * Client-side encryption: values that the server stores and compares, but cannot read.
 *
 * It needs the package `mongodb-client-encryption`, which it loads at its first use.
 *
 * @since 0.1.0
 */
export * as MongoEncryption from "./MongoEncryption.ts"

/**
 * The one error of mongofx, and its reasons.
 *
 * Every operation fails with a `MongoError`, whose `reason` says what went wrong: a duplicate key, a broken connection, a
 * cursor that is gone. Handle a reason with `Effect.catchReason` or `Effect.catchReasons`. Retry if `isRetryable`, and also if
 * `isTransient` when the operation can safely be applied twice.
 *
 * `docs/errors.md` lists the server's codes with the reason that each becomes.
 *
 * Errors, reasons and their causes never contain credentials. Document values from a server's reply (duplicate keys,
 * validation) are in `Redacted` fields only.
 *
 * @since 0.1.0
 */
export * as MongoError from "./MongoError.ts"

/**
 * Migrations: numbered effects that change a database once, whichever of many processes comes first.
 *
 * The journal, a document in the database, has the set of the applied migrations with their names and checksums. One process at a time
 * runs what is pending, while it holds a lease. The others wait for it and look again.
 *
 * @since 0.1.0
 */
export * as MongoMigrator from "./MongoMigrator.ts"

/**
 * Sessions: causal consistency, snapshots, and transactions that you start and end yourself.
 *
 * @since 0.1.0
 */
export * as MongoSession from "./MongoSession.ts"

/**
 * Sharded clusters: which collections are spread over shards, by which key, and where their documents are. The driver has only commands for this.
 *
 * A router (`mongos`) takes these operations. Any other server refuses them with an `InvalidCommandError` that says so.
 *
 * @since 0.1.0
 */
export * as MongoSharding from "./MongoSharding.ts"

/**
 * The options of operations, derived from those of the driver's methods.
 *
 * An option has the name and the meaning that it has in the driver. The types leave out options that would never reach the server,
 * and options that mongofx handles itself. Operations refuse options that would never reach the server.
 *
 * @since 0.1.0
 */
export * as OperationOptions from "./OperationOptions.ts"

/**
 * Queries as values: immutable descriptions of what to read, which run as an array, a stream, batches or raw bytes.
 *
 * A query does nothing until it runs, and every run opens its own cursor: the same query can be run twice, retried
 * and raced. The cursor is closed on the server when the run ends, fails or is interrupted.
 *
 * @since 0.1.0
 */
export * as Query from "./Query.ts"

/**
 * Plans of queries: what the server did, or would do, to answer one. `explain` of a query gives such a plan.
 *
 * @since 0.1.0
 */
export * as QueryPlan from "./QueryPlan.ts"

/**
 * Where consumers of change streams keep how far they have come, and which instance works.
 *
 * @since 0.1.0
 */
export * as ResumeTokenStore from "./ResumeTokenStore.ts"

/**
 * What the driver knows about the servers of a deployment.
 *
 * @since 0.1.0
 */
export * as Topology from "./Topology.ts"
