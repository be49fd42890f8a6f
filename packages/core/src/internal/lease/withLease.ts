/**
 * Work that one process does at a time: it waits for the lease, works while it has it, and gives it back.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Driver from "mongodb"
import { hostname } from "node:os"
import type { HeldLease, LeaseOptions } from "../../Integration.ts"
import type { MongoDatabase } from "../../MongoDatabase.ts"
import type { MongoError } from "../../MongoError.ts"
import { connectionOf } from "../call/connection.ts"
import { withoutDeadline } from "../call/deadline.ts"
import type { Operation } from "../call/description.ts"
import { ambientSession, checking } from "../call/operation.ts"
import { serverNow } from "../call/serverTime.ts"
import { durationOf, leaseOf } from "../input/duration.ts"
import { transactionFailure } from "../session/state.ts"
import { apartFrom } from "../session/transaction.ts"
import { type Glance, type Hold, holding } from "./holding.ts"
import { LeaseError } from "./leaseError.ts"
import { type Held, leases } from "./leases.ts"

const defaultDuration = Duration.seconds(30)
const defaultWait = Duration.minutes(10)

/** The longest pause between two attempts to take a lease, in milliseconds. */
const longestPause = 1000

/** A name for one attempt, which tells a person the machine and the process. */
const ownerName = (): string => `${hostname()}/${process.pid}/${new Driver.UUID().toHexString()}`

const heldFor = (name: string, holder: string | undefined, wait: Duration.Duration): LeaseError =>
  new LeaseError({
    kind: "held",
    lease: name,
    ...(holder === undefined ? {} : { holder }),
    message: `the lease ${JSON.stringify(name)} was not free within ${Duration.format(wait)}${
      holder === undefined ? "" : `: ${holder} has it`
    }. Wait longer, or end its holder: the lease runs out by itself when nobody renews it`
  })

const lostBy = (name: string): LeaseError =>
  new LeaseError({
    kind: "lost",
    lease: name,
    message:
      `the lease ${JSON.stringify(name)} was lost: it ran out before it was renewed, or somebody else has taken it. ` +
      "Run the work again, with a longer lease if the process was blocked for that long"
  })

/**
 * Runs an effect while it has a lease.
 *
 * @internal
 */
export const withLease = <A, E, R, B = never, E2 = never, R2 = never>(
  database: MongoDatabase,
  options: LeaseOptions<B, E2, R2>,
  use: (lease: HeldLease) => Effect.Effect<A, E, R>
): Effect.Effect<A | B, E | E2 | LeaseError | MongoError, R | R2> =>
  Effect.withFiber((fiber) => {
    const connection = connectionOf(database)
    const { name } = options
    const operation: Operation = { name: "withLease", command: "update", database: database.name }
    if (ambientSession(connection, fiber.context)?.state.driver.inTransaction() === true) {
      return Effect.fail(transactionFailure(
        operation,
        "a lease taken in a transaction ends before the transaction: begin the transaction inside of withLease"
      ))
    }
    const owner = ownerName()
    const { acquire, holder, release, renew } = leases(database, { collection: options.collection })
    // In a session of the caller these commands would wait for those of the work.
    const apart = apartFrom(connection)

    return Effect.gen(function*() {
      const { duration, wait } = yield* checking(operation, () => ({
        duration: leaseOf(options.duration ?? defaultDuration, "options.duration"),
        wait: durationOf(options.wait ?? defaultWait, "options.wait")
      }))
      const lost = lostBy(name)
      const { beat, giveBack, keep, take } = holding({
        name,
        owner,
        duration,
        lost,
        store: {
          acquire: (name, owner, duration) => apart(acquire(name, owner, duration)),
          renew: (held: Held, duration) => apart(renew(held, duration)),
          release: (held) => apart(release(held))
        }
      })
      const giveUpAt = (yield* serverNow) + Duration.toMillis(wait)

      const glance: Effect.Effect<Glance<B>, E2 | LeaseError | MongoError, R2> = Effect.gen(function*() {
        const done = yield* withoutDeadline(options.unless ?? Effect.succeedNone)
        if (Option.isSome(done)) return { done, wait: 0 }
        const current = yield* apart(holder(name))
        if ((yield* serverNow) >= giveUpAt) return yield* heldFor(name, Option.getOrUndefined(current)?.owner, wait)
        // A lease that nobody renews is free one millisecond after its end.
        const expiresIn = Option.isSome(current) ? Duration.toMillis(current.value.expiresIn) + 1 : 0
        return { done, wait: Math.min(Math.max(expiresIn, beat / 100), beat / 2, longestPause) }
      })

      const confirm = (hold: Hold<Held>) =>
        Effect.flatMap(apart(renew(hold.turn, duration)), (isOurs) => isOurs ? Effect.void : Effect.fail(lost))

      return yield* Effect.acquireUseRelease(
        Effect.interruptible(take(glance, giveUpAt)),
        (taken): Effect.Effect<A | B, E | LeaseError | MongoError, R> => {
          if (Result.isFailure(taken)) return Effect.succeed(taken.failure)
          const hold = taken.success
          return Effect.raceFirst(use({ ...hold.turn, owner, confirm: confirm(hold) }), keep(hold))
        },
        (taken) => Result.isSuccess(taken) ? giveBack(taken.success) : Effect.void
      )
    })
  })
