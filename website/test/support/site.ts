import { existsSync, readFileSync } from "node:fs"
import { dirname, join, posix } from "node:path"
import {
  anchorsOf,
  fencesOf,
  filesOf,
  guideSections,
  includesOf,
  linksOf,
  type Page,
  parsePage,
  regionOf
} from "../../scripts/markdown.ts"
import { packages } from "../../scripts/modules.ts"

/** Whether a file is run, and not only imported by one that is. */
export const isProgram = (source: string): boolean => /\brunMain\b|\bEffect\.run(?:Promise|Fork|Sync)\b/.test(source)

/** The sources of the pages: what a check needs to know. */
export interface Site {
  /** The text of each page, by its path: `guides/start.md`. */
  readonly pages: ReadonlyMap<string, string>
  /** The text of each other file beside pages, such as programs and outputs, by its path. */
  readonly programs: ReadonlyMap<string, string>
  /** Whether a file of `website/public` is there. */
  readonly isPublic: (path: string) => boolean
  /** Whether a path of the repository is there. */
  readonly isInRepository: (path: string) => boolean
}

export const readSite = (website: string): Site => {
  const texts = filesOf(website, "").map((file) => [file, readFileSync(join(website, file), "utf8")] as const)
  const isPage = ([file]: readonly [string, string]) => file.endsWith(".md")
  return {
    pages: new Map(texts.filter(isPage)),
    programs: new Map(texts.filter((entry) => !isPage(entry))),
    // These are made by the build.
    isPublic: (path) => path === "llms.txt" || path === "llms-full.txt" || existsSync(join(website, "public", path)),
    isInRepository: (path) => existsSync(join(dirname(join(website)), path))
  }
}

// ---- what is wrong with a site

const byHand = /^(ts|typescript|tsx|mts|js|javascript|jsx|mjs|cjs)$/
const repository = /^https:\/\/github\.com\/mongofx\/mongofx\/(?:blob|tree)\/main\/([^#]+)/

const isGuide = (file: string) => file.startsWith("guides/")

const frontMatterFindings = (file: string, { frontMatter, lines }: Page): ReadonlyArray<string> => {
  if (file === "index.md") return []
  const required = isGuide(file) ? ["title", "description", "order", "section"] : ["title", "description"]
  const findings = required.filter((name) => (frontMatter.get(name) ?? "") === "")
    .map((name) => `${file}: its front matter has no ${name}: add "${name}: …"`)
  const { order, section } = { order: frontMatter.get("order"), section: frontMatter.get("section") }
  if (isGuide(file) && order !== undefined && !Number.isFinite(Number(order))) {
    findings.push(`${file}: its order is "${order}": write a number`)
  }
  if (isGuide(file) && section !== undefined && !guideSections.includes(section)) {
    findings.push(`${file}: its section is "${section}": write one of ${guideSections.join(", ")}`)
  }
  const script = lines.findIndex(({ text }) => text === "</script>")
  const first = lines.slice(script + 1).find(({ text }) => text.trim() !== "")?.text ?? ""
  if (!/^# \S/.test(first)) findings.push(`${file}: it begins with "${first}": begin with "# " and the title`)
  return findings
}

const orderFindings = (pages: ReadonlyMap<string, Page>): ReadonlyArray<string> => {
  const seen = new Map<string, string>()
  return [...pages].flatMap(([file, { frontMatter }]) => {
    if (!isGuide(file) || !frontMatter.has("order")) return []
    const place = `${frontMatter.get("section")} ${frontMatter.get("order")}`
    const other = seen.get(place)
    seen.set(place, file)
    return other === undefined ? [] : [`${file}: ${other} has the same section and order: give it another number`]
  })
}

const includeFindings = (file: string, page: Page, programs: Site["programs"]): ReadonlyArray<string> =>
  includesOf(file, page).flatMap(({ line, path, region }) => {
    const source = programs.get(path)
    if (source === undefined) return [`${file}:${line}: it includes ${path}, which is not there`]
    if (region === undefined || regionOf(source, region) !== undefined) return []
    return [
      `${file}:${line}: ${path} has no region ${region}: write // #region ${region} and // #endregion ${region} around it`
    ]
  })

/** The page that a link from a page leads to, or `undefined` if there is none. */
const pageAt = (path: string, pages: ReadonlyMap<string, Page>): string | undefined => {
  const plain = path.replace(/\.(html|md)$/, "")
  return [`${plain}.md`, posix.join(plain, "index.md")].map((page) => page.replace(/^\//, "")).find((page) =>
    pages.has(page)
  )
}

/** A page of the reference: the one of all modules, of a package, or of a module. */
const ofReference = new RegExp(`^/reference(?:/(${packages.join("|")})(?:/([A-Z]\\w*))?)?/?$`)

const linkFindings = (file: string, page: Page, pages: ReadonlyMap<string, Page>, site: Site): ReadonlyArray<string> =>
  linksOf(page).flatMap(({ line, target }) => {
    const finding = (text: string) => [`${file}:${line}: the link ${target} ${text}`]
    const inRepository = repository.exec(target)?.[1]
    if (inRepository !== undefined) {
      return site.isInRepository(inRepository) ? [] : finding("leads to a file that the repository does not have")
    }
    if (/^[a-z]+:/.test(target)) return []
    const [path = "", anchor] = target.split("#")
    const absolute = path === "" ? `/${file}` : posix.resolve("/", posix.dirname(file), path)
    const reference = ofReference.exec(absolute.replace(/\.html$/, ""))
    if (reference !== null) {
      const [, name, module] = reference
      const isThere = module === undefined || site.isInRepository(`packages/${name}/src/${module}.ts`)
      return isThere ? [] : finding("leads to a module that is not there")
    }
    const to = pageAt(absolute, pages)
    if (to === undefined) {
      if (site.programs.has(absolute.slice(1))) return []
      return site.isPublic(absolute.slice(1)) || site.isPublic(path) ? [] : finding("leads to a page that is not there")
    }
    return anchor === undefined || anchorsOf(pages.get(to)!).has(anchor)
      ? []
      : finding(`leads to a heading that ${to} does not have: it has ${[...anchorsOf(pages.get(to)!)].join(", ")}`)
  })

/** Whether a program or a page's other file names a file: an import, or a folder that is read at run time. */
const isNamedBy = (file: string, programs: Site["programs"]): boolean => {
  const folder = posix.dirname(file)
  const names = [posix.basename(file), `${posix.basename(folder)}/`, `"${posix.basename(folder)}"`]
  return [...programs].some(([other, source]) =>
    other !== file && other.endsWith(".ts") && file.split("/")[1] === other.split("/")[1] &&
    names.some((name) => source.includes(name))
  )
}

/** Whether a test compares what a program prints (`.out`), or what the compiler says about it (`.txt`). */
const hasOutput = (file: string, programs: Site["programs"]): boolean =>
  [".out", ".txt"].some((extension) => programs.has(file.replace(/\.ts$/, extension)))

const programFindings = (pages: ReadonlyMap<string, Page>, { programs }: Site): ReadonlyArray<string> => {
  const included = new Set([...pages].flatMap(([file, page]) => includesOf(file, page).map(({ path }) => path)))
  return [...programs.keys()].flatMap((file) => {
    if (file.endsWith(".out")) {
      return programs.has(file.replace(/\.out$/, ".ts")) ? [] : [`${file}: no program prints it: remove it`]
    }
    // A package of its own: other tests run its rows.
    if (!file.endsWith(".ts") || file.startsWith("effect-3/")) return []
    const findings: Array<string> = []
    const isShown = [file, file.replace(/\.ts$/, ".out")].some((shown) => included.has(shown))
    if (!isShown && !isNamedBy(file, programs)) {
      findings.push(`${file}: no page includes it: include it or remove it`)
    }
    const isTest = /\.test\.ts$|\/vitest\.config\.ts$/.test(file)
    if (isGuide(file) && !isTest && !hasOutput(file, programs) && !isNamedBy(file, programs)) {
      findings.push(`${file}: nothing runs it: write what it prints with WRITE_OUTPUT=1, or import it in a program`)
    }
    return findings
  })
}

/** What is wrong with the sources of the pages, a sentence each. */
export const findingsOf = (site: Site): ReadonlyArray<string> => {
  const pages = new Map([...site.pages].map(([file, text]) => [file, parsePage(text)]))
  return [
    ...[...pages].flatMap(([file, page]) => [
      ...frontMatterFindings(file, page),
      ...fencesOf(page).filter(({ language }) => byHand.test(language)).map(({ language, line }) =>
        `${file}:${line}: a fence of ${language} is typed by hand: put it into a program and include its region`
      ),
      ...includeFindings(file, page, site.programs),
      ...linkFindings(file, page, pages, site)
    ]),
    ...orderFindings(pages),
    ...programFindings(pages, site)
  ]
}
