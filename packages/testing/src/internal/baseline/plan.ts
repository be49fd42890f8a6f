/**
 * What brings a changed catalog back to the recorded one. The server is not asked.
 */
import type { Catalog, Entry, Index } from "./catalog.ts"

/**
 * The steps, in the order in which they are done. Collections that get indexes are empty by then.
 *
 * @internal
 */
export interface Plan {
  readonly rename: ReadonlyArray<{ readonly from: string; readonly to: string }>
  readonly drop: ReadonlyArray<string>
  readonly create: ReadonlyArray<Entry>
  readonly dropIndexes: ReadonlyArray<{ readonly collection: string; readonly names: ReadonlyArray<string> }>
  readonly createIndexes: ReadonlyArray<{ readonly entry: Entry; readonly indexes: ReadonlyArray<Index> }>
}

/** The server's own collections that come and go with others. */
const isServers = (name: string): boolean => name === "system.views"

/** Views go first and come last, so that none is in the way of the collection that it shows. */
const viewsLast = (a: Entry, b: Entry): number => Number(a.type === "view") - Number(b.type === "view")

/**
 * The steps back to the baseline; nothing if the catalog is that of the baseline.
 *
 * @internal
 */
export const planOf = (baseline: Catalog, now: Catalog): Plan | undefined => {
  const byUuid = new Map([...baseline.values()].map(({ name, uuid }) => [uuid, name]))
  const isRecorded = (entry: Entry): boolean => baseline.get(entry.name)?.text === entry.text

  // A renamed collection goes back, save to a name where an equal one is.
  const rename = [...now.values()].flatMap(({ name, type, uuid }) => {
    const to = uuid === undefined || type !== "collection" ? undefined : byUuid.get(uuid)
    if (to === undefined || to === name || baseline.has(name)) return []
    const there = now.get(to)
    return there === undefined || there.type === "collection" && !isRecorded(there) ? [{ from: name, to }] : []
  })
  const moved = new Set(rename.flatMap(({ from, to }) => [from, to]))

  const gone = [...now.values()].filter((entry) =>
    !moved.has(entry.name) && !isServers(entry.name) && !isRecorded(entry)
  )
  const missing = [...baseline.values()].filter((entry) => {
    const there = now.get(entry.name)
    return !moved.has(entry.name) && !isServers(entry.name) && (there === undefined || !isRecorded(there))
  })

  const kept = [...baseline.values()].flatMap((entry) => {
    const there = now.get(entry.name)
    return there === undefined || moved.has(entry.name) || !isRecorded(there) ? [] : [[entry, there] as const]
  })
  const dropIndexes = kept.flatMap(([entry, there]) => {
    const names = [...there.indexes].filter(([name, { text }]) => entry.indexes.get(name)?.text !== text).map((
      [name]
    ) => name)
    return names.length === 0 ? [] : [{ collection: entry.name, names }]
  })
  const createIndexes = [...kept, ...missing.map((entry) => [entry, undefined] as const)].flatMap(([entry, there]) => {
    const indexes = [...entry.indexes].filter(([name, { text }]) => there?.indexes.get(name)?.text !== text)
      .map(([, index]) => index)
    return indexes.length === 0 ? [] : [{ entry, indexes }]
  })

  const drop = gone.sort(viewsLast).reverse().map(({ name }) => name)
  // It is there for views and time series only, and goes after the last of them.
  if (now.has("system.views") && !baseline.has("system.views")) drop.push("system.views")

  const plan: Plan = { rename, drop, create: missing.sort(viewsLast), dropIndexes, createIndexes }
  return Object.values(plan).every((steps) => steps.length === 0) ? undefined : plan
}
