/**
 * A cluster of one process on MongoDB: entities, workflows with timers and activities, and what comes back after a restart.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoSingleRunner } from "@mongofx/backends"
import { MongoDatabase } from "@mongofx/core"
import {
  type Context,
  Cron,
  DateTime,
  Deferred,
  type Duration,
  Effect,
  Exit,
  Layer,
  PrimaryKey,
  Schema,
  Scope,
  Stream
} from "effect"
import {
  ClusterCron,
  ClusterSchema,
  ClusterWorkflowEngine,
  DeliverAt,
  Entity,
  type MessageStorage,
  type Runners,
  type Sharding,
  Singleton
} from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Activity, DurableClock, DurableDeferred, Workflow } from "effect/workflow"
import { failCommand, type Fixture, setup, until } from "test-support/utils"

type Cluster = Sharding.Sharding | Runners.Runners | MessageStorage.MessageStorage

const clusterOf = ({ db }: Fixture, options: MongoSingleRunner.Options = {}) =>
  MongoSingleRunner.layer({
    ...options,
    // So long that what comes in time was woken by the change stream.
    shardingConfig: { entityMessagePollInterval: "1 minute", shardsPerGroup: 20, ...options.shardingConfig }
  }).pipe(Layer.provide(Layer.succeed(MongoDatabase.MongoDatabase, db)), Layer.orDie)

/** Runs an effect in a process of its own: a cluster that lives no longer than it. */
const inCluster = <A, E, R>(
  fixture: Fixture,
  live: Layer.Layer<R, never, Cluster>,
  self: Effect.Effect<A, E, NoInfer<R> | Cluster>,
  options?: MongoSingleRunner.Options
): Effect.Effect<A, E> =>
  Effect.scoped(Effect.flatMap(
    Layer.build(Layer.provideMerge(live, clusterOf(fixture, options))),
    (services: Context.Context<R | Cluster>) => Effect.provideContext(self, services)
  ))

class Later extends Schema.Class<Later>("Later")({ id: Schema.String, at: Schema.DateTimeUtcFromMillis }) {
  [PrimaryKey.symbol]() {
    return this.id
  }
  [DeliverAt.symbol]() {
    return this.at
  }
}

const Counter = Entity.make("Counter", [
  Rpc.make("add", { payload: { id: Schema.String, n: Schema.Int }, success: Schema.Int, primaryKey: ({ id }) => id }),
  Rpc.make("numbers", { payload: { to: Schema.Int }, success: Schema.Int, stream: true }),
  Rpc.make("later", { payload: Later, success: Schema.Void }),
  Rpc.make("transfer", {
    payload: { id: Schema.String, fail: Schema.Boolean },
    success: Schema.Int,
    error: Schema.String
  }).annotate(
    ClusterSchema.WithTransaction,
    true
  )
]).annotateRpcs(ClusterSchema.Persisted, true)

interface Entry {
  readonly entity: string
  readonly what: string
  readonly at: number
}

const logOf = ({ db }: Fixture) => db.collection<Entry>("log")

const counterLive = (fixture: Fixture, onAdd: Effect.Effect<void> = Effect.void) =>
  Counter.toLayer(Effect.gen(function*() {
    const { entityId: entity } = yield* Entity.CurrentAddress
    const log = logOf(fixture)
    const note = (what: string) => Effect.asVoid(Effect.orDie(log.insertOne({ entity, what, at: Date.now() })))
    let total = 0
    return {
      add: ({ payload: { id, n } }) =>
        Effect.gen(function*() {
          yield* note(`add ${id}`)
          yield* onAdd
          return total += n
        }),
      numbers: ({ payload: { to } }) => Stream.range(1, to).pipe(Stream.rechunk(2)),
      later: ({ payload: { id } }) => note(`later ${id}`),
      transfer: ({ payload: { fail, id } }) =>
        Effect.andThen(note(`transfer ${id}`), fail ? Effect.fail(`no ${id}`) : Effect.succeed(7))
    }
  }))

describe("entities", () => {
  it.live("answer, once for each key, in streams, at their time, and in transactions", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* fixture.db.createCollection("log")
      const whats = Effect.map(logOf(fixture).find().sort({ _id: 1 }), (all) => all.map(({ what }) => what))
      yield* inCluster(
        fixture,
        counterLive(fixture),
        Effect.gen(function*() {
          const counter = (yield* Counter.client)("c1")
          assert.strictEqual(yield* counter.add({ id: "a", n: 2 }), 2)
          assert.strictEqual(yield* counter.add({ id: "b", n: 3 }), 5)
          // The same key: the same answer, and nothing is done again.
          assert.strictEqual(yield* counter.add({ id: "a", n: 2 }), 2)
          assert.deepStrictEqual(yield* whats, ["add a", "add b"])
          assert.deepStrictEqual(yield* Stream.runCollect(counter.numbers({ to: 7 })), [1, 2, 3, 4, 5, 6, 7])

          const at = Date.now() + 1500
          yield* counter.later(new Later({ id: "l", at: DateTime.makeUnsafe(at) }), { discard: true })
          yield* until("the delayed message was delivered", async () =>
            (await Effect.runPromise(whats)).includes("later l"), 20_000)
          const late = (yield* logOf(fixture).find({ what: "later l" }))[0]!.at - at
          assert.isAtLeast(late, 0)
          assert.isBelow(late, 8000)

          // What the handler wrote is undone with its failure, and kept with its success.
          assert.strictEqual(yield* counter.transfer({ id: "t1", fail: false }), 7)
          assert.include(yield* whats, "transfer t1")
          assert.strictEqual(yield* Effect.flip(counter.transfer({ id: "t2", fail: true })), "no t2" as never)
          assert.notInclude(yield* whats, "transfer t2")
        })
      )
    }), 60_000)

  it.live("in a transaction do nothing twice when it has to run again", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* fixture.db.createCollection("log")
      yield* inCluster(
        fixture,
        counterLive(fixture),
        Effect.gen(function*() {
          const counter = (yield* Counter.client)("c1")
          yield* counter.add({ id: "first", n: 1 })
          yield* Effect.scoped(Effect.gen(function*() {
            // The server aborts the transaction of the handler at its write to the log.
            yield* failCommand(fixture, { times: 1 }, {
              failCommands: ["insert"],
              namespace: `${fixture.db.name}.log`,
              errorCode: 112,
              errorLabels: ["TransientTransactionError"]
            })
            assert.strictEqual(yield* counter.transfer({ id: "t", fail: false }), 7)
          }))
          assert.strictEqual(yield* logOf(fixture).countDocuments({ what: "transfer t" }), 1)
          assert.strictEqual(yield* fixture.db.collection("cluster_replies").countDocuments({ kind: "exit" }), 2)
        })
      )
    }), 60_000)

  it.live(
    "get the messages again that a process has not finished, and a sender the reply of before",
    () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const started = yield* Deferred.make<void>()
        yield* inCluster(
          fixture,
          counterLive(fixture, Effect.andThen(Deferred.succeed(started, undefined), Effect.never)),
          Effect.gen(function*() {
            const counter = (yield* Counter.client)("c1")
            yield* counter.add({ id: "a", n: 2 }, { discard: true })
            yield* Deferred.await(started)
          }),
          { shardingConfig: { entityTerminationTimeout: 0 } }
        )
        yield* inCluster(
          fixture,
          counterLive(fixture),
          Effect.gen(function*() {
            const counter = (yield* Counter.client)("c1")
            assert.strictEqual(yield* counter.add({ id: "a", n: 2 }), 2)
            assert.strictEqual(yield* logOf(fixture).countDocuments(), 2)
          })
        )
        yield* inCluster(
          fixture,
          counterLive(fixture),
          Effect.gen(function*() {
            assert.strictEqual(yield* (yield* Counter.client)("c1").add({ id: "a", n: 2 }), 2)
            assert.strictEqual(yield* logOf(fixture).countDocuments(), 2)
          })
        )
      }),
    60_000
  )
})

describe("a second process", () => {
  it.live("waits until the first one ends, and then runs the singleton", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const running: Array<string> = []
      const singleton = (name: string) =>
        Singleton.make(
          "one",
          Effect.acquireRelease(
            Effect.sync(() => void running.push(name)),
            () => Effect.sync(() => void running.push(`${name} ends`))
          ).pipe(Effect.andThen(Effect.never), Effect.scoped)
        )
      const first = yield* Scope.make()
      yield* Effect.addFinalizer(() => Scope.close(first, Exit.void))
      yield* Scope.provide(Layer.build(Layer.provide(singleton("a"), clusterOf(fixture))), first)
      yield* until("the first one runs", () => running.length > 0, 20_000)
      yield* Layer.build(Layer.provide(singleton("b"), clusterOf(fixture)))
      yield* Effect.sleep("2500 millis")
      assert.deepStrictEqual(running, ["a"])
      yield* Scope.close(first, Exit.void)
      yield* until("the second one runs", () => running.includes("b"), 20_000)
      assert.deepStrictEqual(running, ["a", "a ends", "b"])
    }), 60_000)
})

describe("a cron job", () => {
  it.live(
    "runs at each of its times once, in whichever process, and makes up for a time at which there was none",
    () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const runs = fixture.db.collection<{ process: string; scheduled: number; at: number }>("runs")
        const job = (process: string) =>
          ClusterCron.make({
            name: "report",
            cron: Cron.parseUnsafe("* * * * * *"),
            execute: Effect.flatMap(
              ClusterCron.CurrentScheduledTime,
              (time) => runs.insertOne({ process, scheduled: DateTime.toEpochMillis(time), at: Date.now() })
            )
          })
        const ranTimes = (times: number) =>
          until(
            `it has run ${times} times`,
            async () => (await Effect.runPromise(runs.countDocuments())) >= times,
            30_000
          )
        yield* inCluster(fixture, job("a"), ranTimes(2))
        // While no process is there, its next time passes. Of two processes that come then, one makes up for it.
        const left = yield* fixture.db.collection("cluster_messages").countDocuments({ processed: false })
        assert.strictEqual(left, 1)
        yield* Effect.sleep("1500 millis")
        const before = yield* runs.countDocuments()
        yield* Effect.all(["b", "c"].map((process) => inCluster(fixture, job(process), ranTimes(before + 3))), {
          concurrency: 2
        })

        const all = yield* runs.find().sort({ scheduled: 1 })
        const scheduled = all.map(({ scheduled }) => scheduled)
        assert.lengthOf(new Set(scheduled), scheduled.length, scheduled.join(" "))
        for (const run of all) {
          assert.strictEqual(run.scheduled % 1000, 0)
          assert.isAtLeast(run.at, run.scheduled)
        }
        const [missed, ...rest] = all.slice(before)
        assert.notStrictEqual(missed!.process, "a")
        assert.isAbove(missed!.at - missed!.scheduled, 500)
        // The poll of once a minute would come later.
        for (const { at, scheduled } of rest) assert.isBelow(at - scheduled, 20_000)
      }),
    90_000
  )
})

const Approved = DurableDeferred.make("Approved", { success: Schema.String })

const Order = Workflow.make("Order", {
  payload: { id: Schema.String },
  idempotencyKey: ({ id }) => id,
  success: Schema.String,
  error: Schema.String
})

const orderLive = (fixture: Fixture, wait: Duration.Input, charge: Effect.Effect<void> = Effect.void) =>
  Order.toLayer(Effect.fn(function*({ id }) {
    const note = (what: string) =>
      Effect.asVoid(Effect.orDie(logOf(fixture).insertOne({ entity: id, what, at: Date.now() })))
    yield* Activity.make({ name: "reserve", execute: note("reserve") }).pipe(
      Order.withCompensation(() => note("cancel"))
    )
    yield* Activity.make({ name: "charge", execute: Effect.andThen(note("charge"), charge) })
    yield* DurableClock.sleep({ name: "wait", duration: wait, inMemoryThreshold: 0 })
    const by = yield* DurableDeferred.await(Approved)
    if (by === "nobody") return yield* Effect.fail("refused")
    yield* Activity.make({ name: "ship", execute: note("ship") })
    return `${id} approved by ${by}`
  })).pipe(Layer.provideMerge(ClusterWorkflowEngine.layer))

const approve = (executionId: string, by: string) =>
  DurableDeferred.succeed(Approved, {
    token: DurableDeferred.tokenFromExecutionId(Approved, { workflow: Order, executionId }),
    value: by
  })

describe("workflows", () => {
  const whats = (fixture: Fixture, id: string) =>
    Effect.map(logOf(fixture).find({ entity: id }).sort({ _id: 1 }), (all) => all.map(({ what }) => what))

  it.live("do their activities once, wait for timers and others, and compensate", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      yield* inCluster(
        fixture,
        orderLive(fixture, "1 second"),
        Effect.gen(function*() {
          const [good, bad] = [yield* Order.executionId({ id: "o1" }), yield* Order.executionId({ id: "o2" })]
          const start = Date.now()
          yield* Order.execute({ id: "o1" }, { discard: true })
          yield* Order.execute({ id: "o2" }, { discard: true })
          yield* approve(good, "ada")
          yield* approve(bad, "nobody")
          assert.strictEqual(yield* Order.execute({ id: "o1" }), "o1 approved by ada")
          assert.isAtLeast(Date.now() - start, 1000)
          assert.strictEqual(yield* Effect.flip(Order.execute({ id: "o2" })), "refused")
          assert.deepStrictEqual(yield* whats(fixture, "o1"), ["reserve", "charge", "ship"])
          assert.deepStrictEqual(yield* whats(fixture, "o2"), ["reserve", "charge", "cancel"])
          // It is over: the same result, and nothing is done again.
          assert.strictEqual(yield* Order.execute({ id: "o1" }), "o1 approved by ada")
          assert.lengthOf(yield* whats(fixture, "o1"), 3)
        })
      )
    }), 90_000)

  it.live("go on in the next process, with what was done", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const charged = yield* Deferred.make<void>()
      // The first process ends in an activity, the second one while the timer runs.
      yield* inCluster(
        fixture,
        orderLive(fixture, "3 seconds", Effect.andThen(Deferred.succeed(charged, undefined), Effect.never)),
        Effect.andThen(Order.execute({ id: "o1" }, { discard: true }), Deferred.await(charged)),
        { shardingConfig: { entityTerminationTimeout: 0 } }
      )
      yield* inCluster(
        fixture,
        orderLive(fixture, "3 seconds"),
        until("the timer runs", () =>
          Effect.runPromise(Effect.map(
            fixture.db.collection("cluster_messages").countDocuments({ deliverAt: { $gt: 0 }, processed: false }),
            (n) => n > 0
          )), 20_000)
      )
      yield* inCluster(
        fixture,
        orderLive(fixture, "3 seconds"),
        Effect.gen(function*() {
          yield* approve(yield* Order.executionId({ id: "o1" }), "ada")
          assert.strictEqual(yield* Order.execute({ id: "o1" }), "o1 approved by ada")
          assert.deepStrictEqual(yield* whats(fixture, "o1"), ["reserve", "charge", "charge", "ship"])
        })
      )
    }), 90_000)

  it.live(
    "in an activity with a transaction write once what one without it may write twice",
    () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        yield* fixture.db.createCollection("log")
        const live = (after: Effect.Effect<void>) =>
          Order.toLayer(Effect.fn(function*({ id }) {
            const note = (what: string) =>
              Effect.asVoid(Effect.orDie(logOf(fixture).insertOne({ entity: id, what, at: Date.now() })))
            yield* Activity.make({ name: "plain", execute: note("plain") })
            yield* Activity.make({ name: "charge", execute: Effect.andThen(note("charge"), after) })
              .annotate(ClusterSchema.WithTransaction, true)
            return id
          })).pipe(Layer.provideMerge(ClusterWorkflowEngine.layer))
        const charged = yield* Deferred.make<void>()
        yield* inCluster(
          fixture,
          live(Effect.andThen(Deferred.succeed(charged, undefined), Effect.never)),
          Effect.andThen(Order.execute({ id: "o1" }, { discard: true }), Deferred.await(charged)),
          { shardingConfig: { entityTerminationTimeout: 0 } }
        )
        // The process has ended after the write, and before the result.
        assert.deepStrictEqual(yield* whats(fixture, "o1"), ["plain"])
        yield* inCluster(
          fixture,
          live(Effect.void),
          Effect.scoped(Effect.gen(function*() {
            // And now the server aborts the transaction.
            yield* failCommand(fixture, { times: 1 }, {
              failCommands: ["insert"],
              namespace: `${fixture.db.name}.log`,
              errorCode: 112,
              errorLabels: ["TransientTransactionError"]
            })
            assert.strictEqual(yield* Order.execute({ id: "o1" }), "o1")
          }))
        )
        assert.deepStrictEqual(yield* whats(fixture, "o1"), ["plain", "charge"])
      }),
    90_000
  )
})
