import { defineConfig } from "vitepress"
import { referenceSidebar, sidebar } from "./sidebar.ts"
import { linkSignatures } from "./signatures.ts"

/** `pnpm website:build` builds for this folder, and then makes every address relative to where the pages lie: see scripts/relative.ts. */
const base = process.env["WEBSITE_BASE"] ?? "/"

export default defineConfig({
  title: "mongofx",
  description: "MongoDB for Effect: the driver as Effects, Streams and Layers",
  lang: "en",
  base,
  outDir: "dist",
  cleanUrls: false,
  metaChunk: true,
  // Guides that are being written.
  ignoreDeadLinks: [/^\/(guides|coming-from)\//, /^\/(choosing|reliability)/],
  srcExclude: ["dist/**", "scripts/**", "test/**"],
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${base}logo.svg` }]],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config: (md) => linkSignatures(md, base)
  },
  themeConfig: {
    logo: "/logo.svg",
    search: { provider: "local" },
    outline: { level: [2, 3] },
    nav: [
      { text: "Start", link: "/guides/start" },
      { text: "Reference", link: "/reference/index" }
    ],
    sidebar: { "/reference/": referenceSidebar(), "/": sidebar() },
    footer: { message: "MIT licence" }
  }
})
