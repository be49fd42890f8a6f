/**
 * Effect's `Persistence` on MongoDB: results that outlive the process, for `PersistedCache`, persisted `RequestResolver`s and the chats of
 * `effect/ai`.
 *
 * @since 0.1.0
 */
import { MongoDatabase, type MongoError } from "@mongofx/core"
import * as Arr from "effect/Array"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Persistence from "effect/persistence/Persistence"
import { fitsDocument } from "./internal/json.ts"
import { dateIn, expiring, makeStore, type Store, upserting } from "./internal/store.ts"

/**
 * Settings of the layers.
 *
 * @see {@link layerWith} for a layer that takes them
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The collection of the entries, `effect_persistence` by default. */
  readonly collectionName?: string | undefined
  /** How long an operation may take, 10 seconds by default. A shorter deadline around it counts. */
  readonly deadline?: Duration.Input | undefined
}

interface Entry {
  readonly _id: string
  readonly value?: object
  /** The value as JSON text, if no document can have it. */
  readonly text?: string
  /** When it is over by the program's clock, in milliseconds. */
  readonly expires?: number
  /** When the server may delete it. */
  readonly expireAt?: Date
}

/** What the keys of a store begin with. No two stores have the same beginning. */
const prefixOf = (storeId: string): string => `${storeId.replaceAll("%", "%25").replaceAll(":", "%3A")}:`

const failing = Effect.mapError((cause: MongoError.MongoError) =>
  new Persistence.PersistenceError({ message: cause.message, cause })
)

type New = readonly [key: string, value: object, ttl: Duration.Duration | undefined]

/** The update that writes an entry. `expires` by the program's clock decides what reads see; `expireAt` by the server's says when it may sweep. */
const writing = ([, value, ttl]: New, now: number) => [{
  $replaceWith: {
    _id: "$_id",
    ...(fitsDocument(value) ? { value: { $literal: value } } : { text: { $literal: JSON.stringify(value) } }),
    ...(ttl === undefined ? {} : {
      expires: { $literal: now + Duration.toMillis(ttl) },
      expireAt: dateIn(Duration.toMillis(ttl))
    })
  }
}]

const valueOf = ({ text, value }: Entry): object | undefined => text === undefined ? value : JSON.parse(text)

const backing = ({ collection, run }: Store<Entry>, storeId: string): Persistence.BackingPersistenceStore => {
  const prefix = prefixOf(storeId)
  const idOf = (key: string) => prefix + key

  const getMany = (keys: Arr.NonEmptyArray<string>) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) =>
      run(collection.find({
        _id: { $in: keys.map(idOf) },
        // The server sweeps once a minute.
        $or: [{ expires: { $exists: false } }, { expires: { $gt: now } }]
      }))).pipe(
        Effect.map((found) => {
          const values = new Map(found.map((entry) => [entry._id, valueOf(entry)]))
          return Arr.map(keys, (key) => values.get(idOf(key)))
        }),
        failing
      )

  const write = (send: (now: number) => Effect.Effect<unknown, MongoError.MongoError>) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => run(upserting(send(now)))).pipe(Effect.asVoid, failing)

  return {
    get: (key) => Effect.map(getMany([key]), ([value]) => value),
    getMany,
    set: (...entry) =>
      write((now) => collection.updateOne({ _id: idOf(entry[0]) }, writing(entry, now), { upsert: true })),
    setMany: (entries) =>
      write((now) => {
        // Of several entries with one key the last counts, and the server need not keep their order.
        const last = new Map(entries.map((entry) => [idOf(entry[0]), entry]))
        const updates = [...last].map(([_id, entry]) => ({
          updateOne: { filter: { _id }, update: writing(entry, now), upsert: true }
        }))
        return collection.bulkWrite(updates, { ordered: false })
      }),
    remove: (key) => run(collection.deleteOne({ _id: idOf(key) })).pipe(Effect.asVoid, failing),
    // ";" follows ":", so this is the range of all keys with the prefix.
    clear: run(collection.deleteMany({ _id: { $gte: prefix, $lt: `${prefix.slice(0, -1)};` } })).pipe(
      Effect.asVoid,
      failing
    )
  }
}

/**
 * Keeps what `Persistence` stores in a collection, with settings.
 *
 * **Details**
 *
 * As `layerBacking`, whose documentation says what is stored.
 *
 * **Example** (A collection of its own)
 *
 * ```ts
 * import { MongoPersistence } from "@mongofx/backends"
 * import { Layer } from "effect"
 * import { Chat } from "effect/ai"
 *
 * const Chats = Chat.layerPersisted({ storeId: "chats" }).pipe(
 *   Layer.provide(MongoPersistence.layerBackingWith({ collectionName: "chats", deadline: "2 seconds" }))
 * )
 * ```
 *
 * @see {@link layerBacking} for the same without settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerBackingWith = (
  options: Options
): Layer.Layer<Persistence.BackingPersistence, never, MongoDatabase.MongoDatabase> =>
  Layer.effect(
    Persistence.BackingPersistence,
    Effect.gen(function*() {
      const store = makeStore<Entry>(yield* MongoDatabase.MongoDatabase, "effect_persistence", options)
      yield* expiring(store)
      return { make: (storeId) => Effect.succeed(backing(store, storeId)) }
    })
  )

/**
 * Keeps what `Persistence` stores in the collection `effect_persistence`.
 *
 * **When to use**
 *
 * Use it for `Chat.layerPersisted` of `effect/ai`, and to build a `Persistence` of your own. `PersistedCache` and persisted
 * resolvers need `layer`.
 *
 * **Details**
 *
 * An entry is a document: its `_id` is the identifier of the store, a colon and the key, and `value` is what was encoded, so that queries and people can read it. What a document
 * cannot hold, such as 150 levels or a JSON Schema with `$ref`, is JSON text in the field `text`. The layer makes an index by which
 * the server deletes entries whose time is over, within about a minute. Reads leave them out at once. The time is that of Effect's `Clock` for reads, and the server's for deleting.
 *
 * Operations run outside of a transaction around them, with a deadline. They fail with a `PersistenceError` whose `cause` is the
 * `MongoError`. If the index cannot be made, the layer dies.
 *
 * **Gotchas**
 *
 * An entry has 16 MB at most, and a key has no lone surrogates: `set` fails for others.
 *
 * **Example** (Chats that go on after a restart)
 *
 * ```ts
 * import { MongoPersistence } from "@mongofx/backends"
 * import { MongoClient, MongoDatabase } from "@mongofx/core"
 * import { Config, Layer } from "effect"
 * import { Chat } from "effect/ai"
 *
 * const Chats = Chat.layerPersisted({ storeId: "chats" }).pipe(
 *   Layer.provide(MongoPersistence.layerBacking),
 *   Layer.provide(MongoDatabase.layer("app")),
 *   Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
 * )
 * ```
 *
 * @see {@link layer} for `Persistence` itself
 * @see {@link layerBackingWith} for settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerBacking: Layer.Layer<Persistence.BackingPersistence, never, MongoDatabase.MongoDatabase> =
  layerBackingWith({})

/**
 * Provides `Persistence` with its entries in a collection, with settings.
 *
 * **Example** (A shorter deadline)
 *
 * ```ts
 * import { MongoPersistence } from "@mongofx/backends"
 *
 * const Cache = MongoPersistence.layerWith({ collectionName: "cache", deadline: "500 millis" })
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
): Layer.Layer<Persistence.Persistence, never, MongoDatabase.MongoDatabase> =>
  Layer.provide(Persistence.layer, layerBackingWith(options))

/**
 * Provides `Persistence` with its entries in the collection `effect_persistence`.
 *
 * **When to use**
 *
 * Use it for `PersistedCache` and `RequestResolver.persisted`: what one process has looked up, all of them have, also after a restart.
 *
 * **Details**
 *
 * As `layerBacking`, whose documentation says what is stored, what fails, and which values cannot be stored.
 *
 * **Example** (A cache of all processes)
 *
 * ```ts
 * import { MongoPersistence } from "@mongofx/backends"
 * import { Effect, Schema } from "effect"
 * import { Persistable, PersistedCache } from "effect/persistence"
 *
 * class Rate extends Persistable.Class<{ payload: { readonly currency: string } }>()("Rate", {
 *   primaryKey: ({ currency }) => currency,
 *   success: Schema.Number
 * }) {}
 *
 * const program = Effect.gen(function*() {
 *   const rates = yield* PersistedCache.make(
 *     (rate: Rate) => Effect.succeed(rate.currency.length),
 *     { storeId: "rates", timeToLive: () => "1 hour" }
 *   )
 *   return yield* rates.get(new Rate({ currency: "EUR" }))
 * }).pipe(Effect.scoped, Effect.provide(MongoPersistence.layer))
 * ```
 *
 * @see {@link layerBacking} for the store alone
 * @see {@link layerWith} for settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Persistence.Persistence, never, MongoDatabase.MongoDatabase> = layerWith({})
