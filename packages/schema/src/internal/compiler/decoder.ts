/**
 * Compiles a schema to a function from the bytes of a document to a decoded, validated value.
 *
 * The measure is what `BSON.deserialize` and the interpreter give, one after the other. The compiled function gives the same
 * value or `mismatch`; it never needs to know why. Fields that the schema does not name are skipped by their length, unread.
 */
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as Driver from "mongodb"
import { isUtf8 } from "node:buffer"
import * as Bson from "../../Bson.ts"
import * as Internal from "../bson/values.ts"
import { literals, numberTest, ValueCompiler } from "./encoder.ts"
import {
  assignKey,
  bare,
  buildObject,
  giveUp,
  interpret,
  interpretMissing,
  isInherited,
  isOptional,
  isPlainKey,
  maxDepth,
  mayOmit,
  type Mismatch,
  mismatch,
  Program,
  stringNames,
  tagTest,
  Unsupported
} from "./program.ts"

// ---- what generated code calls

/** The methods of Node's buffers that `toString` calls; they are not in its types. */
type Bytes = Buffer & {
  readonly utf8Slice: (start: number, end: number) => string
  readonly latin1Slice: (start: number, end: number) => string
}

/** The text of `b` from `start` to `end`, as the deserializer reads the value of a string. */
const longText = (b: Bytes, start: number, end: number): string => {
  const text = b.utf8Slice(start, end)
  // What is not UTF-8 is replaced by this character, which may also be in the text itself.
  return text.includes("\uFFFD") && !isUtf8(b.subarray(start, end)) ? giveUp() : text
}

/** Up to this length, text is made of its bytes one by one: a call of the runtime costs more. */
const shortText = 16

/** A string at `s` of `n` bytes. The cases of few bytes are written out, so that no array is made. */
const makeText = (): string => {
  const cases = Array.from({ length: shortText + 1 }, (_, n) => {
    if (n === 0) return `case 0: return ""`
    const names = Array.from({ length: n }, (_, i) => `c${i}`)
    return `case ${n}: {
      const ${names.map((c, i) => `${c} = b[s + ${i}]`).join(", ")}
      if ((${names.join(" | ")}) < 128) return String.fromCharCode(${names.join(", ")})
      break
    }`
  })
  return `const text = (b, s, n) => {
    switch (n) {
      ${cases.join("\n")}
    }
    return longText(b, s, s + n)
  }`
}

const endOfName = (b: Bytes, p: number, end: number): number => {
  while (p < end && b[p] !== 0) p++
  return p < end ? p : giveUp()
}

/** The position after the value of type `t` at `p`. What is inside of the value is not looked at. */
const skip = (b: Bytes, dv: DataView, t: number, p: number, end: number): number => {
  let next: number
  switch (t) {
    case 1:
    case 9:
    case 17:
    case 18:
      next = p + 8
      break
    case 2:
    case 13:
    case 14: {
      const size = dv.getInt32(p, true)
      next = size < 1 || b[p + 3 + size] !== 0 ? giveUp() : p + 4 + size
      break
    }
    case 3:
    case 4:
    case 15: {
      const size = dv.getInt32(p, true)
      next = size < 5 || b[p + size - 1] !== 0 ? giveUp() : p + size
      break
    }
    case 5:
      next = p + 5 + dv.getInt32(p, true)
      if (next < p + 5) giveUp()
      break
    case 6:
    case 10:
    case 127:
    case 255:
      next = p
      break
    case 7:
      next = p + 12
      break
    case 8:
      next = p + 1
      break
    case 11:
      next = endOfName(b, endOfName(b, p, end) + 1, end) + 1
      break
    case 12: {
      const size = dv.getInt32(p, true)
      next = size < 1 || b[p + 3 + size] !== 0 ? giveUp() : p + 4 + size + 12
      break
    }
    case 16:
      next = p + 4
      break
    case 19:
      next = p + 16
      break
    default:
      return giveUp()
  }
  return next > end ? giveUp() : next
}

/** A field that the schema does not know. An object with the fields of a DBRef becomes one: that is left to bson. */
const skipUnknown = (b: Bytes, dv: DataView, p: number, end: number): number => {
  if (b[p + 1] === 36) giveUp()
  return skip(b, dv, b[p]!, endOfName(b, p + 1, end) + 1, end)
}

/** A symbol is delivered as a string. Whatever else is of another type is no match. */
const otherType = (t: number): Mismatch => t === 14 ? giveUp() : mismatch

/** A date. The bits are put together as `Long` does. */
const readDate = (dv: DataView, p: number): Date =>
  new Date(dv.getInt32(p + 4, true) * 4294967296 + dv.getUint32(p, true))

/** An int64 as the number that the driver makes of it. From 2^53 on, whether it makes one depends on lost bits. */
const promoted = (dv: DataView, p: number): number | Mismatch => {
  const number = dv.getInt32(p + 4, true) * 4294967296 + dv.getUint32(p, true)
  return Number.isSafeInteger(number) ? number : Math.abs(number) === 2 ** 53 ? giveUp() : mismatch
}

const orMismatch = <A, B>(f: (input: A) => B | undefined) => (input: A): B | Mismatch => f(input) ?? mismatch

const int64OfDouble = orMismatch<number, bigint>(Internal.toInt64)
const longOfDouble = orMismatch<number, Driver.Long>(Internal.toLong)
const int32OfNumber = orMismatch<number, number>(Internal.toInt32)
const doubleOfBigInt = orMismatch<bigint, number>(Internal.toDouble)

/** Binary data. The bytes are copied, since they would keep the whole reply of the server alive. */
const readBinary = (b: Bytes, dv: DataView, p: number, end: number): Driver.Binary => {
  const size = dv.getInt32(p, true)
  const subType = b[p + 4]!
  const stop = p + 5 + size
  // The old subtype has the length once more.
  const start = subType === 2 ? p + 9 : p + 5
  if (start > stop || stop > end || subType === 2 && dv.getInt32(p + 5, true) !== size - 4) return giveUp()
  const binary = new Driver.Binary(Buffer.from(b.subarray(start, stop)), subType)
  return subType === 4 && Driver.UUID.isValid(binary) ? binary.toUUID() : binary
}

/** The constructor as the deserializer calls it; the offset is not in its types. */
const ObjectIdAt = Driver.ObjectId as unknown as new(bytes: Uint8Array, offset: number) => Driver.ObjectId

/** What the deserializer makes of the value of type `t` at `p`, through a copy of its bytes. */
const makeReadAny =
  (deserialize: Deserialize) => (b: Bytes, dv: DataView, t: number, p: number, end: number): unknown => {
    switch (t) {
      case 1:
        return dv.getFloat64(p, true)
      case 6:
        return undefined
      case 7:
        return new ObjectIdAt(b, p)
      case 8:
        return b[p]! > 1 ? giveUp() : b[p] === 1
      case 9:
        return readDate(dv, p)
      case 10:
        return null
      case 16:
        return dv.getInt32(p, true)
    }
    const size = skip(b, dv, t, p, end) - p
    const document = Buffer.allocUnsafe(size + 8)
    document.writeInt32LE(size + 8, 0)
    document[4] = t
    document[5] = 118
    document[6] = 0
    document.set(b.subarray(p, p + size), 7)
    document[size + 7] = 0
    return deserialize(document)["v"]
  }

// ---- code generation

/** BSON types by number. `any` stands for all that are not listed. */
interface Reader {
  /** Statements that read the value of that type at `p`: they set `v`, move `p`, or `return mismatch`. */
  readonly types: ReadonlyMap<number, string>
  readonly any?: string | undefined
}

const map = (reader: Reader, f: (code: string) => string): Reader => ({
  types: new Map(Array.from(reader.types, ([t, code]) => [t, f(code)])),
  any: reader.any === undefined ? undefined : f(reader.any)
})

const single = (t: number, code: string): Reader => ({ types: new Map([[t, code]]) })

const readText = `n = dv.getInt32(p, true); p += 4
if (n < 1 || p + n > end || b[p + n - 1] !== 0) giveUp()
v = text(b, p, n - 1); p += n`

const readInt32 = "v = dv.getInt32(p, true); p += 4"
const readDouble = "v = dv.getFloat64(p, true); p += 8"
const readBoolean = "if (b[p] > 1) giveUp(); v = b[p++] === 1"
const checkMismatch = "if (v === mismatch) return mismatch"

const objectIdReader = single(7, "v = new ObjectId(b, p); p += 12")
const dateReader = single(9, "v = readDate(dv, p); p += 8; if (v.getTime() !== v.getTime()) return mismatch")
const binaryCode = "v = readBinary(b, dv, p, end); p += 5 + dv.getInt32(p, true)"

/** Declarations by the function that tests them, which stays the same when a schema is annotated or checked. */
const declarations = new Map<unknown, Reader>([
  [Schema.Date.ast.run, dateReader],
  [Bson.Date.ast.run, dateReader],
  [Bson.ObjectId.ast.run, objectIdReader],
  [Bson.Binary.ast.run, single(5, binaryCode)],
  [Bson.UUID.ast.run, single(5, `${binaryCode}; if (!isUuid(v)) return mismatch`)],
  [Bson.Decimal128.ast.run, single(19, "v = new Decimal128(Buffer.from(b.subarray(p, p + 16))); p += 16")],
  [
    Bson.Timestamp.ast.run,
    single(17, "v = new Timestamp({ i: dv.getUint32(p, true), t: dv.getUint32(p + 4, true) }); p += 8")
  ]
])

const numeric = (int: string, double: string, long: string): Reader => ({
  types: new Map([[16, `${readInt32}${int}`], [1, `${readDouble}${double}`], [18, long]])
})

const plainNumber = numeric("", "", `v = promoted(dv, p); p += 8; ${checkMismatch}`)

/** The numbers of `Bson`, by the getter that decodes them. */
const numbers = new Map<unknown, Reader>(
  ([
    [
      Bson.Int32,
      numeric(
        "",
        `; v = int32OfNumber(v); ${checkMismatch}`,
        `v = promoted(dv, p); ${checkMismatch}; v = int32OfNumber(v); p += 8; ${checkMismatch}`
      )
    ],
    [Bson.Double, numeric("", "", `v = doubleOfBigInt(dv.getBigInt64(p, true)); p += 8; ${checkMismatch}`)],
    [
      Bson.Int64,
      numeric("; v = BigInt(v)", `; v = int64OfDouble(v); ${checkMismatch}`, "v = dv.getBigInt64(p, true); p += 8")
    ],
    [
      Bson.Long,
      numeric(
        "; v = Long.fromInt(v)",
        `; v = longOfDouble(v); ${checkMismatch}`,
        "v = new Long(dv.getInt32(p, true), dv.getInt32(p + 4, true)); p += 8"
      )
    ]
  ] as ReadonlyArray<readonly [Schema.Constraint, Reader]>).map((
    [schema, reader]
  ) => [(schema.ast.encoding![0].transformation as { readonly decode: unknown }).decode, reader])
)

/** The `run` of the declarations on both sides of the numbers of `Bson`. */
const numberRuns = new Set<unknown>(
  [Bson.Int32, Bson.Double, Bson.Int64, Bson.Long].flatMap(({ ast }) => [
    (ast as SchemaAST.Declaration).run,
    (ast.encoding![0].to as SchemaAST.Declaration).run
  ])
)

const isPlainNumber = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Declaration" && numberRuns.has(ast.run) && ast.encoding === undefined && ast.checks === undefined

/** To the interpreter, whatever is no array is an object: the values of these types as well. */
const otherObjects: ReadonlyArray<readonly [type: number, code: string]> = [
  ...[5, 7, 9, 11, 12, 13, 15, 17, 19, 127, 255].map((t) => [t, "giveUp()"] as const),
  [18, "if (promoted(dv, p) === mismatch) giveUp(); return mismatch"]
]

const id = new Driver.ObjectId()
const instances: ReadonlyArray<object> = [
  new Date(),
  /a/,
  id,
  new Driver.Binary(),
  new Driver.BSONRegExp(""),
  new Driver.Code(""),
  new Driver.DBRef("", id),
  new Driver.Decimal128("0"),
  new Driver.Long(0),
  new Driver.MaxKey(),
  new Driver.MinKey(),
  new Driver.Timestamp({ t: 0, i: 0 }),
  new Driver.UUID()
]

/** Adds those of the other objects which the node could take: a required field that none of them has rules them out. */
const withOthers = (ast: SchemaAST.Objects, reader: Reader): Reader => {
  const isRuledOut = ast.propertySignatures.some(({ name, type }) =>
    !isOptional(type) && type.encoding === undefined && !instances.some((instance) => name in instance)
  )
  return isRuledOut ? reader : { types: new Map([...reader.types, ...otherObjects]) }
}

/** So many names are compared one by one. */
const few = 4

const nameBytes = (name: string): Buffer => {
  const bytes = Buffer.from(`${name}\0`)
  // Bytes that are no UTF-8 are read as U+FFFD in the name of a field, so that many bytes mean this name.
  if (name.includes("\0") || name.includes("\uFFFD") || bytes.toString() !== `${name}\0`) throw new Unsupported("key")
  return bytes
}

/** The expression that says whether these bytes are at `p`, four at a time. */
const isAt = (bytes: Buffer, p: string): string => {
  const tests: Array<string> = []
  let i = 0
  for (; i + 4 <= bytes.length; i += 4) tests.push(`dv.getUint32(${p} + ${i}, true) === ${bytes.readUInt32LE(i)}`)
  for (; i < bytes.length; i++) tests.push(`b[${p} + ${i}] === ${bytes[i]}`)
  return tests.join(" && ")
}

class DecoderCompiler {
  private readonly program = new Program()
  private readonly options: SchemaAST.ParseOptions
  private readonly readAny: string
  private readonly values: ValueCompiler
  private readonly functions = new Map<SchemaAST.AST, string>()
  private depth = 0

  constructor(options: SchemaAST.ParseOptions, deserialize: Deserialize) {
    this.options = options
    this.values = new ValueCompiler(this.program, options)
    const support = {
      longText,
      endOfName,
      skip,
      skipUnknown,
      otherType,
      readDate,
      promoted,
      int64OfDouble,
      longOfDouble,
      int32OfNumber,
      doubleOfBigInt,
      readBinary,
      assignKey,
      bare,
      isUuid: Internal.isUuid,
      ObjectId: Driver.ObjectId,
      Decimal128: Driver.Decimal128,
      Timestamp: Driver.Timestamp,
      Long: Driver.Long
    }
    this.readAny = this.program.constant(makeReadAny(deserialize))
    this.program.functions.push(
      `const { ${Object.keys(support).join(", ")} } = ${this.program.constant(support)}`,
      makeText()
    )
  }

  /** The function for a whole document; throws `Unsupported` where nothing would be gained. */
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

  /** With `mayMiss`, what is read may turn out to be `missing`. */
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

  /** The deserializer for the value, and the interpreter for the node. */
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
    const last = encoding[encoding.length - 1]!
    if (encoding.length === 1 && isPlainNumber(last.to) && isPlainNumber(bare(ast))) {
      const reader = last.transformation._tag === "Transformation" ? numbers.get(last.transformation.decode) : undefined
      if (reader !== undefined) return this.checked(ast, reader)
    }
    const steps = this.values.emitSteps(ast, encoding.length - 1, "v", mayMiss)
    return map(this.reader(last.to, false), (code) => `${code}\n${steps}`)
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
        // An int32 passes the checks that are known.
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
        // It takes whatever is not null.
        if (ast.propertySignatures.length + ast.indexSignatures.length === 0) throw new Unsupported("empty struct")
        return withOthers(ast, this.call(3, this.functionOf(ast, "object", (name) => this.object(ast, name))))
      case "Arrays":
        return this.call(4, this.functionOf(ast, "array", () => this.array(ast)))
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
        // A NUL is within the length, so that it is compared as any other byte.
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
  private functionOf(ast: SchemaAST.AST, prefix: string, code: (name: string) => string): string {
    const known = this.functions.get(ast)
    if (known !== undefined) return known
    const name = this.program.name(prefix)
    this.functions.set(ast, name)
    const { depth } = this
    this.depth = 0
    try {
      this.program.functions.push(code(name))
    } catch (error) {
      if (!(error instanceof Unsupported)) throw error
      const parse = this.program.constant(interpret(bare(ast), this.options))
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
   * Fields are expected in the order of the schema: each case goes on to the next. Where another field comes, `find`
   * says which, and the loop goes on from that one.
   */
  private object(ast: SchemaAST.Objects, name: string): string {
    const names = stringNames(ast)
    const { indexSignatures, propertySignatures } = ast
    if (names.some((name) => name === "$ref" || name === "$id" || name === "$db")) throw new Unsupported("DBRef")
    const [index] = indexSignatures
    if (index !== undefined) {
      const { type } = index
      if (indexSignatures.length > 1 || !isPlainKey(index.parameter)) throw new Unsupported("index signature")
      const takesAll = (type._tag === "Unknown" || type._tag === "Any") && type.checks === undefined &&
        type.encoding === undefined
      // The values of the named fields have to fit the index signature too.
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
    if (count > 0) this.program.functions.push(this.find(find, fields))
    const unknown = index !== undefined
      ? `if (b[p + 1] === 36) giveUp()
        t = b[p]
        const start = p + 1
        p = endOfName(b, start, end)
        const key = b.utf8Slice(start, p++)
        ${this.read(this.solid(index.type))}
        assignKey(rest, key, v)`
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
      : "for (const key of Object.keys(rest)) assignKey(out, key, rest[key])"
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
      ${names.length === 0 ? "" : buildObject(fields)}
      ${rest}
      ${names.length === 0 ? "" : "return out"}
    }`
  }

  /** The statement for a field that has not come. */
  private absence(name: string, optional: boolean, type: SchemaAST.AST, x: string): string {
    if (isInherited(name)) return `if (${x} === missing) giveUp()`
    if (type.encoding === undefined) return optional ? ";" : `if (${x} === missing) return mismatch`
    const parse = this.program.constant(interpretMissing(type, this.options))
    const isMissing = optional ? "" : ` || ${x} === missing`
    return `if (${x} === missing) { ${x} = ${parse}(); if (${x} === mismatch${isMissing}) return mismatch }`
  }

  /** Which field has its name at `p + 1`, or -1. */
  private find(name: string, fields: ReadonlyArray<{ readonly bytes: Buffer }>): string {
    const byLength = new Map<number, Array<number>>()
    fields.forEach(({ bytes }, i) => {
      const group = byLength.get(bytes.length - 1)
      if (group === undefined) byLength.set(bytes.length - 1, [i])
      else group.push(i)
    })
    const cases = Array.from(
      byLength,
      ([length, group]) => `case ${length}: ${this.findAmong(fields, group)}\nbreak`
    )
    return `const ${name} = (b, dv, p, end) => {
      p++
      switch (endOfName(b, p, end) - p) { ${cases.join("\n")} }
      return -1
    }`
  }

  /** Which of some fields, whose names are of one length: by the byte that tells most of them apart, and so on. */
  private findAmong(fields: ReadonlyArray<{ readonly bytes: Buffer }>, group: ReadonlyArray<number>): string {
    if (group.length <= few) {
      return group.map((i) => `if (${isAt(fields[i]!.bytes, "p")}) return ${i}`).join("\n")
    }
    let best = new Map<number, Array<number>>()
    let position = 0
    for (let at = 0; at < fields[group[0]!]!.bytes.length; at++) {
      const byByte = new Map<number, Array<number>>()
      for (const i of group) {
        const byte = fields[i]!.bytes[at]!
        const others = byByte.get(byte)
        if (others === undefined) byByte.set(byte, [i])
        else others.push(i)
      }
      if (byByte.size > best.size) {
        best = byByte
        position = at
      }
    }
    const cases = Array.from(best, ([byte, group]) => `case ${byte}: ${this.findAmong(fields, group)}\nbreak`)
    return `switch (b[p + ${position}]) { ${cases.join("\n")} }`
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

  /** For places where a value has to be: the rules of the others are the interpreter's. */
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
    // A symbol is delivered as a string.
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

  /** The first member that takes a value which several could take. */
  private choose(
    ast: SchemaAST.Union,
    t: number,
    candidates: ReadonlyArray<{ readonly code: string; readonly type: SchemaAST.AST }>
  ): string {
    if (t === 3) {
      const tagged = this.tagged(candidates)
      if (tagged !== undefined) return tagged
    }
    // A member that refuses a document may do so for a field that comes twice, of which the last counts.
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

  /** Objects that a field tells apart. */
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

/** The object that a member of a union is read from. */
const objectsOf = (ast: SchemaAST.AST): SchemaAST.Objects | undefined => {
  const source = ast.encoding === undefined ? ast : ast.encoding[ast.encoding.length - 1]!.to
  if (source.encoding !== undefined) return objectsOf(source)
  return source._tag === "Objects" ? source : undefined
}

// ---- entry

/** @internal */
export type Deserialize = (bytes: Uint8Array) => Driver.Document

type DecodeAt = (b: Bytes, dv: DataView, start: number, end: number) => unknown

/** @internal */
export interface ByteDecoder {
  /** The value of one document, or `mismatch`. */
  readonly decode: (bytes: Uint8Array) => unknown
  /**
   * Decodes documents from the position `from` on, and adds the values to `out`. Stops at the first that does not fit, and
   * returns its position, or the number of documents.
   */
  readonly decodeAll: (documents: ReadonlyArray<Uint8Array>, from: number, out: Array<unknown>) => number
}

/**
 * The decoder of a schema; `undefined` where the interpreter has to do it: code generation is forbidden, or the schema is not
 * of a document.
 *
 * @internal
 */
export const compileDecoder = (
  ast: SchemaAST.AST,
  options: SchemaAST.ParseOptions,
  deserialize: Deserialize
): ByteDecoder | undefined => {
  let decodeAt: DecodeAt
  try {
    decodeAt = new DecoderCompiler(options, deserialize).compile(ast)
  } catch (error) {
    if (error instanceof Unsupported || error instanceof EvalError) return undefined
    throw error
  }
  return {
    decode: (bytes) => {
      const { buffer, byteLength, byteOffset } = bytes
      try {
        const b = Buffer.from(buffer, byteOffset, byteLength) as Bytes
        return decodeAt(b, new DataView(buffer, byteOffset, byteLength), 0, byteLength)
      } catch {
        // Damaged bytes, and exceptions of the schema's own functions: the interpreter meets them again.
        return mismatch
      }
    },
    decodeAll: (documents, from, out) => {
      // The documents of a batch are views into one buffer. It is held no longer than this call.
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
        return i
      }
      return i
    }
  }
}
