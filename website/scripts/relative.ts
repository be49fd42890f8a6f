// Makes the addresses of a built site relative, so that it works from any folder: `tsx scripts/relative.ts`.
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { marker, relativeCss, relativeHtml, relativeJs } from "./relative/addresses.ts"

const site = fileURLToPath(new URL("../dist/", import.meta.url))
const rewrites: Readonly<Record<string, (file: string, text: string) => string>> = {
  html: relativeHtml,
  css: relativeCss,
  js: relativeJs
}

for (const file of readdirSync(site, { encoding: "utf8", recursive: true })) {
  const rewrite = rewrites[file.replace(/^.*\./, "")]
  if (rewrite === undefined) continue
  const text = readFileSync(`${site}${file}`, "utf8")
  const relative = rewrite(file, text)
  if (relative.includes(marker)) throw new Error(`${file} still has an address that begins with ${marker}`)
  if (relative !== text) writeFileSync(`${site}${file}`, relative)
}
