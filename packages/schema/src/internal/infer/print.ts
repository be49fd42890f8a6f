/** Prints a suggested schema as a module of TypeScript, in the format of this project. */
import type * as Infer from "../../MongoInfer.ts"
import { shownId } from "../shownId.ts"
import { type FieldNode, namesOf, type Node, type Struct } from "./nodes.ts"

const lineWidth = 120

/** An id longer than this is cut in a comment. */
const maxShown = 80

/**
 * The source of a module that exports the schema as a class of this name. `heading` is a comment for the class.
 *
 * @internal
 */
export const print = (name: string, heading: ReadonlyArray<string>, root: Struct): string => {
  const schema = broken(root, "  ")
  const imports = namesOf(root).some((name) => name.startsWith("Bson."))
    ? [`import { Bson } from "@mongofx/schema"`]
    : []
  return [
    ...imports,
    `import { Schema } from "effect"`,
    "",
    ...heading.map(comment),
    `export class ${name} extends Schema.Opaque<${name}>()(`,
    `  ${schema}`,
    ") {}",
    ""
  ].join("\n")
}

/** A comment of one line, whatever the text. */
const comment = (text: string): string => `// ${text.replace(unprintable, escaped)}`

const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const escaped = (character: string): string => {
  const code = character.codePointAt(0)!.toString(16)
  return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`
}

/** A text as a literal. JSON leaves some characters that a reader cannot see. */
const literal = (text: string): string => JSON.stringify(text).replace(unprintable, escaped)

/**
 * What a note says at a place, with its path from there.
 *
 * @internal
 */
export const noted = ({ id, message, path }: Infer.Note, place: string): string => {
  const step = path.slice(place.length)
  const shown = id === undefined ? "" : typeof id === "string" ? JSON.stringify(id) : shownId(id)
  const example = shown === "" ? "" : `: see ${shown.length > maxShown ? `${shown.slice(0, maxShown)}...` : shown}`
  return `${step === "" ? "" : `${step}: `}${message}${example}`
}

/** A name that has a meaning of its own in a literal is computed. */
const key = (name: string): string =>
  name === "__proto__" ? `["__proto__"]` : /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name)

// ---- schemas on one line

/** The schema on one line, or `undefined` if a comment or the number of fields takes several. */
const flat = (node: Node): string | undefined => {
  switch (node._tag) {
    case "Named":
      return node.name
    case "Literals":
      return node.texts.length === 1
        ? `Schema.Literal(${literal(node.texts[0]!)})`
        : `Schema.Literals([${node.texts.map(literal).join(", ")}])`
    case "Array":
      return within("Schema.Array(", flat(node.element))
    case "Record":
      return within("Schema.Record(Schema.String, ", flat(node.value))
    case "Union": {
      const nullable = ofNullable(node.members)
      if (nullable !== undefined) return within("Schema.NullOr(", flat(nullable))
      const members = all(node.members.map(flat))
      return members === undefined ? undefined : `Schema.Union([${members.join(", ")}])`
    }
    case "Struct": {
      if (node.rest !== undefined || node.fields.length === 0) return undefined
      const fields = all(node.fields.map((field) => {
        if (field.node === undefined || field.notes.length > 0) return undefined
        const value = flatValue(field, field.node)
        return value === undefined ? undefined : `${key(field.name)}: ${value}`
      }))
      return fields === undefined ? undefined : `Schema.Struct({ ${fields.join(", ")} })`
    }
  }
}

const flatValue = ({ isOptional }: FieldNode, node: Node): string | undefined =>
  isOptional ? within("Schema.optionalKey(", flat(node)) : flat(node)

const within = (start: string, text: string | undefined): string | undefined =>
  text === undefined ? undefined : `${start}${text})`

const all = (texts: ReadonlyArray<string | undefined>): ReadonlyArray<string> | undefined =>
  texts.includes(undefined) ? undefined : texts as ReadonlyArray<string>

/** What a union of one schema and null holds. */
const ofNullable = (members: ReadonlyArray<Node>): Node | undefined => {
  const [first, last] = members
  return members.length === 2 && last!._tag === "Named" && last!.name === "Schema.Null" ? first : undefined
}

// ---- schemas on several lines

/** The schema: on one line if that leaves `used` characters of it free. Its other lines begin with the indent. */
const shown = (node: Node, indent: string, used: number): string => {
  const line = flat(node)
  return line !== undefined && used + line.length <= lineWidth ? line : broken(node, indent, used)
}

/** Each bracket holds its parts on lines of their own. */
const broken = (node: Node, indent: string, used = 0): string => {
  const inner = `${indent}  `
  const list = (items: ReadonlyArray<string>) => `[\n${items.map((item) => `${inner}${item}`).join(",\n")}\n${indent}]`
  switch (node._tag) {
    case "Named":
      return node.name
    case "Literals":
      return node.texts.length === 1 ? flat(node)! : `Schema.Literals(${list(node.texts.map(literal))})`
    case "Array":
      return wrapped("Schema.Array(", node.element, indent, used)
    case "Record":
      return `Schema.Record(\n${inner}Schema.String,\n${inner}${shown(node.value, inner, inner.length)}\n${indent})`
    case "Union": {
      const nullable = ofNullable(node.members)
      if (nullable !== undefined) return wrapped("Schema.NullOr(", nullable, indent, used)
      return `Schema.Union(${list(node.members.map((member) => shown(member, inner, inner.length + 1)))})`
    }
    case "Struct": {
      if (node.rest === undefined) return `Schema.Struct(${fieldsOf(node, indent)})`
      const rest = `[${shown({ _tag: "Record", value: node.rest }, inner, inner.length + 2)}]`
      return `Schema.StructWithRest(\n${inner}Schema.Struct(${fieldsOf(node, inner)}),\n${inner}${rest}\n${indent})`
    }
  }
}

const wrapped = (start: string, node: Node, indent: string, used: number): string =>
  `${start}${shown(node, indent, used + start.length + 1)})`

const fieldsOf = ({ fields }: Struct, indent: string): string => {
  if (fields.length === 0) return "{}"
  const inner = `${indent}  `
  const kept = fields.filter(({ node }) => node !== undefined)
  const lines = fields.flatMap((field) => {
    const { isOptional, name, node } = field
    const about = node === undefined ? `${name}: ` : ""
    const notes = field.notes.map((note) => `${inner}${comment(`${about}${noted(note, field.path)}`)}`)
    if (node === undefined) return notes
    const start = `${key(name)}: ${isOptional ? "Schema.optionalKey(" : ""}`
    const value = shown(node, inner, inner.length + start.length + (isOptional ? 2 : 1))
    return [...notes, `${inner}${start}${value}${isOptional ? ")" : ""}${field === kept.at(-1) ? "" : ","}`]
  })
  return `{\n${lines.join("\n")}\n${indent}}`
}
