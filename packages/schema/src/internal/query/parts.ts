/** Streams the elements of batches, all at once or in parts. */
import * as Arr from "effect/Array"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

/**
 * Streams the elements of batches. Batches may be empty.
 *
 * @internal
 */
export const flatten = <A, E, R>(batches: Stream.Stream<ReadonlyArray<A>, E, R>): Stream.Stream<A, E, R> =>
  Stream.flattenArray(Stream.filter(batches, Arr.isReadonlyArrayNonEmpty))

/** The number of documents to decode at once. The garbage of few is cheap to collect; a batch may hold tens of thousands. */
const partSize = 512

/**
 * Applies a function to each batch, a part at a time, and streams the results.
 *
 * @internal
 */
export const inParts = <A, B, E, R, E2, R2>(
  self: Stream.Stream<A, E, R>,
  f: (values: ReadonlyArray<A>) => Effect.Effect<ReadonlyArray<B>, E2, R2>
): Stream.Stream<B, E | E2, R | R2> =>
  Stream.transformPull(self, (pull) =>
    Effect.sync(() => {
      let batch: ReadonlyArray<A> = []
      let from = 0
      const part: Effect.Effect<Arr.NonEmptyReadonlyArray<B>, E | E2 | Cause.Done, R2> = Effect.suspend(() => {
        const values = batch.slice(from, from + partSize)
        from += partSize
        return Effect.flatMap(f(values), (out) => Arr.isReadonlyArrayNonEmpty(out) ? Effect.succeed(out) : next)
      })
      const more = Effect.flatMap(pull, (values) => {
        batch = values
        from = 0
        return part
      })
      const next = Effect.suspend(() => from < batch.length ? part : more)
      return next
    }))
