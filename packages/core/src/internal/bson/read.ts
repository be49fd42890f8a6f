/**
 * Reads documents from their bytes, as the deserializer of bson does, but faster. It reads what is common. If it meets anything else, it leaves
 * the whole document to bson: a rare type, a name that bson treats in a way of its own, damaged bytes. So values and errors are always those of
 * bson.
 */
import * as Driver from "mongodb"
import { ObjectIdAt } from "../driver/objectId.ts"
import { giveUp } from "./giveUp.ts"
import { type Field, type Level, Names } from "./names.ts"
import { type Bytes, longText, shortText } from "./text.ts"
import { readDecimal128, readInt64, readLong, readPromoted, readTimestamp } from "./values.ts"

/**
 * The options of bson's deserializer that the driver uses.
 *
 * @internal
 */
export type ReadOptions = Driver.BSON.DeserializeOptions & { readonly raw?: boolean }

/** The options that the reader respects. */
interface Form {
  readonly promoteValues: boolean
  readonly promoteLongs: boolean
  readonly promoteBuffers: boolean
  readonly useBigInt64: boolean
  readonly utf8: boolean
}

const isFlag = (option: unknown): boolean => option === undefined || option === null || typeof option === "boolean"

const isEmpty = (option: unknown): boolean =>
  option === undefined || option === null || typeof option === "object" && Reflect.ownKeys(option).length === 0

/** The form of the values, or `undefined` for options that are left to bson: rare ones, and sets that it refuses. */
const formOf = (options: ReadOptions): Form | undefined => {
  const { fieldsAsRaw, promoteBuffers, promoteLongs, promoteValues, raw, useBigInt64 } = options
  const utf8 = (options.validation ?? { utf8: true }).utf8
  const form = {
    promoteValues: promoteValues ?? true,
    promoteLongs: promoteLongs ?? true,
    promoteBuffers: promoteBuffers ?? false,
    useBigInt64: useBigInt64 ?? false,
    utf8: utf8 === true
  }
  const isKnown = [promoteBuffers, promoteLongs, promoteValues, raw, useBigInt64].every(isFlag) &&
    typeof utf8 === "boolean" && raw !== true && isEmpty(fieldsAsRaw)
  return isKnown && !(form.useBigInt64 && !(form.promoteValues && form.promoteLongs)) ? form : undefined
}

/** MongoDB itself stops at 200. The limit is here for the stack, which bson does not need. */
const maxDepth = 200

/** From this doubt on, a document is left to bson at once. */
const maxDoubt = 64

/** How much doubt a document adds that the reader has to leave to bson. */
const doubtOfFailure = 8

/**
 * Makes a function that reads the document at a position by bson.
 *
 * @internal
 */
export const makeSlowReader = (bytes: Uint8Array, options: ReadOptions): (start: number) => Driver.Document => {
  const at = { ...options, index: 0, allowObjectSmallerThanBufferSize: true }
  return (start) => {
    at.index = start
    return Driver.BSON.deserialize(bytes, at)
  }
}

/**
 * Makes a function that reads the document at a position. `names` are those of documents that were read before.
 *
 * @internal
 */
export const makeReader = (
  bytes: Uint8Array,
  options: ReadOptions,
  names: Names
): (start: number) => Driver.Document => {
  const form = formOf(options)
  const { buffer, byteLength, byteOffset } = bytes
  const b = (Buffer.isBuffer(bytes) ? bytes : Buffer.from(buffer, byteOffset, byteLength)) as Bytes
  const slowly = makeSlowReader(b, options)
  if (form === undefined) return slowly
  const reader = new Reader(b, form, names)
  return (start) => {
    if (names.doubt > maxDoubt) {
      names.doubt--
      return slowly(start)
    }
    try {
      const document = reader.read(start)
      if (names.doubt > 0) names.doubt--
      return document
    } catch {
      names.doubt += doubtOfFailure
      return slowly(start)
    }
  }
}

class Reader {
  /**
   * If a garbage collection meets no object of a class, V8 forgets how objects of the class look, and with it the optimized code that knows it.
   * So there is always one reader and one id.
   */
  static readonly lasting: ReadonlyArray<unknown> = [
    new Reader(Buffer.alloc(5) as Buffer as Bytes, formOf({})!, new Names()),
    new ObjectIdAt(Buffer.alloc(12), 0)
  ]

  private readonly b: Bytes
  private readonly dv: DataView
  private readonly form: Form
  private readonly names: Names
  private p = 0
  private depth = 0

  constructor(b: Bytes, form: Form, names: Names) {
    this.b = b
    this.dv = new DataView(b.buffer, b.byteOffset, b.byteLength)
    this.form = form
    this.names = names
  }

  /** Throws anything if bson has to read the document. */
  read(start: number): Driver.Document {
    this.p = start
    this.depth = 0
    return this.document(this.names.root, this.enter(this.b.length))
  }

  /** Goes into the document or array at `p`, and gives its end. */
  private enter(limit: number): number {
    const { p } = this
    const size = this.dv.getInt32(p, true)
    if (size < 5 || p + size > limit || ++this.depth > maxDepth) giveUp()
    this.p = p + 4
    return p + size
  }

  /** Every value may end anywhere, save that only a document that ends where it should is right. */
  private leave(end: number): void {
    if (this.p !== end) giveUp()
    this.depth--
  }

  private document(level: Level, end: number): Driver.Document {
    const { b } = this
    const document: Driver.Document = {}
    let before = level.start
    for (;;) {
      const type = b[this.p++]
      if (type === 0) break
      const field = this.fieldAfter(before, level, end)
      document[field.name] = this.value(type, field, end)
      if (field.size > 0) before = field
    }
    this.leave(end)
    return document
  }

  /** bson does not read the names of elements, and takes their order. */
  private array(field: Field, end: number): Array<unknown> {
    if (field.isInherited) giveUp()
    const { b } = this
    const array: Array<unknown> = []
    for (;;) {
      const type = b[this.p++]
      if (type === 0) break
      this.p = this.endOfName(this.p, end) + 1
      array.push(this.value(type, field, end))
    }
    this.leave(end)
    return array
  }

  private endOfName(p: number, end: number): number {
    const { b } = this
    while (b[p] !== 0) if (++p >= end) giveUp()
    return p
  }

  /** The field whose name is at `p`, which moves behind the name. */
  private fieldAfter(before: Field, level: Level, end: number): Field {
    const { b, names, p } = this
    const { next, other } = before
    if (next !== undefined && names.isAt(next, b, p)) {
      this.p = p + next.size
      return next
    }
    if (other !== undefined && names.isAt(other, b, p)) {
      this.p = p + other.size
      return other
    }
    const endOfName = this.endOfName(p, end)
    const field = names.find(level, b, p, endOfName)
    if (field.size > 0) {
      before.other = next
      before.next = field
    }
    this.p = endOfName + 1
    return field
  }

  private value(type: number | undefined, field: Field, end: number): unknown {
    const { b, dv, form, p } = this
    switch (type) {
      case 1: {
        this.p = p + 8
        const double = dv.getFloat64(p, true)
        return form.promoteValues ? double : new Driver.Double(double)
      }
      case 2: {
        const length = dv.getInt32(p, true) - 1
        const start = p + 4
        const stop = start + length
        if (length < 0 || stop >= end || b[stop] !== 0) giveUp()
        this.p = stop + 1
        return shortText(b, start, length) ?? (form.utf8 ? longText(b, start, stop) : b.utf8Slice(start, stop))
      }
      case 3:
        return this.document(this.names.inside(field), this.enter(end))
      case 4:
        return this.array(field, this.enter(end))
      case 5:
        return this.binary(end)
      case 6:
        return undefined
      case 7:
        this.p = p + 12
        return new ObjectIdAt(b, p)
      case 8: {
        this.p = p + 1
        const byte = b[p]
        return byte === 1 ? true : byte === 0 ? false : giveUp()
      }
      case 9:
        this.p = p + 8
        return new Date(readInt64(dv, p))
      case 10:
        return null
      case 16: {
        this.p = p + 4
        const int = dv.getInt32(p, true)
        return form.promoteValues ? int : new Driver.Int32(int)
      }
      case 17:
        this.p = p + 8
        return readTimestamp(dv, p)
      case 18:
        this.p = p + 8
        if (form.useBigInt64) return dv.getBigInt64(p, true)
        return form.promoteValues && form.promoteLongs ? readPromoted(dv, p) : readLong(dv, p)
      case 19:
        this.p = p + 16
        return readDecimal128(b, p)
      case 127:
        return new Driver.MaxKey()
      case 255:
        return new Driver.MinKey()
      default:
        return giveUp()
    }
  }

  private binary(end: number): Driver.Binary | Buffer {
    const { b, dv, form, p } = this
    const size = dv.getInt32(p, true)
    const subType = b[p + 4]!
    // The old subtype 2 has its length a second time.
    const isOld = subType === Driver.Binary.SUBTYPE_BYTE_ARRAY
    const start = isOld ? p + 9 : p + 5
    const stop = p + 5 + size
    if (start > stop || stop > end || isOld && dv.getInt32(p + 5, true) !== size - 4) giveUp()
    this.p = stop
    const bytes = b.subarray(start, stop)
    if (form.promoteBuffers && form.promoteValues) return bytes
    const isUuid = subType === Driver.Binary.SUBTYPE_UUID && bytes.length === 16
    return isUuid ? new Driver.UUID(bytes) : new Driver.Binary(bytes, subType)
  }
}
