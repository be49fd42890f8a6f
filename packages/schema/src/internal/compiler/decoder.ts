/**
 * Compiles a schema to a function from the bytes of a document to a decoded, validated value.
 *
 * It must agree with `BSON.deserialize` followed by the interpreter: the compiled function gives the same value, or `mismatch`
 * without a reason. It skips fields that the schema does not name by their length, without reading them.
 */
import type * as SchemaAST from "effect/SchemaAST"
import type * as Driver from "mongodb"
import { type Deserialize, deserializer } from "../bson/bytes.ts"
import {
  bare,
  isInherited,
  isOptional,
  isPlainKey,
  literals,
  mayOmit,
  objectsOf,
  stringNames,
  tagTest,
  withoutEncoding
} from "./analysis.ts"
import { findField, isAt, nameBytes } from "./fieldNames.ts"
import { type Instances, instancesOf } from "./instances.ts"
import { declaration, interpret, interpretMissing, type Step } from "./interpreter.ts"
import { buildMaker, buildObject, maxDepth, Program, type Property, Unsupported } from "./program.ts"
import {
  checkMismatch,
  declarations,
  isPlainNumber,
  map,
  numbers,
  numeric,
  plainNumber,
  readBoolean,
  type Reader,
  readText,
  single,
  textFunction,
  withOthers
} from "./readers.ts"
import { type Bytes, makeReadAny, mismatch, runtime } from "./runtime.ts"
import { numberTest, ValueCompiler } from "./values.ts"

/** A class whose fields are read directly into its instances. */
interface ClassOf {
  readonly instances: Instances
  /** Makes an instance from an object with the fields, until the way to make it directly is known. */
  readonly make: Step
}

class DecoderCompiler {
  private readonly program = new Program()
  private readonly options: SchemaAST.ParseOptions
  private readonly readAny: string
  private readonly values: ValueCompiler
  /** The names of functions, by node or by the instances of a class. */
  private readonly functions = new Map<object, string>()
  private depth = 0

  constructor(options: SchemaAST.ParseOptions, deserialize: Deserialize) {
    this.options = options
    this.values = new ValueCompiler(this.program, options)
    this.readAny = this.program.constant(makeReadAny(deserialize))
    this.program.functions.push(
      `const { ${Object.keys(runtime).join(", ")} } = ${this.program.constant(runtime)}`,
      textFunction()
    )
  }

  /** The function for a whole document. Throws `Unsupported` if the schema does not take documents. */
  compile(ast: SchemaAST.AST): DecodeAt {
    const reader = this.reader(ast, false)
    const code = reader.types.get(3)
    if (code === undefined) throw new Unsupported("not a document")
    return this.program.build(`(b, dv, p, end) => {
      let v, t = 3, n
      if (dv.getInt32(p, true) !== end - p) giveUp()
      ${code}
      return p === end ? v : giveUp()
    }`) as DecodeAt
  }

  /** The code that reads a node. With `mayMiss`, the value may be `missing`. */
  private reader(ast: SchemaAST.AST, mayMiss: boolean): Reader {
    try {
      if (++this.depth > maxDepth) throw new Unsupported("depth")
      return this.node(ast, mayMiss)
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      return this.interpreted(ast, mayMiss)
    } finally {
      this.depth--
    }
  }

  /** The code that deserializes a value with bson and gives it to the interpreter. */
  private interpreted(ast: SchemaAST.AST, mayMiss: boolean): Reader {
    const parse = this.program.constant(interpret(ast, this.options))
    return {
      types: new Map(),
      any: `v = ${parse}(${this.readAny}(b, dv, t, p, end)); p = skip(b, dv, t, p, end); ${checkMismatch}${
        mayMiss || !mayOmit(ast) ? "" : "; if (v === missing) giveUp()"
      }`
    }
  }

  private node(ast: SchemaAST.AST, mayMiss: boolean): Reader {
    const { encoding } = ast
    if (encoding === undefined) return this.local(ast)
    const instance = this.instance(ast)
    if (instance !== undefined) return this.checked(ast, instance)
    const last = encoding[encoding.length - 1]!
    if (encoding.length === 1 && isPlainNumber(last.to) && isPlainNumber(bare(ast))) {
      const reader = last.transformation._tag === "Transformation" ? numbers.get(last.transformation.decode) : undefined
      if (reader !== undefined) return this.checked(ast, reader)
    }
    const steps = this.values.emitSteps(ast, encoding.length - 1, "v", mayMiss)
    return map(this.reader(last.to, false), (code) => `${code}\n${steps}`)
  }

  /** The reader of a class whose fields have no checks as a whole. Such checks would need an object without the class. */
  private instance(ast: SchemaAST.AST): Reader | undefined {
    const instances = instancesOf(ast)
    const to = ast.encoding?.[0].to
    if (instances === undefined || to?._tag !== "Objects" || ast._tag !== "Declaration") return undefined
    if (to.propertySignatures.length === 0 || to.indexSignatures.length > 0) return undefined
    if ((to.encoding ?? to.checks ?? to.encodingChecks ?? ast.encodingChecks) !== undefined) return undefined
    const check = declaration(withoutEncoding(ast), this.options)
    const make: Step = (fields) => check(instances.of(fields as object))
    const of: ClassOf = { instances, make }
    return withOthers(
      to,
      this.call(3, this.functionOf(instances, to, "object", (name) => this.object(to, name, of), of))
    )
  }

  private local(ast: SchemaAST.AST): Reader {
    if ("encodingChecks" in ast && ast.encodingChecks !== undefined) throw new Unsupported("checks of the encoded side")
    const base = this.base(ast)
    return ast._tag === "Number" ? base : this.checked(ast, base)
  }

  private checked(ast: SchemaAST.AST, reader: Reader): Reader {
    const { checks } = ast
    if (checks === undefined || this.options.disableChecks === true) return reader
    const test = this.values.emitChecks(ast, checks, "v")
    return map(reader, (code) => `${code}\n${test}`)
  }

  private base(ast: SchemaAST.AST): Reader {
    switch (ast._tag) {
      case "String":
        return single(2, readText)
      case "Number": {
        const { checks } = ast
        const test = checks === undefined || this.options.disableChecks === true
          ? ""
          : `; ${this.values.emitChecks(ast, checks, "v")}`
        // An int32 passes all known checks.
        const int = checks === undefined || numberTest(checks, "v") !== undefined ? "" : test
        return numeric(int, test, `v = promoted(dv, p); p += 8; ${checkMismatch}${test}`)
      }
      case "Boolean":
        return single(8, readBoolean)
      case "Null":
        return single(10, "v = null")
      case "Undefined":
        return single(6, "v = undefined")
      case "Literal":
        return this.literal(ast.literal)
      case "Declaration": {
        const known = declarations.get(ast.run)
        if (known === undefined) throw new Unsupported("declaration")
        return known
      }
      case "Objects":
        // An empty struct takes any value but null.
        if (ast.propertySignatures.length + ast.indexSignatures.length === 0) throw new Unsupported("empty struct")
        return withOthers(ast, this.call(3, this.functionOf(ast, ast, "object", (name) => this.object(ast, name))))
      case "Arrays":
        return this.call(4, this.functionOf(ast, ast, "array", () => this.array(ast)))
      case "Suspend": {
        const target = ast.thunk()
        return this.reader(target, false)
      }
      case "Union":
        return this.union(ast)
      case "Any":
      case "Unknown":
        return {
          types: new Map([[2, readText]]),
          any: `v = ${this.readAny}(b, dv, t, p, end); p = skip(b, dv, t, p, end)`
        }
      default:
        throw new Unsupported(ast._tag)
    }
  }

  private literal(value: SchemaAST.LiteralValue): Reader {
    const constant = this.program.constant(value)
    const test = `if (v !== ${constant}) return mismatch`
    switch (typeof value) {
      case "string": {
        const bytes = Buffer.from(`${value}\0`)
        if (value.includes("\uFFFD") || bytes.toString() !== `${value}\0`) return single(2, `${readText}\n${test}`)
        // A NUL counts in the length, so it is compared like any other byte.
        return single(
          2,
          `if (p + ${bytes.length + 4} > end || dv.getInt32(p, true) !== ${bytes.length} || !(${
            isAt(bytes, "p + 4")
          })) return mismatch
          v = ${constant}; p += ${bytes.length + 4}`
        )
      }
      case "number":
        return map(plainNumber, (code) => `${code}\n${test}`)
      case "boolean":
        return single(8, `${readBoolean}; ${test}`)
      case "bigint":
        return { types: new Map() }
    }
  }

  private call(t: number, name: string): Reader {
    return single(t, `v = ${name}(b, dv, p, end); ${checkMismatch}; p += dv.getInt32(p, true)`)
  }

  /** It has its name before it is written, so that it can call itself. */
  private functionOf(
    key: object,
    ast: SchemaAST.AST,
    prefix: string,
    code: (name: string) => string,
    of?: ClassOf
  ): string {
    const known = this.functions.get(key)
    if (known !== undefined) return known
    const name = this.program.name(prefix)
    this.functions.set(key, name)
    const { depth } = this
    this.depth = 0
    try {
      this.program.functions.push(code(name))
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      const fields = interpret(bare(ast), this.options)
      const parse = this.program.constant(
        of === undefined ? fields : (value: unknown) => {
          const output = fields(value)
          return output === mismatch ? mismatch : of.make(output)
        }
      )
      this.program.functions.push(
        `const ${name} = (b, dv, p, end) => ${parse}(${this.readAny}(b, dv, ${prefix === "array" ? 4 : 3}, p, end))`
      )
    } finally {
      this.depth = depth
    }
    return name
  }

  /** Statements that read the value of type `t` at `p`. */
  private read({ any, types }: Reader): string {
    const cases = Array.from(types, ([t, code]) => `if (t === ${t}) { ${code} }`)
    return [...cases, any === undefined ? "return otherType(t)" : `{ ${any} }`].join(" else ")
  }

  /**
   * The code expects fields in the order of the schema: each case goes on to the next. If another field comes, `find` tells
   * which one, and the loop goes on from there.
   */
  private object(ast: SchemaAST.Objects, name: string, of?: ClassOf): string {
    const names = stringNames(ast)
    const { indexSignatures, propertySignatures } = ast
    if (names.some((name) => name === "$ref" || name === "$id" || name === "$db")) throw new Unsupported("DBRef")
    const [index] = indexSignatures
    if (index !== undefined) {
      const { type } = index
      if (indexSignatures.length > 1 || !isPlainKey(index.parameter)) throw new Unsupported("index signature")
      const takesAll = (type._tag === "Unknown" || type._tag === "Any") && type.checks === undefined &&
        type.encoding === undefined
      // The values of the named fields must fit the index signature too.
      if (names.length > 0 && !takesAll) throw new Unsupported("index signature")
    }
    const fields = propertySignatures.map(({ type }, i) => ({
      name: names[i]!,
      type,
      bytes: nameBytes(names[i]!),
      x: `x${i}`,
      optional: isOptional(type)
    }))
    const count = fields.length
    const find = `${name}find`
    const find0 = count === 0 ? "-1" : `${find}(b, dv, p, end)`
    if (count > 0) this.program.functions.push(findField(find, fields))
    const unknown = index !== undefined
      ? `if (b[p + 1] === 36) giveUp()
        t = b[p]
        const start = p + 1
        p = endOfName(b, start, end)
        const key = b.utf8Slice(start, p++)
        ${this.read(this.solid(index.type))}
        setOwn(rest, key, v)`
      : this.options.onExcessProperty === "error"
      ? "if (b[p + 1] === 36) giveUp(); return mismatch"
      : "p = skipUnknown(b, dv, p, end)"
    const cases = fields.map(({ bytes, optional, type, x }, i) => {
      const otherwise = optional ? "" : `else {
        if (p >= end) break loop
        k = ${find0}
        if (k === -1) { ${unknown}; k = ${i} }
        continue
      }`
      return `case ${i}: if (p + ${bytes.length} < end && ${isAt(bytes, "p + 1")}) {
        t = b[p]; p += ${bytes.length + 1}
        ${this.read(this.reader(type, true))}
        ${x} = ${mayOmit(type) ? "v === missing ? omitted : v" : "v"}
      } ${otherwise}`
    })
    const absent = fields.map(({ name, optional, type, x }) => {
      const omit = mayOmit(type)
        ? `if (${x} === omitted) ${optional ? `${x} = missing; else ` : "return mismatch\n"}`
        : ""
      return `${omit}${this.absence(name, optional, type, x)}`
    })
    const rest = index === undefined
      ? ""
      : names.length === 0
      ? "return rest"
      : "for (const key of Object.keys(rest)) setOwn(out, key, rest[key])"
    return `const ${name} = (b, dv, p, limit) => {
      let n = dv.getInt32(p, true)
      if (n < 5 || p + n > limit || b[p + n - 1] !== 0) giveUp()
      const end = p + n - 1
      p += 4
      let v, t, k = 0
      ${index === undefined ? "" : "const rest = {}"}
      ${count === 0 ? "" : `let ${fields.map(({ x }) => `${x} = missing`).join(", ")}`}
      loop: for (;;) {
        switch (k) {
          ${cases.join("\n")}
          default:
            if (p >= end) break loop
            k = ${find0}
            if (k === -1) { ${unknown}; k = ${count} }
        }
      }
      if (p !== end) giveUp()
      ${absent.join("\n")}
      ${names.length === 0 ? "" : this.result(fields, name, of)}
      ${rest}
      ${names.length === 0 ? "" : "return out"}
    }`
  }

  /** Statements that put the fields into the variable `out`, or into an instance that they return. */
  private result(fields: ReadonlyArray<Property>, name: string, of: ClassOf | undefined): string {
    if (of === undefined) return buildObject(fields)
    const maker = `${name}make`
    const [head, tail] = buildMaker(maker, fields)
    this.program.functions.push(head, `${this.program.constant(of.instances)}.add(${maker})`)
    return `if (${this.program.constant(of.instances)}.known) { ${tail} }
      ${buildObject(fields)}
      return ${this.program.constant(of.make)}(out)`
  }

  /** The statement for an absent field. */
  private absence(name: string, optional: boolean, type: SchemaAST.AST, x: string): string {
    if (isInherited(name)) return `if (${x} === missing) giveUp()`
    if (type.encoding === undefined) return optional ? ";" : `if (${x} === missing) return mismatch`
    const parse = this.program.constant(interpretMissing(type, this.options))
    const isMissing = optional ? "" : ` || ${x} === missing`
    return `if (${x} === missing) { ${x} = ${parse}(); if (${x} === mismatch${isMissing}) return mismatch }`
  }

  private array(ast: SchemaAST.Arrays): string {
    const { elements, rest } = ast
    if (rest.length > 1 || elements.some(({ encoding }) => encoding !== undefined)) throw new Unsupported("tuple")
    const required = elements.filter((element) => !isOptional(element)).length
    const each = rest[0] === undefined ? "return mismatch" : this.read(this.solid(rest[0]))
    const body = elements.length === 0 ? each : `switch (out.length) {
      ${elements.map((element, i) => `case ${i}: ${this.read(this.solid(element))}\nbreak`).join("\n")}
      default: ${each}
    }`
    return `const ${this.functions.get(ast)} = (b, dv, p, limit) => {
      let n = dv.getInt32(p, true)
      if (n < 5 || p + n > limit || b[p + n - 1] !== 0) giveUp()
      const end = p + n - 1
      p += 4
      const out = []
      let v, t
      while (p < end) {
        t = b[p++]
        while (p < end && b[p] !== 0) p++
        if (p++ >= end) giveUp()
        ${body}
        out.push(v)
      }
      if (p !== end) giveUp()
      ${required === 0 ? "" : `if (out.length < ${required}) return mismatch`}
      return out
    }`
  }

  /** The code for a value that must be present. */
  private solid(ast: SchemaAST.AST): Reader {
    return this.reader(ast, false)
  }

  private union(ast: SchemaAST.Union): Reader {
    if (ast.options?.mode === "oneOf") throw new Unsupported("oneOf")
    if (ast.types.some((type) => tagTest(type) !== undefined)) throw new Unsupported("tags with defaults")
    const values = literals(ast)
    if (values !== undefined && values.size > 1) return this.literals(values)
    const members = ast.types.map((type) => this.reader(type, false))
    const types = new Map<number, string>()
    const known = new Set(members.flatMap((member) => [...member.types.keys()]))
    for (const t of known) {
      const candidates = members.flatMap((member, i) => {
        const code = member.types.get(t) ?? member.any
        return code === undefined ? [] : [{ code, type: ast.types[i]! }]
      })
      types.set(t, candidates.length === 1 ? candidates[0]!.code : this.choose(ast, t, candidates))
    }
    const rest = members.filter((member) => member.any !== undefined)
    // bson delivers a symbol as a string.
    if (rest.length > 0 && known.has(2)) types.set(14, "giveUp()")
    if (rest.length > 1) return { types, any: this.interpreted(ast, false).any }
    return { types, any: rest[0]?.any }
  }

  private literals(values: ReadonlySet<unknown>): Reader {
    const kinds = new Set(Array.from(values, (value) => typeof value))
    const readers = [
      ...(kinds.has("string") ? [[2, readText] as const] : []),
      ...(kinds.has("number") ? plainNumber.types : []),
      ...(kinds.has("boolean") ? [[8, readBoolean] as const] : [])
    ]
    const test = `if (!${this.program.constant(values)}.has(v)) return mismatch`
    return map({ types: new Map(readers) }, (code) => `${code}\n${test}`)
  }

  /** The code for a type that several members may take: the first member that takes the value gets it. */
  private choose(
    ast: SchemaAST.Union,
    t: number,
    candidates: ReadonlyArray<{ readonly code: string; readonly type: SchemaAST.AST }>
  ): string {
    if (t === 3) {
      const tagged = this.tagged(candidates)
      if (tagged !== undefined) return tagged
    }
    // A member may refuse a document for the first of two fields with one name, although the last one counts.
    if (t === 3 || t === 4 || t === 15) return this.interpreted(ast, false).any!
    const names = candidates.map(({ code }) => {
      const name = this.program.name("member")
      this.program.functions.push(`const ${name} = (b, dv, t, p, end) => {\nlet v, n\n${code}\nreturn v\n}`)
      return name
    })
    return [
      `v = ${names[0]}(b, dv, t, p, end)`,
      ...names.slice(1).map((name) => `if (v === mismatch) v = ${name}(b, dv, t, p, end)`),
      checkMismatch,
      "p = skip(b, dv, t, p, end)"
    ].join("\n")
  }

  /** The code for objects that a tag tells apart. */
  private tagged(
    candidates: ReadonlyArray<{ readonly code: string; readonly type: SchemaAST.AST }>
  ): string | undefined {
    const objects = candidates.map(({ type }) => objectsOf(type))
    const tagOf = (name: PropertyKey) =>
      objects.map((object) => {
        const type = object?.propertySignatures.find((property) => property.name === name)?.type
        return type?._tag === "Literal" && typeof type.literal === "string" && type.encoding === undefined &&
            !isOptional(type)
          ? type.literal
          : undefined
      })
    for (const { name } of objects[0]?.propertySignatures ?? []) {
      const tags = tagOf(name)
      if (
        typeof name !== "string" || name.startsWith("$") || isInherited(name) || tags.includes(undefined) ||
        new Set(tags).size !== tags.length
      ) continue
      const find = this.program.name("tag")
      this.program.functions.push(`const ${find} = (b, dv, p, limit) => {
        let n = dv.getInt32(p, true)
        if (n < 5 || p + n > limit || b[p + n - 1] !== 0) giveUp()
        const end = p + n - 1
        let v, t
        p += 4
        while (p < end) {
          t = b[p]
          const here = p + ${nameBytes(name).length} < end && ${isAt(nameBytes(name), "p + 1")}
          p = endOfName(b, p + 1, end) + 1
          if (here) {
            if (t !== 2) return otherType(t)
            ${readText}
          } else p = skip(b, dv, t, p, end)
        }
        return p === end ? v : giveUp()
      }`)
      const cases = candidates.map(({ code }, i) => `case ${this.program.constant(tags[i])}: { ${code}\nbreak }`)
      return `switch (${find}(b, dv, p, end)) { ${cases.join("\n")}\ndefault: return mismatch }`
    }
    return undefined
  }
}

// ---- entry

type DecodeAt = (b: Bytes, dv: DataView, start: number, end: number) => unknown

/** Whether the driver's options give values the form that the compiled decoder gives them. */
const isUsualForm = (options: Driver.BSONSerializeOptions): boolean =>
  options.promoteValues !== false && options.promoteLongs !== false && options.promoteBuffers !== true &&
  options.useBigInt64 !== true && options.enableUtf8Validation !== false && options.fieldsAsRaw === undefined

/**
 * The part of `Decoder.decodeMany` that generated code can do.
 *
 * @internal
 */
export type DecodeMany = (documents: ReadonlyArray<Uint8Array>, from: number, out: Array<unknown>) => number

/**
 * Compiles the decoder of a schema. Gives `undefined` if the interpreter must do it: code generation is forbidden, the schema
 * is not of a document, or options of the driver give numbers and buffers another form.
 *
 * @internal
 */
export const compileDecoder = (
  ast: SchemaAST.AST,
  parse: SchemaAST.ParseOptions,
  options: Driver.BSONSerializeOptions
): DecodeMany | undefined => {
  if (!isUsualForm(options)) return undefined
  let decodeAt: DecodeAt
  try {
    decodeAt = new DecoderCompiler(parse, deserializer(options)).compile(ast)
  } catch (error) {
    if (error instanceof Unsupported || error instanceof EvalError) return undefined
    throw error
  }
  return (documents, from, out) => {
    // The documents of a batch are views into one buffer. Only this call holds the buffer.
    let last: ArrayBufferLike | undefined
    let b!: Bytes
    let dv!: DataView
    let i = from
    try {
      for (; i < documents.length; i++) {
        const { buffer, byteLength, byteOffset } = documents[i]!
        if (buffer !== last) {
          last = buffer
          b = Buffer.from(buffer) as Bytes
          dv = new DataView(buffer)
        }
        const value = decodeAt(b, dv, byteOffset, byteOffset + byteLength)
        if (value === mismatch) return i
        out.push(value)
      }
    } catch {
      // Damaged bytes, or an exception of a function of the schema. The interpreter meets it again.
      return i
    }
    return i
  }
}
