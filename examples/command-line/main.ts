// A database with a past goes through the commands of `command.ts`, as on a terminal. `db.ts` is the file that a shop would run.
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { MongoClient } from "@mongofx/core"
import { MongoServer } from "@mongofx/testing"
import { ConfigProvider, Console, Effect, Redacted } from "effect"
import { Command } from "effect/cli"
import { command } from "./command.ts"

const past = Effect.gen(function*() {
  const db = (yield* MongoClient.MongoClient).db("mongofx_command_line")
  yield* db.dropDatabase()
  yield* db.collection("customers").insertMany([
    { email: "Ada@Example.com", name: "Ada" },
    { email: "grace@example.com", name: "Grace", city: "New York" },
    { email: "edsger@example.com", name: null }
  ])
  const customers = yield* db.collection("customers").find()
  yield* db.collection("orders").insertMany(Array.from({ length: 2000 }, (_, i) => ({
    customer: customers[i % 3]!._id,
    total: i / 4,
    status: (["open", "paid", "sent"] as const)[i % 3]!,
    placed: new Date(Date.UTC(2026, 0, 1) + i * 3_600_000)
  })))
  yield* db.collection("orders").createIndex({ placed: 1 })
})

const commands = [
  "status",
  "migrate --dry-run",
  "migrate",
  "indexes apply",
  "validators plan",
  "audit",
  "infer customers",
  "status --json"
]

/** What a shell would print. */
const shell = (line: string) =>
  Effect.gen(function*() {
    yield* Console.log(`\n$ shop-db ${line}`)
    yield* Command.runWith(command, { version: "1.0.0" })(line.split(" ")).pipe(
      Effect.catchTag("CliExit", (exit) => Console.log(`(exit code ${exit.code}: ${exit.outcome})`))
    )
  })

const program = Effect.gen(function*() {
  const { uri } = yield* MongoServer.MongoServer
  const url = new URL(Redacted.value(uri))
  url.pathname = "/mongofx_command_line"
  yield* past.pipe(Effect.provide(MongoClient.layer({ url: uri })))
  yield* Effect.forEach(commands, shell).pipe(
    Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: { MONGODB_URI: url.href } }))
  )
})

program.pipe(Effect.provide(MongoServer.layer), Effect.provide(NodeServices.layer), NodeRuntime.runMain)
