/** Keeps the sort fields in what a projection leaves. The decoder of the projection leaves them out again. */
import type * as Driver from "mongodb"
import { isPlainObject } from "../plainObject.ts"
import { refuse } from "../refusal.ts"
import type { Order } from "./order.ts"

const contains = (outer: string, inner: string): boolean => inner === outer || inner.startsWith(`${outer}.`)

const isIncluded = (value: unknown): boolean => value === 1 || value === true

const isExcluded = (value: unknown): boolean => value === 0 || value === false

/** Whether a projection names the fields to keep, and not those to leave out. */
const includesOnly = (entries: ReadonlyArray<readonly [string, unknown]>): boolean => {
  const isNamed = ([name]: readonly [string, unknown]) => name !== "_id"
  const including = (entries: ReadonlyArray<readonly [string, unknown]>) =>
    entries.some(([, value]) => isIncluded(value) || isPlainObject(value) && "$elemMatch" in value)
  const named = entries.filter(isNamed)
  return including(named) || including(entries) && !named.some(([, value]) => isExcluded(value))
}

/**
 * A projection that leaves all that another one leaves, and the sort fields.
 *
 * @internal
 */
export const withOrder = (projection: Driver.Document, order: Order): Driver.Document => {
  const entries = Object.entries(projection)
  const includes = includesOnly(entries)
  const kept = new Map(entries)
  for (const { key, open } of order) {
    const inside = entries.filter(([name]) => name !== key && contains(key, name))
    if (inside.some(([, value]) => isPlainObject(value))) {
      refuse(`projection.${inside[0]![0]}`, "takes a part of a field that the page is sorted by: leave it out")
    }
    const excluded = entries.filter(([name, value]) =>
      isExcluded(value) && (contains(name, key) || contains(key, name))
    )
    const isLeft = excluded.length === 0 &&
      (!includes || key === "_id" && inside.length === 0 ||
        entries.some(([name, value]) => isIncluded(value) && contains(name, key)))
    if (isLeft) continue
    if (open) {
      refuse(
        "projection",
        `leaves out ${key}, which the page is sorted by, and the schema cannot tell it from other fields: keep it`
      )
    }
    for (const [name] of [...inside, ...excluded]) kept.delete(name)
    if (includes) kept.set(key, 1)
  }
  return Object.fromEntries(kept)
}
