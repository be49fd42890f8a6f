/** Expressions that the types let pass, and that are refused when the pipeline is built: the server knows only what is stored. */
import { assert, describe, it } from "@effect/vitest"
import { Bson, Expr, Pipeline } from "@mongofx/schema"
import { Effect, Schema } from "effect"

const Row = Schema.Struct({
  _id: Bson.ObjectId,
  // Stored as text.
  price: Schema.NumberFromString,
  count: Schema.Number,
  prices: Schema.Array(Schema.NumberFromString),
  int: Bson.Int32,
  text: Schema.String,
  either: Schema.Union([Schema.FiniteFromString, Schema.String]),
  binary: Bson.Binary,
  odd: Schema.Struct({ "a.b": Schema.String, $c: Schema.String }),
  first: Schema.Struct({ x: Schema.String }).pipe(Schema.encodeKeys({ x: "y" })),
  second: Schema.Struct({ x: Schema.String }),
  // The codec has a default: the database may have no value.
  level: Schema.Number.pipe(Schema.withDecodingDefaultKey(Effect.succeed(1))),
  settings: Schema.Struct({ theme: Schema.String }).pipe(
    Schema.withDecodingDefaultKey(Effect.succeed({ theme: "dark" }))
  )
})

type $ = Expr.Ref<typeof Row.Type>

const message = (make: ($: $) => Expr.Expr<unknown>): string => {
  try {
    Pipeline.make(Row).pipe(Pipeline.select(($) => ({ value: make($) })))
  } catch (error) {
    return (error as Error).message
  }
  return "nothing was refused"
}

const refused: ReadonlyArray<
  readonly [name: string, make: ($: $) => Expr.Expr<unknown>, ...words: ReadonlyArray<string>]
> = [
  ["arithmetic", ($) => Expr.add($.price, 1), "$add", "stored as string"],
  ["a sum", ($) => Expr.sum($.prices), "$sum", "stored as string"],
  ["an average of several numbers", ($) => Expr.avg($.price, $.count), "$avg", "stored as string"],
  ["a median", ($) => Expr.median($.prices), "$median", "stored as string"],
  ["a vector", ($) => Expr.similarityCosine($.prices, $.prices), "$similarityCosine", "stored as string"],
  ["rounding", ($) => Expr.round($.price), "$round", "stored as string"],
  ["a comparison", ($) => Expr.gt($.price, $.count), "$gt", "stored as string", "stored as number"],
  ["an order", ($) => Expr.cmp($.price, $.count), "$cmp", "stored as string"],
  ["an element", ($) => Expr.in($.count, $.prices), "$in", "stored as number", "stored as string"],
  ["a date of an int", ($) => Expr.toDate($.int), "$toDate", "stored as int"],
  ["a conversion of binary data", ($) => Expr.convert($.binary, { to: "decimal" }), "$convert", "binData"],
  ["binary data without a format", ($) => Expr.convert($.binary, { to: "string" }), "$convert.format"],
  ["text without a format", ($) => Expr.convert($.text, { to: "binData" }), "$convert.format"],
  ["an unknown type", ($) => Expr.convert($.text, { to: "array" as "date" }), "$convert.to"],
  ["an unknown part of a list", ($) => Expr.percentile(Expr.array($.count), { p: [2] }), "$percentile.p"],
  [
    "a default without useLongestLength",
    ($) => Expr.zip([$.prices], { useLongestLength: false as true, defaults: [Expr.literal(1)] }),
    "$zip.defaults"
  ],
  [
    "too few defaults",
    ($) => Expr.zip([$.prices, $.prices], { useLongestLength: true, defaults: [Expr.literal(1)] }),
    "$zip.defaults"
  ],
  ["a name with a dot as a property", ($) => $.odd["a.b"], "odd.a.b", "Expr.getField"],
  ["a name with a dollar sign as a property", ($) => $.odd.$c, "odd.$c", "Expr.getField"],
  ["a field that is not there", ($) => Expr.getField($.odd, "b" as "$c"), "$getField.b", "not a field"],
  ["no branches", ($) => Expr.switch({ branches: [] as never, default: $.count }), "$switch.branches"],
  ["objects with other stored names", ($) => Expr.mergeObjects($.first, $.second), "$mergeObjects.x", "another name"],
  ["an unknown value of the server", () => Expr.meta("x" as "score"), "$meta", "textScore"],
  ["a field with a default", ($) => Expr.toString($.level), "$.level holds a field", "default"],
  ["a field below one with a default", ($) => $.settings.theme, "$.settings.theme holds a field", "default"],
  ["text below a field with a default", ($) => Expr.concat($.settings.theme, "!"), "$.settings.theme holds a field"],
  ["a field of an object with a default", ($) => Expr.getField($.settings, "theme"), "holds a field", "default"],
  [
    "a choice of a field with a default",
    ($) => Expr.cond(Expr.literal(true), $.level, $.count),
    "$.level holds a field"
  ],
  [
    "one of several fields with a default",
    ($) => Expr.switch({ branches: [[Expr.literal(true), $.level]], default: $.count }),
    "$.level holds a field"
  ],
  ["a field with a default in the place of null", ($) => Expr.ifNull($.count, $.level), "$.level holds a field"],
  [
    "a field with a default in the place of an error",
    ($) => Expr.convert($.text, { to: "int", onError: $.level }),
    "$.level holds a field"
  ],
  [
    "a result that begins as a field with a default",
    ($) => Expr.reduce($.prices, $.level, (result) => result),
    "$.level"
  ],
  [
    "a field with a default in the place of a date",
    ($) => Expr.dateToString(Expr.now, { onNull: $.level }),
    "$.level holds a field"
  ],
  ["a constant of another codec", ($) => Expr.ifNull($.price, Expr.literal("none")), "$ifNull", "different codecs"],
  ["a choice of codecs", ($) => Expr.cond(Expr.gt($.count, 1), $.text, $.price), "$cond", "different codecs"],
  [
    "branches of several codecs",
    ($) => Expr.switch({ branches: [[Expr.gt($.count, 1), $.price]], default: $.text }),
    "$switch",
    "different codecs"
  ],
  [
    "arrays of several codecs",
    ($) => Expr.concatArrays($.prices, Expr.array($.text)),
    "$concatArrays",
    "different codecs"
  ],
  ["sets of several codecs", ($) => Expr.setUnion($.prices, Expr.array($.text)), "$setUnion", "different codecs"],
  ["the largest of several codecs", ($) => Expr.max($.price, $.text as never), "$max", "different codecs"],
  [
    "a default of another codec",
    ($) => Expr.zip([$.prices], { useLongestLength: true, defaults: [$.text] }),
    "$zip.defaults[0]",
    "different codecs"
  ],
  [
    "elements by a field that is not there",
    ($) => Expr.sortArray(Expr.array($.second), { z: 1 } as never),
    "$sortArray.sortBy.z"
  ]
]

describe("an expression is refused when the pipeline is built", () => {
  for (const [name, make, ...words] of refused) {
    it(name, () => {
      for (const word of words) assert.include(message(make), word)
    })
  }
})

describe("an expression mixes codecs where every value is read as what it is", () => {
  const allowed: ReadonlyArray<readonly [name: string, make: ($: $) => Expr.Expr<unknown>]> = [
    ["a union of the schema", ($) => Expr.cond(Expr.gt($.count, 1), $.either, $.either)],
    ["a union of the schema and null", ($) => Expr.cond(Expr.gt($.count, 1), $.either, Expr.literal(null))],
    ["numbers of several kinds", ($) => Expr.cond(Expr.gt($.count, 1), $.int, $.count)],
    ["a constant of the same codec", ($) => Expr.ifNull($.price, 0)],
    ["text and another type", ($) => Expr.cond(Expr.gt($.count, 1), $.price, $.count)],
    ["another value for a field below one with a default", ($) => Expr.ifNull($.settings.theme, "none")]
  ]
  for (const [name, make] of allowed) it(name, () => assert.strictEqual(message(make), "nothing was refused"))
})

it("a field below one with a default is not set alone: the rest of its object may be absent", () => {
  const theme = () => ({ "settings.theme": Expr.literal("light") })
  assert.throws(
    () => Pipeline.make(Row).pipe(Pipeline.set(theme)),
    /settings.* is below a field that may be absent in the database, although its codec has a default: set it before/
  )
  Pipeline.make(Row).pipe(
    Pipeline.set(() => ({ settings: Expr.struct({ theme: Expr.literal("dark") }) })),
    Pipeline.set(theme)
  )
})
