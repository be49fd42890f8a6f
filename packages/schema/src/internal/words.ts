/** Words of messages. */

const numbers = new Intl.NumberFormat("en")

/**
 * A number with separators between thousands.
 *
 * @internal
 */
export const counted = (number: number): string => numbers.format(number)

/** Characters that nobody sees, or that a terminal obeys. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const escaped = (character: string): string => {
  const code = character.codePointAt(0)!.toString(16)
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`
}

/**
 * The text on one line, with escapes for what a reader does not see.
 *
 * @internal
 */
export const onOneLine = (text: string): string => text.replace(unprintable, escaped)
