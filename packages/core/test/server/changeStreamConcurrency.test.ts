import { assert, describe, it } from "@effect/vitest"
import { ChangeStreamConsumer, type MongoError } from "@mongofx/core"
import { Deferred, Effect, Fiber, Option } from "effect"
import type * as Driver from "mongodb"
import {
  collect,
  consumer,
  idOf,
  insert,
  opened,
  optionsOf,
  outbox,
  range,
  store,
  tokenOf,
  withMemory
} from "../support/consumers.ts"
import { pause } from "../support/parts.ts"
import { reasonOf, until } from "../support/utils.ts"

const keyOf = (event: unknown) => (event as { documentKey: { _id: number } }).documentKey._id

describe("concurrency", () => {
  it.effect("handles events of different documents at the same time, those of one document in order", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const versions = new Map<number, Array<number>>()
      let [running, most, handled] = [0, 0, 0]
      yield* ChangeStreamConsumer.make({
        name: "test",
        watch: (position) => fixture.items.watch([], { maxAwaitTime: "50 millis", ...position }),
        concurrency: 8,
        handler: (event) =>
          Effect.gen(function*() {
            most = Math.max(most, ++running)
            yield* pause(5)
            const { updateDescription } = event as Driver.ChangeStreamUpdateDocument
            const version = Number(updateDescription?.updatedFields?.["document"] ?? 0)
            versions.set(keyOf(event), [...versions.get(keyOf(event)) ?? [], version])
            running--
            handled++
          })
      })
      yield* insert(fixture, 0, 20)
      for (const version of range(1, 6)) yield* fixture.items.updateMany({}, { $set: { document: version } })
      yield* until("all are handled", () => handled === 120, 15_000)
      assert.strictEqual(most, 8)
      for (const id of range(0, 20)) assert.deepStrictEqual(versions.get(id), range(0, 6))
    }).pipe(Effect.scoped, withMemory))

  it.effect("lets an event without a document wait for the earlier ones, and the later ones for it", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<string> = []
      yield* ChangeStreamConsumer.make({
        name: "test",
        watch: (position) => fixture.db.watch([], { maxAwaitTime: "50 millis", ...position }),
        concurrency: 8,
        handler: (event) =>
          Effect.gen(function*() {
            const name = String(event.operationType)
            seen.push(`begin ${name}`)
            // Each is faster than the one before it.
            yield* pause(name === "insert" && !seen.includes("end drop") ? 60 : 5)
            seen.push(`end ${name}`)
          })
      })
      yield* insert(fixture, 0, 3)
      yield* fixture.items.drop()
      yield* fixture.db.collection("other").insertOne({})
      yield* until("all are handled", () => seen.length === 10)
      const drop = seen.indexOf("begin drop")
      assert.deepStrictEqual(seen.slice(drop - 3, drop + 4), [
        "end insert",
        "end insert",
        "end insert",
        "begin drop",
        "end drop",
        "begin insert",
        "end insert"
      ])
    }).pipe(Effect.scoped, withMemory))

  it.effect("saves the token before the earliest unfinished event", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const real = yield* store
      const gate = yield* Deferred.make<void>()
      const seen: Array<number> = []
      const first = yield* Effect.forkChild(consumer(fixture, {
        checkpoint: { events: 1, interval: "1 hour" },
        concurrency: 4,
        handler: (event) => Effect.andThen(idOf(event) === 2 ? Deferred.await(gate) : Effect.void, collect(seen)(event))
      }))
      yield* opened(fixture)
      yield* insert(fixture, 0, 10)
      yield* until("all but one are handled", () => seen.length === 9)
      const before = yield* tokenOf(real)
      yield* Fiber.interrupt(first)
      assert.strictEqual(yield* tokenOf(real), before)

      const again: Array<number> = []
      const second = yield* Effect.forkChild(consumer(fixture, {
        checkpoint: { events: 1, interval: "1 hour" },
        concurrency: 4,
        handler: collect(again)
      }))
      yield* until("the rest is handled", () => again.length === 8)
      yield* until("its token is saved", async () => await Effect.runPromise(tokenOf(real)) > before)
      yield* Fiber.interrupt(second)
      assert.deepStrictEqual(again.sort((a, b) => a - b), range(2, 10))
    }).pipe(withMemory))

  it.effect("fails with the failure of one handler, and interrupts the others, which come again", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      let interrupted = 0
      const failing = yield* Effect.forkChild(Effect.flip(consumer<"mine", never, 4>(fixture, {
        concurrency: 4,
        handler: (event) => {
          if (idOf(event) === 3) return Effect.andThen(pause(30), Effect.fail("mine" as const))
          if (idOf(event) < 2) return collect(seen)(event)
          return Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
        }
      })))
      yield* opened(fixture)
      yield* insert(fixture, 0, 4)
      assert.strictEqual(yield* Fiber.join(failing), "mine")
      assert.strictEqual(interrupted, 1)
      const again = yield* Effect.forkChild(consumer(fixture, { concurrency: 4, handler: collect(seen) }))
      yield* until("the others come", () => seen.length === 4)
      yield* Fiber.interrupt(again)
      assert.deepStrictEqual(seen.sort((a, b) => a - b), [0, 1, 2, 3])
    }).pipe(withMemory))

  it.effect("cannot save another's token, nor send its events to the dead letters", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const real = yield* store
      const dead: Array<number> = []
      const seen: Array<number> = []
      let taken = false
      let endTurn: Effect.Effect<void, MongoError.MongoError> = Effect.void
      yield* ChangeStreamConsumer.make(optionsOf<"mine", never, 4>(fixture, {
        concurrency: 4,
        lease: { duration: "1 second" },
        handler: (event) =>
          taken || idOf(event) !== 1 ? collect(seen)(event) : Effect.gen(function*() {
            yield* until("its neighbour is handled", () => seen.includes(2))
            taken = true
            // The turn is over from now on, and the next may begin at once.
            yield* Effect.orDie(endTurn)
            return yield* Effect.fail("mine" as const)
          }),
        onPoison: { deadLetter: (event) => Effect.sync(() => void dead.push(idOf(event))) }
      })).pipe(Effect.provideService(store, {
        ...real,
        acquire: (...args) =>
          Effect.tap(real.acquire(...args), (turn) =>
            Effect.sync(() => {
              if (Option.isSome(turn)) endTurn = real.release(turn.value)
            }))
      }))
      yield* insert(fixture, 0, 3)
      yield* until("it has another turn, in which the event comes again", () => seen.includes(1), 15_000)
      assert.deepStrictEqual(dead, [])
    }).pipe(Effect.scoped, withMemory))

  it.effect("has no checkpoint for its handlers, and a number that is one", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      for (const concurrency of [0, -1, 1.5, Number.NaN, 2000]) {
        const reason = yield* reasonOf(consumer(fixture, { concurrency, handler: () => Effect.void }))
        assert.strictEqual((reason as MongoError.InvalidArgumentError).path, "options.concurrency")
      }
      const failing = yield* Effect.forkChild(reasonOf(consumer<MongoError.MongoError, never, 2>(fixture, {
        concurrency: 2,
        // The types refuse it.
        handler: (_, checkpoint) => checkpoint as unknown as Effect.Effect<void, MongoError.MongoError>
      })))
      yield* opened(fixture)
      yield* insert(fixture, 0, 1)
      const reason = yield* Fiber.join(failing)
      assert.strictEqual(reason._tag, "InvalidArgumentError")
      assert.include(reason.message, "use partitions")
    }).pipe(withMemory))

  it.effect("is faster for handlers that wait", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const timeOf = (concurrency: number) =>
        Effect.gen(function*() {
          let handled = 0
          yield* ChangeStreamConsumer.make(optionsOf(fixture, {
            name: `test ${concurrency}`,
            concurrency,
            handler: () => Effect.andThen(pause(20), Effect.sync(() => handled++))
          }))
          yield* fixture.items.deleteMany({})
          yield* insert(fixture, 0, 80)
          const start = performance.now()
          yield* until("all are handled", () => handled === 80, 20_000)
          return performance.now() - start
        }).pipe(Effect.scoped)
      const [one, eight] = [yield* timeOf(1), yield* timeOf(8)]
      assert.isAbove(one / eight, 2.5)
    }).pipe(withMemory))
})
