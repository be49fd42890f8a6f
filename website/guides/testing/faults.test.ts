import { assert, it } from "@effect/vitest"
import { FailPoint, MongoTest } from "@mongofx/testing"
import { Effect, Layer } from "effect"
import { Booking, prepare, Seats } from "./booking.ts"

const Live = Booking.layer.pipe(Layer.provideMerge(Seats.layer), Layer.provideMerge(MongoTest.layer))

// #region faults
it.effect("a reservation fails when the connection breaks twice", () =>
  Effect.gen(function*() {
    yield* prepare
    const booking = yield* Booking
    // The driver sends a write once more by itself.
    yield* FailPoint.failCommand({ failCommands: ["update"], mode: { times: 2 }, closeConnection: true })
    const error = yield* Effect.flip(booking.reserve("A1", "Ada"))
    assert(error._tag === "MongoError")
    assert.strictEqual(error.reason._tag, "ConnectionError")
    assert.isTrue(error.isTransient)
  }).pipe(Effect.scoped, Effect.provide(Live)))

it.effect("a reservation outlives a server that shuts down", () =>
  Effect.gen(function*() {
    yield* prepare
    const booking = yield* Booking
    // InterruptedAtShutdown
    yield* FailPoint.failCommand({ failCommands: ["update"], mode: { times: 1 }, errorCode: 11600 })
    yield* booking.reserve("A1", "Ada")
    assert.lengthOf(yield* booking.free, 2)
  }).pipe(Effect.scoped, Effect.provide(Live)))
// #endregion faults
