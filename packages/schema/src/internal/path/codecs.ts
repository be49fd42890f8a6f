/** The codecs at the end of a path: how a value is stored there, and whether it has several stored forms. */
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
 * The encoded form of a value that stands for an absent key, such as `None` of `Schema.OptionFromOptionalKey`.
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

/** Encodes through an object with one key: only the parser of an object can say that a key is absent. */
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
 * The encoder of the values at a path.
 *
 * @internal
 */
export const encodeValue = remember(values, union)

/**
 * The encoder of the operands that a path is compared with: whole values, or elements of an array.
 *
 * @internal
 */
export const encodeOperand = remember(operands, (alternatives) => union([...alternatives, ...elements(alternatives)]))

// ---- unions with several codecs for one value

/** Whether a node holds a union that stores values in another form than they have. */
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

/** The members of a union, with those of nested unions. */
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

/** Whether two stored values are equal to the server: the same bytes, or the same number. */
const isSame = (a: unknown, b: unknown): boolean =>
  a === b || sameStored(a, b) || isNumber(a) && isNumber(b) && Number(String(a)) === Number(String(b))

/** Whether the nodes that take a value store it in different forms. */
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
 * Refuses an operand that the database may hold in several forms: a comparison would find only one of them.
 *
 * @internal
 */
export const checkCompared = (alternatives: ReadonlyArray<SchemaAST.AST>, value: unknown, at: string): void => {
  if (mayDiffer(alternatives) && isAmbiguous(union([...alternatives, ...elements(alternatives)]), value)) {
    refuse(at, `${severalForms}: a comparison finds only one of them`)
  }
}

/**
 * Refuses to write a value whose stored form depends on the member of a union.
 *
 * @internal
 */
export const checkWritten = (alternatives: ReadonlyArray<SchemaAST.AST>, value: unknown, at: string): void => {
  if (alternatives.length > 1 && mayDiffer(alternatives) && differ(alternatives, value)) {
    refuse(at, `${severalForms}: a path does not tell which one the document has`)
  }
}

const nullIsAbsent = new WeakMap<ReadonlyArray<SchemaAST.AST>, boolean>()

/**
 * Whether null means an absent key, as for `Schema.OptionFromOptionalNullOr`. `undefined` if null is never stored.
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
 * Whether a value at a path, or an element of an array there, may be stored as text.
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
 * Whether a value may be stored at a path as it is.
 *
 * @internal
 */
export const isStored = (alternatives: ReadonlyArray<SchemaAST.AST>, value: unknown): boolean =>
  SchemaParser.is(Schema.make<Schema.ConstraintCodec<unknown>>(SchemaAST.toEncoded(union(alternatives))))(value)
