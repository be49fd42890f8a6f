import { existsSync, readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { DefaultTheme } from "vitepress"

const website = fileURLToPath(new URL("..", import.meta.url))

interface Page {
  readonly link: string
  readonly text: string
  readonly section: string
  readonly order: number
}

const frontMatter = (file: string): Readonly<Record<string, string>> => {
  const [, head = ""] = /^---\n([\s\S]*?)\n---\n/.exec(readFileSync(file, "utf8")) ?? []
  return Object.fromEntries(
    head.split("\n").map((line) => /^(\w+): *(.*)$/.exec(line)).filter((line) => line !== null)
      .map(([, key, value]) => [key, value!.replace(/^"(.*)"$|^'(.*)'$/, "$1$2")])
  )
}

const pagesIn = (folder: string): ReadonlyArray<string> =>
  existsSync(`${website}/${folder}`)
    ? readdirSync(`${website}/${folder}`).filter((file) => file.endsWith(".md")).map((file) => `${folder}/${file}`)
    : []

/** The sections of the sidebar, in their order. A page says in its front matter where it stands: `section`, `order`, `title`. */
const sections = ["Begin", "Work with data", "In production", "Coming from", "Choosing", "Reference"]

const sectionOf = (file: string): string | undefined =>
  file.startsWith("coming-from/") ? "Coming from" : file.includes("/") ? undefined : "Choosing"

const pages = (): ReadonlyArray<Page> =>
  [...pagesIn("guides"), ...pagesIn("coming-from"), ...pagesIn(".")].map((path) => path.replace("./", ""))
    .filter((file) => file !== "index.md" && file !== "README.md")
    .map((file) => {
      const { order = "1000", section = sectionOf(file), title } = frontMatter(`${website}/${file}`)
      if (title === undefined || section === undefined || !sections.includes(section)) {
        throw new Error(
          `${file} needs a title, and a section that is one of ${sections.join(", ")}, in its front matter`
        )
      }
      return { link: `/${file.replace(/\.md$/, "")}`, text: title, section, order: Number(order) }
    })

const reference: DefaultTheme.SidebarItem = {
  text: "Reference",
  items: [{ text: "All modules", link: "/reference/index" }]
}

/** The pages that exist, by section and order. */
export const sidebar = (): Array<DefaultTheme.SidebarItem> => {
  const all = pages()
  return sections.map((text) => {
    const items = all.filter(({ section }) => section === text).sort((a, b) =>
      a.order - b.order || a.text.localeCompare(b.text)
    )
    return text === "Reference" ? { ...reference, items: [...reference.items ?? [], ...items] } : { text, items }
  }).filter(({ items }) => items.length > 0)
}

/** The first page of a section stands for it, and pages that stand alone for themselves. */
export const navigation = (): Array<DefaultTheme.NavItem> => {
  const all = pages()
  const named = (name: string) =>
    all.filter(({ link }) => link === `/${name}`).map(({ link, text }) => ({ text, link }))
  const comingFrom = all.filter(({ section }) => section === "Coming from").sort((a, b) => a.order - b.order)
  return [
    { text: "Start", link: "/guides/start" },
    ...comingFrom.length === 0
      ? []
      : [{
        text: "Coming from",
        items: comingFrom.map(({ link, text }) => ({ link, text: text.replace("Coming from ", "") }))
      }],
    ...named("choosing"),
    ...named("reliability"),
    { text: "Reference", link: "/reference/index" }
  ]
}

/** The modules by package. */
export const referenceSidebar = (): Array<DefaultTheme.SidebarItem> => [
  { text: "Guides", link: "/guides/start" },
  { text: "All modules", link: "/reference/index" },
  ...["core", "schema", "testing"].map((name) => ({
    text: `@mongofx/${name}`,
    items: pagesIn(`reference/${name}`).map((file) => file.replace(/\.md$/, "")).sort()
      .map((file) => ({ text: file.replace(/^.*\//, ""), link: `/${file}` }))
  }))
]
