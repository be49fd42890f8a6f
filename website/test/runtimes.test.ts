/**
 * Runs the program of the guide to Bun and Deno there. The binaries come from the npm packages of these names, which carry them.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoServer } from "@mongofx/testing"
import { Effect, Redacted } from "effect"
import * as Driver from "mongodb"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { outputOf } from "./support/output.ts"
import { printedBy, ran } from "./support/program.ts"

const website = fileURLToPath(new URL("..", import.meta.url))
const cache = fileURLToPath(new URL("../node_modules/.cache/runtimes", import.meta.url))

/** The binary, or why it is not there. */
const fetched = Effect.fnUntraced(function*(name: string, version: string) {
  const folder = `${cache}/${name}-${version}`
  const binary = `${folder}/node_modules/.bin/${name}`
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}/package.json`, JSON.stringify({ private: true }))
    const { end, printed } = yield* ran(folder, "npm", ["install", "--no-audit", "--no-fund", `${name}@${version}`])
    if (end !== "") {
      return { why: `npm cannot install ${name}@${version}: ${(printed || end).trim().split("\n").at(-1)}` }
    }
  }
  const { end, printed } = yield* ran(folder, binary, ["--version"])
  return end === ""
    ? { binary }
    : { why: `${name} does not start on this machine: ${(printed || end).trim().split("\n")[0]}` }
})

const runtimes = [
  { name: "bun", version: "1.4.5", args: ["run"] },
  { name: "deno", version: "2.9.6", args: ["run", "--allow-all"] }
]

describe("the program of the guide to Bun and Deno", () => {
  for (const { args, name, version } of runtimes) {
    it.live(`prints in ${name} what it prints in Node`, ({ skip }) =>
      Effect.gen(function*() {
        const runtime = yield* fetched(name, version)
        if ("why" in runtime) return skip(runtime.why)
        const { uri } = yield* MongoServer.MongoServer
        yield* Effect.promise(async () => {
          await using client = await Driver.MongoClient.connect(Redacted.value(uri))
          await client.db("radio").dropDatabase()
        })
        const program = [...args, "guides/bun-and-deno/main.ts"]
        const printed = yield* printedBy(website, program, Redacted.value(uri), runtime.binary)
        assert.strictEqual(outputOf(printed), outputOf(readFileSync(`${website}/guides/bun-and-deno/main.out`, "utf8")))
      }).pipe(Effect.provide(MongoServer.layer)), 300_000)
  }
})
