/**
 * The settings of typed queries: each is sent as core sends it, and applies to every view.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase, type Query } from "@mongofx/core"
import { Bson, TypedCollection, type TypedQuery } from "@mongofx/schema"
import { CommandLog, MongoTest } from "@mongofx/testing"
import { Effect, Option, Schema, Stream } from "effect"
import type * as Driver from "mongodb"

const Item = Schema.Struct({ _id: Schema.Int, name: Schema.String, born: Bson.Date })
type Item = typeof Item.Type

const born = new Date(0)
const items: ReadonlyArray<Item> = ["a", "b", "c"].map((name, _id) => ({ _id, name, born }))

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const log = yield* CommandLog.make
  yield* db.createCollection("items", { capped: true, size: 4096 })
  const typed = TypedCollection.make(db, "items", Item)
  yield* typed.insertMany(items)
  yield* typed.untyped.createIndex({ name: 1 })
  /** The command of a query, without the fields that differ from run to run. */
  const sent = <A, E>(name: string, run: Effect.Effect<A, E>): Effect.Effect<Driver.Document, E> =>
    Effect.map(run, () => {
      const { $clusterTime: _, lsid: __, ...command } = Option.getOrThrow(log.last(name))
      return command
    })
  return { typed, plain: db.collection<Item>("items"), log, sent }
})

const test = <A, E>(body: Effect.Effect<A, E, Effect.Services<typeof fixture>>) =>
  body.pipe(Effect.scoped, Effect.provide(MongoTest.layerWith({ driverOptions: { monitorCommands: true } })))

type Shared = Query.Settings<unknown, Query.IndexTerms>

const shared: { readonly [Name in keyof Shared]: Parameters<Shared[Name]>[0] } = {
  hint: "name_1",
  collation: { locale: "de" },
  comment: "why",
  batchSize: 2,
  maxTimeMS: 30_000,
  allowDiskUse: true,
  readPreference: "nearest",
  readConcern: "local"
}

type OfFind = Omit<Query.FindSettings<unknown, Query.IndexTerms>, keyof Shared | "tailable" | "min" | "max">

const ofFind: { readonly [Name in keyof OfFind]: Parameters<OfFind[Name]>[0] } = {
  limit: 2,
  skip: 1,
  noCursorTimeout: true
}

type Setter<Self> = Readonly<Record<string, (value: unknown) => Self>>
const set = <Self>(query: object, name: string, value: unknown): Self => (query as Setter<Self>)[name]!(value)

describe("a setting of a typed query", () => {
  it.live("of find is sent as core sends it", () =>
    test(Effect.gen(function*() {
      const { plain, sent, typed } = yield* fixture
      const none = yield* sent("find", typed.find())
      for (const [name, value] of Object.entries({ ...shared, ...ofFind })) {
        const command = yield* sent("find", set<TypedQuery.FindQuery<Item>>(typed.find(), name, value))
        assert.deepStrictEqual(command, yield* sent("find", set<Query.FindQuery<Item>>(plain.find(), name, value)))
        assert.notDeepEqual(command, none, `${name} is not sent`)
      }
      for (const name of ["allowDiskUse", "noCursorTimeout"] as const) {
        assert.strictEqual((yield* sent("find", typed.find()[name]()))[name], true)
      }
      const bounded = typed.find().hint({ name: 1 }).min({ name: "a" }).max({ name: "c" }).sort({ name: -1 })
      const command = yield* sent("find", bounded.project({ name: 1 }))
      assert.deepStrictEqual(
        command,
        yield* sent(
          "find",
          plain.find().hint({ name: 1 }).min({ name: "a" }).max({ name: "c" }).sort({ name: -1 }).project({ name: 1 })
        )
      )
      assert.containsAllKeys(command, ["hint", "min", "max", "sort", "projection"])
    })))

  it.live("of aggregate is sent as core sends it", () =>
    test(Effect.gen(function*() {
      const { plain, sent, typed } = yield* fixture
      const none = yield* sent("aggregate", typed.aggregate(Item, []))
      for (const [name, value] of Object.entries(shared)) {
        const ours = set<TypedQuery.AggregateQuery<Item>>(typed.aggregate(Item, []), name, value)
        const theirs = set<Query.AggregateQuery<Driver.Document>>(plain.aggregate([]), name, value)
        const command = yield* sent("aggregate", ours)
        assert.deepStrictEqual(command, yield* sent("aggregate", theirs))
        assert.notDeepEqual(command, none, `${name} is not sent`)
      }
    })))

  it.live("applies to a tailable query, as a method or as an option", () =>
    test(Effect.gen(function*() {
      const { plain, sent, typed } = yield* fixture
      const settings = [undefined, { awaitData: false }, { maxAwaitTimeMS: 50 }]
      const three = <A, E>(query: { readonly stream: Stream.Stream<A, E> }) =>
        Stream.runDrain(Stream.take(query.stream, 3))
      for (const options of settings) {
        const command = yield* sent("find", three(typed.find().tailable(options)))
        assert.deepStrictEqual(command, yield* sent("find", three(plain.find().tailable(options))))
        assert.strictEqual(command["tailable"], true)
        assert.strictEqual(command["awaitData"] ?? false, options?.awaitData ?? true)
      }
      const inOptions = { tailable: true } as const
      assert.deepStrictEqual(
        yield* sent("find", three(typed.find({}, inOptions as {}))),
        yield* sent("find", three(plain.find({}, inOptions)))
      )
    })))

  it.live("applies to every view, and leaves the original query as it was", () =>
    test(Effect.gen(function*() {
      const { sent, typed } = yield* fixture
      for (
        const [command, query] of [
          ["find", typed.find()],
          ["aggregate", typed.aggregate(Item, [])]
        ] as ReadonlyArray<[string, TypedQuery.FindQuery<Item>]>
      ) {
        const commented = query.comment("why")
        const views = {
          array: commented,
          stream: Stream.runDrain(commented.stream),
          batches: Stream.runDrain(commented.batches),
          raw: Stream.runDrain(commented.raw),
          first: commented.first,
          one: commented.one,
          skipping: commented.onInvalid("skip").first,
          collected: commented.onInvalid("collect")
        }
        for (const [name, view] of Object.entries<Effect.Effect<unknown, unknown>>(views)) {
          assert.strictEqual((yield* sent(command, view))["comment"], "why", name)
          assert.notProperty(yield* sent(command, query), "comment")
        }
        assert.strictEqual((yield* sent("explain", commented.explain()))["explain"]["comment"], "why")
        assert.deepStrictEqual(yield* commented, items)
        assert.deepStrictEqual(yield* commented.onInvalid("skip").first, Option.some(items[0]!))
        assert.strictEqual((yield* commented.onInvalid("collect"))[0]!._tag, "Success")
      }
    })))
})

describe("a view of a typed query", () => {
  it.live("leaves out batches without documents", () =>
    test(Effect.gen(function*() {
      const { plain, typed } = yield* fixture
      yield* plain.insertOne({ _id: 3 } as Item)
      yield* plain.insertOne({ ...items[0]!, _id: 4 })
      const batches = typed.find().sort({ _id: 1 }).batchSize(1).onInvalid("skip").batches
      const ids = (yield* Stream.runCollect(batches)).map((batch) => batch.map(({ _id }) => _id))
      assert.deepStrictEqual(ids, [[0], [1], [2], [4]])
    })))

  it.live("asks for one document when the first is wanted", () =>
    test(Effect.gen(function*() {
      const { sent, typed } = yield* fixture
      const sorted = typed.find().sort({ _id: -1 })
      const command = yield* sent("find", sorted.first)
      assert.deepInclude(command, { limit: 1, singleBatch: true })
      assert.deepStrictEqual(yield* sorted.one, items[2])
      const { pipeline } = yield* sent("aggregate", typed.aggregate(Item, [{ $sort: { _id: -1 } }]).first)
      assert.deepStrictEqual(pipeline, [{ $sort: { _id: -1 } }, { $limit: 1 }])
    })))
})
