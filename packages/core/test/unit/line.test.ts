/**
 * The line of a session: one at a time, in the order in which they ask, whoever is interrupted.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Line } from "@mongofx/core/internal/call/line"
import { Cause, Deferred, Effect, Exit, Fiber } from "effect"

/** A line whose turn is taken until `free`, and what was done in it. */
const held = Effect.gen(function*() {
  const line = new Line()
  const free = yield* Deferred.make<void>()
  const log: Array<string> = []
  const holder = yield* Effect.forkChild(line.inTurn(Deferred.await(free)), { startImmediately: true })
  const say = (name: string) => line.inTurn(Effect.sync(() => log.push(name)))
  const fork = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkChild(effect, { startImmediately: true })
  return { line, free: Deferred.succeed(free, undefined), holder, log, say, fork }
})

describe("a line", () => {
  it.effect("lets them go on one at a time, in the order in which they ask", () =>
    Effect.gen(function*() {
      const { fork, free, line, log } = yield* held
      let inside = 0
      const fibers = yield* Effect.forEach(Array.from({ length: 20 }, (_, i) => i), (i) =>
        fork(line.inTurn(Effect.gen(function*() {
          assert.strictEqual(++inside, 1)
          log.push(String(i))
          yield* Effect.yieldNow
          inside--
        }))))
      assert.deepStrictEqual(log, [])
      yield* free
      yield* Fiber.joinAll(fibers)
      assert.deepStrictEqual(
        log,
        Array.from({ length: 20 }, (_, i) =>
          String(i))
      )
    }))

  it.effect("nobody who comes later is first, not even between two turns", () =>
    Effect.gen(function*() {
      const { fork, free, holder, log, say } = yield* held
      const waiting = yield* fork(say("waiting"))
      yield* free
      yield* Fiber.join(holder)
      const late = yield* fork(say("late"))
      yield* Fiber.joinAll([waiting, late])
      assert.deepStrictEqual(log, ["waiting", "late"])
    }))

  it.effect("who is interrupted while it waits has not begun, and lets the next one go on", () =>
    Effect.gen(function*() {
      const { fork, free, line, log, say } = yield* held
      const failures: Array<unknown> = []
      const gone = yield* fork(line.inTurn(Effect.sync(() => log.push("gone")), (exit) => failures.push(exit)))
      const next = yield* fork(say("next"))
      yield* Fiber.interrupt(gone)
      yield* free
      yield* Fiber.join(next)
      yield* say("last")
      assert.deepStrictEqual(log, ["next", "last"])
      assert.deepStrictEqual(failures, [])
    }))

  it.effect("who is interrupted in the moment in which it gets its turn gives it to the next one", () =>
    Effect.gen(function*() {
      const line = new Line()
      const log: Array<string> = []
      const failures: Array<unknown> = []
      let gone: Fiber.Fiber<unknown> | undefined
      const free = yield* Deferred.make<void>()
      const holder = yield* Effect.forkChild(line.inTurn(Deferred.await(free)), { startImmediately: true })
      gone = yield* Effect.forkChild(line.inTurn(Effect.sync(() => log.push("gone")), (exit) => failures.push(exit)), {
        startImmediately: true
      })
      const next = yield* Effect.forkChild(line.inTurn(Effect.sync(() => log.push("next"))), { startImmediately: true })
      // As the holder ends, the turn is given; the one who got it goes on a microtask later.
      holder.addObserver(() => gone?.interruptUnsafe())
      yield* Deferred.succeed(free, undefined)
      yield* Fiber.join(next)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(gone)))
      assert.deepStrictEqual(log, ["next"])
      assert.deepStrictEqual(failures, [])
    }))

  it.effect("a failure is told before the next one's turn, an interruption on the way too", () =>
    Effect.gen(function*() {
      const { fork, free, line, log, say } = yield* held
      const told = (exit: Exit.Failure<unknown, unknown>) => {
        log.push(Cause.hasInterruptsOnly(exit.cause) ? "interrupted" : "failed")
      }
      const failing = yield* fork(line.inTurn(Effect.fail("no"), told))
      const running = yield* fork(line.inTurn(Effect.never, told))
      const last = yield* fork(say("last"))
      yield* free
      assert.isTrue(Exit.isFailure(yield* Fiber.await(failing)))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(running)
      yield* Fiber.join(last)
      assert.deepStrictEqual(log, ["failed", "interrupted", "last"])
    }))
})
