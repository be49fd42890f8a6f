/**
 * Two shards of three members, whose primaries step down and are killed, while the product works.
 *
 * @since 0.1.0
 */
import { layer } from "@effect/vitest"
import { MongoServer, Nemesis } from "@mongofx/testing"
import { Effect } from "effect"
import { type Arena, underFaults, within } from "./support/arena.ts"
import { bankScenario } from "./support/bank.ts"
import { eventScenario } from "./support/events.ts"
import { seconds } from "./support/settings.ts"

const Servers = MongoServer.layerSharded({ shards: 2, members: 3, durable: true })
const timeout = (seconds + 150) * 1000

const isPrimaryOfShard = ({ part, role }: MongoServer.Member): boolean => part === "shard" && role === "primary"

const kinds = { kill: Nemesis.kill(isPrimaryOfShard), stepDown: Nemesis.stepDown(isPrimaryOfShard) }

const spread = ({ db, mongo }: Arena, collection: string, key: string) =>
  mongo.db("admin").command({ shardCollection: `${db.name}.${collection}`, key: { [key]: "hashed" } })

layer(Servers, { excludeTestServices: true, timeout: 180_000 })("on two shards of three members", (it) => {
  it.effect("a bank over shards", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        yield* spread(arena, "accounts", "_id")
        yield* spread(arena, "journal", "transfer")
        yield* underFaults(context, { kinds, ...bankScenario(arena) })
      })), timeout)

  it.effect("a change stream over shards", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        yield* spread(arena, "events", "_id")
        yield* underFaults(context, { kinds, ...eventScenario(arena, "cluster") })
      })), timeout)
})
