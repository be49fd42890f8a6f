import { assert, describe, it } from "@effect/vitest"
import { existsSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { filesForAssistants, linksForAssistants } from "../scripts/llms.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

describe("what assistants read", () => {
  const files = filesForAssistants()
  const index = files.get("llms.txt")!

  it("llms.txt has links that lead to a page or a module", () => {
    const links = linksForAssistants(index)
    assert.isAbove(links.length, 40)
    for (const link of links) {
      const module = /^reference\/(\w+)\/(\w+)\.html$/.exec(link)
      if (module === null) assert.isTrue(files.has(link), link)
      else assert.isTrue(existsSync(`${root}packages/${module[1]}/src/${module[2]}.ts`), link)
    }
  })

  it("llms.txt names every page, with its description", () => {
    for (const file of files.keys()) if (file.endsWith(".md")) assert.match(index, new RegExp(`\\(${file}\\): \\S`))
    assert.notInclude(index, "[undefined]")
  })

  it("pages have the programs and outputs that they include", () => {
    const start = files.get("guides/start.md")!
    assert.match(start, /```ts\nimport .* from "@mongofx\/core"[^]*?\n```/)
    for (const text of files.values()) assert.notMatch(text, /^\s*<<<|^<!--@include|#region|#endregion/m)
    assert.include(files.get("llms-full.txt")!, start)
  })
})
