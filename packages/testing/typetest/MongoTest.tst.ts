import { MongoClient, MongoDatabase, type MongoError } from "@mongofx/core"
import { FailPoint, MongoServer, MongoTest } from "@mongofx/testing"
import { Context, Effect, type Layer, type Scope } from "effect"
import { describe, expect, it } from "tstyche"

interface Other {
  readonly _: unique symbol
}
const Other = Context.Service<Other>("Other")

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

describe("FailPoint", () => {
  it("failCommand lives in a scope", () => {
    expect(FailPoint.failCommand({ failCommands: ["find"] })).type.toBe<
      Effect.Effect<void, MongoError.MongoError, MongoServer.MongoServer | MongoClient.MongoClient | Scope.Scope>
    >()
    expect(FailPoint.failCommand).type.not.toBeCallableWith({ mode: { times: 1 } })
  })
})
