import * as Schema from "effect/Schema"

/**
 * Says that a lease could not be taken in time, or was lost. `Integration` publishes it.
 *
 * @internal
 */
export class LeaseError extends Schema.TaggedError<LeaseError>("@mongofx/core/LeaseError")("LeaseError", {
  /** `held` if another owner has kept the lease for too long, `lost` if the lease ran out or somebody else has taken it. */
  kind: Schema.Literals(["held", "lost"]),
  /** The name of the lease. */
  lease: Schema.String,
  /** Who holds it, if that is known. */
  holder: Schema.optionalKey(Schema.String),
  /** What has happened, and what to do. */
  message: Schema.String
}) {}
