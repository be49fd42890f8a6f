/** Runs pipelines: their stages are encoded, and the schema that follows from them decodes the results. */
import { type Integration, type MongoDatabase, MongoError } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Driver from "mongodb"
import type { Pipeline } from "../../Pipeline.ts"
import type { AggregateQuery } from "../../TypedQuery.ts"
import { encoded, type Origin } from "../collection/failures.ts"
import { codecOf } from "../compiler/codec.ts"
import { Operands } from "../encode/operands.ts"
import type { Aggregation } from "../query/decodedReading.ts"
import { makeAggregate } from "../query/query.ts"
import { implOf, make, type PipelineImpl, refusedOn, writeStages } from "./pipeline.ts"

const prepared = (pipeline: PipelineImpl, origin: Origin) =>
  Effect.suspend(() => {
    const codec = codecOf(pipeline.ast)
    return Effect.map(encoded(origin, (operands) => writeStages(pipeline, operands)), (stages) => ({ codec, stages }))
  })

/** The stages for printing. What an effect has to encode is null. */
const shown = (make: () => PipelineImpl): ReadonlyArray<Driver.Document> => {
  try {
    return writeStages(make(), new Operands())
  } catch {
    return []
  }
}

/**
 * A pipeline that a function makes of the documents of a schema. It is made when the query runs for the first time, so that what it
 * refuses is a failure of the query.
 *
 * @internal
 */
export const typed = (schema: Schema.Constraint, f: (documents: never) => Pipeline<unknown, unknown>): Aggregation => {
  let made: PipelineImpl | undefined
  const pipeline = () => made ??= implOf(f(make(schema.ast) as never))
  const prepare = (origin: Origin) =>
    Effect.suspend(() => {
      try {
        return prepared(pipeline(), origin)
      } catch (thrown) {
        const error = refusedOn(origin.collection, thrown)
        return MongoError.isMongoError(error) ? Effect.fail(error) : Effect.die(error)
      }
    })
  return {
    get shown() {
      return shown(pipeline)
    },
    prepare
  }
}

/**
 * A pipeline that reads documents of its own, in a database.
 *
 * @internal
 */
export const ofDatabase = (
  database: MongoDatabase.MongoDatabase,
  pipeline: Pipeline<unknown, unknown>,
  options: Integration.Settings | undefined
): AggregateQuery<unknown, unknown> => {
  const impl = implOf(pipeline)
  return makeAggregate(
    database,
    { operation: "aggregate", collection: database.name },
    {
      get shown() {
        return shown(() => impl)
      },
      prepare: (origin) => prepared(impl, origin)
    },
    options
  )
}
