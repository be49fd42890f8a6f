/**
 * The error of documents and operands that do not fit their schema.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { shownId } from "./internal/shownId.ts"

/**
 * A place that does not fit its schema, and the value that the schema expects there.
 *
 * @see {@link DocumentError} for the error that holds it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Problem {
  /** The path of the place: `address.city` in a document, `filter.age.$gt` in an argument. */
  readonly path: string
  /** What the schema expects. It leaves out the value, unless a message of the schema itself contains it. */
  readonly message: string
}

/**
 * A stored document that does not decode, or an argument that does not encode.
 *
 * **Details**
 *
 * It names the collection, the operation, the `_id` of the document if it has one, and the path. It leaves out the value that
 * does not fit, so that it may be logged. It contains the `_id`.
 *
 * **Example** (Going on without documents)
 *
 * ```ts
 * import { DocumentError } from "@mongofx/schema"
 * import { Effect } from "effect"
 *
 * const orNothing = <A, R>(self: Effect.Effect<Array<A>, DocumentError.DocumentError, R>) =>
 *   self.pipe(
 *     Effect.catchTag("DocumentError", (error) => Effect.as(Effect.logWarning(error.message), []))
 *   )
 * ```
 *
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class DocumentError extends Schema.TaggedError<DocumentError>("@mongofx/schema/DocumentError")("DocumentError", {
  /** The direction: `decode` for a stored document, `encode` for an argument. */
  kind: Schema.Literals(["decode", "encode"]),
  /** The name of the operation: `find`, `insertOne`, ... */
  operation: Schema.String,
  /** The collection with its database: `app.users`. */
  collection: Schema.String,
  /** The `_id` of the document as it is stored. It is absent if the document has no `_id`. */
  id: Schema.optionalKey(Schema.Unknown),
  /** The first of the places that do not fit. */
  path: Schema.String,
  /** All the places that the schema found. By default it stops at the first one. */
  problems: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String })),
  /** The schema's own report. */
  cause: Schema.Defect()
}) {
  /** Whether the failure may pass by itself, as in every `MongoError`. It is `false`: document and schema stay as they are. */
  get isTransient(): boolean {
    return false
  }

  /** Whether a second run may succeed and cannot apply the operation twice, as in every `MongoError`. It is `false`. */
  get isRetryable(): boolean {
    return false
  }

  /** The place and what the schema expects there, on one line. */
  override get message(): string {
    const where = `${this.operation} on ${this.collection}`
    const which = this.kind === "encode" || !("id" in this) ? "" : `, document ${shownId(this.id)}`
    const what = this.problems.map(({ message, path }) => path === "" ? message : `${path}: ${message}`).join("; ")
    return `${where}${which}: ${what}`
  }
}
