/**
 * Only `internal/driver` reaches into objects of the driver. Other code does so neither with a cast, which hides that a member is
 * unpublished, nor in ways that TypeScript does not check.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import * as Path from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript-6"

const root = fileURLToPath(new URL("../../../..", import.meta.url))

/** Where the seam is. */
const seam = [
  "packages/core/src/internal/driver/",
  "packages/testing/src/internal/openSessions.ts",
  "packages/schema/src/internal/compiler/runtime.ts"
]

/** Functions that take an object apart without checking its type. */
const untyped = new Set([
  "Object.assign",
  "Object.create",
  "Object.defineProperty",
  "Reflect.get",
  "Reflect.set",
  "new Proxy"
])

/** Whether a type is one of the driver's classes, or has one of them among its parts. */
const isDriverObject = (type: ts.Type): boolean =>
  type.isUnionOrIntersection()
    ? type.types.some(isDriverObject)
    : (type.getSymbol()?.declarations ?? []).some((declaration) =>
      ts.isClassDeclaration(declaration) && /[\\/](?:mongodb|bson)\.d\.ts$/.test(declaration.getSourceFile().fileName)
    )

const isError = (checker: ts.TypeChecker, type: ts.Type): boolean =>
  checker.getPropertyOfType(type, "stack") !== undefined && checker.getPropertyOfType(type, "message") !== undefined

/** Whether a type says no more about an object than its own type, except that it may be written. */
const isPublished = (checker: ts.TypeChecker, from: ts.Type, to: ts.Type): boolean =>
  (to.flags & ts.TypeFlags.Object) === 0 ||
  to.getProperties().length > 0 && to.getProperties().every((property) => {
      const own = checker.getPropertyOfType(from, property.name)
      return own?.declarations?.every((declaration) =>
        (ts.getCombinedModifierFlags(declaration) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)) === 0
      ) === true
    })

const plantedFile = Path.join(root, "packages/core/src/planted.ts")

/** A file that breaks the rule. */
const planted = `import type * as Driver from "mongodb"
export const a = (client: Driver.MongoClient) => (client as unknown as { readonly topology: unknown }).topology
export const b = (cursor: Driver.FindCursor) => (cursor as unknown as { readonly documents?: unknown }).documents
export const c = (client: Driver.MongoClient) => Object.assign(client.options, { signal: undefined })
export const d = (session: Driver.ClientSession): unknown => Reflect.get(session, "serverSession")
export const e = (session: Driver.ClientSession): unknown => session["_serverSession"]
export const f = (session: Driver.ClientSession) => new Proxy(session, {})
export const fine = (result: Driver.BulkWriteResult) => (result as { upsertedIds: object }).upsertedIds = {}
`

/** Where the sources of packages reach into an object of the driver. */
const touches = (files: ReadonlyArray<string>): ReadonlyArray<string> => {
  const { config } = ts.readConfigFile(Path.join(root, "tsconfig.base.json"), (path) => ts.sys.readFile(path))
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const settings: ts.CompilerOptions = { ...options, noEmit: true, types: ["node"] }
  const host = ts.createCompilerHost(settings)
  const { fileExists, getSourceFile } = host
  host.fileExists = (path) => path === plantedFile || fileExists(path)
  host.getSourceFile = (path, version, ...rest) =>
    path === plantedFile
      ? ts.createSourceFile(path, planted, version)
      : getSourceFile(path, version, ...rest)
  const program = ts.createProgram([...files, plantedFile], settings, host)
  const checker = program.getTypeChecker()
  const found: Array<string> = []
  const inside = (node: ts.Expression): boolean => {
    const type = checker.getTypeAtLocation(node)
    return isDriverObject(type) && !isError(checker, type)
  }
  for (const file of program.getSourceFiles()) {
    const name = Path.relative(root, file.fileName).replaceAll("\\", "/")
    if (!/^packages\/[^/]+\/src\//.test(name) || seam.some((part) => name.startsWith(part))) continue
    const report = (node: ts.Node) => {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart())
      found.push(`${name}:${line + 1}: ${node.getText().split("\n", 1)[0]}`)
    }
    const visit = (node: ts.Node): void => {
      if (ts.isAsExpression(node) && !ts.isAsExpression(node.parent)) {
        let from: ts.Expression = node.expression
        while (ts.isAsExpression(from) || ts.isParenthesizedExpression(from)) from = from.expression
        const to = checker.getTypeAtLocation(node)
        if (inside(from) && !isDriverObject(to) && !isPublished(checker, checker.getTypeAtLocation(from), to)) {
          report(node)
        }
      } else if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && node.arguments?.[0] !== undefined) {
        const callee = `${ts.isNewExpression(node) ? "new " : ""}${node.expression.getText()}`
        const [first] = node.arguments
        if (untyped.has(callee) && inside(ts.isPropertyAccessExpression(first) ? first.expression : first)) report(node)
      } else if (ts.isElementAccessExpression(node) && ts.isStringLiteralLike(node.argumentExpression)) {
        if (inside(node.expression)) report(node)
      }
      ts.forEachChild(node, visit)
    }
    visit(file)
  }
  return found
}

describe("the seam of the driver", () => {
  it("is the only place that reaches into an object of the driver", () => {
    const files = ["core", "schema", "testing", "backends"].map((name) =>
      Path.join(root, "packages", name, "src/index.ts")
    )
    const found = touches(files)
    const isPlanted = (touch: string) => touch.startsWith("packages/core/src/planted.ts:")
    assert.deepStrictEqual(found.filter((touch) => !isPlanted(touch)), [])
    assert.deepStrictEqual(found.filter(isPlanted).map((touch) => touch.split(":")[1]), ["2", "3", "4", "5", "6", "7"])
  }, 120_000)
})
