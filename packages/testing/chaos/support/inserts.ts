/**
 * Inserts, each confirmed by a majority or not, and what must be true of them whatever happens.
 */
import type { MongoCollection, MongoError } from "@mongofx/core"
import { Effect } from "effect"
import type * as Driver from "mongodb"
import { type Arena, repeatedly } from "./arena.ts"
import { list } from "./problems.ts"

/** A document has an id of its own besides its number, so that a number that is inserted twice is seen, not refused. */
interface Numbered extends Driver.Document {
  readonly n: number
}

/** What the callers know at the end. */
interface Log {
  readonly attempted: Set<number>
  readonly confirmed: Set<number>
  /** The numbers whose error said that running the insert again cannot apply it twice. */
  readonly refused: Set<number>
}

export const newLog = (): Log => ({ attempted: new Set(), confirmed: new Set(), refused: new Set() })

type Numbers = MongoCollection.MongoCollection<Numbered>

export const numbersIn = ({ db }: Arena, w: "majority" | 1 = "majority"): Numbers =>
  db.collection<Numbered>("numbers", { writeConcern: { w } })

/** Inserts a number and notes the answer. It never fails. */
export const insertNumber = (
  { attempted, confirmed, refused }: Log,
  n: number,
  insert: Effect.Effect<unknown, MongoError.MongoError>
): Effect.Effect<void> =>
  Effect.suspend(() => {
    attempted.add(n)
    return insert
  }).pipe(
    Effect.tap(() => Effect.sync(() => void confirmed.add(n))),
    Effect.catch((error) => Effect.sync(() => error.isRetryable ? void refused.add(n) : undefined))
  )

/** The numbers of eight fibers. They run an insert again where its error allows that. */
export const insertWork = (arena: Arena) =>
  Effect.gen(function*() {
    const numbers = numbersIn(arena)
    const log = newLog()
    let next = 0
    yield* repeatedly(8, () =>
      Effect.suspend(() => {
        const n = next++
        const insert = numbers.insertOne({ n })
        const again = Effect.retry(insert, { times: 3, while: (error) => error.isRetryable })
        return insertNumber(log, n, n % 2 === 0 ? again : insert)
      }), { confirmed: () => log.confirmed.size })
    return log
  })

/** What is wrong with the numbers, as the bare driver reads them. */
export const insertProblems = async (
  data: Driver.Db,
  { attempted, confirmed, refused }: Log
): Promise<ReadonlyArray<string>> => {
  const found = await data.collection<Numbered>("numbers").find().map(({ n }) => n).toArray()
  const times = new Map<number, number>()
  for (const n of found) times.set(n, (times.get(n) ?? 0) + 1)
  return [
    ...list("confirmed numbers that are lost", [...confirmed].filter((n) => !times.has(n))),
    ...list("numbers that are there twice", [...times].filter(([, count]) => count > 1).map(([n]) => n)),
    ...list("numbers that nobody has inserted", [...times.keys()].filter((n) => !attempted.has(n))),
    ...list("numbers that are there although they were refused", [...refused].filter((n) => times.has(n)))
  ]
}

export const insertFigures = ({ attempted, confirmed, refused }: Log): string =>
  `${confirmed.size} confirmed, ${refused.size} refused, ${
    attempted.size - confirmed.size - refused.size
  } without an answer`
