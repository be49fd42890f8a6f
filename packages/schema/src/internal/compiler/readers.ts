/** The code that reads BSON values, for each type of BSON that a node takes. */
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as Driver from "mongodb"
import * as Bson from "../../Bson.ts"
import { isOptional } from "./analysis.ts"

/**
 * The code of a node for each BSON type, by number. `any` is the code for all other types.
 *
 * @internal
 */
export interface Reader {
  /** Statements that read the value of that type at `p`: they set `v`, move `p`, or `return mismatch`. */
  readonly types: ReadonlyMap<number, string>
  readonly any?: string | undefined
}

/** @internal */
export const map = (reader: Reader, f: (code: string) => string): Reader => ({
  types: new Map(Array.from(reader.types, ([t, code]) => [t, f(code)])),
  any: reader.any === undefined ? undefined : f(reader.any)
})

/** @internal */
export const single = (t: number, code: string): Reader => ({ types: new Map([[t, code]]) })

/** @internal */
export const readText = `n = dv.getInt32(p, true); p += 4
if (n < 1 || p + n > end || b[p + n - 1] !== 0) giveUp()
v = text(b, p, n - 1); p += n`

const readInt32 = "v = dv.getInt32(p, true); p += 4"
const readDouble = "v = dv.getFloat64(p, true); p += 8"
/** @internal */
export const readBoolean = "if (b[p] > 1) giveUp(); v = b[p++] === 1"
/** @internal */
export const checkMismatch = "if (v === mismatch) return mismatch"

const objectIdReader = single(7, "v = new ObjectId(b, p); p += 12")
const dateReader = single(9, "v = readDate(dv, p); p += 8; if (v.getTime() !== v.getTime()) return mismatch")
const binaryCode = "v = readBinary(b, dv, p, end); p += 5 + dv.getInt32(p, true)"

/**
 * Declarations by the function that tests them. It stays the same when a schema is annotated or checked.
 *
 * @internal
 */
export const declarations = new Map<unknown, Reader>([
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

/** @internal */
export const numeric = (int: string, double: string, long: string): Reader => ({
  types: new Map([[16, `${readInt32}${int}`], [1, `${readDouble}${double}`], [18, long]])
})

/** @internal */
export const plainNumber = numeric("", "", `v = promoted(dv, p); p += 8; ${checkMismatch}`)

/**
 * The numbers of `Bson`, by the getter that decodes them.
 *
 * @internal
 */
export const numbers = new Map<unknown, Reader>(
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

/** @internal */
export const isPlainNumber = (ast: SchemaAST.AST): boolean =>
  ast._tag === "Declaration" && numberRuns.has(ast.run) && ast.encoding === undefined && ast.checks === undefined

/** BSON types that are objects to the interpreter, as everything but an array is. */
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

/**
 * Adds the other objects that the node could take. A required field that none of them has rules them out.
 *
 * @internal
 */
export const withOthers = (ast: SchemaAST.Objects, reader: Reader): Reader => {
  const isRuledOut = ast.propertySignatures.some(({ name, type }) =>
    !isOptional(type) && type.encoding === undefined && !instances.some((instance) => name in instance)
  )
  return isRuledOut ? reader : { types: new Map([...reader.types, ...otherObjects]) }
}

/** Up to this length, text is built from its bytes one by one: a call of the runtime costs more. */
const shortText = 16

/**
 * The source of a function that reads a string of `n` bytes at `s`. The cases of few bytes are written out, without an array.
 *
 * @internal
 */
export const textFunction = (): string => {
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
