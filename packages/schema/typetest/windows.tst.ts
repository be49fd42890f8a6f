/**
 * The types of accumulators and of windows: what they give, and what must not compile.
 *
 * @since 0.1.0
 */
import { Acc, Bson, Expr, Pipeline } from "@mongofx/schema"
import { type DateTime, Schema } from "effect"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

const Sale = Schema.Struct({
  id: Bson.ObjectId,
  sku: Schema.String,
  status: Schema.Literals(["open", "paid"]),
  price: Schema.Number,
  discount: Schema.optionalKey(Schema.NullOr(Schema.Number)),
  cents: Bson.Int64,
  tax: Bson.Decimal128,
  noTax: Schema.optionalKey(Bson.Decimal128),
  sold: Bson.Date,
  shipped: Schema.DateTimeUtcFromDate,
  reference: Schema.NumberFromString,
  tags: Schema.Array(Schema.String),
  marks: Schema.optionalKey(Schema.Array(Schema.Number)),
  detail: Schema.Struct({ color: Schema.String, size: Schema.optionalKey(Schema.Number) }),
  extra: Schema.optionalKey(Schema.Struct({ color: Schema.String }))
}).pipe(Schema.encodeKeys({ id: "_id" }))
type Sale = typeof Sale.Type

const sales = Pipeline.make(Sale)
const result = <A, R>(_: Pipeline.Pipeline<A, R>): Pipeline.Result<Pipeline.Pipeline<A, R>> => null as never

class Customer
  extends Schema.Class<Customer>("Customer")({ _id: Bson.ObjectId, name: Schema.String, age: Schema.Number })
{
  get initial(): string {
    return this.name.slice(0, 1)
  }
}

describe("accumulators", () => {
  it("give what the server gives of a group", () => {
    expect(result(
      sales.pipe(
        Pipeline.group(($) => $.sku, ($) => ({
          number: Acc.sum($.price),
          long: Acc.sum($.cents),
          decimal: Acc.sum($.noTax),
          average: Acc.avg($.cents),
          decimals: Acc.avg($.tax),
          noAverage: Acc.avg($.discount),
          deviation: Acc.stdDevPop($.tax),
          noDeviation: Acc.stdDevPop($.discount),
          sample: Acc.stdDevSamp($.price),
          median: Acc.median($.cents),
          percentiles: Acc.percentile($.discount, { p: [0.5] }),
          known: Acc.percentile($.price, { p: [0.5] }),
          first: Acc.firstN($.discount, { n: 2 }),
          last: Acc.lastN($.shipped, { n: 2 }),
          highest: Acc.maxN($.discount, { n: 2 }),
          lowest: $.reference.pipe(Acc.minN({ n: 2 })),
          top: Acc.top($, { sortBy: { sold: -1, "detail.size": 1 }, output: $.shipped }),
          bottom: Acc.bottom($, { sortBy: { id: 1 }, output: $.discount }),
          tops: Acc.topN($, { n: 3, sortBy: { sold: -1 }, output: $.status }),
          bottoms: Acc.bottomN($.detail, { n: 3, sortBy: { size: -1 }, output: $.discount }),
          tags: Acc.concatArrays($.tags),
          marks: Acc.setUnion($.marks),
          detail: Acc.mergeObjects($.detail),
          extra: Acc.mergeObjects($.extra),
          byHand: Acc.unsafe(Schema.String, { $max: "$sku" })
        }))
      )
    )).type.toBe<{
      readonly _id: string
      readonly number: number
      readonly long: bigint
      readonly decimal: Driver.Decimal128
      readonly average: number
      readonly decimals: Driver.Decimal128
      readonly noAverage: number | null
      readonly deviation: number
      readonly noDeviation: number | null
      readonly sample: number | null
      readonly median: number
      readonly percentiles: ReadonlyArray<number | null>
      readonly known: ReadonlyArray<number>
      readonly first: ReadonlyArray<number | null>
      readonly last: ReadonlyArray<DateTime.Utc>
      readonly highest: ReadonlyArray<number>
      readonly lowest: ReadonlyArray<number>
      readonly top: DateTime.Utc
      readonly bottom: number | null
      readonly tops: ReadonlyArray<"open" | "paid">
      readonly bottoms: ReadonlyArray<number | null>
      readonly tags: ReadonlyArray<string>
      readonly marks: ReadonlyArray<number>
      readonly detail: { readonly color: string; readonly size?: number }
      readonly extra: { readonly color?: string }
      readonly byHand: string
    }>()
  })

  it("that must not compile are refused", () => {
    // Windows alone.
    // @ts-expect-error!
    sales.pipe(Pipeline.group(($) => $.sku, () => ({ x: Acc.rank })))
    // @ts-expect-error!
    sales.pipe(Pipeline.group(($) => $.sku, ($) => ({ x: Acc.locf($.price) })))
    // @ts-expect-error!
    sales.pipe(Pipeline.group(($) => $.sku, ($) => ({ x: Acc.over(Acc.sum($.price), { documents: [-1, 0] }) })))
    // @ts-expect-error!
    sales.pipe(Pipeline.group(($) => $.sku, ($) => ({ x: Acc.median($.sku) })))
    // @ts-expect-error!
    sales.pipe(Pipeline.group(($) => $.sku, ($) => ({ x: Acc.concatArrays($.discount) })))
    // @ts-expect-error!
    sales.pipe(Pipeline.group(($) => $.sku, ($) => ({ x: Acc.mergeObjects($.price) })))
    // @ts-expect-error!
    sales.pipe(Pipeline.group(($) => $.sku, ($) => ({ x: Acc.top($, { sortBy: { solt: 1 }, output: $.sku }) })))
  })
})

describe("windows", () => {
  it("give what the server gives of a window", () => {
    const after = result(
      sales.pipe(
        Pipeline.setWindowFields({
          partitionBy: ($) => $.sku,
          sortBy: { sold: 1 },
          output: ($) => ({
            soFar: Acc.over(Acc.sum($.price), { documents: ["unbounded", "current"] }),
            whole: Acc.max($.price),
            near: Acc.over(Acc.max($.price), { documents: [-1, 1] }),
            later: Acc.over(Acc.max($.price), { documents: [1, 2] }),
            week: Acc.over(Acc.avg($.cents), { range: [-7, 0], unit: "day" }),
            past: Acc.over(Acc.push($.discount), { range: [-7, -1], unit: "day" }),
            decimals: Acc.over(Acc.sum($.tax), { documents: [1, 2] }),
            rank: Acc.rank,
            speed: Acc.over(Acc.derivative($.price, { unit: "hour" }), { documents: [-1, 0] }),
            area: Acc.integral($.tax, { unit: "hour" }),
            smooth: Acc.expMovingAvg($.discount, { N: 3 }),
            scale: Acc.minMaxScaler($.cents),
            line: Acc.linearFill($.discount),
            last: Acc.locf($.shipped),
            next: Acc.shift($.status, { by: 1 }),
            previous: Acc.shift($.status, { by: -1, default: "open" }),
            pair: Acc.covariancePop($.price, $.cents),
            sample: Acc.covarianceSamp($.price, $.discount),
            "detail.size": Acc.locf($.discount)
          })
        })
      )
    )
    expect<Pick<typeof after, Exclude<keyof typeof after, Exclude<keyof Sale, "sku" | "detail">>>>().type.toBe<{
      readonly sku: string
      readonly soFar: number
      readonly whole: number
      readonly near: number
      readonly later: number | null
      readonly week: number
      readonly past: ReadonlyArray<number | null>
      readonly decimals: number | Driver.Decimal128
      readonly rank: number
      readonly speed: number | null
      readonly area: number | Driver.Decimal128
      readonly smooth: number | null
      readonly scale: number
      readonly line: number | null
      readonly last: DateTime.Utc
      readonly next: "open" | "paid" | null
      readonly previous: "open" | "paid"
      readonly pair: number
      readonly sample: number | null
      readonly detail: { readonly color: string; readonly size: number | null }
    }>()
  })

  it("need no order for all documents of a partition", () => {
    expect(result(
      Pipeline.make(Customer).pipe(
        Pipeline.setWindowFields({ output: ($) => ({ oldest: Acc.max($.age), age: Acc.locf($.name) }) })
      )
    )).type.toBe<
      { readonly _id: Driver.ObjectId; readonly name: string; readonly age: string; readonly oldest: number }
    >()
  })

  it("need an order for what depends on it", () => {
    const window = Pipeline.setWindowFields
    // @ts-expect-error "sortBy"
    window(sales, { output: ($) => ({ x: Acc.over(Acc.sum($.price), { documents: [-1, 0] }) }) })
    // @ts-expect-error "sortBy"
    window(sales, { output: ($) => ({ x: Acc.shift($.price, { by: 1 }) }) })
    // @ts-expect-error "sortBy of one field"
    window(sales, { output: () => ({ x: Acc.rank }) })
    // @ts-expect-error "sortBy of one field"
    window(sales, { sortBy: { sold: 1, price: 1 }, output: () => ({ x: Acc.rank }) })
    // @ts-expect-error "sortBy of a number"
    window(sales, { sortBy: { sold: 1 }, output: ($) => ({ x: Acc.over(Acc.sum($.price), { range: [-1, 0] }) }) })
    // @ts-expect-error "sortBy of a date"
    window(sales, { sortBy: { price: 1 }, output: ($) => ({ x: Acc.integral($.price, { unit: "hour" }) }) })
    // @ts-expect-error "sortBy of a number that is no decimal"
    window(sales, { sortBy: { tax: 1 }, output: ($) => ({ x: Acc.integral($.price) }) })
    // @ts-expect-error "sortBy of a number or a date"
    window(sales, { sortBy: { sku: 1 }, output: ($) => ({ x: Acc.linearFill($.price) }) })
    // @ts-expect-error!
    window(sales, { sortBy: { solt: 1 }, output: () => ({ x: Acc.rank }) })
    // @ts-expect-error!
    window(sales, { output: ($) => ({ x: Acc.mergeObjects($.detail) }) })
    // @ts-expect-error!
    window(sales, { sortBy: { price: 1 }, output: ($) => ({ x: Acc.derivative($.price) }) })
    // @ts-expect-error!
    window(sales, { sortBy: { sold: 1 }, output: ($) => ({ x: Acc.linearFill($.cents) }) })
    // @ts-expect-error!
    window(sales, { sortBy: { sold: 1 }, output: ($) => ({ x: Acc.shift($.status, { by: 1, default: "lost" }) }) })
    // @ts-expect-error!
    sales.pipe(window({ sortBy: { sold: 1 }, output: () => ({ x: Acc.over(Acc.rank, { documents: [-1, 0] }) }) }))
  })
})

describe("stages of ranges", () => {
  it("group by ranges", () => {
    expect(result(
      sales.pipe(Pipeline.bucket(($) => $.price, { boundaries: [0, 10], default: "more" }))
    )).type.toBe<{ readonly _id: number | "more"; readonly count: number }>()
    expect(result(
      sales.pipe(
        Pipeline.bucket(($) => $.shipped, { boundaries: [], output: ($) => ({ skus: Acc.push($.sku) }) })
      )
    )).type.toBe<{ readonly _id: DateTime.Utc; readonly skus: ReadonlyArray<string> }>()
    expect(result(sales.pipe(Pipeline.bucketAuto(($) => $.discount, { buckets: 3 })))).type.toBe<
      { readonly _id: { readonly min: number | null; readonly max: number | null }; readonly count: number }
    >()
    expect(result(
      sales.pipe(
        Pipeline.bucketAuto(($) => $.cents, { buckets: 3, granularity: "R5", output: () => ({ n: Acc.count }) })
      )
    )).type.toBe<{ readonly _id: { readonly min: number; readonly max: number }; readonly n: number }>()
    expect(result(sales.pipe(Pipeline.sortByCount(($) => $.discount)))).type.toBe<
      { readonly _id: number | null; readonly count: number }
    >()
  })

  it("add documents that have the field and the partition", () => {
    const few = sales.pipe(
      Pipeline.select(($) => ({ sku: $.sku, detail: $.detail, sold: $.sold, discount: $.discount }))
    )
    expect(result(
      few.pipe(
        Pipeline.densify({ field: "sold", partitionByFields: ["sku"], range: { step: 1, unit: "day", bounds: "full" } })
      )
    )).type.toBe<{
      readonly sku: string
      readonly sold: Date
      readonly discount?: number | null
      readonly detail?: { readonly color: string; readonly size?: number }
    }>()
    expect(result(
      few.pipe(Pipeline.densify({ field: "detail.size", range: { step: 1, bounds: [0, 9] } }))
    )).type.toBe<{
      readonly sku?: string
      readonly sold?: Date
      readonly discount?: number | null
      readonly detail: { readonly color?: string; readonly size?: number }
    }>()
  })

  it("fill fields", () => {
    expect(result(
      sales.pipe(
        Pipeline.select(($) => ({ sku: $.sku, discount: $.discount, noTax: $.noTax, marks: $.marks, when: $.sold })),
        Pipeline.fill({
          partitionBy: ($) => $.sku,
          sortBy: { when: 1 },
          output: () => ({
            discount: { method: "linear" },
            marks: { method: "locf" },
            noTax: { value: Expr.literal("none") },
            extra: { value: Expr.literal(1) }
          })
        })
      )
    )).type.toBe<{
      readonly sku: string
      readonly when: Date
      readonly discount: number | null
      readonly marks: ReadonlyArray<number> | null
      readonly noTax: Driver.Decimal128 | "none"
      readonly extra: 1
    }>()
  })

  it("that must not compile are refused", () => {
    // @ts-expect-error!
    sales.pipe(Pipeline.bucket(($) => $.price, { boundaries: ["a", "b"] }))
    // @ts-expect-error!
    sales.pipe(Pipeline.bucket(($) => $.price, { boundaries: [0, 1], output: () => ({ x: Acc.rank }) }))
    // @ts-expect-error!
    sales.pipe(Pipeline.bucketAuto(($) => $.price, { buckets: 2, granularity: "R7" }))
    // @ts-expect-error!
    sales.pipe(Pipeline.sortByCount(($) => $.skus))
    // @ts-expect-error!
    sales.pipe(Pipeline.densify({ field: "skus", range: { step: 1, bounds: "full" } }))
    // @ts-expect-error!
    sales.pipe(Pipeline.densify({ field: "sku", range: { step: 1, bounds: "full" } }))
    // @ts-expect-error!
    sales.pipe(Pipeline.densify({ field: "sold", range: { step: 1, bounds: "full" } }))
    // @ts-expect-error!
    sales.pipe(Pipeline.densify({ field: "cents", range: { step: 1, bounds: "full" } }))
    // @ts-expect-error!
    sales.pipe(Pipeline.densify({ field: "price", partitionByFields: ["skus"], range: { step: 1, bounds: "full" } }))
    // @ts-expect-error!
    sales.pipe(Pipeline.fill({ output: () => ({ price: { method: "next" } }) }))
    // @ts-expect-error!
    sales.pipe(Pipeline.fill({ sortBy: { solt: 1 }, output: () => ({ price: { method: "locf" } }) }))
  })
})
