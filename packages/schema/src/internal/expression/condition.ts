/** Conditions as filters: expressions that a filter tests for whole documents. */
import type * as SchemaAST from "effect/SchemaAST"
import type { Ref } from "../../Expr.ts"
import { ComputedImpl } from "../encode/marked.ts"
import type { ExprImpl } from "./expr.ts"
import { aBoolean } from "./kinds.ts"
import { operandOf } from "./operand.ts"
import { document } from "./reference.ts"
import { type Origin, Writing } from "./writing.ts"

/**
 * A filter that tests a condition on each document. The condition is made once for a schema.
 *
 * @internal
 */
export const conditionOf = (condition: ($: Ref<unknown>) => unknown): ComputedImpl => {
  const known = new WeakMap<SchemaAST.AST, readonly [Origin, ExprImpl]>()
  return new ComputedImpl((documents, operands, at) => {
    let made = known.get(documents)
    if (made === undefined) {
      const [origin, $] = document<unknown>(documents)
      made = [origin, operandOf(aBoolean, condition($), `${at}.$expr`)]
      known.set(documents, made)
    }
    const [origin, test] = made
    return { $expr: test.write(new Writing(operands, `${at}.$expr`).bind(origin, "")) }
  })
}
