import { assert, describe, it } from "@effect/vitest"
import { type MongoError, ResumeTokenStore } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { Duration, Effect, Layer, Option } from "effect"
import { TestClock } from "effect/testing"

const store = ResumeTokenStore.ResumeTokenStore
const long = Duration.seconds(60)
const short = Duration.millis(300)

const behaves = (
  name: string,
  layer: Layer.Layer<ResumeTokenStore.ResumeTokenStore, unknown>,
  pass: (milliseconds: number) => Effect.Effect<void>
) => {
  const test = (what: string, body: Effect.Effect<void, MongoError.MongoError, ResumeTokenStore.ResumeTokenStore>) =>
    it.effect(what, () => Effect.provide(body, layer))

  describe(name, () => {
    test(
      "one owner has the lease, and can renew it",
      Effect.gen(function*() {
        const { acquire } = yield* store
        assert.isTrue(yield* acquire("a", "me", long))
        assert.isFalse(yield* acquire("a", "you", long))
        assert.isTrue(yield* acquire("a", "me", long))
        assert.isTrue(yield* acquire("b", "you", long))
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
        assert.strictEqual(all.filter((isOurs) => isOurs).length, 1)
      })
    )

    test(
      "a lease that has run out goes to the next",
      Effect.gen(function*() {
        const { acquire } = yield* store
        assert.isTrue(yield* acquire("a", "me", short))
        yield* pass(400)
        assert.isTrue(yield* acquire("a", "you", long))
        assert.isFalse(yield* acquire("a", "me", long))
      })
    )

    test(
      "a lease that is given up is free, but only its owner gives it up",
      Effect.gen(function*() {
        const { acquire, release } = yield* store
        yield* acquire("a", "me", long)
        yield* release("a", "you")
        assert.isFalse(yield* acquire("a", "you", long))
        yield* release("a", "me")
        assert.isTrue(yield* acquire("a", "you", long))
      })
    )

    test(
      "only the owner of the lease saves a token",
      Effect.gen(function*() {
        const { acquire, clear, load, save } = yield* store
        assert.isTrue(Option.isNone(yield* load("a")))
        assert.isFalse(yield* save("a", "me", { _data: "0" }))
        yield* acquire("a", "me", short)
        assert.isTrue(yield* save("a", "me", { _data: "1" }))
        assert.isFalse(yield* save("a", "you", { _data: "2" }))
        assert.deepStrictEqual(yield* load("a"), Option.some({ _data: "1" }))
        yield* pass(400)
        yield* acquire("a", "you", long)
        assert.isFalse(yield* save("a", "me", { _data: "3" }))
        assert.deepStrictEqual(yield* load("a"), Option.some({ _data: "1" }))
        yield* clear("a")
        assert.isTrue(Option.isNone(yield* load("a")))
        assert.isTrue(yield* save("a", "you", { _data: "4" }))
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
