/** Makes patterns of text that a person typed. They mean the same to the server and to JavaScript. */

/**
 * Matches the end of the text. On the server `$` also matches before a line break at the end.
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
