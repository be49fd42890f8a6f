/**
 * Runs what is pending, by one process at a time.
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import type { HeldLease } from "../../Integration.ts"
import { MongoDatabase } from "../../MongoDatabase.ts"
import { isMongoError, type MongoError } from "../../MongoError.ts"
import type {
  AppliedMigration,
  Loader,
  Migration,
  MigrationEvent,
  MigrationPlan,
  MigratorOptions,
  ResolvedMigration,
  Services
} from "../../MongoMigrator.ts"
import { connectionOf } from "../call/connection.ts"
import { serverNow } from "../call/serverTime.ts"
import { redactCredentials } from "../errors/redact.ts"
import { asFarAsPossible } from "../lease/holding.ts"
import { LeaseError } from "../lease/leaseError.ts"
import { leases } from "../lease/leases.ts"
import { withLease } from "../lease/withLease.ts"
import { withTransactionOf } from "../session/withTransaction.ts"
import { CurrentMigration } from "./current.ts"
import { type ClaimedJournal, journalOf, type StepEntry } from "./journal.ts"
import { byId, failure, MigrationError, type MigrationId, nameOf, namesOf } from "./migrationError.ts"
import { type Plan, planOf, problemOf, problemOfLoaded } from "./plan.ts"

const defaultCollection = "mongofx_migrations"

/** @internal */
export const leaseName = "lease"

/** The longest text of a failure in the journal. */
const longestError = 1000

/** The migrations of a loader, in the order of their numbers. */
const load = <R, RL>(loader: Loader<R, RL>): Effect.Effect<ReadonlyArray<ResolvedMigration<R>>, MigrationError, RL> =>
  Effect.flatMap(loader, (migrations) => {
    const loaded = [...migrations].sort(byId)
    const problem = problemOfLoaded(loaded)
    return problem === undefined ? Effect.succeed(loaded) : Effect.fail(problem)
  })

/**
 * A migrator of one database: what its loader has, and its journal.
 *
 * @internal
 */
export const open = <R, RL>(options: MigratorOptions<R, RL>) =>
  Effect.gen(function*() {
    const database = yield* MongoDatabase
    const collection = options.collection ?? defaultCollection
    const journal = journalOf(database, collection)
    const loaded = yield* load(options.loader)
    return { database, collection, journal, loaded }
  })

type Migrator = Effect.Success<ReturnType<typeof open<unknown, unknown>>>

/** Fails if something forbids that the pending migrations run. */
const checked = <P extends Plan<ResolvedMigration<unknown>>>(
  plan: P,
  options: MigratorOptions<unknown, unknown>
): Effect.Effect<P, MigrationError> => {
  const problem = problemOf(plan, options)
  return problem === undefined ? Effect.succeed(plan) : Effect.fail(problem)
}

const reportOthers = ({ changed, unknown }: Plan<ResolvedMigration<unknown>>): Effect.Effect<void> =>
  Effect.andThen(
    unknown.length === 0
      ? Effect.void
      : Effect.logWarning(`${namesOf(unknown)}: applied by another release, and not among the migrations of this one`),
    changed.length === 0
      ? Effect.void
      : Effect.logWarning(`${namesOf(changed)}: changed since it was applied`)
  )

/** What the message of a failure says, for the journal, the log and other messages: without the credentials of a URL in it. */
const textOf = (error: unknown): string => {
  const text = redactCredentials(textWithCredentials(error))
  return text.length <= longestError ? text : `${text.slice(0, longestError)}…`
}

const textWithCredentials = (error: unknown): string =>
  error instanceof Error
    ? error.message === "" ?
      error.name
      : isMongoError(error) || error.name === "Error"
      ? error.message
      : `${error.name}: ${error.message}`
    : typeof error === "string"
    ? error
    : "it failed with a value that is not an Error"

const failureOf = (cause: Cause.Cause<unknown>): unknown => {
  for (const reason of cause.reasons) {
    if (Cause.isFailReason(reason)) return reason.error
    if (Cause.isDieReason(reason)) return reason.defect
  }
  return undefined
}

const notApplied = "It is not recorded as applied"
const unknownState = "Its record could not be changed, and MongoMigrator.status says what it is"

// ---- one process at a time

const toMigrationError = (error: LeaseError): MigrationError =>
  error.kind === "lost"
    ? failure(
      "LeaseLost",
      [],
      "this process could not renew its lease in time, so it stopped, and records nothing any more: run the migrations again, they go on " +
        "where they are. If the process was blocked, make lease.duration longer",
      error
    )
    : failure(
      "Locked",
      [],
      `another process runs the migrations, and was not done in time${
        error.holder === undefined ? "" : `: ${error.holder}`
      }. Make lease.wait longer, or look at MongoMigrator.status for what it does`,
      error
    )

/** Runs an effect that may write the journal. `unless` ends the waiting for another process. */
const exclusively = <A, E, R, E2 = never, R2 = never>(
  { collection, database, journal }: Migrator,
  { lease }: Pick<MigratorOptions, "lease">,
  use: (lease: HeldLease, journal: ClaimedJournal) => Effect.Effect<A, E, R>,
  unless?: Effect.Effect<Option.Option<A>, E2, R2>
): Effect.Effect<A, E | E2 | MigrationError | MongoError, R | R2> =>
  withLease(
    database,
    { name: leaseName, collection, duration: lease?.duration, wait: lease?.wait, unless },
    (lease) => Effect.flatMap(journal.claim(lease.confirm), (journal) => use(lease, journal))
  ).pipe(Effect.mapError((error) => error instanceof LeaseError ? toMigrationError(error) : error))

// ---- one migration

interface Running {
  readonly migrator: Migrator
  readonly lease: HeldLease
  readonly claimed: ClaimedJournal
  readonly report: (event: MigrationEvent) => Effect.Effect<void>
}

const now = Effect.map(Clock.currentTimeMillis, (millis) => new Date(millis))

const runOne = <R>(
  { claimed, lease, migrator, report }: Running,
  { checksum: known, id, name }: ResolvedMigration<R>,
  { checksum: declared, transaction = false, up }: Migration<R>,
  place: { readonly index: number; readonly total: number }
): Effect.Effect<AppliedMigration, MigrationError | MongoError, Exclude<R, CurrentMigration>> => {
  const { database, journal: { apart, recorded } } = migrator
  const migration: MigrationId = { id, name }
  const checksum = known ?? declared
  const earlier = claimed.entries.get(id)

  const saveStep = (entry: Omit<StepEntry, "savedAt">) =>
    Effect.flatMap(now, (savedAt) => Effect.as(claimed.saveStep(id, { ...entry, savedAt }), entry))
  const reportStep = ({ done, handled, name }: Omit<StepEntry, "savedAt">) =>
    report({ _tag: "Progress", ...migration, step: name, handled, done })
  const current = CurrentMigration.of({
    ...migration,
    stepOf: (step) => claimed.step(id, step),
    saveStep: (entry) => Effect.flatMap(saveStep(entry), reportStep),
    endStep: (work, entry) => Effect.flatMap(recorded(work, Effect.suspend(() => saveStep(entry()))), reportStep)
  })

  return Effect.gen(function*() {
    // A process that was stopped between two migrations must not begin another one.
    yield* lease.confirm.pipe(Effect.catchTag("LeaseError", (error) => Effect.fail(toMigrationError(error))))
    const startedAt = yield* now
    const began = yield* serverNow
    const begin = claimed.write(id, {
      name,
      ...(checksum === undefined ? {} : { checksum }),
      state: "running",
      startedAt,
      owner: lease.owner,
      attempts: (earlier?.attempts ?? 0) + 1
    }, ["finishedAt", "durationMillis", "error", ...(checksum === undefined ? ["checksum" as const] : [])])
    yield* apart(begin)
    yield* report({ _tag: "Started", ...migration, resumes: earlier !== undefined, ...place })
    yield* Effect.logInfo(earlier === undefined ? "Running migration" : "Running migration again")

    const ended = Effect.all([now, Effect.map(serverNow, (now) => Math.max(0, Math.round(now - began)))])
    const succeed = Effect.flatMap(
      ended,
      ([finishedAt, durationMillis]) =>
        Effect.as(claimed.write(id, { state: "applied", finishedAt, durationMillis }), durationMillis)
    )
    let isDone = false
    let isRecorded = false
    let isMarked = false
    const body = Effect.provideService(up, CurrentMigration, current)
    const ran: Effect.Effect<number, unknown, Exclude<R, CurrentMigration>> = transaction
      // The record commits with the work.
      ? withTransactionOf(connectionOf(database), identity)(recorded(body, succeed))
      : recorded(
        body,
        Effect.suspend(() => {
          isDone = true
          return Effect.tap(apart(succeed), () =>
            Effect.sync(() => {
              isRecorded = true
            }))
        })
      )

    const fail = (cause: Cause.Cause<unknown>) =>
      Effect.gen(function*() {
        if (isRecorded) return
        const error = failureOf(cause)
        const isInterrupted = error === undefined
        const reason = isInterrupted ? "it was interrupted" : textOf(error)
        const text = isDone ? `its work is done, but its record failed: ${reason}` : reason
        const [finishedAt, durationMillis] = yield* ended
        const end = claimed.end(id, {
          state: isInterrupted ? "interrupted" : "failed",
          finishedAt,
          durationMillis,
          error: text
        })
        yield* asFarAsPossible(Effect.map(apart(end), (isOurs) => {
          isMarked = isOurs
        }))
        yield* Effect.logError(`Migration failed: ${text}`)
        yield* report({ _tag: "Failed", ...migration, message: text })
      })

    const duration = yield* ran.pipe(
      Effect.onExit((exit) => Exit.isSuccess(exit) ? Effect.void : fail(exit.cause)),
      Effect.mapError((error) =>
        error instanceof MigrationError && error.kind === "LeaseLost" ? error : failure(
          "Failed",
          [migration],
          isDone
            ? `the work of migration ${nameOf(migration)} is done, but its record failed: ${textOf(error)}. ${
              isMarked ? notApplied : unknownState
            }: if it must not run again, record it with MongoMigrator.accept`
            : `migration ${nameOf(migration)} failed: ${textOf(error)}. ${
              isMarked ? notApplied : unknownState
            }: when its cause is repaired, run the migrations again. It starts from its beginning, or goes on after its finished steps`,
          error
        )
      )
    )
    yield* report({ _tag: "Finished", ...migration, durationMillis: duration })
    yield* Effect.logInfo(`Applied migration in ${Duration.format(Duration.millis(duration))}`)
    return { ...migration, durationMillis: duration }
  }).pipe(
    Effect.annotateLogs({ migration_id: String(id), migration_name: name }),
    Effect.withSpan(`Migrator ${nameOf(migration)}`)
  )
}

/** Imports the pending ones before the first of them runs. */
const imported = <R>(pending: ReadonlyArray<ResolvedMigration<R>>) =>
  Effect.forEach(pending, (one) => Effect.map(one.load, (migration) => [one, migration] as const))

// ---- all of them

/** @internal */
export const run = <R, RL = never>(
  options: MigratorOptions<R, RL>
): Effect.Effect<ReadonlyArray<AppliedMigration>, MigrationError | MongoError, Services<R, RL>> =>
  Effect.gen(function*() {
    const migrator = yield* open(options)
    const { collection, database, journal, loaded } = migrator
    const report = options.onEvent ?? (() => Effect.void)
    const look = Effect.flatMap(journal.read, (entries) => checked(planOf(loaded, entries), options))

    // Most starts find nothing to do, and need no lease.
    const first = yield* look
    yield* reportOthers(first)
    if (first.pending.length === 0) return []

    let waits = false
    const unless = Effect.gen(function*() {
      if (!waits) {
        waits = true
        const holder = Option.getOrUndefined(yield* journal.apart(leases(database, { collection }).holder(leaseName)))
        yield* Effect.logInfo(
          `Waiting for the process that runs the migrations: ${holder?.owner ?? "it has just ended"}`
        )
        yield* report({ _tag: "Waiting", holder: holder?.owner })
      }
      const { pending } = yield* look
      return pending.length === 0 ? Option.some<ReadonlyArray<AppliedMigration>>([]) : Option.none()
    })
    return yield* exclusively(migrator, options, (lease, claimed) =>
      Effect.gen(function*() {
        const { pending } = yield* checked(planOf(loaded, claimed.entries), options)
        const migrations = yield* imported(pending)
        const running = { migrator, lease, claimed, report }
        return yield* Effect.forEach(
          migrations,
          ([one, migration], index) => runOne(running, one, migration, { index, total: migrations.length })
        )
      }), unless)
  })

/** @internal */
export const plan = <R, RL = never>(
  options: MigratorOptions<R, RL>
): Effect.Effect<MigrationPlan, MigrationError | MongoError, MongoDatabase | RL> =>
  Effect.gen(function*() {
    const { journal, loaded } = yield* open(options)
    const entries = yield* journal.read
    const { applied, late, pending, unknown } = yield* checked(planOf(loaded, entries), options)
    yield* imported(pending)
    return {
      applied,
      pending: pending.map((one) => ({
        id: one.id,
        name: one.name,
        outOfOrder: late.includes(one),
        resumes: entries.has(one.id)
      })),
      unknown
    }
  })

/** @internal */
export const accept = <R, RL = never>(
  options: MigratorOptions<R, RL>,
  ids: ReadonlyArray<number>
): Effect.Effect<void, MigrationError | MongoError, MongoDatabase | RL> =>
  Effect.gen(function*() {
    const migrator = yield* open(options)
    const { loaded } = migrator
    const missing = ids.filter((id) => loaded.every((migration) => migration.id !== id))
    if (missing.length > 0) {
      return yield* failure(
        "BadState",
        [],
        `the loader has no migration ${missing.join(", ")}: pass the numbers of migrations that it has`
      )
    }
    yield* exclusively(migrator, options, (lease, claimed) =>
      Effect.forEach(
        loaded.filter(({ id }) => ids.includes(id)),
        ({ checksum, id, name }) =>
          Effect.flatMap(now, (at) => {
            const earlier = claimed.entries.get(id)
            const isApplied = earlier?.state === "applied"
            return claimed.write(id, {
              name,
              state: "applied",
              ...(checksum === undefined ? {} : { checksum }),
              ...(isApplied ? {} : {
                startedAt: at,
                finishedAt: at,
                durationMillis: 0,
                owner: lease.owner,
                attempts: earlier?.attempts ?? 0
              })
            }, ["error", ...(checksum === undefined ? ["checksum" as const] : [])])
          }),
        { discard: true }
      ))
  })
