import { NodeRuntime } from "@effect/platform-node"
import { Expr, Pipeline, Update } from "@mongofx/schema"
import { Console, Effect, Option } from "effect"
import { Live, Recipes, seed } from "./recipes.ts"

const program = Effect.gen(function*() {
  yield* seed
  const recipes = yield* Recipes

  // #region operators
  const { modifiedCount } = yield* recipes.updateMany({ vegan: true }, {
    $inc: { minutes: 5 },
    $addToSet: { tags: "vegan" },
    $unset: { published: true }
  })
  yield* Console.log(`${modifiedCount} changed`)
  // #endregion operators

  // #region arrays
  const dal = yield* recipes.findOneAndUpdate(
    { _id: "dal" },
    { $mul: { "ingredients.$[much].grams": 2 }, $push: { tags: { $each: ["new"], $position: 0 } } },
    { arrayFilters: [{ "much.grams": { $gte: 200 } }], returnDocument: "after" }
  )
  yield* Console.log(Option.getOrThrow(dal))
  // #endregion arrays

  // #region pipeline
  yield* recipes.updateMany(
    { "author.country": "FR" },
    Update.pipeline((recipe) =>
      recipe.pipe(Pipeline.set(($) => ({ name: Expr.concat($.name, " of ", $.author.name) })))
    )
  )
  yield* Console.log(yield* recipes.distinct("name"))
  // #endregion pipeline

  // #region upsert
  const toast = yield* recipes.updateOne(
    { _id: "toast" },
    {
      $set: { minutes: 3 },
      $setOnInsert: {
        name: "Toast",
        portions: 1,
        vegan: true,
        author: { name: "Pia", country: "IT" },
        ingredients: [{ name: "bread", grams: 40 }],
        tags: []
      }
    },
    { upsert: true }
  )
  yield* Console.log(`inserted: ${toast.upsertedId}`)

  yield* recipes.updateOne({ _id: "soup" }, { $set: { minutes: 30 } }, { upsert: true }).pipe(
    Effect.catchReason("MongoError", "InvalidArgumentError", ({ message }) => Console.log(message))
  )
  // #endregion upsert
})

NodeRuntime.runMain(Effect.provide(program, Live))
