/**
 * The bulk write of a client, in as many commands as it needs.
 */
import * as Driver from "mongodb"
import type { VerboseBulkWriteResult } from "../../MongoClient.ts"
import { sentOfClientModel } from "../input/bulkModels.ts"
import { checkSize, maxDocumentSize } from "../input/documentSize.ts"

type Model = Driver.ClientBulkWriteModel
type Result = Driver.ClientBulkWriteResult

/** The limits of one command: the number of writes, and the bytes of the message with some room for the rest of it. */
const maxWrites = 100_000
const maxBytes = 47_000_000

/** The most bytes that a write takes in the command besides its own fields. */
const writeOverhead = 64

/**
 * Splits the models into parts, each for one command. The driver would do the same inside one call, but forget what it
 * has done if the connection breaks between two commands.
 *
 * @internal
 */
export const partsOf = (models: ReadonlyArray<Model>): ReadonlyArray<ReadonlyArray<Model>> => {
  const parts: Array<ReadonlyArray<Model>> = []
  let start = 0
  let bytes = 0
  for (let index = 0; index < models.length; index++) {
    const size = Driver.BSON.calculateObjectSize(models[index]!) + writeOverhead
    // This refuses the model before anything is sent, not at its turn.
    if (size > maxDocumentSize) checkSize("models", index, sentOfClientModel(models[index]!))
    if (index > start && (index - start === maxWrites || bytes + size > maxBytes)) {
      parts.push(models.slice(start, index))
      start = index
      bytes = 0
    }
    bytes += size
  }
  parts.push(models.slice(start))
  return parts
}

/** What was done so far, by the indexes of all models. */
interface Done {
  readonly result: { -readonly [Key in keyof VerboseBulkWriteResult]: VerboseBulkWriteResult[Key] }
  readonly writeErrors: Map<number, Driver.ClientBulkWriteError>
  readonly writeConcernErrors: Array<Driver.Document>
}

const nothing = (isVerbose: boolean): Done => ({
  result: {
    acknowledged: true,
    insertedCount: 0,
    matchedCount: 0,
    modifiedCount: 0,
    deletedCount: 0,
    upsertedCount: 0,
    // Without verbose results the driver's result does not have them either.
    ...(isVerbose ? { insertResults: new Map(), updateResults: new Map(), deleteResults: new Map() } : undefined)
  } as Done["result"],
  writeErrors: new Map(),
  writeConcernErrors: []
})

const addResults = <A>(all: ReadonlyMap<number, A>, part: ReadonlyMap<number, A> | undefined, offset: number): void => {
  for (const [index, result] of part ?? []) (all as Map<number, A>).set(index + offset, result)
}

const addPart = ({ result }: Done, part: Result, offset: number): void => {
  result.insertedCount += part.insertedCount
  result.matchedCount += part.matchedCount
  result.modifiedCount += part.modifiedCount
  result.deletedCount += part.deletedCount
  result.upsertedCount += part.upsertedCount
  addResults(result.insertResults, part.insertResults, offset)
  addResults(result.updateResults, part.updateResults, offset)
  addResults(result.deleteResults, part.deleteResults, offset)
}

/** Makes the driver's error about all parts. (Its classes are recognized by name: there may be two copies of the driver.) */
const errorOf = ({ result, writeConcernErrors, writeErrors }: Done, message: string, cause?: unknown): Error => {
  const error = new Driver.MongoClientBulkWriteError({ message })
  error.partialResult = result
  error.writeErrors = writeErrors
  error.writeConcernErrors = writeConcernErrors
  if (cause instanceof Error) error.cause = cause
  return error
}

const isBulkWriteError = (error: unknown): error is Driver.MongoClientBulkWriteError =>
  error instanceof Error && error.name === "MongoClientBulkWriteError"

/**
 * Runs a client's bulk write, in parts if it needs several commands. If something ends it, the error has what was done before.
 *
 * @internal
 */
export const clientBulkWrite = async (
  driver: Driver.MongoClient,
  models: ReadonlyArray<Model>,
  options: Driver.ClientBulkWriteOptions
): Promise<VerboseBulkWriteResult> => {
  const done = nothing(options.verboseResults === true)
  const isAcknowledged = (options.writeConcern ?? driver.writeConcern)?.w !== 0
  const parts = models.length === 0 ? [] : isAcknowledged ? partsOf(models) : [models]
  // The result has those of single writes if they were asked for: the overloads of the interface say so.
  if (parts.length === 1) return await driver.bulkWrite(models, options) as VerboseBulkWriteResult
  let offset = 0
  for (const part of parts) {
    try {
      addPart(done, await driver.bulkWrite(part, options), offset)
    } catch (error) {
      if (!isBulkWriteError(error)) {
        throw offset === 0 ? error : errorOf(done, "Mongo client bulk write was ended by an error", error)
      }
      if (error.partialResult !== undefined) addPart(done, error.partialResult, offset)
      for (const [index, writeError] of error.writeErrors) done.writeErrors.set(index + offset, writeError)
      done.writeConcernErrors.push(...error.writeConcernErrors)
      // Write concern errors end nothing, and write errors only what is ordered.
      if (error.cause !== undefined || options.ordered !== false && error.writeErrors.size > 0) {
        throw errorOf(done, error.message, error.cause)
      }
    }
    offset += part.length
  }
  if (done.writeErrors.size > 0 || done.writeConcernErrors.length > 0) {
    throw errorOf(done, "Mongo client bulk write encountered errors during execution.")
  }
  return done.result
}
