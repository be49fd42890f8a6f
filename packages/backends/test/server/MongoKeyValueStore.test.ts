/**
 * `KeyValueStore` on MongoDB: the same answers as Effect's memory store, and updates that are not lost.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoKeyValueStore } from "@mongofx/backends"
import { MongoError } from "@mongofx/core"
import { Context, Effect, Layer, Schema } from "effect"
import { KeyValueStore } from "effect/persistence"
import { failCommand, type Fixture, seeded, setup } from "test-support/utils"
import { oneOf, serviceOf } from "../support/backends.ts"

const storeOf = (fixture: Fixture, options: MongoKeyValueStore.Options = {}) =>
  serviceOf(KeyValueStore.KeyValueStore, MongoKeyValueStore.layerWith(options), fixture)

const memoryStore = Effect.map(Layer.build(KeyValueStore.layerMemory), Context.get(KeyValueStore.KeyValueStore))

const encode = (text: string) => new TextEncoder().encode(text)
const bytes = (...numbers: ReadonlyArray<number>) => new Uint8Array(numbers)

describe("the store", () => {
  it.effect(
    "answers as the memory store does, to random operations, also through a prefix",
    () =>
      Effect.gen(function*() {
        const [mongo, memory] = [yield* storeOf(yield* setup()), yield* memoryStore]
        const keys = [
          "",
          "a",
          "a/",
          "a/b",
          "A/b",
          "a/\uffff",
          "a/\u{10ffff}",
          "a0",
          "\0",
          "$a.b",
          "é",
          "e\u0301",
          "x".repeat(5000)
        ]
        const prefixes = ["", "a", "a/", "\0", "é", "\u{10ffff}", "a/\u{10ffff}", "nothing", "$"]
        const values = ["", "text", "AQI=", "$now", "\0", "é😀", bytes(), bytes(1, 2), bytes(0, 255), encode("text")]
        const sorted = Effect.map((keys: ReadonlyArray<string>) => [...keys].sort())
        for (let i = 0; i < 400; i++) {
          const [key, prefix, value] = yield* Effect.all([oneOf(keys), oneOf(prefixes), oneOf(values)])
          const prefixed = yield* oneOf([false, false, true])
          const kind = yield* oneOf([
            "set",
            "set",
            "set",
            "get",
            "getUint8Array",
            "has",
            "remove",
            "modify",
            "modifyUint8Array",
            "clearPrefix",
            i % 20 === 0 ? "clear" : "keys",
            "size",
            "isEmpty"
          ])
          const operation = (
            whole: KeyValueStore.KeyValueStore
          ): Effect.Effect<unknown, KeyValueStore.KeyValueStoreError> => {
            const store = prefixed ? KeyValueStore.prefix(whole, "a/") : whole
            switch (kind) {
              case "set":
                return Effect.asVoid(store.set(key, value))
              case "get":
                return store.get(key)
              case "getUint8Array":
                return store.getUint8Array(key)
              case "has":
                return store.has(key)
              case "remove":
                return Effect.asVoid(store.remove(key))
              case "modify":
                return store.modify(key, (text) => `${text}!`)
              case "modifyUint8Array":
                return store.modifyUint8Array(key, (old) => bytes(...old, 7))
              case "clearPrefix":
                return Effect.asVoid(store.clearPrefix(prefix))
              case "clear":
                return Effect.asVoid(store.clear)
              case "keys":
                return sorted(store.keys)
              default:
                return kind === "size" ? store.size : store.isEmpty
            }
          }
          const expected = yield* operation(memory)
          assert.deepStrictEqual(yield* operation(mongo), expected, `${kind}, operation ${i}`)
        }
        assert.deepStrictEqual(yield* sorted(mongo.keys), yield* sorted(memory.keys))
      }).pipe(seeded),
    60_000
  )

  it.live("loses no update of fifty that run at once, in two processes", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      // On a busy machine so many turns take long.
      const [one, two] = yield* Effect.all([
        storeOf(fixture, { deadline: "1 minute" }),
        storeOf(fixture, { deadline: "1 minute" })
      ])
      yield* one.set("count", "0")
      yield* one.set("bytes", bytes())
      const results = yield* Effect.forEach(
        Array.from({ length: 50 }, (_, i) => i),
        (i) =>
          Effect.all([
            (i % 2 === 0 ? one : two).modify("count", (count) => String(Number(count) + 1)),
            (i % 2 === 0 ? one : two).modifyUint8Array("bytes", (bytes) => Uint8Array.of(...bytes, i))
          ]),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(yield* one.get("count"), "50")
      // Each call gets what it has written itself.
      assert.lengthOf(new Set(results.map(([count]) => count)), 50)
      assert.deepStrictEqual([...(yield* one.getUint8Array("bytes"))!].sort((a, b) => a - b), results.map((_, i) => i))
    }), 120_000)

  it.live("modifies nothing that is not there, or that is removed meanwhile", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture)
      assert.isUndefined(yield* store.modify("a", () => "new"))
      yield* store.set("a", "old")
      yield* failCommand(fixture, { times: 1 }, { failCommands: ["update"], blockConnection: true, blockTimeMS: 1500 })
      let calls = 0
      const result = yield* store.modify("a", (value) => {
        calls++
        assert.strictEqual(value, "old")
        // Somebody else removes it while the write is on its way.
        void fixture.admin.db(fixture.db.name).collection<{ _id: string }>("effect_key_value_store").deleteOne({
          _id: "a"
        })
        return "new"
      })
      assert.deepStrictEqual([result, calls], [undefined, 1])
      assert.isFalse(yield* store.has("a"))
    }))

  it.live("gives a modification that throws to its caller, and changes nothing", () =>
    Effect.gen(function*() {
      const store = yield* storeOf(yield* setup())
      yield* store.set("a", "old")
      const exit = yield* Effect.exit(store.modify("a", () => {
        throw new Error("no")
      }))
      assert.isTrue(exit._tag === "Failure")
      assert.strictEqual(yield* store.get("a"), "old")
    }))

  it.live("has text and bytes as they are, as a person reads them in the database", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture, { collectionName: "mine" })
      yield* store.set("a", "text")
      yield* store.set("b", bytes(1, 2))
      const entries = yield* Effect.promise(() =>
        fixture.admin.db(fixture.db.name).collection("mine").find().sort({ _id: 1 }).toArray()
      )
      assert.strictEqual(entries[0]!["value"], "text")
      assert.strictEqual(entries[1]!["value"].toString("base64"), "AQI=")
    }))

  it.live("keeps values of a schema", () =>
    Effect.gen(function*() {
      const store = KeyValueStore.toSchemaStore(
        yield* storeOf(yield* setup()),
        Schema.Struct({ at: Schema.Date, n: Schema.Number })
      )
      yield* store.set("a", { at: new Date(5), n: 1 })
      const modified = yield* store.modify("a", ({ at, n }) => ({ at, n: n + 1 }))
      assert.deepStrictEqual(modified, yield* store.get("a"))
    }))

  it.live("deletes the keys of a prefix by a range of the index", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture)
      yield* store.clearPrefix("a/")
      assert.deepStrictEqual(fixture.last("delete")["deletes"][0].q, { _id: { $gte: "a/", $lt: "a0" } })
    }))

  it.live("stays out of the transaction around it", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture)
      yield* store.set("a", "1")
      yield* Effect.flip(fixture.mongo.withTransaction(
        Effect.andThen(store.modify("a", () => "2"), Effect.fail("undone"))
      ))
      assert.strictEqual(yield* store.get("a"), "2")
    }))

  it.live("fails with the method, the key and the error of the server", () =>
    Effect.gen(function*() {
      const fixture = yield* setup()
      const store = yield* storeOf(fixture, { deadline: "300 millis" })
      const large = yield* Effect.flip(store.set("a", new Uint8Array(17_000_000)))
      assert.deepInclude(large, { _tag: "KeyValueStoreError", method: "set", key: "a" })
      assert.isTrue(MongoError.isMongoError(large.cause))
      const lone = yield* Effect.flip(store.get("\ud800"))
      assert.strictEqual((lone.cause as MongoError.MongoError).reason._tag, "InvalidArgumentError")
      yield* failCommand(fixture, "alwaysOn", {
        failCommands: ["find", "aggregate"],
        blockConnection: true,
        blockTimeMS: 1000
      })
      const slow = yield* Effect.flip(store.size)
      assert.strictEqual(slow.method, "size")
      assert.strictEqual((slow.cause as MongoError.MongoError).reason._tag, "MaxTimeExpiredError")
    }))
})
