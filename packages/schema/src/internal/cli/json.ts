/**
 * Values of BSON for a pipeline, as relaxed Extended JSON.
 */
import type * as Schema from "effect/Schema"
import { BSON } from "mongodb"

/**
 * Plain data that may hold values of BSON, as JSON: an `ObjectId` is `{ "$oid": "..." }`. What is `undefined` is left out.
 *
 * @internal
 */
export const extended = (value: unknown): Schema.Json =>
  JSON.parse(BSON.EJSON.stringify({ value }, { relaxed: true })).value as Schema.Json

/**
 * Plain data without values of BSON, as JSON: dates are texts.
 *
 * @internal
 */
export const plain = (value: unknown): Schema.Json => JSON.parse(JSON.stringify(value)) as Schema.Json
