/** Adds documents where values of a field lack. */
import { dual } from "effect/Function"
import type * as SchemaAST from "effect/SchemaAST"
import * as Driver from "mongodb"
import type { Arithmetic, Nullish, Numeric } from "../../Expr.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { isNullable, mayBeNull, nullOr, number, type Slot } from "../ast/calculus.ts"
import { dateAst } from "../ast/dates.ts"
import { changeField, plainAst, storedPath } from "../ast/fields.ts"
import { numeric } from "../ast/numbers.ts"
import { storedTypes } from "../ast/stored.ts"
import { strict } from "../encode/operands.ts"
import type { FieldName, FieldsOf } from "../expression/types.ts"
import type { Writing } from "../expression/writing.ts"
import type { Unit } from "../operators/date.ts"
import { encodeValue } from "../path/codecs.ts"
import { makeResolve } from "../path/resolve.ts"
import type { At, Leaf, NoSuchPath } from "../path/types.ts"
import { addStage } from "../pipeline/pipeline.ts"
import type { Others, Simplify } from "../pipeline/types.ts"
import { refuse } from "../refusal.ts"

/**
 * Where `densify` adds values: between the first and the last one of all documents or of the partition, or in a range that begins
 * with the first bound and ends before the second one.
 *
 * @see {@link densify} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type DensifyBounds<V> = "full" | "partition" | readonly [lower: V, upper: V]

/**
 * How far apart the values are, and where they are added. A date has a unit. Steps and bounds are encoded by the codec of the field.
 *
 * @see {@link densify} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type DensifyRange<V> = [V] extends [Numeric] ? {
    readonly step: Arithmetic<V>
    readonly unit?: undefined
    readonly bounds: DensifyBounds<Arithmetic<V>>
  }
  : {
    /** A positive integer. */
    readonly step: number
    readonly unit: Unit
    readonly bounds: DensifyBounds<V>
  }

/**
 * The message of the compiler about a field that is neither a number nor a date.
 *
 * @see {@link densify} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface DensifyNeedsNumberOrDate<Path> {
  /** The path of the field. */
  readonly "~is neither a number nor a date": Path
}

/** The path, or the message why no values can be added there. */
type DensePath<A, P extends string> = P extends unknown ? [At<A, P>] extends [never] ? NoSuchPath<P>
  : [Extract<At<A, P>, string | boolean | ReadonlyArray<unknown>>] extends [never] ? P
  : DensifyNeedsNumberOrDate<P>
  : P

/**
 * The field, the partitions and the range of `densify`.
 *
 * @see {@link densify} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Densify<A, P extends string, Q> {
  /** The path of a number or of a date. */
  readonly field: P & DensePath<A, P>
  /** Fields of the document: those with the same values are a partition. Added documents have them. */
  readonly partitionByFields?: ReadonlyArray<Q>
  /** How far apart the values are, and where they are added. */
  readonly range: DensifyRange<Exclude<At<A, P>, Nullish>>
}

type Head<P> = P extends `${infer Name}.${string}` ? Name : P

type Rest<P> = P extends `${string}.${infer Names}` ? Names : never

/** Added documents have nothing but the field and the fields of the partition. */
type Densified<A, P, Q> = A extends unknown ? Sparse<FieldsOf<A>, P, Q> : never

type Sparse<A, P, Q> = Simplify<
  & {
    readonly [K in keyof A as K extends Head<P> | Q ? K : never]: K extends P ? Dense<A[K]>
      : K extends Head<P> ? SparseBelow<A[K], Rest<P>>
      : A[K]
  }
  & Partial<Others<A, Head<P> | Q>>
>

type SparseBelow<V, P> = V extends Leaf ? V : Sparse<FieldsOf<V>, P, never>

/** What is added has no brand. */
type Dense<V> = V extends Numeric ? Arithmetic<V> : V

/**
 * Adds documents, so that the values of a field have no gaps: the hours without a sale, for example. Such a document has the value,
 * the fields of its partition and nothing else, so all other fields may be missing afterwards.
 *
 * **Details**
 *
 * Documents stay that lack the field. The path goes through objects, not through arrays.
 *
 * **Example** (All days of each product)
 *
 * ```ts
 * import { Acc, Bson, Expr, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Day = Schema.Struct({ _id: Bson.ObjectId, sku: Schema.String, date: Bson.Date, sold: Schema.Number })
 *
 * const days = Pipeline.make(Day).pipe(
 *   Pipeline.densify({ field: "date", partitionByFields: ["sku"], range: { step: 1, unit: "day", bounds: "partition" } }),
 *   Pipeline.fill({ output: () => ({ sold: { value: Expr.literal(0) } }) })
 * )
 * ```
 *
 * @see {@link fill} for values of the fields that lack
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const densify: {
  <
    A,
    R,
    const P extends FieldName<FieldsOf<A>> | `${string}.${string}`,
    const Q extends FieldName<FieldsOf<A>> = never
  >(
    self: Pipeline<A, R>,
    options: Densify<FieldsOf<A>, P, Q>
  ): Pipeline<Densified<A, P, Q>, R>
  <A, const P extends FieldName<FieldsOf<A>> | `${string}.${string}`, const Q extends FieldName<FieldsOf<A>> = never>(
    options: Densify<FieldsOf<A>, P, Q>
  ): <R>(self: Pipeline<A, R>) => Pipeline<Densified<A, P, Q>, R>
} = dual(
  2,
  (self: unknown, { field, partitionByFields = [], range }: Options) =>
    addStage(self, "$densify", ({ ast }) => {
      const resolve = makeResolve([ast], "filter")
      const types = new Set(resolve(field, "field").alternatives.flatMap((each) => [...storedTypes(each)]))
      const isDate = types.has("date")
      let codec: SchemaAST.AST = number
      const after = sparse(ast, field.split("."), field, new Set(partitionByFields), (slot) => {
        codec = isDate ? dateAst(slot.ast) : numeric([slot.ast], field)
        return { ast: mayBeNull(slot.ast) ? nullOr(codec) : codec, optional: isNullable(slot) && slot.optional }
      })
      check(range, isDate, partitionByFields)
      return {
        ast: after,
        write: (writing) => ({
          field: storedPath(ast, field),
          ...(partitionByFields.length === 0 ? {} : {
            partitionByFields: partitionByFields.map((name) => storedPath(ast, name))
          }),
          range: writeRange(range, isDate, codec, writing.at("range"))
        })
      }
    })
)

interface Options {
  readonly field: string
  readonly partitionByFields?: ReadonlyArray<string>
  readonly range: Range
}

interface Range {
  readonly step: unknown
  readonly unit?: Unit
  readonly bounds: DensifyBounds<unknown>
}

const check = ({ bounds, step, unit }: Range, isDate: boolean, partitionByFields: ReadonlyArray<string>): void => {
  if (isDate && unit === undefined) refuse("range.unit", "is missing: a date has one")
  if (!isDate && unit !== undefined) refuse("range.unit", "is for dates, and the field is a number")
  if (isDate && !Number.isInteger(step)) refuse("range.step", "is not an integer")
  if (typeof step === "number" && !(step > 0)) refuse("range.step", "is not positive")
  if (bounds === "partition" && partitionByFields.length === 0) {
    refuse("range.bounds", "is that of a partition, and there are none: use full, or partitionByFields")
  }
}

/** The schema of the documents when those were added that have nothing but the field and the partition. */
const sparse = (
  ast: SchemaAST.AST,
  [name = "", ...rest]: ReadonlyArray<string>,
  at: string,
  kept: ReadonlySet<string>,
  change: (slot: Slot) => Slot
): SchemaAST.AST => {
  const plain = plainAst(ast, at, (other) => other !== name && !kept.has(other))
  const below = (slot: Slot): Slot => {
    if (rest.length === 0) return change(slot)
    const inner = sparse(slot.ast, rest, at, new Set(), change)
    return { ...slot, ast: mayBeNull(slot.ast) ? nullOr(inner) : inner }
  }
  return changeField(plain, name, at, {
    change: (slot) => slot === undefined ? refuse(at, "is not a field of the schema") : below(slot),
    creates: false,
    entersArrays: false
  })
}

/** The server takes no expressions here. Steps and bounds must have one type. */
const writeRange = ({ bounds, step, unit }: Range, isDate: boolean, codec: SchemaAST.AST, writing: Writing): object => {
  const values = typeof bounds === "string" ? [] : bounds
  const isFraction = [step, ...values].some((each) => typeof each === "number" && !Number.isInteger(each))
  const encode = encodeValue([codec])
  const put = (out: object, key: string | number, value: unknown, at: Writing): void => {
    if (typeof value === "number" && !isDate && codec === number) {
      Object.assign(out, { [key]: isFraction ? new Driver.Double(value) : value })
    } else at.operands.put({ out, key, path: at.path }, encode(value, strict))
  }
  const out: Record<string, unknown> = unit === undefined ? {} : { step, unit }
  if (!isDate) put(out, "step", step, writing.at("step"))
  out["bounds"] = bounds
  if (typeof bounds !== "string") {
    const written: Array<unknown> = []
    bounds.forEach((bound, i) => put(written, i, bound, writing.at("bounds").at(i)))
    out["bounds"] = written
  }
  return out
}
