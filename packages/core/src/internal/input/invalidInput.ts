/**
 * How mongofx refuses input: thrown by the checks, and the `InvalidArgumentError` of the operation that was given it.
 */

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
