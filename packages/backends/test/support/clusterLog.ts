/**
 * Whether a cluster did what it promises: what was written down, and what is wrong with it. The checks are functions of plain values.
 *
 * Who is stopped cannot know that it has lost its shards before it goes on: it ends what it was at, and may begin what it had in memory until it asks for its
 * locks. So its work may overlap with that of the next owner. But no lock has two owners, its answer counts only if it is the first one, and what it
 * writes with that answer is there with it or not at all.
 */
import type * as Driver from "mongodb"
import type { Balance, Deposit, Release, Work } from "./cluster.ts"

// ---- locks

/** A change of the lock on a shard, as the server has made it. */
export interface LockChange {
  readonly shard: string
  readonly owner: string | null
  readonly fence: number
  readonly expiresAt: Date
  readonly at: Date
}

/** A lock passes on when it was given back, or when its time is over. */
export const lockProblems = (changes: ReadonlyArray<LockChange>): ReadonlyArray<string> => {
  const last = new Map<string, LockChange>()
  const problems: Array<string> = []
  for (const next of changes) {
    const before = last.get(next.shard)
    last.set(next.shard, next)
    if (before === undefined || before.owner === next.owner) continue
    if (next.owner !== null && next.fence <= before.fence) problems.push(`the fence of ${next.shard} did not grow`)
    if (before.owner !== null && next.owner !== null && next.at < before.expiresAt) {
      problems.push(`shard ${next.shard} had two owners`)
    }
  }
  return problems
}

type StoredLock = Omit<LockChange, "shard" | "at">

/** All changes of locks, up to now. */
export const lockChanges = async (
  { began, data }: { readonly began: Driver.Timestamp; readonly data: Driver.Db }
): Promise<ReadonlyArray<LockChange>> => {
  const locks = data.collection<StoredLock & { readonly _id: string }>("cluster_locks")
  const end = `end ${began.toString()}`
  await locks.insertOne({ _id: end, owner: null, fence: 0, expiresAt: new Date(0) }, {
    writeConcern: { w: "majority" }
  })
  const stream = locks.watch([], { startAtOperationTime: began })
  const last = new Map<string, StoredLock>()
  const changes: Array<LockChange> = []
  try {
    for (;;) {
      const event = await stream.next()
      if (event.operationType !== "insert" && event.operationType !== "update" && event.operationType !== "replace") {
        continue
      }
      const shard = event.documentKey._id
      if (shard === end) return changes
      // The server writes a small document as a whole.
      const after = event.operationType === "update"
        ? { ...last.get(shard)!, ...event.updateDescription.updatedFields }
        : event.fullDocument
      last.set(shard, after)
      changes.push({ shard, owner: after.owner, fence: after.fence, expiresAt: after.expiresAt, at: event.wallTime! })
    }
  } finally {
    await stream.close()
    await locks.deleteOne({ _id: end })
  }
}

// ---- work

/** A time for which a process was stopped, by the server's clock. */
export interface Stop {
  readonly process: number
  readonly from: Date
  readonly to: Date
}

/** How long a process that goes on may work before it has asked for its locks, in milliseconds: the time of an answer, and of an interruption. */
const notice = 3000

/** No shard was at work in two processes at a time, unless one of them was stopped meanwhile. */
export const workProblems = (works: ReadonlyArray<Work>, stops: ReadonlyArray<Stop>): ReadonlyArray<string> => {
  const isExcused = ({ from, process, to }: Work) =>
    stops.some((stop) => stop.process === process && to >= stop.from && from.getTime() <= stop.to.getTime() + notice)
  const problems: Array<string> = []
  const byShard = new Map<string, Array<Work>>()
  for (const work of works) byShard.set(work.shard, [...byShard.get(work.shard) ?? [], work])
  for (const [shard, all] of byShard) {
    const sorted = all.filter((work) => !isExcused(work)).sort((a, b) => a.from.getTime() - b.from.getTime())
    let latest: Work | undefined
    for (const next of sorted) {
      if (latest !== undefined && latest.process !== next.process && next.from < latest.to) {
        problems.push(
          `shard ${shard} was at work in two processes: ${latest.entity} in ${latest.process} until ${latest.to.toISOString()}, ` +
            `${next.entity} in ${next.process} from ${next.from.toISOString()}`
        )
      }
      if (latest === undefined || next.to > latest.to) latest = next
    }
  }
  return problems
}

// ---- answers

/** What a caller was told. */
export interface Answer {
  readonly entityType: string
  readonly entity: string
  readonly id: string
  readonly value: unknown
}

/** A request as it is stored, with the values of its exits. */
export interface Request {
  readonly entityType: string
  readonly entity: string
  readonly id: string
  readonly processed: boolean
  readonly exits: ReadonlyArray<unknown>
}

/** Each request is stored once, has one exit, and that is what its caller was told. */
export const answerProblems = (
  answers: ReadonlyArray<Answer>,
  requests: ReadonlyArray<Request>
): ReadonlyArray<string> => {
  const keyOf = ({ entity, entityType, id }: Omit<Answer, "value">) => `${entityType} ${entity} ${id}`
  const byKey = new Map<string, Array<Request>>()
  for (const request of requests) byKey.set(keyOf(request), [...byKey.get(keyOf(request)) ?? [], request])
  return [
    ...[...byKey].flatMap(([key, found]) => [
      ...(found.length === 1 ? [] : [`${key} is stored ${found.length} times`]),
      ...found.flatMap(({ exits, processed }) =>
        exits.length === 1 && processed ? [] : [`${key} has ${exits.length} exits${processed ? "" : ", and is open"}`]
      )
    ]),
    ...answers.flatMap((answer) => {
      const exits = byKey.get(keyOf(answer))?.flatMap(({ exits }) => exits) ?? []
      return exits.some((exit) => exit === answer.value)
        ? []
        : [`${keyOf(answer)} was answered ${String(answer.value)}, and its exit is ${JSON.stringify(exits)}`]
    })
  ]
}

/** The requests to entities of some types. */
export const requestsTo = async (
  data: Driver.Db,
  entityTypes: ReadonlyArray<string>
): Promise<ReadonlyArray<Request>> => {
  const found = await data.collection("cluster_messages").aggregate([
    { $match: { kind: "request", entityType: { $in: entityTypes } } },
    {
      $lookup: {
        from: "cluster_replies",
        localField: "_id",
        foreignField: "requestId",
        pipeline: [{ $match: { kind: "exit" } }],
        as: "exits"
      }
    }
  ]).toArray()
  return found.map(({ entityId, entityType, envelope, exits, processed }) => ({
    entityType,
    entity: entityId,
    id: envelope.payload.id,
    processed,
    exits: exits.map(({ reply }: Driver.Document) => reply.exit._tag === "Success" ? reply.exit.value : reply.exit)
  }))
}

/** What a caller has read of a stream. */
export interface FeedRead {
  readonly id: string
  readonly size: number
  readonly values: ReadonlyArray<number>
}

/** Each stream came in order, and nothing is missing. What a caller has got comes again if its acknowledgement was lost. */
export const feedProblems = (feeds: ReadonlyArray<FeedRead>): ReadonlyArray<string> =>
  feeds.flatMap(({ id, size, values }) => {
    const numbers = values.filter((n, i) => n !== values[i - 1])
    return numbers.length === size && numbers.every((n, i) => n === i) ? [] : [`stream ${id} of ${size} gave ${values}`]
  })

// ---- what handlers wrote in their transactions

/** Each deposit took place once, with the answer that its caller was told. */
export const depositProblems = (
  answers: ReadonlyArray<Answer>,
  deposits: ReadonlyArray<Deposit>,
  balances: ReadonlyArray<Balance>
): ReadonlyArray<string> => {
  const told = new Map(answers.filter(({ entityType }) => entityType === "Account").map(({ id, value }) => [id, value]))
  const times = new Map<string, number>()
  for (const { id } of deposits) times.set(id, (times.get(id) ?? 0) + 1)
  return [
    ...[...told.keys()].filter((id) => !times.has(id)).map((id) => `deposit ${id} is lost`),
    ...[...times].filter(([, count]) => count > 1).map(([id, count]) => `deposit ${id} took place ${count} times`),
    ...deposits.filter(({ id, work }) => told.get(id) !== work).map(({ id, work }) =>
      `deposit ${id} is of work ${work}, and ${told.get(id)} was answered`
    ),
    ...balances.flatMap(({ _id, balance }) => {
      const sum = deposits.filter(({ account }) => account === _id).reduce((sum, { amount }) => sum + amount, 0)
      return sum === balance ? [] : [`the balance of ${_id} is ${balance}, and its deposits are ${sum}`]
    })
  ]
}

// ---- workflows

/** The end of a workflow. */
export interface Result {
  readonly id: string
  readonly isDeclined: boolean
  readonly value: string
}

/** Each workflow has ended as it should: with its last activity, or with what it had reserved given back. */
export const orderProblems = (
  results: ReadonlyArray<Result>,
  works: ReadonlyArray<Work>,
  releases: ReadonlyArray<Release>
): ReadonlyArray<string> =>
  results.flatMap(({ id, isDeclined, value }) => {
    const reserved = works.filter((work) => work.entity === `order ${id}` && work.id === "reserve 3").map(({ _id }) =>
      _id
    )
    const released = releases.filter(({ _id }) => _id === id).map(({ reserved }) => reserved)
    const isRight = reserved.some((work) =>
      isDeclined ? value === `${work} declined` : value === `${work} approved, shipped ${id}`
    )
    const isReleased = isDeclined ? released.length === 1 && value.startsWith(released[0]!) : released.length === 0
    return isRight && isReleased ? [] : [`order ${id} ended with ${value}, and released ${JSON.stringify(released)}`]
  })
