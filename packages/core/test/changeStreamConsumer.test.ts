import { assert, describe, it } from "@effect/vitest"
import { type ChangeStream, ChangeStreamConsumer, MongoDatabase, MongoError, ResumeTokenStore } from "@mongofx/core"
import { Cause, Duration, Effect, Exit, Fiber, Metric, Option, Random, Schedule } from "effect"
import type * as Driver from "mongodb"
import { failCommand, type Fixture, nothingLeft, setup, until } from "./utils.ts"

interface Item {
  readonly _id: number
  readonly document?: number
}

const store = ResumeTokenStore.ResumeTokenStore

const outbox = Effect.gen(function*() {
  const fixture = yield* setup()
  const items = fixture.db.collection<Item>("items")
  yield* fixture.db.createCollection("items")
  return { ...fixture, items }
})

const idOf = (event: ChangeStream.ChangeEvent<Item>) =>
  (event as Driver.ChangeStreamInsertDocument<Item>).documentKey._id

type Options<E, R> = ChangeStreamConsumer.ConsumeOptions<ChangeStream.ChangeStream<Item>, E, R>

const optionsOf = <E = never, R = never>(
  { items }: { readonly items: ReturnType<typeof collectionOf> },
  options: Partial<Options<E, R>> & Pick<Options<E, R>, "handler">
): Options<E, R> => ({
  name: "test",
  watch: (position) =>
    items.watch([{ $match: { operationType: "insert" } }], { maxAwaitTime: "50 millis", ...position }),
  ...options
})

const consumer = <E = never, R = never>(
  fixture: { readonly items: ReturnType<typeof collectionOf> },
  options: Partial<Options<E, R>> & Pick<Options<E, R>, "handler">
) => ChangeStreamConsumer.consume(optionsOf(fixture, options))

const collectionOf = (fixture: Fixture) => fixture.db.collection<Item>("items")

const collect = (seen: Array<number>) => (event: ChangeStream.ChangeEvent<Item>) =>
  Effect.sync(() => {
    seen.push(idOf(event))
  })

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

const insert = (fixture: { readonly items: ReturnType<typeof collectionOf> }, from: number, to: number) =>
  fixture.items.insertMany(range(from, to).map((_id) => ({ _id })))

const withMemory = Effect.provide(ResumeTokenStore.layerMemory)

const opened = (fixture: Fixture) => until("the change stream is open", () => fixture.sent().includes("getMore"))

describe("consume", () => {
  it.live("handles what happens from its first start on, and after an interruption goes on where it was", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox
      yield* insert(fixture, 0, 3)
      const seen: Array<number> = []
      const first = yield* Effect.forkChild(consumer(fixture, { handler: collect(seen) }))
      yield* opened(fixture)
      yield* insert(fixture, 3, 10)
      yield* until("all are handled", () => seen.length === 7)
      yield* Fiber.interrupt(first)
      yield* insert(fixture, 10, 20)
      const second = yield* Effect.forkChild(consumer(fixture, { handler: collect(seen) }))
      yield* until("the rest is handled", () => seen.length >= 17)
      yield* Fiber.interrupt(second)
      assert.deepStrictEqual(seen, range(3, 20))
      yield* nothingLeft(fixture)
    }).pipe(withMemory))

  it.live("saves the token after so many events, and after so much time while idle", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox
      const { load } = yield* store
      const seen: Array<number> = []
      const counted = yield* Effect.forkChild(
        consumer(fixture, { handler: collect(seen), checkpoint: { events: 5, interval: "1 hour" } })
      )
      yield* opened(fixture)
      const start = yield* load("test")
      assert.isTrue(Option.isSome(start))
      yield* insert(fixture, 0, 4)
      yield* until("four are handled", () => seen.length === 4)
      assert.deepStrictEqual(yield* load("test"), start)
      yield* insert(fixture, 4, 5)
      yield* until("five are handled", () => seen.length === 5)
      yield* Effect.sleep("50 millis")
      assert.notDeepEqual(yield* load("test"), start)
      yield* Fiber.interrupt(counted)

      const idle = yield* Effect.forkChild(
        consumer(fixture, { handler: collect(seen), checkpoint: { interval: "100 millis" } })
      )
      const before = yield* load("test")
      yield* fixture.db.collection("elsewhere").insertOne({})
      yield* until("the token moves", async () =>
        JSON.stringify(await Effect.runPromise(load("test"))) !== JSON.stringify(before))
      yield* Fiber.interrupt(idle)
      assert.strictEqual(seen.length, 5)
    }).pipe(withMemory))

  it.live("a failing handler fails it with its own error, and the event comes again", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox
      const seen: Array<number> = []
      const handler = (event: ChangeStream.ChangeEvent<Item>) =>
        idOf(event) === 2 && !seen.includes(2)
          ? Effect.andThen(collect(seen)(event), Effect.fail("mine" as const))
          : collect(seen)(event)
      const fiber = yield* Effect.forkChild(Effect.exit(consumer(fixture, { handler })))
      yield* opened(fixture)
      yield* insert(fixture, 0, 5)
      const exit = yield* Fiber.join(fiber)
      assert.deepStrictEqual(exit, Exit.fail("mine"))
      const again = yield* Effect.forkChild(consumer(fixture, { handler }))
      yield* until("all are handled", () => seen.length === 6)
      yield* Fiber.interrupt(again)
      assert.deepStrictEqual(seen, [0, 1, 2, 2, 3, 4])
    }).pipe(withMemory))

  it.live("onPoison tries again, then gives the event away and goes on", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox
      const seen: Array<number> = []
      const dead: Array<readonly [number, string]> = []
      const handler = (event: ChangeStream.ChangeEvent<Item>) =>
        Effect.suspend(() => {
          seen.push(idOf(event))
          if (idOf(event) === 1) return Effect.fail("bad")
          return idOf(event) === 2 ? Effect.die("worse") : Effect.void
        })
      const fiber = yield* Effect.forkChild(consumer(fixture, {
        handler,
        onPoison: {
          retry: Schedule.recurs(2),
          deadLetter: (event, cause) => Effect.sync(() => void dead.push([idOf(event), String(Cause.squash(cause))]))
        }
      }))
      yield* opened(fixture)
      yield* insert(fixture, 0, 4)
      yield* until("the last is handled", () => seen.at(-1) === 3)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(seen, [0, 1, 1, 1, 2, 2, 2, 3])
      assert.deepStrictEqual(dead, [[1, "bad"], [2, "worse"]])
    }).pipe(withMemory))

  it.live("interruption of a handler is no poison", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox
      let started = false
      const fiber = yield* Effect.forkChild(consumer(fixture, {
        handler: () =>
          Effect.suspend(() => {
            started = true
            return Effect.never
          }),
        onPoison: { deadLetter: () => Effect.die("no") }
      }))
      yield* opened(fixture)
      yield* insert(fixture, 0, 1)
      yield* until("it is being handled", () => started)
      yield* Fiber.interrupt(fiber)
      assert.isTrue(Exit.hasInterrupts(fiber.pollUnsafe()!))
    }).pipe(withMemory))
})

/** As if a consumer had worked before, and had come to here. */
const startHere = (fixture: { readonly items: ReturnType<typeof collectionOf> }) =>
  Effect.gen(function*() {
    const { acquire, release, save } = yield* store
    const changes = yield* fixture.items.watch([{ $match: { operationType: "insert" } }]).open
    const turn = Option.getOrThrow(yield* acquire("test", "before", Duration.minutes(1)))
    const token = Option.getOrThrow(yield* changes.resumeToken)
    assert.isTrue(yield* save(turn, 1, { token, started: true }))
    yield* release(turn)
  })

describe("history that is lost", () => {
  const lost = Effect.gen(function*() {
    const fixture = yield* outbox
    // A token that the server does not refuse by itself, since the fail point does.
    yield* startHere(fixture)
    yield* failCommand(fixture, { times: 1 }, { failCommands: ["aggregate"], errorCode: 286 })
    return fixture
  })

  it.live("fails by default", () =>
    Effect.gen(function*() {
      const fixture = yield* lost
      const error = yield* Effect.flip(consumer(fixture, { handler: () => Effect.void }))
      assert.isTrue(MongoError.isMongoError(error))
      assert.deepInclude({ ...error.reason }, { _tag: "ChangeStreamError", kind: "historyLost" })
    }).pipe(withMemory))

  it.live("restart goes on with what happens from now on", () =>
    Effect.gen(function*() {
      const fixture = yield* lost
      const seen: Array<number> = []
      const before = fixture.sent().length
      const fiber = yield* Effect.forkChild(consumer(fixture, { handler: collect(seen), onHistoryLost: "restart" }))
      yield* until("it is open", () => fixture.sent().slice(before).includes("getMore"))
      yield* insert(fixture, 0, 3)
      yield* until("all are handled", () => seen.length === 3)
      yield* Fiber.interrupt(fiber)
    }).pipe(withMemory))

  it.live("an effect repairs, and nothing that happens meanwhile is missed", () =>
    Effect.gen(function*() {
      const fixture = yield* lost
      const seen: Array<number> = []
      const fiber = yield* Effect.forkChild(
        consumer(fixture, { handler: collect(seen), onHistoryLost: Effect.orDie(Effect.asVoid(insert(fixture, 0, 3))) })
      )
      yield* until("what was written during the repair is handled", () => seen.length === 3)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(seen, [0, 1, 2])
    }).pipe(withMemory))
})

describe("several instances", () => {
  it.live("one works at a time; another takes over at once when it ends", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox
      const seen: Array<string> = []
      const instance = (name: string) =>
        Effect.forkChild(consumer(fixture, {
          handler: (event) => Effect.sync(() => void seen.push(`${name} ${idOf(event)}`)),
          lease: { duration: "900 millis" }
        }))
      const a = yield* instance("a")
      yield* opened(fixture)
      const b = yield* instance("b")
      // Longer than the lease, so that it has to be renewed.
      yield* Effect.sleep("1500 millis")
      yield* insert(fixture, 0, 2)
      yield* until("both are handled", () => seen.length === 2)
      assert.deepStrictEqual(seen, ["a 0", "a 1"])
      yield* Fiber.interrupt(a)
      yield* insert(fixture, 2, 4)
      yield* until("the other has taken over", () => seen.length === 4)
      yield* Fiber.interrupt(b)
      assert.deepStrictEqual(seen, ["a 0", "a 1", "b 2", "b 3"])
    }).pipe(Effect.provide(ResumeTokenStore.layerMemory)))

  it.live("one that has lost its lease stops, saves nothing, and waits for its turn", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox
      const real = yield* store
      let stolen = false
      const seen: Array<number> = []
      const fiber = yield* Effect.forkChild(
        consumer(fixture, { handler: collect(seen), lease: { duration: "300 millis" }, checkpoint: { events: 1 } })
          .pipe(
            Effect.provideService(store, {
              ...real,
              acquire: (name, owner, duration) => stolen ? Effect.succeedNone : real.acquire(name, owner, duration),
              renew: (turn, duration) => stolen ? Effect.succeed(false) : real.renew(turn, duration),
              save: (...args) => stolen ? Effect.succeed(false) : real.save(...args)
            })
          )
      )
      yield* opened(fixture)
      yield* insert(fixture, 0, 1)
      yield* until("one is handled", () => seen.length === 1)
      stolen = true
      const saved = yield* real.load("test")
      yield* Effect.sleep("300 millis")
      yield* insert(fixture, 1, 3)
      yield* Effect.sleep("300 millis")
      assert.deepStrictEqual(seen, [0])
      assert.deepStrictEqual(yield* real.load("test"), saved)
      stolen = false
      yield* until("it has its turn again", () => seen.length === 3)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(seen, [0, 1, 2])
    }).pipe(withMemory))

  it.live(
    "killed at random, two instances handle each of 5,000 events, in order, with bounded repetition",
    () =>
      Effect.gen(function*() {
        const fixture = yield* outbox
        const real = yield* store
        const total = 5000
        const documents = 25
        const every = 20
        const handled = new Map<number, number>()
        const last = new Map<number, number>()
        const disorder: Array<string> = []
        let crashes = 0
        let firstTimes = 0

        const instance: Effect.Effect<never, MongoError.MongoError> = Effect.suspend(() => {
          let dead = false
          // Per instance and document: in order. Over all instances: the first times are in order.
          const own = new Map<number, number>()
          const run = consumer(fixture, {
            lease: { duration: "400 millis" },
            checkpoint: { events: every, interval: "1 hour" },
            handler: (event) =>
              Effect.sync(() => {
                const id = idOf(event)
                const document = id % documents
                if ((own.get(document) ?? -1) >= id) disorder.push(`${id} after ${own.get(document)} in one instance`)
                own.set(document, id)
                if (!handled.has(id)) {
                  if ((last.get(document) ?? -1) > id) disorder.push(`${id} after ${last.get(document)}`)
                  last.set(document, id)
                  firstTimes++
                }
                handled.set(id, (handled.get(id) ?? 0) + 1)
              })
          }).pipe(
            // The dead write no more: neither the token nor that the lease is free.
            Effect.provideService(store, {
              ...real,
              acquire: (name, owner, duration) => dead ? Effect.succeedNone : real.acquire(name, owner, duration),
              renew: (turn, duration) => dead ? Effect.succeed(false) : real.renew(turn, duration),
              save: (...args) => dead ? Effect.succeed(false) : real.save(...args),
              release: (turn) => dead ? Effect.void : real.release(turn)
            })
          )
          const killed = Effect.gen(function*() {
            yield* Effect.sleep(200 + 600 * (yield* Random.next))
            dead = true
            crashes++
          })
          return Effect.andThen(Effect.raceFirst(run, killed), instance)
        })

        yield* startHere(fixture)
        const instances = yield* Effect.forkChild(Effect.all([instance, instance], { concurrency: 2 }))
        yield* Effect.forEach(
          range(0, total / 50),
          (i) => Effect.andThen(insert(fixture, i * 50, i * 50 + 50), Effect.sleep("20 millis"))
        )
        yield* until("all are handled", () => firstTimes >= total, 60_000)
        yield* Fiber.interrupt(instances)

        assert.deepStrictEqual(disorder, [])
        assert.deepStrictEqual([...handled.keys()].sort((a, b) => a - b), range(0, total))
        const repeated = [...handled.values()].reduce((sum, times) => sum + times - 1, 0)
        assert.isAbove(crashes, 3)
        // Each crash repeats at most what lies between two checkpoints, and the event that was being handled.
        assert.isAtMost(repeated, crashes * (every + 1))
      }).pipe(Effect.provide(ResumeTokenStore.layerMemory)),
    120_000
  )
})

describe("a checkpoint in the handler's own transaction", () => {
  it.live("makes the effects of an event happen exactly once, whenever the process dies", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox
      const { mongo } = fixture
      const target = fixture.db.collection<Item>("target")
      yield* fixture.db.createCollection("target")
      const total = 60
      yield* Effect.gen(function*() {
        const real = yield* store
        let attempts = 0
        let crashes = 0
        let last = -1
        const instance = Effect.suspend(() => {
          let dead = false
          return consumer(fixture, {
            checkpoint: { events: 1000, interval: "1 hour" },
            handler: (event, checkpoint) =>
              mongo.withTransaction(Effect.gen(function*() {
                yield* target.insertOne({ _id: attempts++, document: idOf(event) })
                yield* checkpoint
              })).pipe(
                // Dies right behind the commit now and then, before the consumer itself knows of it.
                Effect.andThen(Effect.suspend(() => {
                  last = idOf(event)
                  if (last % 13 !== 12) return Effect.void
                  dead = true
                  crashes++
                  return Effect.fail("crash" as const)
                }))
              )
          }).pipe(Effect.provideService(store, {
            ...real,
            save: (...args) => dead ? Effect.succeed(false) : real.save(...args)
          }))
        })
        const fiber = yield* Effect.forkChild(
          instance.pipe(Effect.retry({ while: (error) => error === "crash" }))
        )
        yield* opened(fixture)
        yield* insert(fixture, 0, total)
        // Events come in order: what comes twice comes before the last.
        yield* until("the last is handled", () => last === total - 1, 25_000)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(crashes, 4)
      }).pipe(
        Effect.provide(ResumeTokenStore.layerMongo()),
        Effect.provideService(MongoDatabase.MongoDatabase, fixture.db)
      )
      const handled = yield* target.find().sort({ _id: 1 })
      assert.deepStrictEqual(handled.map(({ document }) => document), range(0, total))
    }), 60_000)

  it.live("and exactly once when it is interrupted at any moment", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox
      const { mongo } = fixture
      const target = fixture.db.collection<Item>("target")
      yield* fixture.db.createCollection("target")
      const total = 120
      let attempts = 0
      const run = consumer(fixture, {
        handler: (event, checkpoint) =>
          mongo.withTransaction(Effect.gen(function*() {
            yield* target.insertOne({ _id: attempts++, document: idOf(event) })
            yield* checkpoint
          }))
      })
      yield* Effect.gen(function*() {
        let fiber = yield* Effect.forkChild(run)
        yield* opened(fixture)
        yield* insert(fixture, 0, total)
        const isDone = () => Effect.runPromise(target.countDocuments()).then((count) => count >= total)
        for (let interruptions = 0; interruptions < 40 && !(yield* Effect.promise(isDone)); interruptions++) {
          // When an attempt has begun, so that it is mostly the commit that is interrupted.
          const before = attempts
          yield* until("an attempt begins", async () => attempts > before || await isDone())
          yield* Effect.sleep(8 * (yield* Random.next))
          yield* Fiber.interrupt(fiber)
          fiber = yield* Effect.forkChild(run)
        }
        yield* until("all are handled", isDone, 40_000)
        yield* Effect.sleep("300 millis")
        yield* Fiber.interrupt(fiber)
      }).pipe(
        Effect.provide(ResumeTokenStore.layerMongo()),
        Effect.provideService(MongoDatabase.MongoDatabase, fixture.db)
      )
      const handled = yield* target.find().sort({ _id: 1 })
      assert.deepStrictEqual(handled.map(({ document }) => document), range(0, total))
    }), 60_000)
})

describe("metrics", () => {
  it.live("tell of lag, checkpoint age, events and dead letters", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox
      const seen: Array<number> = []
      const name = `metrics-${fixture.db.name}`
      const fiber = yield* Effect.forkChild(consumer(fixture, {
        name,
        handler: (event) => idOf(event) === 1 ? Effect.fail("bad") : collect(seen)(event),
        onPoison: { deadLetter: () => Effect.void }
      }))
      yield* opened(fixture)
      yield* insert(fixture, 0, 3)
      yield* until("all are handled", () => seen.length === 2)
      yield* Effect.sleep("100 millis")
      yield* Fiber.interrupt(fiber)
      const snapshot = (yield* Metric.snapshot).filter((metric) =>
        metric.attributes?.["mongofx.consumer.name"] === name
      )
      const state = (id: string) =>
        snapshot.find((metric) => metric.id === id)?.state as { count?: number; value?: number }
      assert.strictEqual(state("mongofx.consumer.events").count, 3)
      assert.strictEqual(state("mongofx.consumer.dead_letters").count, 1)
      assert.isBelow(state("mongofx.consumer.lag").value!, 5)
      assert.isBelow(state("mongofx.consumer.checkpoint.age").value!, 5)
    }).pipe(withMemory))
})
