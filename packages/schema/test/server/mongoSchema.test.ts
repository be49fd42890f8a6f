import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Bson, MongoSchema } from "@mongofx/schema"
import { CommandLog, MongoTest } from "@mongofx/testing"
import { Cause, Effect, Exit, Option, Schema, SchemaGetter, Stream } from "effect"
import { ObjectId } from "mongodb"

const Item = Schema.Struct({ n: Schema.Int, at: Schema.DateTimeUtcFromDate })

const Test = MongoTest.layerWith({ driverOptions: { monitorCommands: true } })

const test = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.provide(Effect.scoped(self), Test)

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const items = db.collection("items")
  yield* items.insertMany([1, 2, 3].map((n) => ({ n, at: new Date(n) })))
  const log = yield* CommandLog.make
  return { items, log, sent: () => log.names(db.name) }
})

/** A request that is stored as text. */
const Least = Schema.Int.pipe(Schema.encodeTo(Schema.String, {
  decode: SchemaGetter.transform((text: string) => Number(text)),
  encode: SchemaGetter.transform((n: number) => String(n))
}))

describe("the request", () => {
  it.live("is encoded for execute, and one that does not encode asks nothing", () =>
    test(Effect.gen(function*() {
      const { items, sent } = yield* fixture
      const given: Array<unknown> = []
      const options = {
        Request: Least,
        Result: Item,
        execute: (least: string) => {
          given.push(least)
          return items.find({ n: { $gte: Number(least) } }).sort({ n: 1 })
        }
      }
      const found = yield* MongoSchema.findAll(options)(2)
      assert.deepStrictEqual(found.map(({ n }) => n), [2, 3])
      assert.deepStrictEqual(found.map(({ at }) => at.epochMilliseconds), [2, 3])
      assert.deepStrictEqual(given, ["2"])
      const bad = [
        Effect.asVoid(MongoSchema.findAll(options)(1.5)),
        Effect.asVoid(MongoSchema.findNonEmpty(options)(1.5)),
        Effect.asVoid(MongoSchema.findOne(options)(1.5)),
        Effect.asVoid(MongoSchema.findOneOption(options)(1.5)),
        MongoSchema.void(options)(1.5),
        Stream.runDrain(MongoSchema.stream(options)(1.5))
      ]
      for (const effect of bad) assert.isTrue(Schema.isSchemaError(yield* Effect.flip(effect)))
      assert.deepStrictEqual(sent(), ["find"])
    })))
})

describe("the results", () => {
  it.live("are all, or at least one, or the first one", () =>
    test(Effect.gen(function*() {
      const { items, log, sent } = yield* fixture
      const options = {
        Request: Schema.Int,
        Result: Item,
        execute: (least: number) => items.find({ n: { $gte: least } }).sort({ n: 1 })
      }
      assert.strictEqual((yield* MongoSchema.findNonEmpty(options)(1))[0].n, 1)
      assert.deepStrictEqual(yield* MongoSchema.findAll(options)(4), [])
      for (const effect of [MongoSchema.findNonEmpty(options)(4), MongoSchema.findOne(options)(4)]) {
        assert.isTrue(Cause.isNoSuchElementError(yield* Effect.flip(effect as Effect.Effect<unknown, unknown>)))
      }
      assert.isTrue(Option.isNone(yield* MongoSchema.findOneOption(options)(4)))
      log.clear()
      assert.strictEqual((yield* MongoSchema.findOne(options)(2)).n, 2)
      // The server is asked for one document only.
      assert.deepStrictEqual(sent(), ["find"])
      assert.strictEqual(Option.getOrThrow(log.last("find"))["limit"], 1)
      const plain = { ...options, execute: () => Effect.succeed([{ n: 7, at: new Date(0) }, { n: "ignored" }]) }
      assert.strictEqual((yield* MongoSchema.findOne(plain)(0)).n, 7)
      yield* MongoSchema.void({ Request: Schema.Int, execute: (n) => items.deleteOne({ n }) })(1)
      assert.strictEqual(yield* items.countDocuments(), 2)
    })))

  it.live("that do not decode fail with a SchemaError that names their position", () =>
    test(Effect.gen(function*() {
      const { items } = yield* fixture
      yield* items.updateOne({ n: 3 }, { $set: { at: "never" } })
      const options = { Request: Schema.Void, Result: Item, execute: () => items.find().sort({ n: 1 }) }
      const error = yield* Effect.flip(MongoSchema.findAll(options)())
      assert.isTrue(Schema.isSchemaError(error))
      assert.include(error.message, `[2]["at"]`)
    })))

  it.live("are streamed, from a query or a stream, and run anew each time", () =>
    test(Effect.gen(function*() {
      const { items, log, sent } = yield* fixture
      const fromQuery = MongoSchema.stream({ Request: Schema.Int, Result: Item, execute: (n) => items.find({ n }) })
      const fromStream = MongoSchema.stream({
        Request: Schema.Int,
        Result: Item,
        execute: (n) => items.find({ n }).stream
      })
      log.clear()
      const stream = fromQuery(2)
      for (const given of [stream, stream, fromStream(2)]) {
        assert.deepStrictEqual((yield* Stream.runCollect(given)).map(({ n }) => n), [2])
      }
      assert.deepStrictEqual(sent(), ["find", "find", "find"])
      const bad = MongoSchema.stream({
        Request: Schema.Int,
        Result: Schema.Struct({ n: Schema.String }),
        execute: () => items.find()
      })
      assert.isTrue(Schema.isSchemaError(yield* Effect.flip(Stream.runDrain(bad(0)))))
    })))

  it.effect("may take effects and services to decode", () =>
    Effect.gen(function*() {
      const Slow = Schema.String.pipe(Schema.decodeTo(Schema.String, {
        decode: SchemaGetter.transformEffect((text: string) => Effect.as(Effect.yieldNow, text.toUpperCase())),
        encode: SchemaGetter.transform((text: string) => text)
      }))
      const rows = [{ _id: new ObjectId(), name: "a" }, { _id: new ObjectId(), name: "b" }]
      const find = MongoSchema.findAll({
        Request: Schema.Void,
        Result: Schema.Struct({ _id: Bson.ObjectId, name: Slow }),
        execute: () => Effect.succeed(rows)
      })
      assert.deepStrictEqual((yield* find()).map(({ name }) => name), ["A", "B"])
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(find())))
    }))
})
