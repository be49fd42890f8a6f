import { assert, describe, it } from "@effect/vitest"
import type { ChangeStreamConsumer, MongoError } from "@mongofx/core"
import { Effect, Option } from "effect"
import * as Driver from "mongodb"
import { collect, idOf, insert, outbox, range, store, withMemory } from "../support/consumers.ts"
import { type Event, pause, sorted, start, withStoreOf } from "../support/parts.ts"
import { failCommand, reasonOf, until } from "../support/utils.ts"

interface Token {
  readonly _data: string
}

describe("tokenForParts", () => {
  it.effect("gives a token after which every part can begin, and none misses an event", () =>
    Effect.gen(function*() {
      const { db, items, mongo } = yield* outbox()
      const whole = yield* items.watch().open
      yield* insert({ items }, 0, 10)
      // Events of one time.
      yield* mongo.withTransaction(insert({ items }, 10, 20))
      yield* insert({ items }, 20, 30)
      const events: Array<Event> = []
      while (events.length < 30) events.push(...(yield* whole.next).events)
      const refused: Array<MongoError.MongoError["reason"]["_tag"]> = []
      for (const at of [4, 14]) {
        const token = events[at]!._id as Token
        const watched = items.watch([], { maxAwaitTime: "50 millis" })
        const forParts = (yield* watched.tokenForParts(token)) as Token
        assert.isFalse(BigInt(`0x${forParts._data}`) > BigInt(`0x${token._data}`))
        // A part says the same.
        assert.deepStrictEqual(yield* watched.part(1, 3).tokenForParts(token), forParts)
        const seen: Array<number> = []
        for (const part of range(0, 3)) {
          const readTo = (startAfter: Token) =>
            Effect.scoped(Effect.gen(function*() {
              const { next } = yield* items.watch([], { maxAwaitTime: "50 millis", startAfter }).part(part, 3).open
              const read: Array<number> = []
              for (let empty = 0; empty < 2;) {
                const batch = (yield* next).events
                if (batch.length === 0) empty++
                read.push(...batch.map(idOf))
              }
              return read
            }))
          seen.push(...(yield* readTo(forParts)))
          yield* Effect.matchEffect(readTo(token), {
            onFailure: ({ reason }) => Effect.sync(() => void refused.push(reason._tag)),
            onSuccess: () => Effect.void
          })
        }
        const missed = range(at + 1, 30).filter((id) => !seen.includes(id))
        assert.deepStrictEqual(missed, [], `after ${at}`)
        assert.strictEqual(new Set(seen).size, seen.length)
      }
      // That is why it is needed: one part of three has the event, and the server refuses the others.
      assert.deepStrictEqual(refused, Array.from({ length: 4 }, () => "ChangeStreamError"))
      // It also takes a token of a moment without events.
      const idle = (yield* Effect.scoped(Effect.flatMap(items.watch().open, ({ resumeToken }) => resumeToken))).pipe(
        Option.getOrThrow
      )
      assert.deepStrictEqual(yield* db.watch().tokenForParts(idle), idle)
    }).pipe(Effect.scoped))

  it.effect("refuses a token that does not begin with a time, or that the server does not begin before", () =>
    Effect.gen(function*() {
      const { items } = yield* outbox()
      const watched = items.watch()
      for (const token of [{}, { _data: "" }, { _data: "8" }, { _data: "81AB" }, { _data: new Driver.Binary() }]) {
        const { _tag, path } = (yield* reasonOf(watched.tokenForParts(token))) as MongoError.InvalidArgumentError
        assert.deepStrictEqual([_tag, path], ["InvalidArgumentError", "resumeToken"], JSON.stringify(token))
      }
      const { resumeToken } = yield* watched.open
      const { _data } = Option.getOrThrow(yield* resumeToken) as Token
      // The position of a server whose tokens begin with the time, but are in another order.
      const { kind } = (yield* reasonOf(watched.tokenForParts({ _data: `${_data.slice(0, 18)}00` }))) as {
        readonly kind?: string
      }
      assert.strictEqual(kind, "invalidResumeToken")
    }).pipe(Effect.scoped))
})

describe("a change of the number of parts", () => {
  it.effect("is refused if the tokens are of another kind, and the old number goes on", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      yield* Effect.gen(function*() {
        const { load } = yield* store
        const a = yield* start(fixture, 1, collect(seen))
        yield* insert(fixture, 0, 10)
        yield* until("all are handled", () => seen.length === 10, 15_000)
        yield* a.end
        const before = yield* load("test")
        const stored = fixture.admin.db(fixture.db.name).collection<{ _id: string }>("mongofx_resume_tokens")
        const { _data } = Option.getOrThrow(before).token as Token
        const tokenIs = (_data: string) =>
          Effect.promise(() => stored.updateOne({ _id: "test" }, { $set: { "token._data": _data } }))
        yield* tokenIs("7F00")
        const failure = yield* Effect.flip(Effect.flatMap(start(fixture, 3, collect(seen)), ({ join }) => join))
        assert.strictEqual((failure.reason as MongoError.InvalidArgumentError).path, "resumeToken")
        yield* tokenIs(_data)
        assert.deepStrictEqual(yield* load("test"), before)
        yield* insert(fixture, 10, 20)
        yield* start(fixture, 1, collect(seen))
        yield* until("the rest is handled", () => seen.length === 20, 15_000)
        assert.deepStrictEqual(sorted(seen), range(0, 20))
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 60_000)

  it.effect("is refused if the source would begin too late, and the old number goes on", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      yield* Effect.gen(function*() {
        const a = yield* start(fixture, 4, collect(seen))
        yield* insert(fixture, 0, 10)
        yield* until("all are handled", () => seen.length === 10, 15_000)
        yield* a.end
        yield* insert(fixture, 10, 20)
        const watched = (position: ChangeStreamConsumer.StartPosition) =>
          fixture.items.watch([{ $match: { operationType: "insert" } }], { maxAwaitTime: "50 millis", ...position })
        const now = Effect.scoped(
          Effect.flatMap(watched({}).open, ({ resumeToken }) => Effect.map(resumeToken, Option.getOrThrow))
        )
        const failure = yield* Effect.flip(Effect.flatMap(
          start(fixture, 3, collect(seen), {
            watch: (position) => Object.assign(watched(position), { tokenForParts: () => now })
          }),
          ({ join }) => join
        ))
        assert.strictEqual((failure.reason as MongoError.ChangeStreamError).kind, "invalidResumeToken")
        assert.lengthOf(seen, 10)
        yield* start(fixture, 4, collect(seen))
        yield* until("the rest is handled", () => seen.length === 20, 15_000)
        assert.deepStrictEqual(sorted(seen), range(0, 20))
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 60_000)

  it.effect("does what onHistoryLost says if the server no longer has the events", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      let repaired = 0
      yield* Effect.gen(function*() {
        const a = yield* start(fixture, 2, collect(seen))
        yield* insert(fixture, 0, 10)
        yield* until("all are handled", () => seen.length === 10, 15_000)
        yield* a.end
        // The position for all parts, and then each part.
        yield* failCommand(fixture, { times: 4 }, { failCommands: ["aggregate"], errorCode: 286 })
        yield* start(fixture, 3, collect(seen), {
          onHistoryLost: Effect.andThen(pause(200), Effect.sync(() => void repaired++))
        })
        yield* until("everything is up to date", () => repaired > 0, 15_000)
        yield* pause(300)
        yield* insert(fixture, 10, 20)
        yield* until("the rest is handled", () => seen.length >= 20, 15_000)
        assert.strictEqual(repaired, 1)
        assert.deepStrictEqual(sorted(seen), range(0, 20))
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 60_000)

  it.effect("loses no event, and keeps the order of each document", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<string> = []
      const items = fixture.db.collection<{ readonly _id: number; readonly n: number }>("items")
      const handler = (event: Event) =>
        Effect.sync(() => {
          const { fullDocument } = event as unknown as { readonly fullDocument: { _id: number; n: number } }
          seen.push(`${fullDocument._id}:${fullDocument.n}`)
        })
      const watch = (position: ChangeStreamConsumer.StartPosition) =>
        fixture.items.watch([{ $match: { operationType: "replace" } }], { maxAwaitTime: "50 millis", ...position })
      const ids = range(0, 12)
      yield* items.insertMany(ids.map((_id) => ({ _id, n: -1 })))
      let n = 0
      const round = Effect.suspend(() => {
        const next = n++
        return Effect.forEach(ids, (_id) => items.replaceOne({ _id }, { n: next }), { discard: true })
      })
      yield* Effect.gen(function*() {
        for (const parts of [1, 4, 3, 1, 2]) {
          const a = yield* start(fixture, parts, handler, { watch })
          yield* round
          yield* round
          yield* until("all are handled", () => new Set(seen).size === n * ids.length, 20_000)
          yield* a.end
        }
      }).pipe(Effect.scoped, withStoreOf(fixture))
      for (const _id of ids) {
        const own = seen.filter((event) => event.startsWith(`${_id}:`)).map((event) => Number(event.split(":")[1]))
        assert.deepStrictEqual([...new Set(own)], range(0, n), `of ${_id}`)
      }
    }).pipe(withMemory), 90_000)
})
