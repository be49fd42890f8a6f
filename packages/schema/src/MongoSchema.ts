/**
 * Functions from a checked request to checked results: a schema encodes the request, your effect asks MongoDB, and a schema decodes
 * what it gives.
 *
 * They are for what no typed collection knows: pipelines written by hand, commands, views, results of other packages. A typed
 * collection encodes and decodes by itself.
 *
 * @since 0.1.0
 */
import type { Query } from "@mongofx/core"
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { decoding, decodingAll } from "./internal/resolver/decoding.ts"

/**
 * What `execute` gives: an effect of an array. The queries of core and of typed collections are such effects.
 *
 * @see {@link Streamed} for what `stream` takes
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Rows<E, R> = Effect.Effect<ReadonlyArray<unknown>, E, R>

/**
 * What `execute` of `stream` gives: a stream, or a query, which has one.
 *
 * @see {@link Rows} for what the other functions take
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Streamed<E, R> = Stream.Stream<unknown, E, R> | Query.Views<unknown, E, R>

const encoding = (schema: Schema.Constraint) =>
  Schema.encodeUnknownEffect(schema) as (request: unknown) => Effect.Effect<never, Schema.SchemaError, never>

const nothingFound = (name: string) => Effect.fail(new Cause.NoSuchElementError(`MongoSchema.${name}: found nothing`))

/** The first row. A query asks the server for no other. */
const firstOf = <E, R>(rows: Rows<E, R>): Effect.Effect<Option.Option<unknown>, E, R> =>
  Predicate.hasProperty(rows, "first") && Effect.isEffect(rows.first)
    ? rows.first as Effect.Effect<Option.Option<unknown>, E, R>
    : Effect.map(rows, (rows) => Arr.head(rows))

/**
 * Makes a function that finds all results.
 *
 * **Details**
 *
 * `Request` encodes the argument, `execute` gets it encoded, and `Result` decodes each result, with the compiled decoder. A
 * `SchemaError` says what does not fit; of a result it names the position in the array.
 *
 * **Example** (A pipeline by hand)
 *
 * ```ts
 * import type { MongoDatabase } from "@mongofx/core"
 * import { Bson, MongoSchema } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const Total = Schema.Struct({ _id: Schema.String, total: Bson.BigDecimal })
 *
 * const totalsSince = (db: MongoDatabase.MongoDatabase) =>
 *   MongoSchema.findAll({
 *     Request: Bson.Date,
 *     Result: Total,
 *     execute: (since) =>
 *       db.collection("orders").aggregate([
 *         { $match: { placed: { $gte: since } } },
 *         { $group: { _id: "$customer", total: { $sum: "$total" } } }
 *       ])
 *   })
 * ```
 *
 * @see {@link findNonEmpty} where nothing is a failure
 * @see {@link stream} for many results
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const findAll = <Req extends Schema.Constraint, Res extends Schema.Constraint, E, R>(options: {
  readonly Request: Req
  readonly Result: Res
  readonly execute: (request: Req["Encoded"]) => Rows<E, R>
}): (
  request: Req["Type"]
) => Effect.Effect<
  Array<Res["Type"]>,
  E | Schema.SchemaError,
  R | Req["EncodingServices"] | Res["DecodingServices"]
> => {
  const encode = encoding(options.Request)
  const decode = decodingAll(options.Result)
  return (request) => Effect.flatMap(Effect.flatMap(encode(request), options.execute), decode) as never
}

/**
 * Makes a function that finds all results, and fails with a `NoSuchElementError` if there are none.
 *
 * **Example** (The members of a team that must have some)
 *
 * ```ts
 * import type { MongoDatabase } from "@mongofx/core"
 * import { Bson, MongoSchema } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const membersOf = (db: MongoDatabase.MongoDatabase) =>
 *   MongoSchema.findNonEmpty({
 *     Request: Bson.ObjectId,
 *     Result: Schema.Struct({ name: Schema.String }),
 *     execute: (team) => db.collection("people").find({ team })
 *   })
 * ```
 *
 * @see {@link findAll} where nothing is an empty array
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const findNonEmpty = <Req extends Schema.Constraint, Res extends Schema.Constraint, E, R>(options: {
  readonly Request: Req
  readonly Result: Res
  readonly execute: (request: Req["Encoded"]) => Rows<E, R>
}): (
  request: Req["Type"]
) => Effect.Effect<
  Arr.NonEmptyArray<Res["Type"]>,
  E | Schema.SchemaError | Cause.NoSuchElementError,
  R | Req["EncodingServices"] | Res["DecodingServices"]
> => {
  const find = findAll(options)
  return (request) =>
    Effect.flatMap(
      find(request),
      (results): Effect.Effect<Arr.NonEmptyArray<Res["Type"]>, Cause.NoSuchElementError> =>
        Arr.isArrayNonEmpty(results) ? Effect.succeed(results) : nothingFound("findNonEmpty")
    )
}

/**
 * Makes a function that finds the first result, if there is one.
 *
 * **Details**
 *
 * If `execute` gives a query, the server is asked for one document only. Of an array, the others are ignored, and not decoded.
 *
 * **Example** (The newest order)
 *
 * ```ts
 * import type { MongoDatabase } from "@mongofx/core"
 * import { Bson, MongoSchema } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const newestOf = (db: MongoDatabase.MongoDatabase) =>
 *   MongoSchema.findOneOption({
 *     Request: Schema.String,
 *     Result: Schema.Struct({ _id: Bson.ObjectId, placed: Bson.Date }),
 *     execute: (customer) => db.collection("orders").find({ customer }).sort({ placed: -1 })
 *   })
 * ```
 *
 * @see {@link findOne} where nothing is a failure
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const findOneOption = <Req extends Schema.Constraint, Res extends Schema.Constraint, E, R>(options: {
  readonly Request: Req
  readonly Result: Res
  readonly execute: (request: Req["Encoded"]) => Rows<E, R>
}): (
  request: Req["Type"]
) => Effect.Effect<
  Option.Option<Res["Type"]>,
  E | Schema.SchemaError,
  R | Req["EncodingServices"] | Res["DecodingServices"]
> => {
  const encode = encoding(options.Request)
  const decode = decoding(options.Result)
  return (request) =>
    Effect.flatMap(
      Effect.flatMap(encode(request), (encoded) => firstOf(options.execute(encoded))),
      (row) => Option.isNone(row) ? Effect.succeedNone : Effect.map(decode(row.value), Option.some)
    ) as never
}

/**
 * Makes a function that finds the first result, and fails with a `NoSuchElementError` if there is none.
 *
 * **Details**
 *
 * If `execute` gives a query, the server is asked for one document only. Of an array, the others are ignored, and not decoded.
 *
 * **Example** (Statistics of a collection)
 *
 * ```ts
 * import type { MongoDatabase } from "@mongofx/core"
 * import { MongoSchema } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const sizeOf = (db: MongoDatabase.MongoDatabase) =>
 *   MongoSchema.findOne({
 *     Request: Schema.String,
 *     Result: Schema.Struct({ storageStats: Schema.Struct({ size: Schema.Number }) }),
 *     execute: (name) => db.collection(name).aggregate([{ $collStats: { storageStats: {} } }])
 *   })
 * ```
 *
 * @see {@link findOneOption} where nothing is none
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const findOne = <Req extends Schema.Constraint, Res extends Schema.Constraint, E, R>(options: {
  readonly Request: Req
  readonly Result: Res
  readonly execute: (request: Req["Encoded"]) => Rows<E, R>
}): (
  request: Req["Type"]
) => Effect.Effect<
  Res["Type"],
  E | Schema.SchemaError | Cause.NoSuchElementError,
  R | Req["EncodingServices"] | Res["DecodingServices"]
> => {
  const find = findOneOption(options)
  return (request) =>
    Effect.flatMap(
      find(request),
      (found): Effect.Effect<Res["Type"], Cause.NoSuchElementError> =>
        Option.isSome(found) ? Effect.succeed(found.value) : nothingFound("findOne")
    )
}

const void_ = <Req extends Schema.Constraint, E, R>(options: {
  readonly Request: Req
  readonly execute: (request: Req["Encoded"]) => Effect.Effect<unknown, E, R>
}): (request: Req["Type"]) => Effect.Effect<void, E | Schema.SchemaError, R | Req["EncodingServices"]> => {
  const encode = encoding(options.Request)
  return (request) => Effect.asVoid(Effect.flatMap(encode(request), options.execute)) as never
}

export {
  /**
   * Makes a function that does something with a checked request, and gives nothing back.
   *
   * **Example** (A command)
   *
   * ```ts
   * import type { MongoDatabase } from "@mongofx/core"
   * import { MongoSchema } from "@mongofx/schema"
   * import { Schema } from "effect"
   *
   * const setProfiling = (db: MongoDatabase.MongoDatabase) =>
   *   MongoSchema.void({
   *     Request: Schema.Literals([0, 1, 2]),
   *     execute: (level) => db.command({ profile: level })
   *   })
   * ```
   *
   * @see {@link findAll} for results
   * @stability unstable
   * @category constructors
   * @since 0.1.0
   */
  void_ as void
}

/**
 * Makes a function that streams the results.
 *
 * **Details**
 *
 * The results are decoded a chunk at a time, so memory stays flat. The stream fails with a `SchemaError` at the first chunk in which a
 * result does not decode.
 *
 * **Example** (All names)
 *
 * ```ts
 * import type { MongoDatabase } from "@mongofx/core"
 * import { MongoSchema } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const namesFrom = (db: MongoDatabase.MongoDatabase) =>
 *   MongoSchema.stream({
 *     Request: Schema.String,
 *     Result: Schema.Struct({ name: Schema.String }),
 *     execute: (first) => db.collection("people").find({ name: { $gte: first } }).sort({ name: 1 })
 *   })
 * ```
 *
 * @see {@link findAll} for all results at once
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const stream = <Req extends Schema.Constraint, Res extends Schema.Constraint, E, R>(options: {
  readonly Request: Req
  readonly Result: Res
  readonly execute: (request: Req["Encoded"]) => Streamed<E, R>
}): (
  request: Req["Type"]
) => Stream.Stream<
  Res["Type"],
  E | Schema.SchemaError,
  R | Req["EncodingServices"] | Res["DecodingServices"]
> => {
  const encode = encoding(options.Request)
  const decode = decodingAll(options.Result)
  return (request) =>
    Stream.unwrap(Effect.map(encode(request), (encoded) => {
      const given = options.execute(encoded)
      return (Stream.isStream(given) ? given : given.stream).pipe(
        Stream.mapArrayEffect((rows) =>
          decode(rows) as Effect.Effect<Arr.NonEmptyArray<Res["Type"]>, Schema.SchemaError>
        )
      )
    })) as never
}
