import * as Driver from "mongodb"

/** A collection as the bare driver sees it: its name, its options, its indexes and its documents. */
export type Seen = readonly [name: string, options: string, indexes: string, documents: string]

const text = (value: unknown): string => Driver.BSON.EJSON.stringify(value, { relaxed: false })

const seen = async (db: Driver.Db, { info: _, name, ...rest }: Driver.Document): Promise<Seen> => {
  const collection = db.collection(String(name))
  if (rest["type"] === "view") return [name, text(rest), "", ""]
  const indexes = await collection.indexes()
  // The order of views has no meaning.
  const documents = await collection.find().sort(name === "system.views" ? { _id: 1 } : { $natural: 1 }).toArray()
  return [name, text(rest), indexes.map(text).sort().join(), documents.map(text).join()]
}

/** All of a database that the bare driver sees, by name. The database's own name is left out. */
export const snapshotOf = async (db: Driver.Db): Promise<ReadonlyArray<Seen>> => {
  const collections = await db.listCollections().toArray()
  const all = await Promise.all(collections.map((collection) => seen(db, collection)))
  return all.sort(([a], [b]) => a < b ? -1 : 1)
    .map((parts) => parts.map((part) => part.replaceAll(db.databaseName, "db")) as unknown as Seen)
}
