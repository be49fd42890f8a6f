/**
 * The uses of a wide and deep schema in a program. `test/typeBudget.test.ts` counts their cost to the compiler.
 *
 * @since 0.1.0
 */
import type { MongoDatabase } from "@mongofx/core"
import { TypedCollection } from "@mongofx/schema"
import { Wide } from "./schema.ts"

declare const db: MongoDatabase.MongoDatabase

const wide = TypedCollection.make(db, "wide", Wide)

export const uses = [
  wide.find({ f6: "a", "level1.level2.level3.level4.f42": "a", "rows.f54": "x" }).sort({ "level1.level2.f24": 1 }),
  wide.find({ $or: [{ f1: { $gt: 1 } }, { "level1.f13": { $in: [1] } }] }).project({ f1: 1, "level1.level2.f24": 1 }),
  wide.updateOne({ f1: 1 }, { $set: { "level1.f12": "a", "rows.$[row].f54": "b" }, $inc: { f1: 1 } }, {
    arrayFilters: [{ "row.f54": "x" }]
  }),
  wide.findOneAndUpdate({ f1: 1 }, { $push: { f3: "a" }, $unset: { f4: true } }, { projection: { f1: 1 } }),
  wide.distinct("level1.level2.level3.f33"),
  wide.createIndex({ f1: 1, "level1.f11": -1 })
]
