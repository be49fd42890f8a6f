// @barrel: Auto-generated exports. Do not edit manually.

/**
 * The commands that a client sends, in order: for tests of how often a program asks its server, and for what.
 *
 * @since 0.1.0
 */
export * as CommandLog from "./CommandLog.ts"

/**
 * Faults that a real server makes on demand, for as long as a scope lives.
 *
 * They need a server with test commands enabled, such as the one that `MongoServer` starts.
 *
 * @since 0.1.0
 */
export * as FailPoint from "./FailPoint.ts"

/**
 * Generators of documents: with ids of their own, with references that lead somewhere, and only with values that a collection takes.
 *
 * @since 0.1.0
 */
export * as MongoArbitrary from "./MongoArbitrary.ts"

/**
 * Laws that the collections and codecs of a program must obey, each checked for random documents by one call.
 *
 * @since 0.1.0
 */
export * as MongoLaws from "./MongoLaws.ts"

/**
 * A real MongoDB server for a program or its tests: one that runs already, or one started for them.
 *
 * @since 0.1.0
 */
export * as MongoServer from "./MongoServer.ts"

/**
 * A database for each test, on one server for all of them.
 *
 * @since 0.1.0
 */
export * as MongoTest from "./MongoTest.ts"

/**
 * Faults of servers and of the links between them, each for as long as a scope lives.
 *
 * They strike the members that `MongoServer.layerReplicaSet` and `MongoServer.layerSharded` have started.
 *
 * @since 0.1.0
 */
export * as Nemesis from "./Nemesis.ts"
