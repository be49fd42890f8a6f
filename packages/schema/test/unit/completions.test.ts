import { assert, it } from "@effect/vitest"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type Ts from "typescript-6"

// What an editor offers. The service of the compiler's version 6 says it: version 7 has none to call.

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

/** What is offered at the place of the bar, besides the text that is there. */
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

it("an editor completes paths level by level, and offers no marks", () => {
  const file = join(root, "packages/schema/test/__completions.ts")
  let text = ""
  let version = 0
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, "tsconfig.tests.json"), ts.sys.readFile).config,
    ts.sys,
    root
  )
  const service = ts.createLanguageService({
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
  for (const [code, offered] of places) {
    text = program + code.replace("|", "")
    version++
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
