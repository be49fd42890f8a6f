import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import type { DefaultTheme } from "vitepress"
import { filesOf, guideSections, parsePage } from "../scripts/markdown.ts"
import { modulesOf, packages } from "../scripts/modules.ts"

const website = fileURLToPath(new URL("..", import.meta.url))

interface Page {
  readonly link: string
  readonly text: string
  readonly section: string
  readonly order: number
}

/** The sections of the sidebar, in their order. A page says in its front matter where it stands: `section`, `order`, `title`. */
const sections = [...guideSections, "Coming from", "Choosing", "Reference"]

const sectionOf = (file: string): string | undefined =>
  file.startsWith("coming-from/") ? "Coming from" : file.includes("/") ? undefined : "Choosing"

const pages = (): ReadonlyArray<Page> =>
  filesOf(website, ".md").filter((file) => file !== "index.md").map((file) => {
    const { frontMatter } = parsePage(readFileSync(`${website}${file}`, "utf8"))
    const [title, section = sectionOf(file)] = [frontMatter.get("title"), frontMatter.get("section")]
    if (title === undefined || section === undefined || !sections.includes(section)) {
      throw new Error(
        `${file} needs a title, and a section that is one of ${sections.join(", ")}, in its front matter`
      )
    }
    return {
      link: `/${file.replace(/\.md$/, "")}`,
      text: title,
      section,
      order: Number(frontMatter.get("order") ?? 1000)
    }
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
    {
      text: "Coming from",
      items: comingFrom.map(({ link, text }) => ({ link, text: text.replace("Coming from ", "") }))
    },
    ...named("choosing"),
    ...named("reliability"),
    { text: "Reference", link: "/reference/index" }
  ]
}

/** The modules by package. */
export const referenceSidebar = (): Array<DefaultTheme.SidebarItem> => [
  { text: "Guides", link: "/guides/start" },
  { text: "All modules", link: "/reference/index" },
  ...packages.map((name) => ({
    text: `@mongofx/${name}`,
    items: modulesOf(name).map((module) => ({ text: module, link: `/reference/${name}/${module}` }))
  }))
]
