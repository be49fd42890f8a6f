/**
 * Twenty thousand numbered events, read by a change stream of mongofx while they are written.
 */
import type { MongoCollection } from "@mongofx/core"
import { Effect, Fiber, Schedule, Stream } from "effect"
import type * as Driver from "mongodb"
import type { Arena } from "./arena.ts"
import { list } from "./problems.ts"

export interface Numbered {
  readonly _id: number
}

/** How many events a run has, and how many are written at once. */
const size = 20_000
const batch = 200

interface Received {
  /** When the first event cannot have happened yet. */
  readonly began: Driver.Timestamp
  readonly size: number
  readonly numbers: ReadonlyArray<number>
}

const onlyInserts = [{ $match: { operationType: "insert" } }]

/** The time of the cluster now: a change stream from there sees everything that comes. */
export const clusterTime = (data: Driver.Db) =>
  Effect.promise(async () => (await data.command({ ping: 1 }))["operationTime"] as Driver.Timestamp)

/** Writes numbers in batches until they are confirmed. A number that is there already makes no event, so that a repetition is not seen. */
export const writeNumbers = (
  items: MongoCollection.MongoCollection<Numbered>,
  from: number,
  to: number,
  ordered = true
) =>
  items.bulkWrite(
    Array.from({ length: to - from }, (_, i) => ({
      updateOne: { filter: { _id: from + i }, update: { $setOnInsert: { at: "chaos" } }, upsert: true }
    })),
    { ordered, writeConcern: { w: "majority" } }
  ).pipe(Effect.retry(Schedule.spaced("50 millis")), Effect.orDie)

/** Takes the numbers of events as they come, up to the given count. */
export const readNumbers = (
  items: MongoCollection.MongoCollection<Numbered>,
  position: { readonly startAtOperationTime?: Driver.Timestamp; readonly startAfter?: Driver.ResumeToken },
  count: number
) =>
  items.watch(onlyInserts, { maxAwaitTime: "200 millis", ...position }).pipe(
    Stream.take(count),
    Stream.map((event) => ({ n: event.operationType === "insert" ? event.documentKey._id : -1, token: event._id })),
    Stream.runCollect
  )

/** `ordered` is for one replica set: a router spreads an ordered write one by one. */
const eventWork = ({ data, db }: Arena, ordered: boolean) =>
  Effect.gen(function*() {
    const items = db.collection<Numbered>("events")
    const began = yield* clusterTime(data)
    const reader = yield* Effect.forkChild(Effect.orDie(readNumbers(items, { startAtOperationTime: began }, size)))
    for (let from = 0; from < size; from += batch) yield* writeNumbers(items, from, from + batch, ordered)
    const numbers = (yield* Fiber.join(reader)).map(({ n }) => n)
    return { began, size, numbers } satisfies Received
  })

/** All inserts since then, as the bare driver's change stream tells them. */
export const historyOf = async <A extends Driver.Document>(
  collection: Driver.Collection<A>,
  began: Driver.Timestamp,
  count: number
): Promise<ReadonlyArray<A>> => {
  const stream = collection.watch<A, Driver.ChangeStreamInsertDocument<A>>(onlyInserts, { startAtOperationTime: began })
  const history: Array<A> = []
  try {
    while (history.length < count) history.push((await stream.next()).fullDocument)
    return history
  } finally {
    await stream.close()
  }
}

/** What is wrong with a sequence of numbers that should be another one. */
export const sequenceProblems = (
  actual: ReadonlyArray<number>,
  expected: ReadonlyArray<number>
): ReadonlyArray<string> => {
  const [seen, meant] = [new Set(actual), new Set(expected)]
  const first = actual.findIndex((n, index) => n !== expected[index])
  return [
    ...list("events that were lost", expected.filter((n) => !seen.has(n))),
    ...list("events that never happened", actual.filter((n) => !meant.has(n))),
    ...(actual.length > seen.size ? [`events that came twice: ${actual.length - seen.size}`] : []),
    ...(first === -1 ? [] : [`the event at ${first} is ${actual[first]}, where the server has ${expected[first]}`])
  ]
}

export const eventProblems = async (
  data: Driver.Db,
  { began, numbers, size }: Received
): Promise<ReadonlyArray<string>> => {
  const events = data.collection<{ readonly _id: number }>("events")
  const count = await events.countDocuments()
  const history = (await historyOf(events, began, count)).map(({ _id }) => _id)
  return [
    ...(count === size ? [] : [`${count} of ${size} numbers are there`]),
    ...sequenceProblems(numbers, history)
  ]
}

/** What a scenario of a change stream does and checks. `of` says whose order it is. */
export const eventScenario = (arena: Arena, of: "server" | "cluster") => ({
  work: eventWork(arena, of === "server"),
  problems: (received: Received) => Effect.promise(() => eventProblems(arena.data, received)),
  figures: async ({ numbers }: Received) => `${numbers.length} numbered events`,
  confirmed: ({ numbers }: Received) => numbers.length,
  result: `each event once, in the order of the ${of}`
})
