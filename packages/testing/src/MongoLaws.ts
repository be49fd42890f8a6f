/**
 * Laws that the collections and codecs of a program must obey, each checked for random documents by one call.
 *
 * @since 0.1.0
 */
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Driver from "mongodb"
import { storedBy } from "./internal/arbitrary/stored.ts"
import { show } from "./internal/failureText.ts"
import { messageOf, type Refutation, refutationOf } from "./internal/laws/check.ts"
import { Choices, randomFilter } from "./internal/laws/filters.ts"
import * as internal from "./internal/laws/matches.ts"
import * as repositories from "./internal/laws/repository.ts"
import { sameBy } from "./internal/laws/same.ts"
import type * as MongoArbitrary from "./MongoArbitrary.ts"
import { document, documents } from "./MongoArbitrary.ts"

/**
 * Says that a law does not hold.
 *
 * **Example** (Showing only the message)
 *
 * ```ts
 * import { MongoLaws } from "@mongofx/testing"
 * import { Console, Effect, Schema } from "effect"
 *
 * const program = MongoLaws.codec(Schema.String).pipe(
 *   Effect.catchTag("LawError", (error) => Console.log(error.message))
 * )
 * ```
 *
 * @see {@link roundTrip} for one of the laws
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export class LawError extends Schema.TaggedError<LawError>("@mongofx/testing/LawError")("LawError", {
  /** The law, why it does not hold, the smallest documents that show it, and how to replay it. */
  message: Schema.String
}) {}

/**
 * A collection that laws can be checked for: a typed collection of `@mongofx/schema`, or another one with these operations.
 *
 * @see {@link Source} for what may stand in its place
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Collection<S extends Schema.Constraint> extends MongoArbitrary.Collection<S> {
  /** Inserts documents of the schema. */
  readonly insertMany: (documents: ReadonlyArray<never>) => Effect.Effect<unknown, unknown>
  /** Finds the documents that match a filter on the decoded documents. */
  readonly find: (filter?: never) => Effect.Effect<ReadonlyArray<S["Type"]>, unknown>
}

/**
 * What laws are checked for: a collection or its service.
 *
 * @see {@link Collection} for what it must be able to do
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Source<S extends Schema.Constraint, R> =
  | Collection<S>
  | (Effect.Effect<Collection<S>, never, R> & { readonly key: string; readonly schema: S })

/**
 * Settings of a law: those of a check, and those of the documents.
 *
 * @see {@link roundTrip} for one of the laws
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface LawOptions<A> extends Arbitrary.CheckOptions, MongoArbitrary.DocumentsOptions<A> {}

const refuted = (message: string | undefined): Effect.Effect<void, LawError> =>
  message === undefined ? Effect.void : Effect.fail(new LawError({ message }))

const collectionOf = <S extends Schema.Constraint, R>(source: Source<S, R>): Effect.Effect<Collection<S>, never, R> =>
  "untyped" in source ? Effect.succeed(source) : source

/**
 * Inserts the documents into the empty collection. A model's fields for inserts would change them, so those are stored as they
 * are.
 */
const stored = <S extends Schema.Constraint>(
  collection: Collection<S>,
  documents: ReadonlyArray<S["Type"]>,
  encoded: ReadonlyArray<Driver.Document>
): Effect.Effect<unknown, unknown> =>
  Effect.andThen(
    collection.untyped.deleteMany({}),
    documents.length === 0
      ? Effect.void
      : "insert" in collection.schema
      ? collection.untyped.insertMany(encoded)
      : collection.insertMany(documents as ReadonlyArray<never>)
  )

/** Checks a law for lists of documents of a collection, which it empties before each run and in the end. */
const lawOf = <S extends Schema.Constraint, R, X = undefined, R2 = never>(
  law: string,
  source: Source<S, R>,
  options: LawOptions<S["Type"]> | undefined,
  more: Arbitrary.Arbitrary<X>,
  property: (
    collection: Collection<S>,
    documents: ReadonlyArray<S["Type"]>,
    encoded: ReadonlyArray<Driver.Document>,
    more: X
  ) => Effect.Effect<Refutation | undefined, unknown, R2>
): Effect.Effect<void, LawError, R | R2> =>
  Effect.gen(function*() {
    const collection = yield* collectionOf(source)
    const encode = storedBy(collection.schema)
    const message = yield* refutationOf(
      `${law} of ${collection.name}`,
      Arbitrary.all([documents(collection.schema, { minLength: 1, ...options }), more]),
      ([documents, more]) => {
        const encoded = documents.map((document) => encode(document)!)
        return property(collection, documents, encoded, more).pipe(
          Effect.catchCause((cause) => Effect.succeed({ why: messageOf(cause), documents: encoded }))
        )
      },
      options
    )
    yield* Effect.ignore(collection.untyped.deleteMany({}))
    yield* refuted(message)
  })

const nothing = Arbitrary.Constant(undefined)

/**
 * Checks that a schema reads again what it writes, by way of the bytes of BSON and without a server.
 *
 * **When to use**
 *
 * Use it for the schema of a field or of a document whose transformations are your own. Each value must be equal to what becomes of it, by
 * `Schema.toEquivalence`.
 *
 * **Details**
 *
 * Fails with a `LawError` that shows the smallest value for which it does not hold.
 *
 * **Gotchas**
 *
 * A value that cannot be stored at all, such as text with half of a surrogate pair, does not count. A codec that encodes with an effect is
 * not supported.
 *
 * **Example** (A codec)
 *
 * ```ts
 * import { it } from "@effect/vitest"
 * import { MongoLaws } from "@mongofx/testing"
 * import { Schema } from "effect"
 *
 * it.effect("prices", () => MongoLaws.codec(Schema.NumberFromString))
 * ```
 *
 * @see {@link roundTrip} for the same through a collection
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const codec = <S extends Schema.ConstraintCodec<unknown, unknown>>(
  schema: S,
  options?: Arbitrary.CheckOptions
): Effect.Effect<void, LawError> =>
  Effect.suspend(() => {
    const whole = Schema.Struct({ value: schema })
    const encode = storedBy(whole)
    const decode = Schema.decodeUnknownExit(whole as Schema.Codec<{ readonly value: S["Type"] }, unknown>)
    const isSame = sameBy(schema)
    return Effect.flatMap(
      refutationOf("codec", document(whole) as Arbitrary.Arbitrary<{ readonly value: S["Type"] }>, ({ value }) =>
        Effect.sync(() => {
          const encoded = encode({ value })!
          const read = Driver.BSON.deserialize(
            Driver.BSON.serialize(encoded, { ignoreUndefined: true }),
            { bsonRegExp: true }
          )
          const decoded = decode(read)
          if (Exit.isSuccess(decoded) && isSame(decoded.value.value, value)) {
            return undefined
          }
          const became = Exit.isSuccess(decoded) ? show(decoded.value.value) : messageOf(decoded.cause)
          return { why: `${show(value)} becomes ${became}`, documents: [encoded] }
        }), options),
      refuted
    )
  })

/**
 * Checks that a collection gives back the documents that it has stored.
 *
 * **When to use**
 *
 * Use it for every collection whose schema has transformations, once. It goes the whole way: encode, store, read, decode.
 *
 * **Details**
 *
 * Documents must be equal by `Schema.toEquivalence`. A key whose value is `undefined` is like no key, as in BSON. A model stores documents without its fields for inserts, which would change them.
 *
 * Fails with a `LawError` that shows the smallest documents for which the law does not hold.
 *
 * **Gotchas**
 *
 * It empties the collection, again and again: the database must be one of tests. Name the unique indexes of the collection in
 * `options.unique`.
 *
 * **Example** (A collection)
 *
 * ```ts
 * import { it } from "@effect/vitest"
 * import { MongoLaws, MongoTest } from "@mongofx/testing"
 * import { Bson, TypedCollection } from "@mongofx/schema"
 * import { Effect, Layer, Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String, born: Bson.Date })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * it.effect("users are read as they were written", () =>
 *   MongoLaws.roundTrip(Users).pipe(Effect.provide(Layer.provide(Users.layer, MongoTest.layer))))
 * ```
 *
 * @see {@link codec} for a schema without a collection
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const roundTrip = <S extends Schema.Constraint, R = never>(
  source: Source<S, R>,
  options?: LawOptions<S["Type"]>
): Effect.Effect<void, LawError, R> =>
  lawOf("roundTrip", source, options, nothing, (collection, documents, encoded) =>
    Effect.gen(function*() {
      yield* stored(collection, documents, encoded)
      const isSame = sameBy(collection.schema)
      const found = yield* collection.find()
      const left = [...found]
      for (const [index, document] of documents.entries()) {
        const at = left.findIndex((other) => isSame(other, document))
        if (at === -1) {
          return { why: `${show(document)} was stored, and read are only ${show(found)}`, documents: [encoded[index]!] }
        }
        left.splice(at, 1)
      }
      return left.length === 0 ? undefined : { why: `nobody has stored ${show(left)}`, documents: encoded }
    }))

const tape = Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 }))), {
  minLength: 1,
  maxLength: 30
})

const tapes = Arbitrary.array(tape, { minLength: 1, maxLength: 5 })

/**
 * Checks that a query finds the documents whose decoded form satisfies its filter.
 *
 * **When to use**
 *
 * Use it for a collection with codecs of your own, or with a collation: the server compares what is stored, the program thinks of what is
 * decoded.
 *
 * **Details**
 *
 * The filters go to the fields that the documents have, also within arrays and embedded documents, with operators of equality, order,
 * existence, arrays and text, and with operands out of the documents. Operators of order are left out where the stored form has another
 * type than the decoded one, and so another order. `matches` is the meaning that a query must have.
 *
 * Fails with a `LawError` that shows a filter, the documents, and those that were expected and found.
 *
 * **Gotchas**
 *
 * It empties the collection, again and again: the database must be one of tests.
 *
 * **Example** (A collection)
 *
 * ```ts
 * import { it } from "@effect/vitest"
 * import { MongoLaws, MongoTest } from "@mongofx/testing"
 * import { Bson, TypedCollection } from "@mongofx/schema"
 * import { Effect, Layer, Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String, tags: Schema.Array(Schema.String) })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * it.effect("queries of users mean what they say", () =>
 *   MongoLaws.filterIsPredicate(Users).pipe(Effect.provide(Layer.provide(Users.layer, MongoTest.layer))))
 * ```
 *
 * @see {@link matches} for the predicate
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const filterIsPredicate = <S extends Schema.Constraint, R = never>(
  source: Source<S, R>,
  options?: LawOptions<S["Type"]>
): Effect.Effect<void, LawError, R> =>
  lawOf("filterIsPredicate", source, options, tapes, (collection, documents, encoded, tapes) =>
    Effect.gen(function*() {
      yield* stored(collection, documents, encoded)
      const inOrder = yield* collection.untyped.find().sort({ _id: 1 })
      const decoded = byStoredId(collection.schema, yield* collection.find())
      const pairs = inOrder.map((stored) => ({ stored, decoded: decoded.get(idKey(stored)) }))
      for (const numbers of tapes) {
        const filter = randomFilter(new Choices(numbers), pairs, 2)
        const found = byStoredId(collection.schema, yield* collection.find(filter as never))
        const wrong = pairs.find(({ decoded, stored }) => matches(decoded, filter) !== found.has(idKey(stored)))
        if (wrong === undefined) continue
        const says = found.has(idKey(wrong.stored)) ? "finds" : "does not find"
        const why = `find(${show(filter)}) ${says} ${show(wrong.decoded)}, and the predicate says the opposite`
        return { why, documents: inOrder }
      }
      return undefined
    }))

const idKey = (stored: Driver.Document): string =>
  Driver.BSON.EJSON.stringify({ _id: stored["_id"] }, { relaxed: false })

/** Decoded documents by what is stored as their `_id`. */
const byStoredId = (
  schema: Schema.Constraint,
  documents: ReadonlyArray<unknown>
): ReadonlyMap<string, unknown> => {
  const encode = storedBy(schema)
  return new Map(documents.map((document) => [idKey(encode(document) ?? {}), document]))
}

/**
 * Checks that a collection of the server accepts every document that the schema encodes: its validator and its unique indexes refuse none.
 *
 * **When to use**
 *
 * Use it for a collection with a validator, so that schema and validator cannot drift apart.
 *
 * **Details**
 *
 * Fails with a `LawError` that shows the smallest document that the server refuses, and the server's reason.
 *
 * **Gotchas**
 *
 * It empties the collection, again and again: the database must be one of tests. Name the unique indexes of the collection in
 * `options.unique`: documents that only break one of these are no fault of the schema.
 *
 * **Example** (A validator)
 *
 * ```ts
 * import { it } from "@effect/vitest"
 * import { MongoLaws, MongoTest } from "@mongofx/testing"
 * import { Bson, MongoValidator, TypedCollection } from "@mongofx/schema"
 * import { Effect, Layer, Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * it.effect("the validator of users accepts them", () =>
 *   Effect.gen(function*() {
 *     yield* MongoValidator.apply(Users)
 *     yield* MongoLaws.encodedIsAccepted(Users)
 *   }).pipe(Effect.provide(Layer.provideMerge(Users.layer, MongoTest.layer))))
 * ```
 *
 * @see {@link roundTrip} for what becomes of the documents
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const encodedIsAccepted = <S extends Schema.Constraint, R = never>(
  source: Source<S, R>,
  options?: LawOptions<S["Type"]>
): Effect.Effect<void, LawError, R> =>
  lawOf("encodedIsAccepted", source, options, nothing, ({ untyped }, _, encoded) =>
    Effect.gen(function*() {
      yield* untyped.deleteMany({})
      for (const document of encoded) {
        const exit = yield* Effect.exit(untyped.insertOne(document))
        if (Exit.isFailure(exit)) return { why: messageOf(exit.cause), documents: [document] }
      }
      return undefined
    }))

/**
 * A repository that laws can be checked for: one of `MongoModel.makeRepository` in `@mongofx/schema`, or another one with these
 * operations.
 *
 * @see {@link repository} for the laws
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Repository<S extends Schema.Constraint, R = never> {
  /** The collection of its documents. */
  readonly collection: MongoArbitrary.Collection<S>
  /** The name of the field that holds the version, if there is one. */
  readonly version: string | undefined
  /** The name of the field that holds the time of a soft deletion, if there is one. */
  readonly softDelete: string | undefined
  /** Inserts a document and returns it. */
  readonly insert: (document: never) => Effect.Effect<S["Type"], unknown, R>
  /** Inserts documents and returns them. */
  readonly insertMany: (documents: ReadonlyArray<never>) => Effect.Effect<ReadonlyArray<S["Type"]>, unknown, R>
  /** Sets all fields of a document and returns it. */
  readonly update: (document: never) => Effect.Effect<S["Type"], unknown, R>
  /** Sets some fields of a document and returns it. */
  readonly patch: (id: never, fields: never, options?: never) => Effect.Effect<S["Type"], unknown, R>
  /** Inserts or updates a document by its `_id` and returns it. */
  readonly upsert: (document: never) => Effect.Effect<S["Type"], unknown, R>
  /** Deletes a document, and says whether there was one. */
  readonly delete: (id: never, options?: never) => Effect.Effect<boolean, unknown, R>
  /** Brings back a document that was deleted softly, and returns it. */
  readonly restore?: (id: never) => Effect.Effect<S["Type"], unknown, R>
  /** Finds a document, if it is there. */
  readonly findById: (id: never, options?: never) => Effect.Effect<Option.Option<S["Type"]>, unknown, R>
  /** Returns a document, which must be there. */
  readonly getById: (id: never, options?: never) => Effect.Effect<S["Type"], unknown, R>
  /** Finds documents by their `_id`s. */
  readonly findByIds: (
    ids: ReadonlyArray<never>,
    options?: never
  ) => Effect.Effect<ReadonlyArray<S["Type"]>, unknown, R>
  /** Finds documents. */
  readonly find: (filter?: never, options?: never) => Effect.Effect<ReadonlyArray<S["Type"]>, unknown, R>
  /** Whether there is a document. */
  readonly exists: (filter?: never, options?: never) => Effect.Effect<boolean, unknown, R>
  /** Counts documents. */
  readonly count: (filter?: never, options?: never) => Effect.Effect<number, unknown, R>
  /** Reads a page of documents. */
  readonly page: (filter: never, options: never) => Effect.Effect<
    {
      readonly items: ReadonlyArray<S["Type"]>
      readonly endCursor: string | undefined
      readonly hasNextPage: boolean
    },
    unknown,
    R
  >
}

/**
 * The name of a law of repositories: what it is about.
 *
 * @see {@link repository} for what the laws say
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type RepositoryLaw =
  | "insert"
  | "insertMany"
  | "missing"
  | "update"
  | "patch"
  | "upsert"
  | "version"
  | "delete"
  | "restore"
  | "page"

/**
 * Settings of the laws of a repository.
 *
 * @see {@link repository} for the laws
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface RepositoryOptions<A> extends LawOptions<A> {
  /** The fields that lifecycle functions of the repository change: the laws do not compare them. */
  readonly changed?: ReadonlyArray<A extends unknown ? keyof A & string : never> | undefined
  /** The laws to check; all of them by default. */
  readonly laws?: ReadonlyArray<RepositoryLaw> | undefined
}

/**
 * Checks all laws of a repository.
 *
 * **When to use**
 *
 * Use it once for each model, and for repositories of your own that wrap one: it finds lifecycle functions that lose something,
 * indexes that do not allow for soft deletion, and schemas that do not read what they write.
 *
 * **Details**
 *
 * - What `insert`, `insertMany`, `update`, `patch` and `upsert` return is what was given to them, and what every read then gives.
 * - They leave other documents alone. A document that is not there is not found, not updated and not deleted.
 * - A version grows by 1 with each write. A write in an old version fails with a `StaleDocument` and changes nothing, and of several at once one succeeds.
 * - A deleted document is gone for every read and write. If it was deleted softly, `restore` brings it back as it was.
 * - Pages have every document that is there, once.
 *
 * Each law runs 20 times by default, with random documents of the schema. The call fails with a `LawError` that shows the first
 * law that does not hold, with the smallest documents for it.
 *
 * **Gotchas**
 *
 * It empties the collection, again and again: the database must be one of tests. Name the unique indexes of the collection in
 * `options.unique`.
 *
 * **Example** (A repository)
 *
 * ```ts
 * import { it } from "@effect/vitest"
 * import { MongoLaws, MongoTest } from "@mongofx/testing"
 * import { MongoModel, TypedCollection } from "@mongofx/schema"
 * import { Effect, Layer, Schema } from "effect"
 * import { Model } from "effect/schema"
 *
 * class User extends Model.Class<User>("User")({
 *   _id: MongoModel.ObjectIdGenerated,
 *   name: Schema.String,
 *   version: MongoModel.Version,
 *   deletedAt: MongoModel.DeletedAt
 * }) {}
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * it.effect("the repository of users obeys the laws", () =>
 *   Effect.gen(function*() {
 *     const users = MongoModel.makeRepository(yield* Users, { version: "version", softDelete: "deletedAt" })
 *     yield* MongoLaws.repository(users)
 *   }).pipe(Effect.provide(Layer.provide(Users.layer, MongoTest.layer))))
 * ```
 *
 * @see {@link roundTrip} for a law of its collection
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const repository = <S extends Schema.Constraint, R = never>(
  repository: Repository<S, R>,
  options?: RepositoryOptions<S["Type"]>
): Effect.Effect<void, LawError, R> =>
  Effect.gen(function*() {
    const { schema } = repository.collection
    const encode = storedBy(schema)
    const operations = repository as unknown as repositories.Operations<R>
    const names = options?.laws ?? Object.keys(repositories.laws) as ReadonlyArray<RepositoryLaw>
    // Two to store, and one that is not there.
    const minLength = Math.max(3, options?.minLength ?? 3)
    const maxLength = Math.max(minLength, options?.maxLength ?? 5)
    for (const name of names) {
      yield* lawOf<S, never, number, R>(
        `repository.${name}`,
        repository.collection as Collection<S>,
        { runs: 20, ...options, minLength, maxLength },
        choice,
        (collection, documents, encoded, choice) =>
          Effect.gen(function*() {
            yield* collection.untyped.deleteMany({})
            const id = repositories.idNameOf(documents, encode)
            if (id === undefined) return { why: "its documents have no _id", documents: encoded.slice(0, 1) }
            const half = Math.ceil(documents.length / 2)
            const subject = {
              repository: operations,
              documents: documents.slice(0, half) as ReadonlyArray<unknown> as ReadonlyArray<never>,
              others: documents.slice(half) as ReadonlyArray<unknown> as ReadonlyArray<never>,
              choice,
              traits: repositories.traitsOf(repository, schema, id, documents[0] as never, options?.changed ?? [])
            }
            const exit = yield* Effect.exit(repositories.laws[name](subject))
            return Exit.isSuccess(exit)
              ? undefined
              : { why: repositories.whyOf(exit.cause) ?? messageOf(exit.cause), documents: encoded }
          })
      )
    }
  })

const choice = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1000 })))

/**
 * Whether a decoded document satisfies a filter: the meaning that a server must give to it.
 *
 * **When to use**
 *
 * Use it as the model of a query, in properties of your own.
 *
 * **Details**
 *
 * It knows `$eq`, `$ne`, `$in`, `$nin`, `$gt`, `$gte`, `$lt`, `$lte`, `$not`, `$exists`, `$regex`, `$all`, `$size`, `$elemMatch`, `$and`,
 * `$or` and `$nor`, and paths as MongoDB's: through arrays with an index and without one. It throws for other operators.
 *
 * **Example** (A path through an array)
 *
 * ```ts
 * import { MongoLaws } from "@mongofx/testing"
 *
 * MongoLaws.matches({ items: [{ price: 1 }, { price: 5 }] }, { "items.price": { $gt: 3 } }) // true
 * ```
 *
 * @see {@link filterIsPredicate} for the law
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const matches = (document: unknown, filter: object): boolean =>
  internal.matches(document, filter as Readonly<Record<string, unknown>>)
