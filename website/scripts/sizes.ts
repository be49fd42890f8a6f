// Measures what a small program costs with each package: bytes, minified and compressed by gzip. `pnpm --filter @mongofx/website sizes` writes
// `sizes.json`, from which the chart is drawn. It needs the compiled packages (`pnpm build`).
import { build } from "esbuild"
import { writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"

const website = fileURLToPath(new URL("..", import.meta.url))

const programs: Readonly<Record<string, { readonly code: string; readonly folder: string }>> = {
  "driver": {
    folder: website,
    code: `import { MongoClient } from "mongodb"
const client = new MongoClient(process.env.MONGODB_URI)
client.db("app").collection("people").findOne({ name: "Ada" }).then(console.log)`
  },
  "papr": {
    folder: website,
    code: `import { MongoClient } from "mongodb"
import Papr, { schema, types } from "papr"
const client = new MongoClient(process.env.MONGODB_URI)
const papr = new Papr()
const Person = papr.model("people", schema({ name: types.string({ required: true }) }))
papr.initialize(client.db("app"))
Person.findOne({ name: "Ada" }).then(console.log)`
  },
  "mongofx, core": {
    folder: website,
    code: `import { MongoClient } from "@mongofx/core"
import { Effect, Redacted } from "effect"
const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  return yield* mongo.db("app").collection("people").findOne({ name: "Ada" })
})
const Client = MongoClient.layer({ url: Redacted.make(process.env.MONGODB_URI) })
Effect.runPromise(Effect.provide(program, Client)).then(console.log)`
  },
  "mongofx, core and schema": {
    folder: website,
    code: `import { MongoClient } from "@mongofx/core"
import { Bson, TypedCollection } from "@mongofx/schema"
import { Effect, Redacted, Schema } from "effect"
const Person = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  return yield* TypedCollection.make(mongo.db("app"), "people", Person).findOne({ name: "Ada" })
})
const Client = MongoClient.layer({ url: Redacted.make(process.env.MONGODB_URI) })
Effect.runPromise(Effect.provide(program, Client)).then(console.log)`
  },
  "effect-mongodb, with effect 3": {
    folder: `${website}effect-3`,
    code: `import { Effect, Schema } from "effect"
import { Collection, Db, MongoClient } from "effect-mongodb"
const Person = Schema.Struct({ name: Schema.String })
const program = Effect.gen(function*() {
  const client = yield* MongoClient.connectScoped(process.env.MONGODB_URI)
  return yield* Collection.findOne(Db.collection(MongoClient.db(client, "app"), "people", Person), { name: "Ada" })
})
Effect.runPromise(Effect.scoped(program)).then(console.log)`
  },
  "mongoose": {
    folder: website,
    code: `import mongoose from "mongoose"
const Person = mongoose.model("Person", new mongoose.Schema({ name: { type: String, required: true } }))
mongoose.connect(process.env.MONGODB_URI).then(() => Person.findOne({ name: "Ada" })).then(console.log)`
  }
}

const optional = [
  "@aws-sdk/credential-providers",
  "@mongodb-js/zstd",
  "aws4",
  "gcp-metadata",
  "kerberos",
  "mongodb-client-encryption",
  "snappy",
  "socks"
]

/** The bytes of each program with all that it needs, the driver included. */
export const sizes = async (): Promise<Readonly<Record<string, number>>> => {
  const measured: Record<string, number> = {}
  for (const [name, { code, folder }] of Object.entries(programs)) {
    const { outputFiles } = await build({
      stdin: { contents: code, resolveDir: folder, loader: "js" },
      bundle: true,
      external: optional,
      format: "esm",
      logLevel: "silent",
      minify: true,
      platform: "node",
      plugins: [{
        name: "published",
        setup: ({ onResolve }) =>
          onResolve({ filter: /^@mongofx\// }, ({ path }) => {
            const [, folder, module = "index"] = path.split("/")
            return { path: `${website}../packages/${folder}/dist/${module}.js`, sideEffects: false }
          })
      }],
      target: "node20",
      write: false
    })
    measured[name] = gzipSync(outputFiles[0]!.contents).length
  }
  return measured
}

/** The file of the sizes that the page shows. */
export const file = new URL("sizes.json", import.meta.url)

if (process.argv[1] === import.meta.filename) writeFileSync(file, `${JSON.stringify(await sizes(), null, 2)}\n`)
