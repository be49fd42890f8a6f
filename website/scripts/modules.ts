// The public modules of the packages, and what they say of themselves.
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

/** The packages, by the names of their folders. */
export const packages = ["core", "schema", "testing", "backends"]

/** The folder of the sources of a package. */
export const sourcesOf = (name: string): string =>
  fileURLToPath(new URL(`../../packages/${name}/src/`, import.meta.url))

/** The names of the public modules of a package. */
export const modulesOf = (name: string): ReadonlyArray<string> =>
  readdirSync(sourcesOf(name)).filter((file) => /^[A-Z]\w*\.ts$/.test(file)).map((file) => file.slice(0, -3)).sort()

/** What a module says of itself, in its first comment. */
export const introductionOf = (name: string, module: string): string => {
  const source = readFileSync(`${sourcesOf(name)}${module}.ts`, "utf8")
  const comment = /\/\*\*\n([\s\S]*?)\n \*\//.exec(source)?.[1] ?? ""
  const text = comment.replaceAll(/^ \* ?/gm, "").replace(/@since[\s\S]*$/, "").trim()
  if (text === "" || text.includes("{@")) {
    throw new Error(`The first comment of ${name}/${module} has no text, or has a link`)
  }
  return text
}

/** The first sentence of that. */
export const sentenceOf = (name: string, module: string): string =>
  introductionOf(name, module).split(/(?<=\.)\s/)[0]!.replaceAll("\n", " ")
