import { Effect, type Scope, Stream, SubscriptionRef } from "effect"
import { makeScreen } from "../failover/screen.ts"
import { type Entry, Journal } from "./models.ts"
import { draw, type Life, type Recording, type Step } from "./timeline.ts"
import { startWorker, type Worker } from "./workers.ts"

const words: Readonly<Record<Entry["step"], readonly [done: string, again: string]>> = {
  reserve: ["is reserved", "is reserved already"],
  charge: ["is charged", "is charged already: nothing to do"],
  ship: ["is shipped", "is shipped already"],
  refuse: ["is refused", "is refused already"],
  refund: ["is refunded", "is refunded already"],
  "give back": ["is back in stock", "is back in stock already"]
}

/** Shows what happens, and waits for it. */
export const watchWorkers = Effect.fnUntraced(function*(orders: ReadonlyArray<string>) {
  const began = performance.now()
  const now = () => performance.now() - began
  const workers: Array<Life> = []
  const steps = yield* SubscriptionRef.make<ReadonlyArray<Step>>([])
  const recording = (): Recording => ({ orders, workers, steps: SubscriptionRef.getUnsafe(steps) })

  const screen = yield* makeScreen((width) => draw(recording(), now(), width))
  const tell = (who: string, text: string) =>
    screen.say(`${(now() / 1000).toFixed(2).padStart(6)} s  ${who.padEnd(8)}  ${text}`)
  const nameOf = (pid: number) => `worker ${workers.findIndex((worker) => worker.pid === pid) + 1}`

  // What a worker has committed this process hears by a change stream.
  const { stream } = yield* (yield* Journal).watch([{ $match: { operationType: "insert" } }]).open
  yield* Effect.forkScoped(Stream.runForEach(stream, (event) => {
    if (event.operationType !== "insert") return Effect.void
    const { isNew, order, process, step } = event.fullDocument
    return Effect.andThen(
      tell(nameOf(process), `${order} ${words[step][isNew ? 0 : 1]}`),
      SubscriptionRef.update(steps, (steps) => [...steps, { order, step, isNew, process, at: now() }])
    )
  }))

  return {
    recording,
    now,
    screen,
    tell,
    /** Starts a worker, and tells of its life. */
    start: (uri: string): Effect.Effect<Worker, never, Scope.Scope> =>
      Effect.gen(function*() {
        const { kill, pid } = yield* startWorker(uri)
        const i = workers.push({ pid, began: now() }) - 1
        yield* tell(nameOf(pid), `starts as process ${pid}`)
        const ends = Effect.suspend(() => {
          workers[i] = { ...workers[i]!, ended: now() }
          return tell(nameOf(pid), "is killed")
        })
        return { pid, kill: Effect.andThen(kill, ends) }
      }),
    /** Waits until the workers have done these steps. */
    until: (done: (steps: ReadonlyArray<Step>) => boolean) =>
      SubscriptionRef.changes(steps).pipe(Stream.filter(done), Stream.runHead, Effect.asVoid)
  }
})
