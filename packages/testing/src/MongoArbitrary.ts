/**
 * Generators of documents: with ids of their own, with references that lead somewhere, and only with values that a collection takes.
 *
 * @since 0.1.0
 */
import type { MongoCollection, MongoError } from "@mongofx/core"
import * as Arbitrary from "effect/Arbitrary"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Driver from "mongodb"
import * as internal from "./internal/arbitrary/dataset.ts"
import { storedBy } from "./internal/arbitrary/stored.ts"

/**
 * A collection with a schema, as the typed collections of `@mongofx/schema` are.
 *
 * @see {@link Source} for what may stand in its place
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Collection<S extends Schema.Constraint> {
  /** The collection's name. */
  readonly name: string
  /** The schema of its documents. */
  readonly schema: S
  /** The collection itself, without the schema. */
  readonly untyped: MongoCollection.MongoCollection
}

/**
 * The service of a collection with a schema, as `TypedCollection.Service` makes it.
 *
 * @see {@link Collection} for what it supplies
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface CollectionService<S extends Schema.Constraint, R> extends Effect.Effect<Collection<S>, never, R> {
  /** The key of the service. */
  readonly key: string
  /** The schema of its documents. */
  readonly schema: S
}

/**
 * Where documents come from: a collection or its service.
 *
 * @see {@link collection} for what generates them
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Source<S extends Schema.Constraint, R> = Collection<S> | CollectionService<S, R>

/**
 * Settings of a list of documents.
 *
 * @see {@link documents} for what they mean
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface DocumentsOptions<A> {
  /** How many documents there are at least. The default is 0. */
  readonly minLength?: number | undefined
  /** How many documents there are at most. The default is 8. */
  readonly maxLength?: number | undefined
  /**
   * The unique indexes of the collection, each with one field or several. No two documents are equal in all fields of one. The `_id` need
   * not be named. Names are those of stored documents.
   */
  readonly unique?: ReadonlyArray<Field<A> | ReadonlyArray<Field<A>>> | undefined
}

/**
 * The name of a field, or a path with dots.
 *
 * @see {@link DocumentsOptions} for what has it
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Field<A> = (A extends unknown ? keyof A & string : never) | `${string}.${string}`

/** The type of an `_id`. */
type IdOf<A> = A extends { readonly _id: infer Id } ? Id : Driver.ObjectId

/** What a field that refers to a document holds: an id, perhaps, or several. */
type Held<V> = V extends ReadonlyArray<infer E> ? Held<E>
  : V extends { readonly _tag: "Some"; readonly value: infer E } ? Held<E>
  : V extends { readonly _tag: "None" } | null | undefined ? never
  : V

type At<A, P extends string> = A extends null | undefined ? never
  : A extends ReadonlyArray<infer E> ? At<E, P>
  : P extends keyof A ? A[P]
  : P extends `${infer H}.${infer Rest}` ? H extends keyof A ? At<A[H], Rest> : never
  : never

/**
 * What a reference from the path `P` of documents of type `A` may lead to: the collection whose `_id` has the type of the values there.
 *
 * @see {@link CollectionOptions} for what has it
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Target<A, P extends string, T> = T extends Arbitrary.Arbitrary<Dataset<infer B, infer _>>
  ? [IdOf<B>] extends [Held<At<A, P>>] ? T : WrongId<IdOf<B>, Held<At<A, P>>>
  : T extends { readonly schema: infer S extends Schema.Constraint }
    ? [IdOf<S["Type"]>] extends [Held<At<A, P>>] ? T : WrongId<IdOf<S["Type"]>, Held<At<A, P>>>
  : never

/**
 * The compiler's message for a reference whose field holds values of another type than the `_id` that it leads to.
 *
 * @see {@link Target} for a reference that fits
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export interface WrongId<Id, Value> {
  /** The types that differ. */
  readonly "~the _id and the field have different types": [id: Id, field: Value]
}

/**
 * Settings of `collection`.
 *
 * @see {@link collection} for what they mean
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface CollectionOptions<A, Refs> extends DocumentsOptions<A> {
  /**
   * The fields that refer to documents of other collections, by path, and these collections: their services, or their own generators.
   * Absent values stay absent, and each element of an array becomes a reference.
   */
  readonly refs?: { readonly [P in keyof Refs]: Refs[P] & Target<A, P & string, Refs[P]> } | undefined
}

/**
 * Documents of one collection and of those that they refer to.
 *
 * @see {@link collection} for what generates it
 * @see {@link insert} for how to write it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Dataset<out A, out R> {
  /** The documents of the collection. */
  readonly documents: ReadonlyArray<A>
  /** The documents of all collections, in the order in which they can be inserted: the collection itself is the last. */
  readonly collections: ReadonlyArray<{ readonly name: string; readonly documents: ReadonlyArray<unknown> }>
  /** The documents of one of the collections; an empty list for a collection that is not part of it. */
  readonly of: <S extends Schema.Constraint>(source: Source<S, unknown>) => ReadonlyArray<S["Type"]>
  /** The services that `insert` needs. */
  readonly "~R": (_: never) => R
}

/**
 * A generator of documents of a collection.
 *
 * @see {@link collection} for how to make one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface CollectionArbitrary<out A, out R> extends Arbitrary.Arbitrary<Dataset<A, R>> {}

/**
 * The services that sources need.
 *
 * @see {@link Source} for what they are
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type SourceServices<T> = T extends Arbitrary.Arbitrary<Dataset<infer _, infer R>> ? R
  : T extends Effect.Effect<infer _, infer _E, infer R> ? R
  : never

/**
 * Generates documents of a schema or a model that a collection takes.
 *
 * **When to use**
 *
 * Use it for single documents in place of `Arbitrary.schema`, which also makes text that UTF-8 cannot hold, and keys that BSON cannot.
 *
 * **Gotchas**
 *
 * It throws if Effect cannot derive a generator of the schema.
 *
 * **Example** (Random users)
 *
 * ```ts
 * import { MongoArbitrary } from "@mongofx/testing"
 * import { Arbitrary, Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Schema.Int, name: Schema.String })
 *
 * const users = Arbitrary.sampleEffect(MongoArbitrary.document(User), { count: 3 })
 * ```
 *
 * @see {@link documents} for several, with different ids
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const document = <S extends Schema.Constraint>(schema: S): Arbitrary.Arbitrary<S["Type"]> => {
  const stored = storedBy(schema)
  return internal.candidates(schema).pipe(
    Arbitrary.map((candidates) => candidates.find((candidate) => stored(candidate) !== undefined)),
    Arbitrary.filter((document) => document !== undefined)
  )
}

/**
 * Generates documents of a schema or a model that one collection can hold: with different `_id`s, and with different values of the fields
 * of unique indexes.
 *
 * **Details**
 *
 * Values are equal if the server takes them for equal: 1 and 1.0, absent and null. Some generators of ids repeat themselves on
 * purpose. Other documents are generated in place of those whose keys are taken, as long as there are some, so that a list may
 * be shorter than generated, but never shorter than `minLength`.
 *
 * **Gotchas**
 *
 * It throws if Effect cannot derive a generator of the schema. A `minLength` that the schema has not enough different keys for exhausts the
 * check.
 *
 * **Example** (Users with different names)
 *
 * ```ts
 * import { MongoArbitrary } from "@mongofx/testing"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Schema.Int, name: Schema.String, tenant: Schema.String })
 *
 * const users = MongoArbitrary.documents(User, { unique: [["tenant", "name"]], minLength: 2 })
 * ```
 *
 * @see {@link collection} for documents that refer to others
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const documents = <S extends Schema.Constraint>(
  schema: S,
  options: DocumentsOptions<S["Type"]> = {}
): Arbitrary.Arbitrary<ReadonlyArray<S["Type"]>> =>
  internal.parts(specOf(schema, "documents", schema, options, {})).pipe(Arbitrary.map(([part]) => part!.documents))

/** The specifications of generators, which other generators refer to. */
const specs = new WeakMap<object, internal.Spec>()

const specOf = (
  source: object,
  name: string,
  schema: Schema.Constraint,
  options: DocumentsOptions<Readonly<Record<string, unknown>>>,
  refs: Readonly<Record<string, object>>
): internal.Spec => ({
  source,
  name,
  schema,
  refs: Object.entries(refs).map(([path, target]) => ({
    path,
    target: specs.get(target) ?? plainSpec(target as Source<Schema.Constraint, unknown>)
  })),
  unique: [["_id"], ...(options.unique ?? []).map((paths) => typeof paths === "string" ? [paths] : paths)],
  minLength: options.minLength ?? internal.defaultLengths.minLength,
  maxLength: options.maxLength ?? Math.max(internal.defaultLengths.maxLength, options.minLength ?? 0)
})

const nameOf = (source: Source<Schema.Constraint, unknown>): string => "untyped" in source ? source.name : source.key

const plainSpec = (source: Source<Schema.Constraint, unknown>): internal.Spec =>
  specOf(source, nameOf(source), source.schema, {}, {})

/** What `insert` writes: a dataset itself shows only documents. */
const contents = new WeakMap<object, ReadonlyArray<internal.Part>>()

const makeDataset = (parts: ReadonlyArray<internal.Part>): Dataset<never, never> => {
  const dataset = {
    documents: parts.at(-1)!.documents as ReadonlyArray<never>,
    collections: parts.map(({ documents, name }) => ({ name, documents }))
  }
  contents.set(dataset, parts)
  // Not enumerable: a counterexample is printed with what it is made of.
  Object.defineProperty(dataset, "of", {
    value: (source: object) => parts.find((part) => part.source === source)?.documents ?? []
  })
  return dataset as Omit<Dataset<never, never>, "of" | "~R"> as Dataset<never, never>
}

/**
 * Generates documents of a collection, together with those of the collections that they refer to.
 *
 * **When to use**
 *
 * Use it to begin a property with data as they could be in production: ids and unique keys that differ, and references that lead
 * to documents that exist.
 *
 * **Details**
 *
 * A collection that `refs` names several times, or by several ways, has one set of documents. Shrinking leaves out documents first:
 * the references of the others then lead to documents that are left. A document that needs a reference while there is no document to
 * refer to is left out.
 *
 * **Gotchas**
 *
 * It throws if a collection refers to itself, directly or through others, and if Effect cannot derive a generator of a schema.
 *
 * **Example** (Posts and their authors)
 *
 * ```ts
 * import { MongoArbitrary } from "@mongofx/testing"
 * import { Bson, TypedCollection } from "@mongofx/schema"
 * import { Arbitrary, Effect, Schema } from "effect"
 *
 * const Author = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 * const Post = Schema.Struct({ _id: Bson.ObjectId, author: Bson.ObjectId, title: Schema.String })
 *
 * class Authors extends TypedCollection.Service<Authors>()("app/Authors", { name: "authors", schema: Author }) {}
 * class Posts extends TypedCollection.Service<Posts>()("app/Posts", { name: "posts", schema: Post }) {}
 *
 * const authors = MongoArbitrary.collection(Authors, { unique: ["name"], minLength: 1 })
 * const posts = MongoArbitrary.collection(Posts, { refs: { author: authors } })
 *
 * const check = Arbitrary.checkEffect(posts, (dataset) =>
 *   Effect.gen(function*() {
 *     yield* MongoArbitrary.insert(dataset)
 *     const ids = dataset.of(Authors).map(({ _id }) => _id)
 *     return (yield* (yield* Posts).countDocuments({ author: { $nin: ids } })) === 0
 *   }))
 * ```
 *
 * @see {@link documents} for documents of a schema without a collection
 * @see {@link insert} for how to write them
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const collection = <S extends Schema.Constraint, R = never, const Refs = {}>(
  source: Source<S, R>,
  options: CollectionOptions<S["Type"], Refs> = {}
): CollectionArbitrary<S["Type"], R | SourceServices<Refs[keyof Refs]>> => {
  const refs = (options.refs ?? {}) as Readonly<Record<string, object>>
  const spec = specOf(source, nameOf(source), source.schema, options, refs)
  const arbitrary = internal.parts(spec).pipe(Arbitrary.map(makeDataset))
  specs.set(arbitrary, spec)
  return arbitrary
}

/**
 * Inserts the documents of a dataset, those first that others refer to.
 *
 * **Details**
 *
 * Documents are stored as they are: a model's fields for inserts do not change them. Fails with a `MongoError` if the server refuses a
 * document, because of a unique index that the generator does not know for instance.
 *
 * **Example** (Everything that a test begins with)
 *
 * ```ts
 * import { MongoArbitrary, MongoTest } from "@mongofx/testing"
 * import { Bson, TypedCollection } from "@mongofx/schema"
 * import { Arbitrary, Effect, Layer, Schema } from "effect"
 *
 * const Author = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * class Authors extends TypedCollection.Service<Authors>()("app/Authors", { name: "authors", schema: Author }) {}
 *
 * const program = Effect.gen(function*() {
 *   const [dataset] = yield* Arbitrary.sampleEffect(MongoArbitrary.collection(Authors), { count: 1 })
 *   yield* MongoArbitrary.insert(dataset!)
 * }).pipe(Effect.provide(Layer.provide(Authors.layer, MongoTest.layer)))
 * ```
 *
 * @see {@link collection} for what generates it
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const insert = <A, R>(dataset: Dataset<A, R>): Effect.Effect<void, MongoError.MongoError, R> =>
  Effect.forEach(
    contents.get(dataset) ?? [],
    ({ source, stored }) =>
      stored.length === 0 ? Effect.void : Effect.flatMap(
        collectionOf(source as Source<Schema.Constraint, R>),
        ({ untyped }) => untyped.insertMany(stored)
      ),
    { discard: true }
  )

const collectionOf = <R>(
  source: Source<Schema.Constraint, R>
): Effect.Effect<Collection<Schema.Constraint>, never, R> => "untyped" in source ? Effect.succeed(source) : source
