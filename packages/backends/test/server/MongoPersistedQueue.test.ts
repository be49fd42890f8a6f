/**
 * `PersistedQueue` on MongoDB: order, delays, retries, dead letters, leases, transactions, and several processes.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoPersistedQueue } from "@mongofx/backends"
import type { MongoError } from "@mongofx/core"
import { FailPoint, MongoServer } from "@mongofx/testing"
import {
  Cause,
  Context,
  Duration,
  Effect,
  Exit,
  Fiber,
  Layer,
  Random,
  Redacted,
  References,
  Schedule,
  Schema,
  Scope
} from "effect"
import { PersistedQueue } from "effect/persistence"
import { type Process, startProcess } from "test-support/processes"
import { Recorder } from "test-support/recorder"
import { failCommand, type Fixture, seeded, setup, timed, until, uri } from "test-support/utils"
import { oneOf, serviceOf } from "../support/backends.ts"

type Store = PersistedQueue.PersistedQueueStore["Service"]

const storeOf = (fixture: Fixture, options: MongoPersistedQueue.Options = {}) =>
  serviceOf(PersistedQueue.PersistedQueueStore, MongoPersistedQueue.layerStoreWith(options), fixture)

const memoryStore = Effect.map(
  Layer.build(PersistedQueue.layerStoreMemory),
  Context.get(PersistedQueue.PersistedQueueStore)
)

/** A queue of numbers on a store. */
const queueOf = (
  store: Store,
  options: { readonly name?: string; readonly maxAttempts?: number; readonly retry?: Duration.Input } = {}
) =>
  PersistedQueue.make({
    name: options.name ?? "numbers",
    schema: Schema.Int,
    maxAttempts: options.maxAttempts ?? 3,
    retrySchedule: Schedule.spaced(options.retry ?? 0)
  }).pipe(Effect.provide(Layer.provide(
    PersistedQueue.layer,
    Layer.succeed(PersistedQueue.PersistedQueueStore, store)
  )))

interface Stored {
  readonly _id: string
  readonly id: string
  readonly state: string
  readonly attempts: number
  readonly lastFailure?: string
  readonly lock: string | null
}

const elementsOf = ({ db }: Fixture) => db.collection<Stored>("effect_queue")
const statesOf = (fixture: Fixture) =>
  Effect.map(elementsOf(fixture).find().sort({ id: 1 }), (all) => all.map(({ id, state }) => `${id} ${state}`))

/** The number, and how often it was taken. */
const told = (n: number, { attempts }: { readonly attempts: number }) => Effect.succeed([n, attempts] as const)

const pause = (milliseconds: number) =>
  Effect.promise(() => new Promise((resolve) => setTimeout(resolve, milliseconds)))

describe("a queue", () => {
  it.live("answers as the memory store does, to random offers and outcomes", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const [mongo, memory] = [yield* storeOf(fixture), yield* memoryStore]
      const names = ["a", "b"]
      const pending = new Map(names.map((name) => [name, new Set<string>()]))
      const count = new Map<string, number>()
      const dead = { _tag: "~effect/persistence/PersistedQueue/DeadLetter", cause: Cause.die("no") }
      for (let i = 0; i < 200; i++) {
        const name = yield* oneOf(names)
        if (pending.get(name)!.size === 0 || (yield* oneOf([true, false]))) {
          const id = `e${yield* Random.nextIntBetween(0, 60)}`
          const options = { name, id, element: { $n: i, text: "$now" }, isCustomId: true, delay: undefined }
          yield* memory.offer(options)
          yield* mongo.offer(options)
          const isNew = (yield* elementsOf(fixture).countDocuments({ queue: name, id, state: "pending" } as never)) > 0
          if (isNew) pending.get(name)!.add(id)
        } else {
          const outcome = yield* oneOf(["success", "failure", "failure", "defect", "dead"])
          const exit: Exit.Exit<void, unknown> = outcome === "success" ? Exit.void : outcome === "failure"
            ? Exit.fail("no")
            : outcome === "defect"
            ? Exit.die(new Error("no \ud800"))
            : Exit.fail(dead)
          const work = (store: Store) =>
            Effect.gen(function*() {
              const scope = yield* Scope.make()
              const taken = yield* Scope.provide(
                store.take({ name, maxAttempts: 3, retryDelay: () => Effect.succeed(Duration.zero) }),
                scope
              )
              yield* Scope.close(scope, exit)
              return taken
            })
          const expected = yield* work(memory)
          assert.deepStrictEqual(yield* work(mongo), expected, `operation ${i}`)
          const isOver = outcome === "success" || outcome === "dead" || expected.attempts === 3
          if (isOver) pending.get(name)!.delete(expected.id)
          count.set(outcome, (count.get(outcome) ?? 0) + 1)
        }
        // Elements of one millisecond come in the order of their identifiers.
        yield* pause(2)
      }
      assert.isAbove(Math.min(...count.values()), 1)
    }).pipe(seeded), 120_000)

  it.live("gives elements in their order, each to one taker, and none to those of another queue", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const [one, two] = [yield* queueOf(yield* storeOf(fixture)), yield* queueOf(yield* storeOf(fixture))]
      const other = yield* queueOf(yield* storeOf(fixture), { name: "other" })
      yield* other.offer(100)
      for (let n = 0; n < 40; n++) yield* one.offer(n)
      const first = [yield* one.take(told), yield* two.take(told), yield* one.take(told)]
      assert.deepStrictEqual(first, [[0, 1], [1, 1], [2, 1]])
      const rest = yield* Effect.forEach(
        Array.from({ length: 37 }, (_, i) => i),
        (i) => (i % 2 === 0 ? one : two).take(told),
        { concurrency: "unbounded" }
      )
      assert.deepStrictEqual(rest.map(([n]) => n).sort((a, b) => a - b), Array.from({ length: 37 }, (_, i) => i + 3))
      assert.deepStrictEqual(yield* other.take(told), [100, 1])
    }))

  it.live("ignores an identifier that it has already, also when the element is done, until it is cleaned up", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture)
      const queue = yield* queueOf(store)
      yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], (n) => queue.offer(n, { id: "a" }), { concurrency: "unbounded" })
      yield* queue.offer(9, { id: "b" })
      yield* (yield* queueOf(store, { name: "other" })).offer(10, { id: "a" })
      yield* queue.take(told)
      yield* queue.offer(11, { id: "a" })
      assert.deepStrictEqual(yield* queue.take(told), [9, 1])
      assert.deepStrictEqual(yield* statesOf(fixture), ["a completed", "a pending", "b completed"])
      yield* store.cleanup({ timeToLive: Duration.hours(1), failedTimeToLive: undefined })
      assert.strictEqual(yield* elementsOf(fixture).countDocuments(), 3)
      yield* pause(10)
      yield* store.cleanup({ timeToLive: Duration.millis(1), failedTimeToLive: Duration.infinity })
      assert.deepStrictEqual(yield* statesOf(fixture), ["a pending"])
      yield* queue.offer(12, { id: "a" })
      assert.deepStrictEqual(yield* queue.take(told), [12, 1])
    }))

  it.live("keeps the failure of elements that are given up, and cleans them up by a time of their own", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture)
      const queue = yield* queueOf(store, { maxAttempts: 2 })
      yield* queue.offer(1, { id: "a" })
      const attempts: Array<number> = []
      const work = queue.take((_, { attempts: attempt }) => {
        attempts.push(attempt)
        return Effect.fail(`failure ${attempt}`)
      })
      assert.strictEqual(yield* Effect.flip(work), "failure 1")
      assert.strictEqual(yield* Effect.flip(work), "failure 2")
      assert.deepStrictEqual(attempts, [1, 2])
      const [failed] = yield* elementsOf(fixture).find()
      assert.deepInclude(failed, { state: "failed", attempts: 2, lock: null })
      assert.include(failed!.lastFailure, "failure 2")
      yield* pause(10)
      yield* store.cleanup({ timeToLive: Duration.zero, failedTimeToLive: undefined })
      assert.strictEqual(yield* elementsOf(fixture).countDocuments(), 1)
      yield* store.cleanup({ timeToLive: Duration.hours(1), failedTimeToLive: Duration.millis(1) })
      assert.strictEqual(yield* elementsOf(fixture).countDocuments(), 0)
    }))

  it.live("puts what cannot be decoded among the failed at once, and goes on", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture)
      const queue = yield* queueOf(store)
      yield* store.offer({ name: "numbers", id: "bad", element: "text", isCustomId: true })
      yield* pause(2)
      yield* queue.offer(1, { id: "good" })
      assert.deepStrictEqual(yield* queue.take(told), [1, 1])
      assert.deepStrictEqual(yield* statesOf(fixture), ["bad failed", "good completed"])
    }))

  it.live("keeps elements that a document cannot have", () =>
    Effect.gen(function*() {
      const store = yield* storeOf(yield* setup())
      const element = { $ref: "a", $id: 1, text: "\ud800" }
      yield* store.offer({ name: "odd", id: "a", element, isCustomId: true })
      const options = { name: "odd", maxAttempts: 1, retryDelay: () => Effect.succeed(Duration.zero) }
      const taken = yield* Effect.scoped(store.take(options))
      assert.deepStrictEqual(taken.element, element)
    }))

  it.live("puts an element back to its place when its work is interrupted, and does not count the attempt", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const queue = yield* queueOf(yield* storeOf(fixture))
      for (const n of [1, 2, 3]) yield* queue.offer(n)
      let started = 0
      const fiber = yield* Effect.forkScoped(queue.take(() => {
        started++
        return Effect.never
      }))
      yield* until("it is taken", () => started === 1)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(yield* queue.take(told), [1, 1])
      // A taker that waits is interrupted at once.
      yield* queue.take(told)
      yield* queue.take(told)
      const waiting = yield* Effect.forkScoped(queue.take(told))
      yield* pause(50)
      const [, took] = yield* timed(Fiber.interrupt(waiting))
      assert.isBelow(took, 2000)
      yield* queue.offer(4)
      assert.deepStrictEqual(yield* queue.take(told), [4, 1])
    }))

  it.live("gives a delayed element when its time has come, by the server's clock, and a failed one after its delay", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const queue = yield* queueOf(yield* storeOf(fixture, { pollInterval: "1 hour" }), { retry: "300 millis" })
      const offered = performance.now()
      yield* queue.offer(1, { delay: "600 millis" })
      yield* queue.offer(2)
      assert.deepStrictEqual(yield* queue.take(told), [2, 1])
      assert.deepStrictEqual(yield* queue.take(told), [1, 1])
      assert.isAtLeast(performance.now() - offered, 600)
      yield* queue.offer(3)
      const failed = performance.now()
      yield* Effect.flip(queue.take(() => Effect.fail("no")))
      assert.deepStrictEqual(yield* queue.take(told), [3, 2])
      assert.isAtLeast(performance.now() - failed, 300)
    }))
})

describe("takers", () => {
  it.live("hear of what another process offers and gives back, without polling", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const one = yield* queueOf(yield* storeOf(fixture, { pollInterval: "1 hour" }))
      const two = yield* queueOf(yield* storeOf(fixture))
      const taken: Array<readonly [number, number]> = []
      const worker = Effect.forkScoped(Effect.forever(Effect.map(one.take(told), (each) => taken.push(each))))
      const first = yield* worker
      // The change stream opens with the first taker.
      yield* until("the change stream is open", () =>
        fixture.commands.some(({ command, commandName }) =>
          commandName === "aggregate" && JSON.stringify(command).includes("$changeStream")
        ), 10_000)
      yield* pause(300)
      yield* two.offer(1)
      yield* until("it is taken", () =>
        taken.length === 1, 10_000)

      yield* Fiber.interrupt(first)
      yield* two.offer(2)
      let isHeld = false
      const held = yield* Effect.forkScoped(two.take(() => {
        isHeld = true
        return Effect.never
      }))
      yield* until("the other process has it", () =>
        isHeld)
      yield* worker
      yield* pause(300)
      assert.lengthOf(taken, 1)
      yield* Fiber.interrupt(held)
      yield* until("it is taken", () =>
        taken.length === 2, 10_000)
      assert.deepStrictEqual(taken, [[1, 1], [2, 1]])
    }), 60_000)

  it.live("poll where there is no change stream", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      // As a server that is not a member of a replica set answers.
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["aggregate"], errorCode: 40573 })
      const [one, two] = [
        yield* queueOf(yield* storeOf(fixture, { pollInterval: "50 millis" })),
        yield* queueOf(yield* storeOf(fixture))
      ]
      const fiber = yield* Effect.forkScoped(one.take(told))
      yield* pause(200)
      yield* two.offer(1)
      assert.deepStrictEqual(yield* Fiber.join(fiber), [1, 1])
    }))

  it.live("hear of what comes while they ask, when another one begins to ask too", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["aggregate"], errorCode: 40573 })
      const queue = yield* queueOf(yield* storeOf(fixture, { pollInterval: "1 hour" }))
      const scope = yield* Effect.scope
      const slow = yield* Effect.scoped(Effect.gen(function*() {
        // The server has looked, and its answer is on the way.
        yield* FailPoint.make("waitAfterCommandFinishesExecution", {
          mode: "alwaysOn",
          data: { ns: elementsOf(fixture).fullName, commands: ["find"] }
        }).pipe(Effect.provideService(MongoServer.MongoServer, { uri: Redacted.make(uri), source: "uri" }))
        const slow = yield* Effect.forkIn(queue.take(told), scope)
        yield* until("the server has looked", () =>
          fixture.admin.db("admin").aggregate([
            { $currentOp: {} },
            { $match: { ns: elementsOf(fixture).fullName, failpointMsg: "waitAfterCommandFinishesExecution" } }
          ]).hasNext())
        yield* queue.offer(1)
        yield* queue.offer(2)
        assert.deepStrictEqual(yield* queue.take(told), [1, 1])
        return slow
      }))
      assert.deepStrictEqual(yield* Fiber.join(slow), [2, 1])
    }))

  it.effect("work under a clock of the test, and make no spans while they wait", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture, { lockExpiration: "1 second" })
      const queue = yield* queueOf(store)
      const recorder = new Recorder()
      const fiber = yield* Effect.forkScoped(recorder.in(queue.take((n) => Effect.as(pause(1500), n))))
      yield* pause(300)
      assert.lengthOf(recorder.spans, 0)
      yield* queue.offer(1)
      assert.strictEqual(yield* Fiber.join(fiber), 1)
      assert.deepStrictEqual(recorder.spans.map(({ name }) => name), ["update effect_queue"])
      assert.deepInclude((yield* elementsOf(fixture).find())[0], { state: "completed", attempts: 1 })
    }))

  it.live("get what they have taken without knowing, since the reply was lost", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const queue = yield* queueOf(yield* storeOf(fixture), { maxAttempts: 1 })
      yield* queue.offer(1)
      yield* pause(2)
      yield* queue.offer(2)
      // The server does what it is asked to, and the answer to that is a failure: twice, since the driver asks again.
      yield* failCommand(fixture, { times: 2 }, {
        failCommands: ["findAndModify"],
        writeConcernError: { code: 91, errmsg: "shutting down" },
        errorLabels: ["RetryableWriteError"]
      })
      assert.deepStrictEqual(yield* queue.take(told), [1, 1])
      assert.deepStrictEqual(yield* queue.take(told), [2, 1])
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")))

  it.live("wait out failures of the server, and fail with what does not pass", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const queue = yield* queueOf(yield* storeOf(fixture))
      yield* queue.offer(1)
      yield* Effect.scoped(Effect.gen(function*() {
        yield* failCommand(fixture, { times: 3 }, { failCommands: ["findAndModify"], closeConnection: true })
        assert.deepStrictEqual(yield* queue.take(told), [1, 1])
      }))
      yield* queue.offer(2)
      yield* Effect.scoped(Effect.gen(function*() {
        // The settlement is repeated.
        yield* failCommand(fixture, { times: 3 }, { failCommands: ["update"], closeConnection: true })
        assert.deepStrictEqual(yield* queue.take(told), [2, 1])
      }))
      assert.strictEqual(yield* elementsOf(fixture).countDocuments({ state: "completed" }), 2)
      yield* failCommand(fixture, "alwaysOn", { failCommands: ["findAndModify"], errorCode: 13 })
      const error = yield* Effect.flip(queue.take(told))
      assert.strictEqual(error._tag, "PersistedQueueError")
      assert.strictEqual((error.cause as MongoError.MongoError).reason._tag, "AuthorizationError")
    }).pipe(Effect.provideService(References.MinimumLogLevel, "None")), 60_000)
})

describe("a lease", () => {
  const options = { name: "numbers", maxAttempts: 2, retryDelay: () => Effect.succeed(Duration.zero) }

  /** A worker whose process has died: nobody renews its leases. */
  const deadWorker = (fixture: Fixture, lockExpiration: Duration.Input) =>
    Effect.gen(function*() {
      const process = yield* Scope.make()
      const store = yield* Scope.provide(storeOf(fixture, { lockExpiration }), process)
      const work = yield* Scope.make()
      const taken = yield* Scope.provide(store.take(options), work)
      yield* Scope.close(process, Exit.void)
      return { taken, settle: (exit: Exit.Exit<unknown, unknown>) => Scope.close(work, exit) }
    })

  it.live(
    "is renewed while the work runs, and over when its process dies: what that writes later changes nothing",
    () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const store = yield* storeOf(fixture, { lockExpiration: "2500 millis" })
        yield* store.offer({ name: "numbers", id: "a", element: 1, isCustomId: true })
        const began = performance.now()
        const dead = yield* deadWorker(fixture, "2 seconds")
        const scope = yield* Scope.make()
        const taken = yield* Scope.provide(store.take(options), scope)
        assert.deepStrictEqual(taken, { id: "a", attempts: 2, element: 1 })
        assert.isAtLeast(performance.now() - began, 2000)
        yield* dead.settle(Exit.void)
        assert.deepStrictEqual(yield* statesOf(fixture), ["a pending"])
        // Longer than the lease, while others wait for it.
        yield* Effect.forkScoped(Effect.scoped(store.take(options)))
        yield* pause(3500)
        yield* Scope.close(scope, Exit.void)
        assert.deepInclude((yield* elementsOf(fixture).find())[0], { state: "completed", attempts: 2 })
      }),
    60_000
  )

  it.live("that ends in the last attempt makes the element fail", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture)
      yield* store.offer({ name: "numbers", id: "a", element: 1, isCustomId: true })
      yield* deadWorker(fixture, "300 millis")
      yield* deadWorker(fixture, "300 millis")
      yield* Effect.forkScoped(Effect.scoped(store.take(options)))
      yield* until(
        "it has failed",
        () => Effect.runPromise(statesOf(fixture)).then(([state]) => state === "a failed"),
        20_000
      )
      assert.include((yield* elementsOf(fixture).find())[0]!.lastFailure, "lease")
    }), 60_000)
})

describe("a transaction", () => {
  it.live(
    "has the offers inside of it, and those of an identifier that exists do not spoil it",
    () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const queue = yield* queueOf(yield* storeOf(fixture, { pollInterval: "1 hour" }))
        const orders = fixture.db.collection<{ _id: number }>("orders")
        const order = (n: number) => Effect.andThen(orders.insertOne({ _id: n }), queue.offer(n, { id: String(n) }))
        const taken: Array<number> = []
        yield* Effect.forkScoped(Effect.forever(queue.take((n) => Effect.sync(() => taken.push(n)))))
        yield* Effect.flip(fixture.mongo.withTransaction(Effect.andThen(order(1), Effect.fail("undone"))))
        yield* fixture.mongo.withTransaction(order(2))
        yield* until("it is taken", () => taken.length === 1, 40_000)
        yield* fixture.mongo.withTransaction(Effect.andThen(queue.offer(5, { id: "2" }), orders.insertOne({ _id: 3 })))
        assert.deepStrictEqual(taken, [2])
        assert.deepStrictEqual((yield* orders.find().sort({ _id: 1 })).map(({ _id }) => _id), [2, 3])
      }),
    60_000
  )

  it.live("around the work has what becomes of the element, but not the claim", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const queue = yield* queueOf(yield* storeOf(fixture, { lockExpiration: "2 seconds" }))
      const done = fixture.db.collection<{ _id: number }>("done")
      yield* fixture.db.createCollection("done")
      yield* queue.offer(1, { id: "a" })
      const work = (n: number) =>
        Effect.gen(function*() {
          yield* done.insertOne({ _id: n })
          const outside = yield* fixture.mongo.withoutTransaction(elementsOf(fixture).find())
          assert.deepInclude(outside[0], { attempts: 1, state: "pending" })
        })
      // The work succeeds, and the transaction does not: neither is done.
      yield* Effect.flip(fixture.mongo.withTransaction(Effect.andThen(queue.take(work), Effect.fail("undone"))))
      assert.strictEqual(yield* done.countDocuments(), 0)
      assert.deepStrictEqual(yield* statesOf(fixture), ["a pending"])
      // It comes back when its lease is over. A renewal would conflict with its end.
      yield* fixture.mongo.withTransaction(
        queue.take((n, { attempts }) => Effect.andThen(done.insertOne({ _id: n + attempts }), pause(1200)))
      )
      assert.deepStrictEqual((yield* done.find()).map(({ _id }) => _id), [3])
      assert.deepStrictEqual(yield* statesOf(fixture), ["a completed"])
    }), 60_000)

  it.live("around work that fails does not undo that: the element is tried again after its delay", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const queue = yield* queueOf(yield* storeOf(fixture))
      const done = fixture.db.collection<{ _id: number }>("done")
      yield* fixture.db.createCollection("done")
      yield* queue.offer(1, { id: "a" })
      const failing = queue.take((n) => Effect.andThen(done.insertOne({ _id: n }), Effect.fail("not yet")))
      assert.strictEqual(yield* Effect.flip(fixture.mongo.withTransaction(failing)), "not yet")
      assert.include((yield* elementsOf(fixture).find())[0]!.lastFailure, "not yet")
      assert.deepStrictEqual(yield* queue.take(told), [1, 2])
      assert.strictEqual(yield* done.countDocuments(), 0)
    }))

  it.live("that has begun before it takes does not see the claim, and aborts", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const queue = yield* queueOf(yield* storeOf(fixture, { lockExpiration: "500 millis" }))
      const done = fixture.db.collection<{ _id: number }>("done")
      yield* fixture.db.createCollection("done")
      yield* queue.offer(1)
      const late = Effect.andThen(done.insertOne({ _id: 1 }), queue.take(told))
      const exit = yield* Effect.exit(fixture.mongo.withTransaction(late))
      assert.isTrue(Exit.isFailure(exit) && Cause.pretty(exit.cause).includes("first operation"), String(exit))
      assert.strictEqual(yield* done.countDocuments(), 0)
      assert.deepStrictEqual(yield* queue.take(told), [1, 2])
    }))
})

describe("several processes", () => {
  it.live("do all work at least once and settle it once, when some of them are killed", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const queue = yield* PersistedQueue.make({ name: "work", schema: Schema.Struct({ n: Schema.Int }) }).pipe(
        Effect.provideService(
          PersistedQueue.PersistedQueueFactory,
          yield* serviceOf(PersistedQueue.PersistedQueueFactory, MongoPersistedQueue.layer, fixture)
        )
      )
      const all = Array.from({ length: 300 }, (_, n) => n)
      const start = startProcess(new URL("../support/workerProcess.ts", import.meta.url), fixture.db.name)
      const workers: Array<Process> = [yield* start, yield* start, yield* start]
      yield* Effect.forEach(workers, ({ said }) => said("ready"))
      yield* Effect.forEach(all, (n) => queue.offer({ n }), { concurrency: 8 })
      const completed = elementsOf(fixture).countDocuments({ state: "completed" })
      for (const share of [0.2, 0.5]) {
        yield* until(
          "some work is done",
          () => Effect.runPromise(completed).then((n) => n >= share * all.length),
          60_000
        )
        workers.shift()!.child.kill("SIGKILL")
        workers.push(yield* start)
      }
      yield* until("all work is done", () => Effect.runPromise(completed).then((n) => n === all.length), 120_000)
      const handled = yield* fixture.db.collection<{ n: number; attempts: number }>("handled").find()
      assert.deepStrictEqual([...new Set(handled.map(({ n }) => n))].sort((a, b) => a - b), all)
      // Each attempt is made by one process, and only those whose process died, or that have failed, have a second one.
      const attempts = handled.map(({ attempts, n }) => `${n} ${attempts}`)
      assert.lengthOf(new Set(attempts), attempts.length)
      const failing = all.filter((n) => n % 10 === 3).length
      assert.isAtMost(handled.length, all.length + failing + 2 * 4)
    }), 300_000)
})
