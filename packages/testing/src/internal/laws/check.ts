/** What laws have in common: random documents, and what is said of a law that does not hold. */
import * as Arbitrary from "effect/Arbitrary"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Driver from "mongodb"
import { withoutUndefined } from "../arbitrary/stored.ts"

/**
 * Why a law does not hold for some documents.
 *
 * @internal
 */
export interface Refutation {
  readonly why: string
  readonly documents: ReadonlyArray<Driver.Document>
}

const showDocument = (document: Driver.Document): string => {
  try {
    return Driver.BSON.EJSON.stringify(withoutUndefined(document))
  } catch {
    return "a document that cannot be shown"
  }
}

/**
 * The message of the first failure of anything.
 *
 * @internal
 */
export const messageOf = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.squash(cause)
  return error instanceof Error ? error.message : String(error)
}

/**
 * Checks a law for random values: the text of its smallest refutation, or nothing. Failures and defects refute, too.
 *
 * @internal
 */
export const refutationOf = <A, R>(
  law: string,
  arbitrary: Arbitrary.Arbitrary<A>,
  property: (value: A) => Effect.Effect<Refutation | undefined, unknown, R>,
  options: Arbitrary.CheckOptions | undefined
): Effect.Effect<string | undefined, never, R> =>
  Effect.gen(function*() {
    const result = yield* Arbitrary.checkEffect(
      arbitrary,
      (value) =>
        Effect.suspend(() => property(value)).pipe(
          Effect.catchCause((cause) =>
            Cause.hasInterruptsOnly(cause)
              ? Effect.failCause(cause as Cause.Cause<never>)
              : Effect.succeed<Refutation>({ why: messageOf(cause), documents: [] })
          ),
          Effect.flatMap((refutation) => refutation === undefined ? Effect.succeed(true) : Effect.fail(refutation))
        ),
      options
    )
    if (result._tag === "Passed") return undefined
    if (result._tag !== "Falsified" || result.failure._tag !== "PropertyError") {
      return `${law}: ${Arbitrary.formatCheckFailure(result)}`
    }
    const { documents, why } = result.failure.error
    return [
      `${law}: ${why}`,
      ...(documents.length === 0 ? [] : ["Documents, as Extended JSON:"]),
      ...documents.map((document) => `  ${showDocument(document)}`),
      `Found by run ${result.runs}, made smaller ${
        result.shrinks === 1 ? "once" : `${result.shrinks} times`
      }. Replay: ${result.replay}`
    ].join("\n")
  })
