/**
 * Compares docs/architecture.md with the sources: its links, its names and its pictures.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript-6"

const root = fileURLToPath(new URL("../../../../", import.meta.url))
const docs = Path.join(root, "docs")
const page = Fs.readFileSync(Path.join(docs, "architecture.md"), "utf8")

const at = (file: string): string => Path.relative(root, file).replaceAll("\\", "/")

// ---- the sources

const packages = Fs.readdirSync(Path.join(root, "packages"))

/** The folders of a package's `src/internal`, and the files beside them. */
const inside = (name: string) => {
  const folder = Path.join(root, "packages", name, "src/internal")
  const entries = Fs.existsSync(folder) ? Fs.readdirSync(folder, { withFileTypes: true }) : []
  return {
    folder,
    folders: entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name),
    files: entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
  }
}

const filesOf = (folder: string): ReadonlyArray<string> =>
  Fs.readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && file !== "index.ts")
    .map((file) => Path.join(folder, file))

const declared = new Map<string, ReadonlySet<string>>()

/** What a file declares: names, and members as `Owner.member` and as `member`. */
const namesIn = (file: string): ReadonlySet<string> => {
  let names = declared.get(file)
  if (names !== undefined) return names
  const found = new Set<string>()
  const visit = (node: ts.Node, owner: string | undefined): void => {
    const name = (node as ts.NamedDeclaration).name
    const isNamed = name !== undefined && ts.isIdentifier(name) && !ts.isParameter(node) && !ts.isImportSpecifier(node)
    if (isNamed) {
      found.add(name.text)
      if (owner !== undefined) found.add(`${owner}.${name.text}`)
    }
    const isOwner = ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node)
    ts.forEachChild(node, (child) => visit(child, isOwner ? node.name?.text : undefined))
  }
  visit(ts.createSourceFile(file, Fs.readFileSync(file, "utf8"), ts.ScriptTarget.Latest), undefined)
  declared.set(file, names = found)
  return names
}

/** Whether a file of one room imports one of another. */
const uses = (from: ReadonlyArray<string>, to: ReadonlyArray<string>): boolean =>
  from.some((file) =>
    [...Fs.readFileSync(file, "utf8").matchAll(/\bfrom "(\.[^"]+)"/g)]
      .some(([, specifier]) => to.includes(Path.join(Path.dirname(file), specifier as string)))
  )

// ---- the page

const diagrams = [...page.matchAll(/^```mermaid\n(.*?)^```$/gms)].map(([, text]) => text as string)
const prose = page.replace(/^```.*?^```$/gms, "")

/** Items of lists, rows of tables, and paragraphs. */
const blocks = prose.split(/\n(?=- |\d+\. |\|)|\n{2,}/).map((block) => block.replace(/\n/g, " "))

const links = (text: string) =>
  [...text.matchAll(/\[([^\]]*)\]\(([^)#]*)(?:#([^)]*))?\)/g)].map(([, shown = "", target = "", anchor]) => ({
    shown: shown.replaceAll("`", ""),
    path: Path.join(docs, target === "" ? "architecture.md" : target),
    anchor
  }))

const isFile = (path: string): boolean => Fs.existsSync(path) && Fs.statSync(path).isFile()

/** The anchor that a repository's page makes of a heading. */
const anchorOf = (heading: string): string => heading.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-")

describe("docs/architecture.md", () => {
  it("links only what exists, by the end of its path", () => {
    const all = links(prose)
    assert.isAbove(all.length, 80)
    for (const { anchor, path, shown } of all) {
      assert.isTrue(Fs.existsSync(path), `${at(path)} does not exist`)
      if (/[/.]/.test(shown)) {
        assert.isTrue(`${at(path)}/`.endsWith(shown.replace(/\/?$/, "/")), `${shown}: ${at(path)}`)
      }
      if (anchor === undefined) continue
      const headings = [...Fs.readFileSync(path, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, text = ""]) => anchorOf(text))
      assert.include(headings, anchor, at(path))
    }
  })

  it("names only what a file declares that is linked beside it", () => {
    let count = 0
    for (const block of blocks) {
      const files = links(block).map(({ path }) => path).filter((path) => path.endsWith(".ts") && isFile(path))
      if (files.length === 0) continue
      const names = [...block.replace(/\[[^\]]*\]\([^)]*\)/g, "").matchAll(/`([A-Za-z][\w.]*)`/g)]
      for (const [, name = ""] of names) {
        count++
        assert.isTrue(files.some((file) => namesIn(file).has(name)), `${name} is not in ${files.map(at).join(", ")}`)
      }
    }
    assert.isAbove(count, 80)
  })

  it("has every folder of the packages in its tables, with an idea, and every file beside them", () => {
    const rows = prose.split("\n").filter((line) => line.startsWith("| ["))
    const ideas = new Map(rows.map((row) => [links(row)[0]?.path.replace(/\/$/, ""), row.split("|")[2]?.trim() ?? ""]))
    for (const name of packages) {
      const { files, folder, folders } = inside(name)
      const rooms = [Path.dirname(folder), ...folders.map((name) => Path.join(folder, name))]
      if (files.length > 0) rooms.push(folder)
      for (const room of rooms) assert.match(ideas.get(room) ?? "", /^[A-Z[].{20,}\.$/, `the idea of ${at(room)}`)
      if (folders.length === 0) continue
      for (const file of files) {
        assert.isTrue(links(prose).some(({ path }) => path === Path.join(folder, file)), `${name}: ${file} is linked`)
      }
    }
  })

  it("shows every folder of the packages in its picture, with arrows that the imports follow", () => {
    const picture = diagrams[0] ?? ""
    const shown = [...picture.matchAll(/^\s*([a-z]+_\w+)\["/gm)].map(([, id]) => id as string)
    const actual = packages.flatMap((name) => {
      const { files, folders } = inside(name)
      const rooms = folders.length === 0 && files.length > 0 ? ["internal"] : folders
      return ["public", ...rooms].map((room) => `${name}_${room}`)
    })
    assert.deepStrictEqual(shown.sort(), actual.sort())

    const filesIn = (id: string): ReadonlyArray<string> => {
      const [name = "", room = ""] = id.split("_")
      const src = Path.join(root, "packages", name, "src")
      if (room === "internal") return filesOf(Path.join(src, "internal"))
      return room === "public"
        ? filesOf(src).filter((file) => Path.dirname(file) === src)
        : filesOf(Path.join(src, "internal", room))
    }
    const arrows = picture.split("\n").filter((line) => line.includes("-->")).map((line) =>
      line.trim().split(" --> ").map((ids) => ids.split(" & "))
    ).flatMap((steps) => steps.slice(1).flatMap((to, i) => steps[i]!.flatMap((a) => to.map((b) => [a, b] as const))))
    const between = arrows.filter(([, to]) => to !== "mongodb")
    assert.isAbove(between.length, 20)
    for (const [from, to] of between) assert.isTrue(uses(filesIn(from), filesIn(to)), `${from} uses ${to}`)
  })

  it("sends in its sequences what the file of the receiver declares", () => {
    const sequences = diagrams.slice(1)
    assert.strictEqual(sequences.length, 3)
    for (const sequence of sequences) {
      const files = new Map(
        [...sequence.matchAll(/participant (\w+) as (\w+)\/(\S+\.ts)$/gm)].map(([, id, name = "", path = ""]) => [
          id,
          Path.join(root, "packages", name, "src/internal", path.replaceAll("<br/>", ""))
        ])
      )
      assert.isAbove(files.size, 3)
      for (const [, id, name = ""] of sequence.matchAll(/->>(\w+): (.*)$/gm)) {
        const file = files.get(id)
        if (file !== undefined && /^\w+$/.test(name)) {
          assert.isTrue(namesIn(file).has(name), `${name} is in ${at(file)}`)
        }
      }
    }
  })

  it("answers at least twenty questions, each with a file at once", () => {
    const answers = blocks.filter((block) => block.startsWith("- **"))
    assert.isAtLeast(answers.length, 20)
    for (const answer of answers) {
      const [, first = ""] = /^- \*\*[^*]+\?\*\* (\[[^\]]*\]\([^)]*\)): \S/.exec(answer) ?? []
      const [link] = links(first)
      assert.isTrue(link !== undefined && isFile(link.path), answer)
    }
  })
})
