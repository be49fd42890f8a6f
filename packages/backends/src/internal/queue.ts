/**
 * The workers' side of a queue: who waits for an element, what keeps it, and what becomes of it.
 */
import { Integration, type MongoError } from "@mongofx/core"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import * as Option from "effect/Option"
import { PersistedQueueError, type PersistedQueueStore } from "effect/persistence/PersistedQueue"
import * as Result from "effect/Result"
import * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { type Document, ObjectId } from "mongodb"
import {
  claiming,
  type Element,
  exhausted,
  free,
  givingUp,
  inOrder,
  pendingIn,
  releasing,
  renewing,
  retrying,
  settling,
  takenBy,
  valueOf,
  wakes
} from "./elements.ts"
import { serverNow, serverSleep, type Store } from "./store.ts"

type Take = PersistedQueueStore["Service"]["take"]
type TakeOptions = Parameters<Take>[0]

/** How many takers of a queue ask the server at a time. The others wait for their turn in this process. */
const asking = 4

/** How long a taker waits at most while a change stream tells what is new, in milliseconds. */
const longPoll = 30_000

/** How long to wait after a failure, in milliseconds. */
const pause = 500

/** How many characters of a failure are kept. */
const longestFailure = 10_000

/** The mark of `PersistedQueue` for an element that cannot be decoded. It does not export it. */
const deadLetter = "~effect/persistence/PersistedQueue/DeadLetter"

const deadLetterOf = (cause: Cause.Cause<unknown>): Cause.Cause<unknown> | undefined => {
  for (const reason of cause.reasons) {
    if (!Cause.isFailReason(reason)) continue
    const error = reason.error as { readonly _tag?: unknown; readonly cause: Cause.Cause<unknown> } | null | undefined
    if (error?._tag === deadLetter) return error.cause
  }
  return undefined
}

const textOf = (cause: Cause.Cause<unknown>): string =>
  Cause.pretty(cause).slice(0, longestFailure).replace(/\p{Surrogate}/gu, "\ufffd")

/** What becomes of an element whose work has ended. */
const outcome = (
  exit: Exit.Exit<unknown, unknown>,
  attempts: number,
  { maxAttempts, retryDelay }: Pick<TakeOptions, "maxAttempts" | "retryDelay">
): Effect.Effect<Array<Document>> => {
  if (exit._tag === "Success") return Effect.succeed(settling("completed"))
  const dead = deadLetterOf(exit.cause)
  if (dead !== undefined) return Effect.succeed(settling("failed", textOf(dead)))
  if (Cause.hasInterruptsOnly(exit.cause)) return Effect.succeed(releasing)
  if (attempts >= maxAttempts) return Effect.succeed(settling("failed", textOf(exit.cause)))
  return Effect.map(
    retryDelay(attempts),
    (delay) => retrying(Duration.toMillis(delay), textOf(exit.cause))
  )
}

/** Whether a worker goes on after a failure. */
const mayPass = ({ reason }: MongoError.MongoError): boolean =>
  reason.isTransient || reason._tag === "MaxTimeExpiredError"

/**
 * The failure of a queue.
 *
 * @internal
 */
export const failing = Effect.mapError((cause: MongoError.MongoError) =>
  new PersistedQueueError({ message: cause.message, cause })
)

/** A transaction that committed would leave its element to be taken again. */
const unseen = (name: string) => {
  const subject = `take of the queue ${JSON.stringify(name)}`
  return new PersistedQueueError({
    message: `${subject}: the transaction does not see that its element is taken, so it cannot end that. ` +
      "Let take be the first operation of the transaction, and work for less than lockExpiration"
  })
}

/** An element in the hands of this process. */
interface Held {
  readonly _id: ObjectId
  readonly lock: string
}

/** The takers of a queue in this process. */
interface Queue {
  /** Opens when there is something new, and is another one from then on: who has asked before that still finds it open. */
  news: Latch.Latch
  readonly line: Semaphore.Semaphore
}

/**
 * Makes the takers of all queues of a store, and what runs in the background for them as long as the scope lives.
 *
 * @internal
 */
export const makeTakers = Effect.fnUntraced(function*(
  { collection, inTime, run }: Store<Element>,
  { lease, poll }: { readonly lease: number; readonly poll: number }
) {
  const queues = new Map<string, Queue>()
  const queueOf = (name: string) => {
    const queue: Queue = queues.get(name) ?? { news: Latch.makeUnsafe(false), line: Semaphore.makeUnsafe(asking) }
    queues.set(name, queue)
    return queue
  }
  const hasNews = (queue: Queue): void => {
    const { news } = queue
    queue.news = Latch.makeUnsafe(false)
    news.openUnsafe()
  }
  /** Wakes the takers of a queue, or of all queues. */
  const wake = (name?: string): void => {
    if (name === undefined) return queues.forEach(hasNews)
    const queue = queues.get(name)
    if (queue !== undefined) hasNews(queue)
  }

  const quietly = Effect.withTracerEnabled(false)
  const warn = (what: string) => (error: MongoError.MongoError) => Effect.logWarning(what, error)
  const used = Latch.makeUnsafe(false)
  const held = new Set<Held>()

  // ---- in the background

  /** Hears what other processes offer and give back. Without a replica set, and until it is open, takers poll more often. */
  let isHearing = false
  const hearing = Effect.scoped(Effect.gen(function*() {
    const { stream } = yield* collection.watch([...wakes]).open
    isHearing = true
    // What came before it was open.
    wake()
    yield* Stream.runForEach(
      stream,
      (event) => Effect.sync(() => wake(event.operationType === "insert" ? event.fullDocument?.queue : undefined))
    )
  })).pipe(
    Effect.ensuring(Effect.sync(() => {
      isHearing = false
    })),
    Effect.catch((error) => Effect.logDebug("A queue polls, since it has no change stream", error))
  )

  const keeping = Effect.suspend(() => {
    if (held.size === 0) return Effect.void
    const all = [...held]
    const mine = { _id: { $in: all.map(({ _id }) => _id) }, lock: { $in: all.map(({ lock }) => lock) } }
    return run(collection.updateMany(mine, renewing(lease)))
  })

  yield* used.await.pipe(
    Effect.andThen(Effect.forever(Effect.andThen(hearing, serverSleep(Duration.millis(10 * pause))))),
    quietly,
    Effect.forkScoped
  )
  yield* used.await.pipe(
    Effect.andThen(Effect.forever(Effect.andThen(
      serverSleep(Duration.millis(lease / 4)),
      Effect.catch(keeping, warn("A queue could not renew its leases"))
    ))),
    quietly,
    Effect.forkScoped
  )

  // ---- a taker

  /** Takes an element. After a claim whose reply was lost it first asks for what that may have taken. */
  const claim = ({ maxAttempts, name }: TakeOptions, lock: string, isLost: boolean) => {
    const ask = (filter: ReturnType<typeof takenBy> | ReturnType<typeof free>, update: Array<Document>) =>
      collection.findOneAndUpdate(filter, update, { sort: inOrder, returnDocument: "after" })
    const anew = ask(free(name, maxAttempts), claiming(lock, lease))
    return (isLost
      ? Effect.flatMap(
        ask(takenBy(name, lock), renewing(lease)),
        (found) => Option.isSome(found) ? Effect.succeed(found) : anew
      )
      : anew).pipe(run, quietly)
  }

  /** How long nothing becomes visible unless somebody offers or gives back an element, in milliseconds. */
  const look = ({ maxAttempts, name }: TakeOptions) =>
    Effect.gen(function*() {
      const first = yield* collection.findOne(pendingIn(name), {
        sort: inOrder,
        projection: { _id: 0, attempts: 1, left: { $subtract: ["$visibleAt", "$$NOW"] } },
        readConcern: { level: "local" }
      })
      const longest = isHearing ? longPoll : poll
      if (Option.isNone(first)) return longest
      const { attempts, left } = first.value as unknown as { readonly attempts: number; readonly left: number }
      if (left <= 0 && attempts >= maxAttempts) yield* collection.updateMany(exhausted(name, maxAttempts), givingUp)
      return Math.min(longest, Math.max(1, left))
    }).pipe(run, quietly)

  /**
   * Ends the work on an element: again and again, until the lease has run out. That the work is done belongs to the transaction of the caller. That it has failed does not, since a
   * transaction with a failure in it aborts.
   */
  const settle = Effect.fnUntraced(function*(
    element: Held & { readonly attempts: number },
    options: TakeOptions,
    exit: Exit.Exit<unknown, unknown>
  ) {
    const update = yield* outcome(exit, element.attempts, options)
    const isDone = exit._tag === "Success"
    const isOnce = isDone && (yield* Integration.ambient(collection)).inTransaction
    const send = isDone ? inTime : run
    const giveUpAt = (yield* serverNow) + lease
    const attempt: Effect.Effect<void, MongoError.MongoError> = Effect.matchEffect(
      send(collection.updateOne({ _id: element._id, lock: element.lock }, update)),
      {
        onFailure: (error) =>
          Effect.flatMap(serverNow, (now) =>
            isOnce || !mayPass(error) || now >= giveUpAt
              ? Effect.fail(error)
              : Effect.andThen(serverSleep(Duration.millis(pause)), attempt)),
        // Outside of a transaction somebody else has the element then, and the work is done twice.
        onSuccess: ({ matchedCount }) => isOnce && matchedCount === 0 ? Effect.die(unseen(options.name)) : Effect.void
      }
    )
    yield* Effect.orDie(attempt)
    if (!isDone) wake(options.name)
  })

  const take: Take = (options) =>
    Effect.flatMap(Effect.scope, (scope) => {
      used.openUnsafe()
      const queue = queueOf(options.name)

      // A claim is not interrupted: it may have taken an element.
      const taking = Effect.uninterruptibleMask(Effect.fnUntraced(function*(restore) {
        const lock = new ObjectId().toHexString()
        let isLost = false
        for (;;) {
          const { news } = queue
          const claimed = yield* Effect.result(claim(options, lock, isLost))
          if (Result.isFailure(claimed)) {
            isLost = true
            if (!mayPass(claimed.failure)) return yield* Effect.fail(claimed.failure)
            yield* warn("A queue could not take an element, and tries again")(claimed.failure)
            yield* restore(serverSleep(Duration.millis(pause)))
          } else if (Option.isNone(claimed.success)) {
            isLost = false
            const left = yield* restore(look(options)).pipe(
              Effect.catch((error) => mayPass(error) ? Effect.succeed(pause) : Effect.fail(error))
            )
            yield* restore(Effect.raceFirst(news.await, serverSleep(Duration.millis(left))))
          } else {
            const element = claimed.success.value
            const mine = { _id: element._id, lock, attempts: element.attempts }
            // Renewing it would conflict with its end in a transaction, which lives shorter than a lease.
            if (!(yield* Integration.ambient(collection)).inTransaction) held.add(mine)
            yield* Scope.addFinalizerExit(scope, (exit) =>
              Effect.ensuring(settle(mine, options, exit), Effect.sync(() => held.delete(mine))))
            return { id: element.id, attempts: element.attempts, element: valueOf(element) }
          }
        }
      }))
      return failing(queue.line.withPermit(taking))
    })

  return { take, wake }
})
