/** Compiles a schema to functions from value to value: from the decoded value to the stored document, and back. */
import * as SchemaAST from "effect/SchemaAST"
import type { Step } from "./interpreter.ts"
import { Program } from "./program.ts"
import { mismatch } from "./runtime.ts"
import { ValueCompiler } from "./values.ts"

/**
 * Compiles a decoder of values that bson has read: it gives the decoded value, or `mismatch`. Gives `undefined` if code
 * generation is forbidden.
 *
 * @internal
 */
export const compileValueDecoder = (ast: SchemaAST.AST, parse: SchemaAST.ParseOptions): Step | undefined => {
  const program = new Program()
  const body = new ValueCompiler(program, parse).emit(ast, "v", false)
  let step: Step
  try {
    step = program.build(`(v) => {\n${body}\nreturn v\n}`) as Step
  } catch (error) {
    if (error instanceof EvalError) return undefined
    throw error
  }
  return (value) => {
    try {
      return step(value)
    } catch {
      // The interpreter meets the same exception, and handles it.
      return mismatch
    }
  }
}

/**
 * Compiles the encoder of a schema: it gives a document, or `mismatch`. Gives `undefined` if code generation is forbidden.
 *
 * @internal
 */
export const compileEncoder = (ast: SchemaAST.AST, parse: SchemaAST.ParseOptions): Step | undefined =>
  compileValueDecoder(SchemaAST.flip(ast), parse)
