/** Reads a query through a cursor of the driver: checks the arguments, opens the cursor, and limits `first` to one document. */
import * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type * as Driver from "mongodb"
import type { MongoError } from "../../MongoError.ts"
import type { OpenQuery } from "../../Query.ts"
import type { QueryPlan } from "../../QueryPlan.ts"
import type { CallOptions } from "../call/call.ts"
import type { Connection } from "../call/connection.ts"
import { namespaceOf, type Operation } from "../call/description.ts"
import { run } from "../call/operation.ts"
import { joined } from "../call/options.ts"
import { sentenceOf } from "../errors/ownFailure.ts"
import { checkFilter, checkGiven, checkOptions, checkPipeline } from "../input/check.ts"
import { notHint } from "../input/hint.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import { checkSent } from "../input/unsentOptions.ts"
import type { CursorSource } from "./cursorRun.ts"
import { keysOf, outlineOf, stagesOf } from "./outline.ts"
import { fromExplain } from "./plan.ts"
import { head, OpenReading, type Settings } from "./reading.ts"
import { collect, open, stream } from "./running.ts"

/**
 * What a query reads from: a client, and the driver's collection or database.
 *
 * @internal
 */
export interface Target<D> {
  readonly connection: Connection
  /** May throw: the driver refuses bad names. That becomes the failure of the query. */
  readonly driver: D
}

/** @internal */
export interface Findable {
  find(filter: Driver.Document, options: object): Driver.AbstractCursor
}

/** @internal */
export interface Aggregatable {
  aggregate(pipeline: Array<Driver.Document>, options: object): Driver.AggregationCursor
}

abstract class CursorReading<A, D> extends OpenReading<A> {
  protected readonly target: Target<D>
  protected readonly operation: Operation
  /** The options as they were given. Invalid options make the query fail when it runs, not when it is made. */
  protected readonly given: unknown

  constructor(target: Target<D>, operation: Operation, given: unknown) {
    super()
    this.target = target
    this.operation = operation
    this.given = given
  }

  /** What the query asks for, without values. */
  protected abstract readonly subject: object

  /** Checks the arguments, and makes the driver's cursor. May throw: the error becomes the query's failure. */
  protected abstract makeCursor(options: CallOptions & Settings): Driver.AbstractCursor

  private openCursor(settings: Settings, options: CallOptions): Driver.AbstractCursor {
    checkGiven(this.given)
    return this.makeCursor(joined(settings, options))
  }

  override printed(settings: Settings): object {
    const { operation } = this
    return {
      _id: "Query",
      operation: operation.name,
      namespace: namespaceOf(operation),
      ...this.subject,
      settings: outlineOf(settings)
    }
  }

  protected override get noDocument(): string {
    return sentenceOf(this.operation, "found no document")
  }

  private source(settings: Settings): CursorSource<A> {
    return {
      connection: this.target.connection,
      operation: this.operation,
      raw: settings["raw"] === true,
      open: (options) => this.openCursor(settings, options),
      tailable: settings["tailable"] === true ? { awaitData: settings["awaitData"] === true } : undefined
    }
  }

  override array(settings: Settings): Effect.Effect<Array<A>, MongoError> {
    return collect(this.source(settings))
  }

  override stream(settings: Settings): Stream.Stream<A, MongoError> {
    return stream(this.source(settings))
  }

  protected override opened(settings: Settings): Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope> {
    return open(this.source(settings))
  }

  override explain(
    settings: Settings,
    verbosity: Driver.ExplainVerbosityLike = "queryPlanner"
  ): Effect.Effect<QueryPlan, MongoError> {
    const answer = run(this.target.connection, { ...this.operation, command: "explain" }, (options) => {
      // A plan is decoded even if the documents of the query are bytes.
      const readable = settings["raw"] === true ? { ...settings, raw: undefined } : settings
      const cursor = this.openCursor(readable, options) as Driver.FindCursor | Driver.AggregationCursor
      const { maxTimeMS } = options
      // The time limit of the explained command does not apply to `explain` itself.
      const argument = maxTimeMS === undefined ? verbosity : { verbosity: verbosityName(verbosity), maxTimeMS }
      return cursor.explain(argument).finally(() => cursor.close())
    })
    return Effect.map(answer, fromExplain)
  }
}

const verbosityName = (verbosity: Driver.ExplainVerbosityLike): string =>
  typeof verbosity === "string" ? verbosity : verbosity ? "allPlansExecution" : "queryPlanner"

/** Checks what the driver checks in the methods of its cursor, but not in the options of the same names. */
const checkSettings = (settings: Settings): void => {
  for (const key of ["limit", "skip", "batchSize"]) {
    const value = settings[key]
    if (value !== undefined && (typeof value !== "number" || Number.isNaN(value))) {
      throw new InvalidInput(key, `${key} is not a number`)
    }
  }
  // The driver would use a negative one as a limit.
  if (settings["batchSize"] as number < 0) throw new InvalidInput("batchSize", "batchSize is negative")
  const hint = settings["hint"]
  if (hint !== undefined && typeof hint !== "string" && (typeof hint !== "object" || hint === null)) {
    throw new InvalidInput("hint", notHint)
  }
}

/** @internal */
export class FindReading<A> extends CursorReading<A, Findable> {
  private readonly filter: Driver.Document

  constructor(target: Target<Findable>, operation: Operation, given: unknown, filter: Driver.Document) {
    super(target, operation, given)
    this.filter = filter
  }

  protected override get subject(): object {
    return { filter: keysOf(this.filter) }
  }

  protected override makeCursor(options: CallOptions & Settings): Driver.AbstractCursor {
    checkFilter(this.filter)
    checkSettings(options)
    checkOptions(options)
    if (options["hint"] instanceof Map) {
      throw new InvalidInput("hint", "hint has keys whose order the driver does not keep: pass the name of the index")
    }
    return this.target.driver.find(this.filter, options)
  }

  override first(settings: Settings): Effect.Effect<Option.Option<A>, MongoError> {
    if (settings["tailable"] === true) return super.first(settings)
    // With a batch size of 0 the server would end the cursor with an empty first batch.
    return head(this.array({ ...settings, limit: 1, singleBatch: true, batchSize: undefined }))
  }
}

const endsInWrite = (pipeline: ReadonlyArray<Driver.Document>): boolean => {
  const last: unknown = Array.isArray(pipeline) ? pipeline.at(-1) : undefined
  return typeof last === "object" && last !== null && ("$out" in last || "$merge" in last)
}

/** @internal */
export class AggregateReading<A> extends CursorReading<A, Aggregatable> {
  private readonly pipeline: ReadonlyArray<Driver.Document>

  constructor(
    target: Target<Aggregatable>,
    operation: Operation,
    given: unknown,
    pipeline: ReadonlyArray<Driver.Document>
  ) {
    super(target, endsInWrite(pipeline) ? { ...operation, writes: true } : operation, given)
    this.pipeline = pipeline
  }

  protected override get subject(): object {
    return { pipeline: stagesOf(this.pipeline) }
  }

  protected override makeCursor(options: CallOptions & Settings): Driver.AbstractCursor {
    checkPipeline(this.pipeline)
    checkSettings(options)
    checkOptions(options)
    return this.target.driver.aggregate([...this.pipeline], options)
  }

  override first(settings: Settings): Effect.Effect<Option.Option<A>, MongoError> {
    // A stage that writes must stay the last one, and returns no documents anyway.
    if (!Array.isArray(this.pipeline) || this.operation.writes === true) return super.first(settings)
    const limited = new AggregateReading<A>(this.target, this.operation, this.given, [
      ...this.pipeline,
      { $limit: 1 }
    ])
    return head(limited.array(settings))
  }
}

/**
 * Makes the driver's cursor for a query with its own method in the driver. May throw.
 *
 * @internal
 */
export type OpenPlain<D> = (driver: D, options: CallOptions & Settings) => Driver.AbstractCursor

/**
 * The reading of a query whose settings are fixed.
 *
 * @internal
 */
export class PlainReading<A, D> extends CursorReading<A, D> {
  private readonly openPlain: OpenPlain<D>
  private readonly asked: Readonly<Record<string, unknown>>

  constructor(
    target: Target<D>,
    operation: Operation,
    given: unknown,
    openPlain: OpenPlain<D>,
    asked: Readonly<Record<string, unknown>>
  ) {
    super(target, operation, given)
    this.openPlain = openPlain
    this.asked = asked
  }

  protected override get subject(): object {
    return Object.fromEntries(Object.entries(this.asked).map(([name, value]) => [name, keysOf(value)]))
  }

  protected override makeCursor(options: CallOptions & Settings): Driver.AbstractCursor {
    checkOptions(options)
    checkSent(this.operation.name, options)
    return this.openPlain(this.target.driver, options)
  }
}
