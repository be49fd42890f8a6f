/**
 * Pipelines as the manual of MongoDB and tutorials have them, written with types: they give what the plain pipelines give.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Acc, Expr, Pipeline, TypedCollection } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Schema } from "effect"
import type * as Driver from "mongodb"

const { Number, String } = Schema
const date = (text: string) => new Date(`${text}T00:00:00Z`)

const Person = Schema.Struct({
  _id: Number,
  name: String,
  born: Schema.Date,
  vocation: String,
  joined: Number,
  likes: Schema.Array(String)
})
const persons = [
  { _id: 1, name: "Elise", born: date("1972-01-13"), vocation: "ENGINEER", joined: 1, likes: ["golf", "chess"] },
  { _id: 2, name: "Olive", born: date("1985-05-12"), vocation: "ENGINEER", joined: 3, likes: ["golf"] },
  { _id: 3, name: "Toni", born: date("1991-11-23"), vocation: "POLITICIAN", joined: 1, likes: ["tennis", "golf"] },
  { _id: 4, name: "Bert", born: date("1988-02-19"), vocation: "FLORIST", joined: 7, likes: [] },
  { _id: 5, name: "Sophie", born: date("1994-04-01"), vocation: "ENGINEER", joined: 3, likes: ["chess", "swimming"] },
  { _id: 6, name: "Carl", born: date("1999-07-30"), vocation: "ENGINEER", joined: 1, likes: ["running"] }
]

const Line = Schema.Struct({ prod_id: String, name: String, price: Number, quantity: Number })
const Order = Schema.Struct({
  _id: Number,
  customer: String,
  day: Schema.Date,
  value: Number,
  product: String,
  lines: Schema.Array(Line)
})
const line = (prod_id: string, price: number, quantity = 1) => ({ prod_id, name: `the ${prod_id}`, price, quantity })
const orders = [
  {
    _id: 1,
    customer: "elise",
    day: date("2020-05-30"),
    value: 231,
    product: "p1",
    lines: [line("p1", 200), line("p2", 31)]
  },
  { _id: 2, customer: "elise", day: date("2020-01-13"), value: 99, product: "p2", lines: [line("p2", 31, 3)] },
  { _id: 3, customer: "oranieri", day: date("2020-01-01"), value: 63, product: "p2", lines: [] },
  { _id: 4, customer: "tj", day: date("2019-05-28"), value: 2, product: "p9", lines: [line("p3", 2)] },
  {
    _id: 5,
    customer: "tj",
    day: date("2020-01-03"),
    value: 102,
    product: "p3",
    lines: [line("p3", 2, 50), line("p4", 2)]
  },
  { _id: 6, customer: "oranieri", day: date("2020-11-23"), value: 4, product: "p3", lines: [line("p3", 2, 2)] }
]

const Product = Schema.Struct({
  _id: String,
  name: String,
  category: String,
  reserve: Number,
  vector: Schema.Array(Number)
})
const products = [
  { _id: "p1", name: "Clock", category: "HOME", reserve: 5, vector: [1, 0, 0] },
  { _id: "p2", name: "Kettle", category: "HOME", reserve: 40, vector: [0.5, 0.5, 0] },
  { _id: "p3", name: "Pen", category: "OFFICE", reserve: 1, vector: [0, 1, 0.25] },
  { _id: "p4", name: "Desk", category: "OFFICE", reserve: 500, vector: [0, 0, 1] }
]

const Zip = Schema.Struct({ _id: String, city: String, state: String, pop: Number })
const zips = [
  { _id: "10001", city: "NEW YORK", state: "NY", pop: 18913 },
  { _id: "10280", city: "NEW YORK", state: "NY", pop: 5574 },
  { _id: "14201", city: "BUFFALO", state: "NY", pop: 11000 },
  { _id: "90001", city: "LOS ANGELES", state: "CA", pop: 51841 },
  { _id: "94102", city: "SAN FRANCISCO", state: "CA", pop: 21367 },
  { _id: "82001", city: "CHEYENNE", state: "WY", pop: 33107 }
]

const Employee = Schema.Struct({ _id: Number, name: String, reportsTo: Schema.optionalKey(String) })
const employees = [
  { _id: 1, name: "Dev" },
  { _id: 2, name: "Eliot", reportsTo: "Dev" },
  { _id: 3, name: "Ron", reportsTo: "Eliot" },
  { _id: 4, name: "Andrew", reportsTo: "Eliot" },
  { _id: 5, name: "Asya", reportsTo: "Ron" }
]

const Place = Schema.Struct({
  _id: Number,
  name: String,
  category: String,
  location: Schema.Struct({ type: Schema.Literal("Point"), coordinates: Schema.Array(Number) })
})
const place = (_id: number, name: string, category: string, coordinates: ReadonlyArray<number>) => ({
  _id,
  name,
  category,
  location: { type: "Point", coordinates } as const
})
const places = [
  place(1, "Central Park", "Parks", [-73.97, 40.77]),
  place(2, "La Guardia", "Airports", [-73.88, 40.78]),
  place(3, "Sara Park", "Parks", [-73.9928, 40.7193])
]

const Event = Schema.Struct({
  _id: Number,
  user: String,
  step: Schema.Literals(["visit", "cart", "buy"]),
  at: Schema.Date
})
const event = (_id: number, user: string, step: "visit" | "cart" | "buy") => ({
  _id,
  user,
  step,
  at: new Date(_id * 1000)
})
const events = [
  event(1, "a", "visit"),
  event(2, "a", "cart"),
  event(3, "b", "visit"),
  event(4, "a", "buy"),
  event(5, "c", "visit"),
  event(6, "b", "cart"),
  event(7, "a", "visit")
]

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const all = {
    persons: TypedCollection.make(db, "persons", Person),
    orders: TypedCollection.make(db, "orders", Order),
    products: TypedCollection.make(db, "products", Product),
    zips: TypedCollection.make(db, "zips", Zip),
    employees: TypedCollection.make(db, "employees", Employee),
    places: TypedCollection.make(db, "places", Place),
    events: TypedCollection.make(db, "events", Event)
  }
  yield* all.persons.insertMany(persons)
  yield* all.orders.insertMany(orders)
  yield* all.products.insertMany(products)
  yield* all.zips.insertMany(zips)
  yield* all.employees.insertMany(employees)
  yield* all.places.insertMany(places)
  yield* all.events.insertMany(events)
  yield* all.places.untyped.createIndex({ location: "2dsphere" })
  return all
})
type Collections = Effect.Success<typeof fixture>

/** A recipe: where it is from, the typed query, and the plain pipeline of the collection. */
interface Recipe {
  readonly name: string
  readonly typed: (all: Collections) => Effect.Effect<ReadonlyArray<unknown>, unknown>
  readonly on: keyof Collections
  readonly plain: Array<Driver.Document>
}

const recipes: ReadonlyArray<Recipe> = [
  {
    name: "filtered subset: the three youngest engineers",
    typed: ({ persons }) =>
      persons.aggregate((persons) =>
        persons.pipe(
          Pipeline.match({ vocation: "ENGINEER" }),
          Pipeline.sort({ born: -1 }),
          Pipeline.limit(3),
          Pipeline.unset("_id", "vocation", "likes")
        )
      ),
    on: "persons",
    plain: [
      { $match: { vocation: "ENGINEER" } },
      { $sort: { born: -1 } },
      { $limit: 3 },
      { $unset: ["_id", "vocation", "likes"] }
    ]
  },
  {
    name: "group and total: the orders of each customer in a year",
    typed: ({ orders }) =>
      orders.aggregate((orders) =>
        orders.pipe(
          Pipeline.match({ day: { $gte: date("2020-01-01"), $lt: date("2021-01-01") } }),
          Pipeline.sort({ day: 1 }),
          Pipeline.group(($) => $.customer, ($) => ({
            first: Acc.first($.day),
            total: Acc.sum($.value),
            orders: Acc.count,
            list: Acc.push(Expr.struct({ day: $.day, value: $.value }))
          })),
          Pipeline.sort({ first: 1 }),
          Pipeline.set(($) => ({ customer: $._id })),
          Pipeline.unset("_id")
        )
      ),
    on: "orders",
    plain: [
      { $match: { day: { $gte: date("2020-01-01"), $lt: date("2021-01-01") } } },
      { $sort: { day: 1 } },
      {
        $group: {
          _id: "$customer",
          first: { $first: "$day" },
          total: { $sum: "$value" },
          orders: { $sum: 1 },
          list: { $push: { day: "$day", value: "$value" } }
        }
      },
      { $sort: { first: 1 } },
      { $set: { customer: "$_id" } },
      { $unset: ["_id"] }
    ]
  },
  {
    name: "unpack arrays: what each product brought",
    typed: ({ orders }) =>
      orders.aggregate((orders) =>
        orders.pipe(
          Pipeline.unwind("lines"),
          Pipeline.match({ "lines.price": { $gt: 15 } }),
          Pipeline.group(($) => $.lines.prod_id, ($) => ({
            product: Acc.first($.lines.name),
            total: Acc.sum($.lines.price),
            quantity: Acc.count
          })),
          Pipeline.sort({ _id: 1 })
        )
      ),
    on: "orders",
    plain: [
      { $unwind: { path: "$lines" } },
      { $match: { "lines.price": { $gt: 15 } } },
      {
        $group: {
          _id: "$lines.prod_id",
          product: { $first: "$lines.name" },
          total: { $sum: "$lines.price" },
          quantity: { $sum: 1 }
        }
      },
      { $sort: { _id: 1 } }
    ]
  },
  {
    name: "one-to-one join, and a document of its fields",
    typed: ({ orders, products }) =>
      orders.aggregate((orders) =>
        orders.pipe(
          Pipeline.sort({ _id: 1 }),
          Pipeline.lookup({ from: products, localField: "product", foreignField: "_id", as: "found" }),
          Pipeline.set(($) => ({ found: Expr.first($.found) })),
          Pipeline.select(($) => ({ customer: $.customer, name: $.found.name, category: $.found.category }))
        )
      ),
    on: "orders",
    plain: [
      { $sort: { _id: 1 } },
      { $lookup: { from: "products", localField: "product", foreignField: "_id", as: "found" } },
      { $set: { found: { $first: "$found" } } },
      { $replaceWith: { customer: "$customer", name: "$found.name", category: "$found.category" } }
    ]
  },
  {
    name: "multi-field join: the orders of each product in a year",
    typed: ({ orders, products }) =>
      products.aggregate((products) =>
        products.pipe(
          Pipeline.lookup({
            from: orders,
            as: "orders",
            pipeline: (orders, product) =>
              orders.pipe(
                Pipeline.matchExpr(($) => Expr.and(Expr.eq($.product, product._id), Expr.gt($.value, product.reserve))),
                Pipeline.match({ day: { $gte: date("2020-01-01") } }),
                Pipeline.sort({ _id: 1 }),
                Pipeline.project({ _id: 0, customer: 1, value: 1 })
              )
          }),
          Pipeline.match({ orders: { $ne: [] } }),
          Pipeline.unset("vector"),
          Pipeline.sort({ _id: 1 })
        )
      ),
    on: "products",
    plain: [
      {
        $lookup: {
          from: "orders",
          let: { id: "$_id", reserve: "$reserve" },
          as: "orders",
          pipeline: [
            { $match: { $expr: { $and: [{ $eq: ["$product", "$$id"] }, { $gt: ["$value", "$$reserve"] }] } } },
            { $match: { day: { $gte: date("2020-01-01") } } },
            { $sort: { _id: 1 } },
            { $project: { _id: 0, customer: 1, value: 1 } }
          ]
        }
      },
      { $match: { orders: { $ne: [] } } },
      { $unset: "vector" },
      { $sort: { _id: 1 } }
    ]
  },
  {
    name: "top n per group: the two largest orders of each customer",
    typed: ({ orders }) =>
      orders.aggregate((orders) =>
        orders.pipe(
          Pipeline.sort({ value: -1 }),
          Pipeline.group(($) => $.customer, ($) => ({ values: Acc.push($.value) })),
          Pipeline.set(($) => ({ values: Expr.slice($.values, 2) })),
          Pipeline.sort({ _id: 1 })
        )
      ),
    on: "orders",
    plain: [
      { $sort: { value: -1 } },
      { $group: { _id: "$customer", values: { $push: "$value" } } },
      { $set: { values: { $slice: ["$values", 2] } } },
      { $sort: { _id: 1 } }
    ]
  },
  {
    name: "values by month, with averages",
    typed: ({ orders }) =>
      orders.aggregate((orders) =>
        orders.pipe(
          Pipeline.group(($) => Expr.dateToString($.day, { format: "%Y-%m" }), ($) => ({
            total: Acc.sum($.value),
            average: Acc.avg($.value)
          })),
          Pipeline.sort({ total: -1 })
        )
      ),
    on: "orders",
    plain: [
      {
        $group: {
          _id: { $dateToString: { format: "%Y-%m", date: "$day" } },
          total: { $sum: "$value" },
          average: { $avg: "$value" }
        }
      },
      { $sort: { total: -1 } }
    ]
  },
  {
    name: "zip codes: states with many inhabitants",
    typed: ({ zips }) =>
      zips.aggregate((zips) =>
        zips.pipe(
          Pipeline.group(($) => $.state, ($) => ({ pop: Acc.sum($.pop) })),
          Pipeline.match({ pop: { $gte: 34_000 } }),
          Pipeline.sort({ _id: 1 })
        )
      ),
    on: "zips",
    plain: [
      { $group: { _id: "$state", pop: { $sum: "$pop" } } },
      { $match: { pop: { $gte: 34_000 } } },
      { $sort: { _id: 1 } }
    ]
  },
  {
    name: "zip codes: the average size of a city by state",
    typed: ({ zips }) =>
      zips.aggregate((zips) =>
        zips.pipe(
          Pipeline.group(($) => ({ state: $.state, city: $.city }), ($) => ({ pop: Acc.sum($.pop) })),
          Pipeline.group(($) => $._id.state, ($) => ({ average: Acc.avg($.pop) })),
          Pipeline.sort({ _id: 1 })
        )
      ),
    on: "zips",
    plain: [
      { $group: { _id: { state: "$state", city: "$city" }, pop: { $sum: "$pop" } } },
      { $group: { _id: "$_id.state", average: { $avg: "$pop" } } },
      { $sort: { _id: 1 } }
    ]
  },
  {
    name: "zip codes: the largest and the smallest city of each state",
    typed: ({ zips }) =>
      zips.aggregate((zips) =>
        zips.pipe(
          Pipeline.group(($) => ({ state: $.state, city: $.city }), ($) => ({ pop: Acc.sum($.pop) })),
          Pipeline.sort({ pop: 1 }),
          Pipeline.group(($) => $._id.state, ($) => ({
            biggestCity: Acc.last($._id.city),
            biggestPop: Acc.last($.pop),
            smallestCity: Acc.first($._id.city),
            smallestPop: Acc.first($.pop)
          })),
          Pipeline.sort({ _id: 1 }),
          Pipeline.select(($) => ({
            state: $._id,
            biggest: { name: $.biggestCity, pop: $.biggestPop },
            smallest: { name: $.smallestCity, pop: $.smallestPop }
          }))
        )
      ),
    on: "zips",
    plain: [
      { $group: { _id: { state: "$state", city: "$city" }, pop: { $sum: "$pop" } } },
      { $sort: { pop: 1 } },
      {
        $group: {
          _id: "$_id.state",
          biggestCity: { $last: "$_id.city" },
          biggestPop: { $last: "$pop" },
          smallestCity: { $first: "$_id.city" },
          smallestPop: { $first: "$pop" }
        }
      },
      { $sort: { _id: 1 } },
      {
        $project: {
          _id: 0,
          state: "$_id",
          biggest: { name: "$biggestCity", pop: "$biggestPop" },
          smallest: { name: "$smallestCity", pop: "$smallestPop" }
        }
      }
    ]
  },
  {
    name: "user preferences: names in capital letters, in order",
    typed: ({ persons }) =>
      persons.aggregate((persons) =>
        persons.pipe(Pipeline.select(($) => ({ name: Expr.toUpper($.name) })), Pipeline.sort({ name: 1 }))
      ),
    on: "persons",
    plain: [{ $project: { name: { $toUpper: "$name" }, _id: 0 } }, { $sort: { name: 1 } }]
  },
  {
    name: "user preferences: how many joined in each month",
    typed: ({ persons }) =>
      persons.aggregate((persons) =>
        persons.pipe(
          Pipeline.select(($) => ({ month: $.joined })),
          Pipeline.group(($) => ({ month: $.month }), () => ({ number: Acc.count })),
          Pipeline.sort({ "_id.month": 1 })
        )
      ),
    on: "persons",
    plain: [
      { $project: { month: "$joined", _id: 0 } },
      { $group: { _id: { month: "$month" }, number: { $sum: 1 } } },
      { $sort: { "_id.month": 1 } }
    ]
  },
  {
    name: "user preferences: the most common likes",
    typed: ({ persons }) =>
      persons.aggregate((persons) =>
        persons.pipe(
          Pipeline.unwind("likes"),
          Pipeline.group(($) => $.likes, () => ({ number: Acc.count })),
          Pipeline.sort({ number: -1, _id: 1 }),
          Pipeline.limit(5)
        )
      ),
    on: "persons",
    plain: [
      { $unwind: "$likes" },
      { $group: { _id: "$likes", number: { $sum: 1 } } },
      { $sort: { number: -1, _id: 1 } },
      { $limit: 5 }
    ]
  },
  {
    name: "a page of a search with facets",
    typed: ({ products }) =>
      products.aggregate((products) =>
        products.pipe(
          Pipeline.match({ name: /e/ }),
          Pipeline.facet((all) => ({
            page: all.pipe(Pipeline.sort({ name: 1 }), Pipeline.limit(2), Pipeline.project({ name: 1 })),
            categories: all.pipe(
              Pipeline.group(($) => $.category, () => ({ count: Acc.count })),
              Pipeline.sort({ count: -1, _id: 1 })
            ),
            total: all.pipe(Pipeline.count("n"))
          }))
        )
      ),
    on: "products",
    plain: [
      { $match: { name: /e/ } },
      {
        $facet: {
          page: [{ $sort: { name: 1 } }, { $limit: 2 }, { $project: { name: 1 } }],
          categories: [{ $group: { _id: "$category", count: { $sum: 1 } } }, { $sort: { count: -1, _id: 1 } }],
          total: [{ $count: "n" }]
        }
      }
    ]
  },
  {
    name: "a tree: everybody above an employee, with the levels",
    typed: ({ employees }) =>
      employees.aggregate((all) =>
        all.pipe(
          Pipeline.graphLookup({
            from: employees,
            startWith: ($) => $.reportsTo,
            connectFromField: "reportsTo",
            connectToField: "name",
            as: "hierarchy",
            depthField: "level"
          }),
          Pipeline.unwind("hierarchy"),
          Pipeline.sort({ _id: 1, "hierarchy.level": 1 }),
          Pipeline.select(($) => ({ name: $.name, above: $.hierarchy.name, level: $.hierarchy.level }))
        )
      ),
    on: "employees",
    plain: [
      {
        $graphLookup: {
          from: "employees",
          startWith: "$reportsTo",
          connectFromField: "reportsTo",
          connectToField: "name",
          as: "hierarchy",
          depthField: "level"
        }
      },
      { $unwind: "$hierarchy" },
      { $sort: { _id: 1, "hierarchy.level": 1 } },
      { $replaceWith: { name: "$name", above: "$hierarchy.name", level: "$hierarchy.level" } }
    ]
  },
  {
    name: "geo: parks within two kilometers",
    typed: ({ places }) =>
      places.aggregate((places) =>
        places.pipe(
          Pipeline.geoNear({
            near: { type: "Point", coordinates: [-73.99279, 40.719296] },
            distanceField: "distance",
            maxDistance: 2000,
            query: { category: "Parks" }
          }),
          Pipeline.select(($) => ({ name: $.name, meters: Expr.round($.distance, 2) }))
        )
      ),
    on: "places",
    plain: [
      {
        $geoNear: {
          near: { type: "Point", coordinates: [-73.99279, 40.719296] },
          distanceField: "distance",
          maxDistance: 2000,
          query: { category: "Parks" }
        }
      },
      { $replaceWith: { name: "$name", meters: { $round: ["$distance", 2] } } }
    ]
  },
  {
    name: "a funnel: how many users came how far",
    typed: ({ events }) =>
      events.aggregate((events) =>
        events.pipe(
          Pipeline.group(($) => $.user, ($) => ({
            carts: Acc.sum(Expr.cond(Expr.ne($.step, "visit"), Expr.literal(1), Expr.literal(0))),
            bought: Acc.max(Expr.eq($.step, "buy"))
          })),
          Pipeline.group(() => null, ($) => ({
            visited: Acc.count,
            filled: Acc.sum(Expr.cond(Expr.gt($.carts, 0), Expr.literal(1), Expr.literal(0))),
            bought: Acc.sum(Expr.cond($.bought, Expr.literal(1), Expr.literal(0)))
          }))
        )
      ),
    on: "events",
    plain: [
      { $group: { _id: "$user", steps: { $addToSet: "$step" } } },
      {
        $group: {
          _id: null,
          visited: { $sum: 1 },
          filled: {
            $sum: { $cond: [{ $gte: [{ $size: { $setIntersection: ["$steps", ["cart", "buy"]] } }, 1] }, 1, 0] }
          },
          bought: { $sum: { $cond: [{ $in: ["buy", "$steps"] }, 1, 0] } }
        }
      }
    ]
  },
  {
    name: "vector search: the nearest products by their scalar product, without an index",
    typed: ({ products }) =>
      products.aggregate((products) =>
        products.pipe(
          Pipeline.select(($) => ({
            name: $.name,
            score: Expr.add(
              Expr.multiply(Expr.ifNull(Expr.arrayElemAt($.vector, 0), 0), 0.25),
              Expr.multiply(Expr.ifNull(Expr.arrayElemAt($.vector, 1), 0), 1),
              Expr.multiply(Expr.ifNull(Expr.arrayElemAt($.vector, 2), 0), 0.5)
            )
          })),
          Pipeline.sort({ score: -1 }),
          Pipeline.limit(2)
        )
      ),
    on: "products",
    plain: [
      {
        $project: {
          _id: 0,
          name: 1,
          score: {
            $reduce: {
              input: { $zip: { inputs: ["$vector", [0.25, 1, 0.5]] } },
              initialValue: 0,
              in: { $add: ["$$value", { $multiply: [{ $first: "$$this" }, { $last: "$$this" }] }] }
            }
          }
        }
      },
      { $sort: { score: -1 } },
      { $limit: 2 }
    ]
  },
  {
    name: "join and reshape: what each order was worth by its lines",
    typed: ({ orders }) =>
      orders.aggregate((orders) =>
        orders.pipe(
          Pipeline.sort({ _id: 1 }),
          Pipeline.select(($) => ({
            order: $._id,
            total: Expr.reduce($.lines, 0, (sum, line) => Expr.add(sum, Expr.multiply(line.price, line.quantity))),
            names: Expr.map(
              Expr.filter($.lines, (line) => Expr.gt(line.quantity, 1)),
              (line) => Expr.concat(line.name, "!")
            )
          }))
        )
      ),
    on: "orders",
    plain: [
      { $sort: { _id: 1 } },
      {
        $project: {
          _id: 0,
          order: "$_id",
          total: {
            $reduce: {
              input: "$lines",
              initialValue: 0,
              in: { $add: ["$$value", { $multiply: ["$$this.price", "$$this.quantity"] }] }
            }
          },
          names: {
            $map: {
              input: { $filter: { input: "$lines", as: "line", cond: { $gt: ["$$line.quantity", 1] } } },
              as: "line",
              in: { $concat: ["$$line.name", "!"] }
            }
          }
        }
      }
    ]
  },
  {
    name: "two collections in one list",
    typed: ({ employees, persons }) =>
      persons.aggregate((persons) =>
        persons.pipe(
          Pipeline.select(($) => ({ name: $.name, from: Expr.literal("persons") })),
          Pipeline.unionWith(
            employees,
            (employees) => employees.pipe(Pipeline.select(($) => ({ name: $.name, from: Expr.literal("employees") })))
          ),
          Pipeline.sort({ name: 1 })
        )
      ),
    on: "persons",
    plain: [
      { $project: { _id: 0, name: 1, from: { $literal: "persons" } } },
      {
        $unionWith: {
          coll: "employees",
          pipeline: [{ $project: { _id: 0, name: 1, from: { $literal: "employees" } } }]
        }
      },
      { $sort: { name: 1 } }
    ]
  },
  {
    name: "a window: the sum up to now and the number of each order of a customer",
    typed: ({ orders }) =>
      orders.aggregate((orders) =>
        orders.pipe(
          Pipeline.setWindowFields({
            partitionBy: ($) => $.customer,
            sortBy: { day: 1 },
            output: ($) => ({
              soFar: Acc.over(Acc.sum($.value), { documents: ["unbounded", "current"] }),
              number: Acc.documentNumber
            })
          }),
          Pipeline.project({ soFar: 1, number: 1 })
        )
      ),
    on: "orders",
    plain: [
      {
        $setWindowFields: {
          partitionBy: "$customer",
          sortBy: { day: 1 },
          output: {
            soFar: { $sum: "$value", window: { documents: ["unbounded", "current"] } },
            number: { $documentNumber: {} }
          }
        }
      },
      { $project: { soFar: 1, number: 1 } }
    ]
  },
  {
    name: "a window: the moving average of three orders, and of a quarter",
    typed: ({ orders }) =>
      orders.aggregate((orders) =>
        orders.pipe(
          Pipeline.setWindowFields({
            sortBy: { day: 1 },
            output: ($) => ({
              three: Acc.over(Acc.avg($.value), { documents: [-2, "current"] }),
              quarter: Acc.over(Acc.sum($.value), { range: [-90, "current"], unit: "day" })
            })
          }),
          Pipeline.select(($) => ({ day: $.day, three: $.three, quarter: $.quarter }))
        )
      ),
    on: "orders",
    plain: [
      {
        $setWindowFields: {
          sortBy: { day: 1 },
          output: {
            three: { $avg: "$value", window: { documents: [-2, "current"] } },
            quarter: { $sum: "$value", window: { range: [-90, "current"], unit: "day" } }
          }
        }
      },
      { $replaceWith: { day: "$day", three: "$three", quarter: "$quarter" } }
    ]
  },
  {
    name: "sales by month, with the months without sales",
    typed: ({ orders }) =>
      orders.aggregate((orders) =>
        orders.pipe(
          Pipeline.group(($) => Expr.dateTrunc($.day, { unit: "month" }), ($) => ({ value: Acc.sum($.value) })),
          Pipeline.select(($) => ({ month: $._id, value: $.value })),
          Pipeline.densify({ field: "month", range: { step: 1, unit: "month", bounds: "full" } }),
          Pipeline.fill({ output: () => ({ value: { value: Expr.literal(0) } }) }),
          Pipeline.sort({ month: 1 })
        )
      ),
    on: "orders",
    plain: [
      { $group: { _id: { $dateTrunc: { date: "$day", unit: "month" } }, value: { $sum: "$value" } } },
      { $replaceWith: { month: "$_id", value: "$value" } },
      { $densify: { field: "month", range: { step: 1, unit: "month", bounds: "full" } } },
      { $fill: { output: { value: { value: 0 } } } },
      { $sort: { month: 1 } }
    ]
  },
  {
    name: "a page of a search with ranges and counts",
    typed: ({ orders }) =>
      orders.aggregate((orders) =>
        orders.pipe(
          Pipeline.facet((all) => ({
            byValue: all.pipe(
              Pipeline.bucket(($) => $.value, {
                boundaries: [0, 50, 100],
                default: "more",
                output: ($) => ({ count: Acc.count, most: Acc.max($.value) })
              })
            ),
            byCustomer: all.pipe(Pipeline.sortByCount(($) => $.customer), Pipeline.sort({ count: -1, _id: 1 }))
          }))
        )
      ),
    on: "orders",
    plain: [
      {
        $facet: {
          byValue: [
            {
              $bucket: {
                groupBy: "$value",
                boundaries: [0, 50, 100],
                default: "more",
                output: { count: { $sum: 1 }, most: { $max: "$value" } }
              }
            }
          ],
          byCustomer: [{ $sortByCount: "$customer" }, { $sort: { count: -1, _id: 1 } }]
        }
      }
    ]
  }
]

describe("a recipe", () => {
  for (const { name, on, plain, typed } of recipes) {
    it.live(name, () =>
      Effect.gen(function*() {
        const all = yield* fixture
        const expected = yield* all[on].untyped.aggregate(plain)
        assert.isAbove(expected.length, 0)
        assert.deepStrictEqual(yield* typed(all), expected)
      }).pipe(Effect.provide(MongoTest.layer)))
  }
})
