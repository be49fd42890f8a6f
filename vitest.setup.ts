import type * as EffectVitest from "@effect/vitest"
import type * as EffectModule from "effect"
import { vi } from "vitest"

// The server of this worker: see vitest.globalSetup.ts.
const servers = process.env["MONGOFX_TEST_SERVERS"]
if (servers !== undefined) {
  const response = await fetch(`${servers}/${process.env["VITEST_POOL_ID"]}`)
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  process.env["MONGODB_URI"] = text
}

// Runs every test by a clock that stands still: a test that hangs waits for a server by the wrong clock. The sleeps and time limits of
// the tests themselves stay real: tests import `effect`, while the sources import its modules.
if (process.env["MONGOFX_TEST_CLOCK"] === "1") {
  const replaced = <A extends object>(original: A, others: Readonly<Record<string, unknown>>): A =>
    new Proxy(original, { get: (_, key) => Reflect.get(key in others ? others : original, key) as unknown })

  vi.doMock("@effect/vitest", async (original) => {
    const module = await original<typeof EffectVitest>()
    return { ...module, it: replaced(module.it, { live: module.it.effect }) }
  })
  vi.doMock("effect", async (original) => {
    const module = await original<typeof EffectModule>()
    const { Cause, Clock, Duration, Effect, Function, Option } = module
    const sleep = (duration: EffectModule.Duration.Input) =>
      Clock.Clock.defaultValue().sleep(Duration.fromInputUnsafe(duration))
    const timeoutOption: typeof Effect.timeoutOption = Function.dual(
      2,
      <A, E, R>(self: EffectModule.Effect.Effect<A, E, R>, duration: EffectModule.Duration.Input) =>
        Effect.raceFirst(Effect.asSome(self), Effect.as(sleep(duration), Option.none()))
    )
    const timeoutOrElse: typeof Effect.timeoutOrElse = Function.dual(
      2,
      <A, E, R, A2, E2, R2>(
        self: EffectModule.Effect.Effect<A, E, R>,
        { duration, orElse }: {
          readonly duration: EffectModule.Duration.Input
          readonly orElse: () => EffectModule.Effect.Effect<A2, E2, R2>
        }
      ) =>
        Effect.flatMap(
          timeoutOption(self, duration),
          (done): EffectModule.Effect.Effect<A | A2, E2, R2> =>
            Option.isSome(done) ? Effect.succeed(done.value) : orElse()
        )
    )
    const timeout: typeof Effect.timeout = Function.dual(
      2,
      <A, E, R>(self: EffectModule.Effect.Effect<A, E, R>, duration: EffectModule.Duration.Input) =>
        timeoutOrElse(self, { duration, orElse: () => Effect.fail(new Cause.TimeoutError()) })
    )
    return { ...module, Effect: { ...Effect, sleep, timeout, timeoutOption, timeoutOrElse } }
  })
}
