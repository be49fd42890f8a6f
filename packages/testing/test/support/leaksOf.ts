import { MongoTest } from "@mongofx/testing"
import { Effect } from "effect"

/** The leaks of a test that must have some. */
export const leaksOf = <A, E, R>(
  effect: Effect.Effect<A, E, R>
): Effect.Effect<ReadonlyArray<string>, never, Exclude<R, MongoTest.Services>> =>
  Effect.map(Effect.flip(MongoTest.noLeaks(effect)), (error) => {
    if (!(error instanceof MongoTest.LeakError)) throw new Error(`failed with ${String(error)}`)
    return error.leaks
  }).pipe(Effect.catch(() => Effect.die(new Error("noLeaks found no leak"))))
