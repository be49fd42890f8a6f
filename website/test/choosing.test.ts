import { assert, describe, it } from "@effect/vitest"
import { existsSync, readFileSync } from "node:fs"
import { beforeAll } from "vitest"
import { withMistakes } from "../scripts/charts.ts"
import { mistakesTable, type Verdict, verdicts } from "../scripts/mistakes.ts"
import { file, sizes } from "../scripts/sizes.ts"

describe("the comparison", () => {
  let all: ReadonlyArray<Verdict>
  beforeAll(() => {
    all = verdicts()
  }, 120_000)

  it("counts the mistakes as the compiler does: run website/scripts/charts.ts if it does not", () => {
    const text = readFileSync(new URL("../choosing.md", import.meta.url), "utf8")
    assert.strictEqual(text, withMistakes(text, mistakesTable(all)))
  })

  it("asks each package about the same ten mistakes, and the right lines compile", () => {
    for (const { mistakes, name, refused, rightLinesRefused } of all) {
      assert.deepStrictEqual(mistakes, all[0]!.mistakes, name)
      assert.lengthOf(refused, 10, name)
      assert.deepStrictEqual(rightLinesRefused, [], name)
    }
    assert.notInclude(all.at(-1)!.refused, false, "mongofx refuses all of them")
  })

  const built = existsSync(new URL("../../packages/schema/dist/index.js", import.meta.url))
  it.skipIf(!built)("has the sizes of today: run website/scripts/sizes.ts if it does not", async () => {
    const shown = JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, number>>
    const today = await sizes()
    assert.deepStrictEqual(Object.keys(shown), Object.keys(today))
    for (const [name, bytes] of Object.entries(today)) {
      assert.isBelow(Math.abs(bytes / shown[name]! - 1), 0.1, `${name} has ${bytes} bytes`)
    }
  }, 60_000)
})
