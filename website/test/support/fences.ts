import { Effect, type Scope } from "effect"
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Program {
  /** `packages/core/README.md:12` */
  readonly place: string
  readonly code: string
  /** What it prints, if the document says so in a fence of text right after it. */
  readonly prints: string | undefined
  readonly kind: "program" | "test" | "config" | "module"
}

const kindOf = (code: string): Program["kind"] => {
  if (code.includes("from \"@effect/vitest\"")) return "test"
  if (code.includes("runMain(")) return "program"
  return /^\/\/ [\w./]+\.ts\n/.test(code) ? "config" : "module"
}

/** The TypeScript in a document. */
export const programsOf = (file: string, text: string): ReadonlyArray<Program> =>
  [...text.matchAll(/^```ts\n(.*?)^```\n/gms)].map((match) => {
    const code = match[1]!
    const after = text.slice(match.index + match[0].length)
    return {
      place: `${file}:${text.slice(0, match.index).split("\n").length}`,
      code,
      prints: /^(?:\nIt prints:\n)?\n```text\n((?:.*\n)*?)```\n/.exec(after)?.[1],
      kind: kindOf(code)
    }
  })

/** The names of the collections that a program uses. */
export const collectionsOf = (code: string): ReadonlyArray<string> => [
  ...new Set(
    [...code.matchAll(/\.collection(?:<.*?>)?\("(\w+)"\)|\bname: "(\w+)", schema|^\s+name: "(\w+)",\n\s+schema/gm)]
      .map((match) => match.slice(1).find((name) => name !== undefined)!)
  )
]

/** A folder with these files whose modules find the packages of the pages, as a project of a reader would, until the scope closes. */
export const projectOf = (
  website: string,
  files: Readonly<Record<string, string>>
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(join(tmpdir(), "mongofx-programs-"))
      symlinkSync(join(website, "node_modules"), join(folder, "node_modules"), "dir")
      for (const [name, text] of Object.entries({ "package.json": "{ \"type\": \"module\" }\n", ...files })) {
        writeFileSync(join(folder, name), text)
      }
      return folder
    }),
    (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
  )
