import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, posix } from "node:path"

/** Folders of `website` that hold no pages and no programs of pages. */
const apart = new Set(["effect-3", "node_modules", ".vitepress", "dist", "public", "reference", "scripts", "test"])

/** The files of a kind in the folders of pages, as paths from there. */
export const filesOf = (folder: string, extension: string): ReadonlyArray<string> =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) {
      return apart.has(entry.name)
        ? []
        : filesOf(join(folder, entry.name), extension).map((file) => `${entry.name}/${file}`)
    }
    return entry.name.endsWith(extension) ? [entry.name] : []
  }).sort()

/** Whether a file is run, and not only imported by one that is. */
export const isProgram = (source: string): boolean => /\brunMain\b|\bEffect\.run(?:Promise|Fork|Sync)\b/.test(source)

/** Pages that are being written: links to them are fine. */
export const planned: ReadonlySet<string> = new Set([
  ...("start connecting documents-and-queries typed-collections filters-and-updates input-from-outside pipelines " +
    "repositories-and-resolvers pages transactions change-streams-and-outboxes files indexes-and-validators migrations " +
    "errors-and-retries deadlines-and-interruption testing telemetry security performance deployment bun-and-deno")
    .split(" ").map((name) => `guides/${name}.md`),
  ...["node-driver", "mongoose", "effect-mongodb", "motor"].map((name) => `coming-from/${name}.md`),
  "choosing.md",
  "reliability.md"
])

/** The sources of the pages: what a check needs to know. */
export interface Site {
  /** The text of each page, by its path: `guides/start.md`. */
  readonly pages: ReadonlyMap<string, string>
  /** Pages that are not written yet. */
  readonly planned: ReadonlySet<string>
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
    planned,
    programs: new Map(texts.filter((entry) => !isPage(entry))),
    // These are made by the build.
    isPublic: (path) => path === "llms.txt" || path === "llms-full.txt" || existsSync(join(website, "public", path)),
    isInRepository: (path) => existsSync(join(dirname(join(website)), path))
  }
}

// ---- what is in a page

interface Line {
  readonly text: string
  readonly number: number
  readonly isCode: boolean
  /** Whether a script writes it from programs, as a comment before it says. */
  readonly isWritten: boolean
}

interface Page {
  readonly frontMatter: ReadonlyMap<string, string>
  /** The links in the front matter, which the start page has. */
  readonly frontMatterLinks: ReadonlyArray<{ readonly target: string; readonly line: number }>
  /** The lines after the front matter; the place of each is its number in the file. */
  readonly lines: ReadonlyArray<Line>
}

/** The opening line of a fence of code: its mark and its language. */
const fence = /^\s*(`{3,}|~{3,})\s*([\w-]*)/

const parsePage = (text: string): Page => {
  const all = text.split("\n")
  const end = all[0] === "---" ? all.indexOf("---", 1) : -1
  const frontMatter = new Map(
    all.slice(1, Math.max(end, 1)).flatMap((line) => {
      const [, name, value] = /^(\w+):\s*(.*?)\s*$/.exec(line) ?? []
      return name === undefined ? [] : [[name, value!.replace(/^(["'])(.*)\1$/, "$2")] as const]
    })
  )
  const frontMatterLinks = all.slice(0, Math.max(end, 0)).flatMap((line, i) => {
    const target = /^\s*(?:- )?(?:link|src): (\S+)$/.exec(line)?.[1]
    return target === undefined ? [] : [{ target, line: i + 1 }]
  })
  let open: string | undefined
  let isWritten = false
  const lines = all.slice(end + 1).map((text, i) => {
    const mark = fence.exec(text)?.[1]
    if (/^<!-- .* writes them\. -->$/.test(text)) isWritten = true
    else if (text === "<!-- dprint-ignore-end -->") isWritten = false
    const isCode = open !== undefined || mark !== undefined
    if (open === undefined) open = mark
    else if (mark?.startsWith(open) === true && text.trim() === mark) open = undefined
    return { text, number: end + 2 + i, isCode, isWritten }
  })
  return { frontMatter, frontMatterLinks, lines }
}

/** The fences of code that are typed into a page: language and place. */
const fencesOf = (page: Page): ReadonlyArray<{ readonly language: string; readonly line: number }> =>
  page.lines.flatMap(({ isCode, isWritten, number, text }, i) =>
    isCode && !isWritten && !(page.lines[i - 1]?.isCode ?? false)
      ? [{ language: fence.exec(text)![2]!, line: number }]
      : []
  )

interface Include {
  /** Path from `website`. */
  readonly path: string
  readonly region: string | undefined
  readonly line: number
}

/** `<<< @/guides/start/main.ts#program{ts}` */
const includesOf = (file: string, page: Page): ReadonlyArray<Include> =>
  page.lines.flatMap(({ isCode, number, text }) => {
    const [, path, region] = /^\s*<<<\s+([^\s#{]+)(?:#([\w-]+))?/.exec(text) ?? []
    if (isCode || path === undefined) return []
    const fromRoot = path.startsWith("@/") ? path.slice(2) : posix.join(posix.dirname(file), path)
    return [{ path: fromRoot, region, line: number }]
  })

/** The lines of a region of a program, or `undefined` if it does not begin or end. A region of VitePress ends with its name. */
const regionOf = (source: string, region: string): string | undefined => {
  const lines = source.split("\n")
  const at = (word: string) => lines.findIndex((line) => line.trim() === `// #${word} ${region}`)
  const [start, end] = [at("region"), at("endregion")]
  return start === -1 || end <= start
    ? undefined
    : lines.slice(start + 1, end).filter((line) => !/^\s*\/\/ #(end)?region\b/.test(line)).join("\n")
}

/** The id that a heading gets, as in the pages that VitePress makes. */
const slugOf = (heading: string): string =>
  heading.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase()
    .replace(/[\s~`!@#$%^&*()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+/g, "-")
    .replace(/^-|-$/g, "").replace(/^(?=\d)/, "_")

const anchorsOf = (page: Page): ReadonlySet<string> => {
  const anchors = new Set<string>()
  for (const { isCode, text } of page.lines) {
    const html = [...text.matchAll(/\bid="([^"]+)"/g)]
    for (const [, id] of html) anchors.add(id!)
    const heading = /^#{1,6}\s+(.*?)\s*#*$/.exec(text)?.[1]
    if (isCode || heading === undefined) continue
    const own = /\{#([\w-]+)\}$/.exec(heading)?.[1]
    const slug = own ?? slugOf(heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*]/g, ""))
    let id = slug
    for (let n = 1; anchors.has(id); n++) id = `${slug}-${n}`
    anchors.add(id)
  }
  return anchors
}

/** Links and pictures, without those in code. */
const linksOf = (page: Page): ReadonlyArray<{ readonly target: string; readonly line: number }> =>
  page.frontMatterLinks.concat(page.lines.flatMap(({ isCode, number, text }) => {
    if (isCode) return []
    const prose = text.replace(/`[^`]*`/g, "")
    const markdown = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)]
    const html = [...prose.matchAll(/\b(?:href|src)="([^"]+)"/g)]
    return [...markdown, ...html].map(([, target]) => ({ target: target!, line: number }))
  }))

// ---- what is wrong with a site

const sections = ["Begin", "Work with data", "In production"]
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
  if (isGuide(file) && section !== undefined && !sections.includes(section)) {
    findings.push(`${file}: its section is "${section}": write one of ${sections.join(", ")}`)
  }
  const first = lines.find(({ text }) => text.trim() !== "")?.text ?? ""
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
    const reference = /^\/reference(?:\/(core|schema|testing)(?:\/([A-Z]\w*))?)?\/?$/.exec(
      absolute.replace(/\.html$/, "")
    )
    if (reference !== null) {
      const [, name, module] = reference
      const isThere = module === undefined || site.isInRepository(`packages/${name}/src/${module}.ts`)
      return isThere ? [] : finding("leads to a module that is not there")
    }
    const to = pageAt(absolute, pages)
    if (to === undefined) {
      if (site.programs.has(absolute.slice(1))) return []
      if (site.planned.has(`${absolute.slice(1)}.md`)) return []
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

const programFindings = (pages: ReadonlyMap<string, Page>, { planned, programs }: Site): ReadonlyArray<string> => {
  const included = new Set([...pages].flatMap(([file, page]) => includesOf(file, page).map(({ path }) => path)))
  return [...programs.keys()].flatMap((file) => {
    if (file.endsWith(".out")) {
      return programs.has(file.replace(/\.out$/, ".ts")) ? [] : [`${file}: no program prints it: remove it`]
    }
    if (!file.endsWith(".ts")) return []
    const findings: Array<string> = []
    const page = `${posix.dirname(file)}.md`
    if (planned.has(page) && !pages.has(page)) return []
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
