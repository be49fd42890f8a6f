// Checks that the imports of packages/*/src have no circles.
//
// At run time there are none, so that everything a module needs exists when it loads. By types, internal modules have none among
// themselves: a circle goes through the public module whose interface they implement. This file lists the circles of several public
// modules, each with its reason.
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript-6"

const packages = fileURLToPath(new URL("../packages", import.meta.url))

/** Public modules whose types name each other, and why. */
const neighbours = [
  {
    modules: [
      "core/src/MongoClient.ts",
      "core/src/MongoClientConfig.ts",
      "core/src/MongoCollection.ts",
      "core/src/MongoDatabase.ts",
      "core/src/MongoEncryption.ts",
      "core/src/MongoSession.ts"
    ],
    why:
      "A client makes databases and sessions, a database makes collections, and each of them says what it belongs to. The settings of a client include those of encryption, which may name another client for its keys."
  },
  {
    modules: ["schema/src/Pipeline.ts", "schema/src/TypedCollection.ts", "schema/src/Update.ts"],
    why:
      "A collection runs pipelines and takes updates, stages such as lookup name another collection, and an update may be a pipeline."
  }
]

/** The module of this repository that an import names. */
const target = (from, name) => {
  if (name.startsWith(".")) return relative(packages, join(packages, dirname(from), name))
  const [, folder, path = "index"] = /^@mongofx\/([^/]+)(?:\/(.*))?$/.exec(name) ?? []
  return folder === undefined ? undefined : `${folder}/src/${path}.ts`
}

/** The modules that a module imports, and whether at run time. An import of only inline types counts as one at run time. */
const importsOf = (file) => {
  const found = []
  const visit = (node) => {
    if (ts.isImportDeclaration(node)) found.push([node.moduleSpecifier.text, node.importClause?.isTypeOnly !== true])
    if (ts.isExportDeclaration(node) && node.moduleSpecifier) found.push([node.moduleSpecifier.text, !node.isTypeOnly])
    if (ts.isImportTypeNode(node)) found.push([node.argument.literal.text, false])
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      found.push([node.arguments[0].text, true])
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, readFileSync(join(packages, file), "utf8"), ts.ScriptTarget.Latest))
  return found.map(([name, atRunTime]) => ({ to: target(file, name), atRunTime })).filter(({ to }) => to !== undefined)
}

/** The groups of modules that all reach each other (Tarjan's strongly connected components), without single modules. */
const circlesOf = (graph) => {
  const order = new Map()
  const lowest = new Map()
  const path = []
  const circles = []
  const visit = (node) => {
    order.set(node, order.size)
    lowest.set(node, order.get(node))
    path.push(node)
    for (const next of graph.get(node) ?? []) {
      if (!order.has(next)) visit(next)
      if (path.includes(next)) lowest.set(node, Math.min(lowest.get(node), lowest.get(next)))
    }
    if (lowest.get(node) !== order.get(node)) return
    const circle = path.splice(path.indexOf(node))
    if (circle.length > 1) circles.push(circle.toSorted())
  }
  for (const node of graph.keys()) if (!order.has(node)) visit(node)
  return circles
}

const files = readdirSync(packages).flatMap((name) => {
  const src = join(packages, name, "src")
  if (!existsSync(src)) return []
  return readdirSync(src, { recursive: true }).filter((path) => path.endsWith(".ts")).map((path) =>
    `${name}/src/${path}`
  )
})
const imports = new Map(files.map((file) => [file, importsOf(file)]))

const graphOf = (modules, counts = () => true) =>
  new Map(
    modules.map((file) => [
      file,
      imports.get(file).filter((it) => counts(it) && modules.includes(it.to)).map(({ to }) => to)
    ])
  )

const isInternal = (file) => file.includes("/internal/")
const isSame = (one, other) => one.join() === other.join()

const all = graphOf(files)
const atRunTime = graphOf(files, (it) => it.atRunTime)
const internal = graphOf(files.filter(isInternal))
const publicCircles = circlesOf(all)
  .map((circle) => circle.filter((file) => !isInternal(file)))
  .filter((modules) => modules.length > 1)

let failed = false
const report = (what, modules, graph = all) => {
  failed = true
  console.error(`${what}:`)
  for (const file of modules) {
    const others = modules.filter((other) => graph.get(file)?.includes(other))
    console.error(`  ${file} imports ${others.join(", ") || "others through internal modules"}`)
  }
}

for (const circle of circlesOf(atRunTime)) {
  report("A circle at run time; cut one of these imports, or make it `import type`", circle, atRunTime)
}
for (const circle of circlesOf(internal)) {
  report("A circle of internal modules; move what they share into a module of its own", circle)
}
for (const circle of publicCircles) {
  if (!neighbours.some(({ modules }) => isSame(modules, circle))) {
    report("A circle of public modules; cut it, or list it with its reason in scripts/circles.mjs", circle)
  }
}
for (const { modules } of neighbours) {
  if (!publicCircles.some((circle) => isSame(modules, circle))) {
    report("These modules no longer form a circle; remove them from scripts/circles.mjs", modules)
  }
}
process.exitCode = failed ? 1 : 0
