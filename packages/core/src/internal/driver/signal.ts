/**
 * The signal of an operation, which tells the driver to stop.
 */

import type * as Driver from "mongodb"

/**
 * The abort reason in the signals of interrupted operations. The driver gives a meaning to the names `TimeoutError` and `AbortError`,
 * and to reasons that are not objects, so this is none of them.
 *
 * @internal
 */
export class OperationInterrupted extends Error {
  override readonly name = "OperationInterrupted"
  constructor() {
    super("the operation was interrupted")
  }
}

/**
 * Tells the driver to stop.
 *
 * @internal
 */
export interface Abort {
  readonly signal: AbortSignal
  /** How many commands of the operation may have reached the server, if that is known. */
  readonly sends: number | undefined
  abort(reason: Error): void
}

type Listener = () => void

/**
 * The parts of an `AbortSignal` that the driver uses: `aborted`, `reason`, `throwIfAborted` and one listener at a time per stage of
 * an operation, called with the signal as `this`. A real signal costs a findOne 9 to 14 % more client CPU (see
 * benchmark/README.md), so this class replaces it wherever only the driver sees the signal.
 */
class OperationSignal implements Abort {
  aborted = false
  reason: Error | undefined
  private waited = false
  /** After it has waited for a server and a connection, the driver asks the signal again before it sends. In doubt this counts one more. */
  sends = 0
  // There are two at most, of a cursor and of its stage, save for handshakes. An array costs more.
  private first: Listener | undefined = undefined
  private second: Listener | undefined = undefined
  private more: Array<Listener> | undefined = undefined

  get signal(): AbortSignal {
    return this as unknown as AbortSignal
  }

  addEventListener(_type: "abort", listener: Listener): void {
    // Nobody listens between two steps of the driver: a listener that comes after an abort must hear of it too.
    if (this.aborted) queueMicrotask(() => listener.call(this))
    else if (this.more !== undefined) this.more.push(listener)
    else if (this.first === undefined) this.first = listener
    else if (this.second === undefined) this.second = listener
    else this.more = [listener]
  }

  removeEventListener(_type: "abort", listener: Listener): void {
    this.waited = true
    if (this.second === listener) this.second = undefined
    else if (this.first === listener) {
      this.first = this.second
      this.second = undefined
    } else if (this.more !== undefined) this.more = this.more.filter((one) => one !== listener)
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason
    if (!this.waited) return
    this.waited = false
    this.sends++
  }

  abort(reason: Error): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    const { first, more = [], second } = this
    this.first = this.second = this.more = undefined
    first?.call(this)
    second?.call(this)
    for (const listener of more) listener.call(this)
  }
}

/** The signal for the caller's code, which may pass it to anything that needs a real `AbortSignal`. */
class SharedSignal implements Abort {
  readonly sends = undefined
  private readonly controller = new AbortController()

  get signal(): AbortSignal {
    return this.controller.signal
  }

  abort(reason: Error): void {
    this.controller.abort(reason)
  }
}

/** @internal */
export const makeAbort = (isShared = false): Abort => isShared ? new SharedSignal() : new OperationSignal()

/**
 * Makes connections that are still in their handshake end with a signal: the driver's `close` would leave them to their time limit. They
 * listen to a signal in the client's options, which the driver uses only for its operations.
 *
 * @internal
 */
export const abortHandshakes = (driver: Driver.MongoClient): Abort => {
  const abort = makeAbort()
  Object.assign(driver.options, { signal: abort.signal })
  return abort
}
