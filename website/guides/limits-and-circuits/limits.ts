import { NodeRuntime } from "@effect/platform-node"
import { MongoCircuitBreaker, MongoRateLimiter } from "@mongofx/backends"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, Effect, Layer } from "effect"
import { CircuitBreaker, RateLimiter } from "effect/persistence"

const program = Effect.gen(function*() {
  // #region fail
  const limiter = yield* RateLimiter.RateLimiter
  const login = (user: string) =>
    limiter.consume({ key: `login:${user}`, limit: 3, window: "1 minute" }).pipe(
      Effect.as("in"),
      Effect.catchReason("RateLimiterError", "RateLimitExceeded", () => Effect.succeed("too many attempts"))
    )
  // #endregion fail
  const attempts = yield* Effect.forEach(Array.from({ length: 10 }), () => login("ada"), { concurrency: 10 })
  yield* Console.log(`logins: ${attempts.filter((attempt) => attempt === "in").length} of ${attempts.length}`)

  // #region wait
  const withLimit = yield* RateLimiter.makeWithRateLimiter
  const send = withLimit({
    key: "mail server",
    limit: 5,
    window: "500 millis",
    algorithm: "token-bucket",
    onExceeded: "delay"
  })
  // #endregion wait
  const start = Date.now()
  yield* Effect.forEach(Array.from({ length: 10 }), () => send(Effect.void), { concurrency: 10 })
  yield* Console.log(`ten mails took half a second: ${Date.now() - start >= 450}`)

  // #region circuit
  const breaker = yield* CircuitBreaker.CircuitBreaker
  const pay = Effect.fail("no answer").pipe(breaker.execute({ key: "payments" }))
  // #endregion circuit
  for (let i = 0; i < 4; i++) {
    const error = yield* Effect.flip(pay)
    yield* Console.log(typeof error === "string" ? error : error.message)
  }
})

// #region layers
const Circuits = CircuitBreaker.layer({ tripPolicy: CircuitBreaker.consecutive(3), openDuration: "30 seconds" }).pipe(
  Layer.provide(MongoCircuitBreaker.layerStoreWith({ deadline: "500 millis" }))
)
const Limits = MongoRateLimiter.layerWith({ deadline: "2 seconds" })
// #endregion layers

const Live = Layer.mergeAll(Circuits, Limits).pipe(
  Layer.provide(MongoDatabase.layer("shop")),
  Layer.provide(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)

NodeRuntime.runMain(Effect.provide(program, Live))
