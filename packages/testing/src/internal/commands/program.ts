/** Programs of commands: what they are, what they are allowed to do, and the smaller programs that may fail too. */
import type * as Arbitrary from "effect/Arbitrary"
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import { isAllowedInEveryOrder } from "./linearize.ts"

/**
 * What a model says about a command: the model after it, and its result.
 *
 * @internal
 */
export interface Step<Model, A, E> {
  readonly model: Model
  readonly result: Exit.Exit<A, E> | ((result: Exit.Exit<A, E>) => boolean)
}

/** @internal */
export interface Command<Model, Args, A, E, R> {
  readonly arguments: (model: Model) => Arbitrary.Arbitrary<Args>
  readonly when: (model: Model, args: Args) => boolean
  readonly run: (args: Args) => Effect.Effect<A, E, R>
  readonly next: (model: Model, args: Args) => Step<Model, A, E>
}

/**
 * A command with its arguments.
 *
 * @internal
 */
export interface Call<Model, R> {
  readonly name: string
  readonly command: Command<Model, unknown, unknown, unknown, R>
  readonly args: unknown
  /** The arguments again, and those that are smaller: `source` makes them of `seed`. */
  readonly source: Arbitrary.Arbitrary<unknown>
  readonly seed: number
}

/**
 * Calls one after the other, then branches of calls at the same time, then calls one after the other again.
 *
 * @internal
 */
export interface Program<Model, R> {
  readonly before: ReadonlyArray<Call<Model, R>>
  readonly branches: ReadonlyArray<ReadonlyArray<Call<Model, R>>>
  readonly after: ReadonlyArray<Call<Model, R>>
}

/**
 * Without empty branches; a branch that is alone is not at the same time as anything.
 *
 * @internal
 */
export const tidy = <Model, R>({ after, before, branches }: Program<Model, R>): Program<Model, R> => {
  const [first, ...rest] = branches.filter((branch) => branch.length > 0)
  return first === undefined || rest.length > 0
    ? { before, branches: first === undefined ? [] : [first, ...rest], after }
    : { before: [...before, ...first], branches: [], after }
}

/** @internal */
export const isAllowed = <Model, R>(model: Model, { args, command }: Call<Model, R>): boolean =>
  command.when(model, args)

/** @internal */
export const nextModel = <Model, R>(model: Model, { args, command }: Call<Model, R>): Model =>
  command.next(model, args).model

/**
 * Whether the preconditions of all calls hold, in every order of the branches. The calls after the branches have none.
 *
 * @internal
 */
export const isRunnable = <Model, R>(initial: Model, { before, branches }: Program<Model, R>): boolean => {
  let model = initial
  for (const call of before) {
    if (!isAllowed(model, call)) return false
    model = nextModel(model, call)
  }
  return isAllowedInEveryOrder(model, branches, isAllowed, nextModel)
}

/** The list without one of its blocks, large blocks first. */
function* without<A>(list: ReadonlyArray<A>): Generator<ReadonlyArray<A>> {
  for (let size = list.length; size > 0; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)]
  }
}

const replaced = <A>(list: ReadonlyArray<A>, index: number, item: A): ReadonlyArray<A> =>
  list.map((one, at) => at === index ? item : one)

/**
 * Programs with fewer commands, or with fewer of them at the same time, the most promising ones first. Each is smaller in one way, so
 * that to take the first that fails, again and again, ends.
 *
 * @internal
 */
export function* smaller<Model, R>(program: Program<Model, R>): Generator<Program<Model, R>> {
  const { before, branches } = program
  const make = (parts: Partial<Program<Model, R>>) => tidy({ ...program, ...parts })
  if (branches.length > 0) yield make({ before: [...before, ...branches.flat()], branches: [] })
  for (const fewer of without(branches)) yield make({ branches: fewer })
  for (const fewer of without(before)) yield make({ before: fewer })
  for (const [index, branch] of branches.entries()) {
    for (const fewer of without(branch)) yield make({ branches: replaced(branches, index, fewer) })
  }
  for (const [index, branch] of branches.entries()) {
    if (branch.length > 1) {
      yield make({ before: [...before, branch[0]!], branches: replaced(branches, index, branch.slice(1)) })
    }
  }
}

/**
 * Tells programs that were not asked for before: the same calls in the same places are the same program.
 *
 * @internal
 */
export const makeIsNew = <Model, R>(): (program: Program<Model, R>) => boolean => {
  const numbers = new Map<Call<Model, R>, number>()
  const seen = new Set<string>()
  const keyOf = (calls: ReadonlyArray<Call<Model, R>>): string =>
    calls.map((call) => {
      const number = numbers.get(call) ?? numbers.size
      numbers.set(call, number)
      return number
    }).join()
  return ({ before, branches }) => {
    const key = [before, ...branches].map(keyOf).join("|")
    if (seen.has(key)) return false
    seen.add(key)
    return true
  }
}

/** Where a call is. */
interface Place<Model, R> {
  readonly call: Call<Model, R>
  readonly put: (args: unknown) => Program<Model, R>
}

/**
 * The calls of a program that have arguments of their own, and the program with other arguments for each.
 *
 * @internal
 */
export const places = <Model, R>(program: Program<Model, R>): ReadonlyArray<Place<Model, R>> => [
  ...program.before.map((call, index) => ({
    call,
    put: (args: unknown) => ({ ...program, before: replaced(program.before, index, { ...call, args }) })
  })),
  ...program.branches.flatMap((branch, lane) =>
    branch.map((call, index) => ({
      call,
      put: (args: unknown) => ({
        ...program,
        branches: replaced(program.branches, lane, replaced(branch, index, { ...call, args }))
      })
    }))
  )
]
