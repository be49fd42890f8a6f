import { defineConfig } from "vitepress"
import { navigation, referenceSidebar, sidebar } from "./sidebar.ts"
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
  srcExclude: ["dist/**", "mistakes/**", "scripts/**", "test/**"],
  head: [
    // Browsers run no modules from a disk: style.css hides what would need them.
    ["script", {}, "if(location.protocol===\"file:\")document.documentElement.classList.add(\"from-disk\")"],
    ["link", { rel: "icon", type: "image/svg+xml", href: `${base}logo.svg` }]
  ],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    config: (md) => linkSignatures(md, base)
  },
  themeConfig: {
    logo: "/logo.svg",
    search: { provider: "local" },
    outline: { level: [2, 3] },
    nav: navigation(),
    sidebar: { "/reference/": referenceSidebar(), "/": sidebar() },
    docFooter: { prev: "Before", next: "Next" }
  }
})
