import { MongoClient, type MongoError } from "@mongofx/core"
import { CommandLog } from "@mongofx/testing"
import { Effect, Option, Ref, Schedule, type Scope, Stream } from "effect"
import type { CommandStartedEvent } from "mongodb"
import { makeScreen, type Screen } from "./screen.ts"
import { draw, type Mark, type Recording, type Step, type View } from "./timeline.ts"

interface Counter {
  readonly _id: number
  readonly n: number
}

/** So many count at a time, so that somebody waits for the primary whenever it goes away. */
const counters = Array.from({ length: 4 }, (_, counter) => counter)

/** What counts, and what it has seen. */
export interface Counting {
  readonly recording: Recording
  readonly now: () => number
  readonly screen: Screen
  /** Says what happens, beside the time. */
  readonly tell: (text: string) => Effect.Effect<void>
  /** Says it, and marks the moment in the drawing. */
  readonly mark: (sign: string, text: string) => Effect.Effect<void>
  /** Counts until `stop`, and gives the number of each counter. */
  readonly count: Effect.Effect<ReadonlyArray<number>, MongoError.MongoError>
  readonly stop: Effect.Effect<void>
  /** What the database says. */
  readonly stored: Effect.Effect<ReadonlyArray<number>, MongoError.MongoError>
}

const isOf = (counter: number, number: number) => ({ command, commandName }: CommandStartedEvent): boolean => {
  if (commandName !== "update") return false
  const { q } = command["updates"][0] as { readonly q: Counter }
  return q._id === counter && q.n === number - 1
}

export const makeCounting = (
  hosts: ReadonlyArray<string>
): Effect.Effect<Counting, MongoError.MongoError, MongoClient.MongoClient | Scope.Scope> =>
  Effect.gen(function*() {
    const mongo = yield* MongoClient.MongoClient
    const log = yield* CommandLog.make
    const collection = mongo.db("mongofx_failover").collection<Counter>("counters")
    yield* collection.insertMany(counters.map((_id) => ({ _id, n: 0 })))

    const began = performance.now()
    const now = () => performance.now() - began
    const steps: Array<Step> = []
    const views: Array<View> = []
    const marks: Array<Mark> = []
    const recording: Recording = { hosts, steps, views, marks }
    const screen = yield* makeScreen((width) => draw(recording, now(), width))
    const tell = (text: string) => screen.say(`${(now() / 1000).toFixed(2).padStart(6)} s  ${text}`)

    // What the driver knows of the servers: it hears of a change by an error or from its monitors.
    let primary: string | undefined
    yield* Effect.forkScoped(Stream.runForEach(mongo.topologyChanges, (topology) => {
      const before = primary
      primary = Option.getOrUndefined(topology.primary)
      views.push({ at: now(), primary, secondaries: topology.secondaries })
      if (primary === before) return Effect.void
      return tell(primary === undefined ? "no primary is known" : `${primary} is primary`)
    }))

    /** It may be done again after an error, since it changes nothing the second time: the driver itself sends a write at most twice. */
    const step = (counter: number, number: number) =>
      Effect.gen(function*() {
        const began = now()
        const first = log.events.length
        yield* collection.updateOne({ _id: counter, n: number - 1 }, { $set: { n: number } }, {
          writeConcern: { w: "majority" }
        }).pipe(
          Effect.retry({ while: ({ isTransient }) => isTransient, times: 3, schedule: Schedule.spaced("100 millis") })
        )
        const ended = now()
        const sentTo = log.events.slice(first).filter(isOf(counter, number)).map(({ address }) => address)
        steps.push({ began, ended, sentTo })
        if (sentTo.length < 2) return
        const took = Math.round(ended - began)
        yield* tell(`step ${number} of counter ${counter} took ${took} ms: sent to ${sentTo.join(", then to ")}`)
      })

    const isCounting = yield* Ref.make(true)
    const countOn = (counter: number) =>
      Effect.gen(function*() {
        let number = 0
        while (yield* Ref.get(isCounting)) yield* step(counter, ++number)
        return number
      })

    return {
      recording,
      now,
      screen,
      tell,
      mark: (sign, text) => Effect.andThen(Effect.sync(() => marks.push({ at: now(), sign })), tell(text)),
      count: Effect.forEach(counters, countOn, { concurrency: "unbounded" }),
      stop: Ref.set(isCounting, false),
      stored: Effect.map(collection.find().sort({ _id: 1 }), (all) => all.map(({ n }) => n))
    }
  })
