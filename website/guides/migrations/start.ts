import { NodeRuntime } from "@effect/platform-node"
import { MongoMigrator } from "@mongofx/core"
import { Console, Effect, Layer } from "effect"
import { Database, Invoices, migrations, past } from "./invoices.ts"

const before = Effect.gen(function*() {
  yield* past
  // #region plan
  const plan = yield* MongoMigrator.plan({ loader: migrations })
  yield* Console.log(MongoMigrator.formatPlan(plan))
  // #endregion plan
})

// #region program
const program = Effect.gen(function*() {
  const invoices = yield* Invoices
  const first = yield* invoices.find({ _id: 0 }).one
  yield* Console.log(first)
})

/** The collection is there when no migration is pending any more. */
const Live = Invoices.layer.pipe(Layer.provide(MongoMigrator.layer({ loader: migrations })))
// #endregion program

// #region twice
const again = Effect.gen(function*() {
  const applied = yield* MongoMigrator.run({ loader: migrations })
  yield* Console.log(`${applied.length} applied by the second run`)
  yield* Console.log(MongoMigrator.formatStatus(yield* MongoMigrator.status({ loader: migrations })))
})
// #endregion twice

NodeRuntime.runMain(
  before.pipe(
    Effect.andThen(Effect.provide(program, Live)),
    Effect.andThen(again),
    Effect.provide(Database)
  )
)
