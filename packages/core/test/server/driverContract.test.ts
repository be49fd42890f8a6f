/**
 * The unpublished parts of the driver that mongofx uses, compared with the installed driver. A test that fails here names what a
 * release of the driver has changed; `docs/decisions.md` says what that means.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Integration } from "@mongofx/core"
import { writePlain } from "@mongofx/core/internal/bson/write"
import { batchesOf } from "@mongofx/core/internal/driver/bulk"
import { commandOn, databaseOn } from "@mongofx/core/internal/driver/members"
import {
  type BulkInside,
  type ClientInside,
  type CursorInside,
  insideBulk,
  insideClient,
  insideCursor,
  insideSession,
  type Member,
  type ReplyInside,
  type SessionInside,
  type TopologyInside
} from "@mongofx/core/internal/driver/unpublished"
// What the driver does not publish is compared in one place, for all packages.
// oxlint-disable-next-line mongofx/published-modules
import type { ClientInside as ClientInsideTesting } from "@mongofx/testing/internal/openSessions"
import { Effect, Stream } from "effect"
import * as Driver from "mongodb"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import { fixture } from "../support/items.ts"
import { uri } from "../support/utils.ts"

const require = createRequire(import.meta.url)
const { version } = require("mongodb/package.json") as { readonly version: string }

/** A client of the driver, its commands, and a collection with three documents. */
const open = async () => {
  const client = await Driver.MongoClient.connect(uri, { monitorCommands: true, retryReads: false })
  const commands: Array<string> = []
  client.on("commandStarted", (event) => commands.push(event.commandName))
  const items = client.db("driverContract").collection<{ _id: number }>("items")
  await items.deleteMany({})
  await items.insertMany([{ _id: 0 }, { _id: 1 }, { _id: 2 }])
  const session = client.startSession()
  commands.length = 0
  return { client, commands, items, session }
}

type Installed = Awaited<ReturnType<typeof open>>

/** A cursor whose first reply, of two documents, has come. */
const opened = async ({ items, session }: Installed, options: Driver.FindOptions & Driver.Abortable = {}) => {
  const cursor = items.find({}, { batchSize: 2, session, ...options })
  await insideCursor(cursor).cursorInit()
  return cursor
}

const replyOf = (cursor: Driver.AbstractCursor): ReplyInside => {
  const { documents } = insideCursor(cursor)
  assert.isOk(documents)
  return documents
}

const topologyOf = (client: Driver.MongoClient): TopologyInside => {
  const { topology } = insideClient(client)
  assert.isOk(topology)
  return topology
}

const memberOf = (client: Driver.MongoClient): Member => {
  const [member] = topologyOf(client).s?.servers?.values() ?? []
  assert.isOk(member)
  return member
}

/** A real signal, and the members of it that were used. */
const recording = () => {
  const { signal } = new AbortController()
  const used = new Set<string>()
  const recorded = new Proxy(signal, {
    get: (target, key) => {
      used.add(String(key))
      const value: unknown = Reflect.get(target, key)
      return typeof value === "function" ? value.bind(target) : value
    }
  })
  return { signal: recorded, used }
}

/** The members of the stand-in for a signal. */
const signalMembers = ["aborted", "addEventListener", "reason", "removeEventListener", "throwIfAborted"] as const

type Name =
  | `MongoClient.${keyof ClientInside | keyof ClientInsideTesting}`
  | `Topology.${keyof TopologyInside}`
  | `Server.${keyof Member}`
  | `ClientSession.${keyof SessionInside}`
  | `AbstractCursor.${keyof CursorInside}`
  | `CursorResponse.${keyof ReplyInside}`
  | `BulkOperationBase.${keyof BulkInside}`
  | "MongoOptions.signal"
  | "CommandOptions.signal"
  | "ObjectId(bytes, offset)"
  | "ObjectId.serializeInto"

/** Adds the same writes to two bulks, as objects and as bytes. */
const compareBatches = (collection: Driver.Collection, ids: ReadonlyArray<string>, limits: object): void => {
  const options = { ignoreUndefined: true }
  for (const ordered of [true, false]) {
    const bulk = ordered ? collection.initializeOrderedBulkOp(options) : collection.initializeUnorderedBulkOp(options)
    const batches = batchesOf(collection, ordered, options)
    assert.isOk(batches, "the driver keeps the bytes")
    for (const { s } of [bulk, batches.bulk].map(insideBulk)) {
      assert.isOk(s)
      assert.deepStrictEqual([s.maxBsonObjectSize, s.maxBatchSizeBytes, s.maxWriteBatchSize, s.maxKeySize], [
        2 ** 24,
        2 ** 24,
        100_000,
        7
      ])
      assert.deepStrictEqual([s.checkKeys, s.usingAutoEncryption], [false, false])
      Object.assign(s, limits)
    }
    const add = (mine: object, theirs = mine) => {
      bulk.raw(theirs as Driver.AnyBulkWriteOperation)
      batches.bulk.raw(mine as Driver.AnyBulkWriteOperation)
    }
    const buffer = new Integration.WriteBuffer()
    ids.forEach((_id, i) => {
      const document = { _id, text: "x".repeat(i * 7 % 80) }
      // Neighbours in their bytes, save after every fifth.
      const bytes = i % 5 === 0
        ? new Integration.SerializedDocument(Driver.BSON.serialize(document), _id)
        : buffer.write(writePlain, document, _id, false)!
      const others = { filter: { _id }, upsert: true, collation: { locale: "de" } }
      if (i % 10 === 9) add({ deleteOne: { filter: { _id } } })
      else if (i % 3 === 2) {
        add({ replaceOne: { replacement: bytes, ...others } }, { replaceOne: { replacement: document, ...others } })
      } else add({ insertOne: { document: bytes } }, { insertOne: { document } })
    })
    const large = { _id: "large", text: "x".repeat(200) }
    const tooLarge = new Integration.SerializedDocument(Driver.BSON.serialize(large), large._id)
    assert.throws(() => bulk.addToOperationsList(1, large), /larger than the maximum size 200/)
    assert.throws(() => batches.add(1, tooLarge), /larger than the maximum size 200/)
    batches.close()
    for (const { operations, serializedOperations } of batches.bulk.batches) {
      assert.strictEqual(operations.length, serializedOperations.length)
    }
    assert.isTrue(batches.bulk.batches.some(({ operations, size }) => operations.length < size))
    const result = { insertedIds: {} } as Driver.BulkWriteResult
    batches.complete(result)
    assert.deepStrictEqual(
      Object.entries(result.insertedIds),
      insideBulk(bulk).s?.bulkResult.insertedIds.map(({ _id, index }) => [String(index), _id])
    )
    const shown = (bulk: typeof batches.bulk) => ({
      batches: bulk.batches.map(({ batchType, originalIndexes, originalZeroIndex, serializedOperations }) => ({
        batchType,
        originalIndexes,
        originalZeroIndex,
        bytes: Buffer.concat(serializedOperations).toString("hex")
      })),
      insertedIds: insideBulk(bulk).s?.bulkResult.insertedIds
    })
    assert.deepStrictEqual(shown(batches.bulk), shown(bulk))
    assert.isAbove(bulk.batches.length, 6)
  }
}

/** The checks, by what they check. Each ends with an assertion. */
const contract: Record<Name, (installed: Installed) => Promise<void> | void> = {
  "MongoClient.topology": ({ client }) => {
    assert.isNotOk(insideClient(new Driver.MongoClient(uri)).topology)
    assert.isOk(insideClient(client).topology)
  },
  "MongoClient.s": async ({ client, session }) => {
    const { s } = client as unknown as ClientInsideTesting
    assert.isTrue(s?.activeSessions?.has(session))
    await session.endSession()
    assert.isFalse(s?.activeSessions?.has(session))
  },
  "Topology.description": ({ client }) => {
    const { description } = topologyOf(client)
    assert.isString(description.type)
    assert.deepStrictEqual([...description.servers.keys()], [memberOf(client).description.address])
  },
  "Topology.s": ({ client }) => {
    const topology = topologyOf(client)
    assert.deepStrictEqual([...topology.s?.servers?.keys() ?? []], [...topology.description.servers.keys()])
  },
  "Topology.selectServer": async ({ client, session }) => {
    const member = memberOf(client)
    let commands = 0
    const counting: Member = Object.create(member, {
      command: {
        value: (...args: ReadonlyArray<unknown>) => {
          commands++
          return (member as unknown as { readonly command: (...args: ReadonlyArray<unknown>) => unknown }).command(
            ...args
          )
        }
      }
    })
    await databaseOn(client, counting, "admin").command({ ping: 1 })
    assert.strictEqual(commands, 1, "a command goes to what selectServer gives")
    const reply = await commandOn(client, member, "admin", { ping: 1 }, session)
    assert.strictEqual(reply["ok"], 1, "and a selector chooses among the descriptions of servers")
  },
  "Topology.closeCheckedOutConnections": async ({ client, items }) => {
    const slow = items.findOne({ $where: "sleep(3000) || true" }).then(() => "a reply", () => "an error")
    const running = [{ $currentOp: {} }, { $match: { ns: items.namespace, op: "query", active: true } }]
    while ((await client.db("admin").aggregate(running).toArray()).length === 0) continue
    topologyOf(client).closeCheckedOutConnections()
    assert.strictEqual(await slow, "an error")
  },
  "Topology.close": async ({ client }) => {
    const closed = new Promise((resolve) => client.once("topologyClosed", resolve))
    topologyOf(client).close()
    await closed
  },
  "Server.description": ({ client }) => {
    const { address, isDataBearing, type } = memberOf(client).description
    assert.deepStrictEqual([isDataBearing, typeof type, typeof address], [true, "string", "string"])
  },
  "Server.requestCheck": ({ client }) => assert.isUndefined(memberOf(client).requestCheck()),
  "MongoClient.startSession": async ({ client, items }) => {
    const inside = insideClient(client)
    const start = inside.startSession.bind(client)
    const made: Array<unknown> = []
    inside.startSession = (options) => {
      made.push(options?.explicit)
      return start(options)
    }
    const calls = [
      () => items.insertOne({ _id: 9 }),
      () => items.updateOne({ _id: 9 }, { $set: { a: 1 } }),
      () => items.findOneAndDelete({ _id: 9 }),
      () => items.bulkWrite([{ insertOne: { document: { _id: 10 } } }, { deleteOne: { filter: { _id: 10 } } }])
    ]
    for (const call of calls) {
      made.length = 0
      const pending = call()
      assert.deepStrictEqual(made, [false], "one session, while the driver is called")
      await pending
      assert.lengthOf(made, 1)
    }
  },
  "ClientSession.serverSession": async ({ client }) => {
    const idAfter = async (isDirty: boolean) => {
      const session = client.startSession()
      await client.db("admin").command({ ping: 1 }, { session })
      const { serverSession } = insideSession(session)
      assert.strictEqual(serverSession?.isDirty, false)
      if (isDirty && serverSession) serverSession.isDirty = true
      const id = session.id?.id
      await session.endSession()
      const next = client.startSession()
      assert.isOk(next.id)
      await next.endSession()
      return id?.toString() === next.id?.id.toString()
    }
    assert.deepStrictEqual([await idAfter(false), await idAfter(true)], [true, false], "only a clean one is used again")
  },
  "ClientSession.transaction": async ({ items, session }) => {
    const starting = () => insideSession(session).transaction?.isStarting
    const seen = [starting()]
    session.startTransaction()
    seen.push(starting())
    await items.findOne({}, { session })
    seen.push(starting())
    await session.abortTransaction()
    assert.deepStrictEqual(seen, [false, true, false])
  },
  "AbstractCursor.cursorInit": async (installed) => {
    const cursor = await opened(installed)
    assert.deepStrictEqual([cursor.id?.isZero(), cursor.bufferedCount()], [false, 2])
    assert.deepStrictEqual(installed.commands, ["find"])
  },
  "AbstractCursor.getMore": async (installed) => {
    const cursor = await opened(installed)
    let calls = 0
    const inside = insideCursor(cursor)
    const { getMore } = inside
    inside.getMore = () => {
      calls++
      return getMore.call(cursor)
    }
    await cursor.toArray()
    assert.strictEqual(calls, 1)
  },
  "AbstractCursor.cleanup": async (installed) => {
    const cursor = await opened(installed)
    let calls = 0
    const inside = insideCursor(cursor)
    const { cleanup } = inside
    inside.cleanup = (...args) => {
      calls++
      return cleanup.apply(cursor, args)
    }
    await cursor.close()
    assert.strictEqual(calls, 1)
  },
  "AbstractCursor.cursorSession": async (installed) => {
    assert.strictEqual(insideCursor(await opened(installed)).cursorSession, installed.session)
  },
  "AbstractCursor.isKilled": async (installed) => {
    for (const isKilled of [true, false]) {
      const cursor = await opened(installed)
      insideCursor(cursor).isKilled = isKilled
      installed.commands.length = 0
      await cursor.close()
      assert.deepStrictEqual(installed.commands, isKilled ? [] : ["killCursors"])
    }
  },
  "AbstractCursor.deserializationOptions": async (installed) => {
    const { deserializationOptions: options } = insideCursor(await opened(installed, { raw: true, useBigInt64: true }))
    assert.deepStrictEqual([options?.raw, options?.useBigInt64], [true, true])
  },
  "AbstractCursor.server": async (installed) => {
    assert.strictEqual(insideCursor(await opened(installed)).server, memberOf(installed.client))
  },
  "AbstractCursor.documents": async (installed) => {
    assert.isNotOk(insideCursor(installed.items.find()).documents)
    assert.isOk(insideCursor(await opened(installed)).documents)
  },
  "CursorResponse.postBatchResumeToken": async ({ items }) => {
    const cursor = items.aggregate([{ $changeStream: {} }], { batchSize: 1, maxAwaitTimeMS: 10 })
    await insideCursor(cursor).cursorInit()
    assert.isString((replyOf(cursor).postBatchResumeToken as { readonly _data: string })._data)
    await cursor.close()
  },
  "CursorResponse.encryptedResponse": async (installed) => {
    let reads = 0
    const get = () => {
      reads++
      return undefined
    }
    const decrypted = Object.create(replyOf(await opened(installed)), { encryptedResponse: { value: { get } } })
    assert.throws(() => decrypted.shift({}), /batch/)
    assert.isAbove(reads, 0, "the driver looks for the reply before its decryption when it takes a document")
  },
  "CursorResponse.isExplain": async ({ items }) => {
    const cursor = items.find({}, { explain: true })
    await insideCursor(cursor).cursorInit()
    assert.isTrue(replyOf(cursor).isExplain)
  },
  "CursorResponse.iterated": async (installed) => {
    const cursor = await opened(installed)
    const before = replyOf(cursor).iterated
    await cursor.next()
    assert.deepStrictEqual([before, replyOf(cursor).iterated], [0, 1])
  },
  "CursorResponse.clear": async (installed) => {
    const cursor = await opened(installed)
    replyOf(cursor).clear()
    assert.deepStrictEqual([cursor.bufferedCount(), await cursor.next()], [0, { _id: 2 }])
  },
  "CursorResponse.batch": async (installed) => {
    const { bson, elements } = replyOf(await opened(installed)).batch
    assert.deepStrictEqual(
      elements.map(([, , , start, length]) => Driver.BSON.deserialize(bson.subarray(start, start + length))),
      [{ _id: 0 }, { _id: 1 }]
    )
  },
  "MongoClient.mongoLogger": async ({ client }) => {
    assert.isUndefined(insideClient(client).mongoLogger)
    const logs: Array<string> = []
    const logging = new Driver.MongoClient(uri, {
      mongodbLogComponentSeverities: { command: "debug" },
      mongodbLogPath: { write: ({ message }: Driver.Log) => logs.push(String(message)) }
    })
    assert.isTrue(insideClient(logging).mongoLogger?.willLog("command", "debug"))
    await logging.db("admin").command({ ping: 1 })
    await logging.close()
    assert.include(logs, "Command started")
  },
  "BulkOperationBase.s": async ({ items }) => {
    const collection = items as unknown as Driver.Collection
    const ids = Array.from({ length: 20 }, (_, i) => `id${i}`)
    // Small limits, so that every kind of a batch is full at some of them.
    for (let maxBatchSizeBytes = 280; maxBatchSizeBytes < 320; maxBatchSizeBytes++) {
      compareBatches(collection, ids, { maxWriteBatchSize: 4, maxBatchSizeBytes, maxBsonObjectSize: 200 })
    }
  },
  "MongoOptions.signal": async () => {
    const { signal, used } = recording()
    const client = new Driver.MongoClient(uri)
    Object.assign(client.options, { signal })
    await client.connect()
    await client.close()
    assert.include([...used], "throwIfAborted", "a connection in its handshake listens to the signal of the options")
    assert.includeMembers([...signalMembers], [...used])
  },
  "CommandOptions.signal": async (installed) => {
    const { signal, used } = recording()
    await installed.items.findOne({}, { signal })
    await (await opened(installed, { signal })).toArray()
    assert.includeMembers([...signalMembers], [...used])
    assert.includeMembers([...used], ["addEventListener", "removeEventListener", "throwIfAborted"])
  },
  "ObjectId(bytes, offset)": () => {
    const id = new Driver.ObjectId()
    const At = Driver.ObjectId as unknown as new(bytes: Uint8Array, offset: number) => Driver.ObjectId
    assert.isTrue(new At(Buffer.concat([Buffer.alloc(5), id.id, Buffer.alloc(3)]), 5).equals(id))
  },
  "ObjectId.serializeInto": () => {
    const id = new Driver.ObjectId() as Driver.ObjectId & {
      readonly serializeInto: (bytes: Uint8Array, p: number) => number
    }
    const bytes = Buffer.alloc(20)
    assert.strictEqual(id.serializeInto(bytes, 5), 12)
    assert.strictEqual(bytes.toString("hex"), `${"00".repeat(5)}${id.toHexString()}${"00".repeat(3)}`)
  }
}

describe(`of mongodb ${version}, which does not publish it,`, () => {
  for (const [name, check] of Object.entries(contract)) {
    it.live(`${name} is as mongofx knows it`, () =>
      Effect.gen(function*() {
        const installed = yield* Effect.acquireRelease(
          Effect.promise(open),
          ({ client }) => Effect.promise(() => client.close().catch(() => undefined))
        )
        yield* Effect.promise(async () => {
          try {
            await check(installed)
          } catch (cause) {
            const message = cause instanceof Error ? cause.message : String(cause)
            const where = `see "What the driver does not publish" in docs/decisions.md`
            throw new Error(`mongodb ${version} has another ${name}: ${message} (${where})`, { cause })
          }
        })
      }))
  }

  it.live("the reply is kept as it is read here", () =>
    Effect.gen(function*() {
      const { items } = yield* fixture
      yield* items.insertMany(Array.from({ length: 50 }, (_, _id) => ({ _id })))
      const original = Driver.AbstractCursor.prototype.readBufferedDocuments
      let calls = 0
      Driver.AbstractCursor.prototype.readBufferedDocuments = function(number) {
        calls++
        return original.call(this, number)
      }
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          Driver.AbstractCursor.prototype.readBufferedDocuments = original
        })
      )
      const chunks = yield* Stream.runCollect(Stream.chunks(items.find().batchSize(10).raw))
      assert.deepStrictEqual(chunks.map((chunk) => chunk.length), [10, 10, 10, 10, 10])
      for (const chunk of chunks) assert.strictEqual(new Set(chunk.map((bytes) => bytes.buffer)).size, 1)
      assert.strictEqual((yield* items.find().batchSize(10)).length, 50)
      assert.strictEqual(calls, 0)
    }))

  it("docs/decisions.md lists all of it, and no more", () => {
    const page = Fs.readFileSync(new URL("../../../../docs/decisions.md", import.meta.url), "utf8")
    const [, section = ""] = page.split("## What the driver does not publish\n")
    const rows = section.split("\n## ")[0]!.split("\n").filter((line) => line.startsWith("| `"))
    const listed = rows.map((row) => /^\| `([^`]+)` /.exec(row)?.[1] ?? row)
    assert.deepStrictEqual(listed.sort(), Object.keys(contract).sort())
  })
})
