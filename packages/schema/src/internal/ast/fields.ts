/** Changes the fields of documents: the schema of a document after a field at a path was set, taken away or replaced. */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { expand, type Node, type ObjectNode } from "../path/nodes.ts"
import { setOwn } from "../plainObject.ts"
import { refuse } from "../refusal.ts"
import {
  arrayOf,
  elementOf,
  fieldsIn,
  isMissing,
  keyOf,
  mayBeNull,
  nonNull,
  oneOf,
  present,
  recordOf,
  type Slot,
  slotOf,
  struct
} from "./calculus.ts"

/**
 * A change of a field: what it holds afterwards, or `undefined` for no field.
 *
 * @internal
 */
export interface Change {
  readonly change: (field: Slot | undefined) => Slot | undefined
  /** Whether the change makes the objects on its path where there are none. */
  readonly creates: boolean
  /** Whether it changes all elements of the arrays on its path. */
  readonly entersArrays: boolean
  /** Whether documents without the field are gone afterwards. */
  readonly drops?: boolean
}

type Signatures = ReadonlyArray<SchemaAST.PropertySignature>

/**
 * An object with other properties. What is left of a class is a plain object.
 *
 * @internal
 */
export const withProperties = (
  { objects, rename, renamed }: ObjectNode,
  signatures: Signatures,
  indexes: ReadonlyArray<SchemaAST.IndexSignature> = objects.indexSignatures
): SchemaAST.AST => {
  if (!renamed) return new SchemaAST.Objects(signatures, indexes)
  const fields: Record<string, Schema.Codec<unknown, unknown, unknown, unknown>> = {}
  const names: Record<string, string> = {}
  for (const { name, type } of signatures) {
    setOwn(fields, name as string, Schema.make(type))
    if (rename(name as string) !== name) setOwn(names, name as string, rename(name as string))
  }
  const changed = Schema.Struct(fields)
  // A transformation that renames nothing would hide the fields.
  return Object.keys(names).length === 0 ? changed.ast : changed.pipe(Schema.encodeKeys(names)).ast
}

/** The names of a path: those of the schema, and those in the database. */
interface Names {
  readonly path: ReadonlyArray<string>
  readonly stored: ReadonlyArray<string>
}

const belowFirst = ({ path, stored }: Names): Names => ({ path: path.slice(1), stored: stored.slice(1) })

const changeObject = (node: ObjectNode, names: Names, at: string, change: Change): SchemaAST.AST => {
  const [name = ""] = names.path
  const [stored = ""] = names.stored
  const rest = belowFirst(names)
  const { indexSignatures, propertySignatures } = node.objects
  const known = propertySignatures.find((property) => property.name === name)
  if (known === undefined && indexSignatures.length > 0) {
    const [{ parameter, type }] = indexSignatures as [SchemaAST.IndexSignature]
    const value = changeAt({ ast: type, optional: true }, rest, at, change)
    const after = value === undefined ? type : oneOf([type, value.ast])
    return new SchemaAST.Objects(propertySignatures, [new SchemaAST.IndexSignature(parameter, after)])
  }
  if (known === undefined && propertySignatures.some((property) => node.rename(String(property.name)) === name)) {
    return refuse(at, "is the name of another field in the database: use the name of the schema")
  }
  const value = changeAt(known === undefined ? undefined : slotOf(known.type), rest, at, change)
  const others = propertySignatures.filter((property) => property !== known)
  if (value === undefined || isMissing(value)) return withProperties(node, others)
  const changed = new SchemaAST.PropertySignature(name, keyOf(value))
  if (known !== undefined) {
    return withProperties(node, propertySignatures.map((each) => each === known ? changed : each))
  }
  return withProperties(named(node, name, stored), [...others, changed])
}

/** An object that may get a field with another name in the database. */
const named = (node: ObjectNode, name: string, stored: string): ObjectNode =>
  name === stored ? node : {
    ...node,
    rename: (other) => other === name ? stored : node.rename(other),
    renamed: true
  }

const isUnknown = (node: Node): boolean =>
  node._tag === "Leaf" && (node.ast.encoding !== undefined || node.ast._tag === "Unknown" || node.ast._tag === "Any")

const emptyObject: ObjectNode = {
  _tag: "Object",
  objects: new SchemaAST.Objects([], []),
  rename: (name) => name,
  renamed: false
}

/**
 * What stands at a place after the change of a field below it. Arguments of the last name get what the field held.
 */
const changeAt = (
  slot: Slot | undefined,
  names: Names,
  at: string,
  change: Change
): Slot | undefined => {
  if (names.path.length === 0) return change.change(slot)
  if (slot?.withDefault !== undefined) {
    refuse(at, "is below a field that may be absent in the database, although its codec has a default: set it before")
  }
  const nodes = slot === undefined ? [] : expand(slot.ast)
  const made = (): ReadonlyArray<SchemaAST.AST> => [changeObject(emptyObject, names, at, change)]
  const changed = nodes.flatMap((node): ReadonlyArray<SchemaAST.AST> => {
    if (node._tag === "Object") return [changeObject(node, names, at, change)]
    if (node._tag === "Array") {
      if (!change.entersArrays) return refuse(at, "goes through an array")
      const element = changeAt(present(elementOf(oneOf([node.arrays]))), names, at, change)
      return element === undefined ? [node.arrays] : [arrayOf(element.ast)]
    }
    if (isUnknown(node)) return refuse(at, "is below a value without fields")
    return change.creates ? made() : change.drops === true ? [] : [node.ast]
  })
  const isAbsent = slot === undefined || slot.optional
  if (isAbsent && change.creates) return present(oneOf([...changed, ...made()]))
  if (slot === undefined) return undefined
  return { ast: oneOf(changed), optional: slot.optional && change.drops !== true }
}

/**
 * The schema of a document after the change of a field.
 *
 * @internal
 */
export const changeField = (document: SchemaAST.AST, path: string, at: string, change: Change): SchemaAST.AST =>
  changeAt(present(document), { path: path.split("."), stored: storedPath(document, path).split(".") }, at, change)!.ast

/**
 * The schema of a document with a field of a name, which is always there.
 *
 * @internal
 */
export const addField = (document: SchemaAST.AST, name: string, value: SchemaAST.AST): SchemaAST.AST =>
  changeField(document, name, name, { change: () => present(value), creates: false, entersArrays: false })

/**
 * The schema of an object after the change of one of its own fields, whatever its name looks like.
 *
 * @internal
 */
export const changeOwnField = (object: SchemaAST.AST, name: string, at: string, change: Change): SchemaAST.AST =>
  changeAt(present(object), { path: [name], stored: [storedName(object, name)] }, at, change)!.ast

/**
 * The stored name of a field of an object. A name that the schema lacks stands for itself.
 *
 * @internal
 */
export const storedName = (object: SchemaAST.AST, name: string): string => {
  const names = expand(object).flatMap((node) => node._tag === "Object" ? [node.rename(name)] : [])
  return names.find((stored) => stored !== name) ?? name
}

/** The fields of an object by their names, and the names in the database. */
interface OwnFields {
  readonly fields: ReadonlyMap<string, Slot>
  readonly stored: ReadonlyMap<string, string>
}

const ownFields = ({ objects, rename }: ObjectNode): OwnFields => ({
  fields: new Map(objects.propertySignatures.map(({ name, type }) => [String(name), slotOf(type)])),
  stored: new Map(objects.propertySignatures.map(({ name }) => [String(name), rename(String(name))]))
})

const checkNames = (a: OwnFields, b: OwnFields, at: string): void => {
  for (const [name, stored] of b.stored) {
    const isOther = (other: string, itsStored: string) => (other === name) !== (itsStored === stored)
    if ([...a.stored].some(([other, itsStored]) => isOther(other, itsStored))) {
      refuse(`${at}.${name}`, "has another name in the database than the same field of another object")
    }
  }
}

/** An object that may be absent, which leaves its fields out. */
interface Merged {
  readonly node: ObjectNode
  readonly optional: boolean
}

const absentIf = (isAbsent: boolean, slot: Slot): Slot =>
  isAbsent || slot.optional ? { ast: slot.ast, optional: true } : slot

const mergeTwo = (a: Merged, b: Merged, at: string): SchemaAST.AST => {
  if (a.node.objects.indexSignatures.length > 0 || b.node.objects.indexSignatures.length > 0) {
    return recordOf(oneOf([a, b].flatMap(({ node }) => fieldsIn(node.objects))))
  }
  const [left, right] = [ownFields(a.node), ownFields(b.node)]
  checkNames(left, right, at)
  const names = [...new Set([...left.fields.keys(), ...right.fields.keys()])]
  const field = (name: string): Slot => {
    const [before, after] = [left.fields.get(name), right.fields.get(name)]
    const first = before && absentIf(a.optional, before)
    const second = after && absentIf(b.optional, after)
    if (first === undefined || second === undefined) return (first ?? second)!
    const isKept = second.optional || second.withDefault !== undefined
    if (isKept && (first.withDefault ?? second.withDefault) !== undefined) {
      refuse(`${at}.${name}`, "may be absent in the database, although its codec has a default: set it before")
    }
    return isKept ? { ast: oneOf([first.ast, second.ast]), optional: first.optional } : second
  }
  const signatures = names.map((name) => new SchemaAST.PropertySignature(name, keyOf(field(name))))
  const stored = new Map([...left.stored, ...right.stored])
  return withProperties({
    _tag: "Object",
    objects: a.node.objects,
    rename: (name) => stored.get(name) ?? name,
    renamed: a.node.renamed || b.node.renamed
  }, signatures)
}

/**
 * The schema of two objects as one. The fields of the second one win. An object that is null or missing adds nothing.
 *
 * @internal
 */
export const mergeObjects = (a: Slot, b: Slot, at: string): SchemaAST.AST => {
  const members = (slot: Slot): ReadonlyArray<Merged> => {
    const nodes = expand(slot.ast).flatMap((node) => node._tag === "Object" ? [node] : [])
    const optional = slot.optional || mayBeNull(slot.ast)
    if (nodes.length === 0) return [{ node: expand(struct({}))[0] as ObjectNode, optional }]
    return nodes.map((node) => ({ node, optional }))
  }
  return oneOf(members(a).flatMap((first) => members(b).map((second) => mergeTwo(first, second, at))))
}

/**
 * The stored path of a field. A name that the schema lacks stands for itself.
 *
 * @internal
 */
export const storedPath = (document: SchemaAST.AST, path: string): string => {
  let asts: ReadonlyArray<SchemaAST.AST> = [document]
  return path.split(".").map((name) => {
    const objects = asts.flatMap(expand).flatMap((node) =>
      node._tag === "Object" ? [node] : node._tag === "Array" ? expand(elementOf(oneOf([node.arrays]))) : []
    )
    asts = objects.flatMap((node) =>
      node._tag === "Object"
        ? node.objects.propertySignatures.filter((property) => property.name === name).map(({ type }) => type)
        : []
    )
    const stored = new Set(
      objects.flatMap((node) =>
        node._tag === "Object" && node.objects.propertySignatures.some((property) => property.name === name)
          ? [node.rename(name)]
          : []
      )
    )
    const [first = name] = stored
    if (stored.size > 1) refuse(path, "has different names in the database, one for each member of a union")
    return first
  }).join(".")
}

/**
 * The schema of objects as plain ones. `partly` says which of their fields may be missing: all, or those that a function names.
 *
 * @internal
 */
export const plainAst = (
  ast: SchemaAST.AST,
  at: string,
  partly: boolean | ((name: string) => boolean)
): SchemaAST.AST => {
  const objects = expand(nonNull(ast)).flatMap((node) => node._tag === "Object" ? [node] : [])
  const [only] = objects
  if (only === undefined || objects.length > 1) return refuse(at, "takes objects of one schema")
  const isPartly = typeof partly === "boolean" ? () => partly : partly
  return withProperties(
    only,
    only.objects.propertySignatures.map(({ name, type }) =>
      new SchemaAST.PropertySignature(name, isPartly(String(name)) ? keyOf({ ...slotOf(type), optional: true }) : type)
    )
  )
}
