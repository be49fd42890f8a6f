// Reads the rows of the pages about coming from somewhere: the files `here.ts` and `there.ts` of a page export a function `rows`, whose
// result is an object of groups of rows. The text of each row is what the page shows.
import { readFileSync } from "node:fs"
import ts from "typescript"

/** A row of one side: its code, and the comment before it. */
export interface Row {
  readonly code: string
  readonly note: string
}

/** The rows of one side, by group and name. */
export type Groups = ReadonlyMap<string, ReadonlyMap<string, Row>>

/** Takes the spaces away that all lines but the first have in common. */
const dedent = (code: string): string => {
  const [first = "", ...rest] = code.trim().split("\n")
  const margin = Math.min(...rest.filter((line) => line.trim() !== "").map((line) => line.search(/\S/)))
  return [first, ...rest.map((line) => line.slice(margin))].join("\n")
}

/** Of a function without parameters only what it does is shown. */
const shown = (value: ts.Expression, file: ts.SourceFile): string => {
  if (!ts.isArrowFunction(value) || value.parameters.length > 0) return dedent(value.getText(file))
  const body = value.body.getText(file)
  return dedent(ts.isBlock(value.body) ? body.slice(1, -1) : body)
}

const comment = (node: ts.Node, file: ts.SourceFile): string =>
  (ts.getLeadingCommentRanges(file.text, node.getFullStart()) ?? [])
    .map(({ end, pos }) => file.text.slice(pos, end).replace(/^\/\/ ?/, ""))
    .join(" ")

const isGroups = (node: ts.ObjectLiteralExpression): boolean =>
  node.properties.length > 0 &&
  node.properties.every((group) =>
    ts.isPropertyAssignment(group) && ts.isStringLiteral(group.name) && ts.isObjectLiteralExpression(group.initializer)
  )

/** The rows of a file of TypeScript. */
export const rowsOf = (path: string): Groups => {
  const file = ts.createSourceFile(path, readFileSync(path, "utf8"), ts.ScriptTarget.Latest, true)
  let found: ts.ObjectLiteralExpression | undefined
  const visit = (node: ts.Node): void => {
    if (found !== undefined) return
    if (ts.isObjectLiteralExpression(node) && isGroups(node)) found = node
    else ts.forEachChild(node, visit)
  }
  visit(file)
  if (found === undefined) throw new Error(`${path} has no object of groups of rows`)
  const properties = (node: ts.ObjectLiteralExpression) =>
    node.properties.filter(ts.isPropertyAssignment).map((property) =>
      [(property.name as ts.StringLiteral).text, property] as const
    )
  return new Map(
    properties(found).map(([group, { initializer }]) => [
      group,
      new Map(
        properties(initializer as ts.ObjectLiteralExpression).map(([name, property]) => [
          name,
          { code: shown(property.initializer, file), note: comment(property, file) }
        ])
      )
    ])
  )
}

/** The rows of a file of Python: `## Group`, `# Row`, then the code. */
export const rowsOfPython = (path: string): Groups => {
  const groups = new Map<string, Map<string, Row>>()
  let rows = new Map<string, Row>()
  for (const part of readFileSync(path, "utf8").split(/^(?=## |# )/m)) {
    const [head = "", ...rest] = part.split("\n")
    if (head.startsWith("## ")) groups.set(head.slice(3), rows = new Map())
    else if (head.startsWith("# ") && groups.size > 0) {
      rows.set(head.slice(2), { code: rest.join("\n").trim(), note: "" })
    }
  }
  return groups
}
