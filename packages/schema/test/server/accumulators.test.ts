/**
 * Accumulators and operators of windows on a real server: what each gives decodes by the schema that follows, and is what the same
 * operator gives that is written by hand.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Acc, Bson, Expr, Pipeline, TypedCollection } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Schema } from "effect"
import * as Driver from "mongodb"
import { plain } from "../support/plain.ts"

const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Values = Schema.Struct({
  id: Schema.Int,
  group: Schema.Int,
  at: Bson.Date,
  double: maybe(Schema.Number),
  int: maybe(Bson.Int32),
  long: maybe(Bson.Int64),
  decimal: maybe(Bson.Decimal128),
  precise: maybe(Bson.BigDecimal),
  text: maybe(Schema.String),
  date: maybe(Bson.Date),
  instant: maybe(Schema.DateTimeUtcFromDate),
  numbered: maybe(Schema.NumberFromString),
  rare: Schema.optionalKey(Schema.Number),
  texts: Schema.optionalKey(Schema.Array(Schema.String)),
  object: maybe(Schema.Struct({ a: Schema.optionalKey(Schema.Number), b: Schema.optionalKey(Schema.String) }))
}).pipe(Schema.encodeKeys({ id: "_id", numbered: "n" }))

type $ = Expr.Ref<typeof Values.Type>

const valued = (i: number) => ({
  at: new Date(i * 3_600_000),
  double: i / 4,
  rare: i * 3,
  int: new Driver.Int32(7 - i),
  long: Driver.Long.fromNumber(i * i),
  decimal: Driver.Decimal128.fromString(`${i}.5`),
  precise: Driver.Decimal128.fromString(`-${i}.25`),
  text: "abc".slice(i % 3),
  date: new Date(1_700_000_000_000 + i),
  instant: new Date(i),
  n: String(10 - i),
  texts: ["a", "b", "c"].slice(0, i % 3),
  object: i % 2 === 0 ? { a: i } : { b: String(i) }
})

const nulls = Object.fromEntries(
  Object.keys(valued(0)).filter((name) => name !== "texts" && name !== "rare").map((name) => [name, null])
)

/** Groups of values, of values among nulls and nothing, of nulls, and of nothing. */
const documents: ReadonlyArray<Driver.Document> = [
  ...[1, 2, 3].map((i) => ({ _id: i, group: 1, ...valued(i) })),
  { _id: 4, group: 2, ...nulls, at: new Date(4 * 3_600_000) },
  { _id: 5, group: 2, ...valued(5) },
  { _id: 6, group: 2, at: new Date(6 * 3_600_000) },
  { _id: 7, group: 3, ...nulls, at: new Date(7 * 3_600_000) },
  { _id: 8, group: 4, at: new Date(8 * 3_600_000) }
]

const sets: ReadonlySet<string> = new Set(["$addToSet", "$setUnion"])

/** What the server gives in no order is compared in one. */
const inOrder = (operator: string, value: unknown): unknown =>
  sets.has(operator) && Array.isArray(value) ? [...value].map((each) => JSON.stringify(each)).sort() : value

/** An operator, and as the server knows it. */
type Row<O> = readonly [make: ($: $) => O, raw: Driver.Document]

const zero = Driver.Decimal128.fromString("0")
const numeric = ["double", "int", "long", "decimal", "precise", "rare"] as const
const any = [...numeric, "text", "date", "instant"] as const
type Of = (self: Expr.Expr<any>) => Acc.Accumulator<unknown, unknown>

const ofNumbers = (
  make: Of,
  raw: (path: unknown) => Driver.Document
): ReadonlyArray<Row<Acc.Accumulator<unknown, unknown>>> =>
  numeric.map((kind) => [($) => make($[kind]), raw(`$${kind}`)])

const ofAny = (
  make: Of,
  raw: (path: unknown) => Driver.Document
): ReadonlyArray<Row<Acc.Accumulator<unknown, unknown>>> => [
  ...any.map((kind): Row<Acc.Accumulator<unknown, unknown>> => [($) => make($[kind]), raw(`$${kind}`)]),
  [($) => make($.numbered), raw("$n")]
]

const method = "approximate"
const p = [0, 0.5, 0.9]
const sortBy = { _id: -1 }

/** What groups and windows take. */
const both: ReadonlyArray<Row<Acc.Accumulator<unknown, unknown>>> = [
  ...numeric.map((kind): Row<Acc.Accumulator<unknown, unknown>> => {
    const isDecimal = kind === "decimal" || kind === "precise"
    return [($) => Acc.sum<any>($[kind]), { $sum: isDecimal ? { $ifNull: [`$${kind}`, zero] } : `$${kind}` }]
  }),
  [($) => Acc.sum(Expr.ifNull($.decimal, zero)), { $sum: { $ifNull: ["$decimal", zero] } }],
  [() => Acc.count, { $count: {} }],
  [() => Acc.sum(2), { $sum: 2 }],
  ...ofNumbers(Acc.avg, (path) => ({ $avg: path })),
  ...ofNumbers(Acc.stdDevPop, (path) => ({ $stdDevPop: path })),
  ...ofNumbers(Acc.stdDevSamp, (path) => ({ $stdDevSamp: path })),
  ...ofNumbers(Acc.median, (input) => ({ $median: { input, method } })),
  ...ofNumbers((self) => Acc.percentile(self, { p }), (input) => ({ $percentile: { input, p, method } })),
  [($) => Acc.avg(Expr.ifNull($.double, 0)), { $avg: { $ifNull: ["$double", 0] } }],
  ...ofAny(Acc.max, (path) => ({ $max: path })),
  ...ofAny(Acc.min, (path) => ({ $min: path })),
  ...ofAny(Acc.first, (path) => ({ $first: path })),
  ...ofAny(Acc.last, (path) => ({ $last: path })),
  ...ofAny(Acc.push, (path) => ({ $push: path })),
  ...ofAny(Acc.addToSet, (path) => ({ $addToSet: path })),
  ...ofAny((self) => Acc.firstN(self, { n: 2 }), (input) => ({ $firstN: { input, n: 2 } })),
  ...ofAny((self) => Acc.lastN(self, { n: 2 }), (input) => ({ $lastN: { input, n: 2 } })),
  ...ofAny((self) => Acc.maxN(self, { n: 2 }), (input) => ({ $maxN: { input, n: 2 } })),
  ...ofAny((self) => Acc.minN(self, { n: 2 }), (input) => ({ $minN: { input, n: 2 } })),
  [($) => Acc.top($, { sortBy: { id: -1 }, output: $.numbered }), { $top: { sortBy, output: "$n" } }],
  [($) => Acc.bottom($, { sortBy: { id: -1 }, output: $.instant }), { $bottom: { sortBy, output: "$instant" } }],
  [($) => Acc.topN($, { n: 2, sortBy: { id: -1 }, output: $.long }), { $topN: { n: 2, sortBy, output: "$long" } }],
  [
    ($) => Acc.bottomN($, { n: 2, sortBy: { numbered: 1, id: 1 }, output: $ }),
    { $bottomN: { n: 2, sortBy: { n: 1, _id: 1 }, output: "$$ROOT" } }
  ],
  [
    ($) => Acc.top($.object, { sortBy: { a: -1, b: 1 }, output: $.object.b }),
    { $top: { sortBy: { "object.a": -1, "object.b": 1 }, output: "$object.b" } }
  ],
  [($) => Acc.concatArrays($.texts), { $concatArrays: "$texts" }],
  [($) => Acc.setUnion($.texts), { $setUnion: "$texts" }],
  [($) => Acc.push($.object), { $push: "$object" }],
  [($) => Acc.first($), { $first: "$$ROOT" }],
  [() => Acc.unsafe(Schema.NullOr(Schema.String), { $max: "$text" }), { $max: "$text" }]
]

const groups: ReadonlyArray<Row<Acc.GroupOperator<unknown>>> = [
  ...both,
  [($) => Acc.mergeObjects($.object), { $mergeObjects: "$object" }],
  [
    ($) => Acc.mergeObjects(Expr.struct({ x: $.long, t: $.at })),
    { $mergeObjects: { x: "$long", t: "$at" } }
  ]
]

type Operator = Acc.WindowOperator<unknown, Acc.Need>
type Spanning = Acc.Spanning<unknown, unknown, Acc.Need>

/** Numbers that are never null, and as the server knows them. */
const there: ReadonlyArray<readonly [expr: ($: $) => Expr.Expr<any>, raw: unknown]> = [
  [($) => Expr.ifNull($.double, 0.5), { $ifNull: ["$double", 0.5] }],
  [($) => Expr.ifNull($.int, 1), { $ifNull: ["$int", 1] }],
  [($) => Expr.ifNull($.long, 1n), { $ifNull: ["$long", Driver.Long.fromNumber(1)] }],
  [($) => Expr.ifNull($.decimal, zero), { $ifNull: ["$decimal", zero] }]
]

const ofThere = <O>(
  make: (self: Expr.Expr<any>) => O,
  raw: (input: unknown) => Driver.Document
): ReadonlyArray<Row<O>> => there.map(([expr, input]): Row<O> => [($) => make(expr($)), raw(input)])

/** What windows take with bounds. */
const spanning: ReadonlyArray<Row<Spanning>> = [
  ...both,
  ...numeric.flatMap((kind): ReadonlyArray<Row<Spanning>> => [
    [($) => Acc.covariancePop<any, any>($[kind], $[kind]), { $covariancePop: [`$${kind}`, `$${kind}`] }],
    [($) => Acc.covarianceSamp<any, any>($[kind], $[kind]), { $covarianceSamp: [`$${kind}`, `$${kind}`] }]
  ])
]

const orders = { id: { _id: 1 }, at: { at: 1 } } as const

/** What depends on how far apart the documents are. */
const changes: Readonly<Record<"id" | "at", ReadonlyArray<Row<Spanning>>>> = {
  id: [
    ...ofThere((self) => Acc.derivative<any>(self), (input) => ({ $derivative: { input } })),
    ...ofThere((self) => Acc.integral<any>(self), (input) => ({ $integral: { input } }))
  ],
  at: [
    ...ofThere(
      (self) => Acc.derivative<any>(self, { unit: "minute" }),
      (input) => ({ $derivative: { input, unit: "minute" } })
    ),
    ...ofThere((self) => self.pipe(Acc.integral({ unit: "day" })), (input) => ({ $integral: { input, unit: "day" } }))
  ]
}

/** What windows take without bounds. */
const alone: ReadonlyArray<Row<Operator>> = [
  [() => Acc.rank, { $rank: {} }],
  [() => Acc.denseRank, { $denseRank: {} }],
  [() => Acc.documentNumber, { $documentNumber: {} }],
  ...numeric.flatMap((kind): ReadonlyArray<Row<Operator>> => [
    [($) => Acc.expMovingAvg<any>($[kind], { N: 2 }), { $expMovingAvg: { input: `$${kind}`, N: 2 } }],
    [($) => Acc.expMovingAvg<any>($[kind], { alpha: 0.75 }), { $expMovingAvg: { input: `$${kind}`, alpha: 0.75 } }],
    ...(kind === "long" ? [] : [[($: $) => Acc.linearFill<any>($[kind]), { $linearFill: `$${kind}` }] as const])
  ]),
  ...[...any, "numbered" as const].flatMap((kind): ReadonlyArray<Row<Operator>> => {
    const path = kind === "numbered" ? "$n" : `$${kind}`
    return [
      [($) => Acc.locf<unknown>($[kind]), { $locf: path }],
      [($) => Acc.shift<unknown>($[kind], { by: -1 }), { $shift: { output: path, by: -1 } }]
    ]
  }),
  [($) => Acc.shift($.numbered, { by: 2, default: 77 }), { $shift: { output: "$n", by: 2, default: "77" } }],
  [($) => Acc.shift($.text, { by: 1, default: "$text" }), {
    $shift: { output: "$text", by: 1, default: { $literal: "$text" } }
  }],
  [($) => $.long.pipe(Acc.shift({ by: 1 })), { $shift: { output: "$long", by: 1 } }],
  ...ofThere((self): Operator => Acc.minMaxScaler<any>(self), (input) => ({ $minMaxScaler: { input } })),
  ...ofThere((self): Operator => Acc.integral<any>(self), (input) => ({ $integral: { input } })),
  ...ofThere(
    (self): Operator =>
      Acc.over(Acc.minMaxScaler<any>(self, { min: 1, max: 3 }), { documents: ["unbounded", "current"] }),
    (input) => ({ $minMaxScaler: { input, min: 1, max: 3 }, window: { documents: ["unbounded", "current"] } })
  )
]

const windows: ReadonlyArray<Acc.Window> = [
  { documents: ["unbounded", "current"] },
  { documents: [-1, 1] },
  { documents: ["current", "current"] },
  { documents: [1, 2] },
  { documents: ["unbounded", -3] },
  { documents: ["unbounded", "unbounded"] }
]

const ranges: ReadonlyArray<readonly [by: "id" | "at", Acc.Window]> = [
  ["id", { range: [-1, 0.5] }],
  ["id", { range: [10, "unbounded"] }],
  ["at", { range: [-2, "current"], unit: "hour" }],
  ["at", { range: [1, 60], unit: "minute" }]
]

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const raw = db.collection("values")
  yield* raw.insertMany(documents)
  return { raw, typed: TypedCollection.make(db, "values", Values) }
})
type Collections = Effect.Success<typeof fixture>

/** Some operators at once, each by the name of its field. */
const named = <O>(rows: ReadonlyArray<Row<O>>) => ({
  make: ($: $) => Object.fromEntries(rows.map(([make], i) => [`v${i}`, make($)])),
  raw: Object.fromEntries(rows.map(([, raw], i) => [`v${i}`, raw]))
})

const chunks = <O>(rows: ReadonlyArray<Row<O>>) =>
  Array.from({ length: Math.ceil(rows.length / 25) }, (_, i) => named(rows.slice(i * 25, i * 25 + 25)))

/** What a pipeline gives, beside the stages that are written by hand. */
const compare = (
  { raw, typed }: Collections,
  operators: Readonly<Record<string, Driver.Document>>,
  pipeline: Pipeline.Pipeline<unknown>,
  stages: ReadonlyArray<Driver.Document>
) =>
  Effect.gen(function*() {
    const failed = (error: unknown) => new Error(JSON.stringify(operators), { cause: error })
    const decoded = yield* Effect.mapError(typed.aggregate(() => pipeline), failed)
    const encoded = (yield* Schema.encodeEffect(Schema.Array(pipeline.schema))(decoded)) as ReadonlyArray<
      Driver.Document
    >
    const expected = yield* Effect.mapError(raw.aggregate(stages as never, { useBigInt64: true }), failed)
    for (const [name, operator] of Object.entries(operators)) {
      const values = (documents: ReadonlyArray<Driver.Document>) =>
        documents.map((document) => inOrder(Object.keys(operator)[0]!, plain(document[name])))
      assert.strictEqual(encoded.length, expected.length)
      assert.deepStrictEqual(values(encoded), values(expected as never), JSON.stringify(operator))
    }
  })

describe("accumulators", () => {
  it.live("give of groups what the server gives, as the computed schema says", () =>
    Effect.gen(function*() {
      const collections = yield* fixture
      yield* Effect.forEach(chunks(groups), ({ make, raw }) =>
        compare(
          collections,
          raw,
          Pipeline.make(Values).pipe(
            Pipeline.sort({ id: 1 }),
            Pipeline.group(($) => $.group, make),
            Pipeline.sort({ _id: 1 })
          ),
          [{ $sort: { _id: 1 } }, { $group: { _id: "$group", ...raw } }, { $sort: { _id: 1 } }]
        ))
    }).pipe(Effect.provide(MongoTest.layer)), 60_000)
})

type Operators = Readonly<Record<string, Operator>>

/** The stage, with operators that were made for a certain order. */
const window = (by: "id" | "at", make: ($: $) => Operators) => {
  const output = make as ($: $) => Readonly<Record<string, Acc.WindowOperator<unknown>>>
  const values = Pipeline.make(Values)
  return by === "id"
    ? values.pipe(Pipeline.setWindowFields({ sortBy: { id: 1 }, output }))
    : values.pipe(Pipeline.setWindowFields({ sortBy: { at: 1 }, output }))
}

const compareWindow = (collections: Collections, by: "id" | "at", rows: ReadonlyArray<Row<Operator>>) =>
  Effect.forEach(
    chunks(rows),
    ({ make, raw }) =>
      compare(collections, raw, window(by, make), [{ $setWindowFields: { sortBy: orders[by], output: raw } }])
  )

const over = (rows: ReadonlyArray<Row<Spanning>>, bounds: Acc.Window): ReadonlyArray<Row<Operator>> =>
  rows.map(([make, raw]) => [($) => Acc.over(make($), bounds), { ...raw, window: bounds }])

describe("operators of windows", () => {
  it.live("give over each window what the server gives, as the computed schema says", () =>
    Effect.gen(function*() {
      const collections = yield* fixture
      for (const bounds of windows) {
        yield* compareWindow(collections, "id", over([...spanning, ...changes.id], bounds))
        yield* compareWindow(collections, "at", over(changes.at, bounds))
      }
      for (const [by, bounds] of ranges) yield* compareWindow(collections, by, over(spanning, bounds))
    }).pipe(Effect.provide(MongoTest.layer)), 120_000)

  it.live("give without bounds what the server gives, as the computed schema says", () =>
    Effect.gen(function*() {
      const collections = yield* fixture
      yield* compareWindow(collections, "id", [...alone, ...both])
    }).pipe(Effect.provide(MongoTest.layer)), 60_000)

  it.live("work in partitions, and set fields of objects", () =>
    Effect.gen(function*() {
      const { typed } = yield* fixture
      const found = yield* typed.aggregate((values) =>
        values.pipe(
          Pipeline.setWindowFields({
            partitionBy: ($) => ({ group: $.group }),
            sortBy: { id: -1 },
            output: ($) => ({
              "object.place": Acc.documentNumber,
              numbered: Acc.over(Acc.max($.id), { documents: [1, 2] })
            })
          }),
          Pipeline.sort({ id: 1 }),
          Pipeline.select(($) => ({ id: $.id, place: $.object.place, numbered: $.numbered }))
        )
      )
      assert.deepStrictEqual(found, [
        { id: 1, place: 3, numbered: null },
        { id: 2, place: 2, numbered: 1 },
        { id: 3, place: 1, numbered: 2 },
        { id: 4, place: 3, numbered: null },
        { id: 5, place: 2, numbered: 4 },
        { id: 6, place: 1, numbered: 5 },
        { id: 7, place: 1, numbered: null },
        { id: 8, place: 1, numbered: null }
      ])
    }).pipe(Effect.provide(MongoTest.layer)))
})

describe("what is refused", () => {
  const refused = (build: () => unknown, message: RegExp) => assert.throws(build, message)
  const values = Pipeline.make(Values)
  const untyped = (operator: unknown) => operator as Acc.WindowOperator<unknown>

  it("says the stage, the field and what is needed", () => {
    refused(
      () => values.pipe(Pipeline.group(() => null, () => ({ x: Acc.rank as never }))),
      /stage 1 \(\$group\): group\.x is an operator of windows/
    )
    refused(
      () => values.pipe(Pipeline.group(() => null, () => ({ _id: Acc.count }))),
      /group\._id is the name of the key/
    )
    refused(
      () => values.pipe(Pipeline.setWindowFields({ output: ($) => ({ x: untyped(Acc.mergeObjects($.object)) }) })),
      /\(\$setWindowFields\): output\.x is an accumulator of groups alone/
    )
    refused(
      () =>
        values.pipe(
          Pipeline.setWindowFields({ sortBy: { id: 1 }, output: ($) => ({ x: untyped(Acc.derivative($.id)) }) })
        ),
      /output\.x needs the bounds of a window/
    )
    refused(
      () => values.pipe(Pipeline.setWindowFields({ output: () => ({ x: untyped(Acc.rank) }) })),
      /output\.x needs a sortBy of one field/
    )
    refused(
      () =>
        values.pipe(
          Pipeline.setWindowFields({
            sortBy: { numbered: 1 },
            output: ($) => ({ x: untyped(Acc.over(Acc.max($.id), { range: [0, 1] })) })
          })
        ),
      /output\.x needs a sortBy of a number/
    )
    refused(
      () =>
        values.pipe(
          Pipeline.setWindowFields({
            sortBy: { id: -1 },
            output: ($) => ({ x: Acc.over(Acc.max($.id), { range: [0, 1] }) })
          })
        ),
      /output\.x has a range, which needs a sortBy that goes upwards/
    )
    refused(
      () => values.pipe(Pipeline.setWindowFields({ partitionBy: ($) => $.texts, output: () => ({ x: Acc.count }) })),
      /partitionBy may be an array/
    )
    refused(() => Acc.over(Acc.count, { documents: [2, 1] }), /lower bound that is above the upper one/)
    refused(() => Acc.over(Acc.count, { documents: [0.5, 1] }), /bound that is not an integer/)
    refused(() => Acc.over(untyped(Acc.rank) as never, { documents: [0, 1] }), /this one has none/)
    refused(
      () => values.pipe(Pipeline.group(() => null, ($) => ({ x: Acc.firstN($.text, { n: 0 }) }))),
      /\$firstN\.n is not a positive integer/
    )
    refused(
      () => values.pipe(Pipeline.group(() => null, ($) => ({ x: Acc.percentile($.int, { p: [2] }) }))),
      /\$percentile\.p is not a list of numbers from 0 to 1/
    )
    refused(
      () => values.pipe(Pipeline.group(() => null, ($) => ({ x: Acc.sum($.numbered) }))),
      /computes with what is stored as string and decoded to something else/
    )
  })
})

/** What `Acc` leaves out, and why. */
const leftOut: Readonly<Record<string, string>> = {
  $accumulator: "it runs JavaScript on the server, which is deprecated: Acc.unsafe takes it",
  $_internalConstructStats: "it is for the server itself",
  $_internalJsReduce: "it is for the server itself"
}

/** What `Acc` has beside the operators of the server. */
const helpers: ReadonlySet<string> = new Set(["over", "unsafe"])

describe("the list of operators", () => {
  it.live("is that of the server, but for those that are left out for a reason", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const status = yield* db.command({ serverStatus: 1 })
      const { groupAccumulators, windowAccumulators } = status["metrics"].operatorCounters
      const known = new Set([...Object.keys(groupAccumulators), ...Object.keys(windowAccumulators)])
      const ours = Object.keys(Acc).filter((name) => !helpers.has(name)).map((name) => `$${name}`)
      assert.deepStrictEqual([...known].filter((name) => !(name in leftOut)).sort(), ours.sort())
      assert.deepStrictEqual([...known].filter((name) => name in leftOut).sort(), Object.keys(leftOut).sort())
      // Each of them is in the tables above.
      const rows = [...groups, ...spanning, ...changes.id, ...changes.at, ...alone]
      const tested = new Set(rows.map(([, raw]) => Object.keys(raw).find((name) => name.startsWith("$"))!))
      assert.deepStrictEqual(ours.filter((name) => !tested.has(name)), [])
    }).pipe(Effect.provide(MongoTest.layer)))
})
