import {
  type ChangeStream,
  ChangeStreamConsumer,
  type MongoCollection,
  type MongoError,
  ResumeTokenStore
} from "@mongofx/core"
import { Duration, Effect, Option } from "effect"
import type * as Driver from "mongodb"
import { type Fixture, setup, until } from "./utils.ts"

export interface Item {
  readonly _id: number
  readonly document?: number
}

type Event = ChangeStream.ChangeEvent<Item>

interface Outbox extends Fixture {
  readonly items: MongoCollection.MongoCollection<Item>
}

export const store = ResumeTokenStore.ResumeTokenStore

/** A collection whose inserts are consumed. */
export const outbox = (...config: Parameters<typeof setup>) =>
  Effect.gen(function*() {
    const fixture = yield* setup(...config)
    yield* fixture.db.createCollection("items")
    return { ...fixture, items: fixture.db.collection<Item>("items") } satisfies Outbox
  })

export const idOf = (event: Event) => Number((event as Driver.ChangeStreamInsertDocument<Item>).documentKey._id)

type Options<E, R, C extends number, P extends number> = ChangeStreamConsumer.ConsumeOptions<
  Event,
  E,
  R,
  MongoError.MongoError,
  never,
  C,
  P
>
type Given<E, R, C extends number, P extends number> =
  & Partial<Options<E, R, C, P>>
  & Pick<Options<E, R, C, P>, "handler">
type Items = Pick<Outbox, "items">

/** What a consumer of the inserts does by default. */
export const optionsOf = <E = never, R = never, const C extends number = 1, const P extends number = 1>(
  { items }: Items,
  options: Given<E, R, C, P>
): Options<E, R, C, P> => ({
  name: "test",
  watch: (position) =>
    items.watch([{ $match: { operationType: "insert" } }], { maxAwaitTime: "50 millis", ...position }),
  ...options
})

export const consumer = <E = never, R = never, const C extends number = 1, const P extends number = 1>(
  fixture: Items,
  options: Given<E, R, C, P>
) => ChangeStreamConsumer.consume(optionsOf(fixture, options))

export const collect = (seen: Array<number>) => (event: Event) =>
  Effect.sync(() => {
    seen.push(idOf(event))
  })

export const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

export const insert = ({ items }: Items, from: number, to: number) =>
  items.insertMany(range(from, to).map((_id) => ({ _id })))

export const withMemory = Effect.provide(ResumeTokenStore.layerMemory)

export const opened = (fixture: Fixture) => until("the change stream is open", () => fixture.sent().includes("getMore"))

/** Makes it look as if a consumer had worked before, and had come this far. */
export const startHere = ({ items }: Items) =>
  Effect.scoped(Effect.gen(function*() {
    const { acquire, release, save } = yield* store
    const changes = yield* items.watch([{ $match: { operationType: "insert" } }]).open
    const turn = Option.getOrThrow(yield* acquire("test", "before", Duration.minutes(1)))
    const token = Option.getOrThrow(yield* changes.resumeToken)
    yield* save(turn, 1, { token, started: true })
    yield* release(turn)
  }))

/** How far the consumer has come, to compare tokens. */
export const tokenOf = (store: ResumeTokenStore.ResumeTokenStore) =>
  Effect.map(store.load("test"), (saved) => (Option.getOrThrow(saved).token as { _data: string })._data)
