/** Reads a collection into a summary, and makes the suggested schema of a summary. */
import type { MongoCollection, MongoError } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type * as Infer from "../../MongoInfer.ts"
import { deserializer, detached } from "../bson/bytes.ts"
import { encoded } from "../collection/failures.ts"
import { inParts, scan } from "../scan.ts"
import { counted } from "../words.ts"
import { guess } from "./guess.ts"
import { build, type Node, partsOf } from "./nodes.ts"
import { noted, print } from "./print.ts"
import { Documents } from "./summary.ts"

/** @internal */
export const TypeId = "~@mongofx/schema/MongoInfer/Summary" as const

class SummaryImpl implements Infer.Summary {
  readonly [TypeId] = TypeId
  readonly content: Documents
  constructor(content: Documents) {
    this.content = content
  }
  get documents(): number {
    return this.content.count
  }
}

const contentOf = (summary: Infer.Summary): Documents => (summary as SummaryImpl).content

// ---- pure

/** @internal */
export const summarize = (documents: Iterable<Driver.Document>): Infer.Summary => {
  const content = new Documents()
  for (const document of documents) content.add(document)
  return new SummaryImpl(content)
}

/** @internal */
export const combine = (self: Infer.Summary, that: Infer.Summary): Infer.Summary => {
  const content = new Documents()
  content.merge(contentOf(self))
  content.merge(contentOf(that))
  return new SummaryImpl(content)
}

/** @internal */
export const infer = (
  summary: Infer.Summary,
  options: Infer.PrintOptions = {}
): Infer.Inferred => {
  const { documents } = summary
  const guessed = guess(contentOf(summary), options.enums ?? true)
  const name = classNameOf(options.name ?? "Inferred")
  const from = `Inferred from ${counted(documents)} ${documents === 1 ? "document" : "documents"}`
  const heading = [
    `${from}${options.of === undefined ? "" : ` of ${options.of}`}.`,
    ...guessed.notes.map((note) => noted(note, ""))
  ]
  return {
    name,
    documents,
    source: print(name, heading, guessed.root),
    notes: [...guessed.notes, ...notesOf(guessed.root)],
    schema: build(guessed.root) as Schema.Codec<Driver.Document, Driver.Document>
  }
}

const notesOf = (node: Node): ReadonlyArray<Infer.Note> =>
  partsOf(node).flatMap(({ node, notes }) => node === undefined ? notes : [...notes, ...notesOf(node)])

/** The names that the module imports, and those that a class cannot have. */
const taken = new Set(["Bson", "Schema"])

/** A name of a class: the words of the text, each with a capital. */
const classNameOf = (text: string): string => {
  const words = text.match(/[\p{ID_Continue}$]+/gu) ?? []
  const name = words.map(([first = "", ...rest]) => first.toUpperCase() + rest.join("")).join("")
  return !/^[\p{ID_Start}$_]/u.test(name) ? `Inferred${name}` : taken.has(name) ? `${name}Document` : name
}

// ---- from a collection

const origin = (collection: MongoCollection.MongoCollection) => ({
  operation: "infer",
  collection: collection.fullName
})

/** In the form in which each type of BSON can be told from all others. */
const deserialize = deserializer({
  promoteValues: false,
  promoteLongs: false,
  bsonRegExp: true,
  enableUtf8Validation: false
})

/** A document, or `undefined` for bytes that bson cannot read. Its `_id` may be kept when the rest is gone. */
const read = (bytes: Uint8Array): Driver.Document | undefined => {
  try {
    const document = deserialize(bytes)
    if (Object.hasOwn(document, "_id")) document["_id"] = detached(document["_id"])
    return document
  } catch {
    return undefined
  }
}

type Source = MongoCollection.MongoCollection | { readonly untyped: MongoCollection.MongoCollection }

const untypedOf = (source: Source): MongoCollection.MongoCollection => "untyped" in source ? source.untyped : source

/** @internal */
export const run = (
  source: Source,
  options: Infer.Options = {}
): Stream.Stream<Infer.Progress | Infer.Summarized, MongoError.MongoError> => {
  const collection = untypedOf(source)
  return Stream.unwrap(
    Effect.gen(function*() {
      const { query, total: counted } = yield* encoded(
        origin(collection),
        () => scan(collection, options.filter, options.sample)
      ) as Effect.Effect<ReturnType<typeof scan>, MongoError.MongoError>
      const total = yield* counted
      const content = new Documents()
      const progress = Stream.mapEffect(
        Stream.chunks(query.raw),
        (batch) =>
          Effect.map(
            inParts(batch, (part) => Effect.sync(() => part.forEach((bytes) => content.add(read(bytes))))),
            (): Infer.Progress => ({ _tag: "Progress", documents: content.count, total })
          )
      )
      return Stream.concat(
        progress,
        Stream.sync((): Infer.Summarized => ({ _tag: "Summarized", summary: new SummaryImpl(content) }))
      )
    })
  )
}

/** @internal */
export const schema = (
  source: Source,
  options: Infer.Options & Infer.PrintOptions = {}
): Effect.Effect<Infer.Inferred, MongoError.MongoError> => {
  const { fullName, name } = untypedOf(source)
  return Effect.map(Stream.runLast(run(source, options)), (last) => {
    const { summary } = Option.getOrThrow(last) as Infer.Summarized
    const of = options.sample === undefined ? fullName : `a sample of ${fullName}`
    return infer(summary, { ...options, name: options.name ?? name, of: options.of ?? of })
  })
}
