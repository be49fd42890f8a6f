/**
 * Effect's `PersistedQueue` on MongoDB: work that is done at least once, by any of several processes, with retries, delays and dead letters.
 *
 * @since 0.1.0
 */
import { Integration, MongoDatabase } from "@mongofx/core"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PersistedQueue from "effect/persistence/PersistedQueue"
import { ObjectId } from "mongodb"
import { type Element, inserting } from "./internal/elements.ts"
import { failing, makeTakers } from "./internal/queue.ts"
import { indexing, makeStore, upserting } from "./internal/store.ts"

/**
 * Settings of the layers.
 *
 * @see {@link layerStoreWith} for a layer that takes them
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The collection of the elements of all queues, `effect_queue` by default. */
  readonly collectionName?: string | undefined
  /** How long an operation may take, 10 seconds by default. A shorter deadline around it counts. */
  readonly deadline?: Duration.Input | undefined
  /** How long an element stays with a process that was killed, two minutes by default. A living process renews its leases four times in that time, save for work in a transaction. */
  readonly lockExpiration?: Duration.Input | undefined
  /** How often takers look for new elements where there is no change stream, since the server is not a member of a replica set; one second by default. */
  readonly pollInterval?: Duration.Input | undefined
}

const positive = (input: Duration.Input): number => Math.max(1, Duration.toMillis(Duration.fromInputUnsafe(input)))

const makeStoreWith = Effect.fnUntraced(function*(options: Options) {
  const store = makeStore<Element>(yield* MongoDatabase.MongoDatabase, "effect_queue", options)
  const { collection, inTime, run } = store
  yield* indexing(
    Integration.withoutTransaction(collection),
    collection.createIndexes([
      { key: { queue: 1, id: 1 }, unique: true },
      { key: { queue: 1, visibleAt: 1, _id: 1 }, partialFilterExpression: { state: "pending" } },
      { key: { state: 1, settledAt: 1 } }
    ])
  )
  const { take, wake } = yield* makeTakers(store, {
    lease: positive(options.lockExpiration ?? "2 minutes"),
    poll: positive(options.pollInterval ?? "1 second")
  })

  const remove = (state: "completed" | "failed", timeToLive: Duration.Duration) =>
    Duration.isFinite(timeToLive)
      ? collection.deleteMany({
        state,
        $expr: { $lte: ["$settledAt", { $subtract: ["$$NOW", { $toLong: Duration.toMillis(timeToLive) }] }] }
      })
      : Effect.void

  return PersistedQueue.PersistedQueueStore.of({
    offer: ({ delay, element, id, name }) =>
      Effect.gen(function*() {
        const update = inserting({
          _id: new ObjectId(),
          name,
          id,
          element,
          delay: delay === undefined ? 0 : Duration.toMillis(delay)
        })
        const { inTransaction } = yield* Integration.ambient(collection)
        const offer = inTime(collection.updateOne({ queue: name, id }, update, { upsert: true }))
        // In a transaction the first failure is the end of it.
        yield* inTransaction ? offer : upserting(offer)
        if (!inTransaction) wake(name)
      }).pipe(failing),
    take,
    cleanup: ({ failedTimeToLive, timeToLive }) =>
      Effect.andThen(
        remove("completed", timeToLive),
        failedTimeToLive === undefined ? Effect.void : remove("failed", failedTimeToLive)
      ).pipe(Effect.asVoid, run, failing)
  })
})

/**
 * Keeps the elements of `PersistedQueue` in a collection, with settings.
 *
 * **Example** (Elements of a process that was killed come back after ten seconds)
 *
 * ```ts
 * import { MongoPersistedQueue } from "@mongofx/backends"
 *
 * const Queues = MongoPersistedQueue.layerStoreWith({ collectionName: "jobs", lockExpiration: "10 seconds" })
 * ```
 *
 * @see {@link layerStore} for the same without settings, and for what is stored
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerStoreWith = (
  options: Options
): Layer.Layer<PersistedQueue.PersistedQueueStore, never, MongoDatabase.MongoDatabase> =>
  Layer.effect(PersistedQueue.PersistedQueueStore, makeStoreWith(options))

/**
 * Keeps the elements of `PersistedQueue` in the collection `effect_queue`.
 *
 * **When to use**
 *
 * Use it for `DurableQueue` of `effect/workflow`, and for `PersistedQueue.layerCleanup`, which removes old elements. Otherwise `layer` has what queues need.
 *
 * **Details**
 *
 * An element is a document, and `offer` joins the transaction around it: an order and the mail about it are written together, or not at all. An identifier that
 * its queue has already, also of an element that is done, is ignored. In `mongo.withTransaction(queue.take(work))` the element is done if and only if the
 * transaction commits. That somebody has taken it, and that the work has failed, is never a part of a transaction.
 *
 * Elements come in the order of their times by the server's clock: the time of the offer, after its delay, or the end of the wait after a failure. Those of one time come in the order in which
 * a process has offered them. So of two elements whose offers did not overlap, nobody takes the later one for the first time before the earlier one was taken. A taker learns of new elements by a change stream of its process, and waits exactly until the next delay is
 * over. On a server without a replica set it polls.
 *
 * A taken element is leased, and each attempt has a lock of its own: a process that was stopped for longer than `lockExpiration` changes nothing when it comes back. When a process
 * dies, others get its elements after that time. An element whose process died in the last attempt becomes `failed`. Work that is interrupted puts its element
 * back to its place, and the attempt does not count.
 *
 * Takers wait out failures of the servers, and log them as warnings. A taker that got no answer may have taken an element: it asks for that one first, and the attempt counts once. What
 * does not pass is a `PersistedQueueError` whose `cause` is the `MongoError`. Nothing that waits or polls makes spans.
 *
 * Who interrupts a taker waits until its question to the server is answered, for `deadline` at most: it may have taken an element. If there is no answer by then,
 * that element comes back when its lease is over. If the indexes cannot be made, the layer dies.
 *
 * **Gotchas**
 *
 * Work is done at least once: it may run again when a process dies after it, and before that is written.
 *
 * In a transaction `take` is the first operation: a transaction that has read or written before does not see that the element is taken. There a lease is not renewed, so `lockExpiration` must be longer than
 * the transaction may take, which is a minute unless the server is told otherwise. In both cases the end of the work dies with a `PersistedQueueError`, and the transaction aborts. When the transaction aborts after the work, the element comes back when its lease is over.
 *
 * Done elements stay, so that their identifiers are known, until `PersistedQueue.layerCleanup` removes them.
 *
 * **Example** (Removing what was done a week ago)
 *
 * ```ts
 * import { MongoPersistedQueue } from "@mongofx/backends"
 * import { Layer } from "effect"
 * import { PersistedQueue } from "effect/persistence"
 *
 * const Queues = Layer.mergeAll(
 *   PersistedQueue.layer,
 *   PersistedQueue.layerCleanup({ timeToLive: "7 days", failedTimeToLive: "30 days" })
 * ).pipe(Layer.provide(MongoPersistedQueue.layerStore))
 * ```
 *
 * @see {@link layer} for queues
 * @see {@link layerStoreWith} for settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerStore: Layer.Layer<PersistedQueue.PersistedQueueStore, never, MongoDatabase.MongoDatabase> =
  layerStoreWith({})

/**
 * Provides what `PersistedQueue.make` needs, with the elements in a collection, with settings.
 *
 * **Example** (A collection of its own)
 *
 * ```ts
 * import { MongoPersistedQueue } from "@mongofx/backends"
 *
 * const Queues = MongoPersistedQueue.layerWith({ collectionName: "jobs" })
 * ```
 *
 * @see {@link layer} for the same without settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (
  options: Options
): Layer.Layer<PersistedQueue.PersistedQueueFactory, never, MongoDatabase.MongoDatabase> =>
  Layer.provide(PersistedQueue.layer, layerStoreWith(options))

/**
 * Provides what `PersistedQueue.make` needs, with the elements in the collection `effect_queue`.
 *
 * **Details**
 *
 * As `layerStore`, whose documentation says what is stored, in which order, and what happens when processes die.
 *
 * **Example** (An order and its mail, or neither)
 *
 * ```ts
 * import { MongoPersistedQueue } from "@mongofx/backends"
 * import { MongoClient } from "@mongofx/core"
 * import { Console, Effect, Schema } from "effect"
 * import { PersistedQueue } from "effect/persistence"
 *
 * const program = Effect.gen(function*() {
 *   const mongo = yield* MongoClient.MongoClient
 *   const orders = mongo.db("shop").collection<{ readonly _id: string }>("orders")
 *   const mails = yield* PersistedQueue.make({ name: "mails", schema: Schema.Struct({ to: Schema.String }) })
 *
 *   yield* mongo.withTransaction(Effect.andThen(
 *     orders.insertOne({ _id: "o1" }),
 *     mails.offer({ to: "ada@example.com" }, { id: "o1" })
 *   ))
 *   yield* mails.take(({ to }, { attempts }) => Console.log(`attempt ${attempts} to write to ${to}`))
 * }).pipe(Effect.provide(MongoPersistedQueue.layer))
 * ```
 *
 * @see {@link layerStore} for the store alone
 * @see {@link layerWith} for settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<PersistedQueue.PersistedQueueFactory, never, MongoDatabase.MongoDatabase> = layerWith(
  {}
)
