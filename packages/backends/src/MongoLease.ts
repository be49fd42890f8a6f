/**
 * Leases: work that one process does at a time, and a leader among several.
 *
 * @since 0.1.0
 */
import { Integration, MongoDatabase, type MongoError } from "@mongofx/core"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import type * as Option from "effect/Option"
import * as References from "effect/References"
import { serverSleep } from "./internal/store.ts"

/**
 * Says that a lease could not be taken in time, or was lost.
 *
 * **Details**
 *
 * `kind` is `held` when another owner has kept the lease for longer than `wait`, and `lost` when the lease ran out before it was renewed. `lease` is its name, `holder` who has it.
 *
 * **Example** (Going on without the lease)
 *
 * ```ts
 * import { MongoLease } from "@mongofx/backends"
 * import { Console, Effect } from "effect"
 *
 * const tidy = Effect.gen(function*() {
 *   const leases = yield* MongoLease.MongoLease
 *   yield* leases.withLease({ name: "tidy", wait: "5 seconds" }, () => Console.log("tidying"))
 * }).pipe(
 *   Effect.catchTag("LeaseError", (error) => Console.log(error.message))
 * )
 * ```
 *
 * @see {@link MongoLease} for what fails with it
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export const LeaseError: typeof Integration.LeaseError = Integration.LeaseError

/**
 * Says that a lease could not be taken in time, or was lost.
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export type LeaseError = Integration.LeaseError

/**
 * A lease while its work runs.
 *
 * @see {@link MongoLease} for the functions that give it to the work
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Held {
  /** The name of the lease. */
  readonly name: string
  /** The number of this turn: higher than the numbers of all earlier ones. Write it with what the lease protects. */
  readonly fence: number
  /** The name of this holder: the machine, the number of the process, and a random part. */
  readonly owner: string
  /**
   * Asks the server whether the lease is still held, and renews it. It never joins a transaction. Fails with a `LeaseError` if the lease was
   * lost.
   */
  readonly confirm: Effect.Effect<void, LeaseError | MongoError.MongoError>
}

/**
 * Who has a lease.
 *
 * @see {@link MongoLease} for the function that asks for it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Holder {
  /** The name of the holder: the machine, the number of the process, and a random part. */
  readonly owner: string
  /** When the lease runs out, counted from now, unless it is renewed. */
  readonly expiresIn: Duration.Duration
}

/**
 * The name of a lease, and how long it lasts.
 *
 * @see {@link MongoLease} for the functions that take it
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface LeaseOptions {
  /** The name of the lease: whoever uses the same name takes turns. */
  readonly name: string
  /** How long the lease of a process that was killed still lasts, 30 seconds by default. A living process renews it three times in that time. */
  readonly duration?: Duration.Input | undefined
}

/**
 * Leases by name, each with one holder at a time.
 *
 * **Details**
 *
 * A lease is a document, and the server's clock measures it. While the work runs, the lease is renewed three times in its duration. When it is lost, because the process was
 * stopped for too long or has no server, the work is interrupted. When the work ends in any way, the lease is free at once.
 *
 * All waiting is by `Mongo.CurrentServerClock`, and makes no spans. A deadline around an operation applies to the work alone. In a transaction operations fail with a
 * `TransactionError`: the lease would be free before the transaction commits.
 *
 * **Gotchas**
 *
 * A process that was stopped or cut off notices late that it has lost its lease, and until then it works beside the next holder. So write `fence` with the data
 * that the lease protects, and write only if the stored fence is not higher: then a late write changes nothing, as in the second example.
 *
 * **Example** (A leader)
 *
 * ```ts
 * import { MongoLease } from "@mongofx/backends"
 * import { Console, Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const leases = yield* MongoLease.MongoLease
 *   yield* leases.lead({ name: "mailer" }, ({ fence }) =>
 *     Effect.andThen(Console.log(`leads for the ${fence}th time`), Effect.never))
 * })
 * ```
 *
 * **Example** (Writes that a newer holder refuses)
 *
 * ```ts
 * import { type MongoLease } from "@mongofx/backends"
 * import type { MongoCollection } from "@mongofx/core"
 *
 * interface Report {
 *   readonly _id: string
 *   readonly fence: number
 *   readonly total: number
 * }
 *
 * const save = (reports: MongoCollection.MongoCollection<Report>, { fence }: MongoLease.Held, total: number) =>
 *   reports.updateOne({ _id: "today", fence: { $lte: fence } }, { $set: { fence, total } })
 * ```
 *
 * @see {@link layer} for the layer
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface MongoLease {
  /**
   * Waits for a lease and runs work while it is held. Fails with a `LeaseError` of kind `held` if it is not free within `wait`, 10 minutes by default, and of
   * kind `lost` if it was lost while the work ran.
   */
  readonly withLease: <A, E, R>(
    options: LeaseOptions & { readonly wait?: Duration.Input | undefined },
    use: (lease: Held) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | LeaseError | MongoError.MongoError, R>
  /**
   * Runs work if the lease is free now, and gives none if another owner has it. Fails with a `LeaseError` of kind `lost` if the lease was lost while the
   * work ran.
   */
  readonly tryWithLease: <A, E, R>(
    options: LeaseOptions,
    use: (lease: Held) => Effect.Effect<A, E, R>
  ) => Effect.Effect<Option.Option<A>, E | LeaseError | MongoError.MongoError, R>
  /**
   * Waits until this process is the leader, however long that takes, and runs work as long as it is. When the lease is lost, the work is interrupted, and runs again when
   * this process leads again; so do work and waiting after an outage of the servers. It ends when the work does, with its result. Fails with a `MongoError` that
   * does not pass by itself, such as an `AuthorizationError`.
   */
  readonly lead: <A, E, R>(
    options: LeaseOptions,
    use: (lease: Held) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | MongoError.MongoError, R>
  /** Who has a lease now; none if it is free or has run out. */
  readonly holder: (name: string) => Effect.Effect<Option.Option<Holder>, MongoError.MongoError>
}

/**
 * Leases as a service.
 *
 * **Example** (A nightly report, written once)
 *
 * ```ts
 * import { MongoLease } from "@mongofx/backends"
 * import { Console, Effect, Schedule } from "effect"
 *
 * const nightly = Effect.gen(function*() {
 *   const leases = yield* MongoLease.MongoLease
 *   yield* leases.tryWithLease({ name: "report" }, () => Console.log("writing the report"))
 * }).pipe(Effect.repeat(Schedule.cron("0 3 * * *")))
 * ```
 *
 * @see {@link layer} for the layer
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export const MongoLease: Context.Service<MongoLease, MongoLease> = Context.Service<MongoLease>(
  "@mongofx/backends/MongoLease"
)

/**
 * Settings of the layer.
 *
 * @see {@link layerWith} for the layer that takes them
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The collection of the leases, `effect_lease` by default. */
  readonly collectionName?: string | undefined
}

/** How long a leader without a server waits before it asks again, in milliseconds. */
const patience = 1000

const make = (database: MongoDatabase.MongoDatabase, options: Options): MongoLease => {
  const collection = options.collectionName ?? "effect_lease"
  const { holder } = Integration.leases(database, { collection })

  /** Takes a lease. What the work ends with is the value, so that its failures are not taken for those of the lease. Only the work has spans. */
  const taking = <A, E, R>(
    options: LeaseOptions & { readonly wait?: Duration.Input | undefined },
    use: (lease: Held) => Effect.Effect<A, E, R>
  ): Effect.Effect<Exit.Exit<A, E>, LeaseError | MongoError.MongoError, R> =>
    Effect.flatMap(References.TracerEnabled, (enabled) =>
      Integration.withLease(
        database,
        { ...options, collection },
        (lease) => Effect.exit(Effect.withTracerEnabled(use(lease), enabled))
      ).pipe(Effect.withTracerEnabled(false)))

  const lead: MongoLease["lead"] = (options, use) =>
    Effect.matchEffect(taking({ ...options, wait: Duration.infinity }, use), {
      onFailure: (error) =>
        error._tag === "LeaseError" || error.reason.isTransient
          ? Effect.andThen(serverSleep(Duration.millis(patience)), lead(options, use))
          : Effect.fail(error),
      onSuccess: (exit) => exit
    })

  return {
    withLease: (options, use) => Effect.flatten(taking(options, use)),
    tryWithLease: (options, use) =>
      Effect.matchEffect(taking({ ...options, wait: 0 }, use), {
        onFailure: (error) =>
          error._tag === "LeaseError" && error.kind === "held" ? Effect.succeedNone : Effect.fail(error),
        onSuccess: (exit) => Effect.asSome(exit)
      }),
    lead,
    holder
  }
}

/**
 * Provides leases in a collection of the database, with settings.
 *
 * **Example** (A collection of its own)
 *
 * ```ts
 * import { MongoLease } from "@mongofx/backends"
 *
 * const Leases = MongoLease.layerWith({ collectionName: "leases" })
 * ```
 *
 * @see {@link layer} for the same without settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (options: Options): Layer.Layer<MongoLease, never, MongoDatabase.MongoDatabase> =>
  Layer.effect(MongoLease, Effect.map(MongoDatabase.MongoDatabase, (database) => make(database, options)))

/**
 * Provides leases in the collection `effect_lease`.
 *
 * **Details**
 *
 * A name that was used once keeps its document, which has the last fence. It needs no index but that of `_id`.
 *
 * **Example** (One process at a time)
 *
 * ```ts
 * import { MongoLease } from "@mongofx/backends"
 * import { MongoClient, MongoDatabase } from "@mongofx/core"
 * import { Config, Console, Effect, Layer } from "effect"
 *
 * const Leases = MongoLease.layer.pipe(
 *   Layer.provide(MongoDatabase.layer("app")),
 *   Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
 * )
 *
 * const program = Effect.gen(function*() {
 *   const leases = yield* MongoLease.MongoLease
 *   yield* leases.withLease({ name: "import" }, () => Console.log("importing"))
 * }).pipe(Effect.provide(Leases))
 * ```
 *
 * @see {@link layerWith} for settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<MongoLease, never, MongoDatabase.MongoDatabase> = layerWith({})
