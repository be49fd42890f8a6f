/**
 * Queries on two instances that run again when something has changed: in the end both show what is there.
 */
import { MongoReactivity } from "@mongofx/backends"
import { MongoClient, type MongoDatabase } from "@mongofx/core"
import { MongoServer, Nemesis } from "@mongofx/testing"
import type { Arena } from "chaos-support/arena"
import { list } from "chaos-support/problems"
import { Effect, Layer, Random, Redacted, Schedule, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import * as Driver from "mongodb"
import { type Part, serviceIn } from "./parts.ts"

type Service = Reactivity.Reactivity

interface Item {
  readonly _id: number
  readonly n: number
}

/** What an instance shows, as text, and how often its query has run. */
interface Shown {
  now: string
  runs: number
}

const itemsOf = (db: MongoDatabase.MongoDatabase) => db.collection<Item>("items")

const textOf = (items: ReadonlyArray<Item>): string => JSON.stringify(items.map(({ _id, n }) => [_id, n]))

export const reactivityOf = (db: MongoDatabase.MongoDatabase) =>
  serviceIn({ db }, Reactivity.Reactivity, Layer.orDie(MongoReactivity.layer({ collections: ["items"] })))

/** A client and a service of its own, as in another process. */
export const anotherInstance = (arena: Arena) =>
  Effect.map(
    Effect.orDie(MongoClient.make({
      url: Redacted.make(arena.uri),
      heartbeatFrequency: "1 second",
      serverSelectionTimeout: "15 seconds"
    })),
    (mongo) => mongo.db(arena.db.name)
  )

/** Shows the items in the background, and returns after the first run. */
export const show = Effect.fnUntraced(function*(db: MongoDatabase.MongoDatabase, reactivity: Pick<Service, "stream">) {
  const shown: Shown = { now: "", runs: 0 }
  // As most programs read: it may see what is undone when another primary takes over.
  const read = Effect.retry(itemsOf(db).find().sort({ _id: 1 }), Schedule.spaced("50 millis"))
  yield* Effect.forkScoped(Stream.runForEach(reactivity.stream(["items"], read), (items) =>
    Effect.sync(() => {
      shown.now = textOf(items)
      shown.runs++
    })))
  yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => shown.runs > 0 })
  return shown
})

/** Changes an item, confirmed by the primary alone: it may be undone. */
export const change = (db: MongoDatabase.MongoDatabase, _id: number) =>
  itemsOf(db).updateOne({ _id }, { $inc: { n: 1 } }, { upsert: true, writeConcern: { w: 1 } })

/** Waits until all instances show what the bare driver reads, and says which of them do not. */
export const queryProblems = async (
  data: Driver.Db,
  shown: ReadonlyArray<Shown>,
  patience = 15_000
): Promise<ReadonlyArray<string>> => {
  const end = performance.now() + patience
  for (;;) {
    const stored = textOf(await data.collection<Item>("items").find().sort({ _id: 1 }).toArray())
    const stale = shown.filter(({ now }) => now !== stored)
    if (stale.length === 0) return []
    if (performance.now() > end) return list("queries that are not up to date", stale.map(({ now }) => now))
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Three fibers change items, and two instances show them. */
export const queryPart = (arena: Arena) =>
  Effect.gen(function*() {
    const databases = [arena.db, yield* anotherInstance(arena)]
    const shown = yield* Effect.forEach(databases, (db) => Effect.flatMap(reactivityOf(db), (own) => show(db, own)))
    let changed = 0
    return {
      fibers: 3,
      step: () =>
        Effect.gen(function*() {
          yield* change(arena.db, yield* Random.nextIntBetween(0, 9))
          changed++
          yield* Effect.sleep("30 millis")
        }).pipe(Effect.catch(() => Effect.sleep("20 millis"))),
      problems: () => queryProblems(arena.data, shown),
      figures: () =>
        `${changed} changes of what two queries show, which ran ${shown.map(({ runs }) => runs).join(" and ")} times`,
      confirmed: () => changed
    } satisfies Part
  })

/** Stops the secondaries from getting what the primary writes, until the effect that it returns has run, or the scope closes. */
const withoutReplication = Effect.fnUntraced(function*({ db }: Pick<Arena, "db">) {
  const secondaries = yield* Effect.forEach(
    (yield* MongoServer.members).filter(({ role }) => role === "secondary"),
    ({ host }) =>
      Effect.acquireRelease(
        Effect.promise(() => Driver.MongoClient.connect(`mongodb://${host}/?directConnection=true`)),
        (client) => Effect.promise(() => client.close())
      )
  )
  const setTo = (mode: "alwaysOn" | "off") =>
    Effect.promise(() =>
      Promise.all(
        secondaries.map((client) => client.db("admin").command({ configureFailPoint: "stopReplProducer", mode }))
      )
    )
  yield* Effect.acquireRelease(setTo("alwaysOn"), () => setTo("off"))
  // One that waits for the next write still gets that.
  const probe = Effect.gen(function*() {
    const _id = new Driver.ObjectId()
    yield* db.collection("probes").insertOne({ _id }, { writeConcern: { w: 1 } })
    yield* Effect.sleep("300 millis")
    return yield* Effect.promise(() =>
      Promise.all(
        secondaries.map((client) =>
          client.db(db.name).collection("probes").countDocuments({ _id }, { readPreference: "nearest" })
        )
      )
    )
  })
  yield* Effect.repeat(probe, { until: (counts) => counts.every((count) => count === 0) })
  return setTo("off")
})

/**
 * A query reads what only the primary has. Then that one is killed, and the next one knows nothing of it. No event tells of that.
 *
 * @returns what is wrong, and whether the change was undone
 */
export const undone = Effect.fnUntraced(function*(arena: Arena) {
  yield* itemsOf(arena.db).insertOne({ _id: 1, n: 1 })
  const reactivity = yield* reactivityOf(arena.db)
  const shown = yield* show(arena.db, reactivity)
  yield* Effect.scoped(Effect.gen(function*() {
    const replicate = yield* withoutReplication(arena)
    yield* change(arena.db, 1)
    yield* reactivity.invalidate(["items"])
    yield* Effect.repeat(Effect.sleep("10 millis"), { until: () => shown.now === textOf([{ _id: 1, n: 2 }]) })
    yield* Nemesis.kill("primary")
    yield* replicate
    // It comes back when there is another primary, and gives up what it alone has.
    yield* Effect.promise(() => arena.data.command({ ping: 1 }))
  }))
  yield* MongoServer.ready
  const problems = yield* Effect.promise(() => queryProblems(arena.data, [shown]))
  const item = yield* Effect.promise(() => arena.data.collection<Item>("items").findOne())
  return { problems, isUndone: item?.n === 1 }
})
