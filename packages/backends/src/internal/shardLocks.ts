/**
 * The runners of a cluster and their locks on shards as documents: filters and updates, made of plain values. The server's clock decides.
 *
 * A lock is a lease of one storage, which is one process: not of an address, which the next process may have as well. Its `fence` grows when another one
 * takes it.
 */
import type { Document } from "mongodb"
import { choose } from "./choose.ts"
import { dateIn } from "./store.ts"

/**
 * A runner of a cluster.
 *
 * @internal
 */
export interface RunnerDocument {
  /** The address. */
  readonly _id: string
  readonly runner: string
  readonly healthy: boolean
  readonly machineId: number
  readonly seenAt: Date
}

/**
 * A lock on a shard.
 *
 * @internal
 */
export interface LockDocument {
  /** The shard. */
  readonly _id: string
  readonly owner: string | null
  readonly address: string | null
  /** How often the lock has changed hands. */
  readonly fence: number
  readonly expiresAt: Date
}

/**
 * Who asks for locks: a process, by a name that no other one has, and its address.
 *
 * @internal
 */
export interface Owner {
  readonly owner: string
  readonly address: string
}

const ago = (millis: number) => ({ $subtract: ["$$NOW", millis] })

/**
 * The runners that have been seen in the last milliseconds.
 *
 * @internal
 */
export const seenWithin = (millis: number) => ({ $expr: { $gt: ["$seenAt", ago(millis)] } })

/**
 * The runners that have not been seen in the last milliseconds.
 *
 * @internal
 */
export const notSeenWithin = (millis: number) => ({ $expr: { $lte: ["$seenAt", ago(millis)] } })

/**
 * Notes that a runner is alive.
 *
 * @internal
 */
export const seen: Array<Document> = [{ $set: { seenAt: "$$NOW" } }]

/**
 * Registers a runner. The number of its machine is used if it has none.
 *
 * @internal
 */
export const registering = (runner: string, healthy: boolean, machineId?: number): Array<Document> => [{
  $set: {
    runner: { $literal: runner },
    healthy,
    seenAt: "$$NOW",
    ...(machineId === undefined ? {} : { machineId: { $ifNull: ["$machineId", machineId] } })
  }
}]

const isHeldBy = ({ address, owner }: Owner) => ({
  $and: [{ $eq: ["$owner", { $literal: owner }] }, { $eq: ["$address", { $literal: address }] }]
})

const isOver = { $lte: [{ $ifNull: ["$expiresAt", new Date(0)] }, "$$NOW"] }

/**
 * The locks that an owner may have.
 *
 * @internal
 */
export const freeFor = (owner: Owner) => ({ $expr: { $or: [isHeldBy(owner), isOver] } })

/**
 * Takes a lock for a time in milliseconds if it is free, and changes nothing otherwise. The condition stands here and not in the filter, since that of an upsert
 * may have no `$expr`.
 *
 * @internal
 */
export const taking = (owner: Owner, millis: number): Array<Document> => [
  choose([{ $or: [isHeldBy(owner), isOver] }, {
    owner: { $literal: owner.owner },
    address: { $literal: owner.address },
    fence: {
      $add: [{ $ifNull: ["$fence", 0] }, { $cond: [{ $and: [isHeldBy(owner), { $not: [isOver] }] }, 0, 1] }]
    },
    expiresAt: dateIn(millis)
  }])
]

/**
 * The locks that an owner holds now. One that has run out is lost, also if nobody else has it: somebody may have had it in between.
 *
 * @internal
 */
export const heldBy = ({ address, owner }: Owner) => ({ owner, address, $expr: { $gt: ["$expiresAt", "$$NOW"] } })

/**
 * The locks that some owners hold now, whatever their addresses are.
 *
 * @internal
 */
export const heldByAny = (owners: ReadonlyArray<string>) => ({
  owner: { $in: [...owners] },
  $expr: { $gt: ["$expiresAt", "$$NOW"] }
})

/**
 * Keeps locks for a time in milliseconds.
 *
 * @internal
 */
export const keeping = (millis: number): Array<Document> => [{ $set: { expiresAt: dateIn(millis) } }]

/**
 * Gives a lock back. The document stays, because of its fence.
 *
 * @internal
 */
export const giving = { $set: { owner: null, address: null, expiresAt: new Date(0) } }
