/** Effect's own parsers, for the nodes and steps that are not compiled. Their results decide. */
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaParser from "effect/SchemaParser"
import { bare } from "./analysis.ts"
import { Unsupported } from "./program.ts"
import { giveUp, mismatch, missing } from "./runtime.ts"

/**
 * A function from a value to a value, or to `mismatch`. A step may also give `missing`.
 *
 * @internal
 */
export type Step = (value: unknown) => unknown

/** The value of an effect that has ended, or `mismatch` if it has failed. Leaves other effects to the interpreter. */
const settled = (effect: unknown): unknown => {
  if (!Exit.isExit(effect)) return giveUp()
  if (effect._tag === "Success") return effect.value
  return effect.cause.reasons.every((reason) => reason._tag === "Fail") ? mismatch : giveUp()
}

const schemaOf = (ast: SchemaAST.AST) => ({ ast }) as Parameters<typeof SchemaParser.decodeUnknownEffect>[0]

/** The parser of a struct with the node as its only field, so that the value may be missing before and after. */
const interpretField = (ast: SchemaAST.AST, options: SchemaAST.ParseOptions): (input: object) => unknown => {
  const { constructorDefault = undefined, annotations = undefined } = ast.context ?? {}
  const context = new SchemaAST.Context(true, false, constructorDefault, annotations)
  const optional = Object.assign(Object.create(Object.getPrototypeOf(ast)), ast, { context })
  const holder = new SchemaAST.Objects([new SchemaAST.PropertySignature("value", optional)], [])
  const parse = SchemaParser.decodeUnknownEffect(schemaOf(holder), options)
  return (input) => {
    const output = settled(parse(input))
    if (output === mismatch) return mismatch
    return Object.hasOwn(output as object, "value") ? (output as { readonly value: unknown }).value : missing
  }
}

/**
 * The interpreter for one node, on values. It may give `missing` if the node has an encoding.
 *
 * @internal
 */
export const interpret = (ast: SchemaAST.AST, options: SchemaAST.ParseOptions): Step => {
  if (ast.encoding === undefined) {
    const parse = SchemaParser.decodeUnknownEffect(schemaOf(ast), options)
    return (value) => settled(parse(value))
  }
  const parse = interpretField(ast, options)
  return (value) => parse({ value })
}

/**
 * The interpreter for an absent key. Only nodes with an encoding can make a value of it.
 *
 * @internal
 */
export const interpretMissing = (ast: SchemaAST.AST, options: SchemaAST.ParseOptions): () => unknown => {
  const parse = interpretField(ast, options)
  return () => parse({})
}

type Test = (value: unknown) => boolean

/**
 * The test whether a value passes checks.
 *
 * @internal
 */
export const checkTest = (checks: SchemaAST.Checks, ast: SchemaAST.AST, options: SchemaAST.ParseOptions): Test => {
  const tests = checks.map((check): Test =>
    check._tag === "FilterGroup"
      ? checkTest(check.checks, ast, options)
      : (value) => check.run(value, ast, options) === undefined
  )
  const [only] = tests
  return tests.length === 1 ? only! : (value) => tests.every((test) => test(value))
}

/**
 * The parser of a declaration.
 *
 * @internal
 */
export const declaration = (ast: SchemaAST.Declaration, options: SchemaAST.ParseOptions): Step => {
  const run = ast.run(ast.typeParameters)
  const again = interpret(bare(ast), options)
  return (value) => {
    const output = settled(run(value, ast, options))
    // A symbol may mean "as it was" to the interpreter. Only the interpreter can resolve it.
    return typeof output === "symbol" && output !== mismatch ? again(value) : output
  }
}

/**
 * One step of an encoding, or `undefined` if the step changes nothing. It may give `missing`.
 *
 * @internal
 */
export const transformation = (link: SchemaAST.Link, options: SchemaAST.ParseOptions): Step | undefined => {
  const { transformation } = link
  if (transformation._tag === "Middleware") throw new Unsupported("middleware")
  const getter = transformation.decode
  switch (getter._tag) {
    case "Passthrough":
      return undefined
    case "Transform":
      return getter.transform
    case "TransformEffect":
      return (value) => settled(getter.transform(value, options))
    case "TransformOptional":
      return (value) => fromOption(getter.transform(Option.some(value)))
    case "TransformOptionalEffect":
      return (value) => {
        const output = settled(getter.transform(Option.some(value), options))
        return output === mismatch ? mismatch : fromOption(output as Option.Option<unknown>)
      }
  }
}

const fromOption = (option: Option.Option<unknown>): unknown => Option.isSome(option) ? option.value : missing
