/**
 * Effect's `Reactivity` on MongoDB: queries that run again when a transaction has committed, and when other processes write.
 *
 * @since 0.1.0
 */
import { MongoDatabase, type MongoError } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import { hearing, waitingForCommits } from "./internal/reactivity.ts"
import { idText, keysOfDocuments } from "./internal/reactivityKeys.ts"

/**
 * Settings of the layer.
 *
 * @see {@link layer} for the layer that takes them
 *
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface Options {
  /** The names of the collections whose changes invalidate. Without any, no change stream is opened, and a server without a replica set will do. */
  readonly collections: ReadonlyArray<string>
}

/**
 * Provides `Reactivity` that waits for commits, and that hears what is written to collections by any process.
 *
 * **When to use**
 *
 * Use it instead of `Reactivity.layer`, for queries that stay up to date on every instance: `Reactivity.stream` and `Reactivity.query` need nothing else.
 *
 * **Details**
 *
 * In a transaction, `Reactivity.invalidate` and `Reactivity.mutation` invalidate after the commit of the outermost one, in any module, and not at all if it
 * aborts. A body that runs again begins with nothing. Outside of a transaction they invalidate at once. `invalidateUnsafe` never waits. A query that
 * begins in a transaction or a session runs outside of it. A deadline around a query does not limit its runs; one within its effect limits each.
 *
 * A change stream of the database invalidates `{ [collection]: [id] }` for each document that is inserted, changed or deleted. `id` gives the text for its `_id`.
 * When a collection is dropped, renamed or replaced (`$out`), all of its queries run once. All queries of the collections run once when another
 * primary is elected or comes back, and when the server has lost the place of the change stream. The change stream resumes after failures without a gap. After two
 * minutes without a server it ends, and another one is opened as soon as one answers.
 *
 * The layer is there when the change stream is open. So whatever a query does not see in its first run makes it run again.
 *
 * It is built on `Reactivity.layer`. So what uses that in the same program, such as atoms, hears of the same changes.
 *
 * It fails with a `MongoError` if the change stream cannot be opened, as on a server without a replica set. When its scope closes, the change stream does.
 *
 * **Gotchas**
 *
 * `{ users: [id] }` is also a change of `users`, and Effect runs a query with the keys `{ users: [id] }` at each of these. Give a query of a few documents the
 * keys of `documents`.
 *
 * The process hears its own writes, too. After a `mutation` of a collection of this layer queries run at once, and perhaps once more. So leave `mutation`
 * out there, unless a few milliseconds matter.
 *
 * Read from the primary: a secondary may not have yet what the change stream has told. Views and time series have no events; name the collections
 * of a view. In a sharded cluster the client does not see the election of a shard: read with the read concern `majority` what must never show a write that is
 * undone.
 *
 * A query ends with its first failure, as in Effect. Give it a `retry`.
 *
 * In a transaction of another client, invalidations do not wait.
 *
 * **Example** (How many users there are, on every instance)
 *
 * ```ts
 * import { MongoReactivity } from "@mongofx/backends"
 * import { MongoDatabase } from "@mongofx/core"
 * import { Effect, Stream } from "effect"
 * import { Reactivity } from "effect/reactivity"
 *
 * const numberOfUsers = Stream.unwrap(Effect.gen(function*() {
 *   const users = (yield* MongoDatabase.MongoDatabase).collection("users")
 *   return Reactivity.stream(users.countDocuments(), ["users"])
 * }))
 *
 * const program = Stream.runForEach(numberOfUsers, (n) => Effect.log(`${n} users`)).pipe(
 *   Effect.provide(MongoReactivity.layer({ collections: ["users"] }))
 * )
 * ```
 *
 * @see {@link documents} for queries of a few documents
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options
): Layer.Layer<Reactivity.Reactivity, MongoError.MongoError, MongoDatabase.MongoDatabase> =>
  Layer.effect(
    Reactivity.Reactivity,
    Effect.gen(function*() {
      const local = yield* Reactivity.Reactivity
      const database = yield* MongoDatabase.MongoDatabase
      if (options.collections.length > 0) yield* hearing(local, database, options.collections)
      return waitingForCommits(local, database)
    })
    // The same as that of other layers of the program, such as atoms: a layer is built once.
  ).pipe(Layer.provide(Reactivity.layer))

/**
 * Returns the keys of a query that reads only some documents of a collection.
 *
 * **When to use**
 *
 * Use it for `Reactivity.stream` and `Reactivity.query` of one or a few documents. The query runs again when one of these changes, and when all queries of the
 * collection do. To invalidate, give `{ [collection]: [id] }`.
 *
 * **Example** (A user, as it is now)
 *
 * ```ts
 * import { MongoReactivity } from "@mongofx/backends"
 * import type { MongoCollection } from "@mongofx/core"
 * import { Reactivity } from "effect/reactivity"
 * import type { ObjectId } from "mongodb"
 *
 * const user = (users: MongoCollection.MongoCollection, _id: ObjectId) =>
 *   Reactivity.stream(users.findOne({ _id }), MongoReactivity.documents("users", [_id]))
 * ```
 *
 * @see {@link id} for the text of an `_id`
 * @see {@link layer} for the layer
 *
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const documents = (collection: string, ids: ReadonlyArray<unknown>): Reactivity.KeysInput =>
  keysOfDocuments(collection, ids)

/**
 * Returns the text that stands for an `_id` in keys.
 *
 * **When to use**
 *
 * Use it to invalidate a document whose `_id` is not a string: `Reactivity.invalidate({ users: [MongoReactivity.id(_id)] })`.
 *
 * **Details**
 *
 * A string is itself, and `"*"` stands for all documents. An `ObjectId` is its 24 digits, a `UUID` its usual form, a number its decimal form, and a date its ISO form.
 * Other bytes are base64, and documents a text with their fields in order. Values that the server takes for the same `_id` have the same text, such as 1,
 * `Long` 1 and `NumberDecimal("1.0")`.
 *
 * **Example** (An `ObjectId`)
 *
 * ```ts
 * import { MongoReactivity } from "@mongofx/backends"
 * import { ObjectId } from "mongodb"
 *
 * console.log(MongoReactivity.id(new ObjectId("665f1c2e8d3b4a0012345678"))) // 665f1c2e8d3b4a0012345678
 * ```
 *
 * @see {@link documents} for the keys of queries
 *
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const id: (id: unknown) => string = idText
