/** Programs in one file: ten processes of one start in the time that a few need from their sources. */
import { Effect, type Scope } from "effect"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { createRequire } from "node:module"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

interface Esbuild {
  readonly build: (options: Readonly<Record<string, unknown>>) => Promise<unknown>
}

const require = createRequire(import.meta.url)

/** Bundles a program, and returns the path of the file. `mongodb` stays outside, so that the file needs a folder below this package. */
export const bundle = (program: URL): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function*() {
    const parent = fileURLToPath(new URL("../../node_modules/.cache/", import.meta.url))
    const folder = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        await mkdir(parent, { recursive: true })
        return await mkdtemp(join(parent, "program-"))
      }),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    )
    const outfile = join(folder, "program.mjs")
    yield* Effect.promise(() => {
      // tsx compiles by esbuild.
      const esbuild = createRequire(require.resolve("tsx"))("esbuild") as Esbuild
      return esbuild.build({
        entryPoints: [fileURLToPath(program)],
        outfile,
        bundle: true,
        format: "esm",
        platform: "node",
        target: "node20",
        external: ["mongodb"],
        logLevel: "error"
      })
    })
    return outfile
  })
