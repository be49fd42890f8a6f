/** The command line of the shop's database. */
import * as MongoCli from "@mongofx/schema/MongoCli"
import { Layer } from "effect"
import { Collections, collections, Database, migrations } from "./database.ts"

export const command = MongoCli.make({
  name: "shop-db",
  collections,
  migrations,
  validators: {},
  layer: Layer.provideMerge(Collections, Database)
})
