/**
 * A copy without the keys that are `undefined`: the driver sends some of them as null.
 *
 * @internal
 */
export const defined = <A extends object>(options: A | undefined): A | undefined => {
  if (options === undefined) return undefined
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(options)) if (value !== undefined) copy[key] = value
  return copy as A
}
