/**
 * What operations take of the options of the driver's methods.
 *
 * The options of an operation have the names and the meaning that they have in the driver. What would not arrive, and what mongofx
 * does itself, is left out of the types, and refused where it is given all the same.
 *
 * @since 0.1.0
 */

/**
 * The options of one of the driver's methods, as mongofx takes them. `Left` names others that an operation leaves out.
 *
 * **Details**
 *
 * Left out is what mongofx owns: the session comes from the context, interruption takes the place of the signal,
 * `timeoutMS` does nothing in the driver since 7.8, raw bytes have a stream of their own, `undefined` and functions are
 * treated as the documentation of the operations says, and a plan is asked for with `explain`.
 *
 * **Example** (A function that hands options on)
 *
 * ```ts
 * import type { MongoCollection, OperationOptions } from "@mongofx/core"
 * import type { FindOptions } from "mongodb"
 *
 * const findActive = (users: MongoCollection.MongoCollection, options?: OperationOptions.OptionsOf<FindOptions>) =>
 *   users.find({ active: true }, options)
 * ```
 *
 * @see {@link WriteOptionsOf} for writes
 * @see {@link ListOptionsOf} for lists of collections and indexes
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type OptionsOf<Options, Left extends string = never> = {
  readonly [
    Key in keyof Options as Exclude<
      Key,
      | "session"
      | "signal"
      | "timeoutMS"
      | "timeoutMode"
      | "raw"
      | "rawData"
      | "fieldsAsRaw"
      | "explain"
      | "ignoreUndefined"
      | "serializeFunctions"
      | "willRetryWrite"
      | "omitMaxTimeMS"
      | "dbName"
      | "authdb"
      | Left
    >
  ]?: Options[Key] | undefined
}

/**
 * As `OptionsOf`, for writes.
 *
 * **Details**
 *
 * A write goes to the primary, and has the read concern of its transaction: a read preference or a read concern among the driver's
 * options would never be sent.
 *
 * @see {@link OptionsOf}
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type WriteOptionsOf<Options, Left extends string = never> = OptionsOf<
  Options,
  Left | "readConcern" | "readPreference"
>

/**
 * As `OptionsOf`, for lists of collections and indexes.
 *
 * **Details**
 *
 * Left out is what concerns cursors that wait, and the read concern: neither would be sent.
 *
 * @see {@link OptionsOf}
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type ListOptionsOf<Options, Left extends string = never> = OptionsOf<
  Options,
  Left | "awaitData" | "maxAwaitTimeMS" | "noCursorTimeout" | "readConcern" | "tailable"
>
