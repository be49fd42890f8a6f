import { MongoTest } from "@mongofx/testing"
import { Effect } from "effect"

/** What each database of a baseline with one lane shows its next run. After ten runs there are two, which runs use in turn; before that, one. */
export const onEveryDatabase = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.all([MongoTest.isolated(effect), MongoTest.isolated(effect)])
