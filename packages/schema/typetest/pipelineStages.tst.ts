/**
 * The types of stages: what those give that search, follow references, leave parts out and write, and what must not compile.
 *
 * @since 0.1.0
 */
import { Acc, Bson, Expr, Pipeline, type TypedCollection } from "@mongofx/schema"
import { Schema } from "effect"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

const Place = Schema.Struct({
  type: Schema.Literal("Point"),
  coordinates: Schema.Tuple([Schema.Number, Schema.Number])
})
type Place = typeof Place.Type

const Shop = Schema.Struct({
  id: Schema.Number,
  name: Schema.String,
  boss: Schema.optionalKey(Schema.NullOr(Schema.Number)),
  place: Place,
  points: Schema.Array(Place)
}).pipe(Schema.encodeKeys({ id: "_id" }))
type Shop = typeof Shop.Type

class Person extends Schema.Class<Person>("Person")({
  _id: Bson.ObjectId,
  name: Schema.String,
  boss: Schema.optionalKey(Bson.ObjectId)
}) {
  get initial(): string {
    return this.name.slice(0, 1)
  }
}

const shops = Pipeline.make(Shop)
const people = Pipeline.make(Person)
declare const shopCollection: TypedCollection.TypedCollection<typeof Shop>
declare const personCollection: TypedCollection.TypedCollection<typeof Person>

const result = <A, R>(_: Pipeline.Pipeline<A, R>): Pipeline.Result<Pipeline.Pipeline<A, R>> => null as never

describe("sample, search and fusion", () => {
  it("keep the documents", () => {
    expect(result(people.pipe(Pipeline.sample(1)))).type.toBe<Person>()
    expect(result(people.pipe(Pipeline.search({ text: {} })))).type.toBe<Person>()
    expect(result(shops.pipe(Pipeline.search({ text: {} })))).type.toBe<Shop>()
    expect(result(
      shops.pipe(
        Pipeline.vectorSearch({ index: "a", path: "place.coordinates", queryVector: [1], exact: true, limit: 1 })
      )
    )).type.toBe<Shop>()
    expect(result(
      people.pipe(
        Pipeline.rankFusion((people) => ({ a: people.pipe(Pipeline.sort({ name: 1 })) }), { weights: { a: 1 } })
      )
    )).type.toBe<Person>()
    expect(result(
      shops.pipe(
        Pipeline.scoreFusion((shops) => ({ a: shops.pipe(Pipeline.score(($) => $.id)) }), { normalization: "none" })
      )
    )).type.toBe<Shop>()
  })

  it("take only fields, pipelines and numbers that are there", () => {
    expect(Pipeline.vectorSearch).type.not.toBeCallableWith(shops, {
      index: "a",
      path: "nowhere",
      queryVector: [],
      limit: 1
    })
    expect(Pipeline.rankFusion).type.not.toBeCallableWith(
      shops,
      () => ({ a: shops.pipe(Pipeline.count("n")) })
    )
    expect(Pipeline.rankFusion).type.not.toBeCallableWith(
      shops,
      () => ({ a: shops.pipe(Pipeline.sort({ id: 1 })) }),
      { weights: { b: 1 } }
    )
    expect(Pipeline.score).type.not.toBeCallableWith(shops, ($: Expr.Ref<Shop>) => $.name)
  })

  it("give scores, and numbers about what is found", () => {
    expect(result(
      shops.pipe(Pipeline.select(() => ({ score: Expr.meta("score"), details: Expr.meta("scoreDetails") })))
    )).type.toBe<
      {
        readonly score?: number
        readonly details?: {
          readonly value: number
          readonly description: string
          readonly details: ReadonlyArray<unknown>
        }
      }
    >()
    expect(result(shops.pipe(Pipeline.searchMeta({ count: {} })))).type.toBe<Pipeline.SearchMeta>()
  })
})

describe("graphLookup", () => {
  it("adds what it found, with the depth", () => {
    expect(
      result(
        shops.pipe(
          Pipeline.graphLookup({
            from: shopCollection,
            startWith: ($) => $.boss,
            connectFromField: "boss",
            connectToField: "id",
            as: "up",
            depthField: "level",
            restrictSearchWithMatch: { name: "a" }
          })
        )
      ).up
    ).type.toBe<
      ReadonlyArray<{
        readonly id: number
        readonly name: string
        readonly boss?: number | null
        readonly place: Place
        readonly points: ReadonlyArray<Place>
        readonly level: number
      }>
    >()
    expect(
      result(
        people.pipe(
          Pipeline.graphLookup({
            from: personCollection,
            startWith: ($) => $.boss,
            connectFromField: "boss",
            connectToField: "_id",
            as: "up"
          })
        )
      )
    ).type.toBe<
      {
        readonly _id: Driver.ObjectId
        readonly name: string
        readonly boss?: Driver.ObjectId
        readonly up: ReadonlyArray<Person>
      }
    >()
  })

  it("takes fields that may be equal", () => {
    const options = {
      from: shopCollection,
      startWith: ($: Expr.Ref<Shop>) => $.boss,
      connectFromField: "boss",
      connectToField: "id",
      as: "up"
    } as const
    expect(Pipeline.graphLookup).type.toBeCallableWith(shops, options)
    expect(Pipeline.graphLookup).type.not.toBeCallableWith(shops, { ...options, connectFromField: "name" })
    expect(Pipeline.graphLookup).type.not.toBeCallableWith(shops, { ...options, connectToField: "nothing" })
    expect(Pipeline.graphLookup).type.not.toBeCallableWith(shops, {
      ...options,
      startWith: ($: Expr.Ref<Shop>) => $.name
    })
    expect(Pipeline.graphLookup).type.not.toBeCallableWith(shops, {
      ...options,
      restrictSearchWithMatch: { name: 1 }
    })
  })
})

describe("geoNear", () => {
  it("adds distance and location", () => {
    const near = { type: "Point", coordinates: [1, 2] } as const
    expect(
      result(
        shops.pipe(Pipeline.geoNear({ near, distanceField: "way.meters", includeLocs: "way.at", key: "points" }))
      )
    ).type.toBe<
      {
        readonly id: number
        readonly name: string
        readonly boss?: number | null
        readonly place: Place
        readonly points: ReadonlyArray<Place>
        readonly way: { readonly meters: number; readonly at: Place }
      }
    >()
    expect(result(shops.pipe(Pipeline.geoNear({ near, distanceField: "d" }))).d).type.toBe<number>()
    expect(Pipeline.geoNear).type.not.toBeCallableWith(shops, { near: { type: "Polygon" }, distanceField: "d" })
    expect(Pipeline.geoNear).type.not.toBeCallableWith(shops, { near, distanceField: "d", key: "nowhere" })
    expect(Pipeline.geoNear).type.not.toBeCallableWith(shops, { near, distanceField: "d", query: { name: 1 } })
  })
})

describe("redact", () => {
  it("makes objects optional where some are left out", () => {
    const redacted = shops.pipe(
      Pipeline.redact(($) => Expr.cond(Expr.eq($.name, "a"), Pipeline.prune, Pipeline.descend))
    )
    expect(result(redacted)).type.toBe<
      {
        readonly id: number
        readonly name: string
        readonly boss?: number | null
        readonly points: ReadonlyArray<{
          readonly type: "Point"
          readonly coordinates: ReadonlyArray<number>
        }>
        readonly place?: { readonly type: "Point"; readonly coordinates: ReadonlyArray<number> }
      }
    >()
    expect(result(
      people.pipe(Pipeline.redact(($) => Expr.cond(Expr.eq($.name, "a"), Pipeline.prune, Pipeline.keep)))
    )).type.toBe<Person>()
    expect(Pipeline.redact).type.not.toBeCallableWith(shops, () => Expr.literal("$$KEEP"))
  })
})

describe("out and merge", () => {
  it("give no documents", () => {
    expect(result(shops.pipe(Pipeline.out(shopCollection)))).type.toBe<never>()
    expect(result(people.pipe(Pipeline.merge(personCollection)))).type.toBe<never>()
    expect(result(
      shops.pipe(
        Pipeline.group(($) => $.id, () => ({ n: Acc.count })),
        Pipeline.select(($) => ({ id: $._id })),
        Pipeline.merge(shopCollection, {
          on: "id",
          whenNotMatched: "discard",
          whenMatched: (shop, $new) => shop.pipe(Pipeline.set(($) => ({ boss: Expr.add($.id, $new.id) })))
        })
      )
    )).type.toBe<never>()
  })

  it("take documents of the collection", () => {
    const counted = shops.pipe(Pipeline.count("n"))
    expect(Pipeline.out).type.not.toBeCallableWith(counted, shopCollection)
    const wrong = shops.pipe(Pipeline.select(($) => ({ id: $.name, name: $.id })))
    expect(Pipeline.merge).type.not.toBeCallableWith(wrong, shopCollection)
    expect(Pipeline.merge).type.not.toBeCallableWith(shops, shopCollection, { on: "nothing" })
    expect(Pipeline.merge).type.not.toBeCallableWith(shops, shopCollection, { whenMatched: "pipeline" })
    // The server makes an _id of its own.
    const named = people.pipe(Pipeline.select(($) => ({ name: $.name })))
    expect(Pipeline.out).type.toBeCallableWith(named, personCollection)
  })
})

describe("statistics", () => {
  it("have what was asked for", () => {
    expect(result(people.pipe(Pipeline.indexStats()))).type.toBe<Pipeline.IndexStats>()
    expect(result(people.pipe(Pipeline.collStats({ count: true, storageStats: false })))).type.toBe<
      {
        readonly ns: string
        readonly host: string
        readonly shard?: string
        readonly localTime: Date
        readonly count: number
      }
    >()
    expect(Pipeline.collStats).type.toBeCallableWith(people, { count: true })
    expect(Pipeline.collStats).type.not.toBeCallableWith({ size: true })
  })
})
