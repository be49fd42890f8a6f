import { NodeRuntime } from "@effect/platform-node"
import { Expr, Filter, type TypedCollection, Update } from "@mongofx/schema"
import { Console, Effect, type Schema } from "effect"
import { Live, type Recipe, Recipes, seed } from "./recipes.ts"

// #region values
const quick = Filter.make<Recipe>()({ minutes: { $lte: 45 } })
const european = Filter.make<Recipe>()({ "author.country": { $in: ["FR", "IT"] } })
const publish = (at: Date) => Update.make<Recipe>()({ $set: { published: at } })

const search = (options: { readonly quick: boolean; readonly european: boolean }) =>
  Filter.and(...(options.quick ? [quick] : []), ...(options.european ? [european] : []))
// #endregion values

// #region compare
const heavy = Filter.expr<Recipe>(($) => Expr.gt(Expr.sum($.ingredients.grams), Expr.multiply($.portions, 80)))
// #endregion compare

// #region computed
const grams = (position: number, atLeast: number) =>
  Filter.at<Recipe>()(`ingredients.${position}.grams`, { $gte: atLeast })
// #endregion computed

// #region generic
interface Timed {
  readonly minutes: number
}

const faster = <S extends Schema.Constraint & { readonly Type: Timed }>(
  collection: TypedCollection.TypedCollection<S>,
  filter: Filter.Filter<S["Type"]>,
  minutes: number
) => collection.find(Filter.and(filter, Filter.make<Timed>()({ minutes: { $lt: minutes } }))).sort({ minutes: 1 })
// #endregion generic

const program = Effect.gen(function*() {
  yield* seed
  const recipes = yield* Recipes
  // #region use
  yield* recipes.updateMany(search({ quick: true, european: true }), publish(new Date("2026-04-01")))
  yield* Console.log(yield* recipes.find(quick).project({ published: 1 }).sort({ _id: 1 }))
  yield* Console.log("heavy:", yield* recipes.distinct("name", heavy))
  yield* Console.log("not quick:", yield* recipes.distinct("name", Filter.not(quick)))
  yield* Console.log("first ingredient:", yield* recipes.distinct("name", grams(0, 300)))
  yield* Console.log("faster:", (yield* faster(recipes, { vegan: true }, 60)).map(({ name }) => name))
  // #endregion use
})

NodeRuntime.runMain(Effect.provide(program, Live))
