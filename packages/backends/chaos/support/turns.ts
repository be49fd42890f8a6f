/**
 * Holders of one lease, who write down their turns with the fence that they were given.
 */
import { MongoLease } from "@mongofx/backends"
import type { Arena } from "chaos-support/arena"
import { list } from "chaos-support/problems"
import { Effect, Random } from "effect"
import type * as Driver from "mongodb"
import { type Part, serviceIn } from "./parts.ts"

/** A holder, and the fence that it was given. */
interface Turn {
  readonly holder: string
  readonly fence: number
}

interface State {
  readonly _id: string
  readonly fence: number
  readonly log: ReadonlyArray<Turn>
}

/** What is wrong with the turns that were given, and with what their holders wrote, as the bare driver reads it. */
export const turnProblems = async (data: Driver.Db, given: ReadonlyArray<Turn>): Promise<ReadonlyArray<string>> => {
  const log = (await data.collection<State>("states").findOne())?.log ?? []
  const holders = new Map<number, Set<string>>()
  for (const { fence, holder } of [...given, ...log]) {
    holders.set(fence, (holders.get(fence) ?? new Set()).add(holder))
  }
  return [
    ...list("fences with two holders", [...holders].filter(([, names]) => names.size > 1).map(([fence]) => fence)),
    ...list(
      "late holders who wrote after a newer one",
      log.filter(({ fence }, index) => index > 0 && fence < log[index - 1]!.fence).map(({ holder }) => holder)
    ),
    ...list(
      "turns that a holder wrote without having one",
      log.filter(({ holder }) => !given.some((turn) => turn.holder === holder)).map(({ holder }) => holder)
    )
  ]
}

/** Writes a turn down, unless a newer holder has written. */
export const writeTurn = ({ db }: Pick<Arena, "db">, { fence, holder }: Turn) =>
  db.collection<State>("states").updateOne(
    { _id: "state", fence: { $lte: fence } },
    { $set: { fence }, $push: { log: { fence, holder } } },
    { writeConcern: { w: "majority" } }
  )

export const openStates = ({ db }: Pick<Arena, "db">) =>
  Effect.orDie(db.collection<State>("states").insertOne({ _id: "state", fence: 0, log: [] }))

/** Four fibers wait for one lease, work for a moment, and write before and after that. */
export const turnPart = (arena: Arena) =>
  Effect.gen(function*() {
    const leases = yield* serviceIn(arena, MongoLease.MongoLease, MongoLease.layer)
    yield* openStates(arena)
    const given: Array<Turn> = []
    let [next, written] = [0, 0]
    const options = { name: "turns", duration: "1500 millis", wait: "5 seconds" } as const
    return {
      fibers: 4,
      step: () =>
        Effect.suspend(() => {
          const holder = `h${next++}`
          return leases.withLease(options, ({ fence }) =>
            Effect.gen(function*() {
              given.push({ fence, holder })
              const write = Effect.map(writeTurn(arena, { fence, holder }), ({ matchedCount }) => {
                written += matchedCount
              })
              yield* write
              yield* Effect.sleep(yield* Random.nextIntBetween(0, 60))
              yield* write
            }))
        }).pipe(Effect.catch(() => Effect.sleep("50 millis"))),
      problems: () => turnProblems(arena.data, given),
      figures: () => `${given.length} turns of a lease, ${written} writes in them`,
      confirmed: () => written
    } satisfies Part
  })
