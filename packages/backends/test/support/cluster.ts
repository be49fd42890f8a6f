/**
 * What runs in a cluster whose runners are killed and stopped, and what its handlers write down.
 */
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Cron, DateTime, Effect, Layer, Option, PrimaryKey, Schedule, Schema, Stream } from "effect"
import {
  ClusterCron,
  ClusterSchema,
  ClusterWorkflowEngine,
  DeliverAt,
  Entity,
  EntityId,
  RunnerAddress,
  Sharding,
  type ShardingConfig,
  Singleton
} from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Activity, DurableClock, DurableDeferred, Workflow, WorkflowEngine } from "effect/workflow"
import { ObjectId } from "mongodb"

/** Short times, so that a killed runner is missed soon. */
export const configOf = (port: number | undefined): Partial<ShardingConfig.ShardingConfig["Service"]> => ({
  runnerAddress: port === undefined ? Option.none() : Option.some(RunnerAddress.make("localhost", port)),
  shardsPerGroup: 30,
  shardLockExpiration: "6 seconds",
  shardLockRefreshInterval: "2 seconds",
  refreshAssignmentsInterval: "500 millis",
  // A shard that moves waits for its entities so long.
  entityTerminationTimeout: "1 second",
  // Messages of a killed runner are in the mailbox of the next one when it takes the shard.
  entityMessagePollInterval: "5 seconds",
  runnerHealthCheckInterval: "1 minute"
})

// ---- what is written down

/** What a handler has done: in which process, for which shard, and from when to when by the server's clock. */
export interface Work {
  readonly _id: string
  readonly process: number
  readonly shard: string
  readonly entity: string
  readonly id: string
  readonly from: Date
  /** When it was still at work. */
  readonly to: Date
}

/**
 * Works for some milliseconds, and writes down that it does, also in a transaction. Gives the number of this work. What it writes down is awaited
 * when it is interrupted: the server may still do what nobody waits for, and the next owner of the shard would be at work by then.
 */
const working = Effect.fnUntraced(function*(entity: string, id: string, millis: number, entityId = entity) {
  const { mongo, works } = yield* Place
  const sharding = yield* Sharding.Sharding
  const [_id, shard] = [new ObjectId().toHexString(), String(sharding.getShardId(EntityId.make(entityId), "default"))]
  const mark = mongo.withoutTransaction(works.updateOne(
    { _id },
    [{ $set: { process: process.pid, shard, entity, id, from: { $ifNull: ["$from", "$$NOW"] }, to: "$$NOW" } }],
    { upsert: true }
  )).pipe(Effect.retry({ times: 20, schedule: Schedule.spaced("100 millis") }), Effect.orDie, Effect.uninterruptible)
  yield* mark
  yield* Effect.sleep(millis)
  yield* mark
  return _id
})

const Place = Effect.map(
  Effect.all([MongoClient.MongoClient, MongoDatabase.MongoDatabase]),
  ([mongo, db]) => ({ mongo, db, works: db.collection<Work>("work") })
)

/** The services of a layer for its handlers. */
const withServices = Effect.map(
  Effect.context<MongoClient.MongoClient | MongoDatabase.MongoDatabase | Sharding.Sharding>(),
  (context) => Effect.provideContext(context)
)

// ---- messages

/** An answer tells which work it comes from: two of them differ. */
export const Counter = Entity.make("Counter", [
  Rpc.make("add", { payload: { id: Schema.String }, success: Schema.String, primaryKey: ({ id }) => id })
]).annotateRpcs(ClusterSchema.Persisted, true)

const counterLive = Counter.toLayer(Effect.gen(function*() {
  const { entityId } = yield* Entity.CurrentAddress
  const provide = yield* withServices
  return { add: ({ payload: { id } }) => provide(working(entityId, id, 30)) }
}))

/** The deposit that takes its time. */
export const slow = "slow"

/** What a deposit has written: with the balance, and with its reply, or not at all. */
export interface Deposit {
  readonly id: string
  readonly account: string
  readonly amount: number
  readonly work: string
}

export interface Balance {
  readonly _id: string
  readonly balance: number
}

export const Account = Entity.make("Account", [
  Rpc.make("deposit", {
    payload: { id: Schema.String, amount: Schema.Int },
    success: Schema.String,
    primaryKey: ({ id }) => id
  })
]).annotateRpcs(ClusterSchema.Persisted, true).annotateRpcs(ClusterSchema.WithTransaction, true)

const accountLive = Account.toLayer(Effect.gen(function*() {
  const { entityId } = yield* Entity.CurrentAddress
  const { db } = yield* Place
  const provide = yield* withServices
  return {
    deposit: ({ payload: { amount, id } }) =>
      Effect.gen(function*() {
        yield* db.collection<Balance>("balances").updateOne({ _id: entityId }, { $inc: { balance: amount } }, {
          upsert: true
        })
        const work = yield* working(entityId, id, id === slow ? 1500 : 10)
        yield* db.collection<Deposit>("deposits").insertOne({ id, account: entityId, amount, work })
        return work
      }).pipe(Effect.orDie, provide)
  }
}))

/** Numbers in a stream that goes on behind what was sent. */
export const Feed = Entity.make("Feed", [
  Rpc.make("list", {
    payload: { id: Schema.String, size: Schema.Int },
    success: Schema.Int,
    stream: true,
    primaryKey: ({ id }) => id
  })
]).annotateRpcs(ClusterSchema.Persisted, true)

const feedLive = Feed.toLayer(Effect.gen(function*() {
  const { entityId } = yield* Entity.CurrentAddress
  const provide = yield* withServices
  return {
    list: (request) => {
      const { id, size } = request.payload
      const from = Option.match(request.lastSentChunkValue, { onNone: () => 0, onSome: (last) => last + 1 })
      return Stream.fromIterable(Array.from({ length: size - from }, (_, i) => from + i)).pipe(
        Stream.rechunk(1),
        Stream.mapEffect((n) => provide(Effect.as(working(entityId, `${id} ${n}`, 10), n)))
      )
    }
  }
}))

export class Reminder
  extends Schema.Class<Reminder>("Reminder")({ id: Schema.String, at: Schema.DateTimeUtcFromMillis })
{
  [PrimaryKey.symbol]() {
    return this.id
  }
  [DeliverAt.symbol]() {
    return this.at
  }
}

export const Reminders = Entity.make("Reminders", [
  Rpc.make("remind", { payload: Reminder, success: Schema.String })
]).annotateRpcs(ClusterSchema.Persisted, true)

const remindersLive = Reminders.toLayer(Effect.gen(function*() {
  const { entityId } = yield* Entity.CurrentAddress
  const provide = yield* withServices
  return { remind: ({ payload: { id } }) => provide(working(entityId, id, 10)) }
}))

// ---- work that nobody asks for

export const ticker = "ticker"

const tickerLive = Singleton.make(ticker, Effect.forever(working(ticker, "tick", 100)))

/** The entities of a cron job have the names of their times. */
const cronLive = ClusterCron.make({
  name: "seconds",
  cron: Cron.parseUnsafe("* * * * * *"),
  execute: Effect.flatMap(
    ClusterCron.CurrentScheduledTime,
    (time) => Effect.asVoid(working(DateTime.formatIso(time), "cron", 10))
  )
})

// ---- workflows

export const Order = Workflow.make("Order", {
  payload: { id: Schema.String, isDeclined: Schema.Boolean },
  idempotencyKey: ({ id }) => id,
  success: Schema.String,
  error: Schema.String,
  // A caller outside asks less and less often for the end, after a minute each half of one.
  suspendedRetrySchedule: Schedule.spaced("500 millis")
})

export const Approval = DurableDeferred.make("approval", { success: Schema.String })

/** The entity of a workflow is its execution. */
const acting = (id: string, step: string) =>
  Effect.flatMap(
    WorkflowEngine.WorkflowInstance,
    ({ executionId }) => working(`order ${id}`, step, 20, executionId)
  )

/** Fails at first. */
const reserve = (id: string) =>
  Activity.make({
    name: "reserve",
    success: Schema.String,
    error: Schema.String,
    execute: Effect.gen(function*() {
      const attempt = yield* Activity.CurrentAttempt
      const work = yield* acting(id, `reserve ${attempt}`)
      return attempt < 3 ? yield* Effect.fail("not yet") : work
    })
  }).pipe(Activity.retry({ times: 5 }))

/** What was reserved for an order, and is free again. */
export interface Release {
  readonly _id: string
  readonly reserved: string
}

/** Gives the work of `reserve`, which runs once more only if its result was not stored. */
const orderLive = Order.toLayer(Effect.fn(function*({ id, isDeclined }) {
  const { db } = yield* Place
  const reserved = yield* reserve(id).pipe(
    Order.withCompensation((reserved) =>
      db.collection<Release>("releases").updateOne({ _id: id }, { $set: { reserved } }, { upsert: true }).pipe(
        Effect.retry({ times: 20, schedule: Schedule.spaced("100 millis") }),
        Effect.orDie,
        Effect.asVoid
      )
    )
  )
  yield* DurableClock.sleep({ name: "wait", duration: "1 second", inMemoryThreshold: 0 })
  const approved = yield* DurableDeferred.await(Approval)
  if (isDeclined) return yield* Effect.fail(`${reserved} declined`)
  const shipped = yield* Activity.make({
    name: "ship",
    success: Schema.String,
    execute: Effect.as(acting(id, "ship"), `shipped ${id}`)
  })
  return `${reserved} ${approved}, ${shipped}`
}))

/** All that a runner runs. */
export const clusterLive = Layer.mergeAll(
  counterLive,
  accountLive,
  feedLive,
  remindersLive,
  tickerLive,
  cronLive,
  orderLive.pipe(Layer.provide(ClusterWorkflowEngine.layer))
)
