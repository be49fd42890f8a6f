import { assert, describe, it } from "@effect/vitest"
import { ChangeStreamConsumer, Integration, ResumeTokenStore } from "@mongofx/core"
import { Bson, DocumentError, type TypedChangeStream, TypedCollection } from "@mongofx/schema"
import { eventDecoder } from "@mongofx/schema/internal/changeStream/events"
import { codecOf } from "@mongofx/schema/internal/compiler/codec"
import { Context, Effect, Exit, Fiber, Option, Result, Schema, SchemaGetter, Stream } from "effect"
import * as Driver from "mongodb"
import { setup, until, uri } from "test-support/utils"
import { send, spoilt } from "test-support/wire"

class Address extends Schema.Class<Address>("test/Address")({ city: Schema.String, zip: Schema.String }) {}

class User extends Schema.Class<User>("test/User")({
  _id: Bson.Int64,
  name: Schema.String,
  born: Bson.Date,
  views: Bson.Int64,
  data: Bson.Binary,
  address: Address
}) {}

const ada = new User({
  _id: 1n,
  name: "Ada",
  born: new Date("1815-12-10"),
  views: 12n,
  data: new Driver.Binary(Buffer.from("abc")),
  address: new Address({ city: "London", zip: "W1" })
})

const stored = {
  ...ada,
  _id: Driver.Long.fromNumber(1),
  views: Driver.Long.fromNumber(12),
  address: { ...ada.address }
}

const images = { fullDocument: "updateLookup", fullDocumentBeforeChange: "whenAvailable" } as const

/** A collection with pre-images. No other test compiles its schema. */
const fixture = Effect.gen(function*() {
  const test = yield* setup()
  yield* test.db.createCollection("users", { changeStreamPreAndPostImages: { enabled: true } })
  const Own = User.pipe(Schema.annotate({ title: "own" }))
  return { ...test, Own, users: TypedCollection.make(test.db, "users", Own), untyped: test.db.collection("users") }
})

const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(
    Effect.exit(effect),
    (exit) => Exit.isFailure(exit) ? Option.getOrThrow(Exit.findErrorOption(exit)) : assert.fail("no failure")
  )

const documentError = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(
    failureOf(effect),
    (error) => error instanceof DocumentError.DocumentError ? error : assert.fail(String(error))
  )

const take = <A, E, R>({ stream }: { readonly stream: Stream.Stream<A, E, R> }, count: number) =>
  Stream.runCollect(Stream.take(stream, count))

describe("the documents of change events", () => {
  it.live("are read by the compiled decoder, without the interpreter", () =>
    Effect.gen(function*() {
      const { Own, users } = yield* fixture
      const codec = codecOf<User>(Own.ast)
      const bytes = codec.bytes(Integration.bsonOptions(users.untyped))!
      let interpreted = 0
      for (const decoder of [codec, bytes]) {
        const { decode } = decoder
        Object.assign(decoder, {
          decode: (document: unknown) => {
            interpreted++
            return decode(document)
          }
        })
      }
      const changes = yield* users.watch([], images).open
      yield* users.insertOne(ada)
      yield* users.updateOne({ _id: 1n }, { $set: { name: "Augusta" } })
      yield* users.deleteOne({ _id: 1n })
      const [insert, update, remove] = yield* take(changes, 3)
      assert(insert?.operationType === "insert" && update?.operationType === "update")
      assert(remove?.operationType === "delete")
      assert.deepStrictEqual(insert.fullDocument, ada)
      assert.instanceOf(insert.fullDocument.address, Address)
      // The document is gone when the server looks it up, and the server says so.
      assert.isNull(update.fullDocument)
      assert.deepStrictEqual(update.fullDocumentBeforeChange, ada)
      assert.deepStrictEqual(update.updateDescription.updatedFields, { name: "Augusta" })
      assert.strictEqual(remove.fullDocumentBeforeChange?.name, "Augusta")
      assert.notProperty(remove, "fullDocument")
      assert.deepStrictEqual([insert, update, remove].map(({ documentKey }) => documentKey._id), [1n, 1n, 1n] as never)
      assert.strictEqual(interpreted, 0)

      const wrong = yield* users.watch().open
      yield* users.untyped.insertOne({ _id: 2 } as never)
      yield* failureOf(take(wrong, 1))
      assert.isAbove(interpreted, 0)
    }))

  it.live("fail with their collection, _id and path, are left out, or are collected, when they do not fit", () =>
    Effect.gen(function*() {
      const { untyped, users } = yield* fixture
      const [fail, skip, collect] = [
        yield* users.watch([], images).open,
        yield* users.watch([], images).onInvalid("skip").open,
        yield* users.watch([], images).onInvalid("collect").open
      ]
      yield* untyped.insertMany(
        [stored, { ...stored, _id: Driver.Long.fromNumber(2), address: { city: "x", zip: 5 } }] as never
      )
      yield* untyped.deleteOne({ _id: 2 as never })
      yield* untyped.insertOne({ ...stored, _id: Driver.Long.fromNumber(3) } as never)
      const error = yield* documentError(Stream.runDrain(fail.stream))
      assert.deepStrictEqual(
        [error.kind, error.operation, error.collection, error.id, error.path],
        ["decode", "watch", users.fullName, 2, "fullDocument.address.zip"]
      )
      const left = yield* take(skip, 2)
      assert.deepStrictEqual(left.map((event) => event.operationType === "insert" && event.fullDocument._id), [1n, 3n])
      const results = yield* take(collect, 4)
      assert.deepStrictEqual(
        results.map((result) => Result.isFailure(result) ? result.failure.path : "ok"),
        ["ok", "fullDocument.address.zip", "fullDocumentBeforeChange.address.zip", "ok"]
      )
    }))

  it.live("are the same with any options of the driver", () =>
    Effect.gen(function*() {
      const { db, untyped } = yield* fixture
      // With `promoteBuffers` the driver delivers buffers instead of a Binary.
      const { data: _, ...fields } = User.fields
      const Own = Schema.Struct(fields)
      const users = TypedCollection.make(db, "users", Own)
      const all = [
        {},
        { promoteLongs: false },
        { useBigInt64: true },
        { promoteValues: false },
        { promoteBuffers: true },
        { bsonRegExp: true },
        { enableUtf8Validation: false }
      ]
      // An option of core alone. The types let it in from a variable.
      const raw = { rawDocuments: true }
      const streams = yield* Effect.forEach(all, (options) =>
        Effect.all([
          users.watch([], options).open,
          users.watch([], { ...options, ...raw }).open,
          TypedCollection.make(db, "users", Own, options).watch().open
        ]))
      yield* untyped.insertOne(stored as never)
      const { data: __, ...expected } = ada
      for (const changes of streams.flat()) {
        const [event] = yield* take(changes, 1)
        assert(event?.operationType === "insert")
        assert.deepStrictEqual(event.fullDocument, expected)
        assert.strictEqual(event.documentKey._id as unknown, 1n)
      }
    }))

  it.live("have the form that the options choose, if the schema takes any form", () =>
    Effect.gen(function*() {
      const { db, untyped } = yield* fixture
      const Any = Schema.Struct({ _id: Schema.Unknown, n: Schema.Unknown })
      const n = Driver.Long.fromNumber(12)
      const streams = yield* Effect.forEach(
        [[{}, 12], [{ promoteLongs: false }, n], [{ useBigInt64: true }, 12n]] as const,
        ([options, expected]) =>
          Effect.forEach([
            TypedCollection.make(db, "users", Any).watch([], options),
            TypedCollection.make(db, "users", Any, options).watch()
          ], ({ open }) => Effect.map(open, (changes) => ({ changes, expected })))
      )
      yield* untyped.insertOne({ _id: 1, n } as never)
      for (const { changes, expected } of streams.flat()) {
        const [event] = yield* take(changes, 1)
        assert(event?.operationType === "insert")
        assert.deepStrictEqual(event.fullDocument, { _id: 1, n: expected })
      }
    }))

  it.live("are whole when the server has split the event", () =>
    Effect.gen(function*() {
      const { users } = yield* fixture
      const changes = yield* users.watch([], {
        splitLargeEvents: true,
        fullDocument: "required",
        fullDocumentBeforeChange: "required"
      }).open
      const [a, b] = ["a".repeat(9_000_000), "b".repeat(9_000_000)]
      yield* users.insertOne(new User({ ...ada, name: a }))
      yield* users.updateOne({ _id: 1n }, { $set: { name: b } })
      const [, update] = yield* take(changes, 2)
      assert(update?.operationType === "update")
      assert.instanceOf(update.fullDocument, User)
      assert.strictEqual(update.fullDocument.name, b)
      assert.strictEqual(update.fullDocumentBeforeChange?.name, a)
      assert.notProperty(update, "splitEvent")
    }), 60_000)

  it.live("do not fit when their bytes cannot be read", () =>
    Effect.gen(function*() {
      const { db, users } = yield* fixture
      const changes = yield* users.watch().onInvalid("skip").open
      yield* send(uri, spoilt({ insert: "users", documents: [{ ...stored, _id: 2, name: "~~~" }], $db: db.name }))
      yield* users.insertOne(ada)
      const [event] = yield* take(changes, 1)
      assert(event?.operationType === "insert")
      assert.strictEqual(event.fullDocument.name, ada.name)
      const strict = yield* users.watch().open
      yield* send(uri, spoilt({ insert: "users", documents: [{ ...stored, _id: 3, name: "~~~" }], $db: db.name }))
      const error = yield* documentError(take(strict, 1))
      assert.deepStrictEqual([error.path, error.id], ["fullDocument.name", 3])
    }))

  it.live("do not fit when a pipeline has replaced them by other values", () =>
    Effect.gen(function*() {
      const { users } = yield* fixture
      const changes = yield* users.watch([{ $set: { fullDocument: "$fullDocument.name" } }]).open
      yield* users.insertOne(ada)
      assert.strictEqual((yield* documentError(take(changes, 1))).path, "fullDocument")
    }))

  it.live("are left to the interpreter when decoding takes an effect", () => {
    class Salt extends Context.Service<Salt, string>()("test/Salt") {}
    const Salted = Schema.String.pipe(Schema.decodeTo(Schema.String, {
      decode: SchemaGetter.transformEffect((text: string) => Effect.map(Salt, (salt) => text + salt)),
      encode: SchemaGetter.transform((text: string) => text)
    }))
    return Effect.provideService(Salt, "!")(Effect.gen(function*() {
      const { db } = yield* setup()
      const notes = TypedCollection.make(db, "notes", Schema.Struct({ text: Salted }))
      const changes = yield* notes.watch().open
      yield* notes.untyped.insertOne({ text: "a" })
      const [event] = yield* take(changes, 1)
      assert(event?.operationType === "insert")
      assert.strictEqual(event.fullDocument.text, "a!")
    }))
  })
})

describe("a durable consumer of a typed collection", () => {
  const wrong = (id: number) => ({ ...stored, _id: Driver.Long.fromNumber(id), name: 5 })
  const right = (id: number) => ({ ...stored, _id: Driver.Long.fromNumber(id) })
  const settings = { name: "typed", checkpoint: { events: 1 } }
  const idOf = (event: TypedChangeStream.ChangeEvent<User>) =>
    event.operationType === "insert" && event.fullDocument._id

  it.effect("gets decoded events, and fails at one that does not decode after it has handled all before it", () =>
    Effect.gen(function*() {
      const { untyped, users } = yield* fixture
      const seen: Array<unknown> = []
      const consumer = ChangeStreamConsumer.make({
        ...settings,
        watch: (position) => users.watch([], position),
        handler: (event) => Effect.sync(() => seen.push(idOf(event)))
      })
      const { join } = yield* consumer
      yield* untyped.insertMany([right(1), right(2), wrong(3), right(4)] as never)
      assert.strictEqual((yield* documentError(join)).path, "fullDocument.name")
      assert.deepStrictEqual(seen, [1n, 2n])
      // The consumer has stopped there, and no event before comes again.
      assert.strictEqual((yield* documentError(Effect.flatMap(consumer, ({ join }) => join))).id, 3)
      assert.deepStrictEqual(seen, [1n, 2n])
      yield* Effect.scoped(Effect.gen(function*() {
        yield* ChangeStreamConsumer.make({
          ...settings,
          watch: (position) => users.watch([], position).onInvalid("skip"),
          handler: (event) => Effect.sync(() => seen.push(idOf(event)))
        })
        yield* until("the rest is handled", () => seen.length === 3)
      }))
      assert.deepStrictEqual(seen, [1n, 2n, 4n])
    }).pipe(Effect.provide(ResumeTokenStore.layerMemory)))

  it.effect(
    "gets decoded events in parts and at the same time, those that do not decode too, and can change the parts",
    () =>
      Effect.gen(function*() {
        const { untyped, users } = yield* fixture
        const seen: Array<unknown> = []
        const consume = (partitions: number, concurrency: number) =>
          ChangeStreamConsumer.make({
            ...settings,
            partitions,
            concurrency,
            watch: (position) => users.watch([], position).onInvalid("collect"),
            handler: (result) =>
              Effect.sync(() => {
                seen.push(
                  Result.isSuccess(result) ? idOf(result.success) : `${result.failure.path} of ${result.failure.id}`
                )
              })
          })
        const expected: Array<unknown> = []
        for (const [round, [parts, concurrency]] of ([[1, 1], [3, 1], [2, 4], [1, 2]] as const).entries()) {
          yield* Effect.scoped(Effect.gen(function*() {
            yield* consume(parts, concurrency)
            const first = 10 * round
            yield* untyped.insertMany([right(first), wrong(first + 1), right(first + 2), right(first + 3)] as never)
            expected.push(BigInt(first), `fullDocument.name of ${first + 1}`, BigInt(first + 2), BigInt(first + 3))
            yield* until(`round ${round} is handled`, () => expected.every((one) => seen.includes(one)), 20_000)
          }))
        }
        assert.deepStrictEqual([...new Set(seen)].map(String).sort(), expected.map(String).sort())
      }).pipe(Effect.provide(ResumeTokenStore.layerMemory)),
    60_000
  )

  it.effect("gets events that do not decode as failures with their own tokens, when they are collected", () =>
    Effect.gen(function*() {
      const { untyped, users } = yield* fixture
      const store = yield* ResumeTokenStore.ResumeTokenStore
      const seen: Array<unknown> = []
      const tokens: Array<unknown> = []
      const consumer = yield* Effect.forkChild(ChangeStreamConsumer.consume({
        ...settings,
        watch: (position) => users.watch([], position).onInvalid("collect"),
        onFirstStart: Effect.asVoid(untyped.insertMany([right(1), wrong(2), right(3)] as never)),
        handler: (result, checkpoint) =>
          Effect.gen(function*() {
            yield* checkpoint
            tokens.push(Option.getOrThrow(yield* store.load(settings.name)).token)
            seen.push(Result.isSuccess(result) ? idOf(result.success) : result.failure.path)
          })
      }))
      yield* until("all are handled", () => seen.length === 3)
      yield* Fiber.interrupt(consumer)
      assert.deepStrictEqual(seen, [1n, "fullDocument.name", 3n])
      const behind = yield* users.watch([], { startAfter: tokens[1] as Driver.ResumeToken }).open
      assert.deepStrictEqual((yield* take(behind, 1)).map(idOf), [3n])
    }).pipe(Effect.provide(ResumeTokenStore.layerMemory)))
})

describe("eventDecoder", () => {
  it("keeps the order of the fields, and none of the bytes", () => {
    const codec = codecOf<unknown>(User.ast)
    const decoder = eventDecoder(codec, codecOf<unknown>(Bson.Int64.ast), codec.bytes({}))
    const fullDocument = Buffer.from(Driver.BSON.serialize(stored))
    const event = {
      _id: 1,
      fullDocument,
      operationType: "insert",
      fullDocumentBeforeChange: null,
      documentKey: { a: 1, _id: 1 }
    }
    const out: Array<unknown> = []
    assert.strictEqual(decoder.decodeMany([event, { operationType: "drop" }], 0, out), 2)
    fullDocument.fill(0xff)
    assert.deepStrictEqual(out, [
      { ...event, fullDocument: ada, documentKey: { _id: 1n, a: 1 } },
      { operationType: "drop" }
    ])
    assert.deepStrictEqual(Object.keys(out[0] as object), Object.keys(event))
  })
})
