/**
 * The options of operations, derived from those of the driver's methods.
 *
 * An option has the name and the meaning that it has in the driver. The types leave out options that would never reach the server,
 * and options that mongofx handles itself. Operations refuse options that would never reach the server.
 *
 * @since 0.1.0
 */

/**
 * The options of one of the driver's methods, as mongofx takes them. `Left` names more options that an operation leaves out.
 *
 * **Details**
 *
 * It leaves out the options that mongofx handles itself. The session comes from the context, and interruption replaces the signal.
 * `timeoutMS` does nothing in the driver since 7.8. The view `raw` gives bytes, and `explain` a plan. The operations document how they
 * treat `undefined` and functions.
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
 * Like `OptionsOf`, for writes.
 *
 * **Details**
 *
 * A write goes to the primary, and has the read concern of its transaction: the driver would never send a read preference or a read
 * concern among its options.
 *
 * @see {@link OptionsOf} for reads
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
 * Like `OptionsOf`, for lists of collections and indexes.
 *
 * **Details**
 *
 * It leaves out the read concern and the options of cursors that wait: the driver would never send them.
 *
 * @see {@link OptionsOf} for other reads
 *
 * @stability unstable
 * @category utility types
 * @since 0.1.0
 */
export type ListOptionsOf<Options, Left extends string = never> = OptionsOf<
  Options,
  Left | "awaitData" | "maxAwaitTimeMS" | "noCursorTimeout" | "readConcern" | "tailable"
>
