import { assert, it } from "@effect/vitest"
import { MongoTest } from "@mongofx/testing"
import { Effect, Layer } from "effect"
import { Booking, prepare, Seats } from "./booking.ts"

// #region integration
/** The service on an empty database of its own, on a real server. */
const Live = Booking.layer.pipe(Layer.provideMerge(Seats.layer), Layer.provideMerge(MongoTest.layer))

it.effect("the free seats come from the front to the back", () =>
  Effect.gen(function*() {
    yield* prepare
    const booking = yield* Booking
    yield* booking.reserve("A1", "Ada")
    const free = yield* booking.free
    assert.deepStrictEqual(free.map(({ _id }) => _id), ["A2", "B1"])
  }).pipe(Effect.provide(Live)))
// #endregion integration

// #region leaks
it.effect("a query that is left early leaves nothing open", () =>
  Effect.gen(function*() {
    const seats = yield* Seats
    yield* prepare
    yield* seats.find().batchSize(1).first
  }).pipe(Effect.provide(Seats.layer), MongoTest.noLeaks))
// #endregion leaks
