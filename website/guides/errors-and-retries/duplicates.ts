import { NodeRuntime } from "@effect/platform-node"
import type { MongoError } from "@mongofx/core"
import { Console, Data, Effect, Redacted } from "effect"
import { inspect } from "node:util"
import { Live, seed, users } from "./users.ts"

// #region register
class Taken extends Data.TaggedError("Taken")<{ readonly field: string }> {}

const taken = (reason: MongoError.DuplicateKeyError) =>
  Effect.fail(new Taken({ field: Object.keys(reason.keyPattern).join(" and ") }))

const register = Effect.fn("register")(function*(email: string, name: string) {
  const collection = yield* users
  return yield* collection.insertOne({ email, name, visits: 0 }).pipe(
    Effect.catchReason("MongoError", "DuplicateKeyError", taken)
  )
})
// #endregion register

const program = Effect.gen(function*() {
  const collection = yield* users
  yield* seed

  // #region use
  for (const [email, name] of [["ada@example.com", "Ada L."], ["ada@example.org", "Ada"]] as const) {
    yield* register(email, name).pipe(Effect.catchTag("Taken", ({ field }) => Console.log(`the ${field} is taken`)))
  }
  // #endregion use

  // #region secrets
  const error = yield* Effect.flip(collection.insertOne({ email: "ada@example.com", name: "A.", visits: 0 }))
  const printed = [error.message, inspect(error, { depth: 10 }), JSON.stringify(error)]
  yield* Console.log("printed with the address:", printed.some((text) => text.includes("ada@example.com")))
  if (error.reason._tag === "DuplicateKeyError") {
    yield* Console.log("the values print as", String(error.reason.keyValue))
    yield* Console.log("and are there:", Redacted.value(error.reason.keyValue)["email"])
  }
  // #endregion secrets
})

NodeRuntime.runMain(Effect.provide(program, Live))
