/**
 * The types of operators of expressions: what each gives for operands that may and may not be null or missing, and what must not
 * compile.
 *
 * @since 0.1.0
 */
import { Expr } from "@mongofx/schema"
import type { BigDecimal, DateTime } from "effect"
import type * as Driver from "mongodb"
import { describe, expect, it } from "tstyche"

interface Item {
  readonly sku: string
  readonly price: number | null
  readonly note?: string
}

interface Values {
  readonly double: number
  readonly doubleOrNull: number | null
  readonly doubleOrNot?: number
  readonly whole: 1 | 2
  readonly int64: bigint
  readonly int64OrNot?: bigint | null
  readonly long: Driver.Long
  readonly decimal: Driver.Decimal128
  readonly decimalOrNull: Driver.Decimal128 | null
  readonly money: BigDecimal.BigDecimal
  readonly text: string
  readonly textOrNull: string | null
  readonly textOrNot?: string
  readonly status: "open" | "paid"
  readonly flag: boolean
  readonly flagOrNot?: boolean
  readonly date: Date
  readonly dateOrNull: Date | null
  readonly utc: DateTime.Utc
  readonly id: Driver.ObjectId
  readonly timestamp: Driver.Timestamp
  readonly binary: Driver.Binary
  readonly numbers: ReadonlyArray<number>
  readonly numbersOrNot?: ReadonlyArray<number>
  readonly longs: ReadonlyArray<bigint | null>
  readonly decimals: ReadonlyArray<Driver.Decimal128>
  readonly texts: ReadonlyArray<string>
  readonly textsOrNull: ReadonlyArray<string> | null
  readonly items: ReadonlyArray<Item>
  readonly item: Item
  readonly itemOrNull: Item | null
  readonly odd: { readonly "a.b": string; readonly $c?: number }
  readonly scores: { readonly [name: string]: number }
  readonly anything: unknown
}

declare const $: Expr.Ref<Values>

/** What an expression gives. */
const given = <A>(_: Expr.Expr<A>): A => null as never

describe("arithmetic", () => {
  it("stays in the kind of its numbers", () => {
    expect(given(Expr.add($.double, $.double))).type.toBe<number>()
    expect(given(Expr.add($.whole, 1, $.double))).type.toBe<number>()
    expect(given(Expr.multiply($.int64, $.int64, 2n))).type.toBe<bigint>()
    expect(given(Expr.subtract($.long, $.long))).type.toBe<Driver.Long>()
    expect(given(Expr.mod($.decimal, $.decimal))).type.toBe<Driver.Decimal128>()
    expect(given(Expr.pow($.money, $.money))).type.toBe<BigDecimal.BigDecimal>()
    expect(given(Expr.abs($.int64))).type.toBe<bigint>()
    expect(given(Expr.round($.decimal, 1))).type.toBe<Driver.Decimal128>()
    expect(given(Expr.bitAnd($.int64, 3n))).type.toBe<bigint>()
    expect(given(Expr.bitNot($.whole))).type.toBe<number>()
  })

  it("gives fractions as doubles and decimals", () => {
    expect(given(Expr.divide($.int64, $.int64))).type.toBe<number>()
    expect(given(Expr.divide($.decimal, $.decimal))).type.toBe<Driver.Decimal128>()
    expect(given(Expr.sqrt($.long))).type.toBe<number>()
    expect(given(Expr.log($.money, $.money))).type.toBe<BigDecimal.BigDecimal>()
    expect(given(Expr.sin($.int64))).type.toBe<number>()
    expect(given(Expr.atan2($.decimalOrNull, $.decimal))).type.toBe<Driver.Decimal128 | null>()
    expect(given($.double.pipe(Expr.atan2(2)))).type.toBe<number>()
    expect(given($.decimalOrNull.pipe(Expr.atan2($.decimal)))).type.toBe<Driver.Decimal128 | null>()
    expect(Expr.atan2($.decimal)).type.not.toBeCallableWith($.double)
  })

  it("gives null where an operand is null or missing", () => {
    expect(given(Expr.add($.double, $.doubleOrNull))).type.toBe<number | null>()
    expect(given(Expr.add($.doubleOrNot, 1))).type.toBe<number | null>()
    expect(given(Expr.multiply($.int64OrNot, 2n))).type.toBe<bigint | null>()
    expect(given(Expr.floor($.decimalOrNull))).type.toBe<Driver.Decimal128 | null>()
    expect(given($.double.pipe(Expr.add(1)))).type.toBe<number>()
    expect(given($.doubleOrNot.pipe(Expr.multiply(2)))).type.toBe<number | null>()
    expect(given($.double.pipe(Expr.subtract($.doubleOrNull)))).type.toBe<number | null>()
    expect(given($.double.pipe(Expr.round(2)))).type.toBe<number>()
  })

  it("takes numbers of one kind only", () => {
    expect(Expr.add).type.not.toBeCallableWith($.text, $.text)
    expect(Expr.add).type.not.toBeCallableWith($.double, $.int64)
    expect(Expr.add).type.not.toBeCallableWith($.int64, 1)
    expect(Expr.multiply).type.not.toBeCallableWith($.decimal, 2)
    expect(Expr.subtract).type.not.toBeCallableWith($.date, $.date)
    expect(Expr.divide).type.not.toBeCallableWith($.long, $.decimal)
    expect(Expr.abs).type.not.toBeCallableWith($.text)
    expect(Expr.abs).type.not.toBeCallableWith($.numbers)
    expect(Expr.round).type.not.toBeCallableWith($.date)
    expect(Expr.bitAnd).type.not.toBeCallableWith($.decimal, $.decimal)
    // @ts-expect-error!
    $.text.pipe(Expr.add(1))
  })
})

describe("comparison, logic and choice", () => {
  it("give booleans and orders", () => {
    expect(given(Expr.eq($.date, new Date()))).type.toBe<boolean>()
    expect(given(Expr.ne($.textOrNull, null))).type.toBe<boolean>()
    expect(given(Expr.gt($.double, $.doubleOrNot))).type.toBe<boolean>()
    expect(given(Expr.cmp($.status, "open"))).type.toBe<number>()
    expect(given($.date.pipe(Expr.cmp($.dateOrNull)))).type.toBe<number>()
    expect(given(Expr.in($.status, ["open", "paid"]))).type.toBe<boolean>()
    expect(given(Expr.in($.text, $.texts))).type.toBe<boolean>()
    expect(given(Expr.in("a", $.texts))).type.toBe<boolean>()
    expect(given($.textOrNull.pipe(Expr.in(["a", null])))).type.toBe<boolean>()
    expect(given(Expr.and($.flag, $.flagOrNot, Expr.not($.flag)))).type.toBe<boolean>()
  })

  it("give one of several values", () => {
    expect(given(Expr.cond($.flag, $.double, $.textOrNot))).type.toBe<number | string | undefined>()
    expect(given(Expr.ifNull($.textOrNull, "none"))).type.toBe<string>()
    expect(given(Expr.abs(Expr.ifNull($.doubleOrNull, 0)))).type.toBe<number>()
    expect(given(Expr.ifNull($.doubleOrNot, Expr.literal(null)))).type.toBe<number | null>()
    expect(given(Expr.switch({
      branches: [[$.flag, Expr.literal("a")], [$.flagOrNot, $.int64]],
      default: Expr.missing
    }))).type.toBe<"a" | bigint | undefined>()
  })

  it("take what is alike only", () => {
    expect(Expr.eq).type.not.toBeCallableWith($.date, 5)
    expect(Expr.eq).type.not.toBeCallableWith($.status, "lost")
    expect(Expr.cmp).type.not.toBeCallableWith($.double, $.text)
    expect(Expr.in).type.not.toBeCallableWith($.status, ["lost"])
    expect(Expr.in).type.not.toBeCallableWith($.double, $.texts)
    expect(Expr.in).type.not.toBeCallableWith(1, $.texts)
    expect(Expr.in).type.not.toBeCallableWith($.text, $.textsOrNull)
    expect(Expr.and).type.not.toBeCallableWith($.flag, $.text)
    expect(Expr.not).type.not.toBeCallableWith($.double)
    expect(Expr.cond).type.not.toBeCallableWith($.double, $.double, $.double)
    expect(Expr.switch).type.not.toBeCallableWith({ branches: [[$.flag, $.double]] })
    expect(Expr.switch).type.not.toBeCallableWith({ branches: [], default: $.double })
    expect(Expr.switch).type.not.toBeCallableWith({ branches: [[$.text, $.double]], default: $.double })
  })
})

describe("text", () => {
  it("is null where an operand is", () => {
    expect(given(Expr.concat($.text, "-", $.status))).type.toBe<string>()
    expect(given(Expr.concat($.text, $.textOrNot))).type.toBe<string | null>()
    expect(given($.textOrNull.pipe(Expr.concat("!")))).type.toBe<string | null>()
    expect(given(Expr.trim($.textOrNull, { chars: " " }))).type.toBe<string | null>()
    expect(given(Expr.split($.text, ","))).type.toBe<ReadonlyArray<string>>()
    expect(given(Expr.split($.textOrNot, ","))).type.toBe<ReadonlyArray<string> | null>()
    expect(given(Expr.toUpper($.textOrNull))).type.toBe<string>()
    expect(given(Expr.substrCP($.textOrNot, 0, 1))).type.toBe<string>()
    expect(given(Expr.indexOfCP($.textOrNull, "a"))).type.toBe<number | null>()
    expect(given(Expr.regexMatch($.textOrNull, /a/))).type.toBe<boolean>()
    expect(given(Expr.regexFind($.text, /a/))).type.toBe<Expr.RegexMatch | null>()
    expect(given(Expr.regexFindAll($.text, /a/))).type.toBe<ReadonlyArray<Expr.RegexMatch>>()
    expect(given(Expr.replaceAll($.text, { find: "a", replacement: $.textOrNull }))).type.toBe<string | null>()
    expect(given(Expr.strLenCP($.text))).type.toBe<number>()
  })

  it("takes text only", () => {
    expect(Expr.concat).type.not.toBeCallableWith($.text, $.double)
    expect(Expr.toLower).type.not.toBeCallableWith($.date)
    expect(Expr.strLenCP).type.not.toBeCallableWith($.textOrNull)
    expect(Expr.split).type.not.toBeCallableWith($.texts, ",")
    expect(Expr.regexMatch).type.not.toBeCallableWith($.text, "a")
    expect(Expr.trim).type.not.toBeCallableWith($.double)
  })
})

describe("dates", () => {
  it("stay what they are decoded to", () => {
    expect(given(Expr.dateAdd($.date, { unit: "day", amount: 1 }))).type.toBe<Date>()
    expect(given(Expr.dateAdd($.utc, { unit: "day", amount: 1n }))).type.toBe<DateTime.Utc>()
    expect(given($.dateOrNull.pipe(Expr.dateSubtract({ unit: "month", amount: $.double })))).type.toBe<Date | null>()
    expect(given(Expr.dateTrunc($.id, { unit: "hour" }))).type.toBe<Date>()
    expect(given(Expr.year($.date))).type.toBe<number>()
    expect(given(Expr.hour($.dateOrNull, { timezone: $.text }))).type.toBe<number | null>()
    expect(given(Expr.dateDiff($.date, { endDate: $.dateOrNull, unit: "day" }))).type.toBe<number | null>()
    expect(given(Expr.dateDiff($.date, { endDate: new Date(), unit: "day" }))).type.toBe<number>()
    expect(given(Expr.dateToString($.date))).type.toBe<string>()
    expect(given(Expr.dateToString($.dateOrNull))).type.toBe<string | null>()
    expect(given(Expr.dateToString($.dateOrNull, { onNull: "never" }))).type.toBe<string>()
    expect(given(Expr.dateFromString($.text))).type.toBe<Date>()
    expect(given(Expr.dateFromString($.textOrNull, { onNull: $.date }))).type.toBe<Date>()
    expect(given(Expr.dateToParts($.date))).type.toBe<Expr.DateParts>()
    expect(given(Expr.dateFromParts({ year: 2026 }))).type.toBe<Date>()
    expect(given(Expr.tsSecond($.timestamp))).type.toBe<number>()
    expect(given(Expr.now)).type.toBe<Date>()
    expect(given(Expr.clusterTime)).type.toBe<Driver.Timestamp>()
  })

  it("are not text or numbers", () => {
    expect(Expr.dateAdd).type.not.toBeCallableWith($.text, { unit: "day", amount: 1 })
    expect(Expr.dateAdd).type.not.toBeCallableWith($.date, { unit: "days", amount: 1 })
    expect(Expr.dateAdd).type.not.toBeCallableWith($.date, { unit: "day", amount: "1" })
    expect(Expr.dateDiff).type.not.toBeCallableWith($.date, { endDate: $.text, unit: "day" })
    expect(Expr.year).type.not.toBeCallableWith($.double)
    expect(Expr.dateFromString).type.not.toBeCallableWith($.date)
    expect(Expr.tsSecond).type.not.toBeCallableWith($.date)
  })
})

describe("arrays and sets", () => {
  it("keep their elements", () => {
    expect(given(Expr.size($.items))).type.toBe<number>()
    expect(given(Expr.arrayElemAt($.texts, 0))).type.toBe<string | undefined>()
    expect(given(Expr.arrayElemAt($.textsOrNull, 0))).type.toBe<string | null | undefined>()
    expect(given(Expr.first($.items))).type.toBe<Item | undefined>()
    expect(given(Expr.firstN($.numbers, { n: 1 }))).type.toBe<ReadonlyArray<number>>()
    expect(given(Expr.maxN($.longs, { n: 1 }))).type.toBe<ReadonlyArray<bigint>>()
    expect(given(Expr.filter($.items, (item) => Expr.eq(item.sku, "a")))).type.toBe<ReadonlyArray<Item>>()
    expect(given(Expr.map($.items, (item) => item.note))).type.toBe<ReadonlyArray<string | null>>()
    expect(given(Expr.map($.textsOrNull, (text) => ({ text })))).type.toBe<
      ReadonlyArray<{ readonly text: string }> | null
    >()
    expect(given(Expr.reduce($.numbers, 0, (sum, number) => Expr.add(sum, number)))).type.toBe<number>()
    expect(given(Expr.concatArrays($.texts, $.numbers))).type.toBe<ReadonlyArray<string | number>>()
    expect(given(Expr.slice($.numbersOrNot, 2))).type.toBe<ReadonlyArray<number> | null>()
    expect(given(Expr.sortArray($.numbers, 1))).type.toBe<ReadonlyArray<number>>()
    expect(given(Expr.sortArray($.items, { price: -1, sku: 1 }))).type.toBe<ReadonlyArray<Item>>()
    expect(given($.textsOrNull.pipe(Expr.sortArray(-1)))).type.toBe<ReadonlyArray<string> | null>()
    expect(given($.items.pipe(Expr.sortArray({ sku: 1 })))).type.toBe<ReadonlyArray<Item>>()
    expect(given(Expr.setUnion($.texts, $.textsOrNull))).type.toBe<ReadonlyArray<string> | null>()
    expect(given(Expr.objectToArray($.scores))).type.toBe<ReadonlyArray<{ readonly k: string; readonly v: number }>>()
    expect(given(Expr.indexOfArray($.texts, "a"))).type.toBe<number>()
  })

  it("are made of values and of arrays", () => {
    expect(given(Expr.array($.double, $.textOrNot, { flag: $.flag }))).type.toBe<
      readonly [number, string | null, { readonly flag: boolean }]
    >()
    expect(given(Expr.zip([$.texts, $.longs]))).type.toBe<ReadonlyArray<readonly [string, bigint | null]>>()
    expect(given(Expr.zip([$.texts, $.numbersOrNot]))).type.toBe<ReadonlyArray<readonly [string, number]> | null>()
    expect(given(Expr.zip([$.texts, $.numbers], { useLongestLength: true }))).type.toBe<
      ReadonlyArray<readonly [string | null, number | null]>
    >()
    expect(given(Expr.zip([$.texts, $.numbers], { useLongestLength: true, defaults: [$.flag, Expr.literal(0)] })))
      .type.toBe<ReadonlyArray<readonly [string | boolean, number]>>()
  })

  it("are not other values", () => {
    expect(Expr.size).type.not.toBeCallableWith($.text)
    expect(Expr.size).type.not.toBeCallableWith($.textsOrNull)
    expect(Expr.first).type.not.toBeCallableWith($.double)
    expect(Expr.sortArray).type.not.toBeCallableWith($.items, { cost: 1 })
    expect(Expr.sortArray).type.not.toBeCallableWith($.items, { sku: 2 })
    expect(Expr.sortArray).type.not.toBeCallableWith($.text, 1)
    expect(Expr.zip).type.not.toBeCallableWith([$.texts, $.double])
    expect(Expr.zip).type.not.toBeCallableWith([$.texts], { useLongestLength: true, defaults: [$.textOrNot] })
    expect(Expr.indexOfArray).type.not.toBeCallableWith($.texts, 1)
    expect(Expr.setUnion).type.not.toBeCallableWith($.texts, $.text)
  })
})

describe("objects", () => {
  it("have fields of any name", () => {
    expect(given(Expr.getField($.odd, "a.b"))).type.toBe<string>()
    expect(given(Expr.getField($.odd, "$c"))).type.toBe<number | undefined>()
    expect(given($.itemOrNull.pipe(Expr.getField("sku")))).type.toBe<string | null>()
    expect(given(Expr.getField($.scores, "a.b"))).type.toBe<number | undefined>()
    expect(given(Expr.getField($.scores, $.text))).type.toBe<number | undefined>()
    expect(given(Expr.setField($.item, "price", $.text))).type.toBe<
      { readonly sku: string; readonly note?: string; readonly price: string }
    >()
    expect(given(Expr.setField($.itemOrNull, "a.b", $.textOrNot))).type.toBe<
      { readonly sku: string; readonly price: number | null; readonly note?: string; readonly "a.b"?: string } | null
    >()
    expect(given(Expr.unsetField($.item, "note"))).type.toBe<{ readonly sku: string; readonly price: number | null }>()
  })

  it("are merged, and the later fields win", () => {
    expect(given(Expr.mergeObjects($.item, Expr.struct({ sku: $.double, more: $.flag })))).type.toBe<
      { readonly price: number | null; readonly note?: string; readonly sku: number; readonly more: boolean }
    >()
    expect(given(Expr.mergeObjects(Expr.struct({ note: $.double, sku: $.double }), $.item))).type.toBe<
      { readonly sku: string; readonly price: number | null; readonly note: number | string }
    >()
    expect(given(Expr.mergeObjects(Expr.struct({ sku: $.double }), $.itemOrNull))).type.toBe<
      { readonly sku: number | string; readonly price?: number | null; readonly note?: string }
    >()
    expect(given(Expr.mergeObjects($.scores, Expr.struct({ a: $.text })))).type.toBe<
      { readonly [name: string]: number | string }
    >()
  })

  it("are not other values, and have the fields of their schema", () => {
    expect(Expr.getField).type.not.toBeCallableWith($.odd, "b")
    expect(Expr.getField).type.not.toBeCallableWith($.text, "length")
    expect(Expr.unsetField).type.not.toBeCallableWith($.item, "cost")
    expect(Expr.setField).type.not.toBeCallableWith($.text, "a", $.double)
    expect(Expr.mergeObjects).type.not.toBeCallableWith($.item, $.text)
  })
})

describe("types", () => {
  it("are converted", () => {
    expect(given(Expr.toInt($.text))).type.toBe<number>()
    expect(given(Expr.toInt($.textOrNot))).type.toBe<number | null>()
    expect(given(Expr.toLong($.date))).type.toBe<bigint>()
    expect(given(Expr.toDouble($.decimalOrNull))).type.toBe<number | null>()
    expect(given(Expr.toDecimal($.double))).type.toBe<Driver.Decimal128>()
    expect(given(Expr.toBigDecimal($.double))).type.toBe<BigDecimal.BigDecimal>()
    expect(given(Expr.toBigDecimal($.textOrNull))).type.toBe<BigDecimal.BigDecimal | null>()
    expect(Expr.toBigDecimal).type.not.toBeCallableWith($.date)
    expect(given(Expr.toBool($.anything))).type.toBe<boolean | null>()
    expect(given(Expr.toBool($.item))).type.toBe<boolean>()
    expect(given(Expr.toDate($.id))).type.toBe<Date>()
    expect(given(Expr.toObjectId($.textOrNull))).type.toBe<Driver.ObjectId | null>()
    expect(given(Expr.toString($.int64))).type.toBe<string>()
    expect(given(Expr.toUUID($.text))).type.toBe<Driver.UUID>()
    expect(given(Expr.convert($.text, { to: "long" }))).type.toBe<bigint>()
    expect(given(Expr.convert($.textOrNull, { to: "date" }))).type.toBe<Date | null>()
    expect(given(Expr.convert($.text, { to: "int", onError: Expr.literal("no") }))).type.toBe<number | "no">()
    expect(given($.textOrNot.pipe(Expr.convert({ to: "bool", onNull: Expr.missing })))).type.toBe<
      boolean | undefined
    >()
    expect(given(Expr.convert($.binary, { to: "string", format: "hex" }))).type.toBe<string>()
    expect(given(Expr.type($.anything))).type.toBe<Expr.BsonType>()
    expect(given(Expr.isNumber($.anything))).type.toBe<boolean>()
    expect(given(Expr.toHashedIndexKey($.text))).type.toBe<bigint>()
    expect(given(Expr.binarySize($.binary))).type.toBe<number>()
    expect(given(Expr.bsonSize($.itemOrNull))).type.toBe<number | null>()
  })

  it("are not converted where the server never does", () => {
    expect(Expr.toInt).type.not.toBeCallableWith($.date)
    expect(Expr.toLong).type.not.toBeCallableWith($.texts)
    expect(Expr.toDate).type.not.toBeCallableWith($.flag)
    expect(Expr.toObjectId).type.not.toBeCallableWith($.double)
    expect(Expr.toUUID).type.not.toBeCallableWith($.double)
    expect(Expr.toString).type.not.toBeCallableWith($.item)
    expect(Expr.convert).type.not.toBeCallableWith($.text, { to: "array" })
    expect(Expr.binarySize).type.not.toBeCallableWith($.double)
    expect(Expr.bsonSize).type.not.toBeCallableWith($.text)
  })
})

describe("statistics", () => {
  it("of an array may be of nothing", () => {
    expect(given(Expr.sum($.numbers))).type.toBe<number>()
    expect(given(Expr.sum($.longs))).type.toBe<bigint>()
    expect(given(Expr.sum($.numbersOrNot))).type.toBe<number>()
    expect(given(Expr.avg($.longs))).type.toBe<number | null>()
    expect(given(Expr.avg($.decimals))).type.toBe<Driver.Decimal128 | null>()
    expect(given(Expr.max($.texts))).type.toBe<string | null>()
    expect(given(Expr.stdDevPop($.numbers))).type.toBe<number | null>()
    expect(given(Expr.median($.longs))).type.toBe<number | null>()
    expect(given(Expr.percentile($.numbers, { p: [0.5, 0.9] }))).type.toBe<readonly [number | null, number | null]>()
  })

  it("of several values are null where all may be", () => {
    expect(given(Expr.sum($.double, $.doubleOrNull))).type.toBe<number>()
    expect(given(Expr.avg($.int64, 1n))).type.toBe<number>()
    expect(given(Expr.avg($.decimal, $.decimalOrNull))).type.toBe<Driver.Decimal128 | null>()
    expect(given(Expr.min($.date, new Date()))).type.toBe<Date>()
    expect(given(Expr.max($.date, $.dateOrNull))).type.toBe<Date | null>()
    expect(given(Expr.stdDevSamp($.double, 1))).type.toBe<number>()
    expect(given(Expr.similarityCosine($.numbers, $.numbers, { score: true }))).type.toBe<number>()
    expect(given(Expr.similarityEuclidean($.numbers, $.numbersOrNot))).type.toBe<number | null>()
    expect(given(Expr.rand)).type.toBe<number>()
  })

  it("are of numbers of one kind", () => {
    expect(Expr.sum).type.not.toBeCallableWith($.texts)
    expect(Expr.sum).type.not.toBeCallableWith($.double)
    expect(Expr.sum).type.not.toBeCallableWith($.double, $.int64)
    expect(Expr.avg).type.not.toBeCallableWith($.text, $.text)
    expect(Expr.max).type.not.toBeCallableWith($.double)
    expect(Expr.max).type.not.toBeCallableWith($.double, $.text)
    expect(Expr.median).type.not.toBeCallableWith($.texts)
    expect(Expr.percentile).type.not.toBeCallableWith($.numbers, { p: [] })
    expect(Expr.similarityCosine).type.not.toBeCallableWith($.numbers, $.texts)
  })
})

describe("variables", () => {
  it("have the types of their values", () => {
    expect(given(Expr.let($.itemOrNull, (item) => item.sku))).type.toBe<string | undefined>()
    expect(given(Expr.let({ a: $.double, b: $.item }, ({ a, b }) => ({ a, sku: b.sku })))).type.toBe<
      { readonly a: number; readonly sku: string }
    >()
    expect(given($.double.pipe(Expr.let((double) => Expr.add(double, 1))))).type.toBe<number>()
    expect(given(Expr.userRoles)).type.toBe<ReadonlyArray<Expr.UserRole>>()
    expect(given(Expr.meta("textScore"))).type.toBe<number | undefined>()
    expect(given(Expr.meta("searchHighlights"))).type.toBe<ReadonlyArray<Expr.SearchHighlight> | undefined>()
  })

  it("are those that are named", () => {
    // @ts-expect-error!
    Expr.let({ a: $.double }, ({ b }) => b)
    expect(Expr.let).type.not.toBeCallableWith({ a: 1 }, () => $.double)
    expect(Expr.meta).type.not.toBeCallableWith("score!")
  })
})
