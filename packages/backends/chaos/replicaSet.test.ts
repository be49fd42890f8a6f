/**
 * Three members whose primary steps down and is killed, while Effect's services on them work.
 *
 * @since 0.1.0
 */
import { assert, layer } from "@effect/vitest"
import { MongoServer, Nemesis } from "@mongofx/testing"
import { underFaults, within } from "chaos-support/arena"
import { report } from "chaos-support/row"
import { seconds } from "chaos-support/settings"
import { Effect } from "effect"
import { circuitPart } from "./support/circuits.ts"
import { clusterScenario } from "./support/cluster.ts"
import { entryPart } from "./support/entries.ts"
import { limitPart } from "./support/limits.ts"
import { together } from "./support/parts.ts"
import { queryPart, undone } from "./support/queries.ts"
import { queuePart, queueScenario, startWorkers } from "./support/queue.ts"
import { elements } from "./support/settings.ts"
import { turnPart } from "./support/turns.ts"
import { valuePart } from "./support/values.ts"

const Servers = MongoServer.layerReplicaSet({
  members: 3,
  durable: true,
  // The server ends the transactions of a runner that was killed after this time, a minute by default. Until then nobody can do its work.
  args: ["--setParameter", "transactionLifetimeLimitSeconds=4"]
})
const timeout = (seconds + 150) * 1000

const kinds = { stepDown: Nemesis.stepDown(), killPrimary: Nemesis.kill("primary") }

layer(Servers, { excludeTestServices: true, timeout: 120_000 })("on a replica set of three members", (it) => {
  it.effect("a queue whose workers die", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const faults = yield* startWorkers(arena)
        yield* underFaults(context, {
          kinds: { killWorker: faults.killWorker },
          others: { pauseWorker: faults.pauseWorker, stepDown: Nemesis.stepDown() },
          // Some freezes are longer than the leases of three seconds.
          lasts: [300, 4000],
          ...queueScenario(arena)
        })
      })), timeout + elements * 120)

  it.effect("services for processes that share them", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const parts = yield* Effect.forEach(
          [queuePart, entryPart, limitPart, circuitPart, valuePart, turnPart, queryPart],
          (part) => part(arena)
        )
        yield* underFaults(context, {
          kinds,
          ...together(parts),
          result:
            "no element lost or settled twice; entries read were written, and are not over; no limit exceeded; one probe at a time; no change of a value lost or made twice, as its caller was told; no fence with two holders; queries of two instances up to date"
        })
      })), timeout)

  it.effect("a query that has read what is undone", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const { isUndone, problems } = yield* undone(arena)
        assert.deepStrictEqual(problems, [])
        assert.isTrue(isUndone)
        report(context, {
          kind: "scenario",
          scenario: context.task.name,
          faults: "killPrimary 1",
          figures: "a change that only the primary had",
          result: "the query shows what is there, although no event tells that the change is undone"
        })
      })), timeout)
  it.effect("a cluster of three runners", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const { faults, scenario } = yield* clusterScenario(arena)
        yield* underFaults(context, {
          kinds: faults,
          others: kinds,
          // Some runners are stopped for longer than their leases of six seconds.
          lasts: [500, 8000],
          atMost: seconds * 1000,
          ...scenario,
          result:
            "each message has one exit, which its caller was told; what a handler wrote with its answer took place once; streams are complete, in order; nothing came early; each workflow ended as it should; no shard had two owners, or two processes at work that were not stopped"
        })
      })), timeout)
})
