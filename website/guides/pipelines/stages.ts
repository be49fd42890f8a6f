import { NodeRuntime } from "@effect/platform-node"
import { Acc, Expr, Pipeline } from "@mongofx/schema"
import { Console, Effect } from "effect"
import { Live, seed, Trips } from "./trips.ts"

const program = Effect.gen(function*() {
  yield* seed
  const trips = yield* Trips

  // #region group
  const bikes = yield* trips.aggregate((trips) =>
    trips.pipe(
      Pipeline.match({ started: { $gte: new Date("2026-06-01") } }),
      Pipeline.group(($) => $.bike, ($) => ({
        trips: Acc.count,
        cents: Acc.sum($.cents),
        rating: Acc.avg($.rating),
        last: Acc.max($.started)
      })),
      Pipeline.sort({ cents: -1 })
    )
  )
  yield* Console.log(bikes)
  // #endregion group

  // #region expressions
  const long = yield* trips.aggregate((trips) =>
    trips.pipe(
      Pipeline.set(($) => ({
        riding: Expr.subtract($.minutes, Expr.sum($.stops.minutes)),
        stations: Expr.map($.stops, (stop) => Expr.toUpper(stop.station))
      })),
      Pipeline.matchExpr(($) => Expr.lt($.riding, $.minutes)),
      Pipeline.select(($) => ({
        bike: $.bike,
        riding: $.riding,
        stations: $.stations,
        rated: Expr.ifNull($.rating, 0)
      })),
      Pipeline.sort({ riding: 1 })
    )
  )
  yield* Console.log(long)
  // #endregion expressions

  // #region unwind
  const stops = yield* trips.aggregate((trips) =>
    trips.pipe(Pipeline.unwind("stops"), Pipeline.sortByCount(($) => $.stops.station), Pipeline.sort({ _id: 1 }))
  )
  yield* Console.log(stops)
  // #endregion unwind
})

NodeRuntime.runMain(Effect.provide(program, Live))
