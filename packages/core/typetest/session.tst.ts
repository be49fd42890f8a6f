/**
 * The types of sessions and transactions.
 *
 * @since 0.1.0
 */
import { type MongoClient, type MongoError, MongoSession } from "@mongofx/core"
import type { Effect, Option, Scope } from "effect"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

declare const mongo: MongoClient.MongoClient
declare const session: MongoSession.MongoSession
declare const unknown_: unknown

interface Mail {
  readonly _: unique symbol
}
interface Refused {
  readonly _tag: "Refused"
}
declare const body: Effect.Effect<number, Refused, Mail>
declare const callback: Effect.Effect<void, never, Mail>
declare const failing: Effect.Effect<void, Refused>

type Operation<A> = Effect.Effect<A, MongoError.MongoError, never>
type InTransaction = Effect.Effect<number, Refused | MongoError.MongoError, Mail>

describe("transactions", () => {
  it("keep the value, the errors and the requirements of the body, and add MongoError", () => {
    expect(mongo.withTransaction(body)).type.toBe<InTransaction>()
    expect(session.withTransaction(body)).type.toBe<InTransaction>()
    expect(mongo.withTransaction(mongo.ping)).type.toBe<Operation<void>>()
    expect(mongo.withoutTransaction(body)).type.toBe<Effect.Effect<number, Refused, Mail>>()
  })

  it("take their options with durations, and no others", () => {
    expect(mongo.withTransaction).type.toBeCallableWith(body, {
      readConcern: "snapshot",
      writeConcern: { w: "majority", j: true },
      readPreference: "primary",
      maxCommitTime: "2 seconds",
      maxDuration: 10_000,
      onNested: "fail"
    })
    expect(mongo.withTransaction).type.toBeCallableWith(body, { maxDuration: undefined, onNested: "join" })
    expect(mongo.withTransaction).type.not.toBeCallableWith(body, { maxCommitTimeMS: 2000 })
    expect(mongo.withTransaction).type.not.toBeCallableWith(body, { timeoutMS: 2000 })
    expect(mongo.withTransaction).type.not.toBeCallableWith(body, { onNested: "savepoint" })
    expect(mongo.withTransaction).type.not.toBeCallableWith(async () => 1)
  })

  it("afterCommit takes an effect that cannot fail", () => {
    expect(mongo.afterCommit(callback)).type.toBe<Effect.Effect<void, never, Mail>>()
    expect(mongo.afterCommit).type.not.toBeCallableWith(failing)
  })
})

describe("sessions", () => {
  it("live in a scope", () => {
    expect(mongo.session()).type.toBe<Effect.Effect<MongoSession.MongoSession, MongoError.MongoError, Scope.Scope>>()
    expect(mongo.session).type.toBeCallableWith({
      causalConsistency: true,
      defaultTransactionOptions: { readConcern: "majority", maxCommitTime: "1 second" }
    })
    expect(mongo.session).type.not.toBeCallableWith({ snapshot: "yes" })
    expect(mongo.session).type.not.toBeCallableWith({ defaultTransactionOptions: { maxDuration: "1 second" } })
  })

  it("withSession keeps what the effect is, and adds MongoError", () => {
    expect(mongo.withSession({ snapshot: true })(body)).type.toBe<InTransaction>()
    expect(mongo.withSession()(body)).type.toBe<InTransaction>()
  })

  it("have all their members as effects", () => {
    expect(session.client).type.toBe<MongoClient.MongoClient>()
    expect(session.options).type.toBe<MongoSession.SessionOptions>()
    expect(session.id).type.toBe<Effect.Effect<Option.Option<Driver.ServerSessionId>>>()
    expect(session.clusterTime).type.toBe<Effect.Effect<Option.Option<Driver.ClusterTime>>>()
    expect(session.operationTime).type.toBe<Effect.Effect<Option.Option<Driver.Timestamp>>>()
    expect(session.inTransaction).type.toBe<Effect.Effect<boolean>>()
    expect(session.hasEnded).type.toBe<Effect.Effect<boolean>>()
    expect(session.advanceClusterTime({} as Driver.ClusterTime)).type.toBe<Operation<void>>()
    expect(session.advanceOperationTime({} as Driver.Timestamp)).type.toBe<Operation<void>>()
    expect(session.startTransaction()).type.toBe<Operation<void>>()
    expect(session.commitTransaction).type.toBe<Operation<void>>()
    expect(session.abortTransaction).type.toBe<Operation<void>>()
    expect(session.use(body)).type.toBe<Effect.Effect<number, Refused, Mail>>()
    expect(session.startTransaction).type.not.toBeCallableWith({ maxDuration: "1 second" })
  })

  it("the guard narrows", () => {
    if (MongoSession.isMongoSession(unknown_)) expect(unknown_).type.toBe<MongoSession.MongoSession>()
  })
})
