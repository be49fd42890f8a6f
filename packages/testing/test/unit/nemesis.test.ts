import { assert, describe, it } from "@effect/vitest"
import { Nemesis } from "@mongofx/testing"
import { textOfLog } from "@mongofx/testing/internal/nemesis/faultLog"
import { Cause, Effect, Exit, Random, Schedule } from "effect"
import { vi } from "vitest"
import { until } from "../support/processes.ts"

/** A fault without a server. */
const fault = (description: string): Effect.Effect<Nemesis.Fault> => Effect.succeed({ description, members: [] })

const kinds = { a: fault("one"), b: fault("two"), c: Effect.flip(fault("no")) as Effect.Effect<never, Nemesis.Fault> }

const lasts = ["1 millis", "3 millis"] as const

const untilFaults = (nemesis: Nemesis.Running, count: number) =>
  until(
    `${count} faults`,
    () =>
      Effect.runPromise(Effect.map(nemesis.log, (log) => log.filter(({ event }) => event !== "begins").length >= count))
  )

const choicesOf = (seed: string | undefined) =>
  Effect.scoped(Effect.gen(function*() {
    const nemesis = yield* Nemesis.random(Schedule.spaced("1 millis"), kinds, { lasts, seed })
    yield* untilFaults(nemesis, 12)
    const log = yield* nemesis.log
    return {
      seed: nemesis.seed,
      kinds: log.filter(({ event }) => event !== "ends").slice(0, 10).map(({ kind }) => kind)
    }
  }))

/** What a run writes to the standard error output, and how it ends. */
const output = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    let text = ""
    const write = vi.spyOn(process.stderr, "write").mockImplementation((chunk) => (text += String(chunk)) !== "")
    const exit = yield* Effect.exit(Effect.scoped(self)).pipe(Effect.ensuring(Effect.sync(() => write.mockRestore())))
    return { exit, text }
  })

describe("Nemesis.random", () => {
  // Under TestClock, which stands still.
  it.effect("repeats its choices by the seed, and makes seeds by Random", () =>
    Effect.gen(function*() {
      const first = yield* choicesOf(undefined)
      assert.deepStrictEqual(yield* choicesOf(first.seed), first)
      const other = yield* choicesOf("another")
      assert.notDeepEqual(other.kinds, first.kinds)
      const [left, right] = yield* Effect.all([choicesOf(undefined), choicesOf(undefined)].map(Random.withSeed("x")))
      assert.deepStrictEqual(left, right)
    }))

  it.effect("notes what begins, what ends after it is healed, and what was not possible", () =>
    Effect.gen(function*() {
      let open = 0
      const counted = Effect.acquireRelease(
        Effect.sync((): Nemesis.Fault => ({ description: `number ${++open}`, members: [] })),
        () => Effect.sync(() => open--)
      )
      const seen: Array<number> = []
      const nemesis = yield* Nemesis.random(
        Schedule.spaced("1 millis"),
        { counted, failing: Effect.suspend(() => Effect.fail(new Error(`not now, ${seen.push(open)}`))) },
        { lasts, seed: "7" }
      )
      yield* untilFaults(nemesis, 20)
      yield* nemesis.stop
      assert.strictEqual(open, 0)
      assert.isTrue(seen.length > 0 && seen.every((count) => count === 0))
      const log = yield* nemesis.log
      const running = log.filter(({ kind }) => kind === "counted")
      assert.isTrue(running.every(({ event }, index) => event === (index % 2 === 0 ? "begins" : "ends")))
      assert.isTrue(running.every(({ description }) => description === "number 1"))
      const skipped = log.filter(({ kind }) => kind === "failing")
      assert.isTrue(skipped.every(({ description, event }) => event === "skipped" && description.startsWith("not now")))
      const after = log.length
      yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 30)))
      assert.lengthOf(yield* nemesis.log, after)
    }))

  it.effect("prints its log with the seed when the scope fails, after the last fault is healed", () =>
    Effect.gen(function*() {
      const { exit, text } = yield* output(Effect.gen(function*() {
        const nemesis = yield* Nemesis.random(
          Schedule.spaced("1 millis"),
          { quick: fault("one"), slow: fault("two") },
          {
            lasts: ["5 millis", "5 millis"],
            seed: "s-1"
          }
        )
        yield* untilFaults(nemesis, 3)
        return yield* Effect.fail("the balance is wrong")
      }))
      assert.isTrue(Exit.isFailure(exit))
      assert.include(text, `Nemesis.random with the seed "s-1"`)
      assert.match(text, / s {2}quick begins: one\n/)
      assert.match(text, / ends: (one|two)\n$/)
    }))

  it.effect("prints nothing when the scope succeeds", () =>
    Effect.gen(function*() {
      const { exit, text } = yield* output(
        Effect.flatMap(
          Nemesis.random(Schedule.spaced("1 millis"), kinds, { lasts }),
          (nemesis) => untilFaults(nemesis, 2)
        )
      )
      assert.deepStrictEqual([Exit.isSuccess(exit), text], [true, ""])
    }))

  it.effect("ends the scope with a defect when a fault can never be made, or is not healed", () =>
    Effect.gen(function*() {
      const never = new Nemesis.NemesisError({ kind: "notProxied", message: "connected directly" })
      const stuck = Effect.acquireRelease(fault("one"), () => Effect.die(new Error("it does not come back")))
      for (
        const [kind, words] of [[Effect.fail(never), "connected directly"], [stuck, "does not come back"]] as const
      ) {
        const { exit, text } = yield* output(
          Effect.flatMap(
            Nemesis.random(Schedule.spaced("1 millis"), {
              kind: Effect.scoped(kind as Effect.Effect<unknown, unknown>)
            }, { lasts }),
            (nemesis) => until("it is noted", () => Effect.runPromise(Effect.map(nemesis.log, (log) => log.length > 0)))
          )
        )
        assert.isTrue(Exit.isFailure(exit))
        assert.include(text, words)
      }
    }))

  it.effect("ends the scope with a defect when the fault of the last moment is not healed", () =>
    Effect.gen(function*() {
      const stuck = Effect.acquireRelease(fault("one"), () => Effect.die(new Error("it does not come back")))
      for (const stops of [false, true]) {
        const { exit, text } = yield* output(
          Effect.gen(function*() {
            const nemesis = yield* Nemesis.random(Schedule.spaced("1 millis"), { stuck }, {
              lasts: ["1 hour", "1 hour"]
            })
            yield* until("it begins", () => Effect.runPromise(Effect.map(nemesis.log, (log) => log.length > 0)))
            if (stops) yield* nemesis.stop
          })
        )
        assert.strictEqual(Exit.isFailure(exit) && String(Cause.squash(exit.cause)), "Error: it does not come back")
        assert.match(text, /stuck begins: one\n.*stuck skipped: it does not come back\n$/)
      }
    }))
})

describe("the log of a nemesis", () => {
  it("shows the last lines with their times", () => {
    const entries = Array.from({ length: 205 }, (_, index): Nemesis.Entry => ({
      at: index * 1001,
      event: "begins",
      kind: "kill",
      description: `member ${index}`
    }))
    const lines = textOfLog("s", entries).split("\n")
    assert.strictEqual(lines[1], "  … 5 earlier lines")
    assert.strictEqual(lines[2], "     5.005 s  kill begins: member 5")
    assert.lengthOf(lines, 202)
    assert.include(textOfLog("s", []), "nothing yet")
  })
})
