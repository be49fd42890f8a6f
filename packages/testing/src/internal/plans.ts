/** What is wrong with the plan of a query. */
import type { QueryPlan } from "@mongofx/core"
import type { UsesIndexOptions } from "../MongoTest.ts"

const all = (stage: QueryPlan.Stage): ReadonlyArray<QueryPlan.Stage> => [stage, ...stage.inputs.flatMap(all)]

/**
 * What a test refuses in a plan, one line each.
 *
 * @internal
 */
export const problemsOf = (
  plan: QueryPlan.QueryPlan,
  { allowSort = false, maxKeysPerResult }: UsesIndexOptions
): ReadonlyArray<string> => {
  const problems: Array<string> = []
  if (plan.scansCollection) problems.push("it scans a collection: an index on the fields of its filter is missing")
  if (plan.sortsInMemory && !allowSort) {
    problems.push("it sorts in memory: no index that it uses has the order")
  }
  if (all(plan.root).some(({ name }) => name === "EOF")) {
    problems.push("it reads nothing: the collection does not exist, or no document can match")
  }
  const { keysExamined = 0, returned = 0 } = plan
  if (maxKeysPerResult !== undefined && keysExamined > maxKeysPerResult * Math.max(returned, 1)) {
    problems.push(
      `it examines ${keysExamined} keys for ${returned} results, more than ${maxKeysPerResult} for each of them`
    )
  }
  return problems
}
