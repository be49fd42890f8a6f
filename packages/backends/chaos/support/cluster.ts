/**
 * Three runners of a cluster, which are killed and stopped, and callers who use entities, streams, delayed messages and workflows there.
 */
import type { Arena } from "chaos-support/arena"
import { seconds } from "chaos-support/settings"
import { Effect, Random } from "effect"
import { clusterProblems, clusterWork, newTold, siteOf, startRunners } from "../../test/support/clusterWork.ts"

/** The site of a cluster in the database of a scenario. */
export const siteIn = ({ data, db, uri }: Arena) => Effect.promise(() => siteOf(db, data, uri))

/** Starts the runners. Gives the faults that strike them, and what a scenario does and checks. */
export const clusterScenario = (arena: Arena) =>
  Effect.gen(function*() {
    const site = yield* siteIn(arena)
    const { killed, stopped, stops } = yield* startRunners(site, 3)
    const struck = <E, R>(strike: (i: number) => Effect.Effect<number, E, R>) =>
      Effect.gen(function*() {
        const i = yield* Random.nextIntBetween(0, 2)
        return { description: `runner ${i}, process ${yield* strike(i)}` }
      })
    const told = newTold()
    const scenario = {
      work: Effect.suspend(() => {
        const end = performance.now() + seconds * 1000
        // On a busy machine it takes longer, until enough is answered.
        const goesOn = () => performance.now() < end + (told.answers.length < 20 ? 60_000 : 0)
        return clusterWork(site, told, goesOn)
      }),
      problems: () => Effect.promise(() => clusterProblems(site, told, stops)),
      figures: async () => {
        const works = await site.data.collection("work").countDocuments()
        const moves = await site.data.collection<{ readonly _id: string; readonly fence: number }>("cluster_locks")
          .find().toArray()
        return `${told.answers.length} answers, ${told.feeds.length} streams, ${told.reminders.size} delayed messages, ` +
          `${told.results.length} workflows; ${works} works of handlers, ${
            moves.reduce((sum, { fence }) => sum + fence, 0)
          } owners of ${moves.length} shards`
      },
      confirmed: () => told.answers.length
    }
    return { faults: { killRunner: struck(killed), stopRunner: struck(stopped) }, scenario }
  })
