/**
 * Faults that come at random in the background.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import type * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { Entry, Running } from "../../Nemesis.ts"
import { inRealTime } from "../realTime.ts"
import { textOfLog } from "./faultLog.ts"

/** @internal */
export interface Settings {
  /** How long a fault stays, at least and at most: milliseconds. */
  readonly lasts: readonly [number, number]
  readonly seed: string | undefined
}

/** Seeds are short, so that people can copy them. */
const newSeed = Effect.map(Random.nextIntBetween(0, 2 ** 32, { halfOpen: true }), String)

const descriptionOf = (fault: unknown): string =>
  typeof fault === "object" && fault !== null && "description" in fault ? String(fault.description) : ""

const isHopeless = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "kind" in error && error.kind === "notProxied"

const reasonOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

/** One run of a nemesis: what it has done, and what makes it pointless to go on. */
class Run {
  readonly entries: Array<Entry> = []
  private readonly began = performance.now()

  note(event: Entry["event"], kind: string, description: string): void {
    this.entries.push({ at: Math.round(performance.now() - this.began), event, kind, description })
  }
}

/** Makes a fault and heals it. Fails only if it is pointless to go on. */
const once = <E, R>(
  run: Run,
  kind: string,
  fault: Effect.Effect<unknown, E, R>,
  lasts: number
): Effect.Effect<void, E, Exclude<R, Scope.Scope>> => {
  let description: string | undefined
  return Effect.scoped(Effect.gen(function*() {
    description = descriptionOf(yield* fault)
    run.note("begins", kind, description)
    yield* Effect.sleep(lasts)
  })).pipe(
    // An interrupted run heals its fault, too, and must not hide that it could not.
    Effect.onExit((exit) =>
      Effect.sync(() => {
        if (Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)) {
          run.note("skipped", kind, reasonOf(exit.cause))
        } else if (description !== undefined) run.note("ends", kind, description)
      })
    ),
    Effect.catchCause((cause) =>
      Cause.hasInterrupts(cause) || Cause.hasDies(cause) || isHopeless(Cause.squash(cause))
        ? Effect.failCause(cause)
        : Effect.void
    )
  )
}

/**
 * Runs `kinds` at random, until the scope closes.
 *
 * @internal
 */
export const runRandomly = <Output, E, R, E2, R2>(
  schedule: Schedule.Schedule<Output, unknown, E, R>,
  kinds: Readonly<Record<string, Effect.Effect<unknown, E2, R2>>>,
  { lasts: [least, most], seed: given }: Settings
): Effect.Effect<Running, never, R | Exclude<R2, Scope.Scope> | Scope.Scope> =>
  Effect.gen(function*() {
    const seed = given ?? (yield* newSeed)
    const run = new Run()
    const names = Object.keys(kinds)
    const next = Effect.gen(function*() {
      const kind = names[yield* Random.nextIntBetween(0, names.length, { halfOpen: true })]
      const lasts = yield* Random.nextBetween(least, most)
      if (kind !== undefined) yield* once(run, kind, kinds[kind]!, lasts)
    })
    const fiber = yield* Effect.acquireRelease(
      Effect.forkDetach(Effect.schedule(next, schedule).pipe(Random.withSeed(seed), inRealTime)),
      (fiber, exit) =>
        Effect.gen(function*() {
          yield* Fiber.interrupt(fiber)
          const end = yield* Fiber.await(fiber)
          const isBroken = Exit.isFailure(end) && !Cause.hasInterruptsOnly(end.cause)
          if (isBroken || Exit.isFailure(exit)) process.stderr.write(`${textOfLog(seed, run.entries)}\n`)
          if (isBroken) return yield* Effect.die(Cause.squash(end.cause))
        })
    )
    return {
      seed,
      log: Effect.sync(() => [...run.entries]),
      stop: Effect.asVoid(Fiber.interrupt(fiber))
    }
  })
