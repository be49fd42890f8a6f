import { assert, describe, it } from "@effect/vitest"
import { classify } from "@mongofx/core/internal/errors/classify"
import { ServerCode } from "@mongofx/core/internal/errors/codes"
import * as Driver from "mongodb"
import * as Fs from "node:fs"
import { createRequire } from "node:module"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript-6"

const rows = Object.entries(ServerCode).map(([name, row]) => ({ name, ...row }))

const marked = (mark: (typeof rows)[number]["marks"][number]) => rows.filter(({ marks }) => marks.includes(mark))

/** The driver's lists of codes, which it does not publish. */
const driver = createRequire(import.meta.url)("mongodb/lib/error.js") as {
  readonly MONGODB_ERROR_CODES: Readonly<Record<string, number>>
  readonly GET_MORE_RESUMABLE_CODES: ReadonlySet<number>
  readonly isRetryableReadError: (error: Driver.MongoError) => boolean
}

const reply = (code: number) => new Driver.MongoServerError({ ok: 0, code, message: "no" })

const numbers = (codes: Iterable<number>) => [...codes].sort((a, b) => a - b)

describe("the table of codes", () => {
  it("has every code once, in order", () => {
    const codes = rows.map(({ code }) => code)
    assert.deepStrictEqual(codes, numbers(new Set(codes)))
  })

  it("names every code of the driver as the driver does", () => {
    // The server's list of error codes has another name for it.
    const otherwise = new Map([["Reauthenticate", "ReauthenticationRequired"]])
    for (const [name, code] of Object.entries(driver.MONGODB_ERROR_CODES)) {
      assert.strictEqual(rows.find((row) => row.code === code)?.name, otherwise.get(name) ?? name)
    }
  })

  it("marks as resumable and as retried what the driver does", () => {
    assert.deepStrictEqual(
      numbers(marked("resumable").map(({ code }) => code)),
      numbers(driver.GET_MORE_RESUMABLE_CODES)
    )
    for (const { code, marks, name } of rows) {
      assert.strictEqual(marks.includes("retried"), driver.isRetryableReadError(reply(code)), name)
    }
  })

  it.each(rows)("$name ($code) becomes its reason", ({ code, marks, name, reason: { kind, tag } }) => {
    const reason = classify(reply(code), { operation: "insertOne", isSingle: true, sends: 1 })
    assert.strictEqual(reason._tag, tag)
    assert.strictEqual((reason as { readonly kind?: string }).kind, kind)
    assert.strictEqual(reason.isTransient, marks.includes("transient"))
    assert.strictEqual(reason.codeName, name)
    assert.strictEqual(reason.nothingDone, marks.includes("refused") ? true : undefined)
    assert.strictEqual(reason.isRetryable, marks.includes("refused"))
  })
})

// ---- the page

const page = Fs.readFileSync(new URL("../../../../docs/errors.md", import.meta.url), "utf8")

describe("docs/errors.md", () => {
  it("shows the table", () => {
    const shown = page.split("\n").filter((line) => /^\| \d/.test(line)).map((line) =>
      line.split("|").slice(1, -1).map((cell) => cell.trim())
    ).map(([code, name, ...others]) => // A name that does not say enough has a meaning in parentheses.
    [code, name?.replace(/ \(.*\)$/, ""), ...others])
    const expected = rows.map(({ code, marks, name, reason: { kind, tag } }) => [
      String(code),
      name,
      kind === undefined ? `\`${tag}\`` : `\`${tag}\` (\`${kind}\`)`,
      marks.includes("transient") ? "yes" : "",
      marks.includes("refused") ? "yes" : "",
      marks.includes("retried") ? "yes" : "",
      marks.includes("resumed") ? "always" : marks.includes("resumable") ? "where labelled" : ""
    ])
    assert.deepStrictEqual(shown, expected)
  })
})

// ---- the sources

const packages = fileURLToPath(new URL("../../../", import.meta.url))

const sources = ["core", "schema", "testing"].flatMap((name) => {
  const root = Path.join(packages, name, "src")
  return Fs.readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => Path.join(root, file))
})

const comparisons: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.EqualsEqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsEqualsToken,
  ts.SyntaxKind.EqualsEqualsToken,
  ts.SyntaxKind.ExclamationEqualsToken
])

const isCode = (node: ts.Node): boolean => /\bcode\b/.test(node.getText())

const isNumber = (node: ts.Node): boolean =>
  ts.isNumericLiteral(node) || ts.isPrefixUnaryExpression(node) && ts.isNumericLiteral(node.operand)

/** The places of a file where a number stands for a code: compared with one, looked up by one, or given as one. */
const bareCodes = (file: string, text: string): ReadonlyArray<string> => {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const constants = new Map<string, ts.Expression>()
  const found: Array<string> = []
  /** Whether an expression is a number, or a list of them, here or behind a name. */
  const isBare = (node: ts.Expression): boolean => {
    if (ts.isIdentifier(node)) {
      const value = constants.get(node.text)
      return value !== undefined && isBare(value)
    }
    if (ts.isArrayLiteralExpression(node)) return node.elements.length > 0 && node.elements.every(isBare)
    if (ts.isNewExpression(node)) return node.arguments?.length === 1 && node.arguments.every(isBare)
    return isNumber(node)
  }
  const collect = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined) {
      constants.set(node.name.text, node.initializer)
    }
    ts.forEachChild(node, collect)
  }
  const look = (node: ts.Node): void => {
    const isFound = ts.isBinaryExpression(node) && comparisons.has(node.operatorToken.kind)
      ? isCode(node.left) && isBare(node.right) || isCode(node.right) && isBare(node.left)
      : ts.isCaseClause(node)
      ? isCode(node.parent.parent.expression) && isBare(node.expression)
      : ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)
      ? /^(?:has|includes|indexOf|get)$/.test(node.expression.name.text) && node.arguments.some(isCode) &&
        isBare(node.expression.expression)
      : ts.isPropertyAssignment(node) && node.name.getText() === "code" && isBare(node.initializer)
    if (isFound) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart())
      found.push(`${Path.relative(packages, file)}:${line + 1}: ${node.getText().slice(0, 100)}`)
    }
    ts.forEachChild(node, look)
  }
  collect(source)
  look(source)
  return found
}

describe("the sources", () => {
  it.each([
    "if (error.code === 26) fail()",
    "const gone = 43\nif (gone !== reason.code) fail()",
    "const codes: ReadonlySet<number> = new Set([11, 18])\nconst isLogin = codes.has(code)",
    "switch (code) { case 13: break }",
    "fail({ ...fields, code: 20 })"
  ])("%s has a bare code", (text) => {
    assert.lengthOf(bareCodes("a.ts", text), 1)
  })

  it("have no bare code outside of the table", () => {
    assert.isAbove(sources.length, 100)
    // That is what a mongod exits with.
    const found = sources.flatMap((file) => bareCodes(file, Fs.readFileSync(file, "utf8")))
    assert.deepStrictEqual(found.filter((place) => !place.endsWith(": code === addressInUse")), [])
  })
})
