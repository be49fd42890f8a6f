/**
 * A cache that all processes share: whoever reads an entry gets one that was written, under its key and before it is over.
 */
import { MongoPersistence } from "@mongofx/backends"
import type { Arena } from "chaos-support/arena"
import { list } from "chaos-support/problems"
import { Duration, Effect, Random } from "effect"
import { Persistence } from "effect/persistence"
import type * as Driver from "mongodb"
import { type Part, serviceIn } from "./parts.ts"

const keys = ["a", "b", "c", "d", "e", "f"]

/** How long every second entry lives: milliseconds. */
const short = 400

interface Written {
  readonly key: string
  readonly n: number
  readonly isShort: boolean
  /** When the write ended, by the clock of this process: milliseconds. */
  ended: number
  isConfirmed: boolean
}

interface Read {
  readonly key: string
  readonly value: object
  readonly began: number
}

/** What the callers know at the end. */
interface Witness {
  readonly written: Array<Written>
  readonly reads: Array<Read>
}

export const newWitness = (): Witness => ({ written: [], reads: [] })

type Store = Persistence.BackingPersistenceStore

/** Writes an entry, and notes whether that was confirmed. */
export const writeEntry = (
  { written }: Witness,
  { set }: Pick<Store, "set">,
  key: string,
  n: number,
  isShort: boolean
): Effect.Effect<void> =>
  Effect.suspend(() => {
    const entry: Written = { key, n, isShort, ended: Infinity, isConfirmed: false }
    written.push(entry)
    return Effect.matchEffect(set(key, { key, n }, isShort ? Duration.millis(short) : undefined), {
      onFailure: () => Effect.sync(() => void (entry.ended = Date.now())),
      onSuccess: () =>
        Effect.sync(() => {
          entry.ended = Date.now()
          entry.isConfirmed = true
        })
    })
  })

/** Reads entries, and notes what comes. */
export const readEntries = ({ reads }: Witness, { getMany }: Pick<Store, "getMany">): Effect.Effect<void> =>
  Effect.suspend(() => {
    const began = Date.now()
    return Effect.match(getMany(keys as [string, ...Array<string>]), {
      onFailure: () => {},
      onSuccess: (values) =>
        values.forEach((value, index) => {
          if (value !== undefined) reads.push({ key: keys[index]!, value, began })
        })
    })
  })

interface Entry {
  readonly _id: string
  readonly value: { readonly key: string; readonly n: number }
}

/** What is wrong with what was read, and with the entries as the bare driver reads them. */
export const entryProblems = async (
  data: Driver.Db,
  { reads, written }: Witness
): Promise<ReadonlyArray<string>> => {
  const known = new Map(written.map((entry) => [`${entry.key} ${entry.n}`, entry]))
  const nameOf = ({ key, value }: Pick<Read, "key" | "value">) => `${key} ${(value as { readonly n: number }).n}`
  const entries = (await data.collection<Entry>("effect_persistence").find().toArray())
    .map(({ _id, value }) => ({ key: _id.slice("entries:".length), value }))
  // The entries of one key are written one after the other: the last confirmed one, or one that had no answer and came later.
  const behind = keys.filter((key) => {
    const latest = Math.max(-1, ...written.filter((entry) => entry.key === key && entry.isConfirmed).map(({ n }) => n))
    const isSwept = known.get(`${key} ${latest}`)?.isShort === true
    const stored = entries.find((entry) => entry.key === key)
    return stored === undefined ? latest >= 0 && !isSwept : stored.value.n < latest
  })
  return [
    ...list("entries that were read and never written", reads.filter((read) => !known.has(nameOf(read))).map(nameOf)),
    ...list(
      "entries that were read after their time",
      reads.filter((read) => {
        const entry = known.get(nameOf(read))
        return entry?.isShort === true && read.began > entry.ended + short
      }).map(nameOf)
    ),
    ...list(
      "entries that are there and were never written",
      entries.filter((entry) => !known.has(nameOf(entry))).map(nameOf)
    ),
    ...list("keys without their last confirmed entry", behind)
  ]
}

export const entryStore = (arena: Pick<Arena, "db">) =>
  Effect.flatMap(
    serviceIn(arena, Persistence.BackingPersistence, MongoPersistence.layerBacking),
    ({ make }) => make("entries")
  )

/** A fiber for each key writes, and two read. */
export const entryPart = (arena: Arena) =>
  Effect.gen(function*() {
    const store = yield* entryStore(arena)
    const witness = newWitness()
    let next = 0
    const confirmed = () => witness.written.filter(({ isConfirmed }) => isConfirmed).length
    return {
      fibers: keys.length + 2,
      step: (fiber) =>
        Effect.gen(function*() {
          if (fiber >= keys.length) return yield* Effect.andThen(readEntries(witness, store), Effect.sleep("50 millis"))
          yield* writeEntry(witness, store, keys[fiber]!, next++, yield* Random.nextBoolean)
          yield* Effect.sleep(yield* Random.nextIntBetween(0, 100))
        }),
      problems: () => entryProblems(arena.data, witness),
      figures: () => `${confirmed()} entries of a cache, ${witness.reads.length} read`,
      confirmed
    } satisfies Part
  })
