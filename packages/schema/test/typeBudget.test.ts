import { assert, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const fixtures = join(root, "packages/schema/typetest/budget")

/** What the compiler says about a file and all that it imports. */
const diagnose = (file: string) => {
  const folder = mkdtempSync(join(root, "node_modules/.mongofx-budget-"))
  try {
    const project = join(folder, "tsconfig.json")
    writeFileSync(
      project,
      JSON.stringify({
        extends: join(root, "tsconfig.tests.json"),
        include: [],
        references: [],
        files: [join(fixtures, file)],
        compilerOptions: {
          rootDir: root,
          composite: false,
          declarationMap: false,
          incremental: false,
          tsBuildInfoFile: null
        }
      })
    )
    const { status, stdout } = spawnSync(
      process.execPath,
      [join(root, "node_modules/typescript/bin/tsc"), "-p", project, "--extendedDiagnostics", "--singleThreaded"],
      { encoding: "utf8" }
    )
    assert.strictEqual(status, 0, stdout)
    const read = (name: string) => Number(new RegExp(`^${name}:\\s+([\\d.]+)`, "m").exec(stdout)?.[1])
    return { instantiations: read("Instantiations"), seconds: read("Check time") }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

it("a schema of 60 fields, five levels deep, costs the compiler little", () => {
  const without = diagnose("schema.ts")
  const used = diagnose("use.ts")
  const instantiations = used.instantiations - without.instantiations
  const seconds = used.seconds - without.seconds
  assert.isAbove(instantiations, 1000, "the fixture is not measured")
  assert.isBelow(instantiations, 60_000)
  assert.isBelow(seconds, 1)
}, 120_000)
