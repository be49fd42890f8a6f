// tstyche needs the compiler API of TypeScript 6, which TypeScript 7 lacks. Without this setting it would download a compiler.
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

const { status } = spawnSync(
  process.execPath,
  [fileURLToPath(new URL("../node_modules/tstyche/dist/bin.js", import.meta.url)), ...process.argv.slice(2)],
  {
    stdio: "inherit",
    env: { ...process.env, TSTYCHE_TYPESCRIPT_MODULE: import.meta.resolve("typescript-6") }
  }
)
process.exitCode = status ?? 1
