/** Runs pipelines: their stages are encoded, and the schema that follows from them decodes the results. */
import { MongoError } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { Pipeline } from "../../Pipeline.ts"
import { encoded, type Origin } from "../collection/failures.ts"
import { codecOf } from "../compiler/codec.ts"
import type { Aggregation } from "../query/decodedReading.ts"
import { implOf, make, type PipelineImpl, writeStages } from "./pipeline.ts"

/**
 * A pipeline that a function makes of the documents of a schema. It is made when the query runs for the first time, so that what it
 * refuses is a failure of the query.
 *
 * @internal
 */
export const typed = (
  schema: Schema.Constraint,
  f: (documents: never) => Pipeline<unknown, unknown>
): Aggregation => {
  let made: PipelineImpl | undefined
  const prepare = (origin: Origin) =>
    Effect.suspend(() => {
      try {
        made ??= implOf(f(make(schema.ast) as never))
      } catch (error) {
        return MongoError.isMongoError(error) ? Effect.fail(error) : Effect.die(error)
      }
      const pipeline = made
      const codec = codecOf(pipeline.ast)
      return Effect.map(encoded(origin, (operands) => writeStages(pipeline, operands)), (stages) => ({ codec, stages }))
    })
  return { shown: [], prepare }
}
