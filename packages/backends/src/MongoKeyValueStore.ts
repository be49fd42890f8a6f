/**
 * Effect's `KeyValueStore` on MongoDB: text and bytes by key, with a `modify` that loses no update.
 *
 * @since 0.1.0
 */
import { MongoDatabase, type MongoError } from "@mongofx/core"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Base64 from "effect/encoding/Base64"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Semaphore from "effect/Semaphore"
import { Binary } from "mongodb"
import { beginsWith } from "./internal/prefix.ts"
import { makeStore, upserting } from "./internal/store.ts"

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
  /** The collection of the entries, `effect_key_value_store` by default. */
  readonly collectionName?: string | undefined
  /** How long an operation may take, 10 seconds by default; for `modify` with all its attempts. A shorter deadline around it counts. */
  readonly deadline?: Duration.Input | undefined
}

/** Text and bytes are different types of BSON, so nothing else has to say which of them a value is. */
type Value = string | Binary

interface Entry {
  readonly _id: string
  readonly value: Value
}

const encoder = new TextEncoder()

const bytesOf = (value: Value): Uint8Array =>
  typeof value === "string" ? encoder.encode(value) : new Uint8Array(value.value())

const textOf = (value: Value): string => typeof value === "string" ? value : Base64.encode(bytesOf(value))

const stored = (value: string | Uint8Array): Value => typeof value === "string" ? value : new Binary(value)

const failing = (method: string, key?: string) =>
  Effect.mapError((cause: MongoError.MongoError) =>
    new KeyValueStore.KeyValueStoreError({
      method,
      message: cause.message,
      cause,
      ...(key === undefined ? {} : { key })
    })
  )

/** Lets the calls of this process for one key take turns, so that only other processes make a turn fail. */
const makeLines = () => {
  const lines = new Map<string, { readonly semaphore: Semaphore.Semaphore; callers: number }>()
  return (key: string) => <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => {
      const line = lines.get(key) ?? { semaphore: Semaphore.makeUnsafe(1), callers: 0 }
      lines.set(key, line)
      line.callers++
      const leave = Effect.sync(() => {
        if (--line.callers === 0) lines.delete(key)
      })
      return Effect.ensuring(line.semaphore.withPermit(self), leave)
    })
}

const makeWith = Effect.fnUntraced(function*(options: Options) {
  const { collection, run } = makeStore<Entry>(
    yield* MongoDatabase.MongoDatabase,
    "effect_key_value_store",
    options
  )
  const inLine = makeLines()

  const read = (key: string) =>
    Effect.map(
      collection.findOne({ _id: key }),
      (entry) => Option.getOrUndefined(Option.map(entry, ({ value }) => value))
    )

  const getBy = <A>(method: string, decode: (value: Value) => A) => (key: string) =>
    run(read(key)).pipe(
      Effect.map((value) => value === undefined ? undefined : decode(value)),
      failing(method, key)
    )

  /** Writes only if the value is still the one that was read, and starts over if it is not. Each turn that fails means that somebody else's has succeeded. */
  const modifyBy =
    <A extends string | Uint8Array>(method: string, decode: (value: Value) => A) =>
    (key: string, f: (value: A) => A): Effect.Effect<A | undefined, KeyValueStore.KeyValueStoreError> => {
      const turn: Effect.Effect<A | undefined, MongoError.MongoError> = Effect.flatMap(read(key), (value) => {
        if (value === undefined) return Effect.undefined
        const modified = f(decode(value))
        return Effect.flatMap(
          collection.updateOne({ _id: key, value: { $eq: value } }, { $set: { value: stored(modified) } }),
          ({ matchedCount }) => matchedCount === 1 ? Effect.succeed(modified) : turn
        )
      })
      return run(inLine(key)(turn)).pipe(failing(method, key))
    }

  const clear = run(collection.deleteMany({})).pipe(Effect.asVoid, failing("clear"))

  return KeyValueStore.make({
    get: getBy("get", textOf),
    getUint8Array: getBy("getUint8Array", bytesOf),
    has: (key) =>
      run(collection.findOne({ _id: key }, { projection: { _id: 1 } })).pipe(
        Effect.map(Option.isSome),
        failing("has", key)
      ),
    isEmpty: run(collection.findOne({}, { projection: { _id: 1 } })).pipe(
      Effect.map(Option.isNone),
      failing("isEmpty")
    ),
    set: (key, value) =>
      run(upserting(collection.replaceOne({ _id: key }, { value: stored(value) }, { upsert: true }))).pipe(
        Effect.asVoid,
        failing("set", key)
      ),
    modify: modifyBy("modify", textOf),
    modifyUint8Array: modifyBy("modifyUint8Array", bytesOf),
    remove: (key) => run(collection.deleteOne({ _id: key })).pipe(Effect.asVoid, failing("remove", key)),
    clear,
    clearPrefix: (prefix) =>
      prefix === "" ? clear : run(collection.deleteMany({ _id: beginsWith(prefix) })).pipe(
        Effect.asVoid,
        failing("clearPrefix", prefix)
      ),
    size: run(collection.countDocuments({})).pipe(failing("size")),
    keys: run(collection.find({}, { projection: { _id: 1 } })).pipe(
      Effect.map((entries) => entries.map(({ _id }) => _id)),
      failing("keys")
    )
  })
})

/**
 * Provides `KeyValueStore` with its entries in a collection, with settings.
 *
 * **Example** (Two stores)
 *
 * ```ts
 * import { MongoKeyValueStore } from "@mongofx/backends"
 *
 * const Settings = MongoKeyValueStore.layerWith({ collectionName: "settings" })
 * const Drafts = MongoKeyValueStore.layerWith({ collectionName: "drafts", deadline: "2 seconds" })
 * ```
 *
 * @see {@link layer} for the same without settings, and for what is stored
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerWith = (
  options: Options
): Layer.Layer<KeyValueStore.KeyValueStore, never, MongoDatabase.MongoDatabase> =>
  Layer.effect(KeyValueStore.KeyValueStore, makeWith(options))

/**
 * Provides `KeyValueStore` with its entries in the collection `effect_key_value_store`.
 *
 * **When to use**
 *
 * Use it for code that asks for a `KeyValueStore`, and for small state that all processes share. For documents with fields use a
 * collection.
 *
 * **Details**
 *
 * An entry is a document with the key as its `_id`; its `value` is text or bytes. Bytes that are read as text are base64, and text that is read as
 * bytes is UTF-8, as in Effect's stores. `modify` and `modifyUint8Array` write only if the value is still the one that they have read,
 * and otherwise read it again: of concurrent calls none is lost, and the function may run several times. Effect's own stores read and then write.
 *
 * `clearPrefix` deletes a range of the index. `KeyValueStore.prefix` gives a part of the store.
 *
 * Operations run outside of a transaction around them, with a deadline. They fail with a `KeyValueStoreError` whose `cause` is the `MongoError`.
 *
 * **Gotchas**
 *
 * An entry has 16 MB at most, and text and keys have no lone surrogates: operations fail for others. A collection that you make yourself must have no
 * collation, which would find other keys equal.
 *
 * **Example** (Counting visits)
 *
 * ```ts
 * import { MongoKeyValueStore } from "@mongofx/backends"
 * import { Effect } from "effect"
 * import { KeyValueStore } from "effect/persistence"
 *
 * const visit = Effect.gen(function*() {
 *   const store = yield* KeyValueStore.KeyValueStore
 *   return yield* store.modify("visits", (count) => String(Number(count) + 1))
 * }).pipe(Effect.provide(MongoKeyValueStore.layer))
 * ```
 *
 * @see {@link layerWith} for settings
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<KeyValueStore.KeyValueStore, never, MongoDatabase.MongoDatabase> = layerWith({})
