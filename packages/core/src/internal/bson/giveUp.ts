/** It is not an `Error`, since nobody sees its stack. */
const unknownOutcome = Symbol("unknown outcome")

/**
 * Ends fast code that cannot tell what the slow code would give: for damaged bytes, and for what is rare. Whoever calls fast code catches
 * everything that it throws, and calls the slow code.
 *
 * @internal
 */
export const giveUp = (): never => {
  throw unknownOutcome
}
