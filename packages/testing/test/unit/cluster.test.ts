import { assert, describe, it } from "@effect/vitest"
import { roleOf } from "@mongofx/testing/internal/cluster/roles"
import { configOf, problemOf, type Shape } from "@mongofx/testing/internal/cluster/shape"
import { uriOfMember } from "@mongofx/testing/internal/cluster/uri"

describe("the shape of a replica set", () => {
  const shape: Shape = { members: 2, delayed: [5000], arbiters: 1, tags: [{ place: "north" }] }

  it("makes its configuration", () => {
    const config = configOf("rs", shape, ["a:1", "b:2", "c:3", "d:4"], { electionTimeout: 2000 }, false)
    assert.deepStrictEqual(config["members"], [
      { _id: 0, host: "a:1", tags: { place: "north" } },
      { _id: 1, host: "b:2" },
      { _id: 2, host: "c:3", priority: 0, votes: 0, secondaryDelaySecs: 5 },
      { _id: 3, host: "d:4", arbiterOnly: true }
    ])
    assert.deepStrictEqual(config["settings"], {
      electionTimeoutMillis: 2000,
      heartbeatIntervalMillis: 250,
      heartbeatTimeoutSecs: 2,
      catchUpTimeoutMillis: 4000
    })
    assert.notProperty(config, "configsvr")
    assert.propertyVal(configOf("config", shape, [], { electionTimeout: 100 }, true), "configsvr", true)
  })

  it("is refused where the server would refuse it, and where it says nothing", () => {
    assert.isUndefined(problemOf(shape))
    assert.isUndefined(problemOf({ ...shape, members: 5 }))
    assert.include(problemOf({ ...shape, members: 6 }), "8 members")
    assert.include(problemOf({ ...shape, members: 1.5 }), "members is 1.5")
    assert.include(problemOf({ ...shape, members: Number.NaN }), "members is NaN")
    assert.include(problemOf({ ...shape, delayed: [0] }), "delayed has 0 milliseconds")
    assert.include(problemOf({ ...shape, tags: [{}, {}, {}] }), "3 entries for 2 members")
  })
})

describe("the role of a server", () => {
  it("is what its hello says", () => {
    assert.strictEqual(roleOf({ isWritablePrimary: true, secondary: false, setName: "rs" }), "primary")
    assert.strictEqual(roleOf({ isWritablePrimary: false, secondary: true, setName: "rs" }), "secondary")
    assert.strictEqual(
      roleOf({ isWritablePrimary: false, secondary: false, arbiterOnly: true, setName: "rs" }),
      "arbiter"
    )
    assert.strictEqual(roleOf({ isWritablePrimary: true, msg: "isdbgrid" }), "mongos")
    assert.strictEqual(roleOf({ isWritablePrimary: true }), "standalone")
    assert.strictEqual(roleOf({ isWritablePrimary: false, secondary: false, isreplicaset: true }), "recovering")
  })
})

describe("the address of a member", () => {
  const own = "directConnection=true&serverSelectionTimeoutMS=1000"

  it("has the credentials, the database and the options of all, save those that are about all", () => {
    assert.strictEqual(
      uriOfMember("mongodb://ada:s%40@a:1,b:2/app?replicaSet=rs&authSource=admin&readPreference=secondary", "b:2"),
      `mongodb://ada:s%40@b:2/app?authSource=admin&${own}`
    )
    assert.strictEqual(uriOfMember("mongodb://a:1", "a:1"), `mongodb://a:1/?${own}`)
    assert.strictEqual(uriOfMember("mongodb://a:1/?directConnection=true", "a:1"), `mongodb://a:1/?${own}`)
    assert.strictEqual(uriOfMember("mongodb://a:1?tls=true", "[::1]:2"), `mongodb://[::1]:2/?tls=true&${own}`)
  })

  it("means TLS where the address is one of DNS", () => {
    assert.strictEqual(
      uriOfMember("mongodb+srv://ada:x@db.example.test/?retryWrites=true&srvMaxHosts=2", "b.example.test:1"),
      `mongodb://ada:x@b.example.test:1/?retryWrites=true&tls=true&${own}`
    )
    assert.strictEqual(
      uriOfMember("mongodb+srv://db.example.test/?tls=false", "b:1"),
      `mongodb://b:1/?tls=false&${own}`
    )
  })
})
