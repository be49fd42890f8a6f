/**
 * Durable consumers of change streams: every event is handled, even if processes die, by one instance at a time or by several that share the
 * documents.
 *
 * @since 0.1.0
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"
import type { ChangeBatch } from "./ChangeStream.ts"
import * as internal from "./internal/changeStream/consumer.ts"
import type { MongoError } from "./MongoError.ts"
import type { ResumeTokenStore } from "./ResumeTokenStore.ts"

/**
 * Where a consumer starts: after the event with a token, or with the changes from now on. Pass it to `watch` among its options.
 *
 * @see {@link ConsumeOptions} for the option `watch`, which gets it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface StartPosition {
  /** The last saved token. */
  readonly startAfter?: Driver.ResumeToken
}

/**
 * A source of events: the result of `watch` of a client, a database, a collection, or a typed collection of `@mongofx/schema`.
 *
 * @see {@link OpenSource} for a source that is open
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Source<out Event, out E = MongoError, out R = never> {
  /** Opens it on the server as long as the scope lives. */
  readonly open: Effect.Effect<OpenSource<Event, E, R>, E, R | Scope.Scope>
}

/**
 * A source whose events can be split into parts by their documents, as those of `watch` can.
 *
 * @see {@link Source} for a source that is consumed as a whole
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface PartitionedSource<out Event, out E = MongoError, out R = never> extends Source<Event, E, R> {
  /** One of several parts, counted from 0. All events of a document are in one part. An event without a document is in every part. */
  readonly part: (index: number, of: number) => Source<Event, E, R>
  /**
   * A token after which every part can begin, and not later than the given one, whose event may be in one part only. It is asked for when the number
   * of parts changes.
   */
  readonly tokenForParts: (token: Driver.ResumeToken) => Effect.Effect<Driver.ResumeToken, E, R>
}

/**
 * What `watch` of the options returns: with a number of `partitions` other than 1, a source that can be split.
 *
 * @see {@link ConsumeOptions} for the option `partitions`
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Watched<Event, E, R, Partitions extends number> =
  & Source<Event, E, R>
  & ([Partitions] extends [1] ? unknown : PartitionedSource<Event, E, R>)

/**
 * A source of events that is open on the server.
 *
 * @see {@link Source} for a source that is not open yet
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface OpenSource<out Event, out E = MongoError, out R = never> {
  /** The next answer of the server. It has no events if nothing happened for a while. */
  readonly next: Effect.Effect<ChangeBatch<Driver.Document, Event>, E, R>
  /** The token to resume after everything that was taken so far. */
  readonly resumeToken: Effect.Effect<Option.Option<Driver.ResumeToken>>
}

/**
 * Stands where a handler would get its checkpoint, if events are handled at the same time.
 *
 * **Details**
 *
 * The token of one event says that all events before it are handled. While they are being handled at the same time, nobody can say that
 * inside of a handler. `partitions` work at the same time with checkpoints: each part has a token of its own.
 *
 * @see {@link Checkpoint} for the handler's checkpoint
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface NoCheckpoint {
  /** Marks the type; no value has it. */
  readonly "~@mongofx/core/ChangeStreamConsumer/NoCheckpoint": never
}

/**
 * The second argument of a handler: an effect that saves the token of its event. With a `concurrency` other than 1 there is none.
 *
 * @see {@link NoCheckpoint} for the reason
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Checkpoint<Concurrency extends number> = [Concurrency] extends [1] ? Effect.Effect<void, MongoError>
  : NoCheckpoint

/**
 * Options of `consume` and `make`: what a durable consumer watches and does.
 *
 * @see {@link consume} for a program that only consumes
 * @see {@link make} for a consumer in the background
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ConsumeOptions<
  Event,
  E,
  R,
  SourceError = MongoError,
  SourceServices = never,
  Concurrency extends number = 1,
  Partitions extends number = 1
> {
  /** The name of its token and its lease in the store. Instances with one name share the work: one at a time, or by `partitions`. */
  readonly name: string
  /** Makes the change stream: spread the position into the options of `watch`. */
  readonly watch: (position: StartPosition) => Watched<Event, SourceError, SourceServices, Partitions>
  /**
   * Into how many parts the events are split by their documents, 1 by default and 1024 at most. Instances work through parts at the same
   * time, and share them evenly; the order of each document stays. All instances need the same number. The details of `consume` say more.
   */
  readonly partitions?: Partitions | undefined
  /**
   * Handles one event. It may run more than once for an event. `checkpoint` saves the event's token at once. Inside the handler's own
   * transaction, with a store on the same client, it makes the event's effects happen exactly once. It fails with a
   * `ChangeStreamError` of kind `leaseLost` when another instance has taken over; let the transaction fail with it. With `concurrency`
   * there is no `checkpoint`.
   */
  readonly handler: (event: Event, checkpoint: Checkpoint<Concurrency>) => Effect.Effect<void, E, R>
  /**
   * How many events are handled at the same time, 1 by default and 1024 at most. Events of one document are handled one after the other,
   * in order. An event without a document, such as a drop, waits for all earlier ones, and all later ones wait for it. The saved token is
   * the one before the earliest unfinished event. When a process dies, events that were handled behind it come again, besides those since
   * the last checkpoint: 16 for each unit of `concurrency` at most.
   */
  readonly concurrency?: Concurrency | undefined
  /**
   * What happens at the very first start, when no token is saved. `"now"` (the default) handles the changes from now on. An effect
   * processes what is there already. It runs after the position is saved, so that nothing is lost between it and the stream: changes
   * made while it runs come afterwards, even if the effect has seen them. If this instance dies before the effect ends, the next one
   * runs it again from its beginning.
   */
  readonly onFirstStart?: "now" | Effect.Effect<void, E | MongoError, R> | undefined
  /** When the token is saved: after `events` events, 100 by default, or after `interval`, 5 seconds by default, also while idle. */
  readonly checkpoint?: {
    readonly events?: number | undefined
    readonly interval?: Duration.Input | undefined
  } | undefined
  /**
   * How long a lease lasts, 30 seconds by default. The consumer renews it three times in that time; another instance takes over when it
   * has run out. A duration that is infinite or shorter than a millisecond is refused.
   */
  readonly lease?: { readonly duration?: Duration.Input | undefined } | undefined
  /**
   * What happens when the server no longer has the events after the token. `"fail"` is the default, and `"restart"` goes on with the
   * changes from now on. An effect brings everything up to date; then the consumer goes on with the changes since that effect began.
   */
  readonly onHistoryLost?: "fail" | "restart" | Effect.Effect<void, E | MongoError, R> | undefined
  /**
   * What happens when the handler fails or dies. Without it, the consumer fails. With it, the handler runs again as `retry` says; then
   * the event goes to `deadLetter` and the consumer goes on. If another instance has taken over when a handler fails, that instance gets
   * the event, and `deadLetter` does not.
   */
  readonly onPoison?: {
    readonly retry?: Schedule.Schedule<unknown, Cause.Cause<E>> | undefined
    readonly deadLetter: (event: Event, cause: Cause.Cause<E>) => Effect.Effect<void, E | MongoError, R>
  } | undefined
}

/**
 * A consumer that runs in a scope.
 *
 * @see {@link make} for the function that starts it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ChangeStreamConsumer<out E> {
  /** The name of its token and its lease in the store. */
  readonly name: string
  /** Waits for the end of the consumer: fails with its failure, and is interrupted when its scope closes. */
  readonly join: Effect.Effect<never, E>
}

/**
 * Starts a durable consumer in a scope, and returns when it is ready: it handles every change from then on.
 *
 * **When to use**
 *
 * Use it if something must happen after the consumer has begun: to write what it should see, or to report that a service is up.
 * For a program that does nothing else, use `consume`.
 *
 * **Details**
 *
 * It is ready when its position is saved. At the first start it saves the token of the opened change stream, and is then ready, before
 * `onFirstStart` has run. An instance that waits for its turn is ready as soon as another one has saved the
 * position. When the scope closes, the consumer saves how far it has come and releases its lease.
 *
 * It fails with any failure before it is ready. `join` fails with a later failure, which is also logged as an error.
 *
 * **Example** (Nothing that is written afterwards is missed)
 *
 * ```ts
 * import { ChangeStreamConsumer, type MongoCollection } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const program = (users: MongoCollection.MongoCollection) =>
 *   Effect.gen(function*() {
 *     const consumer = yield* ChangeStreamConsumer.make({
 *       name: "search-index",
 *       watch: (position) => users.watch([], position),
 *       handler: (event) => Effect.log(event.operationType)
 *     })
 *     yield* users.insertOne({ name: "Ada" })
 *     return yield* consumer.join
 *   })
 * ```
 *
 * @see {@link consume} for what a consumer does with events, failures and instances
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make: <
  Event,
  E,
  R,
  SourceError,
  SourceServices,
  const Concurrency extends number = 1,
  const Partitions extends number = 1
>(
  options: ConsumeOptions<Event, E, R, SourceError, SourceServices, Concurrency, Partitions>
) => Effect.Effect<
  ChangeStreamConsumer<E | SourceError | MongoError>,
  E | SourceError | MongoError,
  R | SourceServices | ResumeTokenStore | Scope.Scope
> = internal.make

/**
 * Consumes a change stream durably: every event is handled at least once, in order, even if processes die, and by one of several
 * instances at a time.
 *
 * **Details**
 *
 * The `ResumeTokenStore` keeps how far the consumer has come. When an instance dies, another one with the same name takes over after the
 * lease has run out. It starts from the last checkpoint, so it handles at most the events between two checkpoints again. An instance that
 * is interrupted or fails saves how far it has come, and releases its lease at once.
 *
 * The first start saves its position before anything else: the token of the opened stream. `make` returns then.
 *
 * A lease is a fence. Each turn has a number, and everything that the turn writes compares it. An instance that was stopped for
 * longer than its lease can neither save a token, nor extend its lease, nor commit a handler's transaction that has run
 * `checkpoint`. It notices at its next attempt, and waits for its turn again.
 *
 * `concurrency` is for handlers that wait: events of different documents are handled at the same time. When one fails, the others that are
 * being handled are interrupted, and come again.
 *
 * `partitions` split the events by the hash of their document's `_id`, on the server. Each part has its own lease, token and checkpoint, so
 * that several instances work at the same time. They share the parts evenly. When one dies, the others take its parts over after the lease has run out.
 * When one comes, the others finish the events that they are handling, and give it parts. An event without a document, such as a drop,
 * comes once in every part. `onFirstStart` runs once, before the parts begin, and an effect of `onHistoryLost` once for all of them.
 *
 * The number of parts is saved. Instances with another number wait until all instances with the old one have ended, and log that. Then the
 * new parts begin at the earliest position of the old ones: nothing is lost, and some events come again. So a consumer can get partitions and lose
 * them again; `partitions: 1` is a consumer without. If the server's tokens are not as expected, so that
 * the new parts could begin too late, the new instances fail, and the old number can go on.
 *
 * A failed checkpoint or renewal does not end the consumer. The next checkpoint makes up for a failed one. Renewals are tried until the
 * lease has run out; then the consumer stops handling events until it has a lease again. It fails when it could not ask for a lease for
 * two minutes.
 *
 * All these times are measured by `Mongo.CurrentServerClock`.
 *
 * Metrics, with the attribute `mongofx.consumer.name`, and for a part `mongofx.consumer.part`, such as `3of8`: `mongofx.consumer.lag` and `mongofx.consumer.checkpoint.age` in seconds,
 * `mongofx.consumer.events`, `mongofx.consumer.dead_letters`.
 *
 * It never succeeds. It fails with the failure of the handler, unless `onPoison` is given, with the errors of the change stream and of
 * the store, and with an `InvalidArgumentError` if a number or a duration in its options is invalid, or if the store has no `members` for
 * partitions. A typed collection's change stream
 * fails with a `DocumentError` at a document that does not decode, after everything before it is handled. With `onInvalid("collect")`
 * the handler gets such a document as a failed `Result`.
 *
 * **Gotchas**
 *
 * An instance that stops for longer than its lease, for instance in a debugger, may still be in its handler when another one
 * begins. It can no longer save a token, but only `checkpoint` in a transaction also prevents its effects. Run `checkpoint` last there: if
 * an instance stops between it and the commit, nobody can take over until the server ends that transaction, after a minute by default. With
 * `partitions` that is so for its part; the others go on.
 *
 * Each part has a change stream of its own, whose waiting `getMore` holds a connection. An instance alone has all of them: keep
 * `maxPoolSize` larger than `partitions`.
 *
 * **Example** (An outbox)
 *
 * ```ts
 * import { ChangeStreamConsumer, type MongoCollection, ResumeTokenStore } from "@mongofx/core"
 * import { Effect, Schedule } from "effect"
 *
 * interface Message {
 *   readonly to: string
 * }
 *
 * const deliver = (outbox: MongoCollection.MongoCollection<Message>) =>
 *   ChangeStreamConsumer.consume({
 *     name: "mail",
 *     watch: (position) => outbox.watch([{ $match: { operationType: "insert" } }], position),
 *     handler: (event) => event.operationType === "insert" ? Effect.log(event.fullDocument.to) : Effect.void,
 *     onPoison: {
 *       retry: Schedule.upTo(Schedule.exponential("1 second"), { times: 5 }),
 *       deadLetter: (event, cause) => Effect.logError("given up", event._id, cause)
 *     }
 *   }).pipe(Effect.provide(ResumeTokenStore.layerMemory))
 * ```
 *
 * **Example** (Several instances at a time)
 *
 * ```ts
 * import { ChangeStreamConsumer, type MongoCollection } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const index = (users: MongoCollection.MongoCollection) =>
 *   ChangeStreamConsumer.consume({
 *     name: "index",
 *     partitions: 8,
 *     watch: (position) => users.watch([], position),
 *     handler: (event) => Effect.log(event.operationType)
 *   })
 * ```
 *
 * **Example** (What is there already, and everything that comes)
 *
 * ```ts
 * import { ChangeStreamConsumer, type MongoCollection } from "@mongofx/core"
 * import { Effect, Stream } from "effect"
 *
 * const index = (
 *   users: MongoCollection.MongoCollection<{ readonly name: string }>,
 *   put: (name: string) => Effect.Effect<void>
 * ) =>
 *   ChangeStreamConsumer.consume({
 *     name: "index",
 *     watch: (position) => users.watch([{ $match: { operationType: "insert" } }], position),
 *     onFirstStart: Stream.runForEach(users.find().stream, (user) => put(user.name)),
 *     handler: (event) => event.operationType === "insert" ? put(event.fullDocument.name) : Effect.void
 *   })
 * ```
 *
 * @see {@link make} for a consumer that runs in the background of a program
 * @see `MongoCollection.watch` for changes that only matter while the process runs
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const consume: <
  Event,
  E,
  R,
  SourceError,
  SourceServices,
  const Concurrency extends number = 1,
  const Partitions extends number = 1
>(
  options: ConsumeOptions<Event, E, R, SourceError, SourceServices, Concurrency, Partitions>
) => Effect.Effect<never, E | SourceError | MongoError, R | SourceServices | ResumeTokenStore> = internal.consume
