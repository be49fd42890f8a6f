import { it } from "@effect/vitest"
import { MongoTest } from "@mongofx/testing"
import { Effect, Exit, Layer, Schema } from "effect"
import { Booking, prepare, Seats, Taken } from "./booking.ts"

// #region model
/** Who holds each seat. */
type Model = Readonly<Record<string, string | null>>

/** Few seats and names, so that commands meet. */
const Seat = Schema.Literals(["A1", "A2", "B1"])

const reserve = MongoTest.command({
  arguments: Schema.Struct({ seat: Seat, name: Schema.Literals(["Ada", "Grace"]) }),
  run: ({ name, seat }) => Booking.use((booking) => booking.reserve(seat, name)),
  next: (model: Model, { name, seat }) =>
    model[seat] === null
      ? { model: { ...model, [seat]: name }, result: Exit.void }
      : { model, result: Exit.fail(new Taken({ seat })) }
})

const release = MongoTest.command({
  arguments: Seat,
  run: (seat) => Booking.use((booking) => booking.release(seat)),
  next: (model: Model, seat) => ({ model: { ...model, [seat]: null }, result: Exit.void })
})

const free = MongoTest.command({
  run: () => Booking.use((booking) => Effect.map(booking.free, (seats) => seats.map(({ _id }) => _id))),
  next: (model: Model) => ({
    model,
    result: Exit.succeed(["A1", "A2", "B1"].filter((seat) => model[seat] === null))
  })
})

it.effect("the booking does what the model says, also at the same time", () =>
  MongoTest.commands({
    model: { A1: null, A2: null, B1: null },
    commands: { reserve, release, free },
    last: free,
    layer: Layer.provide(Booking.layer, Seats.layer),
    runs: 30
  }).pipe(Effect.provide(MongoTest.baseline(Effect.provide(prepare, Seats.layer), { lanes: 4 }))), 60_000)
// #endregion model
