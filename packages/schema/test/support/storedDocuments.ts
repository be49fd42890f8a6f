/**
 * Random collections of documents: each place holds one type of value or several, now and then something else, and names and texts that
 * mean something to a program.
 *
 * @since 0.1.0
 */
import * as Driver from "mongodb"
import type { Random } from "./compiledSchemas.ts"

/** Texts that end a comment, a string or a statement, with code that would run after it. */
const hostile: ReadonlyArray<string> = [
  "*/ globalThis.planted = 1 /*",
  "\n globalThis.planted = 1",
  "\u2028globalThis.planted = 1",
  "\r\nglobalThis.planted = 1 //",
  `"; globalThis.planted = 1; "`,
  `\\"; globalThis.planted = 1; "`,
  "`${globalThis.planted = 1}`",
  "${globalThis.planted = 1}",
  "</script>",
  "\uFEFF\u202E",
  "😀",
  "\u{E0041}",
  "",
  " "
]

const names: ReadonlyArray<string> = [
  "a",
  "name",
  "createdAt",
  "snake_case",
  "kebab-case",
  "two words",
  "a.b",
  "$a",
  "0",
  "12",
  "class",
  "Schema",
  "__proto__",
  "constructor",
  "toString",
  "日本",
  "_id",
  "aNameOfMoreThanSixtyCharactersSoThatManyLinesNeedToBeBrokenSomewhere",
  ...hostile
]

const oid = (random: Random) => new Driver.ObjectId(Buffer.from(Array.from({ length: 12 }, () => random.int(256))))
const bytes = (random: Random, length: number) => Buffer.from(Array.from({ length }, () => random.int(256)))

type Maker = (random: Random) => unknown

const scalars: ReadonlyArray<Maker> = [
  (random) => random.int(100),
  (random) => random.int(100) + 0.5,
  (random) => random.pick([NaN, Infinity, -0, 2 ** 40, 2 ** 53, 1e300, new Driver.Double(3)]),
  (random) => Driver.Long.fromNumber(random.int(1000)),
  (random) => random.pick([Driver.Long.MAX_VALUE, Driver.Long.MIN_VALUE, Driver.Long.fromBigInt(2n ** 53n)]),
  (random) => Driver.Decimal128.fromString(random.pick(["1.50", "0", "-0", "1E+6111", "12345678901234567890"])),
  (random) => Driver.Decimal128.fromString(random.pick(["1", "NaN", "Infinity"])),
  (random) => random.chance(0.5),
  (random) => new Date(random.int(2 ** 31) * 1000),
  oid,
  (random) => new Driver.UUID(bytes(random, 16)),
  (random) => new Driver.Binary(bytes(random, random.int(4))),
  (random) => new Driver.Binary(bytes(random, random.pick([3, 16])), random.pick([2, 3, 4, 5, 128])),
  () => Driver.Binary.fromFloat32Array(new Float32Array([1, 2.5])),
  () => Driver.Binary.fromInt8Array(new Int8Array([1, -2])),
  () => Driver.Binary.fromBits(new Int8Array([1, 0, 1])),
  () => new Driver.Timestamp({ t: 1, i: 2 }),
  (random) => random.pick([/^a\/b/i, new Driver.BSONRegExp("a.*", "imsx")]),
  (random) => random.pick([new Driver.Code("f()"), new Driver.Code("f(x)", { x: 1 })]),
  () => new Driver.MinKey(),
  () => new Driver.MaxKey(),
  () => new Driver.BSONSymbol("symbol"),
  (random) => new Driver.DBRef("users", oid(random)),
  () => ({ $ref: "users", $id: 7 }),
  () => null,
  (random) => `text ${random.int(1e6)}`,
  (random) => random.pick(["red", "green", "blue"]),
  () => "the only text of more than forty characters",
  (random) => random.pick(hostile),
  (random) => new Date(random.int(2 ** 31) * 1000).toISOString(),
  (random) => new Date(random.int(2 ** 31) * 1000).toISOString().slice(0, 10),
  (random) => oid(random).toHexString(),
  () => ({}),
  () => []
]

const key = (random: Random): string =>
  random.pick([
    () => oid(random).toHexString(),
    () => String(random.int(50)),
    () => `2026-01-${String(random.int(28) + 1).padStart(2, "0")}`,
    () => `user${random.int(5000)}`
  ])()

const own = (fields: ReadonlyArray<readonly [string, unknown]>): object => {
  const out = {}
  for (const [name, value] of fields) {
    Object.defineProperty(out, name, { value, configurable: true, enumerable: true, writable: true })
  }
  return out
}

/** What may stand at one place. */
const place = (random: Random, depth: number): Maker => {
  const usual = one(random, depth)
  const others = random.chance(0.3) ? [one(random, depth), random.pick(scalars)] : []
  const share = random.pick([0.02, 0.5])
  const nulls = random.chance(0.3) ? 0.2 : 0
  return (random) =>
    random.chance(nulls)
      ? null
      : others.length > 0 && random.chance(share)
      ? random.pick(others)(random)
      : usual(random)
}

const one = (random: Random, depth: number): Maker => {
  if (depth === 0 || random.chance(0.6)) return random.pick(scalars)
  if (random.chance(0.4)) {
    const element = place(random, depth - 1)
    return (random) => Array.from({ length: random.int(6) }, () => element(random))
  }
  if (random.chance(0.2)) {
    const value = place(random, depth - 1)
    return (random) => own(Array.from({ length: random.int(6) }, () => [key(random), value(random)]))
  }
  return struct(random, depth - 1)
}

const struct = (random: Random, depth: number): (random: Random) => object => {
  const fields = random.shuffle(names).slice(0, 1 + random.int(6)).map((name) => ({
    name,
    value: place(random, depth),
    presence: random.pick([1, 1, 1, 0.5, 0.97, 0.04])
  }))
  return (random) =>
    own(fields.flatMap(({ name, presence, value }) => random.chance(presence) ? [[name, value(random)] as const] : []))
}

/** A random collection: the documents as the server stores them. */
export const collection = (random: Random): Array<Uint8Array> => {
  const id = random.pick<Maker>([
    oid,
    (random) => random.int(1e9),
    (random) => `${random.pick(hostile)}${random.int(1e6)}`
  ])
  const fields = struct(random, 3)
  return Array.from({ length: random.pick([1, 3, 25, 80]) }, () => {
    const { _id = id(random), ...rest } = fields(random) as Record<string, unknown>
    return Driver.BSON.serialize(own([["_id", _id], ...Object.entries(rest)]), { ignoreUndefined: true })
  })
}

/** A collection whose objects have more keys than a summary keeps. */
export const manyKeys = (random: Random): Array<Uint8Array> =>
  Array.from({ length: 60 }, (_, _id) =>
    Driver.BSON.serialize(own([
      ["_id", _id],
      ...Array.from({ length: 40 }, () => [`key ${random.int(5000)}`, random.pick(scalars)(random)] as const)
    ])))
