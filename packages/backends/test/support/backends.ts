/**
 * Helpers for the tests of all backends.
 */
import { MongoDatabase } from "@mongofx/core"
import { Context, Effect, Layer, Random, type Scope } from "effect"
import type { Fixture } from "test-support/utils"

/** The service of a layer that needs the database of a test. */
export const serviceOf = <I, S>(
  key: Context.Key<I, S>,
  layer: Layer.Layer<I, never, MongoDatabase.MongoDatabase>,
  { db }: Pick<Fixture, "db">
): Effect.Effect<S, never, Scope.Scope> =>
  Effect.map(
    Layer.build(Layer.provide(layer, Layer.succeed(MongoDatabase.MongoDatabase, db))),
    Context.get(key)
  )

/** One of some values, at random. */
export const oneOf = <A>(values: ReadonlyArray<A>): Effect.Effect<A> =>
  Effect.map(Random.nextIntBetween(0, values.length - 1), (i) => values[i]!)
