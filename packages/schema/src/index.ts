// @barrel: Auto-generated exports. Do not edit manually.

/**
 * Schemas of BSON values: what a document holds and the driver reads and writes, with generators and Extended JSON.
 *
 * Each schema has BSON-native values on its encoded side, so that a schema of a document encodes to what the driver
 * stores. The annotation `bsonType` holds the type's alias of MongoDB's `$jsonSchema`, on the decoded and on the encoded
 * side alike. Values are recognised by their tag and their version and not by their class, so that they may come from
 * another copy of bson, as long as it has the major version that the driver writes.
 *
 * `Schema.toCodecJson` makes Extended JSON v2 of them. It encodes to the canonical form, which keeps every type, and decodes
 * the relaxed form as well. To write the relaxed form, encode to BSON first and give that to the driver:
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
 * Filters: plain MongoDB objects, typed by dotted paths on the decoded document.
 *
 * @since 0.1.0
 */
export * as Filter from "./Filter.ts"

/**
 * Fields for models of effect: `Model` of `effect/schema`, with what MongoDB needs.
 *
 * @since 0.1.0
 */
export * as MongoModel from "./MongoModel.ts"

/**
 * The types of dotted paths into documents: which there are, and what stands at their ends.
 *
 * @since 0.1.0
 */
export * as Path from "./Path.ts"

/**
 * Aggregation pipelines: the names of their stages. What is in a stage is not typed.
 *
 * @since 0.1.0
 */
export * as Pipeline from "./Pipeline.ts"

/**
 * Projections: which fields of a document are returned, and the type of what is left.
 *
 * @since 0.1.0
 */
export * as Projection from "./Projection.ts"

/**
 * Change streams of typed collections: what `@mongofx/core` has as `ChangeStream`, with documents that are decoded.
 *
 * @since 0.1.0
 */
export * as TypedChangeStream from "./TypedChangeStream.ts"

/**
 * Collections of a schema: documents are checked and encoded on the way in, checked and decoded on the way out, and filters
 * and updates are typed on the decoded document.
 *
 * @since 0.1.0
 */
export * as TypedCollection from "./TypedCollection.ts"

/**
 * Queries of typed collections: what `@mongofx/core` has as `Query`, with documents that are decoded.
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
