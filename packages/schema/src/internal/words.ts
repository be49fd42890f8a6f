/** Words of messages. */

const numbers = new Intl.NumberFormat("en")

/**
 * A number with separators between thousands.
 *
 * @internal
 */
export const counted = (number: number): string => numbers.format(number)
