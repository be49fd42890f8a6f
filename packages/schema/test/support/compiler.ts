/** Runs the compiler as a program: for its messages about a source, and for their cost. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../../..", import.meta.url))

/** A folder of the repository with a file. */
export const fixture = (name: string): string => join(root, "packages/schema/typetest/budget", name)

interface Compiled {
  readonly errors: ReadonlyArray<{ readonly line: number; readonly message: string; readonly reasons: string }>
  readonly instantiations: number
}

const run = (file: (folder: string) => string): Compiled => {
  // Below a folder that has `effect` and `mongodb`.
  const folder = mkdtempSync(join(root, "packages/schema/node_modules/.mongofx-types-"))
  try {
    const project = join(folder, "tsconfig.json")
    writeFileSync(
      project,
      JSON.stringify({
        extends: join(root, "tsconfig.tests.json"),
        include: [],
        references: [],
        files: [file(folder)],
        compilerOptions: {
          rootDir: root,
          composite: false,
          declarationMap: false,
          incremental: false,
          noUnusedLocals: false,
          noUnusedParameters: false,
          tsBuildInfoFile: null
        }
      })
    )
    const { stdout } = spawnSync(
      process.execPath,
      [
        join(root, "node_modules/typescript/bin/tsc"),
        "-p",
        project,
        "--extendedDiagnostics",
        "--singleThreaded",
        "--pretty",
        "false"
      ],
      { encoding: "utf8" }
    )
    const errors = [...stdout.matchAll(/^(?:.*\()?(\d+),\d+\): error TS\d+: (.*)((?:\n  .*)*)$/gm)].map(
      ([, line, message, reasons]) => ({ line: Number(line), message: message!, reasons: reasons! })
    )
    const instantiations = Number(/^Instantiations:\s+(\d+)/m.exec(stdout)?.[1])
    if (Number.isNaN(instantiations)) throw new Error(stdout)
    return { errors, instantiations }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Compiles a source and all that it imports. */
export const compile = (source: string): Compiled =>
  run((folder) => {
    const file = join(folder, "source.ts")
    writeFileSync(file, source)
    return file
  })

/** The number of type instantiations of a file that must compile. */
const count = ({ errors, instantiations }: Compiled): number => {
  if (errors.length > 0) throw new Error(errors.map(({ line, message }) => `${line}: ${message}`).join("\n"))
  return instantiations
}

/** The cost of a source. */
export const costOf = (source: string): number => count(compile(source))

/** The cost of a file. */
export const costOfFile = (file: string): number => count(run(() => file))
