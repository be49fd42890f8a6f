/**
 * `RateLimiter` on MongoDB: the same answers as Effect's memory store, and one limit for several processes.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoRateLimiter } from "@mongofx/backends"
import type { MongoError } from "@mongofx/core"
import { Context, Duration, Effect, Layer, Random } from "effect"
import { RateLimiter } from "effect/persistence"
import { TestClock } from "effect/testing"
import { startProcess } from "test-support/processes"
import { failCommand, type Fixture, seeded, setup } from "test-support/utils"
import { oneOf, serviceOf } from "../support/backends.ts"

type Store = RateLimiter.RateLimiterStore["Service"]

const storeOf = (fixture: Fixture, options: MongoRateLimiter.Options = {}) =>
  serviceOf(RateLimiter.RateLimiterStore, MongoRateLimiter.layerStoreWith(options), fixture)

const memoryStore = Effect.map(Layer.build(RateLimiter.layerStoreMemory), Context.get(RateLimiter.RateLimiterStore))

/** Compares numbers up to what the order of additions changes. */
const close = (actual: ReadonlyArray<number>, expected: ReadonlyArray<number>, what: string) =>
  expected.forEach((number, i) => assert.closeTo(actual[i]!, number, 1e-6 * Math.max(1, Math.abs(number)), what))

/** Both stores by the clock of the test. */
const both = Effect.gen(function*() {
  return { mongo: yield* storeOf(yield* setup(), { clock: "program" }), memory: yield* memoryStore }
})

const keys = ["a", "b", "$now", ""]

describe("the store", () => {
  it.effect("counts in windows and buckets as the memory store does, at random", () =>
    Effect.gen(function*() {
      const { memory, mongo } = yield* both
      const rejected = { fixed: 0, bucket: 0 }
      for (let i = 0; i < 350; i++) {
        yield* TestClock.adjust(Duration.millis(yield* oneOf([0, 0, 0, 1, 2, 6.5, 33, i % 20 === 0 ? 900 : 0])))
        const key = yield* oneOf(keys)
        const n = keys.indexOf(key)
        const limit = [3, 5, 10, 1][n]!
        const refillRate = Duration.millis([100, 33.3, 7, 0.4][n]!)
        const tokens = yield* oneOf([1, 1, 2, 0.5, 3, 0])
        const what = `operation ${i} with ${tokens} tokens of ${limit}`
        if (yield* Random.nextBoolean) {
          const options = { key, tokens, refillRate, limit: yield* oneOf([limit, limit, undefined, 0]) }
          const expected = yield* memory.fixedWindow(options)
          if (options.limit && expected[0] > options.limit) rejected.fixed++
          close(yield* mongo.fixedWindow(options), expected, `${what}, fixed`)
        } else {
          const options = { key, tokens, refillRate, limit, allowOverflow: n % 2 === 0 }
          const expected = yield* memory.tokenBucket(options)
          if (expected[0] < 0) rejected.bucket++
          close(yield* mongo.tokenBucket(options), expected, `${what}, bucket`)
        }
      }
      assert.isAbove(Math.min(rejected.fixed, rejected.bucket), 10)
    }).pipe(seeded), 120_000)

  it.effect("adapts as the memory store does, at random, in every phase", () =>
    Effect.gen(function*() {
      const { memory, mongo } = yield* both
      const phases = new Map<string, number>()
      for (let i = 0; i < 350; i++) {
        yield* TestClock.adjust(Duration.millis(yield* oneOf([0, 0, 1, 5, 40, 200, 2000, i % 20 === 0 ? 80_000 : 0])))
        const key = yield* oneOf(["a", "b"])
        const tokens = yield* oneOf([1, 1, 2, 0.5])
        const consume = { key, tokens, fallbackLimit: 10, fallbackWindow: Duration.seconds(1) }
        const expected = yield* memory.adaptiveConsume(consume)
        const actual = yield* mongo.adaptiveConsume(consume)
        assert.deepStrictEqual([actual.epoch, actual.phase], [expected.epoch, expected.phase], `operation ${i}`)
        close([Duration.toMillis(actual.delay)], [Duration.toMillis(expected.delay)], `operation ${i}`)
        phases.set(expected.phase, (phases.get(expected.phase) ?? 0) + 1)
        if ((yield* Random.nextIntBetween(0, 2)) > 0) continue
        const feedback = {
          key,
          tokens,
          epoch: Math.max(0, expected.epoch + (yield* oneOf([0, 0, 0, 0, -1, 1]))),
          status: yield* oneOf([429, 429, 429, 200, 503]),
          retryAfter: yield* oneOf([0, 1, 30, 500, 9e9, undefined].map((n) => n === undefined ? n : Duration.millis(n)))
        }
        // An hour of cooldown is rare, so that the other phases come.
        if (feedback.retryAfter !== undefined && Duration.toMillis(feedback.retryAfter) > 1e6 && i % 10 > 0) continue
        yield* memory.adaptiveFeedback(feedback)
        yield* mongo.adaptiveFeedback(feedback)
        if (i % 100 === 99) yield* TestClock.adjust("2 hours")
      }
      for (const phase of ["inactive", "cooldown", "learning", "learned"]) {
        assert.isAbove(phases.get(phase) ?? 0, 2, phase)
      }
    }).pipe(seeded), 120_000)

  it.effect("takes limits without bounds", () =>
    Effect.gen(function*() {
      const { mongo } = yield* both
      const free = { key: "free", tokens: 5, limit: Infinity, refillRate: Duration.zero, allowOverflow: false }
      assert.deepStrictEqual(yield* mongo.tokenBucket(free), [Infinity, 0])
      const forever = { key: "forever", tokens: 1, limit: 1, refillRate: Duration.infinity }
      assert.deepStrictEqual(yield* mongo.fixedWindow(forever), [1, Infinity])
      assert.deepStrictEqual((yield* mongo.fixedWindow(forever))[0], 2)
    }))

  it.live("keeps no document for an adaptive limit that nobody has refused", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture)
      const consume = { key: "a", tokens: 1, fallbackLimit: 10, fallbackWindow: Duration.seconds(1) }
      yield* store.adaptiveConsume(consume)
      yield* store.adaptiveFeedback({ key: "a", tokens: 1, epoch: 0, status: 200, retryAfter: Duration.seconds(1) })
      yield* store.adaptiveFeedback({ key: "a", tokens: 1, epoch: 1, status: 429, retryAfter: Duration.seconds(1) })
      assert.strictEqual(yield* fixture.db.collection("effect_rate_limiter").countDocuments(), 0)
      yield* store.adaptiveFeedback({ key: "a", tokens: 1, epoch: 0, status: 429, retryAfter: Duration.seconds(9) })
      const { delay, phase } = yield* store.adaptiveConsume(consume)
      assert.strictEqual(phase, "cooldown")
      assert.isTrue(
        Duration.isGreaterThan(delay, Duration.seconds(5)) && Duration.isLessThan(delay, Duration.seconds(9.1))
      )
    }))

  it.effect("measures by the server's clock, and lets the server delete what is over by it", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture)
      const take = store.fixedWindow({ key: "a", tokens: 1, limit: 1, refillRate: Duration.millis(1500) })
      const [first, left] = yield* take
      assert.isTrue(first === 1 && left > 0 && left <= 1500)
      const [second] = yield* take
      assert.strictEqual(second, 2)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual((yield* take)[0], 2)
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 1600)))
      assert.strictEqual((yield* take)[0], 1)
      yield* store.tokenBucket({ key: "a", tokens: 3, limit: 5, refillRate: Duration.minutes(1), allowOverflow: false })
      const limits = yield* fixture.db.collection<{ _id: string }>("effect_rate_limiter").find().sort({ _id: 1 })
      assert.deepStrictEqual(limits.map(({ _id }) => _id), ["bucket:a", "fixed:a"])
      // Two tokens are left, and three minutes until the bucket is full.
      assert.closeTo((limits[0] as unknown as { expireAt: Date }).expireAt.getTime(), Date.now() + 180_000, 20_000)
      const [index] = (yield* fixture.db.collection("effect_rate_limiter").listIndexes()).slice(1)
      assert.deepInclude(index, { key: { expireAt: 1 }, expireAfterSeconds: 0 })
    }))

  it.live("counts what a transaction undoes, and does not make transactions conflict", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture)
      const take = (key: string) => store.fixedWindow({ key, tokens: 1, limit: 9, refillRate: Duration.hours(1) })
      yield* Effect.flip(fixture.mongo.withTransaction(Effect.andThen(take("a"), Effect.fail("undone"))))
      assert.strictEqual((yield* take("a"))[0], 2)
      let runs = 0
      const other = Effect.suspend(() => {
        runs++
        return take("a")
      })
      yield* fixture.mongo.withTransaction(Effect.andThen(
        other,
        fixture.mongo.withoutTransaction(
          fixture.mongo.withTransaction(other)
        )
      ))
      assert.strictEqual(runs, 2)
    }))

  it.live("fails with the error of its service, whose cause is that of the server", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store: Store = yield* storeOf(fixture, { deadline: "300 millis" })
      const bucket = { key: "a", tokens: 1, limit: 1, refillRate: Duration.seconds(1), allowOverflow: false }
      const reasonOf = Effect.map(Effect.flip(store.tokenBucket(bucket)), ({ reason }) => {
        if (reason._tag !== "RateLimitStoreError") throw new Error(reason._tag)
        assert.strictEqual(reason.message, (reason.cause as MongoError.MongoError).message)
        return (reason.cause as MongoError.MongoError).reason._tag
      })
      yield* Effect.scoped(Effect.andThen(
        failCommand(fixture, "alwaysOn", { failCommands: ["findAndModify"], errorCode: 13 }),
        Effect.map(reasonOf, (reason) => assert.strictEqual(reason, "AuthorizationError"))
      ))
      yield* failCommand(fixture, "alwaysOn", {
        failCommands: ["findAndModify"],
        blockConnection: true,
        blockTimeMS: 1000
      })
      assert.strictEqual(yield* reasonOf, "MaxTimeExpiredError")
    }))
})

describe("a limit", () => {
  it.live("lets exactly fifty of a hundred concurrent callers through, by either algorithm", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const limiter = yield* serviceOf(
        RateLimiter.RateLimiter,
        MongoRateLimiter.layerWith({ deadline: "1 minute" }),
        fixture
      )
      for (const algorithm of ["fixed-window", "token-bucket"] as const) {
        const passed = yield* Effect.forEach(
          Array.from({ length: 100 }),
          () => Effect.option(limiter.consume({ key: algorithm, limit: 50, window: "1 hour", algorithm })),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(passed.filter(({ _tag }) => _tag === "Some").length, 50)
      }
    }))

  it.live(
    "lets exactly fifty of a hundred concurrent callers of four processes through, by either algorithm",
    () =>
      Effect.gen(function*() {
        const { db } = yield* setup()
        const processes = yield* Effect.forEach(
          Array.from({ length: 4 }),
          () => startProcess(new URL("../support/limiterProcess.ts", import.meta.url), db.name, "25")
        )
        yield* Effect.forEach(processes, ({ said }) => said("ready"))
        for (const { tell } of processes) tell("go")
        yield* Effect.forEach(processes, ({ ended }) => ended)
        for (const algorithm of ["fixed-window", "token-bucket"]) {
          const passed = processes.map(({ lines }) =>
            Number(lines().find((line) => line.startsWith(algorithm))?.split(" ")[1])
          )
          assert.strictEqual(passed.reduce((sum, passed) => sum + passed, 0), 50, `${algorithm}: ${passed}`)
        }
      }),
    150_000
  )

  it.effect("delays callers as the memory store does", () =>
    Effect.gen(function*() {
      const { memory, mongo } = yield* both
      const delays = (store: Store) =>
        Effect.flatMap(
          Effect.provideService(RateLimiter.make, RateLimiter.RateLimiterStore, store),
          (limiter) =>
            Effect.forEach(["fixed-window", "token-bucket"] as const, (algorithm) =>
              Effect.forEach(
                Array.from({ length: 7 }),
                () => limiter.consume({ key: "slow", limit: 3, window: "1 second", algorithm, onExceeded: "delay" })
              ))
        )
      assert.deepStrictEqual(yield* delays(mongo), yield* delays(memory))
    }))
})
