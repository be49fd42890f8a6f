/**
 * Checks the pages and settings of the repository that no program reads.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import * as Fs from "node:fs"

const root = new URL("../../../../", import.meta.url)

const read = (file: string): string => Fs.readFileSync(new URL(file, root), "utf8")

describe("docs/decisions.md", () => {
  it("says below each heading on which day the decision was taken", () => {
    const sections = read("docs/decisions.md").replace(/^```.*?^```$/gms, "").split(/^## /m).slice(1)
    assert.isAbove(sections.length, 60)
    for (const section of sections) {
      const [heading, empty, day = ""] = section.split("\n")
      assert.match(`${empty}${day}`, /^_Decided \d{4}-\d{2}-\d{2}\._$/, heading)
      const date = day.slice("_Decided ".length, -"._".length)
      assert.strictEqual(new Date(date).toISOString().slice(0, 10), date, heading)
    }
  })
})
