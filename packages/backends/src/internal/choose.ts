import type { Document } from "mongodb"

/**
 * A stage that sets fields to those of the first case that holds. Without one it changes nothing.
 *
 * @internal
 */
export const choose = (...cases: ReadonlyArray<readonly [holds: Document, fields: Document]>): Document => ({
  $replaceWith: {
    $mergeObjects: [
      "$$ROOT",
      cases.reduceRight((otherwise: Document, [holds, fields]) => ({ $cond: [holds, fields, otherwise] }), {})
    ]
  }
})
