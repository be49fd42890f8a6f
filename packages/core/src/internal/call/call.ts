/**
 * The life of a call to the driver: its session, signal, span, clock and failure. Each call is counted once. An
 * operation is one promise of the driver; a query has one for each batch. Every promise of the driver becomes an effect here or in
 * `bounded.ts`.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Tracer from "effect/Tracer"
import type * as Driver from "mongodb"
import type { MongoError } from "../../MongoError.ts"
import { leaveRunning, spoil } from "../driver/kill.ts"
import { type Abort, makeAbort, OperationInterrupted } from "../driver/signal.ts"
import { toMongoError } from "../errors/toMongoError.ts"
import { runWithParent } from "../telemetry/commandSpans.ts"
import { failureAttributes, recordOperation } from "../telemetry/telemetry.ts"
import { bounded } from "./bounded.ts"
import type { Connection } from "./connection.ts"
import { type Deadline, maxTimeOf } from "./deadline.ts"
import type { Operation } from "./description.ts"

/**
 * What an operation passes to the driver besides its own options.
 *
 * @internal
 */
export interface CallOptions {
  readonly session?: Driver.ClientSession
  readonly signal?: AbortSignal
  /** The time until the deadline, if there is one. */
  readonly maxTimeMS?: number
}

/** How long to wait for the end of an interrupted operation whose session is needed again, in real milliseconds. */
const settleTimeout = 1000

/** @internal */
export class Call {
  readonly operation: Operation
  readonly deadline: Deadline | undefined
  session: Driver.ClientSession | undefined
  /** Even without an interruption, it counts what was sent. */
  readonly abort: Abort | undefined
  /** The first failure: later ones follow from it. */
  failure: MongoError | undefined
  private readonly connection: Connection
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  private readonly span: Tracer.Span | undefined
  private readonly clock: Clock.Clock
  /** The session that the driver has made for the call. */
  private implicit: Driver.ClientSession | undefined
  private started = 0n
  /** The time that the driver has taken, in nanoseconds. */
  private waited = 0

  constructor(
    connection: Connection,
    operation: Operation,
    fiber: Fiber.Fiber<unknown, unknown>,
    session?: Driver.ClientSession,
    span?: Tracer.Span,
    deadline?: Deadline
  ) {
    this.connection = connection
    this.operation = operation
    this.fiber = fiber
    this.session = session
    this.span = span
    this.deadline = deadline
    this.clock = fiber.getRef(Clock.Clock)
    this.abort = operation.abortable === false ? undefined : makeAbort(operation.sharesSignal)
  }

  /** The options for the driver. If `isLimited` is false, the server may work past the deadline. */
  options(isLimited = true): CallOptions {
    const { abort, deadline, session } = this
    // Nearly always one of two shapes, as literals: the driver reads and copies it in many places.
    if (abort !== undefined && (deadline === undefined || !isLimited)) {
      return session === undefined ? { signal: abort.signal } : { session, signal: abort.signal }
    }
    return {
      ...(session !== undefined && { session }),
      ...(abort !== undefined && { signal: abort.signal }),
      ...(deadline !== undefined && isLimited && { maxTimeMS: maxTimeOf(deadline, this.fiber) })
    }
  }

  /** Calls the driver. If `f` throws, the promise rejects. The clock runs until `pause`. */
  begin<A, B>(f: (options: B) => Promise<A>, options: B): Promise<A> {
    this.started = this.clock.monotonicTimeNanosUnsafe()
    const { implicitSessions } = this.connection
    implicitSessions.last = undefined
    try {
      return this.connection.commandSpans && this.span !== undefined
        ? runWithParent(this.span, () => f(options))
        : f(options)
    } catch (cause) {
      return Promise.reject(cause)
    } finally {
      this.implicit = implicitSessions.last
    }
  }

  /** Tells the driver to stop. The server may go on, and keeps the next command in the same session waiting until it has ended. */
  private stop(): void {
    const { abort, implicit, session } = this
    if (abort?.sends !== 0) {
      if (implicit !== undefined && !implicit.hasEnded) spoil(implicit)
      if (session?.inTransaction() === false) leaveRunning(session)
    }
    abort?.abort(new OperationInterrupted())
  }

  pause(): void {
    this.waited += Number(this.clock.monotonicTimeNanosUnsafe() - this.started)
  }

  /** Records its failure, unless it has failed before, and returns the first failure. */
  fail(error: MongoError): MongoError {
    if (this.failure === undefined) {
      this.failure = error
      if (this.span !== undefined) {
        for (const [key, value] of Object.entries(failureAttributes(error))) this.span.attribute(key, value)
      }
    }
    return this.failure
  }

  /** Counts the call, with the time that the driver has taken. */
  count(): void {
    if (this.operation.counted === false) return
    recordOperation(this.fiber.context, this.connection.attributes, this.operation, this.waited / 1e9, this.failure)
  }

  /**
   * Makes a call that is one promise.
   *
   * @param interrupts - whether an interruption tells the driver to stop
   * @param finish - makes the result of what the promise resolves to
   * @param secrets - texts that must not appear in errors
   */
  once<A, B = A>(
    f: (options: CallOptions) => Promise<A>,
    interrupts: boolean,
    finish?: (value: A) => B,
    secrets?: ReadonlyArray<string>
  ): Effect.Effect<B, MongoError> {
    return Effect.callback((resume) => {
      const settled = this.begin(f, this.options()).then(
        (value) => {
          this.pause()
          this.count()
          // An effect or another promise for it would cost more.
          resume(Effect.succeed(finish === undefined ? value as never : finish(value)))
        },
        (cause: unknown) => {
          this.pause()
          const error = this.fail(toMongoError(cause, this.operation, secrets, this.abort?.sends))
          this.count()
          resume(Effect.fail(error))
        }
      )
      if (!interrupts && this.session === undefined) return
      return Effect.suspend(() => {
        if (interrupts) this.stop()
        // The owner of the session (a transaction that is about to abort) must find it idle.
        return this.session === undefined ? Effect.void : bounded(settled, settleTimeout)
      })
    })
  }
}

/**
 * Makes an effect of one part of a call that takes several promises. Each promise rejects with the failure of the call.
 *
 * @internal
 */
export const partOf = <A>(
  f: () => Promise<A>,
  onInterrupt: Effect.Effect<void> | undefined
): Effect.Effect<A, MongoError> =>
  Effect.callback((resume) => {
    f().then((value) => resume(Effect.succeed(value)), (error: MongoError) => resume(Effect.fail(error)))
    return onInterrupt
  })
