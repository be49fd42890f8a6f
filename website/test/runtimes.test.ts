/**
 * Runs the program of the guide to Bun and Deno there. The binaries come from the npm packages of these names, which carry them.
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoServer } from "@mongofx/testing"
import { Effect, Redacted } from "effect"
import * as Driver from "mongodb"
import { execFile } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { outputOf } from "./support/output.ts"

const website = fileURLToPath(new URL("..", import.meta.url))
const cache = fileURLToPath(new URL("../node_modules/.cache/runtimes", import.meta.url))

interface Ended {
  readonly code: number | string | null
  readonly text: string
}

const execute = (command: string, args: ReadonlyArray<string>, cwd: string, env: NodeJS.ProcessEnv): Promise<Ended> =>
  new Promise((resolve) =>
    execFile(
      command,
      args,
      { cwd, env, timeout: 120_000, killSignal: "SIGKILL" },
      (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : error.code ?? error.signal ?? null, text: `${stdout}${stderr}` })
    )
  )

/** The binary, or why it is not there. */
const fetched = async (
  name: string,
  version: string
): Promise<{ readonly binary: string } | { readonly why: string }> => {
  const folder = `${cache}/${name}-${version}`
  const binary = `${folder}/node_modules/.bin/${name}`
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}/package.json`, JSON.stringify({ private: true }))
    const { code, text } = await execute(
      "npm",
      ["install", "--no-audit", "--no-fund", `${name}@${version}`],
      folder,
      process.env
    )
    if (code !== 0) return { why: `npm cannot install ${name}@${version}: ${text.trim().split("\n").at(-1)}` }
  }
  const { code, text } = await execute(binary, ["--version"], folder, process.env)
  return code === 0 ? { binary } : { why: `${name} does not start on this machine: ${text.trim().split("\n")[0]}` }
}

const runtimes = [
  { name: "bun", version: "1.4.5", args: ["run"] },
  { name: "deno", version: "2.9.6", args: ["run", "--allow-all"] }
]

describe("the program of the guide to Bun and Deno", () => {
  for (const { args, name, version } of runtimes) {
    it.live(`prints in ${name} what it prints in Node`, ({ skip }) =>
      Effect.gen(function*() {
        const runtime = yield* Effect.promise(() => fetched(name, version))
        if ("why" in runtime) return skip(runtime.why)
        const { uri } = yield* MongoServer.MongoServer
        const env = { ...process.env, MONGODB_URI: Redacted.value(uri), NO_COLOR: "1" }
        const { code, text } = yield* Effect.promise(async () => {
          await using client = await Driver.MongoClient.connect(Redacted.value(uri))
          await client.db("radio").dropDatabase()
          return await execute(runtime.binary, [...args, "guides/bun-and-deno/main.ts"], website, env)
        })
        assert.strictEqual(outputOf(text), outputOf(readFileSync(`${website}/guides/bun-and-deno/main.out`, "utf8")))
        assert.strictEqual(code, 0)
      }).pipe(Effect.provide(MongoServer.layer)), 300_000)
  }
})
