/**
 * The baseline as it is recorded: the catalog of a database, and the documents that are in it.
 */
import * as Driver from "mongodb"
import { type Catalog, catalogReader, exactDocument, type Index, toCatalog } from "./catalog.ts"

/** @internal */
export interface Record {
  readonly catalog: Catalog
  /** The documents of each collection that has some, in their natural order. */
  readonly fixtures: ReadonlyMap<string, ReadonlyArray<Driver.Document>>
}

/**
 * Why a database cannot be a baseline.
 *
 * @internal
 */
export class CannotRecord extends Error {}

const documentsOf = async (
  db: Driver.Db,
  name: string,
  left: number,
  bound: number
): Promise<ReadonlyArray<Driver.Document>> => {
  const documents: Array<Driver.Document> = []
  const found: AsyncIterable<object> = db.collection(name).find({}, { raw: true, hint: { $natural: 1 } })
  for await (const row of found) {
    const bytes = row as Uint8Array
    if (documents.length === left) {
      throw new CannotRecord(`the baseline has more than ${bound} documents: make fewer, or raise maxFixtures`)
    }
    const document = exactDocument(bytes)
    if (Buffer.compare(Driver.BSON.serialize(document), bytes) !== 0) {
      throw new CannotRecord(
        `a document of ${name} cannot be inserted again as it is: rename fields whose names are whole numbers, and replace deprecated types of BSON`
      )
    }
    documents.push(document)
  }
  return documents
}

/** Commands know the indexes of a time series by the names of its fields, the catalog by those of its buckets. */
const seriesIndexes = async (
  db: Driver.Db,
  name: string,
  indexes: ReadonlyMap<string, Index>
): Promise<ReadonlyMap<string, Index>> => {
  const found = await db.command({ listIndexes: name }, { promoteValues: false } as object)
  const specs = new Map(
    (found["cursor"].firstBatch as ReadonlyArray<Driver.Document>).map((spec) => [String(spec["name"]), spec])
  )
  return new Map([...indexes].map(([name, index]) => [name, { ...index, spec: specs.get(name) ?? index.spec }]))
}

/**
 * Records a database as it is.
 *
 * @internal
 */
export const record = async (client: Driver.MongoClient, database: string, maxFixtures: number): Promise<Record> => {
  const db = client.db(database)
  const catalog = new Map(toCatalog(await catalogReader(client, database)()))
  const fixtures = new Map<string, ReadonlyArray<Driver.Document>>()
  let count = 0
  for (const [name, entry] of catalog) {
    if (entry.type === "view" || name === "system.views") continue
    if (entry.type === "timeseries") {
      catalog.set(name, { ...entry, indexes: await seriesIndexes(db, name, entry.indexes) })
    }
    const documents = await documentsOf(db, name, maxFixtures - count, maxFixtures)
    if (documents.length > 0) fixtures.set(name, documents)
    count += documents.length
  }
  return { catalog, fixtures }
}
