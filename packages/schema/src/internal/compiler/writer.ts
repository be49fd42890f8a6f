/**
 * Compiles a schema to a function from a value to the bytes of the document that is stored: what the encoder and the serializer of bson
 * do one after the other, in one pass and without an object in between.
 *
 * A value is written behind its key. Its type is a byte before the key, at the position `at`, and whatever turns out not to be stored
 * leaves the position at `at` again.
 */
import { Integration } from "@mongofx/core"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as Bson from "../../Bson.ts"
import { bare, isOptional, isPlainKey, literals, stringNames, tagTest } from "./analysis.ts"
import { nameBytes } from "./fieldNames.ts"
import { checkTest, interpretMissing } from "./interpreter.ts"
import { maxDepth, Program, Unsupported } from "./program.ts"
import { hasExcess, isNothing, numberOf, refusesNothing, ValueCompiler } from "./values.ts"

/** Statements that write a value, and its type in BSON. Where that is `undefined`, they write it themselves. */
interface Writing {
  readonly type: number | undefined
  readonly code: string
}

/** Statements that write the variable `x` of a known type, which has been tested. */
const leaves = {
  text: { type: 2, code: (x: string) => `p = writeText(b, dv, cap, p, ${x})` },
  boolean: { type: 8, code: (x: string) => `b[p++] = ${x} ? 1 : 0` },
  null: { type: 10, code: () => "" },
  date: { type: 9, code: (x: string) => `p = writeDate(dv, p, ${x})` },
  objectId: { type: 7, code: (x: string) => `p = writeId(b, p, ${x})` },
  decimal: { type: 19, code: (x: string) => `p = writeDecimal(b, p, ${x})` },
  timestamp: { type: 17, code: (x: string) => `p = writeLong(dv, p, ${x})` },
  binary: { type: 5, code: (x: string) => `p = writeBinary(b, dv, cap, p, ${x})` },
  Int32: { type: 16, code: (x: string) => `dv.setInt32(p, ${x}, true); p += 4` },
  Double: { type: 1, code: (x: string) => `dv.setFloat64(p, ${x}, true); p += 8` },
  Int64: { type: 18, code: (x: string) => `dv.setBigInt64(p, ${x}, true); p += 8` },
  Long: { type: 18, code: (x: string) => `p = writeLong(dv, p, ${x})` }
}

type Leaf = keyof typeof leaves

/** Declarations by the function that tests them. */
const declarations = new Map<unknown, Leaf>([
  [Schema.Date.ast.run, "date"],
  [Bson.Date.ast.run, "date"],
  [Bson.ObjectId.ast.run, "objectId"],
  [Bson.Decimal128.ast.run, "decimal"],
  [Bson.Timestamp.ast.run, "timestamp"],
  [Bson.Binary.ast.run, "binary"],
  [Bson.UUID.ast.run, "binary"]
])

/** Names that the serializer of bson takes for more than a key, or whose place in an object is not that of the schema. */
const isSpecial = (name: string): boolean => name === "toBSON" || name === "_bsontype" || /^\d+$/.test(name)

/** A function for 100 fields cost five times as much for each field: see benchmark/README.md. */
const fieldsOfFunction = 32

class WriterCompiler {
  private readonly program = new Program()
  private readonly options: SchemaAST.ParseOptions
  private readonly values: ValueCompiler
  /** Whether nothing may be left out that is `undefined`: the schema may require it. */
  private readonly strict: boolean
  private readonly bases = new Map<SchemaAST.AST, string>()
  private readonly wholes = new Map<SchemaAST.AST, string>()
  private depth = 0

  constructor(options: SchemaAST.ParseOptions, strict: boolean) {
    this.options = options
    this.strict = strict
    this.values = new ValueCompiler(this.program, options)
    this.program.functions.push(
      `const { ${Object.keys(Integration.bsonWriting).join(", ")} } = ${
        this.program.constant(Integration.bsonWriting)
      }`,
      "let b, dv, cap"
    )
  }

  compile(ast: SchemaAST.AST): Integration.BsonWrite {
    // The type of a document is written to the end of the buffer, which no document reaches.
    return this.program.build(`(v, p, buffer, view, end) => {
      b = buffer
      dv = view
      cap = end
      const at = b.length - 2
      b[at] = 0
      ${this.typed(this.value(ast, "v", "at", false), "at")}
      return b[at] === 3 && p !== at ? p : mismatch
    }`) as Integration.BsonWrite
  }

  private typed({ code, type }: Writing, at: string): string {
    return type === undefined ? code : `b[${at}] = ${type}\n${code}`
  }

  private any(x: string, at: string): string {
    return `p = writeAny(b, dv, cap, p, ${at}, ${x}, ${this.strict}, 0)`
  }

  /** Statements for a value that is not stored. */
  private nothing(at: string): string {
    return this.strict ? "giveUp()" : `p = ${at}`
  }

  /** With `mayMiss`, the variable `x` may become `missing`, and nothing is written. */
  private value(ast: SchemaAST.AST, x: string, at: string, mayMiss: boolean): Writing {
    try {
      if (++this.depth > maxDepth) throw new Unsupported("depth")
      return this.node(ast, x, at, mayMiss)
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      const unlessMissing = mayMiss ? `if (${x} === missing) p = ${at}; else ` : ""
      return { type: undefined, code: `${this.values.emit(ast, x, mayMiss)}\n${unlessMissing}${this.any(x, at)}` }
    } finally {
      this.depth--
    }
  }

  private node(ast: SchemaAST.AST, x: string, at: string, mayMiss: boolean): Writing {
    const { encoding } = ast
    if (encoding === undefined) return this.local(ast, x, at)
    const from = this.values.emit(encoding[encoding.length - 1]!.to, x, false)
    const number = numberOf(ast)
    if (number !== undefined) {
      const { code, type } = leaves[number]
      return { type, code: `${from}\n${code(x)}` }
    }
    let type: number | undefined
    const steps = this.values.emitSteps(ast, encoding.length - 1, x, mayMiss, (last) => {
      const written = this.local(last, x, at)
      type = written.type
      return written.code
    })
    return { type, code: `${from}\n${steps}${mayMiss ? `\nif (${x} === missing) p = ${at}` : ""}` }
  }

  /** The node itself, without its encoding. */
  private local(ast: SchemaAST.AST, x: string, at: string): Writing {
    switch (ast._tag) {
      case "Objects":
        // It takes whatever is not null.
        if (ast.propertySignatures.length + ast.indexSignatures.length === 0) throw new Unsupported("empty struct")
        return this.container(ast, 3, x, (name) => this.object(ast, name))
      case "Arrays":
        return this.container(ast, 4, x, (name) => this.array(ast, name))
      case "Suspend":
        this.refuseChecks(ast)
        return { type: undefined, code: this.call(this.whole(ast.thunk()), x, at) }
      case "Union":
        return this.union(ast, x, at)
      default: {
        const test = this.values.emit(ast, x, false)
        const leaf = this.leaf(ast)
        if (leaf !== undefined) {
          const { code, type } = leaves[leaf]
          return { type, code: `${test}\n${code(x)}` }
        }
        const write = ast._tag === "Undefined"
          ? this.nothing(at)
          : ast._tag === "Number" || ast._tag === "Literal" && typeof ast.literal === "number"
          ? `p = writeNumber(b, dv, p, ${at}, ${x})`
          : this.any(x, at)
        return { type: undefined, code: `${test}\n${write}` }
      }
    }
  }

  private leaf(ast: SchemaAST.AST): Leaf | undefined {
    switch (ast._tag) {
      case "String":
        return "text"
      case "Boolean":
        return "boolean"
      case "Null":
        return "null"
      case "Literal":
        return typeof ast.literal === "string" ? "text" : typeof ast.literal === "boolean" ? "boolean" : undefined
      case "Declaration":
        return declarations.get(ast.run)
      default:
        return undefined
    }
  }

  /** Checks of what was encoded, for which it has to be there. */
  private refuseChecks(ast: SchemaAST.AST): void {
    const { checks, encodingChecks } = ast as { readonly checks?: unknown; readonly encodingChecks?: unknown }
    if (this.options.disableChecks === true) return
    if (checks !== undefined || encodingChecks !== undefined) throw new Unsupported("checks")
  }

  private container(
    ast: SchemaAST.Objects | SchemaAST.Arrays,
    type: number,
    x: string,
    body: (name: string) => string
  ): Writing {
    const { encodingChecks } = ast as { readonly encodingChecks?: SchemaAST.Checks }
    if (ast.checks !== undefined && this.options.disableChecks !== true) throw new Unsupported("checks")
    const code = `p = ${this.base(ast, type, body)}(${x}, p); if (p === mismatch) return mismatch`
    if (encodingChecks === undefined || this.options.disableChecks === true) return { type, code }
    const test = this.program.constant(checkTest(encodingChecks, ast, this.options))
    return { type, code: `${code}\nif (!${test}(${x})) return mismatch` }
  }

  private call(name: string, x: string, at: string): string {
    return `p = ${name}(${x}, p, ${at}); if (p === mismatch) return mismatch`
  }

  /** The function that writes an object or an array. It has its name before it is written, so that it can call itself. */
  private base(
    ast: SchemaAST.Objects | SchemaAST.Arrays,
    type: number,
    body: (name: string) => string
  ): string {
    const known = this.bases.get(ast)
    if (known !== undefined) return known
    const name = this.program.name("write")
    this.bases.set(ast, name)
    const { depth } = this
    this.depth = 0
    try {
      this.program.functions.push(body(name))
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      // The caller has written the type of the node. The interpreter may give another one.
      this.program.functions.push(`const ${name} = (v, p) => {
        const at = b.length - 1
        ${this.values.emit(bare(ast), "v", false)}
        ${this.any("v", "at")}
        return b[at] !== ${type} || p === at ? giveUp() : p
      }`)
    } finally {
      this.depth = depth
    }
    return name
  }

  /** The function that writes any value of a node. */
  private whole(ast: SchemaAST.AST): string {
    const known = this.wholes.get(ast)
    if (known !== undefined) return known
    const name = this.program.name("write")
    this.wholes.set(ast, name)
    const { depth } = this
    this.depth = 0
    this.function(name, this.value(ast, "v", "at", false))
    this.depth = depth
    return name
  }

  private function(name: string, value: Writing): void {
    this.program.functions.push(`const ${name} = (v, p, at) => {\n${this.typed(value, "at")}\nreturn p\n}`)
  }

  /** Statements that write a key whose name is known, with the type of its value. */
  private key(name: string, type: number | undefined): string {
    const bytes = Buffer.concat([Buffer.of(type ?? 0), nameBytes(name), Buffer.alloc(3)])
    const size = bytes.length - 3
    const lines = [`if (p + ${size} > cap) needRoom(p, ${size})`]
    // Four at a time; what is too much is written over.
    for (let i = 0; i < size; i += 4) lines.push(`dv.setInt32(p + ${i}, ${bytes.readInt32LE(i)}, true)`)
    return `${lines.join("\n")}\np += ${size}`
  }

  private object(ast: SchemaAST.Objects, name: string): string {
    const names = stringNames(ast)
    const { indexSignatures, propertySignatures } = ast
    const [index] = indexSignatures
    if (names.some(isSpecial)) throw new Unsupported("key")
    // Keys that are numbers come first in an object.
    if (index !== undefined && (names.length > 0 || indexSignatures.length > 1 || !isPlainKey(index.parameter))) {
      throw new Unsupported("index signature")
    }
    const lines = [`if (typeof v !== "object" || v === null || Array.isArray(v)) return mismatch`]
    if (this.options.onExcessProperty === "error") {
      const excess = hasExcess(new Set(names), index !== undefined)
      lines.push(`if (${this.program.constant(excess)}(v)) return mismatch`)
    }
    lines.push("const from = p", "p += 4")
    lines.push(...this.parts(propertySignatures.map(({ type }, i) => this.field(names[i]!, type))))
    if (index !== undefined) {
      lines.push(`for (const key of Object.keys(v)) {
        if (key === "toBSON" || key === "_bsontype") giveUp()
        let x = v[key]
        const at = p
        p = writeKey(b, cap, p, key)
        ${this.typed(this.value(index.type, "x", "at", true), "at")}
      }`)
    }
    return `const ${name} = (v, p) => {\n${lines.join("\n")}\nreturn close(b, dv, from, p)\n}`
  }

  /** The statements that write the fields of an object: many fields get functions of their own. */
  private parts(fields: ReadonlyArray<string>): ReadonlyArray<string> {
    if (fields.length <= fieldsOfFunction) return fields
    const calls: Array<string> = []
    for (let i = 0; i < fields.length; i += fieldsOfFunction) {
      const name = this.program.name("write")
      const body = fields.slice(i, i + fieldsOfFunction).join("\n")
      this.program.functions.push(`const ${name} = (v, p) => {\n${body}\nreturn p\n}`)
      calls.push(`p = ${name}(v, p); if (p === mismatch) return mismatch`)
    }
    return calls
  }

  private field(name: string, type: SchemaAST.AST): string {
    const key = JSON.stringify(name)
    const x = this.program.name("x")
    const at = this.program.name("at")
    const written = this.value(type, x, at, true)
    const isLost = !isOptional(type) && type.encoding !== undefined
      ? `if (${x} === missing) return mismatch`
      : ""
    const present = `const ${at} = p\n${this.key(name, written.type)}\n${written.code}\n${isLost}`
    let absent = isOptional(type) ? "" : "return mismatch"
    if (type.encoding !== undefined) {
      const parse = this.program.constant(interpretMissing(type, this.options))
      absent = `${x} = ${parse}()
        if (${x} === mismatch) return mismatch
        ${isOptional(type) ? `if (${x} !== missing)` : `if (${x} === missing) return mismatch`}
        { const ${at} = p\n${this.key(name, undefined)}\n${this.any(x, at)} }`
    }
    const isAbsent = name === "__proto__"
      ? `!Object.hasOwn(v, ${key})`
      : `${x} === undefined && !(${key} in v)`
    return `let ${x} = v[${key}]\nif (${isAbsent}) { ${absent} } else { ${present} }`
  }

  private array(ast: SchemaAST.Arrays, name: string): string {
    const { elements, rest } = ast
    if (rest.length > 1 || elements.some((element) => element.encoding !== undefined)) throw new Unsupported("tuple")
    const required = elements.filter((element) => !isOptional(element)).length
    const lines = ["if (!Array.isArray(v)) return mismatch", "const n = v.length, from = p", "p += 4"]
    if (required > 0) lines.push(`if (n < ${required}) return mismatch`)
    if (rest.length === 0) lines.push(`if (n > ${elements.length}) return mismatch`)
    // BSON would store null for what is undefined, and core refuses it.
    const element = (i: string, type: SchemaAST.AST) =>
      `let x = v[${i}]
      const at = p
      p = writeIndex(b, cap, p, ${i})
      ${this.typed(this.value(type, "x", "at", false), "at")}
      if (p === at) giveUp()`
    elements.forEach((type, i) => lines.push(`if (n > ${i}) { ${element(String(i), type)} }`))
    const [each] = rest
    if (each !== undefined) lines.push(`for (let i = ${elements.length}; i < n; i++) { ${element("i", each)} }`)
    return `const ${name} = (v, p) => {\n${lines.join("\n")}\nreturn close(b, dv, from, p)\n}`
  }

  private union(ast: SchemaAST.Union, x: string, at: string): Writing {
    this.refuseChecks(ast)
    if (ast.options?.mode === "oneOf") throw new Unsupported("oneOf")
    const values = literals(ast)
    if (values !== undefined) {
      const test = this.values.emit(ast, x, false)
      const isText = [...values].every((value) => typeof value === "string")
      return isText
        ? { type: leaves.text.type, code: `${test}\n${leaves.text.code(x)}` }
        : { type: undefined, code: `${test}\n${this.any(x, at)}` }
    }
    // `NullOr`, `optional` and the like.
    const others = ast.types.filter((type) => !isNothing(type))
    const [other] = others
    if (other !== undefined && others.length === 1 && ast.types.length > 1 && refusesNothing(other)) {
      const member = this.member(other, x, at)
      const cases = ast.types.filter(isNothing).map(({ _tag }) =>
        _tag === "Null" ? `if (${x} === null) b[${at}] = 10` : `if (${x} === undefined) ${this.nothing(at)}`
      )
      return { type: undefined, code: `${cases.join("\nelse ")}\nelse { ${this.typed(member, at)} }` }
    }
    const names = ast.types.map((type) => {
      const name = this.program.name("member")
      this.function(name, this.member(type, "v", "at"))
      return name
    })
    if (names.length === 0) return { type: undefined, code: "return mismatch" }
    const result = this.program.name("r")
    return {
      type: undefined,
      code: [
        `let ${result} = ${names[0]}(${x}, p, ${at})`,
        ...names.slice(1).map((name) => `if (${result} === mismatch) ${result} = ${name}(${x}, p, ${at})`),
        `if (${result} === mismatch) return mismatch`,
        `p = ${result}`
      ].join("\n")
    }
  }

  private member(ast: SchemaAST.AST, x: string, at: string): Writing {
    const test = tagTest(ast)
    const { code, type } = this.value(ast, x, at, false)
    return {
      type,
      code: test === undefined ? code : `if (!${this.program.constant(test)}(${x})) return mismatch\n${code}`
    }
  }
}

/**
 * The writer of a schema, for a `WriteBuffer` of core. `undefined` where code generation is forbidden.
 *
 * @internal
 */
export const compileWriter = (
  ast: SchemaAST.AST,
  parse: SchemaAST.ParseOptions,
  strict: boolean
): Integration.BsonWrite | undefined => {
  try {
    return new WriterCompiler(parse, strict).compile(SchemaAST.flip(ast))
  } catch (error) {
    if (error instanceof EvalError) return undefined
    throw error
  }
}
