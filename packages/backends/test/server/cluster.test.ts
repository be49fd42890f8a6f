/**
 * A cluster of three processes on MongoDB, whose runners are killed and stopped while they work.
 *
 * @since 0.1.0
 */
import { NodeClusterSocket } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { MongoMessageStorage, MongoRunnerStorage } from "@mongofx/backends"
import { MongoDatabase } from "@mongofx/core"
import { Effect, Exit, Fiber, Layer, Random, Scope } from "effect"
import { ClusterWorkflowEngine, ShardingConfig } from "effect/cluster"
import { createServer } from "node:net"
import { type Fixture, seeded, setup, until } from "test-support/utils"
import { configOf, Counter, Order, type Work } from "../support/cluster.ts"
import { startProcess } from "../support/processes.ts"

const freePort = Effect.promise(() =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })
)

/** A client of the cluster, which runs no entities. */
const clientOf = ({ db }: Fixture) => {
  const shardingConfig = configOf(undefined)
  return ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(NodeClusterSocket.layer({ storage: "byo", clientOnly: true, shardingConfig })),
    Layer.provideMerge(MongoMessageStorage.layer),
    Layer.provide(MongoRunnerStorage.layer.pipe(Layer.provide(ShardingConfig.layer(shardingConfig)))),
    Layer.provide(Layer.succeed(MongoDatabase.MongoDatabase, db))
  )
}

describe("three runners", () => {
  it.live(
    "of which some are killed and stopped answer every message once, and end every workflow",
    () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const work = fixture.db.collection<Work>("work")
        const runner = Effect.gen(function*() {
          const scope = yield* Scope.make()
          yield* Effect.addFinalizer(() => Scope.close(scope, Exit.void))
          const process = yield* Scope.provide(
            startProcess("clusterProcess", fixture.db.name, String(yield* freePort)),
            scope
          )
          return process
        })
        const runners = yield* Effect.all([runner, runner, runner])
        yield* Effect.forEach(runners, ({ said }) => said("ready"), { concurrency: "unbounded" })

        let stopped: number | undefined
        yield* Effect.gen(function*() {
          const counter = yield* Counter.client
          const messages = Array.from({ length: 60 }, (_, i) => ({ entity: `c${i % 12}`, id: `m${i}` }))
          const answers = yield* Effect.forkScoped(Effect.forEach(
            messages,
            ({ entity, id }) => counter(entity).add({ id }),
            { concurrency: 10 }
          ))
          const orders = Array.from({ length: 6 }, (_, i) => `o${i}`)
          const results = yield* Effect.forkScoped(Effect.forEach(
            orders,
            (id) => Order.execute({ id }),
            { concurrency: "unbounded" }
          ))
          for (const fault of ["SIGKILL", "SIGSTOP"] as const) {
            yield* until("they work", async () => (await Effect.runPromise(work.countDocuments())) > 10, 60_000)
            yield* Effect.sleep(yield* Random.nextIntBetween(100, 600))
            const i = yield* Random.nextIntBetween(0, 2)
            const { child } = runners[i]!
            child.kill(fault)
            if (fault === "SIGKILL") {
              runners[i] = yield* runner
              yield* runners[i]!.said("ready")
            } else {
              // Longer than its leases.
              stopped = child.pid
              yield* Effect.sleep("8 seconds")
              child.kill("SIGCONT")
            }
          }
          assert.deepStrictEqual(yield* Fiber.join(answers), messages.map(({ entity, id }) => `${id} of ${entity}`))
          assert.deepStrictEqual(yield* Fiber.join(results), orders.map((id) => `reserved ${id}, shipped ${id}`))
          // Once more, the answers of before.
          assert.strictEqual(yield* counter("c0").add({ id: "m0" }), "m0 of c0")
        }).pipe(Effect.scoped, Effect.provide(clientOf(fixture)))

        const all = yield* work.find({ to: { $exists: true } }).sort({ from: 1 })
        assert.strictEqual(new Set(all.map(({ entity, id }) => `${entity} ${id}`)).size, 60 + 12)
        assert.isAtLeast(new Set(all.map(({ process }) => process)).size, 3)
        // No entity was at work in two processes at a time. One that was stopped cannot know it before it goes on.
        const last = new Map<string, Work>()
        for (const next of all.filter(({ process }) => process !== stopped)) {
          const before = last.get(next.entity)
          if (before !== undefined && before.process !== next.process) {
            assert.isAtMost(before.to!.getTime(), next.from.getTime(), next.entity)
          }
          last.set(next.entity, next)
        }
        const exits = yield* fixture.db.collection("cluster_replies").aggregate([
          { $match: { kind: "exit" } },
          { $group: { _id: "$requestId", n: { $sum: 1 } } },
          { $match: { n: { $gt: 1 } } }
        ])
        assert.deepStrictEqual(exits, [])
        assert.strictEqual(
          yield* fixture.db.collection("cluster_messages").countDocuments({ entityType: "Counter", processed: false }),
          0
        )
      }).pipe(seeded),
    240_000
  )
})
