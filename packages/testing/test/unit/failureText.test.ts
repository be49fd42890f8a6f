import { assert, describe, it } from "@effect/vitest"
import { show } from "@mongofx/testing/internal/failureText"

describe("show", () => {
  it("shows an object without a prototype as any other one", () => {
    const value = { name: Object.assign(Object.create(null), { first: "Ada" }) }
    assert.strictEqual(show([value]), "[ { name: { first: 'Ada' } } ]")
  })
})
