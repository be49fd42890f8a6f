/**
 * Values that look like others, or that do something when they are looked at.
 *
 * @since 0.1.0
 */
import * as Driver from "mongodb"
import type { Random } from "./compiledSchemas.ts"

class List extends Array<unknown> {}
class LateDate extends Date {}
class Fields {
  readonly a = 1
}

const define = (target: object, key: string, property: PropertyDescriptor): object =>
  Object.defineProperty(target, key, { configurable: true, enumerable: true, ...property })

const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !("_bsontype" in value) &&
  !(value instanceof Date) && !ArrayBuffer.isView(value)

const scalars: ReadonlyArray<() => unknown> = [
  () => Object("text"),
  () => Object(1),
  () => Object(1n),
  () => Symbol("a"),
  () => () => 1,
  () => Object.create(Driver.ObjectId.prototype) as unknown,
  () => Object.create(Date.prototype) as unknown,
  () => Object.create(Uint8Array.prototype) as unknown,
  () => new LateDate(0),
  () => define(new Date(0), "toBSON", { value: () => "other" }),
  () => define(new Date(0), "getTime", { value: () => NaN }),
  () => new Date(NaN),
  () => ({ _bsontype: "ObjectId", id: Buffer.alloc(12) }),
  () => ({ _bsontype: "Decimal128", bytes: Buffer.alloc(3) }),
  () => ({ _bsontype: "Nothing" }),
  () => ({ toBSON: () => ({ a: 1 }) }),
  () => Object.assign(new Driver.Long(1, 0), { low: 1.5 }),
  () => Object.assign(new Driver.Double(1), { value: "1" }),
  () => Object.assign(new Driver.Int32(1), { value: 2 ** 40 }),
  () => Object.assign(new Driver.Binary(Buffer.from([1, 2])), { position: 50 }),
  () => Object.assign(new Driver.Binary(Buffer.from([1, 2])), { sub_type: 400 }),
  () => Object.assign(new Driver.Decimal128(Buffer.alloc(16)), { bytes: Buffer.alloc(2) }),
  () => Object.assign(new Driver.Timestamp(1n), { high: NaN }),
  () => Object.assign(new Driver.BSONRegExp("a"), { pattern: "a\0b" }),
  () => Object.assign(new Driver.DBRef("a", new Driver.ObjectId()), { oid: "no id" }),
  () => structuredClone(new Uint8Array(3).subarray(1)),
  () => {
    const bytes = new Uint8Array(4)
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    return bytes
  },
  () => "\uD800",
  () => `${"x".repeat(70)}\uDC00`,
  () => 2n ** 63n,
  () => -0,
  () => {
    const cycle: Record<string, unknown> = {}
    cycle["self"] = cycle
    return cycle
  },
  () => {
    const cycle: Array<unknown> = []
    cycle.push(cycle)
    return cycle
  },
  () => new Proxy({}, {}),
  () =>
    new Proxy({}, {
      get: () => {
        throw new Error("no value")
      }
    }),
  () => new Proxy([1, 2], {}),
  () => new Map([["a", 1]]),
  () => new Set([1]),
  () => new WeakMap()
]

/** The same fields, kept in another way. */
const disguised = (random: Random, value: Record<string, unknown>): unknown => {
  const keys = Object.keys(value)
  const copy = (prototype: object | null): Record<string, unknown> =>
    Object.defineProperties(
      Object.create(prototype) as Record<string, unknown>,
      Object.getOwnPropertyDescriptors(value)
    )
  const same = copy(Object.getPrototypeOf(value) as object)
  const key = keys.length === 0 ? "a" : random.pick(keys)
  switch (random.int(12)) {
    case 0:
      return copy(null)
    case 1:
      return copy(Fields.prototype)
    case 2:
      return Object.create(value)
    case 3:
      return new Proxy(value, {})
    case 4:
      return Object.freeze(same)
    case 5:
      return define(same, key, { get: () => value[key] })
    case 6:
      return define(same, key, {
        get: () => {
          throw new Error("no value")
        }
      })
    case 7:
      return define(same, key, { value: value[key], enumerable: false })
    case 8:
      return Object.assign(same, { [Symbol("hidden")]: 1 })
    case 9:
      return define(same, "__proto__", { value: { polluted: 1 } })
    case 10:
      return Object.assign(same, { "a\0b": 1 })
    default:
      return Object.assign(copy({ inherited: 1, [key]: 2 }))
  }
}

const disguisedArray = (random: Random, value: ReadonlyArray<unknown>): unknown => {
  switch (random.int(6)) {
    case 0:
      return List.from(value)
    case 1:
      return Object.assign([...value], { extra: 1 })
    case 2:
      return Object.assign([...value], { length: value.length + 1 })
    case 3:
      return new Proxy([...value], {})
    case 4:
      return { ...value, length: value.length }
    default:
      return new Set(value)
  }
}

/** A value that is hostile in one place. */
export const hostile = (random: Random, value: unknown): unknown => {
  if (Array.isArray(value)) {
    if (value.length === 0 || random.chance(0.3)) return disguisedArray(random, value)
    const at = random.int(value.length)
    return value.map((item, i) => i === at ? hostile(random, item) : item)
  }
  if (!isFields(value)) return random.pick(scalars)()
  const keys = Object.keys(value)
  if (keys.length === 0 || random.chance(0.3)) return disguised(random, value)
  const key = random.pick(keys)
  const copy = Object.create(Object.getPrototypeOf(value) as object) as object
  return define(Object.defineProperties(copy, Object.getOwnPropertyDescriptors(value)), key, {
    value: hostile(random, value[key]),
    writable: true
  })
}
