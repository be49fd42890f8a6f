/**
 * Three members under kills, freezes, elections, cuts and bad links, while the product works: what it has confirmed holds.
 *
 * @since 0.1.0
 */
import { layer } from "@effect/vitest"
import { MongoServer, Nemesis } from "@mongofx/testing"
import { Effect } from "effect"
import type { TestContext } from "vitest"
import { allFaults, underFaults, within } from "./support/arena.ts"
import { bankScenario } from "./support/bank.ts"
import {
  allHandled,
  consumerFigures,
  consumerWork,
  handledProblems,
  startConsumers,
  storeProblems
} from "./support/consumers.ts"
import { eventScenario } from "./support/events.ts"
import { fileFigures, fileProblems, fileWork } from "./support/files.ts"
import type { FormName } from "./support/forms.ts"
import { insertFigures, insertProblems, insertWork } from "./support/inserts.ts"
import { interruptionFigures, interruptionProblems, interruptionWork } from "./support/interruptions.ts"
import { seconds } from "./support/settings.ts"
import { soakFigures, soakProblems, soakWork } from "./support/soak.ts"

const Servers = MongoServer.layerReplicaSet({
  members: 3,
  proxied: true,
  durable: true,
  // The server ends the transactions of a consumer that was killed after this time, a minute by default. Until then nobody can take over.
  args: ["--setParameter", "transactionLifetimeLimitSeconds=8"]
})
const timeout = (seconds + 150) * 1000

layer(Servers, { excludeTestServices: true, timeout: 120_000 })("on a replica set of three members", (it) => {
  it.effect(
    "a bank",
    (context) => within(context, (arena) => underFaults(context, { kinds: allFaults, ...bankScenario(arena) })),
    timeout
  )

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

  it.effect(
    "a change stream",
    (context) =>
      within(context, (arena) => underFaults(context, { kinds: allFaults, ...eventScenario(arena, "server") })),
    timeout
  )

  const consumers = (context: TestContext, names: ReadonlyArray<FormName>, result: string) =>
    within(context, (arena) =>
      Effect.gen(function*() {
        const { began, faults } = yield* startConsumers(arena, names)
        yield* underFaults(context, {
          kinds: { killPrimary: Nemesis.kill("primary"), stepDown: Nemesis.stepDown(), resetting: Nemesis.resetting() },
          others: faults,
          // Some freezes are longer than the lease of two seconds.
          lasts: [1000, 4000],
          work: consumerWork(arena, began),
          problems: (consumed) =>
            Effect.andThen(
              allHandled(arena.data, names, consumed),
              Effect.promise(async () =>
                (await Promise.all([
                  ...names.map((form) => handledProblems(arena.data, form, consumed)),
                  storeProblems(arena.data, consumed)
                ])).flat()
              )
            ),
          figures: (consumed) => consumerFigures(arena.data, names, consumed),
          confirmed: ({ size }) => size,
          result
        })
      }))

  it.effect("three instances of consumers, clocks an hour apart", (context) =>
    consumers(
      context,
      ["plain", "transaction"],
      "plain: each event at least once, in order; in transactions: exactly once, in order; tokens and fences never went back, no lease had two owners"
    ), timeout)

  it.effect("three instances that share partitions, clocks an hour apart", (context) =>
    consumers(
      context,
      ["parts", "partsTransaction"],
      "plain: each event at least once, in the order of its document; in transactions: exactly once, in that order; tokens and fences never went back, no part had two owners"
    ), timeout)

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
