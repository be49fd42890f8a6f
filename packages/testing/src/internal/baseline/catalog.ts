/**
 * The catalog of a database: its collections and views with their options and indexes, read by one command as far as the server can.
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
  readonly info?: { readonly uuid?: Driver.Binary | string }
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
    uuid: info?.uuid instanceof Driver.Binary ? info.uuid.toUUID().toHexString() : info?.uuid,
    options: series === undefined ? options : seriesOptions(options),
    text: textOf(options),
    indexes: indexesOf(series ?? row)
  }
}

/** @internal */
export const toCatalog = (rows: Rows): Catalog => {
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

type Rows = ReadonlyArray<Uint8Array>

const raw = { raw: true, batchSize: 10_000 } as object

const ofIndexes = { $project: { _id: 0, name: 1, "md.indexes.spec": 1, "md.indexes.ready": 1 } }

/**
 * The collections and views, and the indexes of some collections as they are stored. Each of these is asked by its name: a server 8.2.0 that
 * reads the catalogs of all databases aborts if a view is dropped meanwhile.
 */
const listedAtOnce = (db: Driver.Db, names: ReadonlyArray<string>): Promise<Rows> =>
  db.aggregate([
    { $_internalListCollections: {} },
    {
      $project: {
        name: { $substrBytes: ["$ns", Buffer.byteLength(db.databaseName) + 1, -1] },
        type: 1,
        options: 1,
        info: 1
      }
    },
    ...names.map((coll) => ({ $unionWith: { coll, pipeline: [{ $listCatalog: {} }, ofIndexes] } }))
  ], raw).toArray() as Promise<ReadonlyArray<unknown>> as Promise<Rows>

/** The same without indexes, with a command that every user may send. */
const listed = (db: Driver.Db): Promise<Rows> =>
  db.listCollections({}, raw).toArray() as Promise<ReadonlyArray<unknown>> as Promise<Rows>

/** The collections that have indexes. */
const namesIn = (rows: Rows): ReadonlyArray<string> =>
  rows.flatMap((bytes) => {
    const { name, type } = exactDocument(bytes) as Partial<Listed>
    return name !== undefined && type === "collection" ? [name] : []
  })

/** The indexes, with commands that every user may send. */
const indexesApart = (db: Driver.Db, names: ReadonlyArray<string>): Promise<Rows> =>
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

const listedApart = async (db: Driver.Db): Promise<Rows> => {
  const rows = await listed(db)
  return [...rows, ...await indexesApart(db, namesIn(rows))]
}

/** The clients whose user may not read the catalog at once, or whose server cannot. */
const refused = new WeakSet<Driver.MongoClient>()

const isRefusal = (error: unknown): boolean =>
  error instanceof Driver.MongoServerError && !(error instanceof Driver.MongoNetworkError)

/**
 * Reads the rows of a database in the server's catalog, as bytes: equal bytes are an equal catalog.
 *
 * @internal
 */
export const catalogReader = (client: Driver.MongoClient, database: string, apart?: boolean): () => Promise<Rows> => {
  const db = client.db(database)
  /** What was there last time: mostly it still is. */
  let names: ReadonlyArray<string> = []
  const read = async (): Promise<Rows> => {
    // One of the names may be a view by now.
    const rows = await listedAtOnce(db, names).catch((error) => {
      if (names.length > 0 && isRefusal(error)) return listedAtOnce(db, names = [])
      throw error
    })
    const found = namesIn(rows)
    if (found.length === names.length && found.every((name) => names.includes(name))) return rows
    names = found
    return await listedAtOnce(db, names)
  }
  return async () => {
    if (apart ?? refused.has(client)) return listedApart(db)
    try {
      return await read()
    } catch (error) {
      if (!isRefusal(error)) throw error
      const rows = await listedApart(db)
      refused.add(client)
      return rows
    }
  }
}

/** @internal */
export const sameRows = (a: Rows, b: Rows): boolean =>
  a.length === b.length && a.every((row, i) => Buffer.compare(row, b[i]!) === 0)
