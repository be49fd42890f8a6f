import { MongoServer } from "@mongofx/testing"
import { Effect, Redacted } from "effect"
import * as Driver from "mongodb"

/** Uses a client of its own, which sees the server from outside of the test. */
export const withAdmin = <A>(use: (admin: Driver.MongoClient) => Promise<A>) =>
  Effect.flatMap(MongoServer.MongoServer, (server) =>
    Effect.promise(async () => {
      const admin = await Driver.MongoClient.connect(Redacted.value(server.uri))
      return use(admin).finally(() => admin.close())
    }))
