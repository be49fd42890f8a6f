/**
 * A queue with many workers, each in a process of its own, and what must be true of its elements whatever happens.
 */
import { MongoPersistedQueue } from "@mongofx/backends"
import type { Arena } from "chaos-support/arena"
import { clusterTime } from "chaos-support/events"
import { list } from "chaos-support/problems"
import { Effect, Random, References, Schedule, Schema, type Scope } from "effect"
import { PersistedQueue } from "effect/persistence"
import type * as Driver from "mongodb"
import { type Process, programOf, spawnProcess } from "test-support/processes"
import { type Part, serviceIn } from "./parts.ts"
import { elements } from "./settings.ts"

/** How many processes work, and how many fibers offer, each of them one element after the other. */
const workers = 8
const offerers = 32

/** An element as its offerer knows it. */
interface Offer {
  readonly n: number
  /** Milliseconds. */
  readonly delay: number
  /** When the first attempt to offer it began, and when it was confirmed, by the clock of this process. */
  readonly began: number
  readonly confirmed: number
}

interface Offered {
  readonly began: Driver.Timestamp
  readonly offers: ReadonlyArray<Offer>
}

/** One in ten waits. */
const delayOf = (n: number): number => n % 10 === 7 ? 500 + n % 1500 : 0

/** The queue that `workerProcess.ts` works on. */
export const workQueue = (arena: Pick<Arena, "db">) =>
  Effect.flatMap(
    serviceIn(arena, PersistedQueue.PersistedQueueFactory, MongoPersistedQueue.layer),
    ({ make }) => make({ name: "work", schema: Schema.Struct({ n: Schema.Int }) })
  )

type Queue = Effect.Success<ReturnType<typeof workQueue>>

/** Offers an element until that is confirmed. Its identifier makes it one, however often it is offered. */
export const offerOne = (queue: Queue, n: number, delay = delayOf(n)): Effect.Effect<Offer> =>
  Effect.suspend(() => {
    const began = performance.now()
    return queue.offer({ n }, { id: String(n), delay }).pipe(
      Effect.retry(Schedule.spaced("50 millis")),
      Effect.orDie,
      Effect.map(() => ({ n, delay, began, confirmed: performance.now() }))
    )
  })

// ---- workers

/** Starts the processes of the workers. One that ends is replaced. Gives the faults that strike them. */
export const startWorkers = ({ db, uri }: Arena) =>
  Effect.gen(function*() {
    const processes = new Map<number, Process>()
    const program = yield* programOf(new URL("../../test/support/workerProcess.ts", import.meta.url))
    let isOver = false
    const start = (slot: number): void => {
      const started = spawnProcess(program, [db.name], uri)
      processes.set(slot, started)
      started.child.once("exit", (code) => {
        // Nobody has killed it.
        if (isOver || code === null) return
        process.stderr.write(`a worker has ended with ${code}: ${started.lines().slice(-20).join("\n")}\n`)
        start(slot)
      })
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        for (let slot = 0; slot < workers; slot++) start(slot)
      }),
      () =>
        Effect.sync(() => {
          isOver = true
          processes.forEach(({ child }) => child.kill("SIGKILL"))
        })
    )
    const struck = (
      strike: (slot: number) => void,
      heal: (slot: number) => void
    ): Effect.Effect<{ readonly description: string }, never, Scope.Scope> =>
      Effect.map(
        Effect.acquireRelease(
          Effect.map(Random.nextIntBetween(0, workers, { halfOpen: true }), (slot) => {
            strike(slot)
            return slot
          }),
          (slot) => Effect.sync(() => heal(slot))
        ),
        (slot) => ({ description: `worker ${slot}` })
      )
    const signal = (name: NodeJS.Signals) => (slot: number) => void processes.get(slot)!.child.kill(name)
    const faults = {
      killWorker: struck(signal("SIGKILL"), start),
      pauseWorker: struck(signal("SIGSTOP"), signal("SIGCONT"))
    }
    return faults
  })

/** Waits until each element is settled. */
const allSettled = (data: Driver.Db, size: number) =>
  Effect.promise(() => data.collection("effect_queue").countDocuments({ queue: "work", settledAt: { $exists: true } }))
    .pipe(Effect.repeat({ until: (count) => count >= size, schedule: Schedule.spaced("200 millis") }))

/** Offers the elements while the workers take them. */
const queueWork = (arena: Arena) =>
  Effect.gen(function*() {
    const queue = yield* workQueue(arena)
    const began = yield* clusterTime(arena.data)
    const started = performance.now()
    const offers = yield* Effect.forEach(
      Array.from({ length: offerers }, (_, offerer) => offerer),
      (offerer) =>
        Effect.forEach(
          Array.from({ length: Math.ceil((elements - offerer) / offerers) }, (_, i) => offerer + i * offerers),
          (n) => offerOne(queue, n)
        ),
      { concurrency: "unbounded" }
    )
    yield* Effect.timeoutOption(allSettled(arena.data, elements), `${60 + elements / 50} seconds`)
    return { began, offers: offers.flat(), took: performance.now() - started }
  })

// ---- the check

interface Stored {
  readonly _id: Driver.ObjectId
  readonly queue: string
  readonly id: string
  readonly state: string
  readonly attempts: number
  readonly visibleAt: Date
  readonly offeredAt: Date
}

interface Handled {
  readonly n: number
  readonly attempts: number
}

/** A change of an element in the order of the server. */
interface Change {
  readonly operationType: "insert" | "update" | "delete"
  readonly documentKey: { readonly _id: Driver.ObjectId }
  readonly wallTime: Date
  readonly fullDocument?: Stored
  readonly updateDescription?: {
    readonly updatedFields: {
      readonly lock?: string | null
      readonly attempts?: number
      readonly visibleAt?: Date
      readonly settledAt?: Date
    }
  }
}

/** All changes of elements since then. */
const changesOf = async (data: Driver.Db, began: Driver.Timestamp): Promise<ReadonlyArray<Change>> => {
  const queue = data.collection("effect_queue")
  const { insertedId } = await queue.insertOne({ queue: "end", id: "end" }, { writeConcern: { w: "majority" } })
  const stream = queue.watch<Driver.Document, Change & Driver.ChangeStreamDocument>([], {
    startAtOperationTime: began,
    batchSize: 5000
  })
  const changes: Array<Change> = []
  try {
    for (;;) {
      const change: Change = await stream.next()
      if (change.documentKey?._id.equals(insertedId)) return changes
      if (change.documentKey !== undefined) changes.push(change)
    }
  } finally {
    await stream.close()
  }
}

/** What happened to an element. */
interface History {
  readonly id: string
  readonly inserted: Stored
  /** When somebody may take it, as it is now. */
  visibleAt: Date
  /** The place of its first claim among all first claims. */
  first?: number
  settled: number
}

/** No clock of a server goes slower than this: milliseconds between the begin of a command and its entry in the log. */
const slowest = 10_000

/** What is wrong with the elements, as the bare driver reads them and their changes. */
export const queueProblems = async (
  data: Driver.Db,
  { began, offers }: Offered
): Promise<ReadonlyArray<string>> => {
  const histories = new Map<string, History>()
  const [early, foreign] = [[] as Array<string>, [] as Array<string>]
  let claims = 0
  for (const change of await changesOf(data, began)) {
    const key = change.documentKey._id.toHexString()
    const { fullDocument: inserted, operationType, updateDescription, wallTime } = change
    if (operationType === "insert") {
      const { id, offeredAt, visibleAt } = inserted!
      histories.set(key, { id, inserted: inserted!, visibleAt, settled: 0 })
      const age = wallTime.getTime() - offeredAt.getTime()
      if (age < 0 || age > slowest) foreign.push(id)
      continue
    }
    const history = histories.get(key)
    if (history === undefined || updateDescription === undefined) continue
    const { attempts, lock, settledAt, visibleAt } = updateDescription.updatedFields
    if (typeof lock === "string" && attempts !== undefined) {
      if (wallTime < history.visibleAt) early.push(history.id)
      history.first ??= claims++
    }
    if (visibleAt !== undefined) history.visibleAt = visibleAt
    if (settledAt !== undefined) history.settled++
  }

  const stored = await data.collection<Stored>("effect_queue").find({ queue: "work" }).toArray()
  const states = new Map(stored.map((element) => [element.id, element]))
  const handled = await data.collection<Handled>("handled").find().toArray()
  const attempts = new Map<string, number>()
  for (const { attempts: attempt, n } of handled) {
    const key = `${n} ${attempt}`
    attempts.set(key, (attempts.get(key) ?? 0) + 1)
  }
  const byId = new Map([...histories.values()].map((history) => [history.id, history]))
  const isDone = ({ n }: Offer) => states.get(String(n))?.state === "completed"
  const idOf = ({ n }: Offer) => n
  return [
    ...list("elements that are lost", offers.filter(({ n }) => !states.has(String(n))).map(idOf)),
    ...list("elements that are not done", offers.filter((offer) => !isDone(offer)).map(idOf)),
    ...list(
      "elements that are done without being handled",
      offers.filter((offer) => isDone(offer) && !attempts.has(`${offer.n} ${states.get(String(offer.n))!.attempts}`))
        .map(idOf)
    ),
    ...list(
      "attempts that two workers had",
      [...attempts].filter(([, count]) => count > 1).map(([attempt]) => attempt)
    ),
    ...list("elements settled twice", [...byId.values()].filter(({ settled }) => settled > 1).map(({ id }) => id)),
    ...list("elements taken before their time, or from somebody's hands", early),
    ...list("elements whose times are not the server's", foreign),
    ...list(
      "elements whose delay is not the one that was asked for",
      offers.filter(({ delay, n }) => {
        const { inserted } = byId.get(String(n)) ?? {}
        return inserted !== undefined && inserted.visibleAt.getTime() - inserted.offeredAt.getTime() !== delay
      }).map(idOf)
    ),
    ...orderProblems(offers, byId)
  ]
}

/**
 * Of two elements whose offers did not overlap, the one that is visible first is taken first for the first time; of two that are visible at the same time, the
 * one that was offered first.
 */
const orderProblems = (
  offers: ReadonlyArray<Offer>,
  byId: ReadonlyMap<string, Pick<History, "inserted" | "first">>
): ReadonlyArray<string> => {
  const all = offers.flatMap(({ began, confirmed, n }) => {
    const history = byId.get(String(n))
    return history === undefined ? [] : [{
      n,
      began,
      confirmed,
      at: history.inserted.visibleAt.getTime(),
      place: history.first ?? Infinity
    }]
  })
  const passed: Array<string> = []
  for (const x of all) {
    for (const y of all) {
      if (y.confirmed < x.began && y.at <= x.at && y.place > x.place) passed.push(`${x.n} before ${y.n}`)
    }
  }
  return list("elements taken out of their order", passed)
}

// ---- the scenarios

/** Two fibers offer, and four workers in this process take. */
export const queuePart = (arena: Arena) =>
  Effect.gen(function*() {
    const queue = yield* workQueue(arena)
    const began = yield* clusterTime(arena.data)
    const handled = arena.db.collection<Handled>("handled")
    // What fails for want of a server is tried again.
    const work = Effect.catch(
      queue.take(({ n }, { attempts }) => handled.insertOne({ n, attempts })),
      (error) => error._tag === "PersistedQueueError" ? Effect.die(error) : Effect.void
    )
    // Takers warn of each failure that they wait out.
    const worker = Effect.forkScoped(Effect.provideService(Effect.forever(work), References.MinimumLogLevel, "Error"))
    yield* Effect.forEach(Array.from({ length: 4 }), () => worker)
    const offers: Array<Offer> = []
    let next = 0
    return {
      fibers: 2,
      step: () =>
        Effect.suspend(() => offerOne(queue, next++)).pipe(
          Effect.map((offer) => void offers.push(offer)),
          Effect.andThen(Effect.sleep("30 millis"))
        ),
      problems: async () => {
        await Effect.runPromise(Effect.timeoutOption(allSettled(arena.data, offers.length), "60 seconds"))
        return queueProblems(arena.data, { began, offers })
      },
      figures: () => `${offers.length} elements of a queue`,
      confirmed: () => offers.length
    } satisfies Part
  })

/** What the scenario does and checks, while workers die. */
export const queueScenario = (arena: Arena) => ({
  work: queueWork(arena),
  atMost: 600_000,
  problems: (offered: Offered) => Effect.promise(() => queueProblems(arena.data, offered)),
  figures: async ({ offers, took }: Offered & { readonly took: number }) => {
    const handled = await arena.data.collection("handled").countDocuments()
    return `${offers.length} elements by ${workers} processes in ${(took / 1000).toFixed(0)} s, ${
      offers.filter(({ delay }) => delay > 0).length
    } delayed, ${handled - offers.length} handled again`
  },
  confirmed: ({ offers }: Offered) => offers.length,
  result:
    "each element handled at least once and settled once, none lost, none before its time or from another worker's hands; first attempts in the order of times and offers"
})
