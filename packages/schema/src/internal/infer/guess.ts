/** Decides which schema a summary suggests. Every document of the summary decodes by it. */
import type * as Infer from "../../MongoInfer.ts"
import { isInherited } from "../compiler/analysis.ts"
import { counted } from "../words.ts"
import type { Kind } from "./kinds.ts"
import type { FieldNode, Name, Node, Struct } from "./nodes.ts"
import { type Documents, type Example, type Field, type Fields, Values } from "./summary.ts"
import { type Form, formOf } from "./texts.ts"

/** What is in at most this part of the documents is rare. */
const rare = 0.05

/** Texts are choices if there are at most this many, each found this many times on average. */
const maxChoices = 12
const perChoice = 20

/** An object with at least this many fields, each in at most this part of the objects on average, is a record. */
const minKeys = 8
const maxShare = 0.25

/** @internal */
export interface Guess {
  readonly root: Struct
  /** What is said about the documents as a whole. */
  readonly notes: ReadonlyArray<Infer.Note>
}

/** Where the notes about a place go. */
interface Place {
  readonly path: string
  readonly notes: Array<Infer.Note>
}

const inside = ({ notes, path }: Place, step: "[]" | ".*"): Place => ({ path: `${path}${step}`, notes })

const say = ({ notes, path }: Place, message: string, example?: Example): void => {
  notes.push({ path, message, id: example?.id })
}

const of = (part: number, all: number): string => `${counted(part)} of ${counted(all)}`

class Guesser {
  private readonly choices: boolean

  constructor(choices: boolean) {
    this.choices = choices
  }

  documents({ count, fields, ids, leftOut }: Documents): Guess {
    const root: Place = { path: "", notes: [] }
    if (count === 0) say(root, "there are no documents to infer from")
    if (leftOut > 0) say(root, `${of(leftOut, count)} left out: they are read as a DBRef, or not at all`)
    const id: ReadonlyArray<FieldNode> = count === 0
      ? [{ name: "_id", path: "_id", node: { _tag: "Named", name: "Bson.ObjectId" }, isOptional: false, notes: [] }]
      : ids.values.count === 0
      ? []
      : [this.field("_id", ids, count - leftOut, "")]
    if (fields.named !== undefined) {
      return { root: { _tag: "Struct", fields: [...id, ...this.fields(fields, "")] }, notes: root.notes }
    }
    say(root, "the names of most fields are data")
    const all = allValues(fields)
    // The rest of a struct holds for its fields too.
    all.merge(ids.values, 0)
    return {
      root: { _tag: "Struct", fields: id, rest: this.node(all, { path: "*", notes: root.notes }) },
      notes: root.notes
    }
  }

  /** The fields of objects, in the order in which they mostly stand. */
  private fields({ count, named }: Fields, path: string): ReadonlyArray<FieldNode> {
    const mean = ({ position, values }: Field) => position / values.count
    return [...named ?? []]
      .sort(([a, x], [b, y]) => mean(x) - mean(y) || (a < b ? -1 : 1))
      .map(([name, field]) => this.field(name, field, count, path))
  }

  private field(name: string, { absent, values }: Field, all: number, parent: string): FieldNode {
    const place: Place = { path: parent === "" ? name : `${parent}.${name}`, notes: [] }
    const isOptional = values.count < all
    const shared = { name, path: place.path, isOptional, notes: place.notes }
    if (isOptional && isInherited(name)) {
      say(place, "left out: a schema cannot tell whether an object has an optional field of this name")
      return { ...shared, node: undefined }
    }
    if (values.count <= all * rare) say(place, `only in ${of(values.count, all)}`, earliest(values))
    else if (isOptional && all - values.count <= all * rare) {
      say(place, `missing in ${of(all - values.count, all)}`, absent)
    }
    return { ...shared, node: this.node(values, place) }
  }

  private node(values: Values, place: Place): Node {
    const { kinds } = values
    if (kinds.size === 0) return name("Schema.Unknown")
    this.mixed(values, place)
    for (const [kind, what] of unknown) {
      const found = kinds.get(kind)
      if (found === undefined) continue
      say(place, `${what} in ${of(found.count, values.count)}`, found.example)
      return name("Schema.Unknown")
    }
    // Objects come last: the schema of an object takes any value that is one to JavaScript, such as a date.
    const members = [
      ...simple.flatMap(([kind, schema]) => kinds.has(kind) ? [name(schema)] : []),
      ...this.texts(values, place),
      ...numbers(values, place),
      ...binary(kinds),
      ...this.arrays(values, place),
      ...this.objects(values, place),
      ...(kinds.has("undefined") ? [name("Schema.Undefined")] : []),
      ...(kinds.has("null") ? [name("Schema.Null")] : [])
    ]
    return members.length === 1 ? members[0]! : { _tag: "Union", members }
  }

  /** Says how many values of each type there are, and where to see one of the rarest. */
  private mixed({ count, kinds }: Values, place: Place): void {
    const found = [...kinds].filter(([kind]) => kind !== "null").sort(([a, x], [b, y]) =>
      y.count - x.count || (a < b ? -1 : 1)
    )
    if (found.length > 1) {
      say(place, found.map(([kind, { count }]) => `${kind} ${counted(count)}`).join(", "), found.at(-1)![1].example)
    }
    const none = kinds.get("null")
    if (none === undefined) return
    if (none.count === count) say(place, "always null")
    else if (none.count <= count * rare) say(place, `null in ${of(none.count, count)}`, none.example)
    else if (count - none.count <= count * rare) {
      say(place, `not null in ${of(count - none.count, count)}`, earliest({ kinds: new Map(found) }))
    }
  }

  private texts({ kinds, texts }: Values, place: Place): ReadonlyArray<Node> {
    const symbols = kinds.get("symbol")
    if (symbols !== undefined) say(place, "symbols are read as text", symbols.example)
    if (texts === undefined) return symbols === undefined ? [] : [name("Schema.String")]
    for (const [form, what] of forms) {
      const count = texts.forms.get(form) ?? 0
      if (count === texts.count) say(place, what)
      else if (texts.count - count <= texts.count * rare) {
        say(place, `${of(count, texts.count)} texts have this form: ${what}`)
      } else continue
      return [name("Schema.String")]
    }
    const { count, different } = texts
    const isChoice = this.choices && symbols === undefined && different !== undefined && different.size <= maxChoices &&
      count >= different.size * perChoice
    return [isChoice ? { _tag: "Literals", texts: [...different].sort() } : name("Schema.String")]
  }

  private arrays({ elements }: Values, place: Place): ReadonlyArray<Node> {
    if (elements === undefined) return []
    if (elements.count === 0) say(place, "the arrays are empty")
    return [{ _tag: "Array", element: this.node(elements, inside(place, "[]")) }]
  }

  private objects({ fields }: Values, place: Place): ReadonlyArray<Node> {
    if (fields === undefined) return []
    if (!isRecord(fields)) return [{ _tag: "Struct", fields: this.fields(fields, place.path) }]
    const all = allValues(fields)
    if (fields.named === undefined) say(place, "many different keys")
    else if (fields.named.size === 0) say(place, "the objects are empty")
    else say(place, `${counted(fields.named.size)} different keys in ${counted(fields.count)} objects`)
    return [{ _tag: "Record", value: this.node(all, inside(place, ".*")) }]
  }
}

const name = (name: Name): Node => ({ _tag: "Named", name })

const earliest = ({ kinds }: Pick<Values, "kinds">): Example | undefined =>
  [...kinds.values()].map(({ example }) => example).sort((a, b) => a.at - b.at)[0]

const unknown: ReadonlyArray<readonly [kind: Kind, what: string]> = [
  ["beyond", "dates beyond those of JavaScript"],
  ["deep", "values nested too deeply"],
  ["other", "values without a schema"]
]

const simple: ReadonlyArray<readonly [kind: Kind, schema: Name]> = [
  ["bool", "Schema.Boolean"],
  ["objectId", "Bson.ObjectId"],
  ["date", "Bson.Date"],
  ["timestamp", "Bson.Timestamp"],
  ["regex", "Bson.BSONRegExp"],
  ["javascript", "Bson.Code"],
  ["dbRef", "Bson.DBRef"],
  ["minKey", "Bson.MinKey"],
  ["maxKey", "Bson.MaxKey"]
]

const forms: ReadonlyArray<readonly [form: Form, what: string]> = [
  ["dateTime", "dates and times in text, which Schema.DateTimeUtcFromString would decode"],
  ["date", "dates in text, as 2026-01-31"],
  ["objectId", "ObjectIds in text, which Bson.ObjectIdFromHex would decode"],
  ["uuid", "UUIDs in text"]
]

const numbers = ({ kinds, notFinite, wide }: Values, place: Place): ReadonlyArray<Node> => {
  const decimal = kinds.get("decimal")
  if (notFinite > 0) say(place, `NaN or infinite in ${of(notFinite, decimal!.count)} decimals`)
  const exact = decimal === undefined ? [] : [name(notFinite > 0 ? "Bson.Decimal128" : "Bson.BigDecimal")]
  const [double, int, long] = (["double", "int", "long"] as const).map((kind) => kinds.has(kind))
  if (!double) return [...exact, ...(long ? [name("Bson.Int64")] : int ? [name("Bson.Int32")] : [])]
  if (!int && !long) return [...exact, name("Bson.Double")]
  // An int64 that a double rounds is no number to the driver.
  return [...exact, ...(wide > 0 ? [name("Bson.Int64"), name("Bson.Double")] : [name("Schema.Number")])]
}

const binaries = {
  bytes: "Bson.Bytes",
  uuid: "Bson.UUID",
  binary: "Bson.Binary",
  float32: "Bson.Float32Vector",
  int8: "Bson.Int8Vector",
  bits: "Bson.BitVector"
} as const

const binary = (kinds: Values["kinds"]): ReadonlyArray<Node> => {
  const found = (Object.keys(binaries) as Array<keyof typeof binaries>).filter((kind) => kinds.has(kind))
  if (found.length === 0) return []
  if (found.length === 1) return [name(binaries[found[0]!])]
  return [
    name(found.some((kind) => kind === "bytes" || kind === "uuid" || kind === "binary") ? "Bson.Binary" : "Bson.Vector")
  ]
}

// ---- records

/** Names that count or date something: digits, a day, a month. */
const isSerial = (name: string): boolean => /^\d+$|^\d{4}-\d\d$/.test(name) || formOf(name) === "date"

/** Whether the keys of objects are data, and no names that a programmer has chosen. */
const isRecord = ({ count, named }: Fields): boolean => {
  if (named === undefined || named.size === 0) return true
  const names = [...named.keys()]
  if (names.length > 1 && names.every(isSerial)) return true
  const counts = [...named.values()].map(({ values }) => values.count)
  return names.length >= minKeys && counts.reduce((a, b) => a + b, 0) <= count * names.length * maxShare &&
    Math.max(...counts) <= count / 2
}

const allValues = ({ all, named }: Fields): Values => {
  const values = new Values()
  values.merge(all, 0)
  for (const field of named?.values() ?? []) values.merge(field.values, 0)
  return values
}

/** @internal */
export const guess = (documents: Documents, choices: boolean): Guess => new Guesser(choices).documents(documents)
