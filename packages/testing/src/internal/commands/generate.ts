/** Random programs: each is the work of its seed alone. */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import { isAllowedInEveryOrder } from "./linearize.ts"
import { type Call, type Command, isAllowed, nextModel, type Program, tidy } from "./program.ts"

/** @internal */
export interface Settings<Model, R> {
  readonly model: Model
  readonly commands: Readonly<Record<string, Command<Model, unknown, unknown, unknown, R>>>
  readonly last: Command<Model, unknown, unknown, unknown, R> | undefined
  /** How many commands at most run one after the other, before the branches. */
  readonly length: number
  /** How many branches run at the same time; fewer than two for programs without branches. */
  readonly branches: number
  /** How many commands a branch has at most. */
  readonly branchLength: number
  /** The size of arguments, as in `Arbitrary`. */
  readonly size: number
}

/** Arguments of a seed. Their arbitrary shrinks them when it is checked with the same seed and size, so the check makes them, too. */
const argumentsOf = (
  source: Arbitrary.Arbitrary<unknown>,
  seed: number,
  size: number
): Effect.Effect<readonly [unknown] | undefined> =>
  Effect.suspend(() => {
    let made: readonly [unknown] | undefined
    return Effect.as(
      Arbitrary.checkEffect(source, (value) => {
        made = [value]
        return true
      }, { runs: 1, seed, size }),
      undefined
    ).pipe(Effect.map(() => made))
  })

/** How many calls are tried for each place: preconditions may refuse them. */
const tries = 20

const randomCall = Effect.fnUntraced(function*<Model, R>(
  { commands, size }: Settings<Model, R>,
  model: Model,
  accept: (call: Call<Model, R>) => boolean
): Effect.fn.Return<Call<Model, R> | undefined> {
  const names = Object.keys(commands)
  for (let i = 0; i < tries && names.length > 0; i++) {
    const name = names[yield* Random.nextIntBetween(0, names.length - 1)]!
    const seed = yield* Random.nextIntBetween(0, 2 ** 31)
    const command = commands[name]!
    const source = command.arguments(model)
    const made = yield* argumentsOf(source, seed, size)
    if (made === undefined) continue
    const call = { name, command, args: made[0], source, seed }
    if (accept(call)) return call
  }
  return undefined
})

/**
 * The program of a seed. About a third of them have no branches.
 *
 * @internal
 */
export const randomProgram = <Model, R>(
  settings: Settings<Model, R>,
  seed: number
): Effect.Effect<Program<Model, R>> =>
  Effect.gen(function*() {
    const { branchLength, last, length, model: initial } = settings
    const isParallel = settings.branches > 1 && (yield* Random.nextIntBetween(0, 2)) > 0
    const before: Array<Call<Model, R>> = []
    let model = initial
    for (
      let left = yield* Random.nextIntBetween(isParallel ? 0 : 1, Math.max(isParallel ? 0 : 1, length));
      left > 0;
      left--
    ) {
      const call = yield* randomCall(settings, model, (call) => isAllowed(model, call))
      if (call === undefined) break
      before.push(call)
      model = nextModel(model, call)
    }
    const branches: Array<ReadonlyArray<Call<Model, R>>> = Array.from(
      { length: isParallel ? settings.branches : 0 },
      () => []
    )
    for (const lane of branches.keys()) {
      for (let left = yield* Random.nextIntBetween(1, branchLength); left > 0; left--) {
        const withCall = (call: Call<Model, R>) =>
          branches.map((branch, index) => index === lane ? [...branch, call] : branch)
        const own = branches[lane]!.reduce(nextModel, model)
        const call = yield* randomCall(
          settings,
          own,
          (call) => isAllowedInEveryOrder(model, withCall(call), isAllowed, nextModel)
        )
        if (call !== undefined) branches[lane] = withCall(call)[lane]!
      }
    }
    const after = last === undefined ? [] : [lastCall(last)]
    return tidy({ before, branches, after })
  }).pipe(Random.withSeed(seed))

const noArguments = Arbitrary.Constant(undefined)

const lastCall = <Model, R>(command: Command<Model, unknown, unknown, unknown, R>): Call<Model, R> => ({
  name: "last",
  command,
  args: undefined,
  source: noArguments,
  seed: 0
})
