/**
 * How mongofx refuses input: the checks throw `InvalidInput`, and the operation fails with an `InvalidArgumentError`.
 */

/**
 * Input that mongofx refuses before anything is sent. `path` says where it is; `message` is the whole sentence.
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
