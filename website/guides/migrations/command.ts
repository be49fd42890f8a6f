import * as MongoCli from "@mongofx/schema/MongoCli"
import { Layer } from "effect"
import { Database, Invoices, migrations } from "./invoices.ts"

// #region command
export const command = MongoCli.make({
  name: "billing-db",
  collections: [Invoices],
  migrations: { loader: migrations },
  validators: {},
  layer: Layer.provideMerge(Invoices.layer, Database)
})
// #endregion command
