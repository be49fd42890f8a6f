/**
 * One run of a query: its cursor, from the first command to the last.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Tracer from "effect/Tracer"
import * as Driver from "mongodb"
import { CursorError, isMongoError, type MongoError } from "../../MongoError.ts"
import { endsWithin, outcomeOf } from "../call/bounded.ts"
import { Call, type CallOptions, partOf } from "../call/call.ts"
import type { Connection } from "../call/connection.ts"
import { type Deadline, until } from "../call/deadline.ts"
import type { Dependent } from "../call/dependents.ts"
import type { Operation } from "../call/description.ts"
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
import { killSession, leaveRunning } from "../driver/kill.ts"
import { isReachable } from "../driver/members.ts"
import { ownFailure } from "../errors/ownFailure.ts"
import { readFields } from "../errors/readFields.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { type AmbientSession, inLine } from "../session/state.ts"
import {
  after,
  afterEmpty,
  afterRead,
  beforeRead,
  isSpoilt,
  mayKill,
  type Session,
  type State,
  staysOnServer
} from "./cursorSteps.ts"
import { giveUpFirstReply } from "./firstReply.ts"

/**
 * How to open the driver's cursor of a query. Every run opens a new one.
 *
 * @internal
 */
export interface CursorSource<A> {
  readonly connection: Connection
  readonly operation: Operation
  /** May throw: the driver checks arguments when a cursor is made. */
  readonly open: (options: CallOptions) => Driver.AbstractCursor<A>
  /** Whether it opens with `raw: true`. The driver then also leaves the documents of a server's error as bytes. */
  readonly raw?: boolean | undefined
  /** Set if the cursor waits for more documents instead of ending. */
  readonly tailable?: {
    readonly awaitData: boolean
    /** Decodes the documents of a cursor that delivers bytes, with the options that the driver would use. May throw. */
    readonly fromBytes?: ((bytes: Uint8Array, options: Driver.BSON.DeserializeOptions) => A) | undefined
  } | undefined
}

/** How long a finalizer waits for the server to confirm that a cursor is closed, in real milliseconds. */
const closeTimeout = 1000

/** The pause before a tailable cursor asks again, if the server does not wait for documents itself, in milliseconds. */
const tailPause = 200

/**
 * One run of a query: one cursor of the driver, in a session that this run can kill.
 *
 * If the driver closes a cursor before its first reply has come, it loses the server's cursor. With its own session, a run can
 * end whatever it has left on the server, by `killSessions`.
 *
 * @internal
 */
export class CursorRun<A> implements Dependent {
  private readonly source: CursorSource<A>
  private readonly ambient: AmbientSession | undefined
  private readonly call: Call
  /** How many connections had broken before the run began. */
  private readonly breaks: number
  private state: State = "Idle"
  private cursor: Driver.AbstractCursor<A> | undefined
  private pending: Promise<unknown> | undefined
  /** The batch that nobody has taken yet: the caller that asked for it may have been interrupted. */
  private inFlight: Promise<Array<A>> | undefined
  /** The driver was kept from killing the cursor, since its server is gone: closing does that. It may happen before the first documents. */
  private isKept = false
  private delivered = false
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
    this.ambient = ambient
    this.call = new Call(source.connection, source.operation, fiber, undefined, span, deadline)
    this.breaks = source.connection.breaks.count
  }

  private fail(cause: unknown): MongoError {
    const { call, source } = this
    if (call.failure !== undefined) return call.failure
    if (isSocketError(cause)) source.connection.breaks.count++
    if (source.raw === true) readFields(cause)
    return call.fail(isMongoError(cause) ? cause : toMongoError(cause, source.operation))
  }

  /** Whether the server has no more documents, and all that it sent were read. */
  get isAtEnd(): boolean {
    const { cursor } = this
    return cursor !== undefined && cursor.bufferedCount() === 0 && cursor.id?.isZero() === true
  }

  /** The number of documents that have arrived, but were not read. */
  get buffered(): number {
    return this.cursor?.bufferedCount() ?? 0
  }

  /** The position of a change stream after everything that was read, if the server has given it. */
  get postBatchResumeToken(): Driver.ResumeToken | undefined {
    return this.cursor === undefined ? undefined : postBatchResumeToken(this.cursor)
  }

  /** Whether its server is out of reach. The driver keeps waiting for that server, even if another one has taken over. */
  get isStranded(): boolean {
    const server = this.cursor === undefined ? undefined : serverOf(this.cursor)
    return server !== undefined && !isReachable(this.source.connection.driver, server)
  }

  private get session(): Session {
    if (this.ambient === undefined) return "own"
    return this.ambient.state.driver.inTransaction() ? "transaction" : "session"
  }

  private get driverSession(): Driver.ClientSession | undefined {
    return this.ambient === undefined ? this.call.session : this.ambient.state.driver
  }

  private open(): Driver.AbstractCursor<A> {
    const { call, source } = this
    const { dependents, driver } = source.connection
    if (dependents.closed) throw new Driver.MongoClientClosedError()
    dependents.add(this)
    if (this.ambient !== undefined) this.ambient.state.hasRead = true
    // The run's own session is like those that the driver makes for queries.
    call.session = this.driverSession ?? driver.startSession({ causalConsistency: false })
    // A tailable cursor waits. The server's limit would count only its work, so the deadline limits the wait here.
    const cursor = source.open(call.options(source.tailable === undefined))
    takeOver(driver, cursor, this)
    this.state = after(this.state, "open")
    return cursor
  }

  /** The next batch; empty at the end, or when a tailable cursor has nothing yet. */
  private async read(): Promise<Array<A>> {
    switch (beforeRead(this.state, this.call.failure !== undefined, this.isAtEnd)) {
      case "fail":
        throw this.call.failure
      case "end":
        this.state = after(this.state, "end")
        return []
      case "refuse":
        throw closedEarlier(this.source.operation)
    }
    const cursor = this.cursor ??= this.open()
    const batch = this.source.tailable === undefined ? await this.more(cursor) : await this.tailed(cursor)
    this.state = after(this.state, "reply")
    switch (afterRead(batch.length, this.isAtEnd, cursor.killed || cursor.closed)) {
      case "end":
        this.state = after(this.state, "end")
        return batch
      case "cutOff":
        throw new Driver.MongoClientClosedError()
    }
    return batch
  }

  private async more(cursor: Driver.AbstractCursor<A>): Promise<Array<A>> {
    return await cursor.hasNext() ? readBuffered(this.source.connection.driver, cursor) : []
  }

  private async tailed(cursor: Driver.AbstractCursor<A>): Promise<Array<A>> {
    const head = await cursor.tryNext()
    if (head === null) return []
    const rest = readBuffered(this.source.connection.driver, cursor)
    rest.unshift(head as never)
    const fromBytes = this.source.tailable?.fromBytes
    if (fromBytes === undefined) return rest
    const options = readingOptions(cursor)
    return rest.map((bytes) => fromBytes(bytes as never, options))
  }

  /** The server may be gone for long: `end` kills the cursor there, or the end of its transaction does. */
  getMoreFailed(): void {
    const { cursor, session } = this
    if (cursor === undefined || !staysOnServer(session, this.isStranded) || !keepOnServer(cursor)) return
    this.isKept = session === "own"
  }

  private async timed<B>(f: () => Promise<B>, isLast = false): Promise<B> {
    try {
      return await (this.pending = this.call.begin(f, undefined))
    } catch (cause) {
      throw this.fail(cause)
    } finally {
      this.pending = undefined
      this.call.pause()
      if (isLast) void this.close()
    }
  }

  private nextBatch(): Promise<Array<A>> {
    return this.timed(() => this.read())
  }

  /** Opens the cursor on the server without asking for more than its first reply. */
  private start(): Promise<void> {
    return this.timed(async () => {
      const cursor = this.cursor ??= this.open()
      await openOnServer(cursor)
      this.state = after(this.state, "reply")
    })
  }

  /** Reads all documents, without an effect between two batches, and closes the cursor. */
  private all(): Promise<Array<A>> {
    return this.timed(async () => {
      const all = await this.read()
      for (let batch = all; batch.length > 0 && !this.isAtEnd;) {
        batch = await this.read()
        for (const document of batch) all.push(document)
      }
      return all
    }, true)
  }

  /** Runs a part of the query at its turn in the session. */
  private part<B>(f: () => Promise<B>): Effect.Effect<B, MongoError> {
    return inLine(
      this.ambient,
      this.source.operation,
      // The next operation of a session must not meet this cursor. Without a session, the scope closes the cursor soon enough.
      partOf(f, this.ambient === undefined ? undefined : this.closed)
    )
  }

  private timely<B>(effect: Effect.Effect<B, MongoError>): Effect.Effect<B, MongoError> {
    const { deadline } = this.call
    if (deadline === undefined) return effect
    return until(deadline, this.source.operation, effect, { onExpired: (error) => void this.fail(error) })
  }

  /** Sends only the first command. */
  get started(): Effect.Effect<void, MongoError> {
    return this.timely(this.part(() => this.start()))
  }

  get next(): Effect.Effect<ReadonlyArray<A>, MongoError> {
    return this.timely(this.take())
  }

  /** Takes the batch that is on its way. Each batch goes to one caller: if a fiber is interrupted while it waits, to the next one. */
  private take(): Effect.Effect<Array<A>, MongoError> {
    return Effect.suspend(() => {
      let asked: Promise<Array<A>> | undefined
      const arrived = this.part(() => asked = this.inFlight ??= this.nextBatch())
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

  /** The end of the stream, or a pause, after an empty batch. */
  private get tail(): Effect.Effect<void, Cause.Done> {
    switch (afterEmpty(this.source.tailable, this.isAtEnd, this.delivered)) {
      case "done":
        return Cause.done()
      case "reopen":
        this.cursor = undefined
        this.state = after(this.state, "reopen")
        return serverSleep(tailPause)
      case "pause":
        return serverSleep(tailPause)
      case "read":
        return Effect.void
    }
  }

  /** All documents at once. The caller already has its turn in the session. */
  get collected(): Effect.Effect<Array<A>, MongoError> {
    return partOf(() => this.all(), this.closed)
  }

  /** Waits until the cursor is closed, with one short time limit for all who wait. */
  get closed(): Effect.Effect<void> {
    return Effect.asVoid(outcomeOf(() => this.closedInTime ??= endsWithin(this.close(), closeTimeout)))
  }

  close(): Promise<void> {
    return this.closing ??= this.end()
  }

  shutDown(): Promise<void> {
    if (!this.isAtEnd) this.fail(new Driver.MongoClientClosedError())
    return this.close()
  }

  /** Ends the cursor here and on the server, and the session if it is the run's own. Never rejects. */
  private async end(): Promise<void> {
    const { call, pending, state } = this
    const { breaks, dependents, driver } = this.source.connection
    call.count()
    this.state = after(state, "close")
    try {
      if (pending !== undefined && state === "Opening") {
        const session = mayKill(this.session, dependents.closed) ? this.driverSession : undefined
        if (this.session === "session" && call.abort?.sends !== 0) leaveRunning(this.ambient!.state.driver)
        await giveUpFirstReply(driver, pending, call.abort, session)
      }
      if (this.isKept && this.cursor !== undefined) endOnServer(this.cursor)
      await this.cursor?.close()
      await pending?.catch(() => undefined)
      const hasBroken = breaks.count > this.breaks
      const session = this.driverSession
      if (session !== undefined && isSpoilt(this.session, hasBroken, dependents.closed, call.failure !== undefined)) {
        await killSession(driver, session)
      }
    } catch {
      // A cursor that cannot be closed now ends with its session or its idle timeout on the server.
    } finally {
      if (this.ambient === undefined) await call.session?.endSession().catch(() => undefined)
      this.state = after(this.state, "closed")
      dependents.delete(this)
    }
  }
}

const closedEarlier = (operation: Operation): MongoError =>
  ownFailure(CursorError, operation, "its scope or an interruption closed the cursor before its end", {
    kind: "killed"
  })
