import { Acc, Expr, Pipeline } from "@mongofx/schema"
import { Effect } from "effect"
import { Trips } from "./trips.ts"

export const program = Effect.gen(function*() {
  const trips = yield* Trips
  // #region mistakes
  yield* trips.aggregate((trips) =>
    trips.pipe(
      Pipeline.group(($) => $.bike, ($) => ({ cents: Acc.sum($.cents) })),
      // @ts-expect-error
      Pipeline.sort({ rating: -1 })
    )
  )
  yield* trips.aggregate((trips) =>
    trips.pipe(
      // @ts-expect-error
      Pipeline.group(($) => $.bike, ($) => ({ names: Acc.sum($.from) }))
    )
  )
  yield* trips.aggregate((trips) =>
    trips.pipe(
      // @ts-expect-error
      Pipeline.matchExpr(($) => Expr.gt($.started, 8))
    )
  )
  // #endregion mistakes
})
