import { assert, it } from "@effect/vitest"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type Ts from "typescript-6"

// The completions of an editor, from the language service of TypeScript 6: version 7 has none to call.

const root = fileURLToPath(new URL("../../../..", import.meta.url))
const ts = createRequire(join(root, "package.json"))("typescript-6") as typeof Ts

const program = `import { Bson, type Filter, type TypedCollection } from "@mongofx/schema"
import { Schema } from "effect"
class User extends Schema.Class<User>("User")({
  _id: Bson.ObjectId,
  name: Schema.String,
  age: Schema.Number,
  status: Schema.Literals(["on", "off"]),
  address: Schema.Struct({ city: Schema.String, geo: Schema.Struct({ lat: Schema.Number, lon: Schema.Number }) }),
  items: Schema.Array(Schema.Struct({ sku: Schema.String, qty: Schema.Number }))
}) {}
const users = null! as TypedCollection.TypedCollection<typeof User>
`

const names = ["_id", "address", "age", "items", "name", "status"]
const logical = ["$and", "$comment", "$nor", "$or", "$text"]

/** The completions at the place of the bar, without the text that is there. */
const places: ReadonlyArray<readonly [code: string, offered: ReadonlyArray<string>]> = [
  ["users.find({ | })", [...names, ...logical]],
  [`users.find({ "address.|": 1 })`, [...names, ...logical, "address.city", "address.geo"]],
  [`users.find({ name: "x", "address.geo.|": 1 })`, [...names, ...logical, "address.geo.lat", "address.geo.lon"]],
  [`users.find({ "items.|": 1 })`, [...names, ...logical, "items.0", "items.qty", "items.sku"]],
  [`users.find({ $or: [{ "address.|": 1 }] })`, [...names, ...logical, "address.city", "address.geo"]],
  [`users.find({ status: "|" })`, ["off", "on"]],
  [`users.find({ status: { $in: ["|"] } })`, ["off", "on"]],
  ["users.updateOne({}, { $set: { | } })", names],
  [`users.updateOne({}, { $set: { "items.|": 1 } })`, [...names, "items.$", "items.$[]", "items.0"]],
  [`users.find().sort({ "address.|": 1 })`, [...names, "address.city", "address.geo"]],
  ["users.findOne({}, { projection: { | } })", names],
  [`users.distinct("address.|")`, [...names, "address.city", "address.geo"]],
  ["const filter: Filter.Filter<User> = { | }", [
    ...names,
    ...logical,
    "address.city",
    "address.geo",
    "items.qty",
    "items.sku"
  ]]
]

/** A language service for one file below `test`, whose text is new for each place. */
const file = join(root, "packages/schema/test/__completions.ts")
let text = ""
let version = 0
const write = (content: string) => {
  text = content
  version++
}

const makeService = () => {
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, "tsconfig.tests.json"), ts.sys.readFile).config,
    ts.sys,
    root
  )
  return ts.createLanguageService({
    ...ts.sys,
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    getScriptFileNames: () => [file],
    getScriptVersion: (name) => name === file ? String(version) : "1",
    getScriptSnapshot: (name) => {
      const content = name === file ? text : ts.sys.readFile(name)
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
    },
    getCurrentDirectory: () => root,
    getCompilationSettings: () => options,
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options),
    fileExists: (name) => name === file || ts.sys.fileExists(name)
  })
}
const service = makeService()

it("an editor completes paths level by level, without internal marks", () => {
  for (const [code, offered] of places) {
    write(program + code.replace("|", ""))
    const position = program.length + code.indexOf("|")
    const found = service.getCompletionsAtPosition(file, position, {})?.entries ?? []
    const written = /"([^"]*)\|/.exec(code)?.[1]
    assert.deepStrictEqual(
      found.map(({ name }) => name.replace(/^"(.*)"$/, "$1")).filter((name) => name !== written).sort(),
      [...offered].sort(),
      code
    )
  }
}, 180_000)

const opaque = program.replace(`Schema.Class<User>("User")({`, "Schema.Opaque<User>()(Schema.Struct({")
  .replace("\n}) {}", "\n})) {}")

/** The text that an editor shows for an operation of a collection whose schema has a name. */
const shown: ReadonlyArray<readonly [code: string, text: string]> = [
  [
    "users.|find({})",
    "TypedCollection<typeof User>.find: <{}, never>(filter?: Filter.Input<User, {}, never> | undefined, " +
    "options?: TypedCollection.FindOptions) => FindQuery<User, User, never>"
  ],
  [
    "users.|deleteOne({})",
    "TypedCollection<typeof User>.deleteOne: <{}, never>(filter: Filter.Input<User, {}, never>, " +
    "options?: TypedCollection.DeleteOptions<User> | undefined) => Effect<DeleteResult, Failure, never>"
  ],
  [
    "users.|findOne({})",
    "TypedCollection<typeof User>.findOne: <{}, never, Path<User>, never>(" +
    "filter?: Filter.Input<User, {}, never> | undefined, " +
    "options?: TypedCollection.FindOneOptions<User, never, Path<User>> | undefined) => Effect<Option<User>, Failure, never>"
  ]
]

for (const [kind, schema] of [["a class", program], ["an opaque struct", opaque]] as const) {
  it(`an editor shows the name of the schema instead of all its fields: ${kind}`, () => {
    for (const [code, text] of shown) {
      write(schema + code.replace("|", ""))
      const info = service.getQuickInfoAtPosition(file, schema.length + code.indexOf("|"))
      assert.strictEqual(ts.displayPartsToString(info?.displayParts), `(property) ${text}`, code)
    }
  }, 180_000)
}
