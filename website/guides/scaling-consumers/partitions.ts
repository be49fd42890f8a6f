import { NodeRuntime } from "@effect/platform-node"
import { ChangeStreamConsumer, MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
import { Config, Console, Effect, Exit, Layer, Queue, Schedule, Scope } from "effect"

interface Order {
  readonly _id: number
}

const program = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const orders = db.collection<Order>("orders")
  const handled = yield* Queue.unbounded<{ readonly process: string; readonly order: number }>()

  // #region instance
  /** An instance, as each process of a deployment starts one. */
  const instance = (process: string) =>
    ChangeStreamConsumer.make({
      name: "notify",
      partitions: 4,
      watch: (position) =>
        orders.watch([{ $match: { operationType: "insert" } }], { ...position, maxAwaitTime: "100 millis" }),
      handler: (event) =>
        event.operationType === "insert"
          ? Queue.offer(handled, { process, order: event.documentKey._id })
          : Effect.void,
      lease: { duration: "2 seconds" }
    })
  // #endregion instance

  // #region shares
  /** How many parts each instance has: the store has a lease for each part. */
  const shares = Effect.map(
    db.collection<{ readonly _id: string; readonly owner: string | null }>("mongofx_resume_tokens")
      .find({ _id: /^notify\/\d+of4$/, owner: { $type: "string" } }),
    (leases) => {
      const owners = leases.map(({ owner }) => owner)
      return [...new Set(owners)].map((owner) => owners.filter((other) => other === owner).length)
    }
  )
  // #endregion shares
  const untilShared = (expected: string) =>
    Effect.repeat(shares, {
      until: (counts) => counts.join(" and ") === expected,
      schedule: Schedule.spaced("50 millis")
    })

  // #region run
  const blue = yield* Scope.make()
  yield* Scope.provide(instance("blue"), blue)
  yield* untilShared("4")
  yield* Console.log("blue has 4 parts")

  yield* instance("green")
  yield* untilShared("2 and 2")
  yield* Console.log("blue and green have 2 parts each")

  yield* orders.insertMany(Array.from({ length: 40 }, (_, _id) => ({ _id })))
  const first = yield* Queue.takeN(handled, 40)
  yield* Console.log(`orders: ${new Set(first.map(({ order }) => order)).size}`)
  yield* Console.log(`instances that handled them: ${new Set(first.map(({ process }) => process)).size}`)

  yield* Scope.close(blue, Exit.void)
  yield* untilShared("4")
  yield* Console.log("blue has ended, and green has 4 parts")
  // #endregion run
}).pipe(Effect.scoped)

const Database = MongoDatabase.layer("shop").pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Layer.provideMerge(ResumeTokenStore.layerMongo(), Database)))
