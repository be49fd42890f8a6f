import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, type MongoClientConfig } from "@mongofx/core"
import { Config, Console, Effect, Redacted } from "effect"

// #region attempt
const attempt = (name: string, config: MongoClientConfig.MongoClientConfig) =>
  MongoClient.make({ serverSelectionTimeout: "1 second", ...config }).pipe(
    Effect.andThen(Console.log(`${name}: connected`)),
    Effect.catchReasons("MongoError", {
      ConnectionError: ({ kind, message }) => Console.log(`${name}: ConnectionError (${kind})\n  ${message}`),
      AuthenticationError: ({ message }) => Console.log(`${name}: AuthenticationError\n  ${message}`),
      InvalidArgumentError: ({ message }) => Console.log(`${name}: InvalidArgumentError\n  ${message}`)
    }),
    Effect.scoped
  )
// #endregion attempt

const program = Effect.gen(function*() {
  const url = yield* Config.Redacted("MONGODB_URI")
  // #region attempts
  yield* attempt("the scheme is wrong", { url: Redacted.make("mongo://ada:secret@db.example.com") })
  yield* attempt("nothing listens", { url: Redacted.make("mongodb://127.0.0.1:1") })
  yield* attempt("the server has no TLS", { url, tls: true })
  yield* attempt("the file is missing", { url, tls: true, tlsCAFile: "/etc/ca.pem" })
  yield* attempt("another replica set", { url, replicaSet: "other" })
  yield* attempt("the password is wrong", { url, username: "ada", password: Redacted.make("secret") })
  yield* attempt("all is well", { url })
  // #endregion attempts
})

NodeRuntime.runMain(program)
