import { NodeRuntime } from "@effect/platform-node"
import { MongoDatabase } from "@mongofx/core"
import { Acc, Expr, Pipeline, TypedCollection } from "@mongofx/schema"
import { Console, Effect, Schema } from "effect"
import { Live, seed, Trips } from "./trips.ts"

// #region shared
const firstDays = <A extends { readonly started: Date }>(documents: Pipeline.Pipeline<A>) =>
  documents.pipe(Pipeline.match({ started: { $lt: new Date("2026-06-04") } } as const))
// #endregion shared

const program = Effect.gen(function*() {
  yield* seed
  const trips = yield* Trips

  // #region window
  const rows = yield* trips.aggregate((trips) =>
    trips.pipe(
      Pipeline.setWindowFields({
        partitionBy: ($) => $.bike,
        sortBy: { started: 1 },
        output: ($) => ({
          soFar: Acc.over(Acc.sum($.minutes), { documents: ["unbounded", "current"] }),
          before: Acc.shift($.from, { by: -1 }),
          number: Acc.documentNumber
        })
      }),
      Pipeline.select(($) => ({ bike: $.bike, number: $.number, soFar: $.soFar, before: $.before }))
    )
  )
  for (const { before, bike, number, soFar } of rows) yield* Console.log(bike, number, soFar, before)
  // #endregion window

  // #region use
  yield* Console.log(yield* trips.aggregate((trips) => trips.pipe(firstDays, Pipeline.project({ bike: 1, _id: 0 }))))
  // #endregion use

  // #region refused
  const Reading = Schema.Struct({ _id: Schema.String, kilometres: Schema.NumberFromString })
  const readings = TypedCollection.make(yield* MongoDatabase.MongoDatabase, "readings", Reading)
  yield* readings.aggregate((readings) =>
    readings.pipe(Pipeline.set(($) => ({ miles: Expr.multiply($.kilometres, 0.62) })))
  ).pipe(Effect.catchReason("MongoError", "InvalidArgumentError", ({ message }) => Console.log(message)))
  // #endregion refused
})

NodeRuntime.runMain(Effect.provide(program, Live))
