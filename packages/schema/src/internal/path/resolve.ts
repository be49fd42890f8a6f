/** Dotted paths over the AST of a schema: which codec stands at the end of a path, and what the path is in the database. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"
import type * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import { isBson, isNumeric, sameStored } from "../bson/values.ts"
import { mayOmit } from "../compiler/program.ts"
import { lacksOf } from "../compiler/stored.ts"
import { absent, refuse } from "../encode/refusal.ts"

/**
 * How a path goes through an array: a filter by index or past all elements at once, an update by index, `$`, `$[]` or
 * `$[id]`.
 *
 * @internal
 */
export type Mode = "filter" | "update"

/**
 * The end of a path.
 *
 * @internal
 */
export interface Target {
  /** The path in the stored document. */
  readonly key: string
  /** What may stand there: a schema for each member of a union on the way. */
  readonly alternatives: ReadonlyArray<SchemaAST.AST>
  /** Whether it may be absent from a document. */
  readonly optional: boolean
  /** Whether it names elements of an array: by an index, `$`, `$[]` or `$[id]`. */
  readonly indexed: boolean
  /** What stands in the place of each `$[id]` of the path. */
  readonly identifiers: ReadonlyMap<string, ReadonlyArray<SchemaAST.AST>>
}

/** @internal */
export type Resolve = (path: string, at: string) => Target

/** @internal */
export interface ObjectNode {
  readonly _tag: "Object"
  readonly objects: SchemaAST.Objects
  /** The stored name of a field, where it is another. */
  readonly rename: (name: string) => string
  readonly renamed: boolean
}

/** @internal */
export type Node =
  | ObjectNode
  | { readonly _tag: "Array"; readonly arrays: SchemaAST.Arrays }
  | { readonly _tag: "Leaf"; readonly ast: SchemaAST.AST }

const same = (name: string): string => name

/**
 * The schema of a class's fields, which is what the class is stored as.
 *
 * @internal
 */
export const fieldsOfClass = (ast: SchemaAST.AST): SchemaAST.AST | undefined => {
  if (ast._tag !== "Declaration" || ast.encoding?.length !== 1 || ast.typeParameters.length !== 1) return undefined
  const { to } = ast.encoding[0]
  const fields = ast.typeParameters[0]!
  // An optional key is marked on both sides, on copies.
  return to._tag === "Objects" && fields._tag === "Objects" && to.propertySignatures === fields.propertySignatures
    ? fields
    : undefined
}

/**
 * The fields that are stored as `_id`: one, or where the document is a union one for each member.
 *
 * @internal
 */
export const idsOf = (root: SchemaAST.AST): ReadonlyArray<{ readonly name: string; readonly ast: SchemaAST.AST }> =>
  expand(root).flatMap((node) =>
    node._tag === "Object"
      ? node.objects.propertySignatures.flatMap(({ name, type }) =>
        typeof name === "string" && node.rename(name) === "_id" ? [{ name, ast: type }] : []
      )
      : []
  )

/**
 * The names of the fields in the encoded object, where a transformation of an object only renames them, as
 * `Schema.encodeKeys` does. It is found out by sending a mark through the transformation for each of the fields.
 */
const renames = (ast: SchemaAST.Objects): ReadonlyMap<string, string> | undefined => {
  if (ast.encoding?.length !== 1 || ast.indexSignatures.length > 0) return undefined
  const { to, transformation } = ast.encoding[0]
  if (to._tag !== "Objects" || to.encoding !== undefined || transformation._tag !== "Transformation") return undefined
  const names = new Map<object, string>()
  const marks: Record<string, object> = {}
  for (const { name } of ast.propertySignatures) {
    if (typeof name !== "string" || name === "__proto__") return undefined
    const mark = Object.freeze({})
    names.set(mark, name)
    marks[name] = mark
  }
  const exit = Effect.runSyncExit(
    Effect.suspend(() =>
      SchemaGetter.run(transformation.encode, Option.some(marks), {}) as Effect.Effect<
        Option.Option<unknown>,
        SchemaIssue.Issue
      >
    )
  )
  const encoded = Exit.isSuccess(exit) ? Option.getOrUndefined(exit.value) : undefined
  if (typeof encoded !== "object" || encoded === null) return undefined
  const found = new Map<string, string>()
  for (const [key, mark] of Object.entries(encoded)) {
    const name = names.get(mark as object)
    if (name === undefined || found.has(name)) return undefined
    found.set(name, key)
  }
  // A transformation that renames nothing is there for the values, even if it let the marks pass.
  return found.size === names.size && [...found].some(([name, key]) => name !== key) ? found : undefined
}

const objectNodes = new WeakMap<SchemaAST.Objects, Node>()

const objectNode = (ast: SchemaAST.Objects): Node => {
  if (ast.encoding === undefined) return { _tag: "Object", objects: ast, rename: same, renamed: false }
  let node = objectNodes.get(ast)
  if (node === undefined) {
    const names = renames(ast)
    node = names === undefined
      ? { _tag: "Leaf", ast }
      : { _tag: "Object", objects: ast, rename: (name) => names.get(name) ?? name, renamed: true }
    objectNodes.set(ast, node)
  }
  return node
}

/**
 * What a schema looks like from above: unions and suspended schemas are opened, a schema with an encoding of its own is a leaf.
 *
 * @internal
 */
export const expand = (ast: SchemaAST.AST): ReadonlyArray<Node> => {
  if (ast._tag === "Objects") return [objectNode(ast)]
  const fields = fieldsOfClass(ast)
  if (fields !== undefined) return expand(fields)
  if (ast.encoding === undefined) {
    switch (ast._tag) {
      case "Suspend":
        return expand(ast.thunk())
      case "Union":
        return ast.types.flatMap(expand)
      case "Arrays":
        return [{ _tag: "Array", arrays: ast }]
    }
  }
  return [{ _tag: "Leaf", ast }]
}

const elementsOf = (arrays: SchemaAST.Arrays): ReadonlyArray<SchemaAST.AST> => [...arrays.elements, ...arrays.rest]

/**
 * The schemas of the elements of whatever among the alternatives is an array.
 *
 * @internal
 */
export const elements = (alternatives: ReadonlyArray<SchemaAST.AST>): ReadonlyArray<SchemaAST.AST> =>
  alternatives.flatMap(expand).flatMap((node) => node._tag === "Array" ? elementsOf(node.arrays) : [])

const index = /^(?:0|[1-9][0-9]*)$/

const elementAt = (arrays: SchemaAST.Arrays, segment: string): ReadonlyArray<SchemaAST.AST> => {
  const position = Number(segment)
  const element = arrays.elements[position]
  return element === undefined ? arrays.rest : [element]
}

/** A record's key as it may stand in a path. */
const takesKey = (parameter: SchemaAST.AST, key: string): boolean =>
  key !== "" && !key.startsWith("$") && parameter.encoding === undefined &&
  SchemaParser.is(Schema.make<Schema.ConstraintCodec<unknown>>(parameter))(key)

interface Step {
  readonly key: string
  readonly ast: SchemaAST.AST
  readonly optional: boolean
  readonly indexed: boolean
}

const isOptional = (ast: SchemaAST.AST): boolean =>
  SchemaAST.isOptional(ast) || SchemaAST.isOptional(SchemaAST.toEncoded(ast))

const stepObject = ({ objects, rename }: ObjectNode, segment: string): ReadonlyArray<Step> => {
  for (const { name, type } of objects.propertySignatures) {
    if (name === segment) return [{ key: rename(segment), ast: type, optional: isOptional(type), indexed: false }]
  }
  return objects.indexSignatures
    .filter(({ parameter }) => takesKey(parameter, segment))
    .map(({ type }) => ({ key: segment, ast: type, optional: true, indexed: false }))
}

const positional = /^\$(?:\[(.*)\])?$/s

const stepNode = (node: Node, segment: string, mode: Mode): ReadonlyArray<Step> => {
  switch (node._tag) {
    case "Leaf":
      return []
    case "Object":
      return stepObject(node, segment)
    case "Array": {
      if (index.test(segment)) {
        return elementAt(node.arrays, segment).map((ast) => ({ key: segment, ast, optional: false, indexed: true }))
      }
      if (mode === "update") {
        return positional.test(segment)
          ? elementsOf(node.arrays).map((ast) => ({ key: segment, ast, optional: false, indexed: true }))
          : []
      }
      return elementsOf(node.arrays)
        .flatMap(expand)
        .flatMap((element) => element._tag === "Object" ? stepObject(element, segment) : [])
    }
  }
}

/**
 * Follows a path from any of the schemas.
 *
 * @internal
 */
export const walk = (
  from: ReadonlyArray<SchemaAST.AST>,
  path: string,
  mode: Mode,
  at: string
): Target => {
  const keys: Array<string> = []
  const identifiers = new Map<string, ReadonlyArray<SchemaAST.AST>>()
  let alternatives = from
  let optional = false
  let indexed = false
  for (const segment of path.split(".")) {
    const steps = alternatives.flatMap(expand).flatMap((node) => stepNode(node, segment, mode))
    const [first] = steps
    if (first === undefined) return refuse(at, "is no path of the schema")
    if (steps.some(({ key }) => key !== first.key)) {
      return refuse(at, "has different names in the database, one for each member of a union")
    }
    keys.push(first.key)
    alternatives = [...new Set(steps.map(({ ast }) => ast))]
    optional = steps.some((step) => step.optional)
    indexed ||= steps.some((step) => step.indexed)
    const identifier = mode === "update" ? positional.exec(segment)?.[1] : undefined
    if (identifier !== undefined && identifier !== "") identifiers.set(identifier, alternatives)
  }
  return { key: keys.join("."), alternatives, optional, indexed, identifiers }
}

// Paths can hold keys of records, which come from outside: what is kept has a bound.
const bound = 1000

/**
 * A resolver of paths that remembers what it has found.
 *
 * @internal
 */
export const makeResolve = (from: ReadonlyArray<SchemaAST.AST>, mode: Mode): Resolve => {
  const known = new Map<string, Target>()
  return (path, at) => {
    let target = known.get(path)
    if (target === undefined) {
      target = walk(from, path, mode, at)
      if (known.size < bound) known.set(path, target)
    }
    return target
  }
}

/** @internal */
export const union = (alternatives: ReadonlyArray<SchemaAST.AST>): SchemaAST.AST =>
  alternatives.length === 1 ? alternatives[0]! : new SchemaAST.Union(alternatives)

type Encode = (value: unknown, options?: SchemaAST.ParseOptions) => Effect.Effect<unknown, SchemaIssue.Issue, unknown>

const encoders = new WeakMap<SchemaAST.AST, Encode>()

const encoderOf = (ast: SchemaAST.AST): Encode => {
  let encode = encoders.get(ast)
  if (encode === undefined) encoders.set(ast, encode = makeEncoder(ast))
  return encode
}

const makeEncoder = (ast: SchemaAST.AST): Encode => {
  const encode = SchemaParser.encodeUnknownEffect(Schema.make<Schema.Constraint>(ast)) as Encode
  const lacks = lacksOf(ast)
  const whole: Encode = lacks === undefined ?
    encode :
    (value, options) =>
      Effect.flatMapEager(encode(value, options), (encoded) => {
        const issue = lacks(encoded)
        return issue === undefined ? Effect.succeed(encoded) : Effect.fail(issue)
      })
  return mayBeAbsent(ast) ? orAbsent(ast, whole) : whole
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

const isNumber = (u: unknown): boolean => isNumeric(u) || isBson("Decimal128")(u)

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
