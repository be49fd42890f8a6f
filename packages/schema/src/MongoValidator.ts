/**
 * Validators of collections, made from schemas: what the server checks when it writes a document.
 *
 * A typed collection checks what your program writes. A validator holds for all others too: a shell, a script, a service in another
 * language. It never refuses what the codec of the schema writes. What it cannot refuse is reported.
 *
 * `plan` says what would change, `apply` changes it. Plans are plain data, and a second plan is empty.
 *
 * @since 0.1.0
 */
import type { MongoCollection, MongoError } from "@mongofx/core"
import * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type * as Driver from "mongodb"
import * as apply_ from "./internal/validator/apply.ts"
import type { ValidatorError } from "./internal/validator/error.ts"
import * as plan_ from "./internal/validator/plan.ts"
import * as internal from "./internal/validator/schema.ts"

/**
 * Something that the codec of a schema refuses, and that the validator may accept.
 *
 * @see {@link Validator} for what reports it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Lost {
  /** Where it is in stored documents: `address.city`, `items[].at`, `prices.*`. It is empty for the document itself. */
  readonly path: string
  /** What the schema asks for there. */
  readonly what: string
  /** Why the validator does not ask for it. */
  readonly why: string
}

/**
 * A validator, and what it cannot say.
 *
 * @see {@link fromSchema} for how to make one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Validator {
  /** The filter that the server applies to each document: a `$jsonSchema`, and beside it a `$nor` for what that cannot say. */
  readonly validator: Driver.Document
  /** Everything that the codec refuses and the validator may accept. If it is empty, the codec reads all that the server accepts. */
  readonly lost: ReadonlyArray<Lost>
}

/**
 * Settings of a validator.
 *
 * @see {@link fromSchema} for what takes them
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface SchemaOptions {
  /**
   * How often a schema that contains itself is written into itself, from 0 to 50. Schemas that contain each other share it. Deeper values are
   * not checked. The default is 3.
   */
  readonly depth?: number | undefined
  /**
   * Paths of stored documents that the validator leaves open, written as in `Lost`. Name fields that the driver encrypts: the server sees
   * binary data there.
   */
  readonly open?: ReadonlyArray<string> | undefined
}

/**
 * Makes the validator of a schema or a model.
 *
 * **When to use**
 *
 * Use it to see what a validator would ask for, and what is lost.
 *
 * **Details**
 *
 * It goes by what is stored, so by the encoded side, with the names of the database. A field is required if stored documents always have it.
 * Fields that the schema does not name are allowed, since the codec skips them. A number may have any type of BSON that the codec reads it
 * from. The documents of a model are those of the model, or of its variant for inserts.
 *
 * Bounds of numbers, of `Bson.Int64` and `Bson.BigDecimal`, lengths, patterns, constants, tuples, records and unions become `$jsonSchema`.
 * Bounds of dates stand beside it, as does the range of a JavaScript Date, which BSON exceeds. Regular expressions are translated: `$` and
 * `\s` mean something else to the server. What cannot be said is in `lost`: filters that are functions, transformations that may refuse a
 * value, lengths in UTF-16 code units, subtypes of binary data, the depth of a schema that contains itself.
 *
 * It throws a `MongoError` (`InvalidArgumentError`) if `depth` is not such a number.
 *
 * **Gotchas**
 *
 * The server gives up a pattern with repeated groups on long text and then refuses the text. Such a pattern holds up to a length that `lost`
 * names.
 *
 * **Example** (What is said, and what is lost)
 *
 * ```ts
 * import { Bson, MongoValidator } from "@mongofx/schema"
 * import { Schema } from "effect"
 *
 * const User = Schema.Struct({
 *   _id: Bson.ObjectId,
 *   name: Schema.NonEmptyString,
 *   age: Bson.Int32.check(Schema.isBetween({ minimum: 0, maximum: 150 })),
 *   nick: Schema.optionalKey(Schema.String.check(Schema.makeFilter((nick) => !nick.includes("admin"))))
 * })
 *
 * const { lost, validator } = MongoValidator.fromSchema(User)
 *
 * console.log(validator.$jsonSchema.required) // [ '_id', 'name', 'age' ]
 * console.log(lost.map(({ path }) => path)) // [ 'nick' ]
 * ```
 *
 * @see {@link apply} for giving it to a collection
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const fromSchema: (schema: Schema.Constraint, options?: SchemaOptions) => Validator = (schema, options) =>
  internal.fromSchema(schema, options)

// ---- plans

/**
 * Which writes the server checks: all of them, those of documents that were valid before and of new ones, or none.
 *
 * @see {@link PlanOptions} for what has it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Level = "strict" | "moderate" | "off"

/**
 * What the server does with a document that is not valid: it refuses it, takes it and writes a line to its log, or refuses it and writes the
 * line. `errorAndLog` needs MongoDB 8.1.
 *
 * @see {@link PlanOptions} for what has it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Action = "error" | "warn" | "errorAndLog"

/**
 * The validation of a collection.
 *
 * @see {@link Plan} for what has it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface State {
  /** The validator. It is `undefined` if the collection has none. */
  readonly validator: Driver.Document | undefined
  /** Which writes the server checks. */
  readonly level: Level
  /** What the server does with a document that is not valid. */
  readonly action: Action
}

/**
 * What a collection lacks of the validator of its schema: plain data, for tools to show and to decide on.
 *
 * @see {@link format} for its text
 * @see {@link plan} for how to make one
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Plan {
  /**
   * What `apply` does: nothing, since the collection has this validation (`equal`), it creates the collection (`create`), or it changes its
   * validation (`collMod`). A view and a time series collection have no validator: `impossible`.
   */
  readonly kind: "equal" | "create" | "collMod" | "impossible"
  /** The collection with its database: `app.users`. */
  readonly collection: string
  /** What the collection has. It is `undefined` if the collection does not exist. */
  readonly before: State | undefined
  /** What the collection will have. */
  readonly after: State
  /** How many documents are not valid by the new validator now. It is `undefined` if they were not counted. */
  readonly failing: number | undefined
  /** Why the plan is impossible. */
  readonly why: string | undefined
  /** What the codec refuses and the validator may accept. */
  readonly lost: ReadonlyArray<Lost>
}

/**
 * Settings of a plan.
 *
 * @see {@link plan} for what takes them
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface PlanOptions extends SchemaOptions {
  /** Which writes the server checks. The default is `strict`. */
  readonly level?: Level | undefined
  /** What the server does with a document that is not valid. The default is `error`. */
  readonly action?: Action | undefined
  /**
   * Whether to count the documents that would fail, which reads the whole collection if its validation changes. The default is `true`. Without
   * it `apply` does not know of them, and lets updates of them fail.
   */
  readonly count?: boolean | undefined
}

/**
 * Settings of `apply`.
 *
 * @see {@link apply} for what takes them
 * @stability unstable
 * @category options
 * @since 0.1.0
 */
export interface ApplyOptions extends PlanOptions {
  /** Whether to apply a validator although documents of the collection are not valid: updates of these then fail. The default is `false`. */
  readonly allowFailing?: boolean | undefined
}

/**
 * A collection with a schema, as the typed collections are.
 *
 * @see {@link Source} for what may stand in its place
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export interface Collection {
  /** The schema of its documents. */
  readonly schema: Schema.Constraint
  /** The collection itself, without the schema. */
  readonly untyped: MongoCollection.MongoCollection
}

/**
 * A typed collection, or the service of one.
 *
 * @see {@link plan} for what takes it
 * @stability unstable
 * @category models
 * @since 0.1.0
 */
export type Source = Collection | (Effect.Effect<Collection, never, unknown> & { readonly key: string })

/**
 * The services that sources need.
 *
 * @see {@link Source} for what they are
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type Services<A> = A extends Effect.Effect<infer _A, infer _E, infer R> ? R : never

/**
 * Why a validator was not applied, or not planned.
 *
 * **Details**
 *
 * - `documents`: documents of the collection are not valid. `failing` is their number. Nothing has changed.
 * - `unsupported`: it is a view or a time series collection.
 * - `transaction`: it was called in a transaction, where the server neither lists nor changes collections.
 *
 * **Example** (Counting what is in the way)
 *
 * ```ts
 * import { MongoValidator, type TypedCollection } from "@mongofx/schema"
 * import { Console, Effect, type Schema } from "effect"
 *
 * const applied = <S extends Schema.Constraint>(collection: TypedCollection.TypedCollection<S>) =>
 *   MongoValidator.apply(collection).pipe(
 *     Effect.catchTag("ValidatorError", (error) => Console.log(error.kind, error.failing, error.message))
 *   )
 * ```
 *
 * @see {@link apply} for what fails with it
 * @stability unstable
 * @category errors
 * @since 0.1.0
 */
export { ValidatorError } from "./internal/validator/error.ts"

/**
 * Compares the validation of a collection with its schema, and counts the documents that would fail.
 *
 * **Details**
 *
 * It changes nothing. Validators are compared by what they mean: the order of their keys and the types of their numbers do not count.
 *
 * Fails with a `ValidatorError` in a transaction, otherwise with the errors of the operations that it runs.
 *
 * **Example** (Whether anything would change)
 *
 * ```ts
 * import { Bson, MongoValidator, TypedCollection } from "@mongofx/schema"
 * import { Console, Effect, Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * const program = Effect.gen(function*() {
 *   const plan = yield* MongoValidator.plan(Users)
 *   if (!MongoValidator.isEmpty(plan)) yield* Console.log(MongoValidator.format(plan))
 * })
 * ```
 *
 * @see {@link planAll} for several collections
 * @see {@link apply} for carrying it out
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const plan = <A extends Source>(
  source: A,
  options?: PlanOptions
): Effect.Effect<Plan, MongoError.MongoError | ValidatorError, Services<A>> =>
  Effect.map(planAll([source], options), ([plan]) => plan!)

/**
 * Plans for several collections.
 *
 * **Example** (The plans of a program)
 *
 * ```ts
 * import { MongoValidator, type TypedCollection } from "@mongofx/schema"
 * import { Effect, type Schema } from "effect"
 *
 * const pending = <S extends Schema.Constraint, T extends Schema.Constraint>(
 *   users: TypedCollection.TypedCollection<S>,
 *   orders: TypedCollection.TypedCollection<T>
 * ) =>
 *   MongoValidator.planAll([users, orders]).pipe(
 *     Effect.map((plans) => plans.filter((plan) => !MongoValidator.isEmpty(plan)))
 *   )
 * ```
 *
 * @see {@link plan} for what a plan says
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const planAll: <const A extends ReadonlyArray<Source>>(
  sources: A,
  options?: PlanOptions
) => Effect.Effect<ReadonlyArray<Plan>, MongoError.MongoError | ValidatorError, Services<A[number]>> = apply_
  .planAll as never

/**
 * Gives a collection the validator of its schema: creates the collection, or changes its validation. Does nothing if it has it already.
 *
 * **When to use**
 *
 * Use it when a program is deployed. It may run at every start: without a change it costs one command.
 *
 * **Details**
 *
 * The result is the plan that it has carried out. Before it changes the validation of a collection with documents, it counts those that are
 * not valid. With the level `strict` an update of such a document would fail, so `apply` fails with a `ValidatorError` and changes nothing,
 * unless `allowFailing` is `true`. The level `moderate` and the action `warn` leave these documents alone.
 *
 * Several instances may run it at the same time. A view and a time series collection have no validator: it fails with a `ValidatorError`, as it
 * does in a transaction.
 *
 * **Gotchas**
 *
 * It replaces a validator of another origin. Look at the plan first.
 *
 * The server changes no validation while it builds an index of the collection: it fails with the server's error
 * `BackgroundOperationInProgressForNamespace`. Apply validators before indexes, or again later.
 *
 * **Example** (At the start of a program)
 *
 * ```ts
 * import { Bson, MongoValidator, TypedCollection } from "@mongofx/schema"
 * import { Effect, Layer, Schema } from "effect"
 *
 * const User = Schema.Struct({ _id: Bson.ObjectId, name: Schema.String })
 *
 * class Users extends TypedCollection.Service<Users>()("app/Users", { name: "users", schema: User }) {}
 *
 * const Validated = Layer.effectDiscard(MongoValidator.apply(Users, { level: "moderate" })).pipe(
 *   Layer.provideMerge(Users.layer)
 * )
 * ```
 *
 * @see {@link plan} for what it would do
 * @see {@link applyAll} for several collections
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const apply = <A extends Source>(
  source: A,
  options?: ApplyOptions
): Effect.Effect<Plan, MongoError.MongoError | ValidatorError, Services<A>> =>
  Effect.map(applyAll([source], options), ([plan]) => plan!)

/**
 * Gives several collections the validators of their schemas. If one of them is refused, nothing changes.
 *
 * **Details**
 *
 * It makes all plans first, and fails with the `ValidatorError` of the first one that `apply` would refuse.
 *
 * **Example** (All collections of a program)
 *
 * ```ts
 * import { MongoValidator, type TypedCollection } from "@mongofx/schema"
 * import type { Schema } from "effect"
 *
 * const applied = <S extends Schema.Constraint, T extends Schema.Constraint>(
 *   users: TypedCollection.TypedCollection<S>,
 *   orders: TypedCollection.TypedCollection<T>
 * ) => MongoValidator.applyAll([users, orders], { action: "warn" })
 * ```
 *
 * @see {@link apply} for what happens with each
 * @stability unstable
 * @category combinators
 * @since 0.1.0
 */
export const applyAll: <const A extends ReadonlyArray<Source>>(
  sources: A,
  options?: ApplyOptions
) => Effect.Effect<ReadonlyArray<Plan>, MongoError.MongoError | ValidatorError, Services<A[number]>> = apply_
  .applyAll as never

/**
 * Whether a plan changes nothing.
 *
 * **Example** (The plans that change something)
 *
 * ```ts
 * import { MongoValidator } from "@mongofx/schema"
 *
 * const pending = (plans: ReadonlyArray<MongoValidator.Plan>) => plans.filter((plan) => !MongoValidator.isEmpty(plan))
 * ```
 *
 * @see {@link Plan} for what else it may do
 * @stability unstable
 * @category predicates
 * @since 0.1.0
 */
export const isEmpty = (plan: Plan): boolean => plan.kind === "equal"

/**
 * The text of a plan, for people: what changes by field, how many documents would fail, and what the validator does not check.
 *
 * **Example** (Showing a plan)
 *
 * ```ts
 * import { MongoValidator } from "@mongofx/schema"
 *
 * const show = (plans: ReadonlyArray<MongoValidator.Plan>) => plans.map(MongoValidator.format).join("\n")
 * ```
 *
 * @see {@link Plan} for its data
 * @stability unstable
 * @category converting
 * @since 0.1.0
 */
export const format: (plan: Plan) => string = plan_.format
