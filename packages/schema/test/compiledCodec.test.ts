/**
 * Compiled codecs give what the deserializer and the interpreter give, on random schemas and on random, also damaged, bytes.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import { agree, tally } from "./compiledLaws.ts"

const seeds = Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 ** 31 - 1 })))

const runs = Number(process.env["COMPILED_RUNS"] ?? 300)

describe("compiled codecs", () => {
  it.prop("agree with bson and the interpreter", [seeds], ([seed]) => agree(seed), { arbitrary: { runs } })

  it("do most of the work themselves", () => {
    assert.isAbove(tally.decodable, 100)
    assert.isAbove(tally.encodable, 100)
    assert.isAbove(tally.decoded / tally.decodable, 0.7)
    assert.isAbove(tally.encoded / tally.encodable, 0.8)
  })
})
