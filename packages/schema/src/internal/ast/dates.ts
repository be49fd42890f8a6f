/** The schemas of dates that the server computes from dates. */
import type * as SchemaAST from "effect/SchemaAST"
import * as Bson from "../../Bson.ts"
import { expand } from "../path/nodes.ts"
import { nonNull, oneOf } from "./calculus.ts"
import { storedTypes } from "./stored.ts"

/** A copy without checks: the server computes dates that they might refuse. */
const unchecked = (ast: SchemaAST.AST): SchemaAST.AST =>
  ast.checks === undefined
    ? ast
    : Object.assign(Object.create(Object.getPrototypeOf(ast)) as SchemaAST.AST, ast, { checks: undefined })

const isDate = (ast: SchemaAST.AST): boolean => [...storedTypes(ast)].every((type) => type === "date")

/**
 * The schema of a date that is computed from another one: it keeps the codec of a date, and is a plain date of everything else.
 *
 * @internal
 */
export const dateAst = (ast: SchemaAST.AST): SchemaAST.AST =>
  oneOf(
    expand(nonNull(ast)).map((node) =>
      node._tag === "Leaf" && node.ast.encoding !== undefined && isDate(node.ast) ? unchecked(node.ast) : Bson.Date.ast
    )
  )
