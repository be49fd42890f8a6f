// Prints what the packages cost their users, as Markdown: bytes of small programs that esbuild has bundled, and work of the compiler.
// `node scripts/costs.mjs` measures this checkout, and `node scripts/costs.mjs COMMIT` compares it with that commit.
import { build } from "esbuild"
import { spawnSync } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"

const here = fileURLToPath(new URL("..", import.meta.url))

// ---- programs

const withClient = (imports, body) => `
import { MongoClient } from "@mongofx/core"
import { Effect, Redacted, Stream } from "effect"
${imports}
const program = Effect.gen(function*() {
  const mongo = yield* MongoClient.MongoClient
  const db = mongo.db("app")
  ${body}
})
const Client = MongoClient.layer({ url: Redacted.make(process.env.MONGODB_URI) })
Effect.runPromise(Effect.provide(program, Client)).then(console.log)
`

const programs = {
  "finds documents": withClient("", `return yield* db.collection("users").find({ name: "Ada" })`),
  "watches a collection": withClient("", `return yield* Stream.runHead(db.collection("users").watch())`),
  "finds typed documents": withClient(
    `import { TypedCollection } from "@mongofx/schema"
    import { Schema } from "effect"
    const User = Schema.Struct({ _id: Schema.String, name: Schema.String, born: Schema.Date })`,
    `return yield* TypedCollection.make(db, "users", User).find({ name: "Ada" })`
  ),
  "sums in a typed pipeline": withClient(
    `import { Acc, Pipeline, TypedCollection } from "@mongofx/schema"
    import { Schema } from "effect"
    const Order = Schema.Struct({ _id: Schema.String, customer: Schema.String, total: Schema.Number })`,
    `return yield* TypedCollection.make(db, "orders", Order).aggregate((orders) =>
      orders.pipe(Pipeline.group(($) => $.customer, ($) => ({ total: Acc.sum($.total) }))))`
  ),
  "all of @mongofx/core": `export * from "@mongofx/core"`,
  "all of @mongofx/schema": `export * from "@mongofx/schema"`,
  "all of @mongofx/testing": `export * from "@mongofx/testing"`
}

/** Bytes of the program, minified and compressed by gzip. Undefined if it does not bundle: a commit may lack what it uses. */
const sizeOf = async (root, program, external) => {
  const published = {
    name: "published",
    setup: ({ onResolve }) =>
      onResolve({ filter: /^@mongofx\// }, ({ path }) => {
        const [, name, module = "index"] = path.split("/")
        return { path: join(root, "packages", name, "dist", `${module}.js`), sideEffects: false }
      })
  }
  try {
    const { outputFiles } = await build({
      stdin: { contents: program, resolveDir: join(root, "packages/schema"), loader: "js" },
      bundle: true,
      external,
      format: "esm",
      logLevel: "silent",
      minify: true,
      platform: "node",
      plugins: [published],
      target: "node20",
      write: false
    })
    return gzipSync(outputFiles[0].contents).length
  } catch (error) {
    console.error(`costs: ${error.message}`)
    return undefined
  }
}

// ---- types

/** What the compiler says of a project, or undefined if it does not compile. */
const typesOf = (root, project) => {
  const args = ["-p", project, "--noEmit", "--extendedDiagnostics", "--singleThreaded", "--pretty", "false"]
  const tsc = () =>
    spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), ...args], {
      cwd: root,
      encoding: "utf8"
    })
  const outputs = [tsc(), tsc(), tsc()]
  const failed = outputs.find(({ status }) => status !== 0)
  if (failed !== undefined) {
    console.error(`costs: ${failed.stdout}${failed.stderr}`)
    return undefined
  }
  const numbers = (pattern) => outputs.map(({ stdout }) => Number(pattern.exec(stdout)?.[1]))
  return {
    instantiations: numbers(/^Instantiations:\s+(\d+)/m)[0],
    // The fastest of three runs: the others had to wait for something else.
    milliseconds: Math.round(1000 * Math.min(...numbers(/^Check time:\s+([\d.]+)s/m)))
  }
}

const budgets = "packages/schema/typetest/budget"

const projectsOf = (root) => {
  const folder = mkdtempSync(join(root, "packages/schema/node_modules/.mongofx-costs-"))
  const project = (name, settings) => {
    const file = join(folder, `${name}.json`)
    writeFileSync(
      file,
      JSON.stringify({
        extends: join(root, "tsconfig.tests.json"),
        references: [],
        include: [],
        compilerOptions: {
          rootDir: root,
          composite: false,
          incremental: false,
          declarationMap: false,
          noUnusedLocals: false,
          tsBuildInfoFile: null
        },
        ...settings
      })
    )
    return file
  }
  const files = existsSync(join(root, budgets)) ? readdirSync(join(root, budgets)).sort() : []
  return {
    folder,
    projects: [
      ...files.map((file) => [file, project(file, { files: [join(root, budgets, file)] })]),
      ...["core", "schema", "testing"].map((name) => [
        `the sources of @mongofx/${name}`,
        project(name, { include: [join(root, "packages", name, "src")] })
      ])
    ]
  }
}

// ---- a checkout

const run = (cwd, command, ...args) => {
  const { error, status } = spawnSync(command, args, { cwd, stdio: ["ignore", 2, 2] })
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args.join(" ")} failed`, { cause: error })
}

const measure = async (root) => {
  run(root, "pnpm", "build")
  const sizes = new Map()
  for (const [name, program] of Object.entries(programs)) {
    sizes.set(name, {
      own: await sizeOf(root, program, ["effect", "effect/*", "mongodb", "mongodb-*"]),
      all: await sizeOf(root, program, ["mongodb", "mongodb-*"])
    })
  }
  const { folder, projects } = projectsOf(root)
  try {
    return { sizes, types: new Map(projects.map(([name, project]) => [name, typesOf(root, project)])) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Measures a commit in a folder of its own. */
const measureCommit = async (commit) => {
  const folder = mkdtempSync(join(tmpdir(), "mongofx-costs-"))
  run(here, "git", "worktree", "add", "--detach", folder, commit)
  try {
    run(folder, "pnpm", "install", "--frozen-lockfile", "--prefer-offline")
    return await measure(folder)
  } finally {
    run(here, "git", "worktree", "remove", "--force", folder)
  }
}

// ---- the table

const none = "–"
const bytes = (number) => `${(number / 1000).toFixed(1)} kB`
const count = (number) => number.toLocaleString("en")
const time = (number) => `${number} ms`

const cell = (show, head, base, isCompared) => {
  if (head === undefined) return none
  if (!isCompared) return show(head)
  if (base === undefined) return `${show(head)} (new)`
  const percent = 100 * (head / base - 1)
  const change = Math.abs(percent) < 0.05 ? "=" : `${percent > 0 ? "+" : "−"}${Math.abs(percent).toFixed(1)} %`
  return `${show(base)} → ${show(head)} (${change})`
}

const table = (title, columns, head, base) => {
  const names = [...new Set([...head.keys(), ...(base?.keys() ?? [])])]
  const rows = names.map((name) => [
    name,
    ...columns.map(({ key, show }) => cell(show, head.get(name)?.[key], base?.get(name)?.[key], base !== undefined))
  ])
  const line = (cells) => `| ${cells.join(" | ")} |`
  return [
    line([title, ...columns.map(({ name }) => name)]),
    line(["---", ...columns.map(() => "---")]),
    ...rows.map(line),
    ""
  ].join("\n")
}

const commit = process.argv[2]
const base = commit === undefined ? undefined : await measureCommit(commit)
const head = await measure(here)
console.log([
  "Bytes of a program that esbuild bundles from the built packages, minified and compressed by gzip. `mongodb` is not in them.",
  "",
  table(
    "A program that",
    [{ name: "without effect", key: "own", show: bytes }, { name: "with effect", key: "all", show: bytes }],
    head.sizes,
    base?.sizes
  ),
  `Work of the compiler: files of \`${budgets}\`, each with all that it imports, and the packages.`,
  "",
  table(
    "Types of",
    [
      { name: "instantiations", key: "instantiations", show: count },
      { name: "check time", key: "milliseconds", show: time }
    ],
    head.types,
    base?.types
  )
].join("\n"))
