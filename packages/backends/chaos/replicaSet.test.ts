/**
 * Three members whose primary steps down and is killed, while Effect's services on them work.
 *
 * @since 0.1.0
 */
import { layer } from "@effect/vitest"
import { MongoServer, Nemesis } from "@mongofx/testing"
import { underFaults, within } from "chaos-support/arena"
import { seconds } from "chaos-support/settings"
import { Effect } from "effect"
import { together } from "./support/parts.ts"
import { turnPart } from "./support/turns.ts"
import { valuePart } from "./support/values.ts"

const Servers = MongoServer.layerReplicaSet({ members: 3, durable: true })
const timeout = (seconds + 150) * 1000

const kinds = { stepDown: Nemesis.stepDown(), killPrimary: Nemesis.kill("primary") }

layer(Servers, { excludeTestServices: true, timeout: 120_000 })("on a replica set of three members", (it) => {
  it.effect("services for processes that share them", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const parts = [yield* valuePart(arena), yield* turnPart(arena)]
        yield* underFaults(context, {
          kinds,
          ...together(parts),
          result:
            "values: no change lost or made twice, as its caller was told; leases: no fence with two holders, no late write"
        })
      })), timeout)
})
