/**
 * The catalog of a database: its collections and views with their options and indexes, read in one command.
 */
import * as Driver from "mongodb"

/** The types of numbers and of everything else stay as they are stored. */
const exactly: Driver.BSON.DeserializeOptions = { promoteValues: false, bsonRegExp: true }

/** @internal */
export const exactDocument = (bytes: Uint8Array): Driver.Document => Driver.BSON.deserialize(bytes, exactly)

/**
 * An index, apart from the one on `_id`.
 *
 * @internal
 */
export interface Index {
  /** The argument of `createIndexes`. */
  readonly spec: Driver.Document
  /** Equal for equal indexes. */
  readonly text: string
}

/**
 * A collection or a view.
 *
 * @internal
 */
export interface Entry {
  readonly name: string
  readonly type: "collection" | "timeseries" | "view"
  /** The identity of a collection, which it keeps when it is renamed. */
  readonly uuid: string | undefined
  /** The arguments of `create`. */
  readonly options: Driver.Document
  /** Equal for equal options. */
  readonly text: string
  readonly indexes: ReadonlyMap<string, Index>
}

/** @internal */
export type Catalog = ReadonlyMap<string, Entry>

/** A row of the server's catalog. */
interface Row {
  readonly name: string
  readonly type: string
  readonly md?: {
    readonly options: Driver.Document
    readonly indexes: ReadonlyArray<{ readonly spec: Driver.Document; readonly ready: boolean }>
  }
  readonly [option: string]: unknown
}

const buckets = "system.buckets."

/** Commands show fields in another order than the catalog does. The order inside of them has a meaning. */
const textOf = (document: Driver.Document): string =>
  Driver.BSON.EJSON.stringify(Object.entries(document).sort(([a], [b]) => a < b ? -1 : 1), { relaxed: false })

const hasOwnIdIndex = (spec: Driver.Document): boolean => spec["name"] === "_id_" || spec["clustered"] === true

const indexesOf = (row: Row): ReadonlyMap<string, Index> =>
  new Map(
    (row.md?.indexes ?? []).filter(({ spec }) => !hasOwnIdIndex(spec)).map((
      { ready, spec }
    ) => [String(spec["name"]), { spec, text: textOf({ ...spec, ready }) }])
  )

/** What the server makes by itself for the collection of a time series. */
const seriesOptions = ({ clusteredIndex: _, validator: __, ...options }: Driver.Document): Driver.Document => options

const entryOf = (row: Row, series: Row | undefined): Entry => {
  const { name } = row
  if (row.type === "view") {
    const { _id: _, db: __, name: ___, ns: ____, type: _____, ...options } = row
    return { name, type: "view", uuid: undefined, options, text: textOf(options), indexes: new Map() }
  }
  const { uuid, ...options } = (series ?? row).md?.options ?? {}
  return {
    name,
    type: series === undefined ? "collection" : "timeseries",
    uuid: uuid === undefined ? undefined : textOf({ uuid }),
    options: series === undefined ? options : seriesOptions(options),
    text: textOf(options),
    indexes: indexesOf(series ?? row)
  }
}

/** @internal */
export const toCatalog = (rows: ReadonlyArray<Uint8Array>): Catalog => {
  const byName = new Map(rows.map((bytes) => {
    const row = exactDocument(bytes) as Row
    return [row.name, row]
  }))
  const entries = new Map<string, Entry>()
  for (const row of byName.values()) {
    if (row.name.startsWith(buckets) && byName.get(row.name.slice(buckets.length))?.type === "timeseries") continue
    const series = row.type === "timeseries" ? byName.get(buckets + row.name) : undefined
    entries.set(row.name, entryOf(row, series))
  }
  return entries
}

/** Only what makes a difference: the server changes the rest while it works. */
const relevant = {
  name: 1,
  type: 1,
  viewOn: 1,
  pipeline: 1,
  collation: 1,
  "md.options": 1,
  "md.indexes.spec": 1,
  "md.indexes.ready": 1
}

const readAtOnce = (admin: Driver.Db, database: string): Promise<ReadonlyArray<Uint8Array>> =>
  admin.aggregate(
    [{ $listCatalog: {} }, { $match: { db: database } }, { $project: { _id: 0, ...relevant } }],
    { raw: true, batchSize: 10_000 }
  ).toArray() as Promise<ReadonlyArray<unknown>> as Promise<ReadonlyArray<Uint8Array>>

/** With commands that every user may send. */
const readApart = async (db: Driver.Db): Promise<ReadonlyArray<Uint8Array>> => {
  const collections = await db.listCollections({}, { promoteValues: false, bsonRegExp: true } as object)
    .toArray() as ReadonlyArray<Driver.Document>
  const rows = await Promise.all(collections.map(async ({ info, name, options, type }): Promise<Row> => {
    if (type === "view") return { ...options, name, type }
    if (type !== "collection") return { name, type }
    const found = await db.command({ listIndexes: name, cursor: { batchSize: 1000 } }, exactly as object).catch(
      // It was dropped meanwhile.
      (error: { readonly codeName?: unknown }) => {
        if (error.codeName === "NamespaceNotFound") return { cursor: { firstBatch: [] } }
        throw error
      }
    )
    const indexes = found["cursor"].firstBatch as ReadonlyArray<Driver.Document>
    return {
      name,
      type,
      md: { options: { uuid: info?.uuid, ...options }, indexes: indexes.map((spec) => ({ spec, ready: true })) }
    }
  }))
  return rows.map((row) => Driver.BSON.serialize(row))
}

/** The clients whose user may not read the catalog at once, or whose server cannot. */
const refused = new WeakSet<Driver.MongoClient>()

/**
 * Reads the rows of a database in the server's catalog, as bytes: equal bytes are an equal catalog.
 *
 * @internal
 */
export const catalogReader = (
  client: Driver.MongoClient,
  database: string,
  apart?: boolean
): () => Promise<ReadonlyArray<Uint8Array>> => {
  const db = client.db(database)
  const admin = client.db("admin")
  return async () => {
    if (apart ?? refused.has(client)) return readApart(db)
    try {
      return await readAtOnce(admin, database)
    } catch (error) {
      if (!(error instanceof Driver.MongoServerError) || error instanceof Driver.MongoNetworkError) throw error
      const rows = await readApart(db)
      refused.add(client)
      return rows
    }
  }
}

/** @internal */
export const sameRows = (a: ReadonlyArray<Uint8Array>, b: ReadonlyArray<Uint8Array>): boolean =>
  a.length === b.length && a.every((row, i) => Buffer.compare(row, b[i]!) === 0)
