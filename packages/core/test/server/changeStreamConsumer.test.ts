import { assert, describe, it } from "@effect/vitest"
import {
  type ChangeStream,
  ChangeStreamConsumer,
  Mongo,
  MongoDatabase,
  MongoError,
  ResumeTokenStore
} from "@mongofx/core"
import { Cause, Effect, Exit, Fiber, Logger, Metric, Option, Random, Schedule, Scope } from "effect"
import {
  collect,
  consumer,
  idOf,
  insert,
  type Item,
  opened,
  optionsOf,
  outbox,
  range,
  startHere,
  store,
  withMemory
} from "../support/consumers.ts"
import { failCommand, nothingLeft, reasonOf, until } from "../support/utils.ts"

describe("consume", () => {
  it.effect("handles changes from its first start on, and goes on where it was after an interruption", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
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

  it.effect("saves the token after a number of events, and after a time while idle", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
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
      yield* until("the token is saved", async () =>
        JSON.stringify(await Effect.runPromise(load("test"))) !== JSON.stringify(start))
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

  it.effect("fails with the error of a failing handler, and gets the event again", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
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

  it.effect("retries with onPoison, then sends the event to the dead letters and goes on", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
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

  it.effect("does not count the interruption of a handler as poison", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
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

describe("the first start", () => {
  it.effect("lets make return when the position is saved: later changes are handled", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      yield* insert(fixture, 0, 1)
      const { name } = yield* ChangeStreamConsumer.make(optionsOf(fixture, { handler: collect(seen) }))
      assert.strictEqual(name, "test")
      assert.isTrue(Option.isSome(yield* Effect.flatMap(store, ({ load }) => load("test"))))
      yield* insert(fixture, 1, 2)
      yield* insert(fixture, 2, 3)
      yield* until("both are handled", () => seen.length === 2)
      assert.deepStrictEqual(seen, [1, 2])
    }).pipe(withMemory))

  it.effect("loses none of the later changes when it dies before it has handled anything", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      const scope = yield* Scope.make()
      yield* Scope.provide(
        ChangeStreamConsumer.make(optionsOf(fixture, { handler: () => Effect.never })),
        scope
      )
      yield* insert(fixture, 0, 3)
      yield* Scope.close(scope, Exit.void)
      yield* ChangeStreamConsumer.make(optionsOf(fixture, { handler: collect(seen) }))
      yield* until("all are handled", () => seen.length === 3)
    }).pipe(withMemory))

  it.effect("processes existing documents once, and loses nothing between them and the stream", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      let starts = 0
      const start = ChangeStreamConsumer.make(optionsOf(fixture, {
        onFirstStart: Effect.gen(function*() {
          starts++
          for (const { _id } of yield* fixture.items.find().sort({ _id: 1 })) seen.push(_id)
          yield* insert(fixture, 5, 7)
        }),
        handler: collect(seen)
      }))
      yield* insert(fixture, 0, 3)
      yield* Effect.scoped(Effect.andThen(start, until("all are handled", () => seen.length === 5)))
      yield* insert(fixture, 7, 8)
      yield* start
      yield* until("the last is handled", () => seen.length === 6)
      assert.deepStrictEqual(seen, [0, 1, 2, 5, 6, 7])
      assert.strictEqual(starts, 1)
    }).pipe(withMemory))

  it.effect("begins again with onFirstStart after it died there, and sees what was deleted meanwhile", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const { items } = fixture
      const index = new Set<number>()
      const start = (last: Effect.Effect<void>) =>
        ChangeStreamConsumer.make({
          ...optionsOf(fixture, {
            onFirstStart: Effect.gen(function*() {
              for (const { _id } of yield* items.find()) index.add(_id)
              yield* last
            }),
            handler: (event) =>
              Effect.sync(() => {
                if (event.operationType === "insert") index.add(idOf(event))
                if (event.operationType === "delete") index.delete(idOf(event))
              })
          }),
          watch: (position) => items.watch([], { maxAwaitTime: "50 millis", ...position })
        })
      yield* insert(fixture, 0, 3)
      const scope = yield* Scope.make()
      yield* Scope.provide(start(Effect.never), scope)
      yield* until("the first has read all", () => index.size === 3)
      yield* Scope.close(scope, Exit.void)
      const { load } = yield* store
      assert.isFalse(Option.getOrThrow(yield* load("test")).started)
      yield* items.deleteOne({ _id: 1 })
      yield* insert(fixture, 3, 5)
      yield* start(Effect.void)
      yield* until("the deletion is handled", () => !index.has(1) && index.size === 4)
      assert.deepStrictEqual([...index].sort(), [0, 2, 3, 4])
      yield* until("it has started", async () => Option.getOrThrow(await Effect.runPromise(load("test"))).started)
    }).pipe(withMemory))

  it.effect("makes a waiting instance ready when another one has saved the position", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<string> = []
      const instance = (name: string) =>
        ChangeStreamConsumer.make(
          optionsOf(fixture, { handler: (event) => Effect.sync(() => void seen.push(`${name}${idOf(event)}`)) })
        )
      const scope = yield* Scope.make()
      yield* Scope.provide(instance("a"), scope)
      yield* instance("b")
      yield* insert(fixture, 0, 1)
      yield* until("it is handled", () => seen.length === 1)
      yield* Scope.close(scope, Exit.void)
      yield* insert(fixture, 1, 2)
      yield* until("the other has taken over", () => seen.length === 2, 20_000)
      assert.deepStrictEqual(seen, ["a0", "b1"])
    }).pipe(withMemory))

  it.live("makes instances that start at once ready at once, however long their lease is", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const instance = ChangeStreamConsumer.make(
        optionsOf(fixture, { handler: () => Effect.void, lease: { duration: "5 minutes" } })
      )
      const started = performance.now()
      yield* Effect.all([instance, instance, instance], { concurrency: "unbounded" })
      // A third of the lease would be longer than the time limit of the test.
      assert.isBelow(performance.now() - started, 20_000)
    }).pipe(withMemory))

  it.effect("goes on after the deadline of the effect that started it", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      yield* Effect.gen(function*() {
        const start = Date.now()
        yield* Mongo.withDeadline(
          ChangeStreamConsumer.make(optionsOf(fixture, {
            handler: (event, checkpoint) => Effect.andThen(checkpoint, collect(seen)(event))
          })),
          "3 seconds"
        )
        yield* until("the deadline has passed", () => Date.now() > start + 3000)
        yield* insert(fixture, 0, 1)
        yield* until("it is handled", () => seen.length === 1)
      }).pipe(
        Effect.scoped,
        Effect.provide(ResumeTokenStore.layerMongo()),
        Effect.provideService(MongoDatabase.MongoDatabase, fixture.db)
      )
    }))

  it.effect("fails with early failures, and reports later ones", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["aggregate"], errorCode: 8 })
      assert.strictEqual(
        (yield* reasonOf(ChangeStreamConsumer.make(optionsOf(fixture, { handler: () => Effect.void })))).code,
        8
      )

      const logged: Array<unknown> = []
      const logger = Logger.make(({ logLevel, message }) => logged.push([logLevel, ...(message as Array<unknown>)]))
      const { join } = yield* ChangeStreamConsumer.make(optionsOf(fixture, {
        handler: () => Effect.fail("mine" as const)
      })).pipe(Effect.provide(Logger.layer([logger])))
      yield* insert(fixture, 0, 1)
      assert.deepStrictEqual(yield* Effect.exit(join), Exit.fail("mine" as const))
      assert.deepStrictEqual(logged, [["Error", "consumer test has ended"]])
    }).pipe(withMemory))
})

describe("history that is lost", () => {
  const lost = Effect.gen(function*() {
    const fixture = yield* outbox()
    // The token itself is valid: the fail point refuses it.
    yield* startHere(fixture)
    yield* failCommand(fixture, { times: 1 }, { failCommands: ["aggregate"], errorCode: 286 })
    return fixture
  })

  it.effect("fails by default", () =>
    Effect.gen(function*() {
      const fixture = yield* lost
      const error = yield* Effect.flip(consumer(fixture, { handler: () => Effect.void }))
      assert.isTrue(MongoError.isMongoError(error))
      assert.deepInclude({ ...error.reason }, { _tag: "ChangeStreamError", kind: "historyLost" })
    }).pipe(withMemory))

  it.effect("goes on with the changes from now on with restart", () =>
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

  it.effect("is repaired by an effect, and no change is missed meanwhile", () =>
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

  it.effect("is repaired every time, in the very first turn too", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      let repairs = 0
      const { join } = yield* ChangeStreamConsumer.make(optionsOf(fixture, {
        handler: collect(seen),
        onHistoryLost: Effect.sync(() => void repairs++)
      }))
      const ended = yield* Effect.forkChild(join)
      for (let i = 0; i < 3; i++) {
        yield* Effect.scoped(Effect.andThen(
          failCommand(fixture, { times: 1 }, { failCommands: ["getMore"], errorCode: 286 }),
          until("it is repaired", () => repairs === i + 1)
        ))
        yield* insert(fixture, i, i + 1)
        yield* until("it goes on", () => seen.length === i + 1)
      }
      assert.deepStrictEqual(seen, [0, 1, 2])
      assert.isUndefined(ended.pollUnsafe())
    }).pipe(withMemory))

  it.effect("counts only for the stream, not for something else that the handler reads", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const mine = new MongoError.MongoError({
        reason: new MongoError.ChangeStreamError({
          operation: "watch",
          message: "another stream",
          labels: [],
          cause: undefined,
          kind: "historyLost"
        })
      })
      const { join } = yield* ChangeStreamConsumer.make(optionsOf(fixture, {
        handler: () => Effect.fail(mine),
        onHistoryLost: "restart"
      }))
      yield* insert(fixture, 0, 1)
      assert.strictEqual(yield* Effect.flip(join), mine)
    }).pipe(withMemory))
})

describe("several instances", () => {
  const wrong = [
    ...[0, -1, 0.5, NaN, Infinity, -Infinity, "soon"].map((value) => ["lease", "duration", value] as const),
    ...[-1, NaN, -Infinity, "soon"].map((value) => ["checkpoint", "interval", value] as const),
    ...[0, -1, NaN, "many"].map((value) => ["checkpoint", "events", value] as const)
  ]
  it.effect.each(wrong)("%s.%s of %s is refused", ([group, name, value]) =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      fixture.clear()
      const all = optionsOf(fixture, { handler: () => Effect.void, [group]: { [name]: value } })
      for (const start of [ChangeStreamConsumer.consume(all), ChangeStreamConsumer.make(all)]) {
        const reason = yield* reasonOf(start)
        assert.strictEqual(reason._tag, "InvalidArgumentError")
        assert.strictEqual((reason as MongoError.InvalidArgumentError).path, `options.${group}.${name}`)
        assert.include(reason.message, `consume: options.${group}.${name} is `)
      }
      assert.deepStrictEqual(fixture.sent(), [])
    }).pipe(withMemory))

  it.effect("work one at a time: one renews its lease, and another takes over at once when it ends", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const real = yield* store
      const seen: Array<string> = []
      let renewals = 0
      const counting: ResumeTokenStore.ResumeTokenStore = {
        ...real,
        renew: (turn, duration) =>
          Effect.suspend(() => {
            renewals++
            return real.renew(turn, duration)
          })
      }
      const instance = (name: string) =>
        Effect.forkChild(
          consumer(fixture, {
            handler: (event) => Effect.sync(() => void seen.push(`${name} ${idOf(event)}`)),
            lease: { duration: "900 millis" }
          }).pipe(Effect.provideService(store, counting))
        )
      const a = yield* instance("a")
      yield* opened(fixture)
      const b = yield* instance("b")
      // Longer than the lease.
      yield* until("it has renewed it", () => renewals >= 5)
      yield* insert(fixture, 0, 2)
      yield* until("both are handled", () => seen.length === 2)
      assert.deepStrictEqual(seen, ["a 0", "a 1"])
      yield* Fiber.interrupt(a)
      yield* insert(fixture, 2, 4)
      yield* until("the other has taken over", () => seen.length === 4)
      yield* Fiber.interrupt(b)
      assert.deepStrictEqual(seen, ["a 0", "a 1", "b 2", "b 3"])
    }).pipe(withMemory))

  it.effect("stop when they have lost their lease, save nothing, and wait for their turn", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const real = yield* store
      let stolen = false
      let refused = 0
      const seen: Array<number> = []
      const unlessStolen = <A, E>(value: A, self: Effect.Effect<A, E>) =>
        Effect.suspend(() => {
          if (!stolen) return self
          refused++
          return Effect.succeed(value)
        })
      const fiber = yield* Effect.forkChild(
        consumer(fixture, { handler: collect(seen), lease: { duration: "300 millis" }, checkpoint: { events: 1 } })
          .pipe(
            Effect.provideService(store, {
              ...real,
              acquire: (...args) => unlessStolen(Option.none(), real.acquire(...args)),
              renew: (...args) => unlessStolen(false, real.renew(...args)),
              save: (...args) => unlessStolen(false, real.save(...args))
            })
          )
      )
      yield* opened(fixture)
      yield* insert(fixture, 0, 1)
      yield* until("one is handled", () => seen.length === 1)
      stolen = true
      const saved = yield* real.load("test")
      yield* until("it has stopped, and waits", () => refused > 2)
      yield* insert(fixture, 1, 3)
      const before = refused
      yield* until("it goes on waiting", () => refused > before + 2)
      assert.deepStrictEqual(seen, [0])
      assert.deepStrictEqual(yield* real.load("test"), saved)
      stolen = false
      yield* until("it has its turn again", () => seen.length === 3)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(seen, [0, 1, 2])
    }).pipe(withMemory))

  it.live(
    "handle each of 5,000 events in order, with limited repetition, when they are killed at random",
    () =>
      Effect.gen(function*() {
        const fixture = yield* outbox()
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
            // Dead instances write nothing: neither the token nor the release of the lease.
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
        // Each crash repeats at most the events between two checkpoints, and the one that was being handled.
        assert.isAtMost(repeated, crashes * (every + 1))
      }).pipe(Effect.provide(ResumeTokenStore.layerMemory)),
    120_000
  )
})

describe("a checkpoint in the handler's own transaction", () => {
  it.live("makes the effects of an event happen exactly once, whenever the process dies", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
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
                // It sometimes dies right after the commit, before the consumer itself knows of it.
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
        // Events come in order: repeated ones come before the last.
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

  it.live("makes them happen exactly once when it is interrupted at any moment", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
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
          // After an attempt has begun, so that the interruption mostly hits the commit.
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
  it.effect("show lag, checkpoint age, events and dead letters", () =>
    Effect.gen(function*() {
      const fixture = yield* outbox()
      const seen: Array<number> = []
      const name = `metrics-${fixture.db.name}`
      const state = (id: string) =>
        Effect.map(Metric.snapshot, (all) =>
          all.find((metric) =>
            metric.id === id && metric.attributes?.["mongofx.consumer.name"] === name
          )
            ?.state as { count?: number; value?: number } | undefined)
      const started = Date.now()
      let ready = false
      yield* ChangeStreamConsumer.make(optionsOf(fixture, {
        name,
        // How late an event is handled, by the time of its write.
        onFirstStart: until("there is lag", () => ready && Date.now() - started > 1500),
        handler: (event) => idOf(event) === 1 ? Effect.fail("bad") : collect(seen)(event),
        checkpoint: { events: 1000, interval: "1 hour" },
        onPoison: { deadLetter: () => Effect.void }
      }))
      const writing = Date.now()
      yield* insert(fixture, 0, 3)
      const written = Date.now()
      ready = true
      yield* until("all are handled", () => seen.length === 2)
      const handled = Date.now()
      yield* until(
        "the batch is counted",
        async () => (await Effect.runPromise(state("mongofx.consumer.checkpoint.age")))?.value !== undefined
      )
      assert.strictEqual((yield* state("mongofx.consumer.events"))?.count, 3)
      assert.strictEqual((yield* state("mongofx.consumer.dead_letters"))?.count, 1)
      const lag = (yield* state("mongofx.consumer.lag"))!.value! * 1000
      assert.isAtLeast(lag, started + 1500 - written)
      assert.isAtMost(lag, handled - writing + 1)
      // Counted from the checkpoint after `onFirstStart`, and growing.
      const age = (yield* state("mongofx.consumer.checkpoint.age"))!.value!
      assert.isBelow(age, 30)
      yield* until(
        "it grows",
        async () => (await Effect.runPromise(state("mongofx.consumer.checkpoint.age")))!.value! > age + 0.2
      )
    }).pipe(withMemory))
})
