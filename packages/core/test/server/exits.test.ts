/**
 * A process whose servers are gone ends when its client is closed.
 *
 * @since 0.1.0
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { startReplicaSet } from "../support/replicaSet.ts"
import { timed } from "../support/utils.ts"

const program = fileURLToPath(new URL("../support/exits.ts", import.meta.url))

/** The process, and how to wait for what it says and for its end. */
const started = (url: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => fork(program, [url], { execArgv: ["--import", "tsx"] })),
      (child) => Effect.sync(() => child.kill("SIGKILL"))
    ),
    (child) => {
      const exited = new Promise<number | null>((resolve) => child.once("exit", resolve))
      const said = (word: string) =>
        new Promise<void>((resolve, reject) => {
          child.on("message", (message) => message === word && resolve())
          void exited.then((code) => reject(new Error(`ended with ${code} before it said ${word}`)))
        })
      return { child, exited: Effect.promise(() => exited), said: (word: string) => Effect.promise(() => said(word)) }
    }
  )

describe.each(["freeze", "kill"] as const)("a process whose server is gone (%s)", (outage) => {
  it.live("ends when its scope has closed", () =>
    Effect.gen(function*() {
      const set = yield* startReplicaSet(1)
      const { child, exited, said } = yield* started(Redacted.value(set.uri))
      yield* said("ready")
      set.members[0]![outage]()
      child.send("close")
      const [, closing] = yield* timed(said("closed"))
      assert.isBelow(closing, 15_000)
      const [code, ending] = yield* timed(exited)
      assert.strictEqual(code, 0)
      assert.isBelow(ending, 3000)
    }), 60_000)
})
