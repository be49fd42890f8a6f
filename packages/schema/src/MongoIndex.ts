/**
 * The indexes that collections declare: what they lack, and how they get it without a moment in which a query has no index.
 *
 * @since 0.1.0
 */
import type { Integration } from "@mongofx/core"
import type * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import * as run from "./internal/index/ensure.ts"
import type { DuplicateKeys, PlanChanged } from "./internal/index/errors.ts"
import * as planning from "./internal/index/plan.ts"
import * as reading from "./internal/index/read.ts"
import * as text from "./internal/index/text.ts"
import type { TypedCollection } from "./TypedCollection.ts"
import type { Failure } from "./TypedQuery.ts"

// ---- plans

/**
 * An index, declared or listed, as plain data.
 *
 * @see {@link Step} for what is to do about it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Index {
  /** Its name. */
  readonly name: string
  /** Its fields in their order, each with a direction or a kind. */
  readonly key: ReadonlyArray<readonly [field: string, kind: string | number]>
  /** All other options, by their names on the server. */
  readonly options: Readonly<Record<string, unknown>>
}

/**
 * What the server can change in an index that exists.
 *
 * @see {@link Step} for the step that has it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Changes {
  /** After how many seconds documents expire. */
  readonly expireAfterSeconds?: number | undefined
  /** Whether queries leave the index alone. */
  readonly hidden?: boolean | undefined
  /** Makes the index unique. The server cannot undo it. */
  readonly unique?: true | undefined
  /** Ends a change to a unique index that was left unfinished. */
  readonly prepareUnique?: false | undefined
}

/**
 * What is to do about an index.
 *
 * **Details**
 *
 * - `equal`: the index is as it was declared. With `building` the server has not finished it: `ensure` waits for the end.
 * - `create`: the index does not exist.
 * - `collMod`: the server changes the index as it stands, which takes a moment.
 * - `replace`: another index has the name. The new one is built beside the old one, under a name with a number (`email_1~2`), and then the
 *   old one is dropped. From then on the name with the number counts as the declared one. `differs` has the options that differ. The
 *   server cannot build some indexes beside the old one: then `dropsFirst` is true. Where a process was killed in between, the new index is
 *   `equal` in a step of its own, and `replace` only drops the old one.
 * - `rename`: the index has another name than the declared one. The server cannot rename an index, so that this drops it and builds it.
 * - `extra`: nobody has declared the index.
 *
 * `extra`, `rename`, and `replace` with `dropsFirst` leave queries without an index that they may use. So they are done only with `allowDrop`.
 *
 * @see {@link Plan} for the steps of a collection
 * @see {@link pending} for the steps that `ensure` would do
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Step =
  | { readonly kind: "equal"; readonly index: Index; readonly building: boolean }
  | { readonly kind: "create"; readonly index: Index }
  | { readonly kind: "collMod"; readonly index: Index; readonly changes: Changes }
  | {
    readonly kind: "replace"
    readonly index: Index
    readonly replaced: Index
    readonly differs: ReadonlyArray<string>
    readonly dropsFirst: boolean
  }
  | { readonly kind: "rename"; readonly index: Index; readonly replaced: Index }
  | { readonly kind: "extra"; readonly index: Index }

/**
 * What is to do about the indexes of a collection, as plain data. It has a step for each declared index, and one for each index that nobody
 * has declared.
 *
 * @see {@link plan} for how to make one
 * @see {@link format} for its text
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Plan {
  /** The collection with its database: `app.users`. */
  readonly collection: string
  /** The steps: those of declared indexes in the order of the declaration, then the others. */
  readonly steps: ReadonlyArray<Step>
}

/**
 * Compares the declared indexes of a collection with those on the server. It changes nothing.
 *
 * **Details**
 *
 * It compares what indexes mean: text indexes by their fields and weights, collations over their defaults and that of the collection, partial
 * filters whatever the order of their conditions, directions by their sign. What the server adds by itself does not count. So the plan
 * after `ensure` is empty.
 *
 * The indexes on `_id`, of a clustered collection, of encrypted fields, and the one that a time series makes by itself are never extra.
 *
 * It fails with an `InvalidArgumentError` if the declaration cannot be carried out: for a view, for options of the index on `_id`, for two
 * indexes of the same name.
 *
 * **Example** (Printing a plan)
 *
 * ```ts
 * import { Bson, MongoIndex, TypedCollection } from "@mongofx/schema"
 * import { Console, Effect, Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, email: Schema.String })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", {
 *   name: "users",
 *   schema: User,
 *   indexes: [{ key: { email: 1 }, unique: true }]
 * }) {}
 *
 * const program = Effect.gen(function*() {
 *   const plan = yield* MongoIndex.plan(yield* Users)
 *   yield* Console.log(MongoIndex.format(plan))
 * })
 * ```
 *
 * @see {@link ensure} to carry it out
 * @see {@link drift} for the differences alone
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const plan: <S extends Schema.Constraint>(
  collection: TypedCollection<S>
) => Effect.Effect<Plan, Failure, S["EncodingServices"]> = reading.plan

/**
 * The steps in which a collection differs from its declaration: all but `equal`. It changes nothing.
 *
 * **When to use**
 *
 * Use it in a health check or a pipeline, to find indexes that somebody has made or dropped by hand.
 *
 * **Example** (A check that fails)
 *
 * ```ts
 * import { MongoIndex, type TypedCollection } from "@mongofx/schema"
 * import { Effect, type Schema } from "effect"
 *
 * const check = <S extends Schema.Constraint>(users: TypedCollection.TypedCollection<S>) =>
 *   Effect.flatMap(
 *     MongoIndex.drift(users),
 *     (steps) => steps.length === 0 ? Effect.void : Effect.fail(`${users.fullName} has other indexes than it declares`)
 *   )
 * ```
 *
 * @see {@link plan} for all steps
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const drift = <S extends Schema.Constraint>(
  collection: TypedCollection<S>
): Effect.Effect<ReadonlyArray<Step>, Failure, S["EncodingServices"]> =>
  Effect.map(plan(collection), ({ steps }) => steps.filter(({ kind }) => kind !== "equal"))

/**
 * The steps of a plan that `ensure` and `apply` do. Without `allowDrop`, these are the steps after which no query has lost an index.
 *
 * **Example** (Whether there is something to do)
 *
 * ```ts
 * import { MongoIndex } from "@mongofx/schema"
 *
 * const isDone = (plan: MongoIndex.Plan) => MongoIndex.pending(plan).length === 0
 * ```
 *
 * @see {@link Step} for what each of them means
 * @stability unstable
 * @category getters
 * @since 0.1.0
 */
export const pending = (plan: Plan, options?: Pick<Options, "allowDrop">): ReadonlyArray<Step> =>
  planning.pending(plan, options?.allowDrop)

/**
 * A plan as text: a line for the collection, and one for each step.
 *
 * **Example** (The text of a plan)
 *
 * ```ts
 * import { MongoIndex } from "@mongofx/schema"
 *
 * console.log(MongoIndex.format({
 *   collection: "app.users",
 *   steps: [{ kind: "create", index: { name: "email_1", key: [["email", 1]], options: { unique: true } } }]
 * }))
 * // app.users
 * //   create   email_1 on email: 1 (unique)
 * ```
 *
 * @see {@link formatStep} for one step
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const format: (plan: Plan) => string = text.format

/**
 * A step as one line of text, without its kind.
 *
 * **Example** (A step in a table of your own)
 *
 * ```ts
 * import { MongoIndex } from "@mongofx/schema"
 *
 * const row = (step: MongoIndex.Step) => [step.kind, MongoIndex.formatStep(step)]
 * ```
 *
 * @see {@link format} for a whole plan
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const formatStep: (step: Step) => string = text.formatStep

// ---- failures

/**
 * The documents that stand in the way of a unique index.
 *
 * @see {@link DuplicateKeys} for the error that has them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Duplicates {
  /** The unique index. */
  readonly index: Index
  /** Keys that several documents have, ten at most: how many documents, and the stored `_id`s of two of them. */
  readonly keys: ReadonlyArray<{ readonly count: number; readonly ids: ReadonlyArray<unknown> }>
}

export {
  /**
   * Documents have the same key, so that unique indexes cannot be built. Nothing was built.
   *
   * **Details**
   *
   * It names the indexes and the `_id`s of documents. It leaves out the keys, so that it may be logged.
   *
   * **Example** (Showing what to clean up)
   *
   * ```ts
   * import { MongoIndex, type TypedCollection } from "@mongofx/schema"
   * import { Console, Effect, type Schema } from "effect"
   *
   * const ensure = <S extends Schema.Constraint>(users: TypedCollection.TypedCollection<S>) =>
   *   MongoIndex.ensure(users).pipe(
   *     Effect.tapErrorTag("DuplicateKeys", (error) =>
   *       Effect.forEach(error.indexes, ({ index, keys }) => Console.error(index.name, keys)))
   *   )
   * ```
   *
   * @see {@link ensure} for what fails with it
   * @stability unstable
   * @category errors
   * @since 0.1.0
   */
  DuplicateKeys,
  /**
   * A collection needs other steps now than those of the plan that was to be applied. Nothing was changed.
   *
   * **Example** (Planning again)
   *
   * ```ts
   * import { MongoIndex, type TypedCollection } from "@mongofx/schema"
   * import { Effect, type Schema } from "effect"
   *
   * const apply = <S extends Schema.Constraint>(users: TypedCollection.TypedCollection<S>, plan: MongoIndex.Plan) =>
   *   MongoIndex.apply(users, plan).pipe(Effect.catchTag("PlanChanged", (error) => MongoIndex.apply(users, error.now)))
   * ```
   *
   * @see {@link apply} for what fails with it
   * @stability unstable
   * @category errors
   * @since 0.1.0
   */
  PlanChanged
} from "./internal/index/errors.ts"

/**
 * What `ensure` fails with: failures of the server, documents that a unique index refuses, and a lease that was not free in time or got lost.
 *
 * @see {@link ensure} for the operation
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type IndexFailure = Failure | DuplicateKeys | Integration.LeaseError

// ---- changes

/**
 * Options of `ensure`, `apply` and `events`.
 *
 * @see {@link ensure} for the operation
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /**
   * Does the steps that drop an index before there is another in its place: indexes that nobody has declared, indexes under another name,
   * changes that the server cannot make beside the old index. False by default.
   */
  readonly allowDrop?: boolean | undefined
  /** How many members must have built an index before it is ready; the server's default are all that vote. */
  readonly commitQuorum?: Driver.CreateIndexesOptions["commitQuorum"]
  /**
   * Looks for documents with the same key before a unique index is built, which reads the documents once more. True by default. Without it,
   * a build that meets them fails at its end.
   */
  readonly checkDuplicates?: boolean | undefined
  /** How long the lease of a process that was killed still lasts, 30 seconds by default. */
  readonly lease?: Duration.Input | undefined
  /** How long to wait for another process that works on these indexes, 10 minutes by default. */
  readonly wait?: Duration.Input | undefined
}

/**
 * What was done.
 *
 * @see {@link ensure} for the operation
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Applied {
  /** The collection with its database. */
  readonly collection: string
  /** The steps that were done. It is empty if there was nothing to do, or if another process has done it. */
  readonly done: ReadonlyArray<Step>
  /** The steps that were left, since they need `allowDrop`. */
  readonly left: ReadonlyArray<Step>
}

/**
 * Something that happens while indexes are built.
 *
 * **Details**
 *
 * - `Waiting`: another process works on the indexes of the collection.
 * - `Started` and `Finished`: of a step. Indexes that are built together start together.
 * - `Progress`: of the builds that have started, by what the server says in `$currentOp`: the name of the phase, and how many documents or
 *   keys are done out of how many. It has no steps while a change waits for the build of an index that is not declared.
 * - `Done`: the last one.
 *
 * @see {@link events} for the stream of them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Event =
  | { readonly _tag: "Waiting"; readonly collection: string }
  | { readonly _tag: "Started"; readonly step: Step }
  | {
    readonly _tag: "Progress"
    readonly steps: ReadonlyArray<Step>
    readonly phase: string
    readonly done: number
    readonly total: number
  }
  | { readonly _tag: "Finished"; readonly step: Step }
  | { readonly _tag: "Done"; readonly applied: Applied }

/**
 * Makes the indexes of a collection what it declares. One process does it: others that start at the same time wait for it, and then find
 * nothing to do.
 *
 * **When to use**
 *
 * Use it when a program starts or is deployed. If all is there, it only lists the indexes.
 *
 * **Details**
 *
 * Before it changes anything, it looks for documents with the same key in the way of unique indexes, and fails with `DuplicateKeys`. Then it
 * changes what the server can change as it stands, builds what is new with one command, which reads the documents once, and at last drops what
 * it has replaced. Indexes that nobody declared stay, unless `allowDrop` is true.
 *
 * An index becomes unique in place if nothing else differs. From the moment of the check the server refuses new duplicates, so that the
 * change cannot fail later.
 *
 * The server changes no index of a collection while it builds another one: a change waits for that build.
 *
 * An interruption ends a build on the server and gives back the lease. A process that was killed leaves its build to the server, and the
 * next one waits for the end of it. Either way, the next `ensure` goes on from what is there.
 *
 * It fails with a `LeaseError` if another process takes longer than `wait`, and with a `TransactionError` in a transaction.
 *
 * **Gotchas**
 *
 * A replaced index that keeps its declared name is there under a name with a number, such as `email_1~2`: name it by its keys in a `hint`.
 *
 * An index on `tags.0` is not checked for duplicates: whether the number is a position depends on each document.
 *
 * Unique indexes are made of others from MongoDB 6.0 on.
 *
 * **Example** (At the start of a program)
 *
 * ```ts
 * import { Bson, MongoIndex, TypedCollection } from "@mongofx/schema"
 * import { Effect, Schema } from "effect"
 *
 * const Session = Schema.Struct({ _id: Bson.ObjectId, user: Bson.ObjectId, seenAt: Bson.Date })
 *
 * class Sessions extends TypedCollection.Service<Sessions>()("app/Sessions", {
 *   name: "sessions",
 *   schema: Session,
 *   indexes: [{ key: { user: 1 } }, { key: { seenAt: 1 }, expireAfterSeconds: 3600 }]
 * }) {}
 *
 * const start = Effect.gen(function*() {
 *   const { done } = yield* MongoIndex.ensure(yield* Sessions)
 *   yield* Effect.logInfo(`${done.length} indexes have changed`)
 * })
 * ```
 *
 * @see {@link plan} for what it would do
 * @see {@link events} for its progress
 * @see {@link layer} to do it where a program is put together
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const ensure = <S extends Schema.Constraint>(
  collection: TypedCollection<S>,
  options: Options = {}
): Effect.Effect<Applied, IndexFailure, S["EncodingServices"]> => run.ensure(collection, options)

/**
 * Carries out a plan that was looked at before, and nothing else.
 *
 * **When to use**
 *
 * Use it after a person has agreed to the plan. A program that starts uses `ensure`.
 *
 * **Details**
 *
 * It plans again. What others have done meanwhile is done. If the collection needs a step that the plan does not have, it fails with
 * `PlanChanged` and changes nothing.
 *
 * **Example** (Asking first)
 *
 * ```ts
 * import { MongoIndex, type TypedCollection } from "@mongofx/schema"
 * import { Effect, type Schema } from "effect"
 *
 * const asking = <S extends Schema.Constraint, E>(
 *   users: TypedCollection.TypedCollection<S>,
 *   ask: (text: string) => Effect.Effect<boolean, E>
 * ) =>
 *   Effect.gen(function*() {
 *     const plan = yield* MongoIndex.plan(users)
 *     if (yield* ask(MongoIndex.format(plan))) yield* MongoIndex.apply(users, plan, { allowDrop: true })
 *   })
 * ```
 *
 * @see {@link ensure} for planning and applying in one
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const apply = <S extends Schema.Constraint>(
  collection: TypedCollection<S>,
  plan: Plan,
  options: Options = {}
): Effect.Effect<Applied, IndexFailure | PlanChanged, S["EncodingServices"]> => run.apply(collection, plan, options)

/**
 * Does what `ensure` does, or with the option `plan` what `apply` does, as a stream of what happens.
 *
 * **Details**
 *
 * It asks the server for the progress of builds twice a second. Whoever stops reading ends the build, as an interruption of `ensure` does.
 *
 * **Example** (Printing the progress)
 *
 * ```ts
 * import { MongoIndex, type TypedCollection } from "@mongofx/schema"
 * import { Console, type Schema, Stream } from "effect"
 *
 * const print = <S extends Schema.Constraint>(users: TypedCollection.TypedCollection<S>) =>
 *   Stream.runForEach(
 *     MongoIndex.events(users),
 *     (event) => event._tag === "Progress" ? Console.log(`${event.phase}: ${event.done} of ${event.total}`) : Console.log(event._tag)
 *   )
 * ```
 *
 * @see {@link ensure} for the result alone
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export function events<S extends Schema.Constraint>(
  collection: TypedCollection<S>,
  options: Options & { readonly plan: Plan }
): Stream.Stream<Event, IndexFailure | PlanChanged, S["EncodingServices"]>
export function events<S extends Schema.Constraint>(
  collection: TypedCollection<S>,
  options?: Options
): Stream.Stream<Event, IndexFailure, S["EncodingServices"]>
export function events<S extends Schema.Constraint>(
  collection: TypedCollection<S>,
  { plan, ...options }: Options & { readonly plan?: Plan | undefined } = {}
): Stream.Stream<Event, IndexFailure | PlanChanged, S["EncodingServices"]> {
  return plan === undefined
    ? run.eventsOf((tell) => run.ensure(collection, options, tell))
    : run.eventsOf((tell) => run.apply(collection, plan, options, tell))
}

/**
 * Ensures the indexes of a collection where a program is put together: what needs the collection starts after that.
 *
 * **Example** (A program whose collections have their indexes)
 *
 * ```ts
 * import { Bson, MongoIndex, TypedCollection } from "@mongofx/schema"
 * import { Layer, Schema } from "effect"
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", {
 *   name: "users",
 *   schema: Schema.Struct({ _id: Bson.ObjectId, email: Schema.String }),
 *   indexes: [{ key: { email: 1 }, unique: true }]
 * }) {}
 *
 * const UsersWithIndexes = MongoIndex.layer(Users).pipe(Layer.provideMerge(Users.layer))
 * ```
 *
 * @see {@link ensure} for what it does
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer = <Self, S extends Schema.Constraint>(
  service: Context.Key<Self, TypedCollection<S>>,
  options?: Options
): Layer.Layer<never, IndexFailure, Self | S["EncodingServices"]> =>
  Layer.effectDiscard(Effect.flatMap(Effect.service(service), (collection) => ensure(collection, options)))
