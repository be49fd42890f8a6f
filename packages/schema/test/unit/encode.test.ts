import { assert, describe, it } from "@effect/vitest"
import { Bson, Filter, Update } from "@mongofx/schema"
import { encodeFilter } from "@mongofx/schema/internal/encode/filter"
import { encodeWith, type Operands } from "@mongofx/schema/internal/encode/operands"
import { encodeProjection } from "@mongofx/schema/internal/encode/projection"
import { encodeIndexKeys, encodeSort } from "@mongofx/schema/internal/encode/sort"
import { encodeArrayFilters, encodeUpdate } from "@mongofx/schema/internal/encode/update"
import { makeResolve, walk } from "@mongofx/schema/internal/path/resolve"
import { Misfit, Refusal } from "@mongofx/schema/internal/refusal"
import { Cause, Effect, Exit, Option, Schema, SchemaGetter, SchemaTransformation } from "effect"
import * as Driver from "mongodb"
import { inspect } from "node:util"

interface Category {
  readonly name: string
  readonly parent?: Category
}

const Category = Schema.Struct({
  name: Schema.String,
  parent: Schema.optionalKey(Schema.suspend((): Schema.Codec<Category> => Category))
})

class Point extends Schema.Class<Point>("test/Point")({ x: Schema.NumberFromString }) {}

const Upper = Schema.Struct({ text: Schema.String }).pipe(Schema.decodeTo(
  Schema.Struct({ text: Schema.String }),
  SchemaTransformation.transform({
    decode: ({ text }) => ({ text: text.toUpperCase() }),
    encode: ({ text }) => ({ text: text.toLowerCase() })
  })
))

const Doc = Schema.Struct({
  name: Schema.String,
  n: Schema.NumberFromString,
  big: Bson.Int64,
  at: Bson.Date,
  flag: Schema.Boolean,
  maybe: Schema.optional(Schema.NumberFromString),
  nothing: Schema.NullOr(Schema.NumberFromString),
  status: Schema.Literals(["on", "off"]),
  point: Schema.optionalKey(Point),
  points: Schema.Array(Point),
  list: Schema.Array(Schema.NumberFromString),
  matrix: Schema.Array(Schema.Array(Schema.NumberFromString)),
  pair: Schema.Tuple([Schema.NumberFromString, Schema.Boolean]),
  record: Schema.Record(Schema.String, Schema.NumberFromString),
  tagged: Schema.Record(Schema.TemplateLiteral(["t_", Schema.String]), Schema.Struct({ n: Schema.NumberFromString })),
  shape: Schema.Union([
    Schema.Struct({ kind: Schema.Literal("circle"), radius: Schema.NumberFromString }),
    Schema.Struct({
      kind: Schema.Literal("square"),
      side: Schema.NumberFromString,
      radius: Schema.optionalKey(Schema.Boolean)
    })
  ]),
  category: Category,
  renamed: Schema.Struct({ at: Schema.NumberFromString }).pipe(Schema.encodeKeys({ at: "a" })),
  upper: Upper
})

const read = makeResolve([Doc.ast], "filter")
const write = makeResolve([Doc.ast], "update")

/** Runs a pure encoder, and throws its failure. */
const run = <A>(f: (operands: Operands) => A): A => {
  const exit = Effect.runSyncExit(encodeWith(f) as Effect.Effect<A, Misfit | Refusal>)
  if (Exit.isSuccess(exit)) return exit.value
  throw Option.getOrElse(Cause.findErrorOption(exit.cause), () => Cause.squash(exit.cause))
}

const filter = (value: unknown) => run((operands) => encodeFilter(read, value, operands))
const update = (value: unknown) => run((operands) => encodeUpdate(write, value, operands).update)

const show = (value: unknown): string => inspect(value, { breakLength: Infinity, depth: 9 })

/** The path and the message that a pure encoder throws. */
const refused = (f: () => unknown): string => {
  try {
    f()
  } catch (error) {
    if (error instanceof Refusal) return error.message
    if (error instanceof Misfit) return `${error.path} misfits`
    throw error
  }
  throw new Error("The encoder refused nothing")
}

describe("paths", () => {
  const cases: Array<[path: string, mode: "filter" | "update", key: string]> = [
    ["name", "filter", "name"],
    ["point.x", "filter", "point.x"],
    ["points.x", "filter", "points.x"],
    ["points.3.x", "filter", "points.3.x"],
    ["points.$.x", "update", "points.$.x"],
    ["points.$[].x", "update", "points.$[].x"],
    ["points.$[p].x", "update", "points.$[p].x"],
    ["matrix.0.1", "filter", "matrix.0.1"],
    ["matrix.$[].$[m]", "update", "matrix.$[].$[m]"],
    ["pair.1", "filter", "pair.1"],
    ["record.any", "filter", "record.any"],
    ["record.__proto__", "filter", "record.__proto__"],
    ["tagged.t_1.n", "filter", "tagged.t_1.n"],
    ["shape.side", "filter", "shape.side"],
    ["category.parent.parent.parent.name", "filter", "category.parent.parent.parent.name"],
    ["renamed.at", "filter", "renamed.a"]
  ]
  for (const [path, mode, key] of cases) {
    it(`${path} in a ${mode} is ${key}`, () => {
      assert.strictEqual(walk([Doc.ast], path, mode, path).key, key)
    })
  }

  for (
    const [path, mode] of [
      ["nmae", "filter"],
      ["", "filter"],
      ["name.", "filter"],
      [".name", "filter"],
      ["name.length", "filter"],
      ["name.0", "filter"],
      ["points.x", "update"],
      ["points.$.x", "filter"],
      ["points.-1", "filter"],
      ["points.01.x", "filter"],
      ["points.length", "filter"],
      ["pair.2", "filter"],
      ["tagged.x.n", "filter"],
      ["record.$where", "filter"],
      ["record.a.b", "filter"],
      ["renamed.a", "filter"],
      ["at.getTime", "filter"],
      ["upper.text", "filter"],
      ["__proto__", "filter"],
      ["constructor", "filter"],
      ["point.constructor", "filter"],
      ["$where", "filter"]
    ] as const
  ) {
    it(`${JSON.stringify(path)} in a ${mode} leads nowhere`, () => {
      assert.strictEqual(refused(() => walk([Doc.ast], path, mode, "here")), "here is not a path of the schema")
    })
  }

  it("tell which fields are optional and what an identifier stands for", () => {
    assert.isTrue(walk([Doc.ast], "maybe", "update", "").optional)
    assert.isTrue(walk([Doc.ast], "record.x", "update", "").optional)
    assert.isFalse(walk([Doc.ast], "name", "update", "").optional)
    assert.deepStrictEqual([...walk([Doc.ast], "matrix.$[a].$[b]", "update", "").identifiers.keys()], ["a", "b"])
  })
})

describe("filters", () => {
  const cases: Array<[given: unknown, sent: unknown]> = [
    [{}, {}],
    [{ n: 1 }, { n: "1" }],
    [Filter.values({}), {}],
    [Filter.values({ n: 1, "points.x": 2, nothing: null }), {
      n: { $eq: "1" },
      "points.x": { $eq: "2" },
      nothing: { $eq: null }
    }],
    [{ n: { $eq: 1, $ne: 2, $in: [1, 2], $nin: [3] } }, { n: { $eq: "1", $ne: "2", $in: ["1", "2"], $nin: ["3"] } }],
    [{ n: { $not: { $gt: 1 } } }, { n: { $not: { $gt: "1" } } }],
    [{ maybe: 1, nothing: null }, { maybe: "1", nothing: null }],
    [{ nothing: { $in: [null, 1] } }, { nothing: { $in: [null, "1"] } }],
    [{ point: new Point({ x: 1 }) }, { point: { x: "1" } }],
    [{ "points.x": 1 }, { "points.x": "1" }],
    [{ points: new Point({ x: 1 }) }, { points: { x: "1" } }],
    [{ points: [new Point({ x: 1 })] }, { points: [{ x: "1" }] }],
    [{ points: { $elemMatch: { x: { $gt: 1 } } } }, { points: { $elemMatch: { x: { $gt: "1" } } } }],
    [{ points: { $elemMatch: { $or: [{ x: 1 }] } } }, { points: { $elemMatch: { $or: [{ x: "1" }] } } }],
    [{ list: { $elemMatch: { $gt: 1, $lt: 3 } } }, { list: { $elemMatch: { $gt: "1", $lt: "3" } } }],
    [{ list: 1 }, { list: "1" }],
    [{ list: [1, 2] }, { list: ["1", "2"] }],
    [{ list: { $all: [1], $size: 2 } }, { list: { $all: ["1"], $size: 2 } }],
    [{ list: { $all: [{ $elemMatch: { $gt: 1 } }] } }, { list: { $all: [{ $elemMatch: { $gt: "1" } }] } }],
    [{ matrix: [1] }, { matrix: ["1"] }],
    [{ matrix: [[1]] }, { matrix: [["1"]] }],
    [{ "matrix.0": 1, "matrix.0.1": 2 }, { "matrix.0": "1", "matrix.0.1": "2" }],
    [{ pair: [1, true], "pair.0": 1 }, { pair: ["1", true], "pair.0": "1" }],
    [{ "record.x": 1, record: { x: 1 } }, { "record.x": "1", record: { x: "1" } }],
    [{ "shape.kind": "circle", "shape.radius": 1 }, { "shape.kind": "circle", "shape.radius": "1" }],
    [{ "shape.radius": true }, { "shape.radius": true }],
    [{ shape: { kind: "square", side: 1 } }, { shape: { kind: "square", side: "1" } }],
    [{ "renamed.at": 1 }, { "renamed.a": "1" }],
    [{ renamed: { at: 1 } }, { renamed: { a: "1" } }],
    [{ upper: { text: "A" } }, { upper: { text: "a" } }],
    [{ name: /a/i, status: { $regex: "^o", $options: "i" } }, { name: /a/i, status: { $regex: "^o", $options: "i" } }],
    [{ name: { $in: [/a/, "b"], $not: /c/ } }, { name: { $in: [/a/, "b"], $not: /c/ } }],
    [{ flag: { $exists: true, $type: "bool" } }, { flag: { $exists: true, $type: "bool" } }],
    [{ big: { $mod: [2, 1], $bitsAllSet: [0, 3] } }, { big: { $mod: [2, 1], $bitsAllSet: [0, 3] } }],
    [{ $and: [{ n: 1 }, { $nor: [{ n: 2 }] }] }, { $and: [{ n: "1" }, { $nor: [{ n: "2" }] }] }],
    [{ $text: { $search: "a", $caseSensitive: true } }, { $text: { $search: "a", $caseSensitive: true } }],
    [Filter.unsafe({ $where: "x" }), { $where: "x" }],
    [{ $or: [Filter.unsafe({ a: 1 }), { n: 1 }] }, { $or: [{ a: 1 }, { n: "1" }] }],
    [{ n: Filter.unsafe({ $near: 1 }) }, { n: { $near: 1 } }]
  ]
  for (const [given, sent] of cases) {
    it(`${show(given)} is sent as ${show(sent)}`, () => {
      assert.deepStrictEqual(filter(given), sent)
    })
  }

  it("keep the key __proto__ of a record as a key", () => {
    const given = JSON.parse("{\"record.__proto__\":1}")
    assert.deepStrictEqual(Object.entries(filter(given)), [["record.__proto__", "1"]])
    const sent = filter({ record: JSON.parse("{\"__proto__\":1}") })["record"]
    assert.deepStrictEqual(Object.entries(sent), [["__proto__", "1"]])
    assert.strictEqual(Object.getPrototypeOf(sent), Object.prototype)
  })
})

describe("attacks", () => {
  const parse = (text: string): unknown => JSON.parse(text)
  const cases: Array<[given: unknown, said: string]> = [
    // Operators where a value belongs.
    [{ name: parse(`{"$ne":null}`) }, "filter.name.$ne misfits"],
    [{ name: parse(`{"$gt":null}`) }, "filter.name.$gt misfits"],
    [{ name: parse(`{"$gt":{"$gt":""}}`) }, "filter.name.$gt misfits"],
    [{ name: { $eq: parse(`{"$gt":""}`) } }, "filter.name.$eq misfits"],
    [{ name: { $eq: parse(`{"$ne":"x"}`) } }, "filter.name.$eq misfits"],
    [{ name: { $eq: parse(`{"$regex":".*"}`) } }, "filter.name.$eq misfits"],
    [{ name: { $in: [parse(`{"$gt":""}`)] } }, "filter.name.$in[0] misfits"],
    [{ name: { $in: parse(`{"$gt":""}`) } }, "filter.name.$in is an object, not an array"],
    [{ name: parse(`["a"]`) }, "filter.name misfits"],
    [{ name: parse(`true`) }, "filter.name misfits"],
    [{ name: parse(`{}`) }, "filter.name misfits"],
    [{ name: parse(`{"toString":"x"}`) }, "filter.name misfits"],
    [{ status: { $eq: parse(`{"$exists":true}`) } }, "filter.status.$eq misfits"],
    [{ n: { $eq: parse(`{"$type":"string"}`) } }, "filter.n.$eq misfits"],
    [
      { at: parse(`{"$date":"2026-01-01"}`) },
      "filter.at.$date is not an operator of a typed filter: write it in Filter.unsafe"
    ],
    [{ point: parse(`{"x":{"$gt":""}}`) }, "filter.point misfits"],
    [{ shape: parse(`{"kind":"circle","radius":{"$gt":""}}`) }, "filter.shape misfits"],
    [{ record: parse(`{"a":{"$gt":""}}`) }, "filter.record misfits"],
    [{ category: parse(`{"name":{"$ne":1}}`) }, "filter.category misfits"],
    [{ category: parse(`{"name":"a","extra":1}`) }, "filter.category misfits"],
    [{ list: { $all: [parse(`{"$gt":""}`)] } }, "filter.list.$all[0] misfits"],
    // Filter.values: operators in it are values.
    [Filter.values({ name: parse(`{"$gt":""}`) }), "filter.name misfits"],
    [Filter.values({ name: parse(`{"$ne":"x"}`) }), "filter.name misfits"],
    [Filter.values({ name: parse(`{"$in":["x"]}`) }), "filter.name misfits"],
    [Filter.values({ n: parse(`{"$exists":true}`) }), "filter.n misfits"],
    [Filter.values({ name: /.*/ }), "filter.name is a regular expression: Filter.values takes only values"],
    [
      Filter.values(parse(`{"$or":[{"name":"x"}]}`) as Record<string, unknown>),
      "filter.$or is an operator: Filter.values takes only fields and their values"
    ],
    [
      Filter.values(parse(`{"$where":"1"}`) as Record<string, unknown>),
      "filter.$where is an operator: Filter.values takes only fields and their values"
    ],
    [Filter.values({ name: undefined }), "filter.name is undefined"],
    [Filter.values({ name: Filter.unsafe({ $gt: "" }) }), "filter.name misfits"],
    [{ document: parse(`{"name":{"$gt":""}}`) }, "filter.document is not a path of the schema"],
    // Fields beside operators.
    [{ point: parse(`{"x":"1","$gt":""}`) }, "filter.point mixes operators with fields"],
    [{ name: parse(`{"$eq":"a","b":1}`) }, "filter.name mixes operators with fields"],
    // Code on the server.
    [
      parse(`{"$where":"sleep(1000)"}`),
      "filter.$where is not an operator of a typed filter: write it in Filter.unsafe"
    ],
    [
      { name: parse(`{"$where":"1"}`) },
      "filter.name.$where is not an operator of a typed filter: write it in Filter.unsafe"
    ],
    [
      { $or: [parse(`{"$and":[{"$where":"1"}]}`)] },
      "filter.$or[0].$and[0].$where is not an operator of a typed filter: write it in Filter.unsafe"
    ],
    [
      { points: { $elemMatch: parse(`{"$where":"1"}`) } },
      "filter.points.$elemMatch.$where is not an operator of a typed filter: write it in Filter.unsafe"
    ],
    [
      { name: { $not: parse(`{"$where":"1"}`) } },
      "filter.name.$not.$where is not an operator of a typed filter: write it in Filter.unsafe"
    ],
    [
      parse(`{"$expr":{"$function":{"body":"x","args":[],"lang":"js"}}}`),
      "filter.$expr is not an operator of a typed filter: write it in Filter.unsafe"
    ],
    [parse(`{"$jsonSchema":{}}`), "filter.$jsonSchema is not an operator of a typed filter: write it in Filter.unsafe"],
    // Keys from users.
    [parse(`{"password":"x"}`), "filter.password is not a path of the schema"],
    [parse(`{"name.first":"x"}`), "filter.name.first is not a path of the schema"],
    [parse(`{"point.__proto__.x":"x"}`), "filter.point.__proto__.x is not a path of the schema"],
    [parse(`{"__proto__":{"name":"x"}}`), "filter.__proto__ is not a path of the schema"],
    [parse(`{"constructor":{"prototype":1}}`), "filter.constructor is not a path of the schema"],
    [parse(`{"record.$where":1}`), "filter.record.$where is not a path of the schema"],
    [parse(`{"record.":1}`), "filter.record. is not a path of the schema"],
    [parse(`{"record..a":1}`), "filter.record..a is not a path of the schema"],
    // A condition that is left out matches everything.
    [{ name: undefined }, "filter.name is undefined"],
    [{ name: { $eq: undefined } }, "filter.name.$eq is undefined"],
    [{ name: { $in: [undefined] } }, "filter.name.$in[0] is undefined"],
    [{ maybe: undefined }, "filter.maybe is undefined"],
    [{ $and: undefined }, "filter.$and is undefined"],
    [{ $or: [undefined] }, "filter.$or[0] is undefined, not a plain object"],
    [undefined, "filter is undefined, not a plain object"],
    [null, "filter is null, not a plain object"],
    ["x", "filter is a string, not a plain object"],
    [[], "filter is an array, not a plain object"],
    [new Map([["name", "x"]]), "filter is an instance of a class, not a plain object"],
    // Something that only looks like Filter.unsafe.
    [
      parse(`{"~@mongofx/schema/Unsafe":"~@mongofx/schema/Unsafe","document":{"$where":"1"}}`),
      "filter.~@mongofx/schema/Unsafe is not a path of the schema"
    ],
    [
      { name: parse(`{"~@mongofx/schema/Unsafe":"~@mongofx/schema/Unsafe","document":{"$gt":""}}`) },
      "filter.name misfits"
    ],
    // Something that only looks like a value of BSON.
    [{ big: parse(`{"_bsontype":"Long","low":0,"high":0}`) }, "filter.big misfits"],
    // Operators that do not belong to the field.
    [{ n: { $gtt: 1 } }, "filter.n.$gtt is not an operator of a typed filter: write it in Filter.unsafe"],
    [{ flag: { $regex: "x" } }, "filter.flag.$regex needs text"],
    [{ name: { $options: "i" } }, "filter.name.$options needs $regex beside it"],
    [{ name: { $size: 1 } }, "filter.name.$size needs an array"],
    [{ list: { $size: -1 } }, "filter.list.$size is not a natural number"],
    [{ name: { $elemMatch: { $gt: "" } } }, "filter.name.$elemMatch needs an array"],
    [{ flag: { $exists: parse(`1`) } }, "filter.flag.$exists is not a boolean"],
    [{ name: { $text: 1 } }, "filter.name.$text is not an operator of a typed filter: write it in Filter.unsafe"],
    [{ $text: parse(`{"$search":{"$gt":""}}`) }, "filter.$text.$search is not a string"],
    [
      { $text: parse(`{"$search":"a","$where":"b"}`) },
      "filter.$text.$where is not a field of $text: use $search, $language, $caseSensitive or $diacriticSensitive"
    ],
    [{ $comment: parse(`{"a":1}`) }, "filter.$comment is not a string"],
    [{ $and: {} }, "filter.$and is an object, not an array"],
    [{ name: { $not: "x" } }, "filter.name.$not is neither operators nor a regular expression"]
  ]
  for (const [given, said] of cases) {
    it(`${show(given)} is refused`, () => {
      assert.strictEqual(refused(() => filter(given)), said)
    })
  }

  const updates: Array<[given: unknown, said: string]> = [
    [{ $set: { name: parse(`{"$gt":""}`) } }, "update.$set.name misfits"],
    [{ $set: { point: parse(`{"x":"1"}`) } }, "update.$set.point misfits"],
    [{ $set: { name: undefined } }, "update.$set.name is undefined"],
    [{ $set: parse(`{"role":"admin"}`) }, "update.$set.role is not a path of the schema"],
    [{ $set: parse(`{"__proto__":{"x":1}}`) }, "update.$set.__proto__ is not a path of the schema"],
    [{ $set: parse(`{"name.$where":"x"}`) }, "update.$set.name.$where is not a path of the schema"],
    [{ $set: "x" }, "update.$set is a string, not a plain object"],
    [{ $set: undefined }, "update.$set is undefined, not a plain object"],
    [{ $sett: { name: "x" } }, "update.$sett is not an operator of a typed update: write it in Update.unsafe"],
    [{ $rename: { name: "x" } }, "update.$rename is not an operator of a typed update: write it in Update.unsafe"],
    [{ name: { name: "x" } }, "update.name is not an operator of a typed update: write it in Update.unsafe"],
    [{ $unset: { name: true } }, "update.$unset.name cannot be removed: the schema requires it"],
    [{ $inc: { n: 1 } }, "update.$inc.n needs a field that is stored as a number"],
    [{ $inc: { flag: true } }, "update.$inc.flag needs a field that is stored as a number"],
    [{ $inc: { big: parse(`{"$numberLong":"1"}`) } }, "update.$inc.big misfits"],
    [{ $push: { name: "x" } }, "update.$push.name needs an array"],
    [
      { $push: { list: { $each: [1], $where: 1 } } },
      "update.$push.list.$where is not a modifier here: use $each, $slice, $position, $sort"
    ],
    [{ $push: { list: parse(`{"$gt":1}`) } }, "update.$push.list misfits"],
    [
      { $addToSet: { list: { $each: [1], $slice: 1 } } },
      "update.$addToSet.list.$slice is not a modifier here: use $each"
    ],
    [
      { $pull: { list: { $where: "1" } } },
      "update.$pull.list.$where is not an operator of a typed filter: write it in Filter.unsafe"
    ],
    [{ $pull: { points: { y: 1 } } }, "update.$pull.points.y is not a path of the schema"],
    [{ $pop: { list: 2 } }, "update.$pop.list is neither 1 nor -1"],
    [{ $currentDate: { name: true } }, "update.$currentDate.name needs a field that is stored as a date"],
    [{ $bit: { big: { nand: 1n } } }, "update.$bit.big.nand is not one of and, or, xor"],
    [[{ $out: "x" }], "update[0].$out is not a stage of a typed update: write it in Update.unsafe"],
    [[{ $set: { nmae: "x" } }], "update[0].$set.nmae is not a path of the schema"],
    [[{ $set: { name: { $function: {} } } }], "update[0].$set.name misfits"],
    [
      [{ $set: { "list.0": 1 } }],
      "update[0].$set.list.0 names elements of an array, which a pipeline cannot change: set the whole array"
    ],
    [
      [{ $set: { name: "a" }, $unset: "maybe" }],
      "update[0] is not a stage with one name: write one stage for each operator"
    ],
    [[{ $unset: "name" }], "update[0].$unset.name cannot be removed: the schema requires it"],
    ["x", "update is a string, not a plain object"]
  ]
  for (const [given, said] of updates) {
    it(`the update ${show(given)} is refused`, () => {
      assert.strictEqual(refused(() => update(given)), said)
    })
  }
})

describe("updates", () => {
  const cases: Array<[given: unknown, sent: unknown]> = [
    [{ $set: { n: 1, "points.0.x": 2 } }, { $set: { n: "1", "points.0.x": "2" } }],
    [{ $set: { "renamed.at": 1 } }, { $set: { "renamed.a": "1" } }],
    [{ $unset: { maybe: 1, "record.x": true } }, { $unset: { maybe: "", "record.x": "" } }],
    [{ $push: { list: { $each: [1], $position: 0, $sort: -1 } } }, {
      $push: { list: { $each: ["1"], $position: 0, $sort: -1 } }
    }],
    [{ $push: { points: { $each: [], $sort: { x: 1 } } } }, { $push: { points: { $each: [], $sort: { x: 1 } } } }],
    [{ $push: { matrix: [1] } }, { $push: { matrix: ["1"] } }],
    [{ $addToSet: { "matrix.$[m]": 1 } }, { $addToSet: { "matrix.$[m]": "1" } }],
    [{ $pull: { list: 1, points: { x: { $lt: 1 } } } }, { $pull: { list: "1", points: { x: { $lt: "1" } } } }],
    [{ $pull: { list: { $gte: 1 } } }, { $pull: { list: { $gte: "1" } } }],
    [{ $pullAll: { list: [1, 2] } }, { $pullAll: { list: ["1", "2"] } }],
    [{ $pop: { list: -1 }, $currentDate: { at: true } }, { $pop: { list: -1 }, $currentDate: { at: true } }],
    [[{ $set: { name: "$n", n: 1 } }], [{ $set: { name: { $literal: "$n" }, n: { $literal: "1" } } }]],
    [[{ $unset: ["maybe", "point"] }], [{ $unset: ["maybe", "point"] }]],
    [[Update.unsafe({ $replaceWith: "$x" })], [{ $replaceWith: "$x" }]],
    [Update.unsafe([{ $set: { a: 1 } }]), [{ $set: { a: 1 } }]]
  ]
  for (const [given, sent] of cases) {
    it(`${show(given)} is sent as ${show(sent)}`, () => {
      assert.deepStrictEqual(update(given), sent)
    })
  }

  it("add to a number without its checks", () => {
    const Age = Schema.Struct({ age: Schema.Int.check(Schema.isBetween({ minimum: 18, maximum: 65 })) })
    const resolve = makeResolve([Age.ast], "update")
    assert.deepStrictEqual(run((operands) => encodeUpdate(resolve, { $inc: { age: -1 } }, operands)).update, {
      $inc: { age: -1 }
    })
    assert.strictEqual(
      refused(() => run((operands) => encodeUpdate(resolve, { $set: { age: -1 } }, operands))),
      "update.$set.age misfits"
    )
  })

  it("encode array filters with the types of their identifiers", () => {
    const given = { $set: { "points.$[p].x": 1, "matrix.$[].$[m]": 2 } }
    const { identifiers } = run((operands) => encodeUpdate(write, given, operands))
    const filters = (value: unknown) => run((operands) => encodeArrayFilters(identifiers, value, operands))
    assert.deepStrictEqual(filters([{ "p.x": { $gt: 1 } }, { m: 2 }]), [{ "p.x": { $gt: "1" } }, { m: "2" }])
    assert.deepStrictEqual(filters([{ $or: [{ m: 1 }, { m: 2 }] }]), [{ $or: [{ m: "1" }, { m: "2" }] }])
    assert.strictEqual(
      refused(() => filters([{ q: 1 }])),
      "options.arrayFilters[0].q does not name a $[identifier] of the update"
    )
    assert.strictEqual(
      refused(() => filters([{ "p.y": 1 }])),
      "options.arrayFilters[0].p.y is not a path of the schema"
    )
    assert.strictEqual(refused(() => filters([{ m: { $gt: "" } }])), "options.arrayFilters[0].m.$gt misfits")
    assert.strictEqual(
      refused(() => filters([{ $where: "1" }])),
      "options.arrayFilters[0].$where is not an operator of a typed filter: write it in Filter.unsafe"
    )
  })
})

describe("sort orders, keys of indexes, projections", () => {
  it("use the stored names of fields, and refuse other keys", () => {
    assert.deepStrictEqual(encodeSort(read, { n: 1, "renamed.at": "desc" }), { n: 1, "renamed.a": "desc" })
    assert.strictEqual(refused(() => encodeSort(read, { n: 2 })), "sort.n is not a direction: use 1, -1, asc or desc")
    assert.strictEqual(refused(() => encodeSort(read, { nn: 1 })), "sort.nn is not a path of the schema")
    assert.deepStrictEqual(encodeIndexKeys(read, { n: 1, name: "text", "$**": 1, "record.$**": 1 }), {
      n: 1,
      name: "text",
      "$**": 1,
      "record.$**": 1
    })
    assert.strictEqual(
      refused(() => encodeIndexKeys(read, { n: "x" })),
      "keys.n is not a type of an index: use 1, -1, 2d, 2dsphere, text or hashed"
    )
    assert.strictEqual(refused(() => encodeIndexKeys(read, { x: 1 })), "keys.x is not a path of the schema")
  })

  const project = (value: unknown) => {
    const { ast, projection } = run((operands) => encodeProjection({ ast: Doc.ast, read }, value, operands))
    return { projection, schema: Schema.make<Schema.ConstraintCodec<unknown, unknown>>(ast()) }
  }
  const decodeWith = (value: unknown, document: unknown) => Schema.decodeUnknownSync(project(value).schema)(document)

  it("a projection decodes with the schema of the fields that it leaves", () => {
    assert.deepStrictEqual(project({ n: 1, "renamed.at": 1 }).projection, { n: 1, "renamed.a": 1 })
    assert.deepStrictEqual(decodeWith({ n: 1 }, { n: "1" }), { n: 1 })
    assert.deepStrictEqual(decodeWith({ "renamed.at": 1 }, { renamed: { a: "1" } }), { renamed: { at: 1 } })
    assert.deepStrictEqual(decodeWith({ "points.x": 1 }, { points: [{ x: "1" }] }), { points: [{ x: 1 }] })
    assert.deepStrictEqual(decodeWith({ "shape.kind": 1 }, { shape: { kind: "circle" } }), {
      shape: { kind: "circle" }
    })
    assert.deepStrictEqual(decodeWith({ "category.parent.name": 1 }, { category: { parent: { name: "a" } } }), {
      category: { parent: { name: "a" } }
    })
    assert.deepStrictEqual(decodeWith({ "point.x": 1 }, {}), {})
    assert.deepStrictEqual(decodeWith({ record: 1 }, { record: { a: "1" } }), { record: { a: 1 } })
    assert.deepStrictEqual(decodeWith({ list: { $elemMatch: { $in: [1] } } }, {}), {})
    assert.throws(() => decodeWith({ n: 1 }, { n: 1 }))
    assert.throws(() => decodeWith({ n: 1 }, {}))
  })

  it("a projection adds a computed value to the document itself, not to the documents inside", () => {
    assert.deepStrictEqual(
      decodeWith({ score: { $meta: "textScore" }, "point.x": 1 }, { score: 2, point: { x: "1" } }),
      { score: 2, point: { x: 1 } }
    )
    assert.throws(() => decodeWith({ score: { $meta: "textScore" }, "point.x": 1 }, { point: { x: "1" } }))
  })

  for (
    const [given, said] of [
      [{ n: 1, name: 0 }, "projection.name mixes inclusion with exclusion: include fields, or leave fields out"],
      [{ nn: 1 }, "projection.nn is not a path of the schema"],
      [{ n: 2 }, "projection.n is not 0, 1, true, false or an operator"],
      [{ n: "$name" }, "projection.n is not 0, 1, true, false or an operator"],
      [{ "points.0": 1 }, "projection.points.0 has an index: leave it out, since a projection applies to all elements"],
      [{ point: 1, "point.x": 1 }, "projection.point.x overlaps another field of the projection: name one of them"],
      [{ "point.x": 1, point: 1 }, "projection.point overlaps another field of the projection: name one of them"],
      [
        { "points.x": 0, points: { $slice: 1 } },
        "projection.points overlaps another field of the projection: name one of them"
      ],
      [{ n: { $slice: 1 } }, "projection.n needs an array"],
      [{ list: { $slice: "1" } }, "projection.list.$slice is neither an integer nor a pair of integers"],
      [
        { list: { $meta: "x" } },
        "projection.list is not an operator of a typed projection: use $slice, $elemMatch or $meta"
      ],
      [
        { list: { $elemMatch: { $where: "1" } } },
        "projection.list.$elemMatch.$where is not an operator of a typed filter: write it in Filter.unsafe"
      ]
    ] as const
  ) {
    it(`the projection ${show(given)} is refused`, () => {
      assert.strictEqual(refused(() => project(given)), said)
    })
  }

  it("projections into the values of a record are refused", () => {
    assert.strictEqual(
      refused(() => project({ "tagged.t_1.n": 1 }).schema),
      "projection goes into the values of a record: name the record as a whole"
    )
  })

  it("a list of ids is encoded as it stands", () => {
    const resolve = makeResolve([Schema.Struct({ _id: Bson.ObjectId }).ast], "filter")
    const id = new Driver.ObjectId()
    assert.deepStrictEqual(run((operands) => encodeFilter(resolve, { _id: { $in: [id] } }, operands)), {
      _id: { $in: [id] }
    })
    assert.strictEqual(
      refused(() => run((operands) => encodeFilter(resolve, { _id: id.toHexString() }, operands))),
      "filter._id misfits"
    )
  })

  it("$inc adds decimals, which are stored as numbers", () => {
    const resolve = makeResolve([Schema.Struct({ price: Bson.Decimal128 }).ast], "update")
    const price = Driver.Decimal128.fromString("1.5")
    assert.deepStrictEqual(run((operands) => encodeUpdate(resolve, { $inc: { price } }, operands).update), {
      $inc: { price }
    })
  })

  describe("operands of codecs with effects", () => {
    /** An effect that takes a while for any value. */
    const later = <A>(value: A) => Effect.as(Effect.yieldNow, value)
    const Slow = Schema.Struct({
      nick: Schema.optionalKey(Schema.String).pipe(Schema.decodeTo(Schema.Option(Schema.String), {
        decode: SchemaGetter.transformOptional(Option.some<Option.Option<string>>),
        encode: SchemaGetter.transformOptionalEffect((nick) => later(Option.flatten(nick)))
      })),
      text: Schema.String.pipe(Schema.decodeTo(Schema.Number, {
        decode: SchemaGetter.transform(Number),
        encode: SchemaGetter.transformEffect((n) => later(String(n)))
      }))
    })
    const resolve = makeResolve([Slow.ast], "update")
    const runLater = <A>(f: (operands: Operands) => A) => encodeWith(f) as Effect.Effect<A, Misfit | Refusal>

    it.effect("take their places when their codecs answer", () =>
      Effect.gen(function*() {
        const filter = { text: { $in: [1, 2] }, nick: Option.some("a") }
        assert.deepStrictEqual(yield* runLater((operands) => encodeFilter(resolve, filter, operands)), {
          text: { $in: ["1", "2"] },
          nick: "a"
        })
      }))

    it.effect("may stand for an absent key", () =>
      Effect.gen(function*() {
        const filter = { nick: Option.none() }
        assert.deepStrictEqual(yield* runLater((operands) => encodeFilter(resolve, filter, operands)), {
          nick: { $exists: false }
        })
        const different = { nick: { $ne: Option.none() } }
        assert.deepStrictEqual(yield* runLater((operands) => encodeFilter(resolve, different, operands)), {
          nick: { $exists: true }
        })
        const update = { $set: { nick: Option.none(), text: 1 } }
        assert.deepStrictEqual((yield* runLater((operands) => encodeUpdate(resolve, update, operands))).update, {
          $set: { text: "1" },
          $unset: { nick: "" }
        })
      }))

    it.effect("pass the same checks as other operands", () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(
          runLater((operands) => encodeUpdate(resolve, { $inc: { text: 1 } }, operands))
        )
        assert.strictEqual((error as Refusal).message, "update.$inc.text needs a field that is stored as a number")
      }))
  })
})
