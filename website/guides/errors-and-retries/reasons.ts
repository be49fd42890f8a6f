import { NodeRuntime } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Live, seed, users } from "./users.ts"

const program = Effect.gen(function*() {
  const collection = yield* users
  yield* seed

  // #region one
  const again = collection.insertOne({ email: "ada@example.com", name: "Ada", visits: 0 })
  yield* again.pipe(
    Effect.catchReason("MongoError", "DuplicateKeyError", (reason) => Console.log(`taken: ${reason.index}`))
  )
  // #endregion one

  // #region several
  const setVisits = (update: Parameters<typeof collection.updateOne>[1]) =>
    collection.updateOne({ name: "Ada" }, update).pipe(
      Effect.catchReasons("MongoError", {
        InvalidArgumentError: ({ path }) => Console.log(`refused before it was sent, at ${path}`),
        InvalidCommandError: ({ code }) => Console.log(`refused by the server, with code ${code}`)
      })
    )
  yield* setVisits({ $set: { visits: BigInt(2) ** BigInt(64) as never } })
  yield* setVisits({ $inc: { name: 1 } as never })
  // #endregion several

  // #region unwrap
  const tag = yield* again.pipe(
    Effect.unwrapReason("MongoError"),
    Effect.catchTag("DuplicateKeyError", ({ _tag }) => Effect.succeed(_tag))
  )
  yield* Console.log("unwrapped:", tag)
  // #endregion unwrap

  // #region parts
  const error = yield* Effect.flip(again)
  yield* Console.log("message:", error.message)
  yield* Console.log("operation:", error.reason.operation, "on", error.reason.namespace)
  yield* Console.log("code:", error.reason.code)
  yield* Console.log("transient:", error.isTransient, "retryable:", error.isRetryable)
  // #endregion parts
})

NodeRuntime.runMain(Effect.provide(program, Live))
