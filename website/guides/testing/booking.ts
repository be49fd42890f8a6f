import type { MongoError } from "@mongofx/core"
import { TypedCollection, type TypedQuery } from "@mongofx/schema"
import { Context, Data, Effect, Layer, Schema } from "effect"

// #region booking
export const Seat = Schema.Struct({ _id: Schema.String, row: Schema.Int, holder: Schema.NullOr(Schema.String) })

export class Seats extends TypedCollection.Service<Seats>()("concert/Seats", { name: "seats", schema: Seat }) {}

export class Taken extends Data.TaggedError("Taken")<{ readonly seat: string }> {}

export class Booking extends Context.Service<Booking>()("concert/Booking", {
  make: Effect.gen(function*() {
    const seats = yield* Seats
    return {
      /** The free seats, from the front to the back. */
      free: seats.find({ holder: null }).sort({ row: 1, _id: 1 }),

      reserve: Effect.fn("Booking.reserve")(function*(seat: string, holder: string) {
        const { modifiedCount } = yield* seats.updateOne({ _id: seat, holder: null }, { $set: { holder } })
        if (modifiedCount === 0) return yield* new Taken({ seat })
      }),

      release: (seat: string): Effect.Effect<void, TypedQuery.Failure | MongoError.MongoError> =>
        Effect.asVoid(seats.updateOne({ _id: seat }, { $set: { holder: null } }))
    }
  })
}) {
  static readonly layer = Layer.effect(this, this.make)
}
// #endregion booking

// #region database
/** What a start of the program does: the validator, the indexes, and the seats. */
export const prepare = Effect.gen(function*() {
  const seats = yield* Seats
  yield* seats.createIndex({ holder: 1, row: 1, _id: 1 })
  yield* seats.insertMany([
    { _id: "A1", row: 1, holder: null },
    { _id: "A2", row: 1, holder: null },
    { _id: "B1", row: 2, holder: null }
  ])
})
// #endregion database
