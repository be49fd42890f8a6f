/**
 * `Persistence` on MongoDB: the same answers as Effect's memory store, and what only a server can show.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoPersistence } from "@mongofx/backends"
import { MongoError } from "@mongofx/core"
import { Context, Duration, Effect, Exit, Layer, Random, Ref, Request, RequestResolver, Schema } from "effect"
import { Chat, Prompt } from "effect/ai"
import { Persistable, PersistedCache, Persistence } from "effect/persistence"
import { TestClock } from "effect/testing"
import { failCommand, type Fixture, seeded, setup, until } from "test-support/utils"
import { oneOf, serviceOf } from "../support/backends.ts"

const backingOf = (fixture: Fixture, options: MongoPersistence.Options = {}) =>
  serviceOf(Persistence.BackingPersistence, MongoPersistence.layerBackingWith(options), fixture)

const memoryStore = Effect.map(Layer.build(Persistence.layerBackingMemory), Context.get(Persistence.BackingPersistence))

/** A random value as JSON has it. */
const json = (depth: number): Effect.Effect<unknown> =>
  Effect.gen(function*() {
    const kind = yield* Random.nextIntBetween(0, depth > 0 ? 6 : 4)
    if (kind === 0) return yield* oneOf([0, 1.5, 2 ** 31, 2 ** 53 - 1, -(2 ** 40), 1e300, Number.MIN_VALUE])
    if (kind === 1) return yield* oneOf(["", "$now", "$$NOW", "a.b", "\0", "é😀", "2020-01-01", "x".repeat(1000)])
    if (kind === 2) return yield* oneOf([true, false])
    if (kind === 3) return null
    if (kind <= 5) return yield* object(depth - 1)
    return yield* Effect.forEach(Array.from({ length: yield* Random.nextIntBetween(0, 3) }), () => json(depth - 1))
  })

const object = (depth: number): Effect.Effect<object> =>
  Effect.gen(function*() {
    const names = ["a", "", "$set", "a.b", "$ref", "$id", "$db", "_id", "0", "__proto__", "constructor"]
    const entries = yield* Effect.forEach(
      Array.from({ length: yield* Random.nextIntBetween(0, 4) }),
      () => Effect.all([oneOf(names), json(depth)])
    )
    return Object.fromEntries(entries)
  })

const stores = ["a", "b", "a:b", "a%3Ab", "", ":", "%"]
const keys = ["1", "2", "a", "b:1", ":", ";", "", "é"]
const ttls = [undefined, Duration.millis(1), Duration.millis(50), Duration.seconds(2), Duration.days(1e9)]

describe("the backing store", () => {
  it.effect(
    "answers as the memory store does, to random operations under a clock of the test",
    () =>
      Effect.gen(function*() {
        const fixture = yield* setup()
        const mongo = yield* backingOf(fixture)
        const memory = yield* memoryStore
        const both = yield* Effect.forEach(stores, (id) => Effect.all([mongo.make(id), memory.make(id)]))
        for (let i = 0; i < 250; i++) {
          yield* TestClock.adjust(Duration.millis(yield* oneOf([0, 0, 1, 20, 700])))
          const [mongo, memory] = yield* oneOf(both)
          const entry = Effect.all([oneOf(keys), object(3), oneOf(ttls)])
          const several = yield* Effect.forEach(Array.from({ length: yield* Random.nextIntBetween(1, 5) }), () => entry)
          const [first] = several as [typeof several[number]]
          const kind = yield* Random.nextIntBetween(0, 20)
          const operation = (store: Persistence.BackingPersistenceStore): Effect.Effect<unknown, unknown> => {
            if (kind < 6) return store.get(first[0])
            if (kind < 10) return store.getMany([first[0], ...several.map(([key]) => key)])
            if (kind < 15) return store.set(...first)
            if (kind < 18) return store.setMany([first, ...several.slice(1)])
            return kind < 20 ? store.remove(first[0]) : store.clear
          }
          const expected = yield* operation(memory)
          assert.deepStrictEqual(yield* operation(mongo), kind < 10 ? expected : undefined, `operation ${i}`)
        }
        for (const [mongo, memory] of both) {
          assert.deepStrictEqual(yield* mongo.getMany(keys as never), yield* memory.getMany(keys as never))
        }
      }).pipe(seeded),
    60_000
  )

  it.live("keeps every value as it was, in a document where a document can have it", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* (yield* backingOf(fixture)).make("values")
      const deep = JSON.parse("[".repeat(300) + "]".repeat(300))
      const values = {
        plain: { a: [1, "$now", { "b.c": null, $set: -0 }] },
        schema: { $id: "x", $ref: "a.b", rest: 1 },
        type: { a: { _bsontype: "ObjectId" } },
        names: JSON.parse(`{"constructor":[{"a":1}],"__proto__":[{"a":1}]}`),
        lone: { text: "\ud800", ["\udc00"]: 1 },
        nul: { "a\0b": 1 },
        deep: { deep }
      }
      yield* store.setMany(Object.entries(values).map(([key, value]) => [key, value, undefined] as const) as never)
      for (const [key, value] of Object.entries(values)) assert.deepStrictEqual(yield* store.get(key), value, key)
      const stored = yield* fixture.db.collection<{ _id: string }>("effect_persistence").find({
        value: { $exists: true }
      })
      assert.deepStrictEqual(stored.map(({ _id }) => _id), ["values:plain"])
    }))

  it.live("has a limit of 16 MB, and fails with the error of the server", () =>
    Effect.gen(function*() {
      const store = yield* (yield* backingOf(yield* setup())).make("large")
      const error = yield* Effect.flip(store.set("large", { text: "x".repeat(17_000_000) }, undefined))
      assert.strictEqual(error._tag, "PersistenceError")
      assert.isTrue(MongoError.isMongoError(error.cause))
      assert.strictEqual(error.message, (error.cause as MongoError.MongoError).message)
      assert.isUndefined(yield* store.get("large"))
      assert.strictEqual((yield* Effect.flip(store.set("\ud800", {}, undefined)))._tag, "PersistenceError")
    }))

  it.live("lets the server delete what is over, by the server's clock", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const { admin, db } = fixture
      const store = yield* (yield* backingOf(fixture)).make("ttl")
      yield* store.setMany([["short", {}, Duration.millis(5)], ["long", {}, Duration.hours(1)], [
        "ever",
        {},
        undefined
      ]])
      yield* store.set("endless", {}, Duration.millis(1e300))
      const entries = db.collection<{ _id: string }>("effect_persistence")
      const rate = (seconds: number) =>
        Effect.promise(() => admin.db("admin").command({ setParameter: 1, ttlMonitorSleepSecs: seconds }))
      yield* Effect.acquireRelease(rate(1), () => rate(60))
      yield* until(
        "the server has deleted it",
        () => Effect.runPromise(entries.countDocuments({})).then((n) => n === 3),
        60_000
      )
      const left = yield* entries.find().sort({ _id: 1 })
      assert.deepStrictEqual(left.map(({ _id }) => _id), ["ttl:endless", "ttl:ever", "ttl:long"])
    }), 90_000)

  it.effect("deletes nothing early when the program's clock is in the past", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* (yield* backingOf(fixture)).make("past")
      yield* store.set("a", {}, Duration.minutes(10))
      const [entry] = yield* fixture.db.collection("effect_persistence").find()
      assert.strictEqual(entry!["expires"], 600_000)
      assert.isAbove((entry!["expireAt"] as Date).getTime(), Date.now() + 500_000)
      yield* TestClock.adjust("10 minutes")
      assert.isUndefined(yield* store.get("a"))
    }))

  it.live("stays out of the transaction around it", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* (yield* backingOf(fixture)).make("apart")
      yield* fixture.mongo.withTransaction(Effect.andThen(
        Effect.andThen(store.set("a", { n: 1 }, undefined), store.setMany([["b", { n: 2 }, undefined]])),
        Effect.fail("undone")
      )).pipe(Effect.flip)
      assert.deepStrictEqual(yield* store.getMany(["a", "b"]), [{ n: 1 }, { n: 2 }])
    }))

  it.live("fails when its deadline passes, or a shorter one around it", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* (yield* backingOf(fixture, { deadline: "200 millis" })).make("slow")
      yield* failCommand(fixture, "alwaysOn", {
        failCommands: ["find", "update", "delete"],
        blockConnection: true,
        blockTimeMS: 1000
      })
      for (const operation of [store.get("a"), store.set("a", {}, undefined), store.clear]) {
        const { cause } = yield* Effect.flip(operation)
        assert.strictEqual((cause as MongoError.MongoError).reason._tag, "MaxTimeExpiredError")
      }
    }))

  it.live("takes fifty writers of one new key at a time", () =>
    Effect.gen(function*() {
      const store = yield* (yield* backingOf(yield* setup(), { deadline: "1 minute" })).make("busy")
      for (let round = 0; round < 5; round++) {
        yield* Effect.forEach(
          Array.from({ length: 50 }, (_, n) => n),
          (n) =>
            n % 2 === 0
              ? store.set(`a${round}`, { n }, undefined)
              : store.setMany([[`a${round}`, { n }, undefined], [`b${round}`, { n }, undefined]]),
          { concurrency: "unbounded" }
        )
        assert.isDefined(yield* store.get(`b${round}`))
      }
    }))

  it.live("writes many entries by one command, and clears a store by a range of the index of _id", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* (yield* backingOf(fixture, { collectionName: "mine" })).make("a:b")
      fixture.clear()
      yield* store.setMany([["1", {}, undefined], ["2", {}, undefined], ["3", {}, undefined]])
      assert.deepStrictEqual(fixture.sent(), ["update"])
      yield* store.clear
      assert.deepStrictEqual(fixture.last("delete")["deletes"][0].q, { _id: { $gte: "a%3Ab:", $lt: "a%3Ab;" } })
      const plan = yield* fixture.db.collection<{ _id: string }>("mine").find({
        _id: { $gte: "a%3Ab:", $lt: "a%3Ab;" }
      }).explain()
      assert.notInclude(JSON.stringify(plan), "COLLSCAN")
      assert.strictEqual(yield* fixture.db.collection("mine").countDocuments({}), 0)
    }))
})

// ---- what is built on it

class Lookup extends Persistable.Class<{ payload: { readonly id: number } }>()("Lookup", {
  primaryKey: ({ id }) => String(id),
  success: Schema.Struct({ n: Schema.Number, at: Schema.Date }),
  error: Schema.String
}) {}

class Find extends Persistable.Class<{ payload: { readonly id: number } }>()("Find", {
  primaryKey: ({ id }) => String(id),
  success: Schema.String
}) {}

const persistenceOf = (fixture: Fixture) => serviceOf(Persistence.Persistence, MongoPersistence.layer, fixture)

describe("what is built on the store", () => {
  it.effect("a PersistedCache of one process has what another one has looked up, failures included", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const looked: Array<number> = []
      const cache = Effect.flatMap(persistenceOf(fixture), (persistence) =>
        PersistedCache.make(
          ({ id }: Lookup) =>
            Effect.suspend(() => {
              looked.push(id)
              return id < 0 ? Effect.fail("negative") : Effect.succeed({ n: id, at: new Date(looked.length) })
            }),
          {
            storeId: "users",
            timeToLive: (exit) => Exit.isSuccess(exit) ? "1 hour" : "50 millis",
            inMemoryTTL: () => 0
          }
        ).pipe(Effect.provideService(Persistence.Persistence, persistence)))
      const [one, two] = [yield* cache, yield* cache]
      assert.deepStrictEqual(yield* one.get(new Lookup({ id: 1 })), { n: 1, at: new Date(1) })
      assert.deepStrictEqual(yield* two.get(new Lookup({ id: 1 })), { n: 1, at: new Date(1) })
      assert.deepStrictEqual(looked, [1])
      assert.strictEqual(yield* Effect.flip(one.get(new Lookup({ id: -1 }))), "negative")
      assert.strictEqual(yield* Effect.flip(two.get(new Lookup({ id: -1 }))), "negative")
      assert.deepStrictEqual(looked, [1, -1])
      yield* TestClock.adjust("50 millis")
      assert.strictEqual(yield* Effect.flip(two.get(new Lookup({ id: -1 }))), "negative")
      yield* one.invalidate(new Lookup({ id: 1 }))
      yield* two.get(new Lookup({ id: 1 }))
      assert.deepStrictEqual(looked, [1, -1, -1, 1])
    }))

  it.live("an entry that no longer decodes is looked up anew", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const persistence = yield* persistenceOf(fixture)
      const store = yield* persistence.make({ storeId: "old" })
      yield* store.set(new Lookup({ id: 1 }), Exit.succeed({ n: 1, at: new Date(5) }))
      yield* fixture.db.collection<{ _id: string }>("effect_persistence").updateOne({ _id: "old:1" }, {
        $set: { value: { odd: 1 } }
      })
      assert.deepStrictEqual(yield* store.getMany([new Lookup({ id: 1 })]), [undefined])
      yield* until("it was removed", () =>
        Effect.runPromise(fixture.db.collection("effect_persistence").countDocuments({})).then((n) => n === 0))
    }))

  it.live("a persisted resolver asks once for what it has found", () =>
    Effect.gen(function*() {
      const persistence = yield* persistenceOf(yield* setup())
      const asked: Array<number> = []
      const resolver = yield* RequestResolver.make<Find>((entries) =>
        Effect.forEach(entries, (entry) => {
          asked.push(entry.request.id)
          return Request.succeed(entry, `user ${entry.request.id}`)
        }, { discard: true })
      ).pipe(
        RequestResolver.persisted({ storeId: "found" }),
        Effect.provideService(Persistence.Persistence, persistence)
      )
      const find = (ids: ReadonlyArray<number>) =>
        Effect.forEach(ids, (id) => Effect.request(new Find({ id }), resolver), { concurrency: "unbounded" })
      assert.deepStrictEqual(yield* find([1, 2]), ["user 1", "user 2"])
      assert.deepStrictEqual(yield* find([3, 2, 1]), ["user 3", "user 2", "user 1"])
      assert.deepStrictEqual(asked.sort(), [1, 2, 3])
    }))

  it.live("a chat goes on in another process", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const chats = serviceOf(
        Chat.Persistence,
        Layer.provide(Chat.layerPersisted({ storeId: "chats" }), MongoPersistence.layerBacking),
        fixture
      )
      const one = yield* (yield* chats).getOrCreate("ada")
      yield* Ref.set(one.history, Prompt.make("Is anybody there?"))
      yield* one.save
      const two = yield* (yield* chats).get("ada")
      assert.deepStrictEqual(yield* two.exportJson, yield* one.exportJson)
      assert.include(yield* two.exportJson, "anybody")
      const missing = yield* Effect.flip((yield* chats).get("bob"))
      assert.strictEqual(missing._tag, "ChatNotFoundError")
    }))
})
