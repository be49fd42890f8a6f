/**
 * The messages and replies of a cluster on MongoDB: beside the memory driver, and what memory does not have: order, claims, transactions, deadlines.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoMessageStorage, MongoRunnerStorage } from "@mongofx/backends"
import { makeMailbox } from "@mongofx/backends/internal/mailbox"
import { MongoDatabase, type MongoError } from "@mongofx/core"
import { Cause, Context, Effect, Exit, Layer, Option, Random, Tracer } from "effect"
import {
  ClusterError,
  EntityAddress,
  EntityId,
  EntityType,
  type Envelope,
  MessageStorage,
  type Reply,
  RunnerAddress,
  RunnerStorage,
  ShardId,
  Sharding,
  ShardingConfig,
  Snowflake
} from "effect/cluster"
import { Long } from "mongodb"
import { failCommand, type Fixture, nothingLeft, seeded, setup, timed, until } from "test-support/utils"
import { oneOf } from "../support/backends.ts"

type Encoded = MessageStorage.Encoded

const mailboxOf = ({ db }: Pick<Fixture, "db">, prefix?: string) => makeMailbox(db, prefix, {})

const memory = Effect.map(
  Layer.build(MessageStorage.MemoryDriver.layer),
  (context) => Context.get(context, MessageStorage.MemoryDriver).encoded
)

// ---- envelopes and replies

let last = 0
/** A new snowflake. They are as large as real ones, and not in order. */
const fresh = () => String((1n << 58n) + BigInt(++last * 700_001 % 1_000_003) * 4096n)

interface Place {
  readonly shard?: number
  readonly entity?: string
}

const addressOf = ({ entity = "e1", shard = 1 }: Place) => ({
  shardId: { group: "default", id: shard },
  entityType: "Counter",
  entityId: entity
})

const entityAddress = ({ entity = "e1", shard = 1 }: Place) =>
  EntityAddress.make({
    shardId: ShardId.make("default", shard),
    entityType: EntityType.make("Counter"),
    entityId: EntityId.make(entity)
  })

const request = (
  place: Place & { readonly id?: string; readonly payload?: unknown } = {}
): Envelope.PartialRequestEncoded => ({
  _tag: "Request",
  requestId: place.id ?? fresh(),
  address: addressOf(place),
  tag: "Add",
  payload: place.payload ?? { $n: 1, text: "$now" },
  headers: { "x-a": "b" },
  traceId: "t",
  spanId: "s",
  sampled: true
})

const send = (
  mailbox: Encoded,
  envelope: Envelope.Encoded,
  options: { readonly key?: string; readonly deliverAt?: number } = {}
) => mailbox.saveEnvelope({ envelope, primaryKey: options.key ?? null, deliverAt: options.deliverAt ?? null })

const exitOf = (requestId: string, value: unknown = null): Reply.WithExitEncoded => ({
  _tag: "WithExit",
  id: fresh(),
  requestId,
  exit: { _tag: "Success", value }
})

const chunkOf = (requestId: string, sequence: number): Reply.ChunkEncoded => ({
  _tag: "Chunk",
  id: fresh(),
  requestId,
  sequence,
  values: [sequence]
})

const ackOf = (chunk: Reply.ChunkEncoded, place: Place = {}): Envelope.AckChunkEncoded => ({
  _tag: "AckChunk",
  id: fresh(),
  address: addressOf(place),
  requestId: chunk.requestId,
  replyId: chunk.id
})

const interruptOf = (requestId: string, place: Place = {}): Envelope.InterruptEncoded => ({
  _tag: "Interrupt",
  id: fresh(),
  address: addressOf(place),
  requestId
})

const shards = (...ids: ReadonlyArray<number>) => ids.map((id) => `default:${id}`) as [string, ...Array<string>]

const soon = () => Date.now() + 1000

type Read = Effect.Success<ReturnType<Encoded["unprocessedMessages"]>>
const read = (mailbox: Encoded, options?: Parameters<Encoded["unprocessedMessages"]>[2]) =>
  mailbox.unprocessedMessages(shards(1, 2, 3), soon(), options)
const idsOf = (found: Read) =>
  found.map(({ envelope }) =>
    envelope._tag === "Request" ? envelope.requestId : `${envelope._tag} ${envelope.requestId}`
  )
const requestsOf = (found: Read) => found.filter(({ envelope }) => envelope._tag === "Request")

describe("messages and replies", () => {
  it.live("are as in the memory driver, after random operations", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const [mongo, expected] = [yield* mailboxOf(fixture), yield* memory]
      const places = [1, 2, 3].flatMap((shard) => ["a", "b"].map((entity) => ({ shard, entity: `${entity}${shard}` })))
      // The requests without an exit, and whether somebody waits for the acknowledgement of a chunk.
      const open = new Map<string, { readonly place: Place; chunks: number }>()
      const all: Array<string> = []
      const placeOf = new Map<string, Place>()
      const gone = new Set<string>()
      const isThere = (id: string) => !gone.has(id)
      const count = new Map<string, number>()
      const both = <A, E>(name: string, what: (mailbox: Encoded) => Effect.Effect<A, E>, of: (a: A) => unknown = (a) =>
        a) =>
        Effect.gen(function*() {
          count.set(name, (count.get(name) ?? 0) + 1)
          assert.deepStrictEqual(of(yield* what(mongo)), of(yield* what(expected)), name)
        })
      const byRequest = (replies: ReadonlyArray<Reply.Encoded>) =>
        [...replies].sort((a, b) =>
          a.requestId < b.requestId ? -1 : a.requestId > b.requestId ? 1 : 0
        )
      const now = Date.now()
      for (let i = 0; i < 400; i++) {
        const known = all.length === 0 ? undefined : yield* oneOf(all)
        const working = open.size === 0 ? undefined : yield* oneOf([...open.keys()])
        const operation = yield* oneOf([
          "send",
          "send",
          "send",
          "send",
          "exit",
          "exit",
          "stream",
          "read",
          "byId",
          "replies",
          "all replies",
          "key",
          "clear",
          "clear if",
          "clear if",
          "reset shard",
          "reset addresses",
          "reset requests",
          "clear address",
          "again"
        ])
        if (operation === "send") {
          const place = yield* oneOf(places)
          const envelope = request({
            ...place,
            payload: yield* oneOf([null, 1, { $a: ["$b", { "c.d": "\ud800" }] }, { $ref: "x" }])
          })
          const key = (yield* oneOf([true, false])) ? `k${yield* Random.nextIntBetween(0, 40)}`.repeat(200) : undefined
          const deliverAt = (yield* oneOf([true, false, false])) ? now + (yield* oneOf([-1000, 600_000])) : undefined
          const options = { ...(key === undefined ? {} : { key }), ...(deliverAt === undefined ? {} : { deliverAt }) }
          let isNew = false
          yield* both("send", (mailbox) => send(mailbox, envelope, options), (result) => {
            isNew = result._tag === "Success"
            return result
          })
          if (isNew) {
            all.push(envelope.requestId)
            placeOf.set(envelope.requestId, place)
            open.set(envelope.requestId, { place, chunks: 0 })
          }
        } else if (operation === "again" && known !== undefined) {
          yield* both("again", (mailbox) => send(mailbox, request({ id: known, ...placeOf.get(known)! })), (result) => {
            if (result._tag === "Success") {
              gone.delete(known)
              open.set(known, { place: placeOf.get(known)!, chunks: 0 })
            }
            return result
          })
        } else if (operation === "exit" && working !== undefined) {
          const reply = exitOf(working, { $n: i })
          yield* both("exit", (mailbox) => mailbox.saveReply(reply))
          // The same once more changes nothing.
          yield* both("exit", (mailbox) => mailbox.saveReply(reply))
          open.delete(working)
        } else if (operation === "stream" && working !== undefined) {
          // The memory driver delivers a request whose chunk nobody has acknowledged. Here it is acknowledged at once.
          const state = open.get(working)!
          const chunk = chunkOf(working, state.chunks++)
          const ack = ackOf(chunk, state.place)
          yield* both("chunk", (mailbox) => mailbox.saveReply(chunk))
          yield* both("replies", (mailbox) => mailbox.repliesFor([working]))
          yield* both("ack", (mailbox) => send(mailbox, ack))
        } else if (operation === "read") {
          const addresses = yield* oneOf([undefined, [entityAddress(places[0]!), entityAddress(places[3]!)], []])
          yield* both("read", (mailbox) => mailbox.unprocessedMessages(shards(1, 3), now, { addresses }), requestsOf)
        } else if (operation === "byId" && known !== undefined) {
          yield* both(
            "byId",
            (mailbox) => mailbox.unprocessedMessagesById([Snowflake.Snowflake(known)], now),
            requestsOf
          )
        } else if (operation === "replies" && all.length > 0) {
          yield* both("replies", (mailbox) => mailbox.repliesFor(all as [string]), byRequest)
        } else if (operation === "all replies" && all.length > 0) {
          yield* both("all replies", (mailbox) => mailbox.repliesForUnfiltered(all as [string]), byRequest)
        } else if (operation === "key") {
          const key = `k${yield* Random.nextIntBetween(0, 45)}`.repeat(200)
          yield* both("key", (mailbox) => mailbox.requestIdForPrimaryKey(key))
        } else if (operation === "clear" && known !== undefined) {
          yield* both("clear", (mailbox) => mailbox.clearReplies(Snowflake.Snowflake(known)))
          if (isThere(known)) open.set(known, { place: placeOf.get(known)!, chunks: 0 })
        } else if (operation === "clear if" && known !== undefined) {
          const replies = yield* mongo.repliesForUnfiltered([known])
          // The last reply, an earlier one, or none of this request.
          const expected = yield* oneOf([replies.at(-1)?.id, replies[0]?.id, "1"])
          const expectedReplyId = Snowflake.Snowflake(expected ?? "1")
          const isLast = expected !== undefined && expected === replies.at(-1)?.id
          yield* both(`clear if, ${isLast}`, (mailbox) =>
            mailbox.clearReplies(Snowflake.Snowflake(known), { expectedReplyId }))
          yield* both("all replies", (mailbox) =>
            mailbox.repliesForUnfiltered([known]))
          if (isLast) {
            open.set(known, { place: placeOf.get(known)!, chunks: 0 })
          }
        } else if (operation === "reset shard") {
          yield* both("reset shard", (mailbox) =>
            mailbox.resetShards(shards(1)))
        } else if (operation === "reset addresses") {
          yield* both("reset addresses", (mailbox) => mailbox.resetAddresses([entityAddress(places[4]!)]))
        } else if (operation === "reset requests" && known !== undefined) {
          yield* both("reset requests", (mailbox) => mailbox.resetRequests([Snowflake.Snowflake(known)]))
        } else if (operation === "clear address" && (yield* oneOf([true, false, false]))) {
          const place = yield* oneOf(places)
          yield* both("clear address", (mailbox) => mailbox.clearAddress(entityAddress(place)))
          const left = new Set(
            (yield* Effect.forEach(all, (id) =>
              fixture.db.collection("cluster_messages").countDocuments({ "envelope.requestId": id } as never)))
              .flatMap((n, i) =>
                n === 0 ? [] : [all[i]!]
              )
          )
          for (const id of all.filter((id) => !left.has(id))) {
            open.delete(id)
            gone.add(id)
          }
        }
      }
      yield* Effect.sync(() => assert.isAbove(Math.min(...count.values()), 1, JSON.stringify([...count])))
    }).pipe(seeded), 120_000)

  it.live("are read as from the memory driver, with limits, entities, delays and resets", () =>
    Effect.gen(function*() {
      const [mongo, expected] = [yield* mailboxOf(yield* setup()), yield* memory]
      const places = [1, 2, 3].flatMap((shard) => ["a", "b", "c"].map((entity) => ({ shard, entity })))
      const someOf = <A>(values: ReadonlyArray<A>) => Effect.filter(values, () => oneOf([true, false]))
      const both = <A, E>(name: string, what: (mailbox: Encoded) => Effect.Effect<A, E>) =>
        Effect.gen(function*() {
          const found = yield* what(mongo)
          assert.deepStrictEqual(found, yield* what(expected), name)
          return found
        })
      const sent: Array<string> = []
      let cut = 0
      // Claims of the memory driver are of this clock, so it hardly moves.
      const now = Date.now()
      for (let i = 0; i < 300; i++) {
        const operation = yield* oneOf([
          "send",
          "send",
          "send",
          "read",
          "read",
          "exit",
          "shards",
          "addresses",
          "requests"
        ])
        if (operation === "send") {
          const envelope = request(yield* oneOf(places))
          const deliverAt = yield* oneOf([undefined, now + (yield* Random.nextIntBetween(0, 400))])
          yield* both("send", (mailbox) => send(mailbox, envelope, deliverAt === undefined ? {} : { deliverAt }))
          sent.push(envelope.requestId)
        } else if (operation === "read") {
          const ids = yield* someOf([1, 2, 3])
          const limit = yield* oneOf([undefined, 0, 1, 2, 5, 1000])
          const addresses = yield* oneOf([undefined, (yield* someOf(places)).map(entityAddress)])
          const found = yield* both(
            `${i}: at most ${limit} of ${ids}`,
            (mailbox) =>
              mailbox.unprocessedMessages(shards(...ids), now + i, {
                ...(limit === undefined ? {} : { limit }),
                ...(addresses === undefined ? {} : { addresses })
              })
          )
          if (found.length > 0 && found.length === limit) cut++
        } else if (operation === "exit" && sent.length > 0) {
          const reply = exitOf(yield* oneOf(sent))
          // The memory driver takes a second exit.
          if ((yield* mongo.repliesFor([reply.requestId])).length === 0) {
            yield* both("exit", (mailbox) => mailbox.saveReply(reply))
          }
        } else if (operation === "shards") {
          const ids = yield* someOf([1, 2, 3])
          yield* both("shards", (mailbox) => mailbox.resetShards(shards(...ids)))
        } else if (operation === "addresses") {
          const addresses = (yield* someOf(places)).map(entityAddress)
          yield* both("addresses", (mailbox) => mailbox.resetAddresses(addresses))
        } else if (operation === "requests") {
          const ids = (yield* someOf(sent)).map((id) => Snowflake.Snowflake(id))
          yield* both("requests", (mailbox) => mailbox.resetRequests(ids))
        }
      }
      assert.isAbove(cut, 5)
    }).pipe(seeded), 60_000)

  it.live("come in the order in which the server got them, whatever their identifiers and senders are", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const senders = [yield* mailboxOf(fixture), yield* mailboxOf(fixture)]
      const sent: Array<string> = []
      for (let i = 0; i < 40; i++) {
        const envelope = request({ shard: 1 + i % 3 })
        yield* send(senders[i % 2]!, envelope, i % 4 === 0 ? { key: `k${i}` } : {})
        sent.push(envelope.requestId)
      }
      assert.notDeepEqual(sent, [...sent].sort())
      const first = yield* read(senders[0]!, { limit: 15 })
      assert.deepStrictEqual(idsOf(first), sent.slice(0, 15))
      // Those are claimed, the others are not.
      assert.deepStrictEqual(idsOf(yield* read(senders[1]!)), sent.slice(15))
      assert.deepStrictEqual(yield* read(senders[0]!), [])
    }))

  it.live("belong to one of several readers", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const mailbox = yield* mailboxOf(fixture)
      const sent = yield* Effect.forEach(Array.from({ length: 60 }), () => {
        const envelope = request()
        return Effect.as(send(mailbox, envelope), envelope.requestId)
      }, { concurrency: 10 })
      const reads = yield* Effect.all(
        Array.from({ length: 6 }, () => read(mailbox, { limit: 30 })),
        { concurrency: "unbounded" }
      )
      const more = yield* read(mailbox)
      assert.deepStrictEqual([...reads.flatMap(idsOf), ...idsOf(more)].sort(), sent.sort())
    }))

  it.live("are read again at once after a read that has claimed them and failed", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const mailbox = yield* mailboxOf(fixture)
      const envelope = request()
      yield* send(mailbox, envelope)
      for (
        const data of [
          // The messages are claimed, and the answer to that is a failure.
          { failCommands: ["update"], writeConcernError: { code: 91, errmsg: "shutting down" } },
          { failCommands: ["update"], closeConnection: true }
        ]
      ) {
        yield* Effect.scoped(Effect.gen(function*() {
          yield* failCommand(fixture, { times: 1 }, data)
          assert.instanceOf(yield* Effect.flip(read(mailbox)), ClusterError.PersistenceError)
        }))
      }
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [envelope.requestId])
      assert.lengthOf(yield* read(mailbox), 0)
    }))

  it.live("are read again after ten minutes by the server's clock, or after a reset", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const mailbox = yield* mailboxOf(fixture)
      const [a, b] = [request({ shard: 1, entity: "a" }), request({ shard: 2, entity: "b" })]
      yield* send(mailbox, a)
      yield* send(mailbox, b)
      yield* send(mailbox, interruptOf(b.requestId, { shard: 2, entity: "b" }))
      const all = [a.requestId, b.requestId, `Interrupt ${b.requestId}`]
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), all)
      const age = (millis: number) =>
        fixture.db.collection("cluster_messages").updateMany({}, [{
          $set: { lastRead: { $subtract: ["$$NOW", millis] } }
        }])
      yield* age(590_000)
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [])
      yield* age(600_001)
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), all)
      yield* mailbox.resetShards(shards(2))
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), all.slice(1))
      yield* mailbox.resetAddresses([
        entityAddress({ shard: 1, entity: "a" }),
        entityAddress({ shard: 1, entity: "b" })
      ])
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [a.requestId])
      yield* mailbox.resetRequests([Snowflake.Snowflake(b.requestId)])
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [b.requestId])
      // What is processed is not read again.
      yield* mailbox.saveReply(exitOf(b.requestId))
      yield* mailbox.resetShards(shards(1, 2))
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [a.requestId])
    }))

  it.live("wait while a chunk is not acknowledged, and go on behind it", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const mailbox = yield* mailboxOf(fixture)
      const envelope = request()
      const id = envelope.requestId
      yield* send(mailbox, envelope, { key: "k" })
      const chunk = chunkOf(id, 0)
      yield* mailbox.saveReply(chunk)
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [])
      // An interruption does not wait.
      const interrupt = interruptOf(id)
      yield* send(mailbox, interrupt)
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [`Interrupt ${id}`])
      assert.deepStrictEqual(yield* mailbox.repliesFor([id]), [chunk])
      // Its sender has not got it.
      const duplicate = yield* send(mailbox, request(), { key: "k" })
      assert.deepStrictEqual(
        duplicate,
        MessageStorage.SaveResultEncoded.Duplicate({
          originalId: Snowflake.Snowflake(id),
          lastReceivedReply: Option.none()
        })
      )

      const ack = ackOf(chunk)
      yield* send(mailbox, ack)
      // The same once more is the same.
      yield* send(mailbox, ack)
      const [first, second, ...others] = yield* read(mailbox)
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual(first, { envelope, lastSentReply: Option.some(chunk) })
      assert.deepStrictEqual(second, { envelope: ack, lastSentReply: Option.none() })
      assert.deepStrictEqual(yield* mailbox.repliesFor([id]), [])
      assert.deepStrictEqual(
        yield* send(mailbox, request(), { key: "k" }),
        MessageStorage.SaveResultEncoded.Duplicate({
          originalId: Snowflake.Snowflake(id),
          lastReceivedReply: Option.some(chunk)
        })
      )

      // A later acknowledgement replaces those before it.
      const next = chunkOf(id, 1)
      yield* mailbox.saveReply(next)
      const nextAck = ackOf(next)
      yield* send(mailbox, nextAck)
      yield* mailbox.resetShards(shards(1))
      assert.deepStrictEqual((yield* read(mailbox)).map(({ envelope }) => envelope), [envelope, interrupt, nextAck])
    }))

  it.live("have one exit, and an interruption of a request that has one is not delivered", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const mailbox = yield* mailboxOf(fixture)
      for (let i = 0; i < 15; i++) {
        const envelope = request({ entity: `e${i}` })
        yield* send(mailbox, envelope)
        // Two owners, and somebody who interrupts, at the same time.
        const exits = [exitOf(envelope.requestId, 1), exitOf(envelope.requestId, 2)]
        const outcomes = yield* Effect.all([
          Effect.exit(mailbox.saveReply(exits[0]!)),
          Effect.exit(send(mailbox, interruptOf(envelope.requestId, { entity: `e${i}` }))),
          Effect.exit(mailbox.saveReply(exits[1]!))
        ], { concurrency: "unbounded" })
        assert.isTrue(Exit.isSuccess(outcomes[1]))
        assert.strictEqual(Number(Exit.isSuccess(outcomes[0])) + Number(Exit.isSuccess(outcomes[2])), 1)
        const winner = exits[Exit.isSuccess(outcomes[0]) ? 0 : 1]!
        assert.deepStrictEqual(yield* mailbox.repliesFor([envelope.requestId]), [winner])
      }
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [])
    }))

  it.live("take an exit again that says the same, as an entity that has got no answer sends it", () =>
    Effect.gen(function*() {
      const mailbox = yield* mailboxOf(yield* setup())
      const envelope = request()
      yield* send(mailbox, envelope)
      const exit = exitOf(envelope.requestId, { n: 1, none: undefined, $a: ["\ud800"] })
      yield* mailbox.saveReply(exit)
      const stored = yield* mailbox.repliesFor([envelope.requestId])
      // It has a new identifier each time.
      yield* mailbox.saveReply({ ...exit, id: fresh() })
      assert.instanceOf(
        yield* Effect.flip(mailbox.saveReply(exitOf(envelope.requestId, { n: 2 }))),
        ClusterError.PersistenceError
      )
      assert.deepStrictEqual(yield* mailbox.repliesFor([envelope.requestId]), stored)
    }))

  it.live("are over with the exit, whatever comes at the same moment", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const mailboxes = [yield* mailboxOf(fixture), yield* mailboxOf(fixture)]
      const count = new Map<string, number>()
      const counted = (name: string) => Effect.sync(() => count.set(name, (count.get(name) ?? 0) + 1))
      const round = Effect.fnUntraced(function*(i: number) {
        const place = { entity: `e${i}` }
        const { requestId } = yield* Effect.tap(Effect.sync(() => request(place)), (envelope) =>
          send(mailboxes[0]!, envelope))
        const chunks = [chunkOf(requestId, 0), chunkOf(requestId, 1)]
        yield* mailboxes[0]!.saveReply(chunks[0]!)
        if (yield* oneOf([true, false])) {
          yield* send(mailboxes[0]!, ackOf(chunks[0]!, place))
          yield* mailboxes[0]!.saveReply(chunks[1]!)
        }
        const later = chunkOf(requestId, 2)
        const [mine, other] = [exitOf(requestId, 1), exitOf(requestId, 2)]
        const steps: ReadonlyArray<readonly [string, (mailbox: Encoded) => Effect.Effect<unknown, unknown>]> = [
          ["exit", (mailbox) =>
            mailbox.saveReply(mine)],
          ["ack", (mailbox) => send(mailbox, ackOf(chunks[0]!, place))],
          ["ack", (mailbox) => send(mailbox, ackOf(chunks[1]!, place))],
          ["interrupt", (mailbox) => send(mailbox, interruptOf(requestId, place))],
          // Of a process that was stopped, and does not know that it has lost its shard.
          ["late exit", (mailbox) => mailbox.saveReply(other)],
          ["late chunk", (mailbox) => mailbox.saveReply(later)]
        ]
        const some = [steps[0]!, ...(yield* Effect.filter(steps.slice(1), () => oneOf([true, true, false])))]
        const outcomes = yield* Effect.forEach(some, ([name, step]) =>
          Effect.gen(function*() {
            yield* Effect.sleep(yield* Random.nextIntBetween(0, 6))
            const outcome = yield* Effect.exit(step(yield* oneOf(mailboxes)))
            yield* counted(`${name} ${outcome._tag}`)
            return [name, Exit.isSuccess(outcome)] as const
          }), { concurrency: "unbounded" })
        const names = some.map(([name]) => name).join(", ")
        for (const [name, isDone] of outcomes) if (name === "ack" || name === "interrupt") assert.isTrue(isDone, names)
        assert.lengthOf(outcomes.filter(([name, isDone]) => name.endsWith("exit") && isDone), 1, names)

        const replies = yield* mailboxes[0]!.repliesForUnfiltered([requestId])
        const isDone = (name: string) => outcomes.some((outcome) => outcome[0] === name && outcome[1])
        // The exit is the last reply, and what was told to have failed is not there.
        assert.deepStrictEqual(replies.at(-1), isDone("exit") ? mine : other, names)
        assert.lengthOf(replies.filter(({ _tag }) => _tag === "WithExit"), 1, names)
        assert.strictEqual(replies.some(({ id }) => id === later.id), isDone("late chunk"), names)
        const messages = yield* fixture.db.collection("cluster_messages").find({
          requestId: Long.fromString(requestId)
        })
        assert.deepStrictEqual(messages.filter(({ processed }) => processed !== true), [], names)
      })
      yield* Effect.forEach(Array.from({ length: 40 }, (_, i) => i), round, { concurrency: 6, discard: true })
      yield* mailboxes[0]!.resetShards(shards(1, 2, 3))
      assert.deepStrictEqual(yield* read(mailboxes[0]!), [])
      // Both orders have happened.
      for (const name of ["exit", "late exit", "late chunk"]) {
        for (const outcome of ["Success", "Failure"]) {
          assert.isAbove(count.get(`${name} ${outcome}`) ?? 0, 0, JSON.stringify([...count]))
        }
      }
    }).pipe(seeded), 60_000)

  it.live("come back when replies are cleared, but only if the last reply is the expected one", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const mailbox = yield* mailboxOf(fixture)
      const envelope = request()
      const id = Snowflake.Snowflake(envelope.requestId)
      yield* send(mailbox, envelope)
      const exit = exitOf(envelope.requestId)
      yield* mailbox.saveReply(exit)
      yield* send(mailbox, interruptOf(envelope.requestId))
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [])
      yield* mailbox.clearReplies(id, { expectedReplyId: Snowflake.Snowflake(fresh()) })
      assert.deepStrictEqual(yield* mailbox.repliesFor([envelope.requestId]), [exit])
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [])
      // Whoever comes second finds that it is done.
      yield* Effect.all([1, 2].map(() => mailbox.clearReplies(id, { expectedReplyId: Snowflake.Snowflake(exit.id) })), {
        concurrency: 2
      })
      assert.deepStrictEqual(yield* mailbox.repliesForUnfiltered([envelope.requestId]), [])
      // A workflow that goes on must hear that it was interrupted.
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [envelope.requestId, `Interrupt ${envelope.requestId}`])
      yield* mailbox.saveReply(exitOf(envelope.requestId))
      // Without a condition it is as new.
      yield* mailbox.clearReplies(id)
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [envelope.requestId])
    }))
})

describe("a process with locks", () => {
  it.live("reads the messages of shards that it holds, also those that another one has claimed before", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const mailbox = yield* mailboxOf(fixture)
      const runners = yield* Effect.map(
        Layer.build(MongoRunnerStorage.layer.pipe(
          Layer.provide(Layer.mergeAll(
            Layer.succeed(MongoDatabase.MongoDatabase, fixture.db),
            ShardingConfig.layer()
          ))
        )),
        Context.get(RunnerStorage.RunnerStorage)
      )
      const sent = [request({ shard: 1 }), request({ shard: 2 })]
      yield* Effect.forEach(sent, (envelope) => send(mailbox, envelope))
      assert.deepStrictEqual(yield* read(mailbox), [])
      const address = RunnerAddress.make("host", 1)
      yield* runners.acquire(address, [ShardId.make("default", 1)])
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [sent[0]!.requestId])
      assert.deepStrictEqual(yield* read(mailbox), [])
      // A process that was stopped has claimed it after the next owner reset the shard.
      const messages = fixture.db.collection("cluster_messages")
      yield* messages.updateMany({}, [{ $set: { lastRead: "$$NOW", claimedBy: "another" } }])
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [sent[0]!.requestId])
      // Now it is stopped itself for longer than its lease.
      yield* fixture.db.collection("cluster_locks").updateMany({}, { $set: { expiresAt: new Date(1) } })
      yield* mailbox.resetShards(shards(1, 2))
      assert.deepStrictEqual(yield* read(mailbox), [])
    }))
})

describe("transactions", () => {
  it.live("join the writes of the handler and its reply, and run once", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { db, mongo } = fixture
      const mailbox = yield* mailboxOf(fixture)
      const totals = db.collection("totals")
      yield* db.createCollection("totals")
      const envelope = request()
      yield* send(mailbox, envelope)
      const work = (then: Effect.Effect<void, string>) =>
        Effect.andThen(totals.insertOne({ n: 1 }), mailbox.saveReply(exitOf(envelope.requestId))).pipe(
          Effect.andThen(send(mailbox, request({ id: "77" }), { key: "next" })),
          Effect.andThen(mailbox.requestIdForPrimaryKey("next")),
          Effect.tap((id) => Effect.sync(() => assert.deepStrictEqual(id, Option.some(77n)))),
          Effect.andThen(then),
          mailbox.withTransaction
        )
      // The failure of the effect stays what it is.
      assert.deepStrictEqual(yield* Effect.flip(work(Effect.fail("no"))), "no" as never)
      assert.strictEqual(yield* totals.countDocuments(), 0)
      assert.deepStrictEqual(yield* mailbox.repliesFor([envelope.requestId]), [])
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), [envelope.requestId])
      yield* work(Effect.void)
      assert.strictEqual(yield* totals.countDocuments(), 1)
      assert.lengthOf(yield* mailbox.repliesFor([envelope.requestId]), 1)
      assert.deepStrictEqual(idsOf(yield* read(mailbox)), ["77"])
      // In a transaction a duplicate is no failure that would end it.
      const again = yield* mailbox.withTransaction(Effect.andThen(
        totals.insertOne({ n: 2 }),
        send(mailbox, request(), { key: "next" })
      ))
      assert.strictEqual(again._tag, "Duplicate")
      assert.strictEqual(yield* totals.countDocuments(), 2)

      // A conflict is a defect, also if the handler ignores it, and nothing runs twice.
      let runs = 0
      const lost = yield* Effect.exit(mailbox.withTransaction(Effect.gen(function*() {
        runs++
        yield* Effect.orDie(totals.findOne({ n: 1 }))
        yield* Effect.orDie(mongo.withoutTransaction(totals.updateOne({ n: 1 }, { $set: { by: "another" } })))
        yield* Effect.ignore(totals.updateOne({ n: 1 }, { $set: { by: "me" } }))
      })))
      assert.isTrue(Exit.isFailure(lost) && Cause.hasDies(lost.cause))
      assert.strictEqual(runs, 1)
      assert.strictEqual(yield* totals.countDocuments({ by: "another" }), 1)
    }))

  it.live("have no part in reads of the mailbox", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const mailbox = yield* mailboxOf(fixture)
      const envelope = request()
      yield* send(mailbox, envelope)
      const found = yield* Effect.exit(fixture.mongo.withTransaction(Effect.gen(function*() {
        yield* fixture.db.collection("other").insertOne({})
        assert.deepStrictEqual(idsOf(yield* read(mailbox)), [envelope.requestId])
        yield* Effect.fail("undo")
      })))
      assert.isTrue(Exit.isFailure(found))
      // It stays claimed.
      assert.deepStrictEqual(yield* read(mailbox), [])
    }))
})

describe("operations", () => {
  it.live("fail with a PersistenceError in time, and make no spans", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const mailbox = yield* makeMailbox(fixture.db, undefined, { deadline: "300 millis" })
      const envelope = request()
      const spans: Array<string> = []
      yield* Effect.gen(function*() {
        yield* send(mailbox, envelope)
        yield* read(mailbox)
        yield* mailbox.saveReply(exitOf(envelope.requestId))
        yield* mailbox.clearReplies(Snowflake.Snowflake(envelope.requestId))
      }).pipe(Effect.withTracer(Tracer.make({
        span: (options) => {
          spans.push(options.name)
          return new Tracer.NativeSpan(options)
        }
      })))
      assert.deepStrictEqual(spans, [])

      for (
        const [command, operation] of [
          ["insert", send(mailbox, request())],
          ["update", mailbox.saveReply(exitOf(envelope.requestId))],
          ["find", read(mailbox)],
          ["find", mailbox.clearAddress(entityAddress({}))],
          ["update", mailbox.resetShards(shards(1))]
        ] as ReadonlyArray<[string, Effect.Effect<unknown, ClusterError.PersistenceError>]>
      ) {
        yield* Effect.scoped(Effect.gen(function*() {
          yield* failCommand(fixture, "alwaysOn", { failCommands: [command], blockConnection: true, blockTimeMS: 1500 })
          const [error, elapsed] = yield* timed(Effect.flip(operation))
          assert.instanceOf(error, ClusterError.PersistenceError)
          // The server or the client notices first.
          assert.include(
            ["DeadlineExceededError", "MaxTimeExpiredError"],
            (error.cause as MongoError.MongoError).reason._tag,
            command
          )
          assert.isBelow(elapsed, 1400)
        }))
      }
    }))
})

describe("layerWake", () => {
  /** A runner that counts how often it is told to look for messages. It has the shards 1 and 2. */
  const waking = Effect.fnUntraced(function*({ db }: Fixture, prefix?: string) {
    const polls: Array<number> = []
    const sharding = {
      hasShardId: (shardId: ShardId.ShardId) => shardId.id < 3,
      pollStorage: Effect.sync(() => {
        polls.push(performance.now())
      })
    } as Sharding.Sharding["Service"]
    yield* Layer.build(
      MongoMessageStorage.layerWakeWith({ prefix }).pipe(
        Layer.provide(Layer.mergeAll(
          Layer.succeed(MongoDatabase.MongoDatabase, db),
          Layer.succeed(Sharding.Sharding, sharding)
        ))
      )
    )
    yield* until("the change stream is open", () => polls.length > 0, 20_000)
    return polls
  })

  it.live(
    "tells the runner of messages for its shards, when they come and when they may be delivered",
    () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const mailbox = yield* mailboxOf(fixture, "other")
        const polls = yield* waking(fixture, "other")
        const told = (what: string) => until(what, () => polls.length > 0, 20_000)
        const quiet = Effect.sync(() => void polls.splice(0))

        yield* quiet
        const [envelope, elsewhere] = [request({ shard: 2 }), request({ shard: 3 })]
        yield* send(mailbox, elsewhere)
        yield* send(mailbox, envelope)
        yield* told("of a message")
        assert.lengthOf(polls, 1)

        yield* mailbox.saveReply(exitOf(envelope.requestId))
        yield* quiet
        yield* mailbox.clearReplies(Snowflake.Snowflake(envelope.requestId))
        yield* told("of a request that was cleared")

        // What was sent in a transaction comes when that commits.
        yield* quiet
        yield* fixture.mongo.withTransaction(Effect.gen(function*() {
          yield* send(mailbox, request())
          yield* Effect.sleep("200 millis")
          assert.deepStrictEqual(polls, [])
        }))
        yield* told("of a commit")

        // A shorter delay overtakes a longer one.
        yield* quiet
        const start = Date.now()
        yield* send(mailbox, request(), { deliverAt: start + 600_000 })
        yield* send(mailbox, request({ shard: 3 }), { deliverAt: start + 1000 })
        yield* until("the delay is over", () => Date.now() >= start + 1000 && polls.length > 1, 20_000)
        assert.isBelow(Date.now() - start, 5000)
      }),
    60_000
  )

  it.live("goes on after its change stream was lost, and ends with its scope", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const mailbox = yield* mailboxOf(fixture)
      yield* Effect.scoped(Effect.gen(function*() {
        const polls = yield* waking(fixture)
        yield* Effect.scoped(Effect.gen(function*() {
          yield* failCommand(fixture, { times: 2 }, { failCommands: ["getMore", "aggregate"], closeConnection: true })
          yield* send(mailbox, request())
          yield* until("it has heard of the message", () => polls.length > 1, 30_000)
        }))
      }))
      yield* nothingLeft(fixture)
    }), 60_000)
})
