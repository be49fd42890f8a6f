import { NodeRuntime } from "@effect/platform-node"
import { Filter } from "@mongofx/schema"
import { Console, Effect } from "effect"
import { Live, Recipes } from "./recipes.ts"

// #region program
const program = Effect.gen(function*() {
  const recipes = yield* Recipes
  // A key that is computed is any text to the compiler.
  const sortedBy = "minuets" as string
  yield* recipes.countDocuments({ [sortedBy]: 5 }).pipe(
    Effect.catchReason("MongoError", "InvalidArgumentError", ({ message }) => Console.log(message))
  )
  // A cast lets `undefined` through. Without its key, the filter would be `{}`, and match every document.
  yield* recipes.deleteMany({ name: undefined! }).pipe(
    Effect.catchReason("MongoError", "InvalidArgumentError", ({ message }) => Console.log(message))
  )
  yield* recipes.updateOne({ _id: "dal" }, { $set: { minutes: 2.5 } }).pipe(
    Effect.catchTag("DocumentError", (error) => Console.log(error.message))
  )
})
// #endregion program

// #region unsafe
export const written = Filter.unsafe({ $where: "this.minutes > this.portions" })
// #endregion unsafe

NodeRuntime.runMain(Effect.provide(program, Live))
