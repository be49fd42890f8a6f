/**
 * Brings a database back to its baseline.
 *
 * Nothing has to be made again after most runs. So the documents are replaced and the catalog is read at the same time.
 * Only if the catalog has changed are its changes undone, and the documents replaced again.
 */
import * as Driver from "mongodb"
import { endBlockers } from "./blockers.ts"
import { type Catalog, catalogReader, sameRows, toCatalog } from "./catalog.ts"
import { type Plan, planOf } from "./plan.ts"
import type { Record } from "./record.ts"

/** How large a command of fixtures gets: bytes. The server takes 16 MB. */
const maxCommandSize = 8_000_000

/** A command has at most this many operations, so that its reply has no more than one batch of errors. */
const maxOperations = 50_000

/** How long a command may wait for the locks of others before they are ended: milliseconds, longer with each attempt. */
const waits = [500, 2000, 10_000]

/** How often the catalog is compared before the baseline counts as one that cannot be made again. */
const maxRounds = 5

/** The server's version of the wire protocol that has `bulkWrite` for several collections. */
const bulkWriteVersion = 25

/**
 * Says what is still different after all attempts.
 *
 * @internal
 */
export class CannotRestore extends Error {}

type Operation =
  | { readonly delete: number; readonly filter: Driver.Document; readonly multi: true }
  | { readonly insert: number; readonly document: Driver.Document }

/** The documents, cut into parts that fit into a command. */
const parts = (documents: ReadonlyArray<Driver.Document>): ReadonlyArray<ReadonlyArray<Driver.Document>> => {
  const all: Array<Array<Driver.Document>> = []
  let room = 0
  for (const document of documents) {
    const size = Driver.BSON.calculateObjectSize(document) + 64
    const last = all.at(-1)
    if (last === undefined || size > room || last.length === maxOperations) {
      all.push([document])
      room = maxCommandSize - size
    } else {
      last.push(document)
      room -= size
    }
  }
  return all
}

const settings = { bypassDocumentValidation: true, writeConcern: { w: "majority" } } as const

/** The error of a write that a reply to a command has. */
const firstError = (reply: Driver.Document): Driver.MongoServerError | undefined => {
  const failed = (reply["cursor"]?.firstBatch ?? reply["writeErrors"])?.[0]
  return failed === undefined || failed.ok === 1 ? undefined : new Driver.MongoServerError(failed)
}

const write = async (db: Driver.Db, command: Driver.Document): Promise<void> => {
  const error = firstError(await db.command(command))
  if (error !== undefined) throw error
}

/**
 * How the documents of a database become those of the baseline.
 *
 * @internal
 */
export type Refill = (maxTimeMS: number) => Promise<void>

const refillAtOnce = (
  client: Driver.MongoClient,
  database: string,
  names: ReadonlyArray<string>,
  fixtures: Record["fixtures"]
): Refill => {
  const admin = client.db("admin")
  const nsInfo = names.map((name) => ({ ns: `${database}.${name}` }))
  const deletes = names.map((_, index): Operation => ({ delete: index, filter: {}, multi: true }))
  const inserts = names.flatMap((name, index) =>
    parts(fixtures.get(name) ?? []).map((part) => part.map((document): Operation => ({ insert: index, document })))
  )
  // Most baselines fit into one command.
  const first = inserts.length === 1 ? [[...deletes, ...inserts[0]!]] : [deletes, ...inserts]
  const commands = first.filter((ops) => ops.length > 0).map((ops) => ({
    bulkWrite: 1,
    ops,
    nsInfo,
    errorsOnly: true,
    ...settings
  }))
  return async (maxTimeMS) => {
    for (const command of commands) await write(admin, { ...command, maxTimeMS })
  }
}

/** For servers before 8.0. */
const refillApart = (
  client: Driver.MongoClient,
  database: string,
  names: ReadonlyArray<string>,
  fixtures: Record["fixtures"]
): Refill => {
  const db = client.db(database)
  const commands = names.map((name): ReadonlyArray<Driver.Document> => [
    { delete: name, deletes: [{ q: {}, limit: 0 }], writeConcern: settings.writeConcern },
    ...parts(fixtures.get(name) ?? []).map((documents) => ({ insert: name, documents, ...settings }))
  ])
  return async (maxTimeMS) => {
    const done = await Promise.allSettled(commands.map(async (commands) => {
      for (const command of commands) await write(db, { ...command, maxTimeMS })
    }))
    for (const outcome of done) if (outcome.status === "rejected") throw outcome.reason
  }
}

/** @internal */
export const makeRefill = async (
  client: Driver.MongoClient,
  database: string,
  { catalog, fixtures }: Record,
  apart?: boolean
): Promise<Refill> => {
  const hello = await client.db("admin").command({ hello: 1 })
  const names = [...catalog.values()].filter(({ name, type }) => type !== "view" && name !== "system.views")
    .map(({ name }) => name)
  return (apart ?? hello["maxWireVersion"] < bulkWriteVersion ? refillApart : refillAtOnce)(
    client,
    database,
    names,
    fixtures
  )
}

/** An index without a collation must say so in a collection that has one. */
const indexSpec = (spec: Driver.Document, collection: Driver.Document): Driver.Document =>
  collection["collation"] === undefined || "collation" in spec ? spec : { ...spec, collation: { locale: "simple" } }

const hasCode = (error: unknown, codes: ReadonlyArray<number>): boolean =>
  error instanceof Driver.MongoServerError && codes.includes(Number(error.code))

/** Somebody else was faster. */
const ignoring = (...codes: ReadonlyArray<number>) => (error: unknown): void => {
  if (!hasCode(error, codes)) throw error
}

const namespaceNotFound = 26
const indexNotFound = 27
const namespaceExists = 48

const carryOut = async (
  client: Driver.MongoClient,
  database: string,
  plan: Plan,
  maxTimeMS: number
): Promise<void> => {
  const db = client.db(database)
  const run = (command: Driver.Document) => db.command({ ...command, maxTimeMS })
  if (plan.drop.includes("system.profile")) await run({ profile: 0 })
  for (const { from, to } of plan.rename) {
    await client.db("admin").command({
      renameCollection: `${database}.${from}`,
      to: `${database}.${to}`,
      dropTarget: true,
      maxTimeMS
    }).catch(ignoring(namespaceNotFound))
  }
  for (const name of plan.drop) await run({ drop: name }).catch(ignoring(namespaceNotFound))
  for (const { collection, names } of plan.dropIndexes) {
    await run({ dropIndexes: collection, index: names }).catch(ignoring(namespaceNotFound, indexNotFound))
  }
  for (const { name, options } of plan.create) await run({ create: name, ...options }).catch(ignoring(namespaceExists))
  for (const { entry, indexes } of plan.createIndexes) {
    // The documents of the run may not fit into the indexes.
    await write(db, {
      delete: entry.name,
      deletes: [{ q: {}, limit: 0 }],
      maxTimeMS,
      writeConcern: settings.writeConcern
    })
    await run({ createIndexes: entry.name, indexes: indexes.map(({ spec }) => indexSpec(spec, entry.options)) })
  }
}

const differences = ({ create, createIndexes, drop, dropIndexes, rename }: Plan): string =>
  [
    ...rename.map(({ from, to }) => `${to} is named ${from}`),
    ...drop.map((name) => `${name} is new or has other options`),
    ...create.map(({ name }) => `${name} is missing or has other options`),
    ...dropIndexes.map(({ collection, names }) => `${collection} has other indexes: ${names.join(", ")}`),
    ...createIndexes.map(({ entry }) => `${entry.name} has not all of its indexes`)
  ].join("; ")

const maxTimeMSExpired = 50
const lockTimeout = 24
const writeConflict = 112

/**
 * A database and its way back to the baseline.
 *
 * @internal
 */
export class Restorer {
  private readonly client: Driver.MongoClient
  private readonly database: string
  private readonly catalog: Catalog
  private readonly refill: Refill
  private readonly readCatalog: () => Promise<ReadonlyArray<Uint8Array>>
  /** What the server says of the database when it is as recorded. */
  private known: ReadonlyArray<Uint8Array> | undefined
  /** An interrupted fiber does not wait for its reset, so the next one does. */
  private before: Promise<unknown> = Promise.resolve()

  constructor(client: Driver.MongoClient, database: string, record: Record, refill: Refill, apart?: boolean) {
    this.client = client
    this.database = database
    this.catalog = record.catalog
    this.refill = refill
    this.readCatalog = catalogReader(client, database, apart)
  }

  /** Empties the database, undoes what has changed, and inserts the fixtures. */
  restore(): Promise<void> {
    const done = this.before.then(() => this.unlessBlocked())
    this.before = done.catch(() => undefined)
    return done
  }

  /** The end of the last reset, whatever became of it. */
  get settled(): Promise<unknown> {
    return this.before
  }

  private async unlessBlocked(): Promise<void> {
    for (const [attempt, wait] of waits.entries()) {
      try {
        return await this.attempt(wait)
      } catch (error) {
        if (attempt === waits.length - 1 || !hasCode(error, [maxTimeMSExpired, lockTimeout, writeConflict])) throw error
        await endBlockers(this.client, this.database)
      }
    }
  }

  private async attempt(maxTimeMS: number): Promise<void> {
    const [refilled, read] = await Promise.allSettled([
      this.refill(maxTimeMS),
      this.readCatalog()
    ])
    if (read.status === "rejected") throw read.reason
    let plan = this.planFor(read.value)
    if (plan === undefined) {
      if (refilled.status === "rejected") throw refilled.reason
      return
    }
    // The documents could not be replaced because of what has changed, or because something blocks.
    if (refilled.status === "rejected" && hasCode(refilled.reason, [maxTimeMSExpired])) throw refilled.reason
    for (let round = 0; plan !== undefined; round++) {
      if (round === maxRounds) {
        throw new CannotRestore(`${this.database} cannot be brought back to its baseline: ${differences(plan)}`)
      }
      await carryOut(this.client, this.database, plan, maxTimeMS)
      plan = this.planFor(await this.readCatalog())
    }
    await this.refill(maxTimeMS)
  }

  private planFor(rows: ReadonlyArray<Uint8Array>): Plan | undefined {
    if (this.known !== undefined && sameRows(rows, this.known)) return undefined
    const plan = planOf(this.catalog, toCatalog(rows))
    if (plan === undefined) this.known = rows
    return plan
  }
}
