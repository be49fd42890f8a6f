/**
 * A circuit is a document, and what happens to it is a pipeline of an update: the server decides in one step.
 *
 * An update that changes nothing is not written. A closed circuit whose calls succeed, and an open one that rejects calls, are read only.
 */
import type { CircuitBreakerStore, TripPolicy } from "effect/persistence/CircuitBreaker"
import type { Document } from "mongodb"
import { choose } from "./choose.ts"
import { dateIn } from "./store.ts"

/**
 * The document of a circuit. Times are milliseconds of the clock of the store.
 *
 * @internal
 */
export interface Circuit {
  readonly _id: string
  readonly state: "Closed" | "Open" | "HalfOpen"
  /** The fence: an outcome of an older generation changes nothing. */
  readonly generation: number
  /** Openings since the backoff was last reset. */
  readonly openings: number
  readonly openUntil: number
  readonly lastOpenFor: number
  /** When a closed circuit forgets its openings. */
  readonly resetAt: number
  /** How many failures came one after the other. */
  readonly streak: number
  /** The last outcomes under a policy of rates, the newest last: whether each is a failure. */
  readonly ring: ReadonlyArray<boolean>
  /** Who probes. */
  readonly probe: string
  readonly leaseUntil: number
  /** What the circuit was before its last transition. */
  readonly from: "Closed" | "Open" | "HalfOpen"
  /** When it is forgotten. */
  readonly expiresAt: number
  readonly expireAt: Date
}

const inState = (state: Circuit["state"], ...more: ReadonlyArray<Document>): Document => ({
  $and: [{ $eq: ["$state", state] }, ...more]
})

/** A higher generation than all before, also those of a document that was deleted meanwhile. */
const next = (now: number | Document): Document => ({
  $max: [{ $add: [{ $ifNull: ["$generation", 0] }, 1] }, { $multiply: [{ $floor: now }, 1000] }]
})

/** Keeps a circuit for some time from now on. */
const keep = (now: number | Document, millis: number | Document): Document => ({
  expiresAt: { $add: [now, millis] },
  expireAt: dateIn(millis)
})

/** How much longer than asked for an idle circuit is kept. In that time calls do not write when they only show that it is in use. */
const slack = 1.05

/** Shows that a closed circuit is in use. */
const touch = (now: number | Document, idle: number): Document =>
  choose([inState("Closed", { $lt: ["$expiresAt", { $add: [now, idle] }] }), keep(now, idle * slack)])

/**
 * Admits a call, if the circuit lets it. A circuit that has become half-open has the name of the caller as its `probe`.
 *
 * @internal
 */
export const admit = (
  now: number | Document,
  { idle, lease, probe }: { readonly idle: number; readonly lease: number; readonly probe: string }
): Array<Document> => {
  const fresh: Omit<Circuit, "_id" | "generation" | "expiresAt" | "expireAt"> = {
    state: "Closed",
    openings: 0,
    openUntil: 0,
    lastOpenFor: 0,
    resetAt: 0,
    streak: 0,
    ring: [],
    probe: "",
    leaseUntil: 0,
    from: "Closed"
  }
  const probing = {
    state: "HalfOpen",
    from: "$state",
    generation: next(now),
    probe: { $literal: probe },
    leaseUntil: { $add: [now, lease] },
    ...keep(now, lease + idle)
  }
  return [
    choose([{ $not: { $gt: ["$expiresAt", now] } }, { ...fresh, generation: next(now), expiresAt: now }]),
    choose(
      [inState("Closed", { $gt: ["$openings", 0] }, { $lte: ["$resetAt", now] }), { openings: 0 }],
      [inState("Open", { $lte: ["$openUntil", now] }), probing],
      [inState("HalfOpen", { $lte: ["$leaseUntil", now] }), probing]
    ),
    touch(now, idle)
  ]
}

/**
 * Takes in the outcome of a call of the current generation.
 *
 * @internal
 */
export const record = (
  now: number | Document,
  { idle, openFor, outcome, policy }: {
    readonly idle: number
    readonly openFor: number
    readonly outcome: Parameters<CircuitBreakerStore["Service"]["record"]>[0]["outcome"]
    readonly policy: TripPolicy
  }
): Array<Document> => {
  const forgotten = { streak: 0, ring: [], leaseUntil: 0, generation: next(now) }
  const open = (from: "Closed" | "HalfOpen") => ({
    ...forgotten,
    state: "Open",
    from,
    openUntil: { $add: [now, openFor] },
    lastOpenFor: openFor,
    openings: { $add: ["$openings", 1] },
    ...keep(now, openFor + idle)
  })
  const probed = outcome === "Failure" ? open("HalfOpen") : outcome === "Success"
    ? {
      ...forgotten,
      state: "Closed",
      from: "HalfOpen",
      resetAt: { $add: [now, "$lastOpenFor"] },
      ...keep(now, idle * slack)
    }
    // The slot is free, and a new generation keeps it free from a renewal that is under way.
    : { generation: next(now), leaseUntil: 0, ...keep(now, idle) }

  const failed = outcome === "Failure"
  const counted: Document = {
    streak: failed ? { $add: ["$streak", 1] } : 0,
    ...(policy._tag === "Rate" ? { ring: { $slice: [{ $concatArrays: ["$ring", [failed]] }, -policy.size] } } : {})
  }
  const failures = { $size: { $filter: { input: "$ring", cond: "$$this" } } }
  const length = { $size: "$ring" }
  const trips = policy._tag === "Consecutive"
    ? [{ $gte: ["$streak", policy.failures] }]
    : [
      { $gte: [length, policy.minimumCalls] },
      { $gt: [failures, 0] },
      { $gte: [{ $divide: [failures, { $max: [1, length] }] }, policy.threshold] }
    ]
  return [
    choose([inState("HalfOpen"), probed], [inState("Closed"), outcome === "Ignored" ? {} : counted]),
    ...(outcome === "Ignored" ? [] : [choose([inState("Closed", ...trips), open("Closed")])]),
    touch(now, idle)
  ]
}

/**
 * Makes the lease of a probe longer.
 *
 * @internal
 */
export const renew = (now: number | Document, lease: number, idle: number): Array<Document> => [
  { $set: { leaseUntil: { $add: [now, lease] }, ...keep(now, lease + idle) } }
]
