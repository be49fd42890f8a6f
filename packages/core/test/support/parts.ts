/** Consumers with partitions, and who has which part. */
import {
  type ChangeStream,
  ChangeStreamConsumer,
  MongoDatabase,
  type MongoError,
  ResumeTokenStore
} from "@mongofx/core"
import { Effect, Exit, Scope } from "effect"
import type { insert, Item } from "./consumers.ts"
import { type Fixture, until } from "./utils.ts"

export type Outbox = Fixture & Parameters<typeof insert>[0]
export type Event = ChangeStream.ChangeEvent<Item>
type Given<E, R> = Partial<ChangeStreamConsumer.ConsumeOptions<Event, E, R, MongoError.MongoError, never, 1, number>>

export const pause = (milliseconds: number) =>
  Effect.promise(() => new Promise<void>((resolve) => setTimeout(resolve, milliseconds)))

/** A store in the database of a fixture, which may be another one than that of the change stream: then it can fail alone. */
export const withStoreOf = ({ db }: Pick<Fixture, "db">) => <A, E, R>(self: Effect.Effect<A, E, R>) =>
  self.pipe(Effect.provide(ResumeTokenStore.layerMongo()), Effect.provideService(MongoDatabase.MongoDatabase, db))

/** A consumer of inserts in parts, in a scope of its own: `end` closes it. */
export const start = <E = never, R = never>(
  { items }: Outbox,
  partitions: number,
  handler: (event: Event, checkpoint: Effect.Effect<void, MongoError.MongoError>) => Effect.Effect<void, E, R>,
  given: Given<E, R> = {}
) =>
  Effect.gen(function*() {
    const scope = yield* Scope.fork(yield* Effect.scope)
    const consumer = yield* ChangeStreamConsumer.make({
      name: "test",
      watch: (position) =>
        items.watch([{ $match: { operationType: "insert" } }], { maxAwaitTime: "50 millis", ...position }),
      lease: { duration: "1500 millis" },
      partitions: partitions as number,
      ...given,
      handler: handler as (event: Event, checkpoint: unknown) => Effect.Effect<void, E, R>
    }).pipe(Effect.provideService(Scope.Scope, scope))
    return { ...consumer, end: Scope.close(scope, Exit.void) }
  })

/** Who has which lease at the moment. */
export const holders = ({ admin, db }: Fixture) =>
  Effect.promise(async () => {
    const all = await admin.db(db.name).collection<{ _id: string; owner: string | null }>("mongofx_resume_tokens")
      .aggregate([
        {
          $match: { _id: { $regex: "^test/[0-9]+of" }, owner: { $ne: null }, $expr: { $gt: ["$expiresAt", "$$NOW"] } }
        },
        { $sort: { _id: 1 } }
      ]).toArray()
    return all.map(({ _id, owner }): readonly [string, string] => [_id, owner])
  })

/** How many parts each instance has, in order. */
const shares = (fixture: Fixture) =>
  Effect.map(holders(fixture), (all) => {
    const counts = new Map<string, number>()
    for (const [, owner] of all) counts.set(owner, (counts.get(owner) ?? 0) + 1)
    return [...counts.values()].sort((a, b) => b - a).join(" ")
  })

export const untilShares = (fixture: Fixture, expected: string) => {
  let seen = ""
  return until(
    () => `the shares are ${expected}, not ${seen}`,
    async () => (seen = await Effect.runPromise(shares(fixture))) === expected,
    20_000
  )
}

export const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b)

/** Which part each document has, as the server says it. */
export const partsOf = ({ admin, db }: Pick<Fixture, "admin" | "db">, of: number) => (ids: ReadonlyArray<number>) =>
  Effect.promise(async () => {
    const part = { $abs: { $mod: [{ $toHashedIndexKey: "$_id" }, of] } }
    const documents = ids.map((_id) => ({ _id }))
    const all = await admin.db(db.name).aggregate([{ $documents: documents }, { $set: { part } }]).toArray()
    return new Map(all.map(({ _id, part }): readonly [number, number] => [_id as number, Number(part)]))
  })
