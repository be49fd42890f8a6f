/** How laws compare documents. */
import * as Schema from "effect/Schema"
import { withoutUndefined } from "../arbitrary/stored.ts"

/**
 * Whether two values of a schema are the same. A key without a value is like no key, as it is in BSON.
 *
 * @internal
 */
export const sameBy = (schema: Schema.Constraint): (a: unknown, b: unknown) => boolean => {
  const isSame = Schema.toEquivalence(schema as unknown as Schema.Schema<unknown>)
  return (a, b) => isSame(withoutUndefined(a), withoutUndefined(b))
}
