/**
 * Three instances of durable consumers, each in a process of its own with a clock of its own.
 */
import { Effect, Schedule, type Scope } from "effect"
import type * as Driver from "mongodb"
import { type ChildProcess, spawn } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Arena } from "./arena.ts"
import { clusterTime, historyOf, type Numbered, sequenceProblems, writeNumbers } from "./events.ts"
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
export const startConsumers = ({ data, db, uri }: Arena, forms: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const began = yield* clusterTime(data)
    const children = new Map<string, ChildProcess>()
    const start = (instance: string) => {
      const shift = String(shifts[instance as keyof typeof shifts])
      children.set(
        instance,
        spawn(process.execPath, ["--import", "tsx", program, instance, db.name, shift], {
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
    yield* Effect.promise(() => tokens.countDocuments({ token: { $exists: true } })).pipe(
      Effect.repeat({ until: (ready) => ready >= forms.length, schedule: Schedule.spaced("100 millis") })
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

/** Writes a few numbers at a time, so that every fault meets some events. */
export const consumerWork = ({ db }: Arena, began: Driver.Timestamp) =>
  Effect.gen(function*() {
    const items = db.collection<Numbered>("items")
    const end = performance.now() + seconds * 1000
    let size = 0
    while (performance.now() < end) {
      yield* writeNumbers(items, size, size += 3)
      yield* Effect.sleep("100 millis")
    }
    return { began, size } satisfies Consumed
  })

/** Waits until the consumers have handled everything, which they do once all servers are back. */
export const allHandled = (data: Driver.Db, forms: ReadonlyArray<string>, { size }: Consumed) =>
  Effect.promise(async () =>
    Promise.all(forms.map(async (form) => (await data.collection<Handled>(form).distinct("n")).length))
  ).pipe(
    Effect.repeat({
      until: (counts) => counts.every((count) => count >= size),
      schedule: Schedule.spaced("100 millis")
    }),
    Effect.timeoutOption("60 seconds")
  )

const range = (size: number) => Array.from({ length: size }, (_, n) => n)

/** What was handled, in the order of the server. */
const handledBy = async (data: Driver.Db, form: string, began: Driver.Timestamp) => {
  const handled = data.collection<Handled>(form)
  return historyOf(handled, began, await handled.countDocuments())
}

/** At least once, and in order: what comes again has come before, and nothing comes before its time. */
export const plainProblems = async (data: Driver.Db, { began, size }: Consumed, form = "plain") => {
  const numbers = (await handledBy(data, form, began)).map(({ n }) => n)
  return sequenceProblems([...new Set(numbers)], range(size)).map((problem) => `${form}: ${problem}`)
}

/** Exactly once, and in order. */
export const transactionProblems = async (data: Driver.Db, { began, size }: Consumed, form = "transaction") => {
  const numbers = (await handledBy(data, form, began)).map(({ n }) => n)
  return sequenceProblems(numbers, range(size)).map((problem) => `${form}: ${problem}`)
}

/** The saved tokens of each consumer only go forwards, and so do its fences. Reads all changes of the store up to now. */
export const storeProblems = async (data: Driver.Db, { began }: Pick<Consumed, "began">) => {
  const marker = data.collection<{ _id: string }>("mongofx_resume_tokens")
  await marker.insertOne({ _id: "end" }, { writeConcern: { w: "majority" } })
  const stream = marker.watch([], { startAtOperationTime: began })
  const last = new Map<string, { readonly token: string; readonly fence: number }>()
  const problems: Array<string> = []
  try {
    for (;;) {
      const event = await stream.next()
      if (!("documentKey" in event)) continue
      const name = String(event.documentKey._id)
      if (name === "end") return problems
      if (event.operationType !== "update") continue
      const set = (event.updateDescription.updatedFields ?? {}) as {
        readonly token?: { readonly _data: string }
        readonly fence?: number
      }
      const before = last.get(name) ?? { token: "", fence: 0 }
      const after = { token: set.token?._data ?? before.token, fence: set.fence ?? before.fence }
      if (after.token < before.token) problems.push(`the token of ${name} went backwards`)
      if (after.fence < before.fence) problems.push(`the fence of ${name} went backwards`)
      last.set(name, after)
    }
  } finally {
    await stream.close()
  }
}

/** How many turns there were, and how often an event was handled again. */
export const consumerFigures = async (data: Driver.Db, { size }: Consumed) => {
  const again = await data.collection("plain").countDocuments() - size
  const turns = await data.collection<{ _id: string; fence: number }>("mongofx_resume_tokens").findOne({ _id: "plain" })
  return `${size} events in each form, ${again} handled again in plain, ${turns?.fence} turns`
}
