/** Which part of a query a page is: how many documents, from which place on, and in which direction. */
import { refuse } from "../refusal.ts"

/** @internal */
export interface Window {
  readonly size: number
  readonly backward: boolean
  /** The place that the page begins behind. */
  readonly cursor: string | undefined
}

type Given = Readonly<Record<string, unknown>>

/** Callers with arguments of a request pass null for those that are not there. */
const given = (options: Given, name: string): unknown => options[name] ?? undefined

/** @internal */
export const windowOf = (options: unknown): Window => {
  if (typeof options !== "object" || options === null) return refuse("options", "is not an object with first or last")
  const all = options as Given
  const backward = given(all, "last") !== undefined
  const [size, cursor, other] = backward ? ["last", "before", "after"] as const : ["first", "after", "before"] as const
  if (backward && given(all, "first") !== undefined) refuse("first", "stands beside last: pass one of them")
  if (given(all, other) !== undefined) refuse(other, `stands beside ${size}: pass ${cursor}`)
  const number = given(all, size)
  if (!Number.isSafeInteger(number) || number as number < 0 || number as number >= 2 ** 31 - 1) {
    refuse(size, "is not a number of documents: pass an integer from 0 on")
  }
  return { size: number as number, backward, cursor: given(all, cursor) as string | undefined }
}
