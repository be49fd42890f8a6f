import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase, type MongoError, ResumeTokenStore } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { Duration, Effect, Fiber, Layer, Option } from "effect"
import { TestClock } from "effect/testing"
import { reasonOf, setup, until, waitingByTestClock } from "../support/utils.ts"

const store = ResumeTokenStore.ResumeTokenStore
const long = Duration.seconds(60)
const short = Duration.millis(300)

const checkpoint = (_data: string, started = true): ResumeTokenStore.Checkpoint => ({ token: { _data }, started })

/** Takes a lease that must be free. */
const begin = (name: string, owner: string, duration = long) =>
  Effect.flatMap(store, ({ acquire }) => Effect.map(acquire(name, owner, duration), Option.getOrThrow))

const behaves = (
  name: string,
  layer: Layer.Layer<ResumeTokenStore.ResumeTokenStore, unknown>,
  pass: (milliseconds: number) => Effect.Effect<void>
) => {
  const test = (what: string, body: Effect.Effect<void, MongoError.MongoError, ResumeTokenStore.ResumeTokenStore>) =>
    it.effect(what, () => waitingByTestClock(Effect.provide(body, layer)))

  describe(name, () => {
    test(
      "one owner has the lease, and gets it back with a new fence",
      Effect.gen(function*() {
        const { acquire, save } = yield* store
        const first = yield* begin("a", "me")
        assert.isTrue(Option.isNone(yield* acquire("a", "you", long)))
        const second = yield* begin("a", "me")
        assert.isAbove(second.fence, first.fence)
        assert.isFalse(yield* save(first, 1, checkpoint("1")))
        assert.isTrue(yield* save(second, 1, checkpoint("2")))
        assert.isTrue(Option.isSome(yield* acquire("b", "you", long)))
      })
    )

    test(
      "a lease that does not last, or has no end, is refused",
      Effect.gen(function*() {
        const { acquire, load, renew, save } = yield* store
        const mine = yield* begin("a", "me")
        const durations = [
          Duration.zero,
          Duration.millis(-1),
          Duration.micros(999n),
          Duration.infinity,
          Duration.negativeInfinity
        ]
        for (const duration of durations) {
          for (const lease of [acquire("b", "me", duration), renew(mine, duration)]) {
            const reason = yield* reasonOf<unknown, never>(lease)
            assert.strictEqual(reason._tag, "InvalidArgumentError", String(duration))
            assert.strictEqual((reason as MongoError.InvalidArgumentError).path, "duration")
          }
        }
        assert.isTrue(Option.isSome(yield* acquire("b", "you", Duration.millis(1))))
        assert.isTrue(yield* save(mine, 1, checkpoint("1")))
        assert.isTrue(Option.isNone(yield* load("b")))
      })
    )

    test(
      "of many that come at once, one gets it",
      Effect.gen(function*() {
        const { acquire } = yield* store
        const all = yield* Effect.forEach(
          Array.from({ length: 20 }, (_, i) => i),
          (i) => acquire("a", `owner ${i}`, long),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(all.filter(Option.isSome).length, 1)
      })
    )

    test(
      "a lease that has run out goes to the next, unless it was renewed",
      Effect.gen(function*() {
        const { acquire, renew } = yield* store
        const mine = yield* begin("a", "me", short)
        yield* pass(400)
        assert.isTrue(yield* renew(mine, long))
        assert.isTrue(Option.isNone(yield* acquire("a", "you", long)))
        assert.isTrue(yield* renew(mine, short))
        yield* pass(400)
        const yours = yield* begin("a", "you")
        assert.isAbove(yours.fence, mine.fence)
        assert.isTrue(Option.isNone(yield* acquire("a", "me", long)))
      })
    )

    test(
      "a lease that is given up is free, but only its turn gives it up",
      Effect.gen(function*() {
        const { acquire, release, renew, save } = yield* store
        const mine = yield* begin("a", "me")
        yield* release({ ...mine, fence: mine.fence - 1 })
        assert.isTrue(Option.isNone(yield* acquire("a", "you", long)))
        yield* release(mine)
        assert.isFalse(yield* renew(mine, long))
        assert.isFalse(yield* save(mine, 1, checkpoint("1")))
        const yours = yield* begin("a", "you")
        yield* release(mine)
        assert.isTrue(yield* renew(yours, long))
      })
    )

    test(
      "a turn that is over renews nothing and saves nothing, also when the lease is free again",
      Effect.gen(function*() {
        const { load, release, renew, save } = yield* store
        const mine = yield* begin("a", "me", short)
        assert.isTrue(yield* save(mine, 1, checkpoint("1")))
        yield* pass(400)
        const yours = yield* begin("a", "you")
        assert.deepStrictEqual(yours.saved, Option.some(checkpoint("1")))
        assert.isTrue(yield* save(yours, 1, checkpoint("2")))
        yield* release(yours)
        assert.isFalse(yield* renew(mine, long))
        assert.isFalse(yield* save(mine, 2, checkpoint("3")))
        assert.deepStrictEqual(yield* load("a"), Option.some(checkpoint("2")))
      })
    )

    test(
      "what arrives late does not bring the token back",
      Effect.gen(function*() {
        const { load, release, save } = yield* store
        const mine = yield* begin("a", "me")
        assert.isTrue(yield* save(mine, 2, checkpoint("2", false)))
        assert.isFalse(yield* save(mine, 1, checkpoint("1")))
        assert.deepStrictEqual(yield* load("a"), Option.some(checkpoint("2", false)))
        assert.isTrue(yield* save(mine, 2, checkpoint("2")))
        yield* release(mine)
        // Positions count within a turn.
        const next = yield* begin("a", "me")
        assert.deepStrictEqual(next.saved, Option.some(checkpoint("2")))
        assert.isTrue(yield* save(next, 1, checkpoint("3")))
      })
    )

    test(
      "what is forgotten ends the turn too",
      Effect.gen(function*() {
        const { clear, load, save } = yield* store
        yield* clear("a")
        const mine = yield* begin("a", "me")
        assert.isTrue(Option.isNone(mine.saved))
        assert.isTrue(yield* save(mine, 1, checkpoint("1")))
        yield* clear("a")
        assert.isTrue(Option.isNone(yield* load("a")))
        assert.isFalse(yield* save(mine, 2, checkpoint("2")))
        assert.isTrue(Option.isNone((yield* begin("a", "you")).saved))
      })
    )
  })
}

behaves("layerMemory", ResumeTokenStore.layerMemory, (milliseconds) => TestClock.adjust(milliseconds))
behaves(
  "layerMongo",
  ResumeTokenStore.layerMongo().pipe(Layer.provide(MongoTest.layer)),
  (milliseconds) => Effect.promise(() => new Promise((resolve) => setTimeout(resolve, milliseconds)))
)

describe("layerMongo", () => {
  it.effect.each([{ promoteValues: false }, { useBigInt64: true }, { promoteLongs: false }])(
    "works with any settings for numbers: %o",
    (options) =>
      Effect.gen(function*() {
        const { db } = yield* setup(options)
        yield* Effect.gen(function*() {
          const { load, renew, save } = yield* store
          const turn = yield* begin("a", "me")
          assert.strictEqual(turn.fence, 1)
          assert.isTrue(yield* renew(turn, long))
          assert.isTrue(yield* save(turn, 1, checkpoint("1", false)))
          assert.deepStrictEqual(yield* load("a"), Option.some(checkpoint("1", false)))
        }).pipe(
          Effect.provide(ResumeTokenStore.layerMongo()),
          Effect.provideService(MongoDatabase.MongoDatabase, db)
        )
      })
  )

  it.live("makes a transaction fail that saves a token while another turn begins", () =>
    Effect.gen(function*() {
      const { db, mongo } = yield* setup()
      yield* db.createCollection("effects")
      yield* Effect.gen(function*() {
        const { acquire, load, save } = yield* store
        const mine = yield* begin("a", "me", Duration.millis(1))
        let attempts = 0
        let inside = false
        const handled = yield* Effect.forkChild(Effect.result(mongo.withTransaction(Effect.gen(function*() {
          attempts++
          yield* db.collection("effects").insertOne({})
          inside = true
          if (attempts === 1) yield* until("another has its turn", () => taken)
          if (!(yield* save(mine, 1, checkpoint("1")))) return yield* Effect.fail("fenced")
        }))))
        let taken = false
        yield* until("the transaction has begun", () => inside)
        const yours = yield* Effect.map(acquire("a", "you", long), Option.getOrThrow)
        taken = true
        const result = yield* Fiber.join(handled)
        assert.strictEqual(result._tag === "Failure" ? result.failure : undefined, "fenced")
        assert.strictEqual(yield* db.collection("effects").countDocuments(), 0)
        assert.isTrue(Option.isNone(yield* load("a")))
        assert.isTrue(yield* save(yours, 1, checkpoint("2")))
      }).pipe(
        Effect.provide(ResumeTokenStore.layerMongo()),
        Effect.provideService(MongoDatabase.MongoDatabase, db)
      )
    }))
})
