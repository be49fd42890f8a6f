import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Driver from "mongodb"
import type { MongoError } from "../../MongoError.ts"
import type { ResumeTokenStore } from "../../ResumeTokenStore.ts"
import type { Progress } from "./progress.ts"
import type { Settings } from "./settings.ts"

/**
 * Saves tokens: at once, or when that is due. Everything fails with `lost` when the turn is over. Completes `secured` when the position
 * is saved.
 *
 * @internal
 */
export const makeSaving = ({ lost, name, now, secured, settings, store }: {
  readonly name: string
  readonly store: ResumeTokenStore
  readonly settings: Pick<Settings, "events" | "interval">
  readonly lost: MongoError
  readonly now: () => number
  readonly secured: Deferred.Deferred<void>
}) => {
  const ifOurs = (progress: Progress, saved: Effect.Effect<boolean, MongoError>): Effect.Effect<void, MongoError> =>
    Effect.flatMap(saved, (isOurs) => {
      if (isOurs) return Effect.void
      progress.lost = true
      return Effect.fail(lost)
    })

  const save = (progress: Progress, token: Driver.ResumeToken): Effect.Effect<void, MongoError> =>
    Effect.suspend(() => {
      const { started, tokenAt, turn } = progress
      progress.handledSince = 0
      progress.waitingSince = now()
      return Effect.flatMap(ifOurs(progress, store.save(turn, tokenAt, { token, started })), () => {
        if (progress.tokenAt === tokenAt && progress.token === token) progress.isSaved = true
        progress.savedAt = now()
        return Deferred.succeed(secured, undefined)
      })
    })

  const isDue = (progress: Progress): boolean =>
    progress.token !== undefined && !progress.isSaved && (
      progress.handledSince >= settings.events || now() - progress.waitingSince >= settings.interval ||
      !Deferred.isDoneUnsafe(secured)
    )

  return {
    /** Fails if the store says that the turn is over. */
    ifOurs,

    /** Saves a token now. */
    save,

    /** Saves how far the consumer has come when that is due: by the number of events, or by time. A failed save waits for the next one. */
    saveIfDue: (progress: Progress): Effect.Effect<void, MongoError> =>
      Effect.suspend(() => {
        if (!isDue(progress)) return Effect.void
        const saved = Effect.suspend(() => isDue(progress) ? save(progress, progress.token) : Effect.void)
        return Effect.catch(progress.saving.withPermit(saved), (error) =>
          error === lost || !error.isTransient
            ? Effect.fail(error)
            : Effect.logWarning(`consumer ${name} could not save its token`, error))
      })
  }
}
