/**
 * Durable consumers of change streams: every event is handled, also when processes die, by one of several instances at a time.
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
 * Where a consumer starts: behind the event with a token, or with what happens from now on. Give it to `watch` among its options.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface StartPosition {
  /** The token that was saved last. */
  readonly startAfter?: Driver.ResumeToken
}

/**
 * What can be consumed: what `watch` returns, of a client, a database, a collection, or a typed collection of `@mongofx/schema`.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Source<out Event, out E = MongoError, out R = never> {
  /** Opens it on the server, for as long as the scope lives. */
  readonly open: Effect.Effect<OpenSource<Event, E, R>, E, R | Scope.Scope>
}

/**
 * What can be consumed, once it is open on the server.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface OpenSource<out Event, out E = MongoError, out R = never> {
  /** The next answer of the server, which has no events where nothing has happened for a time. */
  readonly next: Effect.Effect<ChangeBatch<Driver.Document, Event>, E, R>
  /** The token to resume with after everything that has been taken so far. */
  readonly resumeToken: Effect.Effect<Option.Option<Driver.ResumeToken>>
}

/**
 * What a durable consumer does.
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ConsumeOptions<Event, E, R, SourceError = MongoError, SourceServices = never> {
  /** The name under which its token and its lease are kept. Instances of one name share the work, one at a time. */
  readonly name: string
  /** Makes the change stream: spread the position into the options of `watch`. */
  readonly watch: (position: StartPosition) => Source<Event, SourceError, SourceServices>
  /**
   * Handles one event. It may run more than once for an event. `checkpoint` saves the event's token at once: run inside the handler's
   * own transaction, by a store of the same client, it makes the event's effects happen exactly once. It fails with a
   * `ChangeStreamError` of kind `leaseLost` when another instance has taken over, and the transaction has to fail with it.
   */
  readonly handler: (event: Event, checkpoint: Effect.Effect<void, MongoError>) => Effect.Effect<void, E, R>
  /**
   * What happens at the very first start, when no token is saved: `"now"` (by default) goes on with what happens from now on. An effect
   * works off what is there already. It runs when the position is secured, and nothing is lost between it and the stream: what is
   * written while it runs comes afterwards, also when it was seen by the effect. It is run again, from its beginning, by the next
   * instance when this one dies in it.
   */
  readonly onFirstStart?: "now" | Effect.Effect<void, E | MongoError, R> | undefined
  /** When the token is saved: after so many events, 100 by default, or after so much time, 5 seconds by default, while idle too. */
  readonly checkpoint?: {
    readonly events?: number | undefined
    readonly interval?: Duration.Input | undefined
  } | undefined
  /** For how long the lease is taken, 30 seconds by default. It is renewed three times in that time; another instance takes over when it has run out. One that is shorter than a millisecond or has no end is refused. */
  readonly lease?: { readonly duration?: Duration.Input | undefined } | undefined
  /**
   * What happens when the server no longer has what comes after the token: fail (by default), go on with what happens from now on, or
   * run an effect that brings everything up to date and then go on with what has happened since that effect began.
   */
  readonly onHistoryLost?: "fail" | "restart" | Effect.Effect<void, E | MongoError, R> | undefined
  /**
   * What happens when the handler fails or dies: without this the consumer fails. With it the handler is run again as `retry` says, and
   * then the event goes to `deadLetter` and the consumer goes on. An event whose handler failed when another instance had taken over goes
   * to that one, and to no dead letters.
   */
  readonly onPoison?: {
    readonly retry?: Schedule.Schedule<unknown, Cause.Cause<E>> | undefined
    readonly deadLetter: (event: Event, cause: Cause.Cause<E>) => Effect.Effect<void, E | MongoError, R>
  } | undefined
}

/**
 * A consumer that runs in a scope.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ChangeStreamConsumer<out E> {
  /** The name under which its token and its lease are kept. */
  readonly name: string
  /** Waits for its end: fails with what it has failed with, and is interrupted when its scope closes. */
  readonly join: Effect.Effect<never, E>
}

/**
 * Starts a durable consumer in a scope, and returns when it is ready: what is written from then on is handled.
 *
 * **When to use**
 *
 * Use it where something has to happen after the consumer has begun: to write what it shall see, or to report that a service is up.
 * `consume` is the same for a program that does nothing else.
 *
 * **Details**
 *
 * It is ready when its position is secured. At the first start that is when the token that the change stream was opened with has been
 * saved, and before `onFirstStart` has run. An instance that waits for its turn is ready as soon as another one has secured the
 * position. When the scope closes, the consumer saves how far it has come and gives up its lease.
 *
 * It fails with what happens before it is ready. What happens afterwards `join` fails with, and is logged as an error.
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
 * @see {@link consume} says what it does with events, failures and instances
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const make: <Event, E, R, SourceError, SourceServices>(
  options: ConsumeOptions<Event, E, R, SourceError, SourceServices>
) => Effect.Effect<
  ChangeStreamConsumer<E | SourceError | MongoError>,
  E | SourceError | MongoError,
  R | SourceServices | ResumeTokenStore | Scope.Scope
> = internal.make

/**
 * Consumes a change stream durably: every event is handled at least once, in order, also when processes die, and by one of several
 * instances at a time.
 *
 * **Details**
 *
 * How far it has come is kept in the `ResumeTokenStore`. When an instance dies, another one of the same name takes over after the
 * lease has run out, from the last checkpoint; at most as many events as lie between two checkpoints are handled again. An instance that
 * is interrupted or fails saves how far it has come and gives up its lease at once.
 *
 * The first start secures its position before anything else: it saves the token that the stream was opened with. `make` returns then.
 *
 * A lease is a fence. Each turn of it has a number, which everything compares that the turn writes: an instance that was stopped for
 * longer than its lease can neither save a token, nor make its lease longer, nor commit a handler's transaction that has run
 * `checkpoint`. It notices at the next of these, and waits for its turn again.
 *
 * A checkpoint or a renewal that fails does not end it. Checkpoints are made up for by the next one; renewals are tried until the
 * lease has run out, and then it stops handling events until it has a lease again. It fails when it could not ask for one for two minutes.
 *
 * All of this goes by `Mongo.CurrentServerClock`.
 *
 * Metrics, with the attribute `mongofx.consumer.name`: `mongofx.consumer.lag` and `mongofx.consumer.checkpoint.age` in seconds,
 * `mongofx.consumer.events`, `mongofx.consumer.dead_letters`.
 *
 * Never succeeds. Fails with what the handler fails with, unless `onPoison` is given, and with the errors of the change stream and of
 * the store, and with an `InvalidArgumentError` where a number or a duration of its options is none that it can keep to. A typed collection's change stream fails with a `DocumentError` at a document that does not decode, when everything before it is
 * handled; with `onInvalid("collect")` the handler gets such a document as a failed `Result`.
 *
 * **Gotchas**
 *
 * An instance that stops for longer than its lease, in a debugger for instance, may still be in its handler when another one
 * begins. It saves no token any more; only `checkpoint` in a transaction keeps its effects out, too. Run `checkpoint` last there: where an
 * instance stops between it and the commit, nobody can take over before the server ends that transaction, after a minute by default.
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
 * @see {@link make} returns when the position is secured
 *
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const consume: <Event, E, R, SourceError, SourceServices>(
  options: ConsumeOptions<Event, E, R, SourceError, SourceServices>
) => Effect.Effect<never, E | SourceError | MongoError, R | SourceServices | ResumeTokenStore> = internal.consume
