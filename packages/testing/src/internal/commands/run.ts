/** Runs programs, and compares the results with the model. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { linearize, type Operation } from "./linearize.ts"
import { type Call, nextModel, type Program, type Step } from "./program.ts"

/**
 * A call that has ended.
 *
 * @internal
 */
export interface Event<Model, R> {
  readonly call: Call<Model, R>
  readonly result: Exit.Exit<unknown, unknown>
  readonly started: number
  readonly ended: number
}

/** @internal */
export interface History<Model, R> {
  readonly before: ReadonlyArray<Event<Model, R>>
  readonly branches: ReadonlyArray<ReadonlyArray<Event<Model, R>>>
  readonly after: ReadonlyArray<Event<Model, R>>
}

/**
 * Runs a program. A call that fails, dies or interrupts itself has that as its result, and the next one runs.
 *
 * @internal
 */
export const runProgram = <Model, R>(program: Program<Model, R>): Effect.Effect<History<Model, R>, never, R> =>
  Effect.suspend(() => {
    let time = 0
    const one = (call: Call<Model, R>): Effect.Effect<Event<Model, R>, never, R> =>
      Effect.suspend(() => {
        const started = time++
        return Effect.map(
          Effect.exit(Effect.suspend(() => call.command.run(call.args))),
          (result) => ({ call, result, started, ended: time++ })
        )
      })
    const all = (calls: ReadonlyArray<Call<Model, R>>) => Effect.forEach(calls, one)
    return Effect.gen(function*() {
      const before = yield* all(program.before)
      const branches = yield* Effect.forEach(program.branches, all, { concurrency: "unbounded" })
      const after = yield* all(program.after)
      return { before, branches, after }
    })
  })

const isSame = (actual: Exit.Exit<unknown, unknown>, expected: Exit.Exit<unknown, unknown>): boolean => {
  if (Exit.isSuccess(actual)) return Exit.isSuccess(expected) && Equal.equals(actual.value, expected.value)
  if (Exit.isSuccess(expected)) return false
  const [error, other] = [Cause.findErrorOption(actual.cause), Cause.findErrorOption(expected.cause)]
  return Option.isSome(error) && Option.isSome(other)
    ? Equal.equals(error.value, other.value)
    : Equal.equals(actual.cause, expected.cause)
}

const fits = ({ result: expected }: Step<unknown, unknown, unknown>, actual: Exit.Exit<unknown, unknown>): boolean =>
  typeof expected === "function" ? expected(actual) : isSame(actual, expected)

const operationOf = <Model, R>({ call, ended, result, started }: Event<Model, R>): Operation<Model> => ({
  started,
  ended,
  step: (model) => {
    const step = call.command.next(model, call.args)
    return fits(step, result) ? [step.model] : undefined
  }
})

/**
 * What is wrong with a history: the first result that differs from the model's, or results at the same time that no order explains.
 *
 * @internal
 */
export type Problem<Model, R> =
  | {
    readonly _tag: "Different"
    readonly event: Event<Model, R>
    /** The model before the call. */
    readonly model: Model
    readonly expected: Step<Model, unknown, unknown>["result"]
  }
  | {
    readonly _tag: "NoOrder"
    /** The model before the branches. */
    readonly model: Model
  }

/** @internal */
export const problemOf = <Model, R>(
  initial: Model,
  { after, before, branches }: History<Model, R>
): Problem<Model, R> | undefined => {
  let model = initial
  for (const event of branches.length === 0 ? [...before, ...after] : before) {
    const step = event.call.command.next(model, event.call.args)
    if (!fits(step, event.result)) return { _tag: "Different", event, model, expected: step.result }
    model = nextModel(model, event.call)
  }
  if (branches.length === 0) return undefined
  const lanes = [...branches, after].map((events) => events.map(operationOf))
  return linearize(model, lanes) === undefined ? { _tag: "NoOrder", model } : undefined
}
