/**
 * What a replica set is made of, and the configuration that says so to its members.
 */
import type { Document } from "mongodb"

/** How many members may vote. */
const mostMembers = 7

/**
 * The members of a replica set, in this order: those that can become primary, those that stay behind, arbiters.
 *
 * @internal
 */
export interface Shape {
  readonly members: number
  /** Milliseconds. */
  readonly delayed: ReadonlyArray<number>
  readonly arbiters: number
  readonly tags: ReadonlyArray<Readonly<Record<string, string>>>
}

/** @internal */
export const sizeOf = ({ arbiters, delayed, members }: Shape): number => members + delayed.length + arbiters

const isArbiter = (shape: Shape, index: number): boolean => index >= sizeOf(shape) - shape.arbiters

const isCount = (value: number, least: number): boolean => Number.isInteger(value) && value >= least

/**
 * What is wrong with a shape, and what to do.
 *
 * @internal
 */
export const problemOf = (shape: Shape): string | undefined => {
  if (!isCount(shape.members, 1)) return `members is ${shape.members}: pass a whole number from 1`
  if (!isCount(shape.arbiters, 0)) return `arbiters is ${shape.arbiters}: pass a whole number from 0`
  if (sizeOf(shape) > mostMembers) {
    return `the set would have ${sizeOf(shape)} members: pass at most ${mostMembers}, with delayed ones and arbiters`
  }
  const short = shape.delayed.find((delay) => !isCount(delay / 1000, 1))
  if (short !== undefined) return `delayed has ${short} milliseconds: pass whole seconds, from 1`
  return shape.tags.length > shape.members
    ? `tags has ${shape.tags.length} entries for ${shape.members} members: pass at most one for each`
    : undefined
}

/**
 * How soon the members of a set notice that one is gone.
 *
 * @internal
 */
export interface Pace {
  /** How long the others wait for a primary until they elect one: milliseconds. */
  readonly electionTimeout: number
}

/** Many heartbeats in the time of an election, so that a late one does not count. */
const heartbeatsPerElection = 8

const settingsOf = ({ electionTimeout }: Pace): Document => ({
  electionTimeoutMillis: electionTimeout,
  heartbeatIntervalMillis: Math.max(50, Math.round(electionTimeout / heartbeatsPerElection)),
  heartbeatTimeoutSecs: Math.max(1, Math.ceil(electionTimeout / 1000)),
  // A primary whose follower is far behind must not wait for it for ever.
  catchUpTimeoutMillis: 2 * electionTimeout
})

/**
 * The configuration of a set.
 *
 * @internal
 */
export const configOf = (
  name: string,
  shape: Shape,
  hosts: ReadonlyArray<string>,
  pace: Pace,
  isConfigServer: boolean
): Document => ({
  _id: name,
  ...(isConfigServer ? { configsvr: true } : {}),
  // Those who kill members want to find again what was confirmed.
  writeConcernMajorityJournalDefault: true,
  settings: settingsOf(pace),
  members: hosts.map((host, index) => {
    if (isArbiter(shape, index)) return { _id: index, host, arbiterOnly: true }
    const tags = shape.tags[index]
    const delay = shape.delayed[index - shape.members]
    return {
      _id: index,
      host,
      ...(tags === undefined ? {} : { tags: { ...tags } }),
      // If it voted, majorities could wait for it.
      ...(delay === undefined ? {} : { priority: 0, votes: 0, secondaryDelaySecs: delay / 1000 })
    }
  })
})
