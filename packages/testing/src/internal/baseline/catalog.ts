/**
 * The catalog of a database: its collections and views with their options and indexes, read by two commands at the same time.
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

interface ListedIndex {
  readonly spec: Driver.Document
  readonly ready: boolean
}

/** A collection or a view, as `listCollections` shows it. */
interface Listed {
  readonly name: string
  readonly type: string
  readonly options?: Driver.Document
  readonly info?: { readonly uuid?: unknown }
}

/** The indexes of a collection. */
interface Indexed {
  readonly name: string
  readonly md: { readonly indexes: ReadonlyArray<ListedIndex> }
}

interface Row extends Listed {
  readonly indexes: ReadonlyArray<ListedIndex>
}

const buckets = "system.buckets."

/** Commands show fields in another order than the catalog does. The order inside of them has a meaning. */
const textOf = (document: Driver.Document): string =>
  Driver.BSON.EJSON.stringify(Object.entries(document).sort(([a], [b]) => a < b ? -1 : 1), { relaxed: false })

const hasOwnIdIndex = (spec: Driver.Document): boolean => spec["name"] === "_id_" || spec["clustered"] === true

const indexesOf = (row: Row): ReadonlyMap<string, Index> =>
  new Map(
    row.indexes.filter(({ spec }) => !hasOwnIdIndex(spec)).map((
      { ready, spec }
    ) => [String(spec["name"]), { spec, text: textOf({ ...spec, ready }) }])
  )

/** What the server makes by itself for the collection of a time series. */
const seriesOptions = ({ clusteredIndex: _, validator: __, ...options }: Driver.Document): Driver.Document => options

const entryOf = (row: Row, series: Row | undefined): Entry => {
  const { name } = row
  const { info, options = {} } = series ?? row
  if (row.type === "view") {
    return { name, type: "view", uuid: undefined, options, text: textOf(options), indexes: new Map() }
  }
  return {
    name,
    type: series === undefined ? "collection" : "timeseries",
    uuid: info?.uuid === undefined ? undefined : textOf({ uuid: info.uuid }),
    options: series === undefined ? options : seriesOptions(options),
    text: textOf(options),
    indexes: indexesOf(series ?? row)
  }
}

/** @internal */
export const toCatalog = (rows: ReadonlyArray<Uint8Array>): Catalog => {
  const read = rows.map((bytes) => exactDocument(bytes) as Listed | Indexed)
  const indexes = new Map(read.flatMap((row) => "md" in row ? [[row.name, row.md.indexes]] : []))
  const byName = new Map(
    read.flatMap((row) => "md" in row ? [] : [[row.name, { ...row, indexes: indexes.get(row.name) ?? [] }]])
  )
  const entries = new Map<string, Entry>()
  for (const row of byName.values()) {
    if (row.name.startsWith(buckets) && byName.get(row.name.slice(buckets.length))?.type === "timeseries") continue
    const series = row.type === "timeseries" ? byName.get(buckets + row.name) : undefined
    entries.set(row.name, entryOf(row, series))
  }
  return entries
}

const listed = (db: Driver.Db): Promise<ReadonlyArray<Uint8Array>> =>
  db.listCollections({}, { raw: true, batchSize: 10_000 } as object).toArray() as Promise<
    ReadonlyArray<unknown>
  > as Promise<ReadonlyArray<Uint8Array>>

/** The collections that have indexes. */
const namesIn = (rows: ReadonlyArray<Uint8Array>): ReadonlyArray<string> =>
  rows.flatMap((bytes) => {
    const { name, type } = exactDocument(bytes) as Listed
    return type === "collection" ? [name] : []
  })

/**
 * The indexes of collections as they are stored, each collection asked by its name: a server 8.2.0 that reads the catalogs of all databases
 * aborts if a view is dropped meanwhile.
 */
const indexesAtOnce = (db: Driver.Db, names: ReadonlyArray<string>): Promise<ReadonlyArray<Uint8Array>> => {
  const [first, ...others] = names
  return first === undefined ? Promise.resolve([]) : db.collection(first).aggregate(
    [
      { $listCatalog: {} },
      ...others.map((coll) => ({ $unionWith: { coll, pipeline: [{ $listCatalog: {} }] } })),
      { $project: { _id: 0, name: 1, "md.indexes.spec": 1, "md.indexes.ready": 1 } }
    ],
    { raw: true, batchSize: 10_000 }
  ).toArray() as Promise<ReadonlyArray<unknown>> as Promise<ReadonlyArray<Uint8Array>>
}

/** With commands that every user may send. */
const indexesApart = (db: Driver.Db, names: ReadonlyArray<string>): Promise<ReadonlyArray<Uint8Array>> =>
  Promise.all(names.map(async (name) => {
    const found = await db.command({ listIndexes: name, cursor: { batchSize: 1000 } }, exactly as object).catch(
      // It was dropped meanwhile.
      (error: { readonly codeName?: unknown }) => {
        if (error.codeName === "NamespaceNotFound") return { cursor: { firstBatch: [] } }
        throw error
      }
    )
    const indexes = found["cursor"].firstBatch as ReadonlyArray<Driver.Document>
    return Driver.BSON.serialize({ name, md: { indexes: indexes.map((spec) => ({ spec, ready: true })) } })
  }))

/** The clients whose user may not read the catalog, or whose server cannot. */
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
  const indexesOf = async (names: ReadonlyArray<string>): Promise<ReadonlyArray<Uint8Array>> => {
    if (apart ?? refused.has(client)) return indexesApart(db, names)
    try {
      return await indexesAtOnce(db, names)
    } catch (error) {
      if (!(error instanceof Driver.MongoServerError) || error instanceof Driver.MongoNetworkError) throw error
      const rows = await indexesApart(db, names)
      refused.add(client)
      return rows
    }
  }
  /** What was there last time: mostly it still is, so that the indexes can be read at the same time. */
  let last: { readonly rows: ReadonlyArray<Uint8Array>; readonly names: ReadonlyArray<string> } = {
    rows: [],
    names: []
  }
  return async () => {
    // The indexes of collections that are gone may be refused.
    const [rows, indexes] = await Promise.all([listed(db), indexesOf(last.names).catch(() => undefined)])
    if (indexes !== undefined && sameRows(rows, last.rows)) return [...rows, ...indexes]
    last = { rows, names: namesIn(rows) }
    return [...rows, ...await indexesOf(last.names)]
  }
}

/** @internal */
export const sameRows = (a: ReadonlyArray<Uint8Array>, b: ReadonlyArray<Uint8Array>): boolean =>
  a.length === b.length && a.every((row, i) => Buffer.compare(row, b[i]!) === 0)
