import * as Reasons from "../MongoError.ts"

/**
 * Input that mongofx refuses before anything is sent. `path` says where it is, `message` the whole sentence.
 *
 * @internal
 */
export class InvalidInput extends Error {
  override readonly name = "InvalidInput"
  readonly path: string | undefined
  constructor(path: string | undefined, message: string) {
    super(message)
    this.path = path
  }
}

/** @internal */
export interface ClassifyContext {
  readonly operation: string
  readonly namespace?: string | undefined
}

/** @internal */
export const classify = (cause: unknown, context: ClassifyContext): Reasons.MongoErrorReason => {
  const message = cause instanceof Error ? cause.message : String(cause)
  const props = { ...context, message: `${context.operation} on ${context.namespace}: ${message}`, cause }
  return cause instanceof InvalidInput
    ? new Reasons.InvalidArgumentError({ ...props, path: cause.path })
    : new Reasons.UnknownError(props)
}
