import { assert, describe, layer } from "@effect/vitest"
import { MongoDatabase, MongoError } from "@mongofx/core"
import { FailPoint, MongoTest } from "@mongofx/testing"
import { Arbitrary, Deferred, Effect, Fiber, Logger, Schema } from "effect"

interface Item {
  readonly _id: number
  readonly n: number
}

const items = Effect.map(MongoDatabase.MongoDatabase, (db) => db.collection<Item>("items"))

const setup = Effect.flatMap(items, (items) => items.insertOne({ _id: 0, n: 0 }))

const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => {
    if (!(error instanceof MongoTest.PropertyError)) return assert.fail(String(error))
    return error
  })

describe.each([1, 4])("prop with %i lanes", (lanes) => {
  layer(MongoTest.baseline(setup, { lanes }))((it) => {
    it.effect("passes a true property, and begins each run with the baseline", () =>
      Effect.gen(function*() {
        let runs = 0
        yield* MongoTest.prop([Schema.Int], ([n]) =>
          Effect.gen(function*() {
            runs++
            const all = yield* items
            const before = yield* all.find()
            yield* all.insertOne({ _id: 1, n })
            yield* all.updateOne({ _id: 0 }, { $set: { n: 1 } })
            return before.length === 1 && before[0]!.n === 0
          }), { runs: 50 })
        assert.strictEqual(runs, 50)
      }))

    const tooMany = (options: Arbitrary.CheckOptions) =>
      MongoTest.prop({ list: Schema.Array(Schema.Int), other: Schema.String }, ({ list }) =>
        Effect.gen(function*() {
          const all = yield* items
          for (const [i, n] of list.entries()) yield* all.insertOne({ _id: i + 1, n })
          return (yield* all.countDocuments()) < 4
        }), options)

    it.effect("shrinks a false property to the smallest input, and shows its documents and how to repeat it", () =>
      Effect.gen(function*() {
        const error = yield* failureOf(tooMany({ seed: 7, runs: 200 }))
        assert.deepStrictEqual(error.input, { list: [0, 0, 0], other: "" })
        assert.deepStrictEqual(error.documents, [
          "items:",
          "  {\"_id\":0,\"n\":0}",
          "  {\"_id\":1,\"n\":0}",
          "  {\"_id\":2,\"n\":0}",
          "  {\"_id\":3,\"n\":0}"
        ])
        assert.include(error.message, "of seed 7 fails")
        assert.include(error.message, "it returned false")
        assert.include(error.message, "  {\"_id\":3,\"n\":0}")
        // What is pasted fails in the same way, at once.
        const pasted = /pass to MongoTest\.prop\n {2}\{ replay: (".*") \}$/.exec(error.message)?.[1]
        const again = yield* failureOf(tooMany({ replay: JSON.parse(pasted!) as string }))
        assert.deepStrictEqual(again.input, error.input)
        assert.deepStrictEqual(again.documents, error.documents)
      }))

    it.effect("shows what a property fails or dies with", () =>
      Effect.gen(function*() {
        const failed = yield* failureOf(MongoTest.prop([Schema.Int], () => Effect.fail("mine")))
        assert.strictEqual(failed.cause, "mine")
        assert.include(failed.message, "\nit fails with 'mine'\n")
        const died = yield* failureOf(
          MongoTest.prop([Schema.Int], (): Effect.Effect<void> => {
            throw new Error("thrown")
          })
        )
        assert.include(died.message, "thrown")
        const duplicate = yield* failureOf(
          MongoTest.prop([Schema.Int], ([n]) => Effect.flatMap(items, (items) => items.insertOne({ _id: 0, n })))
        )
        assert.match(duplicate.message, /\nit fails with @mongofx\/core\/MongoError\/DuplicateKeyError: insertOne on/)
        assert.strictEqual(duplicate.message.split("E11000").length, 2, "the server's message is shown once")
        assert.instanceOf(duplicate.cause, MongoError.MongoError)
      }))

    it.effect("shows the failure of a run that is interrupted, too, and the defect of a finalizer", () =>
      Effect.gen(function*() {
        const interrupted = yield* failureOf(
          MongoTest.prop([Schema.Int], () => Effect.ensuring(Effect.fail("mine"), Effect.interrupt))
        )
        assert.include(interrupted.message, "\nit fails with 'mine'\n")
        const finalized = yield* failureOf(
          MongoTest.prop(
            [Schema.Int],
            () => Effect.andThen(Effect.addFinalizer(() => Effect.die(new Error("not closed"))), Effect.fail("mine"))
          )
        )
        assert.include(finalized.message, "\nit dies with 'mine', and dies with Error: not closed\n")
      }))

    it.effect("bounds the text of a failure", () =>
      Effect.gen(function*() {
        const error = yield* failureOf(
          MongoTest.prop([Schema.Int], () => Effect.fail(new Error("x".repeat(100_000))))
        )
        assert.isBelow(error.message.length, 6000)
        assert.include(error.message, "more characters)")
      }))

    it.effect("does not count a reset that fails against the property", () =>
      Effect.gen(function*() {
        yield* FailPoint.failCommand({ failCommands: ["bulkWrite"], errorCode: 1, clients: "any" }).pipe(
          Effect.provide(MongoTest.layer)
        )
        const error = yield* Effect.flip(MongoTest.prop([Schema.Int], () => Effect.void))
        assert.instanceOf(error, MongoError.MongoError)
      }).pipe(Effect.scoped))

    it.effect("says which inputs it was interrupted with, and ends the run", () =>
      Effect.gen(function*() {
        const messages: Array<unknown> = []
        const started = yield* Deferred.make<void>()
        let ended = 0
        const fiber = yield* MongoTest.prop({ hanging: Schema.Literal("this one") }, () =>
          Deferred.succeed(started, undefined).pipe(
            Effect.andThen(Effect.never),
            Effect.onInterrupt(() =>
              Effect.sync(() => ended++)
            )
          )).pipe(
            Effect.provide(Logger.layer([Logger.make(({ message }) => messages.push(message))])),
            Effect.forkChild
          )
        yield* Deferred.await(started)
        yield* Fiber.interrupt(fiber)
        assert.isAbove(ended, 0)
        assert.include(JSON.stringify(messages), "this one")
        yield* MongoTest.isolated(Effect.void)
      }))

    it.effect("says that it finds too few inputs", () =>
      Effect.gen(function*() {
        const none = Arbitrary.filter(Arbitrary.schema(Schema.Int), () => false)
        const error = yield* failureOf(MongoTest.prop([none], () => Effect.void, { seed: 3 }))
        assert.match(error.message, /^only 0 inputs were found before \d+ others were discarded, with seed 3/)
      }))

    it.effect("says that a replay does not fail any more", () =>
      Effect.gen(function*() {
        const { replay } = yield* failureOf(tooMany({ seed: 7, runs: 200 }))
        const error = yield* failureOf(
          MongoTest.prop({ list: Schema.Array(Schema.Int), other: Schema.String }, () => Effect.void, { replay })
        )
        assert.include(error.message, "the replay does not fail as it did (PropertyPassed)")
      }))
  })
})
