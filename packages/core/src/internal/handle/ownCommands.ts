/**
 * Commands that mongofx sends itself, since the driver's methods for them drop some options.
 */
import * as Driver from "mongodb"
import type { CallOptions } from "../call/call.ts"
import { defined } from "../call/options.ts"
import { ServerCode } from "../errors/codes.ts"
import { codeOf } from "../errors/thrown.ts"
import { InvalidInput } from "../input/invalidInput.ts"

type Write = Pick<Driver.CommandOperationOptions, "collation" | "comment" | "maxTimeMS" | "writeConcern">

/**
 * Moves the options that are fields of a write command into it, and returns the others. Without a write concern of its own it has that of
 * its collection, database or client, except in a transaction, whose commit has one.
 *
 * @internal
 */
export const writeCommand = (
  command: Driver.Document,
  options: CallOptions,
  inherited: Driver.WriteConcern | undefined
): readonly [command: Driver.Document, options: Driver.RunCommandOptions] => {
  const { collation, comment, maxTimeMS, writeConcern, ...others } = options as CallOptions & Write
  const fields = { ...command, ...defined({ collation, comment, maxTimeMS }) }
  const concern = writeConcern === undefined ? inherited : Driver.WriteConcern.fromOptions({ writeConcern })
  if (concern !== undefined && options.session?.inTransaction() !== true) Driver.WriteConcern.apply(fields, concern)
  return [fields, others]
}

/**
 * Drops a collection. True, also for a missing one since MongoDB 7.0; false if an older server says that it is missing.
 *
 * @internal
 */
export const dropCollection = async (
  db: Driver.Db,
  name: string,
  options: CallOptions & { readonly comment?: unknown; readonly encryptedFields?: Driver.Document },
  inherited: Driver.WriteConcern | undefined
): Promise<boolean> => {
  if (options.encryptedFields !== undefined || db.client.options.autoEncryption !== undefined) {
    // The driver also drops the collections that belong to it.
    if (options.comment !== undefined) {
      throw new InvalidInput(
        "options.comment",
        "options.comment cannot be sent with a drop of encrypted fields: leave it out"
      )
    }
    return await db.dropCollection(name, inherited === undefined ? options : { writeConcern: inherited, ...options })
  }
  return await unlessAbsent(db.command(...writeCommand({ drop: name }, options, inherited)))
}

/**
 * Whether the collection existed.
 *
 * @internal
 */
export const unlessAbsent = (call: Promise<unknown>): Promise<boolean> =>
  call.then(() => true, (error: unknown) => {
    if (codeOf(error) === ServerCode.NamespaceNotFound.code) return false
    throw error
  })

/**
 * Renames a collection, with the write concern of the collection or the database whose method was called.
 *
 * @internal
 */
export const renameCollection = (
  client: Driver.MongoClient,
  from: { readonly namespace: string; readonly writeConcern?: Driver.WriteConcern | undefined },
  newName: string,
  options: CallOptions & { readonly dropTarget?: boolean }
): Promise<Driver.Document> => {
  const { dropTarget = false, ...others } = options
  const database = from.namespace.slice(0, from.namespace.indexOf("."))
  const command = { renameCollection: from.namespace, to: `${database}.${newName}`, dropTarget }
  return client.db("admin").command(...writeCommand(command, others, from.writeConcern))
}
