import { it } from "@effect/vitest"

// The server of this worker, see vitest.globalSetup.ts.
const servers = process.env["MONGOFX_TEST_SERVERS"]
if (servers !== undefined) {
  const response = await fetch(`${servers}/${process.env["VITEST_POOL_ID"]}`)
  const text = await response.text()
  if (!response.ok) throw new Error(text)
  process.env["MONGODB_URI"] = text
}

// Every test by a clock that stands still: what hangs waits for a server by the wrong clock.
if (process.env["MONGOFX_TEST_CLOCK"] === "1") Object.assign(it, { live: it.effect })
