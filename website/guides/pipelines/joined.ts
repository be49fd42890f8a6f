import { NodeRuntime } from "@effect/platform-node"
import { Acc, Expr, Pipeline } from "@mongofx/schema"
import { Console, Effect } from "effect"
import { Live, OldTrips, seed, Stations, Trips } from "./trips.ts"

const program = Effect.gen(function*() {
  yield* seed
  const trips = yield* Trips
  const stations = yield* Stations

  // #region lookup
  const cities = yield* trips.aggregate((trips) =>
    trips.pipe(
      Pipeline.lookup({ from: stations, localField: "from", foreignField: "_id", as: "station" }),
      Pipeline.unwind("station"),
      Pipeline.group(($) => $.station.city, ($) => ({ minutes: Acc.sum($.minutes) })),
      Pipeline.sort({ _id: 1 })
    )
  )
  yield* Console.log(cities)
  // #endregion lookup

  // #region inner
  const busy = yield* stations.aggregate((stations) =>
    stations.pipe(
      Pipeline.lookup({
        from: trips,
        localField: "_id",
        foreignField: "from",
        as: "long",
        pipeline: (trips, station) =>
          trips.pipe(Pipeline.matchExpr(($) => Expr.gt($.minutes, station.docks)), Pipeline.project({ bike: 1 }))
      }),
      Pipeline.sort({ _id: 1 })
    )
  )
  for (const { _id, long } of busy) yield* Console.log(_id, long)
  // #endregion inner

  // #region facet
  const page = yield* trips.aggregate((trips) =>
    trips.pipe(Pipeline.facet((all) => ({
      first: all.pipe(Pipeline.sort({ started: 1 }), Pipeline.limit(2), Pipeline.project({ bike: 1 })),
      lengths: all.pipe(
        Pipeline.bucket(($) => $.minutes, { boundaries: [0, 30, 60], output: () => ({ n: Acc.count }) })
      )
    })))
  ).one
  yield* Console.log(page)
  // #endregion facet

  // #region union
  const old = yield* OldTrips
  const rated = yield* trips.aggregate((trips) =>
    trips.pipe(
      Pipeline.unionWith(old, (old) => old.pipe(Pipeline.match({ rating: { $lte: 2 } }))),
      Pipeline.group(() => null, ($) => ({ trips: Acc.count, worst: Acc.min($.rating) }))
    )
  ).one
  yield* Console.log(rated)
  // #endregion union
})

NodeRuntime.runMain(Effect.provide(program, Live))
