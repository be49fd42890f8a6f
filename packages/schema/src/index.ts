// @barrel: Auto-generated exports. Do not edit manually.

/**
 * Accumulators: what the server computes over the documents of a group or of a window. An accumulator knows the schema of what
 * it gives.
 *
 * @since 0.1.0
 */
export * as Acc from "./Acc.ts"

/**
 * Schemas of the BSON values that the driver reads and writes, with generators and Extended JSON.
 *
 * Each schema has the driver's values on its encoded side: a schema of a document encodes to what the driver stores. The
 * annotation `bsonType`, on both sides, holds the name of the type in MongoDB's `$jsonSchema`. The schemas recognise values
 * by tag and version instead of class. Values may come from another copy of bson with the major version that the driver
 * writes.
 *
 * `Schema.toCodecJson` turns them into Extended JSON v2. It encodes to the canonical form, which keeps every type, and
 * decodes the relaxed form as well. To write the relaxed form, encode to BSON first and pass the result to the driver:
 * `BSON.EJSON.stringify(document, { relaxed: true })`.
 *
 * @since 0.1.0
 */
export * as Bson from "./Bson.ts"

/**
 * The error of documents and operands that do not fit their schema.
 *
 * @since 0.1.0
 */
export * as DocumentError from "./DocumentError.ts"

/**
 * Expressions of aggregation: what the server computes from the fields of a document. An expression knows the schema of what
 * it gives.
 *
 * @since 0.1.0
 */
export * as Expr from "./Expr.ts"

/**
 * Filters: plain MongoDB objects, typed by dotted paths on the decoded document.
 *
 * @since 0.1.0
 */
export * as Filter from "./Filter.ts"

/**
 * Audits: which stored documents of a collection do not decode, by place and problem.
 *
 * @since 0.1.0
 */
export * as MongoAudit from "./MongoAudit.ts"

/**
 * The indexes that collections declare: what they lack, and how they get it without a moment in which a query has no index.
 *
 * @since 0.1.0
 */
export * as MongoIndex from "./MongoIndex.ts"

/**
 * Inference: the schema that the documents of a collection suggest, as the source of a module and as a value.
 *
 * @since 0.1.0
 */
export * as MongoInfer from "./MongoInfer.ts"

/**
 * Models for MongoDB: fields for `Model` of `effect/schema`, and repositories for the collections of models.
 *
 * @since 0.1.0
 */
export * as MongoModel from "./MongoModel.ts"

/**
 * Resolvers: requests of many fibers that are answered by few commands. A thousand `findById`s of concurrent fibers are one `$in`.
 *
 * A resolver collects the requests that are made before its fiber runs, and works them off as a batch. Duplicates are asked for once.
 * Requests of different sessions, transactions, deadlines and interruption policies never share a command. Otherwise a batch runs with
 * the services of its first request: use a resolver of its own for each tenant.
 *
 * @since 0.1.0
 */
export * as MongoResolver from "./MongoResolver.ts"

/**
 * Functions from a checked request to checked results: a schema encodes the request, your effect asks MongoDB, and a schema decodes
 * what it gives.
 *
 * They are for what no typed collection knows: pipelines written by hand, commands, views, results of other packages. A typed
 * collection encodes and decodes by itself.
 *
 * @since 0.1.0
 */
export * as MongoSchema from "./MongoSchema.ts"

/**
 * Validators of collections, made from schemas: what the server checks when it writes a document.
 *
 * A typed collection checks what your program writes. A validator holds for all others too: a shell, a script, a service in another
 * language. It never refuses what the codec of the schema writes. What it cannot refuse is reported.
 *
 * `plan` says what would change, `apply` changes it. Plans are plain data, and a second plan is empty.
 *
 * @since 0.1.0
 */
export * as MongoValidator from "./MongoValidator.ts"

/**
 * Pages of queries by the values of their last document, never by `skip`: a page far behind costs as much as the first one.
 *
 * @since 0.1.0
 */
export * as Pagination from "./Pagination.ts"

/**
 * The types of dotted paths into documents, and of the values at their ends.
 *
 * @since 0.1.0
 */
export * as Path from "./Path.ts"

/**
 * Aggregation pipelines: values whose schema follows stage by stage, and stages that are written by hand.
 *
 * A stage is a function from pipeline to pipeline. What a collection runs, what is nested in another stage, and what several
 * pipelines share are the same thing: a function on a pipeline.
 *
 * @since 0.1.0
 */
export * as Pipeline from "./Pipeline.ts"

/**
 * Projections: the fields of a document that the server returns, and the type of the result.
 *
 * @since 0.1.0
 */
export * as Projection from "./Projection.ts"

/**
 * The types of repositories, and the error of a document that somebody else has changed. `MongoModel.makeRepository` makes them.
 *
 * @since 0.1.0
 */
export * as Repository from "./Repository.ts"

/**
 * Change streams of typed collections: the `ChangeStream` of `@mongofx/core` with decoded documents.
 *
 * @since 0.1.0
 */
export * as TypedChangeStream from "./TypedChangeStream.ts"

/**
 * Collections with a schema. They check and encode documents on the way in, and check and decode them on the way out. Filters
 * and updates are typed on the decoded document.
 *
 * @since 0.1.0
 */
export * as TypedCollection from "./TypedCollection.ts"

/**
 * Queries of typed collections: the `Query` of `@mongofx/core` with decoded documents.
 *
 * @since 0.1.0
 */
export * as TypedQuery from "./TypedQuery.ts"

/**
 * Updates: plain MongoDB objects, typed by dotted paths on the decoded document.
 *
 * @since 0.1.0
 */
export * as Update from "./Update.ts"
