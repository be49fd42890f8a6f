import { Acc, Expr, Pipeline } from "@mongofx/schema"
import { Effect } from "effect"
import { Trips } from "./trips.ts"

export const program = Effect.gen(function*() {
  const trips = yield* Trips
  const bikes = yield* trips.aggregate((trips) =>
    //  ^?
    trips.pipe(
      Pipeline.match({ rating: { $gte: 3 } }),
      Pipeline.group(($) => $.bike, ($) => ({ cents: Acc.sum($.cents), best: Acc.max($.rating) })),
      Pipeline.set(($) => ({ half: Expr.divide($.best, 2) }))
    )
  )
  return bikes
})
