/** Finds documents near a point. */
import { dual } from "effect/Function"
import type * as SchemaAST from "effect/SchemaAST"
import type { Expr, Nullish } from "../../Expr.ts"
import type { Filter } from "../../Filter.ts"
import type { Pipeline } from "../../Pipeline.ts"
import { nonNull, number, oneOf, present, type Slot } from "../ast/calculus.ts"
import { changeField, storedPath } from "../ast/fields.ts"
import { numericTypes, storedTypes } from "../ast/stored.ts"
import { encodeFilter } from "../encode/filter.ts"
import type { FieldsOf } from "../expression/types.ts"
import { elementsOf, expand } from "../path/nodes.ts"
import { makeResolve } from "../path/resolve.ts"
import type { At } from "../path/types.ts"
import type { AnyPath, Local } from "../pipeline/equality.ts"
import { checkPath } from "../pipeline/fields.ts"
import { addStage } from "../pipeline/pipeline.ts"
import type { Assign } from "../pipeline/types.ts"
import { refuse } from "../refusal.ts"

/**
 * A point: one of GeoJSON, whose distances are meters, or a pair of coordinates for a `2d` index.
 *
 * @see {@link geoNear} for the stage
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Point =
  | { readonly type: "Point"; readonly coordinates: readonly [longitude: number, latitude: number] }
  | readonly [x: number, y: number]

/**
 * The options of `geoNear`: the point, the field for the distance, and which documents count.
 *
 * @see {@link geoNear} for the stage
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface GeoNearOptions<A, Distance extends string, Key extends string, Locs extends string> {
  /** The point. */
  readonly near: Point
  /** The name or the path of a new field for the distance. */
  readonly distanceField: Distance
  /** The field with the location. It is needed where several fields have a geospatial index, and for `includeLocs`. */
  readonly key?: Key & Local<FieldsOf<A>, Key>
  /** The name or the path of a new field for the location that was nearest. */
  readonly includeLocs?: Locs
  /** Only documents that match a filter. */
  readonly query?: Filter<FieldsOf<A>>
  /** Only documents that are at most this far away: meters from a GeoJSON point, otherwise the unit of the coordinates. */
  readonly maxDistance?: number
  /** Only documents that are at least this far away, in the unit of `maxDistance`. */
  readonly minDistance?: number
  /** A factor for all distances that the stage gives, such as 0.001 for kilometers. */
  readonly distanceMultiplier?: number
  /** Whether a pair of coordinates lies on a sphere. A GeoJSON point always does. */
  readonly spherical?: boolean
}

type Located<V> = V extends Nullish ? never
  : V extends ReadonlyArray<infer E> ? E extends number ? V : E
  : V

type Near<A, Distance extends string, Key extends string, Locs extends string> = Assign<
  A,
  & { readonly [Name in Distance]: Expr<number> }
  & { readonly [Name in Locs]: Expr<Located<At<FieldsOf<A>, Key>>> }
>

/**
 * Finds the documents near a point, the nearest first, and adds the distance. It is the first stage, and needs a geospatial index.
 *
 * **Example** (Shops within a kilometer)
 *
 * ```ts
 * import { Bson, Pipeline } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Place = Schema.Struct({ type: Schema.Literal("Point"), coordinates: Schema.Tuple([Schema.Number, Schema.Number]) })
 * const Shop = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String, place: Place })
 *
 * const near = Pipeline.make(Shop).pipe(
 *   Pipeline.geoNear({
 *     near: { type: "Point", coordinates: [13.4, 52.5] },
 *     distanceField: "meters",
 *     maxDistance: 1000
 *   }),
 *   Pipeline.limit(10)
 * )
 * ```
 *
 * @see {@link match} for documents inside of an area
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const geoNear: {
  <A, const Distance extends string, const Key extends AnyPath<A> = never, const Locs extends string = never>(
    options: GeoNearOptions<A, Distance, Key, Locs>
  ): <R>(self: Pipeline<A, R>) => Pipeline<Near<A, Distance, Key, Locs>, R>
  <A, R, const Distance extends string, const Key extends AnyPath<A> = never, const Locs extends string = never>(
    self: Pipeline<A, R>,
    options: GeoNearOptions<A, Distance, Key, Locs>
  ): Pipeline<Near<A, Distance, Key, Locs>, R>
} = dual(2, (self: unknown, options: Options) =>
  addStage(self, "$geoNear", ({ ast }) => {
    const { distanceField, distanceMultiplier, includeLocs, key, maxDistance, minDistance, near, query, spherical } =
      options
    checkPoint(near)
    const numbers = { maxDistance, minDistance, distanceMultiplier }
    for (const [name, value] of Object.entries(numbers)) {
      if (value !== undefined && !(Number.isFinite(value) && value >= 0)) refuse(name, "is not a positive number")
    }
    const read = makeResolve([ast], "filter")
    const places = key === undefined ? [] : read(key, "key").alternatives
    if (includeLocs !== undefined && key === undefined) {
      refuse("includeLocs", "needs key: the field whose type the location has")
    }
    const withDistance = added(ast, distanceField, "distanceField", present(number))
    const after = includeLocs === undefined
      ? withDistance
      : added(withDistance, includeLocs, "includeLocs", present(located(places)))
    return {
      ast: after,
      write: (writing) => ({
        near,
        distanceField: storedPath(after, distanceField),
        ...(key === undefined ? {} : { key: storedPath(ast, key) }),
        ...(includeLocs === undefined ? {} : { includeLocs: storedPath(after, includeLocs) }),
        ...(query === undefined
          ? {}
          : { query: encodeFilter(read, query, writing.operands, writing.at("query").path) }),
        ...Object.fromEntries(Object.entries(numbers).filter(([, value]) => value !== undefined)),
        ...(spherical === undefined ? {} : { spherical })
      })
    }
  }))

interface Options {
  readonly near: unknown
  readonly distanceField: string
  readonly key?: string
  readonly includeLocs?: string
  readonly query?: unknown
  readonly maxDistance?: number
  readonly minDistance?: number
  readonly distanceMultiplier?: number
  readonly spherical?: boolean
}

const isPair = (u: unknown): boolean => Array.isArray(u) && u.length === 2 && u.every((n) => Number.isFinite(n))

const checkPoint = (near: unknown): void => {
  const coordinates = typeof near === "object" && near !== null && "type" in near && near.type === "Point" &&
      "coordinates" in near
    ? near.coordinates
    : near
  if (!isPair(coordinates)) {
    refuse("near", "is not a point: pass { type: \"Point\", coordinates: [longitude, latitude] }")
  }
}

const added = (ast: SchemaAST.AST, path: string, at: string, slot: Slot): SchemaAST.AST => {
  checkPath(path, at)
  return changeField(ast, path, at, { change: () => slot, creates: true, entersArrays: false })
}

const isNumeric = (ast: SchemaAST.AST): boolean => [...storedTypes(ast)].every((type) => numericTypes.has(type))

/** A location is an object or a pair of numbers. A field may have an array of locations. */
const located = (places: ReadonlyArray<SchemaAST.AST>): SchemaAST.AST =>
  nonNull(oneOf(
    places.flatMap(expand).flatMap((node) => {
      if (node._tag === "Object") return [node.objects]
      if (node._tag === "Leaf") return [node.ast]
      const elements = elementsOf(node.arrays)
      return elements.every(isNumeric) ? [node.arrays] : elements
    })
  ))
