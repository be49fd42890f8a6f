// Checks that every public export is documented as CONTRIBUTING.md says, and that every ```ts fence of the docstrings, READMEs, AGENTS.md
// and docs compiles. Prints each finding with its place in the source.
import { spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { basename, dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript-6"

const root = fileURLToPath(new URL("..", import.meta.url))
const temporary = join(root, "node_modules/.cache/mongofx-docs")

const categories = new Set([
  "combinators",
  "constants",
  "constructors",
  "converting",
  "destructors",
  "errors",
  "generators",
  "getters",
  "guards",
  "layers",
  "models",
  "options",
  "predicates",
  "re-exports",
  "references",
  "resources",
  "schemas",
  "services",
  "symbols",
  "type IDs",
  "utility types"
])

const findings = []
const report = (file, line, message) => findings.push(`${file}:${line}: ${message}`)
let documented = 0

// ---- every public export is documented

const lineOf = (source, position) => source.getLineAndCharacterOfPosition(position).line + 1
const docOf = (node) => node.jsDoc?.at(-1)
const proseOf = (doc) => (ts.getTextOfJSDocComment(doc?.comment) ?? "").trim()
const tagsOf = (doc) =>
  (doc?.tags ?? []).map((tag) => [tag.tagName.text, (ts.getTextOfJSDocComment(tag.comment) ?? "").trim()])
const isInternal = (doc) => tagsOf(doc).some(([name]) => name === "internal")
const has = (node, kind) =>
  ts.canHaveModifiers(node) && ts.getModifiers(node)?.some((modifier) => modifier.kind === kind)

/** Each member of an interface, a class or an object type needs prose. A computed name is a brand, and needs none. */
const checkMembers = (source, owner, members) => {
  const seen = new Set()
  for (const member of members) {
    const name = member.name
    if (name === undefined || ts.isComputedPropertyName(name) || ts.isPrivateIdentifier(name)) continue
    if (ts.isConstructorDeclaration(member) || has(member, ts.SyntaxKind.OverrideKeyword)) continue
    if (has(member, ts.SyntaxKind.PrivateKeyword) || has(member, ts.SyntaxKind.StaticKeyword)) continue
    const text = name.getText(source)
    // The docstring of the first overload counts for all.
    if (seen.has(text)) continue
    seen.add(text)
    const doc = docOf(member)
    if (isInternal(doc)) continue
    documented++
    if (proseOf(doc) === "") {
      report(source.fileName, lineOf(source, name.getStart(source)), `${owner}.${text}: has no prose; add a sentence`)
    }
  }
}

const checkExport = (source, node, name, isValue) => {
  const doc = docOf(node)
  const line = lineOf(source, node.getStart(source))
  if (isInternal(doc)) return
  documented++
  if (doc === undefined) {
    return report(source.fileName, line, `${name}: has no docstring; see CONTRIBUTING.md for its form`)
  }
  if (proseOf(doc) === "") report(source.fileName, line, `${name}: the docstring has no prose; say what it does`)
  const tags = tagsOf(doc)
  const [stability, category, since] = tags.slice(-3)
  if (tags.slice(-3).map(([tag]) => tag).join(" ") !== "stability category since") {
    report(source.fileName, line, `${name}: the docstring must end in @stability, @category, @since`)
  } else {
    if (!["stable", "unstable", "integration"].includes(stability[1])) {
      report(source.fileName, line, `${name}: @stability ${stability[1]} is not stable, unstable or integration`)
    }
    if (!categories.has(category[1])) {
      report(source.fileName, line, `${name}: @category ${category[1]} is not in the list of scripts/check-docs.mjs`)
    }
    if (!/^\d+\.\d+\.\d+$/.test(since[1])) {
      report(source.fileName, line, `${name}: @since ${since[1]} is not a version such as 0.1.0`)
    }
  }
  if (isValue && !/```ts\b/.test(doc.getText(source))) {
    report(source.fileName, line, `${name}: has no example; add a \`\`\`ts fence`)
  }
}

const sourceOf = (file) => ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true)

/** `export * from "./internal/…"`: a public module whose exports stand in several files. */
const isOwnFile = ({ exportClause, moduleSpecifier }) =>
  exportClause === undefined && moduleSpecifier.text.startsWith("./internal/")

const checkModule = (source) => {
  checkModuleComment(source)
  checkExports(source)
}

const checkModuleComment = (source) => {
  const range = (ts.getLeadingCommentRanges(source.text, 0) ?? []).find(({ pos }) => source.text.startsWith("/**", pos))
  const comment = range === undefined ? "" : source.text.slice(range.pos, range.end)
  if (!/\w.*\n[\s\S]*@since \d+\.\d+\.\d+\n/.test(comment)) {
    report(source.fileName, 1, "the module comment is missing, or lacks prose or @since")
  }
}

const checkExports = (source) => {
  const overloaded = new Set()
  for (const node of source.statements) {
    if (ts.isExportDeclaration(node)) {
      if (node.exportClause !== undefined && ts.isNamedExports(node.exportClause)) {
        for (const specifier of node.exportClause.elements) {
          const isValue = !node.isTypeOnly && !specifier.isTypeOnly
          checkExport(source, docOf(specifier) === undefined ? node : specifier, specifier.name.text, isValue)
        }
      } else if (isOwnFile(node)) checkExports(sourceOf(join(dirname(source.fileName), node.moduleSpecifier.text)))
      else checkExport(source, node, node.getText(source), false)
      continue
    }
    if (!has(node, ts.SyntaxKind.ExportKeyword)) continue
    if (ts.isVariableStatement(node)) {
      for (const { name } of node.declarationList.declarations) checkExport(source, node, name.getText(source), true)
      continue
    }
    const name = node.name?.text ?? "default"
    if (ts.isFunctionDeclaration(node)) {
      if (overloaded.has(name)) continue
      overloaded.add(name)
    }
    checkExport(source, node, name, ts.isFunctionDeclaration(node) || ts.isClassDeclaration(node))
    if (ts.isInterfaceDeclaration(node) || ts.isClassDeclaration(node)) checkMembers(source, name, node.members)
    if (ts.isTypeAliasDeclaration(node) && ts.isTypeLiteralNode(node.type)) {
      checkMembers(source, name, node.type.members)
    }
  }
}

// ---- every fence compiles

/** The ```ts fences of some text: each with its first line, and the number of characters cut from the start of each line. */
const fencesOf = (lines, first, prefix) => {
  const fences = []
  let open
  for (const [index, raw] of lines.entries()) {
    const cut = prefix.exec(raw)[0].length
    const line = raw.slice(cut)
    if (open === undefined) {
      const indent = /^( *)```ts(?: .*)?$/.exec(line)?.[1].length
      if (indent !== undefined) open = { line: first + index + 1, cut: cut + indent, code: [] }
    } else if (line.trim() === "```") {
      fences.push(open)
      open = undefined
    } else open.code.push(raw.slice(open.cut))
  }
  return fences
}

const fencesOfSource = (source) => {
  const comments = new Map()
  const visit = (node) => {
    for (const doc of node.jsDoc ?? []) comments.set(doc.pos, doc.end)
    ts.forEachChild(node, visit)
  }
  visit(source)
  for (const { pos, end } of ts.getLeadingCommentRanges(source.text, 0) ?? []) comments.set(pos, end)
  return [...comments].flatMap(([pos, end]) =>
    fencesOf(source.text.slice(pos, end).split("\n"), lineOf(source, pos), /^ *\*? ?/)
  )
}

const compile = (snippets) => {
  rmSync(temporary, { recursive: true, force: true })
  mkdirSync(temporary, { recursive: true })
  // A reader who follows the documentation has the dependencies of the examples.
  symlinkSync(join(root, "examples/node_modules"), join(temporary, "node_modules"), "dir")
  for (const { name, fence } of snippets) writeFileSync(join(temporary, name), fence.code.join("\n") + "\n")
  writeFileSync(
    join(temporary, "tsconfig.json"),
    JSON.stringify({
      extends: "../../../tsconfig.tests.json",
      files: snippets.map(({ name }) => name),
      include: [],
      references: [],
      compilerOptions: {
        composite: false,
        declarationMap: false,
        incremental: false,
        noUnusedLocals: false,
        noUnusedParameters: false
      }
    })
  )
  const tsc = join(root, "node_modules/.bin/tsc")
  const { error, status, stdout } = spawnSync(tsc, ["-p", temporary, "--pretty", "false"], {
    cwd: temporary,
    encoding: "utf8",
    maxBuffer: 1 << 28
  })
  if (error !== undefined) throw error
  const byName = new Map(snippets.map((snippet) => [snippet.name, snippet]))
  let found = 0
  for (const line of stdout.split("\n")) {
    const [, path, row, column, message] = /^(\S.*?)\((\d+),(\d+)\): (.*)$/.exec(line) ?? []
    const snippet = path && byName.get(basename(path))
    if (snippet !== undefined && snippet !== "") {
      const { fence, file } = snippet
      report(`${file}`, `${fence.line + Number(row) - 1}:${fence.cut + Number(column)}`, message)
    } else if (line.trim() !== "") findings.push(line)
    if (line.trim() !== "") found++
  }
  if (status !== 0 && found === 0) throw new Error(`tsc ended with ${status} and printed no message`)
}

process.chdir(root)
const filesOf = (extension, ...include) =>
  ts.sys.readDirectory(root, [extension], ["**/node_modules", "**/dist"], include)
    .map((file) => relative(root, file).replaceAll("\\", "/"))
    .toSorted()
const snippets = []
const collect = (file, fences) => {
  for (const fence of fences) snippets.push({ file, fence, name: `${file.replaceAll("/", "__")}-${fence.line}.ts` })
}
for (const file of filesOf(".ts", "packages/*/src/**/*")) {
  const source = sourceOf(file)
  if (/^packages\/[^/]+\/src\/[A-Z]\w*\.ts$/.test(file)) checkModule(source)
  collect(file, fencesOfSource(source))
}
for (
  const file of filesOf(
    ".md",
    "*.md",
    "docs/**/*.md",
    "packages/*/README.md",
    "packages/*/AGENTS.md",
    "examples/**/README.md"
  )
) {
  collect(file, fencesOf(readFileSync(file, "utf8").split("\n"), 1, /^/))
}
compile(snippets)

for (const finding of findings) console.error(finding)
console.log(`${documented} documented names and ${snippets.length} examples checked, ${findings.length} findings`)
process.exitCode = findings.length > 0 ? 1 : 0
