/**
 * What all backends have in common: a collection that confirms what it has written, operations outside of the caller's transaction and with a
 * time limit, and times of two clocks.
 */
import { Integration, Mongo, type MongoCollection, type MongoDatabase, type MongoError } from "@mongofx/core"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Document } from "mongodb"

/**
 * The settings that every backend takes.
 *
 * @internal
 */
export interface StoreOptions {
  readonly collectionName?: string | undefined
  readonly deadline?: Duration.Input | undefined
}

/**
 * A collection of a backend, and how its operations run.
 *
 * @internal
 */
export interface Store<Stored extends Document> {
  readonly collection: MongoCollection.MongoCollection<Stored>
  /** Runs operations outside of the session and the transaction around them, with a deadline. */
  readonly run: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Runs operations that may belong to the transaction around them, with a deadline. */
  readonly inTime: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

const defaultDeadline = Duration.seconds(10)

/**
 * Makes a store in a collection of the database.
 *
 * @internal
 */
export const makeStore = <Stored extends Document>(
  database: MongoDatabase.MongoDatabase,
  defaultName: string,
  options: StoreOptions
): Store<Stored> => {
  const collection = Integration.recordsIn<Stored>(database, options.collectionName ?? defaultName)
  const deadline = options.deadline ?? defaultDeadline
  const apart = Integration.withoutTransaction(database)
  const inTime = Mongo.withDeadline(deadline)
  return { collection, run: (self) => apart(inTime(self)), inTime }
}

// ---- indexes

/** How long a layer that is built waits for servers that are away, and between two attempts: milliseconds. */
const patience = 30_000
const pause = 500

/**
 * Makes indexes, once more when the primary has changed meanwhile. It fails as a defect, as the tables of Effect's SQL layers do. A deadline would end the
 * build of an index of a large collection again and again.
 *
 * @internal
 */
export const indexing = (
  apart: Store<Document>["run"],
  make: Effect.Effect<unknown, MongoError.MongoError>
): Effect.Effect<void> =>
  Effect.flatMap(serverNow, (began) => {
    const attempt: Effect.Effect<unknown, MongoError.MongoError> = Effect.catch(make, (error) =>
      Effect.flatMap(serverNow, (now) =>
        error.reason.isTransient && now < began + patience
          ? Effect.andThen(serverSleep(Duration.millis(pause)), attempt)
          : Effect.fail(error)))
    return apart(Effect.asVoid(Effect.orDie(attempt)))
  })

/**
 * Lets the server delete documents when their `expireAt` has passed.
 *
 * @internal
 */
export const expiring = <Stored extends Document>({ collection }: Store<Stored>): Effect.Effect<void> =>
  indexing(
    Integration.withoutTransaction(collection),
    collection.createIndex({ expireAt: 1 }, { expireAfterSeconds: 0 })
  )

/**
 * Runs an upsert again that came second. The server repeats most of them itself.
 *
 * @internal
 */
export const upserting = <A, R>(
  self: Effect.Effect<A, MongoError.MongoError, R>
): Effect.Effect<A, MongoError.MongoError, R> => Effect.retry(self, { times: 5, while: isRace })

const isRace = ({ reason }: MongoError.MongoError): boolean =>
  reason._tag === "DuplicateKeyError" ||
  (reason._tag === "BulkWriteError" && reason.writeConcernErrors.length === 0 && reason.stoppedBy === undefined &&
    reason.writeErrors.every(({ reason }) => reason._tag === "DuplicateKeyError"))

// ---- times

/**
 * Which clock measures a backend: the server's, or Effect's `Clock`.
 *
 * @internal
 */
export type ClockOption = "server" | "program"

/**
 * The time now in milliseconds, as an expression of the server. Times are numbers: a date would lose the fractions of milliseconds.
 *
 * @internal
 */
export const nowBy = (clock: ClockOption | undefined): Effect.Effect<number | Document> =>
  clock === "program" ? Clock.currentTimeMillis : Effect.succeed({ $toDouble: "$$NOW" })

/** A hundred years in milliseconds. The server has no date for an infinite time. */
const longest = 100 * 365 * 24 * 3600 * 1000

/**
 * The date after some milliseconds, by the server's clock: it deletes by that clock, whatever clock the program has.
 *
 * @internal
 */
export const dateIn = (millis: number | Document): Document => ({
  $add: ["$$NOW", { $toLong: { $ceil: { $max: [0, { $min: [millis, longest] }] } } }]
})

/**
 * Milliseconds of the clock of servers. Compare them only with each other.
 *
 * @internal
 */
export const serverNow: Effect.Effect<number> = Effect.map(
  Mongo.CurrentServerClock,
  (clock) => Number(clock.monotonicTimeNanosUnsafe()) / 1e6
)

/**
 * Sleeps as long as it takes by the clock of servers, under a `TestClock` too.
 *
 * @internal
 */
export const serverSleep = (duration: Duration.Duration): Effect.Effect<void> =>
  Effect.flatMap(Mongo.CurrentServerClock, (clock) => clock.sleep(duration))
