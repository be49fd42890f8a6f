/**
 * The store of `CircuitBreaker` on MongoDB: the same answers as Effect's memory store, and one circuit for several processes.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoCircuitBreaker } from "@mongofx/backends"
import { MongoError } from "@mongofx/core"
import { Context, Duration, Effect, Exit, Layer, Random, References, Scope } from "effect"
import { CircuitBreaker } from "effect/persistence"
import { TestClock } from "effect/testing"
import { Recorder } from "test-support/recorder"
import { failCommand, type Fixture, seeded, setup, until, waitingByTestClock } from "test-support/utils"
import { oneOf, serviceOf } from "../support/backends.ts"

type Store = CircuitBreaker.CircuitBreakerStore["Service"]

const storeOf = (fixture: Fixture, options: MongoCircuitBreaker.Options = {}) =>
  serviceOf(CircuitBreaker.CircuitBreakerStore, MongoCircuitBreaker.layerStoreWith(options), fixture)

const memoryStore = (idleTimeToLive: Duration.Input) =>
  Effect.map(
    Layer.build(CircuitBreaker.layerStoreMemory({ idleTimeToLive })),
    Context.get(CircuitBreaker.CircuitBreakerStore)
  )

const breakerOf = (store: Store, options: Partial<Parameters<typeof CircuitBreaker.make>[0]> = {}) =>
  Effect.provideService(
    CircuitBreaker.make({ tripPolicy: CircuitBreaker.consecutive(2), openDuration: "2 seconds", ...options }),
    CircuitBreaker.CircuitBreakerStore,
    store
  )

/** What an operation gives, without the generation, which only its store can compare. */
const told = <A>(exit: Exit.Exit<A, CircuitBreaker.CircuitBreakerError>) => {
  if (Exit.isSuccess(exit)) return { ...exit.value, generation: undefined }
  const error = Exit.findErrorOption(exit)
  assert.isTrue(error._tag === "Some")
  const { _tag, ...reason } = (error as { readonly value: CircuitBreaker.CircuitBreakerError }).value.reason
  return { _tag, ...reason }
}

describe("the store", () => {
  it.effect("answers as the memory store does, to random operations, in every state", () =>
    Effect.gen(function*() {
      const idleTimeToLive = "1 hour"
      const mongo = yield* storeOf(yield* setup(), { clock: "program", idleTimeToLive, probeLease: "300 days" })
      const memory = yield* memoryStore(idleTimeToLive)
      const policies = new Map<string, CircuitBreaker.TripPolicy>([
        ["a", CircuitBreaker.consecutive(2)],
        ["$b", CircuitBreaker.rate({ threshold: 0.5, size: 4, minimumCalls: 2 })],
        ["", CircuitBreaker.rate({ threshold: 0, size: 3 })]
      ])
      const scope = yield* Effect.scope
      type Admitted = { readonly key: string; readonly mongo: number; readonly memory: number }
      const admitted: Array<Admitted> = []
      const count = new Map<string, number>()
      for (let i = 0; i < 450; i++) {
        yield* TestClock.adjust(Duration.millis(yield* oneOf([0, 0, 1, 10, 300, i % 40 === 0 ? 3 * 3600_000 : 0])))
        const key = yield* oneOf([...policies.keys()])
        const kind = yield* Random.nextIntBetween(0, 9)
        if (kind < 4) {
          const [a, b] = [
            yield* Effect.exit(Scope.provide(mongo.admit(key), scope)),
            yield* Effect.exit(Scope.provide(memory.admit(key), scope))
          ]
          assert.deepStrictEqual(told(a), told(b), `operation ${i}`)
          if (Exit.isSuccess(a) && Exit.isSuccess(b)) {
            admitted.push({ key, mongo: a.value.generation, memory: b.value.generation })
          }
          const tag = Exit.isSuccess(b) ? b.value.probe ? "probe" : "call" : String(told(b)._tag)
          count.set(tag, (count.get(tag) ?? 0) + 1)
        } else if (kind < 9 && admitted.length > 0) {
          // Mostly one of the last, since an older one is of an older generation.
          const back = yield* Random.nextIntBetween(0, i % 5 === 0 ? admitted.length - 1 : 2)
          const [each] = admitted.splice(Math.max(0, admitted.length - 1 - back), 1)
          const options = {
            key: each!.key,
            outcome: yield* oneOf(["Success", "Success", "Failure", "Failure", "Ignored"] as const),
            tripPolicy: policies.get(each!.key)!,
            openFor: Duration.millis(yield* oneOf([0, 5, 200, 1500]))
          }
          const expected = yield* memory.record({ ...options, generation: each!.memory })
          assert.deepStrictEqual(
            yield* mongo.record({ ...options, generation: each!.mongo }),
            expected,
            `operation ${i}`
          )
          if (expected !== undefined) {
            const edge = `${expected.from} to ${expected.to}`
            count.set(edge, (count.get(edge) ?? 0) + 1)
          }
        }
        assert.deepStrictEqual(yield* mongo.state(key), yield* memory.state(key), `after operation ${i}`)
      }
      for (
        const what of [
          "call",
          "probe",
          "CircuitOpen",
          "CircuitHalfOpen",
          "Closed to Open",
          "HalfOpen to Open",
          "HalfOpen to Closed"
        ]
      ) assert.isAbove(count.get(what) ?? 0, 1, what)
    }).pipe(seeded), 120_000)

  it.live("lets one of fifty concurrent callers probe", () =>
    Effect.gen(function*() {
      const store = yield* storeOf(yield* setup(), { deadline: "1 minute", probeLease: "1 minute" })
      const tripPolicy = CircuitBreaker.consecutive(1)
      const { generation } = yield* store.admit("a")
      yield* store.record({ key: "a", generation, outcome: "Failure", tripPolicy, openFor: Duration.zero })
      const exits = yield* Effect.forEach(Array.from({ length: 50 }), () => Effect.exit(store.admit("a")), {
        concurrency: "unbounded"
      })
      const probes = exits.flatMap((exit) => Exit.isSuccess(exit) ? [exit.value] : [])
      assert.deepStrictEqual(probes.map(({ probe, transition }) => [probe, transition]), [
        [true, { key: "a", from: "Open", to: "HalfOpen" }]
      ])
      const rejected = exits.filter((exit) => Exit.isFailure(exit) && told(exit)._tag === "CircuitHalfOpen")
      assert.lengthOf(rejected, 49)
      assert.deepStrictEqual(yield* store.state("a"), {
        _tag: "HalfOpen",
        key: "a",
        probing: true,
        consecutiveOpenings: 1
      })
    }))

  it.live("keeps the slot of a probe that runs longer than its lease, and gives away that of one whose process is gone", () =>
    Effect.gen(function*() {
      const store = yield* storeOf(yield* setup(), { probeLease: "2 seconds" })
      const tripPolicy = CircuitBreaker.consecutive(1)
      const { generation } = yield* store.admit("a")
      yield* store.record({ key: "a", generation, outcome: "Failure", tripPolicy, openFor: Duration.zero })
      const process = yield* Scope.make()
      const first = yield* Scope.provide(store.admit("a"), process)
      yield* Effect.sleep("3 seconds")
      assert.strictEqual(told(yield* Effect.exit(store.admit("a")))._tag, "CircuitHalfOpen")
      yield* Scope.close(process, Exit.void)
      const probing = store.state("a").pipe(Effect.map((state) => state._tag === "HalfOpen" && state.probing))
      yield* until("the lease is over", () => Effect.runPromise(probing).then((probing) => !probing))
      const second = yield* store.admit("a")
      assert.deepStrictEqual([second.probe, second.transition], [true, undefined])
      const late = { key: "a", outcome: "Success", tripPolicy, openFor: Duration.zero } as const
      assert.isUndefined(yield* store.record({ ...late, generation: first.generation }))
      assert.deepStrictEqual(yield* store.record({ ...late, generation: second.generation }), {
        key: "a",
        from: "HalfOpen",
        to: "Closed"
      })
    }))

  it.effect("renews a lease by the clock of servers, and without spans", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture, { probeLease: "3 seconds" })
      const { generation } = yield* store.admit("a")
      const tripPolicy = CircuitBreaker.consecutive(1)
      yield* store.record({ key: "a", generation, outcome: "Failure", tripPolicy, openFor: Duration.zero })
      const recorder = new Recorder()
      yield* recorder.in(waitingByTestClock(store.admit("a")))
      const spans = recorder.spans.length
      assert.isAbove(spans, 0)
      fixture.clear()
      // Its next sleep begins when the server has answered.
      for (let i = 0; i < 1000 && fixture.sent().length < 3; i++) {
        yield* TestClock.adjust("500 millis")
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))
      }
      assert.deepStrictEqual(fixture.sent().slice(0, 3), ["update", "update", "update"])
      assert.lengthOf(recorder.spans, spans)
    }))

  it.live("writes nothing for calls of a closed circuit that succeed, and for those that an open one rejects", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture)
      const breaker = yield* breakerOf(store, { openDuration: "1 hour" })
      const circuits = fixture.admin.db(fixture.db.name).collection("effect_circuit_breaker")
      const writes = Effect.promise(() =>
        fixture.admin.db("local").collection("oplog.rs").countDocuments({ ns: circuits.namespace })
      )
      const ok = breaker.execute(Effect.void, { key: "a" })
      yield* ok
      const before = yield* writes
      yield* Effect.forEach(Array.from({ length: 20 }), () => ok, { concurrency: 5 })
      assert.strictEqual(yield* writes, before)
      yield* Effect.ignore(breaker.execute(Effect.fail("a"), { key: "a" }))
      yield* Effect.ignore(breaker.execute(Effect.fail("b"), { key: "a" }))
      const opened = yield* writes
      assert.strictEqual(opened, before + 2)
      for (let i = 0; i < 10; i++) {
        const error = yield* Effect.flip(breaker.execute(Effect.void, { key: "a" }))
        assert.strictEqual(error.reason._tag, "CircuitOpen")
      }
      assert.strictEqual(yield* writes, opened)
    }))

  it.live("records what a transaction undoes", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const breaker = yield* breakerOf(yield* storeOf(fixture))
      for (let i = 0; i < 2; i++) {
        yield* Effect.ignore(fixture.mongo.withTransaction(breaker.execute(Effect.fail("down"), { key: "a" })))
      }
      assert.strictEqual((yield* breaker.state("a"))._tag, "Open")
    }))

  it.live("fails with the error of its service, and the breaker lets calls through", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture, { deadline: "300 millis" })
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["findAndModify", "find"], errorCode: 13 })
      const error = yield* Effect.flip(store.admit("a"))
      assert.strictEqual(error.reason._tag, "CircuitBreakerStoreError")
      assert.isTrue(MongoError.isMongoError((error.reason as { readonly cause: unknown }).cause))
      assert.strictEqual((yield* Effect.flip(store.state("a"))).reason._tag, "CircuitBreakerStoreError")
      const breaker = yield* breakerOf(store)
      assert.strictEqual(yield* breaker.execute(Effect.succeed(1), { key: "a" }), 1)
      const strict = yield* breakerOf(store, { onStoreError: "fail" })
      assert.strictEqual(
        (yield* Effect.flip(strict.execute(Effect.succeed(1), { key: "a" }))).reason._tag,
        "CircuitBreakerStoreError"
      )
    }).pipe(Effect.provideService(References.UnhandledLogLevel, undefined)))
})

describe("a breaker", () => {
  it.live("of one process opens when those of others have failed, by the server's clock", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const [one, two] = [yield* breakerOf(yield* storeOf(fixture)), yield* breakerOf(yield* storeOf(fixture))]
      yield* Effect.ignore(one.execute(Effect.fail("down"), { key: "a" }))
      yield* Effect.ignore(two.execute(Effect.fail("down"), { key: "a" }))
      const error = yield* Effect.flip(one.execute(Effect.void, { key: "a" }))
      assert.strictEqual(error.reason._tag, "CircuitOpen")
      const { retryAfter } = error.reason as CircuitBreaker.CircuitOpen
      assert.isTrue(Duration.isLessThanOrEqualTo(retryAfter, Duration.seconds(2)))
      yield* Effect.sleep(retryAfter)
      assert.strictEqual(yield* two.execute(Effect.succeed("up"), { key: "a" }), "up")
      assert.deepStrictEqual(yield* one.state("a"), { _tag: "Closed", key: "a" })
    }))
})
