/**
 * Indexes of every kind, and how the server lists them.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import type * as Driver from "mongodb"
import { reasonOf, setup } from "../support/utils.ts"

const kinds: ReadonlyArray<
  readonly [
    kind: string,
    keys: Driver.IndexSpecification,
    options: Driver.IndexOptions,
    name: string,
    listed: Driver.Document
  ]
> = [
  ["ascending and descending", { a: 1, b: -1 }, {}, "a_1_b_-1", { key: { a: 1, b: -1 } }],
  ["of a path", "a.b", {}, "a.b_1", { key: { "a.b": 1 } }],
  ["of pairs", [["a", 1], ["b", -1]], {}, "a_1_b_-1", { key: { a: 1, b: -1 } }],
  ["with a name", { a: 1 }, { name: "mine" }, "mine", { name: "mine" }],
  ["unique", { a: 1 }, { unique: true }, "a_1", { unique: true }],
  ["sparse", { a: 1 }, { sparse: true }, "a_1", { sparse: true }],
  ["hidden", { a: 1 }, { hidden: true }, "a_1", { hidden: true }],
  ["with an end of life", { at: 1 }, { expireAfterSeconds: 60 }, "at_1", { expireAfterSeconds: 60 }],
  [
    "partial",
    { a: 1 },
    { partialFilterExpression: { a: { $gt: 5 } } },
    "a_1",
    { partialFilterExpression: { a: { $gt: 5 } } }
  ],
  ["with a collation", { a: 1 }, { collation: { locale: "de", strength: 2 } }, "a_1", {}],
  ["wildcard", { "$**": 1 }, { wildcardProjection: { a: 1 } }, "$**_1", { wildcardProjection: { a: 1 } }],
  ["wildcard below a path", { "a.$**": 1 }, {}, "a.$**_1", { key: { "a.$**": 1 } }],
  [
    "text",
    { title: "text", body: "text" },
    { weights: { title: 10 }, default_language: "german", language_override: "lang" },
    "title_text_body_text",
    { weights: { body: 1, title: 10 }, default_language: "german", language_override: "lang" }
  ],
  ["hashed", { a: "hashed" }, {}, "a_hashed", { key: { a: "hashed" } }],
  ["of places on a sphere", { at: "2dsphere" }, {}, "at_2dsphere", { "2dsphereIndexVersion": 3 }],
  ["of places on a plane", { at: "2d" }, { bits: 20, min: -10, max: 10 }, "at_2d", { bits: 20, min: -10, max: 10 }],
  ["with a storage engine's options", { a: 1 }, { storageEngine: { wiredTiger: {} } }, "a_1", {}]
]

describe("an index", () => {
  it.live.each(kinds.map(([kind, keys, options, name, listed]) => ({ kind, keys, options, name, listed })))(
    "$kind",
    ({ keys, listed, name, options }) =>
      Effect.gen(function*() {
        const { db } = yield* setup()
        const things = db.collection("things")
        assert.strictEqual(yield* things.createIndex(keys, options), name)
        const index = (yield* things.listIndexes()).find((index) => index.name === name)
        assert.deepInclude(index, listed)
        assert.isTrue(yield* things.indexExists(["_id_", name]))
        yield* things.dropIndex(name)
        assert.isFalse(yield* things.indexExists(name))
      })
  )

  it.live("that the server cannot build fails, and says why", () =>
    Effect.gen(function*() {
      const { db } = yield* setup()
      const things = db.collection("things")
      yield* things.createIndex({ a: 1 }, { name: "mine" })
      const reasons = yield* Effect.all([
        reasonOf(things.createIndex({ b: 1 }, { name: "mine" })),
        reasonOf(things.createIndex({ a: 1 }, { name: "other" })),
        reasonOf(things.dropIndex("none")),
        reasonOf(things.createIndex({ a: "nonsense" as "text" })),
        reasonOf(things.createIndex({ a: 1, b: 1 }, { expireAfterSeconds: 5 }))
      ])
      assert.deepStrictEqual(
        reasons.map((reason) => [reason._tag, reason._tag === "IndexError" ? reason.kind : undefined]),
        [
          ["IndexError", "conflict"],
          ["IndexError", "conflict"],
          ["IndexError", "notFound"],
          ["IndexError", "invalid"],
          ["IndexError", "invalid"]
        ]
      )
      // A kind that the driver's types do not have, and this server neither.
      assert.strictEqual((yield* reasonOf(things.createIndex({ "$**": "columnstore" as "text" })))._tag, "IndexError")
    }))

  it.live("is made with others in one command", () =>
    Effect.gen(function*() {
      const { db, sent } = yield* setup()
      const things = db.collection("things")
      const names = yield* things.createIndexes([
        { key: { a: 1 }, unique: true },
        { key: { b: "text" }, name: "words" },
        { key: { c: 1 }, hidden: true }
      ])
      assert.deepStrictEqual(names, ["a_1", "words", "c_1"])
      assert.deepStrictEqual(sent(), ["createIndexes"])
      assert.deepStrictEqual((yield* things.listIndexes()).map(({ name }) => name), ["_id_", "a_1", "words", "c_1"])
      assert.isTrue(yield* things.dropIndexes())
      assert.deepStrictEqual((yield* things.listIndexes()).map(({ name }) => name), ["_id_"])
    }))
})
