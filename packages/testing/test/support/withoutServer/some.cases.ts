// A test that needs a server, and two that do not. The test of the global setup runs them where there is no server.
import { assert, it } from "@effect/vitest"
import { MongoClient } from "@mongofx/core"
import { MongoTest } from "@mongofx/testing"
import { Effect } from "effect"

it("adds", () => assert.strictEqual(1 + 1, 2))

it.effect("pings", () =>
  Effect.gen(function*() {
    const mongo = yield* MongoClient.MongoClient
    yield* mongo.ping
  }).pipe(Effect.provide(MongoTest.layer)))

it("multiplies", () => assert.strictEqual(2 * 2, 4))
