import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Driver from "mongodb"
import { ChangeStreamError, type MongoError } from "../../MongoError.ts"
import type { Checkpoint, ResumeTokenStore, Turn } from "../../ResumeTokenStore.ts"
import type { Operation } from "../call/description.ts"
import { checking } from "../call/operation.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { releasedAll } from "../lease/holding.ts"
import { isLater, namesOf } from "./parts.ts"
import { isHistoryLost } from "./steps.ts"

/**
 * Where a part goes on: where it was, or where the parts of now began. A part may have stood further back before the last change of their number.
 *
 * @internal
 */
export const placeOf = (began: Checkpoint, part: Option.Option<Checkpoint>): Checkpoint =>
  Option.isSome(part) && isLater(part.value.token, began.token) ? part.value : began

const tooLate = (operation: Operation): MongoError =>
  ownFailure(
    ChangeStreamError,
    operation,
    "the position for new parts is later than that of the old ones: tokenForParts of the source must give an earlier one",
    { kind: "invalidResumeToken" }
  )

/**
 * Hands a consumer over to another number of parts: the new ones begin at the earliest position of the old ones, or before it. Nobody can begin
 * an old part meanwhile, since the caller has the consumer's own lease. None if an instance still has an old part.
 *
 * @internal
 */
export const handOver = <E = never, R = never>(
  { began, duration, lost, operation, owner, parts, store, tokenForParts, turn }: {
    readonly store: ResumeTokenStore
    readonly operation: Operation
    /** The turn of the consumer's own lease. */
    readonly turn: Turn
    /** Where the old parts began, and how many they are. */
    readonly began: Checkpoint
    /** How many parts there are to be. */
    readonly parts: number
    readonly owner: string
    readonly duration: Duration.Duration
    readonly lost: MongoError
    /** A token after which every part can begin. Without it the whole begins, after any event. */
    readonly tokenForParts?: (token: Driver.ResumeToken) => Effect.Effect<Driver.ResumeToken, E, R>
  }
): Effect.Effect<Option.Option<Checkpoint>, E | MongoError, R> =>
  Effect.suspend(() => {
    const taken: Array<Turn> = []
    const old = began.parts ?? 1
    const work = Effect.gen(function*() {
      for (const name of old === 1 ? [] : namesOf(turn.name, old)) {
        const free = yield* store.acquire(name, owner, duration)
        if (Option.isNone(free)) return Option.none()
        taken.push(free.value)
      }
      const earliest = yield* checking(operation, () => {
        const places = taken.map(({ saved }) => placeOf(began, saved))
        return places.reduce((a, b) => isLater(a.token, b.token) ? b : a, places[0] ?? began).token
      })
      const token = tokenForParts === undefined ? earliest : yield* Effect.catchIf(
        tokenForParts(earliest),
        // The parts find that out as well, and then do what `onHistoryLost` says.
        isHistoryLost,
        () => Effect.succeed(earliest)
      )
      if (yield* checking(operation, () => isLater(token, earliest))) return yield* Effect.fail(tooLate(operation))
      const next: Checkpoint = { token, started: began.started, ...parts === 1 ? {} : { parts } }
      if (!(yield* store.save(turn, 0, next))) return yield* Effect.fail(lost)
      return Option.some(next)
    })
    return Effect.ensuring(
      work,
      Effect.suspend(() => releasedAll(store, taken))
    )
  })
