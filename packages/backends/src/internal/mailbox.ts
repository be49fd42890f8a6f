/**
 * The mailbox of a cluster: how messages and replies are written and read.
 */
import { Integration, type MongoDatabase, type MongoError } from "@mongofx/core"
import type { NonEmptyArray } from "effect/Array"
import { PersistenceError } from "effect/cluster/ClusterError"
import type * as Envelope from "effect/cluster/Envelope"
import * as MessageStorage from "effect/cluster/MessageStorage"
import type * as Reply from "effect/cluster/Reply"
import * as Snowflake from "effect/cluster/Snowflake"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import { ObjectId } from "mongodb"
import {
  claiming,
  deliverable,
  envelopeOf,
  free,
  idOf,
  type MessageDocument,
  messageIndexes,
  messageOf,
  type ReplyDocument,
  replyDocument,
  replyIndexes,
  replyOf,
  saysTheSame,
  sentTo,
  unclaiming
} from "./messages.ts"
import { ownersOf } from "./owners.ts"
import { heldByAny, type LockDocument } from "./shardLocks.ts"
import { indexing, makeStore, type StoreOptions } from "./store.ts"

/**
 * The messages of a cluster whose collections begin with a prefix.
 *
 * @internal
 */
export const messagesOf = (
  database: MongoDatabase.MongoDatabase,
  prefix: string | undefined,
  options: Pick<StoreOptions, "deadline"> = {}
) => makeStore<MessageDocument>(database, `${prefix ?? "cluster"}_messages`, options)

/**
 * Fails as the storages of a cluster do, and makes no spans.
 *
 * @internal
 */
export const failing = <A, R>(
  self: Effect.Effect<A, MongoError.MongoError | PersistenceError, R>
): Effect.Effect<A, PersistenceError, R> =>
  Effect.mapError(self, (cause) => cause._tag === "PersistenceError" ? cause : new PersistenceError({ cause })).pipe(
    Effect.withTracerEnabled(false)
  )

const isDuplicate = (error: MongoError.MongoError | PersistenceError): boolean =>
  error._tag === "MongoError" && error.reason._tag === "DuplicateKeyError"

/**
 * Runs an effect in a transaction, once: the notifications of the first attempt would be sent with those of the second one. What the effect fails with stays, and a
 * failure of the transaction is a defect.
 */
const transacted = (database: MongoDatabase.MongoDatabase): MessageStorage.Encoded["withTransaction"] => {
  const withTransaction = Integration.withTransaction(database)
  return <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    Effect.suspend(() => {
      let own: Exit.Exit<A, E> | undefined
      const body = Effect.onExit(effect, (exit) =>
        Effect.sync(() => {
          own = exit
        }))
      return Effect.catch(
        withTransaction(body, { rerun: false }),
        (error): Effect.Effect<A, E> => own !== undefined && Exit.isFailure(own) ? own : Effect.die(error)
      )
    })
}

/** A request that has an exit, or waits for an acknowledgement, is none of the mailbox. After this it is one again. */
const again = { $set: { processed: false, waiting: false, lastReplyId: null, lastRead: null } }

/**
 * Makes the storage of messages and replies, and its indexes.
 *
 * @internal
 */
export const makeMailbox = Effect.fnUntraced(function*(
  database: MongoDatabase.MongoDatabase,
  prefix: string | undefined,
  options: Pick<StoreOptions, "deadline">
) {
  const { collection: messages, inTime, run } = messagesOf(database, prefix, options)
  const { collection: replies } = makeStore<ReplyDocument>(database, `${prefix ?? "cluster"}_replies`, options)
  const { collection: locks } = makeStore<LockDocument>(database, `${prefix ?? "cluster"}_locks`, options)
  yield* indexing(
    Integration.withoutTransaction(database),
    Effect.andThen(messages.createIndexes(messageIndexes), replies.createIndexes(replyIndexes))
  )

  const withTransaction = Integration.withTransaction(database)
  /** Writes all or nothing: in the transaction around it, or in one of its own. */
  const atomically = <A, R>(self: Effect.Effect<A, MongoError.MongoError, R>) => inTime(withTransaction(self))
  const isInside = Effect.map(Integration.ambient(messages), ({ inTransaction }) => inTransaction)
  /** The same, for a write that is done already if something is found. In a transaction around it, its failure is the end of that. */
  const once = <E extends MongoError.MongoError | PersistenceError, R>(
    self: Effect.Effect<unknown, E, R>,
    done: Effect.Effect<Option.Option<unknown>, MongoError.MongoError>
  ): Effect.Effect<void, E | MongoError.MongoError, R> =>
    Effect.flatMap(isInside, (isIn) =>
      Effect.catch(
        Effect.asVoid(withTransaction(self)),
        (error) =>
          isIn || !isDuplicate(error)
            ? Effect.fail(error)
            : Effect.flatMap(done, (found) => Option.isSome(found) ? Effect.void : Effect.fail(error))
      ))

  // ---- requests

  /** What the sender of a request has got of it: its only reply, or the last chunk that it has acknowledged. */
  const received = Effect.fnUntraced(function*(requestId: MessageDocument["_id"]) {
    const chunk = yield* replies.findOne({ requestId, kind: "chunk" }, { sort: { acked: -1, sequence: -1 } })
    if (Option.isSome(chunk)) return Option.map(Option.filter(chunk, ({ acked }) => acked), replyOf)
    return Option.map(yield* replies.findOne({ requestId, kind: "exit" }), replyOf)
  })

  const duplicateOf = Effect.fnUntraced(function*({ _id, messageId }: MessageDocument) {
    const first = yield* messages.findOne(
      messageId === undefined ? { _id } : { $or: [{ messageId }, { _id }] },
      { projection: { _id: 1 } }
    )
    if (Option.isNone(first)) return Option.none()
    return Option.some(MessageStorage.SaveResultEncoded.Duplicate({
      originalId: Snowflake.Snowflake(String(first.value._id)),
      lastReceivedReply: yield* received(first.value._id)
    }))
  })

  const saveRequest = Effect.fnUntraced(function*(message: MessageDocument) {
    // The first failure of a transaction is its end, so a duplicate key must not be one.
    const isIn = yield* isInside
    const known = isIn ? yield* duplicateOf(message) : Option.none()
    if (Option.isSome(known)) return known.value
    return yield* Effect.as(messages.insertOne(message as never), MessageStorage.SaveResultEncoded.Success()).pipe(
      Effect.catch((error) =>
        isIn || !isDuplicate(error) ? Effect.fail(error) : Effect.flatMap(
          duplicateOf(message),
          // It was cleared in between.
          Option.match({ onNone: () => Effect.fail(error), onSome: Effect.succeed })
        )
      )
    )
  })

  // ---- acknowledgements and interruptions

  /** Both write to their request: so the server lets none of them commit beside an exit of the same moment. */
  const counting = { $inc: { signals: 1 } }

  const saveAck = Effect.fnUntraced(function*(envelope: Envelope.AckChunkEncoded) {
    const requestId = idOf(envelope.requestId)
    yield* replies.updateOne({ _id: idOf(envelope.replyId), requestId, kind: "chunk" }, { $set: { acked: true } })
    const left = yield* replies.findOne({ requestId, kind: "chunk", acked: false }, { projection: { _id: 1 } })
    const request = yield* messages.findOneAndUpdate(
      { _id: requestId },
      { $set: { waiting: Option.isSome(left) }, ...counting },
      { projection: { processed: 1 } }
    )
    yield* messages.updateMany({ requestId, kind: "ack", processed: false }, { $set: { processed: true } })
    return Option.exists(request, ({ processed }) => processed)
  })

  const saveInterrupt = (envelope: Envelope.InterruptEncoded) =>
    Effect.map(
      messages.findOneAndUpdate(
        { _id: idOf(envelope.requestId) },
        counting,
        { projection: { processed: 1 } }
      ),
      Option.exists(({ processed }) => processed)
    )

  const saveSignal = (
    options: Parameters<MessageStorage.Encoded["saveEnvelope"]>[0],
    envelope: Envelope.AckChunkEncoded | Envelope.InterruptEncoded
  ) =>
    once(
      Effect.flatMap(
        envelope._tag === "AckChunk" ? saveAck(envelope) : saveInterrupt(envelope),
        (processed) => messages.insertOne(messageOf(options, processed) as never)
      ),
      messages.findOne({ _id: idOf(envelope.id) })
    ).pipe(Effect.as(MessageStorage.SaveResultEncoded.Success()))

  // ---- replies

  const saveReply = Effect.fnUntraced(function*(reply: Reply.Encoded) {
    const requestId = idOf(reply.requestId)
    const lastReplyId = idOf(reply.id)
    const { matchedCount } = reply._tag === "Chunk"
      ? yield* messages.updateOne({ _id: requestId, processed: false }, { $set: { lastReplyId, waiting: true } })
      : yield* messages.updateMany({ requestId }, { $set: { lastReplyId, waiting: false, processed: true } })
    if (matchedCount > 0) return yield* replies.insertOne(replyDocument(reply) as never)
    // The messages of the entity were cleared while it worked, or a process that was stopped goes on with a stream that another one has ended.
    if (yield* messages.countDocuments({ _id: requestId })) {
      return yield* new PersistenceError({
        cause: new Error(`request ${reply.requestId} has its exit, so it gets no chunk`)
      })
    }
  })

  /** The reply, if it is stored. An exit is tried again with another identifier, so what it says counts. */
  const storedReply = (reply: Reply.Encoded) =>
    reply._tag === "Chunk"
      ? replies.findOne({ _id: idOf(reply.id) })
      : Effect.map(
        replies.findOne({ requestId: idOf(reply.requestId), kind: "exit" }),
        Option.filter((stored) => saysTheSame(replyOf(stored), reply))
      )

  const clearReplies = Effect.fnUntraced(function*(id: bigint, expected: bigint | undefined) {
    const requestId = idOf(id)
    if (expected === undefined) {
      yield* messages.updateOne({ _id: requestId }, again)
      yield* messages.deleteMany({ requestId, kind: "interrupt" })
    } else {
      const { matchedCount } = yield* messages.updateOne({ _id: requestId, lastReplyId: idOf(expected) }, again)
      if (matchedCount === 0) return
      yield* messages.updateMany({ requestId, kind: "interrupt" }, again)
    }
    yield* replies.deleteMany({ requestId })
  })

  const repliesOf = (requestIds: ReadonlyArray<string>, filter: object) =>
    Effect.map(
      replies.find({ requestId: { $in: requestIds.map(idOf) }, ...filter }).sort({ seq: 1 }),
      (found) => found.map(replyOf)
    )

  // ---- reading

  /** With the last chunk of each request, which says where a stream goes on. */
  const delivered = Effect.fnUntraced(function*(found: ReadonlyArray<MessageDocument>) {
    const ids = found.flatMap(({ lastReplyId }) => lastReplyId === null ? [] : [lastReplyId])
    const last = ids.length === 0 ? [] : yield* replies.find({ _id: { $in: ids } })
    const byId = new Map(last.map((reply) => [String(reply._id), replyOf(reply)]))
    return found.map((message) => ({
      envelope: envelopeOf(message),
      lastSentReply: message.kind === "request"
        ? Option.fromNullishOr(byId.get(String(message.lastReplyId)))
        : Option.none<Reply.Encoded>()
    }))
  })

  /** The claims of reads that have failed: nobody has got their messages. */
  const unread = new Set<string>()
  const giveBack = Effect.fnUntraced(function*(shards: ReadonlyArray<string>) {
    const lost = [...unread]
    if (lost.length === 0) return
    yield* messages.updateMany({ processed: false, shardId: { $in: shards }, claim: { $in: lost } }, unclaiming)
    for (const token of lost) unread.delete(token)
  })

  const claim = Effect.fnUntraced(function*(
    shardIds: NonEmptyArray<string>,
    now: number,
    options: Parameters<MessageStorage.Encoded["unprocessedMessages"]>[2]
  ) {
    const owners = ownersOf(locks.fullName)
    // Who was stopped may believe that it still has a shard.
    const shards = owners.length === 0 ? shardIds : yield* Effect.map(
      locks.find({ _id: { $in: shardIds }, ...heldByAny(owners) }).project<{ readonly _id: string }>({ _id: 1 }),
      (held) => held.map(({ _id }) => _id)
    )
    if (shards.length === 0) return []
    yield* giveBack(shards)
    const mayHave = {
      $and: [
        deliverable(now),
        { shardId: { $in: shards }, ...free(owners) },
        ...(options?.addresses === undefined ? [] : [sentTo(options.addresses)])
      ]
    }
    const query = messages.find(mayHave).sort({ seq: 1 })
    const found = yield* options?.limit === undefined ? query : query.limit(Math.floor(options.limit))
    if (found.length === 0) return []
    const token = new ObjectId().toHexString()
    const ids = { _id: { $in: found.map(({ _id }) => _id) } }
    return yield* Effect.gen(function*() {
      const { matchedCount } = yield* messages.updateMany({ ...ids, ...mayHave }, claiming(token, owners[0] ?? null))
      // Somebody else has read, or ended, some of them.
      const mine = matchedCount === found.length
        ? found
        : yield* messages.find({ ...ids, claim: token }).sort({ seq: 1 })
      return yield* delivered(mine)
    }).pipe(Effect.onError(() => Effect.sync(() => unread.add(token))))
  })

  const reset = (filter: object) =>
    messages.updateMany({ processed: false, lastRead: { $ne: null }, ...filter }, unclaiming).pipe(
      Effect.asVoid,
      run,
      failing
    )

  const encoded: MessageStorage.Encoded = {
    saveEnvelope: (options) =>
      (options.envelope._tag === "Request"
        ? saveRequest(messageOf(options))
        : saveSignal(options, options.envelope)).pipe(inTime, failing),
    saveReply: (reply) => once(saveReply(reply), storedReply(reply)).pipe(inTime, failing),
    clearReplies: (requestId, options) => clearReplies(requestId, options?.expectedReplyId).pipe(atomically, failing),
    requestIdForPrimaryKey: (messageId) =>
      Effect.map(
        messages.findOne({ messageId }, { projection: { _id: 1 } }),
        Option.map(({ _id }) => Snowflake.Snowflake(String(_id)))
      ).pipe(inTime, failing),
    repliesFor: (requestIds) => repliesOf(requestIds, { $or: [{ kind: "exit" }, { acked: false }] }).pipe(run, failing),
    repliesForUnfiltered: (requestIds) => repliesOf(requestIds, {}).pipe(run, failing),
    unprocessedMessages: (shardIds, now, options) =>
      // For the server no limit is 0.
      options?.addresses?.length === 0 || (options?.limit ?? 1) < 1
        ? Effect.succeed([])
        : claim(shardIds, now, options).pipe(run, failing),
    unprocessedMessagesById: (ids, now) =>
      Effect.flatMap(
        messages.find({ _id: { $in: ids.map(idOf) }, ...deliverable(now) }).sort({ seq: 1 }),
        delivered
      ).pipe(run, failing),
    resetRequests: (ids) => ids.length === 0 ? Effect.void : reset({ _id: { $in: ids.map(idOf) } }),
    resetAddresses: (addresses) => addresses.length === 0 ? Effect.void : reset(sentTo(addresses)),
    resetShards: (shardIds) => reset({ shardId: { $in: shardIds } }),
    clearAddress: ({ entityId, entityType }) =>
      Effect.gen(function*() {
        const sent = { entityType, entityId }
        const found = yield* messages.find(sent).project<Pick<MessageDocument, "_id">>({ _id: 1 })
        yield* replies.deleteMany({ requestId: { $in: found.map(({ _id }) => _id) } })
        yield* messages.deleteMany(sent)
      }).pipe(atomically, failing),
    withTransaction: transacted(database)
  }
  return encoded
})
