import { assert, describe, it } from "@effect/vitest"
import { MongoClient, type MongoClientConfig, MongoError } from "@mongofx/core"
import {
  Cause,
  Config,
  ConfigProvider,
  Effect,
  Exit,
  Fiber,
  Layer,
  Logger,
  Option,
  Redacted,
  References,
  Schema,
  Scope,
  Stream,
  Tracer
} from "effect"
import * as Driver from "mongodb"
import { randomUUID } from "node:crypto"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import * as Net from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { interrupt, reasonOf, setup, timed, until, uri } from "../support/utils.ts"

const user = "ada-the-user"
const password = "s3cr3t-pa55word"

const server = new URL(uri.replace(/^mongodb:/, "http:"))

/** The URI of the test server with other credentials, options, or host. */
const uriWith = (parts: { host?: string; query?: string; credentials?: boolean; scheme?: string }) =>
  `${parts.scheme ?? "mongodb"}://${parts.credentials === false ? "" : `${user}:${password}@`}${
    parts.host ?? server.host
  }/${parts.query === undefined ? "" : `?${parts.query}`}`

/** Connects in its own scope and pings once more. */
const connecting = (url: string, config: Omit<MongoClientConfig.MongoClientConfig, "url"> = {}) =>
  Effect.scoped(Effect.flatMap(
    MongoClient.make({ url: Redacted.make(url), serverSelectionTimeout: "400 millis", ...config }),
    (mongo) => mongo.ping
  ))

/** Everything that a program could print of a failed effect: the error in every form, its spans and its log. */
const printed = <A>(effect: Effect.Effect<A, MongoError.MongoError>) =>
  Effect.gen(function*() {
    const texts: Array<string> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    const spans: Array<Tracer.Span> = []
    const exit = yield* effect.pipe(
      Effect.tapCause((cause) => Effect.logError("failed", cause)),
      Effect.withSpan("outer"),
      Effect.provideService(Tracer.Tracer, tracer),
      Effect.provide(Logger.layer([
        Logger.map(Logger.formatLogFmt, (text) => void texts.push(text)),
        Logger.map(Logger.formatStructured, (entry) => void texts.push(inspect(entry, { depth: 20 }))),
        Logger.map(Logger.formatJson, (text) => void texts.push(text))
      ])),
      Effect.exit
    )
    assert.isTrue(Exit.isFailure(exit), "did not fail")
    const cause = (exit as Exit.Failure<A, MongoError.MongoError>).cause
    const error = Option.getOrThrowWith(Cause.findErrorOption(cause), () => new Error(Cause.pretty(cause)))
    assert.isTrue(MongoError.isMongoError(error))
    texts.push(
      error.message,
      String(error),
      String(error.stack),
      inspect(error, { depth: 20, showHidden: true }),
      inspect(exit, { depth: 20 }),
      JSON.stringify(error),
      JSON.stringify(exit),
      Cause.pretty(cause),
      JSON.stringify(yield* Schema.encodeEffect(Schema.toCodecJson(MongoError.MongoError))(error)),
      ...spans.map((span) => inspect(span, { depth: 20 }))
    )
    assert.isAbove(spans.length, 0)
    return { reason: error.reason, text: texts.join("\n") }
  })

/** Fails as described, and nothing that could be printed of it has the credentials. */
const failsWith = (
  url: string,
  expected: { readonly tag: MongoError.MongoErrorReason["_tag"]; readonly kind?: string; readonly message?: RegExp },
  config?: Omit<MongoClientConfig.MongoClientConfig, "url">
) =>
  Effect.gen(function*() {
    const { reason, text } = yield* printed(connecting(url, config))
    assert.notInclude(text, password)
    assert.notInclude(text, encodeURIComponent(password))
    assert.strictEqual(reason._tag, expected.tag, reason.message)
    if (expected.kind !== undefined) {
      assert.strictEqual((reason as { kind?: string }).kind, expected.kind, reason.message)
    }
    if (expected.message !== undefined) assert.match(reason.message, expected.message)
    assert.strictEqual(reason.operation, "connect")
    return reason
  })

/** Made only for these tests; the password of the key is "right". */
const keyAndCertificate = [
  "-----BEGIN ENCRYPTED PRIVATE KEY-----",
  "MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAjG4nRtAHlw3wICCAAw",
  "DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQIyMHFGh5IPlkEgZCqCKfbE+GYUonK",
  "d7gi8G/ySXJa8yvB1fveX6Ja402VviV2YR8VwYWFhLzQyIP/WsnxtsgHRfUl67S7",
  "xSCyfeYuim+gXKBcj6Gg/dFRervnPo4rlrZ3cqNzx8YgfVm6j7sN7Bc39s9MiBGa",
  "YOR+29QG7bAU4U0gyl5zLDVoZOLm4clrZgKp0Ipvqobt4Akg6Fo=",
  "-----END ENCRYPTED PRIVATE KEY-----",
  "-----BEGIN CERTIFICATE-----",
  "MIIBfzCCASWgAwIBAgIUDJVJJ22lH5S2bURRlyBTAhD86dcwCgYIKoZIzj0EAwIw",
  "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyOTIwMjU1N1oYDzIxMjYxMTA1",
  "MjAyNTU3WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO",
  "PQMBBwNCAAQ9oLw/qhALRR6YVmf9Q0c46hIe2wg5mCav5KY9Zb83Q6UcQ3Jd3L7v",
  "zBUY8DdI/dXpBXdeTHjjZVlrrQUbwYBKo1MwUTAdBgNVHQ4EFgQUgyp+JgJFHWFd",
  "oQpikyRMTaxkQTowHwYDVR0jBBgwFoAUgyp+JgJFHWFdoQpikyRMTaxkQTowDwYD",
  "VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAgrW+Ers014sXhq9AY54Y",
  "yPPTA+Pv/4gwprcsACTG0J8CIFxzzXL4mM/N09Ua+ppjfgWet9VP1dn1CLDWKIHQ",
  "zBvG",
  "-----END CERTIFICATE-----"
].join("\n")

/** A server that is not MongoDB. */
const listen = (onConnection: (socket: Net.Socket) => void) =>
  Effect.acquireRelease(
    Effect.promise(() =>
      new Promise<{ readonly server: Net.Server; readonly host: string; readonly sockets: Set<Net.Socket> }>(
        (resolve) => {
          const sockets = new Set<Net.Socket>()
          const server = Net.createServer((socket) => {
            sockets.add(socket)
            socket.on("close", () => sockets.delete(socket))
            socket.on("error", () => {})
            onConnection(socket)
          })
          server.listen(0, "127.0.0.1", () => {
            const { port } = server.address() as Net.AddressInfo
            resolve({ server, host: `127.0.0.1:${port}`, sockets })
          })
        }
      )
    ),
    ({ server, sockets }) =>
      Effect.sync(() => {
        server.close()
        for (const socket of sockets) socket.destroy()
      })
  )

/** Takes connections and says nothing. */
const blackHole = listen((socket) => socket.resume())

/** The test server behind a line that can be cut silently. */
const cuttable = Effect.gen(function*() {
  let cut = false
  const proxy = yield* listen((client) => {
    const upstream = Net.connect(Number(server.port), server.hostname)
    upstream.on("error", () => client.destroy())
    client.on("close", () => upstream.destroy())
    upstream.on("close", () => client.destroy())
    client.on("data", (data) => cut || upstream.write(data))
    upstream.on("data", (data) => cut || client.write(data))
  })
  return {
    url: `mongodb://${proxy.host}/?directConnection=true`,
    cut: Effect.sync(() => {
      cut = true
    })
  }
})

describe("connecting fails with the real cause and without credentials", () => {
  it.live.each([
    `mongodb://${user}:${password}`,
    `mongodb://${user}:${password}@`,
    `mongodb://${user}:${password}@host:notaport/`,
    `mongodb://${user}:${password}@host:99999999/`,
    `mongodb://${user}:${password}@a,b/?directConnection=true`,
    `mongodb://${user}:%zz${password}@host/`,
    `mongo://${user}:${password}@host/`,
    `http://${user}:${password}@host/`,
    `${user}:${password}@host`,
    `mongodb+srv://${user}:${password}@host:27017/`,
    `mongodb+srv://${user}:${password}@a.example.test,b.example.test/`,
    `mongodb://${user}:${password}@host/?authMechanism=NONSENSE`,
    `mongodb://${user}:${password}@host/?nonsense=1`,
    `mongodb://${user}:${password}@host/?maxPoolSize=many`,
    `mongodb://${user}:${password}@host/?tls=true&tls=false`,
    `mongodb://${user}@host/?nonsense=${password}`,
    // Unescaped, an @ and a / are read as the ends of a password and a host.
    `mongodb://${user}:p@ss.invalid/${password}@host/`,
    `mongodb://${user}:first@${password}/end@host/`,
    `mongodb://${user}:1234?${password}=a@host/`,
    `mongodb://${user}:1234/${password}@host/`,
    uriWith({ host: "ho st" }),
    ""
  ])("bad connection string %#", (url) => failsWith(url, { tag: "InvalidArgumentError" }))

  it.live("an option that the driver does not know", () =>
    Effect.gen(function*() {
      yield* failsWith(uriWith({}), { tag: "InvalidArgumentError", message: /nonsense/i }, {
        driverOptions: { nonsense: password } as never
      })
      yield* failsWith(uriWith({}), { tag: "InvalidArgumentError" }, { maxPoolSize: -1 })
      yield* failsWith(uriWith({}), { tag: "InvalidArgumentError" }, { minPoolSize: 10, maxPoolSize: 5 })
    }))

  it.live("a port where nobody listens", () =>
    Effect.gen(function*() {
      const { host } = yield* Effect.scoped(blackHole)
      const reason = yield* failsWith(uriWith({ host }), {
        tag: "ConnectionError",
        kind: "refused",
        message: /ECONNREFUSED/
      })
      assert.isTrue(reason.isRetryable)
    }))

  it.live.each([
    uriWith({ host: "no-such-host.invalid" })
  ])("a host without an address %#", (url) => failsWith(url, { tag: "ConnectionError", kind: "dns" }))

  it.live(
    "a service record that does not exist",
    () =>
      failsWith(uriWith({ host: "no-such-host.invalid", scheme: "mongodb+srv" }), {
        tag: "ConnectionError",
        kind: "dns"
      }),
    20_000
  )

  it.live("the name of another replica set, next to the one that was found", () =>
    Effect.gen(function*() {
      const reason = yield* failsWith(uriWith({ query: "replicaSet=another" }), {
        tag: "ConnectionError",
        kind: "serverSelection"
      })
      const hello = yield* Effect.promise(() =>
        Driver.MongoClient.connect(uri).then((client) =>
          client.db("admin").command({ hello: 1 }).finally(() => client.close())
        )
      )
      assert.include(reason.message, `looked for the replica set "another" at ${server.host}`)
      assert.include(
        reason.message,
        `${server.host} is part of the replica set "${hello["setName"]}" (${hello["hosts"].join(", ")})`
      )
    }))

  it.live("a silent server, with its state", () =>
    Effect.gen(function*() {
      const { host } = yield* blackHole
      const reason = yield* failsWith(uriWith({ host, query: "connectTimeoutMS=5000" }), { tag: "ConnectionError" })
      assert.include(reason.message, `(${host} is Unknown)`)
      assert.include(reason.message, `looked for ${host}`)
    }))

  it.live("the servers that it looks for are logged at the level Debug, without credentials", () =>
    Effect.gen(function*() {
      const { text } = yield* printed(
        connecting(uriWith({ host: "127.0.0.1:9" })).pipe(
          Effect.provideService(References.MinimumLogLevel, "Debug")
        )
      )
      assert.include(text, "mongofx: connecting to 127.0.0.1:9")
      assert.notInclude(text, password)
    }))

  it.live("the wrong password of a TLS key is an invalid argument, not a missing server", () =>
    Effect.gen(function*() {
      const dir = yield* Effect.acquireRelease(
        Effect.promise(() => mkdtemp(join(tmpdir(), "mongofx-key-"))),
        (dir) => Effect.promise(() => rm(dir, { recursive: true, force: true }))
      )
      const file = join(dir, "client.pem")
      yield* Effect.promise(() => writeFile(file, keyAndCertificate))
      const options = { tls: true, tlsCertificateKeyFile: file }
      const reason = yield* failsWith(uriWith({}), { tag: "InvalidArgumentError", message: /TLS.*password/ }, {
        ...options,
        tlsCertificateKeyFilePassword: Redacted.make(password)
      })
      assert.isFalse(reason.isTransient)
      yield* failsWith(uriWith({}), { tag: "InvalidArgumentError", message: /TLS.*password/ }, options)
      // With the right password it gets as far as the server, which does not use TLS.
      yield* failsWith(uriWith({}), { tag: "ConnectionError" }, {
        ...options,
        tlsCertificateKeyFilePassword: Redacted.make("right")
      })
    }))

  it.live("a server that is not MongoDB", () =>
    Effect.gen(function*() {
      const { host } = yield* listen((socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"))
      yield* failsWith(uriWith({ host }), { tag: "ConnectionError" })
    }))

  it.live("a server that hangs up", () =>
    Effect.gen(function*() {
      const { host } = yield* listen((socket) => socket.destroy())
      yield* failsWith(uriWith({ host }), { tag: "ConnectionError" })
    }))

  it.live("a server that says nothing", () =>
    Effect.gen(function*() {
      const { host } = yield* blackHole
      const [, elapsed] = yield* timed(failsWith(uriWith({ host }), { tag: "ConnectionError" }))
      assert.isBelow(elapsed, 2000)
    }))

  it.live("TLS with a server that does not use it", () =>
    failsWith(uriWith({ query: "tls=true" }), { tag: "ConnectionError" }))

  it.live("a missing certificate file", () =>
    Effect.gen(function*() {
      const { reason, text } = yield* printed(connecting(uriWith({ query: "tls=true" }), {
        tlsCAFile: "/no/such/file.pem",
        tlsCertificateKeyFilePassword: Redacted.make(password)
      }))
      assert.notInclude(text, password)
      assert.include(reason.message, "/no/such/file.pem")
    }))

  it.live("wrong credentials, in the URL or in the configuration", () =>
    Effect.gen(function*() {
      yield* failsWith(uriWith({}), { tag: "AuthenticationError" })
      yield* failsWith(uriWith({ credentials: false }), { tag: "AuthenticationError" }, {
        username: user,
        password: Redacted.make(password)
      })
    }))

  it.live("a host name that does not exist and contains the password", () =>
    Effect.gen(function*() {
      const url = Redacted.make(`mongodb+srv://${user}:${password}@${password}.example.invalid/`)
      const exit = yield* Effect.exit(Effect.scoped(MongoClient.make({ url })))
      assert.isTrue(Exit.isFailure(exit))
      assert.notInclude(inspect(exit, { depth: 10 }), password)
    }))

  it.live("an incomplete configuration", () =>
    Effect.gen(function*() {
      const exit = yield* MongoClient.MongoClient.pipe(
        Effect.provide(MongoClient.layerConfig({ url: Config.Redacted("NO_SUCH_VARIABLE") })),
        Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({}))),
        Effect.exit
      )
      assert.include(inspect(exit, { depth: 10 }), "ConfigError")
    }))
})

describe("connecting with credentials", () => {
  const withUser = Effect.gen(function*() {
    const fixture = yield* setup()
    const name = `user_${randomUUID().slice(0, 8)}`
    const { admin, db } = fixture
    yield* Effect.acquireRelease(
      Effect.promise(() => admin.db(db.name).command({ createUser: name, pwd: password, roles: ["dbOwner"] })),
      () => Effect.promise(() => admin.db(db.name).command({ dropUser: name }))
    )
    return { ...fixture, name }
  })

  it.live("works, and nothing that the client prints shows them", () =>
    Effect.gen(function*() {
      const { db, name } = yield* withUser
      const make = (config: MongoClientConfig.MongoClientConfig) =>
        Effect.scoped(Effect.gen(function*() {
          const mongo = yield* MongoClient.make(config)
          const database = mongo.db(db.name)
          const collection = database.collection("things")
          yield* collection.insertOne({ a: 1 })
          const { authInfo } = yield* database.command({ connectionStatus: 1 })
          assert.strictEqual(authInfo.authenticatedUsers[0].user, name)
          const { text } = yield* printed(database.command({ nonsense: 1 }))
          const query = collection.find()
          const values: Record<string, unknown> = {
            mongo,
            database,
            collection,
            query,
            stream: query.stream,
            topology: yield* mongo.topology
          }
          const logged: Array<string> = []
          yield* Effect.log(mongo, database, collection, query).pipe(Effect.provide(Logger.layer([
            Logger.map(Logger.formatLogFmt, (text) => void logged.push(text)),
            Logger.map(Logger.formatJson, (text) => void logged.push(text))
          ])))
          for (const [what, value] of Object.entries(values)) {
            assert.notInclude(inspect(value, { depth: 20 }), password, `inspect of ${what}`)
            assert.notInclude(String(value), password)
          }
          assert.notInclude(logged.join("\n"), password)
          assert.notInclude(text, password)
        }))
      yield* make({
        url: Redacted.make(`mongodb://${name}:${password}@${server.host}/?authSource=${db.name}`)
      })
      yield* make({
        url: Redacted.make(uriWith({ credentials: false })),
        username: name,
        password: Redacted.make(password),
        authSource: db.name
      })
    }))
})

it.live("a connection leaves no listener behind", () =>
  Effect.gen(function*() {
    const { driver } = yield* setup()
    assert.strictEqual(driver.listenerCount("serverHeartbeatSucceeded"), 0)
  }))

describe("interrupted connecting", () => {
  it.live.each(["", "&replicaSet=rs", "&directConnection=true", "&tls=true"])(
    "ends at once (%s)",
    (query) =>
      Effect.gen(function*() {
        const { host, sockets } = yield* blackHole
        const url = uriWith({ host, query: query.slice(1) })
        const fiber = yield* Effect.forkChild(
          connecting(url, { serverSelectionTimeout: "30 seconds", connectTimeout: "1500 millis" })
        )
        yield* until("the driver connects", () => sockets.size > 0)
        assert.isBelow(yield* interrupt(fiber), 1000)
        assert.isTrue(Exit.hasInterrupts(fiber.pollUnsafe()!))
        // The driver closes a connection in its handshake only after connectTimeout.
        yield* until("the connections are closed", () => sockets.size === 0)
      })
  )

  it.live("respects the time limit of a layer", () =>
    Effect.gen(function*() {
      const { host } = yield* blackHole
      const layer = MongoClient.layer({ url: Redacted.make(uriWith({ host })) })
      const [result, elapsed] = yield* timed(
        Effect.timeoutOption(Effect.scoped(Layer.build(layer)), "100 millis")
      )
      assert.isTrue(Option.isNone(result))
      assert.isBelow(elapsed, 1100)
    }))
})

describe("a connection that is cut silently", () => {
  it.live("an interrupted read and stream end within about a second", () =>
    Effect.gen(function*() {
      const { cut, url } = yield* cuttable
      const { db } = yield* setup()
      const mongo = yield* MongoClient.make({ url: Redacted.make(url) })
      const collection = mongo.db(db.name).collection<{ _id: number }>("items")
      yield* collection.insertMany(Array.from({ length: 10 }, (_, _id) => ({ _id })))
      let seen = 0
      const stream = yield* collection.find().batchSize(2).stream.pipe(
        Stream.runForEach(() => ++seen === 2 ? Effect.andThen(cut, Effect.sleep(50)) : Effect.void),
        Effect.forkChild
      )
      yield* until("the line is cut", () => seen === 2)
      const find = yield* Effect.forkChild(collection.findOne({ _id: 1 }))
      const array = yield* Effect.forkChild(Effect.asVoid(collection.find()))
      yield* Effect.sleep(200)
      const elapsed = yield* Effect.all([interrupt(stream), interrupt(find), interrupt(array)], { concurrency: 3 })
      for (const each of elapsed) assert.isBelow(each, 1500)
    }))

  it.live("closing the client ends in time, and operations that wait for a connection fail as closed", () =>
    Effect.gen(function*() {
      const { cut, url } = yield* cuttable
      const scope = yield* Scope.make()
      const mongo = yield* Scope.provide(MongoClient.make({ url: Redacted.make(url) }), scope)
      yield* cut
      // One operation has the existing connection, the others wait for the handshakes of new ones.
      const fibers = yield* Effect.forEach(
        [1, 2, 3],
        () => Effect.forkChild(Effect.exit(mongo.ping), { startImmediately: true })
      )
      yield* Effect.sleep(100)
      const [, elapsed] = yield* timed(Scope.close(scope, Exit.void))
      assert.isBelow(elapsed, 6000)
      for (const fiber of fibers) {
        assert.strictEqual((yield* reasonOf(Effect.flatten(Fiber.join(fiber))))._tag, "ClientClosedError")
      }
    }))

  it.live("an operation fails after socketTimeout", () =>
    Effect.gen(function*() {
      const { cut, url } = yield* cuttable
      const mongo = yield* MongoClient.make({ url: Redacted.make(url), socketTimeout: "300 millis", retryReads: false })
      yield* cut
      const { reason } = yield* printed(mongo.db("test").collection("items").findOne())
      assert.strictEqual(reason._tag, "ConnectionError")
      assert.strictEqual((reason as { kind?: string }).kind, "timeout")
    }))
})
