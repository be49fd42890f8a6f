/**
 * Where consumers of change streams keep how far they have come, and which of them works.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Driver from "mongodb"
import { MongoDatabase } from "./MongoDatabase.ts"
import type { MongoError } from "./MongoError.ts"

/**
 * Keeps for each consumer, by its name, one resume token and one lease.
 *
 * **Details**
 *
 * A lease belongs to one owner for a time. Only its owner can save a token, so that an instance that was thought dead does not turn
 * back the one that took over.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ResumeTokenStore {
  /** Takes the lease, or makes it last longer where the owner has it. False when another owner has it. */
  readonly acquire: (name: string, owner: string, duration: Duration.Duration) => Effect.Effect<boolean, MongoError>
  /** Gives the lease up, where the owner has it. */
  readonly release: (name: string, owner: string) => Effect.Effect<void, MongoError>
  /** The token that was saved last. */
  readonly load: (name: string) => Effect.Effect<Option.Option<Driver.ResumeToken>, MongoError>
  /** Saves a token. False, and nothing is saved, when the owner does not have the lease. */
  readonly save: (name: string, owner: string, token: Driver.ResumeToken) => Effect.Effect<boolean, MongoError>
  /** Forgets the token. */
  readonly clear: (name: string) => Effect.Effect<void, MongoError>
}

/**
 * The store of the consumers of a program.
 *
 * **Example** (Forgetting how far a consumer has come)
 *
 * ```ts
 * import { ResumeTokenStore } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const startOver = Effect.flatMap(ResumeTokenStore.ResumeTokenStore, (store) => store.clear("search-index"))
 * ```
 *
 * @stability unstable
 * @category services
 * @since 0.1.0
 */
export const ResumeTokenStore: Context.Service<ResumeTokenStore, ResumeTokenStore> = Context.Service<ResumeTokenStore>(
  "@mongofx/core/ResumeTokenStore"
)

interface Stored {
  readonly _id: string
  readonly owner: string | null
  readonly expiresAt: Date
  readonly token?: Driver.ResumeToken
  readonly savedAt?: Date
}

/**
 * Keeps tokens and leases in a collection of the database, one document for each consumer. Leases last by the server's clock.
 *
 * **When to use**
 *
 * Use it in production. A handler that saves its token inside a transaction needs the store in the same deployment, on the same client.
 *
 * **Example** (A collection of its own)
 *
 * ```ts
 * import { MongoClient, MongoDatabase, ResumeTokenStore } from "@mongofx/core"
 * import { Config, Layer } from "effect"
 *
 * const Store = ResumeTokenStore.layerMongo({ collection: "consumers" }).pipe(
 *   Layer.provide(MongoDatabase.layer("app")),
 *   Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
 * )
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerMongo = (
  options: { readonly collection?: string | undefined } = {}
): Layer.Layer<ResumeTokenStore, never, MongoDatabase> =>
  Layer.effect(
    ResumeTokenStore,
    Effect.map(MongoDatabase, (database) => {
      const stored = database.collection<Stored>(options.collection ?? "mongofx_resume_tokens", {
        writeConcern: { w: "majority" },
        readConcern: { level: "majority" },
        readPreference: "primary"
      })
      return {
        acquire: (name, owner, duration) => {
          const isFree = { $or: [{ owner }, { owner: null }, { $expr: { $lt: ["$expiresAt", "$$NOW"] } }] }
          const expiresAt = { $add: ["$$NOW", Duration.toMillis(duration)] }
          // In two steps, since an upsert cannot compare with the server's time. Several may come first: all but one find it there.
          const ensure = stored.updateOne(
            { _id: name },
            { $setOnInsert: { owner: null, expiresAt: new Date(0) } },
            { upsert: true }
          ).pipe(Effect.catchReason("MongoError", "DuplicateKeyError", () => Effect.void))
          const take = stored.updateOne({ _id: name, ...isFree }, [{ $set: { owner: { $literal: owner }, expiresAt } }])
          return Effect.map(Effect.andThen(ensure, take), (result) => result.matchedCount === 1)
        },
        release: (name, owner) =>
          Effect.asVoid(stored.updateOne({ _id: name, owner }, { $set: { owner: null, expiresAt: new Date(0) } })),
        load: (name) =>
          Effect.map(
            stored.findOne({ _id: name }),
            Option.flatMap((document) => Option.fromUndefinedOr(document.token))
          ),
        save: (name, owner, token) =>
          Effect.map(
            stored.updateOne({ _id: name, owner }, { $set: { token }, $currentDate: { savedAt: true } }),
            (result) => result.matchedCount === 1
          ),
        clear: (name) => Effect.asVoid(stored.updateOne({ _id: name }, { $unset: { token: "" } }))
      }
    })
  )

/**
 * Keeps tokens and leases in memory, for tests and for consumers that may start over with the process. Leases last by Effect's `Clock`.
 *
 * **Example** (A consumer under test)
 *
 * ```ts
 * import { ResumeTokenStore } from "@mongofx/core"
 * import { Effect } from "effect"
 *
 * const program = Effect.flatMap(ResumeTokenStore.ResumeTokenStore, (store) => store.load("search-index")).pipe(
 *   Effect.provide(ResumeTokenStore.layerMemory)
 * )
 * ```
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<ResumeTokenStore> = Layer.sync(ResumeTokenStore, () => {
  const tokens = new Map<string, Driver.ResumeToken>()
  const leases = new Map<string, { readonly owner: string; readonly expiresAt: number }>()
  return {
    acquire: (name, owner, duration) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const lease = leases.get(name)
        if (lease !== undefined && lease.owner !== owner && lease.expiresAt > now) return false
        leases.set(name, { owner, expiresAt: now + Duration.toMillis(duration) })
        return true
      }),
    release: (name, owner) =>
      Effect.sync(() => {
        if (leases.get(name)?.owner === owner) leases.delete(name)
      }),
    load: (name) => Effect.sync(() => Option.fromUndefinedOr(tokens.get(name))),
    save: (name, owner, token) =>
      Effect.sync(() => {
        if (leases.get(name)?.owner !== owner) return false
        tokens.set(name, token)
        return true
      }),
    clear: (name) => Effect.sync(() => void tokens.delete(name))
  }
})
