/** Documents of a bulk write as bytes, one after the other, so that a batch of them is one piece. */
import { SerializedDocument } from "./serialized.ts"
import type { Bytes } from "./text.ts"
import { full, margin, roomNeeded, type Write, writing } from "./write.ts"

const usualSize = 256 * 1024

/** No server takes more, and the serializer of bson has a buffer of this size. */
const maxSize = 17 * 1024 * 1024

interface Chunk {
  readonly bytes: Bytes
  readonly view: DataView
}

/** Chunks of the usual size that nobody uses: new ones for every write would keep the garbage collector busy. */
const free: Array<Chunk> = []

const mostFree = 16

const chunkOf = (least: number): Chunk => {
  const known = least <= usualSize ? free.pop() : undefined
  if (known !== undefined) return known
  // A document for which a chunk is too small is written again from its start, so the next one is much larger.
  const size = least <= usualSize / 2 ? usualSize : Math.max(usualSize, Math.min(4 * least, maxSize))
  const bytes = Buffer.allocUnsafeSlow(size) as Bytes
  return { bytes, view: new DataView(bytes.buffer) }
}

const { needRoom, writeAny, writeKey } = writing

/** Writes `_id` as the first field of a document that begins at `p`. */
const writeFirst = (id: unknown, p: number, b: Bytes, dv: DataView, cap: number): number => {
  if (p + margin > cap) needRoom(p, margin)
  const at = p + 4
  return writeAny(b, dv, cap, writeKey(b, cap, at, "_id"), at, id, false, 0)
}

/** Writes a document behind its `_id`: the document first, so that its length stands where `_id` ends, and is written over. */
const writeBehind = (id: unknown, write: Write, value: unknown, p: number, b: Bytes, dv: DataView, cap: number) => {
  const end = write(value, writeFirst(id, p, b, dv, cap) - 4, b, dv, cap)
  if (typeof end !== "number") return end
  writeFirst(id, p, b, dv, cap)
  dv.setInt32(p, end - p, true)
  return end
}

/** Whether an object has keys that are numbers: they come before all others, even before an `_id` in the first place. */
const hasIndexes = (value: unknown): boolean => {
  for (const key in value as object) {
    const first = key.charCodeAt(0)
    return first > 47 && first < 58
  }
  return false
}

/** Whether a document is being written: a getter or a function of a schema may write another one, by the same code. */
let busy = false

/**
 * The documents of one bulk write. It grows with them.
 *
 * @internal
 */
export class WriteBuffer {
  private readonly chunks: Array<Chunk> = []
  private start = 0

  /**
   * Writes a document whose `_id` is stored as `id`; `undefined` where it has to go another way.
   *
   * @param isAdded - whether the writer does not write the `_id`: it becomes the first field
   */
  write<Id>(write: Write, value: unknown, id: Id, isAdded: boolean): SerializedDocument<Id> | undefined {
    if (busy || isAdded && hasIndexes(value)) return undefined
    busy = true
    let wanted = margin
    try {
      for (;;) {
        let chunk = this.chunks[this.chunks.length - 1]
        if (chunk === undefined || this.start + wanted + margin > chunk.bytes.length) {
          const least = wanted + 2 * margin
          if (least > maxSize) return undefined
          this.chunks.push(chunk = chunkOf(least))
          this.start = 0
        }
        const { bytes, view } = chunk
        const { start } = this
        const cap = bytes.length - margin
        try {
          const end = isAdded
            ? writeBehind(id, write, value, start, bytes, view, cap)
            : write(value, start, bytes, view, cap)
          if (typeof end !== "number") return undefined
          if (end <= bytes.length - 2) {
            this.start = end
            return new SerializedDocument(bytes, id, start, end)
          }
          wanted = end - start + margin
        } catch (error) {
          // Whoever takes the document then meets other exceptions again, and knows what becomes of them.
          if (error !== full) return undefined
          wanted = roomNeeded() - start
        }
        // The chunk is full, whatever is left of it.
        this.start = bytes.length
      }
    } finally {
      busy = false
    }
  }

  /** Says that nobody needs the documents any more: others are written over them. */
  release(): void {
    for (const chunk of this.chunks.splice(0)) {
      if (chunk.bytes.length === usualSize && free.length < mostFree) free.push(chunk)
    }
  }
}
