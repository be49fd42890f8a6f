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
import { plain } from "../support/plain.ts"

const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

const Odd = Schema.Struct({
  x: Schema.Number,
  "a.b": Schema.optionalKey(Schema.String),
  renamed: Schema.Number
}).pipe(Schema.encodeKeys({ renamed: "$r" }))

const Item = Schema.Struct({ sku: Schema.String, price: Schema.NullOr(Schema.Number) })

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
  texts: maybe(Schema.Array(Schema.String)),
  longs: maybe(Schema.Array(Bson.Int64)),
  decimals: maybe(Schema.Array(Schema.NullOr(Bson.Decimal128))),
  object: maybe(Odd),
  objects: maybe(Schema.Array(Item)),
  scores: maybe(Schema.Record(Schema.String, Schema.Number)),
  id: maybe(Bson.ObjectId),
  uuid: maybe(Bson.UUID),
  binary: maybe(Bson.Binary)
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
    texts: ["b", "a", "b"],
    longs: [Driver.Long.fromNumber(5), Driver.Long.fromNumber(6)],
    decimals: [Driver.Decimal128.fromString("1.50"), null],
    object: { x: 1, "a.b": "dotted", $r: 3 },
    objects: [{ sku: "a", price: 2 }, { sku: "b", price: null }, { sku: "a", price: 1 }],
    scores: { art: 1, "is.fun": 2 },
    id: new Driver.ObjectId("65f1a4e0c3a2b4d5e6f70819"),
    uuid: new Driver.UUID("d7f3065d-a6b1-4f04-bd7f-3c2fa8c0118e"),
    binary: new Driver.Binary(new Uint8Array([1, 2, 3]))
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
    texts: [],
    longs: [],
    decimals: [],
    object: { x: 0, $r: -1 },
    objects: [],
    scores: {},
    id: new Driver.ObjectId("000000000000000000000000"),
    uuid: new Driver.UUID("00000000-0000-4000-8000-000000000000"),
    binary: new Driver.Binary(new Uint8Array())
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
    texts: null,
    longs: null,
    decimals: null,
    object: null,
    objects: null,
    scores: null,
    id: null,
    uuid: null,
    binary: null
  },
  { _id: 4 }
]

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

const statistics: Readonly<Record<string, (...terms: ReadonlyArray<any>) => Expr.Expr<unknown>>> = {
  sum: Expr.sum as never,
  avg: Expr.avg as never,
  min: Expr.min as never,
  max: Expr.max as never,
  stdDevPop: Expr.stdDevPop as never,
  stdDevSamp: Expr.stdDevSamp as never
}

/** The server's sum of no decimals is an int, which the operator makes a decimal. */
const asDecimal = (name: string, raw: object): object => name === "sum" ? { $toDecimal: raw } : raw

const similarities = {
  similarityCosine: Expr.similarityCosine,
  similarityDotProduct: Expr.similarityDotProduct,
  similarityEuclidean: Expr.similarityEuclidean
}

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
  ["setUnion", ($) => Expr.setUnion($.texts, $.texts), { $setUnion: ["$texts", "$texts"] }],
  // Comparison and choice.
  ["cmp", ($) => Expr.cmp($.double, 0.5), { $cmp: ["$double", 0.5] }],
  ["cmp of dates", ($) => $.date.pipe(Expr.cmp(new Date(0))), { $cmp: ["$date", new Date(0)] }],
  ["in a list", ($) => Expr.in($.text, ["", "$x"]), { $in: ["$text", { $literal: ["", "$x"] }] }],
  ["in an array", ($) => Expr.in("a", Expr.ifNull($.texts, [])), { $in: ["a", { $ifNull: ["$texts", []] }] }],
  [
    "in an array of another codec",
    ($) => Expr.in(2, Expr.ifNull($.numbers, [])),
    { $in: [2, { $ifNull: ["$numbers", []] }] }
  ],
  [
    "switch",
    ($) =>
      Expr.switch({
        branches: [[Expr.gt($.double, 0.5), Expr.literal("large")], [$.flag, $.int]],
        default: Expr.cond(Expr.eq($.text, null), Expr.missing, Expr.literal(true))
      }),
    {
      $switch: {
        // oxlint-disable-next-line unicorn/no-thenable
        branches: [{ case: { $gt: ["$double", 0.5] }, then: "large" }, { case: "$flag", then: "$int" }],
        default: { $cond: [{ $eq: ["$text", null] }, "$$REMOVE", true] }
      }
    }
  ],
  // The order of arrays, and arrays of arrays.
  ["sortArray", ($) => Expr.sortArray($.numbers, -1), { $sortArray: { input: "$numbers", sortBy: -1 } }],
  [
    "sortArray by fields",
    ($) => Expr.sortArray($.objects, { sku: -1, price: 1 }),
    { $sortArray: { input: "$objects", sortBy: { sku: -1, price: 1 } } }
  ],
  ["array", ($) => Expr.array($.double, $.text, { a: $.int }), [
    "$double",
    { $ifNull: ["$text", null] },
    { a: "$int" }
  ]],
  ["zip", ($) => Expr.zip([$.texts, $.numbers]), { $zip: { inputs: ["$texts", "$numbers"] } }],
  [
    "zip to the longest",
    ($) => Expr.zip([$.texts, $.numbers], { useLongestLength: true }),
    { $zip: { inputs: ["$texts", "$numbers"], useLongestLength: true } }
  ],
  [
    "zip with defaults",
    ($) =>
      Expr.zip([$.texts, $.numbers], { useLongestLength: true, defaults: [Expr.literal(0), Expr.ifNull($.double, 0)] }),
    { $zip: { inputs: ["$texts", "$numbers"], useLongestLength: true, defaults: [0, { $ifNull: ["$double", 0] }] } }
  ],
  // Objects.
  ["getField", ($) => Expr.getField($.object, "a.b"), { $getField: { field: "a.b", input: "$object" } }],
  [
    "getField by its stored name",
    ($) => $.object.pipe(Expr.getField("renamed")),
    { $getField: { field: { $literal: "$r" }, input: "$object" } }
  ],
  [
    "getField of a record",
    ($) => Expr.getField($.scores, "is.fun"),
    { $getField: { field: "is.fun", input: "$scores" } }
  ],
  [
    "getField by a name that is computed",
    ($) => Expr.getField($.scores, Expr.concat("is", ".fun")),
    { $getField: { field: "is.fun", input: "$scores" } }
  ],
  ["getField of the document", ($) => Expr.getField($, "text"), { $getField: "text" }],
  [
    "setField",
    ($) => Expr.setField($.object, "a.b", $.int),
    { $setField: { field: "a.b", input: "$object", value: "$int" } }
  ],
  [
    "setField by its stored name",
    ($) => Expr.setField($.object, "renamed", { new: $.text }),
    { $setField: { field: { $literal: "$r" }, input: "$object", value: { new: "$text" } } }
  ],
  [
    "setField of a new name",
    ($) => $.objects.pipe(Expr.map((item) => Expr.setField(item, "$new", Expr.literal(1)))),
    {
      $map: {
        input: "$objects",
        in: { $setField: { field: { $literal: "$new" }, input: "$$this", value: 1 } }
      }
    }
  ],
  ["unsetField", ($) => Expr.unsetField($.object, "a.b"), { $unsetField: { field: "a.b", input: "$object" } }],
  [
    "unsetField by its stored name",
    ($) => $.object.pipe(Expr.unsetField("renamed")),
    { $unsetField: { field: { $literal: "$r" }, input: "$object" } }
  ],
  [
    "mergeObjects",
    ($) => Expr.mergeObjects($.object, Expr.struct({ x: $.text, more: $.int }), $.object),
    { $mergeObjects: ["$object", { x: "$text", more: "$int" }, "$object"] }
  ],
  [
    "mergeObjects with a record",
    ($) => Expr.mergeObjects($.scores, Expr.struct({ art: $.text })),
    { $mergeObjects: ["$scores", { art: "$text" }] }
  ],
  ["mergeObjects of nothing", ($) => Expr.mergeObjects($.scores, $.scores), { $mergeObjects: ["$scores"] }],
  // Types.
  ...(["double", "text", "object", "objects", "uuid", "id"] as const).map((name): Row => [
    `type of ${name}`,
    ($) => Expr.type($[name]),
    { $type: `$${name}` }
  ]),
  ["isNumber", ($) => Expr.isNumber($.double), { $isNumber: "$double" }],
  ["toBool", ($) => Expr.toBool($.double), { $toBool: "$double" }],
  ...ofOne("toInt", Expr.toInt),
  ...ofOne("toLong", Expr.toLong),
  ...ofOne("toDouble", Expr.toDouble),
  ...ofOne("toDecimal", Expr.toDecimal),
  ["toBigDecimal of an int", ($) => Expr.toBigDecimal($.int), { $toDecimal: "$int" }],
  ["toBigDecimal of text", () => Expr.toBigDecimal(Expr.literal("12.50")), { $toDecimal: "12.50" }],
  [
    "toBigDecimal in arithmetic",
    ($) => Expr.multiply(Expr.toBigDecimal($.decimal), Expr.toBigDecimal($.int)),
    { $multiply: [{ $toDecimal: "$decimal" }, { $toDecimal: "$int" }] }
  ],
  ...ofOne("toString", Expr.toString),
  ["toInt of text", () => Expr.toInt(Expr.literal("12")), { $toInt: "12" }],
  ["toLong of a date", ($) => Expr.toLong($.instant), { $toLong: "$instant" }],
  ["toDate of a long", ($) => Expr.toDate($.long), { $toDate: "$long" }],
  ["toDate of an ObjectId", ($) => Expr.toDate($.id), { $toDate: "$id" }],
  ["toDate of a timestamp", ($) => Expr.toDate($.timestamp), { $toDate: "$timestamp" }],
  ["toString of a date", ($) => Expr.toString($.date), { $toString: "$date" }],
  ["toObjectId", ($) => Expr.toObjectId(Expr.toString($.id)), { $toObjectId: { $toString: "$id" } }],
  [
    "toUUID",
    () => Expr.toUUID(Expr.literal("d7f3065d-a6b1-4f04-bd7f-3c2fa8c0118e")),
    { $toUUID: "d7f3065d-a6b1-4f04-bd7f-3c2fa8c0118e" }
  ],
  ["convert", ($) => Expr.convert($.double, { to: "decimal" }), { $convert: { input: "$double", to: "decimal" } }],
  [
    "convert with values for null and failures",
    ($) => Expr.convert($.text, { to: "int", onError: Expr.literal("no"), onNull: Expr.missing }),
    { $convert: { input: "$text", to: "int", onError: "no", onNull: "$$REMOVE" } }
  ],
  [
    "convert binary data to text",
    ($) => Expr.convert($.binary, { to: "string", format: "base64" }),
    { $convert: { input: "$binary", to: "string", format: "base64" } }
  ],
  [
    "convert text to binary data",
    ($) => $.text.pipe(Expr.convert({ to: "binData", format: "utf8" })),
    { $convert: { input: "$text", to: "binData", format: "utf8" } }
  ],
  [
    "convert a number to its bytes",
    ($) => Expr.convert($.long, { to: "binData", byteOrder: "big" }),
    { $convert: { input: "$long", to: "binData", byteOrder: "big" } }
  ],
  ["toHashedIndexKey", ($) => Expr.toHashedIndexKey($.text), { $toHashedIndexKey: "$text" }],
  ["binarySize", ($) => Expr.binarySize($.binary), { $binarySize: "$binary" }],
  ["binarySize of text", ($) => Expr.binarySize($.text), { $binarySize: "$text" }],
  ["binarySize of a UUID", ($) => Expr.binarySize($.uuid), { $binarySize: "$uuid" }],
  ["bsonSize", ($) => Expr.bsonSize($.object), { $bsonSize: "$object" }],
  ["bsonSize of the document", ($) => Expr.bsonSize($), { $bsonSize: "$$ROOT" }],
  // Statistics.
  ...Object.entries(statistics).flatMap(([name, make]): ReadonlyArray<Row> => [
    [`${name} of numbers`, ($) => make($.numbers), { [`$${name}`]: "$numbers" }],
    [`${name} of longs`, ($) => make($.longs), { [`$${name}`]: "$longs" }],
    [`${name} of decimals`, ($) => make($.decimals), asDecimal(name, { [`$${name}`]: "$decimals" })],
    [`${name} of an array that is made`, ($) => make(Expr.array($.double)), { [`$${name}`]: ["$double"] }],
    ...numeric.map((kind): Row => [
      `${name} of several ${kind}`,
      ($) => make($[kind], $[kind], Expr.abs<any>($[kind])),
      asDecimal(kind === "decimal" ? name : "", { [`$${name}`]: [`$${kind}`, `$${kind}`, { $abs: `$${kind}` }] })
    ]),
    [`${name} with a constant`, ($) => make($.long, 4n), { [`$${name}`]: ["$long", Driver.Long.fromNumber(4)] }]
  ]),
  ["max of dates", ($) => Expr.max($.date, new Date(0)), { $max: ["$date", new Date(0)] }],
  ["min of texts", ($) => Expr.min($.texts), { $min: "$texts" }],
  ["max of arrays", ($) => Expr.max(Expr.array($.numbers, $.numbers)), {
    $arrayElemAt: [[{ $ifNull: ["$numbers", null] }], 0]
  }],
  ["median", ($) => Expr.median($.numbers), { $median: { input: "$numbers", method: "approximate" } }],
  [
    "median of several numbers",
    ($) => Expr.median(Expr.array($.double, $.int)),
    { $median: { input: ["$double", "$int"], method: "approximate" } }
  ],
  [
    "percentile",
    ($) => Expr.percentile($.decimals, { p: [0.5, 0.9] }),
    { $percentile: { input: "$decimals", p: [0.5, 0.9], method: "approximate" } }
  ],
  // Vectors.
  ...Object.entries(similarities).flatMap(([name, make]): ReadonlyArray<Row> => [
    [name, ($) => make($.numbers, $.numbers), { [`$${name}`]: ["$numbers", "$numbers"] }],
    [`${name} as a score`, ($) => $.longs.pipe(make($.longs, { score: true })), {
      [`$${name}`]: { vectors: ["$longs", "$longs"], score: true }
    }]
  ]),
  // Variables.
  ["userRoles", () => Expr.userRoles, "$$USER_ROLES"],
  [
    "let of several values",
    ($) => Expr.let({ a: $.double, b: $.object }, ({ a, b }) => ({ sum: Expr.add(a, b.x), b })),
    { $let: { vars: { a: "$double", b: "$object" }, in: { sum: { $add: ["$$a", "$$b.x"] }, b: "$$b" } } }
  ],
  ["let of one value", ($) => $.object.pipe(Expr.let((object) => object.x)), "$object.x"]
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
  it.live("of the server's own values decode", () =>
    Effect.gen(function*() {
      const { typed } = yield* fixture
      const [first] = yield* typed.aggregate((values) =>
        values.pipe(
          Pipeline.select(() => ({
            now: Expr.now,
            clusterTime: Expr.clusterTime,
            random: Expr.rand,
            index: Expr.meta("indexKey")
          }))
        )
      )
      assert.isBelow(Math.abs(first!.now.getTime() - Date.now()), 60_000)
      assert.isAbove(first!.clusterTime.high, 1_000_000_000)
      assert.isTrue(first!.random >= 0 && first!.random < 1)
      assert.isUndefined(first!.index)
      yield* typed.createIndex({ text: "text" })
      const found = yield* typed.aggregate((values) =>
        values.pipe(
          Pipeline.match({ $text: { $search: "ada" } }),
          Pipeline.sort({ _id: 1 }),
          Pipeline.select(() => ({ text: Expr.meta("textScore"), score: Expr.meta("score") }))
        )
      )
      assert.strictEqual(found.length, 1)
      assert.isAbove(found[0]!.text!, 0)
      assert.strictEqual(found[0]!.score, found[0]!.text)
      yield* typed.createIndex({ int: 1 })
      const sorted = yield* typed.aggregate((values) =>
        values.pipe(
          Pipeline.match({ int: { $gt: 1 } }),
          Pipeline.sort({ int: 1 }),
          Pipeline.select(() => ({ index: Expr.meta("indexKey"), key: Expr.meta("sortKey") }))
        )
      )
      assert.deepStrictEqual(sorted, [{ index: { int: 7 }, key: [7] }])
    }).pipe(Effect.provide(MongoTest.layer)), 60_000)
})
