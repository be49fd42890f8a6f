import { assert, layer } from "@effect/vitest"
import { MongoArbitrary, MongoTest } from "@mongofx/testing"
import { Effect, Exit, Layer, Schema } from "effect"
import { Booking, prepare, Seats } from "./booking.ts"

// #region baseline
/** Runs once. What it leaves is where each test begins. */
const Baseline = MongoTest.baseline(Effect.provide(prepare, Seats.layer), { lanes: 2 })

const Live = Layer.provideMerge(Booking.layer, Seats.layer)
// #endregion baseline

layer(Baseline)("a booking", (it) => {
  // #region isolated
  it.effect("takes a free seat", () =>
    MongoTest.isolated(
      Effect.gen(function*() {
        const booking = yield* Booking
        yield* booking.reserve("A1", "Ada")
        assert.lengthOf(yield* booking.free, 2)
      }).pipe(Effect.provide(Live))
    ))

  it.effect("begins anew in each test", () =>
    MongoTest.isolated(
      Effect.gen(function*() {
        const booking = yield* Booking
        assert.lengthOf(yield* booking.free, 3)
      }).pipe(Effect.provide(Live))
    ))
  // #endregion isolated

  // #region property
  const Wanted = Schema.Struct({
    names: Schema.Array(Schema.String).check(Schema.isMinLength(1), Schema.isMaxLength(5))
  })

  it.effect(
    "gives a seat to one of those who want it at the same time",
    () =>
      MongoTest.prop([MongoArbitrary.document(Wanted)], ([{ names }]) =>
        Effect.gen(function*() {
          const booking = yield* Booking
          const seats = yield* Seats
          const exits = yield* Effect.forEach(names, (name) => Effect.exit(booking.reserve("A1", name)), {
            concurrency: "unbounded"
          })
          const winners = names.filter((_, i) => Exit.isSuccess(exits[i]!))
          const [seat] = yield* seats.find({ _id: "A1" })
          assert.deepStrictEqual(winners, [seat?.holder])
        }).pipe(Effect.provide(Live)), { runs: 50 }),
    60_000
  )
  // #endregion property
})
