/**
 * The names of the fields of documents, as a tree. The documents of a collection have much the same fields in the same order, so a reader
 * guesses which name comes next, and compares bytes where it would make a string.
 */
import { giveUp } from "./giveUp.ts"
import { type Bytes, nameAt } from "./text.ts"

/** How many names a tree remembers. If ids or dates are names, there is no end of them. */
const maxNames = 1500

/** How many names a tree remembers for one place in the documents, so that some are left for other places. */
const maxNamesOfLevel = 1000

/** From this number on, the fields at one place are taken to hold documents of one kind. */
const many = 32

/** The longest name that is remembered, with the NUL at its end: bytes. */
const maxSize = 64

/** The names that bson treats in a way of its own: it defines a property, or may make a `DBRef`, which always has an `$id`. */
const special = new Set(["__proto__", "$id"])

/**
 * The name of a field at one place in the documents.
 *
 * @internal
 */
export class Field {
  readonly name: string
  /** Where the tree has the bytes of the name. */
  readonly at: number
  /** The number of these bytes, with the NUL at their end; 0 if the tree does not remember the name. */
  readonly size: number
  private inherited: boolean | undefined = undefined
  /** The fields that came after it: the last one, and another one. */
  next: Field | undefined = undefined
  other: Field | undefined = undefined
  /** The fields of the documents in this field. */
  inside: Level | undefined = undefined

  constructor(name: string, at: number, size: number) {
    this.name = name
    this.at = at
    this.size = size
  }

  /** Whether every object has a property of this name. bson may then take it for one of `fieldsAsRaw`. */
  get isInherited(): boolean {
    return this.inherited ??= this.name in Object.prototype
  }
}

/**
 * The fields of the documents at one place.
 *
 * @internal
 */
export class Level {
  /** Stands before the first field. */
  readonly start = new Field("", 0, 0)
  readonly fields = new Map<string, Field>()
  /** The fields of the documents in all fields but the first `many`. */
  rest: Level | undefined = undefined
}

/**
 * The names of the fields of a collection's documents.
 *
 * @internal
 */
export class Names {
  readonly root = new Level()
  /** Grows whenever a document is left to bson, and shrinks with each other document. */
  doubt = 0
  private count = 0
  private bytes = new Uint8Array(256)
  private used = 0

  /** The number of names that it remembers. */
  get size(): number {
    return this.count
  }

  /** The bytes that it keeps of them. */
  get memory(): number {
    return this.bytes.length
  }

  /** Whether the bytes of this name are at `p`. */
  isAt(field: Field, b: Bytes, p: number): boolean {
    const { bytes } = this
    const { at, size } = field
    for (let i = 0; i < size; i++) if (b[p + i] !== bytes[at + i]) return false
    return size !== 0
  }

  /** The field whose name is at `p`, up to the NUL at `end`. */
  find(level: Level, b: Bytes, p: number, end: number): Field {
    const name = nameAt(b, p, end)
    const first = b[p]
    // They begin with `$` or `_`.
    if ((first === 36 || first === 95) && special.has(name)) return giveUp()
    return level.fields.get(name) ?? this.add(level, name, b, p, end + 1 - p)
  }

  /** The fields of the documents in a field. */
  inside(field: Field): Level {
    return field.inside ??= new Level()
  }

  private add(level: Level, name: string, b: Bytes, p: number, size: number): Field {
    if (size > maxSize || this.count >= maxNames || level.fields.size >= maxNamesOfLevel) {
      const field = new Field(name, 0, 0)
      field.inside = level.rest ??= new Level()
      return field
    }
    const at = this.used
    this.used += size
    if (this.used > this.bytes.length) {
      const grown = new Uint8Array(this.used * 2)
      grown.set(this.bytes)
      this.bytes = grown
    }
    for (let i = 0; i < size; i++) this.bytes[at + i] = b[p + i]!
    // The name as V8 keeps names of properties: it finds properties by that one faster.
    const [key] = Object.keys({ [name]: undefined })
    const field = new Field(key!, at, size)
    if (level.fields.size >= many) field.inside = level.rest ??= new Level()
    level.fields.set(key!, field)
    this.count++
    return field
  }
}

/** How many collections of a client have names that are remembered. */
const maxCollections = 50

const namesOfClients = new WeakMap<object, Map<string, Names>>()

/**
 * The names of the fields of a namespace's documents, as a client has read them.
 *
 * @internal
 */
export const namesOf = (client: object, namespace: string): Names => {
  let ofClient = namesOfClients.get(client)
  if (ofClient === undefined) namesOfClients.set(client, ofClient = new Map())
  let names = ofClient.get(namespace)
  if (names === undefined) {
    if (ofClient.size >= maxCollections) ofClient.delete(ofClient.keys().next().value!)
    ofClient.set(namespace, names = new Names())
  }
  return names
}
