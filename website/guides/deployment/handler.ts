import { MongoClient } from "@mongofx/core"
import { Config, Effect, ManagedRuntime } from "effect"
import { stdout } from "node:process"

// #region handler
// Made once for an instance, and connected by the first request.
const runtime = ManagedRuntime.make(MongoClient.layerConfig({
  url: Config.Redacted("MONGODB_URI"),
  maxPoolSize: Config.succeed(5)
}))

const visit = Effect.fn("visit")(function*(page: string) {
  const mongo = yield* MongoClient.MongoClient
  const visits = mongo.db("site").collection<{ readonly _id: string; readonly count: number }>("visits")
  yield* visits.updateOne({ _id: page }, { $inc: { count: 1 } }, { upsert: true })
  return (yield* visits.find({ _id: page }).one).count
})

/** What the platform calls for each request. */
export const handler = (request: { readonly page: string }): Promise<number> => runtime.runPromise(visit(request.page))
// #endregion handler

stdout.write(`${await handler({ page: "home" })}\n`)
stdout.write(`${await handler({ page: "home" })}\n`)
await runtime.dispose()
