import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect, Option, Stream } from "effect"
import { Live, rivers, seed } from "./rivers.ts"

// #region views
const views = Effect.gen(function*() {
  const collection = yield* rivers
  const german = collection.find({ countries: "DE" }).sort({ km: -1 })

  const all = yield* german
  yield* Console.log("all:", all.map(({ name }) => name).join(", "))

  const first = yield* german.first
  yield* Console.log("first:", Option.match(first, { onNone: () => "none", onSome: ({ name }) => name }))

  const { name } = yield* german.skip(1).one
  yield* Console.log("the second one:", name)

  const total = yield* german.stream.pipe(Stream.runFold(() => 0, (sum, { km }) => sum + km))
  yield* Console.log("km, read as a stream:", total)
})
// #endregion views

// #region miss
const miss = Effect.gen(function*() {
  const collection = yield* rivers
  const nile = yield* collection.findOne({ name: "Nile" })
  yield* Console.log("findOne:", Option.isNone(nile) ? "no Nile" : "a Nile")

  yield* collection.find({ name: "Nile" }).one.pipe(
    Effect.catchTag("NoSuchElementError", () => Console.log("one: no Nile either"))
  )
})
// #endregion miss

// #region batches
const batches = Effect.gen(function*() {
  const collection = yield* rivers
  yield* collection.find().sort({ name: 1 }).batchSize(2).batches.pipe(
    Stream.runForEach((batch) => Console.log("a batch:", batch.map(({ name }) => name).join(", ")))
  )
})
// #endregion batches

// #region project
const project = Effect.gen(function*() {
  const collection = yield* rivers
  const short = yield* collection.find({ km: { $lt: 1050 } })
    .project<{ name: string; from: string }>({ _id: 0, name: 1, from: { $first: "$countries" } })
    .sort({ name: 1 })
  for (const { from, name } of short) yield* Console.log(`${name} rises in ${from}`)
})
// #endregion project

// #region counts
const counts = Effect.gen(function*() {
  const collection = yield* rivers
  yield* Console.log("longer than 1,000 km:", yield* collection.countDocuments({ km: { $gt: 1000 } }))
  yield* Console.log("all, from the metadata:", yield* collection.estimatedDocumentCount())
  yield* Console.log("countries:", (yield* collection.distinct("countries", { km: { $gt: 1050 } })).join(", "))
})
// #endregion counts

const program = Effect.all([seed, views, miss, batches, project, counts])

NodeRuntime.runMain(Effect.provide(program, Live))
