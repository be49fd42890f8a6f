/** References: proxies whose properties are the fields of a schema. */
import { pipeArguments } from "effect/Pipeable"
import type * as SchemaAST from "effect/SchemaAST"
import type { Ref } from "../../Expr.ts"
import { arrayOf, hidesAbsence, oneOf, present, type Slot, slotOf } from "../ast/calculus.ts"
import { elementsOf, expand, type ObjectNode } from "../path/nodes.ts"
import { refuse } from "../refusal.ts"
import { ExprImpl, register } from "./expr.ts"
import { Origin } from "./writing.ts"

/** A field that a name leads to. */
interface Found extends Slot {
  readonly stored: string
}

const fieldOf = (node: ObjectNode, name: string): Found | undefined => {
  const property = node.objects.propertySignatures.find((property) => property.name === name)
  if (property !== undefined) return { ...slotOf(property.type), stored: node.rename(name) }
  const [signature] = node.objects.indexSignatures
  return signature === undefined ? undefined : { ast: signature.type, optional: true, stored: name }
}

/** A step through a name: what is there, and whether it went through an array. */
interface Step extends Found {
  readonly through: boolean
}

/**
 * The field behind a name. As the server does, it goes into the objects of an array, and not into the arrays of an array.
 */
const step = (ast: SchemaAST.AST, name: string, at: string): Step | undefined => {
  const nodes = expand(ast)
  const inside = nodes.flatMap((node) => node._tag === "Array" ? elementsOf(node.arrays).flatMap(expand) : [])
  const inElements = inside.flatMap((node) => node._tag === "Object" ? fieldOf(node, name) ?? [] : [])
  const direct = nodes.flatMap((node) => node._tag === "Object" ? fieldOf(node, name) ?? [] : [])
  const found = direct.length > 0 ? direct : inElements
  const [first] = found
  if (first === undefined) return undefined
  // In the place of an array the server gives an array, even an empty one.
  if (direct.length > 0 && nodes.some((node) => node._tag === "Array")) {
    return refuse(
      at,
      "is a field of an object, and an array may stand in the place of the object: the schema must say which"
    )
  }
  if (found.some(({ stored }) => stored !== first.stored)) {
    return refuse(at, "has different names in the database, one for each member of a union")
  }
  const through = direct.length === 0
  return {
    stored: first.stored,
    ast: oneOf(found.map(({ ast }) => ast)),
    optional: through
      ? nodes.some((node) => node._tag !== "Array")
      : direct.length < nodes.length || found.some(({ optional }) => optional),
    // Inside of arrays and of unions, nothing takes its default.
    ...(first.withDefault !== undefined && found.length === 1 && !through ? { withDefault: first.withDefault } : {}),
    through
  }
}

/**
 * What a field of an object holds, whatever its name looks like. What is not an object has no fields.
 *
 * @internal
 */
export const ownField = (ast: SchemaAST.AST, name: string, at: string): Found => {
  const nodes = expand(ast)
  const found = nodes.flatMap((node) => node._tag === "Object" ? fieldOf(node, name) ?? [] : [])
  const [first] = found
  if (first === undefined) return refuse(at, "is not a field of the schema")
  if (found.some(({ stored }) => stored !== first.stored)) {
    return refuse(at, "has different names in the database, one for each member of a union")
  }
  return {
    stored: first.stored,
    ast: oneOf(found.map(({ ast }) => ast)),
    optional: found.length < nodes.length || found.some(({ optional }) => optional),
    ...(first.withDefault !== undefined && found.length === 1 ? { withDefault: first.withDefault } : {})
  }
}

interface Place {
  readonly origin: Origin
  readonly path: ReadonlyArray<string>
  /** The path as it was written, for errors. */
  readonly at: string
  /** How many arrays the path goes through: what stands at its end is an array of arrays of them. */
  readonly depth: number
}

/** What stands at the end of a path that went through arrays. What was missing in an element was left out there. */
const wrapped = (slot: Slot, depth: number): Slot => {
  if (depth === 0) return slot
  const { withDefault: _, ...whole } = slot
  for (let i = 0; i < depth; i++) whole.ast = arrayOf(whole.ast)
  return whole
}

const isOdd = (stored: string): boolean => stored === "" || stored.startsWith("$") || stored.includes(".")

/** `slot.optional` says whether the whole may be missing. */
const make = (slot: Slot, place: Place): object => {
  const { at, depth, origin, path } = place
  const impl = new ExprImpl(wrapped(slot, depth), (writing) => writing.reference(origin, path))
  const proxy = new Proxy({}, {
    get: (_, name) => {
      if (typeof name === "symbol") return undefined
      const below = `${at}.${name}`
      const found = step(slot.ast, name, below)
      if (found === undefined) return missing(proxy, name, below)
      const { stored, through, ...field } = found
      if (isOdd(stored)) {
        return refuse(below, "has a name in the database that the server takes for a path: use Expr.getField")
      }
      const belowDefault = depth === 0 ? hidesAbsence(slot) : slot.belowDefault === true
      return make({ ...field, at: below, belowDefault, optional: slot.optional || depth === 0 && field.optional }, {
        origin,
        path: [...path, stored],
        at: below,
        depth: through ? depth + 1 : depth
      })
    }
  })
  register(proxy, impl)
  return proxy
}

/** A reference is piped like every expression, unless it has a field of that name. */
const missing = (proxy: object, name: string, at: string): unknown =>
  name === "pipe"
    ? function() {
      return pipeArguments(proxy, arguments)
    }
    : refuse(at, "is not a field of the schema")

/** A reference to what an origin holds. */
const reference = <A>(origin: Origin, slot: Slot, at = "$"): Ref<A> =>
  make(slot, { origin, path: [], at, depth: 0 }) as Ref<A>

/**
 * A reference to the document of a stage.
 *
 * @internal
 */
export const document = <A>(ast: SchemaAST.AST): readonly [origin: Origin, $: Ref<A>] => {
  const origin = new Origin("the document of another stage")
  return [origin, reference<A>(origin, present(ast))]
}

/**
 * A variable that holds what stands in the slot.
 *
 * @internal
 */
export const variable = <A>(slot: Slot, at: string): readonly [origin: Origin, variable: Ref<A>] => {
  const origin = new Origin(`the variable ${at}`)
  return [origin, reference<A>(origin, slot, at)]
}
