import { dirname, posix } from "node:path"

const entities: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&quot;": "\"",
  "&#39;": "'",
  "&lt;": "<",
  "&gt;": ">"
}
const decoded = (text: string): string =>
  text.replaceAll(/&(amp|quot|#39|lt|gt);/g, (entity) => entities[entity] ?? entity)

const attributes = (html: string, name: string): ReadonlyArray<string> =>
  Array.from(html.matchAll(new RegExp(`\\s${name}="([^"]*)"`, "g")), ([, value = ""]) => decoded(value))

/** A link of a page to another file of the site, and to a place in it. */
export interface Link {
  readonly file: string
  readonly anchor: string
}

/** The parts of a page that its scripts and styles are not. */
const visible = (html: string): string => html.replaceAll(/<(script|style)\b[\s\S]*?<\/\1>/g, "")

export const idsOf = (html: string): ReadonlySet<string> => new Set(attributes(visible(html), "id"))

/** The links of a page within the site, `file` being its path from the top of the site. */
export const linksOf = (file: string, html: string): ReadonlyArray<Link> =>
  [...attributes(visible(html), "href"), ...attributes(visible(html), "src")]
    .filter((url) => !/^([a-z]+:|\/\/)/i.test(url))
    .map((url) => {
      const [path = "", anchor = ""] = decodeURIComponent(url).split("#")
      return { file: path === "" ? file : posix.normalize(posix.join(dirname(file), path)), anchor }
    })
