/**
 * The error of documents and operands that do not fit their schema.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * A place that does not fit, and what is expected there.
 *
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Problem {
  /** Where it is: in a document `address.city`, in what is sent `filter.age.$gt`. */
  readonly path: string
  /** What is expected there. The value is not in it, unless a message of the schema itself puts it there. */
  readonly message: string
}

/**
 * A document of the database that does not decode, or something on its way to the database that does not encode.
 *
 * **Details**
 *
 * It says where: the collection, the operation, the `_id` of the document if there is one, and the path. The value that does
 * not fit is not in it, so that it may be logged; `_id` is, under its own name.
 *
 * **Example** (Going on with what there is)
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
  /** What was tried: `decode` of a stored document, `encode` of something to be sent. */
  kind: Schema.Literals(["decode", "encode"]),
  /** The name of the operation: `find`, `insertOne`, ... */
  operation: Schema.String,
  /** The collection with its database: `app.users`. */
  collection: Schema.String,
  /** The `_id` of the document as it is stored; absent where there is none. */
  id: Schema.optionalKey(Schema.Unknown),
  /** The first of the places that do not fit. */
  path: Schema.String,
  /** All the places that were found. By default the first one ends the search. */
  problems: Schema.Array(Schema.Struct({ path: Schema.String, message: Schema.String })),
  /** The schema's own report. */
  cause: Schema.Defect()
}) {
  /** Whether the failure may pass by itself, as every `MongoError` says it. It does not: document and schema stay what they are. */
  get isTransient(): boolean {
    return false
  }

  /** Whether running the effect again may succeed and cannot apply it twice, as every `MongoError` says it: never. */
  get isRetryable(): boolean {
    return false
  }

  /** Where it is and what is expected there, on one line. */
  override get message(): string {
    const where = `${this.operation} on ${this.collection}`
    const which = this.kind === "encode" || !("id" in this) ? "" : `, document ${String(this.id)}`
    const what = this.problems.map(({ message, path }) => path === "" ? message : `${path}: ${message}`).join("; ")
    return `${where}${which}: ${what}`
  }
}
