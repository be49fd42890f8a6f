/**
 * Where consumers of change streams keep how far they have come, and which instance works.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import type * as Driver from "mongodb"
import { serverNanos } from "./internal/call/serverTime.ts"
import { ending, heldBy, isDone, type LeaseDocument, leasing, makeLeases } from "./internal/lease/leases.ts"
import type { MongoCollection } from "./MongoCollection.ts"
import { MongoDatabase } from "./MongoDatabase.ts"
import type { MongoError } from "./MongoError.ts"

/**
 * One turn of a consumer: from taking its lease until another turn begins or the lease is released.
 *
 * **Details**
 *
 * Each turn has a number, its fence, which only grows. A turn can write only while the stored fence is its own. So an instance that was
 * stopped, cut off or believed dead does no harm when it comes back, however late its commands
 * arrive: it can neither move the token nor extend the lease.
 *
 * @see {@link Checkpoint} for how far a consumer has come
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Turn {
  /** The name of the consumer. */
  readonly name: string
  /** The number of the turn: higher than the numbers of all earlier turns. */
  readonly fence: number
  /** How far the earlier turns have come; none if no token was saved yet. */
  readonly saved: Option.Option<Checkpoint>
}

/**
 * How far a consumer has come.
 *
 * @see {@link Turn} for the turn that saves it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Checkpoint {
  /** The token to resume after. */
  readonly token: Driver.ResumeToken
  /** False until `onFirstStart` has ended: the next turn runs it again. */
  readonly started: boolean
  /**
   * How many parts the consumer has, if there are several: then it is the position at which they began. Each has its own position and lease
   * under a name such as `mail/3of8`.
   */
  readonly parts?: number | undefined
}

/**
 * The instances of a consumer that live. A consumer with `partitions` shares its parts among them.
 *
 * @see {@link ResumeTokenStore} for the store that has it
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Members {
  /**
   * Says that a member of a group lives, until the duration is over, and returns all members that live. It is one step for the store. If it is
   * interrupted, it must not take place later: a `leave` would be forgotten.
   */
  readonly join: (
    group: string,
    member: string,
    duration: Duration.Duration
  ) => Effect.Effect<ReadonlyArray<string>, MongoError>
  /** Forgets a member. */
  readonly leave: (group: string, member: string) => Effect.Effect<void, MongoError>
}

/**
 * Keeps one resume token and one lease for each consumer, by its name.
 *
 * **When to use**
 *
 * Use `layerMongo` or `layerMemory`. Implement it to keep tokens elsewhere; the gotchas say what a store has to guarantee.
 *
 * **Gotchas**
 *
 * `acquire`, `renew`, `release` and `save` each compare and write in one step. When a handler's transaction saves the token, `save`
 * joins that transaction, and conflicts with a turn that begins meanwhile.
 *
 * A store without `members` is a store for consumers without `partitions`. A store with it also keeps `parts` of a checkpoint.
 *
 * @see {@link layerMongo} for a store in MongoDB
 * @see {@link layerMemory} for a store in memory
 * @see {@link Turn} for what a fence is
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface ResumeTokenStore {
  /**
   * Begins a turn with a new fence, if the lease is free, has run out, or belongs to this owner. None if another owner has it.
   * The owner is a name for one instance. With it, an instance gets back a lease if the reply was lost. If it is interrupted or fails, the
   * owner has no lease afterwards: other instances must not have to wait for one that nobody knows of. Fails with an
   * `InvalidArgumentError` if the duration is infinite or shorter than a millisecond.
   */
  readonly acquire: (
    name: string,
    owner: string,
    duration: Duration.Duration
  ) => Effect.Effect<Option.Option<Turn>, MongoError>
  /** Makes the lease of a turn last this long from now on. It never begins a turn: false if the turn is over. Fails as `acquire` does. */
  readonly renew: (turn: Turn, duration: Duration.Duration) => Effect.Effect<boolean, MongoError>
  /** Ends a turn and releases its lease. Does nothing if the turn is over. */
  readonly release: (turn: Turn) => Effect.Effect<void, MongoError>
  /** How far the consumer has come. */
  readonly load: (name: string) => Effect.Effect<Option.Option<Checkpoint>, MongoError>
  /**
   * Saves how far a turn has come. Positions count the events that the turn has passed. False, without saving anything, if the turn is
   * over or has already saved a higher position: a command that arrives late does not move the token back.
   */
  readonly save: (turn: Turn, position: number, checkpoint: Checkpoint) => Effect.Effect<boolean, MongoError>
  /** Forgets how far the consumer and its parts have come, and ends their turns: the next turn is a first start. */
  readonly clear: (name: string) => Effect.Effect<void, MongoError>
  /** The instances that live. Consumers with `partitions` need it. */
  readonly members?: Members | undefined
}

/**
 * The store as a service, for the consumers of a program.
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

interface Stored extends LeaseDocument {
  readonly position: number
  readonly token?: Driver.ResumeToken
  readonly started?: boolean
  readonly savedAt?: Date
  readonly parts?: number
}

interface StoredMembers {
  readonly _id: string
  readonly members: ReadonlyArray<{ readonly id: string; readonly expiresAt: Date }>
}

const checkpointOf = ({ parts, started, token }: Stored): Option.Option<Checkpoint> =>
  Option.map(
    Option.fromUndefinedOr(token),
    (token) => ({ token, started: started !== false, ...parts === undefined ? {} : { parts } })
  )

/** Finds the names of the parts of a consumer, and of what they share. */
const partsOf = (name: string): RegExp =>
  new RegExp(`^${name.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&")}/(\\d+of\\d+|repair)$`)

/**
 * Keeps tokens and leases in a collection of the database, one document for each consumer. The server's clock measures the leases.
 *
 * **When to use**
 *
 * Use it in production. A handler that saves its token inside a transaction needs the store in the same deployment, on the same client.
 *
 * **Details**
 *
 * The document of a consumer `mail` has the `_id` `mail`: its `token`, its `fence`, who has the lease (`owner`) and until when (`expiresAt`). With
 * `partitions: 4` there is also
 *
 * - `mail/0of4` to `mail/3of4`: one document of the same kind for each part. In that of `mail`, `parts` is 4, and its lease is for taking parts
 * - `mail/4`: the instances with that number of parts, under `members`, each until its `expiresAt`
 * - `mail/repair`: after a loss of history, the position after the last repair
 *
 * Documents of an earlier number of parts stay. They do no harm: `clear` forgets all their positions.
 *
 * **Gotchas**
 *
 * A consumer of the whole database or client also sees what the store writes: keep the store in a database that nobody watches, or
 * exclude its collection with a pipeline.
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
 * @see {@link layerMemory} for tests
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
      const { acquire, attempting, release, renew, stored } = makeLeases<Stored>(
        database,
        options.collection ?? "mongofx_resume_tokens",
        { position: 0 }
      )
      const groups = stored as unknown as MongoCollection<StoredMembers>
      return {
        acquire: (name, owner, duration) =>
          Effect.map(
            acquire(name, owner, duration),
            Option.map((document): Turn => ({ name, fence: document.fence, saved: checkpointOf(document) }))
          ),
        renew,
        release,
        load: (name) => Effect.map(stored.findOne({ _id: name }), Option.flatMap(checkpointOf)),
        save: (turn, position, { parts, started, token }) =>
          isDone(stored.updateOne(
            { ...heldBy(turn), position: { $lte: position } },
            parts === undefined
              ? { $set: { token, started, position }, $unset: { parts: "" }, $currentDate: { savedAt: true } }
              : { $set: { token, started, position, parts }, $currentDate: { savedAt: true } }
          )),
        clear: (name) => {
          const forgetting = { ...ending, $unset: { token: "", started: "", parts: "" } } as const
          return Effect.andThen(
            stored.updateOne({ _id: name }, forgetting),
            Effect.asVoid(stored.updateMany({ _id: { $regex: partsOf(name) } }, forgetting))
          )
        },
        members: {
          join: (group, member, duration) =>
            leasing("acquire", duration, (duration) => {
              const others = {
                $filter: {
                  input: { $ifNull: ["$members", []] },
                  cond: { $and: [{ $ne: ["$$this.id", { $literal: member }] }, { $gt: ["$$this.expiresAt", "$$NOW"] }] }
                }
              }
              const me = { id: { $literal: member }, expiresAt: { $add: ["$$NOW", Duration.toMillis(duration)] } }
              const joined = groups.findOneAndUpdate(
                { _id: group },
                [{ $set: { members: { $concatArrays: [others, [me]] } } }],
                { upsert: true, returnDocument: "after" }
              )
              return Effect.map(
                // Of several that come first, all but one find the document there.
                attempting(Effect.catchReason(joined, "MongoError", "DuplicateKeyError", () => joined)),
                Option.match({ onNone: () => [], onSome: ({ members }) => members.map(({ id }) => id) })
              )
            }),
          leave: (group, member) =>
            Effect.asVoid(groups.updateOne({ _id: group }, { $pull: { members: { id: member } } }))
        }
      }
    })
  )

/**
 * Keeps tokens and leases in memory, for tests and for consumers that may start over with the process. `Mongo.CurrentServerClock`
 * measures the leases.
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
 * @see {@link layerMongo} for production
 *
 * @stability unstable
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<ResumeTokenStore> = Layer.sync(ResumeTokenStore, () => {
  interface Entry {
    owner: string | undefined
    fence: number
    expiresAt: bigint
    position: number
    saved: Option.Option<Checkpoint>
  }
  const entries = new Map<string, Entry>()
  const entryOf = (name: string): Entry => {
    const entry = entries.get(name) ?? { owner: undefined, fence: 0, expiresAt: 0n, position: 0, saved: Option.none() }
    entries.set(name, entry)
    return entry
  }
  const groups = new Map<string, Map<string, bigint>>()
  const groupOf = (name: string): Map<string, bigint> => {
    const group = groups.get(name) ?? new Map<string, bigint>()
    groups.set(name, group)
    return group
  }
  const end = (entry: Entry): void => {
    entry.owner = undefined
    entry.fence++
  }
  const ifTurn = (turn: Turn, f: (entry: Entry, now: bigint) => void, also: (entry: Entry) => boolean = () => true) =>
    Effect.withFiber((fiber) => {
      const entry = entryOf(turn.name)
      const isOurs = entry.fence === turn.fence && also(entry)
      if (isOurs) f(entry, serverNanos(fiber))
      return Effect.succeed(isOurs)
    })
  return {
    acquire: (name, owner, duration) =>
      leasing("acquire", duration, (duration) =>
        Effect.withFiber((fiber) => {
          const now = serverNanos(fiber)
          const entry = entryOf(name)
          if (entry.owner !== undefined && entry.owner !== owner && entry.expiresAt >= now) return Effect.succeedNone
          entry.owner = owner
          entry.fence++
          entry.expiresAt = now + Duration.toNanosUnsafe(duration)
          entry.position = 0
          return Effect.succeedSome({ name, fence: entry.fence, saved: entry.saved })
        })),
    renew: (turn, duration) =>
      leasing("renew", duration, (duration) =>
        ifTurn(turn, (entry, now) => {
          entry.expiresAt = now + Duration.toNanosUnsafe(duration)
        })),
    release: (turn) => Effect.asVoid(ifTurn(turn, end)),
    load: (name) => Effect.sync(() => entryOf(name).saved),
    save: (turn, position, checkpoint) =>
      ifTurn(turn, (entry) => {
        entry.position = position
        entry.saved = Option.some(checkpoint)
      }, (entry) => entry.position <= position),
    clear: (name) =>
      Effect.sync(() => {
        const isPart = partsOf(name)
        for (
          const entry of [
            entryOf(name),
            ...[...entries].flatMap(([name, entry]) => isPart.test(name) ? [entry] : [])
          ]
        ) {
          end(entry)
          entry.saved = Option.none()
        }
      }),
    members: {
      join: (group, member, duration) =>
        leasing("acquire", duration, (duration) =>
          Effect.withFiber((fiber) => {
            const now = serverNanos(fiber)
            const members = groupOf(group).set(member, now + Duration.toNanosUnsafe(duration))
            for (const [other, expiresAt] of members) if (expiresAt <= now) members.delete(other)
            return Effect.succeed([...members.keys()])
          })),
      leave: (group, member) => Effect.sync(() => void groupOf(group).delete(member))
    }
  }
})
