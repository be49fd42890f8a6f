/** What a run fails with, in a line: a report shows the rest of an error, its stack and its causes, only once. */
import * as Cause from "effect/Cause"
import { inspect } from "node:util"

/** How many characters of a message are shown. */
const maxMessage = 4000

/** @internal */
export const short = (text: string): string =>
  text.length <= maxMessage ? text : `${text.slice(0, maxMessage)}… (${text.length - maxMessage} more characters)`

/**
 * A value in a line. Random objects sometimes have no prototype, which says nothing about what failed.
 *
 * @internal
 */
export const show = (value: unknown): string =>
  inspect(value, { depth: 9, breakLength: Infinity, maxArrayLength: 100 }).replaceAll("[Object: null prototype] {", "{")

const ownKeys: ReadonlySet<string> = new Set(["_tag", "name", "message", "stack", "cause"])

/** An error with its message, once: its causes often say the same. An error that has its kind in `reason` has the name of that. */
const showError = (error: unknown): string => {
  if (!(error instanceof Error)) return show(error)
  if ("reason" in error && error.reason instanceof Error && error.reason.message === error.message) {
    return showError(error.reason)
  }
  const { message } = error
  const fields = Object.entries(error).filter(([key]) => !ownKeys.has(key))
  const shown = fields.length === 0 || message !== "" ? "" : ` ${show(Object.fromEntries(fields))}`
  return `${error.name}${message === "" ? "" : `: ${message}`}${shown}`
}

/**
 * The failures and defects of a cause.
 *
 * @internal
 */
export const showCause = (cause: Cause.Cause<unknown>): string => {
  const texts = cause.reasons.flatMap((reason) =>
    Cause.isFailReason(reason)
      ? [`fails with ${short(showError(reason.error))}`]
      : Cause.isDieReason(reason)
      ? [`dies with ${short(showError(reason.defect))}`]
      : []
  )
  return texts.length === 0 ? "is interrupted" : [...new Set(texts)].join(", and ")
}
