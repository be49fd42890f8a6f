import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import type * as Driver from "mongodb"
import type { MongoClient } from "../../MongoClient.ts"
import type { MongoError } from "../../MongoError.ts"
import type { MongoSession, SessionOptions, TransactionOptions, WithTransaction } from "../../MongoSession.ts"
import type { Connection } from "../call/connection.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import type { SessionState } from "./state.ts"
import { abortExplicit, commitExplicit, provideAmbient, start } from "./transaction.ts"
import { withTransactionOf } from "./withTransaction.ts"

/** @internal */
export const TypeId = "~@mongofx/core/MongoSession" as const

/** @internal */
export class MongoSessionImpl extends Inspectable.Class implements MongoSession {
  readonly [TypeId] = TypeId
  readonly client: MongoClient
  readonly options: SessionOptions
  private readonly connection: Connection
  private readonly state: SessionState

  constructor(client: MongoClient, connection: Connection, state: SessionState, options: SessionOptions) {
    super()
    this.client = client
    this.connection = connection
    this.state = state
    this.options = options
  }

  /** The driver's session must not be printed: it has its client, which has the credentials. */
  toJSON(): unknown {
    return { _id: "MongoSession" }
  }

  private read<A>(f: (driver: Driver.ClientSession) => A): Effect.Effect<A> {
    return Effect.sync(() => f(this.state.driver))
  }

  private change(name: string, f: (driver: Driver.ClientSession) => void): Effect.Effect<void, MongoError> {
    return Effect.try({
      try: () => f(this.state.driver),
      catch: (cause) => toMongoError(cause, { name, command: name })
    })
  }

  get id(): Effect.Effect<Option.Option<Driver.ServerSessionId>> {
    return this.read((driver) => Option.fromUndefinedOr(driver.id))
  }

  get clusterTime(): Effect.Effect<Option.Option<Driver.ClusterTime>> {
    return this.read((driver) => Option.fromUndefinedOr(driver.clusterTime))
  }

  get operationTime(): Effect.Effect<Option.Option<Driver.Timestamp>> {
    return this.read((driver) => Option.fromUndefinedOr(driver.operationTime))
  }

  get inTransaction(): Effect.Effect<boolean> {
    return this.read((driver) => driver.inTransaction())
  }

  get hasEnded(): Effect.Effect<boolean> {
    return this.read((driver) => driver.hasEnded)
  }

  advanceClusterTime(clusterTime: Driver.ClusterTime): Effect.Effect<void, MongoError> {
    return this.change("advanceClusterTime", (driver) => driver.advanceClusterTime(clusterTime))
  }

  advanceOperationTime(operationTime: Driver.Timestamp): Effect.Effect<void, MongoError> {
    return this.change("advanceOperationTime", (driver) => driver.advanceOperationTime(operationTime))
  }

  startTransaction(options?: TransactionOptions): Effect.Effect<void, MongoError> {
    return Effect.suspend(() => Exit.asVoid(start(this.state, options)))
  }

  get commitTransaction(): Effect.Effect<void, MongoError> {
    return commitExplicit(this.connection, this.state)
  }

  get abortTransaction(): Effect.Effect<void, MongoError> {
    return abortExplicit(this.connection, this.state)
  }

  get withTransaction(): WithTransaction {
    return withTransactionOf(this.connection, (self) => this.use(self))
  }

  use<A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> {
    return provideAmbient(this.connection, { state: this.state, transaction: undefined }, self)
  }
}
