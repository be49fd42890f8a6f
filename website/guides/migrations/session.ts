import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Effect } from "effect"
import { Command } from "effect/cli"
import { command } from "./command.ts"
import { Database, past } from "./invoices.ts"

/** What a shell shows for the file `db.ts`. */
const shell = (line: string) =>
  Effect.gen(function*() {
    yield* Console.log(`$ npx tsx db.ts ${line}`)
    yield* Command.runWith(command, { version: "1.0.0" })(line.split(" ")).pipe(
      Effect.catchTag("CliExit", ({ code, outcome }) => Console.log(`(exit code ${code}: ${outcome})`))
    )
    yield* Console.log("")
  })

const lines = [
  "status",
  "migrate --dry-run",
  "migrate",
  "indexes apply",
  "validators apply",
  "audit",
  "status"
]

const program = Effect.gen(function*() {
  yield* Effect.provide(past, Database)
  yield* Effect.forEach(lines, shell)
})

NodeRuntime.runMain(Effect.provide(program, NodeServices.layer))
