import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { TypedCollection } from "@mongofx/schema"
import { Config, Console, Effect, Layer, Schema, Stream } from "effect"

const Point = Schema.Struct({ _id: Schema.Int, x: Schema.Finite, y: Schema.Finite, label: Schema.String })

class Points extends TypedCollection.Service<Points>()("plot/Points", { name: "points", schema: Point }) {}

// #region measure
/** CPU of this process in milliseconds. Unlike time, it does not grow while other programs have the processors. */
const cpuOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const before = process.cpuUsage()
    return Effect.map(effect, () => {
      const { system, user } = process.cpuUsage(before)
      return (system + user) / 1000
    })
  })

const median = (values: ReadonlyArray<number>) => [...values].sort((a, b) => a - b)[values.length >> 1]!

/** The sides take turns, so that a change of the machine's load meets all of them. */
const compare = Effect.fnUntraced(function*<E, R>(sides: Readonly<Record<string, Effect.Effect<unknown, E, R>>>) {
  const figures = new Map(Object.keys(sides).map((name) => [name, [] as Array<number>]))
  for (let round = 0; round < 6; round++) {
    for (const [name, effect] of Object.entries(sides)) {
      const cpu = yield* cpuOf(effect)
      // The first round compiles.
      if (round > 0) figures.get(name)?.push(cpu)
    }
  }
  for (const [name, values] of figures) yield* Console.log(`${name}: ${median(values).toFixed(0)} ms`)
})
// #endregion measure

const program = Effect.gen(function*() {
  const points = yield* Points
  yield* points.insertMany(
    Array.from({ length: 20_000 }, (_, _id) => ({ _id, x: Math.sin(_id), y: Math.cos(_id), label: `point ${_id}` }))
  )

  // #region sides
  yield* compare({
    "array, decoded": points.find(),
    "stream, an effect for each document": Stream.runForEach(points.find().stream, () => Effect.void),
    "stream, a loop for each batch": Stream.runForEachArray(points.find().stream, () => Effect.void)
  })
  // #endregion sides
})

const Live = Points.layer.pipe(
  Layer.provideMerge(MongoDatabase.layer("plot")),
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
