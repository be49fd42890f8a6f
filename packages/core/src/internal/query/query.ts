import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type { MongoError } from "../../MongoError.ts"
import type { AggregateQuery, FindQuery, OpenQuery, Query, TailableOptions } from "../../Query.ts"
import type { Connection } from "../call/connection.ts"
import { namespaceOf, type Operation } from "../call/description.ts"
import { type CallOptions, run } from "../call/operation.ts"
import { defined, joined, notHint } from "../call/options.ts"
import { sentenceOf } from "../errors/ownFailure.ts"
import { checkFilter, checkGiven, checkOptions, checkPipeline } from "../input/check.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { collect, type CursorSource, open, stream } from "./cursorRun.ts"
import { printedAs } from "./printedAs.ts"

/** @internal */
export const TypeId = "~@mongofx/core/Query" as const

/** Options that go to the driver as they are. */
type Settings = Readonly<Record<string, unknown>>

/** What a query belongs to, and what it is called. */
interface Origin {
  readonly connection: Connection
  readonly operation: Operation
}

/** Opens the driver's cursor. May throw: what it throws becomes the query's failure. */
type Open<Args extends ReadonlyArray<unknown>> = (
  ...args: [...Args, options: CallOptions & Settings]
) => Driver.AbstractCursor

abstract class QueryImpl<A> extends Effectable.Class<Array<A>, MongoError> implements Query<A> {
  readonly [TypeId] = TypeId
  protected readonly origin: Origin
  protected readonly settings: Settings

  constructor(origin: Origin, settings: Settings) {
    super()
    this.origin = origin
    this.settings = settings
  }

  /** What is printed of a query: no values. */
  override toJSON(): object {
    const { operation } = this.origin
    return {
      _id: "Query",
      operation: operation.name,
      namespace: namespaceOf(operation),
      ...this.subject,
      settings: outlineOf(this.settings)
    }
  }

  /** What it asks for, without values. */
  protected get subject(): object {
    return {}
  }

  protected abstract makeCursor(options: CallOptions & Settings): Driver.AbstractCursor

  protected source<B>(settings: Settings): CursorSource<B> {
    return {
      connection: this.origin.connection,
      operation: this.origin.operation,
      raw: settings["raw"] === true,
      open: (options) => this.makeCursor(joined(settings, options)),
      tailable: settings["tailable"] === true ? { awaitData: settings["awaitData"] === true } : undefined
    }
  }

  override asEffect(): Effect.Effect<Array<A>, MongoError> {
    return collect(this.source<A>(this.settings))
  }

  get stream(): Stream.Stream<A, MongoError> {
    return stream(this.source<A>(this.settings))
  }

  get batches(): Stream.Stream<ReadonlyArray<A>, MongoError> {
    return Stream.chunks(this.stream)
  }

  get raw(): Stream.Stream<Uint8Array, MongoError> {
    return stream(this.source<Uint8Array>({ ...this.settings, raw: true }))
  }

  get open(): Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope> {
    return Effect.map(
      open(this.source<A>(this.settings)),
      (opened) => printedAs(opened, { ...this.toJSON(), _id: "OpenQuery" })
    )
  }

  get first(): Effect.Effect<Option.Option<A>, MongoError> {
    return Stream.runHead(this.stream)
  }

  get one(): Effect.Effect<A, MongoError | Cause.NoSuchElementError> {
    return Effect.flatMap(
      this.first,
      Option.match({
        onNone: () => Effect.fail(new Cause.NoSuchElementError(sentenceOf(this.origin.operation, "found no document"))),
        onSome: (document) => Effect.succeed(document)
      })
    )
  }
}

const verbosityName = (verbosity: Driver.ExplainVerbosityLike): string =>
  typeof verbosity === "string" ? verbosity : verbosity ? "allPlansExecution" : "queryPlanner"

/** A query that the server can explain. */
abstract class ExplainableImpl<A> extends QueryImpl<A> {
  explain(verbosity: Driver.ExplainVerbosityLike = "queryPlanner"): Effect.Effect<Driver.Document, MongoError> {
    return run(this.origin.connection, { ...this.origin.operation, command: "explain" }, (options) => {
      const cursor = this.makeCursor(joined(this.settings, options)) as Driver.FindCursor | Driver.AggregationCursor
      const { maxTimeMS } = options
      // The limit of the explained command does not hold for `explain`.
      const argument = maxTimeMS === undefined ? verbosity : { verbosity: verbosityName(verbosity), maxTimeMS }
      return cursor.explain(argument).finally(() => cursor.close())
    })
  }
}

/** Settings whose text is a name. */
const named: ReadonlySet<string> = new Set(["hint", "readConcern", "readPreference"])

/** Keys and settings, but no values of documents. */
const outlineOf = (settings: Settings): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(settings).filter(([, value]) => value !== undefined).map(([key, value]) => {
      if (key === "comment") return [key, redacted]
      if (typeof value === "number" || typeof value === "boolean") return [key, value]
      if (typeof value === "string") return [key, named.has(key) ? value : redacted]
      return [key, keysOf(value)]
    })
  )

const redacted = "<redacted>"

const keysOf = (value: unknown): ReadonlyArray<string> =>
  value instanceof Map
    ? [...value.keys()].map(String)
    : typeof value === "object" && value !== null
    ? Object.keys(value)
    : []

/**
 * The names of a pipeline's stages.
 *
 * @internal
 */
export const stagesOf = (pipeline: unknown): ReadonlyArray<string> =>
  Array.isArray(pipeline) ? pipeline.flatMap(keysOf) : []

/** What the driver checks in its cursor's methods, and ignores in the options that stand for them. */
const checkSettings = (settings: Settings): void => {
  for (const key of ["limit", "skip", "batchSize"]) {
    const value = settings[key]
    if (value !== undefined && (typeof value !== "number" || Number.isNaN(value))) {
      throw new InvalidInput(key, `${key} is not a number`)
    }
  }
  // The driver would make a limit of it.
  if (settings["batchSize"] as number < 0) throw new InvalidInput("batchSize", "batchSize is negative")
  const hint = settings["hint"]
  if (hint !== undefined && typeof hint !== "string" && (typeof hint !== "object" || hint === null)) {
    throw new InvalidInput("hint", notHint)
  }
}

class FindQueryImpl<A> extends ExplainableImpl<A> implements FindQuery<A> {
  private readonly find: Open<[filter: Driver.Document]>
  private readonly filter: Driver.Document

  constructor(origin: Origin, settings: Settings, find: Open<[filter: Driver.Document]>, filter: Driver.Document) {
    super(origin, settings)
    this.find = find
    this.filter = filter
  }

  protected override get subject(): object {
    return { filter: keysOf(this.filter) }
  }

  protected makeCursor(options: CallOptions & Settings): Driver.AbstractCursor {
    checkFilter(this.filter)
    checkSettings(options)
    checkOptions(options)
    if (options["hint"] instanceof Map) {
      throw new InvalidInput("hint", "hint has keys whose order the driver does not keep; name the index instead")
    }
    return this.find(this.filter, options)
  }

  private with<B = A>(settings: Settings): FindQuery<B> {
    return new FindQueryImpl<B>(this.origin, { ...this.settings, ...settings }, this.find, this.filter)
  }

  override get first(): Effect.Effect<Option.Option<A>, MongoError> {
    if (this.settings["tailable"] === true) return super.first
    // With a batch size of 0 the server would end the cursor with an empty first batch.
    const source = this.source<A>({ ...this.settings, limit: 1, singleBatch: true, batchSize: undefined })
    return Effect.map(collect(source), (documents) => Option.fromUndefinedOr(documents[0]))
  }

  sort(sort: Driver.Sort) {
    return this.with({ sort })
  }
  limit(limit: number) {
    return this.with({ limit })
  }
  skip(skip: number) {
    return this.with({ skip })
  }
  project<B = Driver.Document>(projection: Driver.Document) {
    return this.with<B>({ projection })
  }
  hint(hint: Driver.Hint) {
    return this.with({ hint })
  }
  min(min: Driver.Document) {
    return this.with({ min })
  }
  max(max: Driver.Document) {
    return this.with({ max })
  }
  collation(collation: Driver.CollationOptions) {
    return this.with({ collation })
  }
  comment(comment: unknown) {
    return this.with({ comment })
  }
  batchSize(batchSize: number) {
    return this.with({ batchSize })
  }
  maxTimeMS(maxTimeMS: number) {
    return this.with({ maxTimeMS })
  }
  allowDiskUse(allowDiskUse = true) {
    return this.with({ allowDiskUse })
  }
  returnKey(returnKey = true) {
    return this.with({ returnKey })
  }
  showRecordId(showRecordId = true) {
    return this.with({ showRecordId })
  }
  noCursorTimeout(noCursorTimeout = true) {
    return this.with({ noCursorTimeout })
  }
  tailable(options: TailableOptions = {}) {
    const { awaitData = true, maxAwaitTimeMS } = options
    return this.with({
      tailable: true,
      awaitData,
      ...(maxAwaitTimeMS === undefined ? {} : { maxAwaitTimeMS })
    })
  }
  readPreference(readPreference: Driver.ReadPreferenceLike) {
    return this.with({ readPreference })
  }
  readConcern(readConcern: Driver.ReadConcernLike) {
    return this.with({ readConcern })
  }
}

const endsInWrite = (pipeline: ReadonlyArray<Driver.Document>): boolean => {
  const last: unknown = Array.isArray(pipeline) ? pipeline.at(-1) : undefined
  return typeof last === "object" && last !== null && ("$out" in last || "$merge" in last)
}

class AggregateQueryImpl<A> extends ExplainableImpl<A> implements AggregateQuery<A> {
  private readonly aggregate: Open<[pipeline: Array<Driver.Document>]>
  private readonly pipeline: ReadonlyArray<Driver.Document>

  constructor(
    origin: Origin,
    settings: Settings,
    aggregate: Open<[pipeline: Array<Driver.Document>]>,
    pipeline: ReadonlyArray<Driver.Document>
  ) {
    super(
      endsInWrite(pipeline) ? { ...origin, operation: { ...origin.operation, writes: true } } : origin,
      settings
    )
    this.aggregate = aggregate
    this.pipeline = pipeline
  }

  protected override get subject(): object {
    return { pipeline: stagesOf(this.pipeline) }
  }

  protected makeCursor(options: CallOptions & Settings): Driver.AbstractCursor {
    checkPipeline(this.pipeline)
    checkSettings(options)
    checkOptions(options)
    return this.aggregate([...this.pipeline], options)
  }

  private with(settings: Settings): AggregateQuery<A> {
    return new AggregateQueryImpl<A>(this.origin, { ...this.settings, ...settings }, this.aggregate, this.pipeline)
  }

  override get first(): Effect.Effect<Option.Option<A>, MongoError> {
    // A stage that writes has to stay the last one, and returns no document anyway.
    if (!Array.isArray(this.pipeline) || this.origin.operation.writes === true) return super.first
    const pipeline = [...this.pipeline, { $limit: 1 }]
    return new AggregateQueryImpl<A>(this.origin, this.settings, this.aggregate, pipeline).firstOfAll
  }

  private get firstOfAll(): Effect.Effect<Option.Option<A>, MongoError> {
    return Effect.map(this, (documents) => Option.fromUndefinedOr(documents[0]))
  }

  hint(hint: Driver.Hint) {
    return this.with({ hint })
  }
  collation(collation: Driver.CollationOptions) {
    return this.with({ collation })
  }
  comment(comment: unknown) {
    return this.with({ comment })
  }
  batchSize(batchSize: number) {
    return this.with({ batchSize })
  }
  maxTimeMS(maxTimeMS: number) {
    return this.with({ maxTimeMS })
  }
  allowDiskUse(allowDiskUse = true) {
    return this.with({ allowDiskUse })
  }
  readPreference(readPreference: Driver.ReadPreferenceLike) {
    return this.with({ readPreference })
  }
  readConcern(readConcern: Driver.ReadConcernLike) {
    return this.with({ readConcern })
  }
}

class PlainQueryImpl<A> extends QueryImpl<A> {
  private readonly openPlain: Open<[]>
  private readonly asked: Readonly<Record<string, unknown>>

  constructor(origin: Origin, settings: Settings, open: Open<[]>, asked: Readonly<Record<string, unknown>>) {
    super(origin, settings)
    this.openPlain = open
    this.asked = asked
  }

  protected override get subject(): object {
    return Object.fromEntries(Object.entries(this.asked).map(([name, value]) => [name, keysOf(value)]))
  }

  protected makeCursor(options: CallOptions & Settings): Driver.AbstractCursor {
    return this.openPlain(options)
  }
}

/** What can be no options fails the query when it runs, and not when it is made. */
const opening = <Args extends ReadonlyArray<unknown>>(options: unknown, open: Open<Args>): Open<Args> => (...args) => {
  checkGiven(options)
  return open(...args)
}

/** @internal */
export const makeFind = <A>(
  origin: Origin,
  find: Open<[filter: Driver.Document]>,
  filter: Driver.Document,
  options: object | undefined
): FindQuery<A> => new FindQueryImpl<A>(origin, { ...defined(options) }, opening(options, find), filter)

/** @internal */
export const makeAggregate = <A>(
  origin: Origin,
  aggregate: Open<[pipeline: Array<Driver.Document>]>,
  pipeline: ReadonlyArray<Driver.Document>,
  options: object | undefined
): AggregateQuery<A> =>
  new AggregateQueryImpl<A>(origin, { ...defined(options) }, opening(options, aggregate), pipeline)

/**
 * A query whose settings are all given when it is made.
 *
 * @param subject What it asks for, to be printed by its keys.
 * @internal
 */
export const makePlain = <A>(
  origin: Origin,
  open: Open<[]>,
  options: object | undefined,
  subject: Readonly<Record<string, unknown>>,
  defaults: Settings = {}
): Query<A> => new PlainQueryImpl<A>(origin, { ...defaults, ...defined(options) }, opening(options, open), subject)
