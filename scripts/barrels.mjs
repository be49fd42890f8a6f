// Writes packages/*/src/index.ts: one namespace for each PascalCase module of src, under the module's own comment.
// A module with the line `// @barrel: none` stays out. With --check it writes nothing, and fails if a barrel is stale.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, relative } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const check = process.argv.includes("--check")

const barrel = (src) => {
  const exports = readdirSync(src).filter((file) => /^[A-Z]\w*\.ts$/.test(file)).toSorted().flatMap((file) => {
    const source = readFileSync(join(src, file), "utf8")
    if (/^\/\/ @barrel: none$/m.test(source)) return []
    const comment = /^(?:\/\/.*\n|\s)*(\/\*\*[\s\S]*?\*\/)\n/.exec(source)
    if (comment === null) {
      throw new Error(
        `${
          relative(root, join(src, file))
        } has no module comment: begin it with a /** comment */ that says what it is for`
      )
    }
    return [`${comment[1]}\nexport * as ${file.slice(0, -3)} from "./${file}"\n`]
  })
  return [
    "// @barrel: Auto-generated exports. Do not edit manually.\n",
    ...exports.length === 0 ? ["export {}\n"] : exports
  ].join("\n")
}

let stale = 0
for (const name of readdirSync(join(root, "packages"))) {
  const src = join(root, "packages", name, "src")
  if (!existsSync(src)) continue
  const index = join(src, "index.ts")
  const content = barrel(src)
  if (existsSync(index) && readFileSync(index, "utf8") === content) continue
  const where = relative(root, index)
  if (check) {
    stale++
    console.error(`${where} is stale: run "node scripts/barrels.mjs"`)
  } else {
    writeFileSync(index, content)
    console.log(`wrote ${where}`)
  }
}
process.exitCode = stale > 0 ? 1 : 0
