/** The failures of plans of indexes. `MongoIndex` publishes them. */
import * as Schema from "effect/Schema"
import type { Duplicates, Plan } from "../../MongoIndex.ts"
import { duplicates } from "./text.ts"

/** @internal */
export class DuplicateKeys extends Schema.TaggedError<DuplicateKeys>("@mongofx/schema/DuplicateKeys")("DuplicateKeys", {
  /** The collection with its database. */
  collection: Schema.String,
  /** The unique indexes that cannot be built, each with some of the keys. */
  indexes: Schema.declare((u: unknown): u is ReadonlyArray<Duplicates> => Array.isArray(u))
}) {
  /** Whether the failure may pass by itself, as in every `MongoError`. It is `false`: the documents stay as they are. */
  get isTransient(): boolean {
    return false
  }

  /** Whether a second run may succeed, as in every `MongoError`. It is `false`. */
  get isRetryable(): boolean {
    return false
  }

  /** The indexes and the `_id`s of documents, on one line. */
  override get message(): string {
    return duplicates(this.collection, this.indexes)
  }
}

/** @internal */
export class PlanChanged extends Schema.TaggedError<PlanChanged>("@mongofx/schema/PlanChanged")("PlanChanged", {
  /** The collection with its database. */
  collection: Schema.String,
  /** The plan as it would be now. */
  now: Schema.declare((u: unknown): u is Plan => typeof u === "object" && u !== null)
}) {
  /** Whether the failure may pass by itself, as in every `MongoError`. It is `false`. */
  get isTransient(): boolean {
    return false
  }

  /** Whether a second run may succeed, as in every `MongoError`. It is `false`: the plan stays as it is. */
  get isRetryable(): boolean {
    return false
  }

  /** What to do, on one line. */
  override get message(): string {
    return `apply on ${this.collection}: the collection needs other steps than those of the plan: look at a new plan`
  }
}
