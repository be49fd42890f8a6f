/**
 * The signal that stands in for an `AbortSignal` where the driver alone sees it.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { makeAbort, OperationInterrupted } from "@mongofx/core/internal/driver/signal"

describe("the signal of an operation", () => {
  it("tells those who listen, in the order in which they came, whoever has gone meanwhile", () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    let state = seed
    const random = (n: number) => (state = (state * 48271 + 11) % 2147483647) % n
    for (let round = 0; round < 500; round++) {
      const abort = makeAbort()
      const heard: Array<number> = []
      const listening = new Map<number, () => void>()
      for (let step = 0; step < 12; step++) {
        const ids = Array.from(listening.keys())
        if (ids.length > 0 && random(2) === 0) {
          const id = ids[random(ids.length)]!
          abort.signal.removeEventListener("abort", listening.get(id)!)
          listening.delete(id)
        } else {
          const listener = function(this: unknown) {
            assert.strictEqual(this, abort.signal)
            heard.push(step)
          }
          abort.signal.addEventListener("abort", listener)
          listening.set(step, listener)
        }
      }
      abort.abort(new OperationInterrupted())
      abort.abort(new OperationInterrupted())
      assert.deepStrictEqual(heard, Array.from(listening.keys()), `seed ${seed}, round ${round}`)
    }
  })

  it("tells who comes after it as well", async () => {
    const abort = makeAbort()
    const reason = new OperationInterrupted()
    abort.abort(reason)
    assert.isTrue(abort.signal.aborted)
    assert.strictEqual(abort.signal.reason, reason)
    assert.throws(() => abort.signal.throwIfAborted(), "interrupted")
    await new Promise<void>((resolve) => abort.signal.addEventListener("abort", () => resolve()))
  })
})
