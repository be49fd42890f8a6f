/** What the compiler and an editor say about the programs of the guides. */
import { spawnSync } from "node:child_process"
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { basename, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import ts from "typescript"

const website = fileURLToPath(new URL("../..", import.meta.url))
const root = dirname(website.replace(/\/$/, ""))
const tsconfig = join(root, "tsconfig.tests.json")

const expected = /^( *)\/\/ @ts-expect-error$/gm

/** Broken between words: a page is narrow. */
const wrapped = (text: string): string =>
  text.split("\n").map((line) => {
    const indent = /^ */.exec(line)![0]
    const lines = line.trim().replaceAll(/(.{1,96})(?: |$)/g, "$1\n").trimEnd().split("\n")
    return indent + lines.join(`\n${indent}  `)
  }).join("\n")

/**
 * Compiles copies of files without their `@ts-expect-error`: each line that does not compile, above what the compiler says
 * about it. Lines of a `mistakes.ts` beside an error of another file would be lost, so those are thrown.
 */
export const messagesOf = (files: ReadonlyArray<string>): ReadonlyArray<string> => {
  // Below a folder that has the packages.
  const folder = mkdtempSync(join(website, "node_modules/.mongofx-mistakes-"))
  try {
    const sources = files.map((file) => {
      const guide = join(folder, basename(dirname(file)))
      cpSync(join(website, dirname(file)), guide, { recursive: true })
      const copy = join(guide, basename(file))
      const source = readFileSync(copy, "utf8").replaceAll(expected, "$1//")
      writeFileSync(copy, source)
      return { copy, lines: source.split("\n") }
    })
    const project = join(folder, "tsconfig.json")
    const compilerOptions = {
      rootDir: root,
      composite: false,
      declarationMap: false,
      incremental: false,
      tsBuildInfoFile: null
    }
    writeFileSync(
      project,
      JSON.stringify({
        extends: tsconfig,
        include: [],
        references: [],
        files: sources.map(({ copy }) => copy),
        compilerOptions
      })
    )
    const tsc = join(root, "node_modules/typescript/bin/tsc")
    const { stdout } = spawnSync(process.execPath, [tsc, "-p", project, "--pretty", "false"], {
      cwd: folder,
      encoding: "utf8"
    })
    const errors = [...stdout.matchAll(/^(.+)\((\d+),\d+\): error TS\d+: (.*(?:\n .*)*)$/gm)].map(
      ([, file, line, message]) => ({ file: join(folder, file!), line: Number(line), message: message! })
    )
    const strange = errors.filter(({ file }) => !sources.some(({ copy }) => copy === file))
    if (strange.length > 0 || errors.length === 0) throw new Error(stdout)
    return sources.map(({ copy, lines }) =>
      errors.filter(({ file }) => file === copy).map(({ line, message }) =>
        `${lines[line - 1]!.trim()}\n${wrapped(message.split("\n").map((text) => `  ${text}`).join("\n"))}\n`
      ).join("\n")
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** What an editor shows where the mark `^?` below a line points to. The language service is that of TypeScript 6: version 7 has none to call. */
export const hoversOf = (files: ReadonlyArray<string>): ReadonlyArray<string> => {
  const paths = files.map((file) => join(website, file))
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(tsconfig, ts.sys.readFile).config, ts.sys, root)
  const service = ts.createLanguageService({
    ...ts.sys,
    useCaseSensitiveFileNames: () => ts.sys.useCaseSensitiveFileNames,
    getScriptFileNames: () => paths,
    getScriptVersion: () => "1",
    getScriptSnapshot: (name) => {
      const content = ts.sys.readFile(name)
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content)
    },
    getCurrentDirectory: () => root,
    getCompilationSettings: () => options,
    getDefaultLibFileName: (options) => ts.getDefaultLibFilePath(options)
  })
  return paths.map((path) => {
    const lines = readFileSync(path, "utf8").split("\n")
    return lines.flatMap((line, i) => {
      const column = /^ *\/\/ *\^\?$/.test(line) ? line.indexOf("^") : -1
      if (column === -1) return []
      const start = lines.slice(0, i - 1).reduce((sum, { length }) => sum + length + 1, 0)
      const info = service.getQuickInfoAtPosition(path, start + column)
      const text = ts.displayPartsToString(info?.displayParts).split("\n").map((text) => `  ${text}`).join("\n")
      return [`${lines[i - 1]!.trim()}\n${wrapped(text)}\n`]
    }).join("\n")
  })
}
