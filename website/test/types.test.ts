import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { hoversOf, messagesOf } from "./support/compiler.ts"

/** Writes what the compiler says instead of comparing it: `WRITE_OUTPUT=1 pnpm test website/test/types.test.ts`. */
const writes = process.env["WRITE_OUTPUT"] === "1"

const website = new URL("..", import.meta.url)

const named = (name: string): ReadonlyArray<string> =>
  readdirSync(new URL("guides", website)).map((guide) => `guides/${guide}/${name}`)
    .filter((file) => existsSync(new URL(file, website))).sort()

/** What is said about a program stands beside it, in a file whose name ends in `.txt`. */
const compare = (files: ReadonlyArray<string>, said: ReadonlyArray<string>) =>
  files.forEach((file, i) => {
    const text = new URL(file.replace(/\.ts$/, ".txt"), website)
    if (writes) writeFileSync(text, said[i]!)
    assert.isAbove(said[i]!.length, 0, file)
    assert.strictEqual(said[i], readFileSync(text, "utf8"), file)
  })

describe("the types on the pages", () => {
  it("the compiler refuses the mistakes of the guides in the words that they quote", () => {
    const files = named("mistakes.ts")
    compare(files, messagesOf(files))
  }, 120_000)

  it("an editor shows the types that the guides quote", () => {
    const files = named("hover.ts")
    compare(files, hoversOf(files))
  }, 180_000)
})
