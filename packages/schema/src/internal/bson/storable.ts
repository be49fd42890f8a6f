/** Checks that a schema can read again what it writes. */
import * as SchemaAST from "effect/SchemaAST"
import type * as Driver from "mongodb"
import { refuse } from "../refusal.ts"

/** The schema to use in place of a type that BSON does not have. */
const instead: Readonly<Record<string, string>> = {
  BigDecimal: "Bson.BigDecimal",
  ByteSize: "Schema.ByteSizeFromNumber",
  Chunk: "Schema.Array",
  DateTimeUtc: "Schema.DateTimeUtcFromDate",
  DateTimeZoned: "Schema.DateTimeZonedFromString",
  Duration: "Schema.DurationFromMillis",
  HashMap: "Schema.Record",
  HashSet: "Schema.UniqueArray",
  Option: "Schema.OptionFromNullOr or Schema.OptionFromOptionalKey",
  ReadonlyMap: "Schema.Record",
  ReadonlySet: "Schema.UniqueArray",
  Redacted: "Schema.RedactedFromValue",
  SemVer: "Schema.SemVerFromString",
  SemVerRange: "Schema.SemVerRangeFromString",
  TimeZone: "Schema.TimeZoneFromString",
  TimeZoneNamed: "Schema.TimeZoneNamedFromString",
  TimeZoneOffset: "Schema.TimeZoneFromString",
  Uint8Array: "Bson.Bytes",
  URL: "Schema.URLFromString"
}

/** The types of Effect that BSON has. */
const storable: ReadonlySet<string> = new Set(["Date", "Json", "MutableJson", "RegExp"])

const prefix = "effect/schema/"

const bigint = "stores a bigint, which is read as a number: use Bson.Int64, or Schema.BigIntFromString beyond 64 bits"

/** Refuses the encoded side of a schema, at the place whose values could be written and never be read. */
const check = (
  ast: SchemaAST.AST,
  path: string,
  options: Driver.BSONSerializeOptions,
  seen: Set<SchemaAST.AST>
): void => {
  const each = (ast: SchemaAST.AST, at: string) => check(ast, at, options, seen)
  switch (ast._tag) {
    case "BigInt":
      if (options.useBigInt64 !== true) refuse(path, bigint)
      return
    case "Literal":
      if (typeof ast.literal === "bigint" && options.useBigInt64 !== true) refuse(path, bigint)
      return
    case "Symbol":
    case "UniqueSymbol":
      return refuse(path, "is a symbol, which BSON does not have: use Schema.String")
    case "Declaration":
      return checkDeclaration(ast, path, options)
    case "Suspend": {
      const target = ast.thunk()
      if (seen.has(target)) return
      seen.add(target)
      return each(target, path)
    }
    case "Union":
      return ast.types.forEach((type) => each(type, path))
    case "Arrays":
      return [...ast.elements, ...ast.rest].forEach((type) => each(type, `${path}[]`))
    case "Objects":
      for (const { name, type } of ast.propertySignatures) {
        const at = `${path}.${String(name)}`
        if (typeof name === "symbol") refuse(at, "has a symbol as its name, which BSON does not store: use a string")
        each(type, at)
      }
      return ast.indexSignatures.forEach(({ parameter, type }) => {
        const at = `${path}.*`
        if (SchemaAST.toEncoded(parameter)._tag === "Symbol") {
          refuse(at, "has a symbol as its name, which BSON does not store: use a string")
        }
        each(type, at)
      })
  }
}

const checkDeclaration = (ast: SchemaAST.Declaration, path: string, options: Driver.BSONSerializeOptions): void => {
  const { annotations } = ast
  if (annotations?.["bsonType"] !== undefined) return
  const id = (annotations?.["representation"] as { readonly id?: string } | undefined)?.id
  if (id?.startsWith(prefix) === true) {
    const name = id.slice(prefix.length)
    if (storable.has(name) || name === "Uint8Array" && options.promoteBuffers === true) return
    const use = instead[name] ?? "a schema whose encoded side BSON has"
    refuse(path, `stores ${/^[AEIO]/.test(name) ? "an" : "a"} ${name}, which cannot be read again: use ${use}`)
  }
  if (annotations?.["~constructor"] !== undefined) {
    refuse(path, "stores an instance, which is read as an object without its class: use the class itself as schema")
  }
}

/**
 * Refuses a schema whose documents could be written and never be read.
 *
 * @internal
 */
export const checkStored = (ast: SchemaAST.AST, options: Driver.BSONSerializeOptions, at = "schema"): void => {
  const encoded = SchemaAST.toEncoded(ast)
  if (noDocuments.has(encoded._tag)) {
    refuse(at, "does not store documents: use a struct, a class or a model as the schema of a collection")
  }
  check(encoded, at, options, new Set())
}

const noDocuments: ReadonlySet<SchemaAST.AST["_tag"]> = new Set([
  "Arrays",
  "BigInt",
  "Boolean",
  "Enum",
  "Literal",
  "Null",
  "Number",
  "String",
  "Symbol",
  "TemplateLiteral",
  "Undefined",
  "UniqueSymbol",
  "Void"
])
