/** A batch of requests: encodes them, gives duplicates one slot, cuts the slots into chunks, and runs one after the other. */
import { Integration } from "@mongofx/core"
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as MutableHashMap from "effect/MutableHashMap"
import * as Option from "effect/Option"
import * as RequestResolver from "effect/RequestResolver"
import * as Driver from "mongodb"
import type { BatchOptions } from "../../MongoResolver.ts"
import { comparable, looseKeyOf } from "./key.ts"
import { answer, type Entry, type Resolver, whileWanted } from "./request.ts"

/**
 * The requests for the same thing.
 *
 * @internal
 */
export class Slot {
  readonly payload: unknown
  /** The payload as it is stored. */
  readonly encoded: unknown
  /** What the server compares, or Effect where it is nothing to store. */
  readonly key: unknown
  private readonly entries: Array<Entry>
  isDone = false

  constructor(entry: Entry, encoded: unknown, key: unknown) {
    this.payload = entry.request.payload
    this.encoded = encoded
    this.key = key
    this.entries = [entry]
  }

  add(entry: Entry): void {
    this.entries.push(entry)
  }

  complete(exit: Exit.Exit<unknown, unknown>): void {
    if (this.isDone) return
    this.isDone = true
    for (const entry of this.entries) answer(entry, exit)
  }
}

/** @internal */
export type Chunk = Arr.NonEmptyReadonlyArray<Slot>

/** @internal */
export interface Batching {
  readonly encode: (payload: unknown) => Effect.Effect<unknown, unknown, unknown>
  /**
   * How requests are told apart: `none` if each is a slot of its own, `exact` if those that the server finds equal share one. With
   * `loose`, no chunk has two slots that a collation might find equal.
   */
  readonly equality: "none" | "exact" | "loose"
  /** Completes each slot of a chunk. Slots that are left fail with the effect's failure. */
  readonly run: (chunk: Chunk) => Effect.Effect<void, unknown, unknown>
  readonly options: BatchOptions | undefined
}

const defaultSize = 1000

/** A command is a document of at most 16 MB. This leaves room for the rest of the command. */
const defaultBytes = 8 * 1024 * 1024

/** What an element of an array takes besides its value. */
const elementBytes = 8

const sizeOf = (value: unknown): number => {
  if (typeof value === "number" || typeof value === "bigint") return elementBytes + 8
  if (typeof value === "string" && value.length < 1024) return elementBytes + 5 + 3 * value.length
  if (value instanceof Driver.ObjectId) return elementBytes + 12
  try {
    return elementBytes + Driver.BSON.calculateObjectSize({ value })
  } catch {
    // The operation says what is wrong.
    return elementBytes
  }
}

const positive = (value: number | undefined, usual: number): number =>
  value === undefined ? usual : Number.isNaN(value) ? 1 : Math.max(1, Math.floor(value))

/** Cuts slots into chunks by number, by bytes, and so that the keys in a chunk differ. */
const cut = (
  slots: ReadonlyArray<Slot>,
  options: BatchOptions | undefined,
  keyInChunk: ((slot: Slot) => string) | undefined
): ReadonlyArray<Chunk> => {
  const maxSize = positive(options?.maxBatchSize, defaultSize)
  const maxBytes = positive(options?.maxBatchBytes, defaultBytes)
  const chunks: Array<Arr.NonEmptyArray<Slot>> = []
  for (let rest = slots; rest.length > 0;) {
    const later: Array<Slot> = []
    const keys = new Set<string>()
    let chunk: Arr.NonEmptyArray<Slot> | undefined
    let bytes = 0
    for (const slot of rest) {
      const size = sizeOf(slot.encoded)
      if (chunk === undefined || chunk.length >= maxSize || bytes + size > maxBytes) {
        chunks.push(chunk = [slot])
        bytes = size
        keys.clear()
      } else if (keyInChunk !== undefined && keys.has(keyInChunk(slot))) {
        later.push(slot)
        continue
      } else {
        chunk.push(slot)
        bytes += size
      }
      if (keyInChunk !== undefined) keys.add(keyInChunk(slot))
    }
    rest = later
  }
  return chunks
}

const slotsOf = (
  entries: ReadonlyArray<Entry>,
  { encode, equality }: Batching
): Effect.Effect<ReadonlyArray<Slot>> => {
  const slots: Array<Slot> = []
  const byKey = MutableHashMap.empty<unknown, Slot>()
  const put = (entry: Entry, encoded: unknown): void => {
    const key = equality === "none" ? undefined : comparable(encoded)
    const known = key === undefined ? Option.none() : MutableHashMap.get(byKey, key)
    if (Option.isSome(known)) return known.value.add(entry)
    const slot = new Slot(entry, encoded, key)
    slots.push(slot)
    if (key !== undefined) MutableHashMap.set(byKey, key, slot)
  }
  const from = (start: number): Effect.Effect<ReadonlyArray<Slot>> => {
    for (let i = start; i < entries.length; i++) {
      const entry = entries[i]!
      const encoded = encode(entry.request.payload)
      const settle = (exit: Exit.Exit<unknown, unknown>) => {
        if (Exit.isSuccess(exit)) put(entry, exit.value)
        else answer(entry, exit)
      }
      if (Exit.isExit(encoded)) settle(encoded)
      else {
        return Effect.flatMap(Effect.exit(Effect.provideContext(encoded, entry.context)), (exit) => {
          settle(exit)
          return from(i + 1)
        })
      }
    }
    return Effect.succeed(slots)
  }
  return Effect.suspend(() => from(0))
}

/** Runs the chunks. One that fails does not keep the next from running: their requests have nothing to do with each other. */
const runAll = (entries: Arr.NonEmptyReadonlyArray<Entry>, batching: Batching): Effect.Effect<void> =>
  Effect.flatMap(slotsOf(entries, batching), (slots) => {
    const loose = batching.equality === "loose" ? ({ encoded }: Slot) => looseKeyOf(encoded) : undefined
    return Effect.forEach(
      cut(slots, batching.options, loose),
      (chunk) =>
        Effect.matchCauseEffect(Effect.provideContext(batching.run(chunk), entries[0].context), {
          onSuccess: () => Effect.void,
          onFailure: (cause) =>
            Effect.sync(() => {
              const exit = Exit.failCause(cause)
              for (const slot of chunk) slot.complete(exit)
            })
        }),
      { discard: true }
    )
  })

/**
 * Makes a resolver that does the work of each batch by few commands.
 *
 * @internal
 */
export const makeBatched = (batching: Batching): Resolver =>
  RequestResolver.makeGrouped({
    key: (entry: Entry) => Integration.batchKey(entry.context),
    resolver: (entries) => whileWanted(entries, runAll(entries, batching))
  })

/** @internal */
export const nothingFound = (what: string): Exit.Exit<never, Cause.NoSuchElementError> =>
  Exit.fail(new Cause.NoSuchElementError(`${what}: found no document`))
