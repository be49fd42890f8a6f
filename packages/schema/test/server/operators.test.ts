/**
 * The operators of expressions on a real server: what each gives decodes by the schema that follows, and is what the same operator
 * gives that is written by hand.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { Bson, Expr, Pipeline, TypedCollection } from "@mongofx/schema"
import { MongoTest } from "@mongofx/testing"
import { Effect, Schema } from "effect"
import * as Driver from "mongodb"

const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Values = Schema.Struct({
  _id: Schema.Int,
  double: maybe(Schema.Number),
  int: maybe(Bson.Int32),
  long: maybe(Bson.Int64),
  decimal: maybe(Bson.Decimal128),
  text: maybe(Schema.String),
  flag: maybe(Schema.Boolean),
  date: maybe(Bson.Date),
  instant: maybe(Schema.DateTimeUtcFromDate),
  timestamp: maybe(Bson.Timestamp),
  numbers: maybe(Schema.Array(Schema.Number)),
  texts: maybe(Schema.Array(Schema.String))
})

type $ = Expr.Ref<typeof Values.Type>

/** One document with values, one with other values, one with nulls, and one with nothing. */
const documents = [
  {
    _id: 1,
    double: 0.25,
    int: new Driver.Int32(7),
    long: Driver.Long.fromNumber(9),
    decimal: Driver.Decimal128.fromString("0.5"),
    text: " Ada Lovelace ",
    flag: true,
    date: new Date("2026-03-29T00:30:15.250Z"),
    instant: new Date("2024-02-29T23:59:59.999Z"),
    timestamp: new Driver.Timestamp({ t: 1_700_000_000, i: 3 }),
    numbers: [3, 1, 2, 3],
    texts: ["b", "a", "b"]
  },
  {
    _id: 2,
    double: 1,
    int: new Driver.Int32(1),
    long: Driver.Long.fromNumber(2),
    decimal: Driver.Decimal128.fromString("1"),
    text: "",
    flag: false,
    date: new Date("2025-12-31T23:00:00Z"),
    instant: new Date(0),
    timestamp: new Driver.Timestamp({ t: 1, i: 1 }),
    numbers: [],
    texts: []
  },
  {
    _id: 3,
    double: null,
    int: null,
    long: null,
    decimal: null,
    text: null,
    flag: null,
    date: null,
    instant: null,
    timestamp: null,
    numbers: null,
    texts: null
  },
  { _id: 4 }
]

/** Numbers are equal whatever their kind: the decoder has checked it. */
const plain = (value: unknown): unknown => {
  if (typeof value === "bigint" || Driver.Long.isLong(value)) return Number(value)
  if (value instanceof Driver.Int32 || value instanceof Driver.Double) return value.valueOf()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
  }
  return value
}

/** An operator as an expression, and as the server knows it. `of` names the documents where it does not fail. */
type Row = readonly [
  name: string,
  make: ($: $) => Expr.Expr<unknown>,
  raw: unknown,
  of?: ReadonlyArray<number> | undefined
]

const numeric = ["double", "int", "long", "decimal"] as const

/** The operator of one number, for each kind of numbers. */
const ofOne = (name: string, make: (self: Expr.Expr<any>) => Expr.Expr<unknown>, of?: ReadonlyArray<number>) =>
  numeric.map((kind): Row => [`${name} of ${kind}`, ($) => make($[kind]), { [`$${name}`]: `$${kind}` }, of])

const inRange = (name: string, make: (self: Expr.Expr<any>) => Expr.Expr<unknown>) =>
  (["double", "decimal"] as const).map((kind): Row => [
    `${name} of ${kind}`,
    ($) => make($[kind]),
    { [`$${name}`]: `$${kind}` }
  ])

type Binary = (self: Expr.Expr<any>, that: any) => Expr.Expr<unknown>

const arithmetic: Readonly<Record<string, Binary>> = {
  add: Expr.add,
  subtract: Expr.subtract,
  multiply: Expr.multiply,
  divide: Expr.divide,
  mod: Expr.mod,
  pow: Expr.pow,
  log: Expr.log
}

const bits = { bitAnd: Expr.bitAnd, bitOr: Expr.bitOr, bitXor: Expr.bitXor }
const several: Readonly<Record<string, (self: Expr.Expr<any>, options: { readonly n: number }) => Expr.Expr<unknown>>> =
  { firstN: Expr.firstN, lastN: Expr.lastN, maxN: Expr.maxN, minN: Expr.minN }
const moves = { dateAdd: Expr.dateAdd, dateSubtract: Expr.dateSubtract }

const zone = { timezone: "Europe/Berlin" }
const dateParts = {
  year: Expr.year,
  month: Expr.month,
  week: Expr.week,
  dayOfMonth: Expr.dayOfMonth,
  dayOfWeek: Expr.dayOfWeek,
  dayOfYear: Expr.dayOfYear,
  hour: Expr.hour,
  minute: Expr.minute,
  second: Expr.second,
  millisecond: Expr.millisecond,
  isoWeek: Expr.isoWeek,
  isoWeekYear: Expr.isoWeekYear,
  isoDayOfWeek: Expr.isoDayOfWeek
}

const rows: ReadonlyArray<Row> = [
  // Arithmetic.
  ...numeric.flatMap((kind): ReadonlyArray<Row> => {
    const two: any = { double: 2, int: 2, long: 2n, decimal: Driver.Decimal128.fromString("2") }[kind]
    const raw = kind === "long" ? Driver.Long.fromNumber(2) : two
    return Object.entries(arithmetic).map(([name, make]): Row => [
      `${name} of ${kind}`,
      ($) => make($[kind], two),
      { [`$${name}`]: [`$${kind}`, raw] }
    ])
  }),
  ...ofOne("abs", Expr.abs),
  ...ofOne("ceil", Expr.ceil),
  ...ofOne("floor", Expr.floor),
  ...ofOne("exp", Expr.exp),
  ...ofOne("ln", Expr.ln),
  ...ofOne("log10", Expr.log10),
  ...ofOne("sqrt", Expr.sqrt),
  ...ofOne("sigmoid", Expr.sigmoid),
  ...ofOne("round", Expr.round),
  ...ofOne("trunc", (self) => Expr.trunc(self)),
  ["round to a place", ($) => Expr.round($.double, 1), { $round: ["$double", 1] }],
  ["trunc to a place", ($) => $.decimal.pipe(Expr.trunc(-1)), { $trunc: ["$decimal", -1] }],
  // Trigonometry.
  ...ofOne("sin", Expr.sin),
  ...ofOne("cos", Expr.cos),
  ...ofOne("tan", Expr.tan),
  ...inRange("asin", Expr.asin),
  ...inRange("acos", Expr.acos),
  ...ofOne("atan", Expr.atan),
  ...ofOne("sinh", Expr.sinh),
  ...ofOne("cosh", Expr.cosh),
  ...ofOne("tanh", Expr.tanh),
  ...ofOne("asinh", Expr.asinh),
  ["acosh of int", ($) => Expr.acosh($.int), { $acosh: "$int" }],
  ["acosh of long", ($) => Expr.acosh($.long), { $acosh: "$long" }],
  ...inRange("atanh", Expr.atanh).map((row): Row => [row[0], row[1], row[2], [1, 3, 4]]),
  ...ofOne("degreesToRadians", Expr.degreesToRadians),
  ...ofOne("radiansToDegrees", Expr.radiansToDegrees),
  ["atan2", ($) => Expr.atan2($.double, $.double), { $atan2: ["$double", "$double"] }],
  // Bits.
  ...Object.entries(bits).flatMap(([name, make]): ReadonlyArray<Row> => [
    [`${name} of int`, ($) => make($.int, 3, 5), { [`$${name}`]: ["$int", 3, 5] }],
    [`${name} of long`, ($) => make($.long, 3n), { [`$${name}`]: ["$long", Driver.Long.fromNumber(3)] }]
  ]),
  ["bitNot of int", ($) => Expr.bitNot($.int), { $bitNot: "$int" }],
  ["bitNot of long", ($) => Expr.bitNot($.long), { $bitNot: "$long" }],
  // Dates.
  ...Object.entries(dateParts).flatMap(([name, part]): ReadonlyArray<Row> => [
    [name, ($) => part($.date), { [`$${name}`]: "$date" }],
    [`${name} in a zone`, ($) => part($.instant, zone), { [`$${name}`]: { date: "$instant", ...zone } }],
    [`${name} of a timestamp`, ($) => $.timestamp.pipe(part({})), { [`$${name}`]: "$timestamp" }]
  ]),
  ...Object.entries(moves).map(([name, make]): Row => [
    name,
    ($) => make($.date, { unit: "month", amount: 1, ...zone }),
    { [`$${name}`]: { startDate: "$date", unit: "month", amount: 1, ...zone } }
  ]),
  [
    "dateAdd of a DateTime",
    ($) => Expr.dateAdd($.instant, { unit: "day", amount: 3n }),
    { $dateAdd: { startDate: "$instant", unit: "day", amount: 3 } }
  ],
  [
    "dateDiff",
    ($) => Expr.dateDiff($.instant, { endDate: $.date, unit: "week", startOfWeek: "monday" }),
    { $dateDiff: { startDate: "$instant", endDate: "$date", unit: "week", startOfWeek: "monday" } }
  ],
  [
    "dateDiff to a constant",
    ($) => $.date.pipe(Expr.dateDiff({ endDate: new Date(0), unit: "second" })),
    { $dateDiff: { startDate: "$date", endDate: new Date(0), unit: "second" } }
  ],
  [
    "dateTrunc",
    ($) => Expr.dateTrunc($.date, { unit: "minute", binSize: 15 }),
    { $dateTrunc: { date: "$date", unit: "minute", binSize: 15 } }
  ],
  ["dateToString", ($) => Expr.dateToString($.date), { $dateToString: { date: "$date" } }],
  [
    "dateToString with a value for null",
    ($) => Expr.dateToString($.date, { format: "%Y", onNull: "never" }),
    { $dateToString: { date: "$date", format: "%Y", onNull: "never" } }
  ],
  [
    "dateFromString",
    ($) => Expr.dateFromString(Expr.dateToString($.date), { onNull: new Date(1) }),
    { $dateFromString: { dateString: { $dateToString: { date: "$date" } }, onNull: new Date(1) } }
  ],
  ["dateToParts", ($) => Expr.dateToParts($.date, zone), { $dateToParts: { date: "$date", ...zone } }],
  [
    "dateFromParts",
    ($) => Expr.dateFromParts({ year: 2026, month: $.int, day: 31, hour: 1, ...zone }),
    { $dateFromParts: { year: 2026, month: "$int", day: 31, hour: 1, ...zone } }
  ],
  ["tsSecond", ($) => Expr.tsSecond($.timestamp), { $tsSecond: "$timestamp" }],
  ["tsIncrement", ($) => Expr.tsIncrement($.timestamp), { $tsIncrement: "$timestamp" }],
  // Text.
  ["concat", ($) => Expr.concat($.text, "$x", $.text), { $concat: ["$text", { $literal: "$x" }, "$text"] }],
  ["toUpper", ($) => Expr.toUpper($.text), { $toUpper: "$text" }],
  ["toLower", ($) => Expr.toLower($.text), { $toLower: "$text" }],
  ["trim", ($) => Expr.trim($.text), { $trim: { input: "$text" } }],
  ["ltrim", ($) => $.text.pipe(Expr.ltrim), { $ltrim: { input: "$text" } }],
  ["rtrim", ($) => Expr.rtrim($.text, { chars: " e" }), { $rtrim: { input: "$text", chars: " e" } }],
  ["strLenBytes", ($) => Expr.strLenBytes(Expr.ifNull($.text, "é")), { $strLenBytes: { $ifNull: ["$text", "é"] } }],
  ["strLenCP", ($) => Expr.strLenCP(Expr.ifNull($.text, "é")), { $strLenCP: { $ifNull: ["$text", "é"] } }],
  ["substrBytes", ($) => Expr.substrBytes($.text, 1, 3), { $substrBytes: ["$text", 1, 3] }],
  ["substrCP", ($) => $.text.pipe(Expr.substrCP(1, 3)), { $substrCP: ["$text", 1, 3] }],
  ["indexOfBytes", ($) => Expr.indexOfBytes($.text, "a"), { $indexOfBytes: ["$text", "a"] }],
  ["indexOfCP", ($) => Expr.indexOfCP($.text, "a", 4, 9), { $indexOfCP: ["$text", "a", 4, 9] }],
  ["split", ($) => Expr.split($.text, " "), { $split: ["$text", " "] }],
  ["strcasecmp", ($) => Expr.strcasecmp($.text, $.text), { $strcasecmp: ["$text", "$text"] }],
  [
    "replaceOne",
    ($) => Expr.replaceOne($.text, { find: "a", replacement: "$o" }),
    { $replaceOne: { input: "$text", find: "a", replacement: { $literal: "$o" } } }
  ],
  [
    "replaceAll",
    ($) => $.text.pipe(Expr.replaceAll({ find: "a", replacement: "o" })),
    { $replaceAll: { input: "$text", find: "a", replacement: "o" } }
  ],
  ["regexMatch", ($) => Expr.regexMatch($.text, /^ ADA/i), { $regexMatch: { input: "$text", regex: /^ ADA/i } }],
  ["regexFind", ($) => Expr.regexFind($.text, /(x)?a(.)/), { $regexFind: { input: "$text", regex: /(x)?a(.)/ } }],
  ["regexFindAll", ($) => Expr.regexFindAll($.text, /a(.)/), { $regexFindAll: { input: "$text", regex: /a(.)/ } }],
  // Arrays.
  ["size", ($) => Expr.size(Expr.ifNull($.texts, [])), { $size: { $ifNull: ["$texts", []] } }],
  ["arrayElemAt", ($) => Expr.arrayElemAt($.texts, -1), { $arrayElemAt: ["$texts", -1] }],
  ["concatArrays", ($) => Expr.concatArrays($.texts, $.texts), { $concatArrays: ["$texts", "$texts"] }],
  ["first", ($) => Expr.first($.texts), { $first: "$texts" }],
  ["last", ($) => Expr.last($.texts), { $last: "$texts" }],
  ...Object.entries(several).map(([name, make]): Row => [
    name,
    ($) => make(Expr.ifNull($.numbers, []), { n: 2 }),
    { [`$${name}`]: { input: { $ifNull: ["$numbers", []] }, n: 2 } }
  ]),
  ["indexOfArray", ($) => Expr.indexOfArray($.texts, "a"), { $indexOfArray: ["$texts", "a"] }],
  ["indexOfArray in a range", ($) => Expr.indexOfArray($.texts, "b", 1, 3), { $indexOfArray: ["$texts", "b", 1, 3] }],
  ["isArray", ($) => Expr.isArray($.texts), { $isArray: ["$texts"] }],
  ["range", ($) => Expr.range(1, Expr.ifNull($.int, 3), 2), { $range: [1, { $ifNull: ["$int", 3] }, 2] }],
  [
    "reduce",
    ($) => Expr.reduce($.numbers, 0, (sum, number) => Expr.add(sum, number)),
    { $reduce: { input: "$numbers", initialValue: 0, in: { $add: ["$$value", "$$this"] } } }
  ],
  [
    "reduce in reduce",
    ($) =>
      Expr.reduce(
        $.numbers,
        0,
        (sum, number) =>
          Expr.add(
            sum,
            Expr.ifNull(
              Expr.reduce($.numbers, 1, (product, other) => Expr.add(product, Expr.multiply(number, other))),
              0
            )
          )
      ),
    {
      $reduce: {
        input: "$numbers",
        initialValue: 0,
        in: {
          $let: {
            vars: { number: "$$this" },
            in: {
              $add: [
                "$$value",
                {
                  $reduce: {
                    input: "$numbers",
                    initialValue: 1,
                    in: { $add: ["$$value", { $multiply: ["$$number", "$$this"] }] }
                  }
                }
              ]
            }
          }
        }
      }
    }
  ],
  ["reverseArray", ($) => Expr.reverseArray($.texts), { $reverseArray: "$texts" }],
  ["slice", ($) => Expr.slice($.texts, -2), { $slice: ["$texts", -2] }],
  ["slice from a position", ($) => $.texts.pipe(Expr.slice(1, 1)), { $slice: ["$texts", 1, 1] }],
  [
    "objectToArray",
    ($) => Expr.objectToArray(Expr.struct({ a: $.int, b: $.text })),
    { $objectToArray: { a: "$int", b: "$text" } }
  ],
  [
    "arrayToObject",
    ($) => Expr.arrayToObject(Expr.map($.texts, (text) => ({ k: text, v: Expr.literal(1) }))),
    { $arrayToObject: { $map: { input: "$texts", in: { k: "$$this", v: 1 } } } }
  ],
  // Sets.
  ["allElementsTrue", ($) => Expr.allElementsTrue(Expr.ifNull($.numbers, [])), {
    $allElementsTrue: [{ $ifNull: ["$numbers", []] }]
  }],
  ["anyElementTrue", ($) => Expr.anyElementTrue(Expr.ifNull($.numbers, [])), {
    $anyElementTrue: [{ $ifNull: ["$numbers", []] }]
  }],
  ["setEquals", ($) => Expr.setEquals(Expr.ifNull($.texts, []), Expr.ifNull($.texts, [])), { $setEquals: [[], []] }],
  [
    "setIsSubset",
    ($) => Expr.setIsSubset(Expr.ifNull($.numbers, []), Expr.value(Schema.Array(Schema.Number), [1, 2])),
    { $setIsSubset: [{ $ifNull: ["$numbers", []] }, [1, 2]] }
  ],
  ["setDifference", ($) => Expr.setDifference($.texts, Expr.value(Schema.Array(Schema.String), ["a"])), {
    $setDifference: ["$texts", ["a"]]
  }],
  ["setIntersection", ($) => Expr.setIntersection($.texts, $.texts), { $setIntersection: ["$texts", "$texts"] }],
  ["setUnion", ($) => Expr.setUnion($.texts, $.texts), { $setUnion: ["$texts", "$texts"] }]
]

const fixture = Effect.gen(function*() {
  const db = yield* MongoDatabase.MongoDatabase
  const raw = db.collection("values")
  yield* raw.insertMany(documents as ReadonlyArray<Driver.Document>)
  return { raw, typed: TypedCollection.make(db, "values", Values) }
})

describe("operators of expressions", () => {
  it.live("give what the server gives, as the computed schema says", () =>
    Effect.gen(function*() {
      const { raw, typed } = yield* fixture
      yield* Effect.forEach(rows, ([name, make, expression, of = [1, 2, 3, 4]]) =>
        Effect.gen(function*() {
          const pipeline = Pipeline.make(Values).pipe(
            Pipeline.match({ _id: { $in: of } }),
            Pipeline.sort({ _id: 1 }),
            Pipeline.select(($) => ({ value: make($) }))
          )
          const decoded = yield* Effect.mapError(
            typed.aggregate(() => pipeline),
            (error) => new Error(name, { cause: error })
          )
          const encoded = yield* Schema.encodeEffect(Schema.Array(pipeline.schema))(decoded)
          const expected = yield* Effect.mapError(
            raw.aggregate([
              { $match: { _id: { $in: of } } },
              { $sort: { _id: 1 } },
              { $replaceWith: { value: expression } }
            ], { useBigInt64: true }),
            (error) => new Error(name, { cause: error })
          )
          assert.deepStrictEqual(plain(encoded), plain(expected), name)
        }))
    }).pipe(Effect.provide(MongoTest.layer)), 60_000)
})
