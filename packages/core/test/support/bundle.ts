/** Programs in one file, which node starts in half of the time that tsx needs for their sources, or less. */
import { Effect, type Scope } from "effect"
import { build } from "esbuild"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { dirname, join } from "node:path"

/** The folder that programs below it import packages from. */
const modulesOf = (folder: string): string => {
  const modules = join(folder, "node_modules")
  return existsSync(modules) ? modules : modulesOf(dirname(folder))
}

const inside = {
  mongofx: (name: string) => name.startsWith("@mongofx/"),
  everything: (name: string) => name !== "mongodb"
}

/**
 * Bundles a program with the sources of mongofx, and returns the path of the file. It imports other packages from where the program does.
 * With `everything` in it the file is made in a second, and starts faster: for what several processes run.
 */
export const bundle = (
  program: string,
  what: keyof typeof inside = "mongofx"
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function*() {
    const parent = join(modulesOf(dirname(program)), ".cache")
    const folder = yield* Effect.acquireRelease(
      Effect.promise(async () => {
        await mkdir(parent, { recursive: true })
        return await mkdtemp(join(parent, "program-"))
      }),
      (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
    )
    const outfile = join(folder, "program.mjs")
    yield* Effect.promise(() =>
      build({
        entryPoints: [program],
        outfile,
        bundle: true,
        format: "esm",
        platform: "node",
        target: "node20",
        keepNames: true,
        logLevel: "error",
        plugins: [{
          name: "packages",
          setup: ({ onResolve }) =>
            void onResolve(
              { filter: /^[^./]/ },
              ({ kind, path }) => kind === "entry-point" || inside[what](path) ? undefined : { path, external: true }
            )
        }]
      })
    )
    return outfile
  })
