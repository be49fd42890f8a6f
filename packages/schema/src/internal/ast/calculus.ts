/** The calculus of schemas: the schema of a result from the schemas of its parts. */
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import { elementsOf, expand } from "../path/nodes.ts"
import { refuse } from "../refusal.ts"
import { storedAs, storedTypes } from "./stored.ts"

/**
 * What may stand at a place: the schema of the value, and whether there may be none.
 *
 * @internal
 */
export interface Slot {
  /** The schema of the value where there is one. It is never that of an optional key. */
  readonly ast: SchemaAST.AST
  /** Whether the value may be missing. The type has `undefined` then. */
  readonly optional: boolean
  /** The schema of the key, if its codec has a default: then the database may have no value although the decoded type has one. */
  readonly withDefault?: SchemaAST.AST
  /** Whether it is below such a field, and absent with it. */
  readonly belowDefault?: boolean
  /** How a reference to it is written, for errors. */
  readonly at?: string
}

/** @internal */
export const present = (ast: SchemaAST.AST): Slot => ({ ast, optional: false })

/** @internal */
export const text = Schema.String.ast
/** @internal */
export const number = Schema.Number.ast
/** @internal */
export const boolean = Schema.Boolean.ast
/** @internal */
export const nothing = Schema.Null.ast

const schemaOf = (ast: SchemaAST.AST) => Schema.make<Schema.Codec<unknown, unknown, unknown, unknown>>(ast)

const isNullish = (ast: SchemaAST.AST): boolean => ast._tag === "Null" || ast._tag === "Undefined"

/** The members of a union without an encoding of its own, and of the unions in it. */
const members = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> =>
  ast._tag === "Union" && ast.encoding === undefined && ast.checks === undefined ? ast.types.flatMap(members) : [ast]

/**
 * One of several schemas. Equal ones count once.
 *
 * @internal
 */
export const oneOf = (asts: ReadonlyArray<SchemaAST.AST>): SchemaAST.AST => {
  const unique = [...new Set(asts.flatMap(members))]
  const some = unique.filter(({ _tag }) => _tag !== "Never")
  const all = some.length === 0 ? unique : some
  return all.length === 1 ? all[0]! : new SchemaAST.Union(all)
}

/** Of dates and numbers, every codec reads the same value. */
const readAlike: ReadonlySet<string> = new Set([
  "date",
  "int",
  "long",
  "double",
  "decimal",
  "number",
  "null",
  "missing"
])

/** Whether both are stored alike, and decoded to something else: by a value, nobody can tell which codec has written it. */
const isConfused = (a: SchemaAST.AST, b: SchemaAST.AST): boolean => {
  if (a === b || a.encoding === b.encoding) return false
  const [x, y] = [SchemaAST.toType(a), SchemaAST.toType(b)]
  const isSameType = x._tag === y._tag && (x._tag !== "Declaration" || y._tag !== "Declaration" || x.run === y.run)
  return !isSameType && [...storedTypes(a)].some((type) => !readAlike.has(type) && storedTypes(b).has(type))
}

const leaves = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> =>
  expand(ast).flatMap((node) => node._tag === "Leaf" ? [node.ast] : [])

/**
 * One of several schemas that a value may come from. Refuses those that would decode a value of another one.
 *
 * @internal
 */
export const mixed = (asts: ReadonlyArray<SchemaAST.AST>, at: string): SchemaAST.AST => {
  const sides = asts.map(leaves)
  for (const [i, side] of sides.entries()) {
    for (const other of sides.slice(i + 1)) {
      // What is in both sides is a union of the user, in that order.
      const own = side.filter((leaf) => !other.includes(leaf))
      const confused = other.find((leaf) => !side.includes(leaf) && own.some((each) => isConfused(each, leaf)))
      if (confused === undefined) continue
      refuse(
        at,
        `mixes values that are stored as ${storedAs(confused)} and decoded by different codecs: ` +
          "use one schema for all of them"
      )
    }
  }
  return oneOf(asts)
}

/** @internal */
export const nullOr = (ast: SchemaAST.AST): SchemaAST.AST =>
  members(ast).some((member) => member._tag === "Null") ? ast : oneOf([ast, nothing])

/** @internal */
export const arrayOf = (ast: SchemaAST.AST): SchemaAST.AST => new SchemaAST.Arrays(false, [], [ast])

/**
 * An array with a schema for each place.
 *
 * @internal
 */
export const tupleOf = (asts: ReadonlyArray<SchemaAST.AST>): SchemaAST.AST => new SchemaAST.Arrays(false, asts, [])

const optionalKey = (ast: SchemaAST.AST): SchemaAST.AST => Schema.optionalKey(schemaOf(ast)).ast

const requiredOnes = new WeakMap<SchemaAST.AST, SchemaAST.AST>()

/**
 * The schema of the value at an optional key. effect publishes no function for it: this is a copy without the mark, on both
 * sides.
 *
 * @internal
 */
export const required = (ast: SchemaAST.AST): SchemaAST.AST => {
  if (!SchemaAST.isOptional(ast)) return ast
  let copy = requiredOnes.get(ast)
  if (copy === undefined) {
    const encoding = ast.encoding?.map((link, i, links) =>
      i === links.length - 1 ? new SchemaAST.Link(required(link.to), link.transformation) : link
    )
    copy = Object.assign(Object.create(Object.getPrototypeOf(ast)) as SchemaAST.AST, ast, {
      context: undefined,
      encoding
    }) as SchemaAST.AST
    requiredOnes.set(ast, copy)
  }
  return copy
}

/**
 * The schema without null and without `undefined`.
 *
 * @internal
 */
export const nonNull = (ast: SchemaAST.AST): SchemaAST.AST => {
  const all = members(ast)
  const left = all.filter((member) => !isNullish(member))
  return left.length === all.length || left.length === 0 ? ast : oneOf(left)
}

/** The schema without `undefined`, which is stored as no value. */
const nonMissing = (ast: SchemaAST.AST): SchemaAST.AST => {
  const all = members(ast)
  const left = all.filter((member) => member._tag !== "Undefined")
  return left.length === all.length || left.length === 0 ? ast : oneOf(left)
}

/**
 * What a field holds, from the schema of its key.
 *
 * @internal
 */
export const slotOf = (key: SchemaAST.AST): Slot => {
  const ast = required(key)
  const optional = SchemaAST.isOptional(key) || members(ast).some((member) => member._tag === "Undefined")
  if (!optional && SchemaAST.isOptional(SchemaAST.toEncoded(key))) {
    return { ast: withoutDefault(ast), optional, withDefault: key }
  }
  return { ast: nonMissing(ast), optional }
}

/** The schema behind a default, where the codec does nothing else. */
const withoutDefault = (ast: SchemaAST.AST): SchemaAST.AST => {
  const inner = ast.encoding?.length === 1 ? required(ast.encoding[0].to) : undefined
  return inner !== undefined && inner.encoding === undefined && inner._tag === ast._tag ? inner : ast
}

/**
 * Whether there is never a value.
 *
 * @internal
 */
export const isMissing = ({ ast }: Slot): boolean => ast._tag === "Never"

/**
 * The schema of a key that holds it.
 *
 * @internal
 */
export const keyOf = (slot: Slot): SchemaAST.AST =>
  slot.withDefault !== undefined && !slot.optional
    ? slot.withDefault
    : slot.optional || mayBeMissing(slot)
    ? optionalKey(slot.ast)
    : slot.ast

/**
 * Whether what stands below may be absent, although its type says that it is there.
 *
 * @internal
 */
export const hidesAbsence = ({ belowDefault, withDefault }: Slot): boolean =>
  withDefault !== undefined || belowDefault === true

/**
 * Whether null or nothing may stand there. Refuses a field with a default: its type says that it has a value, and the database
 * may have none.
 *
 * @internal
 */
export const isNullable = (slot: Slot): boolean => mayBeMissing(slot) || mayBeNull(slot.ast)

/** Whether nothing may stand there. Refuses a field with a default, as `isNullable` does. */
const mayBeMissing = ({ at = "$", belowDefault, optional, withDefault }: Slot): boolean =>
  withDefault === undefined && (optional || belowDefault !== true)
    ? optional
    : refuse(at, "holds a field that may be absent in the database, although its codec has a default: use Expr.ifNull")

/** @internal */
export const mayBeNull = (ast: SchemaAST.AST): boolean =>
  expand(ast).some((node) =>
    node._tag === "Leaf" && (isNullish(node.ast) || node.ast._tag === "Unknown" || node.ast._tag === "Any")
  )

/**
 * What one of several places holds. Refuses what `mixed` refuses, and a field with a default, as `isNullable` does.
 *
 * @internal
 */
export const eitherOf = (slots: ReadonlyArray<Slot>, at: string): Slot => ({
  ast: mixed(slots.map(({ ast }) => ast), at),
  optional: slots.some(mayBeMissing)
})

/**
 * A value, or null where any of the operands is null or missing.
 *
 * @internal
 */
export const orNull = (ast: SchemaAST.AST, operands: ReadonlyArray<Slot>): Slot =>
  present(operands.some(isNullable) ? nullOr(ast) : ast)

/**
 * What a place holds that takes nothing as null.
 *
 * @internal
 */
export const missingAsNull = (slot: Slot): SchemaAST.AST => mayBeMissing(slot) ? nullOr(slot.ast) : slot.ast

/**
 * The schema of the elements of an array, or of all arrays among the members of a union.
 *
 * @internal
 */
export const elementOf = (ast: SchemaAST.AST): SchemaAST.AST => {
  const all = expand(ast).flatMap((node) => {
    if (node._tag === "Array") return elementsOf(node.arrays)
    return node._tag === "Leaf" && node.ast.encoding !== undefined && storedTypes(node.ast).has("array")
      ? refuse("$", "is an array with a codec of its own: its elements are not known")
      : []
  })
  return all.length === 0 ? Schema.Never.ast : oneOf(all.map(required))
}

/**
 * An object of these fields.
 *
 * @internal
 */
export const struct = (fields: Readonly<Record<string, SchemaAST.AST>>): SchemaAST.AST =>
  new SchemaAST.Objects(Object.entries(fields).map(([name, ast]) => new SchemaAST.PropertySignature(name, ast)), [])

/**
 * The schemas of the fields of objects: of all, or of those with a name.
 *
 * @internal
 */
export const fieldsIn = (ast: SchemaAST.AST, name?: string): ReadonlyArray<SchemaAST.AST> =>
  expand(ast).flatMap((node) =>
    node._tag === "Object"
      ? [
        ...node.objects.propertySignatures.filter((property) => name === undefined || property.name === name),
        ...node.objects.indexSignatures
      ].map(({ type }) => slotOf(type).ast)
      : []
  )

/**
 * An object whose names are not known.
 *
 * @internal
 */
export const recordOf = (ast: SchemaAST.AST): SchemaAST.AST => Schema.Record(Schema.String, schemaOf(ast)).ast
