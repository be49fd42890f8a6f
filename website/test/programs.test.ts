import { assert, describe, it } from "@effect/vitest"
import { MongoServer } from "@mongofx/testing"
import { Effect, Redacted } from "effect"
import * as Driver from "mongodb"
import { execFile } from "node:child_process"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { outputOf } from "./support/output.ts"

/** Writes what programs print instead of comparing it: `WRITE_OUTPUT=1 pnpm test website/test/programs.test.ts -t start`. */
const writes = process.env["WRITE_OUTPUT"] === "1"

const website = new URL("..", import.meta.url)

/** Each program of a guide has what it prints beside it, in a file whose name ends in `.out`. */
const programs = readdirSync(new URL("guides", website), { encoding: "utf8", recursive: true })
  .filter((file) => file.endsWith(".ts")).map((file) => `guides/${file}`).sort()

const run = (file: string, uri: string): Promise<string> =>
  new Promise((resolve) => {
    const env = { ...process.env, MONGODB_URI: uri, NO_COLOR: "1", TZ: "UTC" }
    const options = { cwd: website.pathname, env, timeout: 60_000 }
    execFile(process.execPath, ["--import", "tsx", file], options, (error, stdout, stderr) => {
      const { code = null } = error ?? { code: 0 }
      resolve(`${stdout}${stderr}${code === 0 ? "" : `exit code ${code}\n`}`)
    })
  })

describe("the programs of the guides", () => {
  for (
    const program of programs.filter((file) => writes || existsSync(new URL(file.replace(/\.ts$/, ".out"), website)))
  ) {
    it.live(`${program} prints what the guide says`, () =>
      Effect.gen(function*() {
        const { uri } = yield* MongoServer.MongoServer
        const printed = yield* Effect.promise(async () => {
          await using client = await Driver.MongoClient.connect(Redacted.value(uri))
          const { databases } = await client.db().admin().listDatabases({ nameOnly: true })
          for (const { name } of databases) {
            if (!["admin", "config", "local"].includes(name)) await client.db(name).dropDatabase()
          }
          return await run(program, Redacted.value(uri))
        })
        const file = new URL(program.replace(/\.ts$/, ".out"), website)
        if (writes) writeFileSync(file, printed)
        assert.strictEqual(outputOf(printed), outputOf(readFileSync(file, "utf8")))
      }).pipe(Effect.provide(MongoServer.layer)), 90_000)
  }
})
