/** Names the places of a schema where documents do not fit: one name for all elements of an array and all keys of a record. */
import type * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import type * as Audit from "../../MongoAudit.ts"

const format = SchemaIssue.makeFormatterStandardSchemaV1()

type Place = Pick<Audit.Problem, "path" | "message">

/**
 * The problems of a document: each place, and what the schema expects there.
 *
 * @internal
 */
export const placesOf = (ast: SchemaAST.AST, issue: SchemaIssue.Issue): ReadonlyArray<Place> =>
  format(issue).issues.map(({ message, path }) => ({
    path: pathOf(ast, (path ?? []).map((key) => typeof key === "object" ? key.key : key)),
    message: shortened(message)
  }))

/** A message of a schema may hold a whole text of a document. */
const maxMessage = 500

/** The message, cut if it is long. The copy lets go of the text that it was cut from. */
const shortened = (message: string): string =>
  message.length > maxMessage ? `${Buffer.from(message.slice(0, maxMessage)).toString()}...` : message

const pathOf = (root: SchemaAST.AST, path: ReadonlyArray<PropertyKey>): string => {
  let text = ""
  let nodes: ReadonlyArray<SchemaAST.AST> = [root]
  for (const key of path) {
    const step = stepOf(nodes, key)
    text = step.name.startsWith("[") || text === "" ? `${text}${step.name}` : `${text}.${step.name}`
    nodes = step.nodes
  }
  return text
}

interface Step {
  readonly name: string
  readonly nodes: ReadonlyArray<SchemaAST.AST>
}

const stepOf = (nodes: ReadonlyArray<SchemaAST.AST>, key: PropertyKey): Step => {
  const all = opened(nodes)
  if (typeof key === "number") {
    const arrays = all.filter((node) => node._tag === "Arrays")
    const elements = arrays.flatMap((array) => array.elements.slice(key, key + 1))
    return elements.length > 0
      ? { name: `[${key}]`, nodes: elements }
      : { name: "[]", nodes: arrays.flatMap((array) => array.rest) }
  }
  const objects = all.filter((node) => node._tag === "Objects")
  const fields = objects.flatMap((object) => object.propertySignatures.filter(({ name }) => name === key))
  const values = objects.flatMap((object) => object.indexSignatures)
  return fields.length === 0 && values.length > 0
    ? { name: "*", nodes: values.map(({ type }) => type) }
    : { name: String(key), nodes: fields.map(({ type }) => type) }
}

/** The nodes with those behind unions, transformations and suspended schemas. */
const opened = (nodes: ReadonlyArray<SchemaAST.AST>): ReadonlyArray<SchemaAST.AST> => {
  const all = new Set(nodes)
  for (const node of all) for (const next of behind(node)) all.add(next)
  return [...all]
}

const behind = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  const encoded = (ast.encoding ?? []).map(({ to }) => to)
  switch (ast._tag) {
    case "Union":
      return [...encoded, ...ast.types]
    case "Suspend":
      return [...encoded, ast.thunk()]
    default:
      return encoded
  }
}
