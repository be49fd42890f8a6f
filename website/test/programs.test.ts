import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { bundle } from "test-support/bundle"
import { filesOf } from "../scripts/markdown.ts"
import { outputOf, shownOf } from "./support/output.ts"
import { directivesOf, emptyServer, hasRouter, printedBy, reasonToSkip, Servers } from "./support/program.ts"
import { isProgram } from "./support/site.ts"

/** Writes what programs print instead of comparing it: `WRITE_OUTPUT=1 pnpm test website/test/programs.test.ts -t start`. */
const writes = process.env["WRITE_OUTPUT"] === "1"

const website = fileURLToPath(new URL("..", import.meta.url))

const outOf = (program: string) => `${website}${program.replace(/\.ts$/, ".out")}`

const sourceOf = (program: string) => readFileSync(`${website}${program}`, "utf8")

/** What a program prints stands beside it, in a file whose name ends in `.out`. */
const programs = filesOf(website, ".ts")
  .filter((program) => existsSync(outOf(program)) || writes && isProgram(sourceOf(program)))

layer(Servers.layer, { concurrent: true, excludeTestServices: true })("the programs of the pages", (it) => {
  for (const program of programs) {
    it.effect(`${program} prints what stands beside it`, ({ skip }) =>
      Effect.gen(function*() {
        if (reasonToSkip !== undefined) return skip(reasonToSkip)
        const directives = directivesOf(sourceOf(program))
        if (directives.server === "sharded" && !hasRouter) return skip("there is no mongos")
        const uri = yield* emptyServer(directives.server)
        const printed = shownOf(
          yield* printedBy(website, [yield* bundle(`${website}${program}`), ...directives.arguments], uri),
          website
        )
        const file = outOf(program)
        if (writes) writeFileSync(file, printed)
        assert.strictEqual(
          outputOf(printed),
          outputOf(readFileSync(file, "utf8")),
          `website/${program} prints something else than its .out says. If it is right, write it with WRITE_OUTPUT=1. It prints\n\n${printed}\n`
        )
      }).pipe(Effect.scoped), 600_000)
  }
})
