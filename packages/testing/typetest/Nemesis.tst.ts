import { MongoServer, MongoTest, Nemesis } from "@mongofx/testing"
import { Effect, Layer, Redacted, Schedule, type Scope } from "effect"
import { describe, expect, it } from "tstyche"

describe("Nemesis", () => {
  it("needs processes that the program has started, and a scope", () => {
    expect(Nemesis.kill("primary")).type.toBe<
      Effect.Effect<Nemesis.Fault, Nemesis.NemesisError, MongoServer.Processes | Scope.Scope>
    >()
    const one = Effect.scoped(Nemesis.kill("primary"))
    expect(one.pipe(Effect.provide(MongoServer.layerReplicaSet({ members: 3 })))).type.toBe<
      Effect.Effect<Nemesis.Fault, Nemesis.NemesisError | MongoServer.MongoServerError>
    >()
    // A server that somebody else has started has no processes to kill.
    expect(one.pipe(Effect.provide(MongoServer.layerUri(Redacted.make("mongodb://127.0.0.1/"))))).type.toBe<
      Effect.Effect<Nemesis.Fault, Nemesis.NemesisError, MongoServer.Processes>
    >()
  })

  it("takes roles, members and functions of members as targets", () => {
    expect(Nemesis.kill).type.toBeCallableWith("secondary")
    expect(Nemesis.kill).type.toBeCallableWith(({ part }: MongoServer.Member) => part === "shard")
    expect(Nemesis.kill).type.not.toBeCallableWith("master")
    expect(Nemesis.kill).type.not.toBeCallableWith("clients")
    expect(Nemesis.slow).type.toBeCallableWith({ links: { from: "clients" as const, to: "primary" as const } })
    expect(Nemesis.slow).type.not.toBeCallableWith({ links: { to: "clients" as const } })
    expect(Nemesis.partition).type.toBeCallableWith([["primary"], ["secondary"]], { clients: 1 })
    expect(Nemesis.partition).type.not.toBeCallableWith(["primary", "secondary"])
  })

  it("runs faults of one's own at random, whose services stay", () => {
    const own = null! as Effect.Effect<string, Error, MongoServer.MongoServer | Scope.Scope>
    expect(Nemesis.random(Schedule.spaced("1 second"), { ...Nemesis.faults, own })).type.toBe<
      Effect.Effect<Nemesis.Running, never, MongoServer.Processes | MongoServer.MongoServer | Scope.Scope>
    >()
  })
})

describe("MongoServer", () => {
  it("layers of several servers are servers, and supply their processes", () => {
    const set = MongoServer.layerReplicaSet({ members: 3 })
    expect(set).type.toBe<Layer.Layer<MongoServer.MongoServer | MongoServer.Processes, MongoServer.MongoServerError>>()
    expect(MongoServer.layerSharded({ shards: 2, members: 1 })).type.toBe<typeof set>()
    expect(set).type.toBeAssignableTo<Layer.Layer<MongoServer.MongoServer, MongoServer.MongoServerError>>()
    expect(Layer.provideMerge(MongoTest.layer, set)).type.toBeAssignableTo<
      Layer.Layer<MongoTest.Services | MongoServer.Processes, unknown>
    >()
    expect(MongoServer.layerReplicaSet).type.not.toBeCallableWith({})
    expect(MongoServer.layerReplicaSet).type.not.toBeCallableWith({ members: 3, replicaSet: false })
    expect(MongoServer.layerSharded).type.not.toBeCallableWith({ shards: 2 })
  })
})
