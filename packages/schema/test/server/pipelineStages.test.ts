/**
 * Stages of pipelines on a real server: those that choose by chance, follow references, search, leave parts out, write, and say how a
 * collection is used.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase, MongoError } from "@mongofx/core"
import { Acc, Bson, Expr, Pipeline, TypedCollection } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Schema, SchemaGetter } from "effect"
import * as Driver from "mongodb"

const Place = Schema.Struct({
  type: Schema.Literal("Point"),
  coordinates: Schema.Tuple([Schema.Number, Schema.Number])
})

const Shop = Schema.Struct({
  id: Schema.Number,
  name: Schema.String,
  opened: Schema.NumberFromString,
  boss: Schema.optionalKey(Schema.NullOr(Schema.Number)),
  sold: Schema.Number,
  place: Place
}).pipe(Schema.encodeKeys({ id: "_id", opened: "o" }))

type Shop = typeof Shop.Type

const shop = (id: number, name: string, boss: number | null, sold: number, east: number): Shop => ({
  id,
  name,
  opened: 2000 + id,
  boss,
  sold,
  place: { type: "Point", coordinates: [east, 0] }
})

const ada = shop(1, "Ada", null, 5, 0)
const bob = shop(2, "Bob", 1, 50, 0.01)
const cy = shop(3, "Cy", 2, 20, 0.02)
const dan = shop(4, "Dan", 3, 10, 1)

const Total = Schema.Struct({ _id: Schema.Number, sold: Schema.Number, note: Schema.optionalKey(Schema.String) })

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const shops = TypedCollection.make(db, "shops", Shop)
  const totals = TypedCollection.make(db, "totals", Total)
  yield* shops.insertMany([ada, bob, cy, dan])
  return { db, shops, totals }
})

type Collections = Effect.Success<typeof fixture>

const test = <A, E>(body: (collections: Collections) => Effect.Effect<A, E>) =>
  Effect.flatMap(fixture, body).pipe(Effect.provide(MongoTest.layer))

const check = <A, E, R>(effect: Effect.Effect<A, E, R>, expected: NoInfer<A>): Effect.Effect<void, E, R> =>
  Effect.map(effect, (actual) => assert.deepStrictEqual(actual, expected))

const shops = Pipeline.make(Shop)
const sent = (pipeline: Pipeline.Pipeline<unknown>) => Effect.runSync(pipeline.stages)

describe("sample", () => {
  it.live("gives so many of the documents", () =>
    test(({ shops }) =>
      Effect.gen(function*() {
        const some = yield* shops.aggregate((shops) => shops.pipe(Pipeline.sample(2)))
        assert.strictEqual(some.length, 2)
        for (const one of some) assert.deepStrictEqual(one, [ada, bob, cy, dan][one.id - 1])
        assert.strictEqual((yield* shops.aggregate((shops) => shops.pipe(Pipeline.sample(100)))).length, 4)
      })
    ))

  it("takes a positive integer", () => {
    for (const size of [0, -1, 1.5, Number.NaN]) {
      assert.throws(() => shops.pipe(Pipeline.sample(size)), /stage 1 \(\$sample\): size is not a positive integer/)
    }
  })
})

describe("graphLookup", () => {
  it.live("finds what references lead to, with the number of steps", () =>
    test(({ shops }) =>
      Effect.gen(function*() {
        const found = yield* shops.aggregate((all) =>
          all.pipe(
            Pipeline.match({ id: 4 }),
            Pipeline.graphLookup({
              from: shops,
              startWith: ($) => $.boss,
              connectFromField: "boss",
              connectToField: "id",
              as: "chiefs",
              depthField: "level"
            })
          )
        )
        assert.strictEqual(found.length, 1)
        const { chiefs, ...rest } = found[0]!
        assert.deepStrictEqual(rest, dan)
        assert.deepStrictEqual([...chiefs].sort((a, b) => a.level - b.level), [
          { ...cy, level: 0 },
          { ...bob, level: 1 },
          { ...ada, level: 2 }
        ])
      })
    ))

  it.live("ends at a depth, starts with several values, and searches what matches a filter", () =>
    test(({ shops }) =>
      Effect.gen(function*() {
        const names = (options: { readonly maxDepth?: number; readonly opened?: number }) =>
          Effect.map(
            shops.aggregate((all) =>
              all.pipe(
                Pipeline.match({ id: 1 }),
                Pipeline.graphLookup({
                  from: shops,
                  startWith: () => Expr.value(Schema.Array(Schema.Number), [4, 99]),
                  connectFromField: "boss",
                  connectToField: "id",
                  as: "up",
                  ...(options.maxDepth === undefined ? {} : { maxDepth: options.maxDepth }),
                  ...(options.opened === undefined
                    ? {}
                    : { restrictSearchWithMatch: { opened: { $in: [2004, options.opened] } } })
                })
              )
            ),
            ([first]) => first!.up.map(({ name }) => name).sort()
          )
        assert.deepStrictEqual(yield* names({}), ["Ada", "Bob", "Cy", "Dan"])
        assert.deepStrictEqual(yield* names({ maxDepth: 1 }), ["Cy", "Dan"])
        // Encoded as text, as it is stored.
        assert.deepStrictEqual(yield* names({ opened: 2003 }), ["Cy", "Dan"])
      })
    ))

  it.live("refuses fields that are stored in different ways", () =>
    test(({ shops: from }) =>
      Effect.sync(() => {
        const following = (connectFromField: "boss", startWith: ($: Expr.Ref<Shop>) => Expr.Expr<number>) => () =>
          shops.pipe(
            Pipeline.graphLookup({ from, startWith, connectFromField, connectToField: "id", as: "x" })
          )
        assert.throws(
          following("boss", ($) => $.opened),
          /stage 1 \(\$graphLookup\): startWith is stored as string, and id of shops as number: they are never equal/
        )
        assert.throws(following("name" as "boss", ($) => $.id), /name is stored as string, and id of shops as number/)
        assert.throws(following("nobody" as "boss", ($) => $.id), /nobody is not a path of the schema/)
      })
    ))
})

describe("geoNear", () => {
  it.live("finds the nearest first, with distance and location", () =>
    test(({ shops }) =>
      Effect.gen(function*() {
        yield* shops.untyped.createIndex({ place: "2dsphere" })
        const found = yield* shops.aggregate((shops) =>
          shops.pipe(
            Pipeline.geoNear({
              near: { type: "Point", coordinates: [0.02, 0] },
              distanceField: "way.km",
              includeLocs: "way.at",
              key: "place",
              query: { opened: { $ne: 2001 } },
              maxDistance: 5000,
              distanceMultiplier: 0.001
            })
          )
        )
        assert.deepStrictEqual(found.map(({ way: { at }, name }) => ({ name, at })), [
          { name: "Cy", at: cy.place },
          { name: "Bob", at: bob.place }
        ])
        assert.closeTo(found[1]!.way.km, 1.11, 0.01)
        assert.strictEqual(found[1]!.opened, 2002)
      })
    ))

  it.live("gives pairs of coordinates whole, and the nearest of several locations", () =>
    test(({ db }) =>
      Effect.gen(function*() {
        const Spot = Schema.Struct({
          _id: Schema.Number,
          pair: Schema.Tuple([Schema.Number, Schema.Number]),
          places: Schema.Array(Schema.Struct({ at: Place }))
        })
        const spots = TypedCollection.make(db, "spots", Spot)
        const [near, far] = [{ ...ada.place }, { ...dan.place }]
        yield* spots.insertOne({ _id: 1, pair: [3, 4], places: [{ at: far }, { at: near }] })
        yield* spots.untyped.createIndexes([{ key: { pair: "2d" } }, { key: { "places.at": "2dsphere" } }])
        const [plane] = yield* spots.aggregate((spots) =>
          spots.pipe(Pipeline.geoNear({ near: [0, 0], distanceField: "d", includeLocs: "at", key: "pair" }))
        )
        assert.deepStrictEqual([plane?.at, plane?.d], [[3, 4], 5])
        const [sphere] = yield* spots.aggregate((spots) =>
          spots.pipe(
            Pipeline.geoNear({
              near: { type: "Point", coordinates: [0, 0] },
              distanceField: "d",
              includeLocs: "at",
              key: "places.at"
            })
          )
        )
        assert.deepStrictEqual([sphere?.at, sphere?.d], [near, 0])
      })
    ))

  it("is the first stage, at a point", () => {
    const near = { type: "Point", coordinates: [0, 0] } as const
    assert.throws(
      () => shops.pipe(Pipeline.limit(1), Pipeline.geoNear({ near, distanceField: "d" })),
      /stage 2 \(\$geoNear\): \$geoNear comes after \$limit/
    )
    assert.throws(
      () => shops.pipe(Pipeline.geoNear({ near: [Number.NaN, 1], distanceField: "d" })),
      /near is not a point/
    )
    assert.throws(
      () => shops.pipe(Pipeline.geoNear({ near, distanceField: "d", maxDistance: -1 })),
      /maxDistance is not a positive number/
    )
    assert.throws(() => shops.pipe(Pipeline.geoNear({ near, distanceField: "$d" })), /distanceField is not a path/)
    assert.throws(
      () => shops.pipe(Pipeline.geoNear({ near, distanceField: "d", includeLocs: "at" })),
      /includeLocs needs key/
    )
  })
})

describe("redact", () => {
  const Part = Schema.Struct({ secret: Schema.optionalKey(Schema.Boolean), text: Schema.String })
  const Report = Schema.Struct({
    id: Schema.Number,
    secret: Schema.optionalKey(Schema.Boolean),
    head: Part,
    parts: Schema.Array(Part),
    day: Bson.Date
  }).pipe(Schema.encodeKeys({ id: "_id" }))
  const day = new Date(0)
  const open = { id: 1, head: { text: "a" }, parts: [{ text: "b" }, { secret: true, text: "c" }], day }
  const closed = { id: 2, secret: true, head: { text: "d" }, parts: [], day }
  const half = { id: 3, head: { secret: true, text: "e" }, parts: [{ text: "f" }], day }

  it.live("leaves out objects at all depths, whose fields are optional then", () =>
    test(({ db }) =>
      Effect.gen(function*() {
        const reports = TypedCollection.make(db, "reports", Report)
        yield* reports.insertMany([open, closed, half])
        yield* check(
          reports.aggregate((reports) =>
            reports.pipe(
              Pipeline.sort({ id: 1 }),
              Pipeline.redact(($) => Expr.cond($.secret, Pipeline.prune, Pipeline.descend))
            )
          ),
          [
            { id: 1, head: { text: "a" }, parts: [{ text: "b" }], day },
            { id: 3, parts: [{ text: "f" }], day }
          ]
        )
        yield* check(
          reports.aggregate((reports) =>
            reports.pipe(
              Pipeline.sort({ id: 1 }),
              Pipeline.redact(($) => Expr.cond($.secret, Pipeline.prune, Pipeline.keep))
            )
          ),
          [open, half]
        )
      })
    ))

  it.live("goes into objects of any depth, and into records", () =>
    test(({ db }) =>
      Effect.gen(function*() {
        interface Node {
          readonly open: boolean
          readonly below: ReadonlyArray<Node>
        }
        const Node = Schema.Struct({
          open: Schema.Boolean,
          below: Schema.Array(Schema.suspend((): Schema.Codec<Node> => Node))
        })
        const Tree = Schema.Struct({
          _id: Schema.Number,
          open: Schema.Boolean,
          named: Schema.Record(Schema.String, Node),
          root: Node
        })
        const node = (open: boolean, ...below: ReadonlyArray<Node>): Node => ({ open, below })
        const trees = TypedCollection.make(db, "trees", Tree)
        yield* trees.insertOne({
          _id: 1,
          open: true,
          named: { a: node(true), b: node(false) },
          root: node(true, node(true, node(false), node(true)), node(false, node(true)))
        })
        yield* check(
          trees.aggregate((trees) =>
            trees.pipe(Pipeline.redact(($) => Expr.cond(Expr.eq($.open, false), Pipeline.prune, Pipeline.descend)))
          ),
          [{ _id: 1, open: true, named: { a: node(true) }, root: node(true, node(true, node(true))) }]
        )
      })
    ))

  it("refuses objects that a codec or a default makes", () => {
    const Pair = Schema.Struct({ a: Schema.Number })
    const redacted = (field: Schema.Constraint) => () =>
      Pipeline.make(Schema.Struct({ _id: Schema.Number, field }) as never).pipe(
        Pipeline.redact((_: Expr.Ref<{}>) => Expr.cond(Expr.literal(true), Pipeline.prune, Pipeline.descend))
      )
    assert.throws(
      redacted(Pair.pipe(Schema.decodeTo(Schema.Number, {
        decode: SchemaGetter.transform(({ a }: { readonly a: number }) => a),
        encode: SchemaGetter.transform((a: number) => ({ a }))
      }))),
      /redact\.field is an object behind a codec/
    )
    assert.throws(
      redacted(Pair.pipe(Schema.withDecodingDefaultKey(Effect.succeed({ a: 1 })))),
      /redact\.field has a default/
    )
  })

  it("takes nothing else", () => {
    assert.throws(
      () => Pipeline.make(Report).pipe(Pipeline.redact(() => Expr.literal("$$KEEP") as never)),
      /stage 1 \(\$redact\): redact is not one of Pipeline\.keep/
    )
  })
})

describe("out and merge", () => {
  const bySeller = shops.pipe(
    Pipeline.group(($) => $.id, ($) => ({ sold: Acc.sum($.sold) }))
  )

  it.live("out replaces a collection, and gives no documents", () =>
    test(({ shops, totals }) =>
      Effect.gen(function*() {
        yield* totals.insertOne({ _id: 99, sold: 1 })
        yield* check(
          shops.aggregate((shops) =>
            shops.pipe(Pipeline.select(($) => ({ _id: $.id, sold: $.sold })), Pipeline.out(totals))
          ),
          []
        )
        yield* check(totals.find({}).sort({ _id: 1 }), [
          { _id: 1, sold: 5 },
          { _id: 2, sold: 50 },
          { _id: 3, sold: 20 },
          { _id: 4, sold: 10 }
        ])
      })
    ))

  it.live("out says which name a renamed field has in the database", () =>
    test(({ shops, totals }) =>
      Effect.sync(() => {
        const totalsAsShops = Pipeline.make(totals.schema).pipe(Pipeline.select(($) => ({ id: $._id })))
        assert.throws(
          () => Pipeline.out(totalsAsShops as never, shops),
          /id has the name id in the database, where the schema has _id/
        )
      })
    ))

  it.live("out takes documents of a schema with renamed keys from a stage that is written by hand", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const Source = Schema.Struct({ _id: Schema.Number, sold: Schema.Number })
      const Target = Schema.Struct({ id: Schema.Number, count: Schema.Number }).pipe(
        Schema.encodeKeys({ id: "_id", count: "n" })
      )
      const source = TypedCollection.make(db, "source", Source)
      const target = TypedCollection.make(db, "target", Target)
      yield* source.insertOne({ _id: 99, sold: 1 })
      yield* source.aggregate((source) =>
        source.pipe(Pipeline.stage(Target, { $replaceWith: { _id: "$_id", n: "$sold" } }), Pipeline.out(target))
      )
      yield* check(target.find({}), [{ id: 99, count: 1 }])
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("merge keeps what is there, and changes it by a pipeline that sees both", () =>
    test(({ shops, totals }) =>
      Effect.gen(function*() {
        yield* totals.insertMany([{ _id: 1, sold: 1, note: "x" }, { _id: 9, sold: 9 }])
        const totalsOf = (documents: Pipeline.Pipeline<Shop>) =>
          documents.pipe(Pipeline.match({ id: { $lte: 2 } }), Pipeline.select(($) => ({ _id: $.id, sold: $.sold })))
        yield* shops.aggregate((shops) =>
          shops.pipe(
            totalsOf,
            Pipeline.merge(totals, {
              whenMatched: (total, $new) =>
                total.pipe(
                  Pipeline.set(($) => ({ sold: Expr.add($.sold, $new.sold, 1000), note: Expr.literal("$new") }))
                )
            })
          )
        )
        yield* check(totals.find({}).sort({ _id: 1 }), [
          { _id: 1, sold: 1006, note: "$new" },
          { _id: 2, sold: 50 },
          { _id: 9, sold: 9 }
        ])
        yield* shops.aggregate((shops) => shops.pipe(totalsOf, Pipeline.merge(totals)))
        yield* check(totals.find({ _id: 1 }), [{ _id: 1, sold: 5, note: "$new" }])
        yield* shops.aggregate((shops) =>
          shops.pipe(totalsOf, Pipeline.merge(totals, { whenMatched: "replace", whenNotMatched: "fail" }))
        )
        yield* check(totals.find({ _id: 1 }), [{ _id: 1, sold: 5 }])
      })
    ))

  it.live("merge finds the same document by other fields, and writes parts of documents", () =>
    test(({ db, shops }) =>
      Effect.gen(function*() {
        const named = TypedCollection.make(
          db,
          "named",
          Schema.Struct({
            _id: Bson.ObjectId,
            key: Schema.String,
            opened: Schema.NumberFromString
          }).pipe(Schema.encodeKeys({ key: "k" }))
        )
        yield* named.untyped.createIndex({ k: 1 }, { unique: true })
        const _id = new Driver.ObjectId()
        yield* named.insertOne({ _id, key: "Bob", opened: 1 })
        yield* shops.aggregate((shops) =>
          shops.pipe(
            Pipeline.select(($) => ({ key: $.name, opened: $.opened })),
            Pipeline.stage(
              Schema.Struct({ key: Schema.String, opened: Schema.NumberFromString }).pipe(
                Schema.encodeKeys({ key: "k" })
              ),
              { $project: { k: "$key", opened: 1 } }
            ),
            Pipeline.merge(named, { on: "key", whenNotMatched: "discard" })
          )
        )
        yield* check(named.find({}), [{ _id, key: "Bob", opened: 2002 }])
      })
    ))

  it.live("are refused when the documents do not fit", () =>
    test(({ db, shops: source, totals }) =>
      Effect.sync(() => {
        const selected = shops.pipe(
          Pipeline.select(($) => ({ _id: $.id, sold: $.sold, opened: $.opened, boss: $.boss }))
        )
        const into = <S extends Schema.Struct.Fields>(fields: S) =>
          TypedCollection.make(db, "target", Schema.Struct(fields)) as never
        const all = {
          _id: Schema.Number,
          sold: Schema.Number,
          opened: Schema.NumberFromString,
          boss: Schema.optionalKey(Schema.NullOr(Schema.Number))
        }
        selected.pipe(Pipeline.out(into(all)))
        const wrong: ReadonlyArray<readonly [fields: Schema.Struct.Fields, message: RegExp]> = [
          [{ ...all, opened: Schema.Number }, /opened becomes what is stored as string, and the schema has .* number/],
          [{ ...all, sold: Schema.NumberFromString }, /sold becomes what is stored as number/],
          [{ ...all, sold: Bson.Int64 }, /sold becomes what is stored as number, and the schema has .* long/],
          [{ ...all, boss: Schema.NullOr(Schema.Number) }, /boss may be missing, and the schema requires it/],
          [{ ...all, boss: Schema.optionalKey(Schema.Number) }, /boss becomes what is stored as null/],
          [{ ...all, more: Schema.String }, /more may be missing, and the schema requires it/],
          [{ _id: all._id, sold: all.sold, opened: all.opened }, /boss is not a field of the schema/]
        ]
        for (const [fields, message] of wrong) {
          const error = (() => {
            try {
              selected.pipe(Pipeline.out(into(fields)))
            } catch (error) {
              return error
            }
          })()
          assert.isTrue(MongoError.isMongoError(error), String(message))
          assert.match((error as Error).message, message)
          assert.match((error as Error).message, /stage 2 \(\$out\).*out must give documents of target/)
        }
        // The server would make an _id, and it would be an ObjectId.
        assert.throws(
          () => shops.pipe(Pipeline.select(($) => ({ sold: $.sold })), Pipeline.out(totals)),
          /_id may be missing, and the schema requires it/
        )
        // A part of a document may be merged where none is inserted.
        const part = shops.pipe(Pipeline.select(($) => ({ _id: $.id, note: $.name })))
        assert.throws(() => part.pipe(Pipeline.merge(totals)), /sold may be missing, and the schema requires it/)
        part.pipe(Pipeline.merge(totals, { whenNotMatched: "discard" }))
        assert.throws(
          () => part.pipe(Pipeline.merge(totals, { whenMatched: "replace", whenNotMatched: "discard" })),
          /sold may be missing/
        )
        assert.throws(
          () =>
            bySeller.pipe(
              Pipeline.merge(totals, { whenMatched: (total) => total.pipe(Pipeline.unset("sold")) })
            ),
          /sold may be missing, and the schema requires it: whenMatched must give/
        )
        assert.throws(
          () => bySeller.pipe(Pipeline.merge(totals, { whenMatched: (total) => total.pipe(Pipeline.limit(1)) })),
          /whenMatched has \$limit, which cannot stand in an update/
        )
        assert.throws(() => shops.pipe(Pipeline.out(source), Pipeline.limit(1)), /\$limit comes after \$out/)
        assert.throws(
          () => shops.pipe(Pipeline.facet((shops) => ({ a: shops.pipe(Pipeline.out(source)) }))),
          /has a pipeline with \$out/
        )
      })
    ))
})

describe("search", () => {
  const unknownOrAtlas = (error: unknown) => {
    assert.isTrue(MongoError.isMongoError(error))
    assert.match((error as Error).message, /requires additional configuration/)
  }
  const vector = (documents: Pipeline.Pipeline<Shop>) =>
    documents.pipe(
      Pipeline.vectorSearch({
        index: "v",
        path: "place.coordinates",
        queryVector: [1, 2],
        numCandidates: 10,
        limit: 2,
        filter: { opened: { $gt: 2001 } }
      })
    )

  it.live("is a stage that the server knows, and sends only to Atlas", () =>
    test(({ shops }) =>
      Effect.gen(function*() {
        const text = { index: "i", text: { query: "a", path: "name" } }
        unknownOrAtlas(yield* Effect.flip(shops.aggregate((shops) => shops.pipe(Pipeline.search(text)))))
        unknownOrAtlas(
          yield* Effect.flip(shops.aggregate((shops) => shops.pipe(Pipeline.searchMeta({ ...text, count: {} }))))
        )
        unknownOrAtlas(yield* Effect.flip(shops.aggregate(vector)))
      })
    ))

  it("sends its content, with filters encoded", () => {
    assert.deepStrictEqual(sent(shops.pipe(Pipeline.search({ index: "i", exists: { path: "o" } }))), [
      { $search: { index: "i", exists: { path: "o" } } }
    ])
    assert.deepStrictEqual(sent(vector(shops)), [{
      $vectorSearch: {
        index: "v",
        path: "place.coordinates",
        queryVector: [1, 2],
        numCandidates: 10,
        limit: 2,
        filter: { o: { $gt: "2001" } }
      }
    }])
    const meta = Schema.decodeUnknownSync(shops.pipe(Pipeline.searchMeta({ count: {} })).schema)
    assert.deepStrictEqual(
      meta({ count: { total: 3 }, facet: { names: { buckets: [{ _id: "a", count: 1 }] } } }),
      { count: { total: 3 }, facet: { names: { buckets: [{ _id: "a", count: 1 }] } } }
    )
  })

  it("refuses what the server would refuse", () => {
    const options = { index: "v", path: "sold", queryVector: [1], limit: 5 } as const
    const with_ = (more: object) => () => shops.pipe(Pipeline.vectorSearch({ ...options, ...more }))
    assert.throws(with_({}), /numCandidates is not an integer of at least limit/)
    assert.throws(with_({ numCandidates: 4 }), /numCandidates is not an integer of at least limit/)
    assert.throws(with_({ numCandidates: 5, exact: true }), /numCandidates/)
    assert.throws(with_({ exact: true, limit: 0 }), /limit is not a positive integer/)
    assert.throws(
      () => shops.pipe(Pipeline.limit(1), Pipeline.search({ exists: { path: "o" } })),
      /\$search comes after \$limit/
    )
  })
})

describe("fusion", () => {
  it.live("puts rankings together, by weight", () =>
    test(({ shops }) =>
      Effect.gen(function*() {
        const ranked = (weight: number) =>
          shops.aggregate((shops) =>
            shops.pipe(
              Pipeline.rankFusion((shops) => ({
                sold: shops.pipe(Pipeline.sort({ sold: -1 }), Pipeline.limit(1)),
                old: shops.pipe(Pipeline.match({ opened: 2001 }), Pipeline.sort({ id: 1 }))
              }), { weights: { old: weight }, scoreDetails: true }),
              Pipeline.select(($) => ({
                name: $.name,
                score: Expr.meta("score"),
                details: Expr.meta("scoreDetails")
              }))
            )
          )
        const [first, second] = yield* ranked(2)
        assert.deepStrictEqual([first?.name, second?.name], ["Ada", "Bob"])
        assert.closeTo(first!.score!, 2 / 61, 1e-9)
        assert.strictEqual(first!.details!.value, first!.score)
        assert.deepStrictEqual((yield* ranked(0.5)).map(({ name }) => name), ["Bob", "Ada"])
      })
    ))

  it.live("puts scores together", () =>
    test(({ shops }) =>
      check(
        shops.aggregate((shops) =>
          shops.pipe(
            Pipeline.scoreFusion((shops) => ({
              sold: shops.pipe(Pipeline.score(($) => $.sold)),
              age: shops.pipe(Pipeline.score(($) => Expr.multiply($.id, 10)))
            }), { normalization: "none" }),
            Pipeline.limit(2),
            Pipeline.select(($) => ({ name: $.name, score: Expr.meta("score") }))
          )
        ),
        [{ name: "Bob", score: 35 }, { name: "Cy", score: 25 }]
      )
    ))

  it.live("has rankings of any name", () =>
    test(({ shops }) =>
      check(
        shops.aggregate((shops) =>
          shops.pipe(
            Pipeline.rankFusion((shops) => ({ ["__proto__"]: shops.pipe(Pipeline.sort({ sold: -1 })) }), {
              weights: { ["__proto__"]: 2 }
            }),
            Pipeline.limit(1),
            Pipeline.select(($) => ({ name: $.name, score: Expr.meta("score") }))
          )
        ),
        [{ name: "Bob", score: 2 / 61 }]
      )
    ))

  it("refuses rankings that change documents or do not rank", () => {
    const fused = (ranking: (shops: Pipeline.Pipeline<Shop>) => Pipeline.Pipeline<Shop>) => () =>
      shops.pipe(Pipeline.rankFusion((shops) => ({ a: ranking(shops) })))
    assert.throws(fused(Pipeline.limit(1)), /stage 1 \(\$rankFusion\): pipelines\.a does not order its documents/)
    assert.throws(
      fused((shops) => shops.pipe(Pipeline.sort({ id: 1 }), Pipeline.set(($) => ({ name: $.name })))),
      /pipelines\.a has \$set, which changes documents/
    )
    assert.throws(
      () =>
        shops.pipe(
          Pipeline.scoreFusion((shops) => ({ a: shops.pipe(Pipeline.sort({ id: 1 })) }), { normalization: "none" })
        ),
      /pipelines\.a has no score: add score/
    )
    assert.throws(
      () =>
        shops.pipe(
          Pipeline.rankFusion((shops) => ({ a: shops.pipe(Pipeline.sort({ id: 1 })) }), { weights: { b: 1 } as never })
        ),
      /weights\.b is not a pipeline of the stage/
    )
  })
})

describe("statistics", () => {
  it.live("say how indexes are used", () =>
    test(({ shops }) =>
      Effect.gen(function*() {
        yield* shops.untyped.createIndex({ name: 1 })
        yield* shops.find({ name: "Bob" }).hint("name_1")
        const found = yield* shops.aggregate((shops) => shops.pipe(Pipeline.indexStats(), Pipeline.sort({ name: -1 })))
        assert.deepStrictEqual(found.map(({ accesses, key, name }) => [name, key, accesses.ops]), [
          ["name_1", { name: 1 }, 1],
          ["_id_", { _id: 1 }, 0]
        ])
        assert.instanceOf(found[0]!.accesses.since, Date)
      })
    ))

  it.live("say what was asked of the collection", () =>
    test(({ shops }) =>
      Effect.gen(function*() {
        const [all] = yield* shops.aggregate((shops) =>
          shops.pipe(
            Pipeline.collStats({ count: true, latencyStats: true, storageStats: true, queryExecStats: true })
          )
        )
        assert.strictEqual(all!.count, 4)
        assert.strictEqual(all!.storageStats.count, 4)
        assert.deepStrictEqual(Object.keys(all!.storageStats.indexSizes), ["_id_"])
        assert.strictEqual(all!.latencyStats.writes.ops, 1)
        assert.isNumber(all!.queryExecStats.collectionScans.total)
        const [some] = yield* shops.aggregate((shops) => shops.pipe(Pipeline.collStats({ count: true })))
        assert.deepStrictEqual(Object.keys(some!).sort(), ["count", "host", "localTime", "ns"])
        assert.throws(
          () => Pipeline.make(Shop).pipe(Pipeline.match({}), Pipeline.indexStats()),
          /\$indexStats comes after \$match/
        )
      })
    ))
})
