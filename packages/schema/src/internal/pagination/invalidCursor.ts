/** The error of cursors that do not fit. */
import * as Schema from "effect/Schema"

const explanations = {
  malformed: "the cursor is damaged, or is not one: start without a cursor",
  forged: "the cursor is not signed by this key: start without a cursor",
  foreign: "the cursor belongs to another query: use it with the same collection, filter, order and collation"
}

/**
 * A cursor that does not fit the query: `malformed` if it is not a cursor or is damaged, `forged` if it is not signed by the key,
 * `foreign` if it comes from another collection, filter, order or collation.
 *
 * **Details**
 *
 * The page fails before anything is sent. The error leaves out the cursor, since its values are those of a document.
 *
 * **Example** (Starting again)
 *
 * ```ts
 * import { Pagination } from "@mongofx/schema"
 * import { Effect } from "effect"
 *
 * const orFirst = <A, E, R>(page: (after?: string) => Effect.Effect<A, E | Pagination.InvalidCursorError, R>, after?: string) =>
 *   Effect.catchIf(page(after), (error) => error instanceof Pagination.InvalidCursorError, () => page())
 * ```
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class InvalidCursorError extends Schema.TaggedError<InvalidCursorError>("@mongofx/schema/InvalidCursorError")(
  "InvalidCursorError",
  {
    /** What is wrong with the cursor. */
    kind: Schema.Literals(["malformed", "forged", "foreign"]),
    /** The collection with its database: `app.users`. */
    collection: Schema.String
  }
) {
  /** Whether the failure may pass by itself, as in every `MongoError`. It is `false`: the cursor stays as it is. */
  get isTransient(): boolean {
    return false
  }

  /** Whether a second run may succeed and cannot apply the operation twice, as in every `MongoError`. It is `false`. */
  get isRetryable(): boolean {
    return false
  }

  /** What is wrong, on one line. */
  override get message(): string {
    return `page on ${this.collection}: ${explanations[this.kind]}`
  }
}
