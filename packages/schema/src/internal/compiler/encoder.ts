/** Compiles a schema to a function from a value to the stored document: the compiled form of the flipped schema. */
import * as SchemaAST from "effect/SchemaAST"
import type { Step } from "./interpreter.ts"
import { Program } from "./program.ts"
import { mismatch } from "./runtime.ts"
import { ValueCompiler } from "./values.ts"

/**
 * Compiles the encoder of a schema: it gives a document, or `mismatch`. Gives `undefined` if code generation is forbidden.
 *
 * @internal
 */
export const compileEncoder = (ast: SchemaAST.AST, parse: SchemaAST.ParseOptions): Step | undefined => {
  const program = new Program()
  const body = new ValueCompiler(program, parse).emit(SchemaAST.flip(ast), "v", false)
  let encode: Step
  try {
    encode = program.build(`(v) => {\n${body}\nreturn v\n}`) as Step
  } catch (error) {
    if (error instanceof EvalError) return undefined
    throw error
  }
  return (value) => {
    try {
      return encode(value)
    } catch {
      // The interpreter meets the same exception, and handles it.
      return mismatch
    }
  }
}
