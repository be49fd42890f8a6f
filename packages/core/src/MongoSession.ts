/**
 * Sessions: causal consistency, snapshots, and transactions that you start and end yourself.
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
 * How a transaction reads and writes. Options that are left out are those of the session or the client.
 *
 * @see {@link WithTransactionOptions} for the options of `withTransaction`
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface TransactionOptions {
  /** What the transaction reads: `"snapshot"` for one moment of all its documents. */
  readonly readConcern?: Driver.ReadConcernLike | undefined
  /** How durable the commit must be before it is reported; `w: 0` is refused. */
  readonly writeConcern?: Driver.WriteConcernSettings | undefined
  /** The member to read from. The server allows only the primary. */
  readonly readPreference?: Driver.ReadPreferenceLike | undefined
  /** How long one attempt of the commit may take on the server. */
  readonly maxCommitTime?: Duration.Input | undefined
}

/**
 * Options of `withTransaction`.
 *
 * @see {@link TransactionOptions} for the options of explicit transactions
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface WithTransactionOptions extends TransactionOptions {
  /** How long after its start the transaction may run again; 120 seconds by default, as the specification says. */
  readonly maxDuration?: Duration.Input | undefined
  /**
   * Whether the body may run again; true by default. With `false` it runs once, and fails with the failure that would have made it run
   * again. A commit with an unknown outcome is still repeated.
   */
  readonly rerun?: boolean | undefined
  /** Whether a transaction inside another one joins it (the default) or fails. */
  readonly onNested?: "join" | "fail" | undefined
}

/**
 * The type of `withTransaction`: it takes the effect as its first argument, or only the options when it is used in a pipe.
 *
 * @see {@link WithTransactionOptions} for its options
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface WithTransaction {
  // One signature: a pipe that is given an overloaded function would use the last overload, without its type parameters.
  <T extends Effect.Effect<unknown, unknown, unknown> | WithTransactionOptions = WithTransactionOptions>(
    first?: T extends Effect.Effect<unknown, unknown, unknown> ? T : WithTransactionOptions,
    options?: WithTransactionOptions
  ): T extends Effect.Effect<infer A, infer E, infer R> ? Effect.Effect<A, E | MongoError, R>
    : <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | MongoError, R>
}

/**
 * Options of a session.
 *
 * @see {@link TransactionOptions} for the options of a transaction
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface SessionOptions {
  /**
   * Whether each operation sees what the earlier ones wrote and read, on any member; true by default. MongoDB promises all of it for the read and
   * write concern `majority`. With the read concern `local` a read may, rarely, show an older state than one before it on another member.
   */
  readonly causalConsistency?: boolean | undefined
  /** Whether all reads see the data of one moment. It excludes causal consistency, writes and transactions. */
  readonly snapshot?: boolean | undefined
  /** The options of this session's transactions, unless they are given their own. */
  readonly defaultTransactionOptions?: TransactionOptions | undefined
}

/**
 * A session of the server that lives as long as its scope.
 *
 * **When to use**
 *
 * Use it if a session must outlive one effect, or if a transaction starts and ends in different places of the code. Otherwise
 * `withTransaction` and `withSession` of the client are shorter, and retry what should be retried.
 *
 * **Details**
 *
 * The server allows one operation of a session at a time: concurrent operations wait for each other.
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
 * @see `MongoClient.withTransaction` for a transaction around an effect
 * @see `MongoClient.withSession` for a session around an effect
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface MongoSession {
  readonly [TypeId]: TypeId
  /** The client the session belongs to. */
  readonly client: MongoClient
  /** The options that it was made with. */
  readonly options: SessionOptions
  /**
   * The server's id of the session; none before its first operation. It changes after a commit or an abort that the server did not
   * answer: what may still be going on there keeps the old session.
   */
  readonly id: Effect.Effect<Option.Option<Driver.ServerSessionId>>
  /** The latest cluster time that the session has seen. */
  readonly clusterTime: Effect.Effect<Option.Option<Driver.ClusterTime>>
  /** The time of the session's last operation. With causal consistency, its reads see at least this time. */
  readonly operationTime: Effect.Effect<Option.Option<Driver.Timestamp>>
  /** Whether a transaction is open. */
  readonly inTransaction: Effect.Effect<boolean>
  /** Whether the session has ended. */
  readonly hasEnded: Effect.Effect<boolean>
  /** Tells the session about a cluster time that another session has seen. */
  readonly advanceClusterTime: (clusterTime: Driver.ClusterTime) => Effect.Effect<void, MongoError>
  /** Makes later reads of the session see at least this time. */
  readonly advanceOperationTime: (operationTime: Driver.Timestamp) => Effect.Effect<void, MongoError>
  /** Starts a transaction. Nothing is sent before its first operation. */
  readonly startTransaction: (options?: TransactionOptions) => Effect.Effect<void, MongoError>
  /**
   * Commits the transaction, and then runs what `afterCommit` has registered. After a failure with the label
   * `UnknownTransactionCommitResult` you may commit again. When a commit is interrupted, mongofx waits for it for up to five seconds, and
   * then repeats it in the background until its outcome is known, while the session goes on without it.
   */
  readonly commitTransaction: Effect.Effect<void, MongoError>
  /** Aborts the transaction. */
  readonly abortTransaction: Effect.Effect<void, MongoError>
  /**
   * `withTransaction` of the client, in this session. If the body itself commits or aborts, that decides the outcome, and the rest of the
   * body runs in the session, outside of the transaction.
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
