/** The schemas of numbers that the server makes of numbers. */
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as Bson from "../../Bson.ts"
import { expand } from "../path/nodes.ts"
import { refuse } from "../refusal.ts"
import { nonNull, oneOf } from "./calculus.ts"
import { storedAs } from "./stored.ts"

/** The families of numbers: each has one decoded type, and stays itself under arithmetic. */
const families: ReadonlyArray<readonly [run: unknown, result: SchemaAST.AST]> = (
  [
    [Bson.Int32, Schema.Number],
    [Bson.Double, Schema.Number],
    [Bson.Int64, Bson.Int64],
    [Bson.Long, Bson.Long],
    [Bson.Decimal128, Bson.Decimal128],
    [Bson.BigDecimal, Bson.BigDecimal]
  ] as ReadonlyArray<readonly [Schema.Constraint, Schema.Constraint]>
).map(([schema, result]) => [(schema.ast as SchemaAST.Declaration).run, result.ast])

const familyOf = (leaf: SchemaAST.AST, at: string): SchemaAST.AST => {
  const own = leaf._tag === "Declaration" ? families.find(([run]) => run === leaf.run)?.[1] : undefined
  if (own !== undefined) return own
  const stored = storedAs(leaf)
  const isPlain = leaf.encoding === undefined &&
    (leaf._tag === "Number" || leaf._tag === "Literal" && typeof leaf.literal === "number" ||
      leaf._tag === "Enum" && leaf.enums.every(([, value]) => typeof value === "number"))
  if (isPlain) return Schema.Number.ast
  if (leaf._tag === "BigInt" && leaf.encoding === undefined) return Bson.Int64.ast
  return refuse(
    at,
    leaf.encoding === undefined
      ? `computes with what is stored as ${stored}`
      : `computes with what is stored as ${stored} and decoded to something else: the server knows only what is stored`
  )
}

/**
 * The schema of what arithmetic gives: decimals of decimals, int64 of int64, numbers of numbers. Refuses what is not stored as
 * the number that it stands for, and numbers of different families.
 *
 * @internal
 */
export const numeric = (asts: ReadonlyArray<SchemaAST.AST>, at: string): SchemaAST.AST =>
  oneOf(
    asts.map(nonNull).flatMap(expand).map((node) =>
      node._tag === "Leaf"
        ? familyOf(node.ast, at)
        : refuse(at, `computes with ${node._tag === "Array" ? "an array" : "an object"}`)
    )
  )

const decimals: ReadonlySet<SchemaAST.AST> = new Set([Bson.Decimal128.ast, Bson.BigDecimal.ast])

const integers64: ReadonlySet<SchemaAST.AST> = new Set([Bson.Int64.ast, Bson.Long.ast])

const membersOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => ast._tag === "Union" ? ast.types : [ast]

/**
 * Whether all such numbers are decimals.
 *
 * @internal
 */
export const areDecimals = (ast: SchemaAST.AST): boolean => membersOf(ast).every((each) => decimals.has(each))

/**
 * Whether such numbers may be int64.
 *
 * @internal
 */
export const hasIntegers64 = (ast: SchemaAST.AST): boolean => membersOf(ast).some((each) => integers64.has(each))

/**
 * The schema of a fraction of such numbers: decimals stay decimals, all others are doubles.
 *
 * @internal
 */
export const fraction = (ast: SchemaAST.AST): SchemaAST.AST =>
  oneOf(membersOf(ast).map((each) => decimals.has(each) ? each : Schema.Number.ast))
