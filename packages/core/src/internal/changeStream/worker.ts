import type * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Driver from "mongodb"
import type { ConsumeOptions, OpenSource, StartPosition } from "../../ChangeStreamConsumer.ts"
import { ChangeStreamError, type MongoError } from "../../MongoError.ts"
import type { ResumeTokenStore } from "../../ResumeTokenStore.ts"
import type { Operation } from "../call/description.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { holding } from "../lease/holding.ts"
import { makeHandling } from "./handling.ts"
import { metricsOf } from "./metrics.ts"
import type { Progress } from "./progress.ts"
import { makeSaving } from "./saving.ts"
import type { Settings } from "./settings.ts"
import { makeTurn } from "./turn.ts"

/**
 * The options of a consumer, however many events its handler gets at a time: all handlers are called with a checkpoint.
 *
 * @internal
 */
export type Options<Event, E, R, SE, SR> = Omit<ConsumeOptions<Event, E, R, SE, SR>, "concurrency" | "partitions"> & {
  readonly concurrency?: number | undefined
  readonly partitions?: number | undefined
}

/**
 * What all parts of a consumer share in one instance.
 *
 * @internal
 */
export interface Instance<Event, E, R, SE, SR> {
  readonly options: Options<Event, E, R, SE, SR>
  readonly settings: Settings
  readonly operation: Operation
  readonly store: ResumeTokenStore
  /** The name of the instance for the store. */
  readonly owner: string
  readonly clock: Clock.Clock
  readonly now: () => number
  /** Complete when the position is saved. */
  readonly secured: Deferred.Deferred<void>
}

/**
 * What a worker consumes.
 *
 * @internal
 */
export interface Place<Event, E, R, SE, SR> {
  /** Its name in the store. */
  readonly name: string
  /** The name of the part, if it is one. */
  readonly part?: string
  readonly open: (
    position: StartPosition
  ) => Effect.Effect<OpenSource<Event, SE, SR>, SE | MongoError, SR | Scope.Scope>
  /** Brings everything up to date, and gives the position from which to go on, if the history after a token is lost. */
  readonly repaired?: (
    token: Driver.ResumeToken
  ) => Effect.Effect<Driver.ResumeToken, E | SE | MongoError, R | SR | Scope.Scope>
  /** Complete when the worker is to end after what it has begun. */
  readonly stopped?: Deferred.Deferred<void>
}

/**
 * Makes what works through a change stream, or a part of it, whenever it has its lease.
 *
 * @internal
 */
export const makeWorker = <Event, E, R, SE, SR>(
  { clock, now, operation, options, owner, secured, settings, store }: Instance<Event, E, R, SE, SR>,
  { name, open, part, repaired, stopped }: Place<Event, E, R, SE, SR>
) => {
  const lost = ownFailure(ChangeStreamError, operation, `another instance has taken over ${name}`, {
    kind: "leaseLost"
  })
  const held = holding({ store, name, owner, duration: settings.lease, lost })
  const metrics = metricsOf(options.name, part)
  const saving = makeSaving({ name, store, settings, lost, now, secured })
  const handle = makeHandling<Event, E, R>({
    options,
    operation,
    settings,
    store,
    saving,
    metrics,
    lost,
    clock,
    now
  })
  const work = makeTurn<Event, E, R, SE, SR>({
    options,
    settings,
    open,
    repaired,
    stopped,
    saving,
    handle,
    metrics,
    lost,
    ready: Deferred.succeed(secured, undefined),
    now
  })
  return {
    ...held,
    /** The failure of a turn that is over. */
    lost,
    /** Works as long as the lease lasts. */
    work: (progress: Progress): Effect.Effect<never, E | SE | MongoError, R | SR> =>
      Effect.scoped(Effect.raceFirst(work(progress), held.keep(progress))),
    /** Saves what was handled, and frees the lease for the next instance. */
    end: (progress: Progress): Effect.Effect<void> => {
      const { token } = progress
      return held.giveBack(
        progress,
        token === undefined || progress.isSaved || progress.lost ? Effect.void : saving.save(progress, token)
      )
    }
  }
}
