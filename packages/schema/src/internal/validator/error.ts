/** The failure of plans that cannot be made or carried out. */
import * as Schema from "effect/Schema"

/** `MongoValidator` exports it, with its documentation. */
export class ValidatorError
  extends Schema.TaggedError<ValidatorError>("@mongofx/schema/ValidatorError")("ValidatorError", {
    /** What is in the way. */
    kind: Schema.Literals(["documents", "unsupported", "transaction"]),
    /** The collection with its database: `app.users`. */
    collection: Schema.String,
    /** How many documents are not valid. */
    failing: Schema.optionalKey(Schema.Number),
    /** What is wrong, where, and what to do. */
    message: Schema.String
  })
{}
