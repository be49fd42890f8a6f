import { Effect } from "effect"
import { Recipes } from "./recipes.ts"

export const program = Effect.gen(function*() {
  const recipes = yield* Recipes
  // #region mistakes
  // @ts-expect-error
  yield* recipes.find({ minuets: 30 })
  // @ts-expect-error
  yield* recipes.find({ "author.land": "FR" })
  // @ts-expect-error
  yield* recipes.find({ minutes: "30" })
  // @ts-expect-error
  yield* recipes.find({ minutes: { $gtt: 30 } })
  // @ts-expect-error
  yield* recipes.find({ minutes: { $regex: "3" } })
  // @ts-expect-error
  yield* recipes.find().sort({ naem: 1 })
  // @ts-expect-error
  yield* recipes.updateOne({ _id: "dal" }, { $inc: { name: 1 } })
  // @ts-expect-error
  yield* recipes.updateOne({ _id: "dal" }, { $unset: { name: true } })
  // @ts-expect-error
  yield* recipes.updateOne({ _id: "dal" }, { $push: { "author.name": "x" } })
  // @ts-expect-error
  yield* recipes.updateOne({ _id: "dal" }, { minutes: 30 })
  // #endregion mistakes
})
