/**
 * Where a scenario takes place: a client of mongofx that works, a bare driver that judges, and a nemesis between them.
 */
import { assert } from "@effect/vitest"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { MongoServer, MongoTest, Nemesis } from "@mongofx/testing"
import { Effect, Random, Redacted, Schedule, type Scope } from "effect"
import * as Driver from "mongodb"
import type { TestContext } from "vitest"
import { faultsIn, report } from "./row.ts"
import { seconds, seed } from "./settings.ts"

export interface Arena {
  readonly mongo: MongoClient.MongoClient
  /** The database of this scenario alone. */
  readonly db: MongoDatabase.MongoDatabase
  /** The same database, as the bare driver reads what a majority of the members has. */
  readonly data: Driver.Db
  readonly uri: string
}

/** A member that says nothing is noticed within about three seconds, where the driver would wait for ten or for ever. */
const client: MongoTest.ClientConfig = {
  heartbeatFrequency: "1 second",
  connectTimeout: "2 seconds",
  serverSelectionTimeout: "15 seconds"
}

const services = MongoTest.layerWith(client)

const arena: Effect.Effect<Arena, never, MongoTest.Services | Scope.Scope> = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = yield* MongoDatabase.MongoDatabase
  const uri = Redacted.value((yield* MongoServer.MongoServer).uri)
  const bare = yield* Effect.acquireRelease(
    Effect.promise(() => Driver.MongoClient.connect(uri, { readConcernLevel: "majority" })),
    (bare) => Effect.promise(() => bare.close())
  )
  return { mongo, db, data: bare.db(db.name), uri }
})

/** Runs a test in an arena of its own, with `Random` of the run's seed. */
export const within = <A, E, R>(
  { task }: Pick<TestContext, "task">,
  test: (arena: Arena) => Effect.Effect<A, E, R>
) =>
  Effect.flatMap(arena, test).pipe(
    Effect.scoped,
    Effect.provide(services),
    Random.withSeed(`${seed} ${task.name}`),
    Effect.onError(() => Effect.sync(() => process.stderr.write(`failed with CHAOS_SEED=${seed}\n`)))
  )

const least = 10

/** How faults follow each other. Work of a certain size, such as twenty thousand events, ends without faults if it takes much longer. */
const rhythmFor = (millis: number) => Schedule.upTo(Schedule.spaced("400 millis"), { duration: millis })

/** Faults of any member, and of the primary more often, which matters most. */
export const allFaults = {
  ...Nemesis.faults,
  killPrimary: Nemesis.kill("primary"),
  isolatePrimary: Nemesis.isolate("primary")
}

type Kinds = Readonly<Record<string, Effect.Effect<unknown, unknown, MongoServer.Processes | Scope.Scope>>>

interface Scenario<Outcome, E, R> {
  readonly kinds: Kinds
  /** Faults that come at the same time as those of `kinds`. */
  readonly others?: Kinds
  /** How long a fault stays: milliseconds. */
  readonly lasts?: readonly [number, number]
  /** How long faults come at most, twice the time of a scenario by default: milliseconds. */
  readonly atMost?: number
  /** What goes on while the faults come. */
  readonly work: Effect.Effect<Outcome, E, R>
  /** What is wrong afterwards, once all members are back. */
  readonly problems: (outcome: Outcome) => Effect.Effect<ReadonlyArray<string>, never, R>
  readonly figures: (outcome: Outcome) => Promise<string>
  /** How much was confirmed: a scenario in which next to nothing happens proves nothing. */
  readonly confirmed: (outcome: Outcome) => number
  /** What holds, in words. */
  readonly result: string
}

/** Works under faults, heals them, looks for problems, and adds a row to the page. The log of the faults is printed if there are any problems. */
export const underFaults = <Outcome, E, R>(
  context: Pick<TestContext, "task">,
  { atMost = seconds * 2000, confirmed, figures, kinds, lasts = [300, 2000], others, problems, result, work }: Scenario<
    Outcome,
    E,
    R
  >
) =>
  Effect.scoped(Effect.gen(function*() {
    const nemeses = yield* Effect.forEach(
      others === undefined ? [kinds] : [kinds, others],
      (kinds) => Nemesis.random(rhythmFor(atMost), kinds, { lasts })
    )
    const outcome = yield* work
    yield* Effect.forEach(nemeses, ({ stop }) => stop, { concurrency: "unbounded" })
    yield* MongoServer.ready
    assert.deepStrictEqual(yield* problems(outcome), [])
    assert.isAtLeast(confirmed(outcome), least, "too little was confirmed under these faults")
    report(context, {
      kind: "scenario",
      scenario: context.task.name,
      faults: faultsIn((yield* Effect.forEach(nemeses, ({ log }) => log)).flat()),
      figures: yield* Effect.promise(() => figures(outcome)),
      result
    })
  }))

/**
 * Runs a step again and again in each of several fibers, for the time of a scenario or a share of it. On a busy machine it takes longer, until
 * enough is confirmed.
 */
export const repeatedly = <E, R>(
  fibers: number,
  step: (fiber: number) => Effect.Effect<void, E, R>,
  { confirmed, share = 1 }: { readonly confirmed: () => number; readonly share?: number }
): Effect.Effect<void, E, R> =>
  Effect.suspend(() => {
    const end = performance.now() + seconds * share * 1000
    const latest = end + 60_000
    const goesOn = () => performance.now() < (confirmed() < least ? latest : end)
    return Effect.forEach(
      Array.from({ length: fibers }, (_, fiber) => fiber),
      (fiber) => Effect.whileLoop({ while: goesOn, body: () => step(fiber), step: () => {} }),
      { concurrency: "unbounded", discard: true }
    )
  })

/** Says that a broken variant was caught: that one of its problems has these words. */
export const caught = (
  context: Pick<TestContext, "task">,
  problems: ReadonlyArray<string>,
  expected: RegExp
): void => {
  const found = problems.find((problem) => expected.test(problem))
  assert.isDefined(found, `${String(expected)} is not among these problems: ${JSON.stringify(problems)}`)
  report(context, { kind: "proof", broken: context.task.name, caught: found! })
}
