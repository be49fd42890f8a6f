import * as Arr from "effect/Array"
import * as Channel from "effect/Channel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Driver from "mongodb"
import type { ChangeBatch, ChangeStream, OpenChangeStream, WatchOptions } from "../../ChangeStream.ts"
import { ChangeStreamError, type MongoError } from "../../MongoError.ts"
import type { CallOptions } from "../call/call.ts"
import { namespaceOf, type Operation } from "../call/description.ts"
import { checking } from "../call/operation.ts"
import { defined } from "../call/options.ts"
import { serverMillis, serverSleep } from "../call/serverTime.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { checkGiven, checkOptions, checkPipeline, checkValue } from "../input/check.ts"
import { durationOf } from "../input/duration.ts"
import { InvalidInput } from "../input/invalidInput.ts"
import type { Aggregatable, Target } from "../query/cursorReading.ts"
import { CursorRun } from "../query/cursorRun.ts"
import { printedAs, stagesOf } from "../query/outline.ts"
import { eventOf } from "./eventBytes.ts"
import { checkPart, isLater, labelOf, type Part, stageOf, timeOf } from "./parts.ts"
import { type Fragments, isResumable, join, type Position, resumeDelay } from "./steps.ts"

/**
 * What to watch: a collection, a database, or the whole deployment (`allChangesForCluster` on `admin`).
 *
 * @internal
 */
export interface WatchTarget {
  readonly from: Target<Aggregatable>
  readonly operation: Operation
  readonly cluster: boolean
}

const stageOptions = [
  "fullDocument",
  "fullDocumentBeforeChange",
  "showExpandedEvents",
  "resumeAfter",
  "startAfter",
  "startAtOperationTime"
] as const

const commandOptions = [
  "batchSize",
  "collation",
  "comment",
  "readPreference",
  "readConcern",
  "promoteLongs",
  "promoteValues",
  "promoteBuffers",
  "useBigInt64",
  "bsonRegExp",
  "enableUtf8Validation"
] as const

const ownOptions = [
  "maxAwaitTime",
  "splitLargeEvents",
  "resumeTimeout",
  "continueAfterInvalidate",
  "rawDocuments"
] as const

const known = new Set<string>([...stageOptions, ...commandOptions, ...ownOptions])

const pick = (options: Readonly<Record<string, unknown>>, keys: ReadonlyArray<string>): Record<string, unknown> =>
  Object.fromEntries(keys.flatMap((key) => options[key] === undefined ? [] : [[key, options[key]]]))

/** @internal */
export interface AnyWatchOptions extends WatchOptions {
  readonly rawDocuments?: boolean | undefined
}

const defaultResumeTimeout = "2 minutes"

/**
 * One run of a change stream: one cursor after the other, until one ends for a reason that also ends the run.
 *
 * @internal
 */
class ChangeStreamRun<A extends Driver.Document, Event> {
  private readonly target: WatchTarget
  private readonly pipeline: ReadonlyArray<Driver.Document>
  private readonly options: AnyWatchOptions
  private readonly part: Part | undefined
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  private position: Position
  private cursor: CursorRun<Driver.Document> | undefined
  private fragments: Fragments | undefined
  private lastToken: Driver.ResumeToken | undefined
  private invalidated = false
  private isOpen = false
  private everOpened = false

  constructor(
    target: WatchTarget,
    pipeline: ReadonlyArray<Driver.Document>,
    options: AnyWatchOptions,
    part: Part | undefined,
    fiber: Fiber.Fiber<unknown, unknown>
  ) {
    this.target = target
    this.pipeline = pipeline
    this.options = options
    this.part = part
    this.fiber = fiber
    this.position = pick({ ...options }, ["resumeAfter", "startAfter", "startAtOperationTime"])
    this.lastToken = options.startAfter ?? options.resumeAfter
  }

  get resumeToken(): Option.Option<Driver.ResumeToken> {
    return Option.fromUndefinedOr(this.lastToken)
  }

  private fail(kind: ChangeStreamError["kind"], message: string): MongoError {
    return ownFailure(ChangeStreamError, this.target.operation, message, { kind })
  }

  private check(): void {
    const unknown = Object.keys(this.options).find((key) => !known.has(key))
    if (unknown !== undefined) {
      throw new InvalidInput(`options.${unknown}`, `options.${unknown} is not an option of watch`)
    }
    if (this.part !== undefined) checkPart(this.part)
    checkPipeline(this.pipeline)
    checkOptions(this.options)
    checkValue(defined(this.options) ?? {}, "options")
    const { maxAwaitTime, resumeTimeout } = this.options
    if (maxAwaitTime !== undefined) durationOf(maxAwaitTime, "options.maxAwaitTime")
    if (resumeTimeout !== undefined) durationOf(resumeTimeout, "options.resumeTimeout")
  }

  private readonly makeCursor = (callOptions: CallOptions): Driver.AbstractCursor => {
    this.check()
    const options: Readonly<Record<string, unknown>> = { ...this.options }
    const stage = {
      ...pick(options, ["fullDocument", "fullDocumentBeforeChange", "showExpandedEvents"]),
      ...this.position,
      ...(this.target.cluster ? { allChangesForCluster: true } : {})
    }
    const split = this.options.splitLargeEvents === true ? [{ $changeStreamSplitLargeEvent: {} }] : []
    return this.target.from.driver.aggregate(
      [
        { $changeStream: stage },
        ...this.part === undefined ? [] : [stageOf(this.part)],
        ...this.pipeline,
        ...split
      ],
      {
        ...pick(options, commandOptions),
        ...this.options.rawDocuments === true ? { raw: true } : {},
        ...this.options.maxAwaitTime === undefined
          ? {}
          : { maxAwaitTimeMS: Duration.toMillis(Duration.fromInputUnsafe(this.options.maxAwaitTime)) },
        ...callOptions
      }
    )
  }

  private close(): Effect.Effect<void> {
    const { cursor } = this
    this.cursor = undefined
    this.isOpen = false
    return cursor === undefined ? Effect.void : cursor.closed
  }

  /** Opens a cursor at the stream's position, unless a usable one is open. */
  private readonly ensureOpen: Effect.Effect<CursorRun<Driver.Document>, MongoError> = Effect.suspend(() =>
    this.cursor !== undefined && this.isOpen && !this.cursor.isStranded
      ? Effect.succeed(this.cursor)
      // A cursor is not usable if its opening was interrupted, or if its server is gone.
      : Effect.andThen(this.close(), this.openCursor)
  )

  private readonly openCursor: Effect.Effect<CursorRun<Driver.Document>, MongoError> = Effect.suspend(() => {
    const { from: { connection }, operation } = this.target
    const cursor = new CursorRun<Driver.Document>(
      {
        connection,
        operation,
        open: this.makeCursor,
        raw: this.options.rawDocuments,
        tailable: { awaitData: true, fromBytes: this.options.rawDocuments === true ? eventOf : undefined }
      },
      this.fiber,
      // A change stream cannot be part of a transaction, and would block the other operations of a session while it waits.
      undefined,
      undefined
    )
    this.cursor = cursor
    return Effect.map(cursor.started, () => {
      this.isOpen = true
      this.everOpened = true
      this.advance(cursor.postBatchResumeToken, cursor)
      return cursor
    })
  })

  /** Takes the position that the server gives, once everything that it sent has been read. */
  private advance(token: Driver.ResumeToken | undefined, cursor: CursorRun<Driver.Document>): void {
    if (token === undefined || this.fragments !== undefined || cursor.buffered > 0) return
    // Before the first event it may still be the token of an invalidate, after which only `startAfter` goes on.
    this.position = this.position.startAfter === undefined ? { resumeAfter: token } : { startAfter: token }
    this.lastToken = token
  }

  /** The next batch. If a caller is interrupted while it waits, the batch goes to the next caller. */
  private readonly once: Effect.Effect<ChangeBatch<A, Event>, MongoError> = Effect.flatMap(
    this.ensureOpen,
    (cursor) =>
      Effect.flatMap(cursor.next, (documents) => {
        const events: Array<Event> = []
        const tokens: Array<Driver.ResumeToken> = []
        for (const document of documents) {
          if (document["_id"] === undefined) {
            return Effect.fail(this.fail("fatal", "an event has no resume token; the pipeline must keep `_id`"))
          }
          const joined = join(this.fragments, document)
          if (joined === undefined) {
            return Effect.fail(this.fail("fatal", "a fragment of a split event came without the earlier fragments"))
          }
          if ("fragments" in joined) {
            this.fragments = joined.fragments
            this.position = { resumeAfter: document["_id"] }
            continue
          }
          this.fragments = undefined
          this.position = { resumeAfter: document["_id"] }
          this.lastToken = document["_id"]
          if (joined.whole["operationType"] === "invalidate") this.invalidated = true
          events.push(joined.whole as Event)
          tokens.push(document["_id"])
        }
        if (!this.invalidated) this.advance(cursor.postBatchResumeToken, cursor)
        // The server closes the cursor after an invalidate, even if the pipeline has filtered out that event.
        if (documents.length === 0 && cursor.isAtEnd) this.invalidated = true
        return Effect.succeed({ events, tokens, resumeToken: this.resumeToken })
      })
  )

  /** The next batch, from as many cursors as it takes. */
  readonly next: Effect.Effect<ChangeBatch<A, Event>, MongoError> = Effect.suspend(() => {
    if (this.invalidated) {
      if (this.options.continueAfterInvalidate !== true) {
        return Effect.fail(this.fail("invalidated", "the watched collection or database was dropped or renamed"))
      }
      this.invalidated = false
      this.position = { startAfter: this.lastToken }
      return Effect.andThen(this.close(), this.resuming(this.once))
    }
    return this.resuming(this.once)
  })

  /** Resumes after failures that the specification calls resumable: with a backoff, for `resumeTimeout` at most. */
  private resuming<B>(self: Effect.Effect<B, MongoError>): Effect.Effect<B, MongoError> {
    return Effect.withFiber((fiber) => {
      const now = () => serverMillis(fiber)
      let failures = 0
      let since = 0
      const attempt: Effect.Effect<B, MongoError> = Effect.catch(
        self,
        (error) =>
          Effect.gen({ self: this }, function*() {
            yield* this.close()
            // A stream that never opened is not resumed: the driver has tried twice, and the caller should know.
            if (!this.everOpened || !isResumable(error)) return yield* Effect.fail(error)
            failures++
            if (failures === 1) since = now()
            const limit = Duration.toMillis(
              Duration.fromInputUnsafe(this.options.resumeTimeout ?? defaultResumeTimeout)
            )
            const delay = resumeDelay(failures, yield* Random.next)
            if (now() + delay - since >= limit) return yield* Effect.fail(error)
            yield* serverSleep(delay)
            return yield* attempt
          })
      )
      return attempt
    })
  }

  /** Opens the stream on the server. */
  readonly open: Effect.Effect<void, MongoError> = Effect.asVoid(Effect.suspend(() => this.resuming(this.ensureOpen)))

  /** The next batch that has events. */
  readonly pull: Effect.Effect<Arr.NonEmptyReadonlyArray<Event>, MongoError> = Effect.flatMap(
    Effect.suspend(() => this.next),
    ({ events }) => Arr.isReadonlyArrayNonEmpty(events) ? Effect.succeed(events) : this.pull
  )

  readonly closed: Effect.Effect<void> = Effect.suspend(() => this.close())
}

/**
 * Makes a run that closes with the scope.
 *
 * @internal
 */
const scoped = <A extends Driver.Document, Event>(
  target: WatchTarget,
  pipeline: ReadonlyArray<Driver.Document>,
  options: AnyWatchOptions,
  part: Part | undefined,
  scope: Scope.Scope
): Effect.Effect<ChangeStreamRun<A, Event>, MongoError> =>
  Effect.andThen(
    checking(target.operation, () => checkGiven(options)),
    Effect.withFiber((fiber) => {
      const run = new ChangeStreamRun<A, Event>(target, pipeline, options, part, fiber)
      return Effect.as(Scope.addFinalizer(scope, run.closed), run)
    })
  )

/** @internal */
export const makeChangeStream = <A extends Driver.Document, Event>(
  target: WatchTarget,
  pipeline: ReadonlyArray<Driver.Document>,
  options: AnyWatchOptions,
  part?: Part
): ChangeStream<A, Event> => {
  const stream = Stream.fromChannel(
    Channel.fromTransform((_: unknown, scope) =>
      Effect.map(scoped<A, Event>(target, pipeline, options, part, scope), (run) => run.pull)
    )
  )
  const outline = {
    _id: "ChangeStream",
    operation: target.operation.name,
    namespace: namespaceOf(target.operation),
    pipeline: stagesOf(pipeline),
    ...part === undefined ? {} : { part: labelOf(part) },
    // `rawDocuments` is hidden, since typed collections set it internally.
    options: Object.keys(defined(options) ?? {}).filter((name) => name !== "rawDocuments")
  }
  const open = Effect.gen(function*() {
    const run = yield* scoped<A, Event>(target, pipeline, options, part, yield* Effect.scope)
    yield* run.open
    const opened: OpenChangeStream<A, Event> = {
      stream: Stream.fromPull(Effect.succeed(run.pull)),
      next: run.next,
      resumeToken: Effect.sync(() => run.resumeToken)
    }
    return printedAs(opened, { ...outline, _id: "OpenChangeStream" })
  })
  const partOf = (index: number, of: number) => makeChangeStream<A, Event>(target, pipeline, options, { index, of })
  const tokenForParts = (token: Driver.ResumeToken) =>
    Effect.scoped(Effect.gen(function*() {
      const time = yield* checking(target.operation, () => timeOf(token))
      const { resumeAfter: _, startAfter: __, ...others } = options
      // With an empty batch the server says where it begins. The driver leaves out the number 0, but not an integer of BSON.
      const batchSize = new Driver.Int32(0) as unknown as number
      const started = { ...others, startAtOperationTime: time, batchSize }
      const run = yield* scoped<A, Event>(target, pipeline, started, part, yield* Effect.scope)
      yield* run.open
      const begun = Option.getOrUndefined(run.resumeToken)
      if (begun !== undefined && !(yield* checking(target.operation, () => isLater(begun, token)))) return begun
      return yield* Effect.fail(ownFailure(
        ChangeStreamError,
        target.operation,
        "the server does not begin before the event with this resume token: its tokens are of another kind",
        { kind: "invalidResumeToken" }
      ))
    }))
  return printedAs(Object.assign(stream, { open, part: partOf, tokenForParts }), outline)
}
