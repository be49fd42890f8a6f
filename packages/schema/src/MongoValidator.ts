/**
 * Validators of collections, made from schemas: what the server checks when it writes a document.
 *
 * A typed collection checks what your program writes. A validator holds for all others too: a shell, a script, a service in another
 * language. It never refuses what the codec of the schema writes. What it cannot refuse is reported.
 *
 * @since 0.1.0
 */
import type * as Schema from "effect/Schema"
import type * as Driver from "mongodb"
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
  /** How often a schema that contains itself is written into itself. Deeper values are not checked. The default is 3. */
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
 * @stability unstable
 * @category constructors
 * @since 0.1.0
 */
export const fromSchema: (schema: Schema.Constraint, options?: SchemaOptions) => Validator = (schema, options) =>
  internal.fromSchema(schema, options)
