/**
 * Three members under kills, freezes, elections, cuts and bad links, while the product works: what it has confirmed holds.
 *
 * @since 0.1.0
 */
import { layer } from "@effect/vitest"
import { MongoServer, Nemesis } from "@mongofx/testing"
import { Effect } from "effect"
import { allFaults, underFaults, within } from "./support/arena.ts"
import { bankFigures, bankProblems, bankWork, confirmedTransfers } from "./support/bank.ts"
import {
  allHandled,
  consumerFigures,
  consumerWork,
  plainProblems,
  startConsumers,
  storeProblems,
  transactionProblems
} from "./support/consumers.ts"
import { eventProblems, eventWork } from "./support/events.ts"
import { fileFigures, fileProblems, fileWork } from "./support/files.ts"
import { insertFigures, insertProblems, insertWork } from "./support/inserts.ts"
import { interruptionFigures, interruptionProblems, interruptionWork } from "./support/interruptions.ts"
import { seconds } from "./support/settings.ts"
import { soakFigures, soakProblems, soakWork } from "./support/soak.ts"

const Servers = MongoServer.layerReplicaSet({ members: 3, proxied: true, durable: true })
const timeout = (seconds + 150) * 1000

layer(Servers, { excludeTestServices: true, timeout: 120_000 })("on a replica set of three members", (it) => {
  it.effect("a bank", (context) =>
    within(context, (arena) =>
      underFaults(context, {
        kinds: allFaults,
        work: bankWork(arena),
        problems: (witness) => Effect.promise(() => bankProblems(arena.data, witness)),
        figures: async (witness) => bankFigures(witness),
        confirmed: confirmedTransfers,
        result:
          "no money lost or made; each transfer once or not at all, as its caller was told; every reader saw the whole sum"
      })), timeout)

  it.effect("inserts", (context) =>
    within(context, (arena) =>
      underFaults(context, {
        kinds: allFaults,
        work: insertWork(arena),
        problems: (log) => Effect.promise(() => insertProblems(arena.data, log)),
        figures: async (log) => insertFigures(log),
        confirmed: (log) => log.confirmed.size,
        result: "every confirmed document is there, none twice, none that was refused"
      })), timeout)

  it.effect("a change stream", (context) =>
    within(context, (arena) =>
      underFaults(context, {
        kinds: allFaults,
        work: eventWork(arena, true),
        problems: (received) => Effect.promise(() => eventProblems(arena.data, received)),
        figures: async ({ numbers }) => `${numbers.length} numbered events`,
        confirmed: ({ numbers }) => numbers.length,
        result: "each event once, in the order of the server"
      })), timeout)

  it.effect("three instances of consumers", (context) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const forms = ["plain", "transaction"]
        const { began, faults } = yield* startConsumers(arena, forms)
        yield* underFaults(context, {
          kinds: {
            ...faults,
            killPrimary: Nemesis.kill("primary"),
            stepDown: Nemesis.stepDown(),
            resetting: Nemesis.resetting()
          },
          // Some freezes are longer than the lease of two seconds.
          lasts: [500, 4000],
          work: consumerWork(arena, began),
          problems: (consumed) =>
            Effect.andThen(
              allHandled(arena.data, forms, consumed),
              Effect.promise(async () => [
                ...await plainProblems(arena.data, consumed),
                ...await transactionProblems(arena.data, consumed),
                ...await storeProblems(arena.data, consumed)
              ])
            ),
          figures: (consumed) => consumerFigures(arena.data, consumed),
          confirmed: ({ size }) => size,
          result:
            "clocks an hour apart; plain: each event at least once, in order; in transactions: exactly once, in order; tokens and fences never went back"
        })
      })), timeout)

  it.effect("files in GridFS", (context) =>
    within(context, (arena) =>
      underFaults(context, {
        kinds: allFaults,
        work: fileWork(arena),
        problems: (files) => Effect.promise(() => fileProblems(arena.data, files)),
        figures: async (files) => fileFigures(files),
        confirmed: ({ confirmed }) => confirmed.size,
        result:
          "every file that is there has its checksum, every confirmed one is there, no download ended well with wrong bytes"
      })), timeout)

  it.effect("interruptions", (context) =>
    within(context, (arena) =>
      underFaults(context, {
        kinds: {
          stepDown: Nemesis.stepDown(),
          kill: Nemesis.kill("secondary"),
          slow: Nemesis.slow(),
          lossy: Nemesis.lossy()
        },
        work: interruptionWork(arena),
        problems: (result) => interruptionProblems(arena, result),
        figures: async (result) => interruptionFigures(result),
        confirmed: ({ count }) => count,
        result:
          "each ended within its bound; no cursor, session, transaction or operation is left on any member; none was done by half"
      })), timeout)

  it.effect("a soak", (context) =>
    within(context, (arena) =>
      underFaults(context, {
        kinds: { stepDown: Nemesis.stepDown(), resetting: Nemesis.resetting(), slow: Nemesis.slow() },
        work: soakWork(arena),
        problems: (soaked) => Effect.sync(() => soakProblems(soaked)),
        figures: async (soaked) => soakFigures(soaked),
        confirmed: ({ operations }) => operations,
        result: "heap and handles came back to where they were"
      })), timeout)
})
