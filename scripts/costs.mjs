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
  "all of @mongofx/testing": `export * from "@mongofx/testing"`,
  "all of @mongofx/backends": `export * from "@mongofx/backends"`
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

/** Runs the compiler of a checkout once: what it says of a project, or undefined if that does not compile. */
const compile = (root, project) => {
  const args = ["-p", project, "--noEmit", "--extendedDiagnostics", "--singleThreaded", "--pretty", "false"]
  const tsc = join(root, "node_modules/typescript/bin/tsc")
  const { status, stderr, stdout } = spawnSync(process.execPath, [tsc, ...args], { cwd: root, encoding: "utf8" })
  if (status !== 0) {
    console.error(`costs: ${stdout}${stderr}`)
    return undefined
  }
  const number = (pattern) => Number(pattern.exec(stdout)?.[1])
  return {
    instantiations: number(/^Instantiations:\s+(\d+)/m),
    milliseconds: Math.round(1000 * number(/^Check time:\s+([\d.]+)s/m))
  }
}

/** What the types of checkouts cost. They take turns, and the fastest of three runs counts, since other programs run meanwhile. */
const typesOf = (checkouts) => {
  const types = checkouts.map(() => new Map())
  for (const name of new Set(checkouts.flatMap(({ projects }) => [...projects.keys()]))) {
    for (let round = 0; round < 3; round++) {
      checkouts.forEach(({ projects, root }, i) => {
        const before = types[i].get(name)
        if (!projects.has(name) || (round > 0 && before === undefined)) return
        const now = compile(root, projects.get(name))
        const isFaster = before === undefined || now === undefined || now.milliseconds < before.milliseconds
        types[i].set(name, isFaster ? now : before)
      })
    }
  }
  return types
}

const budgets = "packages/schema/typetest/budget"

/** Projects for the compiler, in a folder of the checkout. */
const projectsOf = (root, folder) => {
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
  return new Map([
    ...files.map((file) => [file, project(file, { files: [join(root, budgets, file)] })]),
    ...["core", "schema", "testing", "backends"].map((name) => [
      `the sources of @mongofx/${name}`,
      project(name, { include: [join(root, "packages", name, "src")] })
    ])
  ])
}

// ---- a checkout

const run = (cwd, command, ...args) => {
  const { error, status } = spawnSync(command, args, { cwd, stdio: ["ignore", 2, 2] })
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args.join(" ")} failed`, { cause: error })
}

const sizesOf = async (root) => {
  const sizes = new Map()
  for (const [name, program] of Object.entries(programs)) {
    sizes.set(name, {
      own: await sizeOf(root, program, ["effect", "effect/*", "mongodb", "mongodb-*"]),
      all: await sizeOf(root, program, ["mongodb", "mongodb-*"])
    })
  }
  return sizes
}

/** Calls a function with the folder of a commit, and removes the folder. */
const withCommit = async (commit, f) => {
  const folder = mkdtempSync(join(tmpdir(), "mongofx-costs-"))
  run(here, "git", "worktree", "add", "--detach", folder, commit)
  try {
    run(folder, "pnpm", "install", "--frozen-lockfile", "--prefer-offline")
    return await f(folder)
  } finally {
    run(here, "git", "worktree", "remove", "--force", folder)
  }
}

const measure = async (roots) => {
  const folders = []
  try {
    const checkouts = roots.map((root) => {
      run(root, "pnpm", "build")
      const folder = mkdtempSync(join(root, "packages/schema/node_modules/.mongofx-costs-"))
      folders.push(folder)
      return { root, projects: projectsOf(root, folder) }
    })
    const types = typesOf(checkouts)
    return await Promise.all(roots.map(async (root, i) => ({ sizes: await sizesOf(root), types: types[i] })))
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true })
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
const [head, base] = commit === undefined
  ? await measure([here])
  : await withCommit(commit, (folder) => measure([here, folder]))
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
