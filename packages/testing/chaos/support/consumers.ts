/**
 * Three instances of durable consumers, each in a process of its own with a clock of its own.
 */
import type { MongoCollection } from "@mongofx/core"
import { Effect, Schedule, type Scope } from "effect"
import type * as Driver from "mongodb"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Arena } from "./arena.ts"
import { clusterTime, historyOf, sequenceProblems } from "./events.ts"
import { type Counted, documents, type FormName, forms } from "./forms.ts"
import { seconds } from "./settings.ts"

/** The instances' clocks are an hour slow, right, and an hour fast: milliseconds. */
const shifts = { slow: -3_600_000, right: 0, fast: 3_600_000 }

const program = fileURLToPath(new URL("consumerProcess.ts", import.meta.url))

interface Handled extends Driver.Document {
  readonly n: number
  readonly instance: string
}

interface Consumed {
  readonly began: Driver.Timestamp
  /** The events are the numbers below this one. */
  readonly size: number
}

/** Starts the processes of the consumers, until they have saved their first positions. Gives the faults that strike them. */
export const startConsumers = ({ data, db, uri }: Arena, names: ReadonlyArray<FormName>) =>
  Effect.gen(function*() {
    const began = yield* clusterTime(data)
    const children = new Map<string, ChildProcess>()
    const start = (instance: string) => {
      const shift = String(shifts[instance as keyof typeof shifts])
      children.set(
        instance,
        spawn(process.execPath, ["--import", "tsx", program, instance, db.name, shift, ...names], {
          stdio: ["pipe", "inherit", "inherit"],
          env: { ...process.env, CHAOS_URI: uri }
        })
      )
    }
    yield* Effect.acquireRelease(
      Effect.sync(() => Object.keys(shifts).forEach(start)),
      () => Effect.sync(() => children.forEach((child) => child.kill("SIGKILL")))
    )
    const tokens = data.collection<{ _id: string; token?: unknown }>("mongofx_resume_tokens")
    yield* Effect.promise(() => tokens.countDocuments({ _id: { $in: [...names] }, token: { $exists: true } })).pipe(
      Effect.repeat({ until: (ready) => ready === names.length, schedule: Schedule.spaced("100 millis") })
    )
    let turn = 0
    const next = () => Object.keys(shifts)[turn++ % children.size]!
    const struck = (
      strike: (child: ChildProcess) => void,
      heal: (instance: string) => void
    ): Effect.Effect<{ readonly description: string }, never, Scope.Scope> =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const instance = next()
          strike(children.get(instance)!)
          return { description: instance }
        }),
        ({ description }) => Effect.sync(() => heal(description))
      )
    const faults = {
      killConsumer: struck((child) => child.kill("SIGKILL"), start),
      pauseConsumer: struck((child) => child.kill("SIGSTOP"), (instance) => children.get(instance)!.kill("SIGCONT"))
    }
    return { began, faults }
  })

/** Makes events until they are confirmed. A number that is there already makes no event, so that a repetition is not seen. */
export const writeEvents = (items: MongoCollection.MongoCollection<Counted>, from: number, to: number) =>
  items.bulkWrite(
    Array.from({ length: to - from }, (_, i) => {
      const n = from + i
      return { updateOne: { filter: { _id: n % documents }, update: { $max: { n } }, upsert: true } }
    }),
    { writeConcern: { w: "majority" } }
  ).pipe(Effect.retry(Schedule.spaced("50 millis")), Effect.orDie)

/** Makes a few events at a time, so that every fault meets some. */
export const consumerWork = ({ db }: Arena, began: Driver.Timestamp) =>
  Effect.gen(function*() {
    const items = db.collection<Counted>("items")
    const end = performance.now() + seconds * 1000
    let size = 0
    while (performance.now() < end) {
      yield* writeEvents(items, size, size += 6)
      yield* Effect.sleep("100 millis")
    }
    return { began, size } satisfies Consumed
  })

/** Waits until the consumers have handled everything, which they do once all servers are back. */
export const allHandled = (data: Driver.Db, names: ReadonlyArray<FormName>, { size }: Consumed) =>
  Effect.promise(async () =>
    Promise.all(names.map(async (form) => (await data.collection<Handled>(form).distinct("n")).length))
  ).pipe(
    Effect.repeat({
      until: (counts) => counts.every((count) => count >= size),
      schedule: Schedule.spaced("100 millis")
    }),
    Effect.timeoutOption("90 seconds")
  )

const range = (size: number) => Array.from({ length: size }, (_, n) => n)

/** What was handled, in the order of the server. */
const handledBy = async (data: Driver.Db, form: string, began: Driver.Timestamp) => {
  const handled = data.collection<Handled>(form)
  return historyOf(handled, began, await handled.countDocuments())
}

/** What is wrong with what a form of consumer has handled. */
export const handledProblems = async (data: Driver.Db, form: FormName, { began, size }: Consumed) => {
  const { isTransactional, partitions } = forms[form]
  const handled = (await handledBy(data, form, began)).map(({ n }) => n)
  // Without a transaction an event may come again, but nothing may come before its time.
  const numbers = isTransactional ? handled : [...new Set(handled)]
  if (partitions === 1) return sequenceProblems(numbers, range(size)).map((problem) => `${form}: ${problem}`)
  return range(documents).flatMap((document) => {
    const isOfIt = (n: number) => n % documents === document
    return sequenceProblems(numbers.filter(isOfIt), range(size).filter(isOfIt))
      .map((problem) => `${form}, document ${document}: ${problem}`)
  })
}

/** What the store knows of a consumer or of a part of one. */
interface Stored {
  readonly token?: { readonly _data: string }
  readonly fence?: number
  readonly owner?: string | null
  readonly expiresAt?: Date
}

/**
 * Saved tokens only go forwards, and so do fences. Nobody takes a lease that another one has: all servers have one clock. Reads all changes of the
 * store up to now.
 */
export const storeProblems = async (data: Driver.Db, { began }: Pick<Consumed, "began">) => {
  const marker = data.collection<Stored & { _id: string }>("mongofx_resume_tokens")
  await marker.insertOne({ _id: "end" }, { writeConcern: { w: "majority" } })
  const stream = marker.watch([], { startAtOperationTime: began })
  const last = new Map<string, Stored>()
  const problems: Array<string> = []
  try {
    for (;;) {
      const event = await stream.next()
      if (!("documentKey" in event)) continue
      const name = String(event.documentKey._id)
      if (name === "end") return problems
      const before: Stored = last.get(name) ?? {}
      // The server logs an update by a pipeline as the whole document where that is shorter.
      const after: Stored | undefined = event.operationType === "update"
        ? { ...before, ...event.updateDescription.updatedFields }
        : event.operationType === "insert" || event.operationType === "replace"
        ? event.fullDocument
        : undefined
      if (after === undefined) continue
      if ((after.token?._data ?? "") < (before.token?._data ?? "")) problems.push(`the token of ${name} went backwards`)
      if ((after.fence ?? 0) < (before.fence ?? 0)) problems.push(`the fence of ${name} went backwards`)
      const isTaken = typeof after.owner === "string" && typeof before.owner === "string" &&
        after.owner !== before.owner
      if (isTaken && before.expiresAt !== undefined && event.wallTime! < before.expiresAt) {
        problems.push(`the lease of ${name} had two owners`)
      }
      last.set(name, after)
    }
  } finally {
    await stream.close()
  }
}

/** How many turns there were, how often an event was handled again, and by how many instances. */
export const consumerFigures = async (data: Driver.Db, names: ReadonlyArray<FormName>, { size }: Consumed) => {
  const counts = await Promise.all(names.map((form) => data.collection(form).countDocuments()))
  const again = counts.reduce((sum, count) => sum + count - size, 0)
  const instances = new Set(
    (await Promise.all(names.map((form) => data.collection<Handled>(form).distinct("instance")))).flat()
  )
  const stored = await data.collection<Stored & { _id: string }>("mongofx_resume_tokens").find().toArray()
  const turns = stored.reduce((sum, { fence = 0 }) => sum + fence, 0)
  return `${size} events in each form, ${again} handled again, ${turns} turns, ${instances.size} instances`
}
