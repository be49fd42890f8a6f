/**
 * The documents of a database as text for people, and for those who paste it.
 */
import * as Driver from "mongodb"

/** How many documents of a collection are shown. */
const maxDocuments = 20

/** How many characters all documents together take. */
const maxLength = 8000

/** How long reading may take: milliseconds. */
const maxTime = 2000

/** Extended JSON in its short form if that is read back as the same bytes. */
const textOf = (bytes: Uint8Array): string => {
  const relaxed = Driver.BSON.EJSON.stringify(Driver.BSON.deserialize(bytes, { promoteValues: false }), {
    relaxed: true
  })
  const again = Driver.BSON.serialize(Driver.BSON.EJSON.parse(relaxed, { relaxed: false }) as Driver.Document)
  return Buffer.compare(again, bytes) === 0
    ? relaxed
    : Driver.BSON.EJSON.stringify(Driver.BSON.deserialize(bytes, { promoteValues: false }), { relaxed: false })
}

/**
 * The collections with documents, a line for each and for each of its documents. What does not fit is counted.
 *
 * @internal
 */
export const documentsOf = async (db: Driver.Db): Promise<ReadonlyArray<string>> => {
  const collections = await db.listCollections({ type: { $ne: "view" } }, { nameOnly: true }).toArray()
  const lines: Array<string> = []
  let room = maxLength
  for (const name of collections.map(({ name }) => name).filter((name) => !name.startsWith("system.")).sort()) {
    const found = await db.collection(name).find({}, { raw: true, limit: maxDocuments + 1, maxTimeMS: maxTime })
      .toArray() as ReadonlyArray<unknown> as ReadonlyArray<Uint8Array>
    if (found.length === 0) continue
    lines.push(`${name}:`)
    let shown = 0
    for (const bytes of found.slice(0, maxDocuments)) {
      const text = textOf(bytes)
      if (text.length > room) break
      room -= text.length
      shown++
      lines.push(`  ${text}`)
    }
    if (shown < found.length) {
      const count = await db.collection(name).countDocuments({}, { maxTimeMS: maxTime })
      lines.push(`  … ${count - shown} more`)
    }
  }
  return lines
}
