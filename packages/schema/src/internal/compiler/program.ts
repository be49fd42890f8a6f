/** Collects the source of generated code and turns it into a function. */
import { giveUp, mismatch, missing, omitted } from "./runtime.ts"

/**
 * Thrown during code generation for a node that only the interpreter can handle.
 *
 * @internal
 */
export class Unsupported extends Error {}

/**
 * How deep nodes may be nested without a function between them.
 *
 * @internal
 */
export const maxDepth = 100

/**
 * The source of a function, with the values that it refers to as `C0`, `C1` and so on. Text of a schema gets into the source
 * only as such a value or as a JSON string.
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

  /** Throws an `EvalError` if code generation is forbidden. */
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
 * A property, and the variable that has its value. An `optional` property is left out if the variable is `missing`.
 *
 * @internal
 */
export interface Property {
  readonly name: string
  readonly x: string
  readonly optional: boolean
}

/** The properties up to the first one that may be left out, and the others. */
const splitAtOptional = (fields: ReadonlyArray<Property>) => {
  const split = fields.findIndex((field) => field.optional)
  return split === -1 ? [fields, []] as const : [fields.slice(0, split), fields.slice(split)] as const
}

const assignments = (fields: ReadonlyArray<Property>): string =>
  fields.map(({ name, optional, x }) => `${optional ? `if (${x} !== missing) ` : ""}${assignment("out", name, x)}`)
    .join("\n")

/**
 * The statements that build the object `out` with these properties, in the order of the schema.
 *
 * @internal
 */
export const buildObject = (fields: ReadonlyArray<Property>): string => {
  const [head, tail] = splitAtOptional(fields)
  return `const out = { ${head.map(({ name, x }) => `${keyOf(name)}: ${x}`).join(", ")} }
    ${assignments(tail)}`
}

/**
 * A constructor that takes properties in the order of the schema, and the statements that return an object of it.
 *
 * @internal
 */
export const buildMaker = (maker: string, fields: ReadonlyArray<Property>): readonly [head: string, result: string] => {
  const [head, tail] = splitAtOptional(fields)
  const values = head.map(({ x }) => x).join(", ")
  return [
    `const ${maker} = function(${values}) { ${head.map(({ name, x }) => assignment("this", name, x)).join("; ")} }`,
    `const out = new ${maker}(${values})
      ${assignments(tail)}
      return out`
  ]
}

/** A key of an object literal. Without brackets, `__proto__` would set the prototype. */
const keyOf = (name: string): string => name === "__proto__" ? `["__proto__"]` : JSON.stringify(name)

const assignment = (target: string, name: string, value: string): string =>
  name === "__proto__"
    ? `Object.defineProperty(${target}, "__proto__", { value: ${value}, writable: true, enumerable: true, configurable: true })`
    : `${target}[${JSON.stringify(name)}] = ${value}`
