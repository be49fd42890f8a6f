/**
 * What schemas become as validators, and what is reported as lost.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Bson, MongoModel, MongoValidator } from "@mongofx/schema"
import { toServer } from "@mongofx/schema/internal/validator/pattern"
import { BigDecimal, Schema } from "effect"
import { Model } from "effect/schema"
import * as Driver from "mongodb"

const of = (schema: Schema.Constraint, options?: MongoValidator.SchemaOptions) => {
  const { lost, validator } = MongoValidator.fromSchema(Schema.Struct({ a: schema }), options)
  const { $jsonSchema, $nor } = validator
  return { a: $jsonSchema.properties?.a, required: $jsonSchema.required, nor: $nor, lost }
}

const lostOf = (schema: Schema.Constraint) => of(schema).lost.map(({ what }) => what)

const whole = { $type: "double", $not: { $bitsAllClear: 0 } }

describe("a validator", () => {
  it("has the stored names and the required fields", () => {
    class Address extends Schema.Class<Address>("Address")({ city: Schema.String }) {}
    const User = Schema.Struct({
      id: Bson.ObjectId,
      name: Schema.NullOr(Schema.String),
      nick: Schema.optional(Schema.String),
      address: Schema.optionalKey(Address)
    }).pipe(Schema.encodeKeys({ id: "_id" }))
    assert.deepStrictEqual(MongoValidator.fromSchema(User), {
      validator: {
        $jsonSchema: {
          bsonType: "object",
          properties: {
            _id: { bsonType: "objectId" },
            name: { bsonType: ["string", "null"] },
            nick: { bsonType: "string" },
            address: { bsonType: "object", properties: { city: { bsonType: "string" } }, required: ["city"] }
          },
          required: ["_id", "name"]
        }
      },
      lost: []
    })
  })

  it("takes the numbers that a codec reads, whatever their type", () => {
    assert.deepStrictEqual(
      of(Bson.Int32.check(Schema.isBetween({ minimum: 0, maximum: 150, exclusiveMaximum: true }))),
      {
        a: { bsonType: ["int", "long", "double"], multipleOf: 1, minimum: 0, maximum: 150, exclusiveMaximum: true },
        required: ["a"],
        nor: [{ a: whole }],
        lost: []
      }
    )
    assert.deepStrictEqual(of(Schema.Number.check(Schema.isLessThan(5))).a, {
      anyOf: [
        { bsonType: ["int", "double"], maximum: 5, exclusiveMaximum: true },
        { bsonType: "long", minimum: -(2 ** 53), maximum: 5, exclusiveMaximum: true },
        { bsonType: "double", enum: [NaN] }
      ]
    })
    assert.deepStrictEqual(of(Bson.Int64.check(Schema.isGreaterThanBigInt(2n ** 60n))).a.anyOf[0], {
      bsonType: ["int", "long"],
      minimum: Driver.Long.fromBigInt(2n ** 60n),
      exclusiveMinimum: true
    })
  })

  it("has the bounds of decimals, unless they are a hint for generators", () => {
    const limit = BigDecimal.fromStringUnsafe("1.10")
    const bounded = of(Bson.BigDecimal.check(Schema.isLessThanOrEqualToBigDecimal(limit)))
    assert.strictEqual(String(bounded.a.maximum), "1.10")
    assert.deepStrictEqual(bounded.lost, [])
    const hinted = Bson.BigDecimal.check(Schema.makeFilter(() => true, {
      expected: "any decimal",
      arbitraryConstraint: { order: BigDecimal.Order, maximum: limit }
    }))
    assert.deepStrictEqual(lostOf(hinted), ["any decimal"])
    assert.notStrictEqual(String(of(hinted).a.maximum), "1.10")
  })

  it("has the bounds of dates beside $jsonSchema", () => {
    const min = new Date(0)
    const far = new Date(8.64e15)
    const At = Schema.Date.check(Schema.isGreaterThanDate(min))
    assert.deepStrictEqual(of(At).nor, [{ a: { $lte: min } }, { a: { $gt: far } }])
    assert.deepStrictEqual(of(Schema.Array(Schema.Struct({ at: At }))).nor, [
      { a: { $elemMatch: { at: { $lte: min } } } },
      { a: { $elemMatch: { at: { $gt: far } } } }
    ])
    const nowhere = of(Schema.Record(Schema.String, At))
    assert.isUndefined(nowhere.nor)
    assert.deepStrictEqual(nowhere.lost.map(({ path }) => path), ["a.*", "a.*"])
  })

  it("tells the members of a union apart by a constant, or reports the bounds", () => {
    const At = Schema.Date.check(Schema.isGreaterThanDate(new Date(0)))
    const tagged = of(Schema.Union([
      Schema.Struct({ kind: Schema.Literal("a"), at: At }),
      Schema.Struct({ kind: Schema.Literal("b") })
    ]))
    assert.deepStrictEqual(tagged.nor[0], { "a.kind": "a", "a.at": { $lte: new Date(0) } })
    assert.deepStrictEqual(tagged.lost, [])
    // With a collation the server may take them for the same.
    const alike = of(Schema.Union([
      Schema.Struct({ kind: Schema.Literal("a"), at: At }),
      Schema.Struct({ kind: Schema.Literal("A-") })
    ]))
    assert.isUndefined(alike.nor)
    const plain = of(Schema.Union([Schema.Struct({ at: At }), Schema.Struct({ b: Schema.String })]))
    assert.isUndefined(plain.nor)
    assert.deepStrictEqual(plain.lost.map(({ path }) => path), ["a.at", "a.at"])
  })

  it("is written into itself to a depth, and reports it", () => {
    interface Node {
      readonly next: Node | null
    }
    const Node = Schema.Struct({ next: Schema.NullOr(Schema.suspend((): Schema.Codec<Node> => Node)) })
    const { lost, validator } = MongoValidator.fromSchema(Node, { depth: 1 })
    assert.deepStrictEqual(validator["$jsonSchema"].properties.next.properties.next, { bsonType: ["object", "null"] })
    assert.deepStrictEqual(lost.map(({ path, what }) => [path, what]), [["next.next", "what is deeper"]])
  })

  it("shares the depth between schemas that contain each other, which would multiply", () => {
    interface Node {
      readonly name: string
      readonly next: ReadonlyArray<Node>
    }
    const all: Array<Schema.Codec<Node>> = Array.from({ length: 3 }, (_, i) => {
      const others = Array.from({ length: 3 }, (_, j) => [`n${j}`, Schema.Array(Schema.suspend(() => all[j]!))])
      return Schema.Struct({ name: Schema.Literal(`${i}`), ...Object.fromEntries(others) }) as never
    })
    const { validator } = MongoValidator.fromSchema(all[0]!, { depth: 3 })
    assert.isBelow(Driver.BSON.serialize(validator).length, 1_000_000)
    let { properties } = validator["$jsonSchema"]
    for (let level = 0; level < 3; level++) properties = properties.n1.items.properties
    assert.deepStrictEqual(properties.n1, { bsonType: "array", items: { bsonType: "object" } })
    assert.isDefined(properties.n2.items.properties)
  })

  it("is refused for a depth without an end", () => {
    for (const depth of [Infinity, NaN, -1, 1.5, 51, "3" as never]) {
      assert.throws(
        () => MongoValidator.fromSchema(Schema.String, { depth }),
        "fromSchema: options.depth is not an integer from 0 to 50"
      )
    }
  })

  it("takes the _id that an insert makes", () => {
    const { lost, validator } = MongoValidator.fromSchema(Schema.Struct({ _id: Schema.optionalKey(Schema.String) }))
    assert.deepStrictEqual(validator["$jsonSchema"].properties._id, { bsonType: ["string", "objectId"] })
    assert.deepStrictEqual(lost.map(({ path, what }) => [path, what]), [["_id", "no ObjectId"]])
  })

  it("asks a record for what its values and the number of its fields must be, unless documents have others", () => {
    const counted = Schema.Record(Schema.String, Schema.Boolean).check(Schema.isMaxProperties(2))
    assert.deepStrictEqual(of(counted).a, {
      bsonType: "object",
      additionalProperties: { bsonType: "bool" },
      maxProperties: 2
    })
    const { lost, validator } = MongoValidator.fromSchema(counted)
    assert.deepStrictEqual(validator["$jsonSchema"], {
      bsonType: "object",
      properties: { _id: {} },
      additionalProperties: { bsonType: "bool" }
    })
    assert.deepStrictEqual(lost.map(({ path }) => path), ["", "_id"])
    const named = Schema.Record(Schema.String.check(Schema.isPattern(/^[ab]$/)), Schema.Boolean)
    assert.deepStrictEqual(of(named).a, { bsonType: "object", patternProperties: { "^[ab]\\z": { bsonType: "bool" } } })
  })

  it("asks for the values of keys with a pattern, unless other fields have such names", () => {
    const lower = Schema.String.check(Schema.isPattern(/^[a-z_]/))
    const ofKeys = (key: typeof lower) => of(Schema.Record(key, Schema.Boolean))
    assert.deepStrictEqual(ofKeys(lower).a.patternProperties, { "^[_a-z]": { bsonType: "bool" } })
    assert.deepStrictEqual(ofKeys(lower).lost, [])
    const long = ofKeys(Schema.String.check(Schema.isPattern(/^(ab)+$/)))
    assert.deepStrictEqual(long.a.patternProperties, { "^(?:ab)+\\z": { bsonType: "bool" } })
    assert.deepStrictEqual(long.lost.map(({ what }) => what), ["values of keys of 128 characters and more"])
    const lostKeys = (schema: Schema.Constraint) =>
      MongoValidator.fromSchema(schema).lost.filter(({ path }) => /(^|\.)\*$/.test(path)).map(({ why }) => why)
    const named = Schema.StructWithRest(Schema.Struct({ b: Schema.String }), [Schema.Record(lower, Schema.Unknown)])
    assert.deepStrictEqual(lostKeys(Schema.Struct({ a: named })), ["the schema has other fields with such names"])
    // An insert adds an _id to a document.
    assert.deepStrictEqual(lostKeys(Schema.Record(lower, Schema.Boolean)), [
      "the schema has other fields with such names"
    ])
    const behind = Schema.String.check(Schema.isPattern(/(?<=a)b/))
    assert.deepStrictEqual(ofKeys(behind).lost.map(({ why }) => why), ["the server has no such pattern"])
    const several = lower.check(Schema.isPattern(/z$/))
    assert.deepStrictEqual(ofKeys(several).lost.map(({ what }) => what), ["values of keys with several checks"])
  })

  it("leaves paths open that it is told of", () => {
    const { lost, validator } = MongoValidator.fromSchema(
      Schema.Struct({ ssn: Schema.String, name: Schema.String }),
      { open: ["ssn"] }
    )
    assert.deepStrictEqual(validator["$jsonSchema"].properties, { name: { bsonType: "string" } })
    assert.deepStrictEqual(lost.map(({ path }) => path), ["ssn"])
  })

  it("takes what inserts of a model store", () => {
    class Same extends Model.Class<Same>("Same")({
      _id: MongoModel.ObjectIdGenerated,
      createdAt: Model.DateTimeInsertFromDate
    }) {}
    assert.deepStrictEqual(MongoValidator.fromSchema(Same).lost, [])
    class Deleted extends Model.Class<Deleted>("Deleted")({ name: Schema.String, deletedAt: MongoModel.DeletedAt }) {}
    const soft = MongoValidator.fromSchema(Deleted)
    assert.deepStrictEqual(soft.validator["$jsonSchema"], {
      bsonType: "object",
      properties: { name: { bsonType: "string" }, deletedAt: { bsonType: ["date", "null"] } },
      required: ["name"]
    })
    assert.deepStrictEqual(soft.lost, [])
    const Later = Model.Field({ select: Schema.String, insert: Schema.optionalKey(Schema.String) })
    class Filled extends Model.Class<Filled>("Filled")({ later: Later }) {}
    const filled = MongoValidator.fromSchema(Filled)
    assert.deepStrictEqual(filled.validator["$jsonSchema"].anyOf.map(({ required }: Driver.Document) => required), [
      ["later"],
      undefined
    ])
    assert.deepStrictEqual(filled.lost.map(({ what }) => what), ["what only the variant for inserts stores"])
    class Generated extends Model.Class<Generated>("Generated")({ n: Model.GeneratedByDb(Schema.String) }) {}
    const { lost, validator } = MongoValidator.fromSchema(Generated)
    assert.strictEqual(validator["$jsonSchema"].anyOf.length, 2)
    assert.deepStrictEqual(lost.map(({ what }) => what), ["what only the variant for inserts stores"])
  })

  it("reports what it cannot say", () => {
    const cases: ReadonlyArray<readonly [Schema.Constraint, ReadonlyArray<string>]> = [
      [Schema.String, []],
      [Schema.String.pipe(Schema.brand("Name")), []],
      [Schema.NumberFromString, []],
      [Schema.OptionFromNullOr(Schema.String), []],
      [Schema.DateTimeUtcFromDate, []],
      [Bson.UUID, []],
      [Bson.Bytes, ["bytes of subtype 0 only"]],
      [Schema.FiniteFromString, ["a finite number"]],
      [Schema.DateFromString, ["what the transformation refuses"]],
      [Schema.String.check(Schema.makeFilter((s) => s !== "x", { expected: "not x" })), ["not x"]],
      [Schema.String.check(Schema.isMaxLength(3)), ["a value with a length of at most 3"]],
      [Schema.String.check(Schema.isMaxCodePoints(3)), []],
      [Schema.UniqueArray(Schema.String), []],
      [Schema.UniqueArray(Schema.Number), ["an array with unique items"]],
      [Schema.Struct({ "b.c": Schema.String }), ["the field"]],
      [Schema.TemplateLiteral(["a", Schema.String]), ["the parts of the text"]],
      [Schema.String.check(Schema.isStartingWith("\ud83d")), ["a string starting with \"\\ud83d\""]],
      [
        Schema.StructWithRest(Schema.Struct({ "b.c": Schema.NumberFromString }), [
          Schema.Record(Schema.String, Schema.Number)
        ]),
        ["the field", "what the schema asks of every field"]
      ]
    ]
    for (const [schema, what] of cases) assert.deepStrictEqual(lostOf(schema), what)
  })
})

describe("a regular expression", () => {
  it("is refused in words where the server means something else", () => {
    const patterns = [
      /^.{1,2}$/,
      /^.$/,
      /[^a].b/,
      /^(a)\1$/,
      /(?<=a)b/,
      /^a$/m,
      /é/i,
      /^\P{L}$/u,
      /[^\p{L}]/u,
      /(?!\p{L})/u,
      /\p{Script=Greek}/u,
      /\bk/iu,
      /\W/iu,
      /😀?/,
      /(?:(?=a)a)*/,
      /a*b*c*a*b*c*/,
      /(?:ab){60000}/
    ]
    for (const pattern of patterns) assert.property(toServer(pattern.source, pattern.flags), "why", String(pattern))
    assert.property(toServer("[\\p{L}--a]", "v"), "why")
  })

  it("has a length from which the server gives up", () => {
    const limitOf = (pattern: RegExp) => (toServer(pattern.source, pattern.flags) as { readonly limit?: number }).limit
    assert.isUndefined(limitOf(/^[a-z]+$/))
    assert.isUndefined(limitOf(/^(?:a|b)c?$/))
    assert.strictEqual(limitOf(/^(?:a|b)*$/), 128)
    assert.strictEqual(limitOf(/a+$/), 20_000)
    assert.strictEqual(limitOf(/^a*b*$/), 256)
  })
})
