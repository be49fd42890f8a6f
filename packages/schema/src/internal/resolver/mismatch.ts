/** The error of a resolver whose effect gives another number of results than it got requests. */
import * as Schema from "effect/Schema"

/** @internal */
export class ResultLengthMismatch
  extends Schema.TaggedError<ResultLengthMismatch>("@mongofx/schema/MongoResolver/ResultLengthMismatch")(
    "ResultLengthMismatch",
    {
      /** The number of requests. */
      expected: Schema.Number,
      /** The number of results. */
      actual: Schema.Number
    }
  )
{
  /** The numbers, in a sentence. */
  override get message(): string {
    return `execute gave ${this.actual} results for ${this.expected} requests: give one for each, in their order`
  }
}
