/**
 * Every member of the client but sessions and transactions, on a real server. `connect.test.ts` has the failures.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Mongo, MongoClient, MongoDatabase, type MongoError } from "@mongofx/core"
import {
  Cause,
  Config,
  ConfigProvider,
  Context,
  Effect,
  Exit,
  Fiber,
  Layer,
  Option,
  Redacted,
  Scope,
  Stream
} from "effect"
import * as Driver from "mongodb"
import { randomUUID } from "node:crypto"
import { inspect } from "node:util"
import { type Fixture, nothingLeft, reasonOf, setup, until, uri } from "../support/utils.ts"

const server = new URL(uri.replace(/^mongodb:/, "http:"))
const url = Redacted.make(uri)
const uniqueName = () => `mongofx_${randomUUID().slice(0, 13)}`

/** The connections that the server has of an app, its idle ones and its monitors among them. */
const connectionsOf = (admin: Driver.MongoClient, appName: string): Promise<number> =>
  admin.db("admin").aggregate([
    { $currentOp: { allUsers: true, idleConnections: true, idleSessions: true } },
    { $match: { appName } }
  ]).toArray().then((operations) => operations.length)

const outside = Effect.acquireRelease(
  Effect.promise(() => Driver.MongoClient.connect(uri)),
  (admin) => Effect.promise(() => admin.close())
)

describe("a client", () => {
  it.live("is a value that does not print its connection", () =>
    Effect.gen(function*() {
      const { driver, mongo } = yield* setup()
      assert.isTrue(MongoClient.isMongoClient(mongo))
      assert.isFalse(MongoClient.isMongoClient(mongo.db("app")))
      assert.isFalse(MongoClient.isMongoClient(driver))
      assert.isFalse(MongoClient.isMongoClient(null))
      assert.strictEqual(mongo[MongoClient.TypeId], MongoClient.TypeId)
      assert.deepStrictEqual(JSON.parse(JSON.stringify(mongo)), { _id: "MongoClient" })
      assert.notInclude(inspect(mongo, { depth: 10 }), server.port)
    }))

  it.live("passes its configuration to the driver", () =>
    Effect.gen(function*() {
      const mongo = yield* MongoClient.make({
        url,
        appName: "some_app",
        maxPoolSize: 7,
        maxIdleTime: "1 minute",
        retryReads: false,
        driverOptions: { maxStalenessSeconds: 90 }
      })
      const driver = yield* mongo.use(async (driver) => driver)
      assert.deepInclude({ ...driver.options }, {
        appName: "some_app",
        maxPoolSize: 7,
        maxIdleTimeMS: 60_000,
        retryReads: false
      })
      assert.strictEqual(driver.options.readPreference.maxStalenessSeconds, undefined)
      assert.strictEqual(driver.options.replicaSet, new URLSearchParams(server.search).get("replicaSet") ?? undefined)
    }))
})

describe("db", () => {
  it.live("is that of the connection string, or test, without a name", () =>
    Effect.gen(function*() {
      const named = yield* MongoClient.make({ url: Redacted.make(uri.replace(/\/(\?|$)/, "/of_the_url$1")) })
      assert.strictEqual(named.db().name, "of_the_url")
      assert.strictEqual(named.db("given").name, "given")
      const { last, mongo } = yield* setup()
      assert.strictEqual(mongo.db().name, "test")
      yield* mongo.db().command({ ping: 1 })
      assert.strictEqual(last("ping")["$db"], "test")
    }))

  it.live("takes settings", () =>
    Effect.gen(function*() {
      const { db, last, mongo } = yield* setup()
      yield* mongo.db(db.name, { writeConcern: { w: 1 }, ignoreUndefined: undefined } as MongoDatabase.DatabaseOptions)
        .collection("things").insertOne({})
      assert.deepStrictEqual(last("insert")["writeConcern"], { w: 1 })
    }))
})

describe("looking around", () => {
  it.live("ping asks the server each time it runs", () =>
    Effect.gen(function*() {
      const { commands, mongo } = yield* setup()
      const before = commands.length
      assert.isUndefined(yield* mongo.ping)
      yield* mongo.ping
      assert.deepStrictEqual(
        commands.slice(before).map((event) => [event.commandName, event.databaseName]),
        [["ping", "admin"], ["ping", "admin"]]
      )
    }))

  it.live("listDatabases and listDatabaseNames", () =>
    Effect.gen(function*() {
      const { db, last, mongo } = yield* setup()
      yield* db.collection("things").insertOne({})
      const [info, ...others] = yield* mongo.listDatabases({ filter: { name: db.name } })
      assert.deepStrictEqual(others, [])
      assert.strictEqual(info.name, db.name)
      assert.isFalse(info.empty)
      assert.isAbove(info.sizeOnDisk ?? 0, 0)
      const [nameOnly] = yield* mongo.listDatabases({ filter: { name: db.name }, nameOnly: true })
      assert.deepStrictEqual(nameOnly, { name: db.name })
      const names = yield* mongo.listDatabaseNames()
      assert.includeMembers(names, ["admin", db.name])
      assert.isTrue(last("listDatabases")["nameOnly"])
      const refused = yield* reasonOf(mongo.listDatabases({ filter: { name: undefined } }))
      assert.strictEqual(refused._tag, "InvalidArgumentError")
    }))

  it.live("serverInfo has the version", () =>
    Effect.gen(function*() {
      const { mongo } = yield* setup()
      const info = yield* mongo.serverInfo
      assert.match(info["version"], /^\d+\.\d+\.\d+/)
      assert.strictEqual(info["versionArray"][0], Number(info["version"].split(".")[0]))
    }))

  it.live("dropDatabase drops only the given database", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const other = mongo.db(`${db.name}_other`)
      yield* Effect.addFinalizer(() => Effect.orDie(other.dropDatabase()))
      yield* db.collection("things").insertOne({})
      yield* other.collection("things").insertOne({})
      assert.isUndefined(yield* mongo.dropDatabase(db.name))
      const names = yield* mongo.listDatabaseNames()
      assert.notInclude(names, db.name)
      assert.include(names, other.name)
      yield* mongo.dropDatabase(db.name)
      assert.strictEqual((yield* reasonOf(mongo.dropDatabase("a.b")))._tag, "InvalidArgumentError")
    }))
})

describe("topology", () => {
  it.live("shows the primary of the replica set", () =>
    Effect.gen(function*() {
      const { admin, mongo } = yield* setup()
      const hello = yield* Effect.promise(() => admin.db("admin").command({ hello: 1 }))
      assert.deepStrictEqual(yield* mongo.topology, {
        type: "ReplicaSetWithPrimary",
        setName: Option.some(hello["setName"]),
        address: Option.some(hello["primary"]),
        primary: Option.some(hello["primary"]),
        secondaries: hello["hosts"].filter((host: string) => host !== hello["primary"]),
        arbiters: [],
        nodes: hello["hosts"],
        isPrimary: true,
        isMongos: false
      })
    }))

  it.live("shows one server for a direct connection", () =>
    Effect.gen(function*() {
      const mongo = yield* MongoClient.make({ url: Redacted.make(`mongodb://${server.host}`), directConnection: true })
      const topology = yield* mongo.topology
      assert.strictEqual(topology.type, "Single")
      assert.deepStrictEqual(topology.nodes, [server.host])
      assert.isTrue(topology.isPrimary)
    }))

  it.live("is unknown before anything is connected", () =>
    Effect.gen(function*() {
      const driver = new Driver.MongoClient(uri)
      yield* Effect.addFinalizer(() => Effect.promise(() => driver.close()))
      const mongo = yield* MongoClient.fromClient(driver)
      const before = yield* mongo.topology
      assert.strictEqual(before.type, "Unknown")
      assert.deepStrictEqual(before.nodes, [])
      // The effect is the same one: it looks anew at each run.
      const { topology } = mongo
      yield* mongo.ping
      assert.strictEqual((yield* topology).type, "ReplicaSetWithPrimary")
    }))

  it.live("topologyChanges begins with the present topology and goes on with each change", () =>
    Effect.gen(function*() {
      const driver = new Driver.MongoClient(uri)
      yield* Effect.addFinalizer(() => Effect.promise(() => driver.close()))
      const mongo = yield* MongoClient.fromClient(driver)
      const seen: Array<string> = []
      const fiber = yield* mongo.topologyChanges.pipe(
        Stream.takeUntil(({ isPrimary }) => isPrimary),
        Stream.runForEach(({ type }) => Effect.sync(() => seen.push(type))),
        Effect.forkChild({ startImmediately: true })
      )
      yield* until("the present is seen", () => seen.length === 1)
      yield* mongo.ping
      yield* Fiber.join(fiber)
      assert.strictEqual(seen[0], "Unknown")
      assert.strictEqual(seen.at(-1), "ReplicaSetWithPrimary")
      assert.isAbove(seen.length, 1)
      // Once the first change has been, it begins there.
      const [now] = yield* Stream.runCollect(Stream.take(mongo.topologyChanges, 1))
      assert.deepStrictEqual(now, yield* mongo.topology)
    }))

  it.live("topologyChanges ends when the client is closed", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const mongo = yield* Scope.provide(MongoClient.make({ url }), scope)
      const types: Array<string> = []
      const fiber = yield* mongo.topologyChanges.pipe(
        Stream.runForEach(({ type }) => Effect.sync(() => types.push(type))),
        Effect.forkChild({ startImmediately: true })
      )
      yield* until("the present is seen", () => types.length > 0)
      yield* Scope.close(scope, Exit.void)
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(types, ["ReplicaSetWithPrimary"])
      assert.strictEqual((yield* mongo.topology).type, "Unknown")
    }))

  it.live("topologyChanges allows more than ten followers", () =>
    Effect.gen(function*() {
      const warnings: Array<Error> = []
      const onWarning = (warning: Error) => warnings.push(warning)
      yield* Effect.acquireRelease(
        Effect.sync(() => process.on("warning", onWarning)),
        () => Effect.sync(() => process.off("warning", onWarning))
      )
      const scope = yield* Scope.make()
      const mongo = yield* Scope.provide(MongoClient.make({ url }), scope)
      let seen = 0
      const follow = Stream.runForEach(mongo.topologyChanges, () => Effect.sync(() => seen++))
      const fibers = yield* Effect.forEach(Array.from({ length: 30 }), () =>
        Effect.forkChild(follow, { startImmediately: true }))
      yield* until("all see the present", () =>
        seen === 30)
      yield* Scope.close(scope, Exit.void)
      for (const fiber of fibers) yield* Fiber.join(fiber)
      assert.deepStrictEqual(warnings.map(({ name }) => name), [])
    }))

  it.live("topologyChanges removes its listener", () =>
    Effect.gen(function*() {
      const { driver, mongo } = yield* setup()
      const listeners = () =>
        driver.listenerCount("topologyDescriptionChanged") + driver.listenerCount("topologyClosed")
      const before = listeners()
      const fiber = yield* Effect.forkChild(Stream.runDrain(mongo.topologyChanges), { startImmediately: true })
      yield* until("it listens", () => listeners() === before + 2)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(listeners(), before)
      yield* Stream.runDrain(Stream.take(mongo.topologyChanges, 1))
      assert.strictEqual(listeners(), before)
    }))
})

describe("use", () => {
  it.live("passes the driver's client, and returns the result of the promise", () =>
    Effect.gen(function*() {
      const { db, driver, mongo } = yield* setup()
      yield* db.collection("things").insertOne({ a: 1 })
      let runs = 0
      const count = mongo.use(async (raw, signal, session) => {
        runs++
        assert.strictEqual(raw, driver)
        assert.isFalse(signal.aborted)
        assert.isUndefined(session)
        return await raw.db(db.name).collection("things").countDocuments({}, { signal })
      })
      assert.strictEqual(runs, 0)
      assert.strictEqual(yield* count, 1)
      assert.strictEqual(yield* mongo.use((() => 5) as unknown as () => Promise<number>), 5)
      assert.strictEqual(yield* count, 1)
      assert.strictEqual(runs, 2)
    }))

  it.live("fails with a MongoError, for any thrown value", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      const command = yield* reasonOf(mongo.use((driver) => driver.db(db.name).command({ nonsense: 1 })))
      assert.strictEqual(command.codeName, "CommandNotFound")
      assert.strictEqual(command.operation, "use")
      const things = db.collection("things")
      yield* things.insertOne({ _id: 1 } as Driver.Document)
      const duplicate = yield* reasonOf(
        mongo.use((driver) => driver.db(db.name).collection<{ _id: number }>("things").insertOne({ _id: 1 }))
      )
      assert.strictEqual(duplicate._tag, "DuplicateKeyError")
      const rejected = new Error("rejected")
      assert.strictEqual((yield* reasonOf(mongo.use(() => Promise.reject(rejected)))).cause, rejected)
      // Thrown before there is a promise.
      const thrown = yield* reasonOf(mongo.use((driver) => driver.db("a.b").command({ ping: 1 })))
      assert.strictEqual(thrown._tag, "InvalidArgumentError")
    }))

  it.live("aborts its signal on interruption, and the operation ends on the server", () =>
    Effect.gen(function*() {
      const fixture: Fixture = yield* setup()
      const { db, mongo, sent } = fixture
      yield* db.collection("things").insertOne({})
      const seen: Array<AbortSignal> = []
      const fiber = yield* Effect.forkChild(mongo.use((driver, signal) => {
        seen.push(signal)
        return driver.db(db.name).collection("things").findOne({ $where: "sleep(20000) || true" }, { signal })
      }))
      yield* until("it is sent", () => sent().at(-1) === "find")
      const exit = yield* Effect.exit(Effect.timeout(Fiber.interrupt(fiber), "1 second"))
      assert.isTrue(Exit.isSuccess(exit))
      assert.isTrue(seen[0].aborted)
      const outcome = yield* Fiber.await(fiber)
      assert.isTrue(Exit.isFailure(outcome) && Cause.hasInterruptsOnly(outcome.cause))
      yield* nothingLeft(fixture)
      yield* mongo.ping
    }))

  it.live("follows the interruption policy", () =>
    Effect.gen(function*() {
      const { mongo } = yield* setup()
      const seen: Array<AbortSignal> = []
      let ended = 0
      const slow = mongo.use(async (_, signal) => {
        seen.push(signal)
        await new Promise((resolve) => setTimeout(resolve, 150))
        ended++
      })
      const awaited = yield* Effect.forkChild(Mongo.withInterruptionPolicy(slow, "await"), { startImmediately: true })
      yield* until("it runs", () => seen.length === 1)
      yield* Fiber.interrupt(awaited)
      assert.strictEqual(ended, 1)
      const detached = yield* Effect.forkChild(Mongo.withInterruptionPolicy(slow, "detach"), { startImmediately: true })
      yield* until("it runs", () => seen.length === 2)
      yield* Fiber.interrupt(detached)
      assert.strictEqual(ended, 1)
      yield* until("it ends in the background", () => ended === 2)
      assert.deepStrictEqual(seen.map((signal) => signal.aborted), [false, false])
    }))
})

describe("the end of a client", () => {
  it.live("leaves no connection on the server", () =>
    Effect.gen(function*() {
      const admin = yield* outside
      const appName = uniqueName()
      yield* Effect.scoped(Effect.gen(function*() {
        const mongo = yield* MongoClient.make({ url, appName, minPoolSize: 3 })
        yield* Effect.forEach([1, 2, 3, 4], () => mongo.ping, { concurrency: "unbounded" })
        const before = yield* Effect.promise(() => connectionsOf(admin, appName))
        assert.isAtLeast(before, 1)
      }))
      yield* until("no connection is left", () => connectionsOf(admin, appName).then((left) => left === 0))
    }))

  it.live("leaves no connection when its program fails, dies or is interrupted", () =>
    Effect.gen(function*() {
      const admin = yield* outside
      const appName = uniqueName()
      const during = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.scoped(Effect.andThen(MongoClient.make({ url, appName }), effect))
      for (const effect of [Effect.fail("failed"), Effect.die("died"), Effect.interrupt]) {
        const exit = yield* Effect.exit(during<never, string>(effect))
        assert.isTrue(Exit.isFailure(exit))
      }
      yield* until("no connection is left", () => connectionsOf(admin, appName).then((left) => left === 0))
    }))

  it.live("ends running operations, and makes later ones fail", () =>
    Effect.gen(function*() {
      const admin = yield* outside
      const appName = uniqueName()
      const scope = yield* Scope.make()
      const mongo = yield* Scope.provide(MongoClient.make({ url, appName }), scope)
      yield* Scope.close(scope, Exit.void)
      const reason = yield* reasonOf(mongo.db("admin").command({ ping: 1 }))
      assert.strictEqual(reason._tag, "ClientClosedError")
      assert.strictEqual((yield* reasonOf(mongo.ping))._tag, "ClientClosedError")
      assert.strictEqual((yield* reasonOf(mongo.db("app").collection("things").find()))._tag, "ClientClosedError")
      // None of them has connected again.
      yield* until("no connection is left", () => connectionsOf(admin, appName).then((left) => left === 0))
    }))

  it.live("ends the sessions of the client", () =>
    Effect.gen(function*() {
      const admin = yield* outside
      const commands: Array<string> = []
      yield* Effect.scoped(Effect.gen(function*() {
        const mongo = yield* MongoClient.make({ url, driverOptions: { monitorCommands: true } })
        yield* mongo.use(async (driver) =>
          void driver.on("commandStarted", (event) => commands.push(event.commandName))
        )
        yield* mongo.ping
      }))
      assert.deepStrictEqual(commands, ["ping", "endSessions"])
      assert.isTrue(admin.options.hosts.length > 0)
    }))
})

describe("fromClient", () => {
  it.live("wraps a client of other code, and neither connects nor closes it", () =>
    Effect.gen(function*() {
      const driver = yield* outside
      const listeners = () =>
        driver.eventNames().map((name) => [name, driver.listenerCount(name as keyof Driver.MongoClientEvents)])
      const before = listeners()
      yield* Effect.scoped(Effect.gen(function*() {
        const mongo = yield* MongoClient.fromClient(driver, { commandSpans: true })
        assert.notDeepEqual(listeners(), before)
        assert.strictEqual(yield* mongo.use(async (raw) => raw), driver)
        yield* mongo.ping
      }))
      assert.deepStrictEqual(listeners(), before)
      const reply = yield* Effect.promise(() => driver.db("admin").command({ ping: 1 }))
      assert.strictEqual(reply["ok"], 1)
    }))

  it.live("sends nothing until it is used", () =>
    Effect.gen(function*() {
      const driver = new Driver.MongoClient("mongodb://127.0.0.1:1", { serverSelectionTimeoutMS: 50 })
      yield* Effect.addFinalizer(() => Effect.promise(() => driver.close()))
      const mongo = yield* MongoClient.fromClient(driver)
      assert.strictEqual((yield* reasonOf(mongo.ping))._tag, "ConnectionError")
    }))
})

describe("layers", () => {
  const appNameOf = MongoClient.MongoClient.use((mongo) => mongo.use(async (driver) => driver.options.appName))

  it.live("layer connects once for all its users, and closes", () =>
    Effect.gen(function*() {
      const admin = yield* outside
      const appName = uniqueName()
      const live = MongoClient.layer({ url, appName })
      const clients = yield* Effect.scoped(Effect.gen(function*() {
        const context = yield* Layer.build(Layer.mergeAll(
          live,
          Layer.provide(MongoDatabase.layer("one"), live)
        ))
        yield* Context.get(context, MongoClient.MongoClient).ping
        return yield* Effect.promise(() => connectionsOf(admin, appName))
      }))
      assert.isAtLeast(clients, 1)
      yield* until("no connection is left", () => connectionsOf(admin, appName).then((left) => left === 0))
    }))

  it.live("layer fails as make does", () =>
    Effect.gen(function*() {
      const reason = yield* reasonOf(Effect.provide(
        appNameOf,
        MongoClient.layer({ url: Redacted.make("mongodb://127.0.0.1:1"), serverSelectionTimeout: "100 millis" })
      ))
      assert.strictEqual(reason._tag, "ConnectionError")
      assert.strictEqual(reason.operation, "connect")
    }))

  it.live("layerConfig refuses a setting that is not a Config, and does not show it", () =>
    Effect.gen(function*() {
      const url = Config.succeed(Redacted.make(uri))
      const refused: ReadonlyArray<readonly [path: string | undefined, config: unknown]> = [
        ["url", { url: "mongodb://ada:hunter2@localhost" }],
        ["url", { url: Redacted.make("mongodb://ada:hunter2@localhost") }],
        ["serverSelectionTimeout", { url, serverSelectionTimeout: "5 seconds" }],
        ["maxPoolSize", { url, maxPoolSize: 5 }],
        ["compressors", { url, compressors: ["zlib"] }],
        ["appName", { url, appName: undefined }],
        ["driverOptions.proxyHost", { url, driverOptions: { proxyHost: "hunter2" } }],
        [undefined, "mongodb://ada:hunter2@localhost"]
      ]
      for (const [path, config] of refused) {
        const connecting = Effect.provide(appNameOf, MongoClient.layerConfig(config as never))
        const reason = yield* reasonOf(connecting as Effect.Effect<unknown, MongoError.MongoError>)
        if (reason._tag !== "InvalidArgumentError") throw new Error(`${path}: ${reason.message}`)
        assert.strictEqual(reason.path, path)
        assert.strictEqual(
          reason.message,
          `connect: ${
            path ?? "the configuration"
          } is not a Config: pass Config.succeed(value), or give plain values to MongoClient.layer`
        )
      }
      const nested = MongoClient.layerConfig({ url, driverOptions: { appName: Config.succeed("nested") } })
      assert.strictEqual(yield* Effect.provide(appNameOf, nested), "nested")
    }))

  it.live("layerConfig reads its configuration", () =>
    Effect.gen(function*() {
      const live = MongoClient.layerConfig({
        url: Config.Redacted("MONGODB_URI"),
        appName: Config.String("APP_NAME").pipe(Config.withDefault("none")),
        maxPoolSize: Config.Int("POOL").pipe(Config.withDefault(3)),
        serverSelectionTimeout: Config.Duration("TIMEOUT")
      })
      const options = yield* MongoClient.MongoClient.use((mongo) => mongo.use(async ({ options }) => options)).pipe(
        Effect.provide(live),
        Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({
          MONGODB_URI: uri,
          APP_NAME: "from_the_environment",
          TIMEOUT: "3 seconds"
        })))
      )
      assert.strictEqual(options.appName, "from_the_environment")
      assert.strictEqual(options.maxPoolSize, 3)
      assert.strictEqual(options.serverSelectionTimeoutMS, 3000)
    }))

  it.live("layerFrom supplies the client that an effect makes, and closes its scope", () =>
    Effect.gen(function*() {
      const { driver, mongo } = yield* setup()
      const log: Array<string> = []
      const live = MongoClient.layerFrom(Effect.gen(function*() {
        yield* Effect.addFinalizer(() => Effect.sync(() => log.push("released")))
        log.push("acquired")
        return yield* MongoClient.fromClient(driver)
      }))
      const name = yield* Effect.provide(appNameOf, live)
      assert.strictEqual(name, driver.options.appName)
      assert.deepStrictEqual(log, ["acquired", "released"])
      yield* mongo.ping
      const failed = yield* Effect.flip(Effect.provide(appNameOf, MongoClient.layerFrom(Effect.fail("no client"))))
      assert.strictEqual(failed, "no client")
    }))
})
