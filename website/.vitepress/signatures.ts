import type { MarkdownRenderer } from "vitepress"

/** Turns names in highlighted code into links. */
export const linkedText = (html: string, links: ReadonlyMap<string, string>): string =>
  html.replaceAll(/>([^<>]+)</g, (_, text: string) =>
    `>${
      text.replaceAll(/[\w$]+/g, (name) => {
        const url = links.get(name)
        return url === undefined ? name : `<a href="${url}">${name}</a>`
      })
    }<`)

/**
 * Signatures of the reference: code whose types lead to their documentation. Their fences say where, as `Name=/reference/PACKAGE/MODULE#anchor`
 * (see `scripts/reference/theme.ts`).
 */
export const linkSignatures = (md: MarkdownRenderer, base: string): void => {
  const { fence } = md.renderer.rules
  if (fence === undefined) throw new Error("markdown-it has no rule for code")
  md.renderer.rules.fence = (tokens, index, options, env, self) => {
    const token = tokens[index]!
    const [, list] = /^ts signature ?(.*)$/.exec(token.info) ?? []
    if (list === undefined) return fence(tokens, index, options, env, self)
    token.info = "ts"
    const html = fence(tokens, index, options, env, self)
    token.info = `ts signature ${list}`
    const links = list.split(" ").filter((link) => link.includes("=")).map((link) => {
      const [name = "", url = ""] = link.split("=")
      return [name, `${base}${url.slice(1).replace("#", ".html#")}`] as const
    })
    return linkedText(html, new Map(links)).replace("class=\"language-ts", "class=\"signature language-ts")
  }
}
