/**
 * Regular expressions of JavaScript against their translations on the server.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { MongoDatabase } from "@mongofx/core"
import { toServer } from "@mongofx/schema/internal/validator/pattern"
import { MongoTest } from "@mongofx/testing"
import { Effect } from "effect"

const letters = ["", "a", "b", "k", "K", "s", "ſ", "\u212a", "é", "É", "😀", "-", "@", ".", "_", "]", "\\", "0", " "]

const controls = ["\n", "\r", "\u2028", "\u00a0", "\u0085", "\ufeff", "\0", "\b", "\v"]

/** Each one, and two of them after each other. */
const texts = [
  ...new Set([
    ...letters,
    ...controls,
    ...letters.flatMap((a) => [...letters, ...controls].map((b) => a + b)),
    "a@b.c",
    "a-b-a",
    "ab\n"
  ])
]

const patterns = [
  /^[a-z]+(?:-[a-z]+)*$/,
  /^[^@\s]+@[^@\s]+\.[^@\s]+$/,
  /^[^@]+$/,
  /^a[^@]*@/,
  /^\S*$/,
  /^\s$/,
  /^\S$/u,
  /^.$/u,
  /^..$/u,
  /^.$/su,
  /^.*$/,
  /^[\w-]+$/,
  /^\W$/u,
  /^\D*$/,
  /^[a-s]$/i,
  /^[a-s]+$/iu,
  /^k+$/iu,
  /^[^k]$/iu,
  /^[^ks]*$/i,
  /^\w$/iu,
  /\bab?\b/,
  /b\B/,
  /^(?=a).*b/u,
  /^(?!a)/,
  /a|^$/,
  /b/y,
  /a|b/y,
  /[\]\\]/,
  /[\b\0\v]/,
  /[-a]/,
  /[a\-b.]$/,
  /^[^]*$/,
  /^[^]$/u,
  /^\u{1F600}/u,
  /^\ud83d\ude00/u,
  /\x61\u0062/,
  /a{0,1}-?$/,
  /x{,2}|_/,
  /^a+?b*?$/,
  /^(?<first>a)(?:b)?$/,
  /\./
]

describe("the translation of a regular expression", () => {
  it.live("takes the same texts on the server", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const all = db.collection<{ readonly _id: string }>("texts")
      yield* all.insertMany(texts.map((text) => ({ _id: text })))
      for (const pattern of patterns) {
        const translated = toServer(pattern.source, pattern.flags)
        assert.property(translated, "pattern", String(pattern))
        const { pattern: server } = translated as { readonly pattern: string }
        const found = new Set((yield* all.find({ _id: { $regex: server } })).map(({ _id }) => _id))
        for (const text of texts) {
          pattern.lastIndex = 0
          assert.strictEqual(found.has(text), pattern.test(text), `${pattern} as ${server}: ${JSON.stringify(text)}`)
        }
      }
    }).pipe(Effect.provide(MongoTest.layer)))

  it.live("takes long text below the length where the server gives up", () =>
    Effect.gen(function*() {
      const db = yield* MongoDatabase.MongoDatabase
      const long: ReadonlyArray<readonly [pattern: RegExp, text: (length: number) => string]> = [
        [/^(?:(?:a)?(?:b)?)*$/, (n) => "b".repeat(n)],
        [/^[a-z]+(?:-[a-z]+)*$/, (n) => "a-".repeat(n / 2) + "a"],
        [/^(?:(?:(?:a)+|(?:b)+)+|(?:(?:c)+|(?:d)+)+)+$/, (n) => "abcd".repeat(n / 4)],
        [/^[^@]+@[^@]+\.[^@]+$/, (n) => `a@b.${"b".repeat(n - 5)}`],
        [/^.*a.*b.*c$/u, (n) => `ab${"a".repeat(n - 4)}c`],
        [/^.*a.*a.*b.*c$/u, (n) => `aab${"a".repeat(n - 5)}c`],
        [/[0-9]+[a-z]$/, (n) => `${"1".repeat(n - 3)}-1a`]
      ]
      for (const [i, [pattern, text]] of long.entries()) {
        const { limit, pattern: server } = toServer(pattern.source, pattern.flags) as {
          readonly pattern: string
          readonly limit: number
        }
        const own = yield* db.createCollection<{ readonly text: string }>(`long${i}`, {
          validator: { $jsonSchema: { properties: { text: { pattern: server } } } }
        })
        for (const length of [limit / 2, limit - 1]) {
          const long = text(Math.floor(length))
          assert.isTrue(pattern.test(long), String(pattern))
          yield* own.insertOne({ text: long })
        }
      }
    }).pipe(Effect.provide(MongoTest.layer)))
})
