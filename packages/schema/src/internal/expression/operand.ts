/** Operands of operators: expressions, or constants that a codec encodes. */
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as Bson from "../../Bson.ts"
import type { Expr } from "../../Expr.ts"
import { boolean, number, present, text } from "../ast/calculus.ts"
import { storedTypes } from "../ast/stored.ts"
import { isBson, isValidDate } from "../bson/values.ts"
import { strict } from "../encode/operands.ts"
import { encodeValue } from "../path/codecs.ts"
import { refuse } from "../refusal.ts"
import { ExprImpl, implOf, isExpr } from "./expr.ts"

/**
 * What an operator takes: the types of BSON, how the place is called in errors, and the codec of constants.
 *
 * @internal
 */
export interface Kind {
  readonly name: string
  readonly types: ReadonlySet<string>
  readonly constant?: SchemaAST.AST
}

const encoders = new WeakMap<SchemaAST.AST, ReturnType<typeof encodeValue>>()

const encoderOf = (ast: SchemaAST.AST) => {
  let encode = encoders.get(ast)
  if (encode === undefined) encoders.set(ast, encode = encodeValue([ast]))
  return encode
}

/**
 * A constant that the codec encodes. The server never reads it as an expression.
 *
 * @internal
 */
export const constant = (ast: SchemaAST.AST, value: unknown): ExprImpl =>
  new ExprImpl(present(ast), ({ operands, path }) => {
    const out = {}
    operands.put({ out, key: "$literal", path }, encoderOf(ast)(value, strict))
    return out
  })

/** The schema of a constant by its own type. */
const naturalAst = (value: unknown): SchemaAST.AST => {
  switch (typeof value) {
    case "string":
      return text
    case "number":
      return number
    case "boolean":
      return boolean
    case "bigint":
      return Bson.Int64.ast
  }
  if (value === null) return Schema.Null.ast
  if (isValidDate(value)) return Bson.Date.ast
  if (isBson("ObjectId")(value)) return Bson.ObjectId.ast
  if (isBson("Decimal128")(value)) return Bson.Decimal128.ast
  return refuse("literal", "is not a plain value: use Expr.value with its schema")
}

/**
 * A constant as it is, with a schema of this value alone where there is one.
 *
 * @internal
 */
export const literalOf = (value: unknown): ExprImpl =>
  typeof value === "string" || typeof value === "boolean" || typeof value === "number" && Number.isFinite(value)
    ? constant(Schema.Literal(value).ast, value)
    : constant(naturalAst(value), value)

/**
 * An operand as an expression. A constant gets the codec, or that of its own type.
 *
 * @internal
 */
export const operand = (term: Expr<unknown> | unknown, codec?: SchemaAST.AST): ExprImpl =>
  isExpr(term) ? implOf(term) : constant(codec ?? naturalAst(term), term)

const nullish: ReadonlySet<string> = new Set(["null", "missing", "unknown"])

/**
 * An operand of a kind. Refuses what is stored otherwise: the server knows only what is stored.
 *
 * @internal
 */
export const operandOf = (kind: Kind, term: unknown, at: string): ExprImpl => {
  const impl = operand(term, kind.constant)
  const wrong = [...storedTypes(impl.slot.ast)].filter((type) => !kind.types.has(type) && !nullish.has(type))
  return wrong.length === 0 ? impl : refuse(at, `takes ${kind.name}, not what is stored as ${wrong.join(" or ")}`)
}
