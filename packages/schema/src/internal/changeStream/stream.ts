/** Change streams with decoded events. */
import type { ChangeStream as Core, MongoCollection, MongoError } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type { DecodePolicy, Failure } from "../../TypedQuery.ts"
import type { Origin } from "../collection/failures.ts"
import type { Shape } from "../collection/shape.ts"
import type { Decoder } from "../compiler/codec.ts"
import { bytesOf, decodeBatch } from "../query/decodeBatch.ts"
import { flatten } from "../query/parts.ts"
import { eventDecoder } from "./events.ts"

type Batch = Core.ChangeBatch<Driver.Document, unknown>

/**
 * Decodes the batches of a change stream. When an event does not decode, the events before it come first, and the next call
 * fails: a durable consumer must neither lose them nor see them again and again.
 */
const decodedNext = (
  origin: Origin,
  decoder: Decoder<unknown>,
  policy: DecodePolicy,
  next: Effect.Effect<Batch, MongoError.MongoError>
): Effect.Effect<Batch, Failure> => {
  let failure: Failure | undefined
  const decode = (events: ReadonlyArray<unknown>) => decodeBatch<unknown, never>(origin, decoder, policy, events)
  const oneByOne = (batch: Batch): Effect.Effect<Batch, Failure> =>
    Effect.gen(function*() {
      const events: Array<unknown> = []
      for (const [i, event] of batch.events.entries()) {
        const decoded = yield* Effect.result(decode([event]))
        if (Result.isSuccess(decoded)) {
          events.push(...decoded.success)
          continue
        }
        failure = decoded.failure
        if (i === 0) return yield* Effect.fail(failure)
        return { events, tokens: tokensOf(events, batch), resumeToken: Option.some(batch.tokens[i - 1]) }
      }
      return { ...batch, events, tokens: tokensOf(events, batch) }
    })
  const tokensOf = (events: ReadonlyArray<unknown>, { tokens }: Batch): Batch["tokens"] =>
    // `skip` leaves out events, but each event holds its token. Otherwise tokens and events match by position.
    policy === "skip" ? events.map((event) => (event as Driver.Document)["_id"]) : tokens.slice(0, events.length)
  return Effect.suspend(() =>
    failure !== undefined ?
      Effect.fail(failure) :
      Effect.flatMap(next, (batch) =>
        Effect.matchEffect(decode(batch.events), {
          onSuccess: (events) => Effect.succeed({ ...batch, events, tokens: tokensOf(events, batch) }),
          onFailure: () => oneByOne(batch)
        }))
  )
}

/** A change stream of decoded events, as `TypedChangeStream` types it for its caller. */
interface Decoded extends Stream.Stream<unknown, Failure> {
  readonly open: Effect.Effect<unknown, MongoError.MongoError, Scope.Scope>
  readonly part: (index: number, of: number) => Decoded
  readonly tokenForParts: (token: Driver.ResumeToken) => Effect.Effect<Driver.ResumeToken, MongoError.MongoError>
}

const decoded = (
  origin: Origin,
  core: Core.ChangeStream<Driver.Document, unknown>,
  decoder: Decoder<unknown>,
  policy: DecodePolicy
): Decoded => {
  const decode = (stream: Stream.Stream<unknown, MongoError.MongoError>): Stream.Stream<unknown, Failure> =>
    flatten(Stream.mapEffect(
      Stream.chunks(stream),
      (events) => decodeBatch<unknown, never>(origin, decoder, policy, events)
    ))
  // It prints as the change stream of core does.
  const { [Inspectable.NodeInspectSymbol]: inspect, toJSON, toString } = core as unknown as Inspectable.Inspectable
  return Object.assign(decode(core), {
    [Inspectable.NodeInspectSymbol]: inspect,
    toJSON,
    toString,
    open: Effect.map(core.open, (opened) => ({
      ...opened,
      stream: decode(opened.stream),
      next: decodedNext(origin, decoder, policy, opened.next)
    })),
    part: (index: number, of: number) => decoded(origin, core.part(index, of), decoder, policy),
    tokenForParts: core.tokenForParts
  })
}

/**
 * Makes the change stream of a collection, with decoded events.
 *
 * @internal
 */
export const makeChangeStream = (
  collection: MongoCollection.MongoCollection,
  shape: Shape,
  origin: Origin,
  stages: Array<Driver.Document>,
  options: Core.WatchOptions | undefined
) => {
  const bytes = bytesOf(shape.codec, collection, options)
  const decoder = eventDecoder(shape.codec, shape.id, bytes)
  // An option of core alone. The types let it in from a variable.
  const { rawDocuments: _, ...given } = (options ?? {}) as Core.WatchOptions & { rawDocuments?: unknown }
  const core: Core.ChangeStream<Driver.Document, unknown> = bytes === undefined
    ? collection.watch(stages, given)
    : collection.watch(stages, { ...given, rawDocuments: true })
  const of = (policy: DecodePolicy) => decoded(origin, core, decoder, policy)
  return Object.assign(of("fail"), { onInvalid: of })
}
