/**
 * Colours, where somebody sees them, and text from outside, made safe for a terminal.
 */

/**
 * Styles of text. All give the text itself where there are no colours.
 *
 * @internal
 */
export interface Paint {
  readonly good: (text: string) => string
  readonly warning: (text: string) => string
  readonly bad: (text: string) => string
  readonly strong: (text: string) => string
  readonly muted: (text: string) => string
}

const style = (code: number, end: number) => (text: string) => text === "" ? "" : `\x1b[${code}m${text}\x1b[${end}m`

const colours: Paint = {
  good: style(32, 39),
  warning: style(33, 39),
  bad: style(31, 39),
  strong: style(1, 22),
  muted: style(2, 22)
}

const same = (text: string) => text

const plain: Paint = { good: same, warning: same, bad: same, strong: same, muted: same }

/** @internal */
export const paintOf = (canColor: boolean): Paint => canColor ? colours : plain

/** Characters that move a cursor, change a style or turn the direction of text. */
const control = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/**
 * A text from a database in one line. Names may have any character, and a terminal obeys some of them.
 *
 * @internal
 */
export const printable = (text: string): string =>
  text.replace(control, (character) => `\\u${character.codePointAt(0)!.toString(16).padStart(4, "0")}`)

/**
 * A text of several lines, safe for a terminal.
 *
 * @internal
 */
export const printableLines = (text: string): string =>
  text.split("\n").map((line) => printable(line.replaceAll("\t", "  "))).join("\n")
