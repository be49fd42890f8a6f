/** What the compilers of decoders and encoders share. */
import * as Exit from "effect/Exit"
import { identity } from "effect/Function"
import * as Option from "effect/Option"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaParser from "effect/SchemaParser"

/**
 * Stands for "the schema refuses this". Whoever sees it asks the interpreter, which knows why.
 *
 * @internal
 */
export const mismatch = Symbol("mismatch")

/** @internal */
export type Mismatch = typeof mismatch

/** Stands for a key that is not there. */
const missing = Symbol("missing")

/** Stands for a key that is there, and that a transformation leaves out. */
const omitted = Symbol("omitted")

/**
 * Thrown where compiled code cannot tell what the interpreter would say: bytes that are damaged, an effect that has to
 * run, a value that only the deserializer of bson makes. Not an Error, since nobody sees its stack.
 */
const unknownOutcome = Symbol("unknown outcome")

/** @internal */
export const giveUp = (): never => {
  throw unknownOutcome
}

/**
 * Thrown while code is generated, for a node that only the interpreter can do.
 *
 * @internal
 */
export class Unsupported extends Error {}

/** @internal */
export type Step = (value: unknown) => unknown

/**
 * How deep nodes may lie in one another without a function between them.
 *
 * @internal
 */
export const maxDepth = 100

/** The value of an effect that has ended, `mismatch` if it failed. Effects that have yet to run are for the interpreter. */
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
 * The interpreter for one node, on values. It may give `missing` where the node has an encoding.
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
 * What the interpreter makes of a key that is not there. Only for nodes with an encoding: the others make nothing of it.
 *
 * @internal
 */
export const interpretMissing = (ast: SchemaAST.AST, options: SchemaAST.ParseOptions): () => unknown => {
  const parse = interpretField(ast, options)
  return () => parse({})
}

/**
 * The node without its own encoding; its children keep theirs.
 *
 * @internal
 */
export const withoutEncoding = <A extends SchemaAST.AST>(ast: A): A =>
  ast.encoding === undefined
    ? ast
    : Object.assign(Object.create(Object.getPrototypeOf(ast)), ast, { encoding: undefined })

type Test = (value: unknown) => boolean

/**
 * Whether a value passes checks.
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
 * The node alone, without what is applied before and after it; its children keep theirs.
 *
 * @internal
 */
export const bare = (ast: SchemaAST.AST): SchemaAST.AST =>
  Object.assign(
    Object.create(Object.getPrototypeOf(ast)),
    ast,
    { encoding: undefined, checks: undefined },
    "encodingChecks" in ast ? { encodingChecks: undefined } : undefined
  )

/**
 * A declaration's own parser.
 *
 * @internal
 */
export const declaration = (ast: SchemaAST.Declaration, options: SchemaAST.ParseOptions): Step => {
  const run = ast.run(ast.typeParameters)
  const again = interpret(bare(ast), options)
  return (value) => {
    const output = settled(run(value, ast, options))
    // A symbol may be the interpreter's mark for "as it was", which only the interpreter resolves.
    return typeof output === "symbol" && output !== mismatch ? again(value) : output
  }
}

/**
 * One step of an encoding; `undefined` where a step changes nothing. It may give `missing`.
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

/**
 * The source of a function, with the values that it refers to as `C[0]`, `C[1]` and so on.
 *
 * @internal
 */
export class Program {
  readonly functions: Array<string> = []
  private readonly constants: Array<unknown> = []
  private readonly references = new Map<unknown, string>()
  private names = 0

  constant(value: unknown): string {
    let reference = this.references.get(value)
    if (reference === undefined) {
      reference = `C${this.constants.push(value) - 1}`
      this.references.set(value, reference)
    }
    return reference
  }

  name(prefix: string): string {
    return `${prefix}${this.names++}`
  }

  /** Throws where code generation is forbidden. */
  build(result: string): unknown {
    const names = this.constants.map((_, i) => `C${i}`)
    const source = `"use strict"\nconst [${names.join(", ")}] = constants\n${
      this.functions.join("\n")
    }\nreturn ${result}`
    const parameters = ["constants", "mismatch", "missing", "omitted", "giveUp"]
    return new Function(...parameters, source)(this.constants, mismatch, missing, omitted, giveUp)
  }
}

/**
 * The expression of an object with these properties, in the order of the schema. `x` is the variable of a property. Where
 * `optional`, the property is left out if its variable is `missing`.
 *
 * @internal
 */
export const buildObject = (
  fields: ReadonlyArray<{ readonly name: string; readonly x: string; readonly optional: boolean }>
): string => {
  const split = fields.findIndex((field) => field.optional)
  const head = split === -1 ? fields : fields.slice(0, split)
  const tail = split === -1 ? [] : fields.slice(split)
  return [
    `const out = { ${head.map(({ name, x }) => `${keyOf(name)}: ${x}`).join(", ")} }`,
    ...tail.map(({ name, optional, x }) => `${optional ? `if (${x} !== missing) ` : ""}${assignment("out", name, x)}`)
  ].join("\n")
}

/** A key of an object literal. Without the brackets, `__proto__` would set the prototype. */
const keyOf = (name: string): string => name === "__proto__" ? `["__proto__"]` : JSON.stringify(name)

const assignment = (target: string, name: string, value: string): string =>
  name === "__proto__"
    ? `Object.defineProperty(${target}, "__proto__", { value: ${value}, writable: true, enumerable: true, configurable: true })`
    : `${target}[${JSON.stringify(name)}] = ${value}`

/**
 * Sets a key that is known at run time only.
 *
 * @internal
 */
export const assignKey = (target: Record<string, unknown>, key: string, value: unknown): void => {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, writable: true, enumerable: true, configurable: true })
  } else {
    target[key] = value
  }
}

/**
 * The names of the properties of a struct, if all are strings.
 *
 * @internal
 */
export const stringNames = (ast: SchemaAST.Objects): ReadonlyArray<string> =>
  ast.propertySignatures.map(({ name }) => {
    if (typeof name === "symbol") throw new Unsupported("symbol as key")
    return String(name)
  })

/** @internal */
export const isOptional = (ast: SchemaAST.AST): boolean => ast.context?.isOptional === true

/**
 * Whether every object has the name by inheritance: the interpreter finds it even where the document does not have it.
 *
 * @internal
 */
export const isInherited = (name: string): boolean => name !== "__proto__" && name in Object.prototype

/**
 * Whether an index signature takes every string key as it is.
 *
 * @internal
 */
export const isPlainKey = (parameter: SchemaAST.AST): boolean =>
  parameter._tag === "String" && parameter.checks === undefined && parameter.encoding === undefined

/**
 * Whether a transformation of the node may leave out a value that is there.
 *
 * @internal
 */
export const mayOmit = (ast: SchemaAST.AST): boolean =>
  ast.encoding !== undefined &&
  ast.encoding.some(({ transformation }) =>
    transformation._tag === "Middleware" || transformation.decode._tag === "TransformOptional" ||
    transformation.decode._tag === "TransformOptionalEffect"
  )

// ---- unions

/** The node that a value comes to first; `undefined` where that is not known before it comes. */
const entryOf = (ast: SchemaAST.AST): SchemaAST.AST | undefined => {
  if (ast._tag === "Suspend") return undefined
  if (ast.encoding === undefined) return ast
  const opaque = ast.encoding.some(({ transformation }) =>
    transformation._tag === "Middleware" && transformation.decode !== identity
  )
  return opaque ? undefined : entryOf(ast.encoding[ast.encoding.length - 1]!.to)
}

/** A literal that a member of a union requires at a key. */
interface Tag {
  readonly key: PropertyKey
  readonly literal: unknown
  /** Whether the member itself refuses a value without it. */
  readonly checked: boolean
}

const tagsAt = (key: PropertyKey, ast: SchemaAST.AST): ReadonlyArray<Tag> => {
  const entry = entryOf(ast)
  if (entry === undefined || isOptional(entry)) return []
  const checked = entry === ast
  if (entry._tag === "Literal") return [{ key, literal: entry.literal, checked }]
  return entry._tag === "UniqueSymbol" ? [{ key, literal: entry.symbol, checked }] : []
}

const tagsOf = (ast: SchemaAST.AST): ReadonlyArray<Tag> => {
  const entry = entryOf(ast)
  switch (entry?._tag) {
    case "Objects":
      return entry.propertySignatures.flatMap(({ name, type }) => tagsAt(name, type))
    case "Arrays":
      return entry.elements.flatMap((element, i) => tagsAt(i, element))
    case "Declaration": {
      // What a tagged class says of its instances.
      const tags = (entry.annotations as { readonly ["~sentinels"]?: unknown } | undefined)?.["~sentinels"]
      return Array.isArray(tags) ? tags.map(({ key, literal }) => ({ key, literal, checked: false })) : []
    }
    case "Union": {
      const [first = [], ...others] = entry.types.map(tagsOf)
      return first.flatMap((tag) => {
        const found = others.map((tags) => tags.find(({ key, literal }) => key === tag.key && literal === tag.literal))
        return found.includes(undefined) ? [] : [{ ...tag, checked: tag.checked && found.every((tag) => tag!.checked) }]
      })
    }
    default:
      return []
  }
}

/**
 * Whether a union tries a member for a value: one that has tags, only where the value has one of them and no other value
 * for any of them. `undefined` where the member refuses all other values itself.
 *
 * @internal
 */
export const tagTest = (ast: SchemaAST.AST): Test | undefined => {
  const tags = tagsOf(ast)
  if (tags.length === 0 || tags.some(({ checked }) => checked)) return undefined
  const keys = new Map<PropertyKey, Set<unknown>>()
  for (const { key, literal } of tags) keys.set(key, (keys.get(key) ?? new Set()).add(literal))
  return (value) => {
    if (typeof value !== "function" && (typeof value !== "object" || value === null)) return false
    let met = false
    for (const [key, literals] of keys) {
      if (key === "__proto__" ? !Object.hasOwn(value, key) : !(key in value)) continue
      if (!literals.has((value as Record<PropertyKey, unknown>)[key])) return false
      met = true
    }
    return met
  }
}
