/**
 * Input that mongofx refuses before it is sent, and other input, which passes untouched.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import {
  checkDocument,
  checkFilter,
  checkOptions,
  checkOrdered,
  checkPipeline,
  checkReplacement,
  checkUpdate,
  checkValue
} from "@mongofx/core/internal/input/check"
import { InvalidInput } from "@mongofx/core/internal/input/invalidInput"
import {
  Arbitrary,
  BigDecimal,
  Cause,
  Chunk,
  Context,
  Data,
  DateTime,
  Duration,
  Effect,
  Exit,
  HashMap,
  HashSet,
  MutableHashMap,
  Option,
  Redacted,
  Ref,
  Result,
  Schema,
  Stream
} from "effect"
import * as Driver from "mongodb"
import * as vm from "node:vm"

const { BSON } = Driver

const refused = (f: () => void): InvalidInput => {
  try {
    f()
  } catch (error) {
    if (error instanceof InvalidInput) return error
    throw error
  }
  throw new Error("nothing was refused")
}

const assertRefused = (f: () => void, message: string): void => {
  const error = refused(f)
  assert.strictEqual(error.message, message)
  assert.isTrue(message.startsWith(`${error.path} `))
}

const deepFreeze = <A>(value: A): A => {
  // A view of bytes cannot be frozen.
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value
  for (const key of Reflect.ownKeys(value)) deepFreeze((value as Record<PropertyKey, unknown>)[key])
  return Object.freeze(value)
}

const roundTrip = (value: unknown): unknown =>
  BSON.deserialize(BSON.serialize({ value }), { bsonRegExp: true, promoteValues: false }).value

class Point {
  readonly x = 1
  readonly y = 2
  get sum() {
    return this.x + this.y
  }
}

class Money {
  readonly cents: number
  constructor(cents: number) {
    this.cents = cents
  }
  toBSON() {
    return new Driver.Decimal128((this.cents / 100).toFixed(2))
  }
}

/** What an application shows to the world is not what it stores. */
class Account {
  readonly name: string
  readonly hash: string
  constructor(name: string, hash: string) {
    this.name = name
    this.hash = hash
  }
  toJSON() {
    return { name: this.name }
  }
}

class User extends Schema.Class<User>("User")({ name: Schema.optionalKey(Schema.String) }) {}

class Place extends Data.Class<{ readonly city: string }> {}

/** Like the amounts and dates of many libraries: with internal properties, and a value. */
class Amount {
  readonly s = 1
  readonly c = [1, 5]
  valueOf() {
    return "1.5"
  }
}

class Bag {
  readonly items = [1];
  *[Symbol.iterator]() {
    yield* this.items
  }
}

class Later {
  readonly a = 1
  // oxlint-disable-next-line no-thenable
  then() {}
}

class Hidden {
  readonly #secret = 1
  get secret() {
    return this.#secret
  }
}

class Tags extends Map<string, number> {
  override get [Symbol.toStringTag]() {
    return "Tags"
  }
}

/** One value of every kind that BSON stores as it is. */
const good: Record<string, unknown> = {
  string: "text",
  "empty string": "",
  number: 1.5,
  "negative zero": -0,
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  boolean: false,
  null: null,
  bigint: 5n,
  "least bigint": -(2n ** 63n),
  "greatest bigint": 2n ** 63n - 1n,
  Date: new Date(0),
  "earliest Date": new Date(-8.64e15),
  RegExp: /a.b/im,
  "RegExp with g, u, d": /a/dgu,
  Buffer: Buffer.from("bytes"),
  Uint8Array: new Uint8Array([1, 2, 3]),
  "empty object": {},
  object: { a: { b: [{ c: 1 }] } },
  "empty array": [],
  array: [1, "a", null, [2], { b: 3 }],
  "object without prototype": Object.assign(Object.create(null), { a: 1 }),
  "own __proto__": JSON.parse("{\"__proto__\":{\"a\":1}}"),
  "empty key": { "": 1 },
  "class instance": new Point(),
  "class instance with toJSON": new Account("Ada", "hash"),
  "schema's instance": new User({ name: "Ada" }),
  "schema's instance without properties": new User({}),
  "instance of Data": new Place({ city: "London" }),
  "text with an emoji": "\u{1F600} \uD83D\uDE00",
  "class instance with toBSON": new Money(1999),
  "object with toBSON": { bad: undefined, set: new Set(), toBSON: () => ({ a: 1 }) },
  "toBSON twice": { toBSON: () => ({ toBSON: () => ({ a: 1 }) }) },
  "array with toBSON": Object.assign([undefined], { toBSON: () => [1] }),
  "function with toBSON": Object.assign(() => 1, { toBSON: () => 7 }),
  "object of another realm": vm.runInNewContext("({ a: [1, { b: new Date(0) }], c: {} })"),
  "symbol key": { [Symbol("mark")]: undefined, a: 1 },
  "inherited undefined": Object.assign(Object.create({ a: undefined }), { b: 1 }),
  ObjectId: new Driver.ObjectId(),
  Long: Driver.Long.MAX_VALUE,
  Int32: new Driver.Int32(3),
  Double: new Driver.Double(3),
  Decimal128: new Driver.Decimal128("1.50"),
  Timestamp: new Driver.Timestamp({ t: 1, i: 2 }),
  Binary: new Driver.Binary(new Uint8Array([1]), 0x80),
  UUID: new Driver.UUID(),
  vector: Driver.Binary.fromFloat32Array(new Float32Array([1, 2])),
  Code: new Driver.Code("f()"),
  "Code with scope": new Driver.Code("f()", { a: 1 }),
  DBRef: new Driver.DBRef("users", new Driver.ObjectId(), "app", { extra: 1 }),
  BSONRegExp: new Driver.BSONRegExp("a", "s"),
  BSONSymbol: new Driver.BSONSymbol("s"),
  MinKey: new Driver.MinKey(),
  MaxKey: new Driver.MaxKey()
}

/** One value of every kind that BSON would lose or change, and how the sentence about it ends. */
const bad: Record<string, readonly [value: unknown, what: string]> = {
  "invalid Date": [new Date(Number.NaN), "is an invalid Date"],
  "invalid Date of another realm": [vm.runInNewContext("new Date(NaN)"), "is an invalid Date"],
  "bigint too great": [2n ** 63n, "is a bigint outside of the int64 range"],
  "bigint too small": [-(2n ** 63n) - 1n, "is a bigint outside of the int64 range"],
  function: [() => 1, "is a function"],
  class: [Point, "is a function"],
  symbol: [Symbol("s"), "is a symbol"],
  Set: [new Set([1]), "is a Set"],
  "Set of another realm": [vm.runInNewContext("new Set([1])"), "is a Set"],
  "Set with properties": [Object.assign(new Set([1]), { a: 1 }), "is a Set"],
  WeakSet: [new WeakSet(), "is a WeakSet"],
  WeakMap: [new WeakMap(), "is a WeakMap"],
  WeakRef: [new WeakRef({}), "is a WeakRef"],
  Promise: [Promise.resolve(1), "is a Promise"],
  Error: [new TypeError("lost"), "is an Error"],
  ArrayBuffer: [new ArrayBuffer(2), "is an ArrayBuffer"],
  SharedArrayBuffer: [new SharedArrayBuffer(2), "is a SharedArrayBuffer"],
  DataView: [new DataView(new ArrayBuffer(2)), "is a DataView"],
  Uint8ClampedArray: [new Uint8ClampedArray(2), "is a Uint8ClampedArray"],
  Uint16Array: [new Uint16Array(2), "is a Uint16Array"],
  Float64Array: [new Float64Array(2), "is a Float64Array"],
  BigInt64Array: [new BigInt64Array(2), "is a BigInt64Array"],
  "boxed String": [Object("ab"), "is a String"],
  "boxed Number": [Object(1), "is a Number"],
  "boxed Boolean": [Object(true), "is a Boolean"],
  "boxed BigInt": [Object(1n), "is a BigInt"],
  "boxed Symbol": [Object(Symbol("s")), "is a Symbol"],
  URL: [new URL("http://localhost"), "is a URL"],
  URLSearchParams: [new URLSearchParams("a=1"), "is a URLSearchParams"],
  Generator: [(function*() {})(), "is a Generator"],
  "RegExp with s": [/a.b/s, "is a RegExp with the flag s, which BSON drops"],
  "RegExp with y": [/a/y, "is a RegExp with the flag y, which BSON drops"],
  Map: [new Map([["a", 1]]), "is a Map"],
  "empty Map": [new Map(), "is a Map"],
  "Map with another tag": [new Tags([["a", 1]]), "is a Tags"],
  "Map of another realm": [vm.runInNewContext("new Map([['k', 1]])"), "is a Map"],
  "lone surrogate": ["a\uD83D", "has a lone surrogate, which BSON would replace"],
  "RegExp with a lone surrogate": [new RegExp("a\uD83D"), "has a lone surrogate, which BSON would replace"],
  "BSONRegExp with a lone surrogate": [
    new Driver.BSONRegExp("a\uD83D"),
    "has a lone surrogate, which BSON would replace"
  ],
  "BSONSymbol with a lone surrogate": [
    new Driver.BSONSymbol("a\uD83D"),
    "has a lone surrogate, which BSON would replace"
  ],
  "Code with a lone surrogate": [new Driver.Code("a\uD83D"), "has a lone surrogate, which BSON would replace"],
  "DBRef with a lone surrogate": [
    new Driver.DBRef("a\uD83D", new Driver.ObjectId()),
    "has a lone surrogate, which BSON would replace"
  ],
  "other lone surrogate": ["\uDE00a", "has a lone surrogate, which BSON would replace"],
  "instance with valueOf": [new Amount(), "is an Amount"],
  "instance that can be gone through": [new Bag(), "is a Bag"],
  "instance with private fields": [new Hidden(), "is a Hidden without properties of its own"],
  "instance without properties": [Object.create(Point.prototype), "is a Point without properties of its own"],
  "object with inherited properties": [Object.create({ a: 1 }), "is an Object without properties of its own"],
  thenable: [new Later(), "is a Later"],
  Effect: [Effect.succeed(1), "is an Effect"],
  Exit: [Exit.fail(1), "is an Effect"],
  Cause: [Cause.fail(1), "is a Cause"],
  Stream: [Stream.empty, "is a Stream"],
  Redacted: [Redacted.make("secret"), "is a Redacted"],
  "Option.none": [Option.none(), "is an Option"],
  "Option.some": [Option.some({ a: 1 }), "is an Option"],
  Result: [Result.succeed(1), "is a Result"],
  Duration: [Duration.seconds(1), "is a Duration"],
  DateTime: [DateTime.makeUnsafe(0), "is a DateTime"],
  BigDecimal: [BigDecimal.fromStringUnsafe("1.5"), "is a BigDecimal"],
  HashMap: [HashMap.make(["a", 1]), "is a HashMap"],
  HashSet: [HashSet.make(1), "is a HashSet"],
  MutableHashMap: [MutableHashMap.make(["a", 1]), "is a MutableHashMap"],
  Chunk: [Chunk.make(1), "is a Chunk"],
  Context: [Context.empty(), "is a Context"],
  Ref: [Ref.makeUnsafe(1), "is a Ref"]
}

describe("values", () => {
  it.each(Object.entries(good))("%s passes every check, frozen", (_, value) => {
    const frozen = deepFreeze(value)
    const before = BSON.serialize({ frozen })
    checkFilter({ a: frozen, $and: [{ b: frozen }] })
    checkDocument({ a: frozen, b: [frozen], c: { d: frozen } })
    checkReplacement({ a: frozen })
    checkUpdate({ $set: { a: frozen }, $push: { b: frozen }, $pull: { c: frozen } })
    checkUpdate([{ $set: { a: frozen } }])
    checkPipeline([{ $match: { a: frozen } }])
    checkValue(frozen, "value")
    checkOptions({ comment: frozen })
    assert.deepStrictEqual(BSON.serialize({ frozen }), before)
  })

  it.each(Object.entries(bad))("%s is refused by every check", (_, [value, what]) => {
    assertRefused(() => checkFilter({ a: value }), `filter.a ${what}`)
    assertRefused(() => checkFilter({ $and: [{ b: 1 }, { a: { $in: [value] } }] }), `filter.$and[1].a.$in[0] ${what}`)
    assertRefused(() => checkDocument({ a: { b: value } }), `document.a.b ${what}`)
    assertRefused(() => checkDocument({ a: [0, value] }, "documents", 3), `documents[3].a[1] ${what}`)
    if (what !== "is a Map" && what !== "is a Tags") {
      assertRefused(() => checkOrdered({ a: new Map([["b", value]]) }, "sort"), `sort.a.b ${what}`)
    }
    assertRefused(() => checkReplacement({ a: value }), `replacement.a ${what}`)
    assertRefused(() => checkUpdate({ $set: { a: value } }), `update.$set.a ${what}`)
    assertRefused(() => checkUpdate({ $push: { a: value } }), `update.$push.a ${what}`)
    assertRefused(() => checkUpdate({ $push: { a: { $each: [value] } } }), `update.$push.a.$each[0] ${what}`)
    assertRefused(() => checkUpdate({ $inc: { a: value } }), `update.$inc.a ${what}`)
    assertRefused(() => checkUpdate([{ $set: { a: value } }]), `update[0].$set.a ${what}`)
    assertRefused(() => checkPipeline([{ $match: {} }, { $match: { a: value } }]), `pipeline[1].$match.a ${what}`)
    assertRefused(() => checkValue(value, "hint"), `hint ${what}`)
    assertRefused(() => checkOptions({ let: { a: value } }), `options.let.a ${what}`)
  })

  it("refused values would indeed be lost or changed by BSON, or make it throw", () => {
    /** What a value says of itself, apart from its class. */
    const shown = (value: unknown) =>
      value instanceof RegExp
        ? `${value.source}/${value.flags}`
        : value instanceof Driver.BSONRegExp
        ? `${value.pattern}/${value.options}`
        : Object.prototype.toString.call(value) === "[object Date]"
        ? (value as Date).getTime()
        : typeof value === "string"
        ? value
        : typeof value === "bigint" || value instanceof Driver.Long
        ? value.toString()
        : Object.prototype.toString.call(value)
    for (const [name, [value]] of Object.entries(bad)) {
      // The tags of these and of the object that is stored are the same.
      if (Object.prototype.toString.call(value) === "[object Object]") continue
      let stored: unknown
      try {
        stored = roundTrip(value)
      } catch {
        continue
      }
      assert.notStrictEqual(shown(stored), shown(value), name)
    }
  })

  it("the result of toBSON is checked, not the object", () => {
    const returning = (value: unknown) => ({ toBSON: () => value })
    assertRefused(() => checkFilter({ a: returning(undefined) }), "filter.a is undefined")
    assertRefused(() => checkFilter({ a: returning({ b: undefined }) }), "filter.a.b is undefined")
    assertRefused(() => checkFilter(returning({ b: undefined })), "filter.b is undefined")
    assertRefused(() => checkDocument({ a: returning(new Set()) }), "document.a is a Set")
    assertRefused(() => checkDocument({ a: Object.assign([1], returning([undefined])) }), "document.a[0] is undefined")
    assertRefused(
      () => checkDocument({ a: Object.assign(() => 1, returning(2n ** 64n)) }),
      "document.a is a bigint outside of the int64 range"
    )
    assertRefused(
      () => checkReplacement(returning({ $set: 1 })),
      "replacement.$set is an update operator: use updateOne, since a replacement is a whole document"
    )
    assert.throws(
      () =>
        checkDocument({
          toBSON() {
            throw new RangeError("mine")
          }
        }),
      RangeError
    )
  })

  it("looks into the scope of Code and the parts of a DBRef", () => {
    assertRefused(() => checkDocument({ f: new Driver.Code("f", { s: new Set() }) }), "document.f.scope.s is a Set")
    const ref = (id: unknown, fields?: Driver.Document) => new Driver.DBRef("c", id as Driver.ObjectId, "d", fields)
    assertRefused(() => checkDocument({ r: ref(undefined) }), "document.r.$id is undefined")
    assertRefused(() => checkFilter({ r: ref(new Driver.ObjectId(), { x: undefined }) }), "filter.r.x is undefined")
    checkDocument({ r: ref(new Driver.ObjectId(), { x: undefined }) })
  })

  it("a getter that throws shows its own error", () => {
    const document = {
      get a(): number {
        throw new RangeError("mine")
      }
    }
    assert.throws(() => checkDocument(document), RangeError)
  })

  it("names odd keys so that the path stays one line", () => {
    assertRefused(() => checkFilter({ "address.city": undefined }), "filter.address.city is undefined")
    assertRefused(() => checkFilter({ "": undefined }), "filter[\"\"] is undefined")
    assertRefused(() => checkFilter({ "a b": { "c\n[": undefined } }), "filter[\"a b\"][\"c\\n[\"] is undefined")
  })
})

describe("undefined", () => {
  it.each<[unknown, string]>([
    [{ a: undefined }, "filter.a is undefined"],
    [{ address: { city: undefined } }, "filter.address.city is undefined"],
    [{ a: { $gt: undefined } }, "filter.a.$gt is undefined"],
    [{ a: { $in: [1, undefined] } }, "filter.a.$in[1] is undefined"],
    // oxlint-disable-next-line no-sparse-arrays
    [{ a: [1, , 2] }, "filter.a[1] is undefined"],
    [{ $or: [{ a: 1 }, { b: undefined }] }, "filter.$or[1].b is undefined"],
    [{ a: { $elemMatch: { b: { c: undefined } } } }, "filter.a.$elemMatch.b.c is undefined"],
    [Object.assign(Object.create(null), { a: undefined }), "filter.a is undefined"],
    [Object.assign(new Point(), { z: undefined }), "filter.z is undefined"],
    [JSON.parse("{\"__proto__\":[null]}", (_, v) => v === null ? undefined : v), "filter.__proto__[0] is undefined"]
  ])("in a filter: %o", (filter, message) => assertRefused(() => checkFilter(filter), message))

  it("is left out of a document, but refused in an array", () => {
    checkDocument({
      _id: undefined,
      a: undefined,
      b: { c: undefined },
      d: [{ e: undefined }],
      h: Object.assign(new Point(), { z: undefined })
    })
    assertRefused(() => checkDocument({ a: { b: [1, undefined] } }), "document.a.b[1] is undefined")
    // oxlint-disable-next-line no-sparse-arrays
    assertRefused(() => checkDocument({ a: [, 1] }), "document.a[0] is undefined")
  })

  it.each<[unknown]>([
    [{ $set: { a: undefined, b: { c: undefined }, d: 1 } }],
    [{ $setOnInsert: { a: undefined } }],
    [{ $push: { a: { b: undefined } } }],
    [{ $addToSet: { a: { b: { c: undefined } } } }],
    [{ $push: { a: { $each: [{ b: undefined }], $slice: -5, $sort: { b: 1 } } } }]
  ])("in an update it is left out where something is stored: %o", (update) => checkUpdate(update))

  it.each<[unknown, string]>([
    [{ $set: undefined }, "update.$set is undefined"],
    [{ $set: { a: [undefined] } }, "update.$set.a[0] is undefined"],
    [{ $push: undefined }, "update.$push is undefined"],
    [{ $push: { a: undefined } }, "update.$push.a is undefined"],
    [{ $push: { a: { $each: undefined } } }, "update.$push.a.$each is undefined"],
    [{ $push: { a: { $each: [undefined] } } }, "update.$push.a.$each[0] is undefined"],
    [{ $push: { a: { $each: [1], $slice: undefined } } }, "update.$push.a.$slice is undefined"],
    [{ $push: { a: { $each: [1], $sort: { b: undefined } } } }, "update.$push.a.$sort.b is undefined"],
    [{ $addToSet: { a: undefined } }, "update.$addToSet.a is undefined"],
    [{ $inc: { age: undefined } }, "update.$inc.age is undefined"],
    [{ $unset: { a: undefined } }, "update.$unset.a is undefined"],
    [{ $pull: { a: undefined } }, "update.$pull.a is undefined"],
    [{ $pull: { a: { b: undefined } } }, "update.$pull.a.b is undefined"],
    [{ $pull: undefined }, "update.$pull is undefined"],
    [{ $pullAll: { a: [undefined] } }, "update.$pullAll.a[0] is undefined"],
    [{ $max: { a: undefined } }, "update.$max.a is undefined"],
    [{ $rename: { a: undefined } }, "update.$rename.a is undefined"],
    [[{ $set: { a: undefined } }], "update[0].$set.a is undefined"],
    [[{ $unset: "a" }, undefined], "update[1] is undefined"]
  ])(
    "in an update it is an error everywhere else: %o",
    (update, message) => assertRefused(() => checkUpdate(update), message)
  )

  it("is an error in a pipeline, a value and an option", () => {
    assertRefused(() => checkPipeline([{ $match: { a: undefined } }]), "pipeline[0].$match.a is undefined")
    assertRefused(() => checkPipeline([undefined]), "pipeline[0] is undefined")
    assertRefused(() => checkValue({ a: undefined }, "keys"), "keys.a is undefined")
    assertRefused(() => checkValue(undefined, "hint"), "hint is undefined")
    assertRefused(() => checkOptions({ sort: { a: undefined } }), "options.sort.a is undefined")
    assertRefused(
      () => checkOptions({ arrayFilters: [{ x: undefined }] }, "operations[2].updateOne"),
      "operations[2].updateOne.arrayFilters[0].x is undefined"
    )
  })

  it("an undefined option counts as not given, and settings of the driver are not checked", () => {
    checkOptions({
      sort: undefined,
      hint: undefined,
      readPreference: Driver.ReadPreference.secondary,
      writeConcern: { w: undefined },
      pkFactory: { createPk: () => new Driver.ObjectId() }
    })
    checkOptions({ sort: [["a", 1]], hint: "a_1", min: new Map([["a", 1]]), comment: null })
  })
})

describe("what is expected to be a document", () => {
  it.each<[unknown, string]>([
    [undefined, "is undefined"],
    [null, "is null"],
    ["{}", "is a string"],
    [5, "is a number"],
    [() => ({}), "is a function"],
    [[{ a: 1 }], "is an array"],
    [new Driver.ObjectId(), "is an ObjectId"],
    [new Date(0), "is a Date"],
    [/a/, "is a RegExp"],
    [new Uint8Array(2), "is a Uint8Array"],
    [new Set(), "is a Set"],
    [new Map([["a", 1]]), "is a Map"],
    [Option.none(), "is an Option"],
    [Option.some({ a: 1 }), "is an Option"],
    [Duration.seconds(1), "is a Duration"],
    [DateTime.makeUnsafe(0), "is a DateTime"],
    [new Amount(), "is an Amount"],
    [new Hidden(), "is a Hidden without properties of its own"],
    [new URL("http://localhost"), "is a URL"],
    [Promise.resolve({}), "is a Promise"],
    [Effect.succeed({}), "is an Effect"]
  ])("%o is none", (value, what) => {
    assertRefused(() => checkFilter(value), `filter ${what}`)
    assertRefused(() => checkDocument(value), `document ${what}`)
    assertRefused(() => checkDocument(value, "documents", 0), `documents[0] ${what}`)
    assertRefused(() => checkReplacement(value), `replacement ${what}`)
    if (!Array.isArray(value)) assertRefused(() => checkUpdate(value), `update ${what}`)
  })

  it("a Map may be anything with an order: a sort, a hint, the keys of an index, a command", () => {
    const map = new Map<string, unknown>([["b", 1], ["1", -1]])
    checkOrdered(map, "sort")
    checkOrdered({ find: "items", sort: map }, "command")
    checkOptions({ sort: map, hint: map, min: map, max: map, projection: map })
    checkPipeline([{ $sort: map }, { $setWindowFields: { sortBy: map } }])
    checkUpdate({ $push: { a: { $each: [], $sort: map } } })
    // What is allowed for one check is not allowed for the next.
    checkOrdered(map, "sort")
    assertRefused(() => checkUpdate({ $set: { a: map } }), "update.$set.a is a Map")
    assertRefused(() => checkPipeline([{ $sort: new Map([["a", undefined]]) }]), "pipeline[0].$sort.a is undefined")
    assertRefused(() => checkOrdered(new Map([["a", undefined]]), "sort"), "sort.a is undefined")
    assertRefused(() => checkOrdered(new Map([[1, 2]]), "sort"), "sort is a Map with a key that is not a string")
    assertRefused(() => checkPipeline([{ $match: map }]), "pipeline[0].$match is a Map")
    assertRefused(() => checkOptions({ let: map }), "options.let is a Map")
    checkDocument({ a: 1 })
    assertRefused(() => checkDocument({ a: map }), "document.a is a Map")
  })

  it("a key has no lone surrogate", () => {
    const odd = { ["a\uD800"]: 1 }
    const what = "is a key that has a lone surrogate, which BSON would replace"
    assertRefused(() => checkDocument({ a: odd }), `document.a["a\\ud800"] ${what}`)
    assertRefused(() => checkFilter(odd), `filter["a\\ud800"] ${what}`)
    assertRefused(() => checkUpdate({ $set: odd }), `update.$set["a\\ud800"] ${what}`)
    assertRefused(() => checkUpdate({ $push: odd }), `update.$push["a\\ud800"] ${what}`)
    assertRefused(() => checkOrdered(new Map(Object.entries(odd)), "sort"), `sort["a\\ud800"] ${what}`)
  })

  it("a replacement has no operators at its top level, but may have them below, and may be empty", () => {
    assertRefused(
      () => checkReplacement({ a: 1, $set: { b: 1 } }),
      "replacement.$set is an update operator: use updateOne, since a replacement is a whole document"
    )
    checkReplacement({ a: { $b: 1 } })
    checkReplacement({})
  })

  it("an update has operators, at least one, and nothing else", () => {
    assertRefused(() => checkUpdate({}), "update has no update operator")
    assertRefused(() => checkUpdate([]), "update is an empty pipeline")
    assertRefused(() => checkUpdate(new Map([["$set", {}]])), "update is a Map")
    for (const update of [{ name: "Ada" }, { $set: { a: 1 }, name: "Ada" }, { name: undefined, $set: {} }]) {
      assertRefused(
        () => checkUpdate(update),
        "update.name is not an update operator: use replaceOne to replace the whole document"
      )
    }
    assertRefused(
      () => checkUpdate({ $inc: { a: undefined } }, "operations[1].updateMany.update"),
      "operations[1].updateMany.update.$inc.a is undefined"
    )
  })

  it("a pipeline is an array", () => {
    for (const pipeline of [{}, undefined, "[]", new Set()]) {
      assertRefused(() => checkPipeline(pipeline), "pipeline is not an array")
    }
    checkPipeline([])
  })
})

describe("shapes without an end", () => {
  const checks = [checkFilter, checkDocument, checkReplacement, (value: unknown) => checkValue(value, "value")]

  it("cycles are left to BSON, however they branch", () => {
    const cycle: Record<string, unknown> = {}
    for (let i = 0; i < 10; i++) cycle[`k${i}`] = cycle
    const list: Array<unknown> = []
    list.push(list, list)
    const map = new Map<string, unknown>()
    map.set("self", map)
    checkOrdered(map, "sort")
    const self = { toBSON: () => self }
    const callable: (() => void) & { toBSON?: () => unknown } = () => {}
    callable.toBSON = () => callable
    for (const check of checks) {
      for (const value of [cycle, list, self, callable]) check({ value })
    }
    checkUpdate({ $set: { cycle } })
    checkUpdate([{ $set: { cycle } }])
    assert.throws(() => BSON.serialize(cycle), BSON.BSONError)
  })

  const nest = (depth: number, leaf: unknown) => {
    let value = leaf
    for (let i = 0; i < depth; i++) value = i % 2 === 0 ? { a: value } : [value]
    return { a: value }
  }

  it("every depth that a server accepts is checked", () => {
    assert.isTrue(refused(() => checkDocument(nest(248, new Set()))).message.endsWith(" is a Set"))
    for (const check of checks) check(nest(248, 1))
  })

  it("a hundred thousand levels do not overflow the stack", () => {
    for (const check of checks) check(nest(100_000, new Set()))
    checkUpdate({ $set: nest(100_000, undefined) })
  })

  it("shared objects that unfold to huge sizes do not hang", () => {
    let shared: Driver.Document = { a: 1 }
    for (let i = 0; i < 100; i++) shared = { l: shared, r: shared }
    const started = performance.now()
    checkDocument(shared)
    assert.isBelow(performance.now() - started, 5000)
  })

  it("a wide document is checked to its end", () => {
    const document = { list: Array.from({ length: 200_000 }, (_, i) => ({ i })) as Array<unknown> }
    document.list.push({ i: new Set() })
    assertRefused(() => checkDocument(document), "document.list[200000].i is a Set")
  })
})

/** A small generator of pseudo-random numbers, so that one integer determines a whole tree. */
const random = (seed: number) => () => {
  seed = (seed + 0x6D2B79F5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296
}

type Path = Array<string | number>

/** A tree of good values with `plant` at one place, and the path to that place. */
const tree = (seed: number, plant?: unknown): { readonly document: Driver.Document; readonly path: Path } => {
  const next = random(seed)
  const leaves = Object.entries(good).filter(([name]) => !/realm|toBSON|inherited|symbol/i.test(name)).map(([, v]) => v)
  const places: Array<readonly [container: Record<string | number, unknown>, path: Path]> = []
  const value = (depth: number, path: Path): unknown => {
    const choice = next()
    if (depth > 4 || choice < 0.5) return leaves[Math.floor(next() * leaves.length)]
    return choice < 0.7 ? array(depth, path) : object(depth, path)
  }
  const object = (depth: number, path: Path): Record<string, unknown> => {
    const out: Record<string, unknown> = {}
    const length = Math.floor(next() * 5)
    for (let i = 0; i < length; i++) out[`k${i}`] = value(depth + 1, [...path, `k${i}`])
    places.push([out, [...path, `k${length}`]])
    return out
  }
  const array = (depth: number, path: Path): Array<unknown> => {
    const out: Array<unknown> = []
    const length = Math.floor(next() * 4)
    for (let i = 0; i < length; i++) out.push(value(depth + 1, [...path, i]))
    places.push([out as unknown as Record<number, unknown>, [...path, length]])
    return out
  }
  const document = object(0, [])
  const [container, path] = places[Math.floor(next() * places.length)]
  if (plant !== undefined) container[path[path.length - 1]] = plant
  return { document, path }
}

const written = (path: Path) => path.map((key) => typeof key === "number" ? `[${key}]` : `.${key}`).join("")

const seeds = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 })))

describe("properties", () => {
  it.prop("trees of good values pass and are left as they were", [seeds], ([seed]) => {
    const { document } = tree(seed)
    const before = BSON.serialize(document)
    deepFreeze(document)
    checkFilter(document)
    checkDocument(document)
    checkReplacement(document)
    checkUpdate({ $set: document, $pull: document })
    checkPipeline([{ $match: document }])
    assert.deepStrictEqual(BSON.serialize(document), before)
  }, { arbitrary: { runs: 300 } })

  it.prop("one bad value is found anywhere, with its path", [seeds], ([seed]) => {
    for (const [value, what] of Object.values(bad)) {
      const { document, path } = tree(seed, value)
      assertRefused(() => checkFilter(document), `filter${written(path)} ${what}`)
      assertRefused(() => checkDocument(document, "documents", 7), `documents[7]${written(path)} ${what}`)
      assertRefused(() => checkUpdate({ $set: document }), `update.$set${written(path)} ${what}`)
      assertRefused(() => checkUpdate({ $max: document }), `update.$max${written(path)} ${what}`)
    }
  }, { arbitrary: { runs: 50 } })

  it.prop("an undefined is found anywhere in a filter", [seeds], ([seed]) => {
    const { document, path } = tree(seed)
    let container: Record<string | number, unknown> = document
    for (const key of path.slice(0, -1)) container = container[key] as Record<string | number, unknown>
    const last = path[path.length - 1]
    container[last] = undefined
    assertRefused(() => checkFilter(document), `filter${written(path)} is undefined`)
    if (typeof last === "string") checkDocument(document)
    else assertRefused(() => checkDocument(document), `document${written(path)} is undefined`)
  }, { arbitrary: { runs: 300 } })
})
