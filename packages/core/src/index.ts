// @barrel: Auto-generated exports. Do not edit manually.

/**
 * Change streams: what happens to a collection, a database or a deployment, as a `Stream` that goes on after failures.
 *
 * @since 0.1.0
 */
export * as ChangeStream from "./ChangeStream.ts"

/**
 * Durable consumers of change streams: every event is handled, also when processes die, by one of several instances at a time.
 *
 * @since 0.1.0
 */
export * as ChangeStreamConsumer from "./ChangeStreamConsumer.ts"

/**
 * Files of any size in MongoDB, after the GridFS specification: uploaded from a `Stream` or through a `Sink`, downloaded as a
 * `Stream`, whole or in part.
 *
 * A bucket is two collections: `fs.files` has a document for each file, `fs.chunks` its bytes in pieces of 255 KiB. What is
 * stored here can be read by the GridFS of every other driver, and the other way round.
 *
 * @since 0.1.0
 */
export * as GridFS from "./GridFS.ts"

/**
 * For packages that build on this one: documents as bytes, the settings of BSON, and failures that look like those of core.
 *
 * Programs need none of it. Its parts have the stability `integration`: they may change in any minor release, together with
 * the packages that use them.
 *
 * @since 0.1.0
 */
export * as Integration from "./Integration.ts"

/**
 * Settings that travel with the fiber and hold for every MongoDB operation inside an effect.
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
 * A database: a cheap value that makes collections and runs commands, and a service for programs that work on one.
 *
 * @since 0.1.0
 */
export * as MongoDatabase from "./MongoDatabase.ts"

/**
 * Client-side encryption: values that the server stores and compares, but cannot read.
 *
 * It needs the package `mongodb-client-encryption`, which is loaded when it is used for the first time.
 *
 * @since 0.1.0
 */
export * as MongoEncryption from "./MongoEncryption.ts"

/**
 * The one error of mongofx, and its reasons.
 *
 * Every operation fails with a `MongoError`, whose `reason` says what went wrong: a duplicate key, a broken connection, a
 * cursor that is gone. Handle a reason with `Effect.catchReason` or `Effect.catchReasons`, retry with `isRetryable`, and with
 * `isTransient` what can be applied twice.
 *
 * `docs/errors.md` lists the server's codes with the reason that each becomes.
 *
 * Errors, reasons and their causes contain no credentials. Where a server's reply has document values (duplicate keys,
 * validation), they are in `Redacted` fields only.
 *
 * @since 0.1.0
 */
export * as MongoError from "./MongoError.ts"

/**
 * Sessions: causal consistency, snapshots, and transactions whose start and end are said one by one.
 *
 * @since 0.1.0
 */
export * as MongoSession from "./MongoSession.ts"

/**
 * What operations take of the options of the driver's methods.
 *
 * The options of an operation have the names and the meaning that they have in the driver. What would not arrive, and what mongofx
 * does itself, is left out of the types, and refused where it is given all the same.
 *
 * @since 0.1.0
 */
export * as OperationOptions from "./OperationOptions.ts"

/**
 * Queries as values: immutable descriptions of what to read, which run as an array, a stream, batches or raw bytes.
 *
 * A query does nothing until it is run, and every run opens a cursor of its own: the same query can be run twice, retried
 * and raced, and its cursor is closed on the server when the run ends, fails or is interrupted.
 *
 * @since 0.1.0
 */
export * as Query from "./Query.ts"

/**
 * Where consumers of change streams keep how far they have come, and which of them works.
 *
 * @since 0.1.0
 */
export * as ResumeTokenStore from "./ResumeTokenStore.ts"

/**
 * What the driver knows of the servers it is connected to.
 *
 * @since 0.1.0
 */
export * as Topology from "./Topology.ts"
