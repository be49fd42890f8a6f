// Compiles the same ten mistakes with each package, and says which of them the compiler refuses.
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const website = new URL("..", import.meta.url)

const packages = [
  ["driver", "mistakes/driver.ts"],
  ["mongoose", "mistakes/mongoose.ts"],
  ["effect-mongodb", "effect-3/mistakes/effectMongodb.ts"],
  ["papr", "mistakes/papr.ts"],
  ["mongofx", "mistakes/mongofx.ts"]
] as const

/** The lines of the errors that the compiler reports, by file. */
const compile = (): ReadonlyMap<string, ReadonlySet<number>> => {
  const compiler = join(
    dirname(createRequire(new URL("../package.json", website)).resolve("typescript/package.json")),
    "bin/tsc"
  )
  const project = fileURLToPath(new URL("mistakes/tsconfig.json", website))
  let output = ""
  try {
    execFileSync(process.execPath, [compiler, "-p", project, "--pretty", "false"], { cwd: website, encoding: "utf8" })
  } catch (error) {
    output = (error as { readonly stdout: string }).stdout
  }
  const found = new Map<string, Set<number>>()
  for (const [, file = "", line = ""] of output.matchAll(/^(\S+\.ts)\((\d+),\d+\): error/gm)) {
    const name = file.replace(/^.*?(mistakes\/)/, "$1")
    found.set(name, (found.get(name) ?? new Set()).add(Number(line)))
  }
  return found
}

/** What a package's compiler makes of the mistakes: their names, which are refused, and whether the right lines compile. */
export interface Verdict {
  readonly name: string
  readonly mistakes: ReadonlyArray<string>
  readonly refused: ReadonlyArray<boolean>
  readonly rightLinesRefused: ReadonlyArray<string>
}

/** The verdicts on all packages that can be compiled here. */
export const verdicts = (): ReadonlyArray<Verdict> => {
  const errors = compile()
  return packages.map(([name, file]) => {
    const wrong = errors.get(file.replace("effect-3/", "")) ?? new Set()
    const mistakes: Array<string> = []
    const refused: Array<boolean> = []
    const rightLinesRefused: Array<string> = []
    readFileSync(new URL(file, website), "utf8").split("\n").forEach((line, i) => {
      if (line.startsWith("// ")) mistakes.push(line.slice(3))
      if (line.endsWith("// wrong")) refused.push(wrong.has(i + 1))
      else if (wrong.has(i + 1)) rightLinesRefused.push(line)
    })
    return { name, mistakes, refused, rightLinesRefused }
  })
}

/** The table of the page: a row for each mistake, and the count. */
export const mistakesTable = (compiled: ReadonlyArray<Verdict>): string => {
  const prisma = JSON.parse(readFileSync(new URL("mistakes/prisma/verdict.json", website), "utf8")) as Verdict
  const all = [...compiled.slice(0, -1), prisma, compiled.at(-1)!]
  const line = (cells: ReadonlyArray<string>) => `| ${cells.join(" | ")} |`
  return [
    line(["Mistake", ...all.map(({ name }) => name)]),
    line(["---", ...all.map(() => ":---:")]),
    ...compiled[0]!.mistakes.map((mistake, i) =>
      line([mistake, ...all.map(({ refused }) => refused[i] ? "refused" : "–")])
    ),
    line(["**Refused**", ...all.map(({ refused }) => `**${refused.filter(Boolean).length} of ${refused.length}**`)])
  ].join("\n")
}
