/**
 * The line in which the operations of a session wait: the driver and the server allow one at a time.
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"

/**
 * Runs one effect at a time, in the order in which they ask. It costs a session less than a semaphore does, for which nearly nobody waits.
 *
 * @internal
 */
export class Line {
  private busy = false
  /** Who waits gets the line from the one before, so that nobody who comes later is first. */
  private readonly waiting: Array<() => void> = []

  /**
   * Runs an effect when it is its turn.
   *
   * @param onFailure - gets the exit of an effect that has begun and failed, before it is the next one's turn
   */
  inTurn<A, E, R>(
    self: Effect.Effect<A, E, R>,
    onFailure?: (exit: Exit.Failure<A, E>) => void
  ): Effect.Effect<A, E, R> {
    return Effect.suspend(() => this.once(() => self, onFailure))
  }

  /**
   * Like `inTurn`, as an effect that can run only once.
   *
   * @param begin - makes the effect when it is its turn
   */
  once<A, E, R>(
    begin: () => Effect.Effect<A, E, R>,
    onFailure?: (exit: Exit.Failure<A, E>) => void
  ): Effect.Effect<A, E, R> {
    // The fiber may be interrupted at any step.
    let isItsTurn = false
    let hasBegun = false
    const turn = Effect.suspend(() => {
      if (!this.busy) {
        this.busy = isItsTurn = hasBegun = true
        return begin()
      }
      return Effect.flatMap(this.wait(() => isItsTurn = true), () => {
        hasBegun = true
        return begin()
      })
    })
    return Effect.onExitPrimitive(turn, (exit) => {
      if (hasBegun && onFailure !== undefined && Exit.isFailure(exit)) onFailure(exit)
      if (isItsTurn) this.next()
      return undefined
    })
  }

  private wait(onTurn: () => void): Effect.Effect<void> {
    return Effect.callback((resume) => {
      const waiter = () => {
        onTurn()
        // Not in the fiber that has just ended.
        queueMicrotask(() => resume(Effect.void))
      }
      this.waiting.push(waiter)
      return Effect.sync(() => {
        const index = this.waiting.indexOf(waiter)
        if (index >= 0) this.waiting.splice(index, 1)
      })
    })
  }

  private next(): void {
    const waiter = this.waiting.shift()
    if (waiter === undefined) this.busy = false
    else waiter()
  }
}
