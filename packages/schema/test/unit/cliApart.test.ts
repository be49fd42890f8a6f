import { assert, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const src = fileURLToPath(new URL("../../src", import.meta.url))

/** All files that a file loads, itself included, and what they import of other packages. */
const loaded = (entry: string) => {
  const files = new Set<string>()
  const packages = new Set<string>()
  const visit = (file: string): void => {
    if (files.has(file)) return
    files.add(file)
    assert.isTrue(existsSync(file), file)
    const source = readFileSync(file, "utf8").replace(/\/\*[^]*?\*\//g, "")
    // `import type` and `export type` are erased.
    for (
      const [, type, specifier = ""] of source.matchAll(
        /^(?:import|export) (type )?(?:[\w$*{},\s]+ from )?"([^"]+)"$/gm
      )
    ) {
      if (type !== undefined) continue
      if (specifier.startsWith(".")) visit(join(dirname(file), specifier))
      else packages.add(specifier)
    }
  }
  visit(join(src, entry))
  return { files: [...files].map((file) => relative(src, file)), packages: [...packages] }
}

const isOfTheCli = (specifier: string) => specifier === "effect/cli" || specifier.startsWith("effect/cli/")

it("the package does not load Effect's CLI, which only MongoCli needs", () => {
  const root = loaded("index.ts")
  // The walk is not empty.
  assert.include(root.files, "internal/collection/collection.ts")
  assert.include(root.packages, "effect/Schema")
  assert.deepStrictEqual(root.packages.filter(isOfTheCli), [])
  assert.deepStrictEqual(root.files.filter((file) => file.startsWith("internal/cli/")), [])
  assert.notStrictEqual(loaded("MongoCli.ts").packages.filter(isOfTheCli).length, 0)
})
