/**
 * Pipelines over schemas of many kinds: classes, models, renamed keys, records, unions, recursion, defaults.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Acc, Bson, Expr, MongoModel, Pipeline, TypedCollection } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Option, Schema } from "effect"
import { Model } from "effect/schema"
import * as Driver from "mongodb"

class Address
  extends Schema.Class<Address>("Address")({ city: Schema.String, zip: Schema.optionalKey(Schema.String) })
{
  get label(): string {
    return this.city
  }
}

class Person extends Model.Class<Person>("Person")({
  _id: MongoModel.ObjectIdGenerated,
  name: Schema.String,
  address: Address,
  nick: Schema.OptionFromOptionalKey(Schema.String),
  level: Schema.Number.pipe(Schema.withDecodingDefaultKey(Effect.succeed(1)))
}) {
  get shout(): string {
    return this.name.toUpperCase()
  }
}

interface Node {
  readonly name: string
  readonly children: ReadonlyArray<Node>
}
const Node = Schema.Struct({
  name: Schema.String,
  children: Schema.Array(Schema.suspend((): Schema.Codec<Node> => Node))
})

const Kept = Schema.Struct({
  key: Schema.Number,
  inner: Schema.Struct({ from: Schema.NumberFromString, to: Schema.Number }).pipe(Schema.encodeKeys({ from: "f" })),
  counts: Schema.Record(Schema.String, Schema.Number),
  grid: Schema.Array(Schema.Array(Schema.Struct({ n: Schema.Number }))),
  pair: Schema.Tuple([Schema.String, Schema.Number]),
  shape: Schema.Union([
    Schema.Struct({ kind: Schema.Literal("circle"), radius: Schema.Number }),
    Schema.Struct({ kind: Schema.Literal("square"), side: Schema.Number })
  ]),
  tree: Node,
  price: Bson.BigDecimal,
  long: Bson.Long
}).pipe(Schema.encodeKeys({ key: "_id", price: "p" }))

const long = Driver.Long.fromString("9007199254740993")
const decimal = (text: string) => Schema.decodeSync(Bson.BigDecimal)(Driver.Decimal128.fromString(text))
const kept: typeof Kept.Type = {
  key: 1,
  inner: { from: 7, to: 8 },
  counts: { a: 1, b: 2 },
  grid: [[{ n: 1 }, { n: 2 }], []],
  pair: ["x", 5],
  shape: { kind: "circle", radius: 3 },
  tree: { name: "root", children: [{ name: "leaf", children: [{ name: "deep", children: [] }] }] },
  price: decimal("1.50"),
  long
}

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const people = TypedCollection.make(db, "people", Person)
  const all = TypedCollection.make(db, "kept", Kept)
  yield* all.insertOne(kept)
  const city = (city: string) => new Address({ city })
  yield* people.insertMany([
    { name: "Ada", address: city("London"), nick: Option.some("A"), level: 3 },
    { name: "Bob", address: new Address({ city: "Bonn", zip: "53111" }), nick: Option.none(), level: 1 }
  ])
  yield* people.untyped.updateOne({ name: "Bob" }, { $unset: { level: "" } })
  return { db, people, all }
})
type Collections = Effect.Success<typeof fixture>

const test = <A, E>(body: (collections: Collections) => Effect.Effect<A, E>) =>
  Effect.flatMap(fixture, body).pipe(Effect.provide(MongoTest.layer))

const check = <A, E, R>(effect: Effect.Effect<A, E, R>, expected: NoInfer<A>): Effect.Effect<void, E, R> =>
  Effect.map(effect, (actual) => assert.deepStrictEqual(actual, expected))

describe("documents of a model", () => {
  it.live("stay instances, and give up what is a class in a field", () =>
    test(({ people }) =>
      Effect.gen(function*() {
        const [ada] = yield* people.aggregate((people) => people.pipe(Pipeline.match({ name: "Ada" })))
        assert.instanceOf(ada, Person)
        assert.strictEqual(ada?.shout, "ADA")
        const addresses = yield* people.aggregate((people) =>
          people.pipe(Pipeline.sort({ name: 1 }), Pipeline.replaceRoot(($) => $.address))
        )
        assert.instanceOf(addresses[1], Address)
        assert.deepStrictEqual(addresses.map(({ label }) => label), ["London", "Bonn"])
        yield* check(
          people.aggregate((people) =>
            people.pipe(
              Pipeline.sort({ name: -1 }),
              Pipeline.set(($) => ({ "address.city": Expr.toUpper($.address.city) })),
              Pipeline.select(($) => ({
                address: { city: $.address.city, zip: $.address.zip },
                nick: $.nick,
                level: $.level
              }))
            )
          ),
          [
            { address: { city: "BONN", zip: "53111" }, nick: Option.none(), level: 1 },
            { address: { city: "LONDON" }, nick: Option.some("A"), level: 3 }
          ]
        )
      })
    ))

  it.live("have no getters as fields, and refuse arithmetic with a field that the database may lack", () =>
    test(({ people }) =>
      Effect.gen(function*() {
        const getter = people.aggregate((people) =>
          people.pipe(Pipeline.select(($) => ({ x: ($.address as unknown as { label: Expr.Expr<string> }).label })))
        )
        assert.include((yield* Effect.flip(getter)).message, "$.address.label is not a field")
        const sum = people.aggregate((people) => people.pipe(Pipeline.select(($) => ({ x: Expr.add($.level, 1) }))))
        assert.include((yield* Effect.flip(sum)).message, "use Expr.ifNull")
        const either = people.aggregate((people) =>
          people.pipe(Pipeline.select(($) => ({ x: Expr.cond(Expr.eq($.name, "Bob"), $.level, Expr.literal(0)) })))
        )
        assert.include((yield* Effect.flip(either)).message, "use Expr.ifNull")
        const key = people.aggregate((people) => people.pipe(Pipeline.group(($) => $.level, () => ({ n: Acc.count }))))
        assert.include((yield* Effect.flip(key)).message, "use Expr.ifNull")
        yield* check(
          people.aggregate((people) =>
            people.pipe(
              Pipeline.sort({ name: 1 }),
              Pipeline.select(($) => ({ x: Expr.add(Expr.ifNull($.level, 1), 1) }))
            )
          ),
          [{ x: 4 }, { x: 2 }]
        )
      })
    ))
})

describe("the fields of a document", () => {
  it.live("keep their codecs and their names in the database", () =>
    test(({ all }) =>
      Effect.gen(function*() {
        yield* check(
          all.aggregate((all) =>
            all.pipe(
              Pipeline.match({ "inner.from": 7, key: { $gte: 1 } }),
              Pipeline.set(($) => ({
                "inner.from": Expr.value(Schema.NumberFromString, 9),
                "inner.more": $.inner.from,
                "counts.c": Expr.literal(3),
                "grid.n": $.inner.to,
                price: Expr.multiply($.price, decimal("2")),
                long: Expr.add($.long, Driver.Long.fromNumber(1))
              })),
              Pipeline.unset("tree", "shape", "pair")
            )
          ),
          [{
            key: 1,
            inner: { from: 9, to: 8, more: 7 },
            counts: { a: 1, b: 2, c: 3 },
            grid: [[{ n: 8 }, { n: 8 }], []],
            price: decimal("3.00"),
            long: long.add(1)
          }]
        )
      })
    ))

  it.live("are found in unions, records, tuples and recursive schemas", () =>
    test(({ all }) =>
      check(
        all.aggregate((all) =>
          all.pipe(
            Pipeline.select(($) => ({
              kind: $.shape.kind,
              radius: $.shape.radius,
              side: $.shape.side,
              a: $.counts["a"]!,
              none: $.counts["none"]!,
              names: $.tree.children.children.name,
              tree: $.tree,
              first: Expr.arrayElemAt($.pair, 0),
              part: Expr.filter($.pair, (each) => Expr.eq(each, 5))
            }))
          )
        ),
        [{
          kind: "circle",
          radius: 3,
          a: 1,
          names: [["deep"]],
          tree: kept.tree,
          first: "x",
          part: [5]
        }]
      )
    ))

  it.live("are keys of groups as they are decoded", () =>
    test(({ all }) =>
      Effect.gen(function*() {
        const groups = [
          all.aggregate((all) => all.pipe(Pipeline.group(($) => $.inner, () => ({ n: Acc.count })))),
          all.aggregate((all) => all.pipe(Pipeline.group(($) => $.inner.from, () => ({ n: Acc.count })))),
          all.aggregate((all) =>
            all.pipe(
              Pipeline.group(($) => Expr.struct({ from: $.inner.from, side: $.shape.side }), () => ({ n: Acc.count }))
            )
          ),
          all.aggregate((all) => all.pipe(Pipeline.group(($) => $.counts, () => ({ n: Acc.count }))))
        ] as const
        assert.deepStrictEqual<ReadonlyArray<unknown>>(
          yield* Effect.forEach(groups, (group: Effect.Effect<unknown, unknown>) => Effect.orDie(group)),
          [
            [{ _id: { from: 7, to: 8 }, n: 1 }],
            [{ _id: 7, n: 1 }],
            [{ _id: { from: 7 }, n: 1 }],
            [{ _id: { a: 1, b: 2 }, n: 1 }]
          ]
        )
      })
    ))

  it.live("may be called as the methods of expressions are", () =>
    test(({ db }) =>
      Effect.gen(function*() {
        const plumbing = TypedCollection.make(
          db,
          "plumbing",
          Schema.Struct({ _id: Schema.Number, pipe: Schema.String })
        )
        yield* plumbing.insertOne({ _id: 1, pipe: "copper" })
        yield* check(
          plumbing.aggregate((all) =>
            all.pipe(
              Pipeline.select(($) => ({ pipe: $.pipe, upper: $.pipe.pipe(Expr.toUpper), n: $._id.pipe(Expr.add(1)) }))
            )
          ),
          [{ pipe: "copper", upper: "COPPER", n: 2 }]
        )
      })
    ))

  it.live("are literals of every kind", () =>
    test(({ all }) => {
      const id = new Driver.ObjectId()
      return check(
        all.aggregate((all) =>
          all.pipe(Pipeline.select(() => ({
            text: Expr.literal("$$ROOT"),
            number: Expr.literal(1.5),
            infinity: Expr.literal(Infinity),
            flag: Expr.literal(true),
            nothing: Expr.literal(null),
            big: Expr.literal(2n ** 62n),
            date: Expr.literal(new Date(0)),
            id: Expr.literal(id),
            list: Expr.value(Schema.Array(Schema.NumberFromString), [1, 2]),
            object: Expr.value(Schema.Struct({ $set: Schema.String }), { $set: "$x" })
          })))
        ),
        [{
          text: "$$ROOT",
          number: 1.5,
          infinity: Infinity,
          flag: true,
          nothing: null,
          big: 2n ** 62n,
          date: new Date(0),
          id,
          list: [1, 2],
          object: { $set: "$x" }
        }]
      )
    }))
})

describe("a name that JavaScript gives a meaning", () => {
  it.live("is a field like others, beside renamed keys", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const Renamed = Schema.Struct({ id: Schema.Number, name: Schema.String }).pipe(Schema.encodeKeys({ id: "_id" }))
      const renamed = TypedCollection.make(db, "renamed", Renamed)
      yield* renamed.insertOne({ id: 1, name: "a" })
      const found = yield* renamed.aggregate((renamed) =>
        renamed.pipe(Pipeline.set(($) => ({ ["__proto__"]: $.name })))
      )
      assert.deepStrictEqual(Object.entries(found[0]!), [["id", 1], ["name", "a"], ["__proto__", "a"]])
    }).pipe(Effect.provide(MongoTest.layer)))
})
