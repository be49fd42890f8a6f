import { InvalidInput } from "./invalidInput.ts"

/** A write goes to the primary, and takes the read concern of its transaction. */
const ofWrites = ["readConcern", "readPreference"]

/** A list is complete when the server answers: there is nothing to wait for. */
const ofLists = ["readConcern", "tailable", "awaitData", "noCursorTimeout", "maxAwaitTimeMS"]

/** Options in the driver's types that it never sends, by operation: it drops them silently. */
const unsent: Readonly<Record<string, ReadonlyArray<string>>> = {
  insertOne: ofWrites,
  insertMany: [...ofWrites, "let"],
  bulkWrite: [...ofWrites, "collation"],
  updateOne: ofWrites,
  updateMany: ofWrites,
  replaceOne: ofWrites,
  deleteOne: ofWrites,
  deleteMany: ofWrites,
  findOneAndDelete: ofWrites,
  findOneAndReplace: ofWrites,
  findOneAndUpdate: ofWrites,
  createIndex: ofWrites,
  createIndexes: ofWrites,
  dropIndex: ofWrites,
  dropIndexes: ofWrites,
  drop: ofWrites,
  dropCollection: ofWrites,
  rename: ofWrites,
  renameCollection: ofWrites,
  removeUser: ofWrites,
  dropDatabase: ofWrites,
  // With `out` the driver would write the count into another collection.
  countDocuments: ["writeConcern", "cursor", "out"],
  estimatedDocumentCount: ["writeConcern"],
  distinct: ["writeConcern"],
  stats: ["readConcern", "writeConcern"],
  validateCollection: ["writeConcern"],
  listDatabases: ["readConcern", "writeConcern"],
  listCollections: ofLists,
  listIndexes: ofLists,
  indexExists: ofLists
}

/**
 * Refuses options that would never reach the server. The types leave them out.
 *
 * @internal
 */
export const checkSent = (operation: string, options: object): void => {
  for (const key of unsent[operation] ?? []) {
    if ((options as Record<string, unknown>)[key] !== undefined) {
      throw new InvalidInput(`options.${key}`, `options.${key} is never sent by ${operation}: leave it out`)
    }
  }
}
