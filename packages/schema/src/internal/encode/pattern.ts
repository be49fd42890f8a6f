/** Patterns of text that a person typed. They mean the same to the server and to JavaScript. */

/**
 * The end of the text. `$` also matches before a line break at the end, on the server.
 *
 * @internal
 */
export const end = "(?![\\s\\S])"

const escape = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&").replaceAll("\0", "\\x00")

/** @internal */
export const pattern = (
  before: string,
  text: string,
  after: string,
  options: { readonly ignoreCase?: boolean | undefined } = {}
): RegExp => new RegExp(`${before}${escape(text)}${after}`, options.ignoreCase === true ? "i" : "")
