import * as Driver from "mongodb"

/** The fields of an event that hold a document of the collection. */
const documents = ["fullDocument", "fullDocumentBeforeChange"] as const

type Element = Driver.BSON.OnDemand["BSONElement"]

const documentAt = (bytes: Uint8Array, [type, nameOffset, nameLength]: Element) =>
  type !== Driver.BSON.BSONType.object ? undefined : documents.find((name) => {
    if (name.length !== nameLength) return false
    for (let i = 0; i < nameLength; i++) if (bytes[nameOffset + i] !== name.charCodeAt(i)) return false
    return true
  })

/**
 * Decodes a change event, but leaves the collection's documents in it as bytes. If another value stands in their place, it is decoded like
 * all other fields. Throws what the deserializer throws.
 *
 * The documents are copies: somebody may keep an event for long, and a view would keep the whole reply of the server in memory.
 *
 * @internal
 */
export const eventOf = (bytes: Uint8Array, options: Driver.BSON.DeserializeOptions): Driver.Document => {
  const found: Driver.Document = {}
  const rest: Array<Uint8Array> = []
  let from = 0
  let size = 0
  for (const element of Driver.BSON.onDemand.parseToElements(bytes)) {
    const name = documentAt(bytes, element)
    if (name === undefined) continue
    const [, nameOffset, , offset, length] = element
    found[name] = Buffer.from(bytes.subarray(offset, offset + length))
    // A null keeps the place, so that the fields keep their order.
    rest.push(bytes.subarray(from, nameOffset - 1), nullType, bytes.subarray(nameOffset, offset))
    from = offset + length
    size += length
  }
  if (from === 0) return Driver.BSON.deserialize(bytes, options)
  const shortened = Buffer.concat([...rest, bytes.subarray(from)])
  shortened.writeInt32LE(shortened.readInt32LE(0) - size, 0)
  return Object.assign(Driver.BSON.deserialize(shortened, options), found)
}

const nullType = Uint8Array.of(Driver.BSON.BSONType.null)
