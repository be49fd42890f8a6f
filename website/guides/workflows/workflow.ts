import { NodeRuntime } from "@effect/platform-node"
import { MongoSingleRunner } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, Effect, Layer, References, Schema } from "effect"
import { ClusterSchema, ClusterWorkflowEngine } from "effect/cluster"
import { Activity, DurableClock, DurableDeferred, Workflow } from "effect/workflow"

// #region workflow
class Refused extends Schema.TaggedError<Refused>()("Refused", { by: Schema.String }) {}

const Travel = Workflow.make("Travel", {
  payload: { id: Schema.String, to: Schema.String },
  idempotencyKey: ({ id }) => id,
  success: Schema.String,
  error: Refused
})
// #endregion workflow

// #region deferred
const Approval = DurableDeferred.make("Approval", { success: Schema.Boolean })
// #endregion deferred

interface Seat {
  readonly _id: string
  readonly to: string
}

// #region steps
const TravelLive = Travel.toLayer(Effect.fnUntraced(function*({ id, to }, executionId) {
  const seats = (yield* MongoDatabase.MongoDatabase).collection<Seat>("seats")

  const seat = yield* Activity.make({
    name: "reserve",
    success: Schema.String,
    execute: Console.log(`${id}: reserves a seat`).pipe(
      Effect.andThen(seats.insertOne({ _id: executionId, to })),
      Effect.as("4A"),
      Effect.orDie
    )
  }).annotate(ClusterSchema.WithTransaction, true).pipe(
    Travel.withCompensation((seat) =>
      Effect.andThen(Console.log(`${id}: gives ${seat} back`), Effect.orDie(seats.deleteOne({ _id: executionId })))
    )
  )

  yield* DurableClock.sleep({ name: "time to think", duration: "500 millis", inMemoryThreshold: 0 })
  if (!(yield* DurableDeferred.await(Approval))) return yield* new Refused({ by: "the boss" })
  return `${id}: to ${to} in ${seat}`
}))
// #endregion steps

const program = Effect.gen(function*() {
  const seats = (yield* MongoDatabase.MongoDatabase).collection<Seat>("seats")

  // #region start
  // Only starts it. The second one is the same: it has the same key.
  const first = yield* Travel.execute({ id: "t1", to: "Oslo" }, { discard: true })
  yield* Travel.execute({ id: "t1", to: "Oslo" }, { discard: true })
  // #endregion start

  // #region answer
  // Anybody who knows the execution can answer, in any process: for instance a handler of HTTP.
  const answer = (executionId: string, value: boolean) =>
    DurableDeferred.succeed(Approval, {
      token: DurableDeferred.tokenFromExecutionId(Approval, { workflow: Travel, executionId }),
      value
    })
  yield* answer(first, true)
  yield* Console.log(yield* Travel.execute({ id: "t1", to: "Oslo" }))
  // #endregion answer

  // #region refused
  yield* answer(yield* Travel.executionId({ id: "t2", to: "Rome" }), false)
  const { by } = yield* Effect.flip(Travel.execute({ id: "t2", to: "Rome" }))
  yield* Console.log(`t2: refused by ${by}`)
  // #endregion refused
  yield* Console.log(`seats: ${(yield* seats.find()).map(({ to }) => to).join(", ")}`)
})

// #region layers
const Live = TravelLive.pipe(
  Layer.provideMerge(ClusterWorkflowEngine.layer),
  Layer.provideMerge(MongoSingleRunner.layer()),
  Layer.provideMerge(MongoDatabase.layer("travels")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
// #endregion layers

// The last runner of a cluster warns at its end that there is none.
const Quiet = Layer.succeed(References.MinimumLogLevel, "Error")

NodeRuntime.runMain(Effect.provide(program, Layer.provide(Live, Quiet)))
