// Takes a fail point, or waits for it, and keeps it until the test kills this process.
import { FailPoint, MongoTest } from "@mongofx/testing"
import { Effect } from "effect"

const program = Effect.gen(function*() {
  yield* FailPoint.make("hangBeforeCommitingTxn", { mode: { skip: 1_000_000 } })
  setInterval(() => {}, 1000)
  yield* Effect.never
})

void Effect.runPromise(Effect.scoped(Effect.provide(program, MongoTest.layer)))
