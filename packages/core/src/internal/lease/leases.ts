/**
 * Leases, each a document of a collection: its owner, its end by the server's clock, and the fence of the owner.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { LeaseHolder } from "../../Integration.ts"
import type { MongoCollection } from "../../MongoCollection.ts"
import type { MongoDatabase } from "../../MongoDatabase.ts"
import type { MongoError } from "../../MongoError.ts"
import { connectionOf } from "../call/connection.ts"
import { ambientSession, checking } from "../call/operation.ts"
import { recordsIn } from "../handle/records.ts"
import { leaseOf } from "../input/duration.ts"
import { transactionOf, withSession } from "../session/transaction.ts"
import { asFarAsPossible } from "./holding.ts"

/**
 * The document of a lease.
 *
 * @internal
 */
export interface LeaseDocument {
  readonly _id: string
  readonly owner: string | null
  readonly fence: number
  readonly expiresAt: Date
}

/**
 * A lease that somebody took, and may still hold.
 *
 * @internal
 */
export interface Held {
  readonly name: string
  readonly fence: number
}

/**
 * Runs `f` with the duration of a lease, and refuses one that is too short or infinite.
 *
 * @internal
 */
export const leasing = <A>(
  name: "acquire" | "renew",
  duration: Duration.Input,
  f: (duration: Duration.Duration) => Effect.Effect<A, MongoError>
): Effect.Effect<A, MongoError> =>
  Effect.flatMap(checking({ name, command: "update" }, () => leaseOf(duration, "duration")), f)

/**
 * A filter for the document of a lease, as long as it is held.
 *
 * @internal
 */
export const heldBy = ({ fence, name }: Held) => ({ _id: name, fence })

/**
 * The update that ends a lease. It also uses up the fence, so that late commands of the holder change nothing.
 *
 * @internal
 */
export const ending = { $set: { owner: null, expiresAt: new Date(0) }, $inc: { fence: 1 } } as const

const expiresIn = (duration: Duration.Duration) => ({ $add: ["$$NOW", Duration.toMillis(duration)] })

/**
 * Whether an update found its document.
 *
 * @internal
 */
export const isDone = Effect.map((result: { readonly matchedCount: number }) => result.matchedCount === 1)

/**
 * A collection of leases, whose documents may have more fields. `begin` has the fields to set whenever a lease is taken.
 *
 * @internal
 */
export const makeLeases = <Stored extends LeaseDocument>(
  database: MongoDatabase,
  collection: string,
  begin: Readonly<Record<string, number>> = {}
) => {
  const stored = recordsIn<LeaseDocument>(database, collection)
  const connection = connectionOf(database)
  /**
   * Runs a write that must not take place after its interruption. Who is interrupted, or does not get the reply, may have written, or may still
   * do so. So the attempt has a session, whose end ends what the server still runs in it, and then `undo` runs.
   */
  const attempting = <A>(
    attempt: Effect.Effect<A, MongoError>,
    undo: Effect.Effect<unknown, MongoError> = Effect.void
  ): Effect.Effect<A, MongoError> =>
    Effect.withFiber((fiber) =>
      transactionOf(ambientSession(connection, fiber.context)) !== undefined ? attempt : Effect.onError(
        withSession(connection, { causalConsistency: false }, attempt),
        () => asFarAsPossible(undo)
      )
    )
  return {
    stored: stored as unknown as MongoCollection<Stored>,
    attempting,
    acquire: (
      name: string,
      owner: string,
      duration: Duration.Input
    ): Effect.Effect<Option.Option<Stored>, MongoError> =>
      leasing("acquire", duration, (duration) => {
        const isFree = { $or: [{ owner }, { owner: null }, { $expr: { $lt: ["$expiresAt", "$$NOW"] } }] }
        // In two steps, since an upsert cannot compare with the server's time. If several come first, all but one find the document there.
        const ensure = stored.updateOne(
          { _id: name },
          { $setOnInsert: { owner: null, fence: 0, expiresAt: new Date(0), ...begin } },
          { upsert: true }
        ).pipe(Effect.catchReason("MongoError", "DuplicateKeyError", () => Effect.void))
        // The update returns the document: a separate read might return one that a transaction is about to replace.
        const take = stored.findOneAndUpdate(
          { _id: name, ...isFree },
          [{
            $set: {
              owner: { $literal: owner },
              fence: { $add: [{ $ifNull: ["$fence", 0] }, 1] },
              expiresAt: expiresIn(duration),
              ...begin
            }
          }],
          { returnDocument: "after" }
        )
        return attempting(Effect.andThen(ensure, take), stored.updateOne({ _id: name, owner }, ending))
      }) as Effect.Effect<Option.Option<Stored>, MongoError>,
    renew: (held: Held, duration: Duration.Input): Effect.Effect<boolean, MongoError> =>
      leasing(
        "renew",
        duration,
        (duration) => isDone(stored.updateOne(heldBy(held), [{ $set: { expiresAt: expiresIn(duration) } }]))
      ),
    release: (held: Held): Effect.Effect<void, MongoError> => Effect.asVoid(stored.updateOne(heldBy(held), ending)),
    holder: (name: string): Effect.Effect<Option.Option<LeaseHolder>, MongoError> =>
      Effect.map(
        stored.aggregate<{ readonly owner: string; readonly left: number }>([
          { $match: { _id: name, owner: { $ne: null } } },
          { $project: { owner: 1, left: { $subtract: ["$expiresAt", "$$NOW"] } } }
        ]).first,
        Option.flatMap(({ left, owner }) =>
          left < 0 ? Option.none() : Option.some({ owner, expiresIn: Duration.millis(left) })
        )
      )
  }
}

/**
 * Makes leases without further fields.
 *
 * @internal
 */
export const leases = (database: MongoDatabase, options: { readonly collection?: string | undefined } = {}) => {
  const { acquire, holder, release, renew } = makeLeases(database, options.collection ?? "mongofx_leases")
  return {
    acquire: (name: string, owner: string, duration: Duration.Input) =>
      Effect.map(acquire(name, owner, duration), Option.map(({ fence }): Held => ({ name, fence }))),
    renew,
    release,
    holder
  }
}
