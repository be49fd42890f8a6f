import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { bundle } from "test-support/bundle"
import { linksOf, parsePage } from "../scripts/markdown.ts"
import { packages } from "../scripts/modules.ts"
import { collectionsOf, type Program, programsOf, projectOf } from "./support/fences.ts"
import { outputOf } from "./support/output.ts"
import { emptyServer, printedBy, reasonToSkip, Servers } from "./support/program.ts"

const website = fileURLToPath(new URL("..", import.meta.url))
const root = fileURLToPath(new URL("../..", import.meta.url))

const readmes = ["README.md", ...packages.map((name) => `packages/${name}/README.md`)]
const forAssistants = packages.map((name) => `packages/${name}/AGENTS.md`)

const textOf = (file: string) => readFileSync(join(root, file), "utf8")
const inFile = (file: string) => programsOf(file, textOf(file))

const vitestConfig = "export default { test: { testTimeout: 30_000 } }\n"

/** Runs an effect that needs a client and a database, as a program of an AGENTS.md does, and prints that it was done. */
const runner = (modules: ReadonlyArray<string>) => `
import { NodeRuntime } from "@effect/platform-node"
import { MongoClient, MongoDatabase } from "@mongofx/core"
import { Config, Console, Effect, Layer } from "effect"

const Live = MongoDatabase.layer("assistants").pipe(
  Layer.provideMerge(MongoClient.layerConfig({ url: Config.Redacted("MONGODB_URI") }))
)
const modules = [${modules.map((name) => `["${name}", () => import("./${name}")]`).join(", ")}]
const runs = Effect.forEach(modules, ([name, load]) =>
  Effect.promise(load).pipe(
    Effect.flatMap(({ program }) => program),
    Effect.flatMap((result) => Console.log(name + "\\t" + JSON.stringify(result, (_, value) => typeof value === "bigint" ? String(value) : value)))
  ))
NodeRuntime.runMain(Effect.provide(runs, Live))
`

/** Runs a program or a test in a process of its own. Fails with all that it prints if it does not pass. */
const passes = (program: Program, uri: string) =>
  Effect.gen(function*() {
    const name = program.kind === "test" ? "main.test.ts" : "main.ts"
    const folder = yield* projectOf(website, { [name]: program.code, "vitest.config.ts": vitestConfig })
    const args = program.kind === "test"
      ? ["node_modules/vitest/vitest.mjs", "run"]
      : [yield* bundle(join(folder, name))]
    const printed = yield* printedBy(folder, args, uri)
    assert.notMatch(printed, /^(exit code \d+|ended by .*|did not end .*)\n$/m, `${program.place} fails:\n${printed}`)
    if (program.prints !== undefined) {
      assert.strictEqual(outputOf(printed), outputOf(program.prints), `${program.place} prints something else`)
    }
  }).pipe(Effect.scoped)

layer(Servers.layer, { excludeTestServices: true })("the programs", (it) => {
  it.effect(
    "of the READMEs run in order on one server, and print what stands below them",
    ({ skip }) =>
      Effect.gen(function*() {
        if (reasonToSkip !== undefined) return skip(reasonToSkip)
        const uri = yield* emptyServer("replica set")
        for (const program of readmes.flatMap(inFile)) {
          if (program.kind === "config") continue
          assert.notStrictEqual(program.kind, "module", `${program.place} does not run by itself: end it with runMain`)
          yield* passes(program, uri)
        }
      }).pipe(Effect.scoped),
    240_000
  )

  for (const file of forAssistants) {
    it.effect(`of ${file} run in order on one server`, ({ skip }) =>
      Effect.gen(function*() {
        if (reasonToSkip !== undefined) return skip(reasonToSkip)
        const uri = yield* emptyServer("replica set")
        const programs = inFile(file)
        assert.isAbove(programs.length, 2)
        for (const program of programs.filter(({ kind }) => kind === "program")) yield* passes(program, uri)
        const tests = programs.filter(({ kind }) => kind === "test")
        if (tests.length > 0) {
          const folder = yield* projectOf(website, {
            ...Object.fromEntries(tests.map(({ code }, i) => [`t${i}.test.ts`, code])),
            "vitest.config.ts": vitestConfig
          })
          const printed = yield* printedBy(folder, ["node_modules/vitest/vitest.mjs", "run"], uri)
          assert.match(printed, new RegExp(`Test Files +${tests.length} passed \\(${tests.length}\\)`), printed)
        }
        const modules = programs.filter(({ kind }) => kind === "module")
        if (modules.length > 0) {
          const names = modules.map((_, i) => `m${i}.ts`)
          const folder = yield* projectOf(website, {
            ...Object.fromEntries(modules.map(({ code }, i) => [names[i]!, code])),
            "run.ts": runner(names)
          })
          const printed = yield* printedBy(folder, [yield* bundle(join(folder, "run.ts"))], uri)
          // A module may also log, such as a cluster that has no other runner yet.
          const results = new Map(
            printed.split("\n").map((line) => line.split("\t")).map(([name, text]) => [name, text])
          )
          for (const [i, { place, prints }] of modules.entries()) {
            assert.isTrue(results.has(names[i]), `${place} fails:\n${printed}`)
            if (prints !== undefined) assert.strictEqual(results.get(names[i]), prints.trim(), place)
          }
        }
      }).pipe(Effect.scoped), 600_000)
  }
})

describe("the READMEs", () => {
  it("use each collection in one program only", () => {
    const users = new Map<string, Array<string>>()
    for (const { code, place } of [...readmes, ...forAssistants].flatMap(inFile)) {
      for (const name of collectionsOf(code)) users.set(name, [...(users.get(name) ?? []), place])
    }
    assert.isAbove(users.size, 12)
    assert.deepStrictEqual([...users].filter(([, places]) => places.length > 1), [])
  })

  it("and what assistants read are short", () => {
    for (const file of readmes) assert.isBelow(textOf(file).split("\n").length, 150, file)
    for (const file of forAssistants) assert.isBelow(textOf(file).split("\n").length, 180, file)
  })

  for (const file of [...readmes, ...forAssistants]) {
    it(`${file} links to files that exist`, () => {
      const links = linksOf(parsePage(textOf(file))).map(({ target }) => target)
      const missing = links.filter((link) => !/^(https?:|#)/.test(link))
        .map((link) => join(dirname(file), link.split("#")[0]!))
        .filter((path) => !existsSync(join(root, path)))
      assert.deepStrictEqual(missing, [])
    })
  }

  it("of packages ship what assistants read", () => {
    for (const file of forAssistants) {
      const manifest = JSON.parse(textOf(join(dirname(file), "package.json"))) as {
        readonly files: ReadonlyArray<string>
      }
      assert.include(manifest.files, "AGENTS.md")
    }
  })
})
