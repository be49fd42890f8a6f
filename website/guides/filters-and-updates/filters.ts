import { NodeRuntime } from "@effect/platform-node"
import { Filter, type TypedQuery } from "@mongofx/schema"
import { Console, Effect } from "effect"
import { Live, type Recipe, Recipes, seed } from "./recipes.ts"

const show = (what: string, query: TypedQuery.TypedQuery<Recipe>) =>
  Effect.flatMap(
    query,
    (found) => Console.log(`${what}: ${found.map(({ _id }) => _id).sort().join(", ") || "nothing"}`)
  )

const program = Effect.gen(function*() {
  yield* seed
  const recipes = yield* Recipes

  // #region paths
  yield* show("a field", recipes.find({ vegan: true }))
  yield* show("a field of a document", recipes.find({ "author.country": "FR" }))
  yield* show("an element of an array", recipes.find({ tags: "stew" }))
  yield* show("a field of any element", recipes.find({ "ingredients.name": "onion" }))
  yield* show("a field of the first element", recipes.find({ "ingredients.0.name": "onion" }))
  // #endregion paths

  // #region operators
  yield* show("a range", recipes.find({ minutes: { $gte: 30, $lt: 60 } }))
  yield* show("one of several", recipes.find({ "author.country": { $in: ["FR", "IT"] } }))
  yield* show(
    "one element with both",
    recipes.find({ ingredients: { $elemMatch: { name: "onion", grams: { $gt: 120 } } } })
  )
  yield* show("not there", recipes.find({ published: { $exists: false } }))
  yield* show("either", recipes.find({ $or: [{ minutes: { $lt: 30 } }, { tags: "quick" }] }))
  // #endregion operators

  // #region text
  const typed = "DAL"
  yield* show("typed text", recipes.find({ name: Filter.contains(typed, { ignoreCase: true }) }))
  yield* show("its characters stand for themselves", recipes.find({ name: Filter.startsWith(".*") }))
  // #endregion text
})

NodeRuntime.runMain(Effect.provide(program, Live))
