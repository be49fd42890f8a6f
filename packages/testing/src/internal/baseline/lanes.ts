/**
 * Databases with the same baseline, for runs at the same time: each run has one of them to itself. A database is reset as soon as its run is
 * over. After the first runs there is one database more than runs at the same time, so that a run need not wait for that.
 */
import { MongoClient, MongoDatabase, type MongoError } from "@mongofx/core"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { MongoServer } from "../../MongoServer.ts"
import type { Baseline, BaselineError, ClientConfig, Services } from "../../MongoTest.ts"
import { Activity } from "./activity.ts"
import { connectionsEnded, endBlockers, endCursors } from "./blockers.ts"
import { documentsOf } from "./documents.ts"
import { CannotRecord, type Record, record } from "./record.ts"
import { CannotRestore, makeRefill, Restorer } from "./restore.ts"

/** After so many runs a further database is worth making. */
const manyRuns = 10

/** How long dropping a database may take: milliseconds. */
const dropTime = 2000

type Failure = BaselineError | MongoError.MongoError

/** A database with the client that runs use. */
interface Lane {
  readonly database: string
  readonly context: Context.Context<Services>
  readonly scope: Scope.Closeable
  readonly activity: Activity
  readonly restorer: Restorer
}

/** A place in the pool. Its lane is made when a run needs it first, and again when a run has spoiled it. */
interface Place {
  lane: Lane | undefined
  /** What makes the lane ready for its next run. */
  preparing: Fiber.Fiber<Exit.Exit<Lane, Failure>> | undefined
}

const emptyPlace = (): Place => ({ lane: undefined, preparing: undefined })

/** @internal */
export interface Settings {
  readonly server: MongoServer
  /** The client that resets, and that no run uses. */
  readonly outside: MongoClient.MongoClient
  /** With which the names of all databases begin. */
  readonly prefix: string
  readonly config: ClientConfig
  readonly count: number
  readonly failure: (message: string) => BaselineError
}

/** The baselines of the runs around a fiber. */
const Around = Context.Reference<ReadonlyArray<Lanes>>("@mongofx/testing/internal/baseline/Around", {
  defaultValue: () => []
})

/**
 * Runs an effect in a fiber of its own, so that the fibers it has forked end with it.
 */
const inOwnFiber = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(
      Effect.forkChild(self, { startImmediately: true }),
      (fiber) => Effect.onInterrupt(restore(Fiber.join(fiber)), () => Fiber.interrupt(fiber))
    )
  )

/**
 * The databases of a baseline.
 *
 * @internal
 */
export class Lanes implements Baseline {
  readonly lanes: number
  private readonly settings: Settings
  private readonly recorded: Record
  /** The places that no run has: the one that was given back first comes first. There are as many as permits in line, or more. */
  private readonly free: Array<Place>
  private readonly scope: Scope.Scope
  private readonly line: Semaphore.Semaphore
  private made = 0
  private runs = 0
  private readonly open = new Map<string, Lane>()

  private constructor(settings: Settings, recorded: Record, scope: Scope.Scope) {
    this.lanes = settings.count
    this.settings = settings
    this.recorded = recorded
    this.free = Array.from({ length: settings.count }, () => emptyPlace())
    this.scope = scope
    this.line = Semaphore.makeUnsafe(settings.count)
  }

  /** Makes the first database by an effect, and records it. */
  static make<A, E, R>(
    settings: Settings,
    setup: Effect.Effect<A, E, R>,
    maxFixtures: number
  ): Effect.Effect<Lanes, E | Failure, Exclude<R, Services> | Scope.Scope> {
    return Effect.gen(function*() {
      const scope = yield* Effect.scope
      const { failure, outside, prefix } = settings
      yield* Effect.addFinalizer(() => dropAll(outside, prefix))
      yield* Effect.scoped(
        Effect.flatMap(servicesOf(settings, prefix), (context) => inOwnFiber(Effect.provideContext(setup, context)))
      )
      const recorded = yield* refusable(
        outside.use((driver) => record(driver, prefix, maxFixtures).catch(orThrow(CannotRecord))),
        failure
      )
      const lanes = new Lanes(settings, recorded, scope)
      yield* Effect.addFinalizer(() => lanes.settled)
      return lanes
    }) as Effect.Effect<Lanes, E | Failure, Exclude<R, Services> | Scope.Scope>
  }

  /** Runs an effect with a database that is as the baseline says, and that nobody else uses meanwhile. */
  isolated<A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | Failure, Exclude<R, Services>> {
    return Effect.flatMap(Around, (around) =>
      // A run that holds a database and waits for another one may wait for itself.
      around.includes(this)
        ? Effect.fail(this.settings.failure(
          "an isolated run begins within another one of the same baseline: use MongoTest.reset within a run, or run one after the other"
        ))
        : this.line.withPermit(Effect.uninterruptibleMask((restore) => {
          const place = this.free.shift()!
          return Effect.flatMap(
            restore(this.ready(place)),
            (lane) => {
              const context = Context.add(lane.context, Around, [...around, this])
              return Effect.ensuring(
                restore(inOwnFiber(Effect.provideContext(self, context))),
                this.prepareLater(place)
              )
            }
          ).pipe(Effect.ensuring(this.giveBack(place)))
        }))) as Effect.Effect<A, E | Failure, Exclude<R, Services>>
  }

  /** Brings the database of a run back to the baseline, while the run goes on. */
  reset(database: string): Effect.Effect<void, Failure> {
    const lane = this.open.get(database)
    return lane === undefined
      ? Effect.fail(
        this.settings.failure(`the database ${database} is not one of the baseline: use MongoTest.isolated`)
      )
      : Effect.asVoid(this.restored(lane, "running"))
  }

  /** The documents of a database of the baseline, as text. */
  documents(database: string): Effect.Effect<ReadonlyArray<string>, MongoError.MongoError> {
    return this.settings.outside.use((driver) => documentsOf(driver.db(database)))
  }

  /** The end of all resets that have begun. */
  private get settled(): Effect.Effect<void> {
    return Effect.promise(() => forAWhile(Promise.all([...this.open.values()].map(({ restorer }) => restorer.settled))))
  }

  /** The lane of a place for its next run. What failed while nobody waited is tried again. */
  private ready(place: Place): Effect.Effect<Lane, Failure> {
    const { preparing } = place
    if (preparing === undefined) return this.prepare(place)
    return Effect.flatMap(Fiber.join(preparing), (prepared) => {
      place.preparing = undefined
      return Exit.isSuccess(prepared) ? prepared : this.prepare(place)
    })
  }

  private prepareLater(place: Place): Effect.Effect<void> {
    return Effect.map(Effect.forkIn(Effect.exit(this.prepare(place)), this.scope), (preparing) => {
      place.preparing = preparing
    })
  }

  private giveBack(place: Place): Effect.Effect<void> {
    return Effect.suspend(() => {
      this.free.push(place)
      this.runs++
      if (this.runs !== manyRuns) return Effect.void
      const further = emptyPlace()
      return Effect.map(this.prepareLater(further), () => {
        this.free.push(further)
      })
    })
  }

  private prepare(place: Place): Effect.Effect<Lane, Failure> {
    return Effect.uninterruptibleMask((restore) => {
      const { lane } = place
      if (lane === undefined) {
        return Effect.flatMap(restore(this.make()), (made) => {
          place.lane = made
          return Effect.as(restore(this.restored(made, "over")), made)
        })
      }
      return Effect.flatMap(restore(this.restored(lane, "over")), (isOver) => {
        if (isOver) return Effect.succeed(lane)
        // Whatever is still under way finds only a database that no run uses any more.
        place.lane = undefined
        return Effect.andThen(this.close(lane), restore(this.prepare(place)))
      })
    })
  }

  private make(): Effect.Effect<Lane, Failure> {
    const { settings } = this
    const database = this.made === 0 ? settings.prefix : `${settings.prefix}_${this.made}`
    this.made++
    return Effect.gen({ self: this }, function*() {
      const scope = yield* Scope.fork(this.scope)
      const opened = Effect.gen({ self: this }, function*() {
        const context = yield* Scope.provide(servicesOf(settings, database), scope)
        const activity = yield* Context.get(context, MongoClient.MongoClient).use(async (driver) =>
          new Activity(driver)
        )
        const restorer = yield* settings.outside.use(async (driver) =>
          new Restorer(driver, database, this.recorded, await makeRefill(driver, database, this.recorded))
        )
        return { database, context, scope, activity, restorer }
      })
      const lane = yield* Effect.onError(opened, () => Scope.close(scope, Exit.void))
      this.open.set(database, lane)
      return lane
    })
  }

  private close(lane: Lane): Effect.Effect<void> {
    this.open.delete(lane.database)
    return Effect.andThen(
      Scope.close(lane.scope, Exit.void),
      drop(this.settings.outside, lane.database, lane.restorer.settled)
    )
  }

  /** Resets a database, unless its last run is over and has left something under way. Says whether it has. */
  private restored({ activity, restorer }: Lane, run: "over" | "running"): Effect.Effect<boolean, Failure> {
    return refusable(
      this.settings.outside.use(async (outside) => {
        await activity.endSessions(outside, run === "over" ? "all" : "inTransaction")
        if (run === "over" && !(await activity.isOver())) return false
        return restorer.restore().then(() => true, orThrow(CannotRestore))
      }),
      this.settings.failure
    )
  }
}

const servicesOf = (
  { config, server }: Settings,
  database: string
): Effect.Effect<Context.Context<Services>, MongoError.MongoError, Scope.Scope> =>
  Effect.map(
    MongoClient.make({ ...config, url: server.uri, appName: database }),
    (mongo) =>
      Context.make(MongoServer, server).pipe(
        Context.add(MongoClient.MongoClient, mongo),
        Context.add(MongoDatabase.MongoDatabase, mongo.db(database))
      )
  )

/** Keeps an error of the class as a value. */
const orThrow = <A extends Error>(type: new(message: string) => A) => (error: unknown): A => {
  if (error instanceof type) return error
  throw error
}

const refusable = <A>(
  effect: Effect.Effect<A | CannotRecord | CannotRestore, MongoError.MongoError>,
  failure: Settings["failure"]
): Effect.Effect<A, Failure> =>
  Effect.flatMap(
    effect,
    (value): Effect.Effect<A, BaselineError> =>
      value instanceof CannotRecord || value instanceof CannotRestore
        ? Effect.fail(failure(value.message))
        : Effect.succeed(value)
  )

/** Waits for the end of something, but not longer than dropping a database may take. */
const forAWhile = (end: Promise<unknown>): Promise<unknown> =>
  Promise.race([end, new Promise((resolve) => setTimeout(resolve, dropTime).unref())])

const drop = (outside: MongoClient.MongoClient, database: string, after: Promise<unknown>): Effect.Effect<void> =>
  Effect.ignore(outside.use(async (driver) => {
    await forAWhile(after)
    // A command that the server reads after the drop would make the database again.
    await connectionsEnded(driver, database, dropTime)
    const dropIt = () => driver.db(database).command({ dropDatabase: 1, maxTimeMS: dropTime })
    await dropIt().catch(() => endBlockers(driver, database).then(dropIt))
    // A query that was interrupted before its first reply has left a cursor that no client knows.
    await endCursors(driver, database)
  }))

/** An operation under way may have made a database again that was dropped before. */
const dropAll = (outside: MongoClient.MongoClient, prefix: string): Effect.Effect<void> =>
  outside.use((driver) =>
    driver.db("admin").command({ listDatabases: 1, nameOnly: true, filter: { name: { $regex: `^${prefix}` } } })
  ).pipe(
    Effect.flatMap(({ databases }) =>
      Effect.forEach(
        databases as ReadonlyArray<{ readonly name: string }>,
        ({ name }) => drop(outside, name, Promise.resolve()),
        { concurrency: 8, discard: true }
      )
    ),
    Effect.ignore
  )
