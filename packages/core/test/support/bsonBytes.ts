/**
 * Random documents as bytes: all types of BSON, with what bson itself would not write, such as repeated names and text that is not UTF-8.
 *
 * @since 0.1.0
 */

/** A fast generator of numbers from 0 to 1. */
export const randomFrom = (seed: number) => {
  let a = seed | 0
  return (): number => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

const usualNames = [
  ..."abcde",
  "_id",
  "name",
  "address",
  "createdAt",
  "näme",
  "\u{1F600}",
  "\uFFFD",
  "",
  "0",
  "17",
  "4294967295",
  "a.b",
  "$set",
  "a name of twenty-one b",
  "long ".repeat(20)
].map((name) => Buffer.from(name))

const rareNames = [
  ...["__proto__", "constructor", "toString", "$ref", "$id", "$db", "writeErrors"].map((name) => Buffer.from(name)),
  Buffer.from([0x61, 0xff]),
  Buffer.from([0xc3])
]

const texts = [
  "",
  "a",
  "short",
  "sixteen letters!",
  "seventeen letters",
  "a text of more than twenty letters",
  "äöü",
  "\u{1F600}",
  "twelve bytes\u{1F600}",
  "a\0b",
  "\uFFFD",
  "a long text with \uFFFD in it, which means nothing",
  "\uFEFFmark",
  "ß".repeat(200),
  "x".repeat(1000)
].map((text) => Buffer.from(text))

const notUtf8 = [[0xff], [0x61, 0xc3], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc0, 0x80]].map((bytes) =>
  Buffer.from([...bytes, ...Buffer.from("and more than twenty letters")])
)

const longs = [0n, 1n, -1n, 2n ** 31n, -(2n ** 31n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)].concat(
  [0n, 1n, -1n, 2n].flatMap((near) => [2n ** 53n + near, -(2n ** 53n) + near])
)

const doubles = [0, -0, 1.5, -1, Number.NaN, Infinity, -Infinity, Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 53]

/** Dates up to the last one that JavaScript has, and beyond. */
const dates = [0n, -1n, 1_700_000_000_000n, 8_640_000_000_000_000n, -8_640_000_000_000_001n, 2n ** 63n - 1n]

const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value | 0)
  return bytes
}

const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64LE(BigInt.asIntN(64, value))
  return bytes
}

const double = (value: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}

const nul = Buffer.alloc(1)

const text = (bytes: Buffer): Buffer => Buffer.concat([int32(bytes.length + 1), bytes, nul])

const wrapped = (elements: ReadonlyArray<Buffer>): Buffer => {
  const size = elements.reduce((sum, element) => sum + element.length, 5)
  return Buffer.concat([int32(size), ...elements, nul])
}

/** One document per call. About one in ten may have rare names and types, and damaged text. */
export const makeDocuments = (random: () => number): () => Buffer => {
  const below = (n: number): number => Math.floor(random() * n)
  const oneOf = <A>(values: ReadonlyArray<A>): A => values[below(values.length)]!
  const bytes = (n: number): Buffer => Buffer.from(Array.from({ length: n }, () => below(256)))
  let isRare = false

  const name = (): Buffer => isRare && below(8) === 0 ? oneOf(rareNames) : oneOf(usualNames)
  const someText = (): Buffer => isRare && below(20) === 0 ? oneOf(notUtf8) : oneOf(texts)

  const binary = (): Buffer => {
    const subType = oneOf([0, 0, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 128, 255])
    const data = bytes(oneOf([0, 1, 15, 16, 16, 17, 300]))
    const content = subType === 2 ? Buffer.concat([int32(data.length), data]) : data
    return Buffer.concat([int32(content.length), Buffer.from([subType]), content])
  }

  const value = (depth: number): readonly [type: number, Buffer] => {
    const type = below(depth > 4 ? 12 : 16)
    switch (isRare && below(8) === 0 ? 100 + below(7) : type) {
      case 0:
        return [1, double(below(2) === 0 ? oneOf(doubles) : random() * 1e6)]
      case 1:
      case 2:
        return [2, text(someText())]
      case 3:
        return [5, binary()]
      case 4:
        return [7, bytes(12)]
      case 5:
        return [8, Buffer.from([below(2)])]
      case 6:
        return [9, int64(oneOf(dates))]
      case 7:
        return oneOf([[10, Buffer.alloc(0)], [6, Buffer.alloc(0)], [127, Buffer.alloc(0)], [255, Buffer.alloc(0)]])
      case 8:
        return [16, int32(oneOf([0, 1, -1, 2 ** 31 - 1, -(2 ** 31), below(1000)]))]
      case 9:
        return [17, bytes(8)]
      case 10:
        return [18, below(2) === 0 ? int64(oneOf(longs)) : bytes(8)]
      case 11:
        return [19, bytes(16)]
      case 12:
      case 13:
        return [3, document(depth + 1)]
      case 14:
        return [4, array(depth + 1, below(5))]
      case 15:
        return [4, array(depth + 1, below(40) === 0 ? 1100 : below(12), 16)]
      case 100:
        return [
          11,
          Buffer.concat([oneOf(["a+", "(", "É"].map((each) => Buffer.from(each))), nul, Buffer.from("im"), nul])
        ]
      case 101:
        return [13, text(Buffer.from("function () {}"))]
      case 102:
        return [14, text(Buffer.from("symbol"))]
      case 103:
        return [12, Buffer.concat([text(Buffer.from("db.items")), bytes(12)])]
      case 104: {
        const scoped = Buffer.concat([text(Buffer.from("x")), document(depth + 1)])
        return [15, Buffer.concat([int32(scoped.length + 4), scoped])]
      }
      case 105: {
        const reference = [[2, "$ref", text(Buffer.from("items"))], [7, "$id", bytes(12)]] as const
        return [
          3,
          wrapped(reference.map(([t, key, v]) => Buffer.concat([Buffer.from([t]), Buffer.from(`${key}\0`), v])))
        ]
      }
      default:
        return [below(256), bytes(below(9))]
    }
  }

  const element = (key: Buffer, [type, bytes]: readonly [number, Buffer]): Buffer =>
    Buffer.concat([Buffer.from([type]), key, nul, bytes])

  const array = (depth: number, length: number, type?: number): Buffer =>
    wrapped(Array.from({ length }, (_, i) => {
      const key = isRare && below(10) === 0 ? name() : Buffer.from(String(i))
      return element(key, type === undefined ? value(depth) : [type, int32(i)])
    }))

  /** Most documents have their fields in one order, with some left out. */
  const document = (depth: number): Buffer => {
    const names = below(3) > 0
      ? usualNames.filter(() => below(3) > 0).slice(0, 12)
      : Array.from({ length: below(9) }, name)
    return wrapped(names.slice(0, depth === 0 ? undefined : 4).map((key) => element(key, value(depth))))
  }

  return () => {
    isRare = below(10) === 0
    return document(0)
  }
}

/** A copy with some bytes changed, or cut off. */
export const damaged = (random: () => number, bytes: Buffer): Buffer => {
  const copy = Buffer.from(bytes)
  for (let i = Math.floor(random() * 3); i >= 0; i--) {
    const at = Math.floor(random() * copy.length)
    copy[at] = [0, 1, 2, 3, 4, 5, 0x7f, 0xff, copy[at]! + 1, copy[at]! - 1, random() * 256][Math.floor(random() * 11)]!
  }
  return random() < 0.2 ? copy.subarray(0, Math.floor(random() * copy.length)) : copy
}
