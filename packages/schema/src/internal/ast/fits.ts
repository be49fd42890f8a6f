/** Compares schemas by what is stored: whether all that is computed by one of them can be read by the other one. */
import type * as SchemaAST from "effect/SchemaAST"
import { elementsOf, expand, type Node, type ObjectNode } from "../path/nodes.ts"
import { isMissing, type Slot, slotOf } from "./calculus.ts"
import { storedAs, storedTypes } from "./stored.ts"

/**
 * Where a computed value cannot be read, and why.
 *
 * @internal
 */
export interface Unreadable {
  readonly path: string
  readonly what: string
}

/** What a document may lack although its schema requires it. */
type MayLack = "none" | "_id" | "any"

const below = (path: string, name: string): string => path === "" ? name : `${path}.${name}`

/** The stored types of numbers that a plain number is read from. */
const plainNumbers: ReadonlySet<string> = new Set(["number", "int", "double"])

const constantsOf = (ast: SchemaAST.AST): ReadonlyArray<unknown> | undefined =>
  ast._tag === "Literal" ? [ast.literal] : ast._tag === "Enum" ? ast.enums.map(([, value]) => value) : undefined

const isSame = (a: SchemaAST.AST, b: SchemaAST.AST): boolean =>
  a === b || a.encoding !== undefined && a.encoding === b.encoding ||
  a._tag === "Declaration" && b._tag === "Declaration" && a.encoding === undefined && b.encoding === undefined &&
    a.run === b.run && a.typeParameters.length === 0

/** Checks are left alone, as in updates by operators: what is computed may break them. */
const readsLeaf = (from: SchemaAST.AST, to: SchemaAST.AST): boolean => {
  if (isSame(from, to) || to._tag === "Unknown" || to._tag === "Any") return true
  const stored = storedTypes(from)
  const read = storedTypes(to)
  // A codec of one's own reads what it has written. The one exception are dates, which have no form but their own.
  if (to.encoding !== undefined) return storedAs(from) === "date" && storedAs(to) === "date"
  const constants = constantsOf(to)
  if (constants !== undefined) {
    return from.encoding === undefined && constantsOf(from)?.every((value) => constants.includes(value)) === true
  }
  if (to._tag === "TemplateLiteral" || read.has("unknown")) return false
  const known = to._tag === "Number" ? plainNumbers : read
  return stored.size > 0 && [...stored].every((type) => known.has(type))
}

const reads = (from: Node, to: Node, path: string, mayLack: MayLack): Unreadable | undefined => {
  if (from._tag === "Object" && to._tag === "Object") return readsObject(from, to, path, mayLack)
  if (from._tag === "Array" && to._tag === "Array") {
    if (from.arrays === to.arrays) return undefined
    if (to.arrays.elements.length > 0) return { path, what: "is an array, and the schema has a tuple" }
    return firstOf(elementsOf(from.arrays), (ast) => unreadableIn(ast, to.arrays.rest, `${path}[]`, "none"))
  }
  if (to._tag === "Leaf" && (from._tag === "Leaf" ? readsLeaf(from.ast, to.ast) : isAnything(to.ast))) return undefined
  const is = (node: Node) => node._tag === "Leaf" ? `what is stored as ${storedAs(node.ast)}` : nameOf(node)
  const own = to._tag === "Leaf" && (to.ast.encoding !== undefined || constantsOf(to.ast) !== undefined)
  return { path, what: `becomes ${is(from)}, and the schema has ${is(to)}${own ? ", with fewer values" : ""}` }
}

const isAnything = (ast: SchemaAST.AST): boolean => ast._tag === "Unknown" || ast._tag === "Any"

const nameOf = (node: Node): string => node._tag === "Array" ? "an array" : "an object"

const readsObject = (from: ObjectNode, to: ObjectNode, path: string, mayLack: MayLack): Unreadable | undefined => {
  if (from.objects === to.objects) return undefined
  const given = new Map<string, Slot>()
  for (const { name, type } of from.objects.propertySignatures) {
    const slot = slotOf(type)
    if (!isMissing(slot)) given.set(from.rename(String(name)), slot)
  }
  const values = from.objects.indexSignatures.map(({ type }) => type)
  const others = to.objects.indexSignatures.map(({ type }) => type)
  const storedNames = new Set(to.objects.propertySignatures.map(({ name }) => to.rename(String(name))))
  const known = new Set<string>()
  for (const { name, type } of to.objects.propertySignatures) {
    const stored = to.rename(String(name))
    const at = below(path, String(name))
    const slot = given.get(stored)
    const wanted = slotOf(type)
    known.add(stored)
    if (slot === undefined && given.has(String(name)) && !storedNames.has(String(name)) && others.length === 0) {
      return { path: at, what: `has the name ${String(name)} in the database, where the schema has ${stored}` }
    }
    if (slot === undefined || slot.optional || slot.withDefault !== undefined) {
      // An update keeps the `_id` that a stage has left out.
      if (
        !wanted.optional && wanted.withDefault === undefined && mayLack !== "any" &&
        !(mayLack === "_id" && stored === "_id")
      ) {
        return { path: at, what: "may be missing, and the schema requires it" }
      }
      if (slot === undefined) continue
    }
    const wrong = unreadableIn(slot.ast, [wanted.ast], at, "none")
    if (wrong !== undefined) return wrong
  }
  for (const [name, { ast }] of given) {
    if (known.has(name)) continue
    const at = below(path, name)
    if (others.length === 0) return { path: at, what: "is not a field of the schema" }
    const wrong = unreadableIn(ast, others, at, "none")
    if (wrong !== undefined) return wrong
  }
  if (values.length > 0 && others.length === 0) return { path, what: "has any names, and the schema has fields" }
  return firstOf(values, (ast) => unreadableIn(ast, others, path, "none"))
}

const firstOf = <A>(
  all: ReadonlyArray<A>,
  f: (each: A) => Unreadable | undefined
): Unreadable | undefined => {
  for (const each of all) {
    const wrong = f(each)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

const unreadableIn = (
  from: SchemaAST.AST,
  to: ReadonlyArray<SchemaAST.AST>,
  path: string,
  mayLack: MayLack
): Unreadable | undefined => {
  if (to.includes(from)) return undefined
  const targets = to.flatMap(expand)
  return firstOf(expand(from), (node) => {
    let problem: Unreadable | undefined
    for (const target of targets) {
      const wrong = reads(node, target, path, mayLack)
      if (wrong === undefined) return undefined
      // The member that has most in common says best what is wrong.
      if (problem === undefined || wrong.path.length > problem.path.length) problem = wrong
    }
    return problem ?? { path, what: "has no place in the schema" }
  })
}

/**
 * Where documents of one schema cannot be read by another one, by what is stored and without checks, or `undefined`. A document
 * may lack its `_id`, nothing, or any of its fields.
 *
 * @internal
 */
export const unreadable = (
  from: SchemaAST.AST,
  to: SchemaAST.AST,
  mayLack: MayLack = "_id"
): Unreadable | undefined => unreadableIn(from, [to], "", mayLack)
