/**
 * Three members under kills, freezes, elections, cuts and bad links, while the product works: what it has confirmed holds.
 *
 * @since 0.1.0
 */
import { layer } from "@effect/vitest"
import { MongoServer } from "@mongofx/testing"
import { allFaults, underFaults, within } from "./support/arena.ts"
import { bankFigures, bankProblems, bankWork, confirmedTransfers } from "./support/bank.ts"
import { insertFigures, insertProblems, insertWork } from "./support/inserts.ts"
import { seconds } from "./support/settings.ts"

const Servers = MongoServer.layerReplicaSet({ members: 3, proxied: true, durable: true })
const timeout = (seconds + 120) * 1000

layer(Servers, { excludeTestServices: true, timeout: 60_000 })("on a replica set of three members", (it) => {
  it.effect("a bank", (context) =>
    within(context, (arena) =>
      underFaults(context, {
        kinds: allFaults,
        work: bankWork(arena),
        problems: (witness) => bankProblems(arena.data, witness),
        figures: bankFigures,
        confirmed: confirmedTransfers,
        result:
          "no money lost or made; each transfer once or not at all, as its caller was told; every reader saw the whole sum"
      })), timeout)

  it.effect("inserts", (context) =>
    within(context, (arena) =>
      underFaults(context, {
        kinds: allFaults,
        work: insertWork(arena),
        problems: (log) => insertProblems(arena.data, log),
        figures: insertFigures,
        confirmed: (log) => log.confirmed.size,
        result: "every confirmed document is there, none twice, none that was refused"
      })), timeout)
})
