import type * as Driver from "mongodb"
import type { MongoCollection } from "../../MongoCollection.ts"
import type { MongoDatabase } from "../../MongoDatabase.ts"

/**
 * A collection of the records that mongofx keeps for itself, such as leases.
 *
 * @internal
 */
export const recordsIn = <A extends Driver.Document>(database: MongoDatabase, name: string): MongoCollection<A> =>
  database.collection<A>(name, {
    writeConcern: { w: "majority" },
    readConcern: { level: "majority" },
    readPreference: "primary",
    // Values are read in one form, whatever the client's BSON settings are, and are written back as they were read.
    promoteValues: true,
    promoteLongs: true,
    promoteBuffers: false,
    useBigInt64: false
  })
