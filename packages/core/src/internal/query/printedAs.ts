import { format } from "effect/Formatter"
import * as Inspectable from "effect/Inspectable"

/**
 * Makes an outline of a value what is printed of it: no values of documents, and not what it is made of.
 *
 * @internal
 */
export const printedAs = <A extends object>(value: A, outline: object): A & Inspectable.Inspectable =>
  Object.assign(value, {
    toJSON: () => outline,
    toString: () => format(outline, { ignoreToString: true, space: 2 }),
    [Inspectable.NodeInspectSymbol]: () => outline
  })
