/**
 * The journal: one document that has the record of each migration, and the fence of the process that may write it.
 *
 * One document, so that every write compares the fence in the same step. The lease is a document of its own: its renewals would conflict
 * with a transaction that writes the journal.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { MongoDatabase } from "../../MongoDatabase.ts"
import { isMongoError, type MongoError } from "../../MongoError.ts"
import { connectionOf } from "../call/connection.ts"
import { provideDeadline, withoutDeadline } from "../call/deadline.ts"
import { ambientSession } from "../call/operation.ts"
import { serverNanos, serverSleep } from "../call/serverTime.ts"
import { recordsIn } from "../handle/records.ts"
import { apartFrom } from "../session/transaction.ts"
import { failure, type MigrationError } from "./migrationError.ts"

/**
 * How far a step has come.
 *
 * @internal
 */
export interface StepEntry {
  readonly name: string
  readonly done: boolean
  readonly handled: number
  /** Absent before the first position is saved. */
  readonly position?: unknown
  readonly savedAt: Date
}

/**
 * What the journal has about a migration.
 *
 * @internal
 */
export interface Entry {
  readonly name: string
  readonly checksum?: string
  readonly state: "applied" | "failed" | "interrupted" | "running"
  readonly startedAt: Date
  readonly finishedAt?: Date
  readonly durationMillis?: number
  readonly error?: string
  /** The process that ran it last. */
  readonly owner: string
  readonly attempts: number
  readonly steps?: Readonly<Record<string, StepEntry>>
}

/** @internal */
export type Entries = ReadonlyMap<number, Entry>

interface Stored {
  readonly _id: "journal"
  readonly fence: number
  /** By their numbers. */
  readonly migrations: Readonly<Record<string, Entry>>
}

const entriesOf = (stored: Option.Option<Stored>): Entries =>
  new Map(
    Option.isNone(stored) ? [] : Object.entries(stored.value.migrations).map(([id, entry]) => [Number(id), entry])
  )

/** The name of a step as the name of a field, which is never empty. */
const keyOf = (step: string): string =>
  step.replace(/[%.$\0]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`) || "%"

/** How long the record of work that is done may take, which nothing interrupts, and the longest pause between two attempts at it. */
const recordTimeout = Duration.seconds(30)
const longestPause = 1000

/** Repeats a write that may be applied twice, while its failures may pass by themselves. */
const persistently = <A, E>(self: Effect.Effect<A, E | MongoError>): Effect.Effect<A, E | MongoError> =>
  Effect.withFiber((fiber) => {
    const giveUpAt = serverNanos(fiber) + Duration.toNanosUnsafe(recordTimeout)
    return Effect.gen(function*() {
      for (let wait = 50;; wait = Math.min(2 * wait, longestPause)) {
        const result = yield* Effect.result(self)
        if (Result.isSuccess(result)) return result.success
        const mayPass = isMongoError(result.failure) && result.failure.isTransient
        if (!mayPass || serverNanos(fiber) >= giveUpAt) return yield* Effect.fail(result.failure)
        yield* serverSleep(wait)
      }
    })
  })

const lost = failure(
  "LeaseLost",
  [],
  "another process has taken over the migrations, or the journal was removed, so this one records nothing any more: run them again, they " +
    "go on where they are"
)

/**
 * The journal of one process that may write it, until another one claims it.
 *
 * @internal
 */
export interface ClaimedJournal {
  /** What it had when it was claimed. */
  readonly entries: Entries
  /** Sets fields of a record, and removes others. Joins the transaction around it. */
  readonly write: (
    id: number,
    set: Partial<Entry>,
    unset?: ReadonlyArray<keyof Entry>
  ) => Effect.Effect<void, MigrationError | MongoError>
  /** Sets fields of the record of a migration that has not ended. False if it has ended, or another process has taken over. */
  readonly end: (id: number, set: Partial<Entry>) => Effect.Effect<boolean, MongoError>
  /** How far a step has come. */
  readonly step: (id: number, step: string) => Effect.Effect<StepEntry | undefined, MigrationError | MongoError>
  /** Saves how far a step has come. Joins the transaction around it. */
  readonly saveStep: (id: number, entry: StepEntry) => Effect.Effect<void, MigrationError | MongoError>
}

/** @internal */
export const journalOf = (database: MongoDatabase, name: string) => {
  const connection = connectionOf(database)
  const stored = recordsIn<Stored>(database, name)
  const found = stored.findOne({ _id: "journal" })

  const claimed = (journal: Stored): ClaimedJournal => {
    const ours = { _id: "journal", fence: journal.fence } as const
    const update = (update: object) =>
      Effect.flatMap(
        stored.updateOne(ours, update),
        ({ matchedCount }) => matchedCount === 1 ? Effect.void : Effect.fail(lost)
      )
    const fields = (id: number, set: Partial<Entry>) =>
      Object.fromEntries(Object.entries(set).map(([key, value]) => [`migrations.${id}.${key}`, value]))
    return {
      entries: entriesOf(Option.some(journal)),
      write: (id, set, unset = []) =>
        update({
          $set: fields(id, set),
          ...(unset.length === 0
            ? {}
            : { $unset: Object.fromEntries(unset.map((key) => [`migrations.${id}.${key}`, ""])) })
        }),
      end: (id, set) =>
        Effect.map(
          stored.updateOne({ ...ours, [`migrations.${id}.state`]: "running" }, { $set: fields(id, set) }),
          ({ matchedCount }) => matchedCount === 1
        ),
      step: (id, step) =>
        Effect.flatMap(
          stored.findOne(ours),
          Option.match({
            onNone: () => Effect.fail(lost),
            onSome: ({ migrations }) => Effect.succeed(migrations[id]?.steps?.[keyOf(step)])
          })
        ),
      saveStep: (id, entry) => update({ $set: { [`migrations.${id}.steps.${keyOf(entry.name)}`]: entry } })
    }
  }

  return {
    /** Runs an effect outside of the session and the deadline around it. */
    apart: apartFrom(connection),

    /**
     * Runs work, then the write that records it. A transaction commits both. Else only a kill comes between them: work that is done must not
     * be done again because of an interruption, or of a connection that breaks just now.
     */
    recorded: <A, B, E, E2, R>(
      work: Effect.Effect<A, E, R>,
      record: Effect.Effect<B, E2 | MongoError>
    ): Effect.Effect<B, E | E2 | MongoError, R> =>
      Effect.withFiber<B, E | E2 | MongoError, R>((fiber) =>
        ambientSession(connection, fiber.context)?.state.driver.inTransaction() === true
          ? Effect.andThen(work, record)
          : Effect.uninterruptibleMask((restore) =>
            Effect.andThen(restore(work), withoutDeadline(provideDeadline(persistently(record), recordTimeout)))
          )
      ),

    read: Effect.map(found, entriesOf),

    /**
     * Makes this process the one that may write. `confirm` says that it has the lease: a process that was stopped since then finds
     * another fence.
     */
    claim: <E>(confirm: Effect.Effect<void, E>): Effect.Effect<ClaimedJournal, E | MongoError> =>
      Effect.gen(function*() {
        for (;;) {
          const fence = Option.match(yield* found, { onNone: () => 0, onSome: ({ fence }) => fence })
          yield* confirm
          const journal = yield* stored.findOneAndUpdate(
            { _id: "journal", fence },
            { $set: { fence: fence + 1 }, $setOnInsert: { migrations: {} } },
            // An upsert of a document with another fence is a duplicate key.
            { upsert: fence === 0, returnDocument: "after" }
          ).pipe(Effect.catchReason("MongoError", "DuplicateKeyError", () => Effect.succeedNone))
          if (Option.isSome(journal)) return claimed(journal.value)
        }
      })
  }
}
