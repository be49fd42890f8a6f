import { assert, describe, it } from "@effect/vitest"
import { documentOf, makeLanes } from "@mongofx/core/internal/changeStream/lanes"
import { Progress } from "@mongofx/core/internal/changeStream/progress"
import { Deferred, Effect, Exit, Fiber, Option, Random, Result } from "effect"
import * as Driver from "mongodb"
import { pause } from "../support/parts.ts"
import { seeded, until } from "../support/utils.ts"

const progress = () => new Progress({ name: "test", fence: 1, saved: Option.none() }, true, Infinity, 0)

describe("lanes", () => {
  it.effect("keep the order of each key, run at most as many as allowed, and stop for tasks without a key", () =>
    seeded(Effect.gen(function*() {
      const total = 300
      const seen: Array<{ readonly key: string | undefined; readonly i: number }> = []
      const running = new Set<number>()
      let most = 0
      let open = 0
      yield* Effect.scoped(Effect.gen(function*() {
        const lanes = yield* makeLanes<never, never>(4)
        for (let i = 0; i < total; i++) {
          const chosen = yield* Random.nextIntBetween(0, 20)
          const key = chosen === 19 ? undefined : String(chosen % 7)
          const long = yield* Random.nextIntBetween(0, 3)
          open++
          assert.isAtMost(open, 4 * 16 + 1)
          yield* lanes.submit(
            key,
            Effect.gen(function*() {
              assert.isTrue(key !== undefined || running.size === 0 && seen.length === i)
              running.add(i)
              most = Math.max(most, running.size)
              yield* pause(long)
              seen.push({ key, i })
              running.delete(i)
              open--
              return 1
            })
          )
        }
        yield* lanes.settled
      }))
      assert.strictEqual(seen.length, total)
      assert.strictEqual(most, 4)
      for (const key of new Set(seen.map(({ key }) => key))) {
        const order = seen.filter((one) => one.key === key).map(({ i }) => i)
        assert.deepStrictEqual(order, [...order].sort((a, b) => a - b))
      }
    })))

  it.effect("stop behind a task that does not end", () =>
    Effect.scoped(Effect.gen(function*() {
      const lanes = yield* makeLanes<never, never>(2)
      const here = progress()
      const gate = yield* Deferred.make<void>()
      let submitted = 0
      const submitting = yield* Effect.forkChild(Effect.gen(function*() {
        for (let i = 0; i < 100; i++) {
          const event = here.begin({ _data: String(i) })
          const wait = i === 0 ? Deferred.await(gate) : Effect.void
          yield* lanes.submit(String(i), Effect.map(wait, () => here.finish(event)))
          submitted++
        }
      }))
      yield* until("there is no room left", () => submitted >= 32)
      yield* pause(50)
      assert.strictEqual(submitted, 32)
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.join(submitting)
      yield* lanes.settled
      assert.deepStrictEqual(here.token, { _data: "99" })
    })))

  it.effect("fail with the first failure, and end with their scope", () =>
    Effect.gen(function*() {
      let interrupted = 0
      const exit = yield* Effect.exit(Effect.scoped(Effect.gen(function*() {
        const lanes = yield* makeLanes<string, never>(3)
        yield* lanes.submit("a", Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)))
        yield* lanes.submit("b", Effect.andThen(pause(5), Effect.fail("mine")))
        return yield* lanes.failure
      })))
      assert.deepStrictEqual(exit, Exit.fail("mine"))
      assert.strictEqual(interrupted, 1)
    }))
})

describe("the token", () => {
  it("is the one before the earliest unfinished event", () => {
    const here = progress()
    const [a, b, c] = [here.begin("a"), here.begin("b"), here.begin("c")]
    here.note("idle")
    assert.strictEqual(here.finish(b), 0)
    assert.isUndefined(here.token)
    assert.strictEqual(here.finish(a), 2)
    assert.deepStrictEqual([here.token, here.tokenAt], ["b", 2])
    assert.strictEqual(here.finish(c), 1)
    assert.deepStrictEqual([here.token, here.tokenAt], ["idle", 3])
    here.note("later")
    assert.deepStrictEqual([here.token, here.tokenAt], ["later", 4])
  })
})

describe("the document of an event", () => {
  const of = (_id: unknown) => documentOf({ documentKey: { _id } })

  it("is the same for ids that are equal to the server", () => {
    const one = [
      1,
      1n,
      Driver.Long.fromNumber(1),
      new Driver.Int32(1),
      new Driver.Double(1),
      Driver.Decimal128.fromString("1")
    ]
    assert.strictEqual(new Set(one.map(of)).size, 1)
    const id = new Driver.ObjectId()
    assert.strictEqual(of(id), of(new Driver.ObjectId(id.toHexString())))
    assert.strictEqual(of({ a: 1, b: "x" }), of({ a: 1, b: "x" }))
  })

  it("differs for others, and is none without a document", () => {
    const ids = [1, "1", 2, null, new Driver.ObjectId(), new Date(1), new Driver.UUID(), { a: 1 }, { a: 2 }]
    assert.strictEqual(new Set(ids.map(of)).size, ids.length)
    assert.isUndefined(documentOf({ operationType: "drop" }))
    assert.isUndefined(documentOf(Result.fail("does not decode")))
    assert.strictEqual(documentOf(Result.succeed({ documentKey: { _id: 1 } })), of(1))
  })
})
