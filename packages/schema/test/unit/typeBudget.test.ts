import { assert, it } from "@effect/vitest"
import { compile, costOf, costOfFile, fixture } from "../support/compiler.ts"

const imports = `import { Bson, Filter, TypedCollection, Update } from "@mongofx/schema"
import { Schema } from "effect"
import { ObjectId } from "mongodb"
`

/** The cost of the uses of a schema, without the schema itself. */
const costs = (schemas: string, uses: string) => costOf(`${imports}${schemas}${uses}`) - costOf(`${imports}${schemas}`)

it("a schema of 60 fields, five levels deep, costs the compiler little", () => {
  const instantiations = costOfFile(fixture("use.ts")) - costOfFile(fixture("schema.ts"))
  assert.isAbove(instantiations, 1000, "the fixture is not measured")
  assert.isBelow(instantiations, 20_000)
}, 120_000)

// A schema that refers to itself in several fields: its paths have no end, and each name multiplies their number.
for (const references of [4, 8]) {
  it(`a schema with ${references} references to itself costs the compiler little`, () => {
    const fields = Array.from(
      { length: references },
      (_, i) => `readonly r${i}: ${i % 2 === 0 ? "ReadonlyArray<Node>" : "Node | null"}`
    )
    const instantiations = costs(
      `interface Node { readonly name: string; ${fields.join("; ")} }
declare const Node: Schema.Codec<Node>
declare const nodes: TypedCollection.TypedCollection<typeof Node>
`,
      `export const found = nodes.find({ "r0.name": "x", "r1.r0.r1.r3.r2.name": "y" }).sort({ "r1.name": 1 })
export const projected = nodes.find().project({ "r1.r1.name": 1 })
export const updated = nodes.updateOne({}, { $set: { "r0.0.name": "x", "r1.r1.r1.r1.r1.name": "y" } })
`
    )
    assert.isAbove(instantiations, 500, "the fixture is not measured")
    assert.isBelow(instantiations, 20_000)
  }, 120_000)
}

it("a schema of 20 fields of which 8 are structs, four levels deep, costs the compiler little", () => {
  const struct = (depth: number): string =>
    depth === 0
      ? "Schema.String"
      : `Schema.Struct({ ${
        Array.from({ length: 20 }, (_, i) => `k${i}: ${i < 8 ? struct(depth - 1) : "Schema.Number"}`).join(", ")
      } })`
  const path = `"k0.k0.k0.k19"`
  const instantiations = costs(
    `const Wide = ${struct(4)}
declare const wide: TypedCollection.TypedCollection<typeof Wide>
`,
    `export const found = wide.find({ ${path}: 1 }).sort({ ${path}: 1 })
export const projected = wide.find().project({ ${path}: 1 })
export const updated = wide.updateOne({}, { $set: { ${path}: 1 } })
`
  )
  assert.isAbove(instantiations, 10_000, "the fixture is not measured")
  assert.isBelow(instantiations, 200_000)
}, 120_000)

const kinds = {
  Name: "Schema.String",
  Count: "Schema.Number",
  Flag: "Schema.Boolean",
  At: "Bson.Date",
  Ref: "Bson.ObjectId",
  Tags: "Schema.Array(Schema.String)",
  Note: "Schema.NullOr(Schema.String)",
  Big: "Bson.Int64",
  Kind: `Schema.Literals(["a", "b", "c"])`,
  Opt: "Schema.optionalKey(Schema.String)",
  Addr:
    "Schema.Struct({ city: Schema.String, zip: Schema.String, geo: Schema.Struct({ lat: Schema.Number, lng: Schema.Number }) })",
  Items:
    "Schema.Array(Schema.Struct({ sku: Schema.String, qty: Schema.Int, price: Bson.Double, tags: Schema.Array(Schema.String) }))",
  Stats: "Schema.Record(Schema.String, Schema.Number)"
}

/** Collections of 15 to 40 fields, each with its own names. */
const collections = Array.from({ length: 25 }, (_, c) => {
  const names = Object.keys(kinds) as Array<keyof typeof kinds>
  const fields = Array.from({ length: 15 + (c * 7) % 26 }, (_, i) => ({ name: `f${i}`, kind: names[(i + c) % 13]! }))
  const of = (kind: keyof typeof kinds) => {
    const field = fields.find((field) => field.kind === kind)!
    return field.name + field.kind
  }
  const schema = `const C${c} = Schema.Struct({ _id: Bson.ObjectId, ${
    fields.map(({ kind, name }) => `${name}${kind}: ${kinds[kind]}`).join(", ")
  } })
declare const c${c}: TypedCollection.TypedCollection<typeof C${c}>
`
  return { c, of, schema }
})
const schemas = collections.map(({ schema }) => schema).join("")

it("25 collections of 15 to 40 fields with 200 operations cost the compiler less than 300,000 instantiations", () => {
  const uses = collections.flatMap(({ c, of }) =>
    [
      `find({ ${of("Name")}: "x", ${of("Count")}: { $gt: 1, $lte: 5 }, ${of("Kind")}: { $in: ["a", "b"] } }).sort({ ${
        of("At")
      }: -1 })`,
      `findOne({ ${of("Ref")}: new ObjectId(), "${of("Addr")}.geo.lat": { $gte: 1 } })`,
      `updateOne({ ${of("Name")}: "x" }, { $set: { ${of("Count")}: 2, ${of("Note")}: null, "${
        of("Addr")
      }.city": "y" }, $inc: { "${of("Stats")}.visits": 1 }, $push: { ${of("Tags")}: "t" } })`,
      `updateMany({ ${of("Flag")}: true, "${of("Items")}.sku": "x" }, { $set: { "${of("Items")}.$[].qty": 3 } })`,
      `find({ $or: [{ ${of("Name")}: /x/i }, { ${of("Opt")}: { $exists: false } }, { "${
        of("Items")
      }.price": { $lt: 5 } }] }).project({ ${of("Name")}: 1, "${of("Addr")}.city": 1, "${of("Items")}.sku": 1 })`,
      `countDocuments({ ${of("Tags")}: "a", ${of("At")}: { $gte: new Date() } })`,
      `findOneAndUpdate({ _id: new ObjectId() }, { $addToSet: { ${of("Tags")}: "z" }, $unset: { ${
        of("Opt")
      }: "" } }, { returnDocument: "after" })`,
      `deleteMany({ ${of("Kind")}: "c", ${of("Big")}: { $lt: 5n } })`
    ].map((use, i) => `export const o${c}_${i} = c${c}.${use}\n`)
  )
  const instantiations = costs(schemas, uses.join(""))
  assert.isAbove(instantiations, 100_000, "the fixture is not measured")
  assert.isBelow(instantiations, 300_000)
}, 120_000)

it("filters and updates that are made for 25 collections cost the compiler little", () => {
  const uses = collections.map(({ c, of }) =>
    `export const f${c} = Filter.make<typeof C${c}.Type>()({ ${of("Name")}: "x", "${of("Addr")}.geo.lat": 1 })
export const u${c} = Update.make<typeof C${c}.Type>()({ $set: { ${of("Name")}: "x", "${of("Addr")}.geo.lat": 1 } })
export const o${c} = c${c}.updateOne(Filter.and(f${c}, Filter.not(f${c})), u${c})
`
  )
  const instantiations = costs(schemas, uses.join(""))
  assert.isAbove(instantiations, 50_000, "the fixture is not measured")
  assert.isBelow(instantiations, 200_000)
}, 120_000)

it("repositories of 25 models of 15 to 40 fields cost the compiler little", () => {
  // The variants of the models are not counted: whoever uses a model pays for them.
  const models = collections.map(({ c }) =>
    `class M${c} extends Model.Class<M${c}>("M${c}")({
  ...C${c}.fields, version: MongoModel.Version, deletedAt: MongoModel.DeletedAt, ...MongoModel.Timestamps
}) {}
declare const m${c}: TypedCollection.TypedCollection<typeof M${c}>
declare const d${c}: M${c}
export const i${c} = m${c}.insertOne(d${c} as never)
export declare const u${c}: keyof (typeof M${c}.update)["~type.make.in"]
export const v${c}: string = u${c}
`
  )
  const uses = collections.map(({ c, of }) =>
    `const r${c} = MongoModel.makeRepository(m${c}, {
  version: "version",
  softDelete: "deletedAt",
  beforeUpdate: ({ fields }) => fields.${of("Name")} === "" ? Effect.fail("empty" as const) : Effect.void,
  afterInsert: (document) => Effect.log(document.${of("Name")})
})
export const o${c} = [
  r${c}.insert(d${c} as never),
  r${c}.update({ ...d${c}, ${of("Name")}: "x" }),
  r${c}.patch(d${c}._id, { ${of("Count")}: 1, ${of("Tags")}: ["a"] }, { expected: 1 }),
  r${c}.find({ ${of("Name")}: "x" }).sort({ ${of("At")}: 1 }),
  r${c}.restore(d${c}._id)
]
`
  )
  const instantiations = costs(
    `import { MongoModel } from "@mongofx/schema"
import { Effect } from "effect"
import { Model } from "effect/schema"
${schemas}${models.join("")}`,
    uses.join("")
  )
  assert.isAbove(instantiations, 50_000, "the fixture is not measured")
  assert.isBelow(instantiations, 350_000)
}, 120_000)

it("pages of 25 collections cost the compiler little", () => {
  const program = (read: (query: string) => string) =>
    `${imports}import { Pagination } from "@mongofx/schema"\n${schemas}` +
    collections.map(({ c, of }) =>
      `export const p${c} = ${read(`c${c}.find({ ${of("Name")}: "x" }).sort({ ${of("At")}: -1 })`)}\n`
    ).join("")
  const instantiations = costOf(program((query) => `Pagination.page(${query}, { first: 10, total: true })`)) -
    costOf(program((query) => query))
  assert.isAbove(instantiations, 500, "the fixture is not measured")
  assert.isBelow(instantiations, 6000)
}, 120_000)

it("a pipeline of 12 different stages over 40 fields costs the compiler less than 40,000 instantiations", () => {
  const instantiations = costOfFile(fixture("pipelineUse.ts")) - costOfFile(fixture("pipelineSchema.ts"))
  assert.isAbove(instantiations, 10_000, "the fixture is not measured")
  assert.isBelow(instantiations, 40_000)
}, 120_000)

const pipelines = `import { Acc, customers, Expr, orders, Pipeline } from "../../typetest/budget/pipelineSchema.ts"
`

it("a chain of 30 stages compiles, each of which adds a field", () => {
  const set = (i: number) => `Pipeline.set(($) => ({ x${i}: Expr.add($.n1, $.${i === 0 ? "n2" : `x${i - 1}`}) }))`
  const part = (from: number) => Array.from({ length: 15 }, (_, i) => set(from + i)).join(", ")
  const instantiations = costOf(
    `${pipelines}export const long = orders.pipe(${part(0)}).pipe(${part(15)})
export const typed: Pipeline.Pipeline<{ readonly x29: number; readonly s1: string }> = long
`
  ) - costOf(`${pipelines}export const long = orders`)
  assert.isAbove(instantiations, 10_000, "the fixture is not measured")
  assert.isBelow(instantiations, 120_000)
}, 120_000)

it("the compiler's message for a wrong stage names the field", () => {
  const wrong: ReadonlyArray<readonly [stages: string, ...words: ReadonlyArray<string>]> = [
    [`Pipeline.match({ status: "lost" })`, `"lost"`, `"open"`],
    [`Pipeline.match({ staatus: "open" })`, "NoSuchPath", `"staatus"`],
    [`Pipeline.select(($) => ({ x: $.customr }))`, "'customr'"],
    [`Pipeline.select(($) => ({ x: $.lines.skew }))`, "'skew'"],
    [`Pipeline.unwind("status")`, "UnwindNeedsArray", `"status"`],
    [`Pipeline.unset("lines.skew")`, "NoSuchPath", `"lines.skew"`],
    [`Pipeline.limit(1), Pipeline.unset("s1"), Pipeline.select(($) => ({ x: $.s1 }))`, "'s1'"],
    [
      `Pipeline.lookup({ from: customers, localField: "customer", foreignField: "name", as: "x" })`,
      "NeverEqual",
      `"customer"`,
      `"name"`
    ],
    [`Pipeline.group(() => null, ($) => ({ x: Acc.sum($.s1) }))`, "string", "Numeric"],
    [`Pipeline.select(($) => ({ x: Expr.add($.i1, $.n1) }))`, "bigint", "number"]
  ]
  // One program for all: each stands in a line of its own.
  const { errors } = compile(
    pipelines + wrong.map(([stages], i) => `export const wrong${i} = orders.pipe(${stages})\n`).join("")
  )
  for (const [i, [stages, ...words]] of wrong.entries()) {
    const message = errors.filter(({ line }) => line === i + 2).map(({ message, reasons }) => message + reasons).join(
      "\n"
    )
    for (const word of words) assert.include(message, word, stages)
    // Apart from the type of the document, which editors cut.
    assert.isBelow(message.length, 2000, `${stages}: ${message}`)
  }
}, 120_000)

it("25 collections of 15 to 40 fields with resolvers and references cost the compiler little", () => {
  const uses = collections.flatMap(({ c, of }) => {
    const next = (c + 1) % collections.length
    const { of: ofNext } = collections[next]!
    return [
      `export const byId${c} = MongoResolver.request(new ObjectId(), MongoResolver.findById(c${c}))`,
      `export const perhaps${c} = MongoResolver.request(MongoResolver.findByIdOption(c${c}))`,
      `export const groups${c} = MongoResolver.request("t", MongoResolver.grouped(c${c}, "${of("Tags")}", { sort: { ${
        of("At")
      }: 1 } }))`,
      `export const all${c} = MongoResolver.request(new ObjectId(), MongoResolver.makeResolvers(c${c}).delete)`,
      `export const joined${c} = MongoResolver.withRefs(c${c}.find({ ${of("Name")}: "x" }), { ${
        of("Ref")
      }: MongoResolver.ref(c${next}, { missing: "fail", refs: { ${ofNext("Ref")}: c${c} } }) })`,
      `export const names${c} = Effect.map(joined${c}, ([one]) => one!.${of("Ref")}.${ofNext("Name")}.toUpperCase())`
    ]
  })
  const instantiations = costs(
    schemas,
    `import { MongoResolver } from "@mongofx/schema"\nimport { Effect } from "effect"\n${uses.join("\n")}\n`
  )
  assert.isAbove(instantiations, 10_000, "the fixture is not measured")
  assert.isBelow(instantiations, 160_000)
}, 120_000)

it("declared indexes on a schema of 40 fields cost the compiler little", () => {
  const fields = Array.from({ length: 40 }, (_, i) => `k${i}: ${Object.values(kinds)[i % Object.keys(kinds).length]}`)
  const uses = (indexes: string) =>
    costs(
      `const Wide = Schema.Struct({ _id: Bson.ObjectId, ${fields.join(", ")} })
`,
      `class Wides extends TypedCollection.Service<Wides>()("app/Wides", { name: "wides", schema: Wide${indexes} }) {}
export const wides = Wides.layer
`
    )
  const bare = uses("")
  const declared = uses(`, indexes: [
  { key: { k0: 1, k1: -1 }, unique: true, partialFilterExpression: { k9: null, k1: { $gt: 1 } } },
  { key: { "k10.geo.lat": 1, "k11.sku": 1 }, name: "deep" },
  { key: { k3: 1 }, expireAfterSeconds: 60 },
  { key: { k0: "text", k6: "text" }, weights: { k0: 2 } }
]`)
  assert.isAbove(declared - bare, 500, "the fixture is not measured")
  assert.isBelow(declared - bare, 10_000)
}, 120_000)
