import type * as EffectVitest from "@effect/vitest"
import type * as EffectModule from "effect"
import { vi } from "vitest"

// The server of this worker, see vitest.globalSetup.ts.
const servers = process.env["MONGOFX_TEST_SERVERS"]
if (servers !== undefined) {
  const response = await fetch(`${servers}/${process.env["VITEST_POOL_ID"]}`)
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  process.env["MONGODB_URI"] = text
}

// Every test by a clock that stands still: what hangs waits for a server by the wrong clock. What the tests themselves sleep is real
// time all the same: they import `effect`, the sources its modules.
if (process.env["MONGOFX_TEST_CLOCK"] === "1") {
  const replaced = <A extends object>(original: A, others: Readonly<Record<string, unknown>>): A =>
    new Proxy(original, { get: (_, key) => Reflect.get(key in others ? others : original, key) as unknown })

  vi.doMock("@effect/vitest", async (original) => {
    const module = await original<typeof EffectVitest>()
    return { ...module, it: replaced(module.it, { live: module.it.effect }) }
  })
  vi.doMock("effect", async (original) => {
    const module = await original<typeof EffectModule>()
    const { Clock, Duration, Effect } = module
    const sleep = (duration: EffectModule.Duration.Input) =>
      Clock.Clock.defaultValue().sleep(Duration.fromInputUnsafe(duration))
    return { ...module, Effect: { ...Effect, sleep } }
  })
}
