// A program that asks a limit many times at once, in a process of its own: `limiterProcess.ts DATABASE CALLS`. Prints
// how often it got through, by each algorithm.
import { MongoRateLimiter } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Effect, Layer, Redacted } from "effect"
import { RateLimiter } from "effect/persistence"

const [database, calls] = process.argv.slice(2) as [string, string]

const tell = (text: string) => Effect.sync(() => process.stdout.write(`${text}\n`))

/** Waits for a line from the test. */
const line = Effect.callback<void>((resume) => {
  process.stdin.resume().once("data", () => resume(Effect.void))
})

const program = Effect.gen(function*() {
  const limiter = yield* RateLimiter.RateLimiter
  yield* limiter.consume({ key: "other", limit: 1000, window: "1 hour" })
  yield* tell("ready")
  yield* line
  for (const algorithm of ["fixed-window", "token-bucket"] as const) {
    const passed = yield* Effect.forEach(
      Array.from({ length: Number(calls) }),
      () => Effect.option(limiter.consume({ key: algorithm, limit: 50, window: "1 hour", algorithm })),
      { concurrency: "unbounded" }
    )
    yield* tell(`${algorithm} ${passed.filter(({ _tag }) => _tag === "Some").length}`)
  }
})

const Live = MongoRateLimiter.layerWith({ deadline: "1 minute" }).pipe(
  Layer.provide(MongoDatabase.layer(database)),
  Layer.provide(MongoClient.layer({ url: Redacted.make(process.env["MONGODB_URI"]!) }))
)

// No longer than the test.
process.stdin.resume().once("end", () => process.exit(1))
await Effect.runPromise(Effect.provide(program, Live))
process.exit(0)
