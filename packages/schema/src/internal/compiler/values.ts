/**
 * Compiles a node of a schema to code from value to value, with the same results as the interpreter.
 */
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as Driver from "mongodb"
import * as Bson from "../../Bson.ts"
import * as Numbers from "../bson/numbers.ts"
import * as Values from "../bson/values.ts"
import { setOwn } from "../plainObject.ts"
import { bare, isOptional, isPlainKey, literals, mayOmit, stringNames, tagTest, withoutEncoding } from "./analysis.ts"
import { instancesOf } from "./instances.ts"
import { checkTest, declaration, interpret, interpretMissing, type Step, transformation } from "./interpreter.ts"
import { buildObject, maxDepth, type Program, Unsupported } from "./program.ts"

type Guard = (u: unknown) => boolean

const bsonObjectId = Values.isBson("ObjectId")

/** Declarations by the function that tests them. It stays the same when a schema is annotated or checked. */
const guards = new Map<unknown, Guard>([
  [Schema.Date.ast.run, (u) => u instanceof Date && !Number.isNaN(u.getTime())],
  [Bson.ObjectId.ast.run, bsonObjectId],
  [Bson.Date.ast.run, Values.isValidDate],
  [Bson.Decimal128.ast.run, Values.isBson("Decimal128")],
  [Bson.Timestamp.ast.run, Values.isBson("Timestamp")],
  [Bson.UUID.ast.run, Values.isUuid],
  [Bson.Binary.ast.run, Values.isBinary],
  [Bson.Int32.ast.run, Numbers.isInt32],
  [Bson.Int64.ast.run, Numbers.isInt64],
  [Bson.Long.ast.run, Numbers.isInt64Long],
  [Bson.Double.ast.run, (u) => typeof u === "number"]
])

/** The numbers of `Bson`. */
type NumberName = "Int32" | "Double" | "Int64" | "Long"

const numbers: ReadonlyArray<readonly [NumberName, Schema.Constraint]> = [
  ["Int32", Bson.Int32],
  ["Double", Bson.Double],
  ["Int64", Bson.Int64],
  ["Long", Bson.Long]
]

/** The code that encodes them, after the test of the value. The results need no test. */
const numberEncoders: Record<NumberName, (v: string, program: Program) => string> = {
  Int32: (v, program) => `${v} = new ${program.constant(Driver.Int32)}(${v})`,
  Double: (v, program) => `${v} = new ${program.constant(Driver.Double)}(${v})`,
  Int64: (v, program) => `${v} = ${program.constant(Driver.Long)}.fromBigInt(${v})`,
  Long: () => ""
}

/** The numbers by the getter of their encoding, which the flipped schema shares. */
const numberGetters = new Map<unknown, NumberName>(
  numbers.map(([name, { ast }]) => [
    (ast.encoding![0].transformation as { readonly encode: unknown }).encode,
    name
  ])
)

const numericRuns = new Set(numbers.map(([, { ast }]) => (ast.encoding![0].to as SchemaAST.Declaration).run))

/**
 * Which of the numbers of `Bson` a node of a flipped schema encodes, if that is all it does.
 *
 * @internal
 */
export const numberOf = (ast: SchemaAST.AST): NumberName | undefined => {
  const [link, ...others] = ast.encoding ?? []
  if (link === undefined || others.length > 0 || link.transformation._tag !== "Transformation") return undefined
  if (ast._tag !== "Declaration" || !numericRuns.has(ast.run) || ast.checks !== undefined) return undefined
  return numberGetters.get(link.transformation.decode)
}

/**
 * Whether the node surely refuses null and undefined.
 *
 * @internal
 */
export const refusesNothing = (ast: SchemaAST.AST): boolean => {
  const source = ast.encoding === undefined ? ast : ast.encoding[ast.encoding.length - 1]!.to
  if (source.encoding !== undefined) return refusesNothing(source)
  switch (source._tag) {
    case "String":
    case "Number":
    case "Boolean":
    case "Literal":
    case "Arrays":
    case "Objects":
      return ast.encoding === undefined || ast.encoding.every((link) => link.transformation._tag !== "Middleware")
    case "Declaration":
      return guards.has(source.run) && ast.encoding === undefined
    default:
      return false
  }
}

/**
 * The expression that tests a number, or `undefined` if one of its checks is unknown.
 *
 * @internal
 */
export const numberTest = (checks: SchemaAST.Checks, v: string): string | undefined => {
  const tests: Array<string> = []
  for (const check of checks) {
    const id = check.annotations?.representation?.id
    if (check._tag !== "Filter") return undefined
    if (id === "effect/schema/isInt") tests.push(`Number.isSafeInteger(${v})`)
    else if (id === "effect/schema/isFinite") tests.push(`Number.isFinite(${v})`)
    else return undefined
  }
  return tests.join(" && ")
}

/**
 * Whether an object has an enumerable key that the schema does not know.
 *
 * @internal
 */
export const hasExcess = (names: ReadonlySet<PropertyKey>, anyString: boolean) => (input: unknown): boolean =>
  Reflect.ownKeys(input as object).some((key) =>
    !names.has(key) && !(anyString && typeof key === "string") &&
    Object.prototype.propertyIsEnumerable.call(input, key)
  )

/**
 * Writes the code for values into a program.
 *
 * @internal
 */
export class ValueCompiler {
  private readonly program: Program
  private readonly options: SchemaAST.ParseOptions
  private readonly bases = new Map<SchemaAST.AST, string>()
  private readonly wholes = new Map<SchemaAST.AST, string>()
  private depth = 0

  constructor(program: Program, options: SchemaAST.ParseOptions) {
    this.program = program
    this.options = options
  }

  /**
   * Statements that parse the variable `v` in place, or `return mismatch`. With `mayMiss`, `v` may become `missing`.
   */
  emit(ast: SchemaAST.AST, v: string, mayMiss: boolean): string {
    try {
      if (++this.depth > maxDepth) throw new Unsupported("depth")
      return this.emitNode(ast, v, mayMiss)
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      return this.apply(interpret(ast, this.options), v) +
        (mayMiss || !mayOmit(ast) ? "" : `\nif (${v} === missing) giveUp()`)
    } finally {
      this.depth--
    }
  }

  private emitNode(ast: SchemaAST.AST, v: string, mayMiss: boolean): string {
    const { encoding } = ast
    if (encoding === undefined) return this.emitLocal(ast, v)
    const from = this.emit(encoding[encoding.length - 1]!.to, v, false)
    const known = numberOf(ast)
    if (known !== undefined) return `${from}\n${numberEncoders[known](v, this.program)}`
    return `${from}\n${this.emitSteps(ast, encoding.length - 1, v, mayMiss)}`
  }

  /**
   * The transformations of a node from the step `from` on, and what comes after them: statements for the node itself, without its
   * encoding.
   */
  emitSteps(
    ast: SchemaAST.AST,
    from: number,
    v: string,
    mayMiss: boolean,
    last = (ast: SchemaAST.AST): string => this.emitLocal(ast, v)
  ): string {
    const link = ast.encoding![from]!
    const step = transformation(link, this.options)
    const tag = link.transformation._tag === "Transformation" ? link.transformation.decode._tag : undefined
    if (from > 0 && (tag === "TransformOptional" || tag === "TransformOptionalEffect")) {
      throw new Unsupported("optional step")
    }
    const rest = from === 0
      ? last(withoutEncoding(ast))
      : `${this.emit(ast.encoding![from - 1]!.to, v, false)}\n${this.emitSteps(ast, from - 1, v, mayMiss, last)}`
    if (step === undefined) return rest
    const instances = from === 0 ? instancesOf(ast) : undefined
    const call = instances !== undefined
      ? `${v} = ${this.program.constant(instances)}.of(${v})`
      : tag === "Transform"
      ? `${v} = ${this.program.constant(step)}(${v})`
      : this.apply(step, v)
    if (tag === "Transform" || tag === "TransformEffect") return `${call}\n${rest}`
    return mayMiss
      ? `${call}\nif (${v} !== missing) { ${rest} }`
      : `${call}\nif (${v} === missing) giveUp()\n${rest}`
  }

  private apply(step: Step, v: string): string {
    return `${v} = ${this.program.constant(step)}(${v}); if (${v} === mismatch) return mismatch`
  }

  /** Statements for the node itself, after its encoding, with its checks. */
  private emitLocal(ast: SchemaAST.AST, v: string): string {
    const { checks } = ast
    const encodingChecks = "encodingChecks" in ast ? ast.encodingChecks : undefined
    const base = this.emitBase(ast, v)
    if (this.options.disableChecks === true) return base
    const lines: Array<string> = []
    if (encodingChecks === undefined) {
      lines.push(base)
    } else {
      const input = this.program.name("i")
      const test = this.program.constant(checkTest(encodingChecks, ast, this.options))
      lines.push(`const ${input} = ${v}`, base, `if (!${test}(${input})) return mismatch`)
    }
    if (checks !== undefined) lines.push(this.emitChecks(ast, checks, v))
    return lines.join("\n")
  }

  /** Statements that check the variable `v`, or `return mismatch`. */
  emitChecks(ast: SchemaAST.AST, checks: SchemaAST.Checks, v: string): string {
    const test = (ast._tag === "Number" ? numberTest(checks, v) : undefined) ??
      `${this.program.constant(checkTest(checks, ast, this.options))}(${v})`
    return `if (!(${test})) return mismatch`
  }

  private emitBase(ast: SchemaAST.AST, v: string): string {
    switch (ast._tag) {
      case "Null":
        return `if (${v} !== null) return mismatch`
      case "Undefined":
        return `if (${v} !== undefined) return mismatch`
      case "String":
      case "Number":
      case "Boolean":
      case "BigInt":
      case "Symbol":
        return `if (typeof ${v} !== "${ast._tag.toLowerCase()}") return mismatch`
      case "Any":
      case "Unknown":
        return ""
      case "Literal":
        return `if (${v} !== ${this.program.constant(ast.literal)}) return mismatch`
      case "Enum": {
        const values = this.program.constant(new Set(ast.enums.map(([, value]) => value)))
        return `if (!${values}.has(${v})) return mismatch`
      }
      case "Declaration": {
        const guard = guards.get(ast.run)
        if (guard === undefined) return this.apply(declaration(ast, this.options), v)
        return `if (!${this.program.constant(guard)}(${v})) return mismatch`
      }
      case "Objects":
        return this.call(this.functionOf(this.bases, ast, () => this.emitObject(ast, "v")), v)
      case "Arrays":
        return this.call(this.functionOf(this.bases, ast, () => this.emitArray(ast, "v")), v)
      case "Suspend": {
        const target = ast.thunk()
        return this.call(this.functionOf(this.wholes, target, () => `${this.emit(target, "v", false)}\nreturn v`), v)
      }
      case "Union":
        return this.emitUnion(ast, v)
      default:
        throw new Unsupported(ast._tag)
    }
  }

  private call(name: string, v: string): string {
    return `${v} = ${name}(${v}); if (${v} === mismatch) return mismatch`
  }

  /** The function for a node, on `v`. It has its name before its code exists, so that it can call itself. */
  private functionOf(names: Map<SchemaAST.AST, string>, ast: SchemaAST.AST, body: () => string): string {
    const known = names.get(ast)
    if (known !== undefined) return known
    const name = this.program.name("value")
    names.set(ast, name)
    const depth = this.depth
    this.depth = 0
    try {
      const code = body()
      this.program.functions.push(`const ${name} = (v) => {\n${code}\n}`)
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      const parse = interpret(bare(ast), this.options)
      this.program.functions.push(`const ${name} = ${this.program.constant(parse)}`)
    } finally {
      this.depth = depth
    }
    return name
  }

  private emitObject(ast: SchemaAST.Objects, v: string): string {
    const names = stringNames(ast)
    const { indexSignatures, propertySignatures } = ast
    if (names.length === 0 && indexSignatures.length === 0) {
      return `return ${v} === null || ${v} === undefined ? mismatch : ${v}`
    }
    if (indexSignatures.length > 1) throw new Unsupported("index signatures")
    const lines = [`if (typeof ${v} !== "object" || ${v} === null || Array.isArray(${v})) return mismatch`]
    if (this.options.onExcessProperty === "error") {
      const excess = hasExcess(new Set(names), indexSignatures.length > 0)
      lines.push(`if (${this.program.constant(excess)}(${v})) return mismatch`)
    }
    const fields = propertySignatures.map(({ type }, i) => {
      const name = names[i]!
      const key = JSON.stringify(name)
      const x = this.program.name("x")
      const absent = type.encoding === undefined
        ? isOptional(type) ? `${x} = missing` : "return mismatch"
        : this.apply(interpretMissing(type, this.options), x).replace(`(${x})`, "()")
      const present = this.emit(type, x, true)
      lines.push(
        `let ${x} = ${v}[${key}]`,
        name === "__proto__"
          ? `if (!Object.hasOwn(${v}, ${key})) { ${absent} } else { ${present} }`
          : `if (${x} === undefined && !(${key} in ${v})) { ${absent} } else { ${present} }`
      )
      if (!isOptional(type) && type.encoding !== undefined) lines.push(`if (${x} === missing) return mismatch`)
      return { name, x, optional: isOptional(type) }
    })
    lines.push(buildObject(fields))
    const [index] = indexSignatures
    if (index !== undefined) {
      if (!isPlainKey(index.parameter)) throw new Unsupported("index signature")
      const assign = `${this.program.constant(setOwn)}(out, key, value)`
      const keep = names.length === 0 ? "true" : `!${this.program.constant(new Set(names))}.has(key)`
      lines.push(`for (const key of Object.keys(${v})) {
        let value = ${v}[key]
        ${this.emit(index.type, "value", true)}
        if (value !== missing && ${keep}) ${assign}
      }`)
    }
    return `${lines.join("\n")}\nreturn out`
  }

  private emitArray(ast: SchemaAST.Arrays, v: string): string {
    const { elements, rest } = ast
    if (rest.length > 1 || elements.some((element) => element.encoding !== undefined)) throw new Unsupported("tuple")
    const required = elements.filter((element) => !isOptional(element)).length
    const lines = [`if (!Array.isArray(${v})) return mismatch`, `const n = ${v}.length, out = []`]
    if (required > 0) lines.push(`if (n < ${required}) return mismatch`)
    if (rest.length === 0) lines.push(`if (n > ${elements.length}) return mismatch`)
    elements.forEach((element, i) => {
      const x = this.program.name("x")
      lines.push(
        `if (n > ${i}) { let ${x} = ${v}[${i}]\n${this.emit(element, x, false)}\nout.push(${x}) }`
      )
    })
    const [each] = rest
    if (each !== undefined) {
      lines.push(`for (let i = ${elements.length}; i < n; i++) {
        let x = ${v}[i]
        ${this.emit(each, "x", false)}
        out.push(x)
      }`)
    }
    return `${lines.join("\n")}\nreturn out`
  }

  private emitUnion(ast: SchemaAST.Union, v: string): string {
    if (ast.options?.mode === "oneOf") throw new Unsupported("oneOf")
    const values = literals(ast)
    if (values !== undefined) return `if (!${this.program.constant(values)}.has(${v})) return mismatch`
    // `NullOr`, `optional` and the like.
    const others = ast.types.filter((type) => !isNothing(type))
    if (others.length === 1 && ast.types.length > 1 && refusesNothing(others[0]!)) {
      const nothing = ast.types.filter(isNothing).map((type) =>
        `${v} !== ${type._tag === "Null" ? "null" : "undefined"}`
      )
      return `if (${nothing.join(" && ")}) { ${this.emitMember(others[0]!, v)} }`
    }
    const result = this.program.name("r")
    const members = ast.types.map((type) => {
      const name = this.program.name("member")
      const code = this.emitMember(type, "v")
      this.program.functions.push(`const ${name} = (v) => {\n${code}\nreturn v\n}`)
      return name
    })
    if (members.length === 0) return "return mismatch"
    return [
      `let ${result} = ${members[0]}(${v})`,
      ...members.slice(1).map((member) => `if (${result} === mismatch) ${result} = ${member}(${v})`),
      `if (${result} === mismatch) return mismatch`,
      `${v} = ${result}`
    ].join("\n")
  }

  private emitMember(ast: SchemaAST.AST, v: string): string {
    const test = tagTest(ast)
    const code = this.emit(ast, v, false)
    return test === undefined ? code : `if (!${this.program.constant(test)}(${v})) return mismatch\n${code}`
  }
}

/** @internal */
export const isNothing = (ast: SchemaAST.AST): boolean =>
  (ast._tag === "Null" || ast._tag === "Undefined") && ast.checks === undefined && ast.encoding === undefined
