import { MongoClient, type MongoCollection, MongoDatabase, type MongoError, type QueryPlan } from "@mongofx/core"
import { FailPoint, MongoServer, MongoTest } from "@mongofx/testing"
import { type Arbitrary, Context, Effect, type Layer, Schema, type Scope } from "effect"
import { describe, expect, it } from "tstyche"

interface Other {
  readonly _: unique symbol
}
const Other = Context.Service<Other>("Other")

declare const collection: MongoCollection.MongoCollection

const test = Effect.gen(function*() {
  yield* MongoClient.MongoClient
  yield* MongoDatabase.MongoDatabase
  yield* MongoServer.MongoServer
  yield* Other
  return yield* Effect.fail("mine" as const)
})

describe("MongoTest", () => {
  it("layer supplies a server, a client and a database, and has no requirements", () => {
    expect(MongoTest.layer).type.toBe<
      Layer.Layer<
        MongoServer.MongoServer | MongoClient.MongoClient | MongoDatabase.MongoDatabase,
        MongoServer.MongoServerError | MongoError.MongoError
      >
    >()
    expect(MongoTest.layerWith).type.not.toBeCallableWith({ appName: "mine" })
  })

  it("noLeaks supplies the same services, and keeps other requirements", () => {
    expect(MongoTest.noLeaks(test)).type.toBe<
      Effect.Effect<
        never,
        "mine" | MongoTest.LeakError | MongoServer.MongoServerError | MongoError.MongoError,
        Other
      >
    >()
  })
})

describe("baselines", () => {
  it("baseline supplies only itself to its effect's own requirements", () => {
    expect(MongoTest.baseline(Effect.andThen(Effect.scope, test), { lanes: 8 })).type.toBe<
      Layer.Layer<
        MongoTest.Baseline,
        "mine" | MongoTest.BaselineError | MongoServer.MongoServerError | MongoError.MongoError,
        Other
      >
    >()
    expect(MongoTest.baseline).type.not.toBeCallableWith(Effect.void, { client: { appName: "mine" } })
  })

  it("isolated supplies the services of a test and a scope, and needs a baseline", () => {
    expect(MongoTest.isolated(Effect.andThen(Effect.scope, test))).type.toBe<
      Effect.Effect<
        never,
        "mine" | MongoTest.BaselineError | MongoError.MongoError,
        Other | MongoTest.Baseline
      >
    >()
  })

  it("reset needs the database of a run, so that it does not compile outside of one", () => {
    expect(MongoTest.isolated(MongoTest.reset)).type.toBe<
      Effect.Effect<void, MongoTest.BaselineError | MongoError.MongoError, MongoTest.Baseline>
    >()
    expect(MongoTest.reset).type.not.toBeAssignableTo<Effect.Effect<void, unknown, MongoTest.Baseline>>()
  })
})

describe("prop", () => {
  const age = Schema.Int
  const text = null as unknown as Arbitrary.Arbitrary<string>

  it("gives the property the values of its inputs, by place or by name", () => {
    MongoTest.prop([age, text], (values) => {
      expect(values).type.toBe<[number, string]>()
      return Effect.void
    })
    MongoTest.prop({ age, text }, (values) => {
      expect(values).type.toBe<{ age: number; text: string }>()
      return Effect.void
    })
  })

  it("keeps the property's requirements and none of its errors", () => {
    expect(MongoTest.prop([age], () => Effect.andThen(Effect.scope, test))).type.toBe<
      Effect.Effect<
        void,
        MongoTest.PropertyError | MongoTest.BaselineError | MongoError.MongoError,
        Other | MongoTest.Baseline
      >
    >()
  })

  it("takes only effects, and only schemas and arbitraries", () => {
    expect(MongoTest.prop).type.not.toBeCallableWith([age], () => true)
    expect(MongoTest.prop).type.not.toBeCallableWith([1], () => Effect.void)
  })
})

describe("usesIndex", () => {
  it("gives the plan, and keeps the errors of the query", () => {
    expect(MongoTest.usesIndex(collection.find({}), { maxKeysPerResult: 1 })).type.toBe<
      Effect.Effect<QueryPlan.QueryPlan, MongoError.MongoError | MongoTest.PlanError>
    >()
    expect(MongoTest.usesIndex(collection.aggregate([]))).type.toBe<
      Effect.Effect<QueryPlan.QueryPlan, MongoError.MongoError | MongoTest.PlanError>
    >()
  })

  it("takes queries that have a plan", () => {
    expect(MongoTest.usesIndex).type.not.toBeCallableWith(collection.listIndexes())
    expect(MongoTest.usesIndex).type.not.toBeCallableWith(collection.countDocuments({}))
    expect(MongoTest.usesIndex).type.not.toBeCallableWith(collection.find({}), { maxKeys: 1 })
  })
})

describe("FailPoint", () => {
  it("failCommand lives in a scope", () => {
    expect(FailPoint.failCommand({ failCommands: ["find"] })).type.toBe<
      Effect.Effect<void, MongoError.MongoError, MongoServer.MongoServer | MongoClient.MongoClient | Scope.Scope>
    >()
    expect(FailPoint.failCommand).type.not.toBeCallableWith({ mode: { times: 1 } })
  })
})
