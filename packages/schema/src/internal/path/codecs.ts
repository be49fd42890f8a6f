/** The codecs at the end of a path: how a value there is stored, and whether it is stored in one form only. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaParser from "effect/SchemaParser"
import { sameStored } from "../bson/extendedJson.ts"
import { type Encode, withoutLacks } from "../bson/lacks.ts"
import { isNumber } from "../bson/numbers.ts"
import { mayOmit } from "../compiler/analysis.ts"
import { refuse } from "../refusal.ts"
import { elements, elementsOf, expand, stepObject } from "./nodes.ts"

/**
 * What a value is encoded to that stands for a key that is not there, as `None` does of `Schema.OptionFromOptionalKey`.
 *
 * @internal
 */
export const absent = Symbol("absent")

/** @internal */
export const union = (alternatives: ReadonlyArray<SchemaAST.AST>): SchemaAST.AST =>
  alternatives.length === 1 ? alternatives[0]! : new SchemaAST.Union(alternatives)

const encoders = new WeakMap<SchemaAST.AST, Encode>()

const encoderOf = (ast: SchemaAST.AST): Encode => {
  let encode = encoders.get(ast)
  if (encode === undefined) encoders.set(ast, encode = makeEncoder(ast))
  return encode
}

const makeEncoder = (ast: SchemaAST.AST): Encode => {
  const encode = withoutLacks(ast, SchemaParser.encodeUnknownEffect(Schema.make<Schema.Constraint>(ast)) as Encode)
  return mayBeAbsent(ast) ? orAbsent(ast, encode) : encode
}

const mayBeAbsent = (ast: SchemaAST.AST): boolean =>
  mayOmit(SchemaAST.flip(ast)) ||
  ast.encoding === undefined && ast._tag === "Union" && ast.types.some(mayBeAbsent)

/** Only the parser of an object can say that a key is not there. */
const orAbsent = (ast: SchemaAST.AST, encode: Encode): Encode => {
  const holder = new SchemaAST.Objects([new SchemaAST.PropertySignature("value", ast)], [])
  const encodeHolder = SchemaParser.encodeUnknownEffect(Schema.make<Schema.Constraint>(holder)) as Encode
  return (value, options) => {
    const isAbsent = (held: unknown) => !Object.hasOwn(held as object, "value")
    const held = encodeHolder({ value }, options)
    if (Exit.isExit(held)) {
      return Exit.isSuccess(held) && isAbsent(held.value) ? Effect.succeed(absent) : encode(value, options)
    }
    return Effect.matchEffect(held, {
      onFailure: () => encode(value, options),
      onSuccess: (held) => Effect.succeed(isAbsent(held) ? absent : (held as { readonly value: unknown }).value)
    })
  }
}

const values = new WeakMap<ReadonlyArray<SchemaAST.AST>, Encode>()
const operands = new WeakMap<ReadonlyArray<SchemaAST.AST>, Encode>()

const remember = (
  known: WeakMap<ReadonlyArray<SchemaAST.AST>, Encode>,
  make: (alternatives: ReadonlyArray<SchemaAST.AST>) => SchemaAST.AST
) =>
(alternatives: ReadonlyArray<SchemaAST.AST>): Encode => {
  let encode = known.get(alternatives)
  if (encode === undefined) known.set(alternatives, encode = encoderOf(make(alternatives)))
  return encode
}

/**
 * The encoder of what stands at a path.
 *
 * @internal
 */
export const encodeValue = remember(values, union)

/**
 * The encoder of what is compared with a path: where an array stands, one of its elements does as well.
 *
 * @internal
 */
export const encodeOperand = remember(operands, (alternatives) => union([...alternatives, ...elements(alternatives)]))

// ---- unions with several codecs for one value

/** Whether a node holds a union of which a member stores values in another form. */
const hasCodecs = (ast: SchemaAST.AST, seen: Set<SchemaAST.AST>): boolean => {
  if (seen.has(ast)) return false
  seen.add(ast)
  return expandUnion(ast).length > 1 && SchemaAST.toEncoded(ast) !== SchemaAST.toType(ast) ||
    expand(ast).some((node) =>
      node._tag === "Array"
        ? elementsOf(node.arrays).some((element) => hasCodecs(element, seen))
        : node._tag === "Object" &&
          [...node.objects.propertySignatures, ...node.objects.indexSignatures].some(({ type }) =>
            hasCodecs(type, seen)
          )
    )
}

/** The members of unions, and of those in them. */
const expandUnion = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> =>
  ast._tag === "Suspend"
    ? expandUnion(ast.thunk())
    : ast._tag === "Union" && ast.encoding === undefined
    ? ast.types.flatMap(expandUnion)
    : [ast]

const encodedNow = (ast: SchemaAST.AST, value: unknown): ReadonlyArray<unknown> => {
  const encoded = encoderOf(ast)(value)
  return Exit.isExit(encoded) && Exit.isSuccess(encoded) ? [encoded.value] : []
}

/** Whether the server takes two stored values for equal: the same bytes, or the same number. */
const isSame = (a: unknown, b: unknown): boolean =>
  a === b || sameStored(a, b) || isNumber(a) && isNumber(b) && Number(String(a)) === Number(String(b))

/** Whether those of the nodes that take a value store it in different forms. */
const differ = (asts: ReadonlyArray<SchemaAST.AST>, value: unknown): boolean => {
  const [first, ...others] = asts.flatMap((ast) => encodedNow(ast, value))
  return others.some((other) => !isSame(first, other))
}

/** Whether a value, or something in it, may be stored in several forms. */
const isAmbiguous = (ast: SchemaAST.AST, value: unknown): boolean => {
  const members = expandUnion(ast)
  if (differ(members, value)) return true
  return members.flatMap(expand).some((node) => {
    if (node._tag === "Array") {
      return Array.isArray(value) &&
        value.some((item) => elementsOf(node.arrays).some((each) => isAmbiguous(each, item)))
    }
    if (node._tag === "Leaf" || typeof value !== "object" || value === null) return false
    return Object.entries(value).some(([key, item]) =>
      stepObject(node, key).some((step) => isAmbiguous(step.ast, item))
    )
  })
}

const withCodecs = new WeakMap<ReadonlyArray<SchemaAST.AST>, boolean>()

const mayDiffer = (alternatives: ReadonlyArray<SchemaAST.AST>): boolean => {
  let may = withCodecs.get(alternatives)
  if (may === undefined) {
    may = alternatives.length > 0 && hasCodecs(union(alternatives), new Set())
    withCodecs.set(alternatives, may)
  }
  return may
}

const severalForms = "is stored in several forms, one for each member of a union"

/**
 * Refuses a value to compare with of which the database may hold several forms: only one would be found.
 *
 * @internal
 */
export const checkCompared = (alternatives: ReadonlyArray<SchemaAST.AST>, value: unknown, at: string): void => {
  if (mayDiffer(alternatives) && isAmbiguous(union([...alternatives, ...elements(alternatives)]), value)) {
    refuse(at, `${severalForms}: a comparison finds one of them`)
  }
}

/**
 * Refuses a value to write of which the member of a union decides how it is stored.
 *
 * @internal
 */
export const checkWritten = (alternatives: ReadonlyArray<SchemaAST.AST>, value: unknown, at: string): void => {
  if (alternatives.length > 1 && mayDiffer(alternatives) && differ(alternatives, value)) {
    refuse(at, `${severalForms}: which one a document has cannot be seen here`)
  }
}

const nullIsAbsent = new WeakMap<ReadonlyArray<SchemaAST.AST>, boolean>()

/**
 * Whether null means that the key is not there, as it does for `Schema.OptionFromOptionalNullOr`. `undefined` where null
 * is not stored at all.
 *
 * @internal
 */
export const isNullAbsent = (alternatives: ReadonlyArray<SchemaAST.AST>): boolean | undefined => {
  if (!isStored(alternatives, null)) return undefined
  let is = nullIsAbsent.get(alternatives)
  if (is === undefined) {
    const decoded = SchemaParser.decodeUnknownEffect(Schema.make<Schema.Constraint>(union(alternatives)))(null)
    const encoded = Exit.isExit(decoded) && Exit.isSuccess(decoded)
      ? encodeValue(alternatives)(decoded.value)
      : undefined
    is = encoded !== undefined && Exit.isExit(encoded) && Exit.isSuccess(encoded) && encoded.value === absent
    nullIsAbsent.set(alternatives, is)
  }
  return is
}

const encodedLeaves = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> =>
  expand(SchemaAST.toEncoded(ast)).flatMap((node) => node._tag === "Leaf" ? [node.ast] : [])

/**
 * Whether a path, or an element of the array that stands there, is stored as text.
 *
 * @internal
 */
export const isText = (alternatives: ReadonlyArray<SchemaAST.AST>): boolean =>
  [...alternatives, ...elements(alternatives)].flatMap(encodedLeaves).some((ast) =>
    ast._tag === "String" || ast._tag === "TemplateLiteral" ||
    ast._tag === "Literal" && typeof ast.literal === "string" ||
    ast._tag === "Enum" && ast.enums.some(([, value]) => typeof value === "string")
  )

/**
 * Whether a value is one that may be stored at a path, as it is.
 *
 * @internal
 */
export const isStored = (alternatives: ReadonlyArray<SchemaAST.AST>, value: unknown): boolean =>
  SchemaParser.is(Schema.make<Schema.ConstraintCodec<unknown>>(SchemaAST.toEncoded(union(alternatives))))(value)
