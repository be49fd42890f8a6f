/**
 * The stages that group by ranges, add documents and fill fields on a real server: what each gives decodes by the schema that follows,
 * and is what the same stage gives that is written by hand.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase, MongoError } from "@mongofx/core"
import { Acc, Bson, Expr, Pipeline, TypedCollection } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { DateTime, Effect, Schema } from "effect"
import * as Driver from "mongodb"
import { plain } from "../support/plain.ts"

const Sale = Schema.Struct({
  id: Schema.Int,
  sku: Schema.String,
  code: Schema.NumberFromString,
  price: Schema.Number,
  discount: Schema.optionalKey(Schema.NullOr(Schema.Number)),
  cents: Bson.Int64,
  tax: Bson.Decimal128,
  sold: Schema.DateTimeUtcFromDate,
  detail: Schema.Struct({ level: Schema.Number, color: Schema.optionalKey(Schema.String) })
}).pipe(Schema.encodeKeys({ id: "_id", price: "p" }))

const hour = (n: number) => DateTime.makeUnsafe(n * 3_600_000)
const decimal = (text: string) => Driver.Decimal128.fromString(text)

const sales: ReadonlyArray<typeof Sale.Type> = [
  {
    id: 1,
    sku: "a",
    code: 10,
    price: 5,
    discount: 1,
    cents: 1n,
    tax: decimal("1"),
    sold: hour(0),
    detail: { level: 1, color: "red" }
  },
  { id: 2, sku: "a", code: 20, price: 15, cents: 4n, tax: decimal("1.5"), sold: hour(3), detail: { level: 3 } },
  {
    id: 3,
    sku: "b",
    code: 30,
    price: 99,
    discount: null,
    cents: 7n,
    tax: decimal("2.5"),
    sold: hour(1),
    detail: { level: 2 }
  },
  {
    id: 4,
    sku: "b",
    code: 40,
    price: 100,
    discount: 4,
    cents: 9n,
    tax: decimal("3"),
    sold: hour(2),
    detail: { level: 6 }
  },
  { id: 5, sku: "$c", code: 50, price: 400, cents: 10n, tax: decimal("4"), sold: hour(5), detail: { level: 7 } }
]

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const all = TypedCollection.make(db, "sales", Sale)
  yield* all.insertMany(sales)
  return all
})
type Sales = Effect.Success<typeof fixture>

const documents = Pipeline.make(Sale).pipe(Pipeline.sort({ id: 1 }))

const check = (all: Sales, pipeline: Pipeline.Pipeline<unknown>, stages: ReadonlyArray<Driver.Document>) =>
  Effect.gen(function*() {
    const name = JSON.stringify(stages, (_, value) => typeof value === "bigint" ? String(value) : value)
    const decoded = yield* Effect.mapError(all.aggregate(() => pipeline), (error) => new Error(name, { cause: error }))
    const encoded = yield* Schema.encodeEffect(Schema.Array(pipeline.schema))(decoded)
    const expected = yield* Effect.mapError(
      all.untyped.aggregate([{ $sort: { _id: 1 } }, ...stages] as never, { useBigInt64: true }),
      (error) => new Error(name, { cause: error })
    )
    assert.isAbove(expected.length, 0, name)
    assert.deepStrictEqual(plain(encoded), plain(expected), name)
    return decoded as ReadonlyArray<any>
  })

const test = <A, E>(body: (all: Sales) => Effect.Effect<A, E>) =>
  Effect.flatMap(fixture, body).pipe(Effect.provide(MongoTest.layer))

const fails = (build: () => unknown, message: RegExp) => assert.throws(build, message)

describe("bucket", () => {
  it.live("groups by ranges whose bounds the codec encodes", () =>
    test((all) =>
      Effect.gen(function*() {
        const prices = yield* check(
          all,
          documents.pipe(Pipeline.bucket(($) => $.price, { boundaries: [0, 10, 100], default: "more" })),
          [{ $bucket: { groupBy: "$p", boundaries: [0, 10, 100], default: "more" } }]
        )
        assert.deepStrictEqual(prices, [{ _id: 0, count: 1 }, { _id: 10, count: 2 }, { _id: "more", count: 2 }])
        const texts = yield* check(
          all,
          documents.pipe(
            Pipeline.bucket(($) => $.code, { boundaries: [10, 30, 90], output: () => ({ n: Acc.count }) })
          ),
          [{ $bucket: { groupBy: "$code", boundaries: ["10", "30", "90"], output: { n: { $sum: 1 } } } }]
        )
        assert.deepStrictEqual(texts, [{ _id: 10, n: 2 }, { _id: 30, n: 3 }])
        yield* check(
          all,
          documents.pipe(Pipeline.bucket(($) => $.sold, {
            boundaries: [hour(1), hour(3)],
            default: null,
            output: ($) => ({ skus: Acc.push($.sku), detail: Acc.mergeObjects($.detail) })
          })),
          [{
            $bucket: {
              groupBy: "$sold",
              boundaries: [new Date(3_600_000), new Date(3 * 3_600_000)],
              default: null,
              output: { skus: { $push: "$sku" }, detail: { $mergeObjects: "$detail" } }
            }
          }]
        )
        yield* check(
          all,
          documents.pipe(Pipeline.bucket(($) => $.sku, { boundaries: [" ", "b"], default: "~" })),
          [{ $bucket: { groupBy: "$sku", boundaries: [" ", "b"], default: "~" } }]
        )
        yield* check(
          all,
          documents.pipe(Pipeline.bucket(($) => $.discount, { boundaries: [0, 2], default: -1 })),
          [{ $bucket: { groupBy: "$discount", boundaries: [0, 2], default: -1 } }]
        )
        yield* check(
          all,
          documents.pipe(Pipeline.bucket(($) => $.cents, { boundaries: [0n, 5n, 50n] })),
          [{ $bucket: { groupBy: "$cents", boundaries: [0, 5, 50] } }]
        )
      })
    ))

  it.live("fails where a document is in no range, and needs a default for null", () =>
    test((all) =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(
          all.aggregate(() => documents.pipe(Pipeline.bucket(($) => $.price, { boundaries: [0, 10] })))
        )
        assert.isTrue(MongoError.isMongoError(error))
        fails(
          () => documents.pipe(Pipeline.bucket(($) => $.discount, { boundaries: [0, 10] })),
          /\(\$bucket\): groupBy may be null or missing, which is in no range: give a default/
        )
        fails(() => documents.pipe(Pipeline.bucket(($) => $.price, { boundaries: [0] })), /fewer than two values/)
        // The server takes it for a path, although it is a literal.
        const raw = yield* all.untyped.aggregate([
          { $match: { sku: "$c" } },
          { $bucket: { groupBy: "$sku", boundaries: [{ $literal: "$c" }, "b"] } }
        ])
        assert.deepStrictEqual(raw, [{ _id: null, count: 1 }])
        fails(
          () => documents.pipe(Pipeline.bucket(($) => $.sku, { boundaries: ["$c", "b"] })),
          /boundaries\[0\] starts with \$, which the server takes for a path here/
        )
        fails(
          () => documents.pipe(Pipeline.bucket(($) => $.price, { boundaries: [0, 1], output: () => ({}) })),
          /output has no accumulators/
        )
      })
    ))
})

describe("bucketAuto", () => {
  it.live("groups by ranges that the server chooses", () =>
    test((all) =>
      Effect.gen(function*() {
        yield* check(all, documents.pipe(Pipeline.bucketAuto(($) => $.code, { buckets: 2 })), [
          { $bucketAuto: { groupBy: "$code", buckets: 2 } }
        ])
        const found = yield* check(
          all,
          documents.pipe(
            Pipeline.bucketAuto(($) => $.discount, {
              buckets: 2,
              output: ($) => ({ n: Acc.count, first: Acc.first($.sold) })
            })
          ),
          [{
            $bucketAuto: { groupBy: "$discount", buckets: 2, output: { n: { $sum: 1 }, first: { $first: "$sold" } } }
          }]
        )
        assert.strictEqual(found[0]._id.min, null)
        const series = (groupBy: string) => [{ $bucketAuto: { groupBy, buckets: 3, granularity: "1-2-5" } }]
        const options = { buckets: 3, granularity: "1-2-5" } as const
        yield* check(all, documents.pipe(Pipeline.bucketAuto(($) => $.cents, options)), series("$cents"))
        yield* check(all, documents.pipe(Pipeline.bucketAuto(($) => $.tax, options)), series("$tax"))
        yield* check(all, documents.pipe(Pipeline.bucketAuto(($) => $.price, options)), series("$p"))
        yield* check(
          all,
          documents.pipe(
            Pipeline.bucketAuto(($) => Expr.struct({ sku: $.sku, level: $.detail.level }), { buckets: 2 })
          ),
          [{ $bucketAuto: { groupBy: { $mergeObjects: [{ sku: "$sku", level: "$detail.level" }] }, buckets: 2 } }]
        )
        fails(
          () => documents.pipe(Pipeline.bucketAuto(($) => $.price, { buckets: 0 })),
          /buckets is not a positive integer/
        )
        fails(
          () => documents.pipe(Pipeline.bucketAuto(($) => $.discount, { buckets: 2, granularity: "R5" })),
          /granularity takes a number that is never null/
        )
      })
    ))
})

describe("sortByCount", () => {
  it.live("counts groups of a field, of an expression and of an object", () =>
    test((all) =>
      Effect.gen(function*() {
        const bySize = { $sort: { count: -1 as const, _id: 1 as const } }
        yield* check(all, documents.pipe(Pipeline.sortByCount(($) => $.sku), Pipeline.sort({ count: -1, _id: 1 })), [
          { $sortByCount: "$sku" },
          bySize
        ])
        yield* check(
          all,
          documents.pipe(Pipeline.sortByCount(($) => $.discount), Pipeline.sort({ count: -1, _id: 1 })),
          [
            { $sortByCount: "$discount" },
            bySize
          ]
        )
        yield* check(
          all,
          documents.pipe(Pipeline.sortByCount(($) => Expr.toUpper($.sku)), Pipeline.sort({ count: -1, _id: 1 })),
          [{ $sortByCount: { $toUpper: "$sku" } }, bySize]
        )
        yield* check(
          all,
          documents.pipe(
            Pipeline.sortByCount(($) => ({ sku: $.sku, color: $.detail.color })),
            Pipeline.sort({ count: -1, _id: 1 })
          ),
          [{ $sortByCount: { $mergeObjects: [{ sku: "$sku", color: "$detail.color" }] } }, bySize]
        )
      })
    ))
})

describe("the key of a group", () => {
  it("is no field that only its codec gives a value", () => {
    const Counter = Schema.Struct({
      _id: Schema.Int,
      n: Schema.Number.pipe(Schema.withDecodingDefaultKey(Effect.succeed(0)))
    })
    const counters = Pipeline.make(Counter)
    const message =
      /holds a field that may be absent in the database, although its codec has a default: use Expr\.ifNull/
    fails(() => counters.pipe(Pipeline.group(($) => $.n, () => ({}))), message)
    fails(() => counters.pipe(Pipeline.sortByCount(($) => $.n)), message)
    fails(() => counters.pipe(Pipeline.group(() => null, ($) => ({ n: Acc.max($.n) }))), message)
    assert.isTrue(Pipeline.isPipeline(counters.pipe(Pipeline.sortByCount(($) => Expr.ifNull($.n, 0)))))
  })
})

describe("densify", () => {
  it.live("adds numbers of each kind", () =>
    test((all) =>
      Effect.gen(function*() {
        const found = yield* check(
          all,
          documents.pipe(Pipeline.densify({ field: "detail.level", range: { step: 1, bounds: "full" } })),
          [{ $densify: { field: "detail.level", range: { step: 1, bounds: "full" } } }]
        )
        assert.deepInclude(found, { detail: { level: 4 } })
        yield* check(
          all,
          documents.pipe(Pipeline.densify({ field: "price", range: { step: 0.5, bounds: [4, 6] } })),
          [{ $densify: { field: "p", range: { step: 0.5, bounds: [new Driver.Double(4), new Driver.Double(6)] } } }]
        )
        yield* check(
          all,
          documents.pipe(
            Pipeline.densify({ field: "cents", partitionByFields: ["sku"], range: { step: 2n, bounds: "partition" } }),
            Pipeline.sort({ cents: 1, sku: 1 })
          ),
          [
            { $densify: { field: "cents", partitionByFields: ["sku"], range: { step: 2, bounds: "partition" } } },
            { $sort: { cents: 1, sku: 1 } }
          ]
        )
        yield* check(
          all,
          documents.pipe(Pipeline.densify({ field: "tax", range: { step: decimal("0.5"), bounds: "full" } })),
          [{ $densify: { field: "tax", range: { step: decimal("0.5"), bounds: "full" } } }]
        )
        yield* check(
          all,
          documents.pipe(Pipeline.densify({ field: "discount", range: { step: 1, bounds: "full" } })),
          [{ $densify: { field: "discount", range: { step: 1, bounds: "full" } } }]
        )
        yield* check(
          all,
          documents.pipe(
            Pipeline.densify({ field: "id", partitionByFields: ["price"], range: { step: 1, bounds: [0, 3] } }),
            Pipeline.sort({ id: 1, price: 1 })
          ),
          [
            { $densify: { field: "_id", partitionByFields: ["p"], range: { step: 1, bounds: [0, 3] } } },
            { $sort: { _id: 1, p: 1 } }
          ]
        )
      })
    ))

  it.live("adds dates that keep their codec", () =>
    test((all) =>
      Effect.gen(function*() {
        const found = yield* check(
          all,
          documents.pipe(Pipeline.densify({ field: "sold", range: { step: 1, unit: "hour", bounds: "full" } })),
          [{ $densify: { field: "sold", range: { step: 1, unit: "hour", bounds: "full" } } }]
        )
        assert.deepInclude(found, { sold: hour(4) })
        yield* check(
          all,
          documents.pipe(
            Pipeline.densify({
              field: "sold",
              partitionByFields: ["sku", "detail"],
              range: { step: 30, unit: "minute", bounds: [hour(0), hour(2)] }
            }),
            Pipeline.sort({ sold: 1, sku: 1, "detail.level": 1 })
          ),
          [{
            $densify: {
              field: "sold",
              partitionByFields: ["sku", "detail"],
              range: { step: 30, unit: "minute", bounds: [new Date(0), new Date(2 * 3_600_000)] }
            }
          }, { $sort: { sold: 1, sku: 1, "detail.level": 1 } }]
        )
      })
    ))

  it("refuses what the server does not take", () => {
    fails(
      () => documents.pipe(Pipeline.densify({ field: "price", range: { step: 1, bounds: "partition" } })),
      /\(\$densify\): range\.bounds is that of a partition, and there are none/
    )
    fails(
      () => documents.pipe(Pipeline.densify({ field: "price", range: { step: 0, bounds: "full" } })),
      /step is not positive/
    )
    fails(
      () => documents.pipe(Pipeline.densify({ field: "sold", range: { step: 0.5, unit: "hour", bounds: "full" } })),
      /step is not an integer/
    )
    fails(
      () => documents.pipe(Pipeline.densify({ field: "code", range: { step: 1, bounds: "full" } })),
      /code computes with what is stored as string/
    )
  })
})

describe("fill", () => {
  it.live("gives values, the last ones before, and those between", () =>
    test((all) =>
      Effect.gen(function*() {
        const value = yield* check(
          all,
          documents.pipe(
            Pipeline.fill({
              output: ($) => ({
                discount: { value: Expr.multiply($.price, 2) },
                "detail.color": { value: Expr.literal("$none") },
                extra: { value: $.code }
              })
            })
          ),
          [{
            $fill: {
              output: {
                discount: { value: { $multiply: ["$p", 2] } },
                "detail.color": { value: { $literal: "$none" } },
                extra: { value: "$code" }
              }
            }
          }]
        )
        assert.deepStrictEqual(value.map(({ discount }) => discount), [1, 30, 198, 4, 800])
        assert.deepStrictEqual(value.map(({ detail }) => detail.color), ["red", "$none", "$none", "$none", "$none"])
        yield* check(
          all,
          documents.pipe(Pipeline.fill({ output: () => ({ discount: { value: Expr.literal("none") } }) })),
          [{ $fill: { output: { discount: { value: "none" } } } }]
        )
        yield* check(
          all,
          documents.pipe(Pipeline.fill({ output: () => ({ discount: { method: "locf" } }) })),
          [{ $fill: { output: { discount: { method: "locf" } } } }]
        )
        const partly = yield* check(
          all,
          documents.pipe(
            Pipeline.fill({
              partitionBy: ($) => $.sku,
              sortBy: { id: 1 },
              output: () => ({ discount: { method: "locf" }, "detail.color": { method: "locf" } })
            }),
            Pipeline.sort({ id: 1 })
          ),
          [
            {
              $fill: {
                partitionBy: "$sku",
                sortBy: { _id: 1 },
                output: { discount: { method: "locf" }, "detail.color": { method: "locf" } }
              }
            },
            { $sort: { _id: 1 } }
          ]
        )
        assert.deepStrictEqual(partly.map(({ discount }) => discount), [1, 1, null, 4, null])
        const between = yield* check(
          all,
          documents.pipe(
            Pipeline.fill({
              partitionBy: ($) => ({ all: Expr.gt($.price, 0) }),
              sortBy: { sold: 1 },
              output: () => ({ discount: { method: "linear" } })
            }),
            Pipeline.sort({ id: 1 })
          ),
          [
            {
              $fill: {
                partitionBy: { all: { $gt: ["$p", 0] } },
                sortBy: { sold: 1 },
                output: { discount: { method: "linear" } }
              }
            },
            { $sort: { _id: 1 } }
          ]
        )
        assert.deepStrictEqual(between.map(({ discount }) => discount), [1, null, 2.5, 4, null])
      })
    ))

  it.live("follows densify", () =>
    test((all) =>
      check(
        all,
        documents.pipe(
          Pipeline.densify({ field: "sold", range: { step: 1, unit: "hour", bounds: "full" } }),
          Pipeline.fill({
            sortBy: { sold: 1 },
            output: () => ({ price: { method: "linear" }, sku: { method: "locf" }, tax: { method: "linear" } })
          })
        ),
        [
          { $densify: { field: "sold", range: { step: 1, unit: "hour", bounds: "full" } } },
          {
            $fill: {
              sortBy: { sold: 1 },
              output: { p: { method: "linear" }, sku: { method: "locf" }, tax: { method: "linear" } }
            }
          }
        ]
      )
    ))

  it("refuses what the server does not take", () => {
    const output = (path: string, filler: unknown) => () => ({ [path]: filler as Pipeline.Filler })
    fails(
      () => documents.pipe(Pipeline.fill({ output: output("price", { method: "linear" }) })),
      /\(\$fill\): output\.price needs a sortBy of a number or a date/
    )
    fails(
      () => documents.pipe(Pipeline.fill({ sortBy: { id: 1 }, output: output("cents", { method: "linear" }) })),
      /output\.cents is an int64/
    )
    fails(
      () => documents.pipe(Pipeline.fill({ output: output("nothing", { method: "locf" }) })),
      /is not a field of the schema/
    )
    fails(
      () => documents.pipe(Pipeline.fill({ output: output("price", { value: 1 }) })),
      /use Expr\.literal for a constant/
    )
    fails(() => documents.pipe(Pipeline.fill({ output: output("price", {}) })), /neither a value nor a method/)
    fails(() => documents.pipe(Pipeline.fill({ output: () => ({}) })), /output has no fields/)
  })
})
