/**
 * The keys that begin with a text, as a range. The server compares texts by their code points.
 */

/** Code points from U+D800 to U+DFFF are none of text. */
const after = (point: number): number => point === 0xd7ff ? 0xe000 : point + 1

/**
 * A filter for all texts that begin with a prefix. A range of an index answers it.
 *
 * @internal
 */
export const beginsWith = (prefix: string): { readonly $gte: string; readonly $lt?: string } => {
  const points = Array.from(prefix, (character) => character.codePointAt(0)!)
  // Nothing follows the last code point, so the one before it decides.
  while (points.at(-1) === 0x10ffff) points.pop()
  const last = points.pop()
  return last === undefined
    ? { $gte: prefix }
    : { $gte: prefix, $lt: String.fromCodePoint(...points, after(last)) }
}
