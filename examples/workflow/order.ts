/** What becomes of an order, in whatever processes. */
import { MongoSingleRunner } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Effect, Layer, Option } from "effect"
import { ClusterWorkflowEngine } from "effect/cluster"
import { Activity, DurableClock, Workflow } from "effect/workflow"
import { Order } from "./models.ts"
import { Refused, Shop } from "./shop.ts"

export const Fulfilment = Workflow.make("Fulfilment", {
  payload: Order,
  // An order has one execution, however often it is started.
  idempotencyKey: ({ _id }) => _id,
  error: Refused
})

export const FulfilmentLive = Fulfilment.toLayer(Effect.fnUntraced(function*(order, execution) {
  const shop = yield* Shop
  yield* Activity.make({ name: "reserve", error: Refused, execute: Effect.asVoid(shop.reserve(order, execution)) })
    .pipe(
      Fulfilment.withCompensation(() => shop.giveBack(order, execution))
    )
  yield* Activity.make({ name: "charge", error: Refused, execute: shop.charge(order, execution) }).pipe(
    Fulfilment.withCompensation(() => shop.refund(order, execution))
  )
  // This time is a message for later: whoever works then goes on.
  yield* DurableClock.sleep({ name: "packing", duration: "2 seconds", inMemoryThreshold: 0 })
  yield* Activity.make({ name: "ship", error: Refused, execute: Effect.asVoid(shop.ship(order, execution)) })
}))

/** A process that was killed keeps its orders for so long: 35 seconds by default. All processes need the same settings. */
const shardingConfig = {
  shardsPerGroup: 12,
  shardLockExpiration: "3 seconds",
  shardLockRefreshInterval: "1 second"
} as const

/** The engine of a process that works. */
export const Working = Layer.provideMerge(ClusterWorkflowEngine.layer, MongoSingleRunner.layer({ shardingConfig }))

/** The engine of a process that starts workflows, and leaves the work to others. */
export const Starting = Layer.provideMerge(
  ClusterWorkflowEngine.layer,
  MongoSingleRunner.layer({ shardingConfig: { ...shardingConfig, runnerAddress: Option.none() } })
)

/** The database of `MONGODB_URI`. */
export const Database = MongoDatabase.layer().pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
