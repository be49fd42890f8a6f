/**
 * How instances share the parts of a consumer. Each says that it lives, and sees how many there are. It gives up parts beyond its share, and takes
 * free ones up to it. Whoever takes parts or changes their number has the consumer's own lease meanwhile.
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { PartitionedSource, StartPosition } from "../../ChangeStreamConsumer.ts"
import { CurrentInterruptionPolicy } from "../../Mongo.ts"
import { ChangeStreamError, InvalidArgumentError, isMongoError, type MongoError } from "../../MongoError.ts"
import type { Checkpoint, Turn } from "../../ResumeTokenStore.ts"
import { checking } from "../call/operation.ts"
import { serverNow, serverSleep } from "../call/serverTime.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { asFarAsPossible, Hold, holding, mayPass, patience, releasedAll } from "../lease/holding.ts"
import { firstStart, repairedOnce } from "./beginning.ts"
import { handOver, placeOf } from "./handOver.ts"
import { labelOf, namesOf, shareOf } from "./parts.ts"
import { Progress } from "./progress.ts"
import { type Instance, makeWorker } from "./worker.ts"

/** The first pause of an instance that misses parts, in milliseconds. Each further one is twice as long. */
const firstPause = 100
/** The longest one. */
const longestPause = 3000

/** How often in the time of a lease an instance says that it lives, and looks how many there are. */
const rounds = 4
/**
 * For how many of these rounds it is believed: a part is kept free that long for an instance that dies before it has taken it. Whoever is
 * wrongly believed dead keeps its parts, since it has their leases.
 */
const believedFor = 2

/** A part that this instance works through. */
interface Owned {
  readonly fiber: Fiber.Fiber<void>
  readonly stopped: Deferred.Deferred<void>
  isLeaving: boolean
}

/** What became of an attempt to take parts: who took some, or may take some at once, and whether others have another number of parts. */
type Attempt = "taken" | "busy" | "otherParts"

/**
 * Consumes the parts that are this instance's share, until something fails.
 *
 * @internal
 */
export const sharing = <Event, E, R, SE, SR>(
  instance: Instance<Event, E, R, SE, SR>
): Effect.Effect<never, E | SE | MongoError, R | SR> =>
  Effect.gen(function*() {
    const { now, operation, options, owner, secured, settings: { lease, partitions: parts }, store } = instance
    const { name, onHistoryLost } = options
    const refuse = (message: string) =>
      ownFailure(InvalidArgumentError, operation, message, { path: "options.partitions" })
    const { members } = store
    if (members === undefined) {
      return yield* Effect.fail(refuse(
        "the ResumeTokenStore has no members: options.partitions needs a store that knows which instances live"
      ))
    }
    const group = `${name}/${parts}`
    const untilRound = Duration.toMillis(lease) / rounds
    const lost = ownFailure(ChangeStreamError, operation, `another instance takes parts of ${name}`, {
      kind: "leaseLost"
    })
    const own = holding({ store, name, owner, duration: lease, lost })
    const scope = yield* Effect.scope
    const failed = yield* Deferred.make<never, E | SE | MongoError>()
    const owned = new Map<number, Owned>()
    // An open transaction of a process that died may hold a part, for a minute. Such a part is asked for last, and keeps no other one waiting.
    const stuck = new Set<number>()
    const inOrder = () =>
      [...namesOf(name, parts).entries()].sort(([a], [b]) => Number(stuck.has(a)) - Number(stuck.has(b)) || a - b)
    const acquirePart = (index: number, part: string): Effect.Effect<Option.Option<Turn>, MongoError> =>
      Effect.raceFirst(
        Effect.tap(
          Effect.provideService(store.acquire(part, owner, lease), CurrentInterruptionPolicy, "abort"),
          () => Effect.sync(() => void stuck.delete(index))
        ),
        Effect.andThen(
          serverSleep(own.beat),
          Effect.sync(() => {
            stuck.add(index)
            return Option.none()
          })
        )
      )

    const partitioned = (position: StartPosition): Effect.Effect<PartitionedSource<Event, SE, SR>, MongoError> =>
      Effect.suspend(() => {
        const source: Partial<PartitionedSource<Event, SE, SR>> = options.watch(position)
        return typeof source.part === "function" && typeof source.tokenForParts === "function"
          ? Effect.succeed(source as PartitionedSource<Event, SE, SR>)
          : Effect.fail(
            refuse("the source of options.watch has no part or tokenForParts: options.partitions needs them")
          )
      })

    const workerOf = (index: number, stopped: Deferred.Deferred<void>) => {
      const part = { index, of: parts }
      return makeWorker<Event, E, R, SE, SR>(instance, {
        name: namesOf(name, parts)[index]!,
        part: labelOf(part),
        open: (position) => Effect.flatMap(partitioned(position), (source) => source.part(index, parts).open),
        stopped,
        ...onHistoryLost === undefined || typeof onHistoryLost === "string"
          ? {}
          : { repaired: repairedOnce(instance, labelOf(part), onHistoryLost) }
      })
    }

    /** Begins to work through a part whose lease was taken. */
    const begin = (index: number, hold: Hold<Turn>, place: Checkpoint): Effect.Effect<void, never, R | SR> =>
      Effect.gen(function*() {
        const stopped = yield* Deferred.make<void>()
        const worker = workerOf(index, stopped)
        const turn = { ...hold.turn, saved: Option.some(place) }
        const progress = new Progress(turn, true, hold.leasedUntil, now())
        let isOver = false
        const working = Effect.acquireUseRelease(Effect.succeed(progress), worker.work, worker.end).pipe(
          Effect.catchCause((cause) => {
            // A handler that interrupts itself ends the consumer, as without partitions.
            const isGivenUp = Cause.hasInterrupts(cause) && owned.get(index)?.isLeaving === true
            const isEnd = isGivenUp || Option.exists(Cause.findErrorOption(cause), (error) => error === worker.lost)
            return isEnd ? Effect.void : Effect.asVoid(Deferred.failCause(failed, cause))
          }),
          Effect.ensuring(Effect.sync(() => {
            isOver = true
            owned.delete(index)
          }))
        )
        const fiber = yield* Effect.forkIn(working, scope, { startImmediately: true })
        if (!isOver) owned.set(index, { fiber, stopped, isLeaving: false })
      })

    /** Lets a part end after the events that are being handled; one that does not end within a lease is interrupted. */
    const giveUp = (part: Owned): Effect.Effect<void> =>
      Effect.suspend(() => {
        part.isLeaving = true
        const end = Effect.raceFirst(
          Effect.asVoid(Fiber.await(part.fiber)),
          Effect.andThen(serverSleep(lease), Fiber.interrupt(part.fiber))
        )
        return Effect.andThen(Deferred.succeed(part.stopped, undefined), Effect.asVoid(Effect.forkIn(end, scope)))
      })

    /** Takes up to `missing` free parts. Everything in it is undone when the consumer's own lease is lost. */
    const takeParts = (hold: Hold<Turn>, missing: number): Effect.Effect<Attempt, E | SE | MongoError, R | SR> =>
      Effect.suspend(() => {
        const taken: Array<readonly [index: number, hold: Hold<Turn>]> = []
        const work = Effect.gen(function*() {
          const { turn } = hold
          let saved = turn.saved
          if (Option.isSome(saved) && (saved.value.parts ?? 1) !== parts) {
            const began = saved.value
            const { tokenForParts } = yield* partitioned({})
            saved = yield* Effect.tapError(
              handOver({ store, operation, turn, began, parts, owner, duration: lease, lost, tokenForParts }),
              (error) =>
                isMongoError(error) && error.isTransient || error === lost ? Effect.void : Deferred.fail(failed, error)
            )
            if (Option.isNone(saved)) return "otherParts" as const
          }
          const began = yield* Effect.tapCause(
            firstStart(instance, turn, saved, lost),
            (cause) => isOurFailure(cause) ? Effect.void : Deferred.failCause(failed, cause)
          )
          for (const [index, part] of inOrder()) {
            if (taken.length >= missing) break
            if (owned.has(index)) continue
            const sentAt = yield* serverNow
            const free = yield* acquirePart(index, part)
            if (Option.isSome(free)) taken.push([index, new Hold(free.value, sentAt + Duration.toMillis(lease))])
            // The leases of those that were taken run already.
            if (stuck.has(index)) break
          }
          // Only who still has the consumer's own lease knows that the number of parts has not changed since.
          if (!(yield* store.renew(turn, lease))) return yield* Effect.fail(lost)
          const places = yield* checking(operation, () => taken.map(([, { turn }]) => placeOf(began, turn.saved)))
          yield* Effect.uninterruptible(Effect.forEach(
            taken.splice(0),
            ([index, hold], i) => begin(index, hold, places[i]!),
            { discard: true }
          ))
          return "taken" as const
        })
        return Effect.ensuring(
          Effect.raceFirst(work, own.keep(hold)),
          Effect.suspend(() => releasedAll(store, taken.map(([, { turn }]) => turn)))
        )
      })

    const isOurFailure = (cause: Cause.Cause<unknown>): boolean =>
      Cause.hasInterrupts(cause) || Option.exists(Cause.findErrorOption(cause), (error) => error === lost)

    const attempt = (missing: number): Effect.Effect<Attempt, E | SE | MongoError, R | SR> =>
      Effect.catchIf(
        Effect.acquireUseRelease(
          Effect.interruptible(Effect.gen(function*() {
            const sentAt = yield* serverNow
            return Option.map(
              yield* store.acquire(name, owner, lease),
              (turn) => new Hold(turn, sentAt + Duration.toMillis(lease))
            )
          })),
          Option.match({
            onNone: (): Effect.Effect<Attempt, E | SE | MongoError, R | SR> => Effect.succeed("busy"),
            onSome: (hold) => takeParts(hold, missing)
          }),
          (hold) => Option.isSome(hold) ? own.giveBack(hold.value) : Effect.void
        ),
        (error) => error === lost,
        () => Effect.succeed<Attempt>("busy")
      )

    const working = () => [...owned.values()].filter(({ isLeaving }) => !isLeaving)

    /** Gives up and takes parts, once. */
    const round: Effect.Effect<Attempt, E | SE | MongoError, R | SR> = Effect.gen(function*() {
      const share = shareOf(yield* members.join(group, owner, Duration.millis(believedFor * untilRound)), owner, parts)
      yield* Effect.forEach(working().slice(share), giveUp, { discard: true })
      const missing = share - working().length
      const done = missing > 0 ? yield* attempt(missing) : "taken" as const
      // Who only waits is ready as soon as the position is saved.
      if (!Deferred.isDoneUnsafe(secured) && Option.isSome(yield* store.load(name))) {
        yield* Deferred.succeed(secured, undefined)
      }
      return share > working().length && done === "taken" ? "busy" : done
    })

    const allRounds = Effect.gen(function*() {
      let failingSince: number | undefined
      let answered = false
      let isTold = false
      for (let attempts = 0;;) {
        const at = yield* serverNow
        const done = yield* Effect.result(round)
        if (Result.isFailure(done)) {
          failingSince ??= at
          const { failure } = done
          if (!answered || !mayPass(failure) || (yield* serverNow) >= failingSince + patience) {
            return yield* Effect.fail(failure)
          }
        } else {
          answered = true
          failingSince = undefined
          if (done.success === "otherParts" && !isTold) {
            isTold = true
            yield* Effect.logWarning(
              `consumer ${name} waits: other instances consume it in another number of parts than ${parts}, until they end`
            )
          }
        }
        const isComplete = Result.isSuccess(done) && done.success === "taken"
        attempts = isComplete ? 0 : attempts + 1
        const pause = Math.min(firstPause * 2 ** (attempts - 1), longestPause)
        yield* serverSleep(isComplete ? untilRound : Math.min(untilRound, pause))
      }
    })

    return yield* Effect.ensuring(
      Effect.raceFirst(allRounds, Deferred.await(failed)),
      Effect.suspend(() =>
        Effect.andThen(
          Fiber.interruptAll([...owned.values()].map(({ fiber }) => fiber)),
          asFarAsPossible(members.leave(group, owner))
        )
      )
    )
  }).pipe(Effect.scoped)
