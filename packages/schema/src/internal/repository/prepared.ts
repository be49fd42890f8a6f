/** Makes a document to insert, and what a read of it gives. */
import { Integration } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type { Origin } from "../collection/failures.ts"
import { insertion } from "../collection/insert.ts"
import type { Shape } from "../collection/shape.ts"
import { readBack } from "../query/decodeBatch.ts"
import type { Operations } from "./operations.ts"

/**
 * A document to insert, and what a read of it gives.
 *
 * @internal
 */
export const prepared = (
  shape: Shape,
  { shardKeyRules, untyped }: Pick<Operations, "shardKeyRules" | "untyped">,
  origin: Origin,
  value: unknown,
  path: string
) =>
  Effect.flatMapEager(insertion(shape, origin, value, path, shardKeyRules), ({ document }) => {
    const read = readBack(origin, shape.codec, untyped, document)
    // The insert refuses what BSON cannot store, and says why.
    if (read === undefined) return Effect.succeed({ document, read: undefined })
    return Effect.matchEffect(read, {
      onFailure: (error) =>
        Integration.isStorable(document) ? Effect.fail(error) : Effect.succeed({ document, read: undefined }),
      onSuccess: (read) => Effect.succeed({ document, read })
    })
  })
