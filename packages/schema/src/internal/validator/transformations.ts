/** Transformations: whether a codec reads every value that the stored side of its schema takes. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as SchemaAST from "effect/SchemaAST"
import * as SchemaGetter from "effect/SchemaGetter"
import { representationOf } from "../ast/stored.ts"
import { filtersOf } from "./checks.ts"

type Getter = SchemaGetter.Getter<unknown, unknown, unknown>

/**
 * Whether a link only fills in a default, or does nothing. A default is an effect, which passes on every value that is there: also an object
 * that it cannot know.
 */
const passes = ({ to, transformation }: SchemaAST.Link): boolean => {
  if (transformation._tag !== "Transformation") return false
  const decode = transformation.decode as Getter
  if (decode._tag === "Passthrough") return true
  if (decode._tag !== "TransformOptionalEffect" || !SchemaAST.isOptional(to)) return false
  const mark = Object.freeze({})
  const exit = Effect.runSyncExit(
    Effect.suspend(() => SchemaGetter.run(decode, Option.some<unknown>(mark), {})) as Effect.Effect<
      Option.Option<unknown>,
      unknown
    >
  )
  return Exit.isSuccess(exit) && Option.isSome(exit.value) && exit.value.value === mark
}

/** Types of Effect whose transformations take every value. */
const total: ReadonlySet<string> = new Set(["Option", "Redacted", "Duration"].map((name) => `effect/schema/${name}`))

/** Transformations of Effect that take every value. Other functions may throw, or lead to values that their type refuses. */
const totalTransformations: ReadonlySet<object> = new Set(
  [Schema.NumberFromString, Schema.DateTimeUtcFromDate].map(({ ast }) => ast.encoding![0].transformation)
)

const isTotalTo = (ast: SchemaAST.AST, { transformation }: SchemaAST.Link): boolean => {
  if (totalTransformations.has(transformation)) return true
  return ast._tag === "Declaration" && total.has(representationOf(ast) ?? "") &&
    transformation._tag === "Transformation" &&
    /^Transform(?:Optional)?$/.test(transformation.decode._tag)
}

/** Whether two schemas recognise the same values, apart from their checks. */
const isSame = (a: SchemaAST.AST, b: SchemaAST.AST): boolean => {
  if (a._tag !== b._tag) return false
  switch (a._tag) {
    case "Declaration":
      return a.run === (b as SchemaAST.Declaration).run &&
        a.typeParameters.every((each, i) => isSame(each, (b as SchemaAST.Declaration).typeParameters[i]!))
    case "Objects":
      return a.propertySignatures === (b as SchemaAST.Objects).propertySignatures &&
        a.indexSignatures === (b as SchemaAST.Objects).indexSignatures
    case "Arrays":
      return a.elements === (b as SchemaAST.Arrays).elements && a.rest === (b as SchemaAST.Arrays).rest
    case "Union":
      return a.types === (b as SchemaAST.Union).types
    case "Literal":
      return a.literal === (b as SchemaAST.Literal).literal
    case "Enum":
      return a.enums === (b as SchemaAST.Enum).enums
    case "TemplateLiteral":
      return a.parts === (b as SchemaAST.TemplateLiteral).parts
    case "Suspend":
      return false
    default:
      return true
  }
}

/** Whether a union whose members have transformations reads every value that a union of the stored sides of these members takes. */
const readsAll = (target: SchemaAST.AST, source: SchemaAST.AST): boolean =>
  target._tag === "Union" && source._tag === "Union" && target.options?.mode === source.options?.mode &&
  target.types.length === source.types.length && target.types.every((type, i) => {
    const stored = source.types[i]!
    if (type.encoding === undefined) return type.checks === stored.checks && isSame(SchemaAST.toType(type), stored)
    const { checks, isTotal } = refusals(type)
    const side = SchemaAST.toType(type.encoding[type.encoding.length - 1]!.to)
    return isTotal && checks.length === 0 && side.checks === stored.checks && isSame(side, stored)
  })

/**
 * What a codec refuses after the innermost of its stored sides: the checks, and whether a transformation or the type that it leads to may
 * refuse values as well.
 *
 * @internal
 */
export const refusals = (
  ast: SchemaAST.AST
): { readonly checks: ReadonlyArray<SchemaAST.Filter<unknown>>; readonly isTotal: boolean } => {
  const links = ast.encoding!
  const checks: Array<SchemaAST.Filter<unknown>> = []
  let isTotal = true
  let source = SchemaAST.toType(links[links.length - 1]!.to)
  for (let i = links.length - 1; i >= 0; i--) {
    const link = links[i]!
    const target = i === 0 ? ast : links[i - 1]!.to
    const isPassed = passes(link)
    isTotal &&= isPassed
      ? isSame(SchemaAST.toType(target), source) || target._tag === "Any" || target._tag === "Unknown" ||
        readsAll(target, source)
      : isTotalTo(target, link)
    const known = new Set(isPassed ? filtersOf(source.checks) : [])
    checks.push(...filtersOf(target.checks).filter((filter) => !known.has(filter)))
    source = SchemaAST.toType(target)
  }
  return { checks, isTotal }
}
