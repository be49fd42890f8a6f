/**
 * Sessions: causal consistency, snapshots, and transactions whose start and end are said one by one.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import type * as Driver from "mongodb"
import * as internal from "./internal/session/session.ts"
import type { MongoClient } from "./MongoClient.ts"
import type { MongoError } from "./MongoError.ts"

/**
 * The type of `TypeId`.
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export type TypeId = "~@mongofx/core/MongoSession"

/**
 * Marks a value as a session of mongofx.
 *
 * **Example** (Reading the mark)
 *
 * ```ts
 * import { MongoSession } from "@mongofx/core"
 *
 * console.log(MongoSession.TypeId)
 * ```
 *
 * @stability unstable
 * @category type IDs
 * @since 0.1.0
 */
export const TypeId: TypeId = internal.TypeId

/**
 * How a transaction reads and writes. What is left out is the session's default, or the client's.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface TransactionOptions {
  /** What the transaction reads: `"snapshot"` for one moment of all its documents. */
  readonly readConcern?: Driver.ReadConcernLike | undefined
  /** How settled the commit must be before it is reported; `w: 0` is refused. */
  readonly writeConcern?: Driver.WriteConcernSettings | undefined
  /** The member that is read from. The server allows the primary only. */
  readonly readPreference?: Driver.ReadPreferenceLike | undefined
  /** How long one attempt of the commit may take on the server. */
  readonly maxCommitTime?: Duration.Input | undefined
}

/**
 * Options of `withTransaction`.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface WithTransactionOptions extends TransactionOptions {
  /** For how long after its start the transaction may be run again; 120 seconds by default, as the specification says. */
  readonly maxDuration?: Duration.Input | undefined
  /**
   * Whether the body may run again, as by default. With `false` it runs once, and what would have made it run again is the failure. A
   * commit whose outcome is unknown is repeated all the same.
   */
  readonly rerun?: boolean | undefined
  /** Whether a transaction inside of another joins it, as by default, or is an error. */
  readonly onNested?: "join" | "fail" | undefined
}

/**
 * The form of `withTransaction`: with the effect as the first argument, or after its options for a pipe.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface WithTransaction {
  // One signature: of several, a pipe that is given the function itself would take the last, without its type parameters.
  <T extends Effect.Effect<unknown, unknown, unknown> | WithTransactionOptions = WithTransactionOptions>(
    first?: T extends Effect.Effect<unknown, unknown, unknown> ? T : WithTransactionOptions,
    options?: WithTransactionOptions
  ): T extends Effect.Effect<infer A, infer E, infer R> ? Effect.Effect<A, E | MongoError, R>
    : <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | MongoError, R>
}

/**
 * Options of a session.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface SessionOptions {
  /** Whether each operation sees what those before it have written and read, on whichever member; true by default. */
  readonly causalConsistency?: boolean | undefined
  /** Whether all reads see the data of one moment. It excludes causal consistency, writes and transactions. */
  readonly snapshot?: boolean | undefined
  /** What transactions of this session take where they are given no options of their own. */
  readonly defaultTransactionOptions?: TransactionOptions | undefined
}

/**
 * A session of the server's, for as long as its scope lives.
 *
 * **When to use**
 *
 * Use it where one session must outlive one effect, or the start and the end of a transaction do not lie in one place. For the
 * rest, `withTransaction` and `withSession` of the client are shorter and retry what should be retried.
 *
 * **Details**
 *
 * The server allows one operation of a session at a time: those that run concurrently are put in line.
 *
 * **Example** (A transaction step by step)
 *
 * ```ts
 * import { MongoClient } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const mongo = yield* MongoClient.MongoClient
 *   const session = yield* mongo.session()
 *   yield* session.startTransaction()
 *   yield* session.use(mongo.db("app").collection("log").insertOne({ at: new Date() }))
 *   yield* session.commitTransaction
 * }))
 * ```
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface MongoSession {
  readonly [TypeId]: TypeId
  /** The client the session belongs to. */
  readonly client: MongoClient
  /** The options it was made with. */
  readonly options: SessionOptions
  /**
   * The server's name of the session; none before its first operation. It is another one after a commit or an abort that nobody has
   * answered: what is still going on keeps the old session.
   */
  readonly id: Effect.Effect<Option.Option<Driver.ServerSessionId>>
  /** The latest cluster time the session has seen. */
  readonly clusterTime: Effect.Effect<Option.Option<Driver.ClusterTime>>
  /** The time of the session's last operation, after which its reads look with causal consistency. */
  readonly operationTime: Effect.Effect<Option.Option<Driver.Timestamp>>
  /** Whether a transaction is open. */
  readonly inTransaction: Effect.Effect<boolean>
  /** Whether the session has ended. */
  readonly hasEnded: Effect.Effect<boolean>
  /** Tells the session of a cluster time that another one has seen. */
  readonly advanceClusterTime: (clusterTime: Driver.ClusterTime) => Effect.Effect<void, MongoError>
  /** Makes later reads of the session look after this time. */
  readonly advanceOperationTime: (operationTime: Driver.Timestamp) => Effect.Effect<void, MongoError>
  /** Starts a transaction. Nothing is sent before its first operation. */
  readonly startTransaction: (options?: TransactionOptions) => Effect.Effect<void, MongoError>
  /**
   * Commits the transaction, and then runs what `afterCommit` has registered. A failure with the label
   * `UnknownTransactionCommitResult` may be committed again. An interrupted commit is waited for, up to five seconds, and then repeated
   * in the background until its outcome is known, while the session goes on without it.
   */
  readonly commitTransaction: Effect.Effect<void, MongoError>
  /** Aborts the transaction. */
  readonly abortTransaction: Effect.Effect<void, MongoError>
  /**
   * `withTransaction` of the client, in this session. A body that commits or aborts by itself has decided, and what follows in it runs
   * in the session, outside of the transaction.
   */
  readonly withTransaction: WithTransaction
  /** Runs an effect whose operations on this client join the session, and its transaction if one is open. */
  readonly use: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/**
 * Whether a value is a session of mongofx.
 *
 * **Example** (Telling a session from other values)
 *
 * ```ts
 * import { MongoSession } from "@mongofx/core"
 *
 * console.log(MongoSession.isMongoSession({})) // false
 * ```
 *
 * @stability unstable
 * @category guards
 * @since 0.1.0
 */
export const isMongoSession = (u: unknown): u is MongoSession => Predicate.hasProperty(u, TypeId)
