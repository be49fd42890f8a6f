/**
 * The driver's options for a configuration, and the parts of it that must not be printed. No server is involved.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import type { MongoClientConfig } from "@mongofx/core"
import { secretsOf, toDriverOptions } from "@mongofx/core/internal/driver/clientOptions"
import { Duration, Redacted } from "effect"
import * as Driver from "mongodb"

const url = Redacted.make("mongodb://localhost")

const optionsOf = (config: Omit<MongoClientConfig.MongoClientConfig, "url">) => toDriverOptions({ url, ...config })

describe("toDriverOptions", () => {
  it("converts durations to milliseconds, under the driver's names", () => {
    assert.deepStrictEqual(
      optionsOf({
        connectTimeout: "2 seconds",
        heartbeatFrequency: Duration.minutes(1),
        localThreshold: 7,
        maxIdleTime: "1 hour",
        serverSelectionTimeout: "1500 millis",
        socketTimeout: Duration.seconds(3),
        waitQueueTimeout: "0 millis"
      }),
      {
        connectTimeoutMS: 2000,
        heartbeatFrequencyMS: 60_000,
        localThresholdMS: 7,
        maxIdleTimeMS: 3_600_000,
        serverSelectionTimeoutMS: 1500,
        socketTimeoutMS: 3000,
        waitQueueTimeoutMS: 0
      }
    )
  })

  it("passes 0 for an infinite duration, but never for a short one", () => {
    const bounds = ["connectTimeout", "maxIdleTime", "serverSelectionTimeout", "socketTimeout", "waitQueueTimeout"]
    for (const name of bounds) {
      assert.deepStrictEqual(optionsOf({ [name]: Duration.infinity }), { [`${name}MS`]: 0 })
      assert.deepStrictEqual(optionsOf({ [name]: "1 micros" }), { [`${name}MS`]: 1 })
    }
    assert.deepStrictEqual(optionsOf({ localThreshold: Duration.infinity }), { localThresholdMS: Infinity })
  })

  it("unwraps secrets", () => {
    assert.deepStrictEqual(
      optionsOf({
        username: "ada",
        password: Redacted.make("one"),
        proxyPassword: Redacted.make("two"),
        tlsCertificateKeyFilePassword: Redacted.make("three")
      }),
      { auth: { username: "ada", password: "one" }, proxyPassword: "two", tlsCertificateKeyFilePassword: "three" }
    )
    assert.deepStrictEqual(optionsOf({ username: "ada" }), { auth: { username: "ada" } })
    assert.deepStrictEqual(optionsOf({ password: Redacted.make("one") }), { auth: { password: "one" } })
  })

  it("leaves out what is undefined, so that it does not hide the URL or driverOptions", () => {
    const nothing = {
      appName: undefined,
      commandSpans: undefined,
      connectTimeout: undefined,
      driverOptions: undefined,
      password: undefined,
      proxyPassword: undefined,
      readPreference: undefined,
      tls: undefined,
      tlsCertificateKeyFilePassword: undefined,
      username: undefined
    }
    assert.deepStrictEqual(optionsOf({}), {})
    assert.deepStrictEqual(optionsOf(nothing), {})
    assert.deepStrictEqual(
      optionsOf({ ...nothing, driverOptions: { appName: "below", tls: true, authSource: undefined } as object }),
      { appName: "below", tls: true }
    )
  })

  it("passes the other options as they are", () => {
    const config: Parameters<typeof optionsOf>[0] & Driver.MongoClientOptions = {
      appName: "app",
      authMechanism: "SCRAM-SHA-256",
      authSource: "admin",
      compressors: ["zlib"],
      directConnection: true,
      maxPoolSize: 4,
      minPoolSize: 0,
      promoteValues: false,
      readConcern: { level: "majority" },
      readPreference: "nearest",
      replicaSet: "rs",
      retryReads: false,
      serverApi: "1",
      useBigInt64: true,
      writeConcern: { w: 1 }
    }
    assert.deepStrictEqual(optionsOf(config), { ...config })
  })

  it("turns command events on for command spans only", () => {
    assert.deepStrictEqual(optionsOf({ commandSpans: true }), { monitorCommands: true })
    assert.deepStrictEqual(optionsOf({ commandSpans: { queryText: false } }), { monitorCommands: true })
    assert.deepStrictEqual(optionsOf({ commandSpans: false }), {})
    assert.deepStrictEqual(
      optionsOf({ commandSpans: false, driverOptions: { monitorCommands: true } }),
      { monitorCommands: true }
    )
  })

  it("named options win over driverOptions", () => {
    assert.deepStrictEqual(
      optionsOf({
        connectTimeout: "1 second",
        username: "ada",
        commandSpans: true,
        driverOptions: {
          auth: { username: "bob", password: "none" },
          connectTimeoutMS: 5,
          maxStalenessSeconds: 90,
          monitorCommands: false
        }
      }),
      { auth: { username: "ada" }, connectTimeoutMS: 1000, maxStalenessSeconds: 90, monitorCommands: true }
    )
  })

  it("returns options that the driver understands", () => {
    const driver = new Driver.MongoClient(
      "mongodb://localhost",
      optionsOf({
        username: "ada",
        password: Redacted.make("secret"),
        serverSelectionTimeout: "2 seconds",
        waitQueueTimeout: Duration.infinity,
        writeConcern: { w: "majority", journal: true },
        compressors: ["zlib"]
      })
    )
    assert.strictEqual(driver.options.serverSelectionTimeoutMS, 2000)
    assert.strictEqual(driver.options.waitQueueTimeoutMS, 0)
    assert.strictEqual(driver.options.credentials?.username, "ada")
    assert.strictEqual(driver.options.credentials?.password, "secret")
    assert.deepInclude(driver.options.writeConcern, { w: "majority", journal: true })
    assert.include(driver.options.compressors, "zlib")
  })
})

describe("secretsOf", () => {
  const secrets = (url: string, config: Omit<MongoClientConfig.MongoClientConfig, "url"> = {}) =>
    new Set(secretsOf({ url: Redacted.make(url), ...config }))

  it.each([
    ["mongodb://ada:pass-word@localhost/app", ["pass-word"]],
    ["mongodb+srv://ada:pass-word@cluster.example.com", ["pass-word"]],
    ["ada:pass-word@localhost", ["pass-word"]],
    // As it is written, and as the driver shows it.
    ["mongodb://ada:p%40ss%2Fword@localhost", ["p%40ss%2Fword", "p@ss/word", "p%2540ss%252Fword"]],
    // Without the required encoding.
    ["mongodb://ada:p@ss/word@localhost", ["p@ss/word", "p%40ss%2Fword"]],
    ["mongodb://ada:100%25%zz@localhost", ["100%25%zz", "100%2525%25zz"]],
    // Too common a text.
    ["mongodb://ada:abc@localhost", []],
    ["mongodb://ada@localhost", []],
    ["mongodb://localhost:27017,localhost:27018/app?replicaSet=rs", []],
    // The forgotten host.
    ["mongodb://ada:pass-word", ["pass-word"]],
    ["", []]
  ])("of the URL %s", (url, expected) => {
    assert.deepStrictEqual(secrets(url), new Set(expected))
  })

  it("finds the secrets of a configuration", () => {
    assert.deepStrictEqual(
      secrets("mongodb://localhost", {
        password: Redacted.make("first/one"),
        proxyPassword: Redacted.make("second-one"),
        tlsCertificateKeyFilePassword: Redacted.make("third-one"),
        username: "ada-the-user"
      }),
      new Set(["first/one", "first%2Fone", "second-one", "third-one"])
    )
  })
})
