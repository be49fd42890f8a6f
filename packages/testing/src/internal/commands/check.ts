/** Runs random programs until one fails, and then looks for the smallest one that fails too. */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import { randomProgram, type Settings } from "./generate.ts"
import { isRunnable, makeIsNew, places, type Program, smaller } from "./program.ts"
import { type History, type Problem, problemOf, runProgram } from "./run.ts"

/** A program that has failed. */
interface Failed<Model, R> {
  readonly program: Program<Model, R>
  readonly history: History<Model, R>
  readonly problem: Problem<Model, R>
  /** The documents that the run has left, as text. */
  readonly documents: ReadonlyArray<string>
}

/** @internal */
export interface Refuted<Model, R> extends Failed<Model, R> {
  readonly seed: number
  /** How many programs have run before it was found, with it. */
  readonly runs: number
  /** How many smaller programs have run. */
  readonly shrinks: number
  /** How many of how many runs of the smallest program have failed. */
  readonly repeated: { readonly failed: number; readonly runs: number }
}

/** @internal */
export interface CheckSettings<Model, R> extends Settings<Model, R> {
  readonly seed: number
  readonly runs: number
  readonly maxShrinks: number
  /** How often a program with branches runs before it counts as one that does not fail. */
  readonly attempts: number
  /** How many programs run at the same time, each with a database of its own. */
  readonly lanes: number
}

/** Runs something from the baseline, with the services of a run. */
type Isolate<S, EI, R> = <A, E>(run: Effect.Effect<A, E, S>) => Effect.Effect<A, E | EI, R>

/**
 * The first random program that fails, made small; `"idle"` if no program had a command.
 *
 * @param documents - what a failed run has left, as text
 * @internal
 */
export const check = <Model, S, EI, ED, R>(
  settings: CheckSettings<Model, S>,
  isolate: Isolate<S, EI, R>,
  documents: Effect.Effect<ReadonlyArray<string>, ED, S>
): Effect.Effect<Refuted<Model, S> | "idle" | undefined, EI | ED, R> => {
  type Found = Effect.Effect<Failed<Model, S> | undefined, EI | ED, R>

  const once = (program: Program<Model, S>): Found =>
    isolate(Effect.flatMap(runProgram(program), (history) => {
      const problem = problemOf(settings.model, history)
      return problem === undefined
        ? Effect.undefined
        : Effect.map(documents, (documents) => ({ program, history, problem, documents }))
    }))

  /** Runs that begin in the order of their numbers, until one has failed. Those that have begun end, and the first one of them counts. */
  const firstFailed = Effect.fnUntraced(function*(runs: number, run: (number: number) => Found) {
    let next = 0
    const failures: Array<{ readonly number: number; readonly failed: Failed<Model, S> }> = []
    const lane = Effect.gen(function*() {
      while (failures.length === 0 && next < runs) {
        const number = next++
        const failed = yield* run(number)
        if (failed !== undefined) failures.push({ number, failed })
      }
    })
    yield* Effect.all(Array.from({ length: Math.min(settings.lanes, runs) }, () => lane), {
      concurrency: "unbounded",
      discard: true
    })
    return failures.sort((a, b) => a.number - b.number)[0]
  })

  /** Races do not happen every time. */
  const often = (program: Program<Model, S>): Found =>
    Effect.map(
      firstFailed(program.branches.length === 0 ? 1 : settings.attempts, () => once(program)),
      (first) => first?.failed
    )

  const shrink = Effect.fnUntraced(function*(first: Failed<Model, S>) {
    let best = first
    let shrinks = 0
    const isNew = makeIsNew<Model, S>()
    const fails = Effect.fnUntraced(function*(candidate: Program<Model, S>) {
      if (shrinks >= settings.maxShrinks || !isNew(candidate) || !isRunnable(settings.model, candidate)) return false
      shrinks++
      const failed = yield* often(candidate)
      if (failed === undefined) return false
      best = failed
      return true
    })

    const fewerCommands = Effect.gen(function*() {
      search: while (true) {
        for (const candidate of smaller(best.program)) {
          if (yield* fails(candidate)) continue search
        }
        return
      }
    })

    const smallerArguments = Effect.gen(function*() {
      for (let index = 0; index < places(best.program).length; index++) {
        const { call, put } = places(best.program)[index]!
        let isRoot = true
        yield* Arbitrary.checkEffect(
          call.source,
          (args) => {
            // The arguments themselves are known to fail.
            if (isRoot) {
              isRoot = false
              return false
            }
            return Effect.map(fails(put(args)), (fails) => !fails)
          },
          { runs: 1, seed: call.seed, size: settings.size, maxShrinks: settings.maxShrinks }
        )
      }
    })

    yield* fewerCommands
    const { program } = best
    yield* smallerArguments
    // Equal arguments may make commands superfluous that were not before.
    if (best.program !== program) yield* fewerCommands
    return { best, shrinks }
  })

  const repeat = Effect.fnUntraced(function*(program: Program<Model, S>) {
    if (program.branches.length === 0) return { failed: 1, runs: 1 }
    const all = yield* Effect.all(Array.from({ length: settings.attempts }, () => once(program)), {
      concurrency: settings.lanes
    })
    return { failed: all.filter((failed) => failed !== undefined).length, runs: settings.attempts }
  })

  return Effect.gen(function*() {
    // The seed of a run is that of the check plus its number, so that a failed run is the first one of its own seed.
    let isIdle = true
    const first = yield* firstFailed(
      settings.runs,
      (run) =>
        Effect.flatMap(randomProgram(settings, settings.seed + run), (program) => {
          if (program.before.length > 0 || program.branches.length > 0) isIdle = false
          return once(program)
        })
    )
    if (first === undefined) return isIdle ? "idle" : undefined
    const { failed, number } = first
    const { best, shrinks } = yield* shrink(failed)
    return {
      ...best,
      seed: settings.seed + number,
      runs: number + 1,
      shrinks,
      repeated: yield* repeat(best.program)
    }
  })
}
