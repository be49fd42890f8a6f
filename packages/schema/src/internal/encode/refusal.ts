/** What the pure encoders throw on purpose. Where they are called, it becomes a failure. */
import type * as SchemaIssue from "effect/SchemaIssue"

/**
 * What is wrong with a filter, an update, a projection.
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
 * A value that the codec of its place does not take.
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
