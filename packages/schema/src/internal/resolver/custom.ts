/** Resolvers whose work is an effect of the caller's, with schemas for requests and results. */
import type * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as MutableHashMap from "effect/MutableHashMap"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { BatchOptions } from "../../MongoResolver.ts"
import { type Batching, type Chunk, makeBatched, nothingFound } from "./batch.ts"
import { type Decode, decoding } from "./decoding.ts"
import { comparable } from "./key.ts"
import { ResultLengthMismatch } from "./mismatch.ts"
import type { Resolver } from "./request.ts"

type Execute = (requests: Arr.NonEmptyArray<unknown>) => Effect.Effect<ReadonlyArray<unknown>, unknown, unknown>

const encoding = (schema: Schema.Constraint) => Schema.encodeUnknownEffect(schema) as Batching["encode"]

const inputs = (chunk: Chunk): Arr.NonEmptyArray<unknown> =>
  chunk.map(({ encoded }) => encoded) as Array<unknown> as Arr.NonEmptyArray<unknown>

/** Executes a chunk and decodes its rows. */
const executed = (execute: Execute, decode: Decode, chunk: Chunk) =>
  Effect.flatMap(
    Effect.suspend(() => execute(inputs(chunk))),
    (rows) => Effect.map(Effect.forEach(rows, (row) => decode(row)), (results) => ({ rows, results }))
  )

/** @internal */
export interface OrderedOptions extends BatchOptions {
  readonly Request: Schema.Constraint
  readonly Result: Schema.Constraint
  readonly execute: Execute
}

/** @internal */
export const ordered = ({ Request, Result, execute, ...options }: OrderedOptions): Resolver => {
  const decode = decoding(Result)
  return makeBatched({
    encode: encoding(Request),
    equality: "none",
    options,
    run: (chunk) =>
      Effect.flatMap(Effect.suspend(() => execute(inputs(chunk))), (rows) => {
        if (rows.length !== chunk.length) {
          return Effect.fail(new ResultLengthMismatch({ expected: chunk.length, actual: rows.length }))
        }
        return Effect.forEach(
          chunk,
          (slot, i) => Effect.map(Effect.exit(decode(rows[i])), (exit) => slot.complete(exit)),
          { discard: true }
        )
      })
  })
}

/** @internal */
export interface GroupedBy extends BatchOptions {
  readonly Request: Schema.Constraint
  readonly RequestGroupKey: (request: never) => unknown
  readonly Result: Schema.Constraint
  readonly ResultGroupKey: (result: never, row: never) => unknown
  readonly execute: Execute
}

/** @internal */
export const grouped = (
  { Request, RequestGroupKey, Result, ResultGroupKey, execute, ...options }: GroupedBy
): Resolver => {
  const decode = decoding(Result)
  return makeBatched({
    encode: encoding(Request),
    equality: "exact",
    options,
    run: (chunk) =>
      Effect.map(executed(execute, decode, chunk), ({ results, rows }) => {
        const groups = MutableHashMap.empty<unknown, Array<unknown>>()
        results.forEach((result, i) => {
          const key = comparable(ResultGroupKey(result as never, rows[i] as never))
          const group = MutableHashMap.get(groups, key)
          if (Option.isSome(group)) group.value.push(result)
          else MutableHashMap.set(groups, key, [result])
        })
        for (const slot of chunk) {
          const group = MutableHashMap.get(groups, comparable(RequestGroupKey(slot.payload as never)))
          slot.complete(Exit.succeed(Option.isSome(group) ? [...group.value] : []))
        }
      })
  })
}

/** @internal */
export interface FoundById extends BatchOptions {
  readonly Id: Schema.Constraint
  readonly Result: Schema.Constraint
  readonly ResultId: (result: never, row: never) => unknown
  readonly execute: Execute
}

/** @internal */
export const findById = ({ Id, Result, ResultId, execute, ...options }: FoundById): Resolver => {
  const decode = decoding(Result)
  const encode = encoding(Id)
  const missing = nothingFound("findById")
  return makeBatched({
    encode,
    equality: "exact",
    options,
    run: (chunk) =>
      Effect.flatMap(executed(execute, decode, chunk), ({ results, rows }) => {
        const slots = MutableHashMap.fromIterable(chunk.map((slot) => [slot.key, slot] as const))
        return Effect.andThen(
          Effect.forEach(results, (result, i) =>
            Effect.map(
              encode(ResultId(result as never, rows[i] as never)),
              (id) => {
                const slot = MutableHashMap.get(slots, comparable(id))
                if (Option.isSome(slot)) slot.value.complete(Exit.succeed(result))
              }
            ), { discard: true }),
          Effect.sync(() => {
            for (const slot of chunk) slot.complete(missing)
          })
        )
      })
  })
}

/** @internal */
export interface Effects extends BatchOptions {
  readonly Request: Schema.Constraint
  readonly execute: (requests: Arr.NonEmptyArray<unknown>) => Effect.Effect<unknown, unknown, unknown>
}

/** @internal */
export const effects = ({ Request, execute, ...options }: Effects): Resolver =>
  makeBatched({
    encode: encoding(Request),
    equality: "none",
    options,
    run: (chunk) =>
      Effect.map(Effect.suspend(() => execute(inputs(chunk))), () => {
        for (const slot of chunk) slot.complete(Exit.void)
      })
  })
