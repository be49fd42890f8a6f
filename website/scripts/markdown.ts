// Reads the Markdown of the pages: front matter, fences, includes, headings and links.
import { readdirSync } from "node:fs"
import { join, posix } from "node:path"

/** Folders of `website` that hold no pages and no programs of pages. */
const apart = new Set(["node_modules", ".vitepress", "dist", "mistakes", "public", "reference", "scripts", "test"])

/** The sections that guides stand in, in their order. */
export const guideSections: ReadonlyArray<string> = ["Begin", "Work with data", "In production"]

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

interface Line {
  readonly text: string
  readonly number: number
  readonly isCode: boolean
  /** Whether a script writes it from programs, as a comment before it says. */
  readonly isWritten: boolean
}

export interface Page {
  readonly frontMatter: ReadonlyMap<string, string>
  /** The links in the front matter, which the start page has. */
  readonly frontMatterLinks: ReadonlyArray<{ readonly target: string; readonly line: number }>
  /** The lines after the front matter; the place of each is its number in the file. */
  readonly lines: ReadonlyArray<Line>
}

/** The opening line of a fence of code: its mark and its language. */
const fence = /^\s*(`{3,}|~{3,})\s*([\w-]*)/

export const parsePage = (text: string): Page => {
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
export const fencesOf = (page: Page): ReadonlyArray<{ readonly language: string; readonly line: number }> =>
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
export const includesOf = (file: string, page: Page): ReadonlyArray<Include> =>
  page.lines.flatMap(({ isCode, number, text }) => {
    const [, path, region] = /^\s*<<<\s+([^\s#{]+)(?:#([\w-]+))?/.exec(text) ?? []
    if (isCode || path === undefined) return []
    const fromRoot = path.startsWith("@/") ? path.slice(2) : posix.join(posix.dirname(file), path)
    return [{ path: fromRoot, region, line: number }]
  })

/** The lines of a region of a program, or `undefined` if it does not begin or end. A region of VitePress ends with its name. */
export const regionOf = (source: string, region: string): string | undefined => {
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

export const anchorsOf = (page: Page): ReadonlySet<string> => {
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
export const linksOf = (page: Page): ReadonlyArray<{ readonly target: string; readonly line: number }> =>
  page.frontMatterLinks.concat(page.lines.flatMap(({ isCode, number, text }) => {
    if (isCode) return []
    const prose = text.replace(/`[^`]*`/g, "")
    const markdown = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)]
    const named = [...prose.matchAll(/^\[[^\]]+\]: (\S+)$/g)]
    const html = [...prose.matchAll(/\b(?:href|src)="([^"]+)"/g)]
    return [...markdown, ...named, ...html].map(([, target]) => ({ target: target!, line: number }))
  }))
