/** Finds required values that are `undefined`: BSON would leave them out. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import { isPlainObject, setOwn } from "../plainObject.ts"

/** Whether a schema takes `undefined`. */
const takesUndefined = (ast: SchemaAST.AST, seen: ReadonlySet<SchemaAST.AST> = new Set()): boolean => {
  switch (ast._tag) {
    case "Undefined":
    case "Void":
    case "Any":
    case "Unknown":
      return true
    case "Union":
      return ast.types.some((type) => takesUndefined(type, seen))
    case "Suspend":
      return !seen.has(ast) && takesUndefined(ast.thunk(), new Set([...seen, ast]))
    default:
      return false
  }
}

/** Whether a required key may hold `undefined`. */
const mayLack = (ast: SchemaAST.AST, seen: Set<SchemaAST.AST>): boolean => {
  if (seen.has(ast)) return false
  seen.add(ast)
  switch (ast._tag) {
    case "Suspend":
      return mayLack(ast.thunk(), seen)
    case "Union":
      return ast.types.some((type) => mayLack(type, seen))
    case "Arrays":
      return [...ast.elements, ...ast.rest].some((type) => mayLack(type, seen))
    case "Objects":
      return ast.propertySignatures.some(({ type }) =>
        !SchemaAST.isOptional(type) && takesUndefined(type) || mayLack(type, seen)
      ) || ast.indexSignatures.some(({ type }) => mayLack(type, seen))
    default:
      return false
  }
}

/** Looks at each object once, so that a cycle ends. Core refuses it later. */
const hasUndefined = (value: unknown, seen: Set<unknown>): boolean => {
  if (seen.has(value)) return false
  if (Array.isArray(value)) {
    seen.add(value)
    return value.some((item) => hasUndefined(item, seen))
  }
  if (!isPlainObject(value)) return false
  seen.add(value)
  return Object.keys(value).some((key) => value[key] === undefined || hasUndefined(value[key], seen))
}

/** A value as BSON stores it: without the keys that hold `undefined`. `made` has the copies of objects, since a value may hold itself. */
const withoutUndefined = (value: unknown, made: Map<unknown, unknown>): unknown => {
  if (!Array.isArray(value) && !isPlainObject(value)) return value
  const known = made.get(value)
  if (known !== undefined) return known
  if (Array.isArray(value)) {
    const out: Array<unknown> = []
    made.set(value, out)
    for (const item of value) out.push(withoutUndefined(item, made))
    return out
  }
  const out = {}
  made.set(value, out)
  for (const key of Object.keys(value)) {
    if (value[key] !== undefined) setOwn(out, key, withoutUndefined(value[key], made))
  }
  return out
}

/** A value as BSON stores it, if that differs. A value that throws when it is read is left to core, which refuses it. */
const stored = (value: unknown): unknown => {
  try {
    return hasUndefined(value, new Set()) ? withoutUndefined(value, new Map()) : value
  } catch {
    return value
  }
}

type Lacks = (encoded: unknown) => SchemaIssue.Issue | undefined

const known = new WeakMap<SchemaAST.AST, Lacks | null>()

/**
 * The test for required keys that an encoded value lacks once BSON has left out `undefined`. It is `undefined` if no required
 * key of the schema can be `undefined`.
 *
 * @internal
 */
export const lacksOf = (ast: SchemaAST.AST): Lacks | undefined => {
  let lacks = known.get(ast)
  if (lacks === undefined) {
    const encoded = SchemaAST.toEncoded(ast)
    known.set(ast, lacks = mayLack(encoded, new Set()) ? lacking(encoded) : null)
  }
  return lacks ?? undefined
}

/** @internal */
export type Encode = (
  value: unknown,
  options?: SchemaAST.ParseOptions
) => Effect.Effect<unknown, SchemaIssue.Issue, unknown>

/**
 * An encoder that fails if BSON would leave out a required key.
 *
 * @internal
 */
export const withoutLacks = (ast: SchemaAST.AST, encode: Encode): Encode => {
  const lacks = lacksOf(ast)
  if (lacks === undefined) return encode
  return (value, options) =>
    Effect.flatMapEager(encode(value, options), (encoded) => {
      const issue = lacks(encoded)
      return issue === undefined ? Effect.succeed(encoded) : Effect.fail(issue)
    })
}

const lacking = (encoded: SchemaAST.AST): Lacks => {
  const parse = SchemaParser.decodeUnknownExit(Schema.make<Schema.ConstraintCodec<unknown>>(encoded))
  return (value) => {
    const kept = stored(value)
    if (kept === value) return undefined
    const exit = parse(kept)
    if (Exit.isSuccess(exit)) return undefined
    const reason = exit.cause.reasons.find((reason) => reason._tag === "Fail")
    if (reason === undefined) throw exit.cause
    return reason.error
  }
}
