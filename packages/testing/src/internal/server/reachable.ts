/**
 * Whether a server that somebody has named can be used. It is asked once, so that not every test waits for it in vain.
 */
import { MongoClient } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { type MongoServer, MongoServerError } from "../../MongoServer.ts"

/** Long enough for a server that is starting at this moment. */
const patience = "10 seconds"

/**
 * Connects to a server that runs already, and lets it go. Waits ten seconds for it, or what its address says by
 * `serverSelectionTimeoutMS`.
 *
 * @internal
 */
export const checkReachable = ({ source, uri }: MongoServer): Effect.Effect<void, MongoServerError> => {
  if (source !== "uri") return Effect.void
  const isOwn = /[?&]serverSelectionTimeoutMS=/i.test(Redacted.value(uri))
  return MongoClient.make({ url: uri, ...(isOwn ? {} : { serverSelectionTimeout: patience }) }).pipe(
    Effect.flatMap((mongo) => mongo.ping),
    Effect.scoped,
    Effect.mapError((cause) =>
      new MongoServerError({
        kind: "unreachable",
        message:
          `The server that MONGODB_URI names cannot be used: ${cause.message}. Start it, correct the address, or remove MONGODB_URI so that the tests start a mongod of this machine.`,
        log: [],
        cause
      })
    )
  )
}
