/**
 * A key-value store whose values grow: each change adds a word, so that a value tells which changes took place, and in which order.
 */
import { MongoKeyValueStore } from "@mongofx/backends"
import { MongoError } from "@mongofx/core"
import type { Arena } from "chaos-support/arena"
import { list } from "chaos-support/problems"
import { Effect, Random } from "effect"
import { KeyValueStore } from "effect/persistence"
import type * as Driver from "mongodb"
import { createHash } from "node:crypto"
import { type Part, serviceIn } from "./parts.ts"

const keys = ["a", "b", "c", "d"]

/** What the callers know at the end. */
interface Witness {
  readonly outcomes: Map<string, "done" | "not done" | "unknown">
  /** How long a value was that somebody has read, and its sum. */
  readonly reads: Array<{ readonly key: string; readonly length: number; readonly sum: string }>
}

export const newWitness = (): Witness => ({ outcomes: new Map(), reads: [] })

const sumOf = (text: string): string => createHash("sha1").update(text).digest("hex")

/** Adds a word to a value, and notes what the caller knows about that. */
export const addWord = (
  { outcomes }: Witness,
  { modify }: Pick<KeyValueStore.KeyValueStore, "modify">,
  key: string,
  word: string
): Effect.Effect<void> =>
  modify(key, (value) => `${value} ${word}`).pipe(
    Effect.match({
      onSuccess: (value) => value === undefined ? "not done" as const : "done" as const,
      onFailure: ({ cause }) =>
        MongoError.isMongoError(cause) && cause.isRetryable ? "not done" as const : "unknown" as const
    }),
    Effect.map((outcome) => void outcomes.set(word, outcome))
  )

export const readValue = (
  { reads }: Witness,
  { get }: Pick<KeyValueStore.KeyValueStore, "get">,
  key: string
): Effect.Effect<void> =>
  get(key).pipe(
    Effect.map((value) => {
      if (value !== undefined) reads.push({ key, length: value.length, sum: sumOf(value) })
    }),
    Effect.catch(() => Effect.void)
  )

/** What is wrong with the values, as the bare driver reads them. */
export const valueProblems = async (
  data: Driver.Db,
  { outcomes, reads }: Witness
): Promise<ReadonlyArray<string>> => {
  const stored = await data.collection<{ _id: string; value: string }>("effect_key_value_store").find().toArray()
  const values = new Map(stored.map(({ _id, value }) => [_id, value]))
  const times = new Map<string, number>()
  for (const word of stored.flatMap(({ value }) => value.split(" ").slice(1))) {
    times.set(word, (times.get(word) ?? 0) + 1)
  }
  const told = (outcome: string) => [...outcomes].filter(([, known]) => known === outcome).map(([word]) => word)
  return [
    ...list("values: confirmed changes that are lost", told("done").filter((word) => !times.has(word))),
    ...list("values: changes made twice", [...times].filter(([, count]) => count > 1).map(([word]) => word)),
    ...list("values: changes made although they failed", told("not done").filter((word) => times.has(word))),
    ...list("values: changes that nobody made", [...times.keys()].filter((word) => !outcomes.has(word))),
    ...list(
      "values that were read and are no beginning of what is there",
      reads.filter(({ key, length, sum }) => sumOf((values.get(key) ?? "").slice(0, length)) !== sum)
        .map(({ key, length }) => `the first ${length} characters of ${key}`)
    )
  ]
}

export const valueStore = (arena: Arena) =>
  Effect.gen(function*() {
    const store = yield* serviceIn(arena, KeyValueStore.KeyValueStore, MongoKeyValueStore.layer)
    for (const key of keys) yield* Effect.orDie(store.set(key, "begin"))
    return store
  })

/** Six fibers of two instances change four values, and one reads them. Calls of one instance for one key take turns anyway. */
export const valuePart = (arena: Arena) =>
  Effect.gen(function*() {
    const first = yield* valueStore(arena)
    const second = yield* serviceIn(arena, KeyValueStore.KeyValueStore, MongoKeyValueStore.layer)
    const witness = newWitness()
    let next = 0
    const confirmed = () => [...witness.outcomes.values()].filter((outcome) => outcome === "done").length
    return {
      fibers: 7,
      step: (fiber) =>
        Effect.gen(function*() {
          const store = fiber % 2 === 0 ? first : second
          const key = keys[yield* Random.nextIntBetween(0, keys.length, { halfOpen: true })]!
          if (fiber === 0) return yield* Effect.andThen(readValue(witness, store, key), Effect.sleep("20 millis"))
          yield* addWord(witness, store, key, `w${next++}`)
        }),
      problems: () => valueProblems(arena.data, witness),
      figures: () => `${confirmed()} changes of values, ${witness.reads.length} read`,
      confirmed
    } satisfies Part
  })
