/**
 * Properties that are checked on isolated runs: each run and each attempt at a smaller input has a database of the baseline to itself.
 */
import { MongoDatabase, type MongoError } from "@mongofx/core"
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import type * as Schema from "effect/Schema"
import type { BaselineError, Inputs, Services } from "../MongoTest.ts"
import type { Lanes } from "./baseline/lanes.ts"
import { short, showCause } from "./failureText.ts"

/** What a falsified property says. */
interface Falsified {
  readonly runs: number
  readonly shrinks: number
  readonly seed: string
  readonly replay: string
  readonly input: unknown
  readonly documents: ReadonlyArray<string>
  /** Why the smallest input fails; nothing if the property returned `false`. */
  readonly cause: Cause.Cause<unknown> | undefined
}

/** @internal */
export type Failed = Falsified | { readonly message: string }

/** @internal */
export const arbitraryOf = (inputs: Inputs): Arbitrary.Arbitrary<unknown> => {
  const one = (input: Schema.Constraint | Arbitrary.Arbitrary<unknown>): Arbitrary.Arbitrary<unknown> =>
    Arbitrary.isArbitrary(input) ? input : Arbitrary.schema(input)
  return Array.isArray(inputs)
    ? Arbitrary.all(inputs.map(one))
    : Arbitrary.all(Object.fromEntries(Object.entries(inputs).map(([key, input]) => [key, one(input)])))
}

const format = (input: unknown): string => short(Formatter.format(input, { space: 2 }))

/** The seed is a part of the token that replays a failure. */
const seedOf = (replay: string): string => String((JSON.parse(replay) as ReadonlyArray<unknown>)[1])

const indent = (text: string, by: string): string => text.replaceAll(/^(?=.)/gm, by)

/** @internal */
export const messageOf = (failed: Failed): string => {
  if ("message" in failed) return failed.message
  const { cause, documents, input, replay, runs, seed, shrinks } = failed
  return [
    `the property is false: run ${runs} of seed ${seed} fails, and this input is what ${shrinks} shrinks have left of it`,
    indent(format(input), "  "),
    `it ${cause === undefined ? "returned false" : showCause(cause)}`,
    documents.length === 0
      ? "the database had no documents then"
      : `the documents of the database then\n${indent(documents.join("\n"), "  ")}`,
    `to repeat it, pass to MongoTest.prop\n  { replay: ${JSON.stringify(replay)} }`
  ].join("\n")
}

/** The server or the baseline is to blame, and not the property. */
class Outside {
  readonly error: BaselineError | MongoError.MongoError
  constructor(error: BaselineError | MongoError.MongoError) {
    this.error = error
  }
}

/** The documents are read after the run, when nothing of it is open any more. */
const documentsNow = (lanes: Lanes) =>
  Effect.flatMap(
    MongoDatabase.MongoDatabase,
    ({ name }) =>
      Effect.catch(lanes.documents(name), (error) => Effect.succeed([`they cannot be read: ${error.message}`]))
  )

/**
 * Checks a property, and says how it fails if it does.
 *
 * @internal
 */
export const checkProperty = <A, E, R>(
  lanes: Lanes,
  arbitrary: Arbitrary.Arbitrary<unknown>,
  property: (input: unknown) => Effect.Effect<A, E, R>,
  options: Arbitrary.CheckOptions
): Effect.Effect<Failed | undefined, BaselineError | MongoError.MongoError, Exclude<R, Services>> =>
  Effect.gen(function*() {
    const left = new Map<unknown, ReadonlyArray<string>>()
    /** The inputs whose runs were interrupted last: by the end of the search, or of the test. */
    const stopped = new Set<unknown>()

    const run = (input: unknown) =>
      lanes.isolated(Effect.matchCauseEffect(Effect.suspend(() => property(input)), {
        onSuccess: (value) =>
          (value as unknown) === false
            ? Effect.map(documentsNow(lanes), (documents) => ({ documents, cause: undefined }))
            : Effect.undefined,
        onFailure: (cause) =>
          Cause.hasInterruptsOnly(cause)
            ? Effect.failCause(cause as Cause.Cause<never>)
            : Effect.map(documentsNow(lanes), (documents) => ({ documents, cause }))
      })).pipe(
        Effect.catch((error) => Effect.die(new Outside(error))),
        Effect.flatMap((failed): Effect.Effect<boolean, Cause.Cause<E>> => {
          if (failed === undefined) return Effect.succeed(true)
          left.set(input, failed.documents)
          return failed.cause === undefined ? Effect.succeed(false) : Effect.fail(failed.cause)
        })
      )

    const result = yield* Arbitrary.checkEffect(
      arbitrary,
      (input) =>
        Effect.suspend(() => {
          stopped.clear()
          return Effect.onInterrupt(run(input), () => Effect.sync(() => stopped.add(input)))
        }),
      { ...options, concurrency: options.concurrency ?? lanes.lanes }
    ).pipe(
      // A run that hangs ends by the time limit of the test, which knows nothing of the input.
      Effect.onInterrupt(() =>
        Effect.logWarning(`the property was interrupted while it ran with\n${[...stopped].map(format).join("\n")}`)
      )
    )
    switch (result._tag) {
      case "Passed":
        return undefined
      case "Falsified": {
        const { failure, replay, runs, shrinks, shrunkInput } = result
        return {
          runs,
          shrinks,
          seed: seedOf(replay),
          replay,
          input: shrunkInput,
          documents: left.get(shrunkInput) ?? [],
          cause: failure._tag === "ReturnedFalse" ? undefined : failure.error
        }
      }
      case "Exhausted":
        return {
          message:
            `only ${result.runs} inputs were found before ${result.discards} others were discarded, with seed ${result.seed}: filter less, or raise maxDiscards`
        }
      case "ReplayMismatch":
        return {
          message: `the replay does not fail as it did (${result.reason}): the property or its inputs have changed`
        }
    }
  }).pipe(
    Effect.catchDefect((defect) => defect instanceof Outside ? Effect.fail(defect.error) : Effect.die(defect))
  ) as Effect.Effect<Failed | undefined, BaselineError | MongoError.MongoError, Exclude<R, Services>>
