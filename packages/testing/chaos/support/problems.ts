/**
 * A problem as text: how many there are, and the first one.
 */
export const list = (what: string, of: ReadonlyArray<unknown>): ReadonlyArray<string> =>
  of.length === 0 ? [] : [`${what}: ${of.length}, such as ${String(of[0])}`]
