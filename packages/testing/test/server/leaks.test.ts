import { assert, describe, it } from "@effect/vitest"
import { MongoServer, MongoTest } from "@mongofx/testing"
import { lookAtServer } from "@mongofx/testing/internal/leaks"
import { Effect, Redacted } from "effect"

describe("the client that looks at the server", () => {
  it.live("is the same for tests one after the other, and closes when no test needs it any more", () =>
    Effect.gen(function*() {
      const { uri } = yield* MongoServer.MongoServer
      // An address of its own, so that no other test uses the client.
      const url = new URL(Redacted.value(uri))
      url.searchParams.set("maxPoolSize", "3")
      const server = { source: "uri" as const, uri: Redacted.make(url.href) }
      const one = yield* Effect.scoped(lookAtServer(server))
      const closed = yield* Effect.scoped(Effect.gen(function*() {
        const two = yield* lookAtServer(server)
        assert.strictEqual(two, one)
        const closed = new Promise((resolve) => two.client.once("topologyClosed", resolve))
        yield* Effect.promise(() => two.client.db("admin").command({ ping: 1 }))
        return closed
      }))
      yield* Effect.promise(() => closed)
      const three = yield* Effect.scoped(lookAtServer(server))
      assert.notStrictEqual(three, one)
    }).pipe(Effect.provide(MongoTest.layer)))
})
