/**
 * The messages and replies of a cluster as documents: what is stored, filters and updates, made of plain values.
 *
 * A message waits while its request has a chunk that nobody has acknowledged, and is processed when its request has an exit. Replies and acknowledgements
 * keep these fields, so a read of the mailbox looks at messages alone.
 */
import type * as Envelope from "effect/cluster/Envelope"
import type * as Reply from "effect/cluster/Reply"
import * as ShardId from "effect/cluster/ShardId"
import { type Document, Long, Timestamp } from "mongodb"
import { fitsDocument } from "./json.ts"

/** An identifier as it is read: small ones are numbers. */
type Id = Long | number

/** JSON as a document, or as text if no document can have it. */
type Json<Name extends string> = { readonly [_ in Name]?: unknown } & { readonly text?: string }

/**
 * A message: a request, or an acknowledgement or an interruption of one.
 *
 * @internal
 */
export type MessageDocument = Json<"envelope"> & {
  /** The snowflake of the message. */
  readonly _id: Id
  /** When the server inserted it: the order of the mailbox. Snowflakes of several processes have none. */
  readonly seq: Timestamp
  readonly kind: "request" | "ack" | "interrupt"
  /** The primary key, if it has one: only one message has it. */
  readonly messageId?: string
  readonly requestId: Id
  readonly shardId: string
  readonly entityType: string
  readonly entityId: string
  /** When it may be delivered at the earliest, in milliseconds of the program's clock. */
  readonly deliverAt: number | null
  readonly processed: boolean
  readonly waiting: boolean
  readonly lastReplyId: Id | null
  /** When it was read to be delivered, and by which read. */
  readonly lastRead: Date | null
  readonly claim?: string
  /** The owner of the lock on the shard that has read it. */
  readonly claimedBy?: string | null
  /** How many acknowledgements and interruptions a request has got. */
  readonly signals?: number
}

/**
 * A reply.
 *
 * @internal
 */
export type ReplyDocument = Json<"reply"> & {
  /** The snowflake of the reply. */
  readonly _id: Id
  /** When the server inserted it. */
  readonly seq: Timestamp
  readonly kind: "exit" | "chunk"
  readonly requestId: Id
  /** The number of a chunk. */
  readonly sequence?: number
  readonly acked: boolean
}

/**
 * A snowflake as it is stored.
 *
 * @internal
 */
export const idOf = (snowflake: string | bigint): Long => Long.fromString(String(snowflake))

const storing = <Name extends string>(name: Name, value: unknown): Json<Name> => {
  // As JSON has it: without fields that are undefined.
  const text = JSON.stringify(value)
  const json = JSON.parse(text) as unknown
  return (fitsDocument(json) ? { [name]: json } : { text }) as Json<Name>
}

/**
 * The envelope of a message.
 *
 * @internal
 */
export const envelopeOf = ({ envelope, text }: MessageDocument): Envelope.Encoded =>
  (text === undefined ? envelope : JSON.parse(text)) as Envelope.Encoded

/**
 * What was replied.
 *
 * @internal
 */
export const replyOf = ({ reply, text }: ReplyDocument): Reply.Encoded =>
  (text === undefined ? reply : JSON.parse(text)) as Reply.Encoded

/**
 * Whether two exits are the same, whatever their identifiers are.
 *
 * @internal
 */
export const saysTheSame = (stored: Reply.Encoded, reply: Reply.WithExitEncoded): boolean =>
  stored._tag === "WithExit" && JSON.stringify(stored.exit) === JSON.stringify(reply.exit)

/** The server puts its time here, different for each insert. */
const now = new Timestamp({ t: 0, i: 0 })

const kinds = { Request: "request", AckChunk: "ack", Interrupt: "interrupt" } as const

/**
 * The document of a message that is sent.
 *
 * @internal
 */
export const messageOf = (
  { deliverAt, envelope, primaryKey }: {
    readonly envelope: Envelope.Encoded
    readonly primaryKey: string | null
    readonly deliverAt: number | null
  },
  processed = false
): MessageDocument => ({
  _id: idOf(envelope._tag === "Request" ? envelope.requestId : envelope.id),
  seq: now,
  kind: kinds[envelope._tag],
  ...(primaryKey === null ? {} : { messageId: primaryKey }),
  requestId: idOf(envelope.requestId),
  shardId: ShardId.toString(envelope.address.shardId),
  entityType: envelope.address.entityType,
  entityId: envelope.address.entityId,
  ...storing("envelope", envelope),
  deliverAt,
  processed,
  waiting: false,
  lastReplyId: null,
  lastRead: null
})

/**
 * The document of a reply.
 *
 * @internal
 */
export const replyDocument = (reply: Reply.Encoded): ReplyDocument => ({
  _id: idOf(reply.id),
  seq: now,
  kind: reply._tag === "Chunk" ? "chunk" : "exit",
  requestId: idOf(reply.requestId),
  ...(reply._tag === "Chunk" ? { sequence: reply.sequence } : {}),
  acked: false,
  ...storing("reply", reply)
})

/**
 * The indexes of messages. The partial ones have the messages that nobody has processed, and those with a key.
 *
 * @internal
 */
export const messageIndexes = [
  { key: { messageId: 1 }, unique: true, partialFilterExpression: { messageId: { $exists: true } } },
  { key: { shardId: 1, seq: 1 }, partialFilterExpression: { processed: false } },
  { key: { deliverAt: 1 }, partialFilterExpression: { processed: false, deliverAt: { $gt: 0 } } },
  { key: { requestId: 1 } },
  { key: { entityType: 1, entityId: 1 } }
]

/**
 * The indexes of replies. A request has one exit, and one chunk of each number.
 *
 * @internal
 */
export const replyIndexes = [
  { key: { requestId: 1, seq: 1 } },
  { key: { requestId: 1 }, unique: true, partialFilterExpression: { kind: "exit" } },
  { key: { requestId: 1, sequence: 1 }, unique: true, partialFilterExpression: { kind: "chunk" } }
]

/** How long a message belongs to the read that has got it, in milliseconds. */
const claimExpiration = 10 * 60 * 1000

/** The messages that no read has got lately. */
const unclaimed = { $expr: { $lte: ["$lastRead", { $subtract: ["$$NOW", claimExpiration] }] } }

/**
 * The messages that a read may have: no other one has got them lately. The claims of processes that have lost the lock on the shard do not count.
 *
 * @internal
 */
export const free = (owners: ReadonlyArray<string>) =>
  owners.length === 0 ? unclaimed : { $or: [unclaimed, { claimedBy: { $nin: [...owners] } }] }

/**
 * The messages that may be delivered at a time of the program's clock.
 *
 * @internal
 */
export const deliverable = (now: number) => ({
  processed: false,
  waiting: false,
  $or: [{ deliverAt: null }, { deliverAt: { $lte: now } }]
})

/**
 * Gives messages to a read.
 *
 * @internal
 */
export const claiming = (claim: string, claimedBy: string | null): Array<Document> => [
  { $set: { lastRead: "$$NOW", claim, claimedBy } }
]

/**
 * Lets the next read have messages.
 *
 * @internal
 */
export const unclaiming = { $set: { lastRead: null } }

/**
 * The messages of some entities.
 *
 * @internal
 */
export const sentTo = (
  addresses: ReadonlyArray<
    { readonly shardId: ShardId.ShardId; readonly entityType: string; readonly entityId: string }
  >
): { readonly $or: Array<{ readonly shardId: string; readonly entityType: string; readonly entityId: object }> } => {
  const groups = new Map<string, { readonly shardId: string; readonly entityType: string; ids: Array<string> }>()
  for (const { entityId, entityType, shardId } of addresses) {
    const key = JSON.stringify([String(shardId), entityType])
    const group = groups.get(key) ?? { shardId: String(shardId), entityType, ids: [] }
    group.ids.push(entityId)
    groups.set(key, group)
  }
  return {
    $or: Array.from(
      groups.values(),
      ({ entityType, ids, shardId }) => ({ shardId, entityType, entityId: { $in: ids } })
    )
  }
}

/**
 * The changes by which a message may have become deliverable: it was sent, or its request was cleared.
 *
 * @internal
 */
export const wakes: ReadonlyArray<Document> = [
  {
    $match: {
      $or: [{ operationType: "insert" }, { "updateDescription.updatedFields.processed": false }]
    }
  },
  { $project: { operationType: 1, documentKey: 1, ns: 1, "fullDocument.shardId": 1, "fullDocument.deliverAt": 1 } }
]
