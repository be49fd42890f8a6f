import { assert, it } from "@effect/vitest"
import { TypedQuery } from "@mongofx/schema"
import { Effect, Layer } from "effect"
import { Booking, type Seat, Seats } from "./booking.ts"

// #region unit
/** A collection that finds these, and updates nothing. Any other operation dies with its name. */
const Full = Seats.mock({
  find: () => TypedQuery.fromIterable<typeof Seat.Type>([]),
  updateOne: () =>
    Effect.succeed({ acknowledged: true, matchedCount: 0, modifiedCount: 0, upsertedCount: 0, upsertedId: null })
})

it.effect("a seat that is taken is not reserved", () =>
  Effect.gen(function*() {
    const booking = yield* Booking
    assert.deepStrictEqual(yield* booking.free, [])
    const error = yield* Effect.flip(booking.reserve("A1", "Ada"))
    assert.strictEqual(error._tag, "Taken")
  }).pipe(Effect.provide(Layer.provide(Booking.layer, Full))))
// #endregion unit
