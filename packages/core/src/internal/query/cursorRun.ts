import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as Tracer from "effect/Tracer"
import * as Driver from "mongodb"
import { CursorError, isMongoError, type MongoError } from "../../MongoError.ts"
import type { OpenQuery } from "../../Query.ts"
import { endsWithin } from "../call/bounded.ts"
import type { Connection } from "../call/connection.ts"
import { CurrentDeadline, type Deadline, maxTimeOf, until } from "../call/deadline.ts"
import type { Dependent } from "../call/dependents.ts"
import type { Operation } from "../call/description.ts"
import {
  ambientSession,
  annotateFailure,
  type CallOptions,
  isTraced,
  spanName,
  spanOptions,
  withOperationSpan
} from "../call/operation.ts"
import { serverSleep } from "../call/serverTime.ts"
import { isSocketError } from "../driver/breaks.ts"
import {
  endOnServer,
  keepOnServer,
  openOnServer,
  postBatchResumeToken,
  readBuffered,
  readingOptions,
  serverOf,
  takeOver
} from "../driver/cursor.ts"
import { killSession, spoil } from "../driver/kill.ts"
import { isReachable } from "../driver/members.ts"
import { type Abort, makeAbort, OperationInterrupted } from "../driver/signal.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { type AmbientSession, inLine } from "../session/state.ts"
import { runWithParent } from "../telemetry/commandSpans.ts"
import { recordOperation } from "../telemetry/telemetry.ts"

/**
 * How to open the driver's cursor of a query. It is opened anew for every run.
 *
 * @internal
 */
export interface CursorSource<A> {
  readonly connection: Connection
  readonly operation: Operation
  /** May throw: the driver checks arguments when a cursor is made. */
  readonly open: (options: CallOptions) => Driver.AbstractCursor<A>
  /** Whether it is opened with `raw: true`, with which the driver leaves what the server says of an error as bytes, too. */
  readonly raw?: boolean | undefined
  /** Set where the cursor waits at the end of what there is instead of ending. */
  readonly tailable?: {
    readonly awaitData: boolean
    /** Reads the documents of a cursor that delivers bytes, with the options by which it would read them itself. May throw. */
    readonly fromBytes?: ((bytes: Uint8Array, options: Driver.BSON.DeserializeOptions) => A) | undefined
  } | undefined
}

/** How long a finalizer waits for the server to confirm that a cursor is closed: real milliseconds. */
const closeTimeout = 1000

/** How long the server may take to answer that a session is killed, before a connection is given up for it: milliseconds. */
const killTimeout = 250

/** How long the reply to a first command may take after its session has been killed, before its connection is given up: milliseconds. */
const replyTimeout = 2000

/** Pause before a tailable cursor asks again where the server does not wait for documents itself: milliseconds. */
const tailPause = 200

/**
 * Where a run stands. Only the server ends one, by the id 0 of its cursor: whatever else stops it is a failure, and stays one.
 */
type State = "reading" | "ended" | "failed"

/**
 * One run of a query: one cursor of the driver, in a session that this run can kill.
 *
 * The driver loses the server's cursor when it is told to close one whose first reply has not arrived. A session of its
 * own lets a run end whatever it has left on the server, by `killSessions`.
 *
 * @internal
 */
export class CursorRun<A> implements Dependent {
  private readonly source: CursorSource<A>
  private readonly span: Tracer.Span | undefined
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  private readonly ambient: AmbientSession | undefined
  private readonly abort: Abort | undefined
  private readonly deadline: Deadline | undefined
  private ownSession: Driver.ClientSession | undefined
  /** How often connections had broken before it began. */
  private readonly breaks: number
  private cursor: Driver.AbstractCursor<A> | undefined
  private pending: Promise<unknown> | undefined
  /** The batch that nobody has taken yet: whoever asked for it may have been interrupted. */
  private inFlight: Promise<Array<A>> | undefined
  private state: State = "reading"
  private failure: MongoError | undefined
  private opened = false
  /** Whether the driver has been kept from killing the server's cursor before the failure is told. */
  private isPostponed = false
  private delivered = false
  private waited = 0
  private closing: Promise<void> | undefined
  private closedInTime: Promise<boolean> | undefined

  constructor(
    source: CursorSource<A>,
    fiber: Fiber.Fiber<unknown, unknown>,
    ambient: AmbientSession | undefined,
    span: Tracer.Span | undefined,
    deadline?: Deadline
  ) {
    this.source = source
    this.breaks = source.connection.breaks.count
    this.deadline = deadline
    this.fiber = fiber
    this.ambient = ambient
    this.span = span
    this.abort = source.operation.abortable === false ? undefined : makeAbort(source.operation.sharesSignal)
  }

  /** The first failure: later ones follow from it. */
  private fail(cause: unknown): MongoError {
    if (this.failure === undefined) {
      if (isSocketError(cause)) this.source.connection.breaks.count++
      if (this.source.raw === true) readFields(cause)
      this.failure = isMongoError(cause) ? cause : toMongoError(cause, this.source.operation)
      this.state = "failed"
      annotateFailure(this.span, this.failure)
    }
    return this.failure
  }

  /** Whether the server has nothing more to give and all that it gave has been read. */
  private get atEnd(): boolean {
    const { cursor } = this
    return cursor !== undefined && cursor.bufferedCount() === 0 && cursor.id?.isZero() === true
  }

  /** The next batch; empty at the end, or when a tailable cursor has nothing yet. */
  private async fetch(): Promise<Array<A>> {
    if (this.failure !== undefined) throw this.failure
    if (this.atEnd) {
      this.state = "ended"
      return []
    }
    if (this.closing !== undefined) throw closedEarlier(this.source.operation)
    const cursor = this.cursor ??= this.open()
    const batch = this.source.tailable === undefined ? await this.more(cursor) : await this.tailed(cursor)
    this.opened = true
    if (batch.length > 0) return batch
    if (this.atEnd) this.state = "ended"
    // Nobody but a client that is closed closes a cursor before its end.
    else if (cursor.killed || cursor.closed) throw new Driver.MongoClientClosedError()
    return batch
  }

  private async more(cursor: Driver.AbstractCursor<A>): Promise<Array<A>> {
    return await cursor.hasNext() ? readBuffered(cursor) : []
  }

  private async tailed(cursor: Driver.AbstractCursor<A>): Promise<Array<A>> {
    const head = await cursor.tryNext()
    if (head === null) return []
    const rest = readBuffered(cursor)
    rest.unshift(head as never)
    const fromBytes = this.source.tailable?.fromBytes
    if (fromBytes === undefined) return rest
    const options = readingOptions(cursor)
    return rest.map((bytes) => fromBytes(bytes as never, options))
  }

  private open(): Driver.AbstractCursor<A> {
    const { driver, dependents } = this.source.connection
    if (dependents.closed) throw new Driver.MongoClientClosedError()
    dependents.add(this)
    if (this.ambient !== undefined) this.ambient.state.hasRead = true
    const session = this.ambient?.state.driver ??
      (this.ownSession ??= driver.startSession({ causalConsistency: false }))
    const options: { session: Driver.ClientSession; signal?: AbortSignal; maxTimeMS?: number } = { session }
    if (this.abort !== undefined) options.signal = this.abort.signal
    // A tailable cursor waits: the server's limit is on its work, and the deadline on the wait.
    if (this.deadline !== undefined && this.source.tailable === undefined) {
      options.maxTimeMS = maxTimeOf(this.deadline, this.fiber)
    }
    const cursor = this.source.open(options)
    takeOver(driver, cursor, this)
    return cursor
  }

  /**
   * The driver closes a cursor before it tells that `getMore` has failed, and its server may be gone for long.
   * Here `end` kills it, or the end of its transaction. In another session it stays as it is: the next operation must find that quiet.
   */
  getMoreFailed(): void {
    const isQuiet = this.ambient === undefined || this.ambient.state.driver.inTransaction()
    if (!isQuiet || !this.isStranded || this.cursor === undefined) return
    if (keepOnServer(this.cursor)) this.isPostponed = this.ambient === undefined
  }

  private async timed<B>(f: () => Promise<B>): Promise<B> {
    const clock = this.fiber.getRef(Clock.Clock)
    const started = clock.monotonicTimeNanosUnsafe()
    const { connection } = this.source
    try {
      const pending = connection.commandSpans && this.span !== undefined ? runWithParent(this.span, f) : f()
      this.pending = pending
      return await pending
    } catch (cause) {
      throw this.fail(cause)
    } finally {
      this.pending = undefined
      this.waited += Number(clock.monotonicTimeNanosUnsafe() - started) / 1e9
    }
  }

  private nextBatch(): Promise<Array<A>> {
    return this.timed(() => this.fetch())
  }

  /** Opens the cursor on the server without asking for more than its first reply. */
  private start(): Promise<void> {
    return this.timed(async () => {
      const cursor = this.cursor ??= this.open()
      await openOnServer(cursor)
      this.opened = true
    })
  }

  /** Where a change stream stands after all that has been read, if the server has said so. */
  get postBatchResumeToken(): Driver.ResumeToken | undefined {
    return this.cursor === undefined ? undefined : postBatchResumeToken(this.cursor)
  }

  /** Whether its server is out of reach. The driver waits for that one, also where another has taken over. */
  get isStranded(): boolean {
    const server = this.cursor === undefined ? undefined : serverOf(this.cursor)
    return server !== undefined && !isReachable(this.source.connection.driver, server)
  }

  /** How many documents have arrived that nobody has read. */
  get buffered(): number {
    return this.cursor?.bufferedCount() ?? 0
  }

  /** Whether the server has said that there is no more, and all has been read. */
  get exhausted(): boolean {
    return this.state === "ended"
  }

  /** All documents that are left, without an effect between two batches. */
  toArray(): Promise<Array<A>> {
    return this.timed(async () => {
      const all = await this.fetch()
      for (let batch = all; batch.length > 0 && !this.atEnd;) {
        batch = await this.fetch()
        for (const document of batch) all.push(document)
      }
      return all
    })
  }

  /** The end of the stream, or a pause, after a tailable cursor had nothing to give. */
  get tail(): Effect.Effect<void, MongoError | Cause.Done> {
    const { tailable } = this.source
    if (tailable === undefined) return Cause.done()
    if (this.state === "ended") {
      // The server gives no living cursor on a collection without documents: open another until there is one.
      if (this.delivered) return Cause.done()
      this.cursor = undefined
      this.opened = false
      this.state = "reading"
      return serverSleep(tailPause)
    }
    return tailable.awaitData ? Effect.void : serverSleep(tailPause)
  }

  /** Runs a step of the cursor when it is its turn in the session. */
  private step<B>(f: () => Promise<B>): Effect.Effect<B, MongoError> {
    return inLine(
      this.ambient,
      this.source.operation,
      Effect.callback<B, MongoError>((resume) => {
        f().then((value) => resume(Effect.succeed(value)), (error: MongoError) => resume(Effect.fail(error)))
        // The next operation of the session must find it quiet; without one, the scope closes the cursor soon enough.
        return this.ambient === undefined ? undefined : this.closed
      })
    )
  }

  /** Sends the first command, and no more. */
  get started(): Effect.Effect<void, MongoError> {
    return this.timely(this.step(() => this.start()))
  }

  get next(): Effect.Effect<ReadonlyArray<A>, MongoError> {
    return this.timely(this.take())
  }

  /** The batch that is on its way, which is taken by one: a fiber that is interrupted while it waits leaves it to the next who asks. */
  private take(): Effect.Effect<Array<A>, MongoError> {
    return Effect.suspend(() => {
      let asked: Promise<Array<A>> | undefined
      const arrived = this.step(() => asked = this.inFlight ??= this.nextBatch())
      const isMine = () => {
        if (this.inFlight !== asked) return false
        this.inFlight = undefined
        return true
      }
      return Effect.matchEffect(arrived, {
        onFailure: (error) => {
          isMine()
          return Effect.fail(error)
        },
        onSuccess: (batch) => isMine() ? Effect.succeed(batch) : this.take()
      })
    })
  }

  private timely<B>(effect: Effect.Effect<B, MongoError>): Effect.Effect<B, MongoError> {
    const { deadline } = this
    if (deadline === undefined) return effect
    return until(deadline, this.source.operation, effect, { onExpired: (error) => void this.fail(error) })
  }

  get pull(): Effect.Effect<Arr.NonEmptyReadonlyArray<A>, MongoError | Cause.Done> {
    const once = this.next
    const loop: Effect.Effect<Arr.NonEmptyReadonlyArray<A>, MongoError | Cause.Done> = Effect.flatMap(once, (batch) => {
      if (Arr.isReadonlyArrayNonEmpty(batch)) {
        this.delivered = true
        return Effect.succeed(batch)
      }
      return Effect.flatMap(this.tail, () => loop)
    })
    return loop
  }

  /** Waits until the cursor is closed, but not for long, whoever waits and how often. */
  get closed(): Effect.Effect<void> {
    return Effect.asVoid(Effect.promise(() => this.closedInTime ??= endsWithin(this.close(), closeTimeout)))
  }

  close(): Promise<void> {
    return this.closing ??= this.end()
  }

  shutDown(): Promise<void> {
    if (!this.atEnd) this.fail(new Driver.MongoClientClosedError())
    return this.close()
  }

  /** Ends the cursor here and on the server, and the session if it is this run's own. Never rejects. */
  private async end(): Promise<void> {
    const { connection, operation } = this.source
    recordOperation(this.fiber.context, connection.attributes, operation, this.waited, this.failure)
    const { pending } = this
    try {
      if (pending !== undefined && !this.opened) await this.giveUp(pending)
      if (this.cursor !== undefined && this.isPostponed) endOnServer(this.cursor)
      await this.cursor?.close()
      await pending?.catch(ignore)
      const session = this.spoiltSession
      if (session !== undefined) await killSession(connection.driver, session)
    } catch {
      // What cannot be closed now ends with its session or its idle timeout on the server.
    } finally {
      await this.ownSession?.endSession().catch(ignore)
      connection.dependents.delete(this)
    }
  }

  /** The session in which something may be left that closing the cursor does not reach. */
  private get spoiltSession(): Driver.ClientSession | undefined {
    const { breaks, dependents } = this.source.connection
    // The driver has sent the first command once more, or the reply got lost.
    if (this.ambient === undefined) return breaks.count > this.breaks ? this.ownSession : undefined
    // The abort of its transaction overtakes the command that closes the cursor, and has the server refuse it.
    return dependents.closed && this.state === "failed" ? this.ambient.state.driver : undefined
  }

  /**
   * The session that may be killed with what this run has left in it: its own; that of a transaction, which an interrupted operation
   * has spoilt anyway; and any, where its client is closed.
   */
  private get doomedSession(): Driver.ClientSession | undefined {
    const driver = this.ambient?.state.driver
    if (driver === undefined) return this.ownSession
    return driver.inTransaction() || this.source.connection.dependents.closed ? driver : undefined
  }

  /**
   * Ends what has been begun where the first reply has not arrived, so that there is no id to kill a cursor by.
   *
   * The server may read the command later than the one that kills its session. So the reply is waited for, and closing the cursor
   * that it opens is left to the caller. Only where it does not come is the connection given up.
   */
  private async giveUp(pending: Promise<unknown>): Promise<void> {
    const { driver } = this.source.connection
    const settled = pending.catch(ignore)
    const session = this.doomedSession
    if (this.abort?.isSent() === false) {
      this.abort.abort(new OperationInterrupted())
    } else if (session !== undefined) {
      const killed = killSession(driver, session)
      // No answer to the kill: the pool has no connection for it, or the server is gone.
      const isAnswered = await endsWithin(Promise.race([settled, killed]), killTimeout)
      if (!isAnswered || !(await endsWithin(settled, replyTimeout))) {
        this.abort?.abort(new OperationInterrupted())
        await settled
        await killSession(driver, session)
      } else if (!(await endsWithin(killed, killTimeout))) {
        spoil(session)
      }
    }
    await settled
  }
}

/**
 * Reads the documents of a server's error that the driver has left as bytes.
 *
 * @internal
 */
export const readFields = (error: unknown): void => {
  if (!(error instanceof Driver.MongoServerError)) return
  for (const fields of [error, error.errorResponse] as ReadonlyArray<Driver.Document>) {
    for (const [key, value] of Object.entries(fields)) {
      if (value instanceof Uint8Array) fields[key] = Driver.BSON.deserialize(value)
    }
  }
}

const closedEarlier = (operation: Operation): MongoError =>
  ownFailure(CursorError, operation, "its cursor was closed before its end, with its scope or by an interruption", {
    kind: "killed"
  })

const ignore = () => undefined

/**
 * All documents of a query in one array.
 *
 * @internal
 */
export const collect = <A>(source: CursorSource<A>): Effect.Effect<Array<A>, MongoError> =>
  Effect.withFiber((fiber) => {
    const ambient = ambientSession(source.connection, fiber.context)
    const deadline = fiber.getRef(CurrentDeadline)
    const attempt = withOperationSpan(
      source.connection,
      source.operation,
      fiber,
      (span) =>
        Effect.callback<Array<A>, MongoError>((resume) => {
          const run = new CursorRun(source, fiber, ambient, span, deadline)
          run.toArray().then(
            (documents) => {
              void run.close()
              resume(Effect.succeed(documents))
            },
            (error: MongoError) => {
              void run.close()
              resume(Effect.fail(error))
            }
          )
          return run.closed
        })
    )
    const effect = inLine(ambient, source.operation, attempt)
    return deadline === undefined ? effect : until(deadline, source.operation, effect)
  })

/** A run that is closed with the scope, and so is its span. */
const scoped = <A>(source: CursorSource<A>, scope: Scope.Scope): Effect.Effect<CursorRun<A>> =>
  Effect.withFiber((fiber) => {
    const start = (span: Tracer.Span | undefined) => {
      const ambient = ambientSession(source.connection, fiber.context)
      const run = new CursorRun(source, fiber, ambient, span, fiber.getRef(CurrentDeadline))
      return Effect.as(Scope.addFinalizer(scope, run.closed), run)
    }
    if (!isTraced(fiber)) return start(undefined)
    const { connection, operation } = source
    return Effect.flatMap(
      Scope.provide(Effect.makeSpanScoped(spanName(operation), spanOptions(connection, operation)), scope),
      start
    )
  })

/**
 * The documents of a query as a stream whose chunks are the driver's batches.
 *
 * @internal
 */
export const stream = <A>(source: CursorSource<A>): Stream.Stream<A, MongoError> =>
  Stream.fromChannel(
    Channel.fromTransform((_: unknown, scope) => Effect.map(scoped(source, scope), (run) => run.pull))
  )

/**
 * A query whose cursor is open on the server.
 *
 * @internal
 */
export const open = <A>(source: CursorSource<A>): Effect.Effect<OpenQuery<A>, MongoError, Scope.Scope> =>
  Effect.gen(function*() {
    const run = yield* scoped(source, yield* Effect.scope)
    yield* run.started
    return { stream: Stream.fromPull(Effect.succeed(run.pull)), next: run.next }
  })
