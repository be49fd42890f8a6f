/**
 * The commands of a router that have no method in the driver: shard keys, zones, and where documents are.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Driver from "mongodb"
import type { MongoClient } from "../../MongoClient.ts"
import type { MongoCollection } from "../../MongoCollection.ts"
import type { MongoError } from "../../MongoError.ts"
import type {
  ReshardCollectionOptions,
  ReshardingProgress,
  Shard,
  ShardCollectionOptions,
  ShardedCollection,
  ShardKey,
  ShardShare,
  ZoneKeyRange
} from "../../MongoSharding.ts"
import type { CallOptions } from "../call/call.ts"
import { type Connection, connectionOf } from "../call/connection.ts"
import type { Operation } from "../call/description.ts"
import { run } from "../call/operation.ts"
import { defined, limitCommand } from "../call/options.ts"
import { numberOf, plainNumbers } from "../driver/replyNumbers.ts"
import { checkCommand, checkGiven, checkName } from "../input/check.ts"
import { InvalidInput } from "../input/invalidInput.ts"

type Collection = Pick<MongoCollection, "database" | "fullName" | "name">

const operationOn = (collection: Collection, name: string, command: string): Operation => ({
  name,
  command,
  database: collection.database.name,
  collection: collection.name
})

const admin = (connection: Connection): Driver.Db => connection.driver.db("admin")

const send = (connection: Connection, command: Driver.Document, options: CallOptions): Promise<Driver.Document> => {
  checkCommand(command)
  return admin(connection).command(...limitCommand(command, { ...options, ...plainNumbers }))
}

const checkNames = (collection: Collection): void => {
  checkName(collection.database.name, "database")
  checkName(collection.name, "collection")
}

const kinds: ReadonlySet<unknown> = new Set([1, "hashed"])

const checkKey = (key: ShardKey): void => {
  checkGiven(key, "key")
  const fields = Object.entries(key ?? {})
  if (fields.length === 0) throw new InvalidInput("key", "key has no fields: name one at least")
  const wrong = fields.find(([, kind]) => !kinds.has(kind))
  if (wrong !== undefined) throw new InvalidInput(`key.${wrong[0]}`, `key.${wrong[0]} is not 1 or "hashed"`)
}

const onCollection = (
  collection: Collection,
  name: string,
  command: (namespace: string) => Driver.Document,
  options?: object
): Effect.Effect<void, MongoError> =>
  Effect.asVoid(run(connectionOf(collection), operationOn(collection, name, name), (callOptions) => {
    checkNames(collection)
    checkGiven(options)
    return send(connectionOf(collection), command(collection.fullName), callOptions)
  }))

const withKey = (name: string, collection: Collection, key: ShardKey, options: object | undefined) =>
  onCollection(collection, name, (namespace) => {
    checkKey(key)
    return { [name]: namespace, key, ...defined(options) }
  }, options)

/** @internal */
export const shardCollection = (collection: Collection, key: ShardKey, options?: ShardCollectionOptions) =>
  withKey("shardCollection", collection, key, options)

/** @internal */
export const refineCollectionShardKey = (collection: Collection, key: ShardKey) =>
  withKey("refineCollectionShardKey", collection, key, undefined)

/** @internal */
export const reshardCollection = (collection: Collection, key: ShardKey, options?: ReshardCollectionOptions) =>
  withKey("reshardCollection", collection, key, options)

/** @internal */
export const abortReshardCollection = (collection: Collection) =>
  onCollection(collection, "abortReshardCollection", (namespace) => ({ abortReshardCollection: namespace }))

const checkEnd = (end: Driver.Document | undefined, path: string): void => {
  checkGiven(end, path)
  if (Object.keys(end ?? {}).length === 0) {
    throw new InvalidInput(path, `${path} has no fields: give values for the first fields of the shard key`)
  }
}

/** @internal */
export const updateZoneKeyRange = (collection: Collection, range: ZoneKeyRange) =>
  onCollection(collection, "updateZoneKeyRange", (namespace) => {
    checkGiven(range, "range")
    const { max, min, zone }: Partial<ZoneKeyRange> = range ?? {}
    checkEnd(min, "range.min")
    checkEnd(max, "range.max")
    return { updateZoneKeyRange: namespace, min, max, zone }
  })

const onZone = (name: string, client: MongoClient, shard: string, zone: string): Effect.Effect<void, MongoError> =>
  Effect.asVoid(run(
    connectionOf(client),
    { name, command: name, database: "admin" },
    (options) => send(connectionOf(client), { [name]: shard, zone }, options)
  ))

/** @internal */
export const addShardToZone = (client: MongoClient, shard: string, zone: string) =>
  onZone("addShardToZone", client, shard, zone)

/** @internal */
export const removeShardFromZone = (client: MongoClient, shard: string, zone: string) =>
  onZone("removeShardFromZone", client, shard, zone)

const shardOf = ({ _id, draining, host, tags }: Driver.Document): Shard => ({
  name: String(_id),
  host: String(host),
  zones: Array.isArray(tags) ? tags.map(String) : [],
  isDraining: draining === true
})

/** @internal */
export const listShards = (client: MongoClient): Effect.Effect<Array<Shard>, MongoError> =>
  run(
    connectionOf(client),
    { name: "listShards", command: "listShards", database: "admin" },
    (options) => send(connectionOf(client), { listShards: 1 }, options),
    (reply) => (reply["shards"] as ReadonlyArray<Driver.Document>).map(shardOf)
  )

const aggregated = (
  collection: Collection,
  name: string,
  stages: ReadonlyArray<Driver.Document>
): Effect.Effect<Array<Driver.Document>, MongoError> =>
  run(connectionOf(collection), operationOn(collection, name, "aggregate"), async (options) => {
    checkNames(collection)
    return await admin(connectionOf(collection)).aggregate([...stages], { ...options, ...plainNumbers }).toArray()
  })

const shareOf = (share: Driver.Document): ShardShare => ({
  shard: String(share["shardName"]),
  documents: numberOf(share["numOwnedDocuments"]),
  bytes: numberOf(share["ownedSizeBytes"]),
  orphanedDocuments: numberOf(share["numOrphanedDocs"])
})

/** @internal */
export const distribution = (collection: Collection): Effect.Effect<Array<ShardShare>, MongoError> =>
  Effect.map(
    aggregated(collection, "distribution", [{ $shardedDataDistribution: {} }, { $match: { ns: collection.fullName } }]),
    (found) =>
      found.flatMap(({ shards }) => (shards as ReadonlyArray<Driver.Document>).map(shareOf))
        .sort((a, b) => a.shard < b.shard ? -1 : 1)
  )

/** @internal */
export const shardKeyOf = (collection: Collection): Effect.Effect<Option.Option<ShardedCollection>, MongoError> =>
  run(connectionOf(collection), operationOn(collection, "shardKeyOf", "find"), (options) => {
    checkNames(collection)
    return connectionOf(collection).driver.db("config").collection<{ readonly _id: string } & Driver.Document>(
      "collections"
    ).findOne({ _id: collection.fullName, unsplittable: { $ne: true } }, {
      ...options,
      ...plainNumbers,
      readConcern: { level: "majority" }
    })
  }, (found) =>
    found === null
      ? Option.none()
      : Option.some({ key: found["key"] as ShardKey, isUnique: found["unique"] === true }))

const sum = (parts: ReadonlyArray<Driver.Document>, field: string): number =>
  parts.reduce((total, part) => total + numberOf(part[field] ?? 0), 0)

const longest = (parts: ReadonlyArray<Driver.Document>, field: string): Option.Option<Duration.Duration> => {
  const known = parts.flatMap((part) => part[field] === undefined ? [] : [numberOf(part[field])])
  return known.length < parts.length || known.length === 0
    ? Option.none()
    : Option.some(Duration.seconds(Math.max(...known)))
}

const progressOf = (parts: ReadonlyArray<Driver.Document>): Option.Option<ReshardingProgress> => {
  if (parts.length === 0) return Option.none()
  const recipients = parts.filter((part) => part["recipientState"] !== undefined)
  return Option.some({
    documents: sum(recipients, "documentsCopied"),
    totalDocuments: sum(recipients, "approxDocumentsToCopy"),
    bytes: sum(recipients, "bytesCopied"),
    totalBytes: sum(recipients, "approxBytesToCopy"),
    elapsed: Option.getOrElse(longest(parts, "totalOperationTimeElapsedSecs"), () => Duration.zero),
    remaining: longest(recipients, "remainingOperationTimeEstimatedSecs"),
    states: parts.flatMap((part) =>
      (["donor", "recipient"] as const).flatMap((role) =>
        part[`${role}State`] === undefined
          ? []
          : [{ shard: String(part["shard"]), role, state: String(part[`${role}State`]) }]
      )
    )
  })
}

/** @internal */
export const reshardingProgress = (
  collection: Collection
): Effect.Effect<Option.Option<ReshardingProgress>, MongoError> =>
  Effect.map(
    aggregated(collection, "reshardingProgress", [
      { $currentOp: { allUsers: true, localOps: false } },
      { $match: { type: "op", "originatingCommand.reshardCollection": collection.fullName } }
    ]),
    progressOf
  )
