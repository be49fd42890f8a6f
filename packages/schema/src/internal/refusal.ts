/** The errors that the pure encoders throw on purpose. Their callers turn them into failures. */
import type * as SchemaIssue from "effect/SchemaIssue"

/**
 * Says what is wrong with a filter, an update or a projection.
 *
 * @internal
 */
export class Refusal {
  readonly path: string
  readonly message: string
  constructor(path: string, what: string) {
    this.path = path
    this.message = `${path} ${what}`
  }
}

/**
 * A value that the codec of its field refuses.
 *
 * @internal
 */
export class Misfit {
  readonly path: string
  readonly issue: SchemaIssue.Issue
  constructor(path: string, issue: SchemaIssue.Issue) {
    this.path = path
    this.issue = issue
  }
}

/** @internal */
export const refuse = (path: string, what: string): never => {
  throw new Refusal(path, what)
}
