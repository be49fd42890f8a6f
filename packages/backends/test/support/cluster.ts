/**
 * Entities and a workflow of a cluster whose runners are killed, and what they write about it.
 */
import { MongoDatabase } from "@mongofx/core"
import { Effect, Option, Schema } from "effect"
import { ClusterSchema, Entity, RunnerAddress, type ShardingConfig } from "effect/cluster"
import { Rpc } from "effect/rpc"
import { Activity, DurableClock, Workflow } from "effect/workflow"

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

/** What a handler has done: by which process, and from when to when by the server's clock. */
export interface Work {
  readonly _id: string
  readonly entity: string
  readonly id: string
  readonly process: number
  readonly from: Date
  readonly to?: Date
}

export const Counter = Entity.make("Counter", [
  Rpc.make("add", { payload: { id: Schema.String }, success: Schema.String, primaryKey: ({ id }) => id })
]).annotateRpcs(ClusterSchema.Persisted, true)

let works = 0

const working = Effect.fnUntraced(function*(entity: string, id: string, millis: number) {
  const log = (yield* MongoDatabase.MongoDatabase).collection<Work>("work")
  const _id = `${process.pid}-${++works}`
  yield* log.updateOne(
    { _id },
    [{ $set: { entity, id, process: process.pid, from: "$$NOW" } }],
    { upsert: true }
  )
  yield* Effect.sleep(millis)
  yield* log.updateOne({ _id }, [{ $set: { to: "$$NOW" } }])
}, Effect.orDie)

export const counterLive = Counter.toLayer(Effect.gen(function*() {
  const { entityId } = yield* Entity.CurrentAddress
  const database = yield* MongoDatabase.MongoDatabase
  return {
    add: ({ payload: { id } }) =>
      Effect.as(working(entityId, id, 30), `${id} of ${entityId}`).pipe(
        Effect.provideService(MongoDatabase.MongoDatabase, database)
      )
  }
}))

export const Order = Workflow.make("Order", {
  payload: { id: Schema.String },
  idempotencyKey: ({ id }) => id,
  success: Schema.String
})

export const orderLive = Order.toLayer(Effect.fn(function*({ id }) {
  const first = yield* Activity.make({
    name: "reserve",
    success: Schema.String,
    execute: Effect.as(working(`order ${id}`, "reserve", 20), `reserved ${id}`)
  })
  yield* DurableClock.sleep({ name: "wait", duration: "2 seconds", inMemoryThreshold: 0 })
  const second = yield* Activity.make({
    name: "ship",
    success: Schema.String,
    execute: Effect.as(working(`order ${id}`, "ship", 20), `shipped ${id}`)
  })
  return `${first}, ${second}`
}))
