/** Prints a suggested schema as a module of TypeScript, in the format of this project. */
import type * as Infer from "../../MongoInfer.ts"
import { quotedId } from "../shownId.ts"
import { onOneLine } from "../words.ts"
import { type FieldNode, namesOf, type Node, type Struct } from "./nodes.ts"

const lineWidth = 120

/**
 * The source of a module that exports the schema as a class of this name. `heading` is a comment for the class.
 *
 * @internal
 */
export const print = (name: string, heading: ReadonlyArray<string>, root: Struct): string => {
  const schema = broken(root, alone("  ", 0))
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
const comment = (text: string): string => `// ${onOneLine(text)}`

/** A text as a literal. JSON leaves some characters that a reader cannot see. */
const literal = (text: string): string => onOneLine(JSON.stringify(text))

/**
 * What a note says at a place, with its path from there.
 *
 * @internal
 */
export const noted = ({ id, message, path }: Infer.Note, place: string): string => {
  const step = path.slice(place.length)
  const example = id === undefined ? "" : `: see ${quotedId(id)}`
  return `${step === "" ? "" : `${step}: `}${message}${example}`
}

/** A name that has a meaning of its own in a literal is computed. */
const key = (name: string): string =>
  name === "__proto__" ? `["__proto__"]` : /^[A-Za-z_$][\w$]*$/.test(name) ? name : literal(name)

const wide = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Hangul}\p{Emoji_Presentation}\u3000-\u303E\uFF01-\uFF60]/u

/** How wide a text is on a screen, which counts for the length of a line. */
const widthOf = (text: string): number => {
  let width = 0
  for (const character of text) width += wide.test(character) ? 2 : /\p{M}/u.test(character) ? 0 : 1
  return width
}

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

/** Where a schema stands: its other lines begin with the indent, and its line has so many columns before and after it. */
interface At {
  readonly indent: string
  readonly before: number
  readonly after: number
}

/** On a line of its own. */
const alone = (indent: string, after: number): At => ({ indent, before: indent.length, after })

/** The schema: on one line if that fits. */
const shown = (node: Node, at: At): string => {
  const line = flat(node)
  return line !== undefined && at.before + widthOf(line) + at.after <= lineWidth ? line : broken(node, at)
}

/** Each bracket holds its parts on lines of their own. */
const broken = (node: Node, at: At): string => {
  const { indent } = at
  const inner = `${indent}  `
  const list = (items: ReadonlyArray<string>) => `[\n${items.map((item) => `${inner}${item}`).join(",\n")}\n${indent}]`
  switch (node._tag) {
    case "Named":
      return node.name
    case "Literals":
      return node.texts.length === 1
        ? `Schema.Literal(\n${inner}${literal(node.texts[0]!)}\n${indent})`
        : `Schema.Literals(${list(node.texts.map(literal))})`
    case "Array":
      return wrapped("Schema.Array(", node.element, at)
    case "Record":
      return `Schema.Record(\n${inner}Schema.String,\n${inner}${shown(node.value, alone(inner, 0))}\n${indent})`
    case "Union": {
      const nullable = ofNullable(node.members)
      if (nullable !== undefined) return wrapped("Schema.NullOr(", nullable, at)
      return `Schema.Union(${list(node.members.map((member) => shown(member, alone(inner, 1))))})`
    }
    case "Struct": {
      if (node.rest === undefined) return `Schema.Struct(${fieldsOf(node, indent)})`
      const rest = shown({ _tag: "Record", value: node.rest }, { indent: inner, before: inner.length + 1, after: 1 })
      return `Schema.StructWithRest(\n${inner}Schema.Struct(${fieldsOf(node, inner)}),\n${inner}[${rest}]\n${indent})`
    }
  }
}

/**
 * A call holds the brackets of its argument while their first line fits. Beyond the end of the line none is tried: each level would
 * double the tries of those inside of it.
 */
const wrapped = (start: string, node: Node, { after, before, indent }: At): string => {
  const column = before + start.length
  if (column < lineWidth) {
    const value = shown(node, { indent, before: column, after: after + 1 })
    const [first = ""] = value.split("\n")
    const rest = value.length > first.length ? 0 : after + 1
    if (column + widthOf(first) + rest <= lineWidth) return `${start}${value})`
  }
  const inner = `${indent}  `
  return `${start}\n${inner}${shown(node, alone(inner, 0))}\n${indent})`
}

const fieldsOf = ({ fields }: Struct, indent: string): string => {
  if (fields.length === 0) return "{}"
  const inner = `${indent}  `
  const last = [...fields].reverse().find(({ node }) => node !== undefined)
  const lines = fields.flatMap((field) => {
    const { isOptional, name, node } = field
    const about = node === undefined ? `${name}: ` : ""
    const notes = field.notes.map((note) => `${inner}${comment(`${about}${noted(note, field.path)}`)}`)
    if (node === undefined) return notes
    const start = `${inner}${key(name)}: `
    const end = field === last ? "" : ","
    const at = { indent: inner, before: widthOf(start), after: end.length }
    return [...notes, `${start}${isOptional ? wrapped("Schema.optionalKey(", node, at) : shown(node, at)}${end}`]
  })
  return `{\n${lines.join("\n")}\n${indent}}`
}
