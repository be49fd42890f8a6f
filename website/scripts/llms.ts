// Writes what assistants read beside the built pages: llms.txt, llms-full.txt, and each page as Markdown with its programs in it.
// `tsx scripts/llms.ts FOLDER` with the folder of the built pages.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { filesOf, guideSections, includesOf, linksOf, type Page, parsePage, regionOf } from "./markdown.ts"
import { modulesOf, packages, sentenceOf } from "./modules.ts"

const website = fileURLToPath(new URL("..", import.meta.url))

const dedent = (code: string): string => {
  const lines = code.split("\n")
  const indent = Math.min(...lines.filter((line) => line.trim() !== "").map((line) => /^ */.exec(line)![0].length))
  return lines.map((line) => line.slice(indent)).join("\n")
}

/** A page as plain Markdown, with the code that it includes. */
const expanded = (file: string, page: Page): string => {
  const includes = new Map(includesOf(file, page).map((include) => [include.line, include]))
  return page.lines.map(({ number, text }) => {
    const include = includes.get(number)
    // A document of the repository that is a page too: `<!--@include: ../docs/versions.md{3,}-->`
    const [, path, from] = /^<!--@include: (\S+?)\{(\d+),\}-->$/.exec(text) ?? []
    if (path !== undefined) {
      const lines = readFileSync(join(website, dirname(file), path), "utf8").split("\n")
      return lines.slice(Number(from) - 1).join("\n").trimEnd()
    }
    if (include === undefined) return text
    const source = readFileSync(join(website, include.path), "utf8")
    const code = include.region === undefined
      ? source.replace(/^\s*\/\/ #(end)?region\b.*\n/gm, "")
      : regionOf(source, include.region)
    if (code === undefined) throw new Error(`${file}:${number}: ${include.path} has no region ${include.region}`)
    return `\`\`\`${/\{(\w+)\}/.exec(text)?.[1] ?? ""}\n${dedent(code).trimEnd()}\n\`\`\``
  }).filter((line) => !/^(:::|<!-- dprint|<style)/.test(line)).join("\n").replace(/^<script[^]*?<\/script>$/gm, "")
    .replace(/\n{3,}/g, "\n\n").trim() + "\n"
}

const moduleLine = (name: string, module: string): string =>
  `- [${module}](reference/${name}/${module}.html): ${sentenceOf(name, module)}`

/** The files for assistants, by their path in the folder of the built pages. */
export const filesForAssistants = (): ReadonlyMap<string, string> => {
  const pages = filesOf(website, ".md").filter((file) => file !== "index.md")
    .map((file) => [file, parsePage(readFileSync(join(website, file), "utf8"))] as const)
  const place = ([, { frontMatter }]: (typeof pages)[number]) => {
    const section = guideSections.indexOf(frontMatter.get("section") ?? "")
    return (section === -1 ? guideSections.length : section) * 10_000 + Number(frontMatter.get("order") ?? 0)
  }
  const sorted = [...pages].sort((a, b) => place(a) - place(b))
  const line = ([file, { frontMatter }]: (typeof pages)[number]) =>
    `- [${frontMatter.get("title")}](${file}): ${frontMatter.get("description")}`
  const group = (name: string, of: typeof pages) =>
    of.length === 0 ? "" : `\n## ${name}\n\n${of.map(line).join("\n")}\n`
  const inSection = (section: string) => sorted.filter(([, { frontMatter }]) => frontMatter.get("section") === section)
  const others = sorted.filter(([, { frontMatter }]) => !guideSections.includes(frontMatter.get("section") ?? ""))
  const reference = packages.map((name) =>
    `\n## Reference of @mongofx/${name}\n\n${modulesOf(name).map((module) => moduleLine(name, module)).join("\n")}\n`
  )
  const index =
    "# mongofx\n\n> MongoDB for Effect 4.1 in TypeScript, on the official driver: operations are Effects, queries are Streams, " +
    "connections are Layers, collections are typed by schemas.\n\nEach package ships an AGENTS.md with its idioms and traps. " +
    "All guides in one file: [llms-full.txt](llms-full.txt).\n" +
    [...guideSections.map((section) => group(section, inSection(section))), group("Comparisons", others), ...reference]
      .join(
        ""
      )
  const markdown = sorted.map(([file, page]) => [file, expanded(file, page)] as const)
  return new Map([
    ["llms.txt", index],
    ["llms-full.txt", markdown.map(([, text]) => text).join("\n---\n\n")],
    ...markdown
  ])
}

/** The links of llms.txt. */
export const linksForAssistants = (index: string): ReadonlyArray<string> =>
  linksOf(parsePage(index)).map(({ target }) => target)

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2]
  if (folder === undefined) throw new Error("name the folder of the built pages: tsx scripts/llms.ts dist")
  const files = filesForAssistants()
  for (const [file, text] of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  const missing = linksForAssistants(files.get("llms.txt")!).filter((link) => !existsSync(join(folder, link)))
  if (missing.length > 0) throw new Error(`llms.txt has links that lead nowhere: ${missing.join(", ")}`)
}
