/**
 * The metrics of connection pools and operations, with the driver's own events from a real server.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoError } from "@mongofx/core"
import { attach } from "@mongofx/core/internal/telemetry/poolMetrics"
import { durationBoundaries, recordOperation, spanAttributes } from "@mongofx/core/internal/telemetry/telemetry"
import { Context, Effect, Exit, Metric, Scope } from "effect"
import * as Driver from "mongodb"
import { randomUUID } from "node:crypto"
import { setMaxListeners } from "node:events"
import { failCommand, setup, until, uri } from "../support/utils.ts"

const contextOf = (registry: Metric.MetricRegistry) => Context.make(Metric.MetricRegistry, registry)

type Snapshot = Metric.Metric.Snapshot

/** The series of a registry, by name and state. */
class Series {
  readonly registry: Metric.MetricRegistry = new Map()

  get all(): ReadonlyArray<Snapshot> {
    return Metric.snapshotUnsafe(contextOf(this.registry))
  }

  /** The one series of the name, or `undefined`; more than one is an error. */
  private one(name: string, state?: string): Snapshot | undefined {
    const found = this.all.filter((series) =>
      series.id === `db.client.connection.${name}` && series.attributes?.["db.client.connection.state"] === state
    )
    assert.isAtMost(found.length, 1)
    return found[0]
  }

  level(name: string, state?: string): number | undefined {
    const series = this.one(name, state)
    if (series === undefined) return undefined
    if (series.type !== "Counter") throw new Error(`${name} is a ${series.type}`)
    return Number(series.state.count)
  }

  histogram(name: string) {
    const series = this.one(name)
    if (series?.type !== "Histogram") throw new Error(`${name} is ${series?.type}`)
    return series.state
  }

  /** The names of all series of pools. */
  get names(): ReadonlyArray<string> {
    return this.all.map(({ id }) => id.replace("db.client.connection.", "")).sort()
  }

  get counts() {
    return {
      idle: this.level("count", "idle"),
      used: this.level("count", "used"),
      pending: this.level("pending_requests")
    }
  }
}

/** The counts of pools that are closed. */
const gone = { idle: undefined, used: undefined, pending: undefined }

const client = (options: Driver.MongoClientOptions = {}, url = uri) =>
  Effect.acquireRelease(
    Effect.sync(() => new Driver.MongoClient(url, options)),
    (driver) => Effect.promise(() => driver.close())
  )

const attached = (driver: Driver.MongoClient, series: Series, isNew?: boolean) =>
  Effect.provideService(attach(driver, isNew), Metric.MetricRegistry, series.registry)

/** A client whose pool is watched from the start, and a collection of one document. */
const watched = (options: Driver.MongoClientOptions = {}) =>
  Effect.gen(function*() {
    const series = new Series()
    const driver = yield* client(options)
    yield* attached(driver, series, true)
    const open = openConnections(driver)
    yield* Effect.promise(() => driver.connect())
    const name = `mongofx_${randomUUID().slice(0, 13)}`
    const items = driver.db(name).collection("items")
    yield* Effect.acquireRelease(
      Effect.promise(() => items.insertOne({})),
      // The client of the test may be closed by now.
      () => Effect.promise(() => driver.connect().then(() => driver.db(name).dropDatabase()))
    )
    return { driver, items, open, series }
  })

/** Holds a connection for this many milliseconds. */
const hold = (items: Driver.Collection, milliseconds: number, signal?: AbortSignal) =>
  items.findOne({ $where: `sleep(${milliseconds}) || true` }, signal === undefined ? {} : { signal })

/** Holds connections until the server is told to end the operations that use them. */
const held = (collections: ReadonlyArray<Driver.Collection>) =>
  Effect.map(client(), (admin) => {
    const comment = randomUUID()
    let running = collections.length
    const all = Promise.all(collections.map((collection) =>
      collection.findOne({ $where: "sleep(600000) || true" }, { comment }).then(
        () => assert.fail("nobody has ended it"),
        () => running--
      )
    ))
    const kill = async () => {
      const operations = await admin.db("admin").aggregate([
        { $currentOp: {} },
        { $match: { "command.comment": comment } }
      ]).toArray()
      for (const { opid: op } of operations) {
        await admin.db("admin").command({ killOp: 1, op })
      }
      return running === 0
    }
    return {
      release: Effect.andThen(
        until("the held connections are given back", kill),
        Effect.promise(() =>
          all
        )
      )
    }
  })

/** The first command of a new connection. */
const handshake = ["hello", "isMaster", "ismaster"]

/** The connections that the driver has made and not closed. */
const openConnections = (driver: Driver.MongoClient): ReadonlySet<unknown> => {
  const open = new Set<unknown>()
  driver.on("connectionReady", (event) => open.add(event.connectionId))
  driver.on("connectionClosed", (event) => open.delete(event.connectionId))
  return open
}

const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))

describe("pool metrics", () => {
  it.live("connections are counted while they are used and while they are idle", () =>
    Effect.gen(function*() {
      const { driver, items, series } = yield* watched({ maxPoolSize: 4, minPoolSize: 1 })
      assert.strictEqual(series.level("max"), 4)
      assert.strictEqual(series.level("idle.max"), 4)
      assert.strictEqual(series.level("idle.min"), 1)
      const began = performance.now()
      const { release } = yield* held([items, items, items])
      yield* until("three are used", () => series.counts.used === 3)
      assert.strictEqual(series.counts.pending, 0)
      const levels = series.all.filter(({ type }) => type === "Counter")
      assert.strictEqual(levels.length, 6)
      for (const { state } of levels) assert.propertyVal(state, "incremental", false)
      yield* Effect.sleep("100 millis")
      yield* release
      assert.strictEqual(series.counts.used, 0)
      const idle = series.counts.idle
      assert.isTrue(idle === 3 || idle === 4, `${idle} idle`)
      const created = series.histogram("create_time")
      assert.strictEqual(created.count, idle)
      assert.isAbove(created.sum, 0)
      const used = series.histogram("use_time")
      assert.isAtLeast(used.count, 4)
      assert.isAtLeast(used.max, 0.09)
      assert.isBelow(used.max, (performance.now() - began) / 1000)
      assert.deepStrictEqual(used.buckets.map(([boundary]) => boundary), durationBoundaries)
      assert.strictEqual(series.histogram("wait_time").count, used.count)

      yield* Effect.promise(() => driver.close())
      // Counts of events stay, levels of closed connections go.
      assert.deepStrictEqual(series.names, ["create_time", "use_time", "wait_time"])
      assert.strictEqual(series.histogram("create_time").count, idle)
    }))

  it.live("every series has the pool's address, without the credentials", () =>
    Effect.gen(function*() {
      const { driver, series } = yield* watched()
      const { hosts } = driver.options
      for (const { attributes, id } of series.all) {
        assert.strictEqual(attributes?.["db.client.connection.pool.name"], String(hosts[0]), id)
        assert.isTrue(id.startsWith("db.client.connection."))
        const others = Object.keys(attributes ?? {}).filter((key) => key !== "db.client.connection.pool.name")
        assert.includeMembers(["db.client.connection.state", "unit"], others)
      }
      assert.strictEqual(
        series.all.find(({ id }) => id === "db.client.connection.wait_time")?.attributes?.["unit"],
        "s"
      )
    }))

  it.live("an operation that waits for the only connection is pending, and its wait is timed", () =>
    Effect.gen(function*() {
      const { items, series } = yield* watched({ maxPoolSize: 1 })
      const { release } = yield* held([items])
      yield* until("the connection is used", () => series.counts.used === 1)
      const began = performance.now()
      const waiting = Promise.all([items.findOne({}), items.findOne({})])
      yield* until("two wait", () => series.counts.pending === 2)
      assert.deepStrictEqual(series.counts, { idle: 0, used: 1, pending: 2 })
      yield* Effect.sleep("100 millis")
      yield* release
      yield* Effect.promise(() => waiting)
      assert.deepStrictEqual(series.counts, { idle: 1, used: 0, pending: 0 })
      const waits = series.histogram("wait_time")
      assert.isAtLeast(waits.max, 0.09)
      assert.isBelow(waits.max, (performance.now() - began) / 1000)
      // The earlier operations found the connection free.
      assert.isBelow(waits.min, waits.max)
      assert.strictEqual(series.histogram("create_time").count, 1)
    }))

  it.live("a wait that times out is counted, and no longer pending", () =>
    Effect.gen(function*() {
      const { items, series } = yield* watched({ maxPoolSize: 1, waitQueueTimeoutMS: 50 })
      const { release } = yield* held([items])
      yield* until("the connection is used", () => series.counts.used === 1)
      const waits = series.histogram("wait_time").count
      const error = yield* Effect.promise(() => items.insertOne({}).then(() => undefined, (error: unknown) => error))
      assert.strictEqual((error as Error).name, "MongoWaitQueueTimeoutError")
      assert.strictEqual(series.level("timeouts"), 1)
      assert.deepStrictEqual(series.counts, { idle: 0, used: 1, pending: 0 })
      assert.strictEqual(series.histogram("wait_time").count, waits)
      yield* release
      assert.deepStrictEqual(series.counts, { idle: 1, used: 0, pending: 0 })
    }))

  it.live("a wait that is aborted gives no event, and is forgotten with the next connection that comes back", () =>
    Effect.gen(function*() {
      const { items, series } = yield* watched({ maxPoolSize: 1 })
      const { release } = yield* held([items])
      yield* until("the connection is used", () => series.counts.used === 1)
      const controller = new AbortController()
      const waiting = [1, 2, 3].map(() => items.findOne({}, { signal: controller.signal }).catch(() => undefined))
      yield* until("three wait", () => series.counts.pending === 3)
      controller.abort(new Error("enough"))
      yield* release
      yield* Effect.promise(() => Promise.all(waiting))
      yield* Effect.promise(settled)
      assert.deepStrictEqual(series.counts, { idle: 1, used: 0, pending: 0 })
    }))

  it.live("aborted waits do not pile up in a pool that is never idle", () =>
    Effect.gen(function*() {
      const { items, series } = yield* watched({ maxPoolSize: 1 })
      const { release } = yield* held([items])
      yield* until("the connection is used", () => series.counts.used === 1)
      const holders = Promise.all(Array.from({ length: 11 }, () => hold(items, 50)))
      yield* until("all wait", () => series.counts.pending === 11)
      const controller = new AbortController()
      setMaxListeners(0, controller.signal)
      const waiting = Array.from({ length: 20 }, () => hold(items, 0, controller.signal).catch(() => undefined))
      yield* until("twenty more wait", () => series.counts.pending === 31)
      controller.abort(new Error("enough"))
      yield* Effect.promise(() => Promise.all(waiting))
      // The aborted waits are the youngest in the queue: they are forgotten when an even younger one is served.
      const later = Promise.all(Array.from({ length: 4 }, () => hold(items, 100)))
      yield* release
      yield* Effect.promise(() => holders)
      yield* until("the later ones are served", () => series.counts.pending !== undefined && series.counts.pending <= 3)
      yield* Effect.promise(() => later)
      yield* Effect.promise(settled)
      assert.deepStrictEqual(series.counts, { idle: 1, used: 0, pending: 0 })
    }))

  it.live("a wait that is aborted while its connection is being made is forgotten when the connection is ready", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { items, series } = yield* watched({ appName: fixture.db.name, maxPoolSize: 2 })
      yield* failCommand(fixture, "alwaysOn", { failCommands: handshake, blockConnection: true, blockTimeMS: 300 })
      const { release } = yield* held([items])
      yield* until("the connection is used", () => series.counts.used === 1)
      const controller = new AbortController()
      const aborted = items.findOne({}, { signal: controller.signal }).catch((error: Error) => error.message)
      yield* until("one waits", () => series.counts.pending === 1)
      controller.abort(new Error("enough"))
      assert.strictEqual(yield* Effect.promise(() => aborted), "enough")
      yield* until("the connection is there", () => series.counts.idle === 1)
      yield* Effect.promise(settled)
      assert.deepStrictEqual(series.counts, { idle: 1, used: 1, pending: 0 })
      yield* release
    }))

  it.live("connections that cannot be made leave nothing behind", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { items, series } = yield* watched({ appName: fixture.db.name, maxPoolSize: 5, retryReads: false })
      const made = series.histogram("create_time").count
      const { release } = yield* held([items])
      yield* until("the connection is used", () => series.counts.used === 1)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* failCommand(fixture, "alwaysOn", { failCommands: handshake, closeConnection: true })
        const error = yield* Effect.promise(() => items.findOne({}).then(() => undefined, (error: unknown) => error))
        assert.instanceOf(error, Driver.MongoNetworkError)
      }))
      assert.strictEqual(series.counts.pending, 0)
      assert.strictEqual(series.histogram("create_time").count, made)
      yield* release
      yield* Effect.promise(() => items.findOne({}))
      yield* Effect.promise(settled)
      assert.strictEqual(series.counts.used, 0)
      assert.strictEqual(series.counts.pending, 0)
    }))

  it.live("levels follow the open connections through errors, clears and aborts, and are never negative", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { driver, items, open, series } = yield* watched({ appName: fixture.db.name, maxPoolSize: 3 })
      yield* Effect.promise(() => items.insertMany(Array.from({ length: 20 }, () => ({}))))
      const lowest = { idle: 0, used: 0, pending: 0 }
      let events = 0
      const look = () => {
        events++
        const { idle = 0, pending = 0, used = 0 } = series.counts
        lowest.idle = Math.min(lowest.idle, idle)
        lowest.used = Math.min(lowest.used, used)
        lowest.pending = Math.min(lowest.pending, pending)
        assert.isAtMost(idle + used, 3)
      }
      for (
        const name of [
          "connectionReady",
          "connectionClosed",
          "connectionCheckedOut",
          "connectionCheckedIn",
          "connectionCheckOutStarted",
          "connectionCheckOutFailed",
          "connectionPoolCleared"
        ] as const
      ) driver.on(name, look)
      yield* failCommand(fixture, { times: 5 }, { failCommands: ["find", "getMore"], closeConnection: true })
      yield* Effect.promise(() =>
        Promise.all(Array.from({ length: 200 }, async (_, i) => {
          const controller = new AbortController()
          if (i % 3 === 0) setTimeout(() => controller.abort(new Error("enough")), i % 17)
          await items.find({}, { batchSize: 5, signal: controller.signal }).toArray().catch(() => undefined)
        }))
      )
      yield* until("all is quiet", () => series.counts.used === 0 && series.counts.pending === 0)
      assert.isAbove(events, 500)
      assert.deepStrictEqual(lowest, { idle: 0, used: 0, pending: 0 })
      assert.strictEqual(series.counts.idle, open.size)
    }))

  it.live("two clients of one server add up, and each removes its own part", () =>
    Effect.gen(function*() {
      const series = new Series()
      const drivers = yield* Effect.all([1, 2].map(() => client({ maxPoolSize: 3, minPoolSize: 1 })))
      const [open, other] = drivers.map(openConnections)
      const scope = yield* Scope.make()
      yield* Scope.provide(attached(drivers[0], series), scope)
      yield* attached(drivers[1], series)
      yield* Effect.promise(() => Promise.all(drivers.map((driver) => driver.connect())))
      yield* until("each has its connections", () =>
        open.size > 0 && other.size > 0 && series.counts.idle === open.size + other.size)
      assert.strictEqual(series.level("max"), 6)
      assert.strictEqual(series.level("idle.min"), 2)
      yield* Scope.close(scope, Exit.void)
      assert.strictEqual(series.level("max"), 3)
      assert.strictEqual(series.counts.idle, other.size)
      // Nothing listens to the first client any more.
      yield* Effect.promise(() =>
        drivers[0].db("admin").command({ ping: 1 })
      )
      yield* Effect.promise(() => drivers[0].close())
      assert.strictEqual(series.counts.idle, other.size)
      yield* Effect.promise(() => drivers[1].close())
      assert.deepStrictEqual(series.counts, gone)
      assert.strictEqual(series.level("max"), undefined)
    }))

  it.live("a shared series exists as long as one of its clients", () =>
    Effect.gen(function*() {
      const series = new Series()
      const drivers = yield* Effect.all([2, 3, 4].map((maxPoolSize) => client({ maxPoolSize })))
      const [first, second, third] = drivers
      const open = drivers.map(openConnections)
      yield* Effect.all([attached(first, series), attached(second, series), attached(third, series)])
      yield* Effect.promise(() => Promise.all([first.connect(), second.connect()]))
      assert.strictEqual(series.level("max"), 5)
      const versions = [first, second].map((driver) => driver.db("admin").collection("system.version"))
      const each = yield* held(versions)
      yield* until("each uses one", () => series.counts.used === 2)
      yield* each.release
      assert.isAbove(series.counts.idle ?? 0, open[1].size)
      yield* Effect.promise(() => first.close())
      assert.strictEqual(series.level("max"), 3)
      assert.strictEqual(series.counts.idle, open[1].size)
      const one = yield* held(versions.slice(1))
      yield* until("the second uses one", () => series.counts.used === 1)
      yield* one.release
      assert.strictEqual(series.counts.idle, open[1].size)
      yield* Effect.promise(() => second.close())
      assert.deepStrictEqual(series.names, ["create_time", "use_time", "wait_time"])

      // They exist again with the next client, without the values of the closed ones.
      yield* Effect.promise(() => third.connect())
      yield* Effect.promise(() => first.connect())
      assert.strictEqual(series.level("max"), 6)
      assert.isAbove(open[0].size, 0)
      assert.strictEqual(series.counts.idle, open[0].size + open[2].size)
      yield* Effect.promise(() => third.close())
      assert.strictEqual(series.level("max"), 2)
      yield* Effect.promise(() => first.close())
      assert.deepStrictEqual(series.counts, gone)
    }))

  it.live("series with the same attributes add up, in any order", () =>
    Effect.gen(function*() {
      const series = new Series()
      const connected = (maxPoolSize: number, attributes: Metric.Metric.AttributeSet) =>
        Effect.gen(function*() {
          const driver = yield* client({ maxPoolSize })
          yield* Effect.provideService(attached(driver, series), Metric.CurrentMetricAttributes, attributes)
          yield* Effect.promise(() => driver.connect())
        })
      yield* connected(1, { tenant: "a", zone: "x" })
      yield* connected(2, { zone: "x", tenant: "a" })
      yield* connected(4, { tenant: "b", zone: "x" })
      yield* connected(8, {})
      const max = series.all.filter(({ id }) => id === "db.client.connection.max").map(({ attributes, state }) => [
        attributes?.["tenant"],
        attributes?.["zone"],
        state
      ])
      assert.deepStrictEqual(max, [
        ["a", "x", { count: 3, incremental: false }],
        ["b", "x", { count: 4, incremental: false }],
        [undefined, undefined, { count: 8, incremental: false }]
      ])
    }))

  it.live.each([true, false])(
    "the pools of a client are separate, and a closed one goes (known to be new: %s)",
    (isNew) =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const hello = yield* Effect.promise(() => fixture.driver.db("admin").command({ hello: 1 }))
        const me = String(hello["me"])
        // A name that the replica set does not know: the driver makes a pool for it, and closes that one.
        const alias = me.replace(/^[^:]*/, me.startsWith("localhost") ? "127.0.0.1" : "localhost")
        const series = new Series()
        const driver = yield* client({ maxPoolSize: 3 }, `mongodb://${alias},${me}/?replicaSet=${hello["setName"]}`)
        yield* attached(driver, series, isNew)
        const events: Array<string> = []
        driver.on("connectionPoolCreated", ({ address }) => events.push(`${address} created`))
        driver.on("connectionPoolClosed", ({ address }) => events.push(`${address} closed`))
        yield* Effect.promise(() => driver.connect())
        yield* Effect.promise(() => driver.db("admin").command({ ping: 1 }))
        assert.deepStrictEqual([...events].sort(), [`${alias} closed`, `${alias} created`, `${me} created`].sort())
        assert.strictEqual(series.level("max"), 3)
        assert.strictEqual(series.counts.used, 0)
        for (const { attributes, id } of series.all) {
          assert.strictEqual(attributes?.["db.client.connection.pool.name"], me, id)
        }
      })
  )

  it.live("a client that was already connected is counted from the first use of its connections on", () =>
    Effect.gen(function*() {
      const driver = yield* client({ maxPoolSize: 2 })
      yield* Effect.promise(() => driver.connect())
      yield* Effect.promise(() => driver.db("admin").command({ ping: 1 }))
      const series = new Series()
      yield* attached(driver, series)
      yield* Effect.promise(() => driver.db("admin").command({ ping: 1 }))
      assert.deepStrictEqual(series.counts, { idle: 1, used: 0, pending: 0 })
      yield* Effect.promise(() => driver.close())
      assert.deepStrictEqual(series.counts, gone)
    }))

  it.live("no listener is left after the scope, and no other registry is used", () =>
    Effect.gen(function*() {
      const driver = yield* client()
      const listeners = () =>
        driver.eventNames().map((name) => [name, driver.listenerCount(name as keyof Driver.MongoClientEvents)])
      const before = listeners()
      const series = new Series()
      yield* Effect.scoped(attached(driver, series))
      assert.deepStrictEqual(listeners(), before)
      yield* Effect.promise(() => driver.connect())
      assert.deepStrictEqual(series.all, [])

      const mine = new Series()
      const around = yield* Effect.provideService(
        Effect.gen(function*() {
          yield* attached(driver, mine)
          yield* Effect.promise(() => driver.db("admin").command({ ping: 1 }))
          return yield* Metric.snapshot
        }),
        Metric.MetricRegistry,
        new Map()
      )
      assert.strictEqual(mine.counts.idle, 1)
      assert.deepStrictEqual(around, [])
    }))
})

describe("operation metrics", () => {
  const server = { "server.address": "db.example.org", "server.port": 27018 }
  const find = { command: "find", database: "app", collection: "users" }
  const record = (
    registry: Metric.MetricRegistry,
    operation: typeof find,
    seconds: number,
    failure?: MongoError.MongoError
  ) => recordOperation(contextOf(registry), server, operation, seconds, failure)
  const failure = (code?: number) =>
    new MongoError.MongoError({
      reason: code === undefined
        ? new MongoError.ClientClosedError({
          kind: "client",
          operation: "find",
          labels: [],
          message: "closed",
          cause: undefined
        })
        : new MongoError.ServerError({ operation: "find", code, labels: [], message: "no", cause: undefined })
    })
  const snapshot = (registry: Metric.MetricRegistry) => Metric.snapshotUnsafe(contextOf(registry))
  const attributes = {
    "db.system.name": "mongodb",
    "db.operation.name": "find",
    "db.namespace": "app",
    "db.collection.name": "users",
    "server.address": "db.example.org",
    "server.port": "27018",
    unit: "s"
  }

  it("have one histogram per operation, collection and outcome", () => {
    const registry: Metric.MetricRegistry = new Map()
    record(registry, find, 0.003)
    record(registry, find, 0.7)
    record(registry, { ...find, collection: "films" }, 20)
    record(registry, find, 0.002, failure(50))
    record(registry, find, 0.002, failure())
    const series = snapshot(registry)
    assert.isTrue(series.every(({ id, type }) => id === "db.client.operation.duration" && type === "Histogram"))
    assert.deepStrictEqual(series.map(({ attributes }) => attributes), [
      attributes,
      { ...attributes, "db.collection.name": "films" },
      { ...attributes, "db.response.status_code": "50", "error.type": "50" },
      { ...attributes, "error.type": "ClientClosedError" }
    ])
    const [first] = series
    assert.strictEqual(first.type, "Histogram")
    if (first.type !== "Histogram") return
    assert.deepStrictEqual(first.state.buckets, [
      [0.001, 0],
      [0.005, 1],
      [0.01, 1],
      [0.05, 1],
      [0.1, 1],
      [0.5, 1],
      [1, 2],
      [5, 2],
      [10, 2]
    ])
    assert.strictEqual(first.state.sum, 0.703)
  })

  it("have no collection for operations of a client or a database", () => {
    const registry: Metric.MetricRegistry = new Map()
    recordOperation(contextOf(registry), {}, { command: "ping" }, 1, undefined)
    recordOperation(contextOf(registry), {}, { command: "ping", database: "app" }, 1, undefined)
    assert.deepStrictEqual(snapshot(registry).map(({ attributes }) => attributes), [
      { "db.system.name": "mongodb", "db.operation.name": "ping", unit: "s" },
      { "db.system.name": "mongodb", "db.operation.name": "ping", "db.namespace": "app", unit: "s" }
    ])
  })

  it("use the registry and the attributes of the context", () => {
    const one: Metric.MetricRegistry = new Map()
    const other: Metric.MetricRegistry = new Map()
    record(one, find, 1)
    record(other, find, 1)
    const tenant = Context.add(contextOf(other), Metric.CurrentMetricAttributes, { tenant: "a" })
    recordOperation(tenant, server, find, 1, undefined)
    assert.strictEqual(snapshot(one).length, 1)
    assert.deepStrictEqual(snapshot(other).map(({ attributes }) => attributes), [
      attributes,
      { ...attributes, tenant: "a" }
    ])
  })

  it("keep their counts with a great number of collections", () => {
    const registry: Metric.MetricRegistry = new Map()
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 6000; i++) record(registry, { ...find, collection: `c${i}` }, 1)
    }
    const series = snapshot(registry)
    assert.strictEqual(series.length, 6000)
    assert.isTrue(series.every((one) => one.type === "Histogram" && one.state.count === 2))
  })

  it("span attributes: what samplers see, and the size of a real batch", () => {
    assert.deepStrictEqual(spanAttributes(server, { ...find, batchSize: 3 }), {
      "db.system.name": "mongodb",
      "db.operation.name": "find",
      "db.namespace": "app",
      "db.collection.name": "users",
      "db.operation.batch.size": 3,
      "server.address": "db.example.org",
      "server.port": 27018
    })
    assert.notProperty(spanAttributes({}, { ...find, batchSize: 1 }), "db.operation.batch.size")
    assert.propertyVal(spanAttributes({}, { ...find, batchSize: 0 }), "db.operation.batch.size", 0)
  })
})
