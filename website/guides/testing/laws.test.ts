import { it } from "@effect/vitest"
import { MongoLaws, MongoTest } from "@mongofx/testing"
import { Effect, Layer } from "effect"
import { Seats } from "./booking.ts"

// #region laws
it.effect("seats obey the laws of collections", () =>
  Effect.gen(function*() {
    yield* MongoLaws.roundTrip(Seats, { runs: 30 })
    yield* MongoLaws.filterIsPredicate(Seats, { runs: 30 })
    yield* MongoLaws.encodedIsAccepted(Seats, { runs: 30 })
  }).pipe(Effect.provide(Layer.provide(Seats.layer, MongoTest.layer))), 60_000)
// #endregion laws
