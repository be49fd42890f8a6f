import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { charts, fileOf, pages, withCharts } from "../scripts/charts.ts"
import { draw } from "../scripts/svg.ts"

const repository = new URL("../..", import.meta.url)

describe("the charts", () => {
  for (const [name, chart] of Object.entries(charts())) {
    it(`${name}.svg shows the figures of its table: run website/scripts/charts.ts if it does not`, () => {
      assert.strictEqual(readFileSync(fileOf(name), "utf8"), draw(chart))
    })

    it(`${name}.svg says in words what it shows`, () => {
      for (const { label, name, parts } of chart.bars) {
        assert.include(chart.alt, name)
        for (const { value } of parts) assert.include(`${chart.alt} ${label}`, String(value))
      }
    })
  }

  for (const page of pages) {
    const text = readFileSync(page, "utf8")
    const file = page.pathname.split("/").at(-1)!

    it(`${file} has the figures of its charts: run website/scripts/charts.ts if it does not`, () => {
      assert.strictEqual(text, withCharts(text))
    })

    it(`${file} links to files that are there, and to tests that have the name that it quotes`, () => {
      const links = [
        ...text.matchAll(/\[([^\]]+)\]\(https:\/\/github\.com\/mongofx\/mongofx\/blob\/main\/([^)#]+)[^)]*\)/g)
      ]
      assert.isAbove(links.length, 0)
      for (const [, title = "", path = ""] of links) {
        assert.isTrue(existsSync(new URL(path, repository)), path)
        if (path.endsWith(".test.ts")) {
          assert.include(readFileSync(new URL(path, repository), "utf8"), title, path)
        }
      }
    })
  }
})
