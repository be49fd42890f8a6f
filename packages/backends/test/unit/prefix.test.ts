/**
 * Ranges of keys that begin with a text.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { beginsWith } from "@mongofx/backends/internal/prefix"
import { Effect } from "effect"
import { seeded } from "test-support/utils"
import { oneOf } from "../support/backends.ts"

/** Compares as the server does: by bytes of UTF-8. */
const isLess = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0

describe("beginsWith", () => {
  it.effect("is the range of exactly the texts that begin with the prefix", () =>
    Effect.gen(function*() {
      const points = ["", "a", "b", "\0", "\x7f", "\x80", "é", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{10ffff}"]
      const text = Effect.map(Effect.all([oneOf(points), oneOf(points), oneOf(points)]), (parts) => parts.join(""))
      for (let i = 0; i < 20_000; i++) {
        const [prefix, each] = [yield* text, yield* text]
        const { $gte, $lt } = beginsWith(prefix)
        const isInside = !isLess(each, $gte) && ($lt === undefined || isLess(each, $lt))
        assert.strictEqual(isInside, each.startsWith(prefix), JSON.stringify([prefix, each, $gte, $lt]))
      }
    }).pipe(seeded))
})
