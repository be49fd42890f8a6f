/**
 * Summaries of documents: what is stored at each place. Summarizing two parts and merging the summaries gives the same as summarizing
 * both at once. What is kept depends on the shape of the documents, not on how many there are.
 */
import * as Numbers from "../bson/numbers.ts"
import { isBson } from "../bson/values.ts"
import { type Kind, kindOf } from "./kinds.ts"
import { formOf, Texts } from "./texts.ts"

/** How deep documents are looked into. */
const maxDepth = 16

/** The different fields of a document to keep, and those of an object inside. An object with more of them is a record. */
const maxFields = { root: 1000, inside: 100 }

/**
 * A document that shows something: its position among all, and its `_id`.
 *
 * @internal
 */
export interface Example {
  readonly at: number
  readonly id: unknown
}

const first = (a: Example | undefined, b: Example | undefined): Example | undefined =>
  a === undefined || b !== undefined && b.at < a.at ? b : a

const later = (example: Example, by: number): Example => by === 0 ? example : { at: example.at + by, id: example.id }

/** @internal */
export interface Counted {
  count: number
  example: Example
}

/**
 * The values at one place.
 *
 * @internal
 */
export class Values {
  count = 0
  readonly kinds = new Map<Kind, Counted>()
  /** How many int64 are beyond the integers that a double holds. */
  wide = 0
  /** How many decimals are NaN or infinite. */
  notFinite = 0
  texts: Texts | undefined
  elements: Values | undefined
  fields: Fields | undefined

  add(value: unknown, example: Example, depth: number): void {
    this.count++
    let kind = kindOf(value)
    if (depth >= maxDepth && (kind === "array" || kind === "object")) kind = "deep"
    this.counted(kind, 1, example)
    switch (kind) {
      case "string":
        return (this.texts ??= new Texts()).add(value as string)
      case "long":
        if (!isSafe(value)) this.wide++
        return
      case "decimal":
        if (isBson("Decimal128")(value) && Numbers.fromDecimal128(value) === undefined) this.notFinite++
        return
      case "array": {
        const elements = this.elements ??= new Values()
        for (const element of value as ReadonlyArray<unknown>) elements.add(element, example, depth + 1)
        return
      }
      case "object":
        return (this.fields ??= new Fields(maxFields.inside)).add(value as object, example, depth + 1)
    }
  }

  /** Adds the values of documents that come `by` positions later. */
  merge(that: Values, by: number): void {
    this.count += that.count
    for (const [kind, { count, example }] of that.kinds) this.counted(kind, count, later(example, by))
    this.wide += that.wide
    this.notFinite += that.notFinite
    if (that.texts !== undefined) (this.texts ??= new Texts()).merge(that.texts)
    if (that.elements !== undefined) (this.elements ??= new Values()).merge(that.elements, by)
    if (that.fields !== undefined) (this.fields ??= new Fields(maxFields.inside)).merge(that.fields, by)
  }

  private counted(kind: Kind, count: number, example: Example): void {
    const known = this.kinds.get(kind)
    if (known === undefined) this.kinds.set(kind, { count, example })
    else {
      known.count += count
      known.example = first(known.example, example)!
    }
  }
}

const isSafe = (value: unknown): boolean => {
  const int = Numbers.isNumeric(value) ? Numbers.toInt64(value) : undefined
  return int !== undefined && Number.isSafeInteger(Number(int))
}

/**
 * A field of objects.
 *
 * @internal
 */
export class Field {
  readonly values = new Values()
  /** The sum of its positions in the objects. */
  position = 0
  /** An object without the field. */
  absent: Example | undefined
}

/**
 * The fields of the objects at one place.
 *
 * @internal
 */
export class Fields {
  count = 0
  /** The fields by name; `undefined` where the names are data. Then `all` has the values of all of them. */
  named: Map<string, Field> | undefined = new Map()
  readonly all = new Values()
  private first: Example | undefined
  private readonly max: number

  constructor(max: number) {
    this.max = max
  }

  add(object: object, example: Example, depth: number, skipped?: string): void {
    let position = 0
    for (const name of Object.keys(object)) {
      if (name === skipped) continue
      const value = (object as Readonly<Record<string, unknown>>)[name]
      const field = this.field(name)
      field?.values.add(value, example, depth)
      if (field === undefined) this.all.add(value, example, depth)
      else field.position += position++
    }
    // An object that has all fields is not looked through for absent ones.
    if (this.named !== undefined && position < this.named.size) {
      for (const [name, field] of this.named) if (!Object.hasOwn(object, name)) field.absent ??= example
    }
    this.count++
    this.first = first(this.first, example)
  }

  merge(that: Fields, by: number): void {
    const start = that.first === undefined ? undefined : later(that.first, by)
    if (that.named === undefined) this.collapse()
    for (const [name, field] of that.named ?? []) {
      const mine = this.field(name)
      if (mine === undefined) {
        this.all.merge(field.values, by)
        continue
      }
      mine.values.merge(field.values, by)
      mine.position += field.position
      mine.absent = first(mine.absent, field.absent === undefined ? undefined : later(field.absent, by))
    }
    this.all.merge(that.all, by)
    for (const [name, field] of this.named ?? []) {
      if (that.named?.has(name) !== true) field.absent = first(field.absent, start)
    }
    this.count += that.count
    this.first = first(this.first, start)
  }

  /** The field with this name, or `undefined` where names are data. */
  private field(name: string): Field | undefined {
    let field = this.named?.get(name)
    if (field !== undefined || this.named === undefined) return field
    if (this.named.size >= this.max || isData(name)) {
      this.collapse()
      return undefined
    }
    field = new Field()
    field.absent = this.first
    this.named.set(name, field)
    return field
  }

  private collapse(): void {
    for (const { values } of this.named?.values() ?? []) this.all.merge(values, 0)
    this.named = undefined
  }
}

/** Whether a name is an identifier, which no programmer has chosen. */
const isData = (name: string): boolean => {
  const form = formOf(name)
  return form === "objectId" || form === "uuid"
}

/** An `_id` that is a number as a program writes it. */
const plainNumber = (id: unknown): unknown => {
  if (typeof id !== "object" || !Numbers.isNumeric(id)) return id
  const number = Numbers.toDouble(id)
  return number === undefined || Numbers.isLong(id) && !Number.isSafeInteger(number) ? id : number
}

/**
 * What is stored in documents. `_id` is kept apart: it is a field, even where the names of all others are data.
 *
 * @internal
 */
export class Documents {
  count = 0
  readonly ids = new Field()
  readonly fields = new Fields(maxFields.root)
  /** The documents that bson reads as a `DBRef`, or not at all. */
  leftOut = 0

  add(document: object | undefined): void {
    const at = this.count++
    if (document === undefined || isBson("DBRef")(document)) {
      this.leftOut++
      return
    }
    const { _id } = document as { readonly _id?: unknown }
    const example = { at, id: plainNumber(_id) }
    if (Object.hasOwn(document, "_id")) this.ids.values.add(_id, example, 0)
    else this.ids.absent ??= example
    this.fields.add(document, example, 0, "_id")
  }

  merge(that: Documents): void {
    const by = this.count
    this.ids.values.merge(that.ids.values, by)
    this.ids.absent = first(this.ids.absent, that.ids.absent === undefined ? undefined : later(that.ids.absent, by))
    this.fields.merge(that.fields, by)
    this.leftOut += that.leftOut
    this.count += that.count
  }
}
