/** Carries out plans, one process at a time: looks for duplicates, changes, builds, and drops, in this order. */
import { Integration, type MongoCollection as Core, MongoError } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type { Applied, Duplicates, Event, Index, IndexFailure, Options, Plan, Step } from "../../MongoIndex.ts"
import type { TypedCollection } from "../../TypedCollection.ts"
import { build, finalizing, sleep, watching } from "./build.ts"
import { valueText } from "./canonical.ts"
import { canLook, duplicatesPipeline } from "./duplicates.ts"
import { DuplicateKeys, PlanChanged } from "./errors.ts"
import { dropsUnasked, pending } from "./plan.ts"
import { hasBuild, plan } from "./read.ts"

/** Hears what happens. Without it nobody asks the server for the progress of builds. */
type Tell = ((event: Event) => Effect.Effect<void>) | undefined

type Steps<Kind extends Step["kind"]> = ReadonlyArray<Extract<Step, { readonly kind: Kind }>>

const isKind =
  <const Kind extends Step["kind"]>(...kinds: ReadonlyArray<Kind>) =>
  (step: Step): step is Extract<Step, { readonly kind: Kind }> => kinds.includes(step.kind as Kind)

/** The steps whose indexes the server has not finished. */
const buildingOf = ({ steps }: Plan): Steps<"equal"> => steps.filter(isKind("equal")).filter(({ building }) => building)

/** How many duplicate keys of an index to show. */
const examples = 10

/** How often to look whether the server has finished a build of somebody else, in milliseconds. */
const interval = 250

/** What carries out the steps for one collection. */
class Work {
  private readonly collection: Core.MongoCollection
  private readonly options: Options
  private readonly tell: Tell
  private readonly lease: Integration.HeldLease
  /** The names of the indexes that are built already. */
  private readonly built: ReadonlySet<string>

  constructor(collection: Core.MongoCollection, options: Options, tell: Tell, lease: Integration.HeldLease, now: Plan) {
    this.collection = collection
    this.options = options
    this.tell = tell
    this.lease = lease
    this.built = new Set(now.steps.filter(isKind("equal", "collMod")).map(({ index }) => index.name))
  }

  private collMod(index: Driver.Document, others: Driver.Document = {}) {
    const { database, name } = this.collection
    return database.command({ collMod: name, index, ...others })
  }

  /** Runs what carries out steps that belong together, and tells of it. */
  private doing<E, R>(
    steps: ReadonlyArray<Step>,
    self: Effect.Effect<unknown, E, R>
  ): Effect.Effect<void, E | Integration.LeaseError | MongoError.MongoError, R> {
    const { tell } = this
    const working = tell === undefined
      ? self
      : Effect.raceFirst(self, watching(this.collection, (progress) => tell({ _tag: "Progress", steps, ...progress })))
    return Effect.gen({ self: this }, function*() {
      yield* this.lease.confirm
      for (const step of steps) yield* tell?.({ _tag: "Started", step }) ?? Effect.void
      yield* working
      for (const step of steps) yield* tell?.({ _tag: "Finished", step }) ?? Effect.void
    })
  }

  /** Waits for the builds that somebody else has begun. */
  finished<E, R>(steps: Steps<"equal">, isBuilding: Effect.Effect<boolean, E, R>) {
    const waiting = Effect.gen(function*() {
      do yield* sleep(interval)
      while (yield* isBuilding)
    })
    return this.doing(steps, waiting)
  }

  // ---- documents with the same key

  private duplicatesOf(index: Index): Effect.Effect<Duplicates["keys"], MongoError.MongoError> {
    if (!canLook(index)) return Effect.succeed([])
    const collation = index.options["collation"] as Driver.CollationOptions | undefined
    return this.collection.withOptions({ readPreference: "primary" }).aggregate<Duplicates["keys"][number]>(
      duplicatesPipeline(index, examples),
      { allowDiskUse: true, ...(collation === undefined ? {} : { collation }) }
    )
  }

  /** Lets the server refuse new duplicates, and takes it back if the index does not become unique. */
  private prepare(
    { index: { name } }: Steps<"collMod">[number]
  ): Effect.Effect<void, MongoError.MongoError, Scope.Scope> {
    return Effect.asVoid(Effect.acquireRelease(
      this.collMod({ name, prepareUnique: true }),
      // A unique index no longer has the flag. Whoever has taken over the lease decides about it.
      (_, exit) =>
        exit._tag === "Success"
          ? Effect.void
          : finalizing(Effect.andThen(this.lease.confirm, this.collMod({ name, prepareUnique: false })))
    ))
  }

  /** Asks the server whether an index could become unique. */
  private unfit({ index }: Steps<"collMod">[number]): Effect.Effect<ReadonlyArray<Duplicates>, MongoError.MongoError> {
    return this.collMod({ name: index.name, unique: true }, { dryRun: true }).pipe(
      Effect.as([]),
      Effect.catch((error) =>
        error.reason._tag === "IndexError" && error.reason.kind === "conflict"
          ? Effect.map(this.duplicatesOf(index), (keys) => [{ index, keys }])
          : Effect.fail(error)
      )
    )
  }

  /** Fails if documents have the same key in a unique index, before anything is built. */
  check(steps: ReadonlyArray<Step>): Effect.Effect<void, DuplicateKeys | MongoError.MongoError, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const found: Array<Duplicates> = []
      if (this.options.checkDuplicates !== false) {
        for (const { index } of steps.filter(isKind("create", "replace", "rename"))) {
          if (index.options["unique"] !== true || this.built.has(index.name)) continue
          const keys = yield* this.duplicatesOf(index)
          if (keys.length > 0) found.push({ index, keys })
        }
      }
      for (const step of steps.filter(isKind("collMod"))) {
        if (step.changes.unique !== true) continue
        yield* this.prepare(step)
        found.push(...yield* this.unfit(step))
      }
      if (found.length > 0) yield* new DuplicateKeys({ collection: this.collection.fullName, indexes: found })
    })
  }

  // ---- steps

  private drop(name: string): Effect.Effect<void, MongoError.MongoError> {
    return this.collection.dropIndex(name).pipe(
      Effect.catchReason(
        "MongoError",
        "IndexError",
        (reason, error) => reason.kind === "notFound" ? Effect.void : Effect.fail(error)
      )
    )
  }

  private build(indexes: ReadonlyArray<Index>) {
    const left = indexes.filter(({ name }) => !this.built.has(name))
    return left.length === 0 ? Effect.void : build(this.collection, left, this.options)
  }

  /** Carries out the steps. Whatever is dropped, what is new is there before, where the server can have both. */
  carryOut(steps: ReadonlyArray<Step>) {
    return Effect.gen({ self: this }, function*() {
      for (const step of steps.filter(isKind("collMod"))) {
        yield* this.doing([step], this.collMod({ name: step.index.name, ...step.changes }))
      }
      const fresh = steps.filter(isKind("create", "replace")).filter((step) => !dropsUnasked(step))
      if (fresh.length > 0) {
        const replaced = fresh.filter(isKind("replace")).map((step) => this.drop(step.replaced.name))
        const dropping = Effect.andThen(this.lease.confirm, Effect.all(replaced, { discard: true }))
        const building = this.build(fresh.map(({ index }) => index))
        yield* this.doing(fresh, replaced.length === 0 ? building : Effect.andThen(building, dropping))
      }
      for (const step of steps.filter(isKind("replace", "rename")).filter(dropsUnasked)) {
        yield* this.doing([step], Effect.andThen(this.drop(step.replaced.name), this.build([step.index])))
      }
      for (const step of steps.filter(isKind("extra"))) yield* this.doing([step], this.drop(step.index.name))
    })
  }
}

/** The server neither lists nor builds indexes in a transaction. */
const misplaced = (namespace: string): MongoError.MongoError =>
  Integration.failure(MongoError.TransactionError, {
    operation: "ensure",
    namespace,
    kind: "misused",
    message: "the server builds no indexes in a transaction: run it outside"
  })

/** Chooses the steps to do from a plan. */
type Choose<E> = (plan: Plan) => Effect.Effect<ReadonlyArray<Step>, E>

const once = <S extends Schema.Constraint, E>(
  collection: TypedCollection<S>,
  options: Options,
  tell: Tell,
  choose: Choose<E>
): Effect.Effect<Applied, E | IndexFailure, S["EncodingServices"]> =>
  Effect.gen(function*() {
    const look = plan(collection)
    const appliedBy = (plan: Plan, done: ReadonlyArray<Step>): Applied => ({
      collection: plan.collection,
      done,
      left: options.allowDrop === true ? [] : plan.steps.filter(dropsUnasked)
    })
    let isWaiting = false
    const nothingToDo = Effect.gen(function*() {
      const now = yield* look
      return (yield* choose(now)).length === 0 ? Option.some(appliedBy(now, [])) : Option.none()
    })
    const unless = Effect.gen(function*() {
      if (!isWaiting) yield* tell?.({ _tag: "Waiting", collection: collection.fullName }) ?? Effect.void
      isWaiting = true
      return yield* nothingToDo
    })
    /** Whether builds of others have to end first. The server changes no index of a collection while it builds one, whichever that is. */
    const isBuilding = (plan: Plan) => {
      if (buildingOf(plan).length > 0) return Effect.succeed(true)
      return plan.steps.some(isKind("collMod")) ? hasBuild(collection.untyped) : Effect.succeed(false)
    }
    const working = (lease: Integration.HeldLease) =>
      Effect.scoped(Effect.gen(function*() {
        const workOn = (plan: Plan) => new Work(collection.untyped, options, tell, lease, plan)
        const before = yield* look
        const finished = workOn(before).finished(buildingOf(before), Effect.flatMap(look, isBuilding))
        const now = (yield* isBuilding(before)) ? yield* Effect.andThen(finished, look) : before
        const steps = yield* choose(now)
        const work = workOn(now)
        yield* work.check(steps)
        yield* work.carryOut(steps)
        return appliedBy(now, steps.filter(({ kind }) => kind !== "equal"))
      }))
    const { inTransaction } = yield* Integration.ambient(collection.untyped)
    if (inTransaction) return yield* misplaced(collection.fullName)
    const before = yield* nothingToDo
    const { lease: duration, wait } = options
    const applied = Option.isSome(before) ? before.value : yield* Integration.withLease(
      collection.untyped.database,
      { name: `indexes of ${collection.fullName}`, duration, wait, unless },
      working
    )
    yield* tell?.({ _tag: "Done", applied }) ?? Effect.void
    return applied
  })

/** @internal */
export const ensure = <S extends Schema.Constraint>(collection: TypedCollection<S>, options: Options, tell?: Tell) =>
  once(collection, options, tell, (plan) => Effect.succeed(pending(plan, options.allowDrop)))

/**
 * Does only what a plan has. What others have done meanwhile no longer shows up.
 *
 * @internal
 */
export const apply = <S extends Schema.Constraint>(
  collection: TypedCollection<S>,
  plan: Plan,
  options: Options,
  tell?: Tell
) => {
  const agreed = new Set(pending(plan, options.allowDrop).map(valueText))
  return once(collection, options, tell, (now) => {
    const steps = pending(now, options.allowDrop)
    return now.collection === plan.collection &&
        steps.every((step) => step.kind === "equal" || agreed.has(valueText(step)))
      ? Effect.succeed(steps)
      : Effect.fail(new PlanChanged({ collection: collection.fullName, now }))
  })
}

/**
 * What happens while `run` works, as a stream.
 *
 * @internal
 */
export const eventsOf = <E, R>(
  run: (tell: (event: Event) => Effect.Effect<void>) => Effect.Effect<Applied, E, R>
): Stream.Stream<Event, E, R> =>
  Stream.callback((queue) => Effect.andThen(run((event) => Effect.asVoid(Queue.offer(queue, event))), Queue.end(queue)))
