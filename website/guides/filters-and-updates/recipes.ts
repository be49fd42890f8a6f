import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import { Config, Effect, Layer, Schema } from "effect"

// #region schema
export class Recipe extends Schema.Opaque<Recipe>()(
  Schema.Struct({
    _id: Schema.String,
    name: Schema.String,
    minutes: Schema.Int,
    portions: Schema.Int,
    vegan: Schema.Boolean,
    published: Schema.optionalKey(Bson.Date),
    author: Schema.Struct({ name: Schema.String, country: Schema.String }),
    ingredients: Schema.Array(Schema.Struct({ name: Schema.String, grams: Schema.Number })),
    tags: Schema.Array(Schema.String)
  })
) {}

export class Recipes extends TypedCollection.Service<Recipes>()("kitchen/Recipes", {
  name: "recipes",
  schema: Recipe
}) {}
// #endregion schema

export const seed = Effect.gen(function*() {
  const recipes = yield* Recipes
  yield* recipes.insertMany([
    {
      _id: "dal",
      name: "Dal",
      minutes: 40,
      portions: 4,
      vegan: true,
      published: new Date("2026-02-01"),
      author: { name: "Asha", country: "IN" },
      ingredients: [{ name: "lentils", grams: 250 }, { name: "onion", grams: 100 }],
      tags: ["stew", "quick"]
    },
    {
      _id: "ratatouille",
      name: "Ratatouille",
      minutes: 70,
      portions: 4,
      vegan: true,
      published: new Date("2026-03-01"),
      author: { name: "Lucie", country: "FR" },
      ingredients: [{ name: "aubergine", grams: 300 }, { name: "onion", grams: 150 }],
      tags: ["stew"]
    },
    {
      _id: "carbonara",
      name: "Carbonara",
      minutes: 25,
      portions: 30,
      vegan: false,
      author: { name: "Pia", country: "IT" },
      ingredients: [{ name: "spaghetti", grams: 400 }, { name: "egg", grams: 200 }],
      tags: ["pasta"]
    }
  ])
})

export const Live = Recipes.layer.pipe(
  Layer.provide(MongoDatabase.layer("kitchen")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
