import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Live, seed, type User, users } from "./users.ts"

const newUsers: ReadonlyArray<User> = [
  { email: "grace@example.com", name: "Grace", visits: 0 },
  { email: "ada@example.com", name: "Ada L.", visits: 0 },
  { email: "alan@example.com", name: "Alan", visits: 0 }
]

const program = Effect.gen(function*() {
  const collection = yield* users
  yield* seed

  // #region report
  const error = yield* Effect.flip(collection.insertMany(newUsers, { ordered: false }))
  if (error.reason._tag === "BulkWriteError") {
    const { insertedCount, insertedIds, stoppedBy, writeErrors } = error.reason
    yield* Console.log("inserted:", insertedCount, "at", Object.keys(insertedIds).join(", "))
    for (const { index, reason } of writeErrors) yield* Console.log(`not inserted: ${index}, ${reason._tag}`)
    yield* Console.log("stopped by:", stoppedBy?._tag ?? "nothing")
  }
  // #endregion report

  // #region new
  /** Inserts the documents that are new. Fails with the error if anything else went wrong. */
  const insertNew = (documents: ReadonlyArray<User>) =>
    collection.insertMany(documents, { ordered: false }).pipe(
      Effect.map(({ insertedCount }) => insertedCount),
      Effect.catchReason("MongoError", "BulkWriteError", (reason, error) =>
        reason.stoppedBy === undefined && reason.writeConcernErrors.length === 0 &&
          reason.writeErrors.every(({ reason }) =>
            reason._tag === "DuplicateKeyError"
          )
          ? Effect.succeed(reason.insertedCount)
          : Effect.fail(error))
    )
  const more = [...newUsers, { email: "edsger@example.com", name: "Edsger", visits: 0 }]
  yield* Console.log("new ones:", yield* insertNew(more))
  // #endregion new
})

NodeRuntime.runMain(Effect.provide(program, Live))
