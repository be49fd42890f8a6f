import { MongoTest } from "@mongofx/testing"
import { Effect } from "effect"

/** What each database of a baseline with one lane shows its next run. Such a baseline has two: one is reset while a run uses the other. */
export const onEveryDatabase = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.all([MongoTest.isolated(effect), MongoTest.isolated(effect)])
