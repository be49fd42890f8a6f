import { assert, describe, it } from "@effect/vitest"
import { ChangeStreamConsumer, Mongo, MongoClient, MongoError, type ResumeTokenStore } from "@mongofx/core"
import { Duration, Effect, Fiber, Option, Scope } from "effect"
import { TestClock } from "effect/testing"
import type * as Driver from "mongodb"
import {
  collect,
  consumer,
  idOf,
  insert,
  type Item,
  optionsOf,
  outbox,
  range,
  store,
  tokenOf,
  withMemory
} from "../support/consumers.ts"
import { withStoreOf } from "../support/parts.ts"
import { startProcess } from "../support/processes.ts"
import { startReplicaSet } from "../support/replicaSet.ts"
import { failCommand, type Fixture, nothingLeft, setup, until, waitingByTestClock } from "../support/utils.ts"

const leaseOf = ({ admin, db }: Pick<Fixture, "admin" | "db">) =>
  Effect.promise(async () => {
    const all = admin.db(db.name).collection<{ _id: string; fence: number; expiresAt: Date }>("mongofx_resume_tokens")
    return (await all.findOne({ _id: "test" }))!
  })

/** For as long as an effect runs, the store of a fixture fails. */
const during = (
  fixture: Fixture,
  failCommands: ReadonlyArray<string>,
  how: Driver.Document
) =>
<A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.scoped(Effect.andThen(failCommand(fixture, "alwaysOn", { failCommands, ...how }), self))

const broken = { closeConnection: true }

describe("a store that fails", () => {
  it.effect("makes a consumer fail that has never had an answer from it", () =>
    Effect.gen(function*() {
      const [fixture, other] = [yield* outbox(), yield* setup()]
      const error = yield* ChangeStreamConsumer.make(optionsOf(fixture, { handler: () => Effect.void })).pipe(
        Effect.flip,
        withStoreOf(other),
        during(other, ["update"], broken)
      )
      assert.strictEqual(error.reason._tag, "ConnectionError")
    }))

  it.effect("lets the next checkpoint make up for one that fails twice", () =>
    Effect.gen(function*() {
      const [fixture, other] = [yield* outbox(), yield* setup()]
      const seen: Array<number> = []
      yield* Effect.gen(function*() {
        const real = yield* store
        const { join } = yield* ChangeStreamConsumer.make(optionsOf(fixture, {
          handler: collect(seen),
          checkpoint: { events: 2, interval: "1 hour" }
        }))
        const ended = yield* Effect.forkChild(join)
        const start = yield* tokenOf(real)
        yield* during(other, ["update"], broken)(Effect.andThen(
          insert(fixture, 0, 5),
          until("all are handled", () => seen.length === 5)
        ))
        assert.strictEqual(yield* tokenOf(real), start)
        yield* insert(fixture, 5, 8)
        yield* until("the next is made", async () => await Effect.runPromise(tokenOf(real)) > start)
        assert.isUndefined(ended.pollUnsafe())
        yield* until("none comes twice", () => seen.length === 8)
        assert.deepStrictEqual(seen, range(0, 8))
      }).pipe(Effect.scoped, withStoreOf(other))
    }))

  it.effect("ends the consumer if the server refuses a checkpoint for good", () =>
    Effect.gen(function*() {
      const [fixture, other] = [yield* outbox(), yield* setup()]
      yield* Effect.gen(function*() {
        const { join } = yield* ChangeStreamConsumer.make(optionsOf(fixture, {
          handler: () => Effect.void,
          checkpoint: { events: 1 }
        }))
        const error = yield* during(other, ["update"], { errorCode: 13 })(
          Effect.andThen(insert(fixture, 0, 1), Effect.flip(join))
        )
        assert.strictEqual(error.reason._tag, "AuthorizationError")
      }).pipe(Effect.scoped, withStoreOf(other))
    }))

  it.effect("leaves the turn as it is while renewals fail, until the lease has run out", () =>
    Effect.gen(function*() {
      const [fixture, other] = [yield* outbox(), yield* setup()]
      const seen: Array<number> = []
      yield* Effect.gen(function*() {
        yield* ChangeStreamConsumer.make(optionsOf(fixture, {
          handler: collect(seen),
          lease: { duration: "4 seconds" },
          checkpoint: { interval: "1 hour" }
        }))
        const first = yield* leaseOf(other)
        const failed = () => other.sent().filter((name) => name === "update").length
        const before = failed()
        // The driver sends each of them twice.
        yield* during(other, ["update"], broken)(until("one has failed", () => failed() >= before + 2, 10_000))
        yield* until(
          "another has not",
          async () => (await Effect.runPromise(leaseOf(other))).expiresAt > first.expiresAt,
          10_000
        )
        yield* insert(fixture, 0, 1)
        yield* until("it works", () => seen.length === 1)
        assert.strictEqual((yield* leaseOf(other)).fence, first.fence)
      }).pipe(Effect.scoped, withStoreOf(other))
    }))

  it.effect.each<readonly [string, Driver.Document]>([
    ["refuses connections", broken],
    ["does not answer", { blockConnection: true, blockTimeMS: 1500 }]
  ])(
    "one that %s for longer than the lease stops the consumer, which goes on afterwards",
    ([, how]) =>
      Effect.gen(function*() {
        const [fixture, other] = [yield* outbox(), yield* setup()]
        const lease = 900
        const seen: Array<number> = []
        const times: Array<number> = []
        yield* Effect.gen(function*() {
          const { join } = yield* ChangeStreamConsumer.make(optionsOf(fixture, {
            handler: (event) => Effect.andThen(collect(seen)(event), Effect.sync(() => times.push(Date.now()))),
            lease: { duration: lease }
          }))
          const ended = yield* Effect.forkChild(join)
          const writer = yield* Effect.forkChild(Effect.gen(function*() {
            for (let i = 0;; i++) {
              yield* insert(fixture, i, i + 1)
              yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 20)))
            }
          }))
          yield* until("it works", () => seen.length > 3)
          // The first command of `acquire`.
          const asked = () => other.commands.filter(({ command }) => command["updates"]?.[0].upsert === true).length
          let failingSince = 0
          let failingUntil = 0
          yield* during(other, ["update", "findAndModify"], how)(Effect.gen(function*() {
            failingSince = Date.now()
            const before = asked()
            yield* until("it asks for another turn", () => asked() > before, 15_000)
            yield* until("for some time", () => Date.now() > failingSince + 2 * lease)
            failingUntil = Date.now()
          }))
          yield* until("it goes on", () => times.some((time) => time > failingUntil), 20_000)
          yield* Fiber.interrupt(writer)
          yield* until("all are handled", async () =>
            seen.length >= await Effect.runPromise(fixture.items.countDocuments()))
          // A moment for the handler that had begun.
          const forbidden = times.filter((time) =>
            time > failingSince + lease + 100 && time < failingUntil
          )
          assert.deepStrictEqual(forbidden, [])
          assert.isUndefined(ended.pollUnsafe())
          assert.deepStrictEqual([...new Set(seen)], range(0, Math.max(...seen) + 1))
        }).pipe(Effect.scoped, withStoreOf(other))
      }),
    60_000
  )

  it.effect("ends a consumer that has waited for it in vain for two minutes", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const real = yield* store
      const away = new MongoError.MongoError({
        reason: new MongoError.UnknownError({ operation: "update", message: "the store is away", cause: undefined })
      })
      let asked = 0
      const consuming = waitingByTestClock(consumer(fixture, { handler: () => Effect.void })).pipe(
        Effect.provideService(store, {
          ...real,
          acquire: () => asked++ === 0 ? Effect.succeedNone : Effect.fail(away)
        })
      )
      const fiber = yield* Effect.forkChild(Effect.flip(consuming))
      yield* until("it has asked", () => asked === 1)
      for (let i = 2; i <= 13; i++) {
        yield* TestClock.adjust("10 seconds")
        yield* until("it asks again", () => asked === i)
        assert.isUndefined(fiber.pollUnsafe())
      }
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* Fiber.join(fiber), away)
    }).pipe(withMemory))

  it.effect("sends no event to the dead letters while nobody knows whose turn it is", () =>
    Effect.gen(function*() {
      const [fixture, other] = [yield* outbox(), yield* setup()]
      const [dead, seen] = [new Array<number>(), new Array<number>()]
      let failures = 0
      yield* Effect.gen(function*() {
        const { join } = yield* ChangeStreamConsumer.make(optionsOf(fixture, {
          handler: (event) => failures++ === 0 ? Effect.fail("mine" as const) : collect(seen)(event),
          lease: { duration: "3 seconds" },
          onPoison: { deadLetter: (event) => Effect.sync(() => void dead.push(idOf(event))) }
        }))
        const ended = yield* Effect.forkChild(join)
        const asked = () => other.commands.filter(({ command }) => command["updates"]?.[0].upsert === true).length
        const before = asked()
        yield* during(other, ["update"], broken)(Effect.andThen(
          insert(fixture, 0, 1),
          until("it asks for another turn", () => asked() > before, 15_000)
        ))
        assert.strictEqual(failures, 1)
        yield* until("the event comes again", () => seen.length === 1, 15_000)
        assert.deepStrictEqual(dead, [])
        assert.isUndefined(ended.pollUnsafe())
      }).pipe(Effect.scoped, withStoreOf(other))
    }), 60_000)

  it.effect("lets a failure of the handler come out, without dead letters", () =>
    Effect.gen(function*() {
      const [fixture, other] = [yield* outbox(), yield* setup()]
      yield* Effect.gen(function*() {
        const { join } = yield* ChangeStreamConsumer.make(optionsOf(fixture, {
          handler: () => Effect.fail("mine" as const)
        }))
        const failure = yield* during(other, ["update"], broken)(
          Effect.andThen(insert(fixture, 0, 1), Effect.flip(join))
        )
        assert.strictEqual(failure, "mine")
      }).pipe(Effect.scoped, withStoreOf(other))
    }))

  it.effect("lets everybody who waits for a turn go on when it comes back", () =>
    Effect.gen(function*() {
      const [fixture, other] = [yield* outbox(), yield* setup()]
      const seen: Array<string> = []
      const instance = (name: string) =>
        optionsOf(fixture, {
          handler: (event) => Effect.sync(() => void seen.push(`${name}${idOf(event)}`)),
          lease: { duration: "1500 millis" }
        })
      yield* Effect.gen(function*() {
        const first = yield* Effect.forkChild(ChangeStreamConsumer.consume(instance("a")))
        yield* until("the first works", () => fixture.sent().includes("getMore"))
        const { join } = yield* ChangeStreamConsumer.make(instance("b"))
        const ended = yield* Effect.forkChild(join)
        const asked = () => other.sent().filter((name) => name === "findAndModify").length
        const before = asked()
        yield* during(other, ["findAndModify"], broken)(until("it asks", () => asked() >= before + 3, 15_000))
        yield* Fiber.interrupt(first)
        yield* insert(fixture, 0, 1)
        yield* until("it has its turn", () => seen.length === 1, 15_000)
        assert.deepStrictEqual(seen, ["b0"])
        assert.isUndefined(ended.pollUnsafe())
      }).pipe(Effect.scoped, withStoreOf(other))
    }), 60_000)
})

describe("a lease that has run out", () => {
  it.effect("ends the running handler, also while the store does not answer", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const real = yield* store
      let began = 0
      let ended = 0
      yield* ChangeStreamConsumer.make(optionsOf(fixture, {
        lease: { duration: "600 millis" },
        handler: () =>
          Effect.suspend(() => {
            began = Date.now()
            return Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended = Date.now()))
          })
      })).pipe(Effect.provideService(store, {
        ...real,
        renew: (...args) => began === 0 ? real.renew(...args) : Effect.never,
        acquire: (...args) => began === 0 ? real.acquire(...args) : Effect.succeedNone
      }))
      yield* insert(fixture, 0, 1)
      yield* until("it is interrupted", () => ended > 0)
      assert.isBelow(ended - began, 600 + 400)
    }).pipe(withMemory))

  it.effect(
    "ends in time, together with the turn, even if interrupted writes are awaited",
    () =>
      Effect.gen(function*() {
        const [fixture, other] = [yield* outbox(), yield* setup()]
        let began = 0
        let ended = 0
        const consuming = consumer(fixture, {
          lease: { duration: "900 millis" },
          handler: () =>
            Effect.suspend(() => {
              began = Date.now()
              return Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended = Date.now()))
            })
        }).pipe(Mongo.withInterruptionPolicy("await"), withStoreOf(other))
        const fiber = yield* Effect.forkChild(consuming)
        yield* until("it works", () => fixture.sent().includes("getMore"))
        const again = () => other.commands.filter(({ command }) => command["updates"]?.[0].upsert === true).length
        const before = again()
        yield* during(other, ["update"], { blockConnection: true, blockTimeMS: 6000 })(Effect.gen(function*() {
          yield* insert(fixture, 0, 1)
          yield* until("it asks for another turn", () => again() > before, 15_000)
          assert.isBelow(ended - began, 3000)
          assert.isBelow(Date.now() - ended, 4000)
        }))
        yield* Fiber.interrupt(fiber)
      }),
    60_000
  )

  it.effect("counts from when its renewal was sent, not from the answer", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const real = yield* store
      let began = false
      let renewedAt = 0
      let ended = 0
      yield* ChangeStreamConsumer.make(optionsOf(fixture, {
        lease: { duration: "1500 millis" },
        handler: () =>
          Effect.suspend(() => {
            began = true
            return Effect.onInterrupt(Effect.never, () => Effect.sync(() => ended = Date.now()))
          })
      })).pipe(Effect.provideService(store, {
        ...real,
        // One renewal with a slow answer, and then no renewal.
        renew: (...args) =>
          Effect.suspend(() => {
            if (!began) return real.renew(...args)
            if (renewedAt > 0) return Effect.never
            renewedAt = Date.now()
            return Effect.tap(
              real.renew(...args),
              () => Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 900)))
            )
          }),
        acquire: (...args) => began ? Effect.succeedNone : real.acquire(...args)
      }))
      yield* insert(fixture, 0, 1)
      yield* until("it is interrupted", () => ended > 0)
      assert.isBelow(ended - renewedAt, 2000)
    }).pipe(withMemory))

  it.effect("stops all handling, even if nothing had a chance to notice it", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const real = yield* store
      const turns: Array<number> = []
      let turn = 0
      yield* ChangeStreamConsumer.make(optionsOf(fixture, {
        lease: { duration: "300 millis" },
        handler: (event) =>
          Effect.sync(() => {
            turns.push(turn)
            // The whole process stands still.
            if (idOf(event) === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400)
          })
      })).pipe(Effect.provideService(store, {
        ...real,
        acquire: (...args) =>
          Effect.tap(real.acquire(...args), (acquired) =>
            Effect.sync(() => {
              if (Option.isSome(acquired)) turn = acquired.value.fence
            }))
      }))
      yield* insert(fixture, 0, 4)
      yield* until("all are handled", () => turns.length === 4)
      assert.strictEqual(turns[1], turns[0])
      assert.isAbove(turns[2]!, turns[1]!)
    }).pipe(withMemory))
})

describe("a checkpoint", () => {
  it.effect("of the handler, once committed, is not replaced by an older one", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const tokens: Array<unknown> = []
      yield* fixture.db.createCollection("target")
      yield* Effect.gen(function*() {
        const { load } = yield* store
        const fiber = yield* Effect.forkChild(consumer(fixture, {
          checkpoint: { events: 1000, interval: "1 hour" },
          handler: (event, checkpoint) =>
            idOf(event) === 0 ? Effect.void : fixture.mongo.withTransaction(
              Effect.andThen(fixture.db.collection("target").insertOne({}), checkpoint)
            ).pipe(Effect.andThen(Effect.suspend(() => {
              tokens.push(event._id)
              return Effect.never
            })))
        }))
        yield* until("it is open", () => fixture.sent().includes("getMore"))
        yield* insert(fixture, 0, 2)
        yield* until("the second is committed", () => tokens.length === 1)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(Option.getOrThrow(yield* load("test")).token, tokens[0])
      }).pipe(withStoreOf(fixture))
    }))

  it.effect("does not count if it is not committed: what was handled before it is saved at the end", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const tokens: Array<unknown> = []
      let inside = false
      yield* Effect.gen(function*() {
        const { load } = yield* store
        const fiber = yield* Effect.forkChild(consumer(fixture, {
          checkpoint: { events: 1000, interval: "1 hour" },
          handler: (event, checkpoint) => {
            tokens.push(event._id)
            if (idOf(event) === 0) return Effect.void
            const last = Effect.suspend(() => {
              inside = true
              return Effect.never
            })
            return fixture.mongo.withTransaction(Effect.andThen(checkpoint, last))
          }
        }))
        yield* until("it is open", () => fixture.sent().includes("getMore"))
        yield* insert(fixture, 0, 2)
        yield* until("the second is being handled", () => inside)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(Option.getOrThrow(yield* load("test")).token, tokens[0])
      }).pipe(withStoreOf(fixture))
    }))

  it.effect("is never made of a fragment of a split event", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { db } = fixture
      const large = db.collection<{ _id: number; text: string }>("large")
      yield* db.createCollection("large", { changeStreamPreAndPostImages: { enabled: true } })
      const watch = (position: ChangeStreamConsumer.StartPosition) =>
        large.watch([], {
          splitLargeEvents: true,
          fullDocument: "required",
          fullDocumentBeforeChange: "required",
          batchSize: 1,
          maxAwaitTime: "50 millis",
          ...position
        })
      const real = yield* store
      const saved: Array<Driver.ResumeToken> = []
      const seen: Array<unknown> = []
      yield* Effect.gen(function*() {
        yield* ChangeStreamConsumer.make({
          name: "test",
          watch,
          checkpoint: { interval: 0 },
          handler: (event) => Effect.sync(() => void seen.push(event.operationType))
        })
        const changes = yield* watch({}).open
        yield* large.insertOne({ _id: 1, text: "a".repeat(9_000_000) })
        yield* large.updateOne({ _id: 1 }, { $set: { text: "b".repeat(9_000_000) } })
        yield* large.deleteOne({ _id: 1 })
        yield* until("all are handled", () => seen.length === 3, 20_000)
        // The stream itself says up to where its events are whole.
        let token = yield* changes.resumeToken
        let fragments = 0
        for (let events = 0; events < 3;) {
          const batch = yield* changes.next
          if (batch.events.length === 0 && events === 1) {
            fragments++
            assert.deepStrictEqual(batch.resumeToken, token)
          }
          events += batch.events.length
          token = batch.resumeToken
        }
        assert.isAbove(fragments, 0)
      }).pipe(
        Effect.scoped,
        Effect.provideService(store, {
          ...real,
          save: (turn, position, checkpoint) => {
            saved.push(checkpoint.token)
            return real.save(turn, position, checkpoint)
          }
        })
      )
      assert.deepStrictEqual(seen, ["insert", "update", "delete"])
      // A stream that resumes after any of them gets whole events.
      for (const startAfter of saved.slice(0, -1)) {
        const changes = yield* watch({ startAfter }).open
        yield* Effect.repeat(changes.next, { until: ({ events }) => events.length > 0, times: 5 })
      }
    }).pipe(withMemory), 60_000)
})

describe("another instance that takes over while an event is handled", () => {
  const cases: ReadonlyArray<
    readonly [
      string,
      (checkpoint: Effect.Effect<void, MongoError.MongoError>) => Effect.Effect<void, "mine" | MongoError.MongoError>
    ]
  > = [
    ["the handler fails for what that one has done", () => Effect.fail("mine")],
    ["the handler dies", () => Effect.die("mine")],
    ["the checkpoint fails", (checkpoint) => checkpoint],
    [
      "the handler makes a failure of its own of it",
      (checkpoint) => Effect.mapError(checkpoint, () => "mine" as const)
    ],
    ["the handler goes on in spite of it", (checkpoint) => Effect.ignore(checkpoint)]
  ]

  for (const hasDeadLetters of [true, false]) {
    it.effect.each(cases)(
      `%s: the event is that one's, ${hasDeadLetters ? "and goes to no dead letters" : "and the consumer goes on"}`,
      ([, fail]) =>
        Effect.gen(function*() {
          const fixture = yield* outbox()
          const real = yield* store
          const dead: Array<number> = []
          const seen: Array<number> = []
          const theirs: Array<ResumeTokenStore.Turn> = []
          let turn: ResumeTokenStore.Turn | undefined
          let refused = 0
          const takeOver = Effect.gen(function*() {
            yield* real.release(turn!)
            theirs.push(Option.getOrThrow(yield* real.acquire("test", "another", Duration.minutes(1))))
          })
          const { join } = yield* ChangeStreamConsumer.make(optionsOf<"mine" | MongoError.MongoError>(fixture, {
            handler: (event, checkpoint) =>
              idOf(event) === 1 && theirs.length === 0
                ? Effect.andThen(takeOver, fail(checkpoint))
                : Effect.andThen(collect(seen)(event), checkpoint),
            lease: { duration: "3 seconds" },
            checkpoint: { events: 1000, interval: "1 hour" },
            ...hasDeadLetters
              ? { onPoison: { deadLetter: (event) => Effect.sync(() => void dead.push(idOf(event))) } }
              : {}
          })).pipe(Effect.provideService(store, {
            ...real,
            acquire: (...args) =>
              Effect.tap(real.acquire(...args), (acquired) =>
                Effect.sync(() => {
                  if (Option.isSome(acquired)) turn = acquired.value
                  else refused++
                }))
          }))
          const ended = yield* Effect.forkChild(join)
          yield* insert(fixture, 0, 3)
          yield* until("another has its turn, and it waits", () => theirs.length === 1 && refused > 0)
          // The other instance handles the event, and ends.
          assert.deepStrictEqual(seen, [0])
          yield* real.release(theirs[0]!)
          yield* until("the rest is handled", () => seen.length === 3, 15_000)
          assert.deepStrictEqual(seen, [0, 1, 2])
          assert.deepStrictEqual(dead, [])
          assert.isUndefined(ended.pollUnsafe())
        }).pipe(withMemory)
    )
  }
})

describe("a client with any settings for numbers", () => {
  it.effect.each([{ promoteValues: false }, { useBigInt64: true }, { promoteLongs: false }])(
    "consumes: %o",
    (options) =>
      Effect.gen(function*() {
        const fixture = yield* outbox(options)
        const seen: Array<number> = []
        yield* Effect.gen(function*() {
          yield* ChangeStreamConsumer.make(optionsOf(fixture, {
            handler: (event, checkpoint) => Effect.andThen(checkpoint, collect(seen)(event))
          }))
          yield* insert(fixture, 0, 3)
          yield* until("all are handled", () => seen.length === 3)
        }).pipe(Effect.scoped, withStoreOf(fixture))
      })
  )
})

/** Starts a consumer in a process of its own. */
const startConsumer = ({ db }: Fixture, name: string, ...args: ReadonlyArray<string>) =>
  startProcess(new URL("../support/consumerProcess.ts", import.meta.url), name, db.name, ...args)

describe("a process that is stopped for longer than its lease", () => {
  it.effect.each(["transaction", "plain"])("does no harm when it comes back: %s", (form) =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const handled = fixture.db.collection<{ event: number; instance: string }>("handled")
      yield* fixture.db.createCollection("handled")
      const handledBy = (instance: string) =>
        Effect.map(handled.find({ instance }).sort({ n: 1 }), (all) => all.map(({ event }) => event))
      const isHandled = (event: number) => async () => (await Effect.runPromise(handled.countDocuments({ event }))) > 0
      yield* Effect.gen(function*() {
        const real = yield* store
        const a = yield* startConsumer(fixture, "a", form, "10")
        yield* a.said("ready")
        yield* insert(fixture, 0, 30)
        yield* a.said("at 10")
        a.child.kill("SIGSTOP")

        // Another instance gets ahead, and ends.
        const b = yield* startConsumer(fixture, "b", form)
        yield* b.said("ready")
        yield* until("the other has handled the rest", isHandled(29), 40_000)
        b.child.kill("SIGTERM")
        yield* b.ended
        assert.strictEqual(b.child.exitCode, 0)
        const token = yield* tokenOf(real)
        const { fence } = yield* leaseOf(fixture)

        a.child.kill("SIGCONT")
        yield* until("it has a turn of its own", async () =>
          (await Effect.runPromise(leaseOf(fixture))).fence > fence, 20_000)
        assert.isTrue((yield* tokenOf(real)) >= token)
        yield* insert(fixture, 30, 32)
        yield* until("it goes on", isHandled(31), 20_000)
        const [theirs, others] = [yield* handledBy("a"), yield* handledBy("b")]
        if (form === "transaction") {
          assert.deepStrictEqual(theirs, [...range(0, 10), 30, 31])
          assert.deepStrictEqual(others, range(10, 30))
        } else {
          // The events after the last checkpoint are handled again, and also the one that each was handling when it was stopped.
          const inHand = new Set([10, 29])
          assert.deepStrictEqual(
            theirs.filter((event) =>
              !inHand.has(event)
            ),
            [...range(0, 10), 30, 31]
          )
          assert.isAtMost(theirs.length, 14)
          assert.deepStrictEqual(others, range(8, 30))
        }
        assert.isTrue((yield* tokenOf(real)) >= token)
      }).pipe(Effect.scoped, withStoreOf(fixture))
    }), 120_000)
})

describe("a replica set of three", () => {
  it.effect(
    "loses no event, and handles none twice, when its primary is killed and when it is stopped",
    () =>
      Effect.gen(function*() {
        const set = yield* startReplicaSet()
        const mongo = yield* MongoClient.make({
          url: set.uri,
          heartbeatFrequency: "500 millis",
          connectTimeout: "2 seconds"
        })
        const db = mongo.db("app")
        const items = db.collection<Item>("items", { writeConcern: { w: "majority" } })
        const handled = db.collection<{ event: number }>("handled")
        for (const name of ["items", "handled"]) yield* db.createCollection(name)
        const acknowledged = new Set<number>()
        const count = Effect.map(handled.find().sort({ _id: 1 }), (all) => all.map(({ event }) => event))
        yield* Effect.gen(function*() {
          const { join } = yield* ChangeStreamConsumer.make(optionsOf<MongoError.MongoError>({ items }, {
            lease: { duration: "3 seconds" },
            handler: (event, checkpoint) =>
              mongo.withTransaction(Effect.andThen(handled.insertOne({ event: idOf(event) }), checkpoint))
          }))
          const ended = yield* Effect.forkChild(join)
          let next = 0
          let writing = true
          const writer = yield* Effect.forkChild(Effect.gen(function*() {
            while (writing) {
              const _id = next++
              const written = yield* Effect.result(items.insertOne({ _id }))
              if (written._tag === "Success") acknowledged.add(_id)
            }
          }))
          yield* until("it works", () => acknowledged.size > 20, 20_000)
          const stopped = yield* set.primary
          stopped.freeze()
          const size = acknowledged.size
          yield* until("there is another primary", () => acknowledged.size > size + 20, 60_000)
          stopped.thaw()
          yield* set.secondaries
          const killed = yield* set.primary
          killed.kill()
          const then = acknowledged.size
          yield* until("there is another primary again", () => acknowledged.size > then + 20, 60_000)
          writing = false
          yield* Fiber.join(writer)
          let left: ReadonlyArray<number> = []
          yield* until(
            () => `all of ${acknowledged.size} are handled but ${left.length}, ${String(ended.pollUnsafe())}`,
            async () => {
              const all = new Set(await Effect.runPromise(count))
              left = [...acknowledged].filter((id) => !all.has(id))
              return left.length === 0
            },
            90_000
          )
          const all = yield* count
          assert.deepStrictEqual(all, [...new Set(all)])
          assert.deepStrictEqual(all, [...all].sort((a, b) => a - b))
          assert.isUndefined(ended.pollUnsafe())
        }).pipe(Effect.scoped, withStoreOf({ db }))
      }),
    180_000
  )
})

describe("an instance that ends while it takes a lease", () => {
  const leases = (fixture: Pick<Fixture, "admin" | "db">) =>
    Effect.promise(() =>
      fixture.admin.db(fixture.db.name).collection<{ _id: string; owner: string | null }>("mongofx_resume_tokens")
        .find({ fence: { $exists: true } }).toArray()
    )

  /** Consumes with a store that does something before it asks for a lease. */
  const consuming = (
    fixture: Parameters<typeof consumer>[0],
    partitions: number,
    lease: string,
    before: Effect.Effect<void, MongoError.MongoError>
  ) =>
    Effect.flatMap(
      store,
      (real) =>
        Effect.provideService(consumer(fixture, { partitions, handler: () => Effect.void }), store, {
          ...real,
          acquire: (name, owner, duration) =>
            Effect.andThen(name === lease ? before : Effect.void, real.acquire(name, owner, duration))
        })
    )

  for (const [lease, partitions] of [["test", 1], ["test", 2], ["test/1of2", 2]] as const) {
    it.effect(`leaves the lease ${lease} free, with ${partitions} parts`, () =>
      Effect.gen(function*() {
        const [fixture, other] = [yield* outbox(), yield* setup()]
        const scope = yield* Effect.scope
        let before = Infinity
        const asked = () => other.sent().filter((name) => name === "findAndModify").length
        // The server takes the lease only after the instance has gone.
        const late = failCommand(other, { times: 1 }, {
          failCommands: ["findAndModify"],
          blockConnection: true,
          blockTimeMS: 1000
        }).pipe(
          Effect.andThen(Effect.sync(() => void (before = asked()))),
          Effect.provideService(Scope.Scope, scope)
        )
        const fiber = yield* Effect.forkScoped(withStoreOf(other)(consuming(fixture, partitions, lease, late)))
        yield* until("the lease is asked for", () => asked() > before, 10_000)
        yield* Fiber.interrupt(fiber)
        yield* nothingLeft(other)
        const left = yield* leases(other)
        assert.include(left.map(({ _id }) => _id), lease)
        for (const { _id, owner } of left) assert.isNull(owner, _id)
      }), 20_000)
  }

  it.effect("leaves it free if it does not get to know that it has it", () =>
    Effect.gen(function*() {
      const [fixture, other] = [yield* outbox(), yield* setup()]
      const failing = failCommand(other, { times: 1 }, {
        failCommands: ["findAndModify"],
        writeConcernError: { code: 100, errmsg: "no" }
      })
      yield* Effect.scoped(Effect.andThen(
        failing,
        withStoreOf(other)(Effect.flip(consumer(fixture, { handler: () => Effect.void })))
      ))
      const [left] = yield* leases(other)
      assert.isNull(left!.owner)
      // It was given: the turn is used up.
      assert.isAbove((yield* leaseOf(other)).fence, 0)
    }))
})
