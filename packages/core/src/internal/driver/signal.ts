/**
 * The signal that the driver gets of an operation, by which it is told to stop.
 */

import type * as Driver from "mongodb"

/**
 * The reason that the signals of interrupted operations abort with. The driver reads meanings into the names `TimeoutError` and
 * `AbortError` and into reasons that are no objects, so this is neither.
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
  /** How many commands of the operation may have reached the server, where that is known. */
  readonly sends: number | undefined
  abort(reason: Error): void
}

/**
 * What the driver uses of an `AbortSignal`: `aborted`, `reason`, `throwIfAborted` and one listener at a time per stage of
 * an operation, which it calls with the signal as `this`. A real one costs a findOne 9 to 14 % more client CPU (see
 * benchmark/README.md), so this stands in for it wherever the driver alone sees the signal.
 */
class OperationSignal implements Abort {
  aborted = false
  reason: Error | undefined
  private waited = false
  /** The driver asks the signal once more when it has waited for a server and a connection, before it sends. In doubt it is one more. */
  sends = 0
  private readonly listeners: Array<() => void> = []

  get signal(): AbortSignal {
    return this as unknown as AbortSignal
  }

  addEventListener(_type: "abort", listener: () => void): void {
    // Between two steps of the driver nobody listens: who comes then must hear of it, too.
    if (this.aborted) queueMicrotask(() => listener.call(this))
    else this.listeners.push(listener)
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    this.waited = true
    const index = this.listeners.indexOf(listener)
    if (index >= 0) this.listeners.splice(index, 1)
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
    for (const listener of this.listeners.splice(0)) listener.call(this)
  }
}

/** For code of the caller's, which may give the signal to anything that wants a real `AbortSignal`. */
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
 * Has connections that are still in their handshake end with a signal: the driver's `close` leaves them to their time limit. They listen to
 * a signal of the client's options, which the driver has for its operations only.
 *
 * @internal
 */
export const abortHandshakes = (driver: Driver.MongoClient): Abort => {
  const abort = makeAbort()
  Object.assign(driver.options, { signal: abort.signal })
  return abort
}
