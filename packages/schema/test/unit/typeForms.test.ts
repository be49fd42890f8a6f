import { assert, it } from "@effect/vitest"
import { compile } from "../support/compiler.ts"

// Each form that the compiler takes stands beside one that it refuses, with its message. A person reads this text: it has
// to name the field and the reason.

const program = `import { Bson, Filter, TypedCollection, Path, Projection, TypedQuery, Update } from "@mongofx/schema"
import { Schema } from "effect"
import { ObjectId } from "mongodb"

class User extends Schema.Class<User>("User")({
  _id: Bson.ObjectId,
  name: Schema.String,
  nick: Schema.optionalKey(Schema.String),
  age: Schema.Int,
  born: Bson.Date,
  views: Bson.Int64,
  status: Schema.Literals(["on", "off"]),
  tags: Schema.Array(Schema.String),
  grid: Schema.Array(Schema.Array(Schema.Number)),
  years: Schema.Record(Schema.String, Schema.Number),
  address: Schema.Struct({ city: Schema.String, geo: Schema.Struct({ lat: Schema.Number, lon: Schema.Number }) }),
  items: Schema.Array(Schema.Struct({ sku: Schema.String, qty: Schema.Int }))
}) {}
const users = null! as TypedCollection.TypedCollection<typeof User>
class Plain extends Schema.Class<Plain>("Plain")({ _id: Bson.ObjectId, name: Schema.String }) {}
const plain = null! as TypedCollection.TypedCollection<typeof Plain>
const Circle = Schema.Struct({ kind: Schema.Literal("circle"), radius: Schema.Number })
const Square = Schema.Struct({ kind: Schema.Literal("square"), side: Schema.Number })
const Shape = Schema.Union([Circle, Square])
const shapes = null! as TypedCollection.TypedCollection<typeof Shape>
class Holder extends Schema.Class<Holder>("Holder")({ shape: Schema.NullOr(Shape), shapes: Schema.Array(Shape) }) {}
const holders = null! as TypedCollection.TypedCollection<typeof Holder>
const Keyed = Schema.Struct({ _id: Schema.Struct({ a: Schema.Int }), n: Schema.Int })
const keyed = null! as TypedCollection.TypedCollection<typeof Keyed>
const Price = Schema.Struct({ price: Bson.BigDecimal })
const prices = null! as TypedCollection.TypedCollection<typeof Price>
const money = null! as typeof Price.Type.price
interface Versioned { readonly _id: ObjectId; readonly version: number; readonly at: Date }
const id = new ObjectId()
const i = 3 as number
const stored = null! as Filter.Filter<User>
const others = null! as Filter.Filter<{ readonly total: number }>
type Generic = <S extends Schema.Constraint & { readonly Type: Versioned }>(
  c: TypedCollection.TypedCollection<S>, f: Filter.Filter<S["Type"]>, key: Path.IdOf<S["Type"]>
) => unknown
`

/** A form that is accepted, or one that is refused, with the message of the compiler. */
const forms: ReadonlyArray<readonly [title: string, accepted: string, refused?: string, message?: string]> = [
  [
    "a condition on elements",
    `users.find({ items: { $elemMatch: { sku: "x", qty: { $gt: 1 } } } })`,
    `users.find({ items: { $elemMatch: { _id: id } } })`
  ],
  [
    "an operator of a partial index",
    `users.createIndex({ name: 1 }, { partialFilterExpression: { name: { $in: ["x"] }, $or: [{ age: { $type: "int" } }] } })`,
    `users.createIndex({ name: 1 }, { partialFilterExpression: { name: { $ne: "x" } } })`,
    `Object literal may only specify known properties, and '$ne' does not exist in type 'PartialOperators<string> | Unsafe'.`
  ],
  [
    "a value for a path",
    `users.find(Filter.eq<User, "address.city">("address.city", "x"))`,
    `users.find(Filter.eq<User, "name">("name", 3))`,
    `Argument of type 'number' is not assignable to parameter of type 'string'.`
  ],
  [
    "joined filters",
    `users.find(Filter.and(stored, Filter.not(Filter.make<{ readonly name: string }>()({ name: "x" }))))`,
    `users.find(Filter.or(stored, others))`
  ],
  [
    "an amount of money",
    `prices.updateOne({ price: { $gt: money } }, { $inc: { price: money }, $mul: { price: money } })`,
    `prices.updateOne({}, { $inc: { price: 1 } })`,
    `Type 'number' is not assignable to type 'BigDecimal'.`
  ],
  [
    "bits",
    `users.updateOne({}, { $bit: { age: { and: 1 } } })`,
    `prices.updateOne({}, { $bit: { price: { and: money } } })`
  ],
  [
    "a computed path in $or",
    "users.find({ $or: [{ [`items.${i}.qty`]: 3, name: \"x\" }] })",
    "users.find({ $or: [{ [`items.${i}.qty`]: 3, name: 3 }] })",
    `Type 'number' is not assignable to type 'Condition<string>'.`
  ],
  [
    "an index on all of a field",
    `users.createIndex({ "years.$**": 1, "address.geo.$**": 1 })`,
    `users.createIndex({ "yeas.$**": 1 })`,
    `Type 'number' is not assignable to type 'NoSuchPath<"yeas.$**", "years">'.`
  ],
  [
    "an index on all of a path",
    `users.createIndex({ "items.$**": 1 })`,
    `users.createIndex({ "address.go.$**": 1 })`,
    `Type 'number' is not assignable to type 'NoSuchPath<"address.go.$**", "address.city" | "address.geo">'.`
  ],
  [
    "the type of a key on insert",
    `users.updateOne({}, { $setOnInsert: { _id: id } })`,
    `users.updateOne({}, { $setOnInsert: { _id: "x" } })`,
    `Type 'string' is not assignable to type 'ObjectId'.`
  ],
  [
    "the inside of a key",
    `keyed.find({ "_id.a": 1 })`,
    `keyed.updateOne({}, { $set: { "_id.a": 1 } })`,
    `Type 'number' is not assignable to type 'IsTheKey<"_id.a">'.`
  ],
  [
    "operations of a bulk write",
    `users.bulkWrite([{ updateOne: { filter: { name: "x" }, update: { $inc: { age: 1 } } } }])`,
    `users.bulkWrite([{ updateOne: { filter: { name: "x" }, update: { $inc: { name: 1 } } } }])`
  ],
  [
    "a variable",
    `((): Filter.Filter<User> => ({ name: "x", "address.city": { $in: ["x"] }, $or: [{ age: 1 }] }))()`,
    `((): Filter.Filter<User> => ({ "address.city": 3 }))()`,
    `Type 'number' is not assignable to type 'Condition<string> | undefined'.`
  ],
  [
    "a variable that is an update",
    `((): Update.Update<User> => ({ $set: { name: "x", "items.$.qty": 1 }, $push: { tags: "x" } }))()`,
    `((): Update.Update<User> => ({ $set: { "items.$.qty": "x" } }))()`
  ],
  [
    "the key on insert in a variable, of a schema without one",
    `((): Update.Update<{ readonly n: number }> => ({ $inc: { n: 1 }, $setOnInsert: { _id: id } }))()`,
    `((): Update.Update<{ readonly n: number }> => ({ $set: { _id: id } }))()`
  ],
  [
    "a name in a variable",
    `((): Filter.Filter<User> => ({ "items.sku": "x" }))()`,
    `((): Filter.Filter<User> => ({ "items.skuu": "x" }))()`,
    `Object literal may only specify known properties, and '"items.skuu"' does not exist in type 'Filter<User>'.`
  ],
  [
    "a name in a variable that is an update",
    `((): Update.Update<User> => ({ $unset: { nick: true } }))()`,
    `((): Update.Update<User> => ({ $unset: { nik: true } }))()`,
    `Object literal may only specify known properties, but 'nik' does not exist in type 'FieldsOf<User, "$unset">'. Did you mean to write 'nick'?`
  ],
  [
    "options of an update",
    `((): TypedCollection.UpdateOptions<User> => ({ sort: { age: 1 }, hint: "x", upsert: true }))()`,
    `((): TypedCollection.UpdateOptions<User> => ({ sort: { ag: 1 } }))()`,
    `Object literal may only specify known properties, and 'ag' does not exist in type 'Sort<User>'.`
  ],
  [
    "options of a query",
    `((): TypedCollection.FindOneOptions<User> => ({ sort: { age: 1 } }))()`,
    `((): TypedCollection.DeleteOptions<User> => ({ sort: { age: 1 } }))()`,
    `Object literal may only specify known properties, and 'sort' does not exist in type 'DeleteOptions<User>'.`
  ],
  // ---- names
  [
    "a name",
    `users.find({ name: "x" })`,
    `users.find({ nmae: "x" })`,
    `Type 'string' is not assignable to type 'NoSuchPath<"nmae", "name" | "nick">'.`
  ],
  [
    "a second name",
    `users.find({ "address.city": "x" })`,
    `users.find({ "address.cty": "x" })`,
    `Type 'string' is not assignable to type 'NoSuchPath<"address.cty", "address.city" | "address.geo">'.`
  ],
  [
    "a third name",
    `users.find({ "address.geo.lat": 1 })`,
    `users.find({ "address.geo.lt": 1 })`,
    `Type 'number' is not assignable to type 'NoSuchPath<"address.geo.lt", "address.geo.lat" | "address.geo.lon">'.`
  ],
  [
    "a name in $or",
    `users.find({ $or: [{ name: "x" }, { $and: [{ "address.city": "x" }] }] })`,
    `users.find({ $or: [{ name: "x" }, { $and: [{ "address.cty": "x" }] }] })`,
    `Type 'string' is not assignable to type 'NoSuchPath<"address.cty", "address.city" | "address.geo">'.`
  ],
  [
    "a name of digits",
    `users.find({ "years.2024": 1 })`,
    `users.find({ "years.2024": "x" })`,
    `Type 'string' is not assignable to type 'Condition<number | undefined> | undefined'.`
  ],
  [
    "an array in an array",
    `users.find({ "grid.0.1": 1 })`,
    `users.find({ "grid.0.x": 1 })`,
    `Type 'number' is not assignable to type 'NoSuchPath<"grid.0.x", "grid.0.0">'.`
  ],
  [
    "the inside of a filter",
    `users.find(Filter.unsafe({ document: 3 }))`,
    `users.find({ name: "x", document: 3 })`,
    `Type 'number' is not assignable to type 'NoSuchPath<"document", never>'.`
  ],
  [
    "a computed path",
    "users.find({ [`items.${i}.qty`]: 3, name: \"x\" })",
    "users.find({ [`items.${i}.qty`]: 3, name: 3 })",
    `Type 'number' is not assignable to type 'Condition<string> | undefined'.`
  ],
  [
    "a computed path that is checked",
    "users.find(Filter.at<User>()(`items.${i}.qty`, 3))",
    "users.find(Filter.at<User>()(`items.${i}.qty`, \"x\"))",
    `Argument of type 'string' is not assignable to parameter of type 'Condition<number>'.`
  ],
  [
    "a computed value",
    `users.find({ [String(i)]: 3 })`,
    `users.find({ name: "x", [String(i)]: undefined })`,
    `Argument of type '{ [x: string]: string | undefined; name: string; }' is not assignable to parameter of type 'Input<User, { [x: string]: string | undefined; name: string; }, Key<User>>'.`
  ],
  [
    "a filter of the collection",
    `users.find(stored)`,
    `users.find(others)`,
    `Argument of type 'Filter<{ readonly total: number; }>' is not assignable to parameter of type 'Checked<User> | undefined'.`
  ],
  [
    "a filter that is extended",
    `users.find({ ...stored, age: 3 })`,
    `users.find({ ...stored, age: "x" })`,
    `Type 'string' is not assignable to type 'Condition<number> | undefined'.`
  ],
  [
    "an object, not an array",
    `users.find({})`,
    `users.find([])`,
    `Argument of type 'never[]' is not assignable to parameter of type 'Input<User, never[], Key<User>>'.`
  ],
  // ---- operators
  [
    "$regex on text",
    `users.find({ name: { $regex: "x" } })`,
    `users.find({ age: { $regex: "x" } })`,
    `Type 'string' is not assignable to type 'NeedsText<number>'.`
  ],
  [
    "$elemMatch on an array",
    `users.find({ items: { $elemMatch: { sku: "x" } } })`,
    `users.find({ born: { $elemMatch: { $gt: 3 } } })`,
    `Object literal may only specify known properties, and '$gt' does not exist in type 'NeedsArray<Date>'.`
  ],
  [
    "$size of an array",
    `users.find({ tags: { $size: 1 } })`,
    `users.find({ name: { $size: 1 } })`,
    `Type 'number' is not assignable to type 'NeedsArray<string>'.`
  ],
  [
    "$mod of a number",
    `users.find({ age: { $mod: [2, 0] } })`,
    `users.find({ name: { $mod: [2, 0] } })`,
    `Property '"~needs a number"' is missing in type 'number[]' but required in type 'NeedsNumber<string>'.`
  ],
  [
    "text that a person typed",
    `users.find({ name: Filter.contains("x"), tags: { $in: [Filter.startsWith("x")] } })`,
    `users.find({ age: Filter.contains("x") })`,
    `Type 'RegExp' is not assignable to type 'Condition<number> | undefined'.`
  ],
  [
    "an operator of the whole document",
    `users.find({ $comment: "x" })`,
    `users.find({ $where: "x" })`,
    `Type 'string' is not assignable to type 'NoSuchOperator<"$where">'.`
  ],
  // ---- unions
  [
    "a tag",
    `shapes.find({ kind: "square", side: 1 })`,
    `shapes.find({ kind: "square", radius: 1 })`,
    `Type 'number' is not assignable to type 'NotWithThisTag<"radius"> | Condition<never> | undefined'.`
  ],
  [
    "a tag in $or",
    `shapes.find({ $or: [{ kind: "square", side: 1 }, { kind: "circle", radius: 1 }] })`,
    `shapes.find({ $or: [{ kind: "square", radius: 1 }] })`,
    `Type 'number' is not assignable to type 'NotWithThisTag<"radius">'.`
  ],
  ["a tag that is one of several", `shapes.find({ kind: null! as "circle" | "square", radius: 1 })`],
  ["a tag that is any text", `shapes.find({ kind: { $in: ["square", "circle"] }, radius: 1 })`],
  [
    "a tag below a path",
    `holders.find({ "shape.kind": "square", "shape.side": 1 })`,
    `holders.find({ "shape.kind": "square", "shape.radius": 1 })`,
    `Type 'number' is not assignable to type 'NotWithThisTag<"shape.radius">'.`
  ],
  [
    "tags in an array, which may be those of different elements",
    `holders.find({ "shapes.kind": "square", "shapes.radius": 1 })`
  ],
  ["a field of some members", `shapes.find({ radius: 1 })`],
  // ---- updates
  [
    "$inc of a number",
    `users.updateOne({}, { $inc: { age: 1, views: 1n } })`,
    `users.updateOne({}, { $inc: { name: 1 } })`,
    `Type 'number' is not assignable to type 'NeedsNumber<string>'.`
  ],
  [
    "$inc of text",
    `plain.updateOne({}, { $set: { name: "x" } })`,
    `plain.updateOne({}, { $inc: { name: 1 } })`,
    `Type 'number' is not assignable to type 'NeedsNumber<string>'.`
  ],
  [
    "$mul of a name",
    `users.updateOne({}, { $mul: { age: 2 } })`,
    `plain.updateOne({}, { $mul: { nope: 2 } })`,
    `Type 'number' is not assignable to type 'NoSuchPath<"nope", "name">'.`
  ],
  [
    "$push to an array",
    `users.updateOne({}, { $push: { tags: "x" } })`,
    `plain.updateOne({}, { $push: { name: "x" } })`,
    `Type 'string' is not assignable to type 'NeedsArray<string>'.`
  ],
  [
    "$pull from an array",
    `users.updateOne({}, { $pull: { items: { sku: "x" } } })`,
    `plain.updateOne({}, { $pull: { name: "x" } })`,
    `Type 'string' is not assignable to type 'NeedsArray<string>'.`
  ],
  [
    "$addToSet",
    `users.updateOne({}, { $addToSet: { tags: { $each: ["x"] } } })`,
    `plain.updateOne({}, { $addToSet: { nmae: "x" } })`,
    `Type 'string' is not assignable to type 'NoSuchPath<"nmae", "name">'.`
  ],
  [
    "$unset of an optional field",
    `users.updateOne({}, { $unset: { nick: true } })`,
    `plain.updateOne({}, { $unset: { name: true } })`,
    `Type 'boolean' is not assignable to type 'IsRequired<"name">'.`
  ],
  [
    "the key on insert",
    `users.updateOne({}, { $setOnInsert: { _id: id } })`,
    `users.updateOne({}, { $set: { _id: id } })`,
    `Property '"~cannot be updated"' is missing in type 'ObjectId' but required in type 'IsTheKey<"_id">'.`
  ],
  [
    "a path of an update",
    `users.updateOne({}, { $set: { "items.$.sku": "x", "items.$[i].qty": 1, "grid.0.1": 2 } })`,
    `users.updateOne({}, { $set: { "items.sku": "x" } })`,
    `Type 'string' is not assignable to type 'NoSuchPath<"items.sku", "items.$" | "items.$[]" | "items.0">'.`
  ],
  [
    "an operator of updates",
    `users.updateOne({}, { $max: { age: 3 } })`,
    `users.updateOne({}, { $sett: { name: "x" } })`,
    `Object literal may only specify known properties, and 'name' does not exist in type 'NoSuchOperator<"$sett">'.`
  ],
  [
    "a computed path of an update",
    "users.updateOne({}, { $set: { [`items.${i}.qty`]: 3, name: \"x\" } })",
    "users.updateOne({}, { $set: { [`items.${i}.qty`]: 3, name: 3 } })",
    `Type 'number' is not assignable to type 'string'.`
  ],
  [
    "a computed path of an update that is checked",
    "users.updateOne({}, Update.at<User>()(\"$inc\", `items.${i}.qty`, 3))",
    "users.updateOne({}, Update.at<User>()(\"$inc\", `items.${i}.sku`, 3))",
    `Argument of type 'number' is not assignable to parameter of type 'NeedsNumber<string>'.`
  ],
  [
    "a stage",
    `users.updateOne({}, [{ $set: { name: "x", age: Update.unsafe({}) } }, { $unset: ["nick"] }])`,
    `users.updateOne({}, [{ $unset: "name" }])`,
    `Type 'string' is not assignable to type 'IsRequired<"name">'.`
  ],
  // ---- sort orders, projections, indexes, distinct
  [
    "a sort order",
    `users.find().sort({ age: -1, "address.city": 1 })`,
    `users.find().sort({ nope: 1 })`,
    `Type 'number' is not assignable to type 'NoSuchPath<"nope", "name" | "nick">'.`
  ],
  [
    "a sort order by a path",
    `users.find().sort({ "items.qty": 1 })`,
    `users.find().sort({ "items.qt": 1 })`,
    `Type 'number' is not assignable to type 'NoSuchPath<"items.qt", "items.0" | "items.qty" | "items.sku">'.`
  ],
  [
    "a sort order by a score",
    `users.find().sort({ score: { $meta: "textScore" }, name: 1 })`,
    `users.find().sort({ score: { $meta: "x" } })`,
    `Type '"x"' is not assignable to type '"textScore"'.`
  ],
  [
    "a direction",
    `users.find().sort({ name: "desc" })`,
    `users.find().sort({ name: 2 })`,
    `Type '2' is not assignable to type 'Direction'.`
  ],
  [
    "a projection",
    `users.find().project({ name: 1, "address.city": 1, _id: 0 })`,
    `users.find().project({ nope: 1 })`,
    `Type 'number' is not assignable to type 'NoSuchPath<"nope", "name" | "nick">'.`
  ],
  [
    "a projection of one kind",
    `users.find().project({ name: 0, age: 0 })`,
    `users.find().project({ name: 1, age: 0 })`,
    `Type 'number' is not assignable to type 'MixedWithInclusion<"age">'.`
  ],
  [
    "a projection that names nothing twice",
    `users.find().project({ "address.city": 1, "address.geo.lat": 1 })`,
    `users.find().project({ "address.city": 1, address: 1 })`,
    `Type 'number' is not assignable to type 'IsPartOfAnother<"address.city">'.`
  ],
  [
    "a projection in a variable",
    `users.find().project(null! as Projection.Projection<User>)`
  ],
  [
    "a projection of a score",
    `users.find().project({ score: { $meta: "textScore" } })`,
    `users.find().project({ score: { $mta: "textScore" } })`,
    `Object literal may only specify known properties, and '$mta' does not exist in type 'NoSuchPath<"score", "status">'.`
  ],
  [
    "a projection among options",
    `users.findOne({}, { projection: { name: 1 } })`,
    `users.findOne({}, { projection: { nope: 1 } })`,
    `Type 'number' is not assignable to type 'NoSuchPath<"nope", "name" | "nick">'.`
  ],
  [
    "a projection of an array's elements",
    `users.find().project({ tags: { $slice: 1 } })`,
    `users.find().project({ name: { $slice: 1 } })`,
    `Type 'number' is not assignable to type 'NeedsArray<string>'.`
  ],
  [
    "an index",
    `users.createIndex({ "address.geo.lat": 1, name: "text", "$**": 1, "years.$**": 1 })`,
    `users.createIndex({ nope: 1 })`,
    `Type 'number' is not assignable to type 'NoSuchPath<"nope", "name" | "nick">'.`
  ],
  [
    "a partial index",
    `users.createIndex({ name: 1 }, { partialFilterExpression: { nick: { $exists: true }, age: { $gt: 1 } } })`,
    `users.createIndex({ name: 1 }, { partialFilterExpression: { nick: { $exists: false } } })`,
    `Type 'false' is not assignable to type 'true'.`
  ],
  [
    "values of a path",
    `users.distinct("address.geo.lat")`,
    `users.distinct("address.cty")`,
    `Argument of type '"address.cty"' is not assignable to parameter of type '"address.city" | "address.geo"'.`
  ],
  // ---- code for all collections of a kind
  [
    "a key in generic code",
    `((c, f, key) => [c.findById(key), c.deleteById(key), c.findByIds([key]), c.find({ $and: [f, { version: 1 }] })]) satisfies Generic`,
    `((c, f, key) => c.findById("x")) satisfies Generic`,
    `Argument of type 'string' is not assignable to parameter of type 'IdOf<S["Type"]>'.`
  ],
  [
    "a value in generic code",
    `((c, f) => [c.find(f), c.find({ version: { $gt: 3 } }).sort({ version: 1 })]) satisfies Generic`,
    `((c, f) => c.find({ version: "x" })) satisfies Generic`
  ],
  [
    "a name in generic code",
    `((c, f) => [c.find({ _id: id }), c.updateOne(f, { $set: { version: 3 }, $inc: { version: 1 } })]) satisfies Generic`,
    `((c, f) => c.updateOne(f, { $set: { vrsion: 3 } })) satisfies Generic`
  ],
  [
    "an operator in generic code",
    `((c, f) => c.updateOne(f, Update.make<Versioned>()({ $currentDate: { at: true } }))) satisfies Generic`,
    `((c, f) => c.updateOne(f, { $inc: { at: 1 } })) satisfies Generic`
  ],
  [
    "text instead of an object of operators in generic code",
    `((c, f) => c.find({ version: { $gt: 1 } })) satisfies Generic`,
    `((c, f) => c.find({ $or: [{ version: "x" }] })) satisfies Generic`
  ]
]

it("the compiler takes correct forms, refuses wrong ones, and names the field and the reason", () => {
  const lines = forms.flatMap(([, accepted, refused]) => refused === undefined ? [accepted] : [accepted, refused])
  const before = program.split("\n").length - 1
  const { errors } = compile(program + lines.map((line, i) => `export const x${i} = ${line}\n`).join(""))
  const found = new Map<number, Array<string>>()
  for (const { line, message } of errors) found.set(line - before - 1, [...found.get(line - before - 1) ?? [], message])
  let line = 0
  for (const [title, accepted, refused, message] of forms) {
    assert.deepStrictEqual(found.get(line++) ?? [], [], `${title}: ${accepted}`)
    if (refused === undefined) continue
    const said = found.get(line++) ?? []
    assert.isAbove(said.length, 0, `${title}: ${refused} compiles`)
    if (message !== undefined) assert.strictEqual(said[0], message, `${title}: ${refused}`)
  }
  assert.deepStrictEqual([...found.keys()].filter((line) => line < 0), [])
}, 120_000)
