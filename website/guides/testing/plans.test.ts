import { assert, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { CommandLog, MongoTest } from "@mongofx/testing"
import { Effect, Layer } from "effect"
import { Booking, prepare, Seats } from "./booking.ts"

const Services = Layer.provideMerge(Booking.layer, Seats.layer)

// #region plans
it.effect("free seats are found by an index, in order", () =>
  Effect.gen(function*() {
    yield* prepare
    const booking = yield* Booking
    yield* MongoTest.usesIndex(booking.free, { maxKeysPerResult: 1 })
  }).pipe(Effect.provide(Layer.provideMerge(Services, MongoTest.layer))))
// #endregion plans

// #region commands
it.effect("a reservation is one command", () =>
  Effect.gen(function*() {
    yield* prepare
    const booking = yield* Booking
    const log = yield* CommandLog.make
    yield* booking.reserve("A1", "Ada")
    assert.deepStrictEqual(log.names((yield* MongoDatabase.MongoDatabase).name), ["update"])
  }).pipe(
    Effect.scoped,
    Effect.provide(
      Layer.provideMerge(Services, MongoTest.layerWith({ driverOptions: { monitorCommands: true } }))
    )
  ))
// #endregion commands
