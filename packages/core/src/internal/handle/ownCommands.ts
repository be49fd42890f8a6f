/**
 * Commands that mongofx sends itself, since the driver's methods for them drop some of their options.
 */
import * as Driver from "mongodb"
import type { CallOptions } from "../call/call.ts"
import { defined } from "../call/options.ts"
import { ServerCode } from "../errors/codes.ts"
import { codeOf } from "../errors/thrown.ts"
import { InvalidInput } from "../input/invalidInput.ts"

type Write = Pick<Driver.CommandOperationOptions, "collation" | "comment" | "maxTimeMS" | "writeConcern">

/**
 * A write command with those of its options that are fields of the command, and the others. What it does not say itself of the write
 * concern it has from its collection, database or client, save in a transaction, whose commit has one.
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
 * Drops a collection: true, also where there is none since MongoDB 7.0, and false where an older server says so.
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
    // With it go the collections that belong to it, which the driver knows.
    if (options.comment !== undefined) {
      throw new InvalidInput("options.comment", "options.comment cannot be sent where encrypted fields may be dropped")
    }
    return await db.dropCollection(name, inherited === undefined ? options : { writeConcern: inherited, ...options })
  }
  return await unlessAbsent(db.command(...writeCommand({ drop: name }, options, inherited)))
}

/**
 * Whether there was a collection.
 *
 * @internal
 */
export const unlessAbsent = (call: Promise<unknown>): Promise<boolean> =>
  call.then(() => true, (error: unknown) => {
    if (codeOf(error) === ServerCode.NamespaceNotFound.code) return false
    throw error
  })

/**
 * Renames a collection, with the write concern of the collection or the database that it is renamed by.
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
