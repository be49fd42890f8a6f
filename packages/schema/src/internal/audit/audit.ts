/** Reads a collection and counts the documents that do not decode, at the speed of the compiled decoder. */
import { Integration } from "@mongofx/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaParser from "effect/SchemaParser"
import * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type * as Audit from "../../MongoAudit.ts"
import type { TypedCollection } from "../../TypedCollection.ts"
import type { Failure } from "../../TypedQuery.ts"
import { type Deserialize, deserializer, detached, readLoosely, unreadable } from "../bson/bytes.ts"
import { isBson } from "../bson/values.ts"
import { encoded, type Origin } from "../collection/failures.ts"
import { shapeOf } from "../collection/shape.ts"
import { codecOf, type Decoder } from "../compiler/codec.ts"
import { positiveInteger } from "../encode/arguments.ts"
import { encodeFilter } from "../encode/filter.ts"
import { inParts, scan } from "../scan.ts"
import { placesOf } from "./places.ts"
import { type Bounds, Tally } from "./tally.ts"

const defaults: Bounds = { examples: 3, paths: 200, messages: 10 }

const boundsOf = (options: Pick<Audit.Options<unknown>, keyof Bounds>): Bounds => {
  const bound = (name: keyof Bounds) => positiveInteger(options[name] ?? defaults[name], `options.${name}`)
  return { examples: bound("examples"), paths: bound("paths"), messages: bound("messages") }
}

/** The issue of a document for which the codec dies. Its message leaves out that of the defect, which may hold a value. */
const dead = (defect: unknown): SchemaIssue.Issue => {
  const what = defect instanceof Error ? defect.name : "defect"
  const message = `Expected a document that the codec decodes or refuses, but it dies with: ${what}`
  return new SchemaIssue.InvalidValue({ message }, undefined, {})
}

/** Decides on the documents of batches, and counts those that do not decode. */
class Judge {
  readonly tally: Tally
  /** Whether it takes the bytes of documents. Some options of the driver leave it no decoder of bytes. */
  readonly takesBytes: boolean
  private readonly ast: SchemaAST.AST
  private readonly decoder: Decoder<unknown>
  private readonly deserialize: Deserialize
  private readonly parse: (document: unknown) => Effect.Effect<unknown, SchemaIssue.Issue, unknown>

  constructor(ast: SchemaAST.AST, bounds: Bounds, options: Integration.BsonOptions) {
    const codec = codecOf<unknown>(ast)
    const bytes = codec.bytes(options)
    this.ast = ast
    this.tally = new Tally(bounds)
    this.decoder = bytes ?? codec
    this.takesBytes = bytes !== undefined
    this.deserialize = deserializer(options)
    this.parse = SchemaParser.decodeUnknownEffect(Schema.make<Schema.Constraint>(ast), { errors: "all" })
  }

  /** Judges the documents from a position on. */
  judge(documents: ReadonlyArray<unknown>, from = 0): Effect.Effect<void, never, unknown> {
    const position = this.decoder.decodeMany(documents, from, [])
    this.tally.documents += position - from
    if (position === documents.length) return Effect.void
    return Effect.flatMap(
      this.one(documents[position]),
      () => Effect.suspend(() => this.judge(documents, position + 1))
    )
  }

  /** Decides on a document that the compiled decoder stops at. */
  private one(document: unknown): Effect.Effect<void, never, unknown> {
    this.tally.documents++
    if (!this.takesBytes) return this.parsed(document as Driver.Document)
    const bytes = document as Uint8Array
    let read: Driver.Document
    try {
      read = this.deserialize(bytes)
    } catch (cause) {
      this.add(readLoosely(bytes), unreadable(bytes, cause))
      return Effect.void
    }
    return this.parsed(read)
  }

  private parsed(document: Driver.Document): Effect.Effect<void, never, unknown> {
    const parsed = Effect.suspend(() => this.parse(document))
    return Effect.matchEffect(Effect.catchDefect(parsed, (defect) => Effect.fail(dead(defect))), {
      onSuccess: () => Effect.void,
      onFailure: (issue) => Effect.sync(() => this.add(document, issue))
    })
  }

  private add(document: Driver.Document, issue: SchemaIssue.Issue): void {
    // bson reads a document with $ref and $id as a DBRef.
    const { _id } = isBson("DBRef")(document) ? document.fields : document
    this.tally.add(() => detached(_id), placesOf(this.ast, issue))
  }
}

/** @internal */
export const run = (
  collection: TypedCollection<Schema.Constraint>,
  options: Audit.Options<unknown> = {}
): Stream.Stream<Audit.Progress | Audit.Report, Failure, unknown> => {
  const { schema, untyped } = collection
  const shape = shapeOf(schema)
  const origin: Origin = { operation: "audit", collection: collection.fullName }
  const prepared = encoded(origin, (operands) => ({
    judge: new Judge(shape.ast, boundsOf(options), Integration.bsonOptions(untyped)),
    scan: scan(
      untyped,
      options.filter === undefined ? undefined : encodeFilter(shape.read, options.filter, operands),
      options.sample
    )
  }))
  return Stream.unwrap(
    Effect.gen(function*() {
      const { judge, scan: { query, total: counted } } = yield* prepared
      const { tally } = judge
      const total = yield* counted
      const batches: Stream.Stream<ReadonlyArray<unknown>, Failure> = judge.takesBytes
        ? Stream.chunks(query.raw)
        : query.batches
      const progress = Stream.mapEffect(
        batches,
        (documents) =>
          Effect.map(inParts(documents, (part) => judge.judge(part)), (): Audit.Progress => {
            const { documents, invalid } = tally
            return { _tag: "Progress", documents, invalid, total }
          })
      )
      const report = Stream.sync((): Audit.Report => ({
        _tag: "Report",
        collection: collection.fullName,
        isSample: options.sample !== undefined,
        ...tally.report()
      }))
      return Stream.concat(progress, report)
    })
  )
}

/** @internal */
export const report = (
  collection: TypedCollection<Schema.Constraint>,
  options: Audit.Options<unknown> = {}
): Effect.Effect<Audit.Report, Failure, unknown> =>
  Effect.map(Stream.runLast(run(collection, options)), (last) => Option.getOrThrow(last) as Audit.Report)
