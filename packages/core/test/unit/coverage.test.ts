import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import ts from "typescript-6"

// Compares docs/coverage.md with the types of the installed driver, and with this package.

const parse = (path: string | URL): ts.SourceFile =>
  ts.createSourceFile(String(path), Fs.readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true)

// ---- the page

interface Row {
  readonly line: number
  readonly section: string
  readonly members: ReadonlyArray<string>
  readonly state: string
  readonly here: string
}

const page = Fs.readFileSync(new URL("../../../../docs/coverage.md", import.meta.url), "utf8")

const rows: ReadonlyArray<Row> = (() => {
  const out: Array<Row> = []
  let chapter = ""
  let section = ""
  for (const [index, line] of page.split("\n").entries()) {
    if (line.startsWith("## ")) chapter = line.slice(3)
    if (line.startsWith("### ")) section = `${chapter}/${line.slice(4)}`
    if (!line.startsWith("| `")) continue
    const [members, state, here] = line.split("|").slice(1, -1).map((cell) => cell.trim()) as [string, string, string]
    out.push({ line: index + 1, section, members: ticked(members), state, here })
  }
  return out
})()

function ticked(text: string): Array<string> {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string)
}

const at = (row: Row): string => `docs/coverage.md:${row.line}: ${row.members.join(", ")}`

// ---- the driver

const driver = new Map(
  parse(createRequire(import.meta.url).resolve("mongodb/mongodb.d.ts")).statements
    .filter(ts.isClassDeclaration)
    .map((declaration) => [declaration.name?.text ?? "", declaration])
)

const modifiers = ts.ModifierFlags.Private | ts.ModifierFlags.Protected

/** The public members of a class and of those it extends; one is hidden when all of its overloads are. */
const membersOf = (name: string): Map<string, boolean> => {
  const declaration = driver.get(name)
  if (declaration === undefined) return new Map()
  const base = declaration.heritageClauses
    ?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0]?.expression.getText()
  const own = new Map<string, boolean>()
  for (const member of declaration.members) {
    const flags = ts.getCombinedModifierFlags(member)
    if (member.name === undefined || !ts.isIdentifier(member.name) || (flags & modifiers) !== 0) continue
    const key = `${(flags & ts.ModifierFlags.Static) === 0 ? "" : "static "}${member.name.text}`
    const hidden = ts.getJSDocTags(member).some(({ tagName }) => ["deprecated", "internal"].includes(tagName.text))
    own.set(key, (own.get(key) ?? true) && hidden)
  }
  return new Map([...(base === undefined ? [] : membersOf(base)), ...own])
}

// ---- this package

const src = new URL("../../src/", import.meta.url)

/** The members of an interface, with those of the interfaces of its module that it extends. */
const membersWithin = (statements: ReadonlyArray<ts.Statement>, name: string | undefined): Array<string> =>
  statements.flatMap((statement) => {
    if (!ts.isInterfaceDeclaration(statement) || statement.name.text !== name) return []
    const extended = (statement.heritageClauses ?? []).flatMap(({ types }) =>
      types.map((type) => type.expression.getText())
    )
    const own = statement.members.flatMap((member) => member.name === undefined ? [] : [member.name.getText()])
    return [...own, ...extended.flatMap((name) => membersWithin(statements, name))]
  })

/** Every export as `Module.export`, and every member of an exported interface as `Interface.member`. */
const names = new Set(
  Fs.readdirSync(src).filter((file) => /^[A-Z]\w*\.ts$/.test(file)).flatMap((file) => {
    const module = file.slice(0, -".ts".length)
    const { statements } = parse(new URL(file, src))
    return statements.flatMap((statement): Array<string> => {
      if ((ts.getCombinedModifierFlags(statement as unknown as ts.Declaration) & ts.ModifierFlags.Export) === 0) {
        return []
      }
      if (ts.isVariableStatement(statement)) {
        return statement.declarationList.declarations.map((declaration) => `${module}.${declaration.name.getText()}`)
      }
      const name = (statement as ts.DeclarationStatement).name?.getText()
      return [`${module}.${name}`].concat(membersWithin(statements, name).map((member) => `${name}.${member}`))
    })
  })
)

const effectModules = new Set(["Effect", "Stream"])
const counterparts = (row: Row): ReadonlyArray<string> =>
  ticked(row.here).filter((name) => /^[A-Z]\w*\.\w+$/.test(name) && !effectModules.has(name.split(".")[0] as string))

describe("docs/coverage.md", () => {
  const sections = [...new Set(rows.map(({ section }) => section))]
  const classes = sections.filter((section) => section.startsWith("The driver/")).map((section) =>
    section.split("/")[1] as string
  )

  it("has the classes of the driver that do something", () => {
    for (
      const name of [
        "AbstractCursor",
        "Admin",
        "AggregationCursor",
        "BulkOperationBase",
        "ChangeStream",
        "ClientEncryption",
        "ClientSession",
        "Collection",
        "Db",
        "FindCursor",
        "FindOperators",
        "GridFSBucket",
        "GridFSBucketReadStream",
        "GridFSBucketWriteStream",
        "ListCollectionsCursor",
        "ListIndexesCursor",
        "ListSearchIndexesCursor",
        "MongoClient",
        "OrderedBulkOperation",
        "RunCommandCursor",
        "UnorderedBulkOperation"
      ]
    ) assert.include(classes, name)
  })

  for (const name of classes) {
    it(`lists the members of ${name}, and no others`, () => {
      const listed = rows.filter(({ section }) => section === `The driver/${name}`).flatMap(({ members }) => members)
      const actual = [...membersOf(name)].filter(([, hidden]) => !hidden).map(([member]) => member)
      assert.isAbove(actual.length, 0, `the driver has no class ${name}`)
      assert.deepStrictEqual(listed.sort(), actual.sort())
    })
  }

  // Motor has no types to read. Its members come from its documentation, except those that the driver has under another name.
  const motor: Readonly<Record<string, string>> = {
    AsyncIOMotorDatabase: "command command(check=…) command(allowable_errors=…) cursor_command",
    AsyncIOMotorCursor: `add_option address alive allow_disk_use batch_size clone close collation collection comment
      cursor_id distinct each explain fetch_next hint limit max max_await_time_ms max_scan max_time_ms min next
      next_object remove_option rewind session skip sort to_list where`,
    AsyncIOMotorGridFSBucket: `collection delete delete_by_name download_to_stream download_to_stream_by_name find
      open_download_stream open_download_stream_by_name open_upload_stream open_upload_stream_with_id rename
      rename_by_name upload_from_stream upload_from_stream_with_id`,
    AsyncIOMotorGridIn: `_id abort chunk_size close closed content_type filename length md5 name set upload_date write
      writeable writelines`,
    AsyncIOMotorGridOut: `_id aliases chunk_size content_type filename length md5 metadata name open read readable
      readchunk readline seek seekable stream_to_handler tell upload_date`,
    AsyncIOMotorGridOutCursor: `alive batch_size clone close each fetch_next limit next next_object rewind skip sort
      to_list`
  }

  for (const [name, members] of Object.entries(motor)) {
    it(`lists the members of Motor's ${name}, each once`, () => {
      const listed = rows.filter(({ section }) => section === `Motor/${name}`).flatMap(({ members }) => members)
      assert.includeMembers(listed, members.split(/\s+/))
      assert.strictEqual(new Set(listed).size, listed.length)
    })
  }

  it("has a state that says what it must on every row", () => {
    assert.isAbove(rows.length, 0)
    for (const row of rows) {
      assert.match(row.state, /^(?:done|planned, issue \d+|left out)$/, at(row))
      assert.isAbove(row.here.length, 0, at(row))
      if (row.state === "done") assert.isAbove(counterparts(row).length, 0, `${at(row)}: names no counterpart`)
    }
  })

  it("names only counterparts that exist", () => {
    for (const row of rows) {
      for (const name of counterparts(row)) assert.isTrue(names.has(name), `${at(row)}: there is no ${name}`)
    }
  })
})
