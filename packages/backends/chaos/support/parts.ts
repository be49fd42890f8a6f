/**
 * A scenario of several services at once: each of them is a part, with its own work and its own check.
 */
import { MongoDatabase } from "@mongofx/core"
import { type Arena, repeatedly } from "chaos-support/arena"
import { Context, Effect, Layer, type Scope } from "effect"

/** One service under faults. It notes for itself what its callers were told. */
export interface Part {
  /** How many fibers use the service. */
  readonly fibers: number
  /** What a fiber does again and again. It never fails. */
  readonly step: (fiber: number) => Effect.Effect<void>
  /** What is wrong afterwards. */
  readonly problems: () => Promise<ReadonlyArray<string>>
  readonly figures: () => string
  readonly confirmed: () => number
}

/** The service of a layer, in the database of a scenario. */
export const serviceIn = <I, S>(
  { db }: Pick<Arena, "db">,
  key: Context.Key<I, S>,
  layer: Layer.Layer<I, never, MongoDatabase.MongoDatabase>
): Effect.Effect<S, never, Scope.Scope> =>
  Effect.map(Layer.build(Layer.provide(layer, Layer.succeed(MongoDatabase.MongoDatabase, db))), Context.get(key))

/** What a scenario of several parts does and checks. Each of them confirms enough. */
export const together = (parts: ReadonlyArray<Part>) => {
  const confirmed = () => Math.min(...parts.map((part) => part.confirmed()))
  return {
    work: Effect.forEach(parts, ({ fibers, step }) => repeatedly(fibers, step, { confirmed }), {
      concurrency: "unbounded",
      discard: true
    }),
    problems: () => Effect.promise(async () => (await Promise.all(parts.map(({ problems }) => problems()))).flat()),
    figures: async () => parts.map(({ figures }) => figures()).join("; "),
    confirmed
  }
}
